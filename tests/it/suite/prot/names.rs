//! Names that one side makes and the other uses, and what they stand for when they are used.

use serde_json::Value;

use super::READ;
use crate::harness::{Setup, Shop, Wire, canary, until, wire::Reply};

/// The answer gives the value away where `leaks`, and holds no part of it where not.
fn shows(what: &str, reply: &Reply, leaks: bool) {
    assert_eq!(reply.error().map(|error| error.to_string()), None, "{what}");
    let bytes: Vec<u8> = reply.0.iter().flat_map(|message| message.body.clone()).collect();
    assert_eq!(canary::find(&bytes).is_some(), leaks, "{what}: {reply:?}");
    assert!(String::from_utf8_lossy(&bytes).contains('@'), "{what}: {reply:?}");
}

/// A session past Jurat, where attacks must work, and one through it, where they must not.
async fn both(shop: &Shop) -> [(Wire, bool); 2] {
    [(shop.direct_wire().await, true), (shop.wire("ana").await, false)]
}

/// To prepare runs nothing; each Execute is one decision with one record, however often a portal is run.
#[tokio::test]
async fn prot_01_every_execute_is_recorded() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    wire.parse("s", "SELECT note FROM orders WHERE id = $1").sync();
    assert_eq!(wire.answer().await.tags(), "1 ZI");
    assert_eq!(shop.records().decisions().len(), 0, "nothing has run");
    for id in ["1", "2", "3"] {
        let body = [&b"p\0s\0\0\0\0\x01\0\0\0\x01"[..], id.as_bytes(), b"\0\0"].concat();
        wire.raw(b'B', &body).execute_some("p", 1).execute("p").sync();
        assert_eq!(wire.answer().await.rows().len(), 1);
    }
    // What is refused is on record when it is prepared.
    wire.parse("", "DROP TABLE orders").sync();
    assert_eq!(wire.answer().await.sqlstate(), "42501");
    drop(wire);
    let records = shop.close().await;
    let decisions = records.decisions();
    assert_eq!((decisions.len(), records.denials().len()), (7, 1));
    for decision in &decisions[..6] {
        let statement = &decision["input"]["statement"];
        assert_eq!(statement["relations"][0]["id"], "public.orders");
        assert!(records.outcome(decision).is_some(), "{decision}");
    }
}

#[tokio::test]
async fn prot_02_prepare_in_sql_and_bind_by_message() {
    let Some(shop) = Shop::usual().await else { return };
    for (mut wire, leaks) in both(&shop).await {
        assert_eq!(wire.run(&format!("PREPARE p AS {READ}")).await.tags(), "C ZI");
        wire.bind("", "p").execute("").sync();
        shows("Bind of a PREPARE", &wire.answer().await, leaks);
        wire.bind("x", "p").sync();
        wire.answer().await;
    }
    shop.close().await;
}

#[tokio::test]
async fn prot_03_parse_by_message_and_execute_in_sql() {
    let Some(shop) = Shop::usual().await else { return };
    for (mut wire, leaks) in both(&shop).await {
        wire.parse("s", READ).sync();
        assert_eq!(wire.answer().await.tags(), "1 ZI");
        shows("EXECUTE of a Parse", &wire.run("EXECUTE s").await, leaks);
        wire.parse("", "EXECUTE s").bind("", "").execute("").sync();
        shows("Parse of an EXECUTE", &wire.answer().await, leaks);
        // EXPLAIN ANALYZE runs it and shows no rows; a table made of it would hold the raw value.
        let explained = wire.run("EXPLAIN ANALYZE EXECUTE s").await;
        let made = wire.run("CREATE TABLE stolen AS EXECUTE s").await;
        let codes: &[&str] = if leaks { &["00000"] } else { &["42501", "42601"] };
        assert!(codes.contains(&made.sqlstate().as_str()), "{made:?}");
        assert!(explained.sqlstate() == "00000" || !leaks, "{explained:?}");
    }
    let records = shop.close().await;
    let through_name = |record: &&Value| {
        record["input"]["statement"]["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("EXECUTE"))
    };
    for record in records.decisions().iter().filter(through_name) {
        let relations = record["input"]["statement"]["relations"].to_string();
        assert!(relations.contains("public.customers"), "judged without its body: {record}");
    }
}

#[tokio::test]
async fn prot_04_declare_in_sql_and_execute_by_message() {
    let Some(shop) = Shop::usual().await else { return };
    for (mut wire, leaks) in both(&shop).await {
        wire.run("BEGIN").await;
        assert_eq!(wire.run(&format!("DECLARE c CURSOR FOR {READ}")).await.tags(), "C ZT");
        wire.describe_portal("c").execute("c").sync();
        shows("Execute of a cursor", &wire.answer().await, leaks);
    }
    shop.close().await;
}

#[tokio::test]
async fn prot_05_bind_by_message_and_fetch_in_sql() {
    let Some(shop) = Shop::usual().await else { return };
    for (mut wire, leaks) in both(&shop).await {
        wire.run("BEGIN").await;
        wire.parse("", "SELECT email FROM customers ORDER BY id").bind("x", "").sync();
        assert_eq!(wire.answer().await.tags(), "1 2 ZT");
        shows("FETCH of a portal", &wire.run("FETCH 3 FROM x").await, leaks);
        assert_eq!(wire.run("MOVE 2 FROM x").await.tags(), "C ZT");
        shows("FETCH behind MOVE", &wire.run("FETCH ALL FROM x").await, leaks);
        assert_eq!(wire.run("CLOSE x").await.tags(), "C ZT");
        assert!(["34000", "26000"].contains(&wire.run("FETCH 1 FROM x").await.sqlstate().as_str()));
    }
    shop.close().await;
}

/// A cursor outlives the transaction and the policy that it was opened under: it is judged at each FETCH.
#[tokio::test]
async fn prot_06_a_held_cursor_under_a_policy_that_was_taken_back() {
    const CLOSED: &str = r#"package jurat.closed
        deny contains {"id": "closed.orders", "msg": "orders are closed"} if {
            some relation in input.statement.relations
            relation.id == "public.orders"
        }"#;
    let setup = Setup::default().policy("closed.rego", "package jurat.closed\n");
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = shop.wire("ana").await;
    wire.run("BEGIN").await;
    wire.run("DECLARE h CURSOR WITH HOLD FOR SELECT note FROM orders ORDER BY id").await;
    assert_eq!(wire.run("COMMIT").await.tags(), "C ZI");
    assert_eq!(wire.run("FETCH 1 FROM h").await.value(), "order 1");

    let loaded = shop.records().system("policy_loaded").len();
    shop.jurat.home.write("policy/closed.rego", CLOSED);
    shop.jurat.reload();
    until("the new policy", || {
        (shop.records().system("policy_loaded").len() > loaded).then_some(())
    });
    assert_eq!(wire.run("FETCH 1 FROM h").await.sqlstate(), "42501");
    wire.execute("h").sync();
    assert_eq!(wire.answer().await.sqlstate(), "42501");
    // To close it takes nothing out.
    assert_eq!(wire.run("CLOSE h").await.tags(), "C ZI");
    drop(wire);
    let records = shop.close().await;
    assert_eq!(records.denials().len(), 2);
}

/// After an error the server ignores Close and Parse up to Sync, so the old statement stays under the name.
#[tokio::test]
async fn prot_08_names_changed_behind_an_error_keep_their_meaning() {
    let Some(shop) = Shop::usual().await else { return };
    for (mut wire, leaks) in both(&shop).await {
        wire.parse("s1", READ).sync();
        assert_eq!(wire.answer().await.tags(), "1 ZI");
        for bad in ["SELECT 1 FROM orders GROUP BY note HAVING id > 0", "SELEC"] {
            wire.parse("bad", bad).close_statement("s1").parse("s1", "SELECT 1").sync();
            assert_eq!(wire.answer().await.tags(), "E ZI", "{bad}");
            wire.bind("", "s1").execute("").sync();
            shows("the first s1", &wire.answer().await, leaks);
        }
    }
    let records = shop.close().await;
    let last = records.decisions().pop().unwrap();
    assert!(last["input"]["statement"]["text"].as_str().unwrap().contains("customers"));
}

#[tokio::test]
async fn prot_09_the_unnamed_statement_is_the_last_one() {
    let Some(shop) = Shop::usual().await else { return };
    for (mut wire, leaks) in both(&shop).await {
        wire.parse("", "SELECT 'harmless'").parse("", READ).bind("", "").execute("").sync();
        shows("the second one", &wire.answer().await, leaks);
        wire.parse("", READ).parse("", "SELECT 'harmless'").bind("", "").execute("").sync();
        assert_eq!(wire.answer().await.value(), "harmless");
        // A simple query takes the unnamed statement away.
        wire.parse("", READ).sync().query("SELECT 1");
        wire.answer().await;
        wire.reply().await;
        wire.bind("", "").execute("").sync();
        assert_eq!(wire.answer().await.sqlstate(), "26000");
    }
    shop.close().await;
}

/// Jurat forgets names with the database, and who the database takes the session for cannot be changed.
#[tokio::test]
async fn prot_25_what_discard_takes_away() {
    let Some(shop) = Shop::usual().await else { return };
    for (mut wire, leaks) in both(&shop).await {
        for forget in
            ["DEALLOCATE ALL", "DISCARD ALL", "DEALLOCATE s", "DISCARD PLANS", "RESET ALL"]
        {
            wire.parse("s", "SELECT 'kept'").sync();
            let made = wire.answer().await.sqlstate();
            assert!(["00000", "42P05"].contains(&made.as_str()), "{forget}: {made}");
            let forgot = wire.run(forget).await.sqlstate();
            assert!(forgot == "00000" || !leaks, "{forget}: {forgot}");
            let taken = forgot == "00000" && !["DISCARD PLANS", "RESET ALL"].contains(&forget);
            wire.bind("", "s").execute("").sync();
            let reply = wire.answer().await;
            assert_eq!(reply.sqlstate(), if taken { "26000" } else { "00000" }, "{forget}");
            wire.close_statement("s").parse("s", READ).bind("", "s").execute("").sync();
            shows(forget, &wire.answer().await, leaks);
            wire.close_statement("s").sync();
            wire.answer().await;
        }
        // A setting that Jurat depends on stays what it is, also where the database resets it.
        assert_eq!(wire.run("SHOW standard_conforming_strings").await.value(), "on");
        let default = wire.run("SET SESSION AUTHORIZATION DEFAULT").await.sqlstate();
        let other = wire.run("SET SESSION AUTHORIZATION postgres").await.sqlstate();
        if leaks {
            assert_eq!((default.as_str(), other.as_str()), ("00000", "00000"));
        } else {
            assert!(["00000", "42501"].contains(&default.as_str()), "{default}");
            assert_eq!(other, "42501");
            assert_eq!(wire.run("SELECT current_user").await.value(), "app");
        }
    }
    shop.close().await;
}
