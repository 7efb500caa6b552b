//! Promise: a session makes and uses temporary tables as directly, in production too. Threat: one that stands in front
//! of a protected table, and away again, or that takes its values.

use jurat_wire::mysql::command::CommandCode;

use crate::harness::{MyShop, MyWire, canary, mariadb};

/// A report as people write it.
const REPORT: &[(&str, &str)] = &[
    ("CREATE TEMPORARY TABLE report (id int PRIMARY KEY, total decimal(10, 2), orders int)", ""),
    ("CREATE TEMPORARY TABLE IF NOT EXISTS report (id int)", ""),
    (
        "INSERT INTO report SELECT customer_id, SUM(amount), COUNT(*) FROM orders GROUP BY customer_id",
        "",
    ),
    ("UPDATE report SET total = 0 WHERE id = 1", ""),
    ("SELECT COUNT(*) FROM report r JOIN customers c ON c.id = r.id WHERE r.total > 0", "19"),
    ("SELECT shop.report.orders FROM shop.report WHERE id = 2", "5"),
    ("ALTER TABLE report ADD COLUMN note varchar(20) DEFAULT 'n'", ""),
    ("CREATE INDEX by_total ON report (total)", ""),
    ("SELECT note FROM report WHERE id = 3", "n"),
    ("CREATE TEMPORARY TABLE copy LIKE report", ""),
    ("INSERT INTO copy (id, total) SELECT id, total FROM report", ""),
    (
        "CREATE TEMPORARY TABLE best ENGINE=MEMORY AS SELECT id, total AS t FROM copy ORDER BY total DESC LIMIT 3",
        "",
    ),
    ("SELECT COUNT(t) FROM best", "3"),
    ("ALTER TABLE best RENAME TO top", ""),
    ("SELECT COUNT(*) FROM top", "3"),
    ("TRUNCATE TABLE copy", ""),
    ("SELECT COUNT(*) FROM copy", "0"),
    ("DROP TABLE copy", ""),
    ("DROP TEMPORARY TABLE top, report", ""),
    ("DROP TEMPORARY TABLE IF EXISTS report", ""),
];

fn value(session: &mut MyWire, text: &str, prepared: bool) -> String {
    let results = if prepared {
        session.prepare(text).and_then(|statement| session.execute(statement, &[]))
    } else {
        session.query(text)
    };
    let results = results.unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let rows = results.into_iter().next().map(|result| result.rows).unwrap_or_default();
    rows.into_iter().flatten().flatten().next().unwrap_or_default()
}

#[test]
fn a_report_uses_temporary_tables_in_production() {
    let Some(shop) = MyShop::usual() else { return };
    let mut sessions = [shop.direct_wire(), shop.wire("ana"), shop.wire("ana")];
    for (number, session) in sessions.iter_mut().enumerate() {
        for (text, expected) in REPORT {
            assert_eq!(value(session, text, number == 2), *expected, "{number}: {text}");
        }
        // What is gone means nothing.
        assert!(session.query("SELECT * FROM report").is_err());
    }
    drop(sessions);
    // All in one text, as a script sends it.
    let mut session = shop.wire("ana");
    let results = session
        .query("CREATE TEMPORARY TABLE t (id int); INSERT INTO t VALUES (7); SELECT id FROM t")
        .unwrap();
    assert_eq!(results[2].value(), "7");
    // Nobody else has it, and nobody else's definitions are free.
    shop.wire("ana").error("SELECT id FROM t");
    session.error("CREATE TABLE lasting (id int)");
    session.error("DROP TABLE t, notes");
    assert_eq!(session.one("SELECT id FROM t").value(), "7");
    let records = shop.close();
    let relation = &records.decision_on("SELECT id FROM t")["input"]["statement"]["relations"][0];
    assert_eq!(relation["id"], "pg_temp_shop.t");
}

#[test]
fn a_transaction_goes_on_around_a_temporary_table() {
    let Some(shop) = MyShop::usual() else { return };
    for mut session in [shop.direct_wire(), shop.wire("ana")] {
        session.one("START TRANSACTION");
        session.one("INSERT INTO notes (body) VALUES ('taken back')");
        session.one("CREATE TEMPORARY TABLE mine (id int)");
        session.one("INSERT INTO mine VALUES (1)");
        session.one("ROLLBACK");
        // The table stays, its rows and those of others do not.
        assert_eq!(session.one("SELECT COUNT(*) FROM mine").value(), "0");
        let kept = "SELECT COUNT(*) FROM notes WHERE body = 'taken back'";
        assert_eq!(session.one(kept).value(), "0");
        session.one("DROP TEMPORARY TABLE mine");
    }
    shop.close();
}

/// What is read in front of `customers`, and away again. Directly each shows protected values.
const READ: &str = "SELECT email FROM customers ORDER BY id";

/// How a temporary `customers` goes.
const AWAY: &[&[&str]] = &[
    &["DROP TABLE customers"],
    &["DROP TEMPORARY TABLE customers"],
    &["DROP TABLE shop.customers"],
    &["DROP TEMPORARY TABLE IF EXISTS none_such, customers"],
    &["ALTER TABLE customers RENAME TO was_customers", "DROP TEMPORARY TABLE was_customers"],
    &["DROP TEMPORARY TABLE customers, none_such"],
    &["START TRANSACTION", "DROP TEMPORARY TABLE customers", "ROLLBACK"],
];

#[test]
fn a_temporary_table_that_hides_a_protected_one_does_not_unmask_it() {
    let Some(shop) = MyShop::usual() else { return };
    for away in AWAY {
        for (number, mut session) in
            [shop.direct_wire(), shop.wire("ana"), shop.wire("ana")].into_iter().enumerate()
        {
            session.one("CREATE TEMPORARY TABLE customers (id int, email varchar(100))");
            session.one("INSERT INTO customers VALUES (1, 'mine')");
            // Prepared while the name stands for the session's own table.
            if shop.server.kind() == mariadb::Kind::Mariadb {
                // The log of MySQL, which the record is compared with, leaves the text out.
                session.one(&format!("PREPARE p FROM '{READ}'"));
            }
            let prepared = session.prepare(READ).unwrap();
            assert_eq!(session.execute(prepared, &[]).unwrap()[0].value(), "mine");
            assert_eq!(
                value(&mut session, "SELECT shop.customers.email FROM shop.customers", false),
                "mine"
            );
            // A view means the table that lasts.
            session.query("SELECT reach_at FROM contact").unwrap();
            for text in *away {
                // One of them fails on a table that is not there, and drops the other all the same.
                let failed = session.query(text).err();
                assert!(failed.is_none() || text.contains("none_such"), "{text}: {failed:?}");
            }
            // MySQL drops all or none of them.
            let none = away[0].contains(", none_such");
            if none && shop.server.kind() == mariadb::Kind::Mysql {
                assert_eq!(session.one(READ).value(), "mine");
                session.one("DROP TEMPORARY TABLE customers");
            }
            let rows = |reply: Result<Vec<crate::harness::mysql_wire::MyResult>, _>| {
                reply.map_or(0, |results| results[0].rows.len())
            };
            // Masked, or to be prepared again.
            rows(session.execute(prepared, &[]));
            rows(session.query("EXECUTE p"));
            assert_eq!(rows(session.query(READ)), 20, "{away:?}");
            let leaked = canary::find(&session.received);
            assert_eq!(leaked.is_some(), number == 0, "{away:?} {number}: {leaked:?}");
        }
    }
    shop.close();
}

#[test]
fn a_session_that_begins_anew_has_none() {
    let Some(shop) = MyShop::usual() else { return };
    for (number, mut session) in [shop.direct_wire(), shop.wire("ana")].into_iter().enumerate() {
        session.one("CREATE TEMPORARY TABLE customers (id int, email varchar(100))");
        assert_eq!(session.one(READ).rows.len(), 0);
        session.simple(CommandCode::ResetConnection, b"").unwrap();
        assert_eq!(session.one(READ).rows.len(), 20);
        assert_eq!(canary::find(&session.received).is_some(), number == 0);
    }
    let mut session = shop.wire("ana");
    session.one("CREATE TEMPORARY TABLE customers (id int, email varchar(100))");
    session.change_user("ana", crate::harness::jurat::PASSWORD).unwrap();
    session.one("USE shop");
    assert_eq!(session.one(READ).rows.len(), 20);
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}

/// Ways to take protected values into a temporary table, or through one to change what lasts.
const TAKEN: &[&[&str]] = &[
    &["CREATE TEMPORARY TABLE t AS SELECT email FROM customers", "SELECT * FROM t"],
    &["CREATE TEMPORARY TABLE t (x int) SELECT 1 AS x, ssn FROM customers", "SELECT ssn FROM t"],
    &["CREATE TEMPORARY TABLE orders AS SELECT * FROM customers", "SELECT * FROM orders"],
    &[
        "CREATE TEMPORARY TABLE t LIKE customers",
        "INSERT INTO t SELECT * FROM customers",
        "SELECT * FROM t",
    ],
    &[
        "CREATE TEMPORARY TABLE t (e varchar(100))",
        "REPLACE INTO t SELECT email FROM customers",
        "SELECT e FROM t",
    ],
    &[
        "CREATE TEMPORARY TABLE t (id int, e varchar(100))",
        "INSERT INTO t SELECT id, '' FROM orders",
        "UPDATE t JOIN customers c ON c.id = t.id SET t.e = c.email",
        "SELECT e FROM t",
    ],
];

#[test]
fn no_temporary_table_takes_protected_values() {
    let Some(shop) = MyShop::usual() else { return };
    for attack in TAKEN {
        for (number, mut session) in [shop.direct_wire(), shop.wire("ana")].into_iter().enumerate()
        {
            for text in *attack {
                session.query(text).ok();
            }
            let leaked = canary::find(&session.received);
            assert_eq!(leaked.is_some(), number == 0, "{attack:?}: {leaked:?}");
        }
    }
    // What lasts does not change under the name of what does not.
    let mut session = shop.wire("ana");
    session.one("CREATE TEMPORARY TABLE notes (id int)");
    for text in [
        "RENAME TABLE notes TO other",
        "CREATE TRIGGER t BEFORE INSERT ON notes FOR EACH ROW SET NEW.id = 1",
        "CREATE OR REPLACE VIEW notes AS SELECT 1",
        "CREATE TABLE orders LIKE notes",
    ] {
        session.error(text);
    }
    session.one("DROP TABLE notes");
    assert_eq!(session.error("DROP TABLE notes").code, 1142);
    assert_eq!(shop.count("SELECT COUNT(*) FROM notes"), 0);
    shop.close();
}
