//! Threat: what Jurat stands on gives way. A client is told what may have happened, and sessions that do not need the
//! broken part go on. What becomes of statements that cannot be recorded is in `record`.

use crate::harness::{
    MyShop, Setup, jurat::PASSWORD, mariadb::Server, mysql_wire::MyWire, tap::Tap,
};

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

#[test]
fn a_shutdown_tells_idle_clients() {
    let Some(mut shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    session.one("SELECT 1");
    shop.jurat.stop();
    let told = session.last_words().unwrap();
    assert_eq!(told.code, 1053, "{told:?}");
    assert!(told.message.contains("shutting down"), "{told:?}");
    shop.close();
}
