//! Questions about protected values, and what the server tells besides rows: errors, warnings, plans, statistics.

use super::{Attack, acts, every, fails, leaks, tells};

#[test]
fn inf_questions_about_protected_values() {
    every(ASKED);
}

#[test]
fn mys_what_the_server_tells_besides_rows() {
    every(TOLD);
}

pub(super) const ASKED: &[Attack] = &[
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
    // A row that is looked up by its key is read while the plan is made: the plan says whether it is there.
    tells(
        "INF-08",
        "EXPLAIN SELECT id FROM customers WHERE email = CONCAT('canary7', '@leak.example')",
    ),
    tells(
        "INF-08",
        "EXPLAIN SELECT id FROM customers WHERE email = CONCAT('nobody', '@leak.example')",
    ),
    tells("MYS-19", "SELECT LOWER(tier), COUNT(*) FROM customers GROUP BY 1, LOWER(ssn)"),
    tells(
        "MYS-17",
        "UPDATE customers SET tier = 'x' WHERE ssn LIKE '%0003'; SELECT id FROM customers WHERE tier = 'x'",
    ),
];

pub(super) const TOLD: &[Attack] = &[
    // Errors, warnings and plans.
    leaks("MYS-14", "SELECT EXTRACTVALUE(1, CONCAT(0x7e, (SELECT email FROM customers LIMIT 1)))"),
    leaks("MYS-14", "SELECT UPDATEXML(1, CONCAT(0x7e, (SELECT ssn FROM customers LIMIT 1)), 1)"),
    leaks("MYS-14", "SELECT email + 0 FROM customers; SHOW WARNINGS"),
    leaks("MYS-14", "SELECT CAST(ssn AS SIGNED) FROM customers; SHOW WARNINGS"),
    leaks("MYS-14", "SELECT id FROM customers WHERE email = 0; SHOW WARNINGS"),
    leaks("MYS-14", "UPDATE customers SET tier = 'x' WHERE email = 0; SHOW ERRORS"),
    leaks("MYS-14", "EXPLAIN EXTENDED SELECT email FROM customers WHERE id = 1; SHOW WARNINGS").of_mariadb(),
    leaks(
        "MYS-14",
        "EXPLAIN EXTENDED SELECT o.id FROM customers c JOIN orders o ON o.note <> c.ssn WHERE c.id = 1; SHOW WARNINGS",
    ).of_mariadb(),
    leaks(
        "MYS-14",
        "EXPLAIN FORMAT=JSON SELECT o.id FROM customers c JOIN orders o ON o.note <> c.email WHERE c.id = 1",
    ),
    leaks(
        "MYS-14",
        "ANALYZE FORMAT=JSON SELECT o.id FROM customers c JOIN orders o ON o.note <> c.email WHERE c.id = 1",
    ).of_mariadb(),
    leaks(
        "MYS-14",
        "SET optimizer_trace = 'enabled=on'; SELECT email FROM customers WHERE id = 1 AND email > 'a'; \
         SELECT TRACE, 'hushhush' FROM information_schema.optimizer_trace",
    ),
    // Statistics and what others are doing.
    leaks(
        "MYS-15",
        "ANALYZE TABLE customers PERSISTENT FOR ALL; SELECT min_value, max_value FROM mysql.column_stats",
    ).of_mariadb(),
    leaks("MYS-15", "SELECT email FROM customers PROCEDURE ANALYSE()").of_mariadb(),
    leaks("MYS-16", "SELECT argument FROM mysql.general_log"),
    leaks(
        "MYS-14",
        "INSERT INTO customers SELECT 99, name, email, ssn, card, tier FROM customers WHERE id = 1",
    ),
    leaks("MYS-14", "SELECT email + 0 FROM customers; SHOW COUNT(*) WARNINGS; SHOW WARNINGS LIMIT 2"),
    leaks(
        "MYS-14",
        "EXPLAIN SELECT o.id FROM customers c JOIN orders o ON o.note <> c.ssn WHERE c.id = 1; SHOW WARNINGS",
    )
    .of_mysql(),
    leaks(
        "MYS-14",
        "EXPLAIN ANALYZE SELECT o.id FROM customers c JOIN orders o ON o.note <> c.email WHERE c.id = 1",
    )
    .of_mysql(),
    leaks(
        "MYS-14",
        "EXPLAIN FORMAT=TREE SELECT o.id FROM customers c JOIN orders o ON o.note <> c.email WHERE c.id = 1",
    )
    .of_mysql(),
    leaks(
        "MYS-14",
        "SELECT CAST(email AS DATE) FROM customers LIMIT 1; GET DIAGNOSTICS CONDITION 1 @m = MESSAGE_TEXT; SELECT @m",
    ),
    acts("MYS-15", "SELECT HISTOGRAM FROM information_schema.COLUMN_STATISTICS").of_mysql(),
    acts("MYS-15", "ANALYZE TABLE customers UPDATE HISTOGRAM ON name WITH 8 BUCKETS").of_mysql(),
    leaks("MYS-16", "SELECT INFO FROM information_schema.PROCESSLIST WHERE INFO LIKE '%canary%'"),
    leaks(
        "MYS-16",
        "SELECT id FROM orders WHERE note = 'canary'; \
         SELECT SQL_TEXT FROM performance_schema.events_statements_history",
    )
    .of_mysql(),
    acts("MYS-16", "SELECT * FROM mysql.innodb_index_stats"),
    acts("MYS-16", "SHOW BINLOG EVENTS").of_mariadb(),
    fails("MYS-16", "SHOW EXPLAIN FOR 4711"),
];
