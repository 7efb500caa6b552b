//! Threat: a client reads, changes or learns about rows that a row filter keeps from it.

use crate::harness::{
    Protocol, Setup,
    both::{WAYS, Way, both},
};

both!(
    a_filter_that_is_no_condition_refuses_the_statement_and_says_whose_fault_it_is,
    a_parameter_is_a_value_and_never_a_text,
    conditions_of_the_client_never_see_a_filtered_row,
    the_rows_that_are_left_are_the_same_in_every_way,
    writes_reach_only_the_rows_that_are_left,
);

/// Nobody sees a customer of another tier.
fn policy(on: Protocol, tier: &str) -> Setup {
    let text = format!(
        r#"package jurat.rows
row_filters contains {{
    "id": "rows.tier",
    "relation": "public.customers",
    "predicate": "tier = $tier",
    "params": {{"tier": {tier}}},
}} if input.statement
"#
    );
    on.setup().policy("rows.rego", on.write(&text))
}

/// Priya reads personal data without masks, so only the filter keeps it from her.
async fn the_rows_that_are_left_are_the_same_in_every_way(on: Protocol) {
    let Some(shop) = on.open(policy(on, "\"gold\"")).await else { return };
    let mut session = shop.session("priya").await;
    for way in WAYS {
        let query = "SELECT id, name, email FROM customers ORDER BY id";
        let rows = session.run(query, way).await.worked(query).rows;
        assert_eq!(rows.len(), 2, "{way:?}: {rows:?}");
        assert_eq!(rows[0][1].as_deref(), Some("Customer 10"));
        for (text, value) in [
            ("SELECT COUNT(*) FROM customers", "2"),
            ("SELECT COUNT(*) FROM orders o JOIN customers c ON c.id = o.customer_id", "10"),
            ("SELECT COUNT(*) FROM customers c WHERE c.tier = 'basic' OR 1 = 1", "2"),
            ("WITH q AS (SELECT * FROM customers) SELECT COUNT(*) FROM q", "2"),
            // Another relation has no filter.
            ("SELECT COUNT(*) FROM orders", "100"),
        ] {
            assert_eq!(session.run(text, way).await.worked(text).value(), value, "{way:?}: {text}");
        }
    }
    // MySQL's plans tell of rows that a condition does not leave.
    let refused = ["SELECT reach_at FROM contact", "EXPLAIN SELECT * FROM customers WHERE id = 1"];
    for text in &refused[..on.either(1, 2)] {
        let told = session.run(text, Way::Text).await.denied(text);
        assert!(told.message.contains("rows.tier"), "{text}: {told:?}");
    }
    shop.close().await;
}

async fn writes_reach_only_the_rows_that_are_left(on: Protocol) {
    let Some(shop) = on.open(policy(on, "\"gold\"")).await else { return };
    let mut session = shop.session("shopd").await;
    for (text, rows) in [
        ("UPDATE customers SET name = 'one' WHERE id IN (7, 10)", 1),
        ("UPDATE customers SET name = 'two' WHERE id = 7 OR id > 9", 2),
        ("UPDATE customers SET name = 'three' WHERE 10 / (id - 8) = 5 OR id = 7", 1),
        ("DELETE FROM customers WHERE id IN (7, 20)", 1),
        ("DELETE FROM customers WHERE id > 0 AND id < 10", 0),
    ] {
        assert_eq!(session.one(text).await.affected, rows, "{text}");
    }
    assert_eq!(shop.count("SELECT COUNT(*) FROM customers").await, 19);
    assert_eq!(shop.count("SELECT COUNT(*) FROM customers WHERE name = 'three'").await, 1);
    let only = on.either(
        &[
            "INSERT INTO customers (id, name, email, ssn, card) VALUES (10, 'n', 'e', 's', 'c') ON CONFLICT (id) DO NOTHING",
            "MERGE INTO customers c USING orders o ON o.id = c.id WHEN MATCHED THEN DELETE",
            "COPY customers FROM STDIN",
        ][..],
        &[
            "INSERT INTO customers VALUES (10, 'n', 'e', 's', 'c', 'gold') ON DUPLICATE KEY UPDATE name = 'x'",
            "INSERT IGNORE INTO customers VALUES (10, 'n', 'e', 's', 'c', 'gold')",
            "REPLACE INTO customers VALUES (1, 'a', 'b', 'c', 'd', 'gold')",
            "UPDATE customers c, notes n SET c.name = 'x' WHERE c.id = n.id",
            "DELETE c FROM customers c JOIN orders o ON o.id = c.id WHERE o.id > 0",
        ],
    );
    let refused = [
        "INSERT INTO customers VALUES (50, 'n', 'e', 's', 'c', 'gold')",
        "UPDATE customers SET tier = 'basic' WHERE id = 10",
    ];
    for text in refused.iter().chain(only) {
        let told = session.run(text, Way::Text).await.denied(text);
        assert!(told.message.contains("rows.tier"), "{text}: {told:?}");
    }
    assert_eq!(shop.count("SELECT COUNT(*) FROM customers").await, 19);
    shop.close().await;
}

/// Conditions that fail on the row 7, which tells that there is such a row.
const FAILING: [&[&str]; 2] = [
    &[
        "SELECT id FROM customers WHERE 1 / (id - 7) >= 0",
        "SELECT q.id FROM (SELECT id, 1 / (id - 7) AS x FROM customers) q WHERE q.x >= 0",
        "WITH q AS (SELECT id, 1 / (id - 7) AS x FROM customers) SELECT id FROM q WHERE x >= 0",
        "SELECT c.id FROM customers c JOIN orders o ON o.id = 1 / (c.id - 7)",
        "SELECT id FROM customers WHERE (SELECT 1 / (customers.id - 7)) >= 0",
        "SELECT id FROM customers WHERE id = 7 AND (name || 'x')::int = 1",
        "UPDATE customers SET name = name WHERE 1 / (id - 7) >= 0",
        "DELETE FROM customers WHERE 1 / (id - 7) > 100",
    ],
    // What divides by zero there is NULL in a query, and an error in a write.
    &[
        "SELECT id FROM customers WHERE EXP(IF(id = 7, 1000, 1)) > 0",
        "SELECT q.id FROM (SELECT id, EXP(IF(id = 7, 1000, 1)) AS x FROM customers) q WHERE q.x >= 0",
        "WITH q AS (SELECT id, EXP(IF(id = 7, 1000, 1)) AS x FROM customers) SELECT id FROM q WHERE x >= 0",
        "SELECT c.id FROM customers c JOIN orders o ON o.id = FLOOR(EXP(IF(c.id = 7, 1000, 1)))",
        "SELECT id FROM customers WHERE (SELECT n FROM numbers WHERE n <= IF(customers.id = 7, 2, 1)) = 1",
        "UPDATE customers SET name = name WHERE 1 / (id - 7) >= 0",
        "DELETE FROM customers WHERE EXP(IF(id = 7, 1000, 1)) < 0",
    ],
];

async fn conditions_of_the_client_never_see_a_filtered_row(on: Protocol) {
    let Some(shop) = on.open(policy(on, "\"gold\"")).await else { return };
    for text in on.either(FAILING[0], FAILING[1]) {
        let mut direct = shop.direct().await;
        direct.one("BEGIN").await;
        let failed = direct.run(text, Way::Text).await;
        assert!(failed.failure.is_some(), "directly it runs: {text}");
        direct.run("ROLLBACK", Way::Text).await;
        let reads = text.starts_with("SELECT") || text.starts_with("WITH");
        let user = if reads { "priya" } else { "shopd" };
        for way in WAYS {
            shop.session(user).await.run(text, way).await.worked(text);
        }
    }
    shop.close().await;
}

/// Whatever a parameter holds, it is compared and not read.
async fn a_parameter_is_a_value_and_never_a_text(on: Protocol) {
    for tier in [
        r#""x' OR '1'='1""#,
        r#""x'); DROP TABLE customers; --""#,
        r#""\\' OR true -- ""#,
        r#""\\""#,
        r#""$1""#,
        r#""?""#,
        "null",
    ] {
        let Some(shop) = on.open(policy(on, tier)).await else { return };
        let mut session = shop.session("priya").await;
        for way in WAYS {
            let text = "SELECT COUNT(*) FROM customers";
            assert_eq!(session.run(text, way).await.worked(tier).value(), "0", "{tier}");
        }
        assert_eq!(shop.count("SELECT COUNT(*) FROM customers").await, 20);
        shop.close().await;
    }
}

async fn a_filter_that_is_no_condition_refuses_the_statement_and_says_whose_fault_it_is(
    on: Protocol,
) {
    let text = r#"package jurat.rows
row_filters contains {"id": "broken", "relation": "public.orders", "predicate": "amount > (SELECT 1)"}
"#;
    let Some(shop) = on.open(on.setup().policy("rows.rego", on.write(text))).await else { return };
    let mut session = shop.session("ana").await;
    for way in WAYS {
        let told = session.run("SELECT id FROM orders", way).await.failed("it");
        assert!(told.message.contains("broken"), "{told:?}");
        assert!(told.message.contains("not well-formed"), "{told:?}");
        assert_eq!(session.value("SELECT COUNT(*) FROM payments").await, "100");
    }
    shop.close().await;
}
