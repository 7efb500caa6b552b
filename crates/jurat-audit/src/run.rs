//! The record of one more run under a decision that is on record: what is the same each time, a few
//! kilobytes, is referred to.

use jurat_types::{DecisionRecord, SessionTotals};

use crate::json;
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
    /// Where it judges what a statement has changed: the id of the judgement before that.
    pub result_of: Option<&'a str>,
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

    /// The same for a judgement of what a statement has changed, for which nothing is sent.
    #[must_use]
    pub fn of_result(record: &DecisionRecord) -> Option<Self> {
        let statement = record.input.statement.as_ref()?;
        Some(Self {
            text: statement.text.as_str().into(),
            sha256: statement.sha256.as_str().into(),
            sent_sha256: Box::default(),
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
        let &DecisionRun { now_ns, in_transaction, judge_ns, .. } = run;
        let SessionTotals { statements, rows_read, rows_written, denied } = run.totals;
        out.extend_from_slice(b"{\"type\":\"run\",\"of\":");
        json::number(out, self.seq);
        out.extend_from_slice(b",\"decision_id\":");
        json::string(out, run.decision_id);
        out.extend_from_slice(b",\"now_ns\":");
        json::signed(out, now_ns);
        out.extend_from_slice(match in_transaction {
            true => b",\"in_transaction\":true,\"totals\":{\"statements\":".as_slice(),
            false => b",\"in_transaction\":false,\"totals\":{\"statements\":".as_slice(),
        });
        json::number(out, statements);
        out.extend_from_slice(b",\"rows_read\":");
        json::number(out, rows_read);
        out.extend_from_slice(b",\"rows_written\":");
        json::number(out, rows_written);
        out.extend_from_slice(b",\"denied\":");
        json::number(out, denied);
        out.extend_from_slice(b"},\"judge_ns\":");
        json::number(out, judge_ns);
        for (name, here, there) in [
            (b",\"text\":".as_slice(), run.text, &self.text),
            (b",\"sha256\":".as_slice(), run.sha256, &self.sha256),
            (b",\"sent_sha256\":".as_slice(), run.sent_sha256, &self.sent_sha256),
        ] {
            if *here != **there {
                out.extend_from_slice(name);
                json::string(out, here);
            }
        }
        if let Some(result_of) = run.result_of {
            out.extend_from_slice(b",\"result_of\":");
            json::string(out, result_of);
        }
        out.push(b'}');
    }
}
