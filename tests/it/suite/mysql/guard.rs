//! Promise: the number of rows that a write changes is read from the server before it is committed and compared
//! with the number that was authorized, as in front of PostgreSQL (suite/guard).

use serde_json::Value;

use crate::harness::{MyError, MyShop, MyWire, Setup};

mod around;
mod consent;
mod estimates;
mod protected;
mod returned;
mod transactions;

/// At most ten rows a statement.
pub(super) const LIMIT: &str = r#"package jurat.own
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 10} if input.principal.kind == "service"
"#;

/// Which statements are written, and how many rows the server says that each changes.
const WRITES: &[(&str, u64)] = &[
    ("UPDATE numbers SET n = -n WHERE n > 0", 200_000),
    ("UPDATE numbers SET n = -n WHERE n BETWEEN 1 AND 11", 11),
    ("DELETE FROM payments WHERE id > 0", 100),
    ("INSERT INTO notes (body) SELECT 'x' FROM numbers WHERE n <= 11", 11),
    (
        "INSERT INTO notes (body) VALUES ('1'),('2'),('3'),('4'),('5'),('6'),('7'),('8'),('9'),('10'),('11')",
        11,
    ),
    (
        "UPDATE orders JOIN numbers ON orders.id = numbers.n SET orders.note = 'x' WHERE numbers.n < 50",
        49,
    ),
    (
        "DELETE payments FROM payments JOIN orders ON payments.order_id = orders.id WHERE orders.id > 0",
        100,
    ),
    // A row that is there already counts as removed and written.
    (
        "REPLACE INTO payments (id, order_id, paid) SELECT id, order_id, 1 - paid FROM payments WHERE id <= 10",
        20,
    ),
    (
        "INSERT INTO payments (id, order_id, paid) SELECT id, order_id, 1 FROM orders_of_six ON DUPLICATE KEY UPDATE paid = 1 - paid",
        12,
    ),
];

/// Statements that change at most ten rows each.
const SMALL: &[&str] = &[
    "UPDATE numbers SET n = -n WHERE n BETWEEN 1 AND 10",
    "INSERT INTO notes (body) VALUES ('few'), ('words')",
    "DELETE FROM payments WHERE id = 7",
    "UPDATE orders SET note = 'x' WHERE id < 0",
    "UPDATE orders SET note = note WHERE id > 0",
    "INSERT IGNORE INTO payments (id, order_id, paid) VALUES (1, 1, 1)",
    "REPLACE INTO payments (id, order_id, paid) VALUES (1, 1, 1)",
    "INSERT INTO payments (id, order_id, paid) VALUES (1, 1, 1) ON DUPLICATE KEY UPDATE paid = 0",
    "UPDATE orders SET amount = 'x' WHERE id = 0",
    // An error of the server's own.
    "INSERT INTO payments (id, order_id, paid) VALUES (2, 1, 1)",
];

const VIEWS: &str =
    "CREATE VIEW shop.orders_of_six AS SELECT id, id AS order_id FROM shop.orders WHERE id <= 6;
    CREATE TABLE shop.scraps (a int) ENGINE=MyISAM; INSERT INTO shop.scraps VALUES (1), (2), (3)";

/// One line that is another one whenever anything has changed.
pub(super) fn state(shop: &MyShop) -> String {
    let mut state = String::new();
    for table in ["numbers", "payments", "orders", "notes"] {
        let rows = shop.inspector().rows(&format!("CHECKSUM TABLE shop.{table}"));
        state.push_str(&rows[0].join(" "));
    }
    state
}

pub(super) fn limited() -> Setup {
    Setup { objects: VIEWS, ..Setup::mariadb() }.policy("limits.rego", LIMIT)
}

/// The refusal says the number, the limit and what to do, in its line.
pub(super) fn assert_refused(error: &MyError, text: &str, rows: u64) {
    assert_eq!((error.code, error.sqlstate.as_str()), (1142, "42000"), "{text}: {error:?}");
    for words in [
        format!("would change {rows} rows"),
        "and the limit is 10 [rule test.rows, id ".to_owned(),
        "Nothing was changed".to_owned(),
    ] {
        assert!(error.message.contains(&words), "{text}: {error:?}");
    }
}

/// Runs a text as a query, or prepared.
pub(super) fn run(wire: &mut MyWire, text: &str, prepared: bool) -> Result<u64, MyError> {
    let results = match prepared {
        false => wire.query(text)?,
        true => {
            let statement = wire.prepare(text)?;
            wire.execute(statement, &[])?
        }
    };
    Ok(results[0].affected)
}

#[test]
fn a_write_over_the_limit_changes_nothing() {
    let Some(shop) = MyShop::open(limited()) else { return };
    let before = state(&shop);
    let (mut direct, mut wire) = (shop.direct_wire(), shop.wire("shopd"));
    for (text, rows) in WRITES {
        // Directly it works, and changes as many rows as is said here.
        direct.one("START TRANSACTION");
        assert_eq!(direct.one(text).affected, *rows, "{text}");
        direct.one("ROLLBACK");
        for prepared in [false, true] {
            let error = run(&mut wire, text, prepared).unwrap_err();
            assert_refused(&error, text, *rows);
            assert_eq!(state(&shop), before, "{text}");
        }
        // The client sees a session as it was.
        assert_eq!(wire.one("SELECT @@autocommit").value(), "1");
    }
    let records = shop.close();
    let results: Vec<_> = records
        .decisions()
        .into_iter()
        .filter(|record| record["input"]["stage"] == "result")
        .collect();
    assert_eq!(results.len(), 2 * WRITES.len());
    for (result, (text, rows)) in results.iter().zip(WRITES.iter().flat_map(|each| [each, each])) {
        assert_eq!(result["result"]["effect"], "deny", "{text}");
        assert_eq!(result["result"]["reasons"][0]["code"], "JRT-ROWS", "{text}");
        assert_eq!(result["input"]["statement"]["actual"]["rows"], *rows, "{text}");
        let decided =
            records.decisions().into_iter().find(|d| d["decision_id"] == result["result_of"]);
        let decided = decided.expect("the decision that let it run");
        assert_eq!(decided["result"]["effect"], "allow");
        assert_eq!(records.outcome(&decided).unwrap()["outcome"], "rolled_back", "{text}");
        assert_eq!(result["sent_sha256"], Value::Null);
    }
}

/// Everything that a client can see of it but `ROW_COUNT()` is the same, also of errors and warnings.
#[test]
fn a_write_within_the_limit_is_what_it_is_without_jurat() {
    let Some(shop) = MyShop::open(limited()) else { return };
    let (mut direct, mut wire) = (shop.direct_wire(), shop.wire("shopd"));
    for text in SMALL {
        for prepared in [false, true] {
            let mut heard = Vec::new();
            for session in [&mut direct, &mut wire] {
                let said = match prepared {
                    false => session.query(text),
                    true => {
                        session.prepare(text).and_then(|statement| session.execute(statement, &[]))
                    }
                };
                let warnings = session.one("SHOW WARNINGS").rows;
                let inserted = session.one("SELECT LAST_INSERT_ID()").rows;
                heard.push((said, warnings, inserted));
            }
            assert_eq!(heard[0], heard[1], "{text}");
        }
    }
    let numbers = "SELECT COUNT(*), SUM(n) FROM shop.numbers";
    assert_eq!(shop.inspector().rows(numbers), shop.twin().admin().rows(numbers));
    let records = shop.close();
    let results = records.decisions().into_iter().filter(|r| r["input"]["stage"] == "result");
    assert!(results.count() > SMALL.len());
}

#[test]
fn nobody_sees_what_is_taken_back() {
    let Some(shop) = MyShop::open(limited()) else { return };
    let mut wire = shop.wire("shopd");
    std::thread::scope(|scope| {
        let watched = scope.spawn(|| {
            let mut other = shop.wire("ana");
            let count = "SELECT COUNT(*) FROM numbers WHERE n < 0";
            (0..100).map(|_| other.one(count).value().to_owned()).all(|seen| seen == "0")
        });
        for _ in 0..3 {
            let text = "UPDATE numbers SET n = -n WHERE n > 0";
            assert_refused(&wire.error(text), text, 200_000);
        }
        assert!(watched.join().unwrap());
    });
    shop.close();
}

/// What nobody can count, or take back, before it is committed is refused, with the reason.
#[test]
fn what_cannot_be_counted_is_refused() {
    let setup = Setup { environment: "staging", ..limited() };
    let Some(shop) = MyShop::open(setup) else { return };
    let before = state(&shop);
    let mut wire = shop.wire("shopd");
    for text in [
        "TRUNCATE TABLE payments",
        "DROP TABLE payments",
        "ANALYZE UPDATE payments SET paid = 1 WHERE id = 1",
        // Its storage engine keeps what it was told.
        "DELETE FROM scraps WHERE a = 1",
        "INSERT INTO scraps (a) SELECT id FROM orders WHERE id = 1",
    ] {
        for prepared in [false, true] {
            let error = run(&mut wire, text, prepared).unwrap_err();
            assert_eq!(error.sqlstate, "42000", "{text}: {error:?}");
            let limit = error.message.contains("a limit of 10 rows applies");
            assert!(limit || error.code == 1064, "{text}: {error:?}");
        }
    }
    assert_eq!(wire.one("SELECT COUNT(*) FROM scraps").value(), "3");
    // Reading it is free, and a plain EXPLAIN changes nothing.
    wire.one("INSERT INTO notes (body) SELECT a FROM scraps");
    wire.one("DELETE FROM notes WHERE id > 0");
    wire.one("EXPLAIN UPDATE payments SET paid = 1 WHERE id = 1");
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.payments"), 100);
    assert_eq!(state(&shop).split(' ').count(), before.split(' ').count());
    shop.close();
}

#[test]
fn policy_may_let_pass_what_cannot_be_counted() {
    let policy = r#"package jurat.own
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 10, "uncounted": "allow"}
"#;
    let setup = Setup { environment: "staging", objects: VIEWS, ..Setup::mariadb() }
        .policy("limits.rego", policy);
    let Some(shop) = MyShop::open(setup) else { return };
    let mut wire = shop.wire("dora");
    wire.one("TRUNCATE TABLE payments");
    assert_eq!(wire.one("DELETE FROM scraps WHERE a > 0").affected, 3);
    assert!(
        wire.error("DELETE FROM orders WHERE id > 0").message.contains("would change 100 rows")
    );
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.orders"), 100);
    shop.close();
}

/// The server says nothing of rows along foreign keys, so a limit that asks for them refuses.
#[test]
fn rows_along_foreign_keys_are_not_counted() {
    let policy = r#"package jurat.own
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 10, "cascades": true}
"#;
    let Some(shop) = MyShop::open(Setup::mariadb().policy("limits.rego", policy)) else { return };
    let mut wire = shop.wire("shopd");
    let error = wire.error("DELETE FROM customers WHERE id = 1");
    assert!(error.message.contains("does not say how many rows foreign keys"), "{error:?}");
    assert_eq!(wire.one("DELETE FROM payments WHERE id = 1").affected, 1);
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.customers"), 20);
    shop.close();
}

/// A policy may judge the number itself, and one that reads the whole statement refuses no write.
#[test]
fn a_policy_judges_the_rows_at_the_result_stage() {
    let policy = r#"package jurat.own
deny contains {"id": "test.half", "msg": sprintf("It changed %d rows", [input.statement.actual.rows])} if {
	input.stage == "result"
	input.statement.actual.rows > 50
}
warn contains {"id": "test.whole", "msg": "x"} if json.marshal(input.statement) != ""
"#;
    let Some(shop) = MyShop::open(Setup::mariadb().policy("limits.rego", policy)) else { return };
    let mut wire = shop.wire("shopd");
    let error = wire.error("DELETE FROM payments WHERE id > 40");
    assert!(error.message.contains("It changed 60 rows [rule test.half"), "{error:?}");
    assert_eq!(wire.one("DELETE FROM payments WHERE id > 60").affected, 40);
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.payments"), 60);
    shop.close();
}
