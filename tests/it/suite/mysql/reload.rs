//! Promise: policies change while sessions go on, and from that moment on every run is judged by the new ones, also
//! of what was prepared before.

use crate::harness::{MyShop, Setup, until};

/// A package that denies reading orders.
const NO_ORDERS: &str = r#"package jurat.closed
deny contains {"id": "closed.orders", "msg": "orders are closed"} if {
    some relation in input.statement.relations
    relation.id == "shop.orders"
}
"#;

/// A package that masks the note of an order.
const MASK_NOTES: &str = r#"package jurat.closed
masks contains {"id": "closed.notes", "column": "shop.orders.note", "method": "redact"} if {
    input.stage == "statement"
}
"#;

const NOTHING: &str = "package jurat.closed\n";

const READ: &str = "SELECT note FROM orders WHERE id = 1";

/// Puts a policy in place and waits until it judges.
fn load(shop: &MyShop, text: &str) {
    let before = shop.records().system("policy_loaded").len();
    shop.jurat.home.write("policy/closed.rego", text);
    shop.jurat.reload();
    until("the policies to be loaded", || {
        (shop.records().system("policy_loaded").len() > before).then_some(())
    });
}

#[test]
fn what_was_prepared_before_is_judged_by_the_new_policies() {
    let setup = Setup::mariadb().policy("closed.rego", NOTHING);
    let Some(shop) = MyShop::open(setup) else { return };
    let mut session = shop.wire("ana");
    let statement = session.prepare(READ).unwrap();
    assert_eq!(session.execute(statement, &[]).unwrap()[0].value(), "order 1");
    load(&shop, NO_ORDERS);
    assert_eq!(session.execute(statement, &[]).unwrap_err().code, 1142);
    assert_eq!(session.error(READ).code, 1142);
    // A mask needs another text than the one that the database has: drivers prepare it again.
    load(&shop, MASK_NOTES);
    assert_eq!(session.execute(statement, &[]).unwrap_err().code, 1615);
    assert_eq!(session.one(READ).value(), "***");
    load(&shop, NOTHING);
    assert_eq!(session.execute(statement, &[]).unwrap()[0].value(), "order 1");
    assert_eq!(shop.close().sessions("opened").len(), 1, "one session saw it all");
}

#[test]
fn a_policy_that_does_not_compile_changes_nothing() {
    let setup = Setup::mariadb().policy("closed.rego", NO_ORDERS);
    let Some(shop) = MyShop::open(setup) else { return };
    let mut session = shop.wire("ana");
    assert_eq!(session.error(READ).code, 1142);
    shop.jurat.home.write("policy/closed.rego", "package jurat.closed\ndeny contains {");
    shop.jurat.reload();
    until("the rejection", || shop.records().system("policy_rejected").pop());
    assert_eq!(session.error(READ).code, 1142);
    assert_eq!(shop.wire("ana").error(READ).code, 1142);
    assert_eq!(session.one("SELECT 1").value(), "1");
    shop.close();
}
