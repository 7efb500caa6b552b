//! Threat: statements that nobody allowed. Each works directly, and through Jurat it does nothing, is answered
//! with an error that says what, why and under which id, and leaves the session usable.

use crate::harness::{MyShop, Setup};

/// Statements, the number that they are refused under, and the rule.
const DENIED: &[(&str, u16, &str)] = &[
    ("DELETE FROM payments", 1142, "guardrails.write_without_where"),
    ("UPDATE orders SET note = 'x'", 1142, "guardrails.write_without_where"),
    ("TRUNCATE TABLE notes", 1142, "guardrails.ddl_in_production"),
    ("CREATE TABLE t (a int)", 1142, "guardrails.ddl_in_production"),
    ("ALTER TABLE notes ADD COLUMN c int", 1142, "guardrails.ddl_in_production"),
    ("DROP TABLE notes", 1142, "guardrails.ddl_in_production"),
    ("SET sql_mode = 'ANSI_QUOTES'", 1142, "guardrails.setting"),
    ("SET foreign_key_checks = 0", 1142, "guardrails.setting"),
    ("SET GLOBAL max_connections = 50", 1142, ""),
    ("SELECT * FROM mysql.user", 1142, "guardrails.protected_relation"),
    ("CREATE USER eve@'127.0.0.1' IDENTIFIED BY 'x'", 1142, ""),
    ("GRANT SELECT ON shop.* TO app@'127.0.0.1'", 1142, ""),
    ("SELECT LOAD_FILE('/etc/hostname')", 1142, "guardrails.function"),
    ("FLUSH TABLES", 1142, ""),
];

#[test]
fn what_nobody_allowed_does_nothing() {
    let Some(shop) = MyShop::usual() else { return };
    let direct = shop.direct();
    let mut session = shop.wire("ana");
    let before = shop.count("SELECT COUNT(*) FROM payments");
    for (text, code, rule) in DENIED {
        let ran = direct.run(text);
        assert!(ran.status.success(), "it does not work directly: {text}: {ran:?}");
        let error = session.error(text);
        let refused = [*code, 1227, 1064, 1235].contains(&error.code);
        assert!(refused && error.sqlstate == "42000", "{text}: {error:?}");
        assert!(error.message.contains("[rule "), "{text}: {error:?}");
        assert!(error.message.contains(rule), "{text}: {error:?}");
        assert!(!error.message.contains('\n') && error.message.len() <= 512, "{error:?}");
        assert_eq!(session.one("SELECT 1").value(), "1", "the session goes on");
    }
    assert_eq!(shop.count("SELECT COUNT(*) FROM payments"), before);
    let records = shop.close();
    assert_eq!(records.denials().len(), DENIED.len());
}

#[test]
fn the_id_in_the_message_is_that_of_the_record() {
    let Some(shop) = MyShop::usual() else { return };
    let said = shop.cli("ana").error("DELETE FROM payments");
    let records = shop.close();
    let denial = records.denials().remove(0);
    let id = denial["decision_id"].as_str().unwrap();
    assert!(said.contains(id) && said.contains("ERROR 1142 (42000)"), "{said}");
}

#[test]
fn an_agent_only_reads() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("bot");
    assert_eq!(session.one("SELECT COUNT(*) FROM orders").value(), "100");
    for text in [
        "UPDATE orders SET note = 'x' WHERE id = 1",
        "INSERT INTO notes (body) VALUES ('x')",
        "DELETE FROM orders WHERE id = 1",
        "REPLACE INTO notes (id, body) VALUES (1, 'x')",
        // A lock stops others, also one for reading.
        "LOCK TABLES orders WRITE",
        "LOCK TABLES orders READ",
        "SELECT 1; SELECT 2",
    ] {
        let error = session.error(text);
        let rule = if text.contains(';') { "guardrails.several_statements" } else { "agents." };
        assert!(error.message.contains(rule), "{text}: {error:?}");
    }
    assert_eq!(shop.count("SELECT COUNT(*) FROM notes"), 0);
    shop.close();
}

/// Definitions may change where the policies let them, and what they name is known at once, also to others.
#[test]
fn definitions_change_outside_production() {
    let Some(shop) = MyShop::open(Setup { environment: "staging", ..Setup::mariadb() }) else {
        return;
    };
    let (mut session, mut other) = (shop.wire("ana"), shop.wire("ana"));
    assert_eq!(other.error("SELECT a FROM t").code, 1146);
    session.one("CREATE TABLE t (a int)");
    session.one("INSERT INTO t VALUES (1)");
    assert_eq!(other.one("SELECT a FROM t").value(), "1");
    session.one("ALTER TABLE t ADD COLUMN b int DEFAULT 2");
    assert_eq!(other.one("SELECT b FROM t").value(), "2");
    session.one("DROP TABLE t");
    assert_eq!(other.error("SELECT a FROM t").code, 1146);
    shop.close();
}
