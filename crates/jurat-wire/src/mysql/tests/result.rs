//! Replies as servers send them: which packets come, and where the reply ends.

use super::packet;
use crate::mysql::capability::{Capabilities, Status};
use crate::mysql::encode::server;
use crate::mysql::error::ParseError;
use crate::mysql::frame::{Limits, PACKET_MAX, Scanner};
use crate::mysql::response::OkPacket;
use crate::mysql::result::{Event, Reply, ReplyKind};

const EOF: Capabilities = Capabilities::PROTOCOL_41;
const NO_EOF: Capabilities = EOF.with(Capabilities::DEPRECATE_EOF);
const STATEMENT: ReplyKind = ReplyKind::Statement { cursor: false };

const OK: &[u8] = b"\0\x01\0\x02\0\0\0";
const OK_MORE: &[u8] = b"\0\x01\0\x0a\0\0\0";
const ERR: &[u8] = b"\xff\x28\x04#42000no";
const COLUMN: &[u8] = b"\x03def\0\0\0\x01a\0\x0c\x3f\0\x01\0\0\0\x08\0\0\0\0\0";
const END: &[u8] = b"\xfe\0\0\x02\0";
const END_MORE: &[u8] = b"\xfe\0\0\x0a\0";
const END_CURSOR: &[u8] = b"\xfe\0\0\x42\0";
const OK_END: &[u8] = b"\xfe\0\0\x02\0\0\0";
const OK_END_MORE: &[u8] = b"\xfe\0\0\x0a\0\0\0";
const ROW: &[u8] = b"\x017";
const PREPARED: &[u8] = b"\0\x07\0\0\0\x01\0\x02\0\0\0\0";
const PREPARED_EMPTY: &[u8] = b"\0\x07\0\0\0\0\0\0\0\0\0\0";

/// What a reply was understood as, a word a packet, and whether it ended with the last of them.
fn follow(kind: ReplyKind, capabilities: Capabilities, payloads: &[&[u8]]) -> String {
    let stream: Vec<u8> =
        (1_u8..).zip(payloads).flat_map(|(sequence, payload)| packet(sequence, payload)).collect();
    let limits = Limits { payload_max: 1 << 16, stream_above: None };
    let mut seen = None;
    // In two reads at every place the reply is the same one.
    for at in 0..=stream.len() {
        let (mut scanner, mut reply) = (Scanner::new(1, limits), Reply::new(kind, capabilities));
        let (mut words, mut start) = (Vec::new(), 0_usize);
        for end in [at, stream.len()] {
            while let Some(piece) = scanner.next(&stream[start..end]).unwrap() {
                words.push(match reply.next(&piece) {
                    Ok(event) => word(&event.unwrap()).to_owned(),
                    Err(error) => error.to_string(),
                });
                start = start.checked_add(piece.bytes().len()).unwrap();
            }
        }
        words.push(if reply.is_done() { "done" } else { "open" }.to_owned());
        let words = words.join(" ");
        assert_eq!(seen.get_or_insert_with(|| words.clone()), &words, "cut at {at}");
    }
    seen.unwrap()
}

const fn word(event: &Event<'_>) -> &'static str {
    match event {
        Event::Column(_) => "column",
        Event::ColumnCount(_) => "count",
        Event::DefinitionsEnd(_) => "end",
        Event::Err(_) => "err",
        Event::LocalInfile { .. } => "file",
        Event::Ok(_) => "ok",
        Event::Parameter(_) => "parameter",
        Event::Prepared(_) => "prepared",
        Event::Row { .. } => "row",
        Event::RowsEnd(_) => "rows-end",
        Event::Text(_) => "text",
    }
}

/// A name, the command and capabilities, the server's payloads, and what they are understood as.
type Case<'a> = (&'a str, ReplyKind, Capabilities, &'a [&'a [u8]], &'a str);

#[test]
fn replies_end_where_the_server_ends_them() {
    let cursor = ReplyKind::Statement { cursor: true };
    let cases: &[Case<'_>] = &[
        ("ok", STATEMENT, EOF, &[OK], "ok done"),
        ("error", STATEMENT, EOF, &[ERR], "err done"),
        ("several results", STATEMENT, EOF, &[OK_MORE, OK_MORE, ERR], "ok ok err done"),
        (
            "rows",
            STATEMENT,
            EOF,
            &[&[1], COLUMN, END, ROW, ROW, END],
            "count column end row row rows-end done",
        ),
        (
            "rows without EOF",
            STATEMENT,
            NO_EOF,
            &[&[2], COLUMN, COLUMN, ROW, OK_END],
            "count column column row rows-end done",
        ),
        ("no rows", STATEMENT, NO_EOF, &[&[1], COLUMN, OK_END], "count column rows-end done"),
        (
            "rows of two statements",
            STATEMENT,
            EOF,
            &[&[1], COLUMN, END, ROW, END_MORE, OK],
            "count column end row rows-end ok done",
        ),
        (
            "rows of two statements without EOF",
            STATEMENT,
            NO_EOF,
            &[&[1], COLUMN, ROW, OK_END_MORE, &[1], COLUMN, OK_END],
            "count column row rows-end count column rows-end done",
        ),
        (
            "an error among rows",
            STATEMENT,
            EOF,
            &[&[1], COLUMN, END, ROW, ERR],
            "count column end row err done",
        ),
        ("an error among columns", STATEMENT, EOF, &[&[2], COLUMN, ERR], "count column err done"),
        (
            "rows that wait in a cursor",
            cursor,
            EOF,
            &[&[1], COLUMN, END_CURSOR],
            "count column end done",
        ),
        (
            "a cursor that was not asked for",
            STATEMENT,
            EOF,
            &[&[1], COLUMN, END_CURSOR, ROW, END],
            "count column end row rows-end done",
        ),
        ("fetched rows", ReplyKind::Fetch, EOF, &[ROW, END], "row rows-end done"),
        ("nothing to fetch", ReplyKind::Fetch, EOF, &[ERR], "err done"),
        ("prepared", ReplyKind::Prepare, EOF, &[PREPARED_EMPTY], "prepared done"),
        (
            "prepared with columns and parameters",
            ReplyKind::Prepare,
            EOF,
            &[PREPARED, COLUMN, COLUMN, END, COLUMN, END],
            "prepared parameter parameter end column end done",
        ),
        (
            "prepared without EOF",
            ReplyKind::Prepare,
            NO_EOF,
            &[PREPARED, COLUMN, COLUMN, COLUMN],
            "prepared parameter parameter column done",
        ),
        ("columns of a table", ReplyKind::FieldList, EOF, &[COLUMN, END], "column rows-end done"),
        ("a line about the server", ReplyKind::Statistics, EOF, &[b"Uptime: 1"], "text done"),
        ("ping", ReplyKind::Simple, EOF, &[OK], "ok done"),
        ("set option", ReplyKind::Simple, EOF, &[END], "rows-end done"),
        ("set option without EOF", ReplyKind::Simple, NO_EOF, &[OK_END], "rows-end done"),
    ];
    for (name, kind, capabilities, payloads, expected) in cases {
        assert_eq!(&follow(*kind, *capabilities, payloads), expected, "{name}");
    }
}

/// MYP-12: a server that asks for a file which nobody agreed to send breaks the protocol.
#[test]
fn a_file_is_asked_for_only_where_that_was_agreed_on() {
    let asked: &[&[u8]] = &[b"\xfb/etc/passwd", OK];
    let refused = follow(STATEMENT, EOF, &asked[..1]);
    assert_eq!(refused, "a packet that begins with 251 came out of turn open");
    let agreed = EOF.with(Capabilities::LOCAL_FILES);
    assert_eq!(follow(STATEMENT, agreed, asked), "file ok done");
}

#[test]
fn packets_out_of_turn_are_refused() {
    for (name, kind, payloads) in [
        ("behind the end", STATEMENT, &[OK, OK][..]),
        ("rows of a command that has none", ReplyKind::Simple, &[&[1]]),
        ("an empty packet", STATEMENT, &[&[]]),
        ("no columns", STATEMENT, &[b"\xfc\0\0"]),
        ("more columns than there are", STATEMENT, &[b"\xfd\0\0\x01"]),
        ("a count and more", STATEMENT, &[b"\x01\x01"]),
        ("a row in place of a column", STATEMENT, &[&[1], ROW]),
        ("a row in place of the end of columns", STATEMENT, &[&[1], COLUMN, ROW]),
        ("success among prepared columns", ReplyKind::Prepare, &[PREPARED, OK]),
    ] {
        let seen = follow(kind, EOF, payloads);
        let last = seen.rsplit_once(' ').unwrap().0;
        assert!(
            last.contains("came out of turn")
                || last.contains("invalid")
                || last.contains("inside")
                || last.contains("left over"),
            "{name}: {seen}"
        );
    }
}

/// Trap 22: 0xFE begins the end of rows, and also the length of a value of 16 MiB and more.
#[test]
fn a_long_value_is_not_the_end_of_rows() {
    for (capabilities, row_len, is_row) in
        [(EOF, 8, false), (EOF, 9, true), (NO_EOF, 9, false), (NO_EOF, PACKET_MAX, true)]
    {
        let mut reply = Reply::new(ReplyKind::Fetch, capabilities);
        let begun = reply.take(b"\xfe\0\0\x02\0\0\0", row_len, false);
        match begun {
            Ok(Event::Row { whole: false, .. }) => assert!(is_row, "{row_len}"),
            Err(ParseError::Unexpected { first: 0xfe }) => assert!(!is_row, "{row_len}"),
            other => panic!("{row_len}: {other:?}"),
        }
    }
}

/// Further parts of a long row say nothing, whatever they begin with.
#[test]
fn a_row_that_passes_in_pieces_is_one_row() {
    let long = [&[0xfc, 0x00, 0x01][..], &[0xff; 256]].concat();
    let stream = [packet(1, &long), packet(2, END)].concat();
    let limits = Limits { payload_max: 100, stream_above: Some(50) };
    let (mut scanner, mut reply) = (Scanner::new(1, limits), Reply::new(ReplyKind::Fetch, EOF));
    let (mut start, mut rows, mut parts) = (0_usize, 0, 0);
    for end in (0..=stream.len()).step_by(10).chain([stream.len()]) {
        while let Some(piece) = scanner.next(&stream[start..end]).unwrap() {
            match reply.next(&piece).unwrap() {
                Some(Event::Row { .. }) => rows += 1,
                Some(Event::RowsEnd(_)) => assert!(reply.is_done()),
                None => parts += 1,
                other => panic!("{other:?}"),
            }
            start = start.checked_add(piece.bytes().len()).unwrap();
        }
    }
    assert_eq!((rows, reply.is_done()), (1, true));
    assert!(parts > 10);
}

/// An error, or an end that tells of changes, may be longer than the rows that are kept whole.
#[test]
fn the_end_of_rows_is_never_passed_in_pieces() {
    let error = [&b"\xff\x28\x04#42000"[..], &[b'n'; 300]].concat();
    let end = [&b"\xfe\0\0\x02\0\0\0\xfc\x2c\x01"[..], &[b'w'; 300]].concat();
    for last in [error, end] {
        let stream = packet(1, &last);
        let limits = Limits { payload_max: 1000, stream_above: Some(50) };
        for at in 0..=stream.len() {
            let mut scanner = Scanner::new(1, limits);
            let mut reply = Reply::new(ReplyKind::Fetch, NO_EOF);
            let early = scanner.next(&stream[..at]).unwrap();
            assert_eq!(early.is_some(), at == stream.len(), "cut at {at}");
            let piece = early.or_else(|| scanner.next(&stream).unwrap()).unwrap();
            assert!(reply.next(&piece).is_ok() && reply.is_done(), "cut at {at}");
        }
    }
}

#[test]
fn an_answer_of_our_own_is_a_reply() {
    for capabilities in [EOF, NO_EOF, NO_EOF.with(Capabilities::SESSION_TRACK)] {
        let end = OkPacket { status: Status::AUTOCOMMIT, ..OkPacket::default() };
        let rows = [vec![Some(&b"1"[..]), None], vec![None, Some(&b"two"[..])]];
        let mut out = Vec::new();
        server::text_result(&mut out, &mut 1, &["a", "b"], &rows, capabilities, &end).unwrap();
        let limits = Limits { payload_max: 1 << 16, stream_above: None };
        let (mut scanner, mut reply) =
            (Scanner::new(1, limits), Reply::new(STATEMENT, capabilities));
        let (mut rest, mut words) = (out.as_slice(), Vec::new());
        while let Some(piece) = scanner.next(rest).unwrap() {
            words.push(word(&reply.next(&piece).unwrap().unwrap()));
            rest = &rest[piece.bytes().len()..];
        }
        words.retain(|word| *word != "end");
        assert_eq!(words, ["count", "column", "column", "row", "row", "rows-end"]);
        assert!(reply.is_done() && rest.is_empty());
    }
}
