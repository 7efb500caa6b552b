//! Tests of the parsers against bytes as PostgreSQL and its drivers write them, and against bytes
//! that only an attacker would write.

mod backend;
mod encode;
mod frame;
mod frontend;
mod properties;
mod startup;

use super::error::ParseError;

/// A message with its header.
fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().checked_add(4).unwrap();
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

/// The parts of a body, one after the other.
fn body(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// A body that parses must fail at every shorter length, and with one byte more.
fn check_exact(name: &str, body: &[u8], parse: impl Fn(&[u8]) -> Result<(), ParseError>) {
    assert_eq!(parse(body), Ok(()), "{name}: the whole body");
    for end in 0..body.len() {
        let error = parse(&body[..end]).expect_err(name);
        assert!(
            matches!(error, ParseError::Truncated { .. } | ParseError::MissingTerminator { .. }),
            "{name}: {end} of {} bytes: {error}",
            body.len()
        );
    }
    for extra in [0, 1, b'Q', 0xff] {
        let longer = [body, &[extra]].concat();
        assert_eq!(parse(&longer), Err(ParseError::TrailingBytes(1)), "{name}: then {extra}");
    }
}
