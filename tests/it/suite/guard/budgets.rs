//! Threat: limit laundering (SIDE-11). Many small statements over many sessions are one large one.

use crate::harness::{Setup, Shop};

const BUDGET: &str = r#"package jurat.own
limits contains {"id": "test.budget", "kind": "rows_affected_per_window", "value": 10000, "window": "1h"}
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 1000}
"#;

#[tokio::test]
async fn side_11_forty_times_five_hundred_rows_trip_a_budget() {
    let Some(shop) = Shop::open(Setup::default().policy("limits.rego", BUDGET)).await else {
        return;
    };
    let mut sessions = [shop.wire("shopd").await, shop.wire("shopd").await];
    let mut done = 0;
    for n in 0..40 {
        let from = n * 500;
        let text = format!("UPDATE numbers SET n = -n WHERE n > {from} AND n <= {from} + 500");
        let wire = &mut sessions[n % 2];
        let reply =
            if n % 3 == 0 { wire.run_extended(&text, 0).await } else { wire.run(&text).await };
        if n < 20 {
            assert_eq!(reply.tag(), "UPDATE 500", "{n}");
            done += 500;
        } else {
            let error = reply.error().unwrap();
            assert_eq!(error.code(), "42501");
            assert!(error.message().contains("10000 of 10000 changed rows in 3600 s"), "{error}");
            assert!(error.detail().contains("JRT-BUDGET"), "{error}");
        }
    }
    assert_eq!(shop.count("SELECT count(*) FROM numbers WHERE n < 0").await, done);
    // Others have budgets of their own, and reads need none.
    assert_eq!(sessions[0].run("SELECT count(*) FROM numbers").await.value(), "200000");
    let mut other = shop.wire("dora").await;
    assert_eq!(other.run("UPDATE numbers SET n = -n WHERE n < -9500").await.tag(), "UPDATE 500");
    shop.close().await;
}

/// What would go over is taken back, and what is left can still be used.
#[tokio::test]
async fn the_last_statement_that_does_not_fit_changes_nothing() {
    let policy = BUDGET.replace("10000", "100");
    let Some(shop) = Shop::open(Setup::default().policy("limits.rego", policy)).await else {
        return;
    };
    let mut wire = shop.wire("shopd").await;
    assert_eq!(wire.run("DELETE FROM payments WHERE id <= 60").await.tag(), "DELETE 60");
    let reply = wire.run("DELETE FROM orders WHERE id > 59").await;
    let error = reply.error().unwrap();
    assert!(error.message().contains("would change 41 rows, and 60 of 100"), "{error}");
    assert_eq!(shop.count("SELECT count(*) FROM orders").await, 100);
    assert_eq!(wire.run("DELETE FROM payments WHERE id > 60").await.tag(), "DELETE 40");
    shop.close().await;
}

#[tokio::test]
async fn statements_have_a_budget() {
    let policy = r#"package jurat.own
limits contains {"id": "test.pace", "kind": "statements_per_window", "value": 5, "window": "1h"} if input.statement.class == "read"
"#;
    let Some(shop) = Shop::open(Setup::default().policy("limits.rego", policy)).await else {
        return;
    };
    let mut sessions = [shop.wire("ana").await, shop.wire("ana").await];
    let mut ran = 0;
    for n in 0..10 {
        let wire = &mut sessions[n % 2];
        let reply = match n % 3 {
            0 => wire.run("SELECT 1").await,
            1 => wire.run_extended("SELECT 1", 0).await,
            _ => wire.run(&format!("SELECT {n}")).await,
        };
        match reply.error() {
            None => ran += 1,
            Some(error) => {
                assert!(error.message().contains("5 of 5 statements in 3600 s"), "{error}");
            }
        }
    }
    assert_eq!(ran, 5);
    assert_eq!(shop.wire("dora").await.run("SELECT 1").await.value(), "1");
    shop.close().await;
}
