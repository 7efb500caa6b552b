//! The guard keeps what a client may rely on: its transactions, its pipelines, the order of its replies.

use super::{assert_refused, limited, state};
use crate::harness::{Setup, Shop, client, cluster::cluster, sqlstate, tap::Tap, until};

const MANY: &str = "UPDATE payments SET paid = true WHERE id > 0";
const FEW: &str = "INSERT INTO notes (body) VALUES ('few')";

#[tokio::test]
async fn in_an_explicit_transaction_the_block_fails_as_after_any_error() {
    let Some(shop) = Shop::open(limited()).await else { return };
    let before = state(&shop).await;
    let mut wire = shop.wire("shopd").await;
    for extended in [false, true] {
        wire.run("BEGIN").await;
        assert_eq!(wire.run(FEW).await.tags(), "C ZT");
        let reply = match extended {
            false => wire.run(MANY).await,
            true => wire.run_extended(MANY, 0).await,
        };
        assert_refused(&reply, MANY, 100);
        assert!(reply.tags().ends_with("E ZE"), "{}", reply.tags());
        assert_eq!(wire.run("SELECT 1").await.sqlstate(), "25P02");
        assert_eq!(wire.run("COMMIT").await.tag(), "ROLLBACK");
        assert_eq!(state(&shop).await, before);
    }
    // A savepoint brings it back.
    wire.run("BEGIN").await;
    wire.run(FEW).await;
    wire.run("SAVEPOINT s").await;
    assert_eq!(wire.run(MANY).await.tags(), "E ZE");
    assert_eq!(wire.run("ROLLBACK TO s").await.tags(), "C ZT");
    assert_eq!(wire.run("COMMIT").await.tag(), "COMMIT");
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 1);
    assert_eq!(shop.count("SELECT count(*) FROM payments WHERE NOT paid").await, 67);
    shop.close().await;
}

/// The COMMIT is on its way before the number is known, in the same write.
#[tokio::test]
async fn a_commit_sent_ahead_waits_for_the_number() {
    let Some(shop) = Shop::open(limited()).await else { return };
    let before = state(&shop).await;
    let mut wire = shop.wire("shopd").await;
    wire.query("BEGIN").query(MANY).query("COMMIT").send().await;
    assert_eq!(wire.reply().await.tags(), "C ZT");
    assert_eq!(wire.reply().await.tags(), "E ZE");
    assert_eq!(wire.reply().await.tag(), "ROLLBACK");
    // In one pipeline, and over two.
    wire.parse("", "BEGIN").bind("", "").execute("");
    wire.parse("", MANY).bind("", "").execute("");
    wire.parse("", "COMMIT").bind("", "").execute("").sync();
    assert_eq!(wire.answer().await.tags(), "1 2 C 1 2 E ZE");
    wire.run("ROLLBACK").await;
    wire.parse("", "BEGIN").bind("", "").execute("").sync();
    wire.parse("", MANY).bind("", "").execute("").sync();
    wire.parse("", "COMMIT").bind("", "").execute("").sync();
    assert_eq!(wire.answer().await.tags(), "1 2 C ZT");
    assert_eq!(wire.reply().await.tags(), "1 2 E ZE");
    assert_eq!(wire.reply().await.tag(), "ROLLBACK");
    assert_eq!(state(&shop).await, before);
    shop.close().await;
}

#[tokio::test]
async fn a_pipeline_is_taken_back_as_a_whole() {
    let Some(shop) = Shop::open(limited()).await else { return };
    let before = state(&shop).await;
    let mut wire = shop.wire("shopd").await;
    wire.parse("", FEW).bind("", "").execute("");
    wire.parse("", MANY).bind("", "").execute("");
    wire.parse("", FEW).bind("", "").describe_portal("").execute("");
    wire.parse("", "SELECT id FROM orders").bind("", "").execute("").sync();
    wire.query("SELECT 'next'");
    let reply = wire.answer().await;
    assert_refused(&reply, MANY, 100);
    assert_eq!(reply.tags(), "1 2 C 1 2 E ZI");
    assert_eq!(wire.reply().await.value(), "next");
    assert_eq!(state(&shop).await, before);
    // Within the limit all of it stays, and the replies are those of the database.
    let mut direct = shop.direct_wire().await;
    let mut heard = Vec::new();
    for session in [&mut direct, &mut wire] {
        session.parse("p", "UPDATE orders SET note = 'y' WHERE id = 5").bind("", "p").execute("");
        session.bind("", "p").execute("").parse("", "SELECT note FROM orders WHERE id = 5");
        session.bind("", "").describe_portal("").execute("").sync();
        let reply = session.answer().await;
        heard.push((reply.tags(), reply.rows()));
        session.bind("", "p").execute("").sync();
        heard.push((session.answer().await.tags(), Vec::new()));
    }
    assert_eq!(heard[..2], heard[2..]);
    shop.close().await;
}

#[tokio::test]
async fn a_message_of_several_statements_is_one_transaction() {
    let Some(shop) = Shop::open(limited()).await else { return };
    let before = state(&shop).await;
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    for (text, tags) in [
        (format!("{FEW}; {MANY}; {FEW}"), "C E ZI"),
        (format!("BEGIN; {FEW}; {MANY}; COMMIT; SELECT 1"), "C C E ZE"),
        (format!("{FEW}; SELECT 1; {MANY}"), "C T D C E ZI"),
    ] {
        let reply = wire.run(&text).await;
        assert_eq!(reply.tags(), tags, "{text}");
        assert_refused(&reply, &text, 100);
        wire.run("ROLLBACK").await;
        assert_eq!(state(&shop).await, before, "{text}");
    }
    for text in [
        format!("{FEW}; {FEW}"),
        format!("SELECT 1; {FEW}; SELECT 2"),
        format!("BEGIN; {FEW}; COMMIT"),
        format!("BEGIN; {FEW}; ROLLBACK; {FEW}"),
        format!("{FEW}; SELECT 1 / 0; {FEW}"),
    ] {
        let mut heard = Vec::new();
        for session in [&mut direct, &mut wire] {
            let reply = session.run(&text).await;
            heard.push((reply.tags(), reply.sqlstate(), reply.rows()));
        }
        assert_eq!(heard[0], heard[1], "{text}");
    }
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 5);
    shop.close().await;
}

#[tokio::test]
async fn names_rows_of_copy_and_statements_in_with_are_counted() {
    let Some(shop) = Shop::open(limited()).await else { return };
    let before = state(&shop).await;
    let mut wire = shop.wire("shopd").await;
    wire.run(&format!("PREPARE many AS {MANY}")).await;
    let reply = wire.run("EXECUTE many").await;
    assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("E ZI", "42501"));
    assert_eq!(wire.run_extended("EXECUTE many", 0).await.sqlstate(), "42501");
    let rows: String = (0..20).map(|n| format!("copied {n}\n")).collect();
    for extended in [false, true] {
        let text = "COPY notes (body) FROM STDIN";
        if extended {
            wire.parse("", text).bind("", "").execute("");
            wire.copy_data(rows.as_bytes()).copy_done().sync();
        } else {
            wire.query(text).copy_data(rows.as_bytes()).copy_done();
        }
        let reply = wire.answer().await;
        assert_refused(&reply, text, 20);
        assert_eq!(reply.tags(), if extended { "1 2 G E ZI" } else { "G E ZI" });
        if extended {
            wire.parse("", text).bind("", "").execute("").copy_data(b"one\n").copy_done().sync();
            assert_eq!(wire.answer().await.tags(), "1 2 G C ZI");
        }
    }
    wire.run("DELETE FROM notes WHERE body = 'one'").await;
    assert_eq!(state(&shop).await, before);
    shop.close().await;
}

/// Checks that are put off to the end speak when Jurat commits, in the place of the tag.
#[tokio::test]
async fn a_constraint_that_is_put_off_fails_as_without_jurat() {
    let objects = "CREATE TABLE child (id int REFERENCES numbers DEFERRABLE INITIALLY DEFERRED)";
    let Some(shop) = Shop::open(Setup { objects, ..limited() }).await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    let text = "INSERT INTO child VALUES (-5)";
    let mut heard = Vec::new();
    for session in [&mut direct, &mut wire] {
        for extended in [false, true] {
            let reply = match extended {
                false => session.run(text).await,
                true => session.run_extended(text, 0).await,
            };
            heard.push((reply.tags(), reply.sqlstate()));
        }
    }
    assert_eq!(heard[..2], heard[2..]);
    assert_eq!(heard[2], ("E ZI".to_owned(), "23503".to_owned()));
    let records = shop.close().await;
    let done = records.0.iter().filter(|record| record["outcome"] == "done").count();
    assert!(done <= 1, "the simple query was not committed");
}

/// What a session has set for its transactions holds in the block too.
#[tokio::test]
async fn settings_of_transactions_hold() {
    let Some(shop) = Shop::open(limited()).await else { return };
    let mut wire = shop.wire("shopd").await;
    wire.run("SET default_transaction_read_only = on").await;
    assert_eq!(wire.run(FEW).await.sqlstate(), "25006");
    assert_eq!(wire.run_extended(FEW, 0).await.sqlstate(), "25006");
    wire.run("SET default_transaction_read_only = off").await;
    wire.run("SET default_transaction_isolation = 'serializable'").await;
    let reply = wire
        .run("INSERT INTO notes (body) VALUES (current_setting('transaction_isolation')) RETURNING body")
        .await;
    assert_eq!(reply.value(), "serializable");
    assert_eq!(reply.tags(), "T D C ZI");
    shop.close().await;
}

/// Drivers see an error of an ordinary kind and go on.
#[tokio::test]
async fn a_driver_goes_on_after_a_refusal() {
    let Some(shop) = Shop::open(limited()).await else { return };
    let mut client = shop.connect("shopd").await;
    let error = client.execute(MANY, &[]).await.unwrap_err();
    assert_eq!(sqlstate(&error), "42501");
    assert_eq!(client.execute(FEW, &[]).await.unwrap(), 1);
    let transaction = client.transaction().await.unwrap();
    assert!(transaction.execute(MANY, &[]).await.is_err());
    transaction.rollback().await.unwrap();
    let error = client.batch_execute(MANY).await.unwrap_err();
    assert_eq!(sqlstate(&error), "42501");
    assert_eq!(client.execute(FEW, &[]).await.unwrap(), 1);
    shop.close().await;
}

/// Whoever dies in the middle, nothing stays.
#[tokio::test]
async fn a_session_that_ends_in_the_middle_leaves_nothing() {
    let Some(cluster) = cluster() else { return };
    let tap = Tap::new(cluster.port).await;
    let shop = Shop::open(Setup { upstream_port: Some(tap.port), ..limited() }).await.unwrap();
    let before = state(&shop).await;
    // The rows of COPY are on their way when the client leaves, and then when the way to the database is cut.
    for client_leaves in [true, false] {
        let mut wire = shop.wire("shopd").await;
        wire.query("COPY notes (body) FROM STDIN").copy_data(b"one\n").send().await;
        assert_eq!(wire.answer_until(b'G').await.tags(), "G");
        if client_leaves {
            wire.hang_up();
        } else {
            tap.cut();
        }
        let ended = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'app'";
        let inspector = shop.inspector().await;
        for _ in 0.. {
            let left: i64 = inspector.query_one(ended, &[]).await.unwrap().get(0);
            if left == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(state(&shop).await, before);
    }
    until("the outcome", || {
        let records = shop.records();
        let unknown = records.0.iter().filter(|r| r["outcome"] == "unknown").count();
        (unknown == 2).then_some(())
    });
    drop(client::config(shop.jurat.port, "shopd", "", "shop"));
    shop.close().await;
}
