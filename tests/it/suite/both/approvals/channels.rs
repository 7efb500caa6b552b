//! The ways to see requests and to answer them: SQL on any connection, and `jurat approvals`.

use super::{UPDATE, approve, ask, changed, cli, events, setup};
use crate::harness::{Protocol, both::both};

both!(
    any_connection_can_ask_about_itself,
    appr_06_markup_in_a_statement_stays_text,
    appr_07_an_answer_cannot_be_smuggled_in,
    appr_08_a_statement_cannot_paint_its_own_card,
    appr_10_a_request_of_others_is_like_none,
    jurat_approvals_lists_shows_and_answers,
    the_socket_is_for_its_owner,
);

async fn jurat_approvals_lists_shows_and_answers(on: Protocol) {
    let Some(shop) = on.open(setup(on)).await else { return };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    let why = bot.try_one(&format!("CALL jurat.request_approval('{id}', 'ticket 42')")).await;
    assert_eq!(why.sqlstate(), "00000");
    let (ok, list) = cli(shop.jurat(), "dora", &["list"]);
    assert!(ok && list.contains(&id) && list.contains("UPDATE bot@shop"), "{list}");
    let (ok, card) = cli(shop.jurat(), "dora", &["show", &id.to_lowercase()]);
    for part in [
        id.as_str(),
        "on behalf of  ana",
        &on.write("public.orders (write)"),
        on.either("WHERE id = 1", "WHERE `id` = 1"),
        "ticket 42",
    ] {
        assert!(ok && card.contains(part), "{part}: {card}");
    }
    let (ok, all) = cli(shop.jurat(), "dora", &["show", &id, "--json"]);
    assert!(ok && serde_json::from_str::<serde_json::Value>(&all).is_ok(), "{all}");
    // The owner of the agent, the agent, and a token that nobody has.
    assert!(!cli(shop.jurat(), "ana", &["approve", &id]).0);
    assert!(!cli(shop.jurat(), "bot", &["approve", &id]).0);
    let (ok, text) = cli(shop.jurat(), "shopd", &["approve", &id]);
    assert!(!ok && text.contains("nobody has that token"), "{text}");
    let (ok, text) = cli(shop.jurat(), "dora", &["approve", &id, "--reason", "fine"]);
    assert!(ok && text.contains("is approved"), "{text}");
    let (ok, text) = cli(shop.jurat(), "priya", &["approve", &id]);
    assert!(!ok && text.contains("it is approved already"), "{text}");
    assert_eq!(bot.one(UPDATE).await.affected, 1);
    let (_, list) = cli(shop.jurat(), "dora", &["list"]);
    assert!(!list.contains(&id), "{list}");
    let (_, list) = cli(shop.jurat(), "dora", &["list", "--all"]);
    assert!(list.contains("used"), "{list}");
    let record = shop.records();
    let approved = record.0.iter().find(|record| record["event"] == "approved").unwrap();
    let told = [&approved["by"], &approved["via"], &approved["reason"]];
    assert_eq!(told, ["dora", "cli", "fine"]);
    shop.close().await;
}

/// The socket is for its owner only, and nothing that is not understood is answered with more than that.
async fn the_socket_is_for_its_owner(on: Protocol) {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(shop) = on.open(setup(on)).await else { return };
    for (file, mode) in [("approvers.sock", 0o600), ("approvals.db", 0o600)] {
        let path = shop.jurat().home.path(file);
        let found = std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{file}");
    }
    let (ok, text) = cli(shop.jurat(), "dora", &["approve", "AP-00000000"]);
    assert!(!ok && text.contains("there is no request"), "{text}");
    shop.close().await;
}

async fn any_connection_can_ask_about_itself(on: Protocol) {
    let Some(shop) = on.open(setup(on)).await else { return };
    let mut bot = shop.session("bot").await;
    assert_eq!(bot.try_one("SHOW jurat.last_decision").await.rows.len(), 0);
    let who = bot.value("show jurat.whoami;").await;
    assert!(who.contains("\"id\":\"bot\"") && who.contains("\"ana\""), "{who}");
    let id = ask(&mut bot, UPDATE).await;
    let last: serde_json::Value =
        serde_json::from_str(&bot.value("SHOW jurat.last_decision").await).unwrap();
    assert_eq!((&last["approval"], &last["code"]), (&id.as_str().into(), &"JRT-HOLD".into()));
    let decision = last["decision_id"].as_str().unwrap().to_owned();
    let asked = bot.try_one(&format!("CALL jurat.request_approval('{decision}', 'why')")).await;
    assert_eq!(asked.sqlstate(), "00000", "{asked:?}");
    assert!(bot.value("SHOW jurat.approvals").await.contains(&id));
    assert!(shop.session("dora").await.value("SHOW jurat.approvals").await.contains(&id));
    // Somebody whose business it is not sees nothing, and cannot tell that there is something.
    let mut shopd = shop.session("shopd").await;
    assert_eq!(shopd.try_one("SHOW jurat.approvals").await.rows.len(), 0);
    for text in ["CALL jurat.show_approval", "CALL jurat.approve"] {
        let real = shopd.try_one(&format!("{text}('{id}')")).await;
        assert!(real.failure.is_some(), "{text}");
    }
    let request = |id: &str| format!("CALL jurat.request_approval('{id}', 'x')");
    let (real, unreal) =
        (shopd.try_one(&request(&id)).await, shopd.try_one(&request("AP-00000000")).await);
    assert_eq!(real.sqlstate(), unreal.sqlstate());
    shop.close().await;
}

/// An answer is one message that holds nothing else, so that none can be smuggled in behind something.
async fn appr_07_an_answer_cannot_be_smuggled_in(on: Protocol) {
    let Some(shop) = on.open(setup(on)).await else { return };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    let mut dora = shop.session("dora").await;
    for text in [
        format!("SELECT 1; CALL jurat.approve('{id}')"),
        format!("CALL jurat.approve('{id}'); SELECT 1"),
        format!("/* */ CALL jurat.approve('{id}')"),
    ] {
        assert_ne!(dora.try_one(&text).await.sqlstate(), "00000", "{text}");
    }
    assert_eq!(events(&shop, &id), "requested");
    assert_eq!(approve(&shop, "dora", &id).await.sqlstate(), "00000");
    assert_eq!(changed(&shop).await, 0);
    shop.close().await;
}

/// APPR-06 and APPR-08: what a requester writes is shown as what it is.
async fn appr_08_a_statement_cannot_paint_its_own_card(on: Protocol) {
    let Some(shop) = on.open(setup(on)).await else { return };
    let mut bot = shop.session("bot").await;
    let hidden = " ".repeat(5_000);
    let text =
        format!("UPDATE orders SET note = 'a\u{1b}[2K\rSELECT\u{202e}{hidden}' WHERE id = 1");
    let id = ask(&mut bot, &text).await;
    bot.try_one(&format!("CALL jurat.request_approval('{id}', 'x\u{1b}]52;c;eA==\u{7}')")).await;
    let (_, card) = cli(shop.jurat(), "dora", &["show", &id]);
    let sql =
        shop.session("dora").await.try_one(&format!("CALL jurat.show_approval('{id}')")).await;
    for shown in [card, format!("{:?}", sql.rows)] {
        assert!(shown.contains("u{1b}") && shown.contains("[5000 spaces]"), "{shown}");
        assert!(
            shown.contains("u{202e}")
                && shown.contains(on.either("WHERE id = 1", "WHERE `id` = 1")),
            "{shown}"
        );
        let raw = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!shown.contains(raw), "{shown:?}");
    }
    shop.close().await;
}

/// APPR-06: markup of pages and of messengers stays the text that it is, on each of these ways.
async fn appr_06_markup_in_a_statement_stays_text(on: Protocol) {
    let Some(shop) = on.open(setup(on)).await else { return };
    let text = "UPDATE orders SET note = '<img src=x onerror=alert(1)><!channel>' WHERE id = 1";
    assert_eq!(shop.direct().await.one(text).await.affected, 1);
    let id = ask(&mut shop.session("bot").await, text).await;
    let shown =
        shop.session("dora").await.try_one(&format!("CALL jurat.show_approval('{id}')")).await;
    let (_, card) = cli(shop.jurat(), "dora", &["show", &id]);
    for shown in [format!("{:?}", shown.rows), card] {
        assert!(shown.contains("'<img src=x onerror=alert(1)><!channel>'"), "{shown}");
    }
    shop.close().await;
}

/// APPR-10: who has nothing to do with a request learns nothing of it, not even whether it is there.
async fn appr_10_a_request_of_others_is_like_none(on: Protocol) {
    let Some(shop) = on.open(setup(on)).await else { return };
    let id = ask(&mut shop.session("bot").await, UPDATE).await;
    let mut service = shop.session("shopd").await;
    for call in ["show_approval('@')", "request_approval('@', 'why')"] {
        let mut said = Vec::new();
        for id in [id.as_str(), "AP-00000000"] {
            let reply = service.try_one(&format!("CALL jurat.{}", call.replace('@', id))).await;
            said.push(reply.failed("nothing to see").message);
        }
        assert_eq!(said[0], said[1], "{call}");
    }
    let list = service.try_one("SHOW jurat.approvals").await;
    assert_eq!(list.rows, Vec::<Vec<Option<String>>>::new());
    assert_ne!(service.try_one(&format!("CALL jurat.approve('{id}')")).await.sqlstate(), "00000");
    assert_eq!(changed(&shop).await, 0);
    shop.close().await;
}
