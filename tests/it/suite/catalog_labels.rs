//! Promise: `jurat catalog scan` finds what should be labeled, reads samples only as statements that are judged
//! and recorded, and gives no value away; `jurat catalog check` finds labels of what is gone.

use std::{fs, process::Output};

use serde_json::Value;

use crate::harness::{
    Setup, Shop, canary,
    jurat::{LABELS, PASSWORD, command},
};

/// Tables whose values give them away, and one that nobody may read.
const OBJECTS: &str = "
    CREATE TABLE tickets (id int, body text, reply text, code text, card_id int, email_sent_at timestamp);
    INSERT INTO tickets SELECT n, CASE WHEN n <= 2 THEN 'ask canary' || n || '@leak.example' ELSE 'all is well' END,
        'canary' || n || '@leak.example', NULL, n, now() FROM generate_series(1, 20) n;
    CREATE TABLE closed (email text);
    INSERT INTO closed VALUES ('canary1@leak.example');
    CREATE VIEW tickets_view AS SELECT reply FROM tickets;
";

const CLOSED: &str = r#"package jurat.closed
deny contains {"id": "closed.closed", "msg": "closed is closed"} if {
    some relation in input.statement.relations
    relation.id == "public.closed"
}
"#;

/// Where the labels are that the policies read.
const PLACE: &str = "policy/jurat/catalog/data.yaml";

async fn unlabeled_shop() -> Option<Shop> {
    let setup = Setup { objects: OBJECTS, ..Setup::default() };
    let shop = Shop::open(setup.policy("data.json", "{}").policy("closed.rego", CLOSED)).await?;
    shop.jurat.home.write("password", PASSWORD);
    Some(shop)
}

/// Runs `jurat catalog` with the shop's configuration. Whatever it says holds no value.
fn catalog(shop: &Shop, arguments: &[&str]) -> (i32, String) {
    let config = shop.jurat.home.path("jurat.toml");
    let (first, rest) = arguments.split_first().unwrap();
    let begin = ["catalog", first, "-vv", "-c", config.to_str().unwrap()];
    let Output { status, stdout, stderr } = command(&[&begin, rest].concat(), "");
    for text in [&stdout, &stderr] {
        assert_eq!(canary::find(text), None, "{arguments:?}");
    }
    let text = String::from_utf8([stdout, stderr].concat()).unwrap();
    (status.code().unwrap(), text)
}

/// `scan` with samples.
fn scan(shop: &Shop, arguments: &[&str]) -> (i32, String) {
    let address = format!("127.0.0.1:{}", shop.jurat.port);
    let password = shop.jurat.home.path("password");
    let samples =
        ["--through", &address, "--as", "ana", "--password-file", password.to_str().unwrap()];
    catalog(shop, &[&["scan"], &samples[..], arguments].concat())
}

#[tokio::test]
async fn a_scan_proposes_what_is_protected_and_shows_no_value() {
    let Some(shop) = unlabeled_shop().await else { return };
    // The values do reach whoever reads the samples, so that silence about them is worth something.
    let mut wire = shop.wire("ana").await;
    wire.run(
        "SELECT pg_catalog.\"left\"((reply)::pg_catalog.text, 4096) FROM public.tickets LIMIT 100",
    )
    .await;
    assert!(canary::find(&wire.received).is_some());

    let place = shop.jurat.home.path(PLACE);
    let before = shop.records().decisions().len();
    let (code, said) = scan(&shop, &["--write", place.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    let written = fs::read_to_string(&place).unwrap();
    assert_eq!(canary::find(written.as_bytes()), None);

    let fixture: Value = serde_json::from_str(LABELS).unwrap();
    for (id, labels) in fixture["jurat"]["catalog"].as_object().unwrap() {
        let label = labels[0].as_str().unwrap();
        assert!(written.contains(&format!("\n{id}: [{label}] # ")), "{id} {label}: {written}");
    }
    for line in [
        "public.customers.email: [pii.email] # name matches \"email\"; 20 of 20 samples hold an e-mail address",
        "public.tickets.reply: [pii.email] # 20 of 20 samples hold an e-mail address",
        "public.tickets.body: [pii.free_text] # 2 of 20 samples hold an e-mail address",
        "public.closed.email: [pii.email] # name matches \"email\"; no samples, the statement failed with 42501",
        "\"public.Customers Quoted.E Mail\": [pii.email] # name matches \"e_mail\"; no values",
    ] {
        assert!(written.contains(&format!("\n{line}\n")), "{line}: {written}");
    }
    for absent in [
        "card_id",
        "email_sent_at",
        "tickets_view",
        "contact",
        "public.customers.id",
        "tickets.code",
    ] {
        assert!(!written.contains(absent), "{absent}: {written}");
    }

    let records = shop.close().await;
    let decisions = records.decisions().split_off(before);
    let samples: Vec<&Value> = decisions
        .iter()
        .filter(|record| {
            let is_statement = record["input"]["stage"] == "statement";
            is_statement && record["input"]["claimed"]["application"] == "jurat catalog scan"
        })
        .collect();
    let of = said.split("samples: ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert_eq!(samples.len().to_string(), of, "{said}");
    assert!(said.contains(" 1 refused"), "{said}");
    let denied = samples.iter().filter(|record| record["result"]["effect"] == "deny").count();
    assert_eq!(denied, 1);
}

#[tokio::test]
async fn what_is_labeled_is_not_proposed_again_and_what_is_gone_is_found() {
    let Some(shop) = unlabeled_shop().await else { return };
    let place = shop.jurat.home.path(PLACE);
    shop.jurat.home.write(PLACE, "# by hand\npublic.customers.email: [mine] # stays\n");
    let (code, said) = scan(&shop, &["--check"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("+ public.customers.ssn: [pii.ssn]"), "{said}");
    assert!(!said.contains("public.customers.email"), "{said}");
    let (code, said) = scan(&shop, &["--write", place.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    let written = fs::read_to_string(&place).unwrap();
    assert!(
        written.starts_with("# by hand\npublic.customers.email: [mine] # stays\n"),
        "{written}"
    );
    assert_eq!(scan(&shop, &["--check"]).0, 0);

    let (code, said) = catalog(&shop, &["check"]);
    assert_eq!(code, 0, "{said}");
    let admin = shop.inspector().await;
    admin
        .batch_execute("ALTER TABLE customers DROP ssn; ALTER TABLE tickets ADD phone text")
        .await
        .unwrap();
    let (code, said) = catalog(&shop, &["check", "--format", "json"]);
    assert_eq!(code, 3, "{said}");
    let report: Value =
        serde_json::Deserializer::from_str(&said).into_iter().next().unwrap().unwrap();
    let found: Vec<(&str, &str)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (finding["what"].as_str().unwrap(), finding["id"].as_str().unwrap()))
        .collect();
    let expected =
        [("missing_column", "public.customers.ssn"), ("unlabeled", "public.tickets.phone")];
    assert_eq!(found, expected);
    shop.close().await;
}
