//! The ways to see requests and to answer them: SQL on any connection, and `jurat approvals`.

use super::{CHANGED, UPDATE, approve, ask, cli, events, setup};
use crate::harness::Shop;

#[tokio::test]
async fn jurat_approvals_lists_shows_and_answers() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    let why = bot.run(&format!("CALL jurat.request_approval('{id}', 'ticket 42')")).await;
    assert_eq!((why.tag().as_str(), why.sqlstate().as_str()), ("CALL", "00000"));
    let (ok, list) = cli(&shop, "dora", &["list"]);
    assert!(ok && list.contains(&id) && list.contains("UPDATE bot@shop"), "{list}");
    let (ok, card) = cli(&shop, "dora", &["show", &id.to_lowercase()]);
    for part in [&id, "on behalf of  ana", "public.orders (write)", "WHERE id = 1", "ticket 42"] {
        assert!(ok && card.contains(part), "{part}: {card}");
    }
    let (ok, all) = cli(&shop, "dora", &["show", &id, "--json"]);
    assert!(ok && serde_json::from_str::<serde_json::Value>(&all).is_ok(), "{all}");
    // The owner of the agent, the agent, and a token that nobody has.
    assert!(!cli(&shop, "ana", &["approve", &id]).0);
    assert!(!cli(&shop, "bot", &["approve", &id]).0);
    let (ok, text) = cli(&shop, "shopd", &["approve", &id]);
    assert!(!ok && text.contains("nobody has that token"), "{text}");
    let (ok, text) = cli(&shop, "dora", &["approve", &id, "--reason", "fine"]);
    assert!(ok && text.contains("is approved"), "{text}");
    let (ok, text) = cli(&shop, "priya", &["approve", &id]);
    assert!(!ok && text.contains("it is approved already"), "{text}");
    assert_eq!(bot.run(UPDATE).await.tag(), "UPDATE 1");
    let (_, list) = cli(&shop, "dora", &["list"]);
    assert!(!list.contains(&id), "{list}");
    let (_, list) = cli(&shop, "dora", &["list", "--all"]);
    assert!(list.contains("used"), "{list}");
    let record = shop.records();
    let approved = record.0.iter().find(|record| record["event"] == "approved").unwrap();
    let told = [&approved["by"], &approved["via"], &approved["reason"]];
    assert_eq!(told, ["dora", "cli", "fine"]);
    shop.close().await;
}

/// The socket is for its owner only, and nothing that is not understood is answered with more than that.
#[tokio::test]
async fn the_socket_is_for_its_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(shop) = Shop::open(setup()).await else { return };
    for (file, mode) in [("approvers.sock", 0o600), ("approvals.db", 0o600)] {
        let path = shop.jurat.home.path(file);
        let found = std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{file}");
    }
    let (ok, text) = cli(&shop, "dora", &["approve", "AP-00000000"]);
    assert!(!ok && text.contains("there is no request"), "{text}");
    shop.close().await;
}

#[tokio::test]
async fn any_connection_can_ask_about_itself() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    assert_eq!(bot.run("SHOW jurat.last_decision").await.rows().len(), 0);
    let who = bot.run("show jurat.whoami;").await.value();
    assert!(who.contains("\"id\":\"bot\"") && who.contains("\"ana\""), "{who}");
    let id = ask(&mut bot, UPDATE).await;
    let last: serde_json::Value =
        serde_json::from_str(&bot.run("SHOW jurat.last_decision").await.value()).unwrap();
    assert_eq!((&last["approval"], &last["code"]), (&id.as_str().into(), &"JRT-HOLD".into()));
    let decision = last["decision_id"].as_str().unwrap().to_owned();
    let asked = bot.run(&format!("CALL jurat.request_approval('{decision}', 'why')")).await;
    assert_eq!(asked.sqlstate(), "00000", "{asked:?}");
    assert!(bot.run("SHOW jurat.approvals").await.value().contains(&id));
    assert!(shop.wire("dora").await.run("SHOW jurat.approvals").await.value().contains(&id));
    // Somebody whose business it is not sees nothing, and cannot tell that there is something.
    let mut shopd = shop.wire("shopd").await;
    assert_eq!(shopd.run("SHOW jurat.approvals").await.rows().len(), 0);
    for text in ["CALL jurat.show_approval", "CALL jurat.approve"] {
        let real = shopd.run(&format!("{text}('{id}')")).await;
        assert!(real.error().is_some(), "{text}");
    }
    let request = |id: &str| format!("CALL jurat.request_approval('{id}', 'x')");
    let (real, unreal) = (shopd.run(&request(&id)).await, shopd.run(&request("AP-00000000")).await);
    assert_eq!(real.sqlstate(), unreal.sqlstate());
    shop.close().await;
}

/// An answer is one message that holds nothing else, so that none can be smuggled in behind something.
#[tokio::test]
async fn appr_07_an_answer_cannot_be_smuggled_in() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    let mut dora = shop.wire("dora").await;
    for text in [
        format!("SELECT 1; CALL jurat.approve('{id}')"),
        format!("CALL jurat.approve('{id}'); SELECT 1"),
        format!("/* */ CALL jurat.approve('{id}')"),
    ] {
        assert_ne!(dora.run(&text).await.sqlstate(), "00000", "{text}");
    }
    assert_eq!(events(&shop, &id), "requested");
    assert_eq!(approve(&shop, "dora", &id).await.sqlstate(), "00000");
    assert_eq!(shop.count(CHANGED).await, 0);
    shop.close().await;
}

/// APPR-06 and APPR-08: what a requester writes is shown as what it is.
#[tokio::test]
async fn appr_08_a_statement_cannot_paint_its_own_card() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    let hidden = " ".repeat(5_000);
    let text =
        format!("UPDATE orders SET note = 'a\u{1b}[2K\rSELECT\u{202e}{hidden}' WHERE id = 1");
    let id = ask(&mut bot, &text).await;
    bot.run(&format!("CALL jurat.request_approval('{id}', 'x\u{1b}]52;c;eA==\u{7}')")).await;
    let (_, card) = cli(&shop, "dora", &["show", &id]);
    let sql = shop.wire("dora").await.run(&format!("CALL jurat.show_approval('{id}')")).await;
    for shown in [card, format!("{:?}", sql.rows())] {
        assert!(shown.contains("u{1b}") && shown.contains("[5000 spaces]"), "{shown}");
        assert!(shown.contains("u{202e}") && shown.contains("WHERE id = 1"), "{shown}");
        let raw = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!shown.contains(raw), "{shown:?}");
    }
    shop.close().await;
}

/// APPR-06: markup of pages and of messengers stays the text that it is, on each of these ways.
#[tokio::test]
async fn appr_06_markup_in_a_statement_stays_text() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let text = "UPDATE orders SET note = '<img src=x onerror=alert(1)><!channel>' WHERE id = 1";
    assert_eq!(shop.direct_wire().await.run(text).await.tag(), "UPDATE 1");
    let id = ask(&mut shop.wire("bot").await, text).await;
    let shown = shop.wire("dora").await.run(&format!("CALL jurat.show_approval('{id}')")).await;
    let (_, card) = cli(&shop, "dora", &["show", &id]);
    for shown in [format!("{:?}", shown.rows()), card] {
        assert!(shown.contains("'<img src=x onerror=alert(1)><!channel>'"), "{shown}");
    }
    shop.close().await;
}

/// APPR-10: who has nothing to do with a request learns nothing of it, not even whether it is there.
#[tokio::test]
async fn appr_10_a_request_of_others_is_like_none() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let id = ask(&mut shop.wire("bot").await, UPDATE).await;
    let mut service = shop.wire("shopd").await;
    for call in ["show_approval('@')", "request_approval('@', 'why')"] {
        let mut said = Vec::new();
        for id in [id.as_str(), "AP-00000000"] {
            let reply = service.run(&format!("CALL jurat.{}", call.replace('@', id))).await;
            said.push(reply.error().expect("nothing to see").message().to_owned());
        }
        assert_eq!(said[0], said[1], "{call}");
    }
    let list = service.run("SHOW jurat.approvals").await;
    assert_eq!(list.rows(), Vec::<Vec<Option<String>>>::new());
    assert_ne!(service.run(&format!("CALL jurat.approve('{id}')")).await.sqlstate(), "00000");
    assert_eq!(shop.count(CHANGED).await, 0);
    shop.close().await;
}
