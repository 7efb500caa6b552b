//! Promise: the console and the API show what somebody may see, do what somebody may do, and nothing that a link, another
//! site or the text of a statement could make a browser do.

mod api;
mod browser;
mod forms;
mod table;
pub(super) mod webhooks;

use crate::harness::{
    Protocol, Setup,
    http::Http,
    jurat::{Jurat, PASSWORD},
    record::Records,
};

use super::approvals::{POLICY, SECTION};

/// The token of the one who looks after it.
pub(super) const DORA: &str = "the token that only dora has";

/// With requests for approval, and with a console that dora looks after.
fn setup(more: &str) -> Setup {
    setup_on(Protocol::Postgres, more)
}

/// The same, in front of either kind of server.
pub(super) fn setup_on(on: Protocol, more: &str) -> Setup {
    let admin = "\n[admin]\nlisten = \"127.0.0.1:0\"\nadmins = [\"dora\"]\n";
    let limits: &'static str = [SECTION, admin, more].concat().leak();
    Setup { shipped: false, limits, ..on.setup() }.policy("consent.rego", on.write(POLICY))
}

/// Somebody who is logged in to the console.
pub(super) async fn visit(jurat: &Jurat, who: &str) -> Http {
    let mut http = Http::new(jurat.admin_port());
    let csrf = http.get("/login").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("user", who), ("password", PASSWORD)];
    let answer = http.post("/login", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/approvals")), "{answer:?}");
    http
}

/// What one record of the log says of an administrator.
pub(super) fn admin_actions(records: &Records) -> Vec<String> {
    let admin = records.0.iter().filter(|record| record["event"] == "admin");
    admin
        .map(|record| {
            let text = |key: &str| record["details"][key].as_str().unwrap_or_default().to_owned();
            [text("action"), text("by"), text("via")].join(" ")
        })
        .collect()
}
