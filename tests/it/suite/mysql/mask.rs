//! Promise: a mask leaves what is of use, and the words of the server give away nothing. Ways around masks are in
//! `catalogue`.

use crate::harness::{MyShop, canary};

mod methods;
mod ordinary;
mod rows;

#[test]
fn what_is_masked_is_still_of_use() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let row = &session.one("SELECT * FROM customers WHERE id = 3").rows[0];
    let shown: Vec<&str> = row.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect();
    assert_eq!(shown, ["3", "Customer 3", "c***@leak.example", "***", "***0003", "basic"]);
    // Whoever may read them does.
    let mut reader = shop.wire("priya");
    let email = reader.one("SELECT email FROM customers WHERE id = 3");
    assert_eq!(email.value(), "canary3@leak.example");
    shop.close();
}

/// What the server says of a failure quotes values.
#[test]
fn errors_and_warnings_are_withheld_where_masked_columns_are_in_reach() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    // A statement that works on the masked column and fails in the server.
    let attack =
        "SELECT EXTRACTVALUE(1, CONCAT('~', (SELECT email FROM customers ORDER BY id LIMIT 1)))";
    assert!(direct.error(attack).message.contains("~canary1@"));
    let error = session.error(attack);
    assert_eq!(canary::find(error.message.as_bytes()), None);
    // The list of warnings stays closed until another statement has used a table.
    session.query("SELECT LENGTH(email) + name FROM customers").ok();
    assert_eq!(session.one("SHOW WARNINGS").rows.len(), 0);
    session.one("SELECT id FROM orders LIMIT 1");
    session.one("SELECT 1 / 0 FROM orders LIMIT 1");
    assert_eq!(session.one("SHOW WARNINGS").rows.len(), 1);
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}
