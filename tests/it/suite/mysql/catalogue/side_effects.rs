//! What a statement does besides answering: files, code, other statements, the server itself.

use super::{Attack, acts, every, fails, leaks};
use crate::harness::MyShop;

#[test]
fn mys_what_a_statement_does_besides() {
    every(SIDE);
}

/// It ends the server that it is shown on.
#[test]
fn mys_18_the_server_is_not_ended() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    session.error("SHUTDOWN");
    assert!(session.prepare("SHUTDOWN").is_err());
    let mut direct = shop.direct_wire();
    direct.query("SHUTDOWN").unwrap();
    assert!(direct.is_closed());
    assert_eq!(session.one("SELECT 1").value(), "1");
    shop.close();
}

pub(super) const SIDE: &[Attack] = &[
    // Files of the server and of the client.
    acts("MYS-10", "SELECT LOAD_FILE('/etc/passwd')"),
    acts("MYS-10", "SELECT 1 INTO OUTFILE 'jurat-out'"),
    acts("MYS-10", "SELECT 1 INTO DUMPFILE 'jurat-dump'"),
    acts("MYS-10", "LOAD DATA INFILE '/etc/passwd' INTO TABLE notes (body)"),
    fails("MYS-10", "LOAD XML INFILE '/etc/no-such-file' INTO TABLE notes"),
    acts("MYS-10", "SET GLOBAL general_log_file = @@GLOBAL.general_log_file"),
    fails("MYS-10", "INSTALL SONAME 'ha_nothing'"),
    fails("MYS-10", "INSTALL PLUGIN nothing SONAME 'ha_nothing.so'"),
    fails("MYS-10", "CREATE FUNCTION f RETURNS STRING SONAME 'udf.so'"),
    fails(
        "MYS-10",
        "CREATE TABLE elsewhere (a int) ENGINE = InnoDB DATA DIRECTORY = '/no/such/folder'",
    ),
    // Code.
    leaks("MYS-13", "BEGIN NOT ATOMIC SELECT email FROM customers;END").of_mariadb(),
    leaks("MYS-13", "IF 1 THEN SELECT email FROM customers;END IF").of_mariadb(),
    leaks("MYS-13", "FOR r IN (SELECT email FROM customers) DO SELECT r.email;END FOR")
        .of_mariadb(),
    leaks("MYS-13", "CREATE PROCEDURE p1() SELECT email FROM customers; CALL p1()"),
    leaks(
        "MYS-13",
        "CREATE FUNCTION f1() RETURNS text READS SQL DATA RETURN (SELECT MAX(email) FROM customers); SELECT f1()",
    ),
    acts(
        "MYS-13",
        "CREATE TRIGGER t1 BEFORE INSERT ON notes FOR EACH ROW SET NEW.body = 'x'; DROP TRIGGER t1",
    ),
    acts(
        "MYS-13",
        "CREATE EVENT e1 ON SCHEDULE EVERY 1 DAY DO DELETE FROM payments; DROP EVENT e1",
    ),
    acts("MYS-13", "CALL wipe_notes()"),
    acts("MYS-13", "COMMIT; XA START 'x'; XA END 'x'; XA ROLLBACK 'x'"),
    leaks(
        "MYS-13",
        "INSERT INTO customers SELECT 99, name, email, ssn, card, tier FROM customers WHERE id = 1; \
         GET DIAGNOSTICS CONDITION 1 @m = MESSAGE_TEXT; SELECT @m",
    ),
    fails("MYS-13", "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'x'"),
    // The server, its accounts, its log, and other sessions.
    acts("MYS-18", "FLUSH TABLES WITH READ LOCK; UNLOCK TABLES"),
    acts("MYS-18", "FLUSH PRIVILEGES"),
    fails("MYS-18", "KILL 4294967290"),
    fails("MYS-18", "RESET MASTER"),
    acts("MYS-18", "PURGE BINARY LOGS TO 'x'").of_mariadb(),
    acts("MYS-18", "CHANGE MASTER TO MASTER_HOST = 'x'; RESET SLAVE ALL").of_mariadb(),
    acts("MYS-18", "SET GLOBAL max_connections = @@GLOBAL.max_connections"),
    acts("MYS-18", "CREATE USER eve@'127.0.0.1' IDENTIFIED BY 'secret-word-4711'"),
    acts("MYS-18", "GRANT SELECT ON shop.* TO eve@'127.0.0.1'"),
    acts("MYS-18", "SET PASSWORD FOR eve@'127.0.0.1' = PASSWORD('secret-word-4711')").of_mariadb(),
    acts("MYS-18", "SET PASSWORD FOR eve@'127.0.0.1' = 'secret-word-4711'").of_mysql(),
    acts("MYS-18", "DROP USER eve@'127.0.0.1'"),
    acts("MYS-18", "KILL USER nobody").of_mariadb(),
];
