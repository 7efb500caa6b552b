//! Promise: a message of several statements may make what its later statements use, as migrations do, and
//! runs as the one transaction that PostgreSQL makes of it.

use crate::harness::{Setup, Shop, wire::Reply};

/// Messages whose answers are those of the database, to the tag.
const MESSAGES: &[&str] = &[
    "CREATE TABLE made (id int); INSERT INTO made VALUES (1), (2); SELECT count(*) FROM made",
    "CREATE TEMP TABLE scratch (id int, body text); INSERT INTO scratch VALUES (1, 'x'); SELECT * FROM scratch",
    "DROP TABLE IF EXISTS gone; CREATE TABLE gone (id int); DROP TABLE gone",
    "ALTER TABLE notes ADD COLUMN more int; UPDATE notes SET more = 1 WHERE id > 0; SELECT more FROM notes",
    "SET search_path = archive; SELECT count(*) FROM customers; SET search_path = public",
    "PREPARE p AS SELECT 5; EXECUTE p; DEALLOCATE p",
    "BEGIN; CREATE TABLE inside (id int); INSERT INTO inside VALUES (1); COMMIT; SELECT count(*) FROM inside",
    "BEGIN; DECLARE c CURSOR FOR SELECT 6; FETCH ALL FROM c; COMMIT",
    "BEGIN; CREATE TABLE undone (id int); INSERT INTO undone VALUES (1); ROLLBACK",
    "BEGIN; CREATE TABLE kept (id int); SAVEPOINT s; INSERT INTO kept VALUES (1); ROLLBACK TO s; COMMIT",
    // Errors take back what came before in the same message, and skip the rest.
    "CREATE TABLE failed (id int); INSERT INTO failed VALUES (1); SELECT 1 / (id - 1) FROM failed; SELECT 2",
    "BEGIN; CREATE TABLE failed (id int); SELECT 1 / 0 FROM (SELECT * FROM failed) f, numbers; SELECT 3; INSERT INTO failed VALUES (1 / 0)",
    "ROLLBACK",
    "CREATE TABLE failed (id int); CREATE TABLE failed (id int); SELECT 1 FROM failed",
];

/// What a client sees of a reply: the tags, the first error, the rows and the command tags.
fn seen(reply: &Reply) -> [String; 3] {
    let told = reply.0.iter().filter(|message| matches!(message.tag, b'C' | b'D'));
    let told: Vec<_> = told.map(|message| String::from_utf8_lossy(&message.body)).collect();
    [reply.tags_but_settings(), reply.sqlstate(), told.join("|")]
}

#[tokio::test]
async fn a_message_may_use_what_it_makes() {
    let Some(shop) = Shop::open(Setup::staging()).await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    for text in MESSAGES {
        // With messages around it in the same write, whose answers must keep their places.
        let mut heard = Vec::new();
        for session in [&mut direct, &mut wire] {
            session.query("SELECT 'before'").query(text).query("SELECT 'next'").send().await;
            let mut replies = Vec::new();
            for _ in 0..3 {
                replies.push(seen(&session.reply().await));
            }
            heard.push(replies);
        }
        assert_eq!(heard[0], heard[1], "{text}");
    }
    // In a block of the client's own.
    for text in MESSAGES.iter().filter(|text| !text.contains("BEGIN")) {
        let text = text.replace("made", "made_inside").replace("more", "more_inside");
        let mut heard = Vec::new();
        for session in [&mut direct, &mut wire] {
            session.run("BEGIN").await;
            heard.push(seen(&session.run(&text).await));
            session.run("ROLLBACK").await;
        }
        assert_eq!(heard[0], heard[1], "in a block: {text}");
    }
    let tables = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let twin: String = shop.direct().await.query_one(tables, &[]).await.unwrap().get(0);
    let behind: String = shop.inspector().await.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(twin, behind);
    assert!(
        twin.contains("made") && !twin.contains("failed") && !twin.contains("undone"),
        "{twin}"
    );
    let records = shop.close().await;
    let decision = records.decision_on("INSERT INTO made VALUES");
    assert_eq!(decision["input"]["statement"]["relations"][0]["id"], "public.made");
    assert_eq!(decision["input"]["statement"]["index"], 1);
    assert_eq!(records.outcome(&decision).unwrap()["rows"], 2);
}

#[tokio::test]
async fn a_denial_takes_back_what_came_before_in_the_message() {
    let Some(shop) = Shop::open(Setup::staging()).await else { return };
    let mut wire = shop.wire("shopd").await;
    for (text, tags) in [
        (
            "CREATE TABLE first (id int); INSERT INTO first VALUES (1); DELETE FROM first",
            "C C E ZI",
        ),
        (
            "CREATE TABLE first (id int); SELECT pg_read_file('PG_VERSION') FROM first; SELECT 1",
            "C E ZI",
        ),
        (
            "CREATE TABLE first (id int); DELETE FROM payments; INSERT INTO first VALUES (1)",
            "C E ZI",
        ),
        // What can be foreseen refuses the message before anything has run.
        ("DELETE FROM payments; CREATE TABLE first (id int); INSERT INTO first VALUES (1)", "E ZI"),
    ] {
        let reply = wire.run(text).await;
        assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), (tags, "42501"), "{text}");
        assert_eq!(wire.run("SELECT 1").await.tags(), "T D C ZI", "{text}");
        wire.run("BEGIN").await;
        let reply = wire.run(text).await;
        assert!(reply.tags().ends_with("E ZE"), "{text}: {}", reply.tags());
        assert_eq!(wire.run("ROLLBACK").await.tags(), "C ZI");
    }
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    assert_eq!(shop.count("SELECT count(*) FROM pg_class WHERE relname = 'first'").await, 0);
    shop.close().await;
}

/// What a later statement reads is judged as what it is by then: a table that shadows another, a mask.
#[tokio::test]
async fn later_statements_are_judged_by_what_names_mean_then() {
    let Some(shop) = Shop::open(Setup::staging()).await else { return };
    let mut wire = shop.wire("ana").await;
    let reply =
        wire.run("CREATE TEMP TABLE other (id int); SELECT email FROM customers, other").await;
    assert_eq!(reply.tags(), "C T C ZI");
    let reply = wire
        .run("CREATE TEMP TABLE orders (id int); SELECT id, email FROM customers LIMIT 1")
        .await;
    assert_eq!(reply.tags(), "C T D C ZI");
    wire.run("SET search_path = archive; SELECT email FROM customers; SET search_path = public; SELECT email FROM customers").await;
    assert_eq!(crate::harness::canary::find(&wire.received), None);
    assert!(!String::from_utf8_lossy(&wire.received).contains("archived1"));
    shop.close().await;
}

#[tokio::test]
async fn what_is_not_the_same_one_by_one_is_refused() {
    let Some(shop) = Shop::open(Setup::staging()).await else { return };
    let mut wire = shop.wire("shopd").await;
    for text in [
        "CREATE TABLE mixed (id int); COMMIT; INSERT INTO mixed VALUES (1)",
        "CREATE TABLE mixed (id int); BEGIN; INSERT INTO mixed VALUES (1); COMMIT",
        "CREATE TABLE mixed (id int); SAVEPOINT s; INSERT INTO mixed VALUES (1)",
    ] {
        let reply = wire.run(text).await;
        assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("E ZI", "0A000"), "{text}");
    }
    // Behind an unfinished pipeline: its answers may not come before this one.
    wire.parse("", "SELECT 1").bind("", "").execute("");
    let reply =
        wire.query("CREATE TABLE mixed (id int); INSERT INTO mixed VALUES (1)").answer().await;
    assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("1 2 D C E ZI", "0A000"));
    // A constraint that is checked at the end fails there, and nothing is kept.
    let deferred = "CREATE TABLE parent (id int PRIMARY KEY); \
                    CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED); \
                    INSERT INTO child VALUES (1)";
    let reply = wire.run(deferred).await;
    assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("C C C E ZI", "23503"));
    let made = "SELECT count(*) FROM pg_class WHERE relname IN ('mixed', 'parent', 'child')";
    assert_eq!(shop.count(made).await, 0);
    // Rows of the client in between.
    wire.query("CREATE TABLE filled (id int); COPY filled FROM STDIN; SELECT count(*) FROM filled");
    wire.copy_data(b"1\n2\n").copy_done();
    assert_eq!(wire.answer().await.tags(), "C G C T D C ZI");
    shop.close().await;
}
