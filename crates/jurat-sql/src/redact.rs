//! Texts without their literals, and the digests that are made from them.

use jurat_types::Engine;
use ring::digest::{SHA256, digest};

use crate::limits::ReadLimits;
use crate::scan::{Kind, Piece, cut};

/// How many hexadecimal digits a fingerprint has.
const FINGERPRINT_DIGITS: usize = 16;

/// The text with every literal replaced by `?`; comments are left out, because they may hold values.
pub(crate) fn pieces(text: &str, pieces: &[Piece]) -> String {
    let mut redacted = String::with_capacity(text.len().min(4096));
    for piece in pieces {
        if piece.kind.is_literal() {
            redacted.push('?');
        } else if piece.kind.is_blank() {
            if !redacted.ends_with(' ') {
                redacted.push(' ');
            }
        } else {
            redacted.push_str(piece.of(text));
        }
    }
    redacted.trim().to_owned()
}

/// The text of a whole message with every literal replaced by `?`, or a note where it has no tokens.
pub(crate) fn text(bytes: &[u8], engine: Engine, limits: &ReadLimits) -> String {
    let unreadable = || format!("<unreadable, {} bytes>", bytes.len());
    if bytes.len() > limits.bytes_max {
        return unreadable();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => match cut(text, engine, limits.tokens_max) {
            Ok(found) => pieces(text, &found),
            Err(_) => unreadable(),
        },
        Err(_) => unreadable(),
    }
}

/// The same digits for texts that differ in their literals, their spacing and the length of lists of
/// literals only.
pub(crate) fn fingerprint(canonical: &str, engine: Engine, limits: &ReadLimits) -> String {
    match cut(canonical, engine, limits.tokens_max) {
        Ok(found) => fingerprint_of(canonical, &found),
        Err(_) => shortened(canonical),
    }
}

/// The fingerprint of a text that was cut before.
pub(crate) fn fingerprint_of(canonical: &str, found: &[Piece]) -> String {
    shortened(&shape(canonical, found))
}

fn shortened(shape: &str) -> String {
    let mut hex = sha256(shape.as_bytes());
    hex.truncate(FINGERPRINT_DIGITS);
    hex
}

/// The tokens with one space between them, literals as `?`, and `? , ?` as `?`.
fn shape(text: &str, found: &[Piece]) -> String {
    let mut words: Vec<&str> = Vec::with_capacity(found.len());
    for piece in found.iter().filter(|piece| !piece.kind.is_blank()) {
        let word = if piece.kind.is_literal() || piece.kind == Kind::Parameter {
            "?"
        } else if words.last() == Some(&"AS") && names_expression(piece, text) {
            "`?`"
        } else {
            piece.of(text)
        };
        if word == "?" && words.ends_with(&["?", ","]) {
            words.pop();
        } else {
            words.push(word);
        }
    }
    words.join(" ")
}

/// Whether a piece is the name of a result column that is its expression (`mysql/labels.rs`), literals and all.
fn names_expression(piece: &Piece, text: &str) -> bool {
    piece.kind == Kind::Quoted
        && piece.of(text).strip_prefix('`').is_some_and(|name| {
            name.starts_with(|c: char| c.is_ascii_digit())
                || name.contains(['(', '\'', '"', ' ', '+', '-', '*', '/', '=', '<', '>'])
        })
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' - 10 + half });
    let digest = digest(&SHA256, bytes);
    let mut hex = String::with_capacity(digest.as_ref().len().saturating_mul(2));
    for byte in digest.as_ref() {
        hex.push(digit(byte >> 4));
        hex.push(digit(byte & 0xf));
    }
    hex
}

#[cfg(test)]
mod tests {
    use jurat_types::Engine;

    use super::{fingerprint, sha256, text};
    use crate::limits::ReadLimits;

    #[test]
    fn no_literal_and_no_comment_survives() {
        let limits = ReadLimits::default();
        for (statement, expected) in [
            ("SELECT 'a''b', E'c\\'d', 1.5e3, $$x$$, $1 -- secret", "SELECT ?, ?, ?, ?, $1"),
            ("SELECT /* secret */ B'01', X'ff'", "SELECT ?, ?"),
            ("SELECT 'open", "<unreadable, 12 bytes>"),
        ] {
            assert_eq!(text(statement.as_bytes(), Engine::Postgres, &limits), expected);
        }
        assert_eq!(text(b"\xff", Engine::Postgres, &limits), "<unreadable, 1 bytes>");
    }

    #[test]
    fn a_fingerprint_ignores_values_and_the_length_of_lists() {
        let limits = ReadLimits::default();
        let one = fingerprint("SELECT a FROM t WHERE id IN (1)", Engine::Postgres, &limits);
        let two = fingerprint("SELECT a FROM t WHERE id IN (7, 'x',9)", Engine::Postgres, &limits);
        assert_eq!(one, two);
        assert_eq!(one.len(), 16);
        assert_ne!(one, fingerprint("SELECT b FROM t WHERE id IN (1)", Engine::Postgres, &limits));
        assert!(sha256(b"").starts_with("e3b0c442"));
    }
}
