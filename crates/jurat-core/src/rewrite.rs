//! From a decision's masks and row filters to the text that is sent.
//!
//! INVARIANT(judged-text-is-sent-text): what a permit carries is made here, from the statement that
//! the decision was made on. INVARIANT(masks-at-source): where a mask or filter cannot be put into the text,
//! there is no text.

use std::sync::Arc;

use jurat_sql::{Protection, RewriteError, Statement};
use jurat_types::{Decision, Refusal, RefusalCode, StatementFacts};

use crate::{InForce, JudgedStatement, MaskKey, Scans, refusals};

/// What a decision permits to be sent, and what is done with the answer.
#[derive(Clone, Debug)]
pub(crate) struct Permitted {
    pub(crate) text: Arc<str>,
    /// Result columns that are looked through.
    pub(crate) scans: Option<Arc<Scans>>,
    /// Limits that bear on it.
    pub(crate) in_force: Option<Arc<InForce>>,
}

impl Permitted {
    fn plain(text: &str) -> Self {
        Self { text: Arc::from(text), scans: None, in_force: None }
    }

    /// For a judgement of what has run, which sends nothing.
    pub(crate) fn nothing() -> Self {
        Self::plain("")
    }
}

/// The text that a decision permits.
///
/// # Errors
/// A refusal where a mask or filter cannot be applied to this statement.
pub(crate) fn permitted_text(
    judged: &JudgedStatement,
    facts: &StatementFacts,
    (decision, key): (&Decision, &MaskKey),
    decision_id: &str,
) -> Result<Permitted, Refusal> {
    match judged.statement() {
        Statement::Parsed(parsed)
            if decision.masks.is_empty()
                && decision.row_filters.is_empty()
                && !parsed.shows_statements() =>
        {
            Ok(Permitted::plain(parsed.text()))
        }
        Statement::Parsed(parsed) => {
            let masks = key.salted(&decision.masks, facts.kind == "explain");
            let protection = Protection { masks: &masks, filters: &decision.row_filters };
            match parsed.protect(&protection) {
                Ok(rewritten) => Ok(Permitted {
                    scans: Scans::new(&rewritten.detected).map(Arc::new),
                    text: Arc::from(rewritten.text),
                    in_force: None,
                }),
                Err(error) => {
                    let refusal = refused(&error, facts, decision_id);
                    let mask = decision.masks.first().and_then(|mask| mask.ids.first());
                    let filter = decision.row_filters.first().map(|filter| &filter.id);
                    let rule = if error.is_about_rows() { filter } else { mask.or(filter) };
                    Err(refusals::by_rule(refusal, rule))
                }
            }
        }
        // Nothing is known about an opaque statement, so nothing in it can be masked: the policy that
        // lets it pass does so knowing that.
        Statement::Opaque(opaque) => opaque.text().map(Permitted::plain).ok_or_else(|| {
            refusals::not_carried_out(
                RefusalCode::Unreadable,
                facts,
                ("it is not UTF-8 text", "Set client_encoding to UTF8"),
                decision_id,
            )
        }),
    }
}

/// What the client can do about it depends on what stands in the way.
fn refused(error: &RewriteError, facts: &StatementFacts, decision_id: &str) -> Refusal {
    let (code, remedy) = if error.is_malformed() {
        (RefusalCode::PolicyError, "Tell whoever maintains the policies; nothing ran")
    } else if error.is_about_rows() {
        (RefusalCode::Denied, "Leave those rows to somebody who may see all of them")
    } else {
        (RefusalCode::Denied, "Leave the masked column out, or ask for the right to read it")
    };
    refusals::not_carried_out(code, facts, (&error.to_string(), remedy), decision_id)
}
