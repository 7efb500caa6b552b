//! Packets: their lengths, their order, and what is in front of them.

use jurat_wire::mysql::{command::CommandCode, response::ErrPacket};

use super::STATEMENT;
use crate::harness::{MyShop, Setup};

/// A whole text is judged, also where a packet ends in the middle of it.
#[test]
fn myp_01_a_text_in_several_packets_is_one_text() {
    let setup = Setup {
        limits: "message_bytes_max = 40000000\nstatement_bytes_max = 40000000",
        ..Setup::mariadb()
    };
    let Some(shop) = MyShop::open(setup) else { return };
    let mut session = shop.wire("ana");
    // What is dangerous begins behind the first full packet.
    let mut text = b"SELECT 1 /*".to_vec();
    text.resize((1 << 24) - 20, b' ');
    text.extend_from_slice(b"*/; DELETE FROM payments");
    session.command(CommandCode::Query, &text);
    assert!(session.reply(STATEMENT, false).is_err());
    assert_eq!(shop.count("SELECT COUNT(*) FROM payments"), 100);
    // A packet out of order ends the session.
    let mut torn = shop.wire("ana");
    torn.send(&[9, 0, 0, 3]);
    torn.send(b"\x03SELECT 1");
    assert_eq!(torn.last_words().map(|words| words.code), Some(1835));
    // More than is taken is refused before it is waited for.
    let mut long = shop.wire("ana");
    for number in 0..3 {
        long.send(&[0xff, 0xff, 0xff, number]);
        long.send(&vec![b'x'; 0xff_ffff]);
    }
    assert!(long.last_words().is_some_and(|words| words.code == 1835));
    shop.close();
}

#[test]
fn myp_02_a_length_that_lies_ends_the_session() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let statement = session.prepare("SELECT ?").unwrap();
    // A text parameter that says that it is 2^64 - 1 bytes long.
    let mut body = statement.number.to_le_bytes().to_vec();
    body.extend_from_slice(&[0, 1, 0, 0, 0, 0, 1, 0xfd, 0, 0xfe]);
    body.extend_from_slice(&u64::MAX.to_le_bytes());
    session.command(CommandCode::StmtExecute, &body);
    assert_eq!(session.reply(STATEMENT, true).unwrap_err().code, 1210);
    assert_eq!(session.one("SELECT 1").value(), "1");
    // A command that ends inside of a field.
    session.command(CommandCode::StmtFetch, &[1]);
    assert_eq!(session.last_words().map(|words| words.code), Some(1835));
    shop.close();
}

/// Commands that are sent without waiting are answered one by one, in order.
#[test]
fn commands_may_be_sent_ahead() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    for number in 0..50 {
        session.command(CommandCode::Query, format!("SELECT {number}").as_bytes());
    }
    session.command(CommandCode::Query, b"DELETE FROM payments");
    session.command(CommandCode::Query, b"SELECT 'last'");
    for number in 0..50 {
        assert_eq!(session.reply(STATEMENT, false).unwrap()[0].value(), number.to_string());
    }
    assert_eq!(session.reply(STATEMENT, false).unwrap_err().code, 1142);
    assert_eq!(session.reply(STATEMENT, false).unwrap()[0].value(), "last");
    shop.close();
}

#[test]
fn myp_13_a_compressed_packet_is_not_read() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    // A compressed packet that says that it holds 16 megabytes.
    session.send(&[4, 0, 0, 0, 0xff, 0xff, 0xff, 0x78, 0x9c, 0x03, 0x00]);
    // Read as what it is without compression, it is an unknown command.
    let payload = session.packet(1);
    assert_eq!(ErrPacket::parse(&payload).unwrap().code, 1047);
    assert_eq!(shop.wire("ana").one("SELECT 1").value(), "1");
    shop.close();
}
