//! Promise: whoever logs in has proved who it is, and is not told more than that it failed.

use jurat_wire::mysql::handshake::Greeting;

use crate::harness::{MyShop, Setup, jurat::PASSWORD, mysql_wire::MyWire};

#[test]
fn a_wrong_password_and_an_unknown_name_are_told_apart_by_nobody() {
    let Some(shop) = MyShop::usual() else { return };
    let port = shop.jurat.port;
    let wrong = MyWire::log_in(port, "ana", "wrong horse", Some("shop")).unwrap_err();
    let unknown = MyWire::log_in(port, "eva", PASSWORD, Some("shop")).unwrap_err();
    assert_eq!((wrong.code, wrong.sqlstate.as_str()), (1045, "28000"));
    assert_eq!(wrong.message.replace("ana", "eva"), unknown.message);
    // A database that is not there is not told to somebody who is not known either.
    let nowhere = MyWire::log_in(port, "eva", PASSWORD, Some("no_such")).unwrap_err();
    assert_eq!(nowhere, unknown);
    let records = shop.close();
    assert_eq!(records.sessions("refused").len(), 3);
}

#[test]
fn the_greeting_shows_the_server_and_a_challenge_that_never_comes_twice() {
    let Some(shop) = MyShop::usual() else { return };
    let greeting = |port| MyWire::connect(port).1[4..].to_vec();
    let (first, second) = (greeting(shop.jurat.port), greeting(shop.jurat.port));
    let (first, second) = (Greeting::parse(&first).unwrap(), Greeting::parse(&second).unwrap());
    let direct = greeting(shop.server.port);
    assert_eq!(first.version, Greeting::parse(&direct).unwrap().version);
    assert_ne!(first.challenge, second.challenge);
    assert_ne!(first.connection, second.connection);
    shop.close();
}

#[test]
fn a_listener_can_require_tls() {
    let setup = Setup { listener: "tls = \"required\"", ..Setup::mariadb() };
    let Some(shop) = MyShop::open(setup) else { return };
    let refused = MyWire::log_in(shop.jurat.port, "ana", PASSWORD, Some("shop")).unwrap_err();
    assert!(refused.message.contains("TLS is required"), "{refused:?}");
    let certificate = shop.jurat.home.path("tls.crt");
    let encrypted = shop
        .cli("ana")
        .with(format!("--ssl-ca={}", certificate.display()))
        .with("--ssl-verify-server-cert");
    assert_eq!(encrypted.rows("SELECT COUNT(*) FROM orders")[0][0], "100");
    let records = shop.close();
    assert_eq!(records.decision_on("COUNT(*)")["input"]["session"]["tls"], true);
}

/// Inside of TLS the password itself arrives, and needs no verifier but that of every protocol.
#[test]
fn inside_of_tls_the_scram_verifier_is_enough() {
    let Some(shop) = MyShop::usual() else { return };
    let home = &shop.jurat.home;
    let users = std::fs::read_to_string(home.path("users.toml")).unwrap();
    let plain: String = users
        .lines()
        .filter(|line| !line.starts_with("mysql_"))
        .map(|line| format!("{line}\n"))
        .collect();
    home.write("users.toml", &plain);
    shop.jurat.reload();
    shop.jurat.logged("users loaded");
    let certificate = home.path("tls.crt");
    let cli = shop.cli("ana");
    let refused = MyWire::log_in(shop.jurat.port, "ana", PASSWORD, Some("shop")).unwrap_err();
    assert_eq!(refused.code, 1045, "without TLS there is nothing to check");
    let encrypted = cli.with(format!("--ssl-ca={}", certificate.display()));
    assert_eq!(encrypted.rows("SELECT 1")[0][0], "1");
    shop.close();
}

#[test]
fn what_a_client_says_about_itself_is_recorded_as_a_claim() {
    let Some(shop) = MyShop::usual() else { return };
    shop.cli("ana").rows("SELECT 1");
    let engine = shop.server.kind().tier();
    let records = shop.close();
    let decision = records.decision_on("SELECT");
    assert_eq!(decision["input"]["claimed"]["application"], "mysql", "the client's own name");
    assert_eq!(decision["input"]["principal"]["id"], "ana");
    assert_eq!(decision["input"]["target"]["engine"], engine);
}

/// `COM_CHANGE_USER` is a login like any other: whoever cannot prove who it is gets nothing, and what follows is another
/// session of another user, with nothing of the one before.
#[test]
fn myp_08_who_logs_in_anew_proves_it_and_begins_anew() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("priya");
    let email = "SELECT email FROM customers WHERE id = 7";
    assert_eq!(session.one(email).value(), "canary7@leak.example");
    session.one("SET @kept = (SELECT email FROM customers WHERE id = 7)");
    let statement = session.prepare(email).unwrap();
    session.change_user("ana", PASSWORD).unwrap();
    assert!(!session.one(email).value().contains("canary"), "ana sees masks");
    assert!(session.one("SELECT @kept").rows[0][0].is_none(), "the variable is gone");
    assert_eq!(session.execute(statement, &[]).unwrap_err().code, 1243, "and the statement");
    // The number by which the connection is known is the same, and stands for the session of ana now.
    let kill = format!("KILL QUERY {}", session.connection);
    shop.wire("ana").one(&kill);
    assert_eq!(shop.wire("priya").error(&kill).code, 1094);
    let refused = session.change_user("priya", "wrong horse").unwrap_err();
    assert_eq!((refused.code, refused.sqlstate.as_str()), (1045, "28000"));
    assert!(session.is_closed());
    let records = shop.close();
    let people: Vec<_> =
        records.sessions("opened").iter().map(|record| record["principal"]["id"].clone()).collect();
    assert_eq!(people, ["priya", "ana", "ana", "priya"]);
    assert_eq!(records.sessions("refused").len(), 1);
    let reasons: Vec<_> =
        records.sessions("closed").iter().map(|record| record["reason"].clone()).collect();
    assert_eq!(
        reasons.iter().filter(|reason| *reason == "the client logged in anew").count(),
        2,
        "{reasons:?}"
    );
}
