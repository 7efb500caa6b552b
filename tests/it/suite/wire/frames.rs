//! Messages: their lengths, their tags, where they end, and in what pieces they come.

use serde_json::Value;

use super::{ANA, start_up};
use crate::harness::{Setup, Shop, Wire, record::Records};

/// A message as it stands, with the length that belongs to it.
fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

/// Sends a frame; the session ends with 08P01 and nothing else comes.
async fn ends_the_session(shop: &Shop, what: &str, frame: &[u8]) {
    let mut wire = shop.wire("ana").await;
    let reply = wire.bytes(frame).answer().await;
    assert_eq!(reply.tags(), "E", "{what}");
    let error = reply.error().unwrap();
    assert_eq!((error.severity(), error.code()), ("FATAL", "08P01"), "{what}: {error}");
}

/// What PostgreSQL says to a frame: nothing but an error of the protocol, or it closes.
async fn database_refuses(shop: &Shop, what: &str, frame: &[u8]) {
    let mut wire = shop.direct_wire().await;
    wire.parse("", "SELECT 1").sync().answer().await;
    // With a Sync behind it, an error that the session survives is told as well.
    let reply = wire.bytes(frame).sync().answer().await;
    assert!(
        ["08P01", "0A000", "22021"].contains(&reply.sqlstate().as_str()) || reply.0.is_empty(),
        "{what}: {reply:?}"
    );
    assert!(!reply.tags().contains('D'), "{what}: {reply:?}");
}

/// CVE-2024-27304, CVE-2026-6664 in another proxy: a length is refused from the header alone, before anything
/// is kept for it.
#[tokio::test]
async fn wire_09_message_lengths() {
    let Some(shop) = Shop::usual().await else { return };
    let mut other = shop.wire("ana").await;
    for length in [0_u32, 1, 2, 3, 4, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
        let frame = [&[b'Q'][..], &length.to_be_bytes()].concat();
        database_refuses(&shop, &format!("length {length}"), &frame).await;
        ends_the_session(&shop, &format!("length {length}"), &frame).await;
    }
    assert_eq!(other.run("SELECT 2").await.value(), "2");
    shop.close().await;
}

/// A driver whose length wraps around 2^32 sends the rest of its value as messages (pgx, sqlx and others).
/// They are messages to the database as well; each is judged on its own.
#[tokio::test]
async fn wire_10_a_length_that_wrapped_around() {
    let Some(shop) = Shop::usual().await else { return };
    // The driver meant one Bind with a value of 2^32 bytes and some; what remains of its length is 4 + 14.
    let short = message(b'B', b"\0\0\0\0\0\x01\0\0\0\0\0\0");
    let tail = message(b'Q', b"DELETE FROM payments\0");
    let mut direct = shop.direct_wire().await;
    direct.parse("", "SELECT $1::text").bytes(&short).sync().bytes(&tail).send().await;
    direct.reply().await;
    assert_eq!(direct.reply().await.tags(), "C ZI", "the tail ran");

    let mut wire = shop.wire("ana").await;
    wire.parse("", "SELECT $1::text").bytes(&short).sync().bytes(&tail).send().await;
    assert_eq!(wire.reply().await.sqlstate(), "00000");
    assert_eq!(wire.reply().await.sqlstate(), "42501");
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    shop.close().await;

    // What is longer than the bound is refused from its header.
    let setup = Setup { limits: "message_bytes_max = 100000", ..Setup::default() };
    let shop = Shop::open(setup).await.unwrap();
    ends_the_session(&shop, "too long", &[b'Q', 0, 1, 0x86, 0xa5]).await;
    let long = "x".repeat(90_000);
    let mut wire = shop.wire("ana").await;
    assert_eq!(wire.run(&format!("SELECT '{long}'")).await.value().len(), 90_000);
    shop.close().await;
}

/// Jurat is the one that rewrites: a text that masks make longer is sent whole or not at all. That no length
/// is ever cast is kept by the lint `cast_possible_truncation` and by the tests of `encode`.
#[tokio::test]
async fn wire_11_a_text_that_grows_by_its_masks() {
    let setup = Setup { limits: "message_bytes_max = 100000", ..Setup::default() };
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = shop.wire("ana").await;
    let columns = vec!["email"; 400].join(", ");
    let reply = wire.run(&format!("SELECT {columns} FROM customers ORDER BY id LIMIT 1")).await;
    let row = &reply.rows()[0];
    assert_eq!(row.len(), 400, "{:?}", reply.error());
    assert!(row.iter().flatten().all(|value| value.contains('@')), "{row:?}");
    // A filler brings the text to just below the bound, so that what is sent lies above it.
    let filler = "x".repeat(90_000);
    let text = format!("SELECT {columns}, '{filler}' FROM customers ORDER BY id LIMIT 1");
    let reply = wire.run(&text).await;
    assert_eq!(reply.rows()[0].len(), 401, "{:?}", reply.error());
    assert_eq!(crate::harness::canary::find(&wire.received), None);
    shop.close().await;
}

#[tokio::test]
async fn wire_12_counts_of_bind_that_lie() {
    let Some(shop) = Shop::usual().await else { return };
    let three = b"\0\0\0\x01a\0\0\0\x01b\0\0\0\x01c";
    for (what, body) in [
        ("65,535 values, 3 there", [&b"\0\0\0\0\xff\xff"[..], three, b"\0\0"].concat()),
        ("4 values, 3 there", [&b"\0\0\0\0\0\x04"[..], three, b"\0\0"].concat()),
        ("a value of length -2", b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0".to_vec()),
        ("a value of length 2^31-1", b"\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0".to_vec()),
        ("65,535 formats, none there", b"\0\0\xff\xff".to_vec()),
        ("65,535 result formats, none there", b"\0\0\0\0\0\0\xff\xff".to_vec()),
        ("bytes behind the end", b"\0\0\0\0\0\0\0\0x".to_vec()),
        ("a name without an end", b"abc".to_vec()),
    ] {
        let frame = message(b'B', &body);
        database_refuses(&shop, what, &frame).await;
        ends_the_session(&shop, what, &frame).await;
    }
    // These are whole messages that do not fit the statement, or themselves.
    for (what, body) in [
        (
            "two formats for three values",
            [&b"\0\0\0\x02\0\0\0\0\0\x03"[..], three, b"\0\0"].concat(),
        ),
        ("three values for none", [&b"\0\0\0\0\0\x03"[..], three, b"\0\0"].concat()),
        ("two result formats for one column", b"\0\0\0\0\0\0\0\x02\0\0\0\0".to_vec()),
    ] {
        for mut session in [shop.direct_wire().await, shop.wire("ana").await] {
            session.parse("", "SELECT 1").raw(b'B', &body).execute("").sync();
            assert_eq!(session.answer().await.sqlstate(), "08P01", "{what}");
        }
    }
    ends_the_session(&shop, "an unknown format", &message(b'B', b"\0\0\0\0\0\0\0\x01\0\x09")).await;
    shop.close().await;
}

/// What stands behind a text's end inside one message is no message.
#[tokio::test]
async fn wire_13_a_message_inside_a_query() {
    let Some(shop) = Shop::usual().await else { return };
    let inside = message(b'Q', b"DROP TABLE payments;\0");
    for body in [[b"SELECT 1\0", &inside[..]].concat(), b"SELECT 1\0\0".to_vec()] {
        let frame = message(b'Q', &body);
        database_refuses(&shop, "a message inside a query", &frame).await;
        ends_the_session(&shop, "a message inside a query", &frame).await;
    }
    let frame = message(b'P', &[b"\0SELECT 1\0", &inside[..]].concat());
    ends_the_session(&shop, "a message inside Parse", &frame).await;
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    shop.close().await;
}

#[tokio::test]
async fn wire_14_a_text_without_an_end() {
    let Some(shop) = Shop::usual().await else { return };
    for (tag, body) in [
        (b'Q', &b"SELECT 1"[..]),
        (b'Q', b""),
        (b'P', b"\0SELECT 1"),
        (b'P', b"\0SELECT 1\0"),
        (b'P', b"\0SELECT 1\0\xff\xff"),
        (b'D', b"Sname"),
        (b'D', b"X\0"),
        (b'D', b""),
        (b'C', b"Sname"),
        (b'E', b"\0\0\0"),
        (b'S', b"x"),
        (b'H', b"x"),
    ] {
        let (what, frame) = (format!("{}: {body:?}", char::from(tag)), message(tag, body));
        database_refuses(&shop, &what, &frame).await;
        ends_the_session(&shop, &what, &frame).await;
    }
    shop.close().await;
}

/// A conversation with what is let through, denied, prepared and wrong in it.
fn conversation() -> Vec<u8> {
    let mut out = message(b'Q', b"SELECT note FROM orders WHERE id = 1\0");
    out.extend(message(b'Q', b"DROP TABLE orders\0"));
    out.extend(message(b'P', b"s\0SELECT id FROM orders WHERE id = 3\0\0\0"));
    out.extend(message(b'B', b"\0s\0\0\0\0\0\0\0"));
    out.extend(message(b'E', b"\0\0\0\0\0"));
    out.extend(message(b'C', b"Ss\0"));
    out.extend(message(b'S', b""));
    out.extend(message(b'P', b"\0DELETE FROM payments\0\0\0"));
    out.extend(message(b'E', b"\0\0\0\0\0"));
    out.extend(message(b'S', b""));
    out
}

/// ReadyForQuery in a conversation.
const CYCLES: usize = 4;

/// The tags that come back.
async fn hear(wire: &mut Wire) -> String {
    let mut tags = Vec::new();
    for _ in 0..CYCLES {
        tags.push(wire.reply().await.tags());
    }
    tags.join(" | ")
}

/// What the record keeps of each decision: the text, and what was decided.
fn decided(records: &Records) -> Vec<(Value, Value)> {
    let kept = |record: &Value| {
        (record["input"]["statement"]["text"].clone(), record["result"]["effect"].clone())
    };
    records.decisions().iter().map(kept).collect()
}

/// The same bytes give the same decisions, however the network cuts or heaps them.
#[tokio::test]
async fn wire_15_messages_in_pieces_and_in_heaps() {
    let Some(shop) = Shop::usual().await else { return };
    let whole = conversation();
    let mut wire = shop.wire("ana").await;
    wire.bytes(&whole).send().await;
    let usual = hear(&mut wire).await;
    assert_eq!(usual, "T D C ZI | E ZI | 1 2 D C 3 ZI | E ZI");
    let once = decided(&shop.records());
    assert_eq!(once.len(), 4);

    for cut in 1..whole.len() {
        wire.bytes(&whole[..cut]).send().await;
        // Jurat is given the time to read the first piece on its own.
        tokio::task::yield_now().await;
        wire.bytes(&whole[cut..]).send().await;
        assert_eq!(hear(&mut wire).await, usual, "cut at {cut}");
    }
    for byte in &whole {
        wire.bytes(&[*byte]).send().await;
        tokio::task::yield_now().await;
    }
    assert_eq!(hear(&mut wire).await, usual, "byte by byte");
    // 10,000 messages and a conversation in one write.
    for _ in 0..10_000 {
        wire.sync();
    }
    wire.bytes(&whole).send().await;
    for _ in 0..10_000 {
        assert_eq!(wire.reply().await.tags(), "ZI");
    }
    assert_eq!(hear(&mut wire).await, usual, "in a heap");
    drop(wire);

    // The start-up message too.
    let packet = start_up(ANA);
    for cut in 1..packet.len() {
        let mut wire = Wire::dial(shop.jurat.port).await;
        wire.bytes(&packet[..cut]).send().await;
        tokio::task::yield_now().await;
        wire.bytes(&packet[cut..]).send().await;
        assert_eq!(wire.message().await.unwrap().tag, b'R', "cut at {cut}");
    }
    let records = shop.close().await;
    let all = decided(&records);
    assert_eq!(all.len(), once.len() * (whole.len() + 2));
    assert!(all.chunks(once.len()).all(|conversation| conversation == once));
}

/// Every tag that a client does not have, those of the server among them, and a password out of turn.
#[tokio::test]
async fn wire_24_unknown_tags() {
    let Some(shop) = Shop::usual().await else { return };
    for tag in [0, b'!', b'Z', b'R', b'T', 0xff] {
        database_refuses(&shop, &format!("tag {tag}"), &[tag, 0, 0, 0, 4]).await;
    }
    let known = b"BCDEFHPQSXcdfp";
    for tag in (0..=u8::MAX).filter(|tag| !known.contains(tag)) {
        ends_the_session(&shop, &format!("tag {tag}"), &[tag, 0, 0, 0, 4]).await;
    }
    ends_the_session(&shop, "a password", &message(b'p', b"secret\0")).await;
    shop.close().await;
}
