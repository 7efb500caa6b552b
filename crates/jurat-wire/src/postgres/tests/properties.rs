//! What holds for all bytes: nothing panics, what is read can be written again, and how a stream is
//! split into reads makes no difference.

use proptest::prelude::*;

use super::message;
use crate::postgres::backend::{Backend, parse_backend};
use crate::postgres::encode::{backend, frontend};
use crate::postgres::error::FrameError;
use crate::postgres::frame::{Frames, Limits, Piece, Scanner, Sender};
use crate::postgres::frontend::{Frontend, SaslInitial, parse_frontend, parse_password};
use crate::postgres::startup::{
    CANCEL_REQUEST, SSL_REQUEST, Startup, parse_startup, parse_startup_len,
};
use crate::postgres::value::{Secret, Target};

/// The messages of a stream, and what ended it.
type Cut = (Vec<Vec<u8>>, Option<FrameError>);

/// Cuts a stream that arrives in reads that end at these positions, and puts the pieces of long
/// messages together again.
fn cut(sender: Sender, limits: Limits, stream: &[u8], ends: &[usize]) -> Cut {
    let mut scanner = Scanner::new(sender, limits);
    let (mut start, mut partial, mut messages) = (0, Vec::new(), Vec::new());
    for end in ends.iter().copied().chain([stream.len()]) {
        loop {
            let piece = match scanner.next(&stream[start..end]) {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            };
            assert!(!piece.bytes().is_empty(), "every step makes progress");
            partial.extend_from_slice(piece.bytes());
            start = start.checked_add(piece.bytes().len()).unwrap();
            if matches!(piece, Piece::Frame(_) | Piece::StreamPart { last: true, .. }) {
                assert!(!scanner.mid_message());
                messages.push(std::mem::take(&mut partial));
            }
        }
    }
    (messages, None)
}

fn limits() -> impl Strategy<Value = Limits> {
    let stream_above = prop_oneof![Just(None), (0_usize..40).prop_map(Some)];
    stream_above.prop_map(|stream_above| Limits { body_max: 60, stream_above })
}

fn client_stream() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop::sample::select(b"QPBDECSHXFdcfpZ".to_vec());
    stream(tag)
}

fn server_stream() -> impl Strategy<Value = Vec<u8>> {
    stream(prop::sample::select(b"DDDdTCZENSARt1Q".to_vec()))
}

/// Messages, some of them too long or of an unknown type, and perhaps half a message at the end.
fn stream(tag: impl Strategy<Value = u8>) -> impl Strategy<Value = Vec<u8>> {
    let one = (tag, prop::collection::vec(any::<u8>(), 0..64))
        .prop_map(|(tag, body)| message(tag, &body));
    (prop::collection::vec(one, 0..8), 0_usize..4).prop_map(|(messages, lost)| {
        let mut stream = messages.concat();
        stream.truncate(stream.len().saturating_sub(lost));
        stream
    })
}

fn ends(stream: &[u8], ends: &[prop::sample::Index]) -> Vec<usize> {
    let mut ends: Vec<usize> =
        ends.iter().map(|end| end.index(stream.len().saturating_add(1))).collect();
    ends.sort_unstable();
    ends
}

/// What a parser may be given.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    // Small numbers and NUL bytes come up often, because these messages consist of them.
    let byte = prop_oneof![3 => 0_u8..4, 1 => Just(0xff), 2 => any::<u8>()];
    prop::collection::vec(byte, 0..80)
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1_u8.., 0..20)
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![Just(Target::Portal), Just(Target::Statement)]
}

proptest! {
    #[test]
    fn every_split_of_a_client_stream_gives_the_same_messages(
        stream in client_stream(),
        limits in limits(),
        at in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = cut(Sender::Frontend, limits, &stream, &[]);
        prop_assert_eq!(&whole, &cut(Sender::Frontend, limits, &stream, &ends(&stream, &at)));
        let bytes: Vec<usize> = (0..stream.len()).collect();
        prop_assert_eq!(&whole, &cut(Sender::Frontend, limits, &stream, &bytes));
    }

    #[test]
    fn every_split_of_a_server_stream_gives_the_same_messages(
        stream in server_stream(),
        limits in limits(),
        at in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = cut(Sender::Backend, limits, &stream, &[]);
        prop_assert_eq!(&whole, &cut(Sender::Backend, limits, &stream, &ends(&stream, &at)));
        let bytes: Vec<usize> = (0..stream.len()).collect();
        prop_assert_eq!(&whole, &cut(Sender::Backend, limits, &stream, &bytes));
    }

    #[test]
    fn the_messages_of_a_stream_are_the_stream(stream in client_stream()) {
        let mut frames = Frames::new(&stream, 60);
        let mut wholes = Vec::new();
        for frame in frames.by_ref().map_while(Result::ok) {
            wholes.extend_from_slice(frame.whole);
        }
        prop_assert_eq!(&wholes[..], &stream[..frames.consumed()]);
    }

    #[test]
    fn no_client_body_panics_and_its_lists_have_their_length(tag in any::<u8>(), body in bodies()) {
        for tag in b"QPBDECSHXFdcfp".iter().copied().chain([tag]) {
            match parse_frontend(tag, &body) {
                Ok(Frontend::Bind(bind)) => {
                    prop_assert_eq!(bind.parameters.iter().count(), bind.parameters.len());
                    for formats in [bind.parameter_formats, bind.result_formats] {
                        prop_assert_eq!(formats.iter().count(), formats.len());
                    }
                    for position in 0..bind.parameters.len() {
                        prop_assert!(bind.parameter_formats.of(position).is_some());
                    }
                }
                Ok(Frontend::FunctionCall(call)) => {
                    prop_assert_eq!(call.arguments.iter().count(), call.arguments.len());
                }
                Ok(Frontend::Parse { parameter_types, .. }) => {
                    prop_assert_eq!(parameter_types.iter().count(), parameter_types.len());
                }
                Ok(_) | Err(_) => {}
            }
        }
        let secret = Secret::new(&body);
        let first_nul = body.iter().position(|byte| *byte == 0);
        let ends_there = first_nul.is_some() && first_nul == body.len().checked_sub(1);
        prop_assert_eq!(parse_password(&secret).is_ok(), ends_there);
        let initial = SaslInitial::parse(&secret);
        prop_assert!(initial.is_err() || body.len() >= 5);
    }

    #[test]
    fn no_server_body_panics_and_its_lists_have_their_length(tag in any::<u8>(), body in bodies()) {
        for tag in b"RKS23CWdcGHDIEVvnNAt1sZT".iter().copied().chain([tag]) {
            match parse_backend(tag, &body) {
                Ok(Backend::DataRow(values)) => {
                    prop_assert_eq!(values.iter().count(), values.len());
                }
                Ok(Backend::RowDescription(row)) => {
                    prop_assert_eq!(row.fields().count(), row.len());
                }
                Ok(Backend::ErrorResponse(fields)) => {
                    // A letter and a NUL byte for each text, and the NUL byte at the end.
                    let field = |(_, text): (u8, &[u8])| text.len().saturating_add(2);
                    let texts: usize = fields.iter().map(field).sum();
                    prop_assert_eq!(texts.saturating_add(1), body.len());
                }
                Ok(Backend::NegotiateProtocolVersion(answer)) => {
                    prop_assert_eq!(answer.unrecognized().count(), answer.unrecognized_len());
                }
                Ok(_) | Err(_) => {}
            }
        }
    }

    #[test]
    fn no_first_packet_panics(
        body in bodies(),
        version in prop::sample::select(vec![0x0003_0000_u32, CANCEL_REQUEST, SSL_REQUEST]),
    ) {
        // What parses is as long as it says.
        let length = parse_startup_len(&body);
        prop_assert!(parse_startup(&body).is_err() || length == Ok(Some(body.len())));
        let length = u32::try_from(body.len()).unwrap().saturating_add(8);
        let packet = [&length.to_be_bytes()[..], &version.to_be_bytes(), &body].concat();
        if let Ok(Startup::Startup(message)) = parse_startup(&packet) {
            let mut out = Vec::new();
            frontend::startup(&mut out, message.minor, &message.parameters).unwrap();
            prop_assert_eq!(out, packet);
        }
    }

    #[test]
    fn a_start_up_message_that_was_written_reads_the_same(
        minor in any::<u16>(),
        parameters in prop::collection::vec(("[^\0]{1,10}", "[^\0]{0,20}"), 0..8),
    ) {
        let parameters: Vec<(&str, &str)> =
            parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut out = Vec::new();
        frontend::startup(&mut out, minor, &parameters).unwrap();
        let Ok(Startup::Startup(message)) = parse_startup(&out) else { panic!("a start-up") };
        prop_assert_eq!((message.major, message.minor, message.parameters), (3, minor, parameters));
    }

    #[test]
    fn client_messages_that_were_written_read_the_same(
        one in name(), two in name(), types in prop::collection::vec(any::<u32>(), 0..5),
        rows in any::<i32>(), target in target(),
    ) {
        let mut out = Vec::new();
        frontend::query(&mut out, &two).unwrap();
        frontend::parse(&mut out, &one, &two, types.iter().copied()).unwrap();
        frontend::execute(&mut out, &one, rows).unwrap();
        frontend::describe(&mut out, target, &one).unwrap();
        let frames: Vec<_> = Frames::new(&out, 1_000).map(Result::unwrap).collect();
        let read: Vec<_> =
            frames.iter().map(|frame| parse_frontend(frame.tag, frame.body).unwrap()).collect();
        let [
            Frontend::Query { text: query },
            Frontend::Parse { name, text, parameter_types },
            Frontend::Execute { portal, max_rows },
            Frontend::Describe { target: described, name: description },
        ] = read[..] else { panic!("{read:?}") };
        prop_assert_eq!((query, name, text), (&two[..], &one[..], &two[..]));
        prop_assert_eq!(parameter_types.iter().collect::<Vec<_>>(), types);
        prop_assert_eq!((portal, max_rows), (&one[..], rows));
        prop_assert_eq!((described, description), (target, &one[..]));
    }

    #[test]
    fn rows_that_were_written_read_the_same(
        values in prop::collection::vec(prop::option::of(bodies()), 0..8),
    ) {
        let borrowed: Vec<Option<&[u8]>> = values.iter().map(Option::as_deref).collect();
        let mut out = Vec::new();
        backend::data_row(&mut out, &borrowed).unwrap();
        let Ok(Backend::DataRow(row)) = parse_backend(out[0], &out[5..]) else { panic!("a row") };
        prop_assert_eq!(row.iter().collect::<Vec<_>>(), borrowed);
    }
}
