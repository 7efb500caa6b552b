//! What a client may be told when something is refused. Nothing else reaches a client.

use serde::{Deserialize, Serialize};

use crate::ErrorKind;

/// The answer to a statement or a session that was not let through.
///
/// The first line (`message`) alone says what was refused, why, what to do next, and the id, because
/// many drivers show nothing else. It never holds a value from a statement or from the database.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Refusal {
    /// What kind of refusal this is; front-ends map it to SQLSTATE or errno.
    pub code: RefusalCode,
    /// The first line.
    pub message: String,
    /// Machine-readable detail: a JSON object.
    pub detail: serde_json::Value,
    /// What the client can do next.
    pub hint: Option<String>,
    /// The decision that the refusal rests on, where one was made.
    pub decision_id: Option<String>,
}

/// The fixed set of refusals.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// More than a window of time has room for (JRT-BUDGET).
    BudgetExceeded,
    /// More bytes than the statement may return (JRT-BYTES).
    BytesExceeded,
    /// The record could not be written, so nothing runs (JRT-AUDIT).
    AuditUnavailable,
    /// The client's credentials are wrong (JRT-AUTH).
    AuthenticationFailed,
    /// Policy asks for an approval (JRT-HOLD).
    ApprovalRequired,
    /// The client canceled while it waited for consent, or nobody answered in time (JRT-CANCELED).
    Canceled,
    /// Policy said no (JRT-DENY).
    Denied,
    /// A limit of the session was reached (JRT-LIMIT).
    LimitExceeded,
    /// Jurat does not carry this yet (JRT-UNSUPPORTED).
    NotSupported,
    /// A prepared statement was judged under other circumstances; it must be prepared again (JRT-STALE).
    PreparedStale,
    /// The policy could not be evaluated (JRT-POLICY).
    PolicyError,
    /// The client broke its protocol (JRT-PROTOCOL).
    ProtocolViolation,
    /// A column in it is not known (JRT-OBJECT).
    UnknownColumn,
    /// No portal or cursor has that name (JRT-NAME).
    UnknownCursor,
    /// A function in it is not known (JRT-OBJECT).
    UnknownFunction,
    /// No prepared statement has that name (JRT-NAME).
    UnknownName,
    /// A schema, type or other object in it is not known (JRT-OBJECT).
    UnknownObject,
    /// A relation in it is not known (JRT-OBJECT).
    UnknownRelation,
    /// More rows than the statement may change or return, or rows that cannot be counted (JRT-ROWS).
    RowsExceeded,
    /// The statement ran longer than it may (JRT-TIME).
    TimeExceeded,
    /// An approver said no (JRT-REJECTED).
    Rejected,
    /// The statement could not be read (JRT-PARSE).
    Unreadable,
    /// The database cannot be reached or went away (JRT-UPSTREAM).
    UpstreamUnavailable,
}

impl RefusalCode {
    /// All of them, in the order of their text forms: what `docs/errors.md` lists.
    pub const ALL: [Self; 23] = [
        Self::AuditUnavailable,
        Self::AuthenticationFailed,
        Self::BudgetExceeded,
        Self::BytesExceeded,
        Self::Canceled,
        Self::Denied,
        Self::ApprovalRequired,
        Self::LimitExceeded,
        Self::UnknownCursor,
        Self::UnknownName,
        Self::UnknownColumn,
        Self::UnknownFunction,
        Self::UnknownObject,
        Self::UnknownRelation,
        Self::Unreadable,
        Self::PolicyError,
        Self::ProtocolViolation,
        Self::Rejected,
        Self::RowsExceeded,
        Self::PreparedStale,
        Self::TimeExceeded,
        Self::NotSupported,
        Self::UpstreamUnavailable,
    ];

    /// What it means and what a client does about it, for people.
    pub const fn meaning(self) -> (&'static str, &'static str) {
        match self {
            Self::AuditUnavailable => (
                "the record cannot be written, and nothing runs or counts unrecorded",
                "try again later; the operator mends the log",
            ),
            Self::AuthenticationFailed => {
                ("wrong credentials, or policy refused the session", "log in as who you are")
            }
            Self::ApprovalRequired => (
                "policy asks for an approval",
                "have it approved, then send the same statement again; `approval` in the detail names it",
            ),
            Self::BudgetExceeded => (
                "the budget of a window is used up",
                "wait until the window has passed; nothing of the statement is left in the database",
            ),
            Self::BytesExceeded => (
                "the result has more bytes than the statement may return",
                "ask for less; rows that were already sent were within the limit",
            ),
            Self::Canceled => (
                "canceled while it waited for an approval, or nobody answered in time",
                "send it again; nothing ran",
            ),
            Self::Denied => ("policy said no", "change the statement; do not repeat it unchanged"),
            Self::LimitExceeded => {
                ("a bound of the session or of requests", "keep less open, ask less often")
            }
            Self::NotSupported => ("Jurat does not carry this", "the hint says what to do instead"),
            Self::PreparedStale => (
                "the policies, or what its names mean, changed since it was prepared",
                "prepare it again; told as `cached plan must not change result type`, so many drivers do",
            ),
            Self::PolicyError => {
                ("the policies could not be evaluated", "tell whoever maintains them; nothing ran")
            }
            Self::ProtocolViolation => ("the client broke the protocol", "mend the client"),
            Self::Rejected => ("an approver said no", "do not repeat it unchanged"),
            Self::RowsExceeded => (
                "more rows than the statement may change or return, or rows that cannot be counted",
                "narrow it; a write was taken back, and nobody has seen it",
            ),
            Self::TimeExceeded => {
                ("the statement ran longer than it may", "ask for less; it was canceled")
            }
            Self::UnknownColumn => {
                ("no such column, in no relation of the statement", "check its name")
            }
            Self::UnknownCursor => ("no such portal or cursor", "declare it first"),
            Self::UnknownFunction => ("no such function", "check its name and arguments"),
            Self::UnknownName => ("no such prepared statement", "prepare it first"),
            Self::UnknownObject => ("no such schema, type, database or request", "check its name"),
            Self::UnknownRelation => ("no such relation", "check its name and schema"),
            Self::Unreadable => {
                ("the statement cannot be read safely", "check it, or write it in a plainer way")
            }
            Self::UpstreamUnavailable => (
                "the database cannot be reached, or went away",
                "connect again; look at the outcome before you repeat a write",
            ),
        }
    }

    /// The stable text form, found in the detail of every refusal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuditUnavailable => "JRT-AUDIT",
            Self::BudgetExceeded => "JRT-BUDGET",
            Self::BytesExceeded => "JRT-BYTES",
            Self::RowsExceeded => "JRT-ROWS",
            Self::TimeExceeded => "JRT-TIME",
            Self::AuthenticationFailed => "JRT-AUTH",
            Self::ApprovalRequired => "JRT-HOLD",
            Self::Canceled => "JRT-CANCELED",
            Self::Denied => "JRT-DENY",
            Self::LimitExceeded => "JRT-LIMIT",
            Self::NotSupported => "JRT-UNSUPPORTED",
            Self::PreparedStale => "JRT-STALE",
            Self::PolicyError => "JRT-POLICY",
            Self::ProtocolViolation => "JRT-PROTOCOL",
            Self::UnknownCursor | Self::UnknownName => "JRT-NAME",
            Self::UnknownColumn
            | Self::UnknownFunction
            | Self::UnknownObject
            | Self::UnknownRelation => "JRT-OBJECT",
            Self::Rejected => "JRT-REJECTED",
            Self::Unreadable => "JRT-PARSE",
            Self::UpstreamUnavailable => "JRT-UPSTREAM",
        }
    }

    /// Who is to blame.
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::AuditUnavailable => ErrorKind::Audit,
            Self::AuthenticationFailed => ErrorKind::Identity,
            Self::ApprovalRequired
            | Self::BudgetExceeded
            | Self::BytesExceeded
            | Self::Denied
            | Self::PolicyError
            | Self::PreparedStale
            | Self::Rejected
            | Self::RowsExceeded
            | Self::TimeExceeded => ErrorKind::Policy,
            Self::Canceled
            | Self::LimitExceeded
            | Self::NotSupported
            | Self::ProtocolViolation
            | Self::UnknownColumn
            | Self::UnknownCursor
            | Self::UnknownFunction
            | Self::UnknownName
            | Self::UnknownObject
            | Self::UnknownRelation
            | Self::Unreadable => ErrorKind::Client,
            Self::UpstreamUnavailable => ErrorKind::Upstream,
        }
    }
}
