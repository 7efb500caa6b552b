//! Threat: somebody who may read protected values reads all of them, a little at a time. Values of labelled columns
//! that reach a client as they are have a budget, over statements and sessions.

use crate::harness::{Setup, Shop, wire::Reply};

/// Priya may read personal data; 30 values an hour.
const BUDGET: &str = r#"package jurat.own
limits contains {"id": "test.values", "kind": "protected_values_per_window", "value": 30, "window": "1h", "labels": ["pii.*"]}
"#;

async fn shop() -> Option<Shop> {
    Shop::open(Setup::default().policy("limits.rego", BUDGET)).await
}

#[track_caller]
fn assert_spent(reply: &Reply, rows: usize) {
    let error = reply.error().unwrap_or_else(|| panic!("{}", reply.tags()));
    assert_eq!((error.severity(), error.code()), ("ERROR", "42501"), "{error}");
    assert!(error.message().contains("30 values of protected columns in 3600 s"), "{error}");
    assert!(error.detail().contains("JRT-BUDGET"), "{error}");
    assert_eq!(reply.rows().len(), rows, "nothing leaves behind the end of the budget");
}

#[tokio::test]
async fn the_row_that_does_not_fit_is_not_sent() {
    let Some(shop) = shop().await else { return };
    let mut sessions = [shop.wire("priya").await, shop.wire("priya").await];
    // What is not protected, not shown, or of no row, takes nothing.
    for text in [
        "SELECT id, name, tier FROM customers",
        "SELECT id FROM customers WHERE email LIKE 'canary%'",
        "SELECT email FROM customers WHERE id < 0",
        "SELECT card FROM customers WHERE id = 1",
        "EXPLAIN SELECT email FROM customers",
    ] {
        assert!(sessions[0].run(text).await.error().is_none(), "{text}");
    }
    let taken = [
        (0, "SELECT id, email FROM customers WHERE id <= 10", 10),
        (1, "SELECT email, ssn FROM customers WHERE id <= 3", 3),
        (0, "SELECT upper(email) AS mail FROM customers WHERE id <= 2", 2),
        (1, "SELECT c FROM customers c WHERE id = 1", 1),
        (0, "SELECT reach_at FROM contact WHERE id <= 2", 2),
    ];
    for (n, (session, text, rows)) in taken.into_iter().enumerate() {
        let wire = &mut sessions[session];
        let reply =
            if n % 2 == 0 { wire.run_extended(text, 0).await } else { wire.run(text).await };
        assert_eq!((reply.rows().len(), reply.error().is_none()), (rows, true), "{text}");
    }
    // 10 + 6 + 2 + 2 + 2 are used up: eight are left.
    let reply = sessions[1].run_extended("SELECT email FROM customers ORDER BY id", 0).await;
    assert_spent(&reply, 8);
    for (n, text) in
        ["SELECT email FROM customers", "COPY customers (ssn) TO STDOUT"].iter().enumerate()
    {
        assert_spent(&sessions[n].run(text).await, 0);
    }
    // Others, and other columns, go on.
    assert_eq!(sessions[0].run("SELECT id FROM customers").await.rows().len(), 20);
    let mut masked = shop.wire("ana").await;
    for _ in 0..3 {
        assert_eq!(masked.run("SELECT email FROM customers").await.rows().len(), 20);
    }
    shop.close().await;
}

/// A write that returns protected values is taken back where they do not fit.
#[tokio::test]
async fn cursors_portions_copies_and_writes_count_too() {
    let Some(shop) = shop().await else { return };
    let mut wire = shop.wire("priya").await;
    assert_eq!(wire.run("COPY customers (id, email) TO STDOUT").await.tag(), "COPY 20");
    wire.run("BEGIN").await;
    wire.run("DECLARE c CURSOR FOR SELECT email FROM customers").await;
    assert_eq!(wire.run("FETCH 4 FROM c").await.rows().len(), 4);
    assert_eq!(wire.run("FETCH 4 FROM c").await.rows().len(), 4);
    assert_spent(&wire.run("FETCH 4 FROM c").await, 2);
    wire.run("ROLLBACK").await;
    shop.close().await;
}

/// Where one value can hold many, nobody could count them.
#[tokio::test]
async fn what_collects_values_is_refused() {
    let Some(shop) = shop().await else { return };
    let mut wire = shop.wire("priya").await;
    let mut direct = shop.direct_wire().await;
    for text in [
        "SELECT string_agg(email, ',') FROM customers",
        "SELECT array_agg(c) FROM customers c",
        "SELECT ARRAY(SELECT email FROM customers)",
        "SELECT json_agg(email) FROM (SELECT lower(email) AS email FROM customers) s",
        "SELECT a.email || b.email FROM customers a JOIN customers b ON a.id < b.id",
        "WITH RECURSIVE r (n, t) AS (SELECT 1, '' UNION ALL SELECT n + 1, t || email FROM r JOIN customers ON id = n) SELECT t FROM r",
        "WITH x AS (SELECT email, id FROM customers) SELECT a.email || b.email FROM x a JOIN x b ON a.id < b.id",
        "SELECT min(email) FILTER (WHERE id = 1) || min(email) FILTER (WHERE id = 2) FROM customers",
        "SELECT a || b FROM (SELECT min(email) AS a, max(email) AS b FROM customers) s",
        "SELECT email || lag(email) OVER (ORDER BY id) FROM customers",
        "SELECT sum(ascii(ssn) * power(1000, id)) FROM customers",
    ] {
        let reply = direct.run(text).await;
        assert!(reply.error().is_none(), "{text}: {:?}", reply.error());
        let reply = wire.run(text).await;
        let error = reply.error().unwrap_or_else(|| panic!("{text}: {}", reply.tags()));
        assert!(error.detail().contains("JRT-BUDGET"), "{text}: {error}");
        assert!(reply.rows().is_empty(), "{text}");
    }
    // One value in each is one value.
    for text in [
        "SELECT count(email) FROM customers",
        "SELECT min(email), max(email) FROM customers",
        "SELECT email || ' ' || ssn FROM customers WHERE id = 1",
        "SELECT o.id, (SELECT email FROM customers c WHERE c.id = o.customer_id) FROM orders o WHERE o.id = 1",
        "SELECT string_agg(name, ',') FROM customers",
    ] {
        let reply = wire.run(text).await;
        assert!(reply.error().is_none(), "{text}: {:?}", reply.error().map(|e| e.to_string()));
    }
    shop.close().await;
}
