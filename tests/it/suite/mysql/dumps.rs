//! Promise: comments that the server executes are read as the SQL that they are, so dumps can be made and loaded.

use crate::harness::{MyShop, Setup, mariadb::Kind};

/// What `mariadb-dump --single-transaction` asks, and what it writes down.
const READS: &[&str] = &[
    "/*!40100 SET @@SQL_MODE='' */",
    "/*!40103 SET TIME_ZONE='+00:00' */",
    "START TRANSACTION /*!40100 WITH CONSISTENT SNAPSHOT */",
    "SELECT /*!40001 SQL_NO_CACHE */ `id`, `order_id`, `paid` FROM `payments`",
    "COMMIT",
];

const LOADS: &[&str] = &[
    "/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */",
    "/*!40101 SET NAMES utf8mb4 */",
    "/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */",
    "/*!40103 SET TIME_ZONE='+00:00' */",
    "/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */",
    "/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */",
    "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */",
    "/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */",
    "DROP TABLE IF EXISTS `scraps`",
    "/*!40101 SET character_set_client = utf8mb4 */",
    "CREATE TABLE `scraps` (`id` int NOT NULL, `body` text, PRIMARY KEY (`id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
    "/*!40000 ALTER TABLE `scraps` DISABLE KEYS */",
    "INSERT INTO `scraps` VALUES (1,'a /*!40101 b */'),(2,NULL)",
    "/*!40000 ALTER TABLE `scraps` ENABLE KEYS */",
    "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */",
    "/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */",
    "/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */",
    "/*!40101 SET SQL_MODE=@OLD_SQL_MODE */",
    "/*!40101 SET character_set_client = @OLD_CHARACTER_SET_CLIENT */",
    "/*!40101 SET character_set_results = @OLD_CHARACTER_SET_CLIENT */",
    "/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */",
    "/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */",
    "/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */",
];

/// Variables that say what no session may have, and the setting that is put back from them.
const HARMFUL: &[(&str, &str)] = &[
    ("'ANSI_QUOTES'", "sql_mode"),
    ("'STRICT_ALL_TABLES,PIPES_AS_CONCAT'", "sql_mode"),
    ("'NO_BACKSLASH_ESCAPES'", "sql_mode"),
    ("x'414e5349'", "sql_mode"),
    ("CONVERT('ANSI' USING utf16)", "sql_mode"),
    // The number of ANSI_QUOTES, and of PIPES_AS_CONCAT.
    ("4", "sql_mode"),
    ("2", "sql_mode"),
    // A pattern could be found in one line of these, which servers refuse as they are now.
    ("'ANSI_QUOTES\\n\\n'", "sql_mode"),
    ("'STRICT_ALL_TABLES\\n,ANSI'", "sql_mode"),
    ("'latin1'", "character_set_client"),
    ("'gbk'", "character_set_client"),
    ("28", "character_set_client"),
    ("'gbk'", "character_set_results"),
    ("'sjis'", "character_set_connection"),
    ("'latin1_swedish_ci'", "collation_connection"),
    ("28", "collation_connection"),
];

#[test]
fn comments_that_the_server_executes_are_sql() {
    let setup = Setup { environment: "staging", ..Setup::mariadb() };
    let Some(shop) = MyShop::open(setup) else { return };
    let (mut direct, mut wire) = (shop.direct_wire(), shop.wire("dora"));
    for text in READS.iter().chain(LOADS) {
        let (there, here) = (direct.one(text), wire.one(text));
        assert_eq!((here.rows, here.affected), (there.rows, there.affected), "{text}");
    }
    let rows = "SELECT * FROM shop.scraps";
    assert_eq!(shop.inspector().rows(rows), [["1", "a /*!40101 b */"], ["2", "NULL"]]);
    // What is masked stays so.
    let masked = "SELECT /*!40001 SQL_NO_CACHE */ email FROM customers WHERE id = 1";
    assert_eq!(direct.one(masked).value(), "canary1@leak.example");
    assert_eq!(wire.one(masked).value(), "c***@leak.example");
    // Whether the server executes it hangs on its version, so nobody knows what was meant.
    let why = wire.error("DELETE FROM payments WHERE id = 1 /*!999999 OR id = 2 */");
    assert!(why.message.contains("write it as SQL"), "{why:?}");
    shop.close();
}

/// What a variable holds is not known when the text is judged, so it is looked at where it is put to use.
#[test]
fn a_variable_puts_back_only_what_texts_may_be_read_by() {
    let setup = Setup { environment: "staging", ..Setup::mariadb() };
    let Some(shop) = MyShop::open(setup) else { return };
    let mut wire = shop.wire("dora");
    let asked = "SELECT @@sql_mode, @@character_set_client, @@character_set_results, \
                 @@character_set_connection, @@collation_connection";
    // With this, `^` and `$` of a pattern would be found in the middle of a text.
    if matches!(shop.server.kind(), Kind::Mariadb) {
        shop.inspector().rows("SET GLOBAL default_regex_flags = 'MULTILINE'");
        wire = shop.wire("dora");
    }
    let before = wire.one(asked).rows;
    for (value, setting) in HARMFUL {
        let set = format!("SET @x = {value}");
        let put_back = format!("SET {setting} = @x");
        wire.one(&set);
        let error = wire.error(&put_back);
        assert!(matches!(error.code, 1231 | 1115 | 1273), "{value} {setting}: {error:?}");
        assert!(error.message.contains("jurat: "), "{value} {setting}: {error:?}");
        assert_eq!(wire.one(asked).rows, before, "{value} {setting}");
        // Nobody looks at it in the same text before it has that value.
        wire.error(&format!("SET @x = {value}, {setting} = @x"));
        assert_eq!(wire.one(asked).rows, before, "{value} {setting}");
    }
    for (value, setting) in HARMFUL.iter().filter(|(value, _)| !value.contains("\\n")) {
        let mut direct = shop.direct_wire();
        let before = direct.one(asked).rows;
        direct.one(&format!("SET @x = {value}"));
        direct.one(&format!("SET {setting} = @x"));
        assert_ne!(direct.one(asked).rows, before, "{value} {setting}");
    }
    for (value, setting, now) in [
        ("''", "sql_mode", ""),
        ("'traditional,no_engine_substitution'", "sql_mode", "TRADITIONAL"),
        ("'UTF8MB4'", "character_set_client", "utf8mb4"),
        ("'utf8mb4_bin'", "collation_connection", "utf8mb4_bin"),
    ] {
        wire.one(&format!("SET @x = {value}"));
        wire.one(&format!("SET {setting} = @x"));
        let shown = wire.one(&format!("SELECT @@{setting}"));
        assert!(shown.value().contains(now), "{value} {setting}: {}", shown.value());
    }
    shop.close();
}

/// The program that ships with MariaDB asks for everything and writes it down, and the command line client loads it without
/// `--force`.
#[test]
fn a_dump_is_made_and_loaded_through_jurat() {
    let everything = "package jurat.everything\nallow contains {\"id\": \"everything\"}\n";
    let setup = Setup { shipped: false, environment: "staging", ..Setup::mariadb() };
    let Some(shop) = MyShop::open(setup.policy("all.rego", everything)) else { return };
    let client = shop.cli("dora");
    let Some(dump) = client.dump(&["--single-transaction", "shop"]) else { return };
    let told = String::from_utf8_lossy(&dump.stderr);
    assert!(dump.status.success() && told.is_empty(), "{told}");
    let tables = "SELECT table_name FROM information_schema.tables \
                  WHERE table_schema = 'shop' ORDER BY table_name";
    let tables = shop.inspector().rows(tables);
    let all = tables.iter().map(|row| format!("`{}`", row[0])).collect::<Vec<_>>();
    assert_eq!(all.len(), 9, "{all:?}");
    let bases = "DROP VIEW contact, open_orders; SET foreign_key_checks = 0; \
                 DROP TABLE customers, orders, payments, secrets, notes, numbers, `Customers Quoted`";
    shop.inspector().rows(bases);
    let loaded = client.load(&dump.stdout);
    let told = String::from_utf8_lossy(&loaded.stderr);
    assert!(loaded.status.success(), "{told}\n{}", shop.jurat.log());
    for table in all {
        let rows = format!("SELECT * FROM shop.{table} ORDER BY id");
        let rows =
            if table == "`numbers`" { "SELECT COUNT(*), SUM(n) FROM shop.numbers" } else { &rows };
        assert_eq!(shop.inspector().rows(rows), shop.twin().admin().rows(rows), "{table}");
        let made = format!("SHOW CREATE TABLE shop.{table}");
        assert_eq!(shop.inspector().rows(&made), shop.twin().admin().rows(&made), "{table}");
    }
    shop.close();
}
