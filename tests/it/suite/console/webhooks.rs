//! Webhooks: what becomes of a request is told more than once where need be, and never in the way of anything. What is
//! told, and how it is signed, is in `both::webhooks`.

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
        tiers, until,
    },
    suite::approvals::{UPDATE, approve, ask},
};

/// Whether the reference implementation accepts the signature of each message, with its words.
pub(in crate::suite) fn verified(messages: &[(&str, &Received, String)]) -> Option<Vec<String>> {
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

pub(in crate::suite) fn hook(name: &str, port: u16, more: &str) -> String {
    format!("[[webhook]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:{port}/hook?x=1\"\n{more}\n")
}

pub(in crate::suite) const SIGNED: &str = "secret = { file = \"hook.secret\" }";

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
