//! Texts that the server reads otherwise than they look, and texts that are written anew.

use super::{Attack, acts, every, fails, keeps, leaks, tells};

#[test]
fn mys_texts_that_are_read_in_two_ways() {
    every(READ);
}

pub(super) const READ: &[Attack] = &[
    // Comments that are executed.
    leaks("MYS-01", "SELECT 1 /*! , email FROM customers*/"),
    leaks("MYS-01", "SELECT 1 /*!50000 , email FROM customers*/"),
    leaks("MYS-01", "SELECT 1 /*!50000 /* n */ , email FROM customers*/"),
    leaks("MYS-01", "SELECT/*!*/email/*!50000 FROM*/customers"),
    acts("MYS-01", "/*!50000 DROP TABLE IF EXISTS nothing */"),
    leaks("MYS-02", "SELECT 1 /*M! , email FROM customers */").of_mariadb(),
    leaks("MYS-02", "SELECT 1 /*M!100100 , email FROM customers */").of_mariadb(),
    acts("MYS-02", "/*M! DELETE FROM notes */").of_mariadb(),
    // Comments that one version executes and another one does not.
    leaks("MYS-03", "SELECT /*!999999 id, */ email FROM customers"),
    leaks("MYS-03", "SELECT email /*!80000 FROM orders) q */ FROM customers").of_mariadb(),
    acts("MYS-03", "DELETE FROM payments /*!999999 WHERE id = 1 */"),
    acts("MYS-03", "DELETE FROM payments /*!80000 WHERE id = 1 */").of_mariadb(),
    acts("MYS-03", "DELETE FROM payments /*M!999999 WHERE id = 1 */"),
    // Where a comment begins.
    leaks(
        "MYS-04",
        "SELECT 1 --1 , (SELECT email FROM customers LIMIT 1)\n, (SELECT email FROM customers LIMIT 1)",
    ),
    leaks(
        "MYS-04",
        "SELECT 1 --\u{3000} , x.email FROM (SELECT email, 1 AS `\u{3000}` FROM customers) x",
    ),
    leaks(
        "MYS-04",
        "SELECT 1 --\u{a0} , x.email FROM (SELECT email, 1 AS `\u{a0}` FROM customers) x",
    ),
    leaks("MYS-04", "SELECT 1 --\u{1} x\n , email FROM customers"),
    leaks("MYS-04", "SELECT 1 --\t x\n , email FROM customers"),
    keeps("MYS-04", "SELECT 1 --1 AS two, id, email FROM customers ORDER BY id LIMIT 1"),
    keeps("MYS-04", "SELECT id, email FROM customers WHERE id = 1 --"),
    // Where it ends.
    leaks("MYS-05", "SELECT 1 # x\n, email FROM customers"),
    leaks("MYS-05", "SELECT 1 /* /* */ , email FROM customers -- */"),
    keeps("MYS-05", "SELECT id, email FROM customers WHERE id = 1 # x\r OR id = 2"),
    // Modes that change the reading.
    leaks("MYS-06", "SET sql_mode = 'ANSI_QUOTES'; SELECT \"email\" FROM customers"),
    leaks(
        "MYS-06",
        "SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT 'a\\', email FROM customers -- '",
    ),
    leaks(
        "MYS-06",
        "SET @@session.sql_mode = CONCAT('NO_BACKSLASH', '_ESCAPES'); SELECT 'a\\', email FROM customers -- '",
    ),
    leaks(
        "MYS-06",
        "SET @m = 'ANSI_QUOTES'; SET SESSION sql_mode = @m; SELECT \"email\" FROM customers",
    ),
    acts("MYS-06", "SET GLOBAL sql_mode = @@GLOBAL.sql_mode"),
    acts("MYS-06", "SET sql_mode = 'PIPES_AS_CONCAT'"),
    acts("MYS-06", "SET sql_mode = 'IGNORE_SPACE'"),
    acts("MYS-06", "SET sql_mode = 'HIGH_NOT_PRECEDENCE'"),
    acts("MYS-06", "SET sql_mode = 'ORACLE'").of_mariadb(),
    acts("MYS-06", "SET sql_mode = 'MSSQL'").of_mariadb(),
    acts("MYS-06", "SET sql_mode = 'ANSI'"),
    acts(
        "MYS-06",
        "SET GLOBAL init_connect = 'SET sql_mode=ANSI_QUOTES'; SET GLOBAL init_connect = ''",
    ),
    leaks("MYS-06", "SET STATEMENT sql_mode = 'ANSI_QUOTES' FOR SELECT email FROM customers")
        .of_mariadb(),
    leaks("MYS-06", "SELECT /*+ SET_VAR(sql_mode = 'ANSI_QUOTES') */ email FROM customers")
        .of_mysql(),
    // Spellings of names.
    leaks("MYS-11", "SELECT shop . customers . email FROM shop . customers"),
    leaks("MYS-11", "SELECT .customers.email FROM .customers").of_mariadb(),
    leaks("MYS-11", "SELECT email FROM customers FORCE INDEX (PRIMARY)"),
    leaks("MYS-11", "SELECT email FROM {oj customers LEFT JOIN notes ON notes.id = customers.id}"),
    leaks("MYS-11", "TABLE customers").of_mysql(),
    leaks("MYS-11", "SELECT * FROM (TABLE customers) q").of_mysql(),
    leaks("MYS-11", "VALUES ROW((SELECT email FROM customers LIMIT 1), 1)").of_mysql(),
    fails("MYS-11", "TABLE customers").of_mariadb(),
    leaks("MYS-11", "SELECT email FROM parts PARTITION (p0)"),
    fails("MYS-11", "SELECT email FROM customers FOR SYSTEM_TIME ALL"),
    // Texts that are written anew, where a mask is put in.
    keeps(
        "MYS-20",
        "SELECT 'a\\\\', ' , email FROM customers -- ', id, email FROM customers ORDER BY id LIMIT 1",
    ),
    keeps("MYS-20", "SELECT 'x\\0\\Z\\%\\_\\n', id, email FROM customers ORDER BY id LIMIT 1"),
    keeps(
        "MYS-20",
        "SELECT \"it''s\", 'it\\'s', \"a\"\"b\", id, email FROM customers ORDER BY id LIMIT 1",
    ),
    keeps("MYS-20", "SELECT 'a' 'b', id, email FROM customers ORDER BY id LIMIT 1"),
    keeps(
        "MYS-20",
        "SELECT _utf8mb4'x', _binary'y', N'z', id, email FROM customers ORDER BY id LIMIT 1",
    ),
    keeps(
        "MYS-20",
        "SELECT 0x41, X'41', 0x41 + 0, b'1000001', id, email FROM customers ORDER BY id LIMIT 1",
    ),
    keeps("MYS-20", "SELECT id, email FROM customers WHERE id < - -3 ORDER BY id"),
    keeps(
        "MYS-20",
        "SELECT NOT 1 = 2, 2 ^ 3, 5 DIV 2, 1 <=> NULL, id, email FROM customers ORDER BY id LIMIT 1",
    ),
    tells(
        "MYS-20",
        "SELECT id FROM customers WHERE email LIKE 'c\\_nary1@%' OR email LIKE 'c_nary1@%'",
    ),
];
