//! Promise: ordinary statements over masked tables run, and every method masks every type. What must not come out is
//! in `catalogue`.

use crate::harness::{MyShop, Setup};

/// A statement, and what it shows.
const ORDINARY: &[(&str, &str)] = &[
    ("SELECT id, email, ssn FROM customers WHERE id = 7", "7 c***@leak.example ***"),
    ("SELECT COUNT(*) FROM customers", "20"),
    (
        "SELECT c.name, o.amount FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.id = 3",
        "Customer 3 3.75",
    ),
    ("SELECT tier, COUNT(*) FROM customers GROUP BY tier ORDER BY tier", "basic 18|gold 2"),
    ("SELECT name FROM customers ORDER BY id DESC LIMIT 1", "Customer 20"),
    ("SELECT reach_at FROM contact WHERE id = 2", "c***@leak.example"),
    ("SELECT id, MAX(email) FROM customers GROUP BY id ORDER BY id LIMIT 1", "1 c***@leak.example"),
    ("SELECT DATABASE(), USER() IS NOT NULL", "shop 1"),
    (
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'notes'",
        "notes",
    ),
];

/// Statements that must not be refused, because then nobody could work.
#[test]
fn ordinary_statements_over_masked_tables_run() {
    let setup = Setup { objects: super::super::catalogue::OBJECTS, ..Setup::mariadb() };
    let Some(shop) = MyShop::open(setup) else { return };
    let cli = shop.cli("ana");
    let mut failed = Vec::new();
    for (text, expected) in ORDINARY {
        let ran = cli.run(text);
        let shown = String::from_utf8_lossy(&ran.stdout).replace('\t', " ").replace('\n', "|");
        if shown.trim_end_matches('|') != *expected {
            let error = String::from_utf8_lossy(&ran.stderr).into_owned();
            failed.push(format!("{text}\n    {shown}\n    {error}"));
        }
    }
    shop.close();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
