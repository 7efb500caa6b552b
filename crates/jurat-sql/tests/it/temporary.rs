//! Temporary tables of MySQL and MariaDB: what statements say that make, use and drop them.

use jurat_sql::{CatalogIndex, ReadLimits, Statement, TemporaryTables, read};
use jurat_types::{Access, Column, RelationName};

use crate::support;

fn column(attnum: i16, name: &str) -> Column {
    Column {
        attnum,
        name: name.to_owned(),
        data_type: "varchar(100)".to_owned(),
        generated: false,
        key: false,
        base_type: None,
    }
}

/// A session with `users` in front of the shop's, and `blob`, of which nothing is known.
fn session() -> CatalogIndex {
    let mut tables = TemporaryTables::default();
    let name = |name: &str| RelationName::new("pg_temp_shop", name);
    tables.put(name("users"), Some(vec![column(1, "id"), column(2, "ssn")]));
    tables.put(name("blob"), None);
    support::mysql_catalog().with_temporary(tables)
}

fn one(text: &str, catalog: &CatalogIndex) -> Statement {
    let names = support::mysql_names();
    read(text.as_bytes(), &names, catalog, &ReadLimits::default()).statements.remove(0)
}

fn relations(text: &str, catalog: &CatalogIndex) -> String {
    let statement = one(text, catalog);
    match &statement {
        Statement::Parsed(_) => {
            let word = |access: Access| format!("{access:?}").to_lowercase();
            let relations = statement.facts().relations.iter();
            relations.map(|r| format!("{} {}", r.id, word(r.access))).collect::<Vec<_>>().join(", ")
        }
        Statement::Opaque(opaque) => opaque.reason().to_owned(),
    }
}

#[test]
fn definitions_of_temporary_tables_are_about_them_and_nothing_else() {
    let catalog = session();
    for (text, expected) in [
        ("CREATE TEMPORARY TABLE t (orders INT, users INT)", "pg_temp_shop.t ddl"),
        ("CREATE TEMPORARY TABLE app.t (id INT)", "pg_temp_app.t ddl"),
        ("CREATE OR REPLACE TEMPORARY TABLE t (id INT)", "pg_temp_shop.t ddl"),
        (
            "CREATE TEMPORARY TABLE IF NOT EXISTS t LIKE orders",
            "pg_temp_shop.t ddl, shop.orders read",
        ),
        ("CREATE TEMPORARY TABLE t (LIKE users)", "pg_temp_shop.t ddl, pg_temp_shop.users read"),
        (
            "CREATE TEMPORARY TABLE t AS SELECT id FROM orders",
            "pg_temp_shop.t ddl, shop.orders read",
        ),
        ("DROP TEMPORARY TABLE IF EXISTS t, users", "pg_temp_shop.t ddl, pg_temp_shop.users ddl"),
        // Without the word it is the temporary one that goes, where there is one.
        ("DROP TABLE users", "pg_temp_shop.users ddl"),
        (
            "DROP TABLE shop.users, orders",
            "pg_temp_shop.users ddl, shop.orders ddl, shop.users ddl",
        ),
        ("ALTER TABLE users ADD COLUMN orders INT", "pg_temp_shop.users ddl"),
        ("ALTER TABLE users RENAME TO orders", "pg_temp_shop.users ddl, pg_temp_shop.orders ddl"),
        ("ALTER TABLE orders RENAME AS o2", "shop.orders ddl, shop.o2 ddl"),
        ("CREATE INDEX i ON users (id)", "pg_temp_shop.users ddl"),
        ("TRUNCATE users", "pg_temp_shop.users ddl, pg_temp_shop.users write"),
        // These are about what lasts, whatever stands in front of it.
        ("CREATE TABLE users (id INT)", "shop.users ddl"),
        (
            "CREATE TABLE x (id INT, FOREIGN KEY (id) REFERENCES users (id))",
            "shop.x ddl, shop.users ddl",
        ),
    ] {
        assert_eq!(relations(text, &catalog), expected, "{text}");
    }
}

#[test]
fn queries_and_writes_mean_the_temporary_table_and_views_do_not() {
    let catalog = session();
    for (text, expected) in [
        ("SELECT ssn FROM users", "pg_temp_shop.users read"),
        ("SELECT shop.users.ssn FROM shop.users", "pg_temp_shop.users read"),
        (
            "INSERT INTO users (id) SELECT id FROM orders",
            "pg_temp_shop.users write, shop.orders read",
        ),
        (
            "DELETE users FROM users JOIN orders o ON o.id = users.id",
            "pg_temp_shop.users read, shop.orders read, pg_temp_shop.users write",
        ),
    ] {
        let statement = one(text, &catalog);
        let ids = relations(text, &catalog);
        let parts = |list: &str| {
            let mut parts: Vec<String> = list.split(", ").map(str::to_owned).collect();
            parts.sort();
            parts
        };
        assert_eq!(parts(&ids), parts(expected), "{text}");
        let words: Vec<&str> = statement.facts().text.split('`').collect();
        assert!(!words.concat().contains("pg_temp"), "{text}: {}", statement.facts().text);
    }
}

#[test]
fn what_is_not_known_for_certain_is_not_read() {
    let catalog = session();
    for (text, reason) in [
        ("SELECT * FROM `blob`", "the temporary table `blob`, as it was made, is not supported"),
        (
            "RENAME TABLE users TO x",
            "the name of a temporary table in this definition is not supported",
        ),
        (
            "RENAME TABLE orders TO users",
            "the name of a temporary table in this definition is not supported",
        ),
        ("DROP VIEW users", "the name of a temporary table in this definition is not supported"),
        (
            "SELECT * FROM pg_temp_shop.users",
            "a database that is called as temporary tables are is not supported",
        ),
        (
            "DROP DATABASE PG_TEMP_x",
            "a database that is called as temporary tables are is not supported",
        ),
        ("CREATE TABLE t TABLE users", "TABLE as the query of a definition is not supported"),
        (
            "CREATE TEMPORARY TABLE t AS TABLE users",
            "TABLE as the query of a definition is not supported",
        ),
    ] {
        assert_eq!(relations(text, &catalog), reason, "{text}");
    }
}

#[test]
fn a_view_reads_the_table_that_lasts() {
    let usual = support::mysql_catalog();
    let text = "SELECT * FROM user_names";
    assert_eq!(relations(text, &session()), relations(text, &usual));
    assert!(relations(text, &usual).contains("shop.users read"));
}
