//! Packets and payloads: how they are cut, continued and numbered.

use super::packet;
use crate::mysql::encode;
use crate::mysql::error::FrameError;
use crate::mysql::frame::{Limits, PACKET_MAX, Piece, Scanner, message, renumber};

/// A payload, and whether it came in one piece, for each payload of a stream that arrives in reads
/// that end at these positions.
fn cut(limits: Limits, stream: &[u8], ends: &[usize]) -> Vec<Vec<u8>> {
    let mut scanner = Scanner::new(0, limits);
    let (mut start, mut partial, mut whole) = (0, Vec::new(), Vec::new());
    for end in ends.iter().copied().chain([stream.len()]) {
        while let Some(piece) = scanner.next(&stream[start..end]).unwrap() {
            assert!(!piece.bytes().is_empty(), "every step makes progress");
            partial.extend_from_slice(piece.bytes());
            start = start.checked_add(piece.bytes().len()).unwrap();
            if matches!(piece, Piece::Whole { .. } | Piece::Part { last: true, .. }) {
                assert!(!scanner.mid_payload());
                whole.push(std::mem::take(&mut partial));
            }
        }
    }
    assert_eq!(start, stream.len(), "everything is consumed");
    whole
}

#[test]
fn every_split_of_a_stream_gives_the_same_payloads() {
    let packets = [packet(0, b"\x03SELECT 1"), packet(1, b""), packet(2, &[7; 40])];
    let stream = packets.concat();
    for stream_above in [None, Some(4)] {
        let limits = Limits { payload_max: 100, stream_above };
        for at in 0..=stream.len() {
            assert_eq!(cut(limits, &stream, &[at]), packets, "{stream_above:?}, {at}");
        }
    }
}

#[test]
fn a_full_packet_is_continued_by_the_next() {
    let limits = Limits { payload_max: 64 << 20, stream_above: None };
    for more in [0, 1, PACKET_MAX] {
        let sent = vec![b'x'; PACKET_MAX + more];
        let (mut stream, mut sequence) = (Vec::new(), 255);
        encode::payload(&mut stream, &mut sequence, &sent);
        let read = message(&stream, 255, limits.payload_max).unwrap().unwrap();
        assert!(read.payload == sent, "{more} bytes more");
        assert_eq!(read.consumed, stream.len());
        assert_eq!(read.sequence.wrapping_add(1), sequence, "the count goes round at 256");
        // Nothing is judged before the packet behind the full one is there.
        assert_eq!(message(&stream[..PACKET_MAX + 4], 255, limits.payload_max), Ok(None));
        let streaming = Limits { payload_max: 10, stream_above: Some(1000) };
        let mut numbered = stream.clone();
        renumber(&mut numbered, &mut 0);
        let ends = [5, 3000, PACKET_MAX + 4, PACKET_MAX + 6];
        assert!(cut(streaming, &numbered, &ends) == [numbered], "{more} in pieces");
    }
}

#[test]
fn rows_are_cut_in_one_piece_up_to_what_may_be_none() {
    let limits = Limits { payload_max: 40, stream_above: None };
    let rows = [packet(0, b"\x03abc"), packet(1, b"\xfb"), packet(2, &[0; 40])];
    let whole = rows.concat();
    for (what, behind) in [
        ("nothing", Vec::new()),
        ("a part of a row", packet(3, b"\x03abc")[..6].to_vec()),
        ("a part of a header", vec![4, 0, 0]),
        ("the end of rows", packet(3, &[0xfe, 0, 0, 2, 0])),
        ("a value of 16 MiB, or the end of rows", packet(3, &[0xfe; 40])),
        ("an error", packet(3, b"\xff\x10\x04#08S01gone")),
        ("an empty packet", packet(3, b"")),
        ("a wrong number", packet(4, b"\x01a")),
        ("a row that is too long", packet(3, &[1; 41])),
    ] {
        let stream = [whole.clone(), behind].concat();
        let mut scanner = Scanner::new(0, limits);
        assert_eq!(scanner.rows(&stream), (whole.as_slice(), 3), "{what}");
        assert_eq!(scanner.sequence(), 3, "{what}");
        assert_eq!(scanner.rows(&stream[whole.len()..]), (&[][..], 0), "{what}");
        // What comes then is cut as if each row had been cut alone.
        let mut one_by_one = Scanner::new(0, limits);
        for row in &rows {
            assert_eq!(one_by_one.next(row).unwrap().unwrap().bytes(), row);
        }
        let rest = &stream[whole.len()..];
        assert_eq!(scanner.next(rest), one_by_one.next(rest), "{what}");
    }
    let mut inside = Scanner::new(0, Limits { payload_max: 40, stream_above: Some(4) });
    inside.next(&packet(0, b"\x05abcdef")[..7]).unwrap();
    assert!(inside.mid_payload());
    assert_eq!(inside.rows(&packet(1, b"\x01a")), (&[][..], 0), "the rest of a long row is none");
}

#[test]
fn a_wrong_number_is_an_error() {
    let found = |found, expected| FrameError::Sequence { expected, found };
    assert_eq!(message(&packet(1, b"\x0e"), 0, 10), Err(found(1, 0)));
    let split = [packet(0, &vec![3; PACKET_MAX]), packet(2, b"DROP")].concat();
    assert_eq!(message(&split, 0, usize::MAX), Err(found(2, 1)));
    let limits = Limits { payload_max: 10, stream_above: Some(20) };
    let mut scanner = Scanner::new(0, limits);
    let mut rest = split.as_slice();
    let error = loop {
        match scanner.next(rest) {
            Ok(piece) => rest = &rest[piece.unwrap().bytes().len()..],
            Err(error) => break error,
        }
    };
    assert_eq!(error, found(2, 1));
    assert_eq!(scanner.next(rest), Err(found(2, 1)), "after an error there is only the error");
}

#[test]
fn a_payload_above_the_limit_is_refused_by_its_header() {
    let header = [11, 0, 0, 0];
    assert_eq!(message(&header, 0, 10), Err(FrameError::TooLong { declared: 11, max: 10 }));
    let continued = [&[0xff, 0xff, 0xff, 0][..], &vec![0; PACKET_MAX], &[1, 0, 0, 1]].concat();
    let max = PACKET_MAX;
    let declared = PACKET_MAX + 1;
    assert_eq!(message(&continued, 0, max), Err(FrameError::TooLong { declared, max }));
}
