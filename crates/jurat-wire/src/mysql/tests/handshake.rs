//! Greetings and answers as servers and drivers write them.

use super::{check_exact, is_truncation};
use crate::mysql::capability::{Capabilities, Status};
use crate::mysql::error::{EncodeError, ParseError};
use crate::mysql::handshake::{Answer, ClientHello, Fixed, Greeting};

/// The greeting of MySQL 9.7, as it was recorded.
const MYSQL: &[u8] =
    b"\x0a9.7.4-2\0\x09\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08\0\xff\xff\xff\x02\0\xff\xdf\x15\
    \0\0\0\0\0\0\0\0\0\0abcdefghijkl\0caching_sha2_password\0";

/// The greeting of MariaDB 10.11, which has flags of its own where MySQL has zeros.
const MARIADB: &[u8] =
    b"\x0a5.5.5-10.11.19-MariaDB\0\x04\0\0\0abcdefgh\0\xfe\xff\x2d\x02\0\xff\x81\x15\
    \0\0\0\0\0\0\x1d\0\0\0ijklmnopqrst\0mysql_native_password\0";

const OFFERED: Capabilities = Capabilities::PROTOCOL_41
    .with(Capabilities::SECURE_CONNECTION)
    .with(Capabilities::CONNECT_WITH_DB)
    .with(Capabilities::PLUGIN_AUTH)
    .with(Capabilities::PLUGIN_AUTH_LENENC)
    .with(Capabilities::CONNECT_ATTRS)
    .with(Capabilities::SSL);

#[test]
fn the_greetings_of_both_servers_are_read() {
    let mysql = Greeting::parse(MYSQL).unwrap();
    assert_eq!((mysql.version, mysql.connection), (&b"9.7.4-2"[..], 9));
    assert_eq!(mysql.challenge, b"\x01\x02\x03\x04\x05\x06\x07\x08abcdefghijkl");
    assert_eq!(mysql.plugin, b"caching_sha2_password");
    assert_eq!((mysql.collation, mysql.status), (255, Status::AUTOCOMMIT));
    assert_eq!((mysql.capabilities.mysql(), mysql.capabilities.mariadb()), (0xdfff_ffff, 0));

    let mariadb = Greeting::parse(MARIADB).unwrap();
    assert_eq!(mariadb.challenge, b"abcdefghijklmnopqrst");
    assert_eq!(mariadb.plugin, b"mysql_native_password");
    assert!(!mariadb.capabilities.contains(Capabilities::MYSQL));
    assert!(mariadb.capabilities.contains(Capabilities::MARIADB_BULK));
    for greeting in [MYSQL, MARIADB] {
        check_exact("greeting", greeting, |payload| Greeting::parse(payload).map(|_| ()));
    }
}

#[test]
fn what_is_no_greeting_of_version_10_is_refused() {
    let old = [&[9], &MYSQL[1..]].concat();
    assert_eq!(Greeting::parse(&old), Err(ParseError::UnsupportedVersion(9)));
    // Without protocol 4.1: the flags are behind the version, four bytes, eight and one.
    let mut without = MYSQL.to_vec();
    without[23] = 0;
    assert!(Greeting::parse(&without).is_err());
}

#[test]
fn a_greeting_is_written_as_it_is_read() {
    let greeting = Greeting::parse(MYSQL).unwrap();
    let mut out = Vec::new();
    greeting.put(&mut out).unwrap();
    assert_eq!(out, MYSQL);
    for (challenge, expected) in [
        (vec![1; 19], EncodeError::TooLong { field: "challenge", bytes: 19 }),
        (vec![1; 21], EncodeError::TooLong { field: "challenge", bytes: 21 }),
        (vec![0; 20], EncodeError::EmbeddedNul { field: "challenge" }),
    ] {
        let wrong = Greeting { challenge, ..greeting.clone() };
        assert_eq!(wrong.put(&mut Vec::new()), Err(expected));
    }
}

/// What PyMySQL sends, whose flags say more than was offered.
fn answer(claimed: Capabilities) -> Vec<u8> {
    let answer = Answer {
        fixed: Fixed { claimed, max_packet: 1 << 24, collation: 45 },
        user: b"ana",
        auth: &[7; 32],
        schema: Some(b"shop"),
        plugin: b"caching_sha2_password",
        attributes: &[("_client_name", "pymysql"), ("_pid", "1"), ("_pid", "2")],
    };
    let mut out = Vec::new();
    answer.put(&mut out).unwrap();
    out
}

fn read(payload: &[u8], offered: Capabilities) -> Result<(), ParseError> {
    ClientHello::parse(payload, offered).map(|_| ())
}

#[test]
fn the_answer_of_a_driver_is_read_in_full() {
    let claimed = OFFERED.without(Capabilities::SSL).with(Capabilities::LOCAL_FILES);
    let payload = answer(claimed);
    let Ok(ClientHello::Response(response)) = ClientHello::parse(&payload, OFFERED) else {
        panic!("not an answer");
    };
    assert_eq!(response.fixed, Fixed { claimed, max_packet: 1 << 24, collation: 45 });
    assert_eq!((response.user, response.schema), (&b"ana"[..], Some(&b"shop"[..])));
    assert_eq!(response.auth.0.expose(), [7; 32]);
    assert_eq!(response.plugin, Some(&b"caching_sha2_password"[..]));
    let attributes = response.attributes.unwrap();
    assert_eq!(attributes.iter().count(), 3, "duplicates are kept");
    assert_eq!(attributes.value("_pid"), Some(&b"1"[..]));
    assert_eq!(attributes.value("program_name"), None);
    check_exact("answer", &payload, |payload| read(payload, OFFERED));
    assert!(!format!("{response:?}").contains("7, 7"), "no answer to a challenge is printed");
}

/// A server reads a field only where it offered it, and drivers write it only then.
#[test]
fn fields_that_were_not_offered_are_not_looked_for() {
    let offered = OFFERED.without(Capabilities::CONNECT_ATTRS);
    let mut payload = answer(offered);
    // The flag is set, and the field is not there.
    payload[2] |= 0x10;
    assert_eq!(read(&payload, offered), Ok(()));
    assert!(read(&payload, OFFERED).is_err());
}

#[test]
fn a_request_for_tls_is_the_beginning_of_an_answer() {
    let fixed = Fixed { claimed: OFFERED, max_packet: 1 << 24, collation: 45 };
    let mut payload = Vec::new();
    fixed.put(&mut payload);
    assert_eq!(ClientHello::parse(&payload, OFFERED), Ok(ClientHello::Ssl(fixed)));
    // Where TLS was not offered it is an answer that ends too early.
    let without = OFFERED.without(Capabilities::SSL);
    assert!(is_truncation(read(&payload, without).unwrap_err()));
    for end in 0..payload.len() {
        assert!(read(&payload[..end], OFFERED).is_err(), "{end} bytes");
    }
    let old = Fixed { claimed: OFFERED.without(Capabilities::PROTOCOL_41), ..fixed };
    let mut payload = Vec::new();
    old.put(&mut payload);
    assert_eq!(read(&payload, OFFERED), Err(ParseError::UnsupportedVersion(9)));
}

/// MYP-02 and MYP-15: lengths that say more than there is, and attributes that do not add up.
#[test]
fn declared_lengths_are_not_believed() {
    let claimed = OFFERED.without(Capabilities::SSL);
    let fixed = Fixed { claimed, max_packet: 0, collation: 45 };
    let with = |rest: &[u8]| {
        let mut payload = Vec::new();
        fixed.put(&mut payload);
        payload.extend_from_slice(rest);
        read(&payload, OFFERED)
    };
    assert_eq!(with(b"ana\0\0shop\0x\0\0"), Ok(()));
    assert_eq!(with(b"ana\0\0shop\0x\0\x04\x01a\x01b"), Ok(()));
    for (name, rest) in [
        (
            "an answer of 2^64 - 1 bytes",
            &b"ana\0\xfe\xff\xff\xff\xff\xff\xff\xff\xffshop\0x\0\0"[..],
        ),
        ("an answer that is NULL", b"ana\0\xfbshop\0x\0\0"),
        ("an answer that is an error", b"ana\0\xffshop\0x\0\0"),
        ("attributes beyond the packet", b"ana\0\0shop\0x\0\x05\x01a\x01b"),
        ("a name without a value", b"ana\0\0shop\0x\0\x02\x01a"),
        ("a value beyond the attributes", b"ana\0\0shop\0x\0\x04\x01a\x02b"),
        ("attributes that end before the packet", b"ana\0\0shop\0x\0\x02\x01a\x01b"),
        ("no name of a user", b"ana"),
    ] {
        assert!(with(rest).is_err(), "{name}");
    }
}
