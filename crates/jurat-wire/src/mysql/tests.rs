//! Tests of the parsers against bytes as MySQL, MariaDB and their drivers write them, and against
//! bytes that only an attacker would write.

mod command;
mod encode;
mod frame;
mod handshake;
mod properties;
mod response;
mod result;
mod row;

use super::error::ParseError;

/// A packet with its header.
fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let [a, b, c, ..] = payload.len().to_le_bytes();
    [&[a, b, c, sequence], payload].concat()
}

/// What a test expects to be said of bytes that end too early.
fn is_truncation(error: ParseError) -> bool {
    matches!(error, ParseError::Truncated { .. } | ParseError::MissingTerminator { .. })
}

/// A payload that parses must fail at every shorter length, and with one byte more.
fn check_exact(name: &str, payload: &[u8], parse: impl Fn(&[u8]) -> Result<(), ParseError>) {
    assert_eq!(parse(payload), Ok(()), "{name}: the whole payload");
    for end in 0..payload.len() {
        let error = parse(&payload[..end]).expect_err(name);
        assert!(is_truncation(error), "{name}: {end} of {} bytes: {error}", payload.len());
    }
    for extra in [0, 1, 0xff] {
        let longer = [payload, &[extra]].concat();
        assert_eq!(parse(&longer), Err(ParseError::TrailingBytes(1)), "{name}: then {extra}");
    }
}
