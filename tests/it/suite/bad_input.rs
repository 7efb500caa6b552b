//! Threat: bytes that no driver would send. The connection that sends them ends with a clear error or
//! without a word; nothing of them reaches the database, and every other session goes on.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{Setup, Shop, Wire, client::Tls, in_time, jurat::PASSWORD};

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const GSS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];

/// A start-up message: protocol 3.0 and the parameters as they stand.
fn start_up(parameters: &[u8]) -> Vec<u8> {
    let length = u32::try_from(parameters.len() + 8).unwrap();
    [&length.to_be_bytes()[..], &[0, 3, 0, 0], parameters].concat()
}

const ANA: &[u8] = b"user\0ana\0database\0shop\0\0";

/// A session that must not notice anything.
async fn neighbor(shop: &Shop) -> Wire {
    let mut wire = shop.wire("ana").await;
    assert_eq!(wire.run("SELECT 1").await.value(), "1");
    wire
}

#[tokio::test]
async fn start_up_packets_that_are_none_end_the_connection() {
    let Some(shop) = Shop::usual().await else { return };
    let mut other = neighbor(&shop).await;
    let packets: Vec<(&str, Vec<u8>)> = vec![
        ("length 0", vec![0, 0, 0, 0, 0, 3, 0, 0]),
        ("length 4", vec![0, 0, 0, 4, 0, 3, 0, 0]),
        ("length 7", vec![0, 0, 0, 7, 0, 3, 0, 0]),
        ("length 10,001", [&10_001_u32.to_be_bytes()[..], &[0, 3, 0, 0], &[b'x'; 9_993]].concat()),
        ("length 2^31-1", vec![0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0]),
        ("length 2^31", vec![0x80, 0, 0, 0, 0, 3, 0, 0]),
        ("length -1", vec![0xff, 0xff, 0xff, 0xff, 0, 3, 0, 0]),
        ("protocol 2.0", vec![0, 0, 0, 12, 0, 2, 0, 0, b'a', 0, 0, 0]),
        ("protocol 4.0", vec![0, 0, 0, 12, 0, 4, 0, 0, b'a', 0, 0, 0]),
        ("no end of the list", start_up(b"user\0ana\0")),
        ("a name without a value", start_up(b"user\0ana\0database\0")),
        ("bytes behind the end", start_up(b"user\0ana\0\0database\0shop\0\0")),
        ("not UTF-8", start_up(b"user\0an\xff\0\0")),
        ("a tagged message", b"Q\0\0\0\x0dSELECT 1\0".to_vec()),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_vec()),
        ("another database's greeting", vec![0x4a, 0, 0, 0, 0x0a, b'8', b'.', b'0', 0]),
    ];
    for (what, packet) in packets {
        let mut wire = Wire::dial(shop.jurat.port).await;
        wire.bytes(&packet).send().await;
        let reply = wire.reply().await;
        assert!(!reply.tags().contains('R'), "{what}: asked for a password: {}", reply.tags());
        assert!(reply.tags().len() <= 1, "{what}: {}", reply.tags());
    }
    assert_eq!(other.run("SELECT 2").await.value(), "2");
    shop.close().await;
}

/// WIRE-01 and WIRE-03 (CVE-2021-23214): what is sent in clear must never count as said inside TLS.
#[tokio::test]
async fn plain_text_behind_a_request_for_tls_is_never_read() {
    let Some(shop) = Shop::usual().await else { return };
    // In one segment.
    let mut wire = Wire::dial(shop.jurat.port).await;
    wire.bytes(&SSL_REQUEST).bytes(&start_up(ANA)).send().await;
    let mut heard = Vec::new();
    loop {
        match wire.some_bytes().await {
            bytes if bytes.is_empty() => break,
            bytes => heard.extend(bytes),
        }
    }
    assert!(!String::from_utf8_lossy(&heard).contains("SCRAM"), "{heard:?}");

    // After the answer, instead of the handshake.
    let mut wire = Wire::dial(shop.jurat.port).await;
    wire.bytes(&SSL_REQUEST).send().await;
    assert_eq!(wire.some_bytes().await, b"S");
    wire.bytes(&start_up(ANA)).send().await;
    let mut heard = Vec::new();
    loop {
        match wire.some_bytes().await {
            bytes if bytes.is_empty() => break,
            bytes => heard.extend(bytes),
        }
    }
    assert!(!String::from_utf8_lossy(&heard).contains("SCRAM"), "{heard:?}");
    shop.close().await;
}

#[tokio::test]
async fn requests_for_encryption_are_counted() {
    let Some(shop) = Shop::usual().await else { return };
    // GSSAPI is refused, TLS is taken after that.
    let mut wire = Wire::dial(shop.jurat.port).await;
    wire.bytes(&GSS_REQUEST).send().await;
    assert_eq!(wire.some_bytes().await, b"N");
    wire.bytes(&SSL_REQUEST).send().await;
    assert_eq!(wire.some_bytes().await, b"S");
    // Inside TLS there is nothing more to ask for.
    let tls = Tls::trusting(&shop.jurat.home.certificate);
    let mut inside = tls.handshake(wire.into_stream()).await.unwrap();
    inside.write_all(&SSL_REQUEST).await.unwrap();
    let mut heard = Vec::new();
    // The end may come without the farewell of TLS, which is an error here and an end all the same.
    in_time("the end", inside.read_to_end(&mut heard)).await.ok();
    assert_eq!(heard, b"");

    let mut wire = Wire::dial(shop.jurat.port).await;
    for _ in 0..3 {
        wire.bytes(&GSS_REQUEST).send().await;
        if wire.some_bytes().await.is_empty() {
            shop.close().await;
            return;
        }
    }
    panic!("asked for GSSAPI three times and was answered three times");
}

#[tokio::test]
async fn where_tls_is_required_no_password_is_asked_for_in_clear() {
    let setup = Setup { listener: "tls = \"required\"", ..Setup::default() };
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = Wire::dial(shop.jurat.port).await;
    let reply = wire.bytes(&start_up(ANA)).answer().await;
    assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("E", "28000"));
    let config = shop.config("ana");
    let certificate = &shop.jurat.home.certificate;
    let session = crate::harness::client::connect_tls(&config, certificate).await.unwrap();
    session.query_one("SELECT 1", &[]).await.unwrap();
    drop(session);
    shop.close().await;
}

/// WIRE-17 (CVE-2026-107350): who it is was said once.
#[tokio::test]
async fn a_second_start_up_message_during_the_login_ends_it() {
    let Some(shop) = Shop::usual().await else { return };
    for more in [start_up(b"user\0dora\0database\0shop\0\0"), b"Q\0\0\0\x0dSELECT 1\0".to_vec()] {
        let mut wire = Wire::dial(shop.jurat.port).await;
        wire.bytes(&start_up(ANA)).send().await;
        assert_eq!(wire.message().await.unwrap().tag, b'R');
        let reply = wire.bytes(&more).answer().await;
        assert!(!reply.tags().contains('Z') && !reply.tags().contains('R'), "{}", reply.tags());
    }
    // SASL messages that lie about their length or name another mechanism.
    for body in [
        &b"SCRAM-SHA-256\0\xff\xff\xff\xff"[..],
        b"SCRAM-SHA-256\0\x7f\xff\xff\xffn,,",
        b"PLAIN\0\0\0\0\x03n,,",
        b"SCRAM-SHA-256-PLUS\0\0\0\0\x03n,,",
        b"",
    ] {
        let mut wire = Wire::dial(shop.jurat.port).await;
        wire.bytes(&start_up(ANA)).send().await;
        wire.message().await.unwrap();
        let reply = wire.raw(b'p', body).answer().await;
        assert!(!reply.tags().contains('Z') && !reply.tags().contains('R'), "{}", reply.tags());
    }
    shop.close().await;
}

#[tokio::test]
async fn messages_that_cannot_be_read_end_the_session_with_08p01() {
    let Some(shop) = Shop::usual().await else { return };
    let mut other = neighbor(&shop).await;
    let mut frames: Vec<(String, Vec<u8>)> = vec![
        ("length 0".into(), vec![b'Q', 0, 0, 0, 0]),
        ("length 3".into(), vec![b'Q', 0, 0, 0, 3]),
        ("length 2^31-1".into(), vec![b'Q', 0x7f, 0xff, 0xff, 0xff]),
        ("length 2^31".into(), vec![b'Q', 0x80, 0, 0, 0]),
        ("length -1".into(), vec![b'Q', 0xff, 0xff, 0xff, 0xff]),
        ("a query without an end".into(), b"Q\0\0\0\x0cSELECT 1".to_vec()),
        ("a query with two ends".into(), b"Q\0\0\0\x0eSELECT 1\0\0".to_vec()),
        ("a message inside a query".into(), {
            let body = b"SELECT 1\0Q\0\0\0\x19DROP TABLE payments;\0";
            [&[b'Q', 0, 0, 0, u8::try_from(body.len() + 4).unwrap()], &body[..]].concat()
        }),
        ("Parse without types".into(), b"P\0\0\0\x0eSELECT 1\0\0".to_vec()),
        (
            "Parse with more types than there are".into(),
            b"P\0\0\0\x10\0SELECT 1\0\xff\xff".to_vec(),
        ),
        ("Bind with more values than there are".into(), b"B\0\0\0\x0a\0\0\0\0\xff\xff".to_vec()),
        (
            "Bind with a value of length -2".into(),
            b"B\0\0\0\x10\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0".to_vec(),
        ),
        ("Bind with an unknown format".into(), b"B\0\0\0\x0e\0\0\0\0\0\0\0\x01\0\x09".to_vec()),
        ("Describe of nothing".into(), b"D\0\0\0\x06X\0".to_vec()),
        ("Execute that is cut off".into(), b"E\0\0\0\x07\0\0\0".to_vec()),
        ("Sync with a body".into(), b"S\0\0\0\x05x".to_vec()),
        ("a password".into(), b"p\0\0\0\x0bsecret\0".to_vec()),
    ];
    // Every tag that a client does not have.
    let known = b"BCDEFHPQSXcdfp";
    for tag in (0..=u8::MAX).filter(|tag| !known.contains(tag)) {
        frames.push((format!("tag {}", tag.escape_ascii()), vec![tag, 0, 0, 0, 4]));
    }
    for (what, frame) in frames {
        let mut wire = shop.wire("ana").await;
        let reply = wire.bytes(&frame).answer().await;
        assert_eq!(reply.tags(), "E", "{what}");
        let error = reply.error().unwrap();
        assert_eq!((error.severity(), error.code()), ("FATAL", "08P01"), "{what}: {error}");
    }
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    assert_eq!(other.run("SELECT 2").await.value(), "2");
    shop.close().await;
}

#[tokio::test]
async fn messages_above_the_limit_are_refused_from_their_header_alone() {
    let setup = Setup { limits: "message_bytes_max = 100000", ..Setup::default() };
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = shop.wire("ana").await;
    let reply = wire.bytes(&[b'Q', 0, 1, 0x86, 0xa5]).answer().await;
    assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("E", "08P01"));
    let long = "x".repeat(90_000);
    let mut wire = shop.wire("ana").await;
    assert_eq!(wire.run(&format!("SELECT '{long}'")).await.value().len(), 90_000);
    shop.close().await;
}

#[tokio::test]
async fn names_that_do_not_exist_are_errors_that_the_session_survives() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    wire.bind("", "nothing").execute("").sync();
    assert_eq!(wire.answer().await.sqlstate(), "26000");
    wire.execute("nothing").sync();
    let code = wire.answer().await.sqlstate();
    assert!(["26000", "34000"].contains(&code.as_str()), "{code}");
    wire.describe_statement("nothing").sync();
    assert_eq!(wire.answer().await.sqlstate(), "26000");
    wire.parse("", "SELECT 1").bind("jurat refused x", "").execute("jurat refused x").sync();
    assert_eq!(wire.answer().await.sqlstate(), "0A000");
    for text in ["EXECUTE nothing", "FETCH 1 FROM nothing"] {
        let code = wire.run(text).await.sqlstate();
        assert!(["26000", "34000"].contains(&code.as_str()), "{text}: {code}");
    }
    // Copy messages outside of a COPY are ignored, as the database does.
    wire.raw(b'd', b"data").raw(b'c', b"").raw(b'f', b"why\0");
    assert_eq!(wire.run("SELECT 1").await.value(), "1");
    shop.close().await;
}

/// Names and their texts stay in the memory of Jurat, so a session may keep so many and no more, whether
/// SQL or the protocol makes them.
#[tokio::test]
async fn a_session_keeps_no_more_names_than_configured() {
    let limits = "prepared_max = 3\nprepared_bytes_max = 20000\nportals_max = 3";
    let Some(shop) = Shop::open(Setup { limits, ..Setup::default() }).await else { return };
    let mut wire = shop.wire("ana").await;
    for name in ["a", "b", "c"] {
        assert_eq!(wire.run(&format!("PREPARE {name} AS SELECT 1")).await.sqlstate(), "00000");
    }
    assert_eq!(wire.run("PREPARE d AS SELECT 1").await.sqlstate(), "54000");
    wire.parse("d", "SELECT 1").sync();
    assert_eq!(wire.answer().await.sqlstate(), "54000");
    assert_eq!(wire.run("DEALLOCATE ALL").await.sqlstate(), "00000");

    let long = format!("SELECT '{}'", "x".repeat(15_000));
    wire.parse("a", &long).sync();
    assert_eq!(wire.answer().await.sqlstate(), "00000");
    wire.parse("b", &long).sync();
    assert_eq!(wire.answer().await.sqlstate(), "54000");
    assert_eq!(wire.run(&format!("PREPARE b AS {long}")).await.sqlstate(), "54000");

    wire.run("BEGIN").await;
    for name in ["a", "b", "c"] {
        let declare = format!("DECLARE {name} CURSOR FOR SELECT 1");
        assert_eq!(wire.run(&declare).await.sqlstate(), "00000");
    }
    assert_eq!(wire.run("DECLARE d CURSOR FOR SELECT 1").await.sqlstate(), "54000");
    wire.run("ROLLBACK").await;
    // The end of the transaction ends its cursors, and gives their places back.
    wire.run("BEGIN").await;
    assert_eq!(wire.run("DECLARE e CURSOR WITH HOLD FOR SELECT 'held'").await.sqlstate(), "00000");
    wire.run("COMMIT").await;
    assert_eq!(wire.run("FETCH 1 FROM e").await.value(), "held");
    assert_eq!(wire.run("FETCH 1 FROM a").await.sqlstate(), "34000");
    assert_eq!(wire.run("SELECT 1").await.value(), "1");
    shop.close().await;
}

#[tokio::test]
async fn more_sessions_than_configured_are_turned_away() {
    let setup = Setup { limits: "sessions_max = 2", ..Setup::default() };
    let Some(shop) = Shop::open(setup).await else { return };
    let (first, _second) = (shop.wire("ana").await, shop.wire("ana").await);
    let parameters = [("user", "ana"), ("database", "shop")];
    let mut third = Wire::dial(shop.jurat.port).await;
    let reply = third.reply().await;
    assert_eq!(reply.sqlstate(), "53300");
    first.hang_up();
    let start = std::time::Instant::now();
    while Wire::try_log_in(shop.jurat.port, PASSWORD, &parameters).await.is_err() {
        assert!(start.elapsed() < crate::harness::PATIENCE, "the place is not given back");
    }
    shop.close().await;
}
