//! Threat: a client reads, changes or learns about rows that a row filter keeps from it.
//!
//! The forms of `cases.rs` read a table of which the filter leaves no row; whatever comes back of its values
//! is a leak. The rest looks at single rows.

use super::{Case, cases, shows_directly};
use crate::harness::{Setup, Shop, canary};

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
