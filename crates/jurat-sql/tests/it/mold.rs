//! A text that is read through the mold of another one reads as it would in full.

use std::{fmt::Write as _, path::PathBuf, sync::OnceLock};

use jurat_sql::{CatalogIndex, Mold, NameContext, ReadLimits, Skeleton, Statement, read};

use crate::support::{catalog, masks, mysql_catalog, mysql_names, names};

/// The fixture catalog, read once.
fn shop() -> &'static CatalogIndex {
    static SHOP: OnceLock<CatalogIndex> = OnceLock::new();
    SHOP.get_or_init(catalog)
}

/// The second text as it is read through the mold of the first; nothing where there is no such mold.
fn through_mold(first: &str, second: &str) -> Option<Statement> {
    through_mold_of(shop(), &names(), first, second)
}

fn through_mold_of(
    catalog: &CatalogIndex,
    names: &NameContext,
    first: &str,
    second: &str,
) -> Option<Statement> {
    let (engine, limits) = (catalog.catalog().engine, ReadLimits::default());
    let skeleton = Skeleton::of(first.as_bytes(), engine, &limits)?;
    let reading = read(first.as_bytes(), names, catalog, &limits);
    let mold = Mold::new(&skeleton, reading, names, catalog, &limits)?;
    let other = Skeleton::of(second.as_bytes(), engine, &limits)?;
    if other.key() != skeleton.key() {
        return None;
    }
    mold.fill(&other)
}

/// Of MySQL and MariaDB, whose strings have another end and whose comments another beginning.
#[test]
fn molds_of_mysql_are_cut_by_its_own_rules() {
    let (catalog, names, limits) = (mysql_catalog(), mysql_names(), ReadLimits::default());
    for (first, second, reused) in [
        ("SELECT id FROM users WHERE id = 1", "SELECT id FROM users WHERE id = 20", true),
        (
            "INSERT INTO users (id, email) VALUES (1, 'a'), (2, 'b')",
            "INSERT INTO users (id, email) VALUES (3, 'x\"'), (4, '# --')",
            true,
        ),
        (
            "UPDATE users SET email = 'a' WHERE id = 1",
            "UPDATE users SET email = '/*!' WHERE id = 2",
            true,
        ),
        // The name of the result column is the expression with its literal.
        ("SELECT id = 1 FROM users", "SELECT id = 2 FROM users", false),
        // In the first the second string has a comment in it, in the second a column behind it.
        (
            r"SELECT 'x\' = id = 'a', 'b' FROM users",
            r"SELECT 'x\' = id = 'c', 'd' FROM users",
            false,
        ),
        ("SELECT id FROM users # WHERE id = 1", "SELECT id FROM users # WHERE id = 2", false),
        (
            "SELECT id FROM users WHERE email = \"id = 'a'\"",
            "SELECT id FROM users WHERE email = \"id = 'b'\"",
            false,
        ),
        ("SELECT id FROM users LIMIT 1", "SELECT id FROM users LIMIT 2", false),
        (
            "SELECT DISTINCT email FROM users WHERE id BETWEEN 10 AND 19 ORDER BY email",
            "SELECT DISTINCT email FROM users WHERE id BETWEEN 7 AND 800 ORDER BY email",
            true,
        ),
    ] {
        let filled = through_mold_of(&catalog, &names, first, second);
        assert_eq!(filled.is_some(), reused, "{first}");
        let full = read(second.as_bytes(), &names, &catalog, &limits).statements.remove(0);
        if let Some(filled) = filled {
            assert_eq!(filled.facts(), full.facts(), "{second}");
            assert_eq!(filled.redacted(), full.redacted(), "{second}");
        }
    }
}

fn in_full(text: &str) -> Statement {
    let (catalog, names, limits) = (shop(), names(), ReadLimits::default());
    read(text.as_bytes(), &names, catalog, &limits).statements.remove(0)
}

fn same(filled: &Statement, full: &Statement, text: &str) {
    assert_eq!(filled.facts(), full.facts(), "{text}");
    assert_eq!(filled.redacted(), full.redacted(), "{text}");
    let everything = masks("public.customers.email null\npublic.customers.name redact");
    if let (Statement::Parsed(filled), Statement::Parsed(full)) = (filled, full) {
        assert_eq!(filled.rewrite(&everything), full.rewrite(&everything), "{text}");
    }
}

#[test]
fn literals_behind_columns_and_in_rows_make_no_difference() {
    for (first, second) in [
        ("SELECT id FROM customers WHERE id = 1", "SELECT id FROM customers WHERE id = 20"),
        (
            "select email from customers c where c.id=1;",
            "select email from customers c where c.id=7;",
        ),
        (
            "SELECT * FROM customers WHERE id > 5 AND name = 'a' ORDER BY 1",
            "SELECT * FROM customers WHERE id > 6 AND name = 'b -- x' ORDER BY 1",
        ),
        (
            "UPDATE customers SET name = 'x' WHERE id = 1",
            "UPDATE customers SET name = 'y $$' WHERE id = 2",
        ),
        (
            "UPDATE orders SET id = id + 1 WHERE id = 4",
            "UPDATE orders SET id = id + 9 WHERE id = 5",
        ),
        (
            "UPDATE orders SET id = id + -1 WHERE id = 4",
            "UPDATE orders SET id = id + -9 WHERE id = 5",
        ),
        ("DELETE FROM orders WHERE id = 1", "DELETE FROM orders WHERE id = 2"),
        (
            "INSERT INTO customers (id, name) VALUES (1, 'a'), (2, 'b')",
            "INSERT INTO customers (id, name) VALUES (3, 'c'), (4, 'd')",
        ),
        (
            "SELECT name FROM customers WHERE id BETWEEN 1 AND 2 AND name BETWEEN 'a' AND 'b'",
            "SELECT name FROM customers WHERE id BETWEEN 3 AND 4 AND name BETWEEN 'c' AND 'd'",
        ),
        (
            "SELECT name FROM customers WHERE id IN (1, 2) OR name not in ('a')",
            "SELECT name FROM customers WHERE id IN (3, 4) OR name not in ('IN (1, 2)')",
        ),
    ] {
        let filled = through_mold(first, second);
        same(&filled.unwrap_or_else(|| panic!("no mold: {first}")), &in_full(second), second);
    }
}

#[test]
fn literals_that_can_make_a_difference_belong_to_the_skeleton() {
    for (first, second) in [
        ("SELECT id FROM customers LIMIT 1", "SELECT id FROM customers LIMIT 2"),
        (
            "SELECT id, email FROM customers ORDER BY 1",
            "SELECT id, email FROM customers ORDER BY 2",
        ),
        ("DELETE FROM orders WHERE 1 = 1", "DELETE FROM orders WHERE 1 = 2"),
        ("DELETE FROM orders WHERE 1 = 1 AND id = 1", "DELETE FROM orders WHERE 1 = 2 AND id = 1"),
        ("SELECT 'customers'::regclass", "SELECT 'orders'::regclass"),
        ("SELECT 1 FROM orders WHERE id = '1'::int", "SELECT 1 FROM orders WHERE id = '2'::int"),
        ("SELECT set_config('role', 'a', true)", "SELECT set_config('search_path', 'a', true)"),
        ("SELECT nextval('a')", "SELECT nextval('b')"),
        ("INSERT INTO orders VALUES (nextval('a'))", "INSERT INTO orders VALUES (nextval('b'))"),
        ("SELECT id FROM orders WHERE id = 1 + 1", "SELECT id FROM orders WHERE id = 2 + 1"),
        ("SELECT id FROM orders WHERE true = 'x'", "SELECT id FROM orders WHERE true = 'y'"),
        (
            "SELECT id FROM orders WHERE 1 BETWEEN 1 AND 2",
            "SELECT id FROM orders WHERE 1 BETWEEN 3 AND 4",
        ),
        ("SELECT id FROM orders WHERE 1 IN (1, 2)", "SELECT id FROM orders WHERE 1 IN (3, 4)"),
        (
            "SELECT id FROM orders WHERE id IN (SELECT 1, 2)",
            "SELECT id FROM orders WHERE id IN (SELECT 1, 3)",
        ),
        ("SELECT id FROM orders WHERE id IN (1, 2)", "SELECT id FROM orders WHERE id IN (1, 2, 3)"),
        // Forms that are not printed as they are read, or not read as they stand.
        (
            "SELECT id FROM customers WHERE name = 'a'",
            "SELECT id FROM customers WHERE name = 'a''b'",
        ),
        ("SELECT id FROM customers WHERE name = 'a'", "SELECT id FROM customers WHERE name = E'a'"),
        (
            "SELECT id FROM customers WHERE name = 'a'",
            "SELECT id FROM customers WHERE name = 'a\\'",
        ),
        ("SELECT id FROM customers WHERE name = 'a'", "SELECT id FROM customers WHERE name = 'é'"),
        ("SELECT id FROM orders WHERE id = 1", "SELECT id FROM orders WHERE id = 1.5"),
        ("SELECT id FROM orders WHERE id = 1", "SELECT id FROM orders WHERE id = 99999999999"),
        // Another statement altogether.
        (
            "SELECT id FROM orders WHERE id = 1",
            "SELECT id FROM orders WHERE id = 1; DROP TABLE orders",
        ),
        ("SELECT id FROM orders WHERE id = 1", "SELECT id FROM orders WHERE id = 1 OR true"),
        ("SET application_name = 'a'", "SET application_name = 'b'"),
        (
            "EXPLAIN SELECT id FROM orders WHERE id = 1",
            "EXPLAIN SELECT id FROM orders WHERE id = 2",
        ),
        (
            "PREPARE p AS SELECT id FROM orders WHERE id = 1",
            "PREPARE p AS SELECT id FROM orders WHERE id = 2",
        ),
    ] {
        assert!(through_mold(first, second).is_none(), "{first} / {second}");
    }
}

/// Every statement of the goldens that has a mold, with other literals.
#[test]
fn a_filled_mold_reads_as_the_text_in_full() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/postgres");
    let mut molds = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for block in text.split("```sql\n").skip(1) {
            let statement = block.split("\n```").next().unwrap();
            for (digit, word) in [("8", "x"), ("12345", "probe ? $1 -- /*"), ("0", " ")] {
                let second = other_literals(statement, digit, word);
                if let Some(filled) = through_mold(statement, &second) {
                    molds += 1;
                    same(&filled, &in_full(&second), &second);
                }
            }
        }
    }
    assert!(molds > 100, "only {molds} statements had a mold");
}

/// The text with every run of digits that stands alone, and every plain string, replaced. Whether the result
/// has the same skeleton is for the caller to see.
fn other_literals(text: &str, number: &str, word: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        let before = out.chars().next_back().unwrap_or(' ');
        if first == '\'' {
            rest.by_ref().find(|c| *c == '\'');
            write!(out, "'{word}'").unwrap();
        } else if first.is_ascii_digit() && !before.is_alphanumeric() && !"$._\"".contains(before) {
            while rest.next_if(char::is_ascii_digit).is_some() {}
            out.push_str(number);
        } else {
            out.push(first);
        }
    }
    out
}
