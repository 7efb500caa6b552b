//! Promise: `jurat catalog scan` finds what should be labeled, reads samples only as statements that are judged
//! and recorded, and gives no value away; `jurat catalog check` finds labels of what is gone.

use std::{fs, process::Output};

use serde_json::Value;

use crate::harness::{
    Protocol, Setup,
    both::{AnyShop, both},
    canary,
    jurat::{LABELS, PASSWORD, command},
};

both!(
    a_scan_proposes_what_is_protected_and_shows_no_value,
    what_is_labeled_is_not_proposed_again_and_what_is_gone_is_found,
);

/// Tables whose values give them away, and one that nobody may read.
const OBJECTS: &str = "
    CREATE TABLE tickets (id int, body text, reply text, code text, card_id int, email_sent_at timestamp);
    INSERT INTO tickets SELECT n, CASE WHEN n <= 2 THEN 'ask canary' || n || '@leak.example' ELSE 'all is well' END,
        'canary' || n || '@leak.example', NULL, n, now() FROM generate_series(1, 20) n;
    CREATE TABLE closed (email text);
    INSERT INTO closed VALUES ('canary1@leak.example');
    CREATE VIEW tickets_view AS SELECT reply FROM tickets;
";

/// The same in MySQL's words.
const MYSQL_OBJECTS: &str = "
    CREATE TABLE tickets (id int, body text, reply varchar(200), code text, card_id int unsigned, email_sent_at datetime);
    INSERT INTO tickets SELECT n, IF(n <= 2, CONCAT('ask canary', n, '@leak.example'), 'all is well'),
        CONCAT('canary', n, '@leak.example'), NULL, n, NOW() FROM numbers WHERE n <= 20;
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

async fn unlabeled_shop(on: Protocol) -> Option<AnyShop> {
    let objects = on.either(OBJECTS, MYSQL_OBJECTS);
    let setup = Setup { objects, ..on.setup() }.policy("data.json", "{}");
    let shop = on.open(setup.policy("closed.rego", on.write(CLOSED))).await?;
    shop.jurat().home.write("password", PASSWORD);
    Some(shop)
}

/// Runs `jurat catalog` with the shop's configuration. Whatever it says holds no value.
fn catalog(shop: &AnyShop, arguments: &[&str]) -> (i32, String) {
    let config = shop.jurat().home.path("jurat.toml");
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
fn scan(shop: &AnyShop, arguments: &[&str]) -> (i32, String) {
    let address = format!("127.0.0.1:{}", shop.jurat().port);
    let password = shop.jurat().home.path("password");
    let samples =
        ["--through", &address, "--as", "ana", "--password-file", password.to_str().unwrap()];
    catalog(shop, &[&["scan"], &samples[..], arguments].concat())
}

async fn a_scan_proposes_what_is_protected_and_shows_no_value(on: Protocol) {
    let Some(shop) = unlabeled_shop(on).await else { return };
    // The values do reach whoever reads the samples, so that silence about them is worth something.
    let mut session = shop.session("ana").await;
    session
        .one(on.either(
            "SELECT pg_catalog.\"left\"((reply)::pg_catalog.text, 4096) FROM public.tickets LIMIT 100",
            "SELECT LEFT(`reply`, 4096) FROM `shop`.`tickets` LIMIT 100",
        ))
        .await;
    assert!(session.leaked().is_some());

    let place = shop.jurat().home.path(PLACE);
    let before = shop.records().decisions().len();
    let (code, said) = scan(&shop, &["--write", place.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    let written = fs::read_to_string(&place).unwrap();
    assert_eq!(canary::find(written.as_bytes()), None);

    let fixture: Value = serde_json::from_str(&on.write(LABELS)).unwrap();
    for (id, labels) in fixture["jurat"]["catalog"].as_object().unwrap() {
        let label = labels[0].as_str().unwrap();
        assert!(written.contains(&format!("\n{id}: [{label}] # ")), "{id} {label}: {written}");
    }
    for line in [
        "public.customers.email: [pii.email] # name matches \"email\"; 20 of 20 samples hold an e-mail address",
        "public.tickets.reply: [pii.email] # 20 of 20 samples hold an e-mail address",
        "public.tickets.body: [pii.free_text] # 2 of 20 samples hold an e-mail address",
        "public.closed.email: [pii.email] # name matches \"email\"; no samples, the statement failed with @",
        "\"public.Customers Quoted.E Mail\": [pii.email] # name matches \"e_mail\"; no values",
    ] {
        let line = on.write(line).replace('@', on.either("42501", "42000"));
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
        assert!(!written.contains(&on.write(absent)), "{absent}: {written}");
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

async fn what_is_labeled_is_not_proposed_again_and_what_is_gone_is_found(on: Protocol) {
    let Some(shop) = unlabeled_shop(on).await else { return };
    let place = shop.jurat().home.path(PLACE);
    let by_hand = on.write("# by hand\npublic.customers.email: [mine] # stays\n");
    shop.jurat().home.write(PLACE, &by_hand);
    let (code, said) = scan(&shop, &["--check"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains(&on.write("+ public.customers.ssn: [pii.ssn]")), "{said}");
    assert!(!said.contains(&on.write("public.customers.email")), "{said}");
    let (code, said) = scan(&shop, &["--write", place.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    let written = fs::read_to_string(&place).unwrap();
    assert!(written.starts_with(&by_hand), "{written}");
    assert_eq!(scan(&shop, &["--check"]).0, 0);

    let (code, said) = catalog(&shop, &["check"]);
    assert_eq!(code, 0, "{said}");
    shop.change("ALTER TABLE customers DROP ssn; ALTER TABLE tickets ADD phone text").await;
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
    let expected = expected.map(|(what, id)| (what, on.write(id)));
    let found: Vec<(&str, String)> =
        found.into_iter().map(|(what, id)| (what, id.to_owned())).collect();
    assert_eq!(found, expected);
    shop.close().await;
}
