//! Promise: the one function that an ORM sends around its INSERT (Sequelize's `findOrCreate`) runs as that INSERT, and
//! nothing else gets to the database in its place.

use crate::harness::{Setup, Shop, canary, wire::Reply};

const TAG: &str = "$func_7c28332fd9964e1fa015f54afade7960$";
const CAUGHT: &str = " RETURNING * INTO response; EXCEPTION WHEN unique_violation THEN GET STACKED DIAGNOSTICS sequelize_caught_exception = PG_EXCEPTION_DETAIL; END ";

/// What Sequelize 6 sends; each part can be another one.
struct Message<'t> {
    name: &'t str,
    table: &'t str,
    insert: &'t str,
    caught: &'t str,
    language: &'t str,
    select: &'t str,
    drop: &'t str,
}

const NOTE: Message<'static> = Message {
    name: "pg_temp.testfunc",
    table: "\"notes\"",
    insert: "INSERT INTO \"notes\" (\"id\",\"body\") VALUES (7001,'it''s new')",
    caught: CAUGHT,
    language: "plpgsql",
    select: "(testfunc.response).\"id\", (testfunc.response).\"body\"",
    drop: "DROP FUNCTION IF EXISTS pg_temp.testfunc();",
};

impl Message<'_> {
    fn text(&self) -> String {
        let Self { name, table, insert, caught, language, select, drop } = self;
        format!(
            "CREATE OR REPLACE FUNCTION {name}(OUT response {table}, OUT sequelize_caught_exception text) RETURNS RECORD AS {TAG} BEGIN {insert}{caught}{TAG} LANGUAGE {language}; SELECT {select}, testfunc.sequelize_caught_exception FROM {name}(); {drop}"
        )
    }
}

/// What a client sees of a reply: the tags, the error and the rows and command tags.
fn seen(reply: &Reply) -> [String; 3] {
    let told = reply.0.iter().filter(|message| matches!(message.tag, b'C' | b'D'));
    let told: Vec<_> = told.map(|message| String::from_utf8_lossy(&message.body)).collect();
    [reply.tags_but_settings(), reply.sqlstate(), told.join("|")]
}

#[tokio::test]
async fn find_or_create_is_what_it_is_without_jurat() {
    let Some(shop) = Shop::open(Setup::default()).await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    let made = Message {
        insert: "INSERT INTO \"notes\" (\"body\") VALUES ('more')",
        select: "(testfunc.response).*",
        ..NOTE
    };
    let null = Message { insert: "INSERT INTO \"notes\" (\"id\") VALUES (NULL)", ..NOTE };
    // PL/pgSQL takes a second row for an error, and nothing stays.
    let rows = "INSERT INTO \"notes\" (\"id\") VALUES (generate_series(7010, 7011))";
    let rows = Message { insert: rows, ..NOTE };
    let messages =
        [(&NOTE, "00000"), (&NOTE, "00000"), (&made, "00000"), (&null, "23502"), (&rows, "P0003")];
    for around in ["", "BEGIN"] {
        for (message, sqlstate) in messages {
            let text = message.text();
            let mut heard = Vec::new();
            for session in [&mut direct, &mut wire] {
                session.run(around).await;
                session.query("SELECT 'before'").query(&text).query("SELECT 'next'").send().await;
                let mut replies = Vec::new();
                for _ in 0..3 {
                    replies.push(seen(&session.reply().await));
                }
                session.run("COMMIT").await;
                heard.push(replies);
            }
            assert_eq!(heard[0], heard[1], "{text}");
            assert_eq!(heard[0][1][1], sqlstate, "{text}");
        }
    }
    let notes = "SELECT string_agg(id || body, ' ' ORDER BY id) FROM notes";
    let twin: String = shop.direct().await.query_one(notes, &[]).await.unwrap().get(0);
    let behind: String = shop.inspector().await.query_one(notes, &[]).await.unwrap().get(0);
    assert_eq!((twin.as_str(), twin.contains("7001it's new")), (behind.as_str(), true));
    // Nothing is left that could be called.
    let left = "SELECT count(*) FROM pg_proc WHERE proname = 'testfunc'";
    assert_eq!(shop.count(left).await, 0);
    let records = shop.close().await;
    let decision = records.decision_on("INSERT INTO public.notes (\"id\", \"body\")");
    let statement = &decision["input"]["statement"];
    assert_eq!((&statement["kind"], &statement["class"]), (&"insert".into(), &"write".into()));
    assert_eq!(statement["relations"][0]["id"], "public.notes");
    assert_eq!(statement["count"], 1);
    assert_eq!(records.outcome(&decision).unwrap()["rows"], 1);
}

/// What differs from the message by as little as it takes to do something else.
#[tokio::test]
async fn whatever_else_is_in_the_function_is_refused() {
    let Some(shop) = Shop::open(Setup::staging()).await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("ana").await);
    let second = "INSERT INTO \"notes\" (\"id\") VALUES (1); DELETE FROM payments WHERE id = 1; INSERT INTO \"notes\" (\"id\") VALUES (7002)";
    let taken =
        "INSERT INTO \"notes\" (\"body\") VALUES ((SELECT email FROM customers WHERE id = 1))";
    let copied = "INSERT INTO \"notes\" (\"body\") SELECT email FROM customers WHERE id = 1";
    let plain = CAUGHT.replace("; EXCEPTION", "; DELETE FROM payments WHERE id = 2; EXCEPTION");
    let caught = CAUGHT.replace("PG_EXCEPTION_DETAIL", "PG_EXCEPTION_DETAIL; DELETE FROM payments");
    let read = " RETURNING * INTO response; SELECT email FROM customers INTO response.body; EXCEPTION WHEN unique_violation THEN GET STACKED DIAGNOSTICS sequelize_caught_exception = PG_EXCEPTION_DETAIL; END ";
    let customer = "INSERT INTO \"customers\" (\"id\",\"name\",\"email\",\"ssn\",\"card\") VALUES (1,'n','e','s','c')";
    for message in [
        Message { insert: second, ..NOTE },
        Message { insert: taken, ..NOTE },
        Message { insert: copied, ..NOTE },
        Message { caught: &plain, ..NOTE },
        Message { caught: &caught, ..NOTE },
        Message { caught: read, ..NOTE },
        Message { language: "plpgsql SECURITY DEFINER", ..NOTE },
        Message { name: "public.testfunc", drop: "DROP FUNCTION public.testfunc();", ..NOTE },
        Message { select: "(testfunc.response).\"id\", first_email()", ..NOTE },
        // A field that is no column of the row is a call with the row.
        Message { select: "(testfunc.response).\"row_to_json\"", ..NOTE },
        Message { drop: "SELECT email FROM customers;", ..NOTE },
        Message { drop: "", ..NOTE },
        // Masked columns, and what the server says about a row that exists.
        Message {
            table: "\"customers\"",
            insert: customer,
            select: "(testfunc.response).\"id\", (testfunc.response).\"email\"",
            ..NOTE
        },
    ] {
        let text = message.text();
        direct.run("BEGIN").await;
        assert!(direct.run(&text).await.error().is_none(), "{text}");
        direct.run("ROLLBACK").await;
        let reply = wire.run(&text).await;
        let error = reply.error().unwrap_or_else(|| panic!("{text}: {}", reply.tags()));
        assert!(error.message().contains("jurat"), "{text}: {error}");
        assert!(reply.tags().ends_with("E ZI"), "{text}");
        assert!(!reply.tags().contains('D'), "{text}: {}", reply.tags());
        assert_eq!(wire.run("SELECT 1").await.tags(), "T D C ZI");
    }
    assert_eq!(canary::find(&wire.received), None);
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0);
    shop.close().await;
}

/// Its rows count: as one row, which is what it can be at most.
#[tokio::test]
async fn limits_count_its_row() {
    let none = r#"package jurat.own
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 0} if input.principal.kind == "service"
"#;
    let one = none.replace("\"value\": 0", "\"value\": 1");
    for (policy, sqlstate, rows) in [(none, "42501", 0), (&*one, "00000", 1)] {
        let setup = Setup::default().policy("limits.rego", policy);
        let Some(shop) = Shop::open(setup).await else { return };
        let text = NOTE.text();
        assert!(shop.direct_wire().await.run(&text).await.error().is_none());
        for around in ["", "BEGIN"] {
            let mut wire = shop.wire("shopd").await;
            wire.run(around).await;
            let reply = wire.run(&text).await;
            assert_eq!(reply.sqlstate(), sqlstate, "{}", reply.tags());
            wire.run("COMMIT").await;
            assert_eq!(shop.count("SELECT count(*) FROM notes").await, rows);
        }
        shop.close().await;
    }
}

/// In the extended protocol several commands are an error, whatever they are.
#[tokio::test]
async fn it_cannot_be_prepared() {
    let Some(shop) = Shop::open(Setup::default()).await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    let (direct, wire) =
        (direct.run_extended(&NOTE.text(), 0).await, wire.run_extended(&NOTE.text(), 0).await);
    assert_eq!((direct.tags(), wire.tags()), ("E ZI".to_owned(), "E ZI".to_owned()));
    assert_eq!(direct.error().unwrap().message(), wire.error().unwrap().message());
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0);
    shop.close().await;
}
