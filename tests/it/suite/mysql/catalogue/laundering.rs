//! Values that are read in disguise, and values that are moved to where nobody guards them.

use super::{Attack, every, leaks};

#[test]
fn mask_values_that_are_read_in_disguise() {
    every(READ);
}

#[test]
fn mask_values_that_are_read_in_other_ways() {
    every(FURTHER);
}

#[test]
fn mask_values_that_are_moved_elsewhere() {
    every(MOVED);
}

pub(super) const READ: &[Attack] = &[
    // Other names for the same column.
    leaks("MASK-01", "SELECT email, ssn, card FROM customers"),
    leaks("MASK-01", "SELECT * FROM customers"),
    leaks("MASK-01", "SELECT c.* FROM customers c"),
    leaks("MASK-01", "SELECT EMAIL AS harmless, `ssn` `3` FROM `customers`"),
    leaks("MASK-01", "SELECT shop.customers.ssn FROM shop.customers"),
    leaks("MASK-01", "SELECT x FROM (SELECT email AS x FROM customers) q"),
    leaks("MASK-01", "SELECT * FROM (SELECT * FROM (SELECT * FROM customers) a) b"),
    leaks("MASK-01", "WITH q (h) AS (SELECT email FROM customers) SELECT h FROM q"),
    leaks("MASK-01", "WITH customers AS (SELECT * FROM customers) SELECT ssn FROM customers"),
    leaks("MASK-01", "SELECT (SELECT email FROM customers ORDER BY id LIMIT 1) AS x"),
    leaks("MASK-01", "USE shop; SELECT token FROM secrets"),
    leaks("MASK-01", "SELECT a.email, b.ssn FROM customers a, customers b WHERE a.id = b.id"),
    leaks("MASK-01", "SELECT c.email FROM orders o LEFT JOIN customers c ON c.id = o.customer_id"),
    leaks("MASK-01", "SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id"),
    leaks("MASK-01", "SELECT email FROM customers WHERE id = 1 FOR UPDATE"),
    leaks("MASK-01", "SELECT email FROM customers WHERE id = 1 LOCK IN SHARE MODE"),
    leaks("MASK-01", "SELECT DISTINCT email FROM customers"),
    leaks("MASK-01", "SELECT SQL_CALC_FOUND_ROWS email FROM customers LIMIT 1"),
    leaks("MASK-01", "(SELECT email FROM customers) LIMIT 2"),
    leaks("MASK-01", "(SELECT id, email FROM customers ORDER BY id LIMIT 3) ORDER BY 1"),
    leaks(
        "MASK-01",
        "SELECT c.email FROM orders o JOIN payments p JOIN customers c ON c.id = p.id ON p.order_id = o.id",
    ),
    leaks(
        "MASK-01",
        "SELECT c.email FROM orders o JOIN (payments p, customers c) ON c.id = o.customer_id",
    ),
    leaks("MASK-01", "SELECT email FROM (customers)"),
    leaks("MASK-01", "SELECT email, COUNT(*) FROM customers GROUP BY email DESC").of_mariadb(),
    leaks("MASK-01", "SELECT JSON_ARRAYAGG(email LIMIT 2) FROM customers").of_mariadb(),
    // A table that stands for others.
    leaks("MASK-01", "SELECT email FROM merged"),
    leaks("MASK-01", "SELECT * FROM merged m JOIN orders o ON o.id = m.id"),
    // Set operations.
    leaks(
        "MASK-07",
        "SELECT name FROM customers WHERE false UNION ALL SELECT email FROM customers",
    ),
    leaks("MASK-07", "SELECT NULL UNION ALL SELECT ssn FROM customers"),
    leaks("MASK-07", "SELECT email FROM customers EXCEPT SELECT 'nothing'"),
    leaks("MASK-07", "SELECT email FROM customers INTERSECT SELECT email FROM customers"),
    leaks("MASK-07", "VALUES ((SELECT email FROM customers ORDER BY id LIMIT 1))").of_mariadb(),
    leaks(
        "MASK-07",
        "WITH RECURSIVE r (n, e) AS (SELECT 1, email FROM customers WHERE id = 1 UNION ALL SELECT n + 1, e FROM r \
         WHERE n < 3) SELECT e FROM r",
    ),
    // Functions of it.
    leaks("MASK-10", "SELECT MAX(ssn), MIN(email) FROM customers"),
    leaks("MASK-10", "SELECT FIRST_VALUE(email) OVER (ORDER BY id) FROM customers").of_mariadb(),
    leaks("MASK-10", "SELECT LAG(ssn) OVER (ORDER BY id) FROM customers"),
    leaks("MASK-11", "SELECT HEX(email) FROM customers"),
    leaks("MASK-11", "SELECT TO_BASE64(email) FROM customers"),
    leaks("MASK-11", "SELECT REVERSE(email), UPPER(email) FROM customers"),
    leaks("MASK-11", "SELECT SUBSTRING(email, 1, 9) FROM customers"),
    leaks("MASK-11", "SELECT CONCAT(email, ''), REPLACE(ssn, 'x', 'y') FROM customers"),
    leaks("MASK-11", "SELECT CAST(email AS CHAR), CONVERT(ssn USING latin1) FROM customers"),
    leaks("MASK-11", "SELECT IF(1, email, ''), IFNULL(ssn, ''), COALESCE(card) FROM customers"),
    leaks("MASK-11", "SELECT CASE WHEN id > 0 THEN email END FROM customers"),
    leaks("MASK-11", "SELECT JSON_QUOTE(email), JSON_OBJECT('a', ssn) FROM customers"),
    leaks("MASK-11", "SELECT ELT(1, email), LPAD(ssn, 30, ' ') FROM customers"),
    leaks("MASK-11", "SELECT COLUMN_JSON(COLUMN_CREATE('a', email)) FROM customers").of_mariadb(),
    leaks("MASK-16", "SELECT * FROM customers NATURAL JOIN (SELECT 1 AS id) s"),
    leaks("MASK-16", "SELECT email FROM customers JOIN orders USING (id)"),
    leaks("MYS-12", "SELECT `3` FROM (SELECT 1, 2, 3, 4, 5, 6 UNION SELECT * FROM customers) q"),
    leaks(
        "MYS-12",
        "SELECT `4` FROM (SELECT 1, 2, 3, 4, 5, 6 UNION ALL SELECT c.* FROM customers c) q",
    ),
    // Values in other values.
    leaks("MYS-19", "SELECT GROUP_CONCAT(email SEPARATOR ';') FROM customers"),
    leaks("MYS-19", "SELECT JSON_ARRAYAGG(JSON_OBJECT('e', email)) FROM customers"),
    leaks("MYS-19", "SELECT JSON_OBJECTAGG(id, ssn) FROM customers"),
    leaks(
        "MYS-19",
        "SELECT j.v FROM customers c, JSON_TABLE(JSON_ARRAY(c.email), '$[*]' COLUMNS (v VARCHAR(100) PATH '$')) j",
    ),
];

/// Writes, variables, prepared texts, code.
pub(super) const MOVED: &[Attack] = &[
    // Writing it elsewhere.
    leaks("MASK-08", "UPDATE customers SET name = email; SELECT name FROM customers"),
    leaks(
        "MASK-08",
        "INSERT INTO notes (body) SELECT email FROM customers; SELECT body FROM notes",
    ),
    leaks("MASK-08", "CREATE TABLE t1 AS SELECT email e FROM customers; SELECT e FROM t1"),
    leaks(
        "MASK-08",
        "CREATE TEMPORARY TABLE t2 AS SELECT email e FROM customers; SELECT e FROM t2",
    ),
    leaks("MASK-09", "CREATE VIEW laundry AS SELECT email c FROM customers; SELECT c FROM laundry"),
    leaks("MASK-09", "ALTER TABLE secrets RENAME COLUMN token TO x; SELECT x FROM secrets"),
    leaks("MASK-09", "SELECT reach_at FROM contact"),
    leaks("MASK-09", "SELECT number FROM owned"),
    leaks("MASK-09", "SELECT email FROM joined"),
    // Code.
    leaks("MYS-08", "PREPARE p FROM 'SELECT ssn FROM customers'; EXECUTE p"),
    leaks("MYS-08", "EXECUTE IMMEDIATE 'SELECT ssn FROM customers'").of_mariadb(),
    leaks("MYS-08", "SET @s = 'SELECT ssn FROM customers'; PREPARE p FROM @s; EXECUTE p"),
    leaks("MYS-07", "HANDLER customers OPEN; HANDLER customers READ FIRST"),
    leaks("MYS-13", "SELECT first_email()"),
    leaks("MYS-13", "CALL show_all()"),
    // Variables of the session.
    leaks("MYS-09", "SET @e = (SELECT email FROM customers LIMIT 1); SELECT @e"),
    leaks("MYS-09", "SELECT email INTO @z FROM customers LIMIT 1; SELECT @z"),
    leaks("MYS-09", "SELECT @q := email FROM customers; SELECT @q"),
    leaks("MYS-09", "SELECT 1 FROM customers WHERE (@w := ssn) IS NOT NULL; SELECT @w").of_mariadb(),
    leaks(
        "MYS-09",
        "SET @v = (SELECT ssn FROM customers LIMIT 1); \
         SELECT VARIABLE_VALUE FROM information_schema.user_variables",
    ).of_mariadb(),
    // Writes of several tables.
    leaks(
        "MYS-17",
        "UPDATE scratch s, customers c SET s.body = c.email WHERE c.id = 1; SELECT body FROM scratch",
    ),
    leaks("MYS-17", "UPDATE customers c SET c.name = c.ssn; SELECT name FROM customers"),
    leaks(
        "MYS-17",
        "REPLACE INTO scratch SELECT id, email FROM customers; SELECT body FROM scratch",
    ),
    leaks("MYS-17", "INSERT INTO notes (body) SELECT ssn FROM customers RETURNING body")
        .of_mariadb(),
    leaks(
        "MYS-17",
        "INSERT INTO customers VALUES (1, 'a', 'b', 'c', 'd', 'e') ON DUPLICATE KEY UPDATE name = email; \
         SELECT name FROM customers WHERE id = 1",
    ),
    leaks("MYS-17", "DELETE FROM customers WHERE id = 20 RETURNING email").of_mariadb(),
    leaks("MYS-17", "DELETE FROM customers WHERE id = 19 RETURNING *").of_mariadb(),
    leaks("MYS-09", "SELECT COUNT(*) FROM customers WHERE (@w := CONCAT(ssn, '')) > ''; SELECT @w").of_mysql(),
    leaks(
        "MYS-09",
        "SET @v = (SELECT ssn FROM customers LIMIT 1); \
         SELECT VARIABLE_VALUE FROM performance_schema.user_variables_by_thread",
    )
    .of_mysql(),
    leaks("MYS-17", "INSERT INTO scratch TABLE notes; INSERT INTO scratch SELECT * FROM (SELECT 1, email FROM customers LIMIT 1) AS n (i, e) ON DUPLICATE KEY UPDATE body = n.e; SELECT body FROM scratch").of_mysql(),
    leaks("MYS-07", "HANDLER customers OPEN; HANDLER customers READ `PRIMARY` = (2)"),
    leaks("MYS-08", "EXECUTE IMMEDIATE CONCAT('SELECT e', 'mail FROM customers')").of_mariadb(),
    leaks(
        "MYS-09",
        "SELECT email INTO @z FROM customers WHERE id = 1; DO 1; SELECT CONCAT(@z, '')",
    ),
    leaks(
        "MYS-17",
        "INSERT INTO scratch (id, body) SELECT 1, email FROM customers WHERE id = 1 ON DUPLICATE KEY UPDATE body = email; SELECT body FROM scratch",
    ),
    leaks(
        "MYS-17",
        "UPDATE notes n, customers c SET n.body = c.email; SELECT email FROM customers",
    ),
];

/// Each by a way of its own.
pub(super) const FURTHER: &[Attack] = &[
    leaks("MASK-11", "SELECT email FROM customers"),
    leaks("MASK-11", "SELECT c.* FROM customers AS c"),
    leaks("MASK-11", "SELECT `email` FROM `shop`.`customers`"),
    leaks("MASK-11", "SELECT reach_at FROM contact"),
    leaks("MASK-11", "SELECT email FROM archive.customers UNION SELECT email FROM customers"),
    leaks("MASK-11", "SELECT CONCAT('x', email) FROM customers"),
    leaks("MASK-11", "SELECT UPPER(email) FROM customers"),
    leaks("MASK-11", "SELECT REVERSE(email) FROM customers"),
    leaks("MASK-11", "SELECT HEX(email) FROM customers"),
    leaks("MASK-11", "SELECT TO_BASE64(CONCAT(email, email)) FROM customers"),
    leaks("MASK-11", "SELECT GROUP_CONCAT(email) FROM customers"),
    leaks("MASK-11", "SELECT JSON_ARRAYAGG(email) FROM customers"),
    leaks("MASK-11", "SELECT JSON_ARRAYAGG(JSON_OBJECT('e', email)) FROM customers"),
    leaks("MASK-11", "SELECT MAX(email) FROM customers"),
    leaks("MASK-11", "SELECT (SELECT email FROM customers LIMIT 1)"),
    leaks("MASK-11", "SELECT * FROM (SELECT email AS e FROM customers) AS q"),
    leaks("MASK-11", "WITH q AS (SELECT email FROM customers) SELECT * FROM q"),
    leaks("MASK-11", "SELECT `3` FROM (SELECT 1, 2, 3, 4, 5, 6 UNION SELECT * FROM customers) q"),
    leaks("MASK-11", "SELECT IF(1, email, '') FROM customers"),
    leaks("MASK-11", "SELECT CASE WHEN id = 1 THEN email END FROM customers"),
    leaks("MASK-11", "SELECT COALESCE(NULL, email) FROM customers"),
    leaks("MASK-11", "SELECT CAST(email AS BINARY) FROM customers"),
    leaks("MASK-11", "SELECT o.id, c.email FROM orders o JOIN customers c ON c.id = o.customer_id"),
    leaks("MASK-11", "SELECT o.id, c.email FROM orders o LEFT JOIN customers c ON c.id = o.customer_id"),
    leaks("MASK-11", "SELECT email FROM orders NATURAL JOIN customers"),
    leaks("MASK-11", "SELECT tier, GROUP_CONCAT(email ORDER BY id SEPARATOR '|') FROM customers GROUP BY tier"),
    leaks("MASK-11", "SELECT email FROM customers GROUP BY email"),
    leaks("MASK-11", "SELECT MIN(email) OVER () FROM customers"),
    leaks("MASK-11", "SELECT @e := email FROM customers; SELECT @e"),
    leaks("MASK-11", "SET @e = (SELECT email FROM customers LIMIT 1); SELECT @e"),
    leaks("MASK-11", "SELECT email INTO @z FROM customers LIMIT 1; SELECT @z"),
    leaks("MASK-11", "PREPARE s FROM 'SELECT email FROM customers'; EXECUTE s"),
    leaks("MASK-11", "SET @s = 'SELECT email FROM customers'; PREPARE s FROM @s; EXECUTE s"),
    leaks("MASK-11", "EXECUTE IMMEDIATE 'SELECT email FROM customers'").of_mariadb(),
    leaks("MASK-11", "EXECUTE IMMEDIATE CONCAT('SELECT ', 'email FROM customers')").of_mariadb(),
    leaks("MASK-11", "HANDLER customers OPEN; HANDLER customers READ FIRST"),
    leaks("MASK-11", "INSERT INTO notes (body) SELECT email FROM customers; SELECT body FROM notes"),
    leaks("MASK-11", "UPDATE notes n, customers c SET n.body = c.email; INSERT INTO notes (body) SELECT email FROM customers; SELECT * FROM notes"),
    leaks("MASK-11", "INSERT INTO notes (body) SELECT email FROM customers RETURNING body").of_mariadb(),
    leaks("MASK-11", "DELETE FROM customers WHERE id = 20 RETURNING email").of_mariadb(),
    leaks("MASK-11", "REPLACE INTO notes (id, body) SELECT id, email FROM customers; SELECT * FROM notes"),
    leaks("MASK-11", "CREATE TEMPORARY TABLE t AS SELECT email FROM customers; SELECT * FROM t"),
    leaks("MASK-11", "CREATE TABLE t AS SELECT email FROM customers; SELECT * FROM t"),
    leaks("MASK-11", "SELECT first_email()"),
    leaks("MASK-11", "SELECT EXTRACTVALUE(1, CONCAT('~', (SELECT email FROM customers LIMIT 1)))"),
    leaks("MASK-11", "SELECT UPDATEXML(1, CONCAT('~', (SELECT email FROM customers LIMIT 1)), 1)"),
    leaks("MASK-11", "SELECT email + 0 FROM customers; SHOW WARNINGS"),
    leaks("MASK-11", "SELECT CAST(email AS UNSIGNED) FROM customers; SHOW WARNINGS"),
    leaks("MASK-11", "SELECT CAST(email AS DATE) FROM customers; SHOW WARNINGS"),
    leaks("MASK-11", "INSERT INTO customers SELECT 99, name, email, ssn, card, tier FROM customers LIMIT 1"),
    leaks("MASK-11", "SELECT token FROM secrets"),
    leaks("MASK-11", "SELECT ssn FROM customers"),
    leaks("MASK-11", "SELECT card FROM customers"),
    leaks("MASK-11", "SELECT CONCAT_WS('-', ssn, card) FROM customers"),
    leaks("MASK-11", "SELECT WEIGHT_STRING(email) FROM customers; SELECT email FROM customers"),
    leaks("MASK-11", "SELECT JSON_VALUE(JSON_OBJECT('a', email), '$.a') FROM customers"),
    leaks("MASK-11", "SELECT t.e FROM JSON_TABLE((SELECT JSON_ARRAYAGG(email) FROM customers), '$[*]' COLUMNS (e TEXT PATH '$')) t").of_mariadb(),
    leaks("MASK-11", "SELECT email FROM customers ORDER BY email LIMIT 1"),
    leaks("MASK-11", "SELECT email FROM customers PROCEDURE ANALYSE()").of_mariadb(),
    leaks("MASK-11", "ANALYZE TABLE customers PERSISTENT FOR ALL; SELECT min_value FROM mysql.column_stats WHERE table_name = 'customers'").of_mariadb(),
    leaks("MASK-11", "SELECT VALUE(email) FROM customers; SELECT email FROM customers").of_mariadb(),
    leaks("MASK-11", "SELECT NAME_CONST('x', 1), email FROM customers"),
    leaks("MASK-11", "(SELECT email FROM customers) UNION ALL (SELECT 'x')"),
    leaks("MASK-11", "SELECT email FROM customers FORCE INDEX (email)"),
    leaks("MASK-11", "SELECT c.email FROM customers c WHERE c.id IN (SELECT customer_id FROM orders)"),
    leaks("MASK-11", "SELECT 1 AS a, email FROM customers HAVING a = 1"),
    leaks("MASK-11", "VALUES ((SELECT email FROM customers LIMIT 1))").of_mariadb(),
];
