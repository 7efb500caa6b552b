//! What a message says, in three forms. None of them holds the text of a statement or a value: whoever wants to see
//! those opens the console, and logs in.

use jurat_core::{ApprovalEvent, card};
use jurat_types::{PrincipalKind, TimeFacts};
use serde_json::{Value, json};

use super::Format;

/// The body of a message. `name` is that of the event, `approval.requested` for example.
pub(super) fn body(
    format: Format,
    name: &str,
    event: &ApprovalEvent,
    public_url: Option<&str>,
) -> Vec<u8> {
    let link = public_url
        .map(|url| format!("{}/approvals/{}", url.trim_end_matches('/'), event.approval.id));
    let value = match format {
        Format::Generic => generic(name, event, link.as_deref()),
        Format::Slack => slack(event, link.as_deref()),
        Format::Teams => teams(event, link.as_deref()),
    };
    serde_json::to_vec(&value).unwrap_or_default()
}

fn generic(name: &str, event: &ApprovalEvent, link: Option<&str>) -> Value {
    let ApprovalEvent { approval, by, at_ns, .. } = event;
    let intent = &approval.intent;
    let statement = intent.statement.as_ref();
    let relations: Vec<&str> = statement
        .map(|statement| statement.relations.iter().map(|one| one.id.as_str()).collect())
        .unwrap_or_default();
    let last = approval.votes.last();
    json!({
        "type": name,
        "timestamp": TimeFacts::utc(*at_ns).rfc3339,
        "data": {
            "id": approval.id,
            "state": approval.state,
            "requester": {
                "id": intent.principal.id,
                "kind": intent.principal.kind,
                "on_behalf_of": intent.principal.on_behalf_of.as_ref().map(|human| &human.id),
            },
            "database": intent.target.name,
            "environment": intent.target.environment,
            "claimed": {"purpose": intent.claimed.purpose, "ticket": intent.claimed.ticket},
            "statement": {"kind": statement.map(|statement| &statement.kind), "relations": relations},
            "max_rows": approval.max_rows,
            "rules": approval.rules(),
            "approvers": approval.requests.iter().flat_map(|request| &request.approvers).collect::<Vec<_>>(),
            "by": by,
            "reason": by.as_ref().and(last).and_then(|vote| vote.reason.as_ref()),
            "expires": TimeFacts::utc(approval.expires_ns).rfc3339,
            "decision_id": approval.decision_id,
            "digest": approval.digest,
            "url": link,
        },
    })
}

/// The message on one line.
fn headline(event: &ApprovalEvent) -> String {
    let approval = &event.approval;
    let intent = &approval.intent;
    let who = &intent.principal.id;
    let kind = intent.statement.as_ref().map_or("a statement", |statement| &statement.kind);
    let kind = kind.replace('_', " ").to_uppercase();
    let by = event.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
    let said = match event.event {
        "requested" => format!("{who} asks for approval of {kind}"),
        other => format!("{kind} of {who} was {other}{by}"),
    };
    card::plain(&format!("{}: {said} on {}", approval.id, intent.target.name))
}

/// What is shown below it.
fn facts(event: &ApprovalEvent) -> Vec<(&'static str, String)> {
    let approval = &event.approval;
    let intent = &approval.intent;
    let kind = match intent.principal.kind {
        PrincipalKind::Agent => "an AI agent",
        PrincipalKind::Person => "a person",
        PrincipalKind::Service => "a service",
    };
    let who = match &intent.principal.on_behalf_of {
        Some(human) => format!("{}, {kind}, for {}", intent.principal.id, human.id),
        None => format!("{}, {kind}", intent.principal.id),
    };
    let relations: Vec<&str> = intent
        .statement
        .iter()
        .flat_map(|statement| statement.relations.iter())
        .map(|relation| relation.id.as_str())
        .collect();
    let mut facts = vec![
        ("Who", who),
        ("Where", format!("{}, {}", intent.target.name, intent.target.environment)),
        ("On", relations.join(", ")),
        ("Rules", approval.rules().join(", ")),
    ];
    if let Some(rows) = approval.max_rows {
        facts.push(("Rows", format!("{rows}")));
    }
    if let Some(purpose) = &intent.claimed.purpose {
        facts.push(("Purpose", format!("{purpose} (claimed, not proved)")));
    }
    facts.push(("Until", TimeFacts::utc(approval.expires_ns).rfc3339));
    facts.into_iter().map(|(name, value)| (name, short(&card::plain(&value)))).collect()
}

/// Receivers refuse long fields.
fn short(text: &str) -> String {
    const CHARS_MAX: usize = 300;
    if text.chars().count() <= CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(CHARS_MAX).chain(['…']).collect()
}

/// Blocks of Slack. `plain_text` takes no markup, links and mentions included.
fn slack(event: &ApprovalEvent, link: Option<&str>) -> Value {
    let plain = |text: String| json!({"type": "plain_text", "text": text, "emoji": false});
    let line = short(&headline(event));
    let fields: Vec<Value> =
        facts(event).into_iter().map(|(name, value)| plain(format!("{name}: {value}"))).collect();
    let mut blocks = vec![
        json!({"type": "section", "text": plain(line.clone())}),
        json!({"type": "section", "fields": fields}),
    ];
    if let Some(link) = link {
        let button =
            json!({"type": "button", "text": plain("Open in Jurat".to_owned()), "url": link});
        blocks.push(json!({"type": "actions", "elements": [button]}));
    }
    // The text of the notification is the one place where Slack reads markup.
    let text = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({"text": text, "blocks": blocks})
}

/// An adaptive card. Its texts may hold Markdown, so what could begin a link or an image is taken out.
fn teams(event: &ApprovalEvent, link: Option<&str>) -> Value {
    let tame = |text: &str| text.replace(['[', ']', '*', '_', '`', '<', '>', '#', '~'], " ");
    let facts: Vec<Value> = facts(event)
        .into_iter()
        .map(|(name, value)| json!({"title": name, "value": tame(&value)}))
        .collect();
    let actions: Vec<Value> = link
        .map(|link| json!({"type": "Action.OpenUrl", "title": "Open in Jurat", "url": link}))
        .into_iter()
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [
                    {"type": "TextBlock", "weight": "Bolder", "wrap": true, "text": tame(&short(&headline(event)))},
                    {"type": "FactSet", "facts": facts},
                ],
                "actions": actions,
            },
        }],
    })
}
