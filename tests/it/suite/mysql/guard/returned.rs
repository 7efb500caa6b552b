//! What a statement returns is bounded too, and how long it runs.

use super::run;
use crate::harness::{MyShop, Setup};

fn shop(limit: &str) -> Option<MyShop> {
    let policy = format!("package jurat.own\nlimits contains {limit}\n");
    MyShop::open(Setup::mariadb().policy("limits.rego", policy))
}

const ALL: &str = "SELECT id FROM orders ORDER BY id";

#[test]
fn a_result_that_is_too_long_is_refused() {
    let Some(shop) = shop(r#"{"id": "test.returned", "kind": "rows_returned", "value": 10}"#)
    else {
        return;
    };
    let mut wire = shop.wire("shopd");
    for prepared in [false, true] {
        let error = run(&mut wire, ALL, prepared).unwrap_err();
        assert!(error.message.contains("more than 10 rows"), "{error:?}");
        assert!(run(&mut wire, "SELECT id FROM orders LIMIT 10", prepared).is_ok());
    }
    // In portions it is the same.
    let statement = wire.prepare(ALL).unwrap();
    wire.open_cursor(statement, &[]).unwrap();
    assert_eq!(wire.fetch(statement, 6), Ok((6, false)));
    assert!(wire.fetch(statement, 6).unwrap_err().message.contains("more than 10 rows"));
    assert_eq!(wire.fetch(statement, 6).unwrap_err().code, 1421, "the cursor is closed");
    assert_eq!(wire.one("SELECT 1").value(), "1");
    shop.close();
}

#[test]
fn a_result_that_is_too_long_is_cut() {
    let limit =
        r#"{"id": "test.returned", "kind": "rows_returned", "value": 10, "on_exceed": "truncate"}"#;
    let Some(shop) = shop(limit) else { return };
    let mut wire = shop.wire("ana");
    let result = wire.one(ALL);
    assert_eq!((result.rows.len(), result.warnings), (10, 1));
    let statement = wire.prepare(ALL).unwrap();
    assert_eq!(wire.execute(statement, &[]).unwrap()[0].rows.len(), 10);
    let records = shop.close();
    let decided = records.decision_on("SELECT id");
    assert_eq!(records.outcome(&decided).unwrap()["rows"], 10);
}

#[test]
fn bytes_are_counted_over_all_rows() {
    let Some(shop) = shop(r#"{"id": "test.bytes", "kind": "bytes_returned", "value": 100000}"#)
    else {
        return;
    };
    let mut wire = shop.wire("shopd");
    for text in [
        "SELECT n FROM numbers",
        "SELECT REPEAT('x', 200000)",
        "SELECT REPEAT('x', 50000) FROM orders",
    ] {
        for prepared in [false, true] {
            let error = run(&mut wire, text, prepared).unwrap_err();
            assert!(error.message.contains("more than 100000 bytes"), "{error:?}");
        }
        assert!(wire.received.len() < 1_000_000, "{text}");
        wire.forget();
    }
    assert_eq!(wire.one("SELECT REPEAT('x', 90000)").rows.len(), 1);
    shop.close();
}

#[test]
fn a_statement_that_runs_too_long_is_ended() {
    let Some(shop) = shop(r#"{"id": "test.time", "kind": "timeout_ms", "value": 200}"#) else {
        return;
    };
    let mut wire = shop.wire("shopd");
    let slow = "SELECT COUNT(*) FROM numbers a, numbers b, numbers c";
    for prepared in [false, true] {
        let error = run(&mut wire, slow, prepared).unwrap_err();
        assert_eq!((error.code, error.sqlstate.as_str()), (3024, "HY000"), "{error:?}");
        assert!(error.message.contains("longer than 200 ms"), "{error:?}");
        assert_eq!(wire.one("SELECT 1").value(), "1");
    }
    wire.one("START TRANSACTION");
    wire.one("INSERT INTO notes (body) VALUES ('x')");
    assert_eq!(wire.error(slow).code, 3024);
    wire.one("ROLLBACK");
    let records = shop.close();
    let timed = |record: &serde_json::Value| record["result"]["reasons"][0]["code"] == "JRT-TIME";
    assert_eq!(records.decisions().iter().filter(|record| timed(record)).count(), 3);
}

/// A write that says which rows it has changed, and whose client gets some of them only, has changed them all.
#[test]
fn rows_that_are_left_out_are_counted() {
    let limits = r#"{"id": "test.returned", "kind": "rows_returned", "value": 10, "on_exceed": "truncate"}
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 20}"#;
    let Some(shop) = shop(limits) else { return };
    let mut wire = shop.wire("shopd");
    for prepared in [false, true] {
        let text = "DELETE FROM payments WHERE id > 0 RETURNING id";
        let error = run(&mut wire, text, prepared).unwrap_err();
        assert!(error.message.contains("would change 100 rows"), "{error:?}");
        assert_eq!(shop.count("SELECT COUNT(*) FROM shop.payments"), 100);
    }
    assert_eq!(wire.one("DELETE FROM payments WHERE id <= 15 RETURNING id").rows.len(), 10);
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.payments"), 85);
    shop.close();
}
