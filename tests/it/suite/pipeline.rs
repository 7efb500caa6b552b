//! Threat: a denial in the middle of a pipeline. The protocol's own rules hold: what came before in the
//! same implicit transaction is rolled back, what comes after is skipped, and Sync answers.

use crate::harness::Shop;

const ALLOWED: &str = "INSERT INTO notes (body) VALUES ('in the pipeline')";
const DENIED: &str = "DELETE FROM payments";

#[tokio::test]
async fn a_denial_ends_the_pipeline_and_takes_back_what_came_before() {
    let Some(shop) = Shop::usual().await else { return };
    // An error of the database at the same place shows what the protocol wants.
    let mut direct = shop.direct_wire().await;
    let mut wire = shop.wire("shopd").await;
    let mut transcripts = Vec::new();
    for (session, middle) in [(&mut direct, "SELECT 1 / 0"), (&mut wire, DENIED)] {
        session.parse("", ALLOWED).bind("", "").execute("");
        session.parse("", middle).bind("", "").execute("");
        session.parse("", ALLOWED).bind("", "").execute("").sync();
        transcripts.push(session.answer().await);
    }
    let [directly, through] = &transcripts[..] else { panic!() };
    // The database notices at Bind or Execute, Jurat at Parse.
    assert_eq!(directly.tags(), "1 2 C 1 E ZI");
    assert_eq!(through.tags(), "1 2 C E ZI");
    assert_eq!(through.sqlstate(), "42501");
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0, "the first one was rolled back");
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    assert_eq!(wire.run("SELECT 1").await.tags(), "T D C ZI");
    shop.close().await;
}

#[tokio::test]
async fn what_follows_the_next_sync_runs_again() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("shopd").await;
    wire.parse("", DENIED).bind("", "").execute("").sync();
    wire.parse("", ALLOWED).bind("", "").execute("").sync();
    assert_eq!(wire.answer().await.tags(), "E ZI");
    assert_eq!(wire.reply().await.tags(), "1 2 C ZI");
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 1);
    shop.close().await;
}

#[tokio::test]
async fn in_an_explicit_transaction_the_block_fails_and_can_be_rolled_back() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("shopd").await;
    assert_eq!(wire.run("BEGIN").await.tags(), "C ZT");
    assert_eq!(wire.run(ALLOWED).await.tags(), "C ZT");
    let reply = wire.run_extended(DENIED, 0).await;
    assert_eq!((reply.sqlstate().as_str(), reply.tags().as_str()), ("42501", "E ZE"));
    assert_eq!(wire.run_extended("SELECT 1", 0).await.sqlstate(), "25P02");
    assert_eq!(wire.run("ROLLBACK").await.tags(), "C ZI");
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0);

    // A savepoint brings the block back, as after an error of the database.
    wire.run("BEGIN").await;
    wire.run(ALLOWED).await;
    wire.run("SAVEPOINT here").await;
    assert_eq!(wire.run(DENIED).await.tags(), "E ZE");
    assert_eq!(wire.run("ROLLBACK TO here").await.tags(), "C ZT");
    assert_eq!(wire.run("COMMIT").await.tags(), "C ZI");
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 1);
    shop.close().await;
}

#[tokio::test]
async fn what_the_database_skips_the_record_calls_skipped() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("shopd").await;
    wire.parse("", "SELECT 1 / (id - id) FROM orders").bind("", "").execute("");
    wire.parse("", "SELECT note FROM orders").bind("", "").execute("").sync();
    let reply = wire.answer().await;
    assert_eq!((reply.sqlstate().as_str(), reply.tags().as_str()), ("22012", "1 2 E ZI"));
    let records = shop.close().await;
    let outcome = |text: &str| records.outcome(&records.decision_on(text)).unwrap();
    assert_eq!(outcome("note")["outcome"], "skipped");
    let failed = outcome(" / ");
    assert_eq!((&failed["outcome"], &failed["sqlstate"]), (&"failed".into(), &"22012".into()));
}

#[tokio::test]
async fn a_portal_is_read_in_portions() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    wire.parse("", "SELECT id FROM orders ORDER BY id").bind("", "");
    wire.execute_some("", 2).execute_some("", 2).execute("").sync();
    let reply = wire.answer().await;
    assert_eq!(reply.tags(), "1 2 D s D s D C ZI");
    assert_eq!(reply.rows().len(), 100);
    assert_eq!(shop.close().await.decisions().len(), 3, "every Execute is judged and recorded");
}
