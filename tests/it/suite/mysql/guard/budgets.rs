//! Threat: limit laundering (SIDE-11). Many small statements over many sessions are one large one.

use super::run;
use crate::harness::{MyShop, Setup};

const BUDGET: &str = r#"package jurat.own
limits contains {"id": "test.budget", "kind": "rows_affected_per_window", "value": 10000, "window": "1h"}
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 1000}
"#;

#[test]
fn forty_times_five_hundred_rows_trip_a_budget_of_ten_thousand() {
    let Some(shop) = MyShop::open(Setup::mariadb().policy("limits.rego", BUDGET)) else { return };
    let mut sessions = [shop.wire("shopd"), shop.wire("shopd")];
    for n in 0..40 {
        let from = n * 500;
        let text = format!("UPDATE numbers SET n = -n WHERE n > {from} AND n <= {from} + 500");
        match run(&mut sessions[n % 2], &text, n % 3 == 0) {
            Ok(affected) => assert!(n < 20 && affected == 500, "{n}"),
            Err(error) => {
                assert!(n >= 20, "{error:?}");
                let words = "10000 of 10000 changed rows in 3600 s";
                assert!(error.message.contains(words), "{error:?}");
            }
        }
    }
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.numbers WHERE n < 0"), 10_000);
    // Others have budgets of their own, and reads need none.
    assert_eq!(sessions[0].one("SELECT COUNT(*) FROM numbers").value(), "200000");
    let mut other = shop.wire("dora");
    assert_eq!(other.one("UPDATE numbers SET n = -n WHERE n < -9500").affected, 500);
    shop.close();
}

#[test]
fn statements_have_a_budget() {
    let policy = r#"package jurat.own
limits contains {"id": "test.pace", "kind": "statements_per_window", "value": 5, "window": "1h"} if input.statement.class == "read"
"#;
    let Some(shop) = MyShop::open(Setup::mariadb().policy("limits.rego", policy)) else { return };
    let mut sessions = [shop.wire("ana"), shop.wire("ana")];
    let mut ran = 0;
    for n in 0..10 {
        match run(&mut sessions[n % 2], "SELECT 1", n % 3 == 1) {
            Ok(_) => ran += 1,
            Err(error) => {
                assert!(error.message.contains("5 of 5 statements in 3600 s"), "{error:?}");
            }
        }
    }
    assert_eq!(ran, 5);
    shop.close();
}
