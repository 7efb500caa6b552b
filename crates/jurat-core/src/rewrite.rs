//! From a decision's masks to the text that is sent.
//!
//! INVARIANT(judged-text-is-sent-text): what a permit carries is made here, from the statement that
//! the decision was made on. INVARIANT(masks-at-source): where a mask cannot be put into the text,
//! there is no text.

use std::sync::Arc;

use jurat_sql::Statement;
use jurat_types::{Decision, Refusal, RefusalCode, StatementFacts};

use crate::{JudgedStatement, refusals};

/// The text that a decision permits.
///
/// # Errors
/// A refusal where a mask cannot be applied to this statement.
pub(crate) fn permitted_text(
    judged: &JudgedStatement,
    facts: &StatementFacts,
    decision: &Decision,
    decision_id: &str,
) -> Result<Arc<str>, Refusal> {
    match judged.statement() {
        Statement::Parsed(parsed) if decision.masks.is_empty() => Ok(Arc::from(parsed.text())),
        Statement::Parsed(parsed) => match parsed.rewrite(&decision.masks) {
            Ok(rewritten) => Ok(Arc::from(rewritten.text)),
            Err(error) => {
                let remedy = "Leave the masked column out, or ask for the right to read it";
                let why = (&*error.to_string(), remedy);
                let refusal =
                    refusals::not_carried_out(RefusalCode::Denied, facts, why, decision_id);
                let rule = decision.masks.first().and_then(|mask| mask.ids.first());
                Err(refusals::by_rule(refusal, rule))
            }
        },
        // Nothing is known about an opaque statement, so nothing in it can be masked: the policy that
        // lets it pass does so knowing that.
        Statement::Opaque(opaque) => opaque.text().map(Arc::from).ok_or_else(|| {
            refusals::not_carried_out(
                RefusalCode::Unreadable,
                facts,
                ("it is not UTF-8 text", "Set client_encoding to UTF8"),
                decision_id,
            )
        }),
    }
}
