//! Threat: names that do not exist and more of everything than a session may have. Bytes that no driver would
//! send are in `wire`.

use crate::harness::{Setup, Shop};

#[tokio::test]
async fn names_that_do_not_exist_are_errors_that_the_session_survives() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    wire.bind("", "nothing").execute("").sync();
    assert_eq!(wire.answer().await.sqlstate(), "26000");
    wire.execute("nothing").sync();
    let code = wire.answer().await.sqlstate();
    assert!(["26000", "34000"].contains(&code.as_str()), "{code}");
    wire.describe_statement("nothing").sync();
    assert_eq!(wire.answer().await.sqlstate(), "26000");
    wire.parse("", "SELECT 1").bind("jurat refused x", "").execute("jurat refused x").sync();
    assert_eq!(wire.answer().await.sqlstate(), "0A000");
    for text in ["EXECUTE nothing", "FETCH 1 FROM nothing"] {
        let code = wire.run(text).await.sqlstate();
        assert!(["26000", "34000"].contains(&code.as_str()), "{text}: {code}");
    }
    // Copy messages outside of a COPY are ignored, as the database does.
    wire.raw(b'd', b"data").raw(b'c', b"").raw(b'f', b"why\0");
    assert_eq!(wire.run("SELECT 1").await.value(), "1");
    shop.close().await;
}

/// Names and their texts stay in the memory of Jurat, so a session may keep so many and no more, whether
/// SQL or the protocol makes them.
#[tokio::test]
async fn a_session_keeps_no_more_names_than_configured() {
    let limits = "prepared_max = 3\nprepared_bytes_max = 20000\nportals_max = 3";
    let Some(shop) = Shop::open(Setup { limits, ..Setup::default() }).await else { return };
    let mut wire = shop.wire("ana").await;
    for name in ["a", "b", "c"] {
        assert_eq!(wire.run(&format!("PREPARE {name} AS SELECT 1")).await.sqlstate(), "00000");
    }
    assert_eq!(wire.run("PREPARE d AS SELECT 1").await.sqlstate(), "54000");
    wire.parse("d", "SELECT 1").sync();
    assert_eq!(wire.answer().await.sqlstate(), "54000");
    assert_eq!(wire.run("DEALLOCATE ALL").await.sqlstate(), "00000");

    let long = format!("SELECT '{}'", "x".repeat(15_000));
    wire.parse("a", &long).sync();
    assert_eq!(wire.answer().await.sqlstate(), "00000");
    wire.parse("b", &long).sync();
    assert_eq!(wire.answer().await.sqlstate(), "54000");
    assert_eq!(wire.run(&format!("PREPARE b AS {long}")).await.sqlstate(), "54000");

    wire.run("BEGIN").await;
    for name in ["a", "b", "c"] {
        let declare = format!("DECLARE {name} CURSOR FOR SELECT 1");
        assert_eq!(wire.run(&declare).await.sqlstate(), "00000");
    }
    assert_eq!(wire.run("DECLARE d CURSOR FOR SELECT 1").await.sqlstate(), "54000");
    wire.run("ROLLBACK").await;
    // The end of the transaction ends its cursors, and gives their places back.
    wire.run("BEGIN").await;
    assert_eq!(wire.run("DECLARE e CURSOR WITH HOLD FOR SELECT 'held'").await.sqlstate(), "00000");
    wire.run("COMMIT").await;
    assert_eq!(wire.run("FETCH 1 FROM e").await.value(), "held");
    assert_eq!(wire.run("FETCH 1 FROM a").await.sqlstate(), "34000");
    assert_eq!(wire.run("SELECT 1").await.value(), "1");
    shop.close().await;
}
