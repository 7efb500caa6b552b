//! A server that is not the database, or breaks the protocol.

use jurat_wire::mysql::command::CommandCode;

use crate::harness::{
    MyShop, Setup,
    mariadb::Server,
    rogue::{Conduct, Rogue},
};

#[test]
fn myp_12_no_file_of_the_client_is_asked_for() {
    let Some(shop) = MyShop::usual() else { return };
    let text = "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE notes (body)";
    assert!(shop.direct().with("--local-infile=1").run(text).status.success(), "it works directly");
    let refused = shop.cli("ana").with("--local-infile=1").error(text);
    assert!(refused.contains("jurat denied"), "{refused}");
    assert_eq!(shop.count("SELECT COUNT(*) FROM notes"), 0);
    shop.close();
}

/// A server may answer any statement with a request for a file of the client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn myp_12_a_server_that_asks_for_a_file_is_not_believed() {
    let Some((shop, _rogue)) = behind_rogue(b"\x0c\0\0\x01\xfb/etc/passwd").await else { return };
    let mut session = shop.wire("ana");
    assert_eq!(session.one("SELECT 1").value(), "1");
    session.command(CommandCode::Query, b"SELECT 'the question'");
    assert_eq!(session.last_words().map(|words| words.code), Some(1053));
    assert!(!String::from_utf8_lossy(&session.received).contains("passwd"));
}

/// What is no packet of a result, and what ends in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_breaks_the_protocol_ends_the_session() {
    // Out of order; more columns than can be; a packet that ends in the middle; an empty one.
    for answer in [
        &b"\x01\0\0\x07\x01"[..],
        b"\x09\0\0\x01\xfe\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xff\xff\xff\x01\x01\x01",
        b"\0\0\0\x01",
    ] {
        let Some((shop, _rogue)) = behind_rogue(answer).await else { return };
        let mut session = shop.wire("ana");
        session.command(CommandCode::Query, b"SELECT 'the question'");
        // Nothing can be said in the middle of a packet that was begun.
        assert!(session.last_words().is_none_or(|words| words.code == 1053), "{answer:?}");
        assert_eq!(shop.wire("ana").one("SELECT 1").value(), "1", "{answer:?}");
    }
}

/// A shop whose server answers one question so.
async fn behind_rogue(answer: &[u8]) -> Option<(MyShop, Rogue)> {
    let server = Server::start()?;
    let answers =
        Conduct::Answers { port: server.port, text: b"the question", answer: answer.to_vec() };
    let rogue = Rogue::new(answers).await;
    let setup = Setup { upstream_port: Some(rogue.port), ..Setup::mariadb() };
    Some((MyShop::in_front(server, setup), rogue))
}
