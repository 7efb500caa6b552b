//! Promise: several statements in one text are judged before any is sent, and run as the server runs them.

use jurat_wire::mysql::{capability::Capabilities, command::CommandCode};

use crate::harness::{MyShop, Setup, jurat::PASSWORD, mysql_wire::MyWire};

#[test]
fn results_come_in_order_as_they_do_directly() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    for text in [
        "SELECT 1; SELECT id FROM orders WHERE id < 4 ORDER BY id; SELECT 'x'",
        "INSERT INTO notes (body) VALUES ('a'); SELECT LAST_INSERT_ID(); UPDATE notes SET body = 'b' WHERE id = 1",
        "SELECT 1;",
        "SET @a = 5; SELECT @a",
        "SELECT 1; SELECT n FROM numbers ORDER BY n LIMIT 5000; SELECT 2",
    ] {
        assert_eq!(session.query(text), direct.query(text), "{text}");
    }
    shop.close();
}

#[test]
fn one_denial_refuses_the_whole_text() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let text = "INSERT INTO notes (body) VALUES ('ran'); DELETE FROM payments; SELECT 1";
    assert_eq!(session.error(text).code, 1142);
    assert_eq!(shop.count("SELECT COUNT(*) FROM notes"), 0);
    assert_eq!(session.one("SELECT 1").value(), "1");
    let records = shop.close();
    let insert = records.decision_on("INSERT");
    assert_eq!(records.outcome(&insert).unwrap()["outcome"], "skipped");
}

#[test]
fn what_comes_behind_an_error_does_not_run() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let text = "INSERT INTO notes (body) VALUES ('a'); INSERT INTO numbers VALUES (1); \
                INSERT INTO notes (body) VALUES ('b')";
    assert_eq!(session.error(text).code, 1062);
    assert_eq!(shop.count("SELECT COUNT(*) FROM notes"), 1);
    let records = shop.close();
    let outcomes: Vec<_> = records
        .decisions()
        .iter()
        .map(|decision| records.outcome(decision).unwrap()["outcome"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(outcomes, ["done", "failed", "skipped"]);
}

/// A name that an earlier statement makes is known to a later one.
#[test]
fn a_script_of_definitions_runs_one_by_one() {
    let Some(shop) = MyShop::open(Setup { environment: "staging", ..Setup::mariadb() }) else {
        return;
    };
    let mut session = shop.wire("ana");
    let text = "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); SELECT COUNT(*) FROM t; DROP TABLE t";
    let results = session.query(text).unwrap();
    assert_eq!(results.len(), 4);
    assert_eq!(results[2].value(), "2");
    // A denial that can be foreseen stops it before anything of it has run.
    let text = "CREATE TABLE t (a int); INSERT INTO t VALUES (1); DELETE FROM payments";
    assert_eq!(session.error(text).code, 1142);
    assert_eq!(session.error("SELECT a FROM t").code, 1146);
    shop.close();
}

#[test]
fn whoever_has_not_asked_for_several_gets_one() {
    let Some(shop) = MyShop::usual() else { return };
    let single = Capabilities::MYSQL
        .with(Capabilities::PROTOCOL_41)
        .with(Capabilities::SECURE_CONNECTION)
        .with(Capabilities::PLUGIN_AUTH);
    let log_in = |port, user, password: &str| {
        MyWire::log_in_with(port, user, password, Some("shop"), single).unwrap()
    };
    let mut session = log_in(shop.jurat.port, "ana", PASSWORD);
    assert_eq!(session.error("SELECT 1; SELECT 2").code, 1064);
    assert_eq!(session.one("SELECT 1;").value(), "1");
    // COM_SET_OPTION allows them and forbids them again.
    session.simple(CommandCode::SetOption, &[0, 0]).unwrap();
    assert_eq!(session.query("SELECT 1; SELECT 2").unwrap().len(), 2);
    assert_eq!(session.error("SELECT 1; DELETE FROM payments").code, 1142);
    session.simple(CommandCode::SetOption, &[1, 0]).unwrap();
    assert_eq!(session.error("SELECT 1; SELECT 2").code, 1064);
    shop.close();
}
