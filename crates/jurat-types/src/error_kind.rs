//! Who is to blame for a failure: a fixed set, safe as a metric label.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Blame for a refusal or a failure.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The record could not be written.
    Audit,
    /// The client broke its protocol or sent something unreadable.
    Client,
    /// The principal could not prove who it is.
    Identity,
    /// A defect of Jurat.
    Internal,
    /// A policy said no, or could not say anything.
    Policy,
    /// The database failed.
    Upstream,
}

impl ErrorKind {
    /// The metric label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Client => "client",
            Self::Identity => "identity",
            Self::Internal => "internal",
            Self::Policy => "policy",
            Self::Upstream => "upstream",
        }
    }
}
