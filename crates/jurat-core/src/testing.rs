//! The gate with real engines and no edges, for tests: a policy, a tiny catalog, a log in a temporary
//! directory, and a clock that stands still.

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, SystemTime},
};

use jurat_audit::{AuditLog, AuditOptions, SigningKey};
use jurat_policy::{PolicyHandle, PolicyOptions};
use jurat_types::{
    Auth, AuthMethod, Catalog, Claimed, Engine, Outcome, Principal, PrincipalKind, Refusal, Target,
};

use crate::{
    CatalogIndex, Clock, Database, Ending, Gate, Limits, Login, MaskKey, SearchPath, Session,
};

#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now_ns(&self) -> i64 {
        1_795_354_200_000_000_000
    }
}

/// A session on its way through a gate.
pub(crate) struct Bench {
    pub(crate) session: Session,
    pub(crate) gate: Arc<Gate>,
    pub(crate) dir: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new(policy: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let policies = dir.path().join("policies");
        std::fs::create_dir_all(policies.join("jurat/catalog")).unwrap();
        std::fs::write(policies.join("case.rego"), policy).unwrap();
        std::fs::write(
            policies.join("jurat/catalog/data.json"),
            r#"{"public.users.email": ["pii.email"]}"#,
        )
        .unwrap();
        let key = SigningKey::from_seed("test", [7; 32]).unwrap();
        // The order of the records must not depend on how long something takes.
        let options =
            AuditOptions { outcome_delay: Duration::from_secs(3600), ..AuditOptions::default() };
        let clock = || SystemTime::UNIX_EPOCH;
        let audit = AuditLog::open(&dir.path().join("audit"), key, options, clock).unwrap();
        let gate = Arc::new(Gate {
            policy: Arc::new(PolicyHandle::new(policies, PolicyOptions::default()).unwrap()),
            audit: Arc::new(audit),
            clock: Arc::new(StoppedClock),
            budgets: Arc::new(crate::InMemoryBudgets::default()),
            limits: Limits::default(),
            mask_key: MaskKey::new(b"test"),
            approvals: None,
            labels: [].into(),
        });
        let database = Arc::new(Database::new(target()));
        database.publish(Arc::new(CatalogIndex::new(catalog())), 0);
        let session = open(&gate, &database, login());
        Self { session, gate, dir }
    }

    /// Another session on the same database.
    pub(crate) fn session_of(&self, principal: &str) -> Session {
        self.session_from(principal, "127.0.0.1:1")
    }

    /// Another session on the same database, from another address.
    pub(crate) fn session_from(&self, principal: &str, client_addr: &str) -> Session {
        let mut login = login();
        login.principal.id = principal.to_owned();
        login.client_addr = client_addr.to_owned();
        open(&self.gate, self.session.database(), login)
    }

    /// Judges, settles and pretends to send.
    pub(crate) fn run(&mut self, text: &str) -> String {
        let mut transcript = format!("> {text}\n");
        let statements = self.session.read(text.as_bytes());
        match self.session.judge_message(&statements, |_| None) {
            Err(refusal) => told(&mut transcript, &refusal),
            Ok(drafts) => {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                match runtime.block_on(self.gate.settle(drafts)) {
                    Err(refusal) => told(&mut transcript, &refusal),
                    Ok(permits) => {
                        for permit in permits {
                            for notice in permit.notices() {
                                writeln!(transcript, "warned   {}", notice.msg).unwrap();
                            }
                            let (text, running) = permit.launch();
                            writeln!(transcript, "sent     {text}").unwrap();
                            running.finish(Outcome::Done, Ending::default());
                        }
                    }
                }
            }
        }
        transcript
    }

    /// The newest decision in the log.
    pub(crate) fn newest_decision(&self) -> serde_json::Value {
        self.newest("decision")
    }

    /// The newest record of a type.
    pub(crate) fn newest(&self, kind: &str) -> serde_json::Value {
        self.log().into_iter().rfind(|record| record["type"] == kind).unwrap()
    }

    /// How many decisions the verified log has, and how many let a statement through.
    pub(crate) fn verified(&self) -> (u64, u64) {
        self.gate.audit.close().unwrap();
        let key = SigningKey::from_seed("test", [7; 32]).unwrap();
        let found =
            jurat_audit::verify(&self.dir.path().join("audit"), key.verifying_key()).unwrap();
        (found.decisions, found.let_through)
    }

    fn log(&self) -> Vec<serde_json::Value> {
        // Outcomes may wait for the next write.
        self.gate.audit.checkpoint().unwrap();
        let lines = jurat_audit::tail(&self.dir.path().join("audit"), usize::MAX).unwrap();
        lines.map(|line| serde_json::to_value(line.unwrap().record.unwrap()).unwrap()).collect()
    }

    /// The records of the log without what differs from run to run.
    pub(crate) fn records(&self) -> String {
        let mut text = String::new();
        for record in self.log() {
            let what = match record["type"].as_str().unwrap() {
                "decision" => format!(
                    "{} {} `{}`",
                    record["result"]["effect"].as_str().unwrap(),
                    record["input"]["statement"]["kind"].as_str().unwrap(),
                    record["input"]["statement"]["text"].as_str().unwrap(),
                ),
                "outcome" => record["outcome"].as_str().unwrap().to_owned(),
                "session" | "system" => record["event"].as_str().unwrap().to_owned(),
                other => other.to_owned(),
            };
            writeln!(text, "{:8} {what}", record["type"].as_str().unwrap()).unwrap();
        }
        text
    }
}

fn open(gate: &Arc<Gate>, database: &Arc<Database>, login: Login) -> Session {
    let mut session = Session::open(Arc::clone(gate), Arc::clone(database), login).unwrap();
    let search_path = SearchPath::Known(vec!["pg_catalog".to_owned(), "public".to_owned()]);
    session.set_names(database.catalog().unwrap(), search_path);
    session
}

fn told(transcript: &mut String, refusal: &Refusal) {
    let id = refusal.decision_id.as_deref().unwrap_or("none");
    let message = refusal.message.replace(id, "ID");
    writeln!(transcript, "told     {} {message}", refusal.code.as_str()).unwrap();
}

fn login() -> Login {
    Login {
        principal: Principal {
            id: "ana".to_owned(),
            kind: PrincipalKind::Person,
            groups: vec!["analyst".to_owned()],
            attributes: [].into(),
            auth: Auth { method: AuthMethod::Scram, issuer: None, mfa: false },
            on_behalf_of: None,
            delegation: Vec::new(),
        },
        claimed: Claimed::default(),
        client_addr: "127.0.0.1:1".to_owned(),
        tls: true,
        replication: None,
    }
}

pub(crate) fn target() -> Target {
    Target {
        name: "shop".to_owned(),
        engine: Engine::Postgres,
        version: "15".to_owned(),
        database: "shop".to_owned(),
        environment: "production".to_owned(),
        labels: [].into(),
        upstream_user: "app".to_owned(),
    }
}

fn catalog() -> Catalog {
    serde_json::from_str(
        r#"{
          "server_version": "15", "has_system": false, "schemas": ["public"],
          "relations": [{"name": {"schema": "public", "name": "users"}, "kind": "table", "columns": [
            {"name": "id", "data_type": "integer"}, {"name": "email", "data_type": "text"}]}]
        }"#,
    )
    .unwrap()
}
