//! The words of a refusal.
//!
//! INVARIANT(refusal-only-text-to-client): nothing here may hold a value from a statement or from the
//! database.

use jurat_types::{
    Decision, Effect, PolicyRef, Reason, ReasonKind, Refusal, RefusalCode, StatementFacts,
};
use serde_json::json;

/// The first line is cut here: agents and log viewers show no more.
const MESSAGE_CHARS_MAX: usize = 300;

/// The refusal of a statement that was denied.
pub(crate) fn denied(decision: &Decision, facts: &StatementFacts, decision_id: &str) -> Refusal {
    let first = decision.reasons.iter().find(|reason| is_refusing(reason.kind));
    let code = match first.map(|reason| reason.kind) {
        Some(ReasonKind::Error) => RefusalCode::PolicyError,
        _ if !facts.parsed => unreadable_code(facts),
        _ => RefusalCode::Denied,
    };
    let why = match (&facts.unparsed_reason, first) {
        (Some(reason), _) if !facts.parsed => format!("it cannot be read safely: {reason}"),
        (_, Some(reason)) => reason.msg.clone(),
        (_, None) => "no policy allows it".to_owned(),
    };
    let rule = first.map_or("default_deny", |reason| reason.id.as_str());
    let remedy = match first.and_then(|reason| reason.remedy.clone()) {
        _ if !facts.parsed => Some("Check it, or write it in a plainer way".to_owned()),
        remedy => remedy,
    };
    let rules: Vec<_> = decision
        .reasons
        .iter()
        .filter(|reason| is_refusing(reason.kind))
        .map(|reason| json!({"id": reason.id, "msg": reason.msg, "controls": reason.controls}))
        .collect();
    let detail = json!({
        "decision": "deny",
        "code": code.as_str(),
        "rule": rule,
        "rules": rules,
        "statement": facts.kind,
        "retryable": false,
        "policy": decision.policy.revision,
        "decision_id": decision_id,
    });
    let subject = format!("jurat denied {}", subject(facts));
    Refusal {
        code,
        message: first_line(&subject, &why, rule, decision_id, remedy.as_deref()),
        detail,
        hint: Some(remedy.unwrap_or_else(|| {
            format!("Show this id to whoever owns the policies: {decision_id}")
        })),
        decision_id: Some(decision_id.to_owned()),
    }
}

/// The refusal of a statement whose decision cannot be carried out: why, and what to do instead.
pub(crate) fn not_carried_out(
    code: RefusalCode,
    facts: &StatementFacts,
    (why, remedy): (&str, &str),
    decision_id: &str,
) -> Refusal {
    let subject = format!("jurat denied {}", subject(facts));
    let rule = code.as_str();
    Refusal {
        code,
        message: first_line(&subject, why, rule, decision_id, Some(remedy)),
        detail: json!({
            "decision": "deny",
            "code": rule,
            "rule": rule,
            "statement": facts.kind,
            "retryable": false,
            "decision_id": decision_id,
        }),
        hint: Some(remedy.to_owned()),
        decision_id: Some(decision_id.to_owned()),
    }
}

/// The same refusal, put down to the rule of a policy that led to it.
pub(crate) fn by_rule(mut refusal: Refusal, rule: Option<&String>) -> Refusal {
    if let Some(rule) = rule {
        let code = format!("[rule {}, ", refusal.code.as_str());
        refusal.message = refusal.message.replace(&code, &format!("[rule {rule}, "));
        if let Some(detail) = refusal.detail.as_object_mut() {
            detail.insert("rule".to_owned(), rule.as_str().into());
        }
    }
    refusal
}

/// Drivers know PostgreSQL's codes for names that do not exist, and some act on them, so an unknown
/// name keeps its own. The reading says what it does not know in its first word.
fn unreadable_code(facts: &StatementFacts) -> RefusalCode {
    let what = facts.unparsed_reason.as_deref().and_then(|reason| reason.split_once(" `"));
    match what {
        Some(_) if facts.unresolved.is_empty() => RefusalCode::Unreadable,
        Some(("relation", _)) => RefusalCode::UnknownRelation,
        Some(("column" | "result column", _)) => RefusalCode::UnknownColumn,
        Some(("function", _)) => RefusalCode::UnknownFunction,
        Some(("schema" | "type", _)) => RefusalCode::UnknownObject,
        _ => RefusalCode::Unreadable,
    }
}

/// The decision to record for a refusal that no policy asked for.
pub(crate) fn own_denial(revision: &str, refusal: &Refusal) -> Decision {
    Decision {
        effect: Effect::Deny,
        reasons: vec![own_reason(refusal)],
        masks: Vec::new(),
        row_filters: Vec::new(),
        limits: Vec::new(),
        approvals: Vec::new(),
        obligations: Vec::new(),
        policy: PolicyRef { revision: revision.to_owned() },
        errors: Vec::new(),
    }
}

/// The reason to record for a refusal that no policy asked for.
pub(crate) fn own_reason(refusal: &Refusal) -> Reason {
    Reason {
        kind: ReasonKind::Deny,
        id: refusal.code.as_str().to_owned(),
        package: "jurat".to_owned(),
        msg: refusal.message.clone(),
        code: Some(refusal.code.as_str().to_owned()),
        severity: None,
        remedy: refusal.hint.clone(),
        title: None,
        controls: Vec::new(),
        location: None,
        approvable: false,
        details: None,
    }
}

/// A refusal that rests on no decision.
pub fn plain(code: RefusalCode, message: impl Into<String>, hint: Option<&str>) -> Refusal {
    Refusal {
        code,
        message: truncate(message.into()),
        detail: json!({"code": code.as_str(), "kind": code.kind().label()}),
        hint: hint.map(str::to_owned),
        decision_id: None,
    }
}

/// Nothing runs that cannot be recorded.
pub(crate) fn audit_unavailable() -> Refusal {
    plain(
        RefusalCode::AuditUnavailable,
        "jurat refused the statement: its record cannot be written, and nothing runs unrecorded \
         [JRT-AUDIT]. Nothing was changed; try again once the operator has mended the audit log",
        Some("The operator finds the cause in the log of jurat."),
    )
}

/// Consent is needed. What is told in the end names the request.
pub(crate) const ASK: (&str, &str) =
    ("policy asks for an approval", "Ask for it, then send it again");

/// Nothing runs that needs consent while nobody knows who has consented.
pub(crate) fn no_store() -> Refusal {
    plain(
        RefusalCode::PolicyError,
        "jurat refused the statement: it needs an approval, and the store of approvals cannot be used \
         [JRT-POLICY]. Nothing was changed; try again once the operator has mended it",
        Some("The operator finds the cause in the log of jurat."),
    )
}

/// A warning that goes with a statement that runs.
pub(crate) fn is_warning(reason: &Reason) -> bool {
    reason.kind == ReasonKind::Warn
}

const fn is_refusing(kind: ReasonKind) -> bool {
    match kind {
        ReasonKind::Deny | ReasonKind::Error | ReasonKind::Approval => true,
        ReasonKind::Mask
        | ReasonKind::RowFilter
        | ReasonKind::Limit
        | ReasonKind::Warn
        | ReasonKind::Allow
        | ReasonKind::DryRun => false,
    }
}

/// `UPDATE on public.customers`: the kind and at most two relations, never text of the statement.
pub(crate) fn subject(facts: &StatementFacts) -> String {
    if !facts.parsed {
        return "the statement".to_owned();
    }
    let mut names: Vec<&str> = Vec::new();
    for relation in facts.relations.iter() {
        if !names.contains(&relation.id.as_str()) {
            names.push(&relation.id);
        }
    }
    let kind = facts.kind.replace('_', " ").to_uppercase();
    match names.as_slice() {
        [] => kind,
        [one] => format!("{kind} on {one}"),
        [one, two] => format!("{kind} on {one} and {two}"),
        [one, rest @ ..] => format!("{kind} on {one} and {} more", rest.len()),
    }
}

pub(crate) fn first_line(
    subject: &str,
    why: &str,
    rule: &str,
    id: &str,
    remedy: Option<&str>,
) -> String {
    let line = format!("{subject}: {why} [rule {rule}, id {id}]");
    match remedy {
        Some(remedy) if line.chars().count() + remedy.chars().count() + 2 <= MESSAGE_CHARS_MAX => {
            format!("{line}. {remedy}")
        }
        _ => truncate(line),
    }
}

fn truncate(line: String) -> String {
    if line.chars().count() <= MESSAGE_CHARS_MAX {
        return line;
    }
    let cut: String = line.chars().take(MESSAGE_CHARS_MAX - 1).collect();
    format!("{cut}…")
}
