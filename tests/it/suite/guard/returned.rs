//! What a statement returns is bounded too.

use crate::harness::{Setup, Shop};

fn setup(limit: &str) -> Setup {
    let policy = format!("package jurat.own\nlimits contains {limit}\n");
    Setup::default().policy("limits.rego", policy)
}

#[tokio::test]
async fn a_result_that_is_too_long_is_refused_or_cut() {
    let text = "SELECT id FROM orders ORDER BY id";
    let limit = r#"{"id": "test.returned", "kind": "rows_returned", "value": 10}"#;
    let Some(shop) = Shop::open(setup(limit)).await else { return };
    let mut wire = shop.wire("ana").await;
    for reply in [wire.run(text).await, wire.run_extended(text, 0).await] {
        let error = reply.error().unwrap();
        assert!(error.message().contains("more than 10 rows"), "{error}");
        assert_eq!((error.code(), reply.rows().len()), ("42501", 10));
        assert!(reply.tags().ends_with("E ZI"), "{}", reply.tags());
    }
    assert_eq!(wire.run("SELECT id FROM orders LIMIT 10").await.tag(), "SELECT 10");
    assert_eq!(wire.run_extended("SELECT id FROM orders LIMIT 10", 0).await.rows().len(), 10);
    // A write in the same message is taken back with it.
    let mut writer = shop.wire("shopd").await;
    let reply =
        writer.run(&format!("INSERT INTO notes (body) VALUES ('x'); {text}; SELECT 1")).await;
    assert_eq!(reply.tags(), "C T D E ZI");
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0);
    let reply = writer.run("BEGIN").await;
    assert_eq!(reply.tags(), "C ZT");
    assert!(writer.run(text).await.tags().ends_with("E ZE"));
    writer.run("ROLLBACK").await;
    // Data of a COPY are rows as well.
    let reply = wire.run("COPY orders (id) TO STDOUT").await;
    assert_eq!(reply.sqlstate(), "42501", "{}", reply.tags());
    assert_eq!(wire.run("SELECT 1").await.tags(), "T D C ZI");
    shop.close().await;

    let limit =
        r#"{"id": "test.returned", "kind": "rows_returned", "value": 10, "on_exceed": "truncate"}"#;
    let Some(shop) = Shop::open(setup(limit)).await else { return };
    let mut wire = shop.wire("ana").await;
    for reply in [wire.run(text).await, wire.run_extended(text, 0).await] {
        assert_eq!((reply.rows().len(), reply.tag().as_str()), (10, "SELECT 10"));
        let notice = reply.notice().unwrap();
        assert_eq!((notice.severity(), notice.code()), ("WARNING", "01004"));
        assert!(reply.tags().ends_with("C ZI"), "{}", reply.tags());
    }
    let reply = wire.run(&format!("{text}; SELECT 1")).await;
    assert_eq!(reply.rows().len(), 11);
    shop.close().await;
}

#[tokio::test]
async fn bytes_are_counted_over_all_rows() {
    let limit = r#"{"id": "test.bytes", "kind": "bytes_returned", "value": 100000}"#;
    let Some(shop) = Shop::open(setup(limit)).await else { return };
    let mut wire = shop.wire("ana").await;
    for text in [
        "SELECT n FROM numbers",
        "SELECT repeat('x', 200000)",
        "SELECT repeat('x', 50000) FROM orders",
    ] {
        for reply in [wire.run(text).await, wire.run_extended(text, 0).await] {
            let error = reply.error().unwrap_or_else(|| panic!("{text}"));
            assert!(error.message().contains("more than 100000 bytes"), "{error}");
            assert!(error.detail().contains("JRT-BYTES"), "{error}");
        }
        assert!(wire.received.len() < 1_000_000, "{text}");
        wire.forget();
    }
    assert_eq!(wire.run("SELECT repeat('x', 90000)").await.rows().len(), 1);
    shop.close().await;
}

#[tokio::test]
async fn a_statement_that_runs_too_long_is_canceled() {
    let limit = r#"{"id": "test.time", "kind": "timeout_ms", "value": 200}"#;
    let Some(shop) = Shop::open(setup(limit)).await else { return };
    let mut wire = shop.wire("shopd").await;
    let slow = "SELECT count(*) FROM numbers a, numbers b, numbers c";
    for reply in [wire.run(slow).await, wire.run_extended(slow, 0).await] {
        let error = reply.error().unwrap();
        assert_eq!((error.severity(), error.code()), ("ERROR", "57014"), "{error}");
        assert!(error.message().contains("longer than 200 ms"), "{error}");
        assert!(error.detail().contains("JRT-TIME"), "{error}");
        assert!(reply.tags().ends_with("E ZI"), "{}", reply.tags());
        assert_eq!(wire.run("SELECT 1").await.tags(), "T D C ZI");
    }
    wire.run("BEGIN").await;
    wire.run("INSERT INTO notes (body) VALUES ('x')").await;
    assert!(wire.run(slow).await.tags().ends_with("E ZE"));
    assert_eq!(wire.run("COMMIT").await.tag(), "ROLLBACK");
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0);
    let records = shop.close().await;
    let timed = |record: &serde_json::Value| record["result"]["reasons"][0]["code"] == "JRT-TIME";
    assert_eq!(records.decisions().iter().filter(|record| timed(record)).count(), 3);
}

/// Nobody is left who could cancel it, so the database has to see by itself that Jurat is gone.
#[tokio::test]
async fn a_statement_does_not_outlive_a_killed_jurat() {
    let limit = r#"{"id": "test.time", "kind": "timeout_ms", "value": 600000}"#;
    let setup = setup(limit);
    let Some(mut shop) = Shop::open(setup.clone()).await else { return };
    let mut wire = shop.wire("shopd").await;
    let slow = "SELECT count(*) FROM numbers a, numbers b, numbers c";
    let running = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND state = 'active' AND query LIKE '%numbers%c'";
    let asked = tokio::spawn(async move { wire.run(slow).await.tags() });
    while shop.count(running).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    shop.jurat.crash(&setup);
    let started = std::time::Instant::now();
    while shop.count(running).await != 0 {
        assert!(started.elapsed() < crate::harness::PATIENCE, "it goes on");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    asked.abort();
    shop.close().await;
}
