//! A server that is not the database, or breaks the protocol.

use jurat_wire::mysql::command::CommandCode;

use crate::harness::{
    MyShop, Setup, canary,
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

/// A packet of a server's, and the one behind it.
fn packets(payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sequence = 1;
    for payload in payloads {
        jurat_wire::mysql::encode::payload(&mut out, &mut sequence, payload);
    }
    out
}

/// A result of one row and one column of `shop.customers`.
fn column_of_customers(origin: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let mut column = Vec::new();
    for name in ["def", "shop", "customers", "customers", "harmless", origin] {
        column.extend(text(name));
    }
    column.extend([0x0c, 45, 0, 0, 1, 0, 0, 253, 0, 0, 0, 0, 0]);
    let end = vec![0xfe, 0, 0, 2, 0];
    packets(&[vec![1], column, end.clone(), text("canary7@leak.example"), end])
}

/// The second line: the server says which column each column of a result is. Of a view or a derived table it says the
/// names that they have there, so nothing but a server that lies, or a text that was misread, comes to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_masked_column_in_a_result_ends_the_session() {
    for (origin, shown) in [("email", false), ("EMAIL", false), ("name", true)] {
        let Some((shop, _rogue)) = behind_rogue(&column_of_customers(origin)).await else { return };
        let mut session = shop.wire("ana");
        session.command(CommandCode::Query, b"SELECT name AS `the question` FROM customers");
        if shown {
            let rows = session.reply(super::STATEMENT, false).unwrap()[0].rows.clone();
            assert_eq!(rows[0][0].as_deref(), Some("canary7@leak.example"), "it is not masked");
            continue;
        }
        let words = session.reply(super::STATEMENT, false).unwrap_err();
        assert_eq!((words.code, words.sqlstate.as_str()), (1143, "42000"), "{words:?}");
        assert!(words.message.contains("shop.customers.email"), "{words:?}");
        assert!(session.is_closed());
        assert_eq!(canary::find(&session.received), None);
        shop.jurat.logged("alarm: a result would have shown a masked column");
        let closed = shop.records().sessions("closed");
        assert!(closed[0].to_string().contains("masked column shop.customers.email"), "{closed:?}");
    }
}

/// What is no packet of a result, and what ends in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_breaks_the_protocol_ends_the_session() {
    // Out of order; more columns than can be; a packet that ends in the middle; an empty one.
    for (answer, told) in [
        (&b"\x01\0\0\x07\x01"[..], true),
        (b"\x09\0\0\x01\xfe\xff\xff\xff\xff\xff\xff\xff\xff", true),
        (b"\xff\xff\xff\x01\x01\x01", true),
        (b"\0\0\0\x01", true),
        // In the middle of a row that is passed on in pieces nothing can be said.
        (&long_row(), false),
    ] {
        let Some((shop, _rogue)) = behind_rogue(answer).await else { return };
        let mut session = shop.wire("ana");
        session.forget();
        session.command(CommandCode::Query, b"SELECT 'the question'");
        let last = session.last_words().map(|words| words.code);
        let answer = &answer[..answer.len().min(20)];
        assert_eq!(last, told.then_some(1053), "{answer:?}");
        assert!(!session.received.is_empty(), "it was told nothing, and something was held back");
        shop.jurat.logged("\"end\":\"the database");
        let closed = crate::harness::until("the end", || shop.records().sessions("closed").pop());
        assert!(closed["reason"].as_str().unwrap().starts_with("the database"), "{closed}");
        assert_eq!(shop.wire("ana").one("SELECT 1").value(), "1", "{answer:?}");
    }
}

/// A result whose only row is said to have 16 MiB, of which the first million bytes come.
fn long_row() -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let mut column: Vec<u8> = ["def", "", "", "", "x", ""].into_iter().flat_map(text).collect();
    column.extend([0x0c, 45, 0, 0, 1, 0, 0, 253, 0, 0, 0, 0, 0]);
    let mut answer = packets(&[vec![1], column, vec![0xfe, 0, 0, 2, 0]]);
    answer.extend([0xff, 0xff, 0xff, 4, 0xfd, 0xfa, 0xff, 0xff]);
    answer.extend(std::iter::repeat_n(b'x', 1 << 20));
    answer
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
