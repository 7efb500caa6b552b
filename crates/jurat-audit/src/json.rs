//! JSON by hand, for the two kinds of records that are written for every statement. Serde takes several times
//! as long for them.

use jurat_types::{Outcome, OutcomeRecord};

/// Appends the bytes that serde gives for an outcome.
pub(crate) fn outcome(out: &mut Vec<u8>, record: &OutcomeRecord) {
    let OutcomeRecord { decision_id, outcome, rows, command, sqlstate, duration_us } = record;
    out.extend_from_slice(b"{\"decision_id\":");
    string(out, decision_id);
    out.extend_from_slice(match outcome {
        Outcome::Done => b",\"outcome\":\"done\",\"rows\":",
        Outcome::Failed => b",\"outcome\":\"failed\",\"rows\":",
        Outcome::RolledBack => b",\"outcome\":\"rolled_back\",\"rows\":",
        Outcome::Skipped => b",\"outcome\":\"skipped\",\"rows\":",
        Outcome::Unknown => b",\"outcome\":\"unknown\",\"rows\":",
    });
    match rows {
        Some(rows) => number(out, *rows),
        None => out.extend_from_slice(NULL),
    }
    out.extend_from_slice(b",\"command\":");
    optional(out, command.as_deref());
    out.extend_from_slice(b",\"sqlstate\":");
    optional(out, sqlstate.as_deref());
    out.extend_from_slice(b",\"duration_us\":");
    number(out, *duration_us);
    out.push(b'}');
}

const NULL: &[u8] = b"null";

fn optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => string(out, text),
        None => out.extend_from_slice(NULL),
    }
}

/// Appends a text in quotes. Most texts need no escape, and looking is cheaper than escaping.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    // Without an early exit the compiler looks at many bytes at once.
    let escapes = |found, byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\');
    if !text.bytes().fold(false, escapes) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else if serde_json::to_writer(&mut *out, text).is_err() {
        // Writing a text into memory does not fail; a record that breaks off is seen as such.
        out.push(b'"');
    }
}

/// Appends a number in decimal digits.
pub(crate) fn number(out: &mut Vec<u8>, number: u64) {
    /// `u64::MAX` has twenty digits.
    const DIGITS_MAX: usize = 20;
    let mut digits = [b'0'; DIGITS_MAX];
    let (mut rest, mut start) = (number, DIGITS_MAX);
    let (pairs, _) = digits.as_chunks_mut::<2>();
    for pair in pairs.iter_mut().rev() {
        let two = u8::try_from(rest % 100).unwrap_or_default();
        *pair = [b'0' + two / 10, b'0' + two % 10];
        rest /= 100;
        start -= 2;
        if rest == 0 {
            start += usize::from(two < 10);
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// The same for a number that may be below zero.
pub(crate) fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    number(out, value.unsigned_abs());
}

#[cfg(test)]
mod tests {
    use jurat_types::{Outcome, OutcomeRecord};

    #[test]
    fn an_outcome_is_what_serde_writes() {
        use Outcome::{Done, Failed, Skipped, Unknown};
        let long = "INSERT\u{1}\"\\é";
        for (outcome, rows, command, sqlstate) in [
            (Done, Some(0), Some("SELECT"), None),
            (Failed, None, None, Some("42P01")),
            (Skipped, None, None, None),
            (Unknown, Some(u64::MAX), Some(long), Some(long)),
        ] {
            let record = OutcomeRecord {
                decision_id: "0199-a".to_owned(),
                outcome,
                rows,
                command: command.map(str::to_owned),
                sqlstate: sqlstate.map(str::to_owned),
                duration_us: 1234,
            };
            let mut out = Vec::new();
            super::outcome(&mut out, &record);
            assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&record).unwrap());
        }
    }

    #[test]
    fn numbers_are_what_the_standard_library_writes() {
        for number in [0, 9, 10, 99, 100, 305, 4711, i64::MAX, -1, i64::MIN] {
            let mut out = Vec::new();
            super::signed(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
        let mut out = Vec::new();
        super::number(&mut out, u64::MAX);
        assert_eq!(String::from_utf8(out).unwrap(), u64::MAX.to_string());
    }
}
