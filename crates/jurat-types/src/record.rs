//! What is remembered: the documents of the log.
//!
//! A decision's record is a superset of OPA's decision log event (`EventV1`): the same names with the
//! same meaning, and ours beside them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Decision, Intent, Principal, SessionTotals, Target, TimeFacts};

/// One line of the log.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Record {
    /// Its place in the log, from 0.
    pub seq: u64,
    /// When it was written, RFC 3339 with nanoseconds, UTC.
    pub timestamp: String,
    /// The leaf hash (hex SHA-256) of the record before it; 64 zeros for the first.
    pub previous: String,
    /// What happened.
    #[serde(flatten)]
    pub body: RecordBody,
}

/// What happened.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RecordBody {
    /// A statement was asked and judged; written before anything runs.
    Decision(Box<DecisionRecord>),
    /// A statement was asked once more and judged as the one of an earlier record; written before it runs.
    Run(RunRecord),
    /// A statement that was let through has ended.
    Outcome(OutcomeRecord),
    /// Several statements that were let through have ended.
    Outcomes(OutcomesRecord),
    /// A session began, ended, or was refused.
    Session(Box<SessionRecord>),
    /// Consent was asked for, given, denied, used, or was lost.
    Approval(Box<ApprovalRecord>),
    /// Jurat itself: started, stopped, policy loaded, policy stale, heartbeat.
    System(SystemRecord),
}

/// A judgement: superset of OPA's `EventV1`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct DecisionRecord {
    /// Labels of this instance.
    pub labels: BTreeMap<String, String>,
    /// A UUIDv7; clients see its short form too.
    pub decision_id: String,
    /// The policy bundles that judged: name to `{"revision": …}`.
    pub bundles: BTreeMap<String, BTreeMap<String, String>>,
    /// The root that was evaluated, `jurat`.
    pub path: String,
    /// The intent, redacted.
    pub input: Intent,
    /// The decision.
    pub result: Decision,
    /// JSON pointers into `input` whose values were replaced.
    pub masked: Vec<String>,
    /// The client's address.
    pub requested_by: String,
    /// Timers in nanoseconds, named as OPA names them.
    pub metrics: BTreeMap<String, u64>,
    /// The SHA-256 (hex) of the text that is sent upstream; `null` where nothing is sent.
    pub sent_sha256: Option<String>,
    /// Whether the listener enforces (`enforce`) or only observes (`observe`).
    pub mode: String,
    /// At the result stage, the decision that let the statement run whose rows are judged here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_of: Option<String>,
}

/// A judgement of which all but a few parts stand in the record of an earlier one.
///
/// [`RunRecord::over`] gives the whole of it. It keeps a log small in which the same statements come again
/// and again: what is left out here is a few kilobytes.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct RunRecord {
    /// The `seq` of the decision record that holds all else. It stands earlier in the same file, is about the
    /// same session, and let its statement, or what that had changed, through.
    pub of: u64,
    /// A UUIDv7, of this run.
    pub decision_id: String,
    /// When it was judged, nanoseconds since the Unix epoch.
    pub now_ns: i64,
    /// Whether a transaction block was open.
    pub in_transaction: bool,
    /// What the session did before.
    pub totals: SessionTotals,
    /// The timer of this judgement, nanoseconds.
    pub judge_ns: u64,
    /// The text as it is recorded, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The SHA-256 (hex) of the judged text, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The SHA-256 (hex) of the text that is sent upstream, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_sha256: Option<String>,
    /// Where it judges what a statement has changed: the `decision_id` of the judgement before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_of: Option<String>,
}

/// The timer of a judgement in [`DecisionRecord::metrics`].
pub const JUDGE_TIMER: &str = "timer_jurat_judge_ns";

impl RunRecord {
    /// The whole decision record of this run, from the one that it refers to.
    #[must_use]
    pub fn over(self, of: &DecisionRecord) -> DecisionRecord {
        let mut record = of.clone();
        record.input.request_id.clone_from(&self.decision_id);
        record.decision_id = self.decision_id;
        record.input.time = TimeFacts::utc(self.now_ns);
        record.input.session.in_transaction = self.in_transaction;
        record.input.session.totals = self.totals;
        record.metrics.insert(JUDGE_TIMER.to_owned(), self.judge_ns);
        if let Some(statement) = &mut record.input.statement {
            statement.text = self.text.unwrap_or_else(|| std::mem::take(&mut statement.text));
            statement.sha256 = self.sha256.unwrap_or_else(|| std::mem::take(&mut statement.sha256));
        }
        record.sent_sha256 = self.sent_sha256.or(record.sent_sha256);
        record.result_of = self.result_of.or(record.result_of);
        record
    }
}

/// How several statements ended, in the order in which they did.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct OutcomesRecord {
    /// One for each statement.
    pub outcomes: Vec<OutcomeRecord>,
}

/// How a statement ended.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct OutcomeRecord {
    /// The decision that let it through.
    pub decision_id: String,
    /// What the database did.
    pub outcome: Outcome,
    /// Rows returned or changed, where the database said so.
    pub rows: Option<u64>,
    /// The command tag's first word or words.
    pub command: Option<String>,
    /// The SQLSTATE of an error. The error's text may hold values and is never recorded.
    pub sqlstate: Option<String>,
    /// From permit to end, microseconds.
    pub duration_us: u64,
}

/// What the database did with a statement.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran.
    Done,
    /// It failed.
    Failed,
    /// It ran, and what it did was taken back before it was committed, because it exceeded a limit.
    RolledBack,
    /// It was never reached, because something before it failed.
    Skipped,
    /// The connection ended before an answer came.
    Unknown,
}

/// A session's beginning or end, or a request to cancel what it runs.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct SessionRecord {
    /// `opened`, `closed`, `refused`, `cancel_requested` or `cancel_refused`.
    pub event: String,
    /// The session.
    pub session_id: String,
    /// The client's address.
    pub client_addr: String,
    /// Who, where it is known.
    pub principal: Option<Principal>,
    /// Where to, where it is known.
    pub target: Option<Target>,
    /// The name that was claimed, where authentication failed.
    pub claimed_user: Option<String>,
    /// Why it was refused or how it ended.
    pub reason: Option<String>,
}

/// What became of a request for consent. It holds no text of a statement.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ApprovalRecord {
    /// `requested`, `approved`, `denied`, `used`, `expired`, `canceled`, or `void`: an earlier record of an
    /// approval or denial that came too late to count.
    pub event: String,
    /// The request, for example `AP-7Q2M4KXD`.
    pub id: String,
    /// The SHA-256 (hex) of everything that consent is bound to.
    pub digest: String,
    /// The decision that asked for consent; where it was used, the one that it let through.
    pub decision_id: String,
    /// Who asked.
    pub requester: String,
    /// The database.
    pub target: String,
    /// The rules that want consent.
    pub rules: Vec<String>,
    /// Who approved or denied.
    pub by: Option<String>,
    /// The way that it came: `cli`, `sql`, `console` or `api`.
    pub via: Option<String>,
    /// What the approver or the requester said about it.
    pub reason: Option<String>,
    /// When the request or the grant ends, nanoseconds since the Unix epoch.
    pub expires_ns: i64,
}

/// Something about Jurat itself.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct SystemRecord {
    /// `started`, `stopped`, `recovered`, `policy_loaded`, `policy_rejected`, `heartbeat`; or `admin`: somebody did
    /// something, with `action`, `by` and `via` in the details.
    pub event: String,
    /// Free details; no secret and no value from a database.
    pub details: BTreeMap<String, serde_json::Value>,
}
