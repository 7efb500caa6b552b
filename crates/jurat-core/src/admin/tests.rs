//! Who may look at sessions and end them, and what is remembered of it.

use std::sync::Arc;

use jurat_types::{Principal, PrincipalKind};

use super::{Admin, AdminError, Reload, Reloaded};
use crate::testing::Bench;

const POLICY: &str = r#"package jurat.case
import rego.v1
allow contains "all"
may_administer if {
    input.stage == "admin"
    not nobody_kills
}
nobody_kills if {
    input.approvals[0].action == "kill"
    input.principal.id == "looker"
}"#;

#[derive(Debug)]
struct Nothing;

impl Reload for Nothing {
    fn reload(&self) -> Reloaded {
        Reloaded { revision: "1".to_owned(), errors: Vec::new() }
    }
}

fn admin(bench: &Bench) -> Arc<Admin> {
    Arc::new(Admin {
        gate: Arc::clone(&bench.gate),
        databases: vec![Arc::clone(bench.session.database())],
        admins: vec!["group:admins".to_owned(), "looker".to_owned()],
        reload: Arc::new(Nothing),
        freezes: None,
    })
}

/// Somebody else than the owner of the session.
fn somebody(bench: &Bench, id: &str, groups: &[&str]) -> Principal {
    Principal {
        id: id.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..bench.session.principal().clone()
    }
}

#[tokio::test]
async fn everybody_sees_their_own_sessions_and_admins_see_all() {
    let mut bench = Bench::new(POLICY);
    let statements = bench.session.read(b"SELECT id FROM users WHERE email = 'secret'");
    drop(bench.session.judge_message(&statements, |_| None).unwrap());
    let admin = admin(&bench);
    let own = admin.sessions(&bench.session.principal().clone()).await;
    let all = admin.sessions(&somebody(&bench, "dora", &["admins"])).await;
    assert_eq!(own, all);
    let [session] = &all[..] else { panic!("{all:?}") };
    assert_eq!((session.principal.as_str(), session.totals.statements), ("ana", 1));
    let text = session.statement.as_deref().unwrap();
    assert!(text.contains("users") && !text.contains("secret"), "{text}");
    assert!(admin.sessions(&somebody(&bench, "eve", &[])).await.is_empty());
    let stats = admin.counters().await;
    assert_eq!(stats.databases[0].counted.statements, [("read", "allow", 1)]);
    assert_eq!(stats.databases[0].sessions.values().sum::<usize>(), 1);
    bench.session.close("the test ended");
    assert!(admin.sessions(&somebody(&bench, "dora", &["admins"])).await.is_empty());
}

#[tokio::test]
async fn who_may_end_a_session_is_looked_up_and_what_is_done_is_recorded() {
    let bench = Bench::new(POLICY);
    let admin = admin(&bench);
    let id = bench.session.id().to_owned();
    let agent = Principal { kind: PrincipalKind::Agent, ..somebody(&bench, "bot", &["admins"]) };
    let refused = [
        (somebody(&bench, "eve", &[]), false),
        (agent, false),
        // This one sees the session, and a policy takes the rest.
        (somebody(&bench, "looker", &[]), true),
    ];
    for (who, knows) in refused {
        let error = admin.kill((&who, "sql"), &id, None).await.unwrap_err();
        assert_eq!(matches!(error, AdminError::NoRight { .. }), knows, "{error}");
    }
    assert!(!bench.session.live().end().is_cancelled());
    let dora = somebody(&bench, "dora", &["admins"]);
    assert!(admin.kill((&dora, "sql"), "no such session", None).await.is_err());
    admin.kill((&dora, "sql"), &id, Some("too long")).await.unwrap();
    assert!(bench.session.live().end().is_cancelled());
    assert_eq!(bench.session.live().killed_by().as_deref(), Some("dora"));
    let record = bench.newest("system");
    let details = &record["details"];
    let told = ["action", "by", "via", "reason"].map(|key| details[key].as_str().unwrap());
    assert_eq!(told, ["session_killed", "dora", "sql", "too long"]);
    assert_eq!(details["session_id"], id);
}

#[tokio::test]
async fn what_is_not_configured_is_said_so() {
    let bench = Bench::new(POLICY);
    let admin = admin(&bench);
    let dora = somebody(&bench, "dora", &["admins"]);
    assert_eq!(admin.reload((&dora, "api")).await.unwrap().revision, "1");
    let policies = admin.policies(&dora).await.unwrap();
    assert_eq!(policies.packages[0].package, "data.jurat.case");
    let frozen = admin.freeze((&dora, "api"), ("shop", "why"), None).await;
    assert!(matches!(frozen, Err(AdminError::NotConfigured(_))), "{frozen:?}");
    let elsewhere = admin.freeze((&dora, "api"), ("other", "why"), None).await;
    assert!(matches!(elsewhere, Err(AdminError::Unknown(_))), "{elsewhere:?}");
    let none = admin.approvals(&dora, true).await;
    assert!(matches!(none, Err(AdminError::NotConfigured(_))), "{none:?}");
}
