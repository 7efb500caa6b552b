//! Webhooks: what becomes of a request is told, signed, more than once where need be, and never in the way of anything.

use std::{
    env,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::setup;
use crate::{
    harness::{
        Shop,
        http::{Http, Received, Receiver},
        jurat::HOOK_SECRET,
        tiers, until,
    },
    suite::approvals::{UPDATE, approve, ask},
};

/// Whether the reference implementation accepts the signature of each message, with its words.
fn verified(messages: &[(&str, &Received, String)]) -> Option<Vec<String>> {
    let Some(python) = env::var_os("JURAT_TEST_PYTHON") else {
        tiers::missing("standardwebhooks", "run scripts/test, which brings Python packages");
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/webhooks/verify.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for (secret, message, body) in messages {
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let headers: serde_json::Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), json!(message.header(name)))).collect();
        writeln!(stdin, "{}", json!({"secret": secret, "headers": headers, "body": body})).unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    tiers::met("standardwebhooks", "1.1.0");
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

fn hook(name: &str, port: u16, more: &str) -> String {
    format!("[[webhook]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:{port}/hook?x=1\"\n{more}\n")
}

const SIGNED: &str = "secret = { file = \"hook.secret\" }";

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_a_request_is_told_and_signed() {
    // The first try fails, so that there is a second one.
    let receiver = Receiver::start(&["500 No", "200 OK"]).await;
    let Some(shop) = Shop::open(setup(&hook("ops", receiver.port, SIGNED))).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    approve(&shop, "dora", &id).await;
    bot.run(UPDATE).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn slack_and_teams_have_their_own_form() {
    let slack = Receiver::start(&["200 OK"]).await;
    let teams = Receiver::start(&["202 Accepted"]).await;
    let only = "events = [\"approval.denied\"]";
    let hooks = [
        hook("slack", slack.port, "format = \"slack\""),
        hook("teams", teams.port, &format!("format = \"teams\"\n{only}")),
    ];
    let Some(shop) = Shop::open(setup(&hooks.concat())).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    shop.wire("dora").await.run(&format!("CALL jurat.deny('{id}', 'no')")).await;
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

/// A receiver that does not answer, and one that sends somewhere else.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_is_in_nobody_s_way() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = Receiver::start(&["200 OK"]).await;
    let location: &'static str =
        format!("302 Found\r\nLocation: http://127.0.0.1:{}/", elsewhere.port).leak();
    let redirects = Receiver::start(vec![location].leak()).await;
    let hooks = [
        hook("silent", silent.local_addr().unwrap().port(), SIGNED),
        hook("redirects", redirects.port, SIGNED),
    ];
    let Some(shop) = Shop::open(setup(&hooks.concat())).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    approve(&shop, "dora", &id).await;
    assert_eq!(bot.run(UPDATE).await.tag(), "UPDATE 1");
    until("three messages", || (redirects.all().len() >= 3).then_some(()));
    assert!(elsewhere.all().is_empty(), "no redirect is followed");
    shop.jurat.logged("a webhook was given up");
    shop.close().await;
}

/// What a receiver has not taken is at rest: a crash loses nothing of it, and each message keeps its id and its place.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_delivered_is_delivered_after_a_crash() {
    let receiver = Receiver::start(&["500 No", "500 No", "200 OK"]).await;
    let setup = setup(&hook("ops", receiver.port, SIGNED));
    let Some(mut shop) = Shop::open(setup.clone()).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    approve(&shop, "dora", &id).await;
    bot.run(UPDATE).await;
    drop(bot);
    until("two tries", || (receiver.all().len() >= 2).then_some(()));
    shop.jurat.crash(&setup);
    let received = until("five messages", || Some(receiver.all()).filter(|all| all.len() >= 5));
    let ids: Vec<_> = received.iter().map(|one| one.header("webhook-id")).collect();
    let types: Vec<Value> = received
        .iter()
        .map(|one| serde_json::from_str::<Value>(&one.body).unwrap()["type"].clone())
        .collect();
    let first = "approval.requested";
    assert_eq!(types, [first, first, first, "approval.approved", "approval.used"]);
    assert!(ids[..3].iter().all(|id| *id == ids[0]) && ids[3] != ids[0], "{ids:?}");
    let metrics = Http::new(shop.jurat.admin_port()).get("/metrics").await.body;
    assert!(metrics.contains("jurat_webhook_queue 0"), "{metrics}");
    shop.close().await;
}
