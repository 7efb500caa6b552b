//! The scripts, by what they are about.

use super::{Case, case};

pub(super) const GROUPS: &[(&str, &[Case])] = &[
    ("Reads", READS),
    ("Functions", FUNCTIONS),
    ("Files", FILES),
    ("Writes", WRITES),
    ("Variables", VARIABLES),
    ("Statements in SQL", PREPARED),
    ("Stored programs", PROGRAMS),
    ("Sessions and transactions", SESSION),
    ("Definitions", DEFINITIONS),
    ("Rights and the server", SERVER),
];

const READS: &[Case] = &[
    case("SELECT id, amount FROM orders WHERE id = 1"),
    case("SELECT id, email FROM customers WHERE id = 1"),
    case("SELECT * FROM customers ORDER BY id LIMIT 2"),
    case("SELECT id FROM customers WHERE email LIKE 'c%'"),
    case("SELECT token FROM secrets WHERE id = 1"),
    case("SELECT id FROM orders WHERE id = 1 FOR UPDATE"),
    case("SELECT id FROM orders WHERE id = 1 LOCK IN SHARE MODE"),
    case("SELECT id FROM orders WHERE id = 1 UNION SELECT id FROM payments WHERE id = 2"),
    case("SELECT id FROM orders WHERE id < 3 INTERSECT SELECT id FROM payments"),
    case(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n",
    ),
    case("VALUES (1, 'a'), (2, 'b')").of_mariadb(),
    case("VALUES ROW(1, 'a'), ROW(2, 'b')").of_mysql(),
    case("TABLE scratch ORDER BY id LIMIT 1").of_mysql(),
    case("SELECT id FROM parts PARTITION (p0)"),
    case("HANDLER scratch OPEN; HANDLER scratch READ FIRST; HANDLER scratch CLOSE"),
    case("HANDLER customers OPEN"),
    case("EXPLAIN SELECT id FROM orders WHERE id = 1"),
    case("EXPLAIN DELETE FROM orders WHERE id = 1"),
    case("ANALYZE SELECT id FROM orders WHERE id = 1").of_mariadb().varies(),
    case("EXPLAIN ANALYZE SELECT id FROM orders WHERE id = 1").of_mysql().varies(),
    case("DESCRIBE orders"),
    case("SHOW TABLES LIKE 'ord%'"),
    case("SHOW COLUMNS FROM orders"),
    case("SHOW CREATE TABLE scratch"),
    case("SHOW INDEX FROM scratch").varies(),
    case("SHOW WARNINGS"),
    case("SHOW VARIABLES LIKE 'autocommit'"),
    case("SHOW STATUS LIKE 'Threads_running'").varies(),
    case("SHOW FULL PROCESSLIST").varies(),
    case("SHOW GRANTS").varies(),
    case("SHOW CREATE PROCEDURE wipe_notes").varies(),
    case("SHOW ENGINE INNODB STATUS").varies(),
    case("SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'scratch'"),
    case("SELECT COUNT(*) FROM mysql.user WHERE user = 'nobody'"),
    case("CHECKSUM TABLE scratch"),
    case("CHECK TABLE scratch"),
];

const FUNCTIONS: &[Case] = &[
    case("SELECT UPPER('a'), ABS(-1), CONCAT('a', 'b'), JSON_EXTRACT('[1]', '$[0]')"),
    case("SELECT NOW() IS NULL, RAND() < 0, UUID() IS NULL"),
    case("SELECT DATABASE(), LAST_INSERT_ID(), ROW_COUNT()").varies(),
    case("SELECT COUNT(*), SUM(amount), GROUP_CONCAT(id ORDER BY id) FROM orders WHERE id < 4"),
    case("SELECT id, ROW_NUMBER() OVER (ORDER BY id) FROM orders WHERE id < 3"),
    case("SELECT CONNECTION_ID() IS NULL, USER() IS NULL"),
    case("SELECT SLEEP(0)"),
    case("SELECT BENCHMARK(1, 1)"),
    case("SELECT GET_LOCK('jurat', 0); SELECT RELEASE_LOCK('jurat')"),
    case("SELECT twice(2)"),
    case("SELECT thrice(2)"),
    case("SELECT first_email() IS NULL"),
    case("SELECT id, twice(id) FROM orders WHERE id = 1"),
    case("SELECT MASTER_POS_WAIT('x', 1, 0)").of_mariadb(),
    case("SELECT no_such_function_at_all.x FROM (SELECT 1 AS x) no_such_function_at_all"),
];

const FILES: &[Case] = &[
    case("SELECT LOAD_FILE('/no/such/file')"),
    case("SELECT id FROM orders INTO OUTFILE 'jurat-statements-out'"),
    case("SELECT body FROM scratch WHERE id = 1 INTO DUMPFILE 'jurat-statements-dump'"),
    case("LOAD DATA INFILE '/etc/hostname' INTO TABLE notes (body)"),
];

const WRITES: &[Case] = &[
    case("INSERT INTO scratch (id, body) VALUES (3, 'z'), (4, NULL)"),
    case("INSERT INTO scratch SET id = 3, body = 'z'"),
    case("INSERT IGNORE INTO scratch VALUES (1, 'again')"),
    case(
        "INSERT INTO scratch VALUES (1, 'x') ON DUPLICATE KEY UPDATE body = CONCAT(body, VALUES(body))",
    ),
    case(
        "INSERT INTO scratch SELECT id, note FROM orders WHERE id BETWEEN 2 AND 4 ON DUPLICATE KEY UPDATE body = note",
    ),
    case("INSERT INTO scratch SELECT id + 10, note FROM orders WHERE id < 4"),
    case("INSERT INTO scratch SELECT id + 10, email FROM customers WHERE id < 4"),
    case("INSERT INTO scratch VALUES (3, 'z') RETURNING id, body").of_mariadb(),
    case("INSERT INTO parts PARTITION (p1) VALUES (3, 'z')"),
    case("INSERT INTO audited VALUES (7)"),
    case("REPLACE INTO scratch VALUES (1, 'other')"),
    case("REPLACE INTO scratch SELECT id, note FROM orders WHERE id < 3"),
    case(
        "REPLACE INTO customers SELECT 1, name, email, ssn, card, tier FROM customers WHERE id = 1",
    ),
    case("UPDATE scratch SET body = 'z' WHERE id = 1"),
    case("UPDATE scratch SET body = 'z'"),
    case("UPDATE scratch SET body = 'z' WHERE 1 = 1"),
    case("UPDATE scratch SET body = 'z' WHERE id > 0 ORDER BY id DESC LIMIT 1"),
    case("UPDATE scratch s JOIN orders o ON o.id = s.id SET s.body = o.note WHERE o.amount > 1"),
    case("UPDATE scratch s, payments p SET s.body = 'z', p.paid = 1 WHERE s.id = p.id"),
    case("UPDATE scratch s, customers c SET s.body = c.email WHERE s.id = c.id"),
    case("UPDATE scratch s JOIN orders o ON o.id = s.id SET s.body = 'z'"),
    case("DELETE FROM scratch WHERE id = 1"),
    case("DELETE FROM scratch"),
    case("DELETE FROM scratch ORDER BY id LIMIT 1"),
    case("DELETE s FROM scratch s JOIN orders o ON o.id = s.id WHERE o.amount > 1"),
    case("DELETE FROM s USING scratch s JOIN orders o ON o.id = s.id WHERE o.id = 1"),
    case("DELETE s, n FROM scratch s, parts n WHERE s.id = n.id"),
    case("DELETE FROM orders WHERE id = 1"),
    case("DELETE FROM scratch WHERE id = 1 RETURNING id").of_mariadb(),
    case("TRUNCATE TABLE parts").undone_by("REPLACE INTO parts VALUES (1, 'x'), (2, 'y')"),
];

const VARIABLES: &[Case] = &[
    case("SET @a = 1; SELECT @a + 1"),
    case("SET @a = (SELECT amount FROM orders WHERE id = 1); SELECT @a"),
    case("SET @a = (SELECT email FROM customers WHERE id = 1)"),
    case("SELECT amount INTO @a FROM orders WHERE id = 1; SELECT @a"),
    case("SELECT email INTO @a FROM customers WHERE id = 1"),
    case("SELECT @a := amount FROM orders WHERE id = 1; SELECT @a"),
    case("SELECT @a := email FROM customers WHERE id = 1"),
    case("SELECT id FROM orders WHERE (@a := id) = 1"),
    case("SELECT @@autocommit, @@max_allowed_packet > 0"),
    case("SELECT @@GLOBAL.max_connections > 0"),
];

const PREPARED: &[Case] = &[
    case(
        "PREPARE p FROM 'SELECT amount FROM orders WHERE id = ?'; SET @a = 1; EXECUTE p USING @a; DEALLOCATE PREPARE p",
    ),
    case("PREPARE p FROM 'SELECT email FROM customers WHERE id = 1'; EXECUTE p"),
    case("PREPARE p FROM 'DELETE FROM scratch WHERE id = 1'; EXECUTE p"),
    case("PREPARE p FROM 'DROP TABLE IF EXISTS no_such_table'"),
    case("SET @s = 'SELECT 1'; PREPARE p FROM @s"),
    case("EXECUTE IMMEDIATE 'SELECT amount FROM orders WHERE id = 1'").of_mariadb(),
    case("EXECUTE IMMEDIATE 'SELECT email FROM customers WHERE id = 1'").of_mariadb(),
    case("EXECUTE IMMEDIATE CONCAT('SELECT ', '1')").of_mariadb(),
];

const PROGRAMS: &[Case] = &[
    case("CALL wipe_notes()"),
    case("DO 1"),
    case("DO SLEEP(0)"),
    case("BEGIN NOT ATOMIC SELECT 1;END").of_mariadb(),
    case("CREATE PROCEDURE p1() SELECT 1").undone_by("DROP PROCEDURE IF EXISTS p1"),
    case("CREATE FUNCTION f1() RETURNS int DETERMINISTIC RETURN 1")
        .undone_by("DROP FUNCTION IF EXISTS f1"),
    case("CREATE TRIGGER t1 BEFORE INSERT ON notes FOR EACH ROW SET NEW.body = 'x'")
        .undone_by("DROP TRIGGER IF EXISTS t1"),
    case("CREATE EVENT e1 ON SCHEDULE EVERY 1 DAY DO DELETE FROM notes")
        .undone_by("DROP EVENT IF EXISTS e1"),
    case("DROP PROCEDURE IF EXISTS no_such_procedure"),
    case("GET DIAGNOSTICS @n = NUMBER"),
];

const SESSION: &[Case] = &[
    case("SET autocommit = 0; SET autocommit = 1"),
    case("SET NAMES utf8mb4"),
    case("SET NAMES gbk"),
    case("SET SESSION sort_buffer_size = 65536"),
    case("SET SESSION sql_mode = 'ANSI_QUOTES'"),
    case("COMMIT; SET SESSION sql_log_bin = 0"),
    case("SET SESSION foreign_key_checks = 0"),
    case("SET time_zone = '+00:00'"),
    case("SET GLOBAL max_connections = 151").undone_by("SET GLOBAL max_connections = 151"),
    case("COMMIT; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
    case("USE archive"),
    case("SAVEPOINT s; ROLLBACK TO s; RELEASE SAVEPOINT s"),
    case("COMMIT; START TRANSACTION READ ONLY; COMMIT"),
    case("LOCK TABLES scratch READ; UNLOCK TABLES"),
    case("COMMIT; XA START 'x'; XA END 'x'; XA ROLLBACK 'x'"),
];

const DEFINITIONS: &[Case] = &[
    case("CREATE TABLE t1 (id int PRIMARY KEY)").undone_by("DROP TABLE IF EXISTS t1"),
    case("CREATE TABLE t1 LIKE scratch").undone_by("DROP TABLE IF EXISTS t1"),
    case("CREATE TABLE t1 AS SELECT id, note FROM orders").undone_by("DROP TABLE IF EXISTS t1"),
    case("CREATE TABLE t1 AS SELECT id, email FROM customers").undone_by("DROP TABLE IF EXISTS t1"),
    case("CREATE TEMPORARY TABLE t1 (id int); INSERT INTO t1 VALUES (1); DROP TEMPORARY TABLE t1"),
    case("CREATE TEMPORARY TABLE t1 AS SELECT id, email FROM customers"),
    case("ALTER TABLE scratch ADD COLUMN more int")
        .undone_by("ALTER TABLE scratch DROP COLUMN more"),
    case("ALTER TABLE parts TRUNCATE PARTITION p0").undone_by("REPLACE INTO parts VALUES (2, 'y')"),
    case("CREATE INDEX i1 ON scratch (body(4))").undone_by("DROP INDEX i1 ON scratch"),
    case("CREATE VIEW v1 AS SELECT id FROM orders").undone_by("DROP VIEW IF EXISTS v1"),
    case("RENAME TABLE scratch TO scratch2").undone_by("RENAME TABLE scratch2 TO scratch"),
    case("DROP TABLE IF EXISTS no_such_table"),
    case("DROP VIEW IF EXISTS no_such_view"),
    case("CREATE DATABASE d1").undone_by("DROP DATABASE IF EXISTS d1"),
    case("CREATE SEQUENCE s1").of_mariadb().undone_by("DROP SEQUENCE IF EXISTS s1"),
];

const SERVER: &[Case] = &[
    // MySQL writes accounts and rights anew in its log, so they cannot be compared with the record.
    case("CREATE USER eve@'127.0.0.1' IDENTIFIED BY 'secret-word-4711'")
        .of_mariadb()
        .undone_by("DROP USER IF EXISTS eve@'127.0.0.1'"),
    case("GRANT SELECT ON shop.scratch TO app@'127.0.0.1'").of_mariadb(),
    case("CREATE ROLE auditor").undone_by("DROP ROLE IF EXISTS auditor"),
    case("DROP USER IF EXISTS eve@'127.0.0.1'"),
    case("FLUSH STATUS"),
    case("ANALYZE TABLE scratch"),
    case("OPTIMIZE TABLE scratch"),
    case("PURGE BINARY LOGS TO 'x'").of_mariadb(),
    case("SHOW MASTER STATUS").of_mariadb(),
    case("SHOW BINARY LOG STATUS").of_mysql(),
];
