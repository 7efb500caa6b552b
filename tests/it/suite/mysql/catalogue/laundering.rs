//! Values that are read in disguise, and values that are moved to where nobody guards them.

use super::{Attack, every, leaks};

#[test]
fn mask_values_that_are_read_in_disguise() {
    every(READ);
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
    // Set operations.
    leaks(
        "MASK-07",
        "SELECT name FROM customers WHERE false UNION ALL SELECT email FROM customers",
    ),
    leaks("MASK-07", "SELECT NULL UNION ALL SELECT ssn FROM customers"),
    leaks("MASK-07", "SELECT email FROM customers EXCEPT SELECT 'nothing'"),
    leaks("MASK-07", "SELECT email FROM customers INTERSECT SELECT email FROM customers"),
    leaks("MASK-07", "VALUES ((SELECT email FROM customers ORDER BY id LIMIT 1))"),
    leaks(
        "MASK-07",
        "WITH RECURSIVE r (n, e) AS (SELECT 1, email FROM customers WHERE id = 1 UNION ALL SELECT n + 1, e FROM r \
         WHERE n < 3) SELECT e FROM r",
    ),
    // Functions of it.
    leaks("MASK-10", "SELECT MAX(ssn), MIN(email) FROM customers"),
    leaks("MASK-10", "SELECT FIRST_VALUE(email) OVER (ORDER BY id) FROM customers"),
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
    leaks("MASK-11", "SELECT COLUMN_JSON(COLUMN_CREATE('a', email)) FROM customers"),
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
    leaks("MYS-09", "SELECT 1 FROM customers WHERE (@w := ssn) IS NOT NULL; SELECT @w"),
    leaks(
        "MYS-09",
        "SET @v = (SELECT ssn FROM customers LIMIT 1); \
         SELECT VARIABLE_VALUE FROM information_schema.user_variables",
    ),
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
    leaks("MYS-17", "INSERT INTO notes (body) SELECT ssn FROM customers RETURNING body"),
    leaks(
        "MYS-17",
        "INSERT INTO customers VALUES (1, 'a', 'b', 'c', 'd', 'e') ON DUPLICATE KEY UPDATE name = email; \
         SELECT name FROM customers WHERE id = 1",
    ),
    leaks("MYS-17", "DELETE FROM customers WHERE id = 20 RETURNING email"),
    leaks("MYS-17", "DELETE FROM customers WHERE id = 19 RETURNING *"),
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
