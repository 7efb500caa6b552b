//! Promise: on the database `jurat` those who may see and do what the admin port lets them, by psql, and nothing of it
//! reaches a database.

use std::process::Command;

use crate::harness::{Setup, Shop, Wire, in_time, jurat::PASSWORD, wire::Reply};

use super::approvals::{CHANGED, POLICY, SECTION, UPDATE, ask};

/// Agents stay out.
const LET_IN: &str = r#"package jurat.console
deny contains {"id": "console.people", "msg": "the console is for people"} if {
    input.stage == "session"
    input.target.name == "jurat"
    input.principal.kind != "person"
}
"#;

fn setup() -> Setup {
    let limits =
        SECTION.replace("\n[approvals]", "\n[admin]\nadmins = [\"group:dba\"]\n[approvals]");
    let setup = Setup { shipped: false, limits: limits.leak(), ..Setup::default() };
    setup.policy("consent.rego", POLICY).policy("console.rego", LET_IN)
}

async fn console(shop: &Shop, user: &str) -> Wire {
    Wire::log_in(shop.jurat.port, user, PASSWORD, "jurat").await
}

fn text(reply: &Reply) -> String {
    assert_eq!(reply.sqlstate(), "00000", "{reply:?}");
    format!("{:?}", reply.rows())
}

#[tokio::test]
async fn requests_are_seen_and_answered() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    let mut dora = console(&shop, "dora").await;
    assert!(text(&dora.run("SHOW APPROVALS").await).contains(&id));
    let card = text(&dora.run(&format!("SHOW APPROVAL '{id}'")).await);
    assert!(card.contains("public.orders (write)"), "{card}");
    // The owner of the agent, and an answer without a right.
    let own = console(&shop, "ana").await.run(&format!("APPROVE '{id}'")).await;
    assert_eq!(own.sqlstate(), "42501", "{own:?}");
    let yes = dora.run(&format!("APPROVE '{id}' 'ticket 42';")).await;
    assert_eq!((text(&yes).contains("is approved"), yes.tag().as_str()), (true, "APPROVE"));
    assert_eq!(bot.run(UPDATE).await.tag(), "UPDATE 1");
    let next = ask(&mut bot, UPDATE).await;
    assert!(text(&dora.run(&format!("DENY '{next}' 'not twice'")).await).contains("denied"));
    assert_eq!(shop.count(CHANGED).await, 1);
    let records = shop.close().await;
    let approved = records.0.iter().find(|record| record["event"] == "approved").unwrap();
    let told = [&approved["by"], &approved["via"], &approved["reason"]];
    assert_eq!(told, ["dora", "sql", "ticket 42"]);
    let opened = records.sessions("opened");
    assert!(opened.iter().any(|session| session["target"]["name"] == "jurat"));
}

#[tokio::test]
async fn those_who_look_after_jurat_see_and_end_sessions() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    assert_eq!(bot.run("SELECT 'seen on the console'").await.sqlstate(), "00000");
    let mut dora = console(&shop, "dora").await;
    let seen = dora.run("SHOW SESSIONS").await;
    let row = seen.rows().into_iter().find(|row| row[1].as_deref() == Some("bot")).unwrap();
    let id = row[0].clone().unwrap();
    assert!(!text(&seen).contains("seen on the console"), "literals are not shown");
    // Others see their own, and end nobody's.
    let mut ana = console(&shop, "ana").await;
    assert!(!text(&ana.run("SHOW SESSIONS").await).contains(&id));
    assert_ne!(ana.run(&format!("KILL '{id}'")).await.sqlstate(), "00000");
    for refused in ["SHOW POLICIES", "SHOW STATS", "RELOAD", "FREEZE shop UNTIL '1h' REASON 'x'"] {
        assert_eq!(ana.run(refused).await.sqlstate(), "42501", "{refused}");
    }
    assert!(text(&dora.run("SHOW POLICIES").await).contains("jurat.consent"));
    assert!(text(&dora.run("SHOW STATS").await).contains("read allow"));
    assert!(text(&dora.run("RELOAD").await).contains("in force"));
    assert!(text(&dora.run(&format!("KILL '{id}' 'enough'")).await).contains("bot ends"));
    while let Some(message) = in_time("the end of the session", bot.message()).await {
        assert_eq!(message.tag, b'E', "nothing but good-bye");
    }
    let records = shop.close().await;
    let done: Vec<&str> = records
        .0
        .iter()
        .filter(|r| r["event"] == "admin")
        .filter_map(|r| r["details"]["action"].as_str())
        .collect();
    assert_eq!(done, ["reload", "session_killed"]);
}

#[tokio::test]
async fn policy_says_who_gets_in_and_nothing_else_is_understood() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let refused =
        Wire::try_log_in(shop.jurat.port, PASSWORD, &[("user", "bot"), ("database", "jurat")])
            .await;
    assert!(refused.is_err(), "the console is for people");
    let mut dora = console(&shop, "dora").await;
    for unknown in [
        "SELECT 1",
        "DROP TABLE orders",
        "APPROVE 'AP-00000000'; DROP TABLE orders",
        "SHOW jurat.whoami",
    ] {
        let reply = dora.run(unknown).await;
        assert!(reply.error().unwrap().message().contains("HELP"), "{unknown}: {reply:?}");
    }
    assert!(text(&dora.run("HELP").await).contains("APPROVE"));
    assert_eq!(dora.run("APPROVE 'AP-00000000'").await.sqlstate(), "42704");
    // The extended protocol is refused once a cycle, and the session lives on.
    assert_eq!(dora.run_extended("SHOW SESSIONS", 0).await.sqlstate(), "0A000");
    assert_eq!(dora.run("").await.sqlstate(), "00000");
    assert!(text(&dora.run("HELP").await).contains("KILL"));
    shop.close().await;
}

/// psql itself: tables of answers, and its own questions answered with what helps.
#[tokio::test]
async fn psql_is_told_what_helps() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let Some(psql) = super::psql::program() else { return };
    let run = |command: &str| {
        let port = shop.jurat.port;
        let to = format!("host=127.0.0.1 port={port} user=dora dbname=jurat sslmode=disable");
        let output = Command::new(&psql)
            .args(["-X", "-d", &to, "-c", command])
            .env("PGPASSWORD", PASSWORD)
            .output()
            .unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let shown = run("SHOW POLICIES");
    assert!(shown.contains("jurat.consent") && shown.contains("rows)"), "{shown}");
    for question in ["\\d", "\\l", "\\dt"] {
        let told = run(question);
        assert!(told.contains("here is its console and no database"), "{question}: {told}");
    }
    shop.close().await;
}
