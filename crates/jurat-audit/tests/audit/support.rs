//! A log that comes out the same every time: a fixed key, a clock that ticks, and small records.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jurat_audit::{
    AuditLog, AuditOptions, SigningKey, Verified, VerifyError, VerifyingKey, verify,
};
use jurat_types::{
    Auth, AuthMethod, Claimed, Decision, DecisionRecord, Effect, Intent, Outcome, OutcomeRecord,
    OutcomesRecord, PolicyRef, Principal, PrincipalKind, RecordBody, RunRecord, SessionFacts,
    SessionRecord, SessionTotals, Stage, SystemRecord, Target, TimeFacts,
};

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed("log.example/test", [7; 32]).unwrap()
}

pub(crate) fn public() -> VerifyingKey {
    key().verifying_key().clone()
}

/// Small segments, and no checkpoint unless the test asks for one.
pub(crate) fn options() -> AuditOptions {
    AuditOptions {
        segment_bytes: 3000,
        checkpoint_interval: None,
        retry: Duration::from_millis(5),
        ..AuditOptions::default()
    }
}

/// Begins at 2026-01-02T03:04:05Z and goes on by a millisecond each time it is asked.
pub(crate) fn clock() -> impl Fn() -> SystemTime + Send + Sync + 'static {
    let ticks = AtomicU64::new(0);
    move || {
        let tick = ticks.fetch_add(1, Ordering::Relaxed);
        UNIX_EPOCH + Duration::from_secs(1_767_323_045) + Duration::from_millis(tick)
    }
}

pub(crate) fn open(dir: &Path) -> AuditLog {
    AuditLog::open(dir, key(), options(), clock()).unwrap()
}

pub(crate) fn check(dir: &Path) -> Result<Verified, VerifyError> {
    verify(dir, &public())
}

/// Appends bodies and gives their sequence numbers.
pub(crate) fn append(log: &AuditLog, bodies: Vec<RecordBody>) -> Vec<u64> {
    bodies.into_iter().map(|body| log.append(body).unwrap().seq()).collect()
}

/// A session with one statement let through, one denied, and its end.
pub(crate) fn small_story() -> Vec<RecordBody> {
    vec![
        system("started"),
        session("opened"),
        decision("d1", Effect::Allow, "enforce"),
        outcome("d1", Outcome::Done),
        decision("d2", Effect::Deny, "enforce"),
        session("closed"),
        system("stopped"),
    ]
}

/// Writes the small story, closes the log, and gives how many records it has.
pub(crate) fn small_log(dir: &Path) -> u64 {
    let log = open(dir);
    let numbers = append(&log, small_story());
    log.close().unwrap();
    numbers.last().unwrap() + 1
}

/// Copies a log as it stands on the disk, without its lock.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_name() != "lock" {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The segment files in order, with their content.
pub(crate) fn segments(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".jsonl"))
        .collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), fs::read(dir.join(&name)).unwrap())).collect()
}

/// All lines of the log.
pub(crate) fn lines(dir: &Path) -> Vec<String> {
    let bytes: Vec<u8> = segments(dir).into_iter().flat_map(|(_, bytes)| bytes).collect();
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

pub(crate) fn system(event: &str) -> RecordBody {
    RecordBody::System(SystemRecord { event: event.to_owned(), details: BTreeMap::new() })
}

pub(crate) fn session(event: &str) -> RecordBody {
    RecordBody::Session(Box::new(SessionRecord {
        event: event.to_owned(),
        session_id: "s1".to_owned(),
        client_addr: "192.0.2.1:5000".to_owned(),
        principal: Some(principal()),
        target: None,
        claimed_user: None,
        reason: None,
    }))
}

pub(crate) fn outcome(decision_id: &str, outcome: Outcome) -> RecordBody {
    RecordBody::Outcome(OutcomeRecord {
        decision_id: decision_id.to_owned(),
        outcome,
        rows: Some(3),
        command: Some("SELECT".to_owned()),
        sqlstate: None,
        duration_us: 120,
    })
}

/// One more run under the decision at `of`.
pub(crate) fn run(decision_id: &str, of: u64) -> RecordBody {
    RecordBody::Run(RunRecord {
        of,
        decision_id: decision_id.to_owned(),
        now_ns: 1_767_323_045_000_000_000,
        in_transaction: false,
        totals: SessionTotals::default(),
        judge_ns: 900,
        text: None,
        sha256: None,
        sent_sha256: None,
        result_of: None,
    })
}

/// Several statements that ended well.
pub(crate) fn outcomes(ids: &[&str]) -> RecordBody {
    let ended = |id: &&str| {
        let body = outcome(id, Outcome::Done);
        if let RecordBody::Outcome(outcome) = body { Some(outcome) } else { None }
    };
    RecordBody::Outcomes(OutcomesRecord { outcomes: ids.iter().filter_map(ended).collect() })
}

pub(crate) fn decision(id: &str, effect: Effect, mode: &str) -> RecordBody {
    let policy = PolicyRef { revision: "sha256:00".to_owned() };
    RecordBody::Decision(Box::new(DecisionRecord {
        labels: BTreeMap::new(),
        decision_id: id.to_owned(),
        bundles: BTreeMap::new(),
        path: "jurat".to_owned(),
        input: intent(id, policy.clone()),
        result: Decision {
            effect,
            reasons: Vec::new(),
            masks: Vec::new(),
            row_filters: Vec::new(),
            limits: Vec::new(),
            approvals: Vec::new(),
            obligations: Vec::new(),
            policy,
            errors: Vec::new(),
        },
        masked: Vec::new(),
        requested_by: "192.0.2.1".to_owned(),
        metrics: BTreeMap::new(),
        sent_sha256: None,
        mode: mode.to_owned(),
        result_of: None,
    }))
}

fn intent(id: &str, policy: PolicyRef) -> Intent {
    Intent {
        version: "v1".to_owned(),
        stage: Stage::Statement,
        request_id: id.to_owned(),
        time: TimeFacts {
            now_ns: 0,
            rfc3339: "1970-01-01T00:00:00Z".to_owned(),
            weekday: "Thursday".to_owned(),
            hour: 0,
            tz: "UTC".to_owned(),
        },
        principal: principal(),
        claimed: Claimed::default(),
        session: SessionFacts {
            id: "s1".to_owned(),
            client_addr: "192.0.2.1:5000".to_owned(),
            tls: true,
            started_ns: 0,
            in_transaction: false,
            read_only: false,
            totals: SessionTotals::default(),
            freeze: None,
            replication: None,
        },
        target: Target {
            name: "shop".to_owned(),
            engine: jurat_types::Engine::Postgres,
            version: "15".to_owned(),
            database: "shop".to_owned(),
            environment: "production".to_owned(),
            labels: BTreeMap::new(),
            upstream_user: "jurat".to_owned(),
        },
        statement: None,
        approvals: Vec::new(),
        policy,
    }
}

fn principal() -> Principal {
    Principal {
        id: "ana@acme.io".to_owned(),
        kind: PrincipalKind::Person,
        groups: vec!["dba".to_owned()],
        attributes: BTreeMap::new(),
        auth: Auth { method: AuthMethod::Scram, issuer: None, mfa: false },
        on_behalf_of: None,
        delegation: Vec::new(),
    }
}
