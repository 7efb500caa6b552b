//! The attacks and the ordinary statements, as tables.

use super::{
    Attack,
    Directly::{Leaks, Tells},
};

const fn leaks(row: &'static str, script: &'static str) -> Attack {
    Attack { row, directly: Leaks, script }
}

const fn tells(row: &'static str, script: &'static str) -> Attack {
    Attack { row, directly: Tells, script }
}

pub(super) const ATTACKS: &[Attack] = &[
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
    // Code.
    leaks("MYS-08", "PREPARE p FROM 'SELECT ssn FROM customers'; EXECUTE p"),
    leaks("MYS-08", "EXECUTE IMMEDIATE 'SELECT ssn FROM customers'"),
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
    // Spellings of names.
    leaks("MYS-11", "SELECT shop . customers . email FROM shop . customers"),
    leaks("MYS-11", "SELECT .customers.email FROM .customers"),
    leaks("MYS-11", "SELECT email FROM customers FORCE INDEX (PRIMARY)"),
    leaks("MYS-11", "SELECT email FROM {oj customers LEFT JOIN notes ON notes.id = customers.id}"),
    leaks("MYS-12", "SELECT `3` FROM (SELECT 1, 2, 3, 4, 5, 6 UNION SELECT * FROM customers) q"),
    leaks(
        "MYS-12",
        "SELECT `4` FROM (SELECT 1, 2, 3, 4, 5, 6 UNION ALL SELECT c.* FROM customers c) q",
    ),
    // Errors, warnings and plans.
    leaks("MYS-14", "SELECT EXTRACTVALUE(1, CONCAT(0x7e, (SELECT email FROM customers LIMIT 1)))"),
    leaks("MYS-14", "SELECT UPDATEXML(1, CONCAT(0x7e, (SELECT ssn FROM customers LIMIT 1)), 1)"),
    leaks("MYS-14", "SELECT email + 0 FROM customers; SHOW WARNINGS"),
    leaks("MYS-14", "SELECT CAST(ssn AS SIGNED) FROM customers; SHOW WARNINGS"),
    leaks("MYS-14", "SELECT id FROM customers WHERE email = 0; SHOW WARNINGS"),
    leaks("MYS-14", "UPDATE customers SET tier = 'x' WHERE email = 0; SHOW ERRORS"),
    leaks("MYS-14", "EXPLAIN EXTENDED SELECT email FROM customers WHERE id = 1; SHOW WARNINGS"),
    leaks(
        "MYS-14",
        "EXPLAIN EXTENDED SELECT o.id FROM customers c JOIN orders o ON o.note <> c.ssn WHERE c.id = 1; SHOW WARNINGS",
    ),
    leaks(
        "MYS-14",
        "EXPLAIN FORMAT=JSON SELECT o.id FROM customers c JOIN orders o ON o.note <> c.email WHERE c.id = 1",
    ),
    leaks(
        "MYS-14",
        "ANALYZE FORMAT=JSON SELECT o.id FROM customers c JOIN orders o ON o.note <> c.email WHERE c.id = 1",
    ),
    leaks(
        "MYS-14",
        "SET optimizer_trace = 'enabled=on'; SELECT email FROM customers WHERE id = 1 AND email > 'a'; \
         SELECT TRACE, 'hushhush' FROM information_schema.optimizer_trace",
    ),
    // Statistics and what others are doing.
    leaks(
        "MYS-15",
        "ANALYZE TABLE customers PERSISTENT FOR ALL; SELECT min_value, max_value FROM mysql.column_stats",
    ),
    leaks("MYS-15", "SELECT email FROM customers PROCEDURE ANALYSE()"),
    leaks("MYS-16", "SELECT argument FROM mysql.general_log"),
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
    // Values in other values.
    leaks("MYS-19", "SELECT GROUP_CONCAT(email SEPARATOR ';') FROM customers"),
    leaks("MYS-19", "SELECT JSON_ARRAYAGG(JSON_OBJECT('e', email)) FROM customers"),
    leaks("MYS-19", "SELECT JSON_OBJECTAGG(id, ssn) FROM customers"),
    leaks(
        "MYS-19",
        "SELECT j.v FROM customers c, JSON_TABLE(JSON_ARRAY(c.email), '$[*]' COLUMNS (v VARCHAR(100) PATH '$')) j",
    ),
    // Questions.
    tells("INF-01", "SELECT id FROM customers WHERE email LIKE 'c_nary1@%'"),
    tells("INF-01", "SELECT id FROM customers WHERE ssn RLIKE '5-000[12]'"),
    tells(
        "INF-01",
        "SELECT id FROM customers WHERE ssn BETWEEN '999' AND '999-55'  OR id = 3 AND ssn > '9'",
    ),
    tells(
        "INF-01",
        "SELECT id FROM customers c WHERE c.ssn <=> (SELECT s.ssn FROM customers s WHERE s.id = 4)",
    ),
    tells("INF-01", "SELECT id FROM customers WHERE (id, LEFT(ssn, 1)) IN (SELECT 2, '9')"),
    tells("INF-01", "SELECT 1 WHERE EXISTS (SELECT 1 FROM customers WHERE ssn LIKE '%0007')"),
    tells("INF-01", "SELECT SUM(ssn LIKE '%0007') FROM customers"),
    tells("INF-01", "SELECT id FROM customers WHERE STRCMP(ssn, '9') = 1 AND id < 3"),
    tells("INF-01", "SELECT COUNT(*) FROM sorted"),
    tells("INF-02", "SELECT id FROM customers ORDER BY ssn DESC LIMIT 3"),
    tells("INF-02", "SELECT RANK() OVER (ORDER BY ssn DESC) r, id FROM customers"),
    tells("INF-02", "SELECT COUNT(*) FROM customers GROUP BY RIGHT(ssn, 1)"),
    tells("INF-02", "SELECT COUNT(DISTINCT ssn) FROM customers"),
    tells("INF-02", "SELECT id FROM customers GROUP BY id HAVING MAX(ssn) LIKE '%0019'"),
    tells("INF-02", "SELECT GROUP_CONCAT(id ORDER BY ssn DESC) FROM customers"),
    tells(
        "INF-03",
        "SELECT id FROM customers JOIN (SELECT CONCAT('can', 'ary3@leak.example') e) v ON v.e = email",
    ),
    tells(
        "INF-03",
        "SELECT id FROM customers NATURAL JOIN (SELECT CONCAT('999-55', '-0002') ssn) s",
    ),
    tells(
        "INF-03",
        "SELECT id FROM customers JOIN (SELECT CONCAT('999-55', '-0002') ssn) s USING (ssn)",
    ),
    tells("INF-06", "SELECT id FROM customers WHERE IF(ssn LIKE '%1', SLEEP(0), 0) = 0"),
    tells("INF-06", "SELECT GET_LOCK(LEFT(ssn, 1), 0) FROM customers LIMIT 1"),
    tells("INF-06", "SELECT BENCHMARK(2, SHA2(ssn, 256)) FROM customers LIMIT 1"),
    tells("INF-08", "EXPLAIN SELECT id FROM customers WHERE email > 'c' AND id < 9"),
    tells("MYS-19", "SELECT LOWER(tier), COUNT(*) FROM customers GROUP BY 1, LOWER(ssn)"),
    tells(
        "MYS-17",
        "UPDATE customers SET tier = 'x' WHERE ssn LIKE '%0003'; SELECT id FROM customers WHERE tier = 'x'",
    ),
];

/// A statement, and what it shows.
pub(super) const ORDINARY: &[(&str, &str)] = &[
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
