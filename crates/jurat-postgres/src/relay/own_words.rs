//! Statements about Jurat that Jurat answers itself, on any connection: `SHOW jurat.…` and `CALL jurat.…`.
//!
//! They are taken only where a message of the simple protocol holds one of them and nothing else, so that
//! nothing can be smuggled in behind another statement. Nothing of them reaches the database.

use std::sync::Arc;

use jurat_core::{Approvals, DecideError, card, read_approval_id, refusal};
use jurat_types::{Refusal, RefusalCode};
use jurat_wire::postgres::encode::backend as encode;

use super::{End, Relay};
use crate::respond::{self, write};

/// Longer texts are something else, bytes.
const TEXT_BYTES_MAX: usize = 2 << 10;
/// What a person says about it, characters.
const REASON_CHARS_MAX: usize = 500;

/// A statement about Jurat.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum OwnWords {
    /// `SHOW jurat.last_decision`: the last refusal of the session.
    LastDecision,
    /// `SHOW jurat.whoami`.
    WhoAmI,
    /// `SHOW jurat.approvals`: requests of one's own and those that one may answer.
    Approvals,
    /// `CALL jurat.show_approval('AP-…')`.
    Show { id: String },
    /// `CALL jurat.request_approval('…', 'why')`.
    Request { id: String, why: String },
    /// `CALL jurat.approve('AP-…'[, 'why'])`, `CALL jurat.deny(…)`.
    Answer { id: String, yes: bool, why: Option<String> },
}

/// Reads a text that is one of these statements and nothing else.
pub(super) fn read(text: &[u8]) -> Option<OwnWords> {
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

impl Relay {
    /// Answers it. What was sent before has to be answered first.
    pub(super) async fn on_own_words(&mut self, words: &OwnWords) -> Result<(), End> {
        if !self.queue.is_empty() {
            self.refuse_query(&plain("is only answered when nothing else is under way"));
            return Ok(());
        }
        match self.about_jurat(words).await {
            Ok(()) => encode::ready_for_query(self.client.out(), self.status),
            Err(refusal) => self.refuse_query(&refusal),
        }
        Ok(())
    }

    async fn about_jurat(&mut self, words: &OwnWords) -> Result<(), Refusal> {
        match words {
            OwnWords::LastDecision => {
                let last = self.hold.last_refusal().map(ToString::to_string);
                self.rows("last_decision", last);
            }
            OwnWords::WhoAmI => {
                let who = serde_json::to_string(self.session.principal()).ok();
                self.rows("whoami", who);
            }
            OwnWords::Approvals => {
                let approvals = self.approvals()?;
                let list = approvals.list(true).await.map_err(|error| unusable(&error))?;
                let me = self.session.principal();
                let seen = list.iter().filter(|one| approvals.may_see(one, me));
                let lines: Vec<String> = seen.map(card::line).collect();
                self.rows("approvals", lines);
            }
            OwnWords::Show { id } => {
                let approvals = self.approvals()?;
                let found = approvals.get(&read_id(id)?).await.map_err(|error| unusable(&error))?;
                let me = self.session.principal();
                let found = found.filter(|one| approvals.may_see(one, me)).ok_or_else(unknown)?;
                self.rows("approval", card::lines(&found));
            }
            OwnWords::Request { id, why } => self.request(id, why).await?,
            OwnWords::Answer { id, yes, why } => {
                let approvals = self.approvals()?;
                let (id, me) = (read_id(id)?, self.session.principal().clone());
                let why = why.as_deref().map(short);
                let done = approvals.decide(&id, me, (*yes, why), "sql").await;
                let approval = done.map_err(|error| not_taken(&error))?;
                let told = format!("jurat: {id} is {}", approval.state.as_str());
                respond::notice(self.client.out(), &told, None);
                write(encode::command_complete(self.client.out(), "CALL"));
            }
        }
        Ok(())
    }

    async fn request(&mut self, id: &str, why: &str) -> Result<(), Refusal> {
        let approvals = self.approvals()?;
        // Both ids of a refusal name its request.
        let detail = self.hold.last_refusal();
        let by_decision = detail.filter(|detail| detail["decision_id"] == id);
        let by_decision = by_decision.and_then(|detail| detail["approval"].as_str());
        let id = by_decision.map_or_else(|| read_id(id), |id| Ok(id.to_owned()))?;
        let me = self.session.principal().id.clone();
        let told = approvals.explain(&id, &me, &short(why)).await;
        let approval = told.map_err(|error| unusable(&error))?.ok_or_else(unknown)?;
        let told = format!(
            "jurat: {id} is {}; send the same statement again once it is approved",
            approval.state.as_str()
        );
        respond::notice(self.client.out(), &told, None);
        write(encode::command_complete(self.client.out(), "CALL"));
        Ok(())
    }

    fn approvals(&self) -> Result<Arc<Approvals>, Refusal> {
        let approvals = self.session.gate().approvals.clone();
        approvals.ok_or_else(|| plain("needs a section [approvals] in the configuration of jurat"))
    }

    /// One column of text.
    fn rows(&mut self, name: &str, rows: impl IntoIterator<Item = String>) {
        let out = self.client.out();
        write(encode::text_row_description(out, &[name]));
        for row in rows {
            let row = row.replace('\0', " ");
            write(encode::data_row(out, &[Some(row.as_bytes())]));
        }
        write(encode::command_complete(out, "SHOW"));
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
    refusal(
        RefusalCode::UnknownObject,
        "jurat has no such request for approval that you may see [JRT-OBJECT]. SHOW jurat.approvals lists them",
        None,
    )
}

fn not_taken(error: &DecideError) -> Refusal {
    match error {
        DecideError::Unknown(_) => unknown(),
        DecideError::NoRight { .. } | DecideError::Vote(..) => refusal(
            RefusalCode::Denied,
            format!("jurat did not take the answer: {error} [JRT-DENY]"),
            None,
        ),
        DecideError::Unrecorded | DecideError::Store(_) => refusal(
            RefusalCode::AuditUnavailable,
            format!("jurat did not take the answer: {error} [JRT-AUDIT]. Try again later"),
            None,
        ),
    }
}

fn unusable(error: &jurat_core::StoreError) -> Refusal {
    tracing::error!(%error, "approvals cannot be looked at");
    refusal(
        RefusalCode::AuditUnavailable,
        "jurat cannot look at approvals now [JRT-AUDIT]. Try again later",
        None,
    )
}

fn plain(why: &str) -> Refusal {
    refusal(
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
