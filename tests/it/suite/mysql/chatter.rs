//! Promise: what drivers and tools say by themselves passes under the policies that ship, for everybody.

use crate::harness::{MyShop, Setup, mariadb::Kind};

/// From the mariadb and mysql command line clients, mysqldump, PyMySQL, mysql2, MySQL Connector/J and
/// Connector/Python, SQLAlchemy, Django, DBeaver and phpMyAdmin.
const CHATTER: &[&str] = &[
    "SET NAMES utf8mb4",
    "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_unicode_ci'",
    "SET NAMES utf8",
    "SET AUTOCOMMIT = 0",
    "SET autocommit=1",
    "SET SESSION autocommit=1",
    "SELECT @@version_comment LIMIT 1",
    "SELECT @@version, @@version_comment",
    "SELECT VERSION()",
    "SELECT DATABASE()",
    "SELECT USER(), CURRENT_USER()",
    "SELECT CONNECTION_ID()",
    "SELECT @@session.auto_increment_increment AS auto_increment_increment, @@character_set_client AS \
     character_set_client, @@max_allowed_packet AS max_allowed_packet, @@sql_mode AS sql_mode, @@time_zone AS time_zone",
    "SELECT @@lower_case_table_names",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION TRANSACTION READ ONLY",
    "SET SESSION TRANSACTION READ WRITE",
    "SET time_zone = '+00:00'",
    "SET SESSION sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
    "SET SQL_AUTO_IS_NULL = 0",
    "SET SESSION wait_timeout = 600",
    "SET net_write_timeout=600",
    "SET SQL_SELECT_LIMIT=DEFAULT",
    "SHOW VARIABLES",
    "SHOW VARIABLES LIKE 'lower_case_table_names'",
    "SHOW SESSION VARIABLES WHERE Variable_name = 'sql_mode'",
    "SHOW SESSION STATUS LIKE 'Ssl_cipher'",
    "SHOW DATABASES",
    "SHOW TABLES",
    "SHOW FULL TABLES FROM `shop`",
    "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'",
    "SHOW FULL COLUMNS FROM `orders`",
    "SHOW COLUMNS FROM orders FROM shop",
    "DESCRIBE orders",
    "SHOW CREATE TABLE `orders`",
    "SHOW INDEX FROM `orders`",
    "SHOW TABLE STATUS LIKE 'orders'",
    "SHOW WARNINGS",
    "SHOW WARNINGS LIMIT 5",
    "SHOW GRANTS FOR CURRENT_USER()",
    "SET autocommit=1, session_track_schema=1",
    "SET foreign_key_checks = 1, unique_checks = ON",
    "SHOW ERRORS",
    "SHOW ENGINES",
    "SHOW CHARACTER SET",
    "SHOW COLLATION",
    "SHOW PLUGINS",
    "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA",
    "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
    "SELECT column_name, data_type, column_type, is_nullable, extra FROM information_schema.columns WHERE \
     table_schema = 'shop' AND table_name = 'orders' ORDER BY ordinal_position",
    "SELECT kcu.constraint_name, kcu.column_name, kcu.referenced_table_name FROM \
     information_schema.key_column_usage AS kcu WHERE kcu.table_schema = DATABASE()",
    "SELECT table_name, column_name FROM information_schema.statistics WHERE table_schema = 'shop'",
    "SELECT 1",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "EXPLAIN SELECT id FROM orders",
];

/// The same question, as each of the servers has it.
const ISOLATION: [&str; 2] = ["SELECT @@tx_isolation", "SELECT @@transaction_isolation"];

#[test]
fn drivers_and_tools_are_not_in_the_way() {
    let Some(shop) = MyShop::usual() else { return };
    let mut direct = shop.direct_wire();
    let mut refused = Vec::new();
    for user in ["ana", "bot", "shopd", "dora"] {
        let mut session = shop.wire(user);
        let isolation = match shop.server.kind() {
            Kind::Mariadb => &ISOLATION[..1],
            Kind::Mysql => &ISOLATION[1..],
        };
        for text in CHATTER.iter().chain(isolation) {
            if let Err(error) = session.query(text) {
                assert!(direct.query(text).is_ok(), "{text} does not work directly either");
                refused.push(format!("{user}: {text}: {}", error.message));
            }
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    shop.close();
}

/// A definition makes Jurat read the catalog again, over the same connection, which must not take the warnings away.
#[test]
fn the_warnings_of_a_definition_are_there_to_be_asked_for() {
    let setup = Setup { environment: "staging", ..Setup::mariadb() };
    let Some(shop) = MyShop::open(setup) else { return };
    for mut session in [shop.direct_wire(), shop.wire("dora")] {
        session.one("DROP TABLE IF EXISTS nothing_here");
        let warnings = session.one("SHOW WARNINGS");
        assert_eq!(warnings.rows[0][1].as_deref(), Some("1051"));
    }
    shop.close();
}
