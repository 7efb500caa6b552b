//! One explanation for a person: what was understood, which rules fired, and what comes of it.

use std::fmt;

use jurat_core::Explanation;
use jurat_types::{Decision, Effect, Intent, Reason, Refusal, StatementFacts};
use serde::Serialize;

use crate::output::Paint;

/// Prints one explanation, without a line break at its end.
pub(super) struct Pretty<'a>(pub(super) &'a Explanation, pub(super) Paint);

impl fmt::Display for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Explanation { intent, decision, outcome }, paint) = self;
        write_who(f, intent)?;
        if let Some(statement) = &intent.statement {
            write_statement(f, statement)?;
        }
        write_decision(f, decision, *paint)?;
        match outcome {
            Ok(text) => line(f, "sends", text),
            Err(refusal) => write_refusal(f, refusal),
        }
    }
}

fn write_who(f: &mut fmt::Formatter<'_>, intent: &Intent) -> fmt::Result {
    let who = &intent.principal;
    let mut text = format!("{} ({}", who.id, word(&who.kind));
    if !who.groups.is_empty() {
        text.push_str("; ");
        text.push_str(&who.groups.join(", "));
    }
    text.push(')');
    if let Some(human) = &who.on_behalf_of {
        text.push_str(" on behalf of ");
        text.push_str(&human.id);
    }
    line(f, "who", &text)?;
    line(f, "where", &format!("{} ({})", intent.target.name, intent.target.environment))
}

fn write_statement(f: &mut fmt::Formatter<'_>, facts: &StatementFacts) -> fmt::Result {
    let mut what = format!("{} ({})", facts.kind, word(&facts.class));
    if facts.count > 1 {
        what.push_str(&format!(", {} of {}", facts.index.saturating_add(1), facts.count));
    }
    line(f, "statement", &what)?;
    if let Some(reason) = &facts.unparsed_reason {
        line(f, "unread", reason)?;
    }
    line(f, "text", &facts.text)?;
    for relation in facts.relations.iter() {
        let uses = format!("{} {} {}", relation.kind, word(&relation.access), word(&relation.via));
        line(f, "relation", &with_labels(&relation.id, &uses, &relation.labels))?;
    }
    for column in facts.columns.iter() {
        let uses = format!("{} {}", word(&column.role), word(&column.mode));
        line(f, "column", &with_labels(&column.id, &uses, &column.labels))?;
    }
    for function in facts.functions.iter() {
        line(f, "function", &with_labels(&function.id, &word(&function.class), &function.labels))?;
    }
    for name in &facts.unresolved {
        line(f, "unresolved", name)?;
    }
    for name in &facts.settings {
        line(f, "setting", name)?;
    }
    Ok(())
}

fn write_decision(f: &mut fmt::Formatter<'_>, decision: &Decision, paint: Paint) -> fmt::Result {
    for reason in &decision.reasons {
        line(f, "rule", &rule(reason))?;
    }
    for error in &decision.errors {
        line(f, "error", error)?;
    }
    let effect = &*word(&decision.effect);
    let effect = match decision.effect {
        Effect::Allow => paint.good(effect),
        Effect::Rewrite => paint.notable(effect),
        Effect::RequireApproval | Effect::Deny => paint.bad(effect),
    };
    line(f, "decision", &effect)?;
    for mask in &decision.masks {
        let params: Vec<String> =
            mask.params.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let method = word(&mask.method);
        line(f, "mask", &format!("{}  {method}{}", mask.column, params.concat()))?;
    }
    for filter in &decision.row_filters {
        line(f, "filter", &format!("{}  {}", filter.relation, filter.predicate))?;
    }
    for limit in &decision.limits {
        line(f, "limit", &format!("{} {}", limit.kind, limit.value))?;
    }
    for approval in &decision.approvals {
        line(f, "approval", &approval.msg)?;
    }
    Ok(())
}

fn rule(reason: &Reason) -> String {
    let kind = word(&reason.kind).replace('_', " ");
    let mut text = format!("{kind} {}", reason.id);
    if !reason.msg.is_empty() {
        text.push_str(": ");
        text.push_str(&reason.msg);
    }
    if let Some(at) = &reason.location {
        text.push_str(&format!("  ({}:{})", at.file, at.row));
    }
    text
}

fn write_refusal(f: &mut fmt::Formatter<'_>, refusal: &Refusal) -> fmt::Result {
    line(f, "refuses", &refusal.message)?;
    match &refusal.hint {
        // The first line says what to do next, too, because many clients show nothing else.
        Some(hint) if !refusal.message.ends_with(hint.as_str()) => line(f, "hint", hint),
        Some(_) | None => Ok(()),
    }
}

fn with_labels(id: &str, uses: &str, labels: &[String]) -> String {
    if labels.is_empty() {
        return format!("{id}  {uses}");
    }
    format!("{id}  {uses}  [{}]", labels.join(", "))
}

/// A field name in a column of its own, and the value with later lines under the first.
fn line(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    let mut rest = value.lines();
    writeln!(f, "{name:<11}{}", rest.next().unwrap_or_default())?;
    rest.try_for_each(|more| writeln!(f, "{:<11}{more}", ""))
}

/// The word that JSON has for a value of an enumeration.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}
