//! The first packet of a connection.

use super::text;
use crate::postgres::error::{ParseError, StartupError};
use crate::postgres::startup::{Startup, parse_startup, parse_startup_len};

/// A packet with its length.
fn packet(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = u32::try_from(body.len()).unwrap().checked_add(4).unwrap();
    [&length.to_be_bytes()[..], &body].concat()
}

const VERSION_3_0: &[u8] = b"\0\x03\0\0";

fn show(packet: &[u8]) -> Result<String, StartupError> {
    Ok(match parse_startup(packet)? {
        Startup::Cancel { process_id, secret } => {
            format!("Cancel {process_id} {}", text(secret.expose()))
        }
        Startup::GssEnc => "GssEnc".into(),
        Startup::Ssl => "Ssl".into(),
        Startup::Startup(message) => {
            format!("{}.{} {:?}", message.major, message.minor, message.parameters)
        }
    })
}

fn valid() -> Vec<(Vec<u8>, &'static str)> {
    vec![
        (b"\0\0\0\x08\x04\xd2\x16\x2f".to_vec(), "Ssl"),
        (b"\0\0\0\x08\x04\xd2\x16\x30".to_vec(), "GssEnc"),
        (b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07abcd".to_vec(), "Cancel 7 abcd"),
        (packet(&[VERSION_3_0, b"\0"]), "3.0 []"),
        (
            packet(&[VERSION_3_0, b"user\0alice\0database\0\0\0"]),
            r#"3.0 [("user", "alice"), ("database", "")]"#,
        ),
        (
            packet(&[b"\0\x03\0\x02", b"user\0\xc3\xa9va\0_pq_.x\x001\0\0"]),
            r#"3.2 [("user", "éva"), ("_pq_.x", "1")]"#,
        ),
        (
            packet(&[VERSION_3_0, b"user\0alice\0user\0root\0\0"]),
            r#"3.0 [("user", "alice"), ("user", "root")]"#,
        ),
    ]
}

#[test]
fn valid_packets_mean_what_they_say() {
    for (packet, meaning) in valid() {
        assert_eq!(show(&packet).as_deref(), Ok(meaning));
        assert_eq!(parse_startup_len(&packet), Ok(Some(packet.len())));
    }
}

#[test]
fn a_packet_is_exactly_as_long_as_it_says() {
    for (packet, meaning) in valid() {
        for end in 0..packet.len() {
            assert!(show(&packet[..end]).is_err(), "{meaning}: {end} bytes");
        }
        // What follows in the same read is not part of the packet: after SSLRequest it may be
        // plain text that somebody put in front of the TLS handshake.
        let longer = [&packet[..], b"\0"].concat();
        let error = StartupError::Malformed(ParseError::TrailingBytes(1));
        assert_eq!(show(&longer), Err(error), "{meaning}");
    }
}

#[test]
fn every_truncation_with_a_fitting_length_is_refused() {
    let whole = packet(&[VERSION_3_0, b"user\0alice\0database\0shop\0\0"]);
    for end in 8..whole.len() {
        let shorter = packet(&[&whole[4..end]]);
        let error = StartupError::Malformed(ParseError::MissingTerminator {
            field: if whole[8..end].iter().filter(|byte| **byte == 0).count() % 2 == 0 {
                "parameter name"
            } else {
                "parameter value"
            },
        });
        assert_eq!(show(&shorter), Err(error), "{end} bytes");
    }
}

#[test]
fn malformed_packets_are_refused_for_the_right_reason() {
    let malformed = StartupError::Malformed;
    let key = |length| malformed(ParseError::InvalidLength { field: "cancel key", length });
    let cases: Vec<(&str, Vec<u8>, StartupError)> = vec![
        (
            "bytes behind the terminator",
            packet(&[VERSION_3_0, b"user\0alice\0\0database\0x\0\0"]),
            malformed(ParseError::TrailingBytes(12)),
        ),
        (
            "name that is not UTF-8",
            packet(&[VERSION_3_0, b"us\xe9r\0alice\0\0"]),
            malformed(ParseError::InvalidUtf8),
        ),
        (
            "value that is not UTF-8",
            packet(&[VERSION_3_0, b"user\0\xff\0\0"]),
            malformed(ParseError::InvalidUtf8),
        ),
        (
            "SSLRequest with a body",
            packet(&[b"\x04\xd2\x16\x2f\0"]),
            malformed(ParseError::TrailingBytes(1)),
        ),
        (
            "GSSENCRequest with a body",
            packet(&[b"\x04\xd2\x16\x30ab"]),
            malformed(ParseError::TrailingBytes(2)),
        ),
        ("cancel without key", packet(&[b"\x04\xd2\x16\x2e\0\0\0\x07"]), key(0)),
        ("cancel with 3 bytes", packet(&[b"\x04\xd2\x16\x2e\0\0\0\x07abc"]), key(3)),
        ("cancel with 257 bytes", packet(&[b"\x04\xd2\x16\x2e\0\0\0\x07", &[7; 257]]), key(257)),
        (
            "unknown request",
            packet(&[b"\x04\xd2\x16\x31"]),
            StartupError::UnknownRequest(80_877_105),
        ),
        (
            "protocol 2, whose body has another layout",
            packet(&[b"\0\x02\0\0", &[0; 280]]),
            StartupError::UnsupportedVersion { major: 2, minor: 0 },
        ),
        (
            "protocol 4",
            packet(&[b"\0\x04\0\x01\0"]),
            StartupError::UnsupportedVersion { major: 4, minor: 1 },
        ),
    ];
    for (name, packet, error) in cases {
        assert_eq!(show(&packet), Err(error), "{name}");
    }
}

#[test]
fn lengths_outside_of_the_range_are_refused_before_the_packet_is_there() {
    for length in [0, 1, 4, 7, 10_001, 20_000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
        let refused = Err(StartupError::Length(length));
        assert_eq!(parse_startup_len(&length.to_be_bytes()), refused);
    }
    for (length, bytes) in [(8_u32, 8), (10_000, 10_000)] {
        assert_eq!(parse_startup_len(&length.to_be_bytes()), Ok(Some(bytes)));
    }
    for short in [&b""[..], b"\0", b"\xff\xff\xff"] {
        assert_eq!(parse_startup_len(short), Ok(None));
    }
}

#[test]
fn cancel_keys_have_4_to_256_bytes() {
    for bytes in [4, 32, 256] {
        let packet = packet(&[b"\x04\xd2\x16\x2e\0\0\0\x07", &vec![b'k'; bytes]]);
        let Ok(Startup::Cancel { secret, .. }) = parse_startup(&packet) else { panic!("a cancel") };
        assert_eq!(secret.expose().len(), bytes);
        assert!(!format!("{secret:?}").contains("107"), "the key is not shown");
    }
}

#[test]
fn a_parameter_that_comes_twice_is_named() {
    let cases: [(&[u8], Option<&str>, Option<&str>); 4] = [
        (b"\0", None, None),
        (b"user\0alice\0database\0user\0\0", Some("alice"), None),
        (b"user\0alice\0database\0x\0user\0root\0\0", Some("alice"), Some("user")),
        // PostgreSQL keeps these two apart as well.
        (b"USER\0alice\0user\0root\0\0", Some("root"), None),
    ];
    for (parameters, user, duplicate) in cases {
        let packet = packet(&[VERSION_3_0, parameters]);
        let Ok(Startup::Startup(message)) = parse_startup(&packet) else { panic!("a start-up") };
        assert_eq!((message.value("user"), message.duplicate()), (user, duplicate));
    }
}
