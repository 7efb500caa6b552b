//! Threat: somebody who may read protected values reads all of them, a little at a time, as in front of PostgreSQL
//! (suite/guard/protected).

use super::run;
use crate::harness::{MyShop, Setup};

const BUDGET: &str = r#"package jurat.own
limits contains {"id": "test.values", "kind": "protected_values_per_window", "value": 30, "window": "1h", "labels": ["pii.*"]}
"#;

fn shop() -> Option<MyShop> {
    MyShop::open(Setup::mariadb().policy("limits.rego", BUDGET))
}

const WORDS: &str = "30 values of protected columns in 3600 s";

#[test]
fn the_row_that_does_not_fit_is_not_sent() {
    let Some(shop) = shop() else { return };
    let mut sessions = [shop.wire("priya"), shop.wire("priya")];
    for text in [
        "SELECT id, name, tier FROM customers",
        "SELECT email FROM customers WHERE id < 0",
        "SELECT card FROM customers WHERE id = 1",
    ] {
        assert!(run(&mut sessions[0], text, false).is_ok(), "{text}");
    }
    for (n, text, rows) in [
        (0, "SELECT id, email FROM customers WHERE id <= 10", 10),
        (1, "SELECT email, ssn FROM customers WHERE id <= 3", 3),
        (0, "SELECT UPPER(email) AS mail FROM customers WHERE id <= 2", 2),
    ] {
        let got = sessions[n].one(text).rows.len();
        assert_eq!(got, rows, "{text}");
    }
    // Twelve values are left, which a cursor takes in two portions.
    let wire = &mut sessions[1];
    let statement = wire.prepare("SELECT email FROM customers ORDER BY id").unwrap();
    wire.open_cursor(statement, &[]).unwrap();
    assert_eq!(wire.fetch(statement, 6), Ok((6, false)));
    assert_eq!(wire.fetch(statement, 6), Ok((6, false)));
    let error = wire.fetch(statement, 6).unwrap_err();
    assert!(error.message.contains(WORDS), "{error:?}");
    for (n, prepared) in [(0, false), (1, true)] {
        let text = "SELECT ssn FROM customers";
        let error = run(&mut sessions[n], text, prepared).unwrap_err();
        assert!(error.message.contains(WORDS), "{error:?}");
    }
    assert_eq!(sessions[0].one("SELECT id FROM customers").rows.len(), 20);
    assert_eq!(shop.wire("ana").one("SELECT email FROM customers").rows.len(), 20);
    shop.close();
}

#[test]
fn what_collects_values_is_refused() {
    let Some(shop) = shop() else { return };
    let mut wire = shop.wire("priya");
    for text in [
        "SELECT GROUP_CONCAT(email) FROM customers",
        "SELECT JSON_ARRAYAGG(email) FROM customers",
        "SELECT CONCAT(a.email, b.email) FROM customers a JOIN customers b ON a.id < b.id",
        "SELECT CONCAT(MIN(email), MAX(email)) FROM customers",
        "SELECT SUM(ASCII(ssn) * POWER(1000, id)) FROM customers",
        "WITH RECURSIVE r (n, t) AS (SELECT 1, CAST('' AS CHAR(9999)) UNION ALL SELECT n + 1, CONCAT(t, email) FROM r JOIN customers ON id = n) SELECT t FROM r",
    ] {
        assert!(shop.inspector().rows(text).len() < 1000, "{text}");
        let error = run(&mut wire, text, false).unwrap_err();
        assert!(error.message.contains("only 30 values of protected columns"), "{text}: {error:?}");
    }
    for text in
        ["SELECT COUNT(email) FROM customers", "SELECT MIN(email), MAX(email) FROM customers"]
    {
        assert!(run(&mut wire, text, false).is_ok(), "{text}");
    }
    shop.close();
}
