//! What holds for all bytes: nothing panics, what is written can be read, and how a stream is split into reads
//! makes no difference.

use proptest::prelude::*;

use crate::mysql::capability::Capabilities;
use crate::mysql::column_type::ColumnType;
use crate::mysql::command::Command;
use crate::mysql::command::execute::{BoundValue, ParameterType};
use crate::mysql::encode::{self, server};
use crate::mysql::frame::{Limits, Piece, Scanner, message, renumber};
use crate::mysql::handshake::{ClientHello, Greeting};
use crate::mysql::response::OkPacket;
use crate::mysql::result::{Reply, ReplyKind};
use crate::mysql::row::{Value, check_text_row, text_values};

fn capabilities() -> impl Strategy<Value = Capabilities> {
    (any::<u32>(), any::<u32>()).prop_map(|(low, high)| Capabilities::from_halves(low, high))
}

/// The payloads of a stream that arrives in reads that end at these positions.
fn cut(limits: Limits, stream: &[u8], ends: &[usize]) -> (Vec<Vec<u8>>, bool) {
    let mut scanner = Scanner::new(0, limits);
    let (mut start, mut partial, mut whole) = (0, Vec::new(), Vec::new());
    for end in ends.iter().copied().chain([stream.len()]) {
        loop {
            let piece = match scanner.next(&stream[start..end]) {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(_) => return (whole, true),
            };
            partial.extend_from_slice(piece.bytes());
            start = start.checked_add(piece.bytes().len()).unwrap();
            if matches!(piece, Piece::Whole { .. } | Piece::Part { last: true, .. }) {
                whole.push(std::mem::take(&mut partial));
            }
        }
    }
    (whole, false)
}

fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..6)
}

proptest! {
    #[test]
    fn what_is_written_is_cut_again(payloads in payloads(), mut ends in prop::collection::vec(0_usize..500, 0..4), above in prop_oneof![Just(None), (0_usize..60).prop_map(Some)]) {
        let (mut stream, mut sequence) = (Vec::new(), 0);
        for payload in &payloads {
            encode::payload(&mut stream, &mut sequence, payload);
        }
        ends.iter_mut().for_each(|end| *end = (*end).min(stream.len()));
        ends.sort_unstable();
        let limits = Limits { payload_max: 100, stream_above: above };
        let (packets, broken) = cut(limits, &stream, &ends);
        prop_assert!(!broken);
        prop_assert_eq!(packets.concat(), stream.clone());
        prop_assert_eq!(packets.len(), payloads.len());
        let mut numbered = stream.clone();
        renumber(&mut numbered, &mut 9);
        renumber(&mut numbered, &mut 0);
        prop_assert_eq!(numbered, stream);
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), capabilities in capabilities(), kind in 0_usize..7) {
        let kinds = [ReplyKind::Statement { cursor: false }, ReplyKind::Statement { cursor: true }, ReplyKind::Prepare, ReplyKind::Fetch, ReplyKind::FieldList, ReplyKind::Statistics, ReplyKind::Simple];
        let _greeting = Greeting::parse(&bytes);
        let _hello = ClientHello::parse(&bytes, capabilities);
        let _command = Command::parse(&bytes, capabilities);
        let mut reply = Reply::new(kinds[kind], capabilities);
        let mut rest = bytes.as_slice();
        let mut sequence = 0;
        while let Ok(Some(read)) = message(rest, sequence, 1000) {
            sequence = read.sequence.wrapping_add(1);
            if reply.take(&read.payload, read.payload.len(), true).is_err() {
                break;
            }
            rest = &rest[read.consumed..];
        }
    }

    #[test]
    fn rows_are_read_as_they_were_written(values in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..300)), 0..8)) {
        let borrowed: Vec<_> = values.iter().map(Option::as_deref).collect();
        let mut out = Vec::new();
        server::text_row(&mut out, &mut 1, &borrowed);
        let read: Vec<_> = text_values(&out[4..]).collect();
        prop_assert_eq!(&read, &borrowed);
        prop_assert!(check_text_row(&out[4..], values.len()).is_ok());
        prop_assert!(check_text_row(&out[4..], values.len().checked_add(1).unwrap()).is_err());
    }

    #[test]
    fn success_is_read_as_it_was_written(affected_rows in any::<u64>(), last_insert_id in any::<u64>(), warnings in any::<u16>(), info in prop::collection::vec(any::<u8>(), 0..300), capabilities in capabilities()) {
        let ok = OkPacket { affected_rows, last_insert_id, warnings, info: &info, ..OkPacket::default() };
        let mut out = Vec::new();
        server::ok(&mut out, &mut 1, &ok, capabilities).unwrap();
        prop_assert_eq!(OkPacket::parse(&out[4..], capabilities).unwrap(), ok);
    }

    #[test]
    fn bound_integers_keep_value_and_sign(signed in any::<i64>(), unsigned in any::<u64>(), small in any::<i16>()) {
        let payload = [b"\x17\x07\0\0\0\0\x01\0\0\0\0\x01\x08\0\x08\x80\x02\0".as_slice(), &signed.to_le_bytes(), &unsigned.to_le_bytes(), &small.to_le_bytes()].concat();
        let Ok(Command::StmtExecute(execute)) = Command::parse(&payload, Capabilities::NONE) else {
            panic!("not an execution");
        };
        let bound = execute.bind(3, None, |_| false).unwrap();
        let values = [Value::Int(signed), Value::UInt(unsigned), Value::Int(i64::from(small))];
        prop_assert_eq!(bound.values, values.map(BoundValue::Value).to_vec());
        let types = bound.new_types.unwrap();
        prop_assert_eq!(types[1], ParameterType { kind: ColumnType::LongLong, unsigned: true });
    }
}
