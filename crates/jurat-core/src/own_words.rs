//! Statements about Jurat that Jurat answers itself, on any connection: `SHOW jurat.…` and `CALL jurat.…`.
//!
//! They are taken only where a message holds one of them and nothing else, so that nothing can be smuggled in
//! behind another statement. Nothing of them reaches the database.

use std::sync::Arc;

use jurat_types::{Refusal, RefusalCode};
use serde_json::Value;

use crate::{Approvals, DecideError, Session, StoreError, card, read_approval_id, refusals};

/// Longer texts are something else, bytes.
const TEXT_BYTES_MAX: usize = 2 << 10;
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

/// Reads a text that is one of these statements and nothing else.
pub fn read(text: &[u8]) -> Option<OwnWords> {
    // Nearly every text ends here.
    if text.len() > TEXT_BYTES_MAX || !is_about_jurat(text) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?.trim().trim_end_matches(';').trim_end();
    let (verb, rest) = text.split_once(|c: char| c.is_ascii_whitespace())?;
    let rest = rest.trim_start();
    let name_end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_')));
    let (name, tail) = rest.split_at(name_end.unwrap_or(rest.len()));
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("jurat.")?;
    if verb.eq_ignore_ascii_case("show") && tail.trim().is_empty() {
        return match name {
            "last_decision" => Some(OwnWords::LastDecision),
            "whoami" => Some(OwnWords::WhoAmI),
            "approvals" => Some(OwnWords::Approvals),
            _ => None,
        };
    }
    if !verb.eq_ignore_ascii_case("call") {
        return None;
    }
    match (name, arguments(tail)?.as_slice()) {
        ("show_approval", [id]) => Some(OwnWords::Show { id: id.clone() }),
        ("request_approval", [id, why]) => {
            Some(OwnWords::Request { id: id.clone(), why: why.clone() })
        }
        (name @ ("approve" | "deny"), [id, rest @ ..]) if rest.len() < 2 => {
            Some(OwnWords::Answer {
                id: id.clone(),
                yes: name == "approve",
                why: rest.first().cloned(),
            })
        }
        _ => None,
    }
}

/// Whether a text begins with SHOW or CALL and a name of Jurat's.
fn is_about_jurat(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let Some((verb, rest)) = text.split_first_chunk::<4>() else { return false };
    let verb = verb.eq_ignore_ascii_case(b"show") || verb.eq_ignore_ascii_case(b"call");
    verb && rest
        .trim_ascii_start()
        .first_chunk::<6>()
        .is_some_and(|name| name.eq_ignore_ascii_case(b"jurat."))
}

/// `('one', 'two')`: plain string literals and nothing else.
fn arguments(text: &str) -> Option<Vec<String>> {
    let inside = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    let mut found = Vec::new();
    let mut rest = inside.trim();
    loop {
        let mut chars = rest.strip_prefix('\'')?.chars();
        let mut value = String::new();
        loop {
            match chars.next()? {
                '\'' if chars.as_str().starts_with('\'') => {
                    chars.next();
                    value.push('\'');
                }
                '\'' => break,
                // What a backslash means depends on a setting.
                '\\' => return None,
                other => value.push(other),
            }
        }
        found.push(value);
        rest = chars.as_str().trim_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None if rest.is_empty() => return Some(found),
            None => return None,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::{OwnWords, read};

    #[test]
    fn a_text_is_one_of_these_statements_and_nothing_else() {
        let answer = |id: &str, yes, why: Option<&str>| {
            Some(OwnWords::Answer { id: id.to_owned(), yes, why: why.map(str::to_owned) })
        };
        for (text, words) in [
            ("SHOW jurat.last_decision", Some(OwnWords::LastDecision)),
            (" show  JURAT.WhoAmI ; ", Some(OwnWords::WhoAmI)),
            ("CALL jurat.approve('AP-1')", answer("AP-1", true, None)),
            (
                "call jurat.deny ( 'AP-1' , 'it''s late' );",
                answer("AP-1", false, Some("it's late")),
            ),
            ("SHOW jurat.last_decision; DROP TABLE t", None),
            ("CALL jurat.approve('AP-1'); SELECT 1", None),
            ("CALL jurat.approve('AP-1', 'a', 'b')", None),
            ("CALL jurat.approve(E'AP-1')", None),
            (r"CALL jurat.approve('AP-1\')", None),
            ("CALL jurat.approve($1)", None),
            ("CALL jurat.approve", None),
            ("CALL jurat.approve()", None),
            ("CALL other.approve('AP-1')", None),
            ("SHOW jurat.other", None),
            ("/* x */ SHOW jurat.whoami", None),
            ("SHOW", None),
            ("", None),
        ] {
            assert_eq!(read(text.as_bytes()), words, "{text}");
        }
    }
}
