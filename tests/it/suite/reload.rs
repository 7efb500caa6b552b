//! Promise: policies change while sessions go on, and from that moment on every run is judged by the new
//! ones, also of what was prepared before.

use crate::harness::{Setup, Shop, until};

/// A package that denies reading orders.
const NO_ORDERS: &str = r#"package jurat.closed
deny contains {"id": "closed.orders", "msg": "orders are closed"} if {
    some relation in input.statement.relations
    relation.id == "public.orders"
}
"#;

/// A package that masks the note of an order.
const MASK_NOTES: &str = r#"package jurat.closed
masks contains {"id": "closed.notes", "column": "public.orders.note", "method": "redact"} if {
    input.stage == "statement"
}
"#;

const NOTHING: &str = "package jurat.closed\n";

/// Puts a policy in place and waits until it judges.
fn load(shop: &Shop, text: &str) {
    let before = shop.records().system("policy_loaded").len();
    shop.jurat.home.write("policy/closed.rego", text);
    shop.jurat.reload();
    until("the policies to be loaded", || {
        (shop.records().system("policy_loaded").len() > before).then_some(())
    });
}

#[tokio::test]
async fn what_was_prepared_before_is_judged_by_the_new_policies() {
    let Some(shop) = Shop::open(Setup::default().policy("closed.rego", NOTHING)).await else {
        return;
    };
    let mut wire = shop.wire("ana").await;
    wire.parse("s", "SELECT note FROM orders WHERE id = 1").sync();
    wire.answer().await;
    wire.run("PREPARE p AS SELECT note FROM orders WHERE id = 2").await;
    let run_both = async |wire: &mut crate::harness::Wire| {
        wire.bind("", "s").execute("").sync();
        [wire.answer().await, wire.run("EXECUTE p").await]
    };
    for reply in run_both(&mut wire).await {
        assert!(reply.value().starts_with("order "), "{reply:?}");
    }

    load(&shop, NO_ORDERS);
    for reply in run_both(&mut wire).await {
        assert_eq!((reply.sqlstate().as_str(), reply.rows().len()), ("42501", 0), "{reply:?}");
    }
    assert_eq!(wire.run("SELECT note FROM orders").await.sqlstate(), "42501");

    // A mask would need another text than the one that the database has.
    load(&shop, MASK_NOTES);
    for reply in run_both(&mut wire).await {
        assert_eq!((reply.sqlstate().as_str(), reply.rows().len()), ("0A000", 0), "{reply:?}");
        assert!(reply.error().unwrap().message().contains("cached plan"), "{reply:?}");
    }
    let masked = wire.run("SELECT note FROM orders WHERE id = 1").await;
    assert_eq!(masked.rows().len(), 1);
    assert_ne!(masked.value(), "order 1");

    load(&shop, NOTHING);
    for reply in run_both(&mut wire).await {
        assert!(reply.value().starts_with("order "), "{reply:?}");
    }
    let records = shop.close().await;
    assert_eq!(records.sessions("opened").len(), 1, "one session saw it all");
    let revisions: std::collections::BTreeSet<String> = records
        .decisions()
        .iter()
        .map(|record| record["result"]["policy"]["revision"].to_string())
        .collect();
    assert_eq!(revisions.len(), 3);
}

#[tokio::test]
async fn a_policy_that_does_not_compile_changes_nothing() {
    let Some(shop) = Shop::open(Setup::default().policy("closed.rego", NO_ORDERS)).await else {
        return;
    };
    let mut wire = shop.wire("ana").await;
    assert_eq!(wire.run("SELECT note FROM orders").await.sqlstate(), "42501");
    shop.jurat.home.write("policy/closed.rego", "package jurat.closed\ndeny contains {");
    shop.jurat.reload();
    let rejected = until("the rejection", || shop.records().system("policy_rejected").pop());
    assert!(rejected["details"].to_string().contains("closed.rego"), "{rejected}");
    shop.jurat.logged("policies refused");
    // The last good ones still judge, in the old session and in a new one.
    assert_eq!(wire.run("SELECT note FROM orders").await.sqlstate(), "42501");
    assert_eq!(shop.wire("ana").await.run("SELECT note FROM orders").await.sqlstate(), "42501");
    assert_eq!(wire.run("SELECT 1").await.value(), "1");
    load(&shop, NOTHING);
    assert_eq!(wire.run("SELECT note FROM orders WHERE id = 1").await.value(), "order 1");
    shop.close().await;
}
