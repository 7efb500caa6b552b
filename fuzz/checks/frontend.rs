//! A stream of client messages: what parses is written again and must be the same bytes, and
//! cutting the stream in two must give the same messages.

use jurat_wire::postgres::encode::frontend as encode;
use jurat_wire::postgres::frame::{Frame, Frames, Limits, Piece, Scanner, Sender};
use jurat_wire::postgres::frontend::{
    Bind, Frontend, FunctionCall, SaslInitial, parse_frontend, parse_password,
};
use jurat_wire::postgres::value::{Formats, Values};

const BODY_MAX: usize = 1 << 20;

/// Checks one input.
pub(crate) fn check(data: &[u8]) {
    for frame in Frames::new(data, BODY_MAX) {
        let Ok(frame) = frame else { break };
        if let Ok(message) = parse_frontend(frame.tag, frame.body) {
            compare(&frame, &message);
        }
    }
    let whole = cut(&[data]);
    for at in [1, 4, 5, 6, data.len() / 2] {
        let (head, tail) = data.split_at(at.min(data.len()));
        assert_eq!(whole, cut(&[head, tail]), "cut at {at}");
    }
}

/// The message written from its fields is the message that was read; lists have their length.
fn compare(frame: &Frame<'_>, message: &Frontend<'_>) {
    let mut out = Vec::new();
    let written = match message {
        Frontend::Bind(Bind { parameter_formats, parameters, result_formats, .. }) => {
            check_formats(parameter_formats);
            check_formats(result_formats);
            check_values(parameters);
            return;
        }
        Frontend::FunctionCall(FunctionCall { argument_formats, arguments, .. }) => {
            check_formats(argument_formats);
            check_values(arguments);
            return;
        }
        Frontend::Password(body) => {
            if let Ok(initial) = SaslInitial::parse(body) {
                assert!(initial.mechanism.len() < frame.body.len());
            }
            let Ok(password) = parse_password(body) else { return };
            encode::password(&mut out, password.expose())
        }
        Frontend::CopyData(_) | Frontend::CopyDone => return,
        Frontend::Close { target, name } => encode::close(&mut out, *target, name),
        Frontend::CopyFail { message } => encode::copy_fail(&mut out, message),
        Frontend::Describe { target, name } => encode::describe(&mut out, *target, name),
        Frontend::Execute { portal, max_rows } => encode::execute(&mut out, portal, *max_rows),
        Frontend::Parse { name, text, parameter_types } => {
            encode::parse(&mut out, name, text, parameter_types.iter())
        }
        Frontend::Query { text } => encode::query(&mut out, text),
        Frontend::Flush => {
            encode::flush(&mut out);
            Ok(())
        }
        Frontend::Sync => {
            encode::sync(&mut out);
            Ok(())
        }
        Frontend::Terminate => {
            encode::terminate(&mut out);
            Ok(())
        }
    };
    written.expect("what was read can be written");
    assert_eq!(out, frame.whole);
}

fn check_formats(formats: &Formats<'_>) {
    assert_eq!(formats.iter().count(), formats.len());
}

fn check_values(values: &Values<'_>) {
    assert_eq!(values.iter().count(), values.len());
}

/// The messages of a stream that arrives in these reads, and whether it broke. Long CopyData is put
/// together again.
fn cut(reads: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let limits = Limits { body_max: BODY_MAX, stream_above: Some(16) };
    let mut scanner = Scanner::new(Sender::Frontend, limits);
    let (mut buffer, mut messages) = (Vec::new(), Vec::new());
    let mut partial: Vec<u8> = Vec::new();
    for read in reads {
        buffer.extend_from_slice(read);
        loop {
            let piece = match scanner.next(&buffer) {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(_) => return (messages, true),
            };
            let used = piece.bytes().len();
            assert!(used > 0, "a step without progress would never end");
            partial.extend_from_slice(piece.bytes());
            if matches!(piece, Piece::Frame(_) | Piece::StreamPart { last: true, .. }) {
                messages.push(std::mem::take(&mut partial));
            }
            buffer.drain(..used);
        }
    }
    (messages, false)
}
