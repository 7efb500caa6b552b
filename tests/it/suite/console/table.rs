//! Threat: another site, a link, a fixed cookie or another name for the address makes the browser of somebody who is
//! logged in do something. Each row of a table is one attempt, at each thing that can be done.

use super::{admin_actions, setup, visit};
use crate::{
    harness::{Shop, http::Http, jurat::PASSWORD},
    suite::approvals::{UPDATE, ask, events},
};

/// What can be done with a form; `AP` stands for a request, `ID` for a session.
const FORMS: [&str; 7] = [
    "/approvals/AP/approve",
    "/approvals/AP/deny",
    "/sessions/ID/kill",
    "/databases/shop/freeze",
    "/databases/shop/unfreeze",
    "/policies/reload",
    "/logout",
];

/// What is wrong with a request, its headers and body, and the answers that refuse it.
type Attempt<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str, &'a [u16]);

#[tokio::test]
async fn no_attempt_at_any_form_does_anything() {
    let Some(shop) = Shop::open(setup("")).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    let mut dora = visit(&shop.jurat, "dora").await;
    let page = dora.get("/sessions").await;
    let (_, rest) = page.body.split_once("action=\"/sessions/").unwrap();
    let session = rest.split('/').next().unwrap().to_owned();
    let token = page.csrf();
    let hers = visit(&shop.jurat, "priya").await.get("/approvals").await.csrf();
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let good = format!("csrf={token}");
    let twice = format!("csrf={hers}&csrf={hers}");
    let shorter = format!("csrf={}", &token[..token.len() - 1]);
    let json = format!("{{\"csrf\": \"{token}\"}}");
    let long = format!("{good}&reason={}", "x".repeat(17 << 10));
    let (theirs, other_port) = (format!("csrf={hers}"), "http://127.0.0.1:1".to_owned());
    let attempts: [Attempt<'_>; 17] = [
        ("no token", vec![form], "", &[403]),
        ("an empty token", vec![form], "csrf=", &[403]),
        ("a wrong token", vec![form], "csrf=AAAA", &[403]),
        ("a part of the token", vec![form], &shorter, &[403]),
        ("the token of another login", vec![form], &theirs, &[403]),
        ("two tokens of another login", vec![form], &twice, &[400, 403, 422]),
        ("another origin", vec![form, ("Origin", "https://evil.example")], &good, &[403]),
        ("no origin at all", vec![form, ("Origin", "null")], &good, &[403]),
        ("another port", vec![form, ("Origin", &other_port)], &good, &[403]),
        ("another site", vec![form, ("Sec-Fetch-Site", "cross-site")], &good, &[403]),
        ("another host of the site", vec![form, ("Sec-Fetch-Site", "same-site")], &good, &[403]),
        ("another name for the host", vec![form, ("Host", "evil.example")], &good, &[421]),
        ("a name that begins alike", vec![form, ("Host", "127.0.0.1.evil.example")], &good, &[421]),
        ("a form as text", vec![("Content-Type", "text/plain")], &good, &[415]),
        ("a form as JSON", vec![("Content-Type", "application/json")], &json, &[415]),
        ("no cookie", vec![form, ("Cookie", "other=1")], &good, &[303]),
        ("more than a form may have", vec![form], &long, &[413]),
    ];
    let places = FORMS.map(|place| place.replace("AP", &id).replace("ID", &session));
    for place in &places {
        for (what, headers, body, statuses) in &attempts {
            let answer = dora.send(("POST", place), headers, body).await;
            assert!(statuses.contains(&answer.status), "{place}, {what}: {answer:?}");
            let to_login = answer.header("location") == Some("/login");
            assert_eq!(answer.status == 303, to_login, "{place}, {what}: {answer:?}");
        }
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let path = format!("{place}?csrf={token}");
            let answer = dora.send((method, &path), &[form], &good).await;
            assert_eq!(answer.status, 405, "{method} {place}");
        }
        let told = [form, ("X-HTTP-Method-Override", "POST")];
        assert_eq!(dora.send(("GET", place), &told, &good).await.status, 405, "{place}");
    }
    // Nothing has happened, and with the form itself it does.
    assert_eq!(events(&shop, &id), "requested");
    let logins = ["login dora console", "login priya console"];
    assert_eq!(admin_actions(&shop.records()), logins);
    let approve = format!("/approvals/{id}/approve");
    let answer =
        dora.send(("POST", &approve), &[form, ("Sec-Fetch-Site", "same-origin")], &good).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(bot.run(UPDATE).await.tag(), "UPDATE 1");
    shop.close().await;
}

#[tokio::test]
async fn a_cookie_that_was_there_before_is_none_of_the_login() {
    let Some(shop) = Shop::open(setup("")).await else { return };
    let mut http = Http::new(shop.jurat.admin_port());
    http.cookies.push("jurat=a-cookie-that-somebody-else-knows".to_owned());
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..3 {
        let page = http.get("/login").await;
        let csrf = page.csrf();
        let fields = [("csrf", csrf.as_str()), ("user", "dora"), ("password", PASSWORD)];
        let answer = http.post("/login", &fields).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let cookie = http.cookies.iter().find(|cookie| cookie.starts_with("jurat=")).unwrap();
        assert!(!seen.contains(cookie) && cookie.len() > 30, "{cookie}");
        seen.push(cookie.clone());
        for line in answer.head.lines().chain(page.head.lines()) {
            let Some((name, flags)) = line.split_once(": ") else { continue };
            if name.eq_ignore_ascii_case("set-cookie") {
                for flag in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
                    assert!(flags.contains(flag), "{flag}: {flags}");
                }
                assert!(!flags.to_lowercase().contains("domain="), "{flags}");
            }
        }
        // The form of a login belongs to the browser that was given it.
        http.cookies.retain(|cookie| cookie.starts_with("none"));
        let stolen = http.post("/login", &fields).await;
        assert_eq!(stolen.status, 403, "{stolen:?}");
        http.cookies.retain(|cookie| cookie.starts_with("none"));
        http.cookies.push("jurat=a-cookie-that-somebody-else-knows".to_owned());
    }
    let fixed = [("Cookie", "jurat=a-cookie-that-somebody-else-knows")];
    assert_eq!(http.send(("GET", "/approvals"), &fixed, "").await.status, 303);
    shop.close().await;
}

#[tokio::test]
async fn every_answer_tells_browsers_what_they_may_load() {
    let Some(shop) = Shop::open(setup("")).await else { return };
    let mut dora = visit(&shop.jurat, "dora").await;
    let mut nobody = Http::new(dora.port);
    for (path, status) in [
        ("/", 303),
        ("/login", 303),
        ("/approvals", 200),
        ("/approvals/AP-00000000", 404),
        ("/sessions", 200),
        ("/databases", 200),
        ("/policies", 200),
        ("/no/such/page", 404),
        ("/approvals/AP-00000000/approve", 405),
        ("/console.css", 200),
        ("/console.js", 200),
        ("/metrics", 200),
        ("/healthz", 200),
        ("/api/v1/approvals", 401),
        ("/api/v1/no-such-thing", 404),
    ] {
        let answers = [dora.get(path).await, nobody.get(path).await];
        assert_eq!(answers[0].status, status, "{path}");
        for answer in answers {
            let policy = answer.header("content-security-policy").unwrap_or_default();
            let strict = policy.starts_with("default-src 'none'") && !policy.contains("unsafe");
            assert!(strict, "{path}: {answer:?}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        }
    }
    shop.close().await;
}
