//! Strings of bytes in a text: `'…'` and `_binary'…'` with whatever bytes a driver was given.
//!
//! Drivers that write parameters into the text do so for blobs (PyMySQL, mysqlclient). Such a text is not UTF-8, so a
//! string that is not is written down as `x'…'`, which is the same bytes. What is judged and sent is that text; so a
//! mistake here could change a value and never what is judged.

/// The text with such strings in digits; nothing where other parts of it are not UTF-8, or where a string is said to be in a
/// character set.
pub(crate) fn in_digits(bytes: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    let mut rest = bytes;
    while let Some(length) = piece(rest) {
        let (piece, behind) = rest.split_at_checked(length)?;
        rest = behind;
        match std::str::from_utf8(piece) {
            Ok(text) => out.push_str(text),
            Err(_) if piece.starts_with(b"'") || piece.starts_with(b"\"") => {
                if ends_with_other_introducer(&out) {
                    return None;
                }
                push_digits(&mut out, piece);
            }
            Err(_) => return None,
        }
    }
    Some(out)
}

/// The length of what comes next: a string or quoted name, a comment, or anything else up to one of these.
fn piece(bytes: &[u8]) -> Option<usize> {
    let (first, behind) = bytes.split_first()?;
    let to = |found: Option<usize>, more: usize| {
        Some(found.map_or(bytes.len(), |at| at.saturating_add(more)))
    };
    match (first, behind) {
        (b'\'' | b'"' | b'`', _) => Some(quoted(bytes, *first)),
        (b'#', _) | (b'-', [b'-', ..]) => to(bytes.iter().position(|byte| *byte == b'\n'), 1),
        (b'/', [b'*', ..]) => {
            let end =
                behind.get(1..).and_then(|inner| inner.windows(2).position(|two| two == b"*/"));
            to(end, 4)
        }
        _ => {
            let plain = |byte: &u8| !matches!(byte, b'\'' | b'"' | b'`' | b'#' | b'-' | b'/');
            let end = behind.iter().position(|byte| !plain(byte));
            to(end, 1)
        }
    }
}

/// The length of a quoted piece with its quotes, to the end of the text where it is not closed.
fn quoted(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        at = at.saturating_add(1);
        if *byte == b'\\' && quote != b'`' {
            at = at.saturating_add(1);
        } else if *byte == quote {
            if bytes.get(at) != Some(&quote) {
                break;
            }
            at = at.saturating_add(1);
        }
    }
    at.min(bytes.len())
}

/// Whether a word is at the end that says that a string behind it is in a character set, or has another meaning (`N'…'`).
/// A word of the grammar may stand there (`SELECT'…'`).
fn ends_with_other_introducer(out: &str) -> bool {
    let out = out.trim_end_matches([' ', '\t', '\n', '\r']);
    let before = out
        .trim_end_matches(|char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '$'));
    let word = out.get(before.len()..).unwrap_or_default();
    let is_name = before.ends_with(['@', '.']);
    let is_binary = word.eq_ignore_ascii_case("_binary") && !is_name;
    !is_binary && (is_name || word.starts_with('_') || word.len() == 1)
}

/// Writes the value of a literal in hexadecimal digits. Source: "String Literals" in the manuals of both servers.
fn push_digits(out: &mut String, literal: &[u8]) {
    let Some((quote, inner)) = literal.split_first() else { return };
    let inner = inner.strip_suffix(&[*quote]).unwrap_or(inner);
    out.push_str(" x'");
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        let value = match byte {
            b'\\' => match bytes.next().unwrap_or(byte) {
                b'0' => 0,
                b'b' => 8,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'Z' => 0x1a,
                wild @ (b'%' | b'_') => {
                    push_byte(out, b'\\');
                    *wild
                }
                other => *other,
            },
            byte if byte == quote => {
                // It is doubled, or it would have closed the string.
                bytes.next();
                *quote
            }
            byte => *byte,
        };
        push_byte(out, value);
    }
    out.push('\'');
}

fn push_byte(out: &mut String, byte: u8) {
    for digit in [byte >> 4, byte & 0xf] {
        out.extend(char::from_digit(u32::from(digit), 16));
    }
}

#[cfg(test)]
mod tests {
    use super::in_digits;

    #[test]
    fn strings_of_bytes_are_written_in_digits() {
        for (text, expected) in [
            (&b"SELECT _binary'\xff\\0\\'''\\%a'"[..], "SELECT _binary x'ff0027275c2561'"),
            (
                b"INSERT INTO t VALUES (_BINARY \"\xff\"\"\", 'x')",
                "INSERT INTO t VALUES (_BINARY  x'ff22', 'x')",
            ),
            (b"SELECT '\xff', \"\xfe\", 'a'", "SELECT  x'ff',  x'fe', 'a'"),
            (b"SELECT'\xff'", "SELECT x'ff'"),
            (b"SELECT _binary'a', _binary'\xfe', 1", "SELECT _binary'a', _binary x'fe', 1"),
            (b"SELECT 1 -- it's\n, _binary'\xfe'", "SELECT 1 -- it's\n, _binary x'fe'"),
            (
                b"SELECT 1 /* it's */, 4 / 2 - 1, _binary'\xfe'",
                "SELECT 1 /* it's */, 4 / 2 - 1, _binary x'fe'",
            ),
        ] {
            assert_eq!(in_digits(text).as_deref(), Some(expected));
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        for text in [
            &b"SELECT \xff"[..],
            b"SELECT n'\xff'",
            b"SELECT x'\xff'",
            b"SELECT /* \xff */ 1",
            b"SELECT @_binary'\xff'",
            b"SELECT _latin1'\xff'",
            b"SELECT _binary`\xff`",
        ] {
            assert_eq!(in_digits(text), None, "{}", text.escape_ascii());
        }
    }
}
