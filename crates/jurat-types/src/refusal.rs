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
    /// An approver said no (JRT-REJECTED).
    Rejected,
    /// The statement could not be read (JRT-PARSE).
    Unreadable,
    /// The database cannot be reached or went away (JRT-UPSTREAM).
    UpstreamUnavailable,
}

impl RefusalCode {
    /// The stable text form, found in the detail of every refusal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuditUnavailable => "JRT-AUDIT",
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
            | Self::Denied
            | Self::PolicyError
            | Self::PreparedStale
            | Self::Rejected => ErrorKind::Policy,
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
