//! COPY, which moves rows outside of rows' messages. What else it does is in `suite/copy.rs`.

use super::READ;
use crate::harness::{Shop, canary};

#[tokio::test]
async fn prot_19_protected_values_by_copy() {
    let Some(shop) = Shop::usual().await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("ana").await);
    for text in [
        "COPY customers TO STDOUT".to_owned(),
        "COPY customers (email) TO STDOUT (FORMAT csv)".to_owned(),
        "COPY customers TO STDOUT (FORMAT binary)".to_owned(),
        format!("COPY ({READ}) TO STDOUT"),
    ] {
        assert!(canary::find(&direct.run(&text).await.copied()).is_some(), "{text}");
        for reply in [wire.run(&text).await, wire.run_extended(&text, 0).await] {
            assert_eq!(reply.sqlstate(), "00000", "{text}");
            assert!(reply.copied().contains(&b'@'), "{text}: masked, and there");
        }
    }
    // A write inside is a write: without WHERE it is refused, and what it returns is masked or refused.
    let all = "COPY (DELETE FROM customers RETURNING email) TO STDOUT";
    for reply in [wire.run(all).await, wire.run_extended(all, 0).await] {
        assert_eq!(reply.sqlstate(), "42501");
    }
    assert_eq!(shop.count("SELECT count(*) FROM customers").await, 20);
    wire.run("COPY (DELETE FROM customers WHERE id = 20 RETURNING email) TO STDOUT").await;
    assert!(canary::find(&direct.run(all).await.copied()).is_some(), "it ran and returned them");
    assert_eq!(canary::find(&wire.received), None);
    drop(wire);
    let records = shop.close().await;
    let write = records.decision_on("DELETE");
    assert_eq!(write["input"]["statement"]["class"], "write", "{write}");
}

/// A server that rejects a COPY takes the rows that follow for nothing and the query among them for a query.
#[tokio::test]
async fn prot_20_a_query_behind_a_copy_that_failed() {
    let Some(shop) = Shop::usual().await else { return };
    let mut direct = shop.direct_wire().await;
    direct.query("COPY there_is_none FROM STDIN").copy_data(b"1\n").query(READ).copy_done();
    assert_eq!(direct.answer().await.sqlstate(), "42P01");
    assert!(direct.reply().await.value().contains("canary"), "the query ran");

    let mut wire = shop.wire("shopd").await;
    for (copy, query) in [
        // One that Jurat refuses, and one that only the database finds wrong.
        ("COPY there_is_none FROM STDIN", READ),
        ("COPY notes (id) FROM STDIN (FORMAT csv, NULL 'x', DELIMITER 'x')", READ),
        ("COPY there_is_none FROM STDIN", "DELETE FROM payments"),
    ] {
        wire.query(copy).copy_data(b"1\n").query(query).copy_done();
        assert_ne!(wire.answer().await.sqlstate(), "00000", "{copy}");
        let reply = wire.reply().await;
        match query {
            READ => assert!(reply.error().is_some() || reply.value().contains('@'), "{reply:?}"),
            _ => assert_eq!(reply.sqlstate(), "42501"),
        }
        assert_eq!(wire.run("SELECT 1").await.value(), "1");
    }
    assert_eq!(canary::find(&wire.received), None);
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    drop(wire);
    shop.close().await;
}

/// In the middle of the rows the database takes nothing else: the session ends, with the rows taken back.
#[tokio::test]
async fn prot_21_a_query_among_the_rows() {
    let Some(shop) = Shop::usual().await else { return };
    for mut wire in [shop.direct_wire().await, shop.wire("shopd").await] {
        let begun = wire.query("COPY notes (body) FROM STDIN").answer_until(b'G').await;
        assert_eq!(begun.tags(), "G");
        wire.copy_data(b"kept?\n").query("DELETE FROM payments").copy_done();
        let reply = wire.answer().await;
        assert_eq!(reply.sqlstate(), "08P01", "{reply:?}");
        assert!(wire.is_closed().await);
    }
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0);
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    shop.close().await;
}

/// Rows come in, are counted by the database, and the count is on record. Limits on rows and bytes are not
/// there yet, and the rows themselves are not kept.
#[tokio::test]
async fn prot_22_rows_that_come_in() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("shopd").await;
    let many: Vec<u8> = (0..50_000).flat_map(|n| format!("note {n}\n").into_bytes()).collect();
    wire.query("COPY notes (body) FROM STDIN").answer_until(b'G').await;
    for piece in many.chunks(100_000) {
        wire.copy_data(piece);
    }
    assert_eq!(wire.copy_done().answer().await.tags(), "C ZI");
    // `\.` ends text data for old clients; what stands behind it is no rows, or an error, and no statement.
    wire.query("COPY notes (body) FROM STDIN").answer_until(b'G').await;
    wire.copy_data(b"last\n\\.\nDELETE FROM payments;\n").copy_done().answer().await;
    // CopyFail takes all of them back.
    wire.query("COPY notes (body) FROM STDIN").answer_until(b'G').await;
    let reply = wire.copy_data(b"never\n").copy_fail().answer().await;
    assert_eq!((reply.sqlstate().as_str(), reply.tags().as_str()), ("57014", "E ZI"));
    // A condition is part of the statement, and is judged with it.
    let conditional = "COPY notes (body) FROM STDIN WHERE body <> 'unwanted'";
    assert_eq!(wire.query(conditional).answer_until(b'G').await.tags(), "G");
    wire.copy_data(b"wanted\nunwanted\n").copy_done().answer().await;
    assert_eq!(
        shop.count("SELECT count(*) FROM notes WHERE body IN ('never', 'unwanted')").await,
        0
    );
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    drop(wire);
    let records = shop.close().await;
    let counted = records
        .decisions()
        .iter()
        .filter_map(|decision| records.outcome(decision))
        .any(|outcome| outcome["rows"] == 50_000 && outcome["command"] == "COPY");
    assert!(counted, "the number of rows is on record");
}
