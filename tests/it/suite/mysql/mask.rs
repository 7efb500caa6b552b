//! Threat: protected values in any spelling. Each statement shows one directly, and through Jurat either none or
//! an error without any.

use crate::harness::{MyShop, canary};

/// Ways to a masked column.
const WAYS: &[&str] = &[
    "SELECT email FROM customers",
    "SELECT * FROM customers",
    "SELECT c.* FROM customers AS c",
    "SELECT shop.customers.email FROM shop.customers",
    "SELECT `email` FROM `shop`.`customers`",
    "SELECT reach_at FROM contact",
    "SELECT email FROM archive.customers UNION SELECT email FROM customers",
    "SELECT CONCAT('x', email) FROM customers",
    "SELECT UPPER(email) FROM customers",
    "SELECT REVERSE(email) FROM customers",
    "SELECT HEX(email) FROM customers",
    "SELECT TO_BASE64(CONCAT(email, email)) FROM customers",
    "SELECT GROUP_CONCAT(email) FROM customers",
    "SELECT JSON_ARRAYAGG(email) FROM customers",
    "SELECT JSON_ARRAYAGG(JSON_OBJECT('e', email)) FROM customers",
    "SELECT MAX(email) FROM customers",
    "SELECT (SELECT email FROM customers LIMIT 1)",
    "SELECT * FROM (SELECT email AS e FROM customers) AS q",
    "WITH q AS (SELECT email FROM customers) SELECT * FROM q",
    "SELECT `3` FROM (SELECT 1, 2, 3, 4, 5, 6 UNION SELECT * FROM customers) q",
    "SELECT IF(1, email, '') FROM customers",
    "SELECT CASE WHEN id = 1 THEN email END FROM customers",
    "SELECT COALESCE(NULL, email) FROM customers",
    "SELECT CAST(email AS BINARY) FROM customers",
    "SELECT o.id, c.email FROM orders o JOIN customers c ON c.id = o.customer_id",
    "SELECT o.id, c.email FROM orders o LEFT JOIN customers c ON c.id = o.customer_id",
    "SELECT email FROM orders NATURAL JOIN customers",
    "SELECT tier, GROUP_CONCAT(email ORDER BY id SEPARATOR '|') FROM customers GROUP BY tier",
    "SELECT email FROM customers GROUP BY email",
    "SELECT DISTINCT email FROM customers",
    "SELECT MIN(email) OVER () FROM customers",
    "SELECT @e := email FROM customers; SELECT @e",
    "SET @e = (SELECT email FROM customers LIMIT 1); SELECT @e",
    "SELECT email INTO @z FROM customers LIMIT 1; SELECT @z",
    "PREPARE s FROM 'SELECT email FROM customers'; EXECUTE s",
    "SET @s = 'SELECT email FROM customers'; PREPARE s FROM @s; EXECUTE s",
    "EXECUTE IMMEDIATE 'SELECT email FROM customers'",
    "EXECUTE IMMEDIATE CONCAT('SELECT ', 'email FROM customers')",
    "HANDLER customers OPEN; HANDLER customers READ FIRST",
    "INSERT INTO notes (body) SELECT email FROM customers; SELECT body FROM notes",
    "UPDATE notes n, customers c SET n.body = c.email; INSERT INTO notes (body) SELECT email FROM customers; SELECT * FROM notes",
    "INSERT INTO notes (body) SELECT email FROM customers RETURNING body",
    "DELETE FROM customers WHERE id = 20 RETURNING email",
    "REPLACE INTO notes (id, body) SELECT id, email FROM customers; SELECT * FROM notes",
    "CREATE TEMPORARY TABLE t AS SELECT email FROM customers; SELECT * FROM t",
    "CREATE TABLE t AS SELECT email FROM customers; SELECT * FROM t",
    "SELECT first_email()",
    "SELECT EXTRACTVALUE(1, CONCAT('~', (SELECT email FROM customers LIMIT 1)))",
    "SELECT UPDATEXML(1, CONCAT('~', (SELECT email FROM customers LIMIT 1)), 1)",
    "SELECT email + 0 FROM customers; SHOW WARNINGS",
    "SELECT CAST(email AS UNSIGNED) FROM customers; SHOW WARNINGS",
    "SELECT CAST(email AS DATE) FROM customers; SHOW WARNINGS",
    "INSERT INTO customers SELECT 99, name, email, ssn, card, tier FROM customers LIMIT 1",
    "SELECT token FROM secrets",
    "SELECT ssn FROM customers",
    "SELECT card FROM customers",
    "SELECT CONCAT_WS('-', ssn, card) FROM customers",
    "SELECT WEIGHT_STRING(email) FROM customers; SELECT email FROM customers",
    "SELECT JSON_VALUE(JSON_OBJECT('a', email), '$.a') FROM customers",
    "SELECT t.e FROM JSON_TABLE((SELECT JSON_ARRAYAGG(email) FROM customers), '$[*]' COLUMNS (e TEXT PATH '$')) t",
    "SELECT email FROM customers ORDER BY email LIMIT 1",
    "SELECT email FROM customers PROCEDURE ANALYSE()",
    "ANALYZE TABLE customers PERSISTENT FOR ALL; SELECT min_value FROM mysql.column_stats WHERE table_name = 'customers'",
    "SELECT VALUE(email) FROM customers; SELECT email FROM customers",
    "SELECT NAME_CONST('x', 1), email FROM customers",
    "(SELECT email FROM customers) UNION ALL (SELECT 'x')",
    "SELECT email FROM customers FORCE INDEX (email)",
    "SELECT c.email FROM customers c WHERE c.id IN (SELECT customer_id FROM orders)",
    "SELECT 1 AS a, email FROM customers HAVING a = 1",
    "VALUES ((SELECT email FROM customers LIMIT 1))",
];

#[test]
fn no_way_to_a_masked_column_shows_it() {
    let Some(shop) = MyShop::usual() else { return };
    for way in WAYS {
        shop.twice("ana", way);
    }
    shop.close();
}

#[test]
fn what_is_masked_is_still_of_use() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let row = &session.one("SELECT * FROM customers WHERE id = 3").rows[0];
    let shown: Vec<&str> = row.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect();
    assert_eq!(shown, ["3", "Customer 3", "c***@leak.example", "***", "***0003", "basic"]);
    // Whoever may read them does.
    let mut reader = shop.wire("priya");
    let email = reader.one("SELECT email FROM customers WHERE id = 3");
    assert_eq!(email.value(), "canary3@leak.example");
    shop.close();
}

/// What the server says of a failure quotes values.
#[test]
fn errors_and_warnings_are_withheld_where_masked_columns_are_in_reach() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    // A statement that works on the masked column and fails in the server.
    let attack =
        "SELECT EXTRACTVALUE(1, CONCAT('~', (SELECT email FROM customers ORDER BY id LIMIT 1)))";
    assert!(direct.error(attack).message.contains("~canary1@"));
    let error = session.error(attack);
    assert_eq!(canary::find(error.message.as_bytes()), None);
    // The list of warnings stays closed until another statement has used a table.
    session.query("SELECT LENGTH(email) + name FROM customers").ok();
    assert_eq!(session.one("SHOW WARNINGS").rows.len(), 0);
    session.one("SELECT id FROM orders LIMIT 1");
    session.one("SELECT 1 / 0 FROM orders LIMIT 1");
    assert_eq!(session.one("SHOW WARNINGS").rows.len(), 1);
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}

#[test]
fn nothing_that_a_client_receives_holds_a_protected_value() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    for way in WAYS {
        session.query(way).ok();
        if let Ok(statement) = session.prepare(way) {
            session.execute(statement, &[]).ok();
        }
    }
    assert_eq!(canary::find(&session.received), None);
    drop(session);
    shop.close();
}
