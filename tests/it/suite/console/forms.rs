//! Logging in, looking, and answering with forms; and all that is no form of the console.

use super::{admin_actions, setup, visit};
use crate::{
    harness::{Shop, http::Http, jurat::PASSWORD},
    suite::approvals::{CHANGED, UPDATE, ask, events},
};

#[tokio::test]
async fn only_people_with_the_right_password_are_let_in() {
    let Some(shop) = Shop::open(setup("")).await else { return };
    let mut http = Http::new(shop.jurat.admin_port());
    for path in ["/approvals", "/approvals/AP-00000000", "/sessions", "/databases", "/policies"] {
        let answer = http.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/login")), "{path}");
    }
    assert_eq!(http.get("/events").await.status, 401);
    for (who, password) in
        [("dora", "wrong"), ("nobody", PASSWORD), ("bot", PASSWORD), ("shopd", PASSWORD), ("", "")]
    {
        let csrf = http.get("/login").await.csrf();
        let fields = [("csrf", csrf.as_str()), ("user", who), ("password", password)];
        let answer = http.post("/login", &fields).await;
        assert_eq!(answer.status, 401, "{who}");
        assert!(
            answer.body.contains("Name or password is wrong."),
            "{who}: the same words for all"
        );
        assert!(http.cookies.iter().all(|cookie| !cookie.starts_with("jurat=")), "{who}");
        // Each answer has a form of its own.
        let csrf = answer.csrf();
        let fields = [("csrf", csrf.as_str()), ("user", who), ("password", "wrong")];
        assert_eq!(Http::new(http.port).post("/login", &fields).await.status, 403, "no cookie");
    }
    let mut http = visit(&shop.jurat, "dora").await;
    let login = http.cookies.iter().find(|cookie| cookie.starts_with("jurat=")).unwrap().clone();
    let csrf = http.get("/approvals").await.csrf();
    assert_eq!(http.post("/logout", &[("csrf", &csrf)]).await.status, 303);
    // The cookie is worth nothing any more, wherever it was kept.
    let answer = http.send(("GET", "/approvals"), &[("Cookie", &login)], "").await;
    assert_eq!(answer.status, 303);
    let said = admin_actions(&shop.records());
    assert!(said.contains(&"login_refused dora console".to_owned()), "{said:?}");
    assert!(said.contains(&"login dora console".to_owned()), "{said:?}");
    shop.close().await;
}

#[tokio::test]
async fn wrong_passwords_end_in_a_pause() {
    let Some(shop) = Shop::open(setup("")).await else { return };
    let mut http = Http::new(shop.jurat.admin_port());
    let mut last = 0;
    for _ in 0..11 {
        let csrf = http.get("/login").await.csrf();
        let fields = [("csrf", csrf.as_str()), ("user", "dora"), ("password", "wrong")];
        last = http.post("/login", &fields).await.status;
    }
    assert_eq!(last, 429);
    let csrf = http.get("/login").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("user", "dora"), ("password", PASSWORD)];
    assert_eq!(http.post("/login", &fields).await.status, 429, "the right one has to wait, too");
    shop.close().await;
}

#[tokio::test]
async fn a_form_approves_and_nothing_else_does() {
    let Some(shop) = Shop::open(setup("")).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    let mut dora = visit(&shop.jurat, "dora").await;
    assert!(dora.get("/approvals").await.body.contains(&id));
    let (card, approve) = (format!("/approvals/{id}"), format!("/approvals/{id}/approve"));
    let page = dora.get(&card).await;
    for part in ["an AI agent", "ana", "public.orders (write)", "WHERE id = 1", "Approve"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let csrf = page.csrf();
    let fields = [("csrf", csrf.as_str()), ("reason", "ticket 42")];
    let evil = "https://evil.example";
    // A link, a form without its token or with somebody else's, another site, another name for this address.
    assert_eq!(dora.get(&approve).await.status, 405);
    assert_eq!(dora.get(&format!("{approve}?csrf={csrf}")).await.status, 405);
    assert_eq!(dora.post(&approve, &[]).await.status, 403);
    let mut priya = visit(&shop.jurat, "priya").await;
    let hers = priya.get("/approvals").await.csrf();
    assert_eq!(dora.post(&approve, &[("csrf", &hers)]).await.status, 403);
    assert_eq!(dora.post_with(&approve, &[("Origin", evil)], &fields).await.status, 403);
    assert_eq!(dora.post_with(&approve, &[("Origin", "null")], &fields).await.status, 403);
    let site = [("Sec-Fetch-Site", "cross-site")];
    assert_eq!(dora.post_with(&approve, &site, &fields).await.status, 403);
    assert_eq!(dora.post_with(&approve, &[("Host", "evil.example")], &fields).await.status, 421);
    let mut nobody = Http::new(dora.port);
    assert_eq!(nobody.post(&approve, &fields).await.status, 303, "to the login");
    assert_eq!(events(&shop, &id), "requested");
    // Who asks, on whose behalf, and who has nothing to do with it.
    let mut ana = visit(&shop.jurat, "ana").await;
    let page = ana.get(&card).await;
    assert!(!page.body.contains("Approve: run it once"), "{}", page.body);
    let csrf = page.csrf();
    assert_eq!(ana.post(&approve, &[("csrf", &csrf)]).await.status, 403);
    assert_eq!(events(&shop, &id), "requested");

    let answer = dora.post(&approve, &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(card.as_str())));
    let page = dora.get(&card).await;
    assert!(page.body.contains("ticket 42") && !page.body.contains("Approve: run it once"));
    assert_eq!(dora.post(&approve, &fields).await.status, 409, "once");
    assert_eq!(bot.run(UPDATE).await.tag(), "UPDATE 1");
    assert_eq!(shop.count(CHANGED).await, 1);
    let record = shop.records();
    let approved = record.0.iter().find(|record| record["event"] == "approved").unwrap();
    assert_eq!([&approved["by"], &approved["via"]], ["dora", "console"]);
    shop.close().await;
}

/// APPR-06 and APPR-08: markup, and characters that hide or turn others, are shown as what they are.
#[tokio::test]
async fn a_statement_is_text_and_nothing_else() {
    let Some(shop) = Shop::open(setup("")).await else { return };
    let mut bot = shop.wire("bot").await;
    let text = "UPDATE orders SET note = '</code></pre><script>alert(1)</script>\u{202e}\u{1b}[2K' WHERE id = 1";
    let id = ask(&mut bot, text).await;
    bot.run(&format!("CALL jurat.request_approval('{id}', '<img src=x onerror=alert(2)>')")).await;
    let mut dora = visit(&shop.jurat, "dora").await;
    for path in ["/approvals".to_owned(), format!("/approvals/{id}"), "/sessions".to_owned()] {
        let page = dora.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains("<script>alert") && !page.body.contains("<img"), "{path}");
        assert!(!page.body.contains(['\u{202e}', '\u{1b}']), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.header(name), Some(value), "{path}");
        }
        // Nothing stands in the page that such a policy would have to allow.
        for inline in ["<style", " style=", " onclick=", "javascript:"] {
            assert!(!page.body.contains(inline), "{path}: {inline}");
        }
    }
    let card = dora.get(&format!("/approvals/{id}")).await.body;
    for shown in ["&lt;script&gt;alert(1)", "\\u{202e}", "\\u{1b}[2K", "&lt;img src=x"] {
        assert!(card.contains(shown), "{shown}: {card}");
    }
    shop.close().await;
}
