//! One record as the bytes of a line, and the few fields that hold the log together.

use std::borrow::Cow;

use jurat_types::{Effect, Outcome, Stage};
use serde::Deserialize;

use crate::hex;
use crate::json;
use crate::tree::Hash;

/// The `previous` of the first record.
pub(crate) const NO_PREVIOUS: Hash = [0; 32];

/// The most that a line has beside its body: the names, a number of 20 digits, the time, the hash.
pub(crate) const OVERHEAD_MAX: usize = 160;

/// Appends a line: the same bytes as serde gives for a [`jurat_types::Record`], and a newline.
///
/// The body comes already serialized, so that the lock of the log is not held for that; `body` must be
/// a JSON object that is not empty.
pub(crate) fn write(line: &mut Vec<u8>, seq: u64, timestamp: &[u8], previous: &Hash, body: &[u8]) {
    line.reserve(body.len().saturating_add(OVERHEAD_MAX));
    line.extend_from_slice(b"{\"seq\":");
    json::number(line, seq);
    line.extend_from_slice(b",\"timestamp\":\"");
    line.extend_from_slice(timestamp);
    line.extend_from_slice(b"\",\"previous\":\"");
    hex::push(line, previous);
    line.extend_from_slice(b"\",");
    line.extend_from_slice(body.get(1..).unwrap_or_default());
    line.push(b'\n');
}

/// The fields of a record that hold the log together. Everything else is skipped without recursion,
/// so that no nesting in a policy's details can make a record unreadable.
#[derive(Debug, Deserialize)]
pub(crate) struct Head<'a> {
    pub(crate) seq: u64,
    #[serde(borrow)]
    pub(crate) timestamp: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) previous: Cow<'a, str>,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// Decisions and outcomes have it.
    decision_id: Option<String>,
    /// Decisions have it.
    input: Option<InputHead>,
    /// Decisions have it.
    result: Option<ResultHead>,
    /// Decisions have it.
    mode: Option<String>,
    /// Outcomes have it.
    outcome: Option<Outcome>,
    /// Records of several outcomes have it.
    outcomes: Option<Vec<OutcomeHead>>,
    /// Runs have it.
    of: Option<u64>,
    /// Runs have it that judge what a statement has changed.
    #[serde(borrow)]
    result_of: Option<Cow<'a, str>>,
    /// Sessions and system records have it.
    pub(crate) event: Option<String>,
}

/// The type of a record.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Approval,
    Decision,
    Run,
    Outcome,
    Outcomes,
    Session,
    System,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct InputHead {
    stage: Stage,
}

#[derive(Debug, Deserialize)]
struct OutcomeHead {
    decision_id: String,
    #[serde(rename = "outcome")]
    _outcome: Outcome,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct ResultHead {
    effect: Effect,
}

/// What a record means for the pairing of decisions and outcomes.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// A decision; `true` where it let a statement through, so that an outcome follows.
    Decision(String, bool),
    /// A judgement that let pass what a statement has changed.
    Result(String),
    /// One more run under a decision that let a statement, or what it had changed, through: the id, and where that
    /// decision stands.
    Run { decision_id: String, of: u64, result: bool },
    /// The ends of statements.
    Outcomes(Vec<String>),
    /// Neither.
    Other,
}

impl<'a> Head<'a> {
    /// Reads a line without its newline.
    ///
    /// # Errors
    /// Where it is not JSON or lacks a field that its type has.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(line)
    }

    /// Whether `previous` is the hash of the record before.
    pub(crate) fn follows(&self, hash: &Hash) -> bool {
        hex::is(&self.previous, hash)
    }

    /// What the record means for the pairing; `None` where its type's fields are missing.
    pub(crate) fn step(&mut self) -> Option<Step> {
        match self.kind {
            Kind::Decision => {
                // An observing listener lets everything through, whatever was decided.
                let through = match self.result?.effect {
                    Effect::Allow | Effect::Rewrite => true,
                    Effect::RequireApproval | Effect::Deny => self.mode.as_deref()? == "observe",
                };
                let decision_id = self.decision_id.take()?;
                // Only statements end; logins and row counts are judged once and that is all.
                Some(match self.input?.stage {
                    Stage::Statement => Step::Decision(decision_id, through),
                    Stage::Result if through => Step::Result(decision_id),
                    Stage::Admin | Stage::Approval | Stage::Session | Stage::Result => {
                        Step::Decision(decision_id, false)
                    }
                })
            }
            Kind::Outcome => {
                self.outcome?;
                Some(Step::Outcomes(vec![self.decision_id.take()?]))
            }
            Kind::Outcomes => {
                let outcomes = self.outcomes.take()?;
                Some(Step::Outcomes(outcomes.into_iter().map(|end| end.decision_id).collect()))
            }
            Kind::Run => {
                let (decision_id, result) = (self.decision_id.take()?, self.result_of.is_some());
                Some(Step::Run { decision_id, of: self.of?, result })
            }
            Kind::Approval | Kind::Session | Kind::System => {
                self.event.is_some().then_some(Step::Other)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jurat_types::{Record, RecordBody, SystemRecord};
    use serde_json::json;

    use super::{Head, Kind, OVERHEAD_MAX, Step, write};

    /// The line is put together by hand; it must stay what serde would write.
    #[test]
    fn a_line_is_what_serde_writes() {
        let details =
            BTreeMap::from([("text".to_owned(), json!("a\nb\u{2028}\u{1b}[0m\"\\\u{0}"))]);
        let body = RecordBody::System(SystemRecord { event: "started".to_owned(), details });
        let mut line = Vec::new();
        let timestamp = "2026-01-02T03:04:05.000000006Z";
        write(&mut line, 7, timestamp.as_bytes(), &[0xab; 32], &serde_json::to_vec(&body).unwrap());
        let record =
            Record { seq: 7, timestamp: timestamp.to_owned(), previous: "ab".repeat(32), body };
        assert_eq!(line, format!("{}\n", serde_json::to_string(&record).unwrap()).into_bytes());
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);

        line.clear();
        write(&mut line, u64::MAX, timestamp.as_bytes(), &[0xab; 32], b"{}");
        assert!(line.len() <= 2 + OVERHEAD_MAX);
    }

    #[test]
    fn deep_nesting_does_not_make_a_record_unreadable() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let line = format!(
            r#"{{"seq":0,"timestamp":"t","previous":"p","type":"system","event":"e","details":{deep}}}"#
        );
        let mut head = Head::parse(line.as_bytes()).unwrap();
        assert_eq!((head.kind, head.step()), (Kind::System, Some(Step::Other)));
    }
}
