//! Threat: a text that the server reads otherwise than Jurat. The tests are named after the rows of the catalogue
//! of attacks (MYS) in docs/mysql.md. Each works directly first.

use crate::harness::{MyShop, canary};

/// Row, attack. Each shows a protected value directly.
const ATTACKS: &[(&str, &str)] = &[
    ("MYS-01", "SELECT 1 /*! , email FROM customers*/"),
    ("MYS-01", "SELECT 1 /*!50000 , email FROM customers*/"),
    ("MYS-02", "SELECT 1 /*M! , email FROM customers */"),
    ("MYS-02", "SELECT 1 /*M!100100 , email FROM customers */"),
    ("MYS-03", "SELECT /*!999999 id, */ email FROM customers"),
    (
        "MYS-04",
        "SELECT 1 --1 , (SELECT email FROM customers LIMIT 1)\n, (SELECT email FROM customers LIMIT 1)",
    ),
    ("MYS-05", "SELECT 1 # x\n, email FROM customers"),
    ("MYS-05", "SELECT 1 /* /* */ , email FROM customers -- */"),
    ("MYS-06", "SET sql_mode = 'ANSI_QUOTES'; SELECT \"email\" FROM customers"),
    ("MYS-06", "SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT 'a\\', email FROM customers -- '"),
    (
        "MYS-06",
        "SET @@session.sql_mode = CONCAT('NO_BACKSLASH', '_ESCAPES'); SELECT 'a\\', email FROM customers -- '",
    ),
    ("MYS-06", "SET STATEMENT sql_mode = 'ANSI_QUOTES' FOR SELECT email FROM customers"),
    ("MYS-07", "HANDLER customers OPEN; HANDLER customers READ `PRIMARY` = (2)"),
    ("MYS-08", "PREPARE p FROM 'SELECT ssn FROM customers'; EXECUTE p"),
    ("MYS-08", "SET @s = 'SELECT ssn FROM customers'; PREPARE p FROM @s; EXECUTE p"),
    ("MYS-08", "EXECUTE IMMEDIATE CONCAT('SELECT e', 'mail FROM customers')"),
    ("MYS-09", "SET @e = (SELECT email FROM customers LIMIT 1); SELECT @e"),
    ("MYS-09", "SELECT email INTO @z FROM customers LIMIT 1; SELECT @z"),
    ("MYS-09", "SELECT @q := email FROM customers"),
    ("MYS-11", "SELECT shop . customers . email FROM shop . customers"),
    ("MYS-12", "SELECT `3` FROM (SELECT 1, 2, 3, 4, 5, 6 UNION SELECT * FROM customers) q"),
    ("MYS-13", "SELECT first_email()"),
    ("MYS-14", "SELECT EXTRACTVALUE(1, CONCAT('~', (SELECT ssn FROM customers LIMIT 1)))"),
    ("MYS-14", "SELECT email + 0 FROM customers; SHOW WARNINGS"),
    (
        "MYS-15",
        "ANALYZE TABLE customers PERSISTENT FOR ALL; SELECT max_value FROM mysql.column_stats",
    ),
    ("MYS-15", "SELECT email FROM customers PROCEDURE ANALYSE()"),
    ("MYS-16", "SELECT argument, 'canary1' FROM mysql.general_log LIMIT 1"),
    ("MYS-17", "UPDATE notes n, customers c SET n.body = c.email; SELECT email FROM customers"),
    ("MYS-17", "INSERT INTO notes (body) SELECT email FROM customers RETURNING body"),
    ("MYS-17", "REPLACE INTO notes SELECT id, email FROM customers; SELECT body FROM notes"),
    ("MYS-19", "SELECT GROUP_CONCAT(email) FROM customers"),
    ("MYS-19", "SELECT email FROM orders NATURAL JOIN customers"),
    ("MYS-20", "SELECT 'a\\\\', email FROM customers"),
    ("MYS-20", "SELECT 'a' 'b', email FROM customers"),
    ("MYS-20", "SELECT _utf8'x', email FROM customers"),
];

#[test]
fn what_the_server_reads_otherwise_shows_nothing() {
    let Some(shop) = MyShop::usual() else { return };
    for (_row, attack) in ATTACKS {
        if attack.contains("general_log") {
            // The literal shows itself; what matters is that the table stays closed.
            assert!(shop.direct().run(attack).status.success());
            assert!(!shop.cli("ana").run(attack).status.success(), "{attack}");
        } else {
            shop.twice("ana", attack);
        }
    }
    shop.close();
}

/// Whatever the version of the server, a comment that may be executed decides nothing.
#[test]
fn mys_03_a_condition_in_a_comment_does_not_count() {
    let Some(shop) = MyShop::usual() else { return };
    let text = "DELETE FROM payments /*!999999 WHERE id = 1 */";
    assert!(shop.direct().run(text).status.success());
    assert_eq!(shop.direct().rows("SELECT COUNT(*) FROM payments")[0][0], "0");
    shop.cli("ana").error(text);
    assert_eq!(shop.count("SELECT COUNT(*) FROM payments"), 100);
    shop.close();
}

#[test]
fn mys_13_a_block_of_statements_is_not_run() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    for block in [
        "BEGIN NOT ATOMIC SELECT email FROM customers; END",
        "IF 1 THEN SELECT email FROM customers; END IF",
        "FOR r IN (SELECT email FROM customers) DO SELECT r.email; END FOR",
    ] {
        direct.query(block).unwrap_or_else(|error| panic!("{block}: {error:?}"));
        session.error(block);
    }
    assert!(canary::find(&direct.received).is_some());
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}

#[test]
fn mys_10_no_file_is_read_or_written() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    for text in [
        "SELECT LOAD_FILE('/etc/passwd')",
        "SELECT 1 INTO OUTFILE '/tmp/jurat-e2e-out'",
        "SELECT 1 INTO DUMPFILE '/tmp/jurat-e2e-out'",
        "LOAD DATA INFILE '/etc/passwd' INTO TABLE notes (body)",
        "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE notes (body)",
        "LOAD XML INFILE '/etc/passwd' INTO TABLE notes",
        "SET GLOBAL general_log_file = '/tmp/x'",
        "INSTALL SONAME 'ha_spider'",
        "CREATE FUNCTION f RETURNS STRING SONAME 'udf.so'",
        "CREATE TABLE t (a int) DATA DIRECTORY = '/tmp'",
    ] {
        session.error(text);
    }
    assert!(!std::path::Path::new("/tmp/jurat-e2e-out").exists());
    shop.close();
}

#[test]
fn mys_18_the_server_is_not_controlled() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    for text in [
        "FLUSH TABLES WITH READ LOCK",
        "RESET MASTER",
        "PURGE BINARY LOGS TO 'x'",
        "CHANGE MASTER TO MASTER_HOST = 'x'",
        "SET GLOBAL read_only = 1",
        "SHUTDOWN",
        "GRANT ALL ON *.* TO eve",
        "CREATE USER eve IDENTIFIED BY 'x'",
        "SET PASSWORD = PASSWORD('x')",
        "KILL USER app",
        "SELECT SLEEP(1)",
        "SELECT BENCHMARK(10, MD5('x'))",
        "SELECT GET_LOCK('x', 1)",
    ] {
        session.error(text);
    }
    assert_eq!(shop.count("SELECT @@read_only"), 0);
    shop.close();
}

/// Texts at the edge of what can be read are answered, and the session goes on.
#[test]
fn nothing_that_a_client_writes_ends_the_session() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    let wide = format!("SELECT {}1", "1+".repeat(200_000));
    let list = format!("SELECT id FROM orders WHERE id IN ({}1)", "1,".repeat(100_000));
    for text in [
        "",
        ";",
        ";;",
        "/**/",
        "-- x",
        "#",
        "'",
        "\"",
        "`",
        "/*",
        "/*!",
        "SELECT",
        "SELECT '\\",
        "\\",
        "@",
        "@@",
        "SELECT \u{0}",
        "\u{feff}SELECT 1",
        "SELECT 1\u{3000}",
        "DELIMITER //",
        "\\g",
        "{d '2020-01-01'}",
        &deep,
        &wide,
        &list,
    ] {
        session.query(text).ok();
        assert_eq!(
            session.one("SELECT 1").value(),
            "1",
            "{}",
            text.chars().take(40).collect::<String>()
        );
    }
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}
