//! Statements about Jurat that Jurat answers itself, on any connection: `SHOW jurat.…` and `CALL jurat.…`.
//!
//! They are taken only where a message holds one of them and nothing else, so that nothing can be smuggled in
//! behind another statement. Nothing of them reaches the database.

use std::sync::Arc;

use jurat_types::{Refusal, RefusalCode};
use serde_json::Value;

use crate::{Approvals, DecideError, Session, StoreError, card, read_approval_id, refusals};

mod template;

pub use template::{OwnTemplate, begins, literal, read};

/// What a person says about it, characters.
const REASON_CHARS_MAX: usize = 500;

/// A statement about Jurat.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OwnWords {
    /// `SHOW jurat.last_decision`: the last refusal of the session.
    LastDecision,
    /// `SHOW jurat.whoami`.
    WhoAmI,
    /// `SHOW jurat.approvals`: requests of one's own and those that one may answer.
    Approvals,
    /// `CALL jurat.show_approval('AP-…')`.
    Show {
        /// The request.
        id: String,
    },
    /// `CALL jurat.request_approval('…', 'why')`.
    Request {
        /// The request, or the decision that asked for it.
        id: String,
        /// In the requester's words.
        why: String,
    },
    /// `CALL jurat.approve('AP-…'[, 'why'])`, `CALL jurat.deny(…)`.
    Answer {
        /// The request.
        id: String,
        /// Whether it is approved.
        yes: bool,
        /// In the approver's words.
        why: Option<String>,
    },
}

/// What is answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OwnAnswer {
    /// One column of text.
    Rows {
        /// Its name.
        name: &'static str,
        /// Its values.
        rows: Vec<String>,
    },
    /// It is done, and this is said of it.
    Done(String),
}

impl OwnWords {
    /// The name of the column that the answer has; `None` where it has no rows.
    pub const fn column(&self) -> Option<&'static str> {
        match self {
            Self::LastDecision => Some("last_decision"),
            Self::WhoAmI => Some("whoami"),
            Self::Approvals => Some("approvals"),
            Self::Show { .. } => Some("approval"),
            Self::Request { .. } | Self::Answer { .. } => None,
        }
    }
}

impl Session {
    /// Answers it. `last` is the detail of the session's last refusal.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn answer_own(
        &self,
        words: &OwnWords,
        last: Option<&Value>,
    ) -> Result<OwnAnswer, Refusal> {
        let rows = match words {
            OwnWords::LastDecision => last.map(ToString::to_string).into_iter().collect(),
            OwnWords::WhoAmI => serde_json::to_string(self.principal()).into_iter().collect(),
            OwnWords::Approvals => {
                let approvals = self.approvals()?;
                let list = approvals.list(true).await.map_err(|error| unusable(&error))?;
                let me = self.principal();
                list.iter().filter(|one| approvals.may_see(one, me)).map(card::line).collect()
            }
            OwnWords::Show { id } => {
                let approvals = self.approvals()?;
                let found = approvals.get(&read_id(id)?).await.map_err(|error| unusable(&error))?;
                let me = self.principal();
                let found = found.filter(|one| approvals.may_see(one, me)).ok_or_else(unknown)?;
                card::lines(&found)
            }
            OwnWords::Request { id, why } => return self.explain_request(id, why, last).await,
            OwnWords::Answer { id, yes, why } => {
                let approvals = self.approvals()?;
                let (id, me) = (read_id(id)?, self.principal().clone());
                let why = why.as_deref().map(short);
                let done = approvals.decide(&id, me, (*yes, why), "sql").await;
                let approval = done.map_err(|error| not_taken(&error))?;
                return Ok(OwnAnswer::Done(format!("jurat: {id} is {}", approval.state.as_str())));
            }
        };
        Ok(OwnAnswer::Rows { name: words.column().unwrap_or_default(), rows })
    }

    async fn explain_request(
        &self,
        id: &str,
        why: &str,
        last: Option<&Value>,
    ) -> Result<OwnAnswer, Refusal> {
        let approvals = self.approvals()?;
        // Both ids of a refusal name its request.
        let by_decision = last.filter(|detail| detail["decision_id"] == id);
        let by_decision = by_decision.and_then(|detail| detail["approval"].as_str());
        let id = by_decision.map_or_else(|| read_id(id), |id| Ok(id.to_owned()))?;
        let told = approvals.explain(&id, &self.principal().id, &short(why)).await;
        let approval = told.map_err(|error| unusable(&error))?.ok_or_else(unknown)?;
        Ok(OwnAnswer::Done(format!(
            "jurat: {id} is {}; send the same statement again once it is approved",
            approval.state.as_str()
        )))
    }

    fn approvals(&self) -> Result<Arc<Approvals>, Refusal> {
        let approvals = self.gate().approvals.clone();
        approvals.ok_or_else(|| plain("needs a section [approvals] in the configuration of jurat"))
    }
}

fn read_id(text: &str) -> Result<String, Refusal> {
    read_approval_id(text).ok_or_else(unknown)
}

fn short(text: &str) -> String {
    text.chars().take(REASON_CHARS_MAX).collect()
}

/// The same words whether there is no such request or it is somebody else's, so that ids cannot be tried out.
fn unknown() -> Refusal {
    refusals::plain(
        RefusalCode::UnknownObject,
        "jurat has no such request for approval that you may see [JRT-OBJECT]. SHOW jurat.approvals lists them",
        None,
    )
}

fn not_taken(error: &DecideError) -> Refusal {
    match error {
        DecideError::Unknown(_) => unknown(),
        DecideError::NoRight { .. } | DecideError::Vote(..) => refusals::plain(
            RefusalCode::Denied,
            format!("jurat did not take the answer: {error} [JRT-DENY]"),
            None,
        ),
        DecideError::Unrecorded | DecideError::Store(_) => refusals::plain(
            RefusalCode::AuditUnavailable,
            format!("jurat did not take the answer: {error} [JRT-AUDIT]. Try again later"),
            None,
        ),
    }
}

fn unusable(error: &StoreError) -> Refusal {
    tracing::error!(%error, "approvals cannot be looked at");
    refusals::plain(
        RefusalCode::AuditUnavailable,
        "jurat cannot look at approvals now [JRT-AUDIT]. Try again later",
        None,
    )
}

/// Why nothing is answered.
fn plain(why: &str) -> Refusal {
    refusals::plain(
        RefusalCode::NotSupported,
        format!("jurat refused the request: SQL about jurat {why} [JRT-UNSUPPORTED]"),
        None,
    )
}
