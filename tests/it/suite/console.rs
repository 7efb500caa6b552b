//! Promise: the console and the API show what somebody may see, do what somebody may do, and nothing that a link, another
//! site or the text of a statement could make a browser do.

mod api;
mod browser;
mod forms;
mod webhooks;

use crate::harness::{Setup, Shop, http::Http, jurat::PASSWORD};

use super::approvals::{POLICY, SECTION};

/// With requests for approval, and with a console that dora looks after.
fn setup(more: &str) -> Setup {
    let admin = "\n[admin]\nlisten = \"127.0.0.1:0\"\nadmins = [\"dora\"]\n";
    let limits: &'static str = [SECTION, admin, more].concat().leak();
    Setup { shipped: false, limits, ..Setup::default() }.policy("consent.rego", POLICY)
}

/// Somebody who is logged in to the console.
async fn visit(shop: &Shop, who: &str) -> Http {
    let mut http = Http::new(shop.jurat.admin_port());
    let csrf = http.get("/login").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("user", who), ("password", PASSWORD)];
    let answer = http.post("/login", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/approvals")), "{answer:?}");
    http
}

/// What one record of the log says of an administrator.
fn admin_actions(shop: &Shop) -> Vec<String> {
    let records = shop.records();
    let admin = records.0.iter().filter(|record| record["event"] == "admin");
    admin
        .map(|record| {
            let text = |key: &str| record["details"][key].as_str().unwrap_or_default().to_owned();
            [text("action"), text("by"), text("via")].join(" ")
        })
        .collect()
}
