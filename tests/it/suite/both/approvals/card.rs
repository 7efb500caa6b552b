//! Promise: the card says how many rows a statement concerns, also where its values are bound, and shows some of them
//! without any protected value. Nothing is asked about what is denied.

use super::{approve, ask, cli, id_in};
use crate::{
    harness::{
        Protocol, Setup,
        both::{AnyShop, WAYS, both},
        canary,
        http::Http,
    },
    suite::{
        approvals::SECTION,
        console::{DORA, visit},
    },
};

both!(
    a_card_shows_rows_without_protected_values,
    a_card_shows_as_many_rows_as_are_set,
    bound_values_are_counted_with,
    nobody_sees_rows_by_asking_for_consent,
    rows_over_a_limit_are_shown_too,
);

const POLICY: &str = r#"package jurat.own
allow contains "everything"
approvals contains {"id": "own.ask", "msg": "Ask", "approvers": ["group:dba"], "mode": "retry"} if {
	input.stage == "statement"
	some relation in input.statement.relations
	relation.id == "public.customers"
	relation.access != "read"
}
masks contains {"id": "own.tier", "column": "public.customers.tier", "method": "redact"} if not "vip" in input.principal.groups
deny contains {"id": "own.one", "msg": "Not this one"} if {
	input.stage == "statement"
	contains(input.statement.text, "Nobody")
}
row_filters contains {"id": "own.filter", "relation": "public.customers", "predicate": "id <> 2"} if {
	input.statement.class == "read"
	"dba" in input.principal.groups
}
"#;

fn setup(on: Protocol, policy: &str, more: &str) -> Setup {
    let admin = "[admin]\nlisten = \"127.0.0.1:0\"\nadmins = [\"dora\"]\n";
    let section = SECTION.replacen("\nstore", &format!("{more}\nstore"), 1);
    let limits: &'static str = [section.as_str(), admin].concat().leak();
    Setup { shipped: false, limits, ..on.setup() }.policy("own.rego", on.write(policy))
}

fn show(shop: &AnyShop, id: &str) -> String {
    let (ok, card) = cli(shop.jurat(), "dora", &["show", id]);
    assert!(ok, "{card}");
    card
}

/// A plain connection to the same server shows all of it; the card withholds what has a label, masks what the
/// approvers and the requester have masked, and leaves rows out that one of them may not see.
async fn a_card_shows_rows_without_protected_values(on: Protocol) {
    let Some(shop) = on.open(setup(on, POLICY, "")).await else { return };
    let mut direct = shop.direct().await;
    direct.one(on.either("SELECT * FROM customers", "SELECT * FROM shop.customers")).await;
    assert!(direct.leaked().is_some(), "without Jurat they are there");
    for way in WAYS {
        let mut bot = shop.session("bot").await;
        let text = format!("UPDATE customers SET name = '{way:?}' WHERE id <= 3");
        let id = id_in(&bot.run(&text, way).await.denied(&text)).unwrap();
        let card = show(&shop, &id);
        let labels = "email (pii.email), ssn (pii.ssn), card (pci.card)";
        for part in ["id = 1, name = Customer 1", "id = 3, name = Customer 3", labels] {
            assert!(card.contains(part), "{part}: {card}");
        }
        assert!(!card.contains("id = 2,") && !card.contains("basic"), "{card}");
        let mut http = Http::new(shop.jurat().admin_port());
        let one = http.call(("GET", &format!("/api/v1/approvals/{id}")), DORA, "").await;
        let sample = &one.json()["sample"];
        assert_eq!(sample["rows"][0][1], "Customer 1", "{sample}");
        assert_eq!(sample["withheld"][0]["column"], "email");
        let mut dora = visit(shop.jurat(), "dora").await;
        let page = dora.get(&format!("/approvals/{id}")).await;
        assert!(page.body.contains("Customer 1") && page.body.contains("pii.email"));
        let sql =
            shop.session("dora").await.one(&format!("CALL jurat.show_approval('{id}')")).await;
        for seen in [card, one.body, page.body, format!("{sql:?}"), shop.jurat().log()] {
            assert_eq!(canary::find(seen.as_bytes()), None);
        }
        assert_eq!(bot.leaked(), None);
        approve(&shop, "dora", &id).await.worked("approve");
        assert_eq!(bot.run(&text, way).await.worked(&text).affected, 3);
        let back = "UPDATE customers SET name = CONCAT('Customer ', id)";
        shop.change(back).await;
    }
    let records = shop.close().await;
    assert_eq!(canary::find(format!("{:?}", records.0).as_bytes()), None);
    let text = format!("{:?}", records.0);
    assert!(!text.contains("Customer 1"), "the record has no rows");
}

async fn a_card_shows_as_many_rows_as_are_set(on: Protocol) {
    for (more, rows) in [("", 5), ("\nsample_rows = 2", 2), ("\nsample_rows = 0", 0)] {
        let policy = POLICY.split("row_filters").next().unwrap_or_default();
        let Some(shop) = on.open(setup(on, policy, more)).await else { return };
        let mut bot = shop.session("bot").await;
        let id = ask(&mut bot, "DELETE FROM customers WHERE id > 4").await;
        let card = show(&shop, &id);
        assert_eq!(card.matches("name = Customer").count(), rows, "{card}");
        assert_eq!(card.contains("withheld"), rows > 0, "{card}");
        shop.close().await;
    }
}

/// Whoever asks sees the card, so a condition on what is protected would be a way to read it.
async fn nobody_sees_rows_by_asking_for_consent(on: Protocol) {
    let hide = "deny contains {\"id\": \"own.read\", \"msg\": \"No\"} if {\n\tinput.statement.class == \"read\"\n\tinput.principal.kind == \"agent\"\n}\n";
    let masks = "masks contains {\"id\": \"own.pii\", \"column\": {\"label\": \"pii.*\"}, \"method\": \"null\", \"predicates\": \"deny\"}\n";
    for (policy, texts, why) in [
        (format!("{POLICY}{hide}"), vec!["DELETE FROM customers WHERE id = 1"], "not everybody"),
        (
            format!("{POLICY}{masks}"),
            vec![
                "UPDATE customers SET name = 'x' WHERE id = (SELECT min(id) FROM orders) AND id > 0",
            ],
            "Customer 1",
        ),
        (
            POLICY.to_owned(),
            vec![on.either(
                "UPDATE customers SET name = 'x' FROM orders WHERE orders.id = customers.id",
                "UPDATE customers JOIN orders ON orders.id = customers.id SET name = 'x'",
            )],
            "one table",
        ),
    ] {
        let Some(shop) = on.open(setup(on, &policy, "")).await else { return };
        let mut bot = shop.session("bot").await;
        for text in texts {
            let id = ask(&mut bot, text).await;
            let card = show(&shop, &id);
            assert!(card.contains(why), "{text}: {card}");
        }
        // What is denied is not asked about.
        let told = bot.try_one("DELETE FROM customers WHERE name = 'Nobody'").await;
        assert!(told.denied("Nobody").message.contains("own.one"));
        let ran = shop.witnessed().await;
        assert!(!ran.iter().any(|ran| format!("{ran:?}").contains("Nobody")), "{ran:?}");
        assert_eq!(bot.leaked(), None);
        shop.close().await;
    }
}

async fn bound_values_are_counted_with(on: Protocol) {
    let policy = r#"package jurat.own
allow contains "everything"
obligations contains {"kind": "estimate", "params": {"by": "count", "share": true}} if {
	input.stage == "statement"
	input.statement.kind in {"update", "delete"}
	input.statement.estimate.source == "none"
}
approvals contains {"id": "own.ask", "msg": "Much goes", "approvers": ["group:dba"], "mode": "retry"} if input.statement.estimate.rows > 10
"#;
    let Some(shop) = on.open(setup(on, policy, "")).await else { return };
    let mut session = shop.session("shopd").await;
    let text = "DELETE FROM orders WHERE id <= $1 AND note <> $2";
    let told = session.bound(text, &[Some("38"), Some("it's \\ 'quoted'")]).await.denied(text);
    let id = id_in(&told).unwrap();
    let card = show(&shop, &id);
    assert!(card.contains("38 of 100 rows, 38 %") && card.contains("id = 1,"), "{card}");
    // Other values are counted anew, and few rows need nobody.
    let text = "UPDATE orders SET note = $1 WHERE id = $2";
    assert_eq!(session.bound(text, &[Some("x"), Some("100")]).await.worked(text).affected, 1);
    let text = "UPDATE orders SET note = $1 WHERE id > $2 AND $3 = id % 2";
    let told = session.bound(text, &[Some("x"), Some("50"), Some("1")]).await.denied(text);
    assert!(show(&shop, &id_in(&told).unwrap()).contains("25 of 100 rows, 25 %"));
    let none = "UPDATE orders SET note = $1 WHERE note = $2";
    assert_eq!(session.bound(none, &[None, Some("' OR 1 = 1 -- ")]).await.worked(none).affected, 0);
    assert_eq!(
        session.bound(none, &[None, Some("\\' OR 1 = 1 # ")]).await.worked(none).affected,
        0
    );
    approve(&shop, "dora", &id).await.worked("approve");
    let text = "DELETE FROM orders WHERE id <= $1 AND note <> $2";
    let values = [Some("38"), Some("it's \\ 'quoted'")];
    assert_eq!(session.bound(text, &values).await.worked(text).affected, 38);
    shop.close().await;
}

async fn rows_over_a_limit_are_shown_too(on: Protocol) {
    let policy = r#"package jurat.own
allow contains "everything"
limits contains {"id": "own.rows", "kind": "rows_affected", "value": 3, "on_exceed": "approve"}
"#;
    let approvers = "\napprovers = [\"group:dba\"]";
    let Some(shop) = on.open(setup(on, policy, approvers)).await else { return };
    let mut bot = shop.session("bot").await;
    let text = "UPDATE customers SET tier = 'gone' WHERE id <= 4";
    let card = show(&shop, &ask(&mut bot, text).await);
    for part in ["4, and not one more", "id = 4, name = Customer 4", "email (pii.email)"] {
        assert!(card.contains(part), "{part}: {card}");
    }
    assert!(!card.contains("gone'\n") && canary::find(card.as_bytes()).is_none(), "{card}");
    shop.close().await;
}
