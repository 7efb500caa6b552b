//! Cutting streams into messages.

use super::message;
use crate::postgres::error::FrameError;
use crate::postgres::frame::{Frames, Header, Limits, Piece, Scanner, Sender, scan};

const BUFFERED: Limits = Limits { body_max: 100, stream_above: None };
const STREAMED: Limits = Limits { body_max: 100, stream_above: Some(8) };

#[test]
fn a_header_is_read_from_five_bytes() {
    for short in 0..5 {
        assert_eq!(scan(&b"Q\0\0\0\x0b"[..short], 100), Ok(None));
    }
    let cases: [(u32, usize, Result<usize, bool>); 11] = [
        // The declared length, the largest body, and the body or whether the length was too long.
        (4, 0, Ok(0)),
        (5, 1, Ok(1)),
        (104, 100, Ok(100)),
        (105, 100, Err(true)),
        (0, 100, Err(false)),
        (1, 100, Err(false)),
        (3, 100, Err(false)),
        (0x7fff_ffff, 100, Err(true)),
        (0x7fff_ffff, usize::MAX, Ok(0x7fff_fffb)),
        (0x8000_0000, usize::MAX, Err(true)),
        (0xffff_ffff, usize::MAX, Err(true)),
    ];
    for (declared, max, expected) in cases {
        let header = [&b"Q"[..], &declared.to_be_bytes()].concat();
        let expected = match expected {
            Ok(body_len) => Ok(Some(Header { tag: b'Q', body_len })),
            Err(true) => Err(FrameError::TooLong { tag: b'Q', declared, max }),
            Err(false) => Err(FrameError::TooShort { tag: b'Q', declared }),
        };
        assert_eq!(scan(&header, max), expected, "{declared:#x} of at most {max}");
    }
}

#[test]
fn frames_end_before_an_incomplete_message_and_after_an_error() {
    let stream = [message(b'S', b""), message(b'Q', b"x\0"), b"Q\0\0\0\x06y".to_vec()].concat();
    let mut frames = Frames::new(&stream, 100);
    let tags: Vec<u8> = frames.by_ref().map(|frame| frame.unwrap().tag).collect();
    assert_eq!((tags, frames.consumed()), (b"SQ".to_vec(), 12));

    let stream = [message(b'S', b""), b"Q\0\0\0\x03".to_vec(), message(b'S', b"")].concat();
    let mut frames = Frames::new(&stream, 100);
    let frame = frames.next().unwrap().unwrap();
    assert_eq!((frame.tag, frame.body, frame.whole), (b'S', &b""[..], &stream[..5]));
    assert_eq!(frames.next(), Some(Err(FrameError::TooShort { tag: b'Q', declared: 3 })));
    assert_eq!((frames.next(), frames.consumed()), (None, 5));
}

#[test]
fn the_scanner_knows_what_each_sender_may_send_and_how_much() {
    let long = |tag, body: u32, max| {
        Err(FrameError::TooLong { tag, declared: body.checked_add(4).unwrap(), max })
    };
    let large = Limits { body_max: 1 << 20, stream_above: None };
    type Case<'a> = (Sender, Limits, &'a [u8], u32, Result<(), FrameError>);
    let cases: [Case<'_>; 16] = [
        (Sender::Frontend, BUFFERED, b"QPBFd", 100, Ok(())),
        (Sender::Frontend, BUFFERED, b"Q", 101, long(b'Q', 101, 100)),
        (Sender::Frontend, BUFFERED, b"S", 101, long(b'S', 101, 100)),
        (Sender::Frontend, large, b"CDEHSXcf", 9_996, Ok(())),
        (Sender::Frontend, large, b"S", 9_997, long(b'S', 9_997, 9_996)),
        (Sender::Frontend, large, b"p", 65_531, Ok(())),
        (Sender::Frontend, large, b"p", 65_532, long(b'p', 65_532, 65_531)),
        (Sender::Frontend, large, b"Q", 1 << 20, Ok(())),
        // Server messages, a start-up packet, and a TLS handshake are no client messages.
        (Sender::Frontend, large, b"Z", 1, Err(FrameError::UnknownTag(b'Z'))),
        (Sender::Frontend, large, b"\0", 1, Err(FrameError::UnknownTag(0))),
        (Sender::Frontend, large, b"\x16", 1, Err(FrameError::UnknownTag(0x16))),
        (Sender::Backend, large, b"RTCENASVGHWtv", 1 << 20, Ok(())),
        (Sender::Backend, large, b"S", 1 << 30, long(b'S', 1 << 30, 1 << 20)),
        (Sender::Backend, large, b"Z", 2, long(b'Z', 2, 1)),
        (Sender::Backend, large, b"1", 1, long(b'1', 1, 0)),
        (Sender::Backend, large, b"Q", 1, Err(FrameError::UnknownTag(b'Q'))),
    ];
    for (sender, limits, tags, body, expected) in cases {
        for tag in tags {
            let declared = body.checked_add(4).unwrap();
            let header = [&[*tag], &declared.to_be_bytes()[..]].concat();
            let step = Scanner::new(sender, limits).next(&header);
            // The header alone decides; none of the body has to be there.
            assert_eq!(
                step.map(|piece| assert_eq!(piece, None)),
                expected,
                "{}",
                tag.escape_ascii()
            );
        }
    }
}

#[test]
fn an_unknown_type_is_refused_by_its_first_byte() {
    let mut scanner = Scanner::new(Sender::Frontend, BUFFERED);
    assert_eq!(scanner.next(b"Z"), Err(FrameError::UnknownTag(b'Z')));
    // And there is no way on from there.
    assert_eq!(scanner.next(b"S\0\0\0\x04"), Err(FrameError::UnknownTag(b'Z')));
}

#[test]
fn a_long_row_passes_in_pieces() {
    let row = message(b'D', b"0123456789");
    let mut scanner = Scanner::new(Sender::Backend, STREAMED);
    assert_eq!(scanner.next(&row[..4]), Ok(None));
    let header = Header { tag: b'D', body_len: 10 };
    let start = Piece::StreamStart { header, bytes: &row[..7] };
    assert_eq!(scanner.next(&row[..7]), Ok(Some(start)));
    assert!(scanner.mid_message());
    assert_eq!(scanner.next(b""), Ok(None));
    let part = Piece::StreamPart { tag: b'D', bytes: b"2", last: false };
    assert_eq!(scanner.next(b"2"), Ok(Some(part)));
    // The bytes of the next message are not part of this one.
    let rest = [b"3456789", &message(b'Z', b"I")[..]].concat();
    let last = Piece::StreamPart { tag: b'D', bytes: b"3456789", last: true };
    assert_eq!(scanner.next(&rest), Ok(Some(last)));
    assert!(!scanner.mid_message());
    let Ok(Some(Piece::Frame(frame))) = scanner.next(&rest[7..]) else { panic!("a frame") };
    assert_eq!((frame.tag, frame.body), (b'Z', &b"I"[..]));
}

#[test]
fn a_row_is_whole_when_it_is_there_or_short_or_not_to_be_streamed() {
    let whole = |limits, row: &[u8], there: usize| {
        let mut scanner = Scanner::new(Sender::Backend, limits);
        let step = scanner.next(&row[..there]).unwrap();
        step.map(|piece| matches!(piece, Piece::Frame(_)))
    };
    let (short, long) = (message(b'D', b"01234567"), message(b'D', b"012345678"));
    assert_eq!(whole(STREAMED, &long, long.len()), Some(true));
    assert_eq!(whole(STREAMED, &long, 6), Some(false));
    assert_eq!(whole(STREAMED, &short, 6), None);
    assert_eq!(whole(BUFFERED, &long, 6), None);
    // Only rows stream: an error text has to be read whole.
    assert_eq!(whole(STREAMED, &message(b'E', &[b'x'; 50]), 20), None);
}

#[test]
fn a_streamed_row_may_be_longer_than_the_buffer_and_no_longer_than_the_protocol() {
    let step = |header: &'static [u8]| {
        let step = Scanner::new(Sender::Backend, STREAMED).next(header);
        step.map(|piece| piece.map(|piece| piece.bytes()))
    };
    assert_eq!(step(b"D\x7f\xff\xff\xff"), Ok(Some(&b"D\x7f\xff\xff\xff"[..])));
    let declared = 0x8000_0000;
    assert_eq!(
        step(b"D\x80\0\0\0"),
        Err(FrameError::TooLong { tag: b'D', declared, max: usize::MAX })
    );
}

#[test]
fn the_debug_form_of_a_frame_shows_no_content() {
    let stream = message(b'p', b"hunter2\0");
    let frame = Frames::new(&stream, 100).next().unwrap().unwrap();
    assert_eq!(format!("{frame:?}"), "Frame(p 8)");
}
