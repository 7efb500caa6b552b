//! Promise: what happened can be shown later. Every statement has a record before and after, secrets and
//! values have none, and a record that was touched is named.

use std::{fs, os::unix::fs::FileExt as _};

use crate::harness::{Setup, Shop};

#[tokio::test]
async fn a_statement_has_a_record_before_and_one_after() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("shopd").await;
    wire.run("SELECT id FROM orders WHERE id < 4").await;
    wire.run("UPDATE orders SET note = 'x' WHERE id < 3").await;
    wire.run("SELECT 1 / 0").await;
    wire.run("DROP TABLE orders").await;
    drop(wire);
    let records = shop.close().await;
    for (text, effect, outcome, rows, command, sqlstate) in [
        ("SELECT id", "allow", "done", Some(3), Some("SELECT"), None),
        ("UPDATE", "allow", "done", Some(2), Some("UPDATE"), None),
        (" / ", "allow", "failed", None, None, Some("22012")),
    ] {
        let decision = records.decision_on(text);
        assert_eq!(decision["result"]["effect"], effect, "{text}");
        assert_eq!(decision["input"]["principal"]["id"], "shopd");
        let after = records.outcome(&decision).unwrap_or_else(|| panic!("no outcome: {text}"));
        assert_eq!(after["outcome"], outcome, "{text}");
        assert_eq!(after["rows"].as_u64(), rows, "{text}");
        assert_eq!(after["command"].as_str(), command, "{text}");
        assert_eq!(after["sqlstate"].as_str(), sqlstate, "{text}");
        assert!(after["seq"].as_u64() > decision["seq"].as_u64());
    }
    let denied = records.decision_on("DROP");
    assert_eq!(denied["result"]["effect"], "deny");
    assert!(denied["sent_sha256"].is_null() && records.outcome(&denied).is_none());
    for event in ["opened", "closed"] {
        assert_eq!(records.sessions(event).len(), 1, "{event}");
    }
    for event in ["started", "stopped"] {
        assert_eq!(records.system(event).len(), 1, "{event}");
    }
}

#[tokio::test]
async fn one_flipped_byte_is_found_and_the_record_is_named() {
    let Some(mut shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    for n in 0..5 {
        wire.run(&format!("SELECT note FROM orders WHERE id = {n}")).await;
    }
    drop(wire);
    shop.jurat.stop();
    let home = &shop.jurat.home;
    assert!(home.verify().status.success());

    let file = home.path("audit/records-000000.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let seq = shop.records().decision_on("orders")["seq"].as_u64().unwrap();
    let line = text.lines().nth(usize::try_from(seq).unwrap()).unwrap();
    let at = text.find(line).unwrap() + line.find("totals").unwrap();
    let log = fs::OpenOptions::new().write(true).open(&file).unwrap();
    // One bit, and the text stays readable.
    log.write_all_at(&[text.as_bytes()[at] ^ 1], u64::try_from(at).unwrap()).unwrap();
    let verified = home.verify();
    assert_eq!(verified.status.code(), Some(7), "{verified:?}");
    let said = String::from_utf8(verified.stderr).unwrap();
    assert!(said.contains(&format!("record {seq} ")), "record {seq} is not named: {said}");

    // Put back, it verifies again; without its last line it does not.
    log.write_all_at(&text.as_bytes()[at..=at], u64::try_from(at).unwrap()).unwrap();
    assert!(home.verify().status.success());
    let end = text.trim_end().rfind('\n').unwrap() + 1;
    log.set_len(u64::try_from(end).unwrap()).unwrap();
    assert_eq!(home.verify().status.code(), Some(7));
}

#[tokio::test]
async fn passwords_and_literals_are_not_in_the_record() {
    let policy = "package jurat.baseline\nallow contains {\"id\": \"test.everything\"} if input.stage == \"statement\"";
    let mut setup = Setup::default().policy("everything.rego", policy);
    setup.shipped = false;
    let session = "package jurat.login\nallow contains {\"id\": \"test.session\"} if input.stage == \"session\"";
    setup = setup.policy("login.rego", session);
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = shop.wire("dora").await;
    // Some are read, some are not, some fail: none may leave its literals behind.
    for text in [
        "ALTER USER app PASSWORD 'verysecretpassword' VALID UNTIL 'infinity'",
        "ALTER ROLE nobody_there WITH PASSWORD 'verysecretpassword'",
        "CREATE ROLE r PASSWORD 'verysecretpassword' FROBNICATE",
        "SELECT 'verysecretpassword'",
        "SELECT $$verysecretpassword$$, E'verysecretpassword', 7712345678901",
        "SELECT * FROM nowhere WHERE token = 'verysecretpassword'",
        "INSERT INTO notes (body) VALUES ('verysecretpassword')",
        "SELECT id FROM customers WHERE email = 'verysecretpassword' -- verysecretpassword",
        "SELEC 'verysecretpassword'",
        "SELECT 'verysecretpassword",
        "PREPARE p AS SELECT 'verysecretpassword'",
        "DO $$ BEGIN PERFORM 'verysecretpassword'; END $$",
    ] {
        // The password that everybody else logs in with must stay.
        let text = text.replace("ALTER USER app ", "ALTER USER nobody_else ");
        wire.run(&text).await;
        wire.run_extended(&text, 0).await;
    }
    drop(wire);
    let jurat = &shop.jurat;
    let log = jurat.log();
    let record = fs::read_to_string(jurat.home.path("audit/records-000000.jsonl")).unwrap();
    for (place, text) in [("the log", &log), ("the record", &record)] {
        for secret in ["verysecretpassword", "7712345678901"] {
            if let Some(at) = text.find(secret) {
                let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
                panic!("{secret} is in {place}: {}", &text[line..at + 40]);
            }
        }
    }
    shop.close().await;
}
