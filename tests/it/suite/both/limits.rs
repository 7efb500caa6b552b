//! Threat: limit laundering (SIDE-11), and more of everything than configured. Many small statements over many
//! sessions are one large one.

use crate::harness::{
    PATIENCE, Protocol, Setup,
    both::{WAYS, Way, both},
};

both!(
    more_sessions_than_configured_are_turned_away,
    side_11_forty_times_five_hundred_rows_trip_a_budget,
    statements_have_a_budget,
    the_last_statement_that_does_not_fit_changes_nothing,
    what_is_returned_is_bounded_in_every_way,
);

const BUDGET: &str = r#"package jurat.own
limits contains {"id": "test.budget", "kind": "rows_affected_per_window", "value": 10000, "window": "1h"}
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 1000}
"#;

async fn side_11_forty_times_five_hundred_rows_trip_a_budget(on: Protocol) {
    let Some(shop) = on.open(on.setup().policy("limits.rego", BUDGET)).await else { return };
    let mut sessions = [shop.session("shopd").await, shop.session("shopd").await];
    let mut done = 0;
    for n in 0..40 {
        let from = n * 500;
        let text = format!("UPDATE numbers SET n = -n WHERE n > {from} AND n <= {from} + 500");
        let way = if n % 3 == 0 { Way::Prepared } else { Way::Text };
        let answer = sessions[n % 2].run(&text, way).await;
        if n < 20 {
            assert_eq!(answer.worked(&text).affected, 500, "{n}");
            done += 500;
        } else {
            let told = answer.denied(&text);
            assert!(told.message.contains("10000 of 10000 changed rows in 3600 s"), "{told:?}");
        }
    }
    assert_eq!(shop.count("SELECT COUNT(*) FROM numbers WHERE n < 0").await, done);
    // Others have budgets of their own, and reads need none.
    assert_eq!(sessions[0].value("SELECT COUNT(*) FROM numbers").await, "200000");
    let mut other = shop.session("dora").await;
    assert_eq!(other.one("UPDATE numbers SET n = -n WHERE n < -9500").await.affected, 500);
    let records = shop.close().await;
    let over = |record: &serde_json::Value| record["result"]["reasons"][0]["code"] == "JRT-BUDGET";
    assert_eq!(records.decisions().iter().filter(|record| over(record)).count(), 20);
}

/// What would go over is taken back, and what is left can still be used.
async fn the_last_statement_that_does_not_fit_changes_nothing(on: Protocol) {
    let policy = BUDGET.replace("10000", "100");
    let Some(shop) = on.open(on.setup().policy("limits.rego", policy)).await else { return };
    let mut session = shop.session("shopd").await;
    assert_eq!(session.one("DELETE FROM payments WHERE id <= 60").await.affected, 60);
    for way in WAYS {
        let text = "DELETE FROM orders WHERE id > 59";
        let told = session.run(text, way).await.denied(text);
        assert!(told.message.contains("would change 41 rows, and 60 of 100"), "{told:?}");
    }
    assert_eq!(shop.count("SELECT COUNT(*) FROM orders").await, 100);
    assert_eq!(session.one("DELETE FROM payments WHERE id > 60").await.affected, 40);
    shop.close().await;
}

async fn statements_have_a_budget(on: Protocol) {
    let policy = r#"package jurat.own
limits contains {"id": "test.pace", "kind": "statements_per_window", "value": 5, "window": "1h"} if input.statement.class == "read"
"#;
    let Some(shop) = on.open(on.setup().policy("limits.rego", policy)).await else { return };
    let mut sessions = [shop.session("ana").await, shop.session("ana").await];
    let mut ran = 0;
    for n in 0..10 {
        let session = &mut sessions[n % 2];
        let answer = match n % 3 {
            0 => session.run("SELECT 1", Way::Text).await,
            1 => session.run("SELECT 1", Way::Prepared).await,
            _ => session.run(&format!("SELECT {n}"), Way::Text).await,
        };
        match answer.failure {
            None => ran += 1,
            Some(told) => {
                assert!(told.message.contains("5 of 5 statements in 3600 s"), "{told:?}");
            }
        }
    }
    assert_eq!(ran, 5);
    assert_eq!(shop.session("dora").await.value("SELECT 1").await, "1");
    shop.close().await;
}

/// Rows, bytes and time of what is read; the details of each protocol are in `guard::returned`.
async fn what_is_returned_is_bounded_in_every_way(on: Protocol) {
    let policy = r#"package jurat.own
limits contains {"id": "test.returned", "kind": "rows_returned", "value": 50} if input.principal.kind == "person"
limits contains {"id": "test.bytes", "kind": "bytes_returned", "value": 100000}
limits contains {"id": "test.time", "kind": "timeout_ms", "value": 500}
"#;
    let Some(shop) = on.open(on.setup().policy("limits.rego", policy)).await else { return };
    let mut person = shop.session("ana").await;
    let mut service = shop.session("shopd").await;
    for way in WAYS {
        let text = "SELECT id FROM orders";
        let told = person.run(text, way).await.denied(text);
        assert!(told.message.contains("more than 50 rows"), "{told:?}");
        assert_eq!(service.run(text, way).await.worked(text).rows.len(), 100);
        for text in ["SELECT n FROM numbers", "SELECT REPEAT('x', 200000)"] {
            let told = service.run(text, way).await.denied(text);
            assert!(told.message.contains("more than 100000 bytes"), "{told:?}");
        }
        let text = "SELECT COUNT(*) FROM numbers a, numbers b, numbers c WHERE a.n + b.n + c.n < 0";
        let told = service.run(text, way).await.failed(text);
        assert!(told.message.contains("longer than 500 ms"), "{told:?}");
        for session in [&mut person, &mut service] {
            assert_eq!(session.value("SELECT 1").await, "1");
        }
    }
    assert!(service.received().len() < 1_500_000);
    shop.close().await;
}

async fn more_sessions_than_configured_are_turned_away(on: Protocol) {
    let setup = Setup { limits: "sessions_max = 2", ..on.setup() };
    let Some(shop) = on.open(setup).await else { return };
    let (first, _second) = (shop.session("ana").await, shop.session("ana").await);
    let told = shop.log_in("ana").await.unwrap_err();
    assert_eq!(told.sqlstate, on.either("53300", "08004"), "{told:?}");
    drop(first);
    let start = std::time::Instant::now();
    while shop.log_in("ana").await.is_err() {
        assert!(start.elapsed() < PATIENCE, "the place is not given back");
    }
    shop.close().await;
}
