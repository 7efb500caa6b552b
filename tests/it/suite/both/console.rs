//! Promise: what the admin API shows and does is the same for the sessions and requests of both protocols.

use serde_json::Value;

use super::approvals::{UPDATE, ask};
use crate::{
    harness::{
        Protocol,
        both::{Way, both},
        http::Http,
        in_time,
    },
    suite::console::{DORA, admin_actions, setup_on, visit},
};

both!(
    a_session_is_ended_by_those_who_may,
    requests_are_answered_over_the_api,
    sessions_policies_and_counters,
);

const ANA: &str = "the token that only ana has";
const BOT: &str = "the token that only bot has";

async fn requests_are_answered_over_the_api(on: Protocol) {
    let Some(shop) = on.open(setup_on(on, "")).await else { return };
    let mut http = Http::new(shop.jurat().admin_port());
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    let list = http.call(("GET", "/api/v1/approvals"), DORA, "").await.json();
    assert_eq!((&list[0]["id"], &list[0]["state"]), (&id.as_str().into(), &"pending".into()));
    assert_eq!(list[0]["principal"]["on_behalf_of"]["id"], "ana");
    assert!(
        list[0]["statement"]
            .as_str()
            .unwrap()
            .contains(on.either("WHERE id = 1", "WHERE `id` = 1")),
        "{list}"
    );
    let approve = format!("/api/v1/approvals/{id}/approve");
    for (token, body, status) in [
        ("a token that nobody has", "{}", 401),
        (ANA, "{}", 403),
        (BOT, "{}", 403),
        (DORA, "{\"other\": 1}", 400),
        (DORA, "not JSON", 400),
    ] {
        let answer = http.call(("POST", &approve), token, body).await;
        assert_eq!(answer.status, status, "{token}: {answer:?}");
        assert!(answer.json()["message"].is_string(), "{answer:?}");
    }
    assert_eq!(http.call(("GET", &approve), DORA, "").await.status, 405);
    // A cookie is no token, so a page cannot call it.
    let mut dora = visit(shop.jurat(), "dora").await;
    assert_eq!(dora.send(("POST", &approve), &[], "{}").await.status, 401);
    assert_eq!(dora.get("/api/v1/approvals").await.status, 401);
    assert_eq!(shop.records().events(&id), "requested");
    let answer = http.call(("POST", &approve), DORA, "{\"reason\": \"fine\"}").await.json();
    assert_eq!((&answer["state"], &answer["votes"][0]["via"]), (&"approved".into(), &"api".into()));
    assert_eq!(http.call(("POST", &approve), DORA, "").await.status, 409);
    assert_eq!(bot.one(UPDATE).await.affected, 1);
    let all = http.call(("GET", "/api/v1/approvals?state=all"), DORA, "").await.json();
    assert_eq!(all[0]["state"], "used");
    assert_eq!(http.call(("GET", "/api/v1/approvals/AP-00000000"), DORA, "").await.status, 404);
    shop.close().await;
}

async fn sessions_policies_and_counters(on: Protocol) {
    let Some(shop) = on.open(setup_on(on, "")).await else { return };
    let mut http = Http::new(shop.jurat().admin_port());
    let mut ana = shop.session("ana").await;
    ana.try_one("SELECT count(*) FROM orders WHERE note = 'private'").await;
    ana.try_one("DROP TABLE no_such_table_at_all").await;
    let all = http.call(("GET", "/api/v1/sessions"), DORA, "").await.json();
    assert_eq!((&all[0]["principal"], &all[0]["state"]), (&"ana".into(), &"idle".into()), "{all}");
    assert_eq!(http.call(("GET", "/api/v1/sessions"), ANA, "").await.json(), all, "her own");
    assert!(!all.to_string().contains("private"), "{all}");
    assert_eq!(http.call(("GET", "/api/v1/sessions"), BOT, "").await.json(), Value::Array(vec![]));
    for path in ["/api/v1/policies", "/api/v1/stats"] {
        assert_eq!(http.call(("GET", path), ANA, "").await.status, 403, "{path}");
        assert_eq!(http.call(("GET", path), DORA, "").await.status, 200, "{path}");
    }
    let metrics = http.get("/metrics").await;
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"));
    for line in [
        "jurat_statements_total{database=\"shop\",class=\"read\",decision=\"allow\"} 1",
        "jurat_sessions{database=\"shop\",state=\"idle\"} 1",
        "jurat_statement_duration_seconds_count{database=\"shop\",phase=\"judge\"} 2",
        "jurat_approvals_pending 0",
        "jurat_audit_healthy 1",
    ] {
        assert!(metrics.body.lines().any(|found| found == line), "{line}\n{}", metrics.body);
    }
    for name in ["ana", "orders", "private"] {
        assert!(!metrics.body.contains(name), "{name}");
    }
    assert_eq!(http.get("/healthz").await.status, 200);
    assert_eq!(http.send(("GET", "/readyz"), &[("Host", "10.0.0.1")], "").await.status, 200);
    // A person may end their own session.
    let id = all[0]["id"].as_str().unwrap();
    let kill = format!("/api/v1/sessions/{id}/kill");
    assert_eq!(http.call(("POST", &kill), BOT, "").await.status, 404);
    assert_eq!(http.call(("POST", &kill), ANA, "").await.status, 200);
    ana.ended().await;
    shop.close().await;
}

async fn a_session_is_ended_by_those_who_may(on: Protocol) {
    let Some(shop) = on.open(setup_on(on, "")).await else { return };
    let mut shopd = shop.session("shopd").await;
    let sleep = on.either("SELECT pg_sleep(600)", "SELECT SLEEP(600)");
    let sleeping = tokio::spawn(async move { shopd.run(sleep, Way::Text).await });
    let mut ana = visit(shop.jurat(), "ana").await;
    let page = ana.get("/sessions").await.body;
    assert!(page.contains("Nobody is connected that you may see."), "{page}");
    assert_eq!(ana.get("/policies").await.status, 403);
    let mut dora = visit(shop.jurat(), "dora").await;
    let running = async {
        loop {
            let page = dora.get("/sessions").await;
            if page.body.contains("running") {
                return page;
            }
        }
    };
    let page = in_time("the statement to run", running).await;
    assert!(
        page.body.to_lowercase().contains("sleep(") && !page.body.contains("600"),
        "without literals"
    );
    let (_, rest) = page.body.split_once("action=\"/sessions/").unwrap();
    let id = rest.split('/').next().unwrap().to_owned();
    let kill = format!("/sessions/{id}/kill");
    let hers = ana.get("/approvals").await.csrf();
    assert_eq!(
        ana.post(&kill, &[("csrf", &hers)]).await.status,
        404,
        "she cannot tell that it is there"
    );
    let csrf = page.csrf();
    assert_eq!(dora.get(&kill).await.status, 405);
    assert_eq!(dora.post(&kill, &[("csrf", &csrf)]).await.status, 303);
    let told = sleeping.await.unwrap().failed(sleep);
    assert_eq!(told.sqlstate, on.either("57P01", "70100"), "{told:?}");
    let sleeps = on.either(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(600)%' \
         AND pid <> pg_backend_pid()",
        "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%sleep(600)%' AND id <> CONNECTION_ID()",
    );
    let ended = async { while shop.count(sleeps).await > 0 {} };
    in_time("the end of what it ran", ended).await;
    assert!(admin_actions(&shop.records()).contains(&"session_killed dora console".to_owned()));
    assert!(dora.get("/policies").await.body.contains("data.jurat.consent"));
    assert!(dora.get("/databases").await.body.contains("shop"));
    shop.close().await;
}
