//! Promise: what policy wants approved runs once after a person with the right to it has said yes to exactly
//! that, and not otherwise (APPR-01 to APPR-10 of the catalogue of attacks).

mod extended;
mod hold;
mod retry;

use serde_json::Value;

/// The sources of the tests of the catalogue's rows about approvals and limits.
const SOURCES: [&str; 8] = [
    include_str!("both/approvals/channels.rs"),
    include_str!("approvals/extended.rs"),
    include_str!("approvals/hold.rs"),
    include_str!("approvals/retry.rs"),
    include_str!("both/approvals/trust.rs"),
    include_str!("both/limits.rs"),
    include_str!("guard/consent.rs"),
    include_str!("both/replicas.rs"),
];

#[test]
fn every_row_of_the_catalogue_has_its_test() {
    assert_eq!(super::missing_rows("appr", 10, &SOURCES), Vec::<String>::new());
    // The other rows of that table have their tests in the catalogue of statements.
    let side = super::missing_rows("side", 12, &SOURCES);
    let missing = |row: &String| row == "side 11" || row == "side 12" || row.starts_with("side_");
    assert_eq!(side.into_iter().filter(missing).collect::<Vec<_>>(), Vec::<String>::new());
}

use crate::harness::{Setup, Shop, Wire, in_time, wire::Reply};

/// Writes of orders want approval; all else is free.
pub(super) const POLICY: &str = r#"package jurat.consent
allow contains "everything else"
approvals contains {
    "id": "consent.orders", "msg": "Orders are changed by two people",
    "approvers": ["group:dba", "priya"], "ttl": "10m", "mode": "auto",
} if {
    input.stage == "statement"
    some relation in input.statement.relations
    relation.id == "public.orders"
    relation.access != "read"
}
"#;

pub(super) const SECTION: &str = "\n[approvals]\nstore = \"approvals.db\"\nsocket = \"approvers.sock\"\n\
    pending_per_principal_max = 5\n\
    [[approvals.operator]]\nprincipal = \"dora\"\ntoken = { file = \"dora.token\" }\n\
    [[approvals.operator]]\nprincipal = \"priya\"\ntoken = { file = \"priya.token\" }\n\
    [[approvals.operator]]\nprincipal = \"ana\"\ntoken = { file = \"ana.token\" }\n\
    [[approvals.operator]]\nprincipal = \"bot\"\ntoken = { file = \"bot.token\" }\n";

pub(super) const UPDATE: &str = "UPDATE orders SET note = 'changed' WHERE id = 1";
pub(super) const CHANGED: &str = "SELECT count(*) FROM orders WHERE note = 'changed'";

fn setup() -> Setup {
    Setup { shipped: false, limits: SECTION, ..Setup::default() }.policy("consent.rego", POLICY)
}

/// The request that a refusal names.
fn id_in(reply: &Reply) -> String {
    let error = reply.error().unwrap_or_else(|| panic!("no refusal: {reply:?}"));
    let detail: Value = serde_json::from_str(error.detail()).unwrap();
    let id = detail["approval"].as_str().unwrap_or_else(|| panic!("no id: {reply:?}")).to_owned();
    assert!(error.message().contains(&id), "the first line alone names it: {error}");
    id
}

/// The code in the detail of a refusal.
pub(super) fn code_in(reply: &Reply) -> String {
    let error = reply.error().unwrap_or_else(|| panic!("no refusal: {reply:?}"));
    let detail: Value = serde_json::from_str(error.detail()).unwrap();
    detail["code"].as_str().unwrap_or_default().to_owned()
}

/// Asks for consent in vain, and gives back the request.
pub(super) async fn ask(wire: &mut Wire, text: &str) -> String {
    let reply = wire.run(text).await;
    assert_eq!((reply.sqlstate().as_str(), code_in(&reply).as_str()), ("42501", "JRT-HOLD"));
    id_in(&reply)
}

/// The request that a client is told to wait for.
pub(super) async fn noticed(wire: &mut Wire) -> String {
    loop {
        let message = in_time("the notice", wire.message()).await.expect("a session");
        if message.tag == b'N' {
            let report = message.report();
            let text = report.message();
            if let Some((_, rest)) = text.split_once("waiting for ") {
                return rest.split(';').next().unwrap().to_owned();
            }
        }
    }
}

/// Approves by SQL.
pub(super) async fn approve(shop: &Shop, who: &str, id: &str) -> Reply {
    shop.wire(who).await.run(&format!("CALL jurat.approve('{id}')")).await
}

/// The events of a request, in order.
pub(super) fn events(shop: &Shop, id: &str) -> String {
    shop.records().events(id)
}
