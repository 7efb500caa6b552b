//! Threat: rows that a row filter keeps back, and answers to questions about masked columns, on a MariaDB.

use crate::harness::{MyShop, Setup};

/// Who sees customers of one tier only, and of orders those of some customers.
fn filtered() -> Setup {
    let text = r#"package jurat.rows
row_filters contains {"id": "rows.tier", "relation": "shop.customers", "predicate": "tier = $tier", "params": {"tier": "gold"}} if {
	input.statement.kind
}

row_filters contains {"id": "rows.some", "relation": "shop.orders", "predicate": "customer_id IN ($ids) AND amount >= $least", "params": {"ids": [10, 11], "least": 1.5}} if {
	input.statement.kind
}
"#;
    let mut setup = Setup::mariadb().policy("rows.rego", text);
    setup.environment = "staging";
    setup
}

/// What Priya and the service see and change: personal data without masks, but only these rows.
const FILTERED: &[(&str, &str)] = &[
    ("SELECT id FROM customers ORDER BY id", "10 20"),
    ("SELECT COUNT(*) FROM customers", "2"),
    ("SELECT c.id FROM customers c WHERE c.tier = 'basic' OR 1 = 1 ORDER BY 1", "10 20"),
    ("SELECT COUNT(*) FROM orders", "10"),
    ("SELECT COUNT(*) FROM orders o JOIN customers c ON c.id = o.customer_id", "5"),
    (
        "SELECT COUNT(*) FROM numbers n LEFT JOIN customers c ON c.id = n.n WHERE n.n < 21 AND c.id IS NOT NULL",
        "2",
    ),
    ("SELECT (SELECT COUNT(*) FROM customers) + (SELECT COUNT(*) FROM orders) AS n", "12"),
    // A condition that fails for some rows fails for none that are hidden.
    (
        "SELECT COUNT(*) FROM customers WHERE (SELECT n FROM numbers WHERE n <= IF(tier = 'gold', 1, 2)) = 1",
        "2",
    ),
];

#[test]
fn a_filter_leaves_its_rows_and_no_others() {
    let Some(shop) = MyShop::open(filtered()) else { return };
    let cli = shop.cli("priya");
    for (text, expected) in FILTERED {
        let direct = shop.direct().run(text);
        assert_ne!(
            String::from_utf8_lossy(&direct.stdout).replace('\n', " ").trim(),
            *expected,
            "directly: {text}"
        );
        let shown: Vec<String> = cli.rows(text).concat();
        assert_eq!(shown.join(" "), *expected, "{text}");
    }
    for text in [
        "SELECT reach_at FROM contact",
        "SELECT * FROM customers FORCE INDEX (PRIMARY)",
        "INSERT INTO customers VALUES (99, 'a', 'b', 'c', 'd', 'gold')",
        "REPLACE INTO customers VALUES (1, 'a', 'b', 'c', 'd', 'gold')",
        "UPDATE customers SET tier = 'gold' WHERE id = 1",
        "UPDATE customers c, notes n SET c.name = 'x'",
        "DELETE c FROM customers c JOIN notes n ON n.id = c.id",
        "EXPLAIN SELECT * FROM customers WHERE id = 1",
    ] {
        let error = cli.error(text);
        assert!(error.contains("jurat denied"), "{text}: {error}");
    }
    let service = shop.cli("shopd");
    service.rows("UPDATE customers SET name = 'changed' WHERE id > 0");
    service.rows("DELETE FROM orders WHERE id > 0");
    assert_eq!(shop.count("SELECT COUNT(*) FROM customers WHERE name = 'changed'"), 2);
    assert_eq!(shop.count("SELECT COUNT(*) FROM orders"), 90);
    shop.close();
}

/// Masks that let something be asked; the labels of the harness are replaced, so that no shipped mask is in the way.
fn asked(mode: &str) -> Setup {
    let text = format!(
        r#"package jurat.modes
masks contains {{"id": "modes", "column": {{"label": "test.asked"}}, "method": "redact", "predicates": "{mode}"}} if {{
	input.statement.kind
}}
"#
    );
    let labels = r#"{"jurat": {"catalog": {
        "shop.customers.email": ["test.asked"],
        "shop.customers.ssn": ["test.asked"],
        "shop.customers.card": ["test.asked"],
        "shop.secrets.token": ["test.asked"]
    }}}"#;
    Setup::mariadb().policy("modes.rego", text).policy("data.json", labels)
}

#[test]
fn equality_finds_what_is_known_and_answers_nothing_else() {
    let Some(shop) = MyShop::open(asked("equality")) else { return };
    let mut wire = shop.wire("ana");
    let mut direct = shop.direct_wire();
    for text in [
        "SELECT id, name FROM customers WHERE email = 'canary7@leak.example'",
        "SELECT c.id FROM customers c WHERE c.ssn IN ('999-55-0007', '999-55-0009') ORDER BY id",
        "SELECT c.id FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.EMAIL = 'canary3@leak.example' ORDER BY o.id",
        "SELECT id FROM customers WHERE ssn = '999-55-0007' AND id = 8",
    ] {
        assert_eq!(wire.one(text).rows, direct.one(text).rows, "{text}");
    }
    let prepared = wire.prepare("SELECT name FROM customers WHERE email = ? AND id < ?").unwrap();
    let found = wire.execute(prepared, &[Some("canary7@leak.example"), Some("9")]).unwrap();
    assert_eq!(found[0].rows, [[Some("Customer 7".to_owned())]]);
    assert_eq!(wire.one("SELECT email FROM customers WHERE ssn = '999-55-0007'").value(), "***");
    // A number would be compared with the beginning of each text.
    assert_ne!(direct.one("SELECT id FROM customers WHERE ssn = 999").rows.len(), 0);
    assert_eq!(wire.one("SELECT id FROM customers WHERE ssn = 999").rows.len(), 0);
    let numbers = wire.prepare("SELECT id FROM customers WHERE ssn = ?").unwrap();
    assert_eq!(wire.execute(numbers, &[Some("999")]).unwrap()[0].rows.len(), 0);
    for text in [
        "SELECT id FROM customers WHERE ssn LIKE '9%'",
        "SELECT id FROM customers WHERE ssn >= '9'",
        "SELECT id FROM customers WHERE LEFT(ssn, 1) = '9'",
        "SELECT id FROM customers WHERE ssn = email",
        "SELECT id FROM customers WHERE ssn = 'x' OR id = 1",
        "SELECT o.id FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE c.ssn = 'x'",
        "EXPLAIN SELECT id FROM customers WHERE ssn = 'x'",
    ] {
        let error = wire.error(text);
        assert!(error.message.starts_with("jurat denied"), "{text}: {error:?}");
    }
    drop((wire, direct));
    shop.close();
}
