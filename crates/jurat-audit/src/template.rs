//! The record of a decision, prepared for the next runs of the same statement: almost all of its bytes
//! are the same each time, and serializing them costs more than everything else about it.

use std::io::Write as _;

use jurat_types::{DecisionRecord, RecordBody, SessionTotals, TimeFacts};

/// The bytes of a decision record with gaps for what differs from run to run.
#[derive(Debug)]
pub struct DecisionTemplate {
    /// All pieces, one behind the other.
    bytes: Box<[u8]>,
    /// Where each gap is, in the order of [`GAPS`].
    gaps: [usize; GAPS.len()],
}

/// What differs between two records of one decision.
#[derive(Clone, Copy, Debug)]
pub struct DecisionRun<'a> {
    /// The decision's id, a UUIDv7; it stands in the input too.
    pub decision_id: &'a str,
    /// When it was made.
    pub time: &'a TimeFacts,
    /// Whether a transaction block is open.
    pub in_transaction: bool,
    /// The session's totals before it.
    pub totals: SessionTotals,
    /// The text as it is recorded, literals taken out unless policy asks for them.
    pub text: &'a str,
    /// The SHA-256 (hex) of the judged text.
    pub sha256: &'a str,
    /// The SHA-256 (hex) of the text that is sent.
    pub sent_sha256: Option<&'a str>,
    /// What judging took, nanoseconds.
    pub judge_ns: u64,
}

#[derive(Clone, Copy, Debug)]
enum Gap {
    DecisionId,
    Time,
    InTransaction,
    Totals,
    Text,
    Sha256,
    JudgeNs,
    SentSha256,
}

/// The timer that a record carries.
pub const JUDGE_TIMER: &str = "timer_jurat_judge_ns";

/// The gaps in the order of the record: how the value in front of which a piece ends is introduced, and
/// its blank form.
const GAPS: [(&str, &str, Gap); 9] = [
    ("\"decision_id\":", "\"\"", Gap::DecisionId),
    ("\"request_id\":", "\"\"", Gap::DecisionId),
    ("\"time\":", BLANK_TIME, Gap::Time),
    ("\"in_transaction\":", "false", Gap::InTransaction),
    ("\"totals\":", BLANK_TOTALS, Gap::Totals),
    ("\"text\":", "\"\"", Gap::Text),
    ("\"sha256\":", "\"\"", Gap::Sha256),
    ("\"timer_jurat_judge_ns\":", "0", Gap::JudgeNs),
    ("\"sent_sha256\":", "null", Gap::SentSha256),
];

const BLANK_TIME: &str = "{\"now_ns\":0,\"rfc3339\":\"\",\"weekday\":\"\",\"hour\":0,\"tz\":\"\"}";
const BLANK_TOTALS: &str = "{\"statements\":0,\"rows_read\":0,\"rows_written\":0,\"denied\":0}";

impl DecisionTemplate {
    /// Prepares the record of a decision on a statement. Nothing where it cannot be prepared, because what
    /// it says besides looks like one of the gaps; each such record is then serialized as a whole.
    ///
    /// The result is compared with what serde gives for the same record, so a template that exists writes
    /// the right bytes.
    #[must_use]
    pub fn new(record: &DecisionRecord) -> Option<Self> {
        let statement = record.input.statement.as_ref()?;
        let mut blank = record.clone();
        blank.decision_id.clear();
        blank.input.request_id.clear();
        blank.input.time = TimeFacts::default();
        blank.input.session.in_transaction = false;
        blank.input.session.totals = SessionTotals::default();
        if let Some(statement) = &mut blank.input.statement {
            statement.text.clear();
            statement.sha256.clear();
        }
        let timer = blank.metrics.get_mut(JUDGE_TIMER)?;
        let judge_ns = std::mem::take(timer);
        blank.sent_sha256 = None;

        let blank = serde_json::to_string(&RecordBody::Decision(Box::new(blank))).ok()?;
        let mut bytes = String::with_capacity(blank.len());
        let mut gaps = [0; GAPS.len()];
        let mut rest = blank.as_str();
        for (at, (name, value, _)) in gaps.iter_mut().zip(GAPS) {
            let (before, after) = rest.split_once(&format!("{name}{value}"))?;
            bytes.push_str(before);
            bytes.push_str(name);
            *at = bytes.len();
            rest = after;
        }
        bytes.push_str(rest);
        let template = Self { bytes: bytes.into_bytes().into(), gaps };

        let run = DecisionRun {
            decision_id: &record.decision_id,
            time: &record.input.time,
            in_transaction: record.input.session.in_transaction,
            totals: record.input.session.totals,
            text: &statement.text,
            sha256: &statement.sha256,
            sent_sha256: record.sent_sha256.as_deref(),
            judge_ns,
        };
        let mut rendered = Vec::with_capacity(blank.len() + 512);
        template.render(&run, &mut rendered);
        let expected = serde_json::to_vec(&RecordBody::Decision(Box::new(record.clone()))).ok()?;
        (rendered == expected).then_some(template)
    }

    /// Appends the record's JSON.
    pub(crate) fn render(&self, run: &DecisionRun<'_>, out: &mut Vec<u8>) {
        let mut from = 0;
        for (to, (_, _, gap)) in self.gaps.iter().zip(GAPS) {
            out.extend_from_slice(self.bytes.get(from..*to).unwrap_or_default());
            from = *to;
            match gap {
                Gap::DecisionId => string(out, run.decision_id),
                Gap::Time => {
                    let TimeFacts { now_ns, rfc3339, weekday, hour, tz } = run.time;
                    put(out, format_args!("{{\"now_ns\":{now_ns},\"rfc3339\":"));
                    string(out, rfc3339);
                    out.extend_from_slice(b",\"weekday\":");
                    string(out, weekday);
                    put(out, format_args!(",\"hour\":{hour},\"tz\":"));
                    string(out, tz);
                    out.push(b'}');
                }
                Gap::InTransaction => {
                    let word: &[u8] = if run.in_transaction { b"true" } else { b"false" };
                    out.extend_from_slice(word);
                }
                Gap::Totals => {
                    let SessionTotals { statements, rows_read, rows_written, denied } = run.totals;
                    put(
                        out,
                        format_args!(
                            "{{\"statements\":{statements},\"rows_read\":{rows_read},\
                             \"rows_written\":{rows_written},\"denied\":{denied}}}"
                        ),
                    );
                }
                Gap::Text => string(out, run.text),
                Gap::Sha256 => string(out, run.sha256),
                Gap::JudgeNs => put(out, format_args!("{}", run.judge_ns)),
                Gap::SentSha256 => match run.sent_sha256 {
                    Some(digest) => string(out, digest),
                    None => out.extend_from_slice(b"null"),
                },
            }
        }
        out.extend_from_slice(self.bytes.get(from..).unwrap_or_default());
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
