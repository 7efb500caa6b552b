//! Threat: a client reads, changes or learns about rows that a row filter keeps from it.
//!
//! The forms of `cases.rs` read a table of which the filter leaves no row; whatever comes back of its values
//! is a leak. The rest looks at single rows.

use super::{Case, cases, shows_directly};
use crate::harness::{Setup, Shop, canary, wire::Reply};

/// Nobody sees a customer of another tier.
fn policy(tier: &str) -> Setup {
    let text = format!(
        r#"package jurat.rows
row_filters contains {{
    "id": "rows.tier",
    "relation": "public.customers",
    "predicate": "tier = $tier",
    "params": {{"tier": {tier}}},
}} if input.statement
"#
    );
    Setup::default().policy("rows.rego", text)
}

#[tokio::test]
async fn no_form_of_reading_shows_a_filtered_row() {
    let Some(shop) = Shop::open(policy("\"platinum\"")).await else { return };
    let mut failed = Vec::new();
    for case in [cases::READING, cases::WHOLE_ROW, cases::COMPUTING].concat() {
        if let Err(what) = check(&shop, &case).await {
            failed.push(format!("{}: {what}\n    {}", case.name, case.texts.join("; ")));
        }
    }
    shop.close().await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Priya reads personal data without masks, so only the filter keeps it from her.
async fn check(shop: &Shop, case: &Case) -> Result<(), String> {
    shows_directly(shop, case).await?;
    for format in [None, Some(0), Some(1)] {
        let mut wire = shop.wire("priya").await;
        for text in case.texts {
            let reply = match format {
                None => wire.run(text).await,
                Some(format) => wire.run_extended(text, format).await,
            };
            if let Some(error) = reply.error()
                && !error.message().starts_with("jurat ")
                && error.code() != "22P02"
            {
                return Err(format!("{format:?}: {error}"));
            }
        }
        if let Some(found) = canary::find(&wire.received) {
            return Err(format!("{format:?}: leaked {found}"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_rows_that_are_left_are_the_same_in_every_protocol_and_format() {
    let Some(shop) = Shop::open(policy("\"gold\"")).await else { return };
    let mut wire = shop.wire("priya").await;
    let query = "SELECT id, name, email FROM customers ORDER BY id";
    let rows = wire.run(query).await.rows();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(rows[0][1].as_deref(), Some("Customer 10"));
    assert_eq!(wire.run_extended(query, 0).await.rows(), rows);
    let binary = wire.run_extended(query, 1).await.rows();
    assert_eq!(binary.len(), 2);
    assert_eq!(binary[1][2], rows[1][2]);
    assert_eq!(wire.run("SELECT count(*) FROM customers").await.value(), "2");
    assert_eq!(
        wire.run("SELECT count(*) FROM orders o JOIN customers c ON c.id = o.customer_id")
            .await
            .value(),
        "10"
    );
    let copied = wire.run("COPY customers TO STDOUT").await.copied();
    assert_eq!(copied.iter().filter(|byte| **byte == b'\n').count(), 2);
    // Another relation has no filter.
    assert_eq!(wire.run("SELECT count(*) FROM orders").await.value(), "100");
    shop.close().await;
}

#[tokio::test]
async fn writes_reach_only_the_rows_that_are_left() {
    let Some(shop) = Shop::open(policy("\"gold\"")).await else { return };
    let mut wire = shop.wire("shopd").await;
    for (text, tag) in [
        ("UPDATE customers SET name = 'new' WHERE id IN (7, 10)", "UPDATE 1"),
        (
            "UPDATE customers AS c SET name = 'new' FROM orders o WHERE o.customer_id = c.id AND o.id = 7",
            "UPDATE 0",
        ),
        ("UPDATE customers SET name = 'new' WHERE id = 7 OR id > 9", "UPDATE 2"),
        ("UPDATE customers SET name = 'new' WHERE 10 / (id - 8) = 5 OR id = 7", "UPDATE 1"),
        ("DELETE FROM customers WHERE id IN (7, 20)", "DELETE 1"),
        (
            "WITH gone AS (DELETE FROM customers WHERE id > 0 AND id < 10 RETURNING id) SELECT id FROM gone",
            "SELECT 0",
        ),
    ] {
        let reply = wire.run(text).await;
        assert_eq!(reply.tag(), tag, "{text}: {:?}", reply.error());
    }
    assert_eq!(shop.count("SELECT count(*) FROM customers").await, 19);
    assert_eq!(shop.count("SELECT count(*) FROM customers WHERE name = 'new'").await, 1);
    for text in [
        "INSERT INTO customers VALUES (50, 'n', 'e', 's', 'c', 'gold')",
        "INSERT INTO customers (id, name, email, ssn, card) VALUES (10, 'n', 'e', 's', 'c') ON CONFLICT (id) DO NOTHING",
        "UPDATE customers SET tier = 'basic' WHERE id = 10",
        "MERGE INTO customers c USING orders o ON o.id = c.id WHEN MATCHED THEN DELETE",
        "COPY customers FROM STDIN",
    ] {
        let error = wire.run(text).await.error();
        let error = error.unwrap_or_else(|| panic!("{text} ran"));
        assert_eq!(error.code(), "42501", "{text}: {error}");
        assert!(error.message().contains("rows.tier"), "{text}: {error}");
    }
    assert_eq!(shop.count("SELECT count(*) FROM customers").await, 19);
    shop.close().await;
}

/// A condition that fails on a row tells that there is such a row.
#[tokio::test]
async fn conditions_of_the_client_never_see_a_filtered_row() {
    let Some(shop) = Shop::open(policy("\"gold\"")).await else { return };
    for text in [
        "SELECT id FROM customers WHERE 1 / (id - 7) >= 0",
        "SELECT q.id FROM (SELECT id, 1 / (id - 7) AS x FROM customers) q WHERE q.x >= 0",
        "WITH q AS (SELECT id, 1 / (id - 7) AS x FROM customers) SELECT id FROM q WHERE x >= 0",
        "SELECT c.id FROM customers c JOIN orders o ON o.id = 1 / (c.id - 7)",
        "SELECT id FROM customers WHERE (SELECT 1 / (customers.id - 7)) >= 0",
        "SELECT id FROM customers WHERE id = 7 AND (name || 'x')::int = 1",
        "UPDATE customers SET name = name WHERE 1 / (id - 7) >= 0",
        "DELETE FROM customers WHERE 1 / (id - 7) > 100",
    ] {
        let mut direct = shop.direct_wire().await;
        direct.run("BEGIN").await;
        let error: Option<_> = direct.run(text).await.error();
        assert!(error.is_some(), "directly it runs: {text}");
        let mut wire = shop.wire("priya").await;
        if text.starts_with("SELECT") || text.starts_with("WITH") {
            let reply: Reply = wire.run(text).await;
            assert_eq!(reply.sqlstate(), "00000", "{text}: {:?}", reply.error());
        }
        let mut writer = shop.wire("shopd").await;
        let reply = writer.run_extended(text, 0).await;
        assert_eq!(reply.sqlstate(), "00000", "{text}: {:?}", reply.error());
    }
    shop.close().await;
}

/// Whatever a parameter holds, it is compared and not read.
#[tokio::test]
async fn a_parameter_is_a_value_and_never_a_text() {
    for tier in [
        r#""x' OR '1'='1""#,
        r#""x'); DROP TABLE customers; --""#,
        r#""\\' OR true --""#,
        r#""$1""#,
        "null",
    ] {
        let Some(shop) = Shop::open(policy(tier)).await else { return };
        let mut wire = shop.wire("priya").await;
        assert_eq!(wire.run("SELECT count(*) FROM customers").await.value(), "0", "{tier}");
        assert_eq!(shop.count("SELECT count(*) FROM customers").await, 20);
        shop.close().await;
    }
}

#[tokio::test]
async fn a_filter_that_is_no_condition_refuses_the_statement_and_says_whose_fault_it_is() {
    let text = r#"package jurat.rows
row_filters contains {"id": "broken", "relation": "public.orders", "predicate": "amount > (SELECT 1)"}
"#;
    let Some(shop) = Shop::open(Setup::default().policy("rows.rego", text)).await else { return };
    let mut wire = shop.wire("ana").await;
    let error = wire.run("SELECT id FROM orders").await.error().unwrap();
    assert!(error.message().contains("broken"), "{error}");
    assert!(error.message().contains("not well-formed"), "{error}");
    assert_eq!(wire.run("SELECT count(*) FROM payments").await.value(), "100");
    shop.close().await;
}
