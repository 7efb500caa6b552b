//! Promise: what policy wants approved runs once after a person with the right to it has said yes to exactly that,
//! as in front of PostgreSQL (suite/approvals), by the same policy.

use serde_json::Value;

use super::super::approvals::{POLICY, SECTION, UPDATE};
use crate::harness::{MyError, MyShop, MyWire, Setup};

mod hold;
mod retry;
mod words;

const CHANGED: &str = "SELECT COUNT(*) FROM shop.orders WHERE note = 'changed'";

fn setup() -> Setup {
    let policy = POLICY.replace("public.orders", "shop.orders");
    Setup { shipped: false, limits: SECTION, ..Setup::mariadb() }.policy("consent.rego", policy)
}

/// The detail of the last refusal, as `SHOW WARNINGS` has it behind the error.
fn detail(wire: &mut MyWire) -> Value {
    let warnings = wire.one("SHOW WARNINGS");
    assert_eq!(warnings.columns, ["Level", "Code", "Message"]);
    let [error, note] = warnings.rows.as_slice() else { panic!("{warnings:?}") };
    assert_eq!((error[0].as_deref(), note[0].as_deref()), (Some("Error"), Some("Note")));
    serde_json::from_str(note[2].as_deref().unwrap()).unwrap()
}

/// The request that a refusal names, in its line and in its detail.
fn id_in(wire: &mut MyWire, error: &MyError, code: &str) -> String {
    assert_eq!((error.code, error.sqlstate.as_str()), (1142, "42000"), "{error:?}");
    let detail = detail(wire);
    assert_eq!(detail["code"], code, "{detail}");
    let id = detail["approval"].as_str().unwrap_or_else(|| panic!("no id: {detail}")).to_owned();
    assert!(error.message.contains(&id), "the line alone names it: {error:?}");
    id
}

/// Asks for consent in vain, and gives back the request.
fn ask(wire: &mut MyWire, text: &str) -> String {
    let error = wire.error(text);
    id_in(wire, &error, "JRT-HOLD")
}

/// Approves by SQL.
fn approve(shop: &MyShop, who: &str, id: &str) -> Result<String, MyError> {
    let results = shop.wire(who).query(&format!("CALL jurat.approve('{id}')"))?;
    Ok(results[0].info.clone())
}

/// The events of a request, in order.
fn events(shop: &MyShop, id: &str) -> String {
    shop.records().events(id)
}
