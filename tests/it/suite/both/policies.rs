//! Threat: what a policy says is missing, wrong, or does not end. Not knowing means no, and the client is told.

use std::time::Instant;

use crate::{
    harness::{
        PATIENCE, Protocol, Setup,
        both::{WAYS, Way, both},
    },
    suite::bad_policy::taken,
};

both!(
    a_policy_may_refuse_the_session,
    a_policy_that_does_not_end_is_a_denial_and_other_sessions_go_on,
    nothing_is_allowed_where_no_policy_allows_it,
    policies_that_say_nothing_let_nobody_in,
    what_a_policy_says_wrongly_is_a_denial,
);

/// Allows everything.
const OPEN: &str = "package jurat.open\nallow contains {\"id\": \"open.all\"} if input.stage in {\"session\", \"statement\"}\n";

/// Without the policies that ship.
fn alone(on: Protocol, text: &str) -> Setup {
    Setup { shipped: false, ..on.setup() }.policy("open.rego", on.write(text))
}

async fn nothing_is_allowed_where_no_policy_allows_it(on: Protocol) {
    let sessions = "package jurat.open\nallow contains {\"id\": \"open.session\"} if input.stage == \"session\"\n";
    let Some(shop) = on.open(alone(on, sessions)).await else { return };
    let mut session = shop.session("ana").await;
    let setting = on.either("SHOW search_path", "SHOW VARIABLES LIKE 'sql_mode'");
    for text in ["SELECT 1", "BEGIN", setting, "DELETE FROM payments"] {
        for way in WAYS {
            let told = session.run(text, way).await.denied(text);
            assert!(told.message.contains("No policy allows this"), "{told:?}");
        }
    }
    assert_eq!(shop.close().await.denials().len(), 8);
}

async fn policies_that_say_nothing_let_nobody_in(on: Protocol) {
    for text in ["package jurat.silent\n", "package somewhere.else\nallow contains \"all\"\n"] {
        // Either they are not taken at all, or nobody gets in.
        if !taken(&alone(on, text)) {
            continue;
        }
        let Some(shop) = on.open(alone(on, text)).await else { return };
        for user in ["ana", "dora", "priya"] {
            let told = shop.log_in(user).await.unwrap_err();
            assert_eq!(told.sqlstate, "28000", "{user}: {text}: {told:?}");
        }
        assert_eq!(shop.close().await.sessions("refused").len(), 3);
    }
}

async fn a_policy_may_refuse_the_session(on: Protocol) {
    let policy = r#"package jurat.doors
        deny contains {"id": "doors.agents", "msg": "agents stay outside"} if {
            input.stage == "session"
            input.principal.kind == "agent"
        }"#;
    let Some(shop) = on.open(on.setup().policy("doors.rego", policy)).await else { return };
    let told = shop.log_in("bot").await.unwrap_err();
    assert_eq!(told.sqlstate, "28000");
    assert!(told.message.contains("agents stay outside"), "{told:?}");
    assert_eq!(shop.session("ana").await.value("SELECT 1").await, "1");
    assert_eq!(shop.close().await.sessions("refused").len(), 1);
}

async fn a_policy_that_does_not_end_is_a_denial_and_other_sessions_go_on(on: Protocol) {
    let endless = format!(
        "{OPEN}
deny contains {{\"id\": \"open.endless\", \"msg\": \"never said\"}} if {{
    some relation in input.statement.relations
    relation.id == \"public.notes\"
    some i in numbers.range(1, 10000)
    some j in numbers.range(1, 10000)
    some k in numbers.range(1, 10000)
    i + j + k < 0
}}
"
    );
    let Some(shop) = on.open(alone(on, &endless)).await else { return };
    let mut session = shop.session("ana").await;
    let mut other = shop.session("ana").await;
    for text in ["SELECT * FROM notes", "DELETE FROM notes"] {
        let start = Instant::now();
        let asked = tokio::spawn(async move {
            let answer = session.run(text, Way::Text).await;
            (session, answer)
        });
        assert_eq!(other.value("SELECT 1").await, "1");
        let answer;
        (session, answer) = asked.await.unwrap();
        let told = answer.failed(text);
        assert!(told.message.starts_with("jurat "), "{told:?}");
        assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
    }
    assert_eq!(session.value("SELECT 2").await, "2");
    assert_eq!(shop.close().await.denials().len(), 2);
}

async fn what_a_policy_says_wrongly_is_a_denial(on: Protocol) {
    let mut judged = 0;
    for wrong in [
        // An element without an id, an unknown method, an unknown obligation, an unknown limit.
        "deny contains {\"message\": \"no id\"} if input.stage == \"statement\"",
        "masks contains {\"id\": \"m\", \"column\": \"*.*.*\", \"method\": \"blur\"} if input.stage == \"statement\"",
        "obligations contains {\"kind\": \"sing\"} if input.stage == \"statement\"",
        "limits contains {\"id\": \"l\", \"kind\": \"jokes\", \"value\": 1, \"on_exceed\": \"deny\"} if input.stage == \"statement\"",
        "deny contains 5 if input.stage == \"statement\"",
        "allow := 1 / 0",
    ] {
        let setup = alone(on, OPEN).policy("wrong.rego", format!("package jurat.wrong\n{wrong}\n"));
        // Some of these are found when the policies are loaded, the others when they judge.
        if !taken(&setup) {
            continue;
        }
        let Some(shop) = on.open(setup).await else { return };
        if let Ok(mut session) = shop.log_in("ana").await {
            for way in WAYS {
                let told = session.run("SELECT note FROM orders", way).await.failed(wrong);
                assert!(told.message.starts_with("jurat "), "{told:?}");
            }
            judged += 1;
        }
        shop.close().await;
    }
    assert!(judged >= 4, "only {judged} were met while judging");
}
