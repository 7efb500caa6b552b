//! Promise: what ran has exactly one decision that came before, with its outcome.

use crate::harness::MyShop;

#[test]
fn outcomes_say_what_became_of_a_statement() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    session.one("SELECT id FROM orders WHERE id < 8");
    session.one("UPDATE orders SET note = 'x' WHERE id < 6");
    session.error("INSERT INTO numbers VALUES (1)");
    session.error("DELETE FROM payments");
    let statement = session.prepare("SELECT note FROM orders WHERE id = ?").unwrap();
    session.execute(statement, &[Some("3")]).unwrap();
    let records = shop.close();
    let outcome = |text: &str| records.outcome(&records.decision_on(text));
    let read = outcome("id < ").unwrap();
    let write = outcome("UPDATE").unwrap();
    assert_eq!((&write["outcome"], &write["rows"]), (&"done".into(), &5.into()));
    assert_eq!(read["outcome"], "done");
    let failed = outcome("INSERT").unwrap();
    assert_eq!((&failed["outcome"], &failed["sqlstate"]), (&"failed".into(), &"23000".into()));
    assert_eq!(outcome("DELETE"), None, "what was denied has no outcome");
    let prepared = outcome("note FROM").unwrap();
    assert_eq!((&prepared["outcome"], &prepared["rows"]), (&"done".into(), &1.into()));
}

#[test]
fn a_record_holds_no_literal_and_no_secret() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    session.one("SELECT id FROM orders WHERE note = 'literal-4711'");
    for text in [
        "SET PASSWORD = PASSWORD('secret-4711')",
        "CREATE USER x IDENTIFIED BY 'secret-4711'",
        "ALTER USER app IDENTIFIED VIA mysql_native_password USING PASSWORD('secret-4711')",
        "GRANT ALL ON *.* TO x IDENTIFIED BY 'secret-4711'",
        "CHANGE MASTER TO MASTER_PASSWORD = 'secret-4711'",
        "SELECT 'secret-4711",
    ] {
        session.error(text);
    }
    let path = shop.jurat.home.path("audit");
    shop.close();
    for entry in std::fs::read_dir(path).into_iter().flatten() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains("4711"));
    }
}
