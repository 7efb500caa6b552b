//! Threat: ways around the count of rows, as in front of PostgreSQL (suite/guard/around.rs): policy allows everything
//! here and limits rows to ten.
//!
//! Each attack runs first without Jurat, where it must change more rows than ten. Through Jurat none of the rows may
//! be another afterwards, whatever parts of it ran.

use crate::harness::{MyShop, MyWire, Setup, mariadb::Kind};

const POLICY: &str = r#"package jurat.own
allow contains "everything"
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 10}
"#;

/// What both servers have; it is made anew before each attack.
const OBJECTS: &str = "DELIMITER //
    DROP DATABASE IF EXISTS lab//
    CREATE DATABASE lab//
    USE lab//
    CREATE TABLE pays (id int PRIMARY KEY, paid int NOT NULL, body varchar(20) DEFAULT 'x')//
    INSERT INTO pays (id, paid) SELECT id, 0 FROM shop.orders//
    CREATE TABLE other LIKE pays//
    CREATE TABLE pairs (id int PRIMARY KEY, a int UNIQUE, b int UNIQUE)//
    INSERT INTO pairs SELECT id, id, id FROM shop.orders WHERE id <= 30//
    CREATE TABLE parts (n int PRIMARY KEY, body varchar(20) DEFAULT 'p')
        PARTITION BY RANGE (n) (PARTITION low VALUES LESS THAN (51), PARTITION high VALUES LESS THAN (1001))//
    INSERT INTO parts (n) SELECT id FROM shop.orders//
    CREATE VIEW every_pay AS SELECT id, paid FROM pays//
    CREATE PROCEDURE pay_all() BEGIN UPDATE pays SET paid = 1 - paid; COMMIT; UPDATE pays SET body = 'y'; END//
    CREATE FUNCTION pay_some() RETURNS int MODIFIES SQL DATA BEGIN UPDATE pays SET paid = 1 - paid; RETURN 1; END//
    CREATE TABLE watched (a int)//
    CREATE TRIGGER watching BEFORE INSERT ON watched FOR EACH ROW UPDATE pays SET paid = 1 - paid//
    DROP DATABASE IF EXISTS attic//
    CREATE DATABASE attic//
    CREATE TABLE attic.old AS SELECT id FROM shop.orders//";

/// All rows that attacks are about; a table that is gone has none.
const ROWS: &[&str] = &[
    "SELECT CONCAT('p', id, '-', paid, body) FROM lab.pays",
    "SELECT CONCAT('q', id, '-', a, '-', b) FROM lab.pairs",
    "SELECT CONCAT('m', n, body) FROM lab.parts",
    "SELECT CONCAT('a', id) FROM attic.old",
];

/// One attack: its messages, in order, and where it runs.
struct Attack {
    texts: &'static [&'static str],
    only: Option<Kind>,
}

const fn both(texts: &'static [&'static str]) -> Attack {
    Attack { texts, only: None }
}

const fn mariadb(texts: &'static [&'static str]) -> Attack {
    Attack { texts, only: Some(Kind::Mariadb) }
}

const fn mysql(texts: &'static [&'static str]) -> Attack {
    Attack { texts, only: Some(Kind::Mysql) }
}

const PAY: &str = "UPDATE pays SET paid = 1 - paid WHERE id > 0";

const ATTACKS: &[Attack] = &[
    // Transactions that end by other means than COMMIT.
    both(&["SET autocommit = 0", PAY, "SET autocommit = 1"]),
    both(&["SET autocommit = 0", PAY, "COMMIT"]),
    both(&["START TRANSACTION", PAY, "CREATE TABLE ends (a int)"]),
    both(&["START TRANSACTION", PAY, "START TRANSACTION", "COMMIT"]),
    both(&["START TRANSACTION", PAY, "LOCK TABLES other WRITE", "UNLOCK TABLES"]),
    both(&["START TRANSACTION", "SAVEPOINT s", PAY, "RELEASE SAVEPOINT s", "COMMIT"]),
    both(&["START TRANSACTION", "SAVEPOINT s", PAY, "ROLLBACK TO s", PAY, "COMMIT"]),
    both(&[
        "START TRANSACTION",
        "SAVEPOINT `jurat row guard`",
        PAY,
        "RELEASE SAVEPOINT `jurat row guard`",
        "COMMIT",
    ]),
    both(&["START TRANSACTION", PAY, "COMMIT AND CHAIN", "COMMIT"]),
    both(&["START TRANSACTION; UPDATE pays SET paid = 1 - paid; COMMIT"]),
    both(&["UPDATE pays SET paid = 1 - paid; COMMIT; SELECT 1"]),
    both(&["LOCK TABLES pays WRITE", PAY, "UNLOCK TABLES"]),
    both(&["SET completion_type = 'CHAIN'", PAY, "SET completion_type = 'NO_CHAIN'"]),
    both(&["SET completion_type = 'CHAIN'", "START TRANSACTION", PAY, "COMMIT", "COMMIT"]),
    both(&["XA START 'x'", PAY, "XA END 'x'", "XA COMMIT 'x' ONE PHASE"]),
    both(&["XA START 'x'", PAY, "XA END 'x'", "XA PREPARE 'x'", "XA COMMIT 'x'"]),
    // Statements that run another one.
    both(&["PREPARE s FROM 'UPDATE pays SET paid = 1 - paid'", "EXECUTE s"]),
    both(&["PREPARE s FROM 'DELETE FROM pays WHERE id > ?'", "SET @a = 0", "EXECUTE s USING @a"]),
    mariadb(&["EXECUTE IMMEDIATE 'UPDATE pays SET paid = 1 - paid'"]),
    mariadb(&["SET STATEMENT max_statement_time = 100 FOR UPDATE pays SET paid = 1 - paid"]),
    mariadb(&["BEGIN NOT ATOMIC UPDATE pays SET paid = 1 - paid; COMMIT; END"]),
    mariadb(&["ANALYZE FORMAT=JSON DELETE FROM pays WHERE id > 0"]),
    mariadb(&["ANALYZE UPDATE pays SET paid = 1 - paid"]),
    both(&["CALL pay_all()"]),
    both(&["SELECT pay_some()"]),
    both(&["DO pay_some()"]),
    both(&["SET @a = pay_some()"]),
    both(&["INSERT INTO other (id, paid) VALUES (1, pay_some())"]),
    both(&["INSERT INTO watched VALUES (1)"]),
    // Statements whose number says little of what they change.
    both(&["REPLACE INTO pairs SELECT id, id + 30, id + 30 FROM shop.orders WHERE id <= 12"]),
    mariadb(&[
        "REPLACE INTO pairs (id, a, b) VALUES (31, 1, 2), (32, 3, 4), (33, 5, 6), (34, 7, 8), (35, 9, 10), (36, 11, 12) RETURNING id",
    ]),
    mariadb(&[
        "REPLACE INTO pairs (id, a, b) VALUES (1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12) RETURNING id",
    ]),
    both(&[
        "INSERT INTO pays (id, paid) SELECT id, 1 FROM shop.orders ON DUPLICATE KEY UPDATE paid = 1 - paid",
    ]),
    both(&["UPDATE every_pay SET paid = 1 - paid"]),
    both(&[
        "UPDATE pays, parts SET pays.paid = 1, parts.body = 'y' WHERE pays.id = parts.n AND pays.id <= 6",
    ]),
    both(&["DELETE pays, parts FROM pays JOIN parts ON pays.id = parts.n WHERE pays.id <= 6"]),
    both(&["UPDATE parts SET n = n + 100 ORDER BY n DESC"]),
    both(&["DELETE FROM parts PARTITION (low)"]),
    mysql(&[
        "WITH few AS (SELECT id FROM shop.orders) DELETE FROM pays WHERE id IN (SELECT id FROM few)",
    ]),
    // Definitions that take rows or values away.
    both(&["TRUNCATE pays"]),
    both(&["DROP TABLE pays"]),
    both(&["DROP TABLES IF EXISTS other, pays"]),
    both(&["DROP DATABASE attic"]),
    both(&["DROP SCHEMA IF EXISTS attic"]),
    both(&["ALTER TABLE parts DROP PARTITION low"]),
    both(&["ALTER TABLE parts TRUNCATE PARTITION low"]),
    both(&["ALTER TABLE lab.parts TRUNCATE PARTITION ALL"]),
    both(&["ALTER TABLE pays DROP COLUMN paid"]),
    both(&["ALTER TABLE pays DROP paid, ADD COLUMN paid int NOT NULL DEFAULT 1"]),
    both(&["ALTER TABLE pays DISCARD TABLESPACE"]),
    mariadb(&["CREATE OR REPLACE TABLE pays (id int, paid int, body int)"]),
    mariadb(&["CREATE OR REPLACE TABLE pays LIKE other"]),
    mariadb(&["CREATE OR REPLACE TABLE pays AS SELECT id, 1 AS paid, 'z' AS body FROM other"]),
    mariadb(&["CREATE OR REPLACE DATABASE attic"]),
    mariadb(&["CREATE OR REPLACE SCHEMA attic"]),
    mariadb(&["ALTER IGNORE TABLE pays ADD UNIQUE KEY one (paid)"]),
];

/// What changes no more than ten rows, and no values.
const HONEST: &[Attack] = &[
    both(&[
        "START TRANSACTION",
        "SAVEPOINT s",
        "UPDATE pays SET paid = 1 WHERE id <= 10",
        "RELEASE SAVEPOINT s",
        "COMMIT",
    ]),
    both(&[
        "START TRANSACTION",
        "UPDATE pays SET body = 'y' WHERE id <= 10",
        "COMMIT AND CHAIN",
        "COMMIT",
    ]),
    both(&[
        "SET completion_type = 'CHAIN'",
        "UPDATE pays SET body = 'z' WHERE id <= 3",
        "SET completion_type = 'NO_CHAIN'",
    ]),
    both(&["LOCK TABLES pays WRITE", "UPDATE pays SET body = 'l' WHERE id <= 3", "UNLOCK TABLES"]),
    both(&[
        "PREPARE s FROM 'UPDATE pays SET paid = 1 - paid WHERE id = ?'",
        "SET @a = 7",
        "EXECUTE s USING @a",
    ]),
    both(&["INSERT INTO pays (id, paid) VALUES (1, 1) ON DUPLICATE KEY UPDATE paid = 5"]),
    mariadb(&["INSERT INTO other (id, paid) VALUES (1, 1), (2, 2) RETURNING id"]),
    mariadb(&["DELETE FROM pays WHERE id = 99 RETURNING id"]),
    both(&[
        "ALTER TABLE parts ADD COLUMN more int",
        "ALTER TABLE parts REORGANIZE PARTITION high INTO (PARTITION high VALUES LESS THAN (2001))",
    ]),
    both(&["ALTER TABLE pays ADD KEY by_paid (paid)", "ALTER TABLE pays DROP KEY by_paid"]),
    both(&["CREATE TABLE made (a int)"]),
    mariadb(&["CREATE OR REPLACE TABLE brand_new (a int)"]),
    both(&["CREATE DATABASE IF NOT EXISTS attic"]),
    both(&["DROP VIEW every_pay", "DROP PROCEDURE pay_all"]),
];

fn rows(cli: &crate::harness::mariadb::Cli) -> Vec<String> {
    let mut rows = Vec::new();
    for query in ROWS {
        let said = cli.run_in("shop", query);
        rows.extend(String::from_utf8_lossy(&said.stdout).lines().map(str::to_owned));
    }
    rows
}

/// How many of them are there no longer, or were not there before.
fn changed(before: &[String], after: &[String]) -> usize {
    let missing =
        |of: &[String], from: &[String]| of.iter().filter(|row| !from.contains(row)).count();
    missing(before, after).max(missing(after, before))
}

fn run(wire: &mut MyWire, attack: &Attack, prepared: bool) -> Vec<String> {
    wire.query("USE lab").unwrap();
    let one = |text: &&str| {
        let said = match prepared {
            false => wire.query(text),
            true => wire.prepare(text).and_then(|statement| wire.execute(statement, &[])),
        };
        said.map_or_else(
            |error| format!("{} {}", error.code, error.message),
            |results| format!("{:?}", results.iter().map(|each| each.affected).collect::<Vec<_>>()),
        )
    };
    attack.texts.iter().map(one).collect()
}

fn make(cli: &crate::harness::mariadb::Cli) {
    let made = cli.run(OBJECTS);
    assert!(made.status.success(), "{made:?}");
}

fn here(shop: &MyShop, attack: &Attack) -> bool {
    attack.only.is_none_or(|kind| kind == shop.server.kind())
}

fn open() -> Option<MyShop> {
    let setup = Setup { shipped: false, environment: "staging", ..Setup::mariadb() };
    MyShop::open(setup.policy("own.rego", POLICY))
}

#[test]
fn side_11_there_is_no_way_around_the_count() {
    let Some(shop) = open() else { return };
    let (twin, behind) = (shop.twin().admin(), shop.inspector());
    make(&behind);
    let before = rows(&behind);
    let mut failed = Vec::new();
    for attack in ATTACKS.iter().filter(|attack| here(&shop, attack)) {
        for prepared in [false, true] {
            let mut problem = |why: String| {
                failed.push(format!("{:?} (prepared: {prepared}): {why}", attack.texts));
            };
            if !prepared {
                make(&twin);
                assert_eq!(changed(&before, &rows(&twin)), 0);
                let heard = run(&mut shop.direct_wire(), attack, false);
                let done = changed(&before, &rows(&twin));
                if done <= 10 {
                    problem(format!("directly it changes {done} rows: {heard:?}"));
                }
            }
            let mut wire = shop.wire("shopd");
            let heard = run(&mut wire, attack, prepared);
            wire.query("ROLLBACK").ok();
            drop(wire);
            let done = changed(&before, &rows(&behind));
            if done > 0 {
                problem(format!("it changed {done} rows: {heard:?}"));
                make(&behind);
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    shop.close();
}

#[test]
fn what_stays_below_the_limit_is_what_it_is_without_jurat() {
    let Some(shop) = open() else { return };
    let (twin, behind) = (shop.twin().admin(), shop.inspector());
    make(&twin);
    make(&behind);
    let (mut direct, mut wire) = (shop.direct_wire(), shop.wire("shopd"));
    let mut failed = Vec::new();
    for honest in HONEST.iter().filter(|honest| here(&shop, honest)) {
        let (expected, heard) = (run(&mut direct, honest, false), run(&mut wire, honest, false));
        if heard != expected {
            failed.push(format!("{:?}: {heard:?} and not {expected:?}", honest.texts));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(changed(&rows(&twin), &rows(&behind)), 0);
    shop.close();
}
