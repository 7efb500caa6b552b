//! Promise: where policy asks for it, the server is asked how many rows a statement concerns before it runs, as in
//! front of PostgreSQL (suite/guard/estimates).

use super::run;
use crate::harness::{MyShop, Setup};

const POLICY: &str = r#"package jurat.own
obligations contains {"kind": "estimate", "params": {"by": "count", "timeout_ms": 1000}} if {
	input.stage == "statement"
	input.principal.id == "shopd"
	input.statement.kind in {"truncate", "update", "delete"}
	input.statement.estimate.source == "none"
}

obligations contains {"kind": "estimate", "params": {"by": "explain"}} if {
	input.stage == "statement"
	input.principal.id == "dora"
	input.statement.class == "write"
	input.statement.estimate.source == "none"
}

deny contains {"id": "own.many", "msg": sprintf("it would concern %d rows", [input.statement.estimate.rows])} if {
	input.statement.estimate.rows > 1000
}
"#;

#[test]
fn what_a_statement_concerns_is_counted_before_it_runs() {
    let setup = Setup { engine: Setup::mariadb().engine, ..Setup::staging() };
    let objects = "CREATE TABLE shop.scraps (a int) ENGINE=MyISAM; INSERT INTO shop.scraps SELECT n FROM shop.numbers WHERE n <= 2000";
    let setup = Setup { objects, ..setup }.policy("estimates.rego", POLICY);
    let Some(shop) = MyShop::open(setup) else { return };
    let mut wire = shop.wire("shopd");
    for (text, rows) in [
        ("TRUNCATE TABLE numbers", 200_000),
        ("UPDATE numbers SET n = -n WHERE n > 150000", 50_000),
        ("DELETE FROM scraps WHERE a > 900", 1_100),
        (
            "DELETE numbers FROM numbers JOIN orders ON numbers.n > orders.id WHERE orders.id = 99",
            199_901,
        ),
        (
            "UPDATE numbers JOIN orders ON numbers.n > orders.id SET numbers.n = 0 WHERE orders.id = 99",
            199_901,
        ),
    ] {
        for prepared in [false, true] {
            let error = run(&mut wire, text, prepared).unwrap_err();
            let words = format!("it would concern {rows} rows");
            assert!(error.message.contains(&words), "{text}: {error:?}");
        }
    }
    // What the engine cannot take back runs once it is known to be little.
    assert_eq!(run(&mut wire, "DELETE FROM scraps WHERE a <= 500", false), Ok(500));
    assert_eq!(run(&mut wire, "UPDATE numbers SET n = -n WHERE n <= 10", true), Ok(10));
    for (text, why) in [
        ("DELETE FROM numbers WHERE RAND() < 2", "it calls a function"),
        ("DELETE FROM numbers WHERE n = 1 LIMIT 1", "it has a LIMIT"),
        (
            "DELETE FROM numbers WHERE n + (SELECT COUNT(*) FROM numbers a JOIN numbers b ON a.n <> b.n) < 0",
            "in time",
        ),
    ] {
        let error = run(&mut wire, text, false).unwrap_err();
        assert!(error.message.contains(why), "{text}: {error:?}");
    }
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.numbers"), 200_000);
    let mut dora = shop.wire("dora");
    let error = run(&mut dora, "UPDATE numbers SET n = -n WHERE n > 0", false).unwrap_err();
    assert!(error.message.contains("it would concern"), "{error:?}");
    assert_eq!(run(&mut dora, "UPDATE orders SET note = 'x' WHERE id = 1", false), Ok(1));
    shop.close();
}
