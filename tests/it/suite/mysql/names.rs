//! Threat: a name that means something else than was judged.

use jurat_wire::mysql::command::CommandCode;

use crate::harness::{MyShop, Setup, canary};

#[test]
fn a_name_means_what_it_means_in_the_database_in_use() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    assert_eq!(session.one("SELECT COUNT(*) FROM customers").value(), "20");
    session.one("USE archive");
    assert_eq!(session.one("SELECT COUNT(*) FROM customers").value(), "1");
    let decision = shop.records().decision_on("COUNT(*)");
    let id = &decision["input"]["statement"]["relations"][0]["id"];
    assert_eq!(id, "archive.customers");
    // The record names the relation that was read, whichever way it was reached.
    session.simple(CommandCode::InitDb, b"shop").unwrap();
    assert_eq!(session.one("SELECT COUNT(*) FROM customers").value(), "20");
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}

#[test]
fn without_a_database_only_whole_names_mean_something() {
    let Some(shop) = MyShop::usual() else { return };
    let (port, password) = (shop.jurat.port, crate::harness::jurat::PASSWORD);
    let mut session =
        crate::harness::mysql_wire::MyWire::log_in(port, "ana", password, None).unwrap();
    assert_eq!(session.one("SELECT DATABASE()").rows[0][0], None);
    assert_eq!(session.one("SELECT COUNT(*) FROM shop.orders").value(), "100");
    session.error("SELECT COUNT(*) FROM orders");
    session.one("USE shop");
    assert_eq!(session.one("SELECT COUNT(*) FROM orders").value(), "100");
    shop.close();
}

#[test]
fn a_statement_that_was_prepared_is_judged_as_what_it_means_now() {
    let Some(shop) = MyShop::open(Setup { environment: "staging", ..Setup::mariadb() }) else {
        return;
    };
    let mut session = shop.wire("ana");
    session.one("CREATE TABLE plain (id int, email varchar(100))");
    session.one("INSERT INTO plain VALUES (1, 'open')");
    let statement = session.prepare("SELECT email FROM plain").unwrap();
    assert_eq!(session.execute(statement, &[]).unwrap()[0].value(), "open");
    // Another table under the same name, with protected values in it.
    session.one("DROP TABLE plain");
    let inspector = shop.inspector();
    let made = inspector.run("CREATE VIEW plain AS SELECT id, email FROM customers");
    assert!(made.status.success(), "{made:?}");
    let again = session.execute(statement, &[]);
    assert!(again.is_err(), "{again:?}");
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}

/// EXECUTE runs what was prepared, and that may change what names mean.
#[test]
fn a_definition_that_was_prepared_counts() {
    let Some(shop) = MyShop::open(Setup { environment: "staging", ..Setup::mariadb() }) else {
        return;
    };
    let mut session = shop.wire("ana");
    session.one("CREATE TABLE plain (id int, email varchar(100))");
    assert!(session.one("SELECT email FROM plain").rows.is_empty());
    // It is refused, or what the name means is known at once.
    session.query("PREPARE s FROM 'RENAME TABLE plain TO old, customers TO plain'").ok();
    if session.query("EXECUTE s").is_ok() {
        session.query("SELECT email FROM plain").ok();
    }
    session
        .query("PREPARE s FROM 'CREATE OR REPLACE VIEW plain2 AS SELECT email FROM customers'")
        .ok();
    session.query("EXECUTE s").ok();
    session.query("SELECT email FROM plain2").ok();
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}

#[test]
fn the_database_of_the_handshake_is_one_of_the_configuration() {
    let Some(shop) = MyShop::usual() else { return };
    let (port, password) = (shop.jurat.port, crate::harness::jurat::PASSWORD);
    for name in ["mysql", "information_schema", "archive", "no_such"] {
        let refused = crate::harness::mysql_wire::MyWire::log_in(port, "ana", password, Some(name));
        assert_eq!(refused.unwrap_err().code, 1049, "{name}");
    }
    let records = shop.close();
    assert_eq!(records.sessions("refused").len(), 4);
}
