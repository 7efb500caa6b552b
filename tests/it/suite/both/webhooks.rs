//! Promise: what becomes of a request is told to webhooks, signed, whatever protocol it was asked for in. What
//! receivers cannot do to it is in `console::webhooks`.

use serde_json::{Value, json};

use super::approvals::{UPDATE, approve, ask};
use crate::{
    harness::{Protocol, both::both, http::Receiver, jurat::HOOK_SECRET, until},
    suite::console::{
        setup_on,
        webhooks::{SIGNED, hook, verified},
    },
};

both!(slack_and_teams_have_their_own_form, what_becomes_of_a_request_is_told_and_signed);

async fn what_becomes_of_a_request_is_told_and_signed(on: Protocol) {
    // The first try fails, so that there is a second one.
    let receiver = Receiver::start(&["500 No", "200 OK"]).await;
    let setup = setup_on(on, &hook("ops", receiver.port, SIGNED));
    let Some(shop) = on.open(setup).await else { return };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    approve(&shop, "dora", &id).await;
    bot.one(UPDATE).await;
    let received = until("four messages", || Some(receiver.all()).filter(|all| all.len() >= 4));
    let bodies: Vec<Value> =
        received.iter().map(|one| serde_json::from_str(&one.body).unwrap()).collect();
    let types: Vec<&str> = bodies.iter().map(|body| body["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        ["approval.requested", "approval.requested", "approval.approved", "approval.used"]
    );
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert_ne!(received[1].header("webhook-id"), received[2].header("webhook-id"));
    assert_eq!((&bodies[2]["data"]["id"], &bodies[2]["data"]["by"]), (&json!(id), &json!("dora")));
    for body in &received {
        assert!(body.head.starts_with("POST /hook?x=1 HTTP/1.1"), "{}", body.head);
        assert!(!body.body.contains("changed"), "no literal of the statement: {}", body.body);
    }
    let another = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let mut checks: Vec<_> =
        received.iter().map(|one| (HOOK_SECRET, one, one.body.clone())).collect();
    checks.push((another, &received[1], received[1].body.clone()));
    checks.push((HOOK_SECRET, &received[1], received[1].body.replace("bot", "b0t")));
    if let Some(said) = verified(&checks) {
        let right: Vec<bool> = said.iter().map(|line| line == "ok").collect();
        assert_eq!(right, [true, true, true, true, false, false], "{said:?}");
    }
    shop.close().await;
}

async fn slack_and_teams_have_their_own_form(on: Protocol) {
    let slack = Receiver::start(&["200 OK"]).await;
    let teams = Receiver::start(&["202 Accepted"]).await;
    let only = "events = [\"approval.denied\"]";
    let hooks = [
        hook("slack", slack.port, "format = \"slack\""),
        hook("teams", teams.port, &format!("format = \"teams\"\n{only}")),
    ];
    let Some(shop) = on.open(setup_on(on, &hooks.concat())).await else { return };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    shop.session("dora").await.one(&format!("CALL jurat.deny('{id}', 'no')")).await;
    let received = until("two messages", || Some(slack.all()).filter(|all| all.len() >= 2));
    let body: Value = serde_json::from_str(&received[0].body).unwrap();
    assert_eq!(body["blocks"][0]["text"]["type"], "plain_text");
    let text = body["text"].as_str().unwrap();
    assert!(text.contains(&id) && text.contains("asks for approval of UPDATE"), "{text}");
    let received = until("a message", || Some(teams.all()).filter(|all| !all.is_empty()));
    assert_eq!(received.len(), 1, "only what it wants");
    let body: Value = serde_json::from_str(&received[0].body).unwrap();
    let card = &body["attachments"][0]["content"];
    assert_eq!(card["type"], "AdaptiveCard");
    assert!(card["body"][0]["text"].as_str().unwrap().contains("denied by dora"), "{card}");
    shop.close().await;
}
