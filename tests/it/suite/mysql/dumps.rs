//! Promise: comments that the server executes are read as the SQL that they are, so dumps can be made and loaded.

use crate::harness::{MyShop, Setup};

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
    "/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */",
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
    // What a variable holds is not known, and these settings decide how texts are read.
    for text in
        ["SET SQL_MODE=@OLD_SQL_MODE", "SET character_set_client = @OLD_CHARACTER_SET_CLIENT"]
    {
        direct.one(text);
        assert!(wire.error(text).message.contains("jurat denied"), "{text}");
    }
    // What is masked stays so.
    let masked = "SELECT /*!40001 SQL_NO_CACHE */ email FROM customers WHERE id = 1";
    assert_eq!(direct.one(masked).value(), "canary1@leak.example");
    assert_eq!(wire.one(masked).value(), "c***@leak.example");
    // Whether the server executes it hangs on its version, so nobody knows what was meant.
    let why = wire.error("DELETE FROM payments WHERE id = 1 /*!999999 OR id = 2 */");
    assert!(why.message.contains("write it as SQL"), "{why:?}");
    shop.close();
}
