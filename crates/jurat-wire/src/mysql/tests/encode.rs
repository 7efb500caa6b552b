//! Packets as Jurat writes them, read again by the parsers.

use crate::mysql::capability::{Capabilities, Status};
use crate::mysql::encode::{self, command, server};
use crate::mysql::error::EncodeError;
use crate::mysql::response::session::Changes;
use crate::mysql::response::{ErrPacket, OkPacket};

#[test]
fn lengths_take_as_many_bytes_as_they_need() {
    for (number, expected) in [
        (0_u64, &[0][..]),
        (250, &[250]),
        (251, &[0xfc, 251, 0]),
        (0xffff, &[0xfc, 0xff, 0xff]),
        (0x1_0000, &[0xfd, 0, 0, 1]),
        (0xff_ffff, &[0xfd, 0xff, 0xff, 0xff]),
        (0x100_0000, &[0xfe, 0, 0, 0, 1, 0, 0, 0, 0]),
        (u64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ] {
        let mut out = Vec::new();
        encode::put_u64(&mut out, number);
        assert_eq!(out, expected, "{number}");
    }
}

#[test]
fn a_failure_is_an_error_packet_or_nothing() {
    let (mut out, mut sequence) = (b"before".to_vec(), 255);
    server::err(&mut out, &mut sequence, 1142, "42000", b"no").unwrap();
    assert_eq!(&out[6..], b"\x0b\0\0\xff\xff\x76\x04#42000no");
    assert_eq!(sequence, 0, "numbers go round");
    assert_eq!(ErrPacket::parse(&out[10..]).unwrap().sqlstate(), "42000");
    for state in ["", "4200", "42000 ", "4200a", "4200\u{e9}"] {
        let before = out.clone();
        let written = server::err(&mut out, &mut sequence, 1142, state, b"no");
        assert_eq!(written, Err(EncodeError::InvalidSqlState), "{state:?}");
        assert_eq!((&out, sequence), (&before, 0), "nothing was written");
    }
}

/// A client that does not track the session must not be told of changes, not even by the flag.
#[test]
fn changes_go_only_to_clients_that_track_them() {
    let ok = OkPacket {
        affected_rows: 3,
        status: Status::AUTOCOMMIT.with(Status::SESSION_STATE_CHANGED),
        info: b"text",
        changes: Changes { raw: b"\x01\x02\x01x" },
        ..OkPacket::default()
    };
    for (capabilities, expected) in [
        (Capabilities::PROTOCOL_41, &b"\0\x03\0\x02\0\0\0\x04text"[..]),
        (Capabilities::SESSION_TRACK, b"\0\x03\0\x02\x40\0\0\x04text\x04\x01\x02\x01x"),
    ] {
        let mut out = Vec::new();
        server::ok(&mut out, &mut 1, &ok, capabilities).unwrap();
        assert_eq!(&out[4..], expected);
        let again = OkPacket::parse(&out[4..], capabilities).unwrap();
        assert_eq!((again.affected_rows, again.info), (3, &b"text"[..]));
    }
    // Where nothing changed, the flag goes as well.
    let ok = OkPacket { changes: Changes::default(), ..ok };
    let mut out = Vec::new();
    server::ok(&mut out, &mut 1, &ok, Capabilities::SESSION_TRACK).unwrap();
    assert_eq!(&out[4..], b"\0\x03\0\x02\0\0\0\x04text");
}

#[test]
fn commands_begin_a_new_count() {
    let mut out = Vec::new();
    command::query(&mut out, b"SELECT 1");
    command::close(&mut out, 7);
    command::quit(&mut out);
    assert_eq!(out, b"\x09\0\0\0\x03SELECT 1\x05\0\0\0\x19\x07\0\0\0\x01\0\0\0\x01");
}
