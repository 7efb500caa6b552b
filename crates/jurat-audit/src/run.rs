//! The record of one more run under a decision that is on record: what is the same each time, a few
//! kilobytes, is referred to.

use std::io::Write as _;

use jurat_types::{DecisionRecord, SessionTotals};

use crate::log::Receipt;

/// A decision record that stands in the log, for the records of further runs to refer to.
#[derive(Clone, Debug)]
pub struct DecisionModel {
    /// The file it stands in: each file can be read without the others.
    pub(crate) segment: u64,
    seq: u64,
    text: Box<str>,
    sha256: Box<str>,
    sent_sha256: Box<str>,
}

/// What differs between two records of one decision.
#[derive(Clone, Copy, Debug)]
pub struct DecisionRun<'a> {
    /// The decision's id, a UUIDv7; it stands in the input too.
    pub decision_id: &'a str,
    /// When it was made, nanoseconds since the Unix epoch.
    pub now_ns: i64,
    /// Whether a transaction block is open.
    pub in_transaction: bool,
    /// The session's totals before it.
    pub totals: SessionTotals,
    /// The text as it is recorded, literals taken out unless policy asks for them.
    pub text: &'a str,
    /// The SHA-256 (hex) of the judged text.
    pub sha256: &'a str,
    /// The SHA-256 (hex) of the text that is sent.
    pub sent_sha256: &'a str,
    /// What judging took, nanoseconds.
    pub judge_ns: u64,
}

/// The parts of a decision record in which another run may differ by a text, taken before the record is
/// given to the log.
#[derive(Debug)]
pub struct ModelParts {
    text: Box<str>,
    sha256: Box<str>,
    sent_sha256: Box<str>,
}

impl ModelParts {
    /// Nothing where the record is not about a statement that is let through.
    #[must_use]
    pub fn of(record: &DecisionRecord) -> Option<Self> {
        let statement = record.input.statement.as_ref()?;
        Some(Self {
            text: statement.text.as_str().into(),
            sha256: statement.sha256.as_str().into(),
            sent_sha256: record.sent_sha256.as_deref()?.into(),
        })
    }

    /// The model, once the record that these are the parts of stands in the log.
    #[must_use]
    pub fn stands_at(self, receipt: &Receipt) -> DecisionModel {
        let Self { text, sha256, sent_sha256 } = self;
        DecisionModel { segment: receipt.segment, seq: receipt.seq, text, sha256, sent_sha256 }
    }
}

impl DecisionModel {
    /// Appends the JSON of a run: the same bytes as serde gives for a [`jurat_types::RunRecord`] in a
    /// [`jurat_types::RecordBody`].
    pub(crate) fn render(&self, run: &DecisionRun<'_>, out: &mut Vec<u8>) {
        let DecisionRun { now_ns, in_transaction, judge_ns, .. } = run;
        let SessionTotals { statements, rows_read, rows_written, denied } = run.totals;
        put(out, format_args!("{{\"type\":\"run\",\"of\":{},\"decision_id\":", self.seq));
        string(out, run.decision_id);
        put(
            out,
            format_args!(
                ",\"now_ns\":{now_ns},\"in_transaction\":{in_transaction},\
                 \"totals\":{{\"statements\":{statements},\"rows_read\":{rows_read},\
                 \"rows_written\":{rows_written},\"denied\":{denied}}},\"judge_ns\":{judge_ns}"
            ),
        );
        for (name, here, there) in [
            ("text", run.text, &self.text),
            ("sha256", run.sha256, &self.sha256),
            ("sent_sha256", run.sent_sha256, &self.sent_sha256),
        ] {
            if *here != **there {
                put(out, format_args!(",\"{name}\":"));
                string(out, here);
            }
        }
        out.push(b'}');
    }
}

/// Most texts need no escape, and looking is cheaper than escaping.
fn string(out: &mut Vec<u8>, text: &str) {
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

fn put(out: &mut Vec<u8>, words: std::fmt::Arguments<'_>) {
    if out.write_fmt(words).is_err() {
        out.push(b'"');
    }
}
