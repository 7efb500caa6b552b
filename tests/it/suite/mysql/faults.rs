//! Threat: what Jurat stands on gives way. A client is told what may have happened, and sessions that do not need the
//! broken part go on. What becomes of statements that cannot be recorded is in `record`.

use crate::harness::{
    MyShop, Setup, canary, jurat::PASSWORD, mariadb::Server, mysql_wire::MyWire, tap::Tap,
};

/// Whatever the server's own settings are, a session reads texts as Jurat does, and Jurat sees all of the catalog.
#[test]
fn settings_of_the_server_do_not_change_how_text_is_read() {
    let Some(server) = Server::start() else { return };
    for text in [
        "SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,IGNORE_SPACE'",
        "SET GLOBAL character_set_server = 'latin1'",
        "SET GLOBAL collation_server = 'latin1_swedish_ci'",
        "SET GLOBAL sql_select_limit = 1",
        "SET GLOBAL autocommit = 0",
    ] {
        assert!(server.admin().run(text).status.success(), "{text}");
    }
    let shop = MyShop::in_front(server, Setup::mariadb());
    let mut session = shop.wire("ana");
    let mode = session.one("SELECT @@sql_mode").value().to_owned();
    for word in ["ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "PIPES_AS_CONCAT", "IGNORE_SPACE"] {
        assert!(!mode.contains(word), "{mode}");
    }
    assert_eq!(session.one("SELECT @@character_set_client").value(), "utf8mb4");
    assert_eq!(session.one(r"SELECT 'it\'s'").value(), "it's");
    assert_eq!(session.one(r#"SELECT "a text""#).value(), "a text");
    assert_eq!(session.one("SELECT ssn FROM customers WHERE id = 1").value(), "***");
    assert_eq!(session.one("SELECT token FROM secrets WHERE id = 1").rows.len(), 1);
    assert_eq!(canary::find(&session.received), None);
    drop(session);
    // The tests themselves read the server's log.
    shop.inspector().run("SET GLOBAL sql_select_limit = DEFAULT");
    shop.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_ends_its_sessions_and_no_others() {
    let Some(server) = Server::start() else { return };
    let tap = Tap::new(server.port).await;
    let setup = Setup {
        upstream_port: Some(tap.port),
        databases: vec![("aside", server.port, "archive".to_owned())],
        ..Setup::mariadb()
    };
    let shop = MyShop::in_front(server, setup);
    let mut session = shop.wire("shopd");
    let mut other = MyWire::log_in(shop.jurat.port, "shopd", PASSWORD, Some("aside")).unwrap();
    session.one("START TRANSACTION");
    session.one("INSERT INTO notes (body) VALUES ('never committed')");
    tap.cut();
    let told = session.last_words().unwrap();
    assert_eq!((told.code, told.sqlstate.as_str()), (1053, "08S01"), "{told:?}");
    assert!(told.message.starts_with("jurat "), "{told:?}");
    assert_eq!(other.one("SELECT 1").value(), "1", "the other database does not notice");
    // A new session is refused with what is wrong, and not with what is configured.
    let refused = MyWire::log_in(shop.jurat.port, "shopd", PASSWORD, Some("shop")).unwrap_err();
    assert!(refused.message.contains("JRT-UPSTREAM"), "{refused:?}");
    assert!(
        !refused.message.contains("127.0.0.1:") && !refused.message.contains("app"),
        "{refused:?}"
    );
    assert_eq!(shop.count("SELECT COUNT(*) FROM notes"), 0);
}
