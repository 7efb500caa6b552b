//! Pipelines, messages of several statements, and the order of what comes back.

use crate::harness::{Shop, record::Records, wire::Reply};

const WRITE_A: &str = "UPDATE notes SET body = 'a' WHERE id = 1";
const WRITE_B: &str = "UPDATE notes SET body = 'b' WHERE id = 2";

/// No statement of any message was sent, also not the harmless ones beside those that were denied.
fn none_ran(records: &Records) {
    for decision in records.decisions() {
        let outcome = records.outcome(&decision);
        assert!(outcome.is_none_or(|outcome| outcome["outcome"] == "skipped"), "{decision}");
    }
}

/// How many notes were changed, in the database behind Jurat and in its twin.
async fn changed(shop: &Shop, through: bool) -> i64 {
    let query = "SELECT count(*) FROM notes WHERE body IN ('a', 'b')";
    if through {
        return shop.count(query).await;
    }
    shop.direct().await.query_one(query, &[]).await.unwrap().get(0)
}

/// Two notes to write to, in both.
async fn with_notes(shop: &Shop) {
    let make = "INSERT INTO notes (body) VALUES ('one'), ('two')";
    shop.inspector().await.batch_execute(make).await.unwrap();
    shop.direct().await.batch_execute(make).await.unwrap();
}

/// The messages before a Sync are one transaction: a denial among them takes back what came before it, as an
/// error of the database at that place does.
#[tokio::test]
async fn prot_10_a_denial_in_a_pipeline_keeps_none_of_it() {
    let Some(shop) = Shop::usual().await else { return };
    with_notes(&shop).await;
    for (mut wire, through) in [(shop.direct_wire().await, false), (shop.wire("shopd").await, true)]
    {
        let middle = if through { "DELETE FROM payments" } else { "SELECT 1 / 0" };
        wire.parse("", WRITE_A).bind("", "").execute("");
        wire.parse("", middle).bind("", "").execute("");
        wire.parse("", WRITE_B).bind("", "").execute("").sync();
        let reply = wire.answer().await;
        assert!(reply.tags().starts_with("1 2 C ") && reply.tags().ends_with("E ZI"), "{reply:?}");
        assert_eq!(changed(&shop, through).await, 0);
        // With a Sync in between, what came before it stays.
        wire.parse("", WRITE_A).bind("", "").execute("").sync();
        wire.parse("", middle).bind("", "").execute("");
        wire.parse("", WRITE_B).bind("", "").execute("").sync();
        assert_eq!(wire.answer().await.tags(), "1 2 C ZI");
        assert!(wire.reply().await.tags().ends_with("E ZI"));
        assert_eq!(changed(&shop, through).await, 1);
    }
    drop(shop.close().await);
}

/// A refusal of Jurat's own must not overtake answers that the database still owes.
#[tokio::test]
async fn prot_11_replies_stay_in_order_around_a_denial() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    wire.query("SELECT count(*) FROM numbers").query("DROP TABLE orders").query("SELECT 'after'");
    assert_eq!(wire.answer().await.tags(), "T D C ZI");
    assert_eq!(wire.reply().await.tags(), "E ZI");
    assert_eq!(wire.reply().await.value(), "after");
    // Behind a Close, a Parse, a Describe and a slow Execute, in one write.
    wire.close_statement("none").parse("", "DROP TABLE orders").sync().query("SELECT 'later'");
    assert_eq!(wire.answer().await.tags(), "3 E ZI");
    assert_eq!(wire.reply().await.value(), "later");
    wire.parse("a", "SELECT count(*) FROM numbers")
        .describe_statement("a")
        .bind("", "a")
        .execute("");
    wire.parse("b", "DROP TABLE orders").bind("", "b").execute("").sync();
    wire.close_statement("a").sync();
    assert_eq!(wire.answer().await.tags(), "1 t T 2 D C E ZI");
    assert_eq!(wire.reply().await.tags(), "3 ZI");
    drop(wire);
    shop.close().await;
}

/// A COMMIT inside one message makes what came before it last: all of it is judged before any of it is sent.
#[tokio::test]
async fn prot_12_a_commit_inside_a_message() {
    let Some(shop) = Shop::usual().await else { return };
    let mut direct = shop.direct_wire().await;
    let text = "DELETE FROM payments; COMMIT; SELECT 1/0";
    assert_eq!(direct.run(text).await.sqlstate(), "22012");
    assert_eq!(direct.run("SELECT count(*) FROM payments").await.value(), "0", "it is gone");

    let mut wire = shop.wire("shopd").await;
    for text in [
        text,
        "SELECT 1; COMMIT; DELETE FROM payments",
        "BEGIN; UPDATE notes SET body = 'x' WHERE id = 1; COMMIT; DROP TABLE payments",
        "COMMIT; DROP SCHEMA archive CASCADE",
        "ROLLBACK; TRUNCATE payments; BEGIN",
    ] {
        let reply = wire.run(text).await;
        assert_eq!((reply.sqlstate().as_str(), reply.tags().as_str()), ("42501", "E ZI"), "{text}");
    }
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    drop(wire);
    let records = shop.close().await;
    none_ran(&records);
}

#[tokio::test]
async fn prot_13_empty_statements_hide_nothing() {
    let Some(shop) = Shop::usual().await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    for text in
        ["", " ", ";", ";;;", "-- nothing", "/* nothing */", "/* /* nested */ */;", "\n;\n--x"]
    {
        assert_eq!(wire.run(text).await.tags(), direct.run(text).await.tags(), "{text:?}");
        let through = wire.run_extended(text, 0).await.tags();
        assert_eq!(through, direct.run_extended(text, 0).await.tags(), "extended: {text:?}");
    }
    for text in [
        "SELECT 1;;;/* */;DELETE FROM payments",
        ";;DELETE FROM payments",
        "--\nDELETE FROM payments",
        "/* SELECT 1; */ DELETE FROM payments;;",
        "SELECT 1; -- ;\n DELETE FROM payments",
    ] {
        assert_eq!(wire.run(text).await.sqlstate(), "42501", "{text}");
        assert_eq!(direct.run(&format!("BEGIN; {text}; ROLLBACK")).await.sqlstate(), "00000");
    }
    drop(wire);
    let records = shop.close().await;
    none_ran(&records);
    // What is empty is not judged: 5 denials, and a harmless statement beside 2 of them.
    assert_eq!((records.denials().len(), records.decisions().len()), (5, 7));
}

#[tokio::test]
async fn prot_14_two_statements_in_one_parse() {
    let Some(shop) = Shop::usual().await else { return };
    for mut wire in [shop.direct_wire().await, shop.wire("shopd").await] {
        for text in ["SELECT 1; SELECT 2", "SELECT 1; DELETE FROM payments", "SELECT 1;; SELECT 2;"]
        {
            let reply: Reply = wire.run_extended(text, 0).await;
            assert_eq!(
                (reply.sqlstate().as_str(), reply.tags().as_str()),
                ("42601", "E ZI"),
                "{text}"
            );
        }
        assert_eq!(wire.run_extended("SELECT 1;", 0).await.value(), "1");
    }
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    shop.close().await;
}
