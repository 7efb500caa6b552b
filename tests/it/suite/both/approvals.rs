//! Promise: a request for consent is seen and answered in the same ways, and by the same people, whatever protocol the
//! client speaks that is waiting for it. How a client waits is in `approvals::hold` of each protocol.

mod bound;
mod card;
mod channels;
mod trust;

use crate::{
    harness::{
        Protocol, Setup,
        both::{Answer, AnyShop, Failure, Session, Way},
        jurat::{self, Jurat},
    },
    suite::approvals::{CHANGED, POLICY, SECTION},
};

pub(super) use crate::suite::approvals::UPDATE;

fn setup(on: Protocol) -> Setup {
    Setup { shipped: false, limits: SECTION, ..on.setup() }.policy("consent.rego", on.write(POLICY))
}

/// The request that the first line of a refusal names; nothing where it names none.
pub(super) fn id_in(told: &Failure) -> Option<String> {
    let of_id = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    told.message.split(of_id).find(|word| word.starts_with("AP-")).map(str::to_owned)
}

/// Asks for consent in vain, and gives back the request.
pub(in crate::suite) async fn ask(session: &mut Session, text: &str) -> String {
    let told = session.run(text, Way::Text).await.denied(text);
    id_in(&told).unwrap_or_else(|| panic!("no request: {told:?}"))
}

/// Approves by SQL.
pub(super) async fn approve(shop: &AnyShop, who: &str, id: &str) -> Answer {
    shop.session(who).await.run(&format!("CALL jurat.approve('{id}')"), Way::Text).await
}

/// How many rows were changed.
async fn changed(shop: &AnyShop) -> i64 {
    shop.count(CHANGED).await
}

fn events(shop: &AnyShop, id: &str) -> String {
    shop.records().events(id)
}

/// Runs `jurat approvals` as the owner of a token.
fn cli(jurat: &Jurat, who: &str, arguments: &[&str]) -> (bool, String) {
    let home = &jurat.home;
    let (config, token) = (home.path("jurat.toml"), home.path(&format!("{who}.token")));
    let (verb, rest) = arguments.split_first().unwrap();
    let mut all = vec!["approvals", *verb, "-c", config.to_str().unwrap()];
    all.extend(["--token-file", token.to_str().unwrap()]);
    all.extend(rest);
    let output = jurat::command(&all, "");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}
