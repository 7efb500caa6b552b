//! What clients are told about consent. The first line alone says what to do next; no value of a statement is
//! in it, because the requester has seen the statement and logs have not.

use jurat_types::{Refusal, RefusalCode};
use serde_json::json;

use crate::{
    grant::{Approval, Spending, State},
    refusals,
};

/// Nobody has answered yet.
pub(super) fn waiting(approval: &Approval, new: bool) -> Refusal {
    let id = &approval.id;
    let stands = if new { "was asked for" } else { "is still waiting" };
    let remedy = format!("Consent {stands}: send the same statement again once it is given");
    let mut refusal = refusal(approval, RefusalCode::ApprovalRequired, &asked(approval), &remedy);
    refusal.hint = Some(format!(
        "CALL jurat.request_approval('{id}', 'why') tells approvers why; an approver runs \
         `jurat approvals approve {id}`, or CALL jurat.approve('{id}') as somebody else"
    ));
    refusal
}

/// An approver said no.
pub(super) fn rejected(approval: &Approval) -> Refusal {
    let no = approval.votes.iter().find(|vote| !vote.yes);
    let who = no.map_or("an approver", |vote| vote.by.as_str());
    let because = no.and_then(|vote| vote.reason.as_deref());
    let why = match because {
        Some(because) => format!("{who} denied {}: {because}", approval.id),
        None => format!("{who} denied {}", approval.id),
    };
    let remedy = "Do not send it again unchanged";
    refusal(approval, RefusalCode::Rejected, &why, remedy)
}

/// Whoever approved may not do so any more.
pub(super) fn void(approval: &Approval, why: &str) -> Refusal {
    let why = format!("{} is void: {why}", approval.id);
    refusal(approval, RefusalCode::ApprovalRequired, &why, "Send it again to ask anew")
}

/// Nobody answered while the connection waited.
pub(super) fn unanswered(approval: &Approval) -> Refusal {
    let why = format!("nobody answered {} in time", approval.id);
    let remedy = "The request stays open: send the same statement again once it is approved";
    refusal(approval, RefusalCode::Canceled, &why, remedy)
}

/// The client gave up waiting.
pub(super) fn given_up(approval: &Approval) -> Refusal {
    let why = format!("canceled while it waited for {}", approval.id);
    refusal(approval, RefusalCode::Canceled, &why, "Nothing ran; the request is withdrawn")
}

/// It ended while the connection waited.
pub(super) fn ended(approval: &Approval) -> Refusal {
    match approval.state {
        State::Denied => rejected(approval),
        State::Approved | State::Canceled | State::Expired | State::Pending | State::Used => {
            let why = format!("{} is {}", approval.id, approval.state.as_str());
            refusal(approval, RefusalCode::Canceled, &why, "Send it again to ask anew")
        }
    }
}

/// Too many requests wait.
pub(super) fn full(approval: &Approval, own: bool) -> Refusal {
    let why = if own {
        "you have as many requests for approval waiting as one principal may have"
    } else {
        "too many requests for approval are waiting"
    };
    let remedy = "Wait until some are answered, and ask less often";
    refusal(approval, RefusalCode::LimitExceeded, why, remedy)
}

/// Another run was faster.
pub(super) fn gone(spendings: &[Spending]) -> Refusal {
    let id = spendings.first().map_or("the approval", |spending| spending.id.as_str());
    refusals::plain(
        RefusalCode::ApprovalRequired,
        format!(
            "jurat refused the statement: {id} was used, has expired, or is void [JRT-HOLD]. One approval lets \
             one statement through once; send it again to ask anew"
        ),
        None,
    )
}

fn asked(approval: &Approval) -> String {
    approval
        .requests
        .first()
        .map_or_else(|| "policy asks for approval".to_owned(), |r| r.msg.clone())
}

fn refusal(approval: &Approval, code: RefusalCode, why: &str, remedy: &str) -> Refusal {
    let decision_id = &approval.decision_id;
    let rule = approval.requests.first().map_or(code.as_str(), |request| request.id.as_str());
    let subject = approval
        .intent
        .statement
        .as_ref()
        .map_or_else(|| "the statement".to_owned(), refusals::subject);
    let detail = json!({
        "decision": "require_approval",
        "code": code.as_str(),
        "rule": rule,
        "statement": approval.intent.statement.as_ref().map(|statement| statement.kind.as_str()),
        "approval": approval.id,
        "state": approval.state.as_str(),
        "approvers": approval.requests.iter().flat_map(|r| r.approvers.clone()).collect::<Vec<_>>(),
        "expires_ns": approval.expires_ns,
        "retryable": code == RefusalCode::ApprovalRequired,
        "policy": approval.intent.policy.revision,
        "decision_id": decision_id,
        "approve": format!("CALL jurat.request_approval('{}', 'why')", approval.id),
    });
    Refusal {
        code,
        message: refusals::first_line(
            &format!("jurat holds {subject}"),
            why,
            rule,
            &format!("{}, decision {decision_id}", approval.id),
            Some(remedy),
        ),
        detail,
        hint: Some(remedy.to_owned()),
        decision_id: Some(decision_id.clone()),
    }
}
