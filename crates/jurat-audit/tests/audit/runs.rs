//! Further runs under a decision that is on record: short in the log, whole where they are read.

use jurat_audit::{AuditLog, AuditOptions, DecisionModel, DecisionRun, ModelParts, tail};
use jurat_types::{
    Actual, DecisionRecord, Effect, Estimate, JUDGE_TIMER, Outcome, OutcomeRecord, Parameters,
    Protocol, Record, RecordBody, SessionTotals, Stage, StatementClass, StatementFacts, TimeFacts,
};

use crate::support::{check, clock, decision, key, lines, options, session};

fn record() -> DecisionRecord {
    let RecordBody::Decision(mut record) = decision("d1", Effect::Allow, "enforce") else {
        panic!("it is a decision")
    };
    record.metrics.insert(JUDGE_TIMER.to_owned(), 1234);
    record.sent_sha256 = Some("ab".repeat(32));
    record.input.statement = Some(StatementFacts {
        parsed: true,
        unparsed_reason: None,
        protocol: Protocol::Simple,
        index: 0,
        count: 1,
        kind: "select".to_owned(),
        class: StatementClass::Read,
        text: "SELECT ?".to_owned(),
        fingerprint: "0123456789abcdef".to_owned(),
        sha256: "cd".repeat(32),
        has_where: false,
        where_always_true: false,
        limit: None,
        returning: false,
        executes: true,
        data_modifying_cte: false,
        dynamic_sql: false,
        relations: [].into(),
        columns: [].into(),
        functions: [].into(),
        outputs: [].into(),
        settings: Vec::new(),
        settings_kept: Vec::new(),
        unresolved: Vec::new(),
        parameters: Parameters::default(),
        estimate: Estimate { rows: None, source: "none".to_owned(), total: None },
        actual: Actual::default(),
    });
    *record
}

/// The second run of `record`, where everything that may differ does.
fn second_run(record: &DecisionRecord, text: &str) -> DecisionRecord {
    let mut record = record.clone();
    record.decision_id = "d2".to_owned();
    record.input.request_id = "d2".to_owned();
    record.input.time = TimeFacts {
        now_ns: 1_795_354_200_000_000_000,
        rfc3339: "2026-11-22T13:30:00.000000000Z".to_owned(),
        weekday: "Sunday".to_owned(),
        hour: 13,
        tz: "UTC".to_owned(),
    };
    record.input.session.in_transaction = true;
    record.input.session.totals =
        SessionTotals { statements: 7, rows_read: 8, rows_written: 9, denied: 1 };
    let statement = record.input.statement.as_mut().unwrap();
    statement.text = text.to_owned();
    statement.sha256 = "ef".repeat(32);
    record.sent_sha256 = Some("01".repeat(32));
    record.metrics.insert(JUDGE_TIMER.to_owned(), 99);
    record
}

fn run(record: &DecisionRecord) -> DecisionRun<'_> {
    let statement = record.input.statement.as_ref().unwrap();
    DecisionRun {
        decision_id: &record.decision_id,
        now_ns: record.input.time.now_ns,
        in_transaction: record.input.session.in_transaction,
        totals: record.input.session.totals,
        text: &statement.text,
        sha256: &statement.sha256,
        sent_sha256: record.sent_sha256.as_deref().unwrap_or_default(),
        judge_ns: record.metrics[JUDGE_TIMER],
        result_of: record.result_of.as_deref(),
    }
}

fn append_first(log: &AuditLog, record: &DecisionRecord) -> DecisionModel {
    let parts = ModelParts::of(record).unwrap();
    let receipt = log.append_later(RecordBody::Decision(Box::new(record.clone()))).unwrap();
    parts.stands_at(&receipt)
}

fn ended(decision_id: &str) -> OutcomeRecord {
    OutcomeRecord {
        decision_id: decision_id.to_owned(),
        outcome: Outcome::Done,
        rows: Some(1),
        command: None,
        sqlstate: None,
        duration_us: 5,
    }
}

/// What is told for a run is what its whole record would be, and its line is what serde writes.
#[test]
fn a_run_is_told_as_the_whole_decision() {
    let dir = tempfile::tempdir().unwrap();
    let long = AuditOptions { segment_bytes: 64 * 1024, ..options() };
    let log = AuditLog::open(dir.path(), key(), long, clock()).unwrap();
    let first = record();
    let model = append_first(&log, &first);
    let seconds = [
        second_run(&first, "SELECT ?"),
        second_run(&first, "SELECT \"a\\b\" FROM t -- \n\t\u{1} é 😀 \u{7f}"),
        second_run(&first, ""),
        DecisionRecord { sent_sha256: first.sent_sha256.clone(), ..second_run(&first, "SELECT ?") },
    ];
    for second in &seconds {
        let receipt = log.append_run(&model, &run(second)).unwrap().unwrap();
        assert_eq!(receipt.decision_id(), Some("d2"));
        // The next row is another run of the same name.
        log.append_outcome(&ended("d2")).unwrap();
        drop(log.append(session("opened")).unwrap());
    }
    log.close().unwrap();
    for line in lines(dir.path()) {
        let read: Record = serde_json::from_str(&line).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), line);
        if let RecordBody::Run(_) = read.body {
            assert!(line.len() < 700, "{line}");
        }
    }
    let told: Vec<DecisionRecord> = tail(dir.path(), usize::MAX)
        .unwrap()
        .filter_map(|line| {
            let body = line.unwrap().record.unwrap().body;
            if let RecordBody::Decision(decision) = body { Some(*decision) } else { None }
        })
        .collect();
    assert_eq!(told, [vec![first], seconds.to_vec()].concat());
    let found = check(dir.path()).unwrap();
    assert_eq!((found.decisions, found.let_through, found.outcomes), (5, 5, 4));
}

/// What a statement has changed is judged in runs, too: they name the statement, and no outcome follows them.
#[test]
fn a_run_of_a_result_lets_nothing_through() {
    let dir = tempfile::tempdir().unwrap();
    let long = AuditOptions { segment_bytes: 64 * 1024, ..options() };
    let log = AuditLog::open(dir.path(), key(), long.clone(), clock()).unwrap();
    let statement = append_first(&log, &record());
    let mut result = second_run(&record(), "SELECT ?");
    result.input.stage = Stage::Result;
    result.sent_sha256 = None;
    result.result_of = Some("d1".to_owned());
    let parts = ModelParts::of_result(&result).unwrap();
    let receipt = log.append(RecordBody::Decision(Box::new(result.clone()))).unwrap();
    let model = parts.stands_at(&receipt);
    let mut again = second_run(&result, "SELECT ?");
    again.decision_id = "d3".to_owned();
    again.input.request_id = "d3".to_owned();
    again.sent_sha256 = None;
    again.result_of = Some("d0".to_owned());
    assert!(log.append_run_now(&model, &run(&again)).unwrap().is_some());
    log.append_outcome(&ended("d1")).unwrap();
    drop(log);
    let told: Vec<DecisionRecord> = tail(dir.path(), usize::MAX)
        .unwrap()
        .filter_map(|line| {
            let body = line.unwrap().record.unwrap().body;
            if let RecordBody::Decision(decision) = body { Some(*decision) } else { None }
        })
        .collect();
    assert_eq!(told, [record(), result, again.clone()]);
    let found = check(dir.path()).unwrap();
    assert_eq!((found.decisions, found.let_through, found.outcomes), (3, 1, 1));

    // What let a statement through says nothing about what that has changed.
    let log = AuditLog::open(dir.path(), key(), long, clock()).unwrap();
    again.decision_id = "d4".to_owned();
    drop(log.append_run_now(&statement, &run(&again)).unwrap());
    log.close().unwrap();
    assert!(check(dir.path()).unwrap_err().to_string().contains("record 0"));
}

/// What a run refers to stands in the same file; where it does not, the whole record has to be written.
#[test]
fn each_file_can_be_read_without_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let small = AuditOptions { segment_bytes: 8 * 1024, ..options() };
    let log = AuditLog::open(dir.path(), key(), small, clock()).unwrap();
    let first = record();
    let mut model = append_first(&log, &first);
    let mut whole = 1;
    for _ in 0..100 {
        let second = second_run(&first, "SELECT ?");
        if log.append_run(&model, &run(&second)).unwrap().is_none() {
            model = append_first(&log, &second);
            whole += 1;
        }
        log.append_outcome(&ended("d2")).unwrap();
        drop(log.append(session("opened")).unwrap());
    }
    log.close().unwrap();
    let files = crate::support::segments(dir.path());
    assert!(files.len() > 3);
    assert_eq!(whole, files.len(), "one whole record a file");
    for (name, bytes) in files {
        let alone = tempfile::tempdir().unwrap();
        // Under the first name, so that it is a log of one file.
        std::fs::write(alone.path().join("records-000000.jsonl"), bytes).unwrap();
        for line in tail(alone.path(), usize::MAX).unwrap() {
            let record = line.unwrap().record.unwrap();
            assert!(!matches!(record.body, RecordBody::Run(_)), "{name}: {record:?}");
        }
    }
}

/// Outcomes that come while nothing else does share a record, in the order in which they came; `tail` tells
/// each by itself.
#[test]
fn outcomes_share_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let patient = AuditOptions { outcome_delay: std::time::Duration::from_secs(600), ..options() };
    let log = AuditLog::open(dir.path(), key(), patient, clock()).unwrap();
    let ids: Vec<String> = (0..500).map(|n| format!("decision {n}")).collect();
    for id in &ids {
        drop(log.append_later(decision(id, Effect::Allow, "enforce")).unwrap());
    }
    for id in &ids {
        log.append_outcome(&ended(id)).unwrap();
    }
    drop(log.append(session("closed")).unwrap());
    log.close().unwrap();
    let records = lines(dir.path());
    let shared = records.iter().filter(|line| line.contains("\"type\":\"outcomes\"")).count();
    assert!((1..10).contains(&shared), "{shared}");
    assert!(records.last().unwrap().contains("closed"), "what happened before comes before it");
    let told: Vec<String> = tail(dir.path(), usize::MAX)
        .unwrap()
        .filter_map(|line| {
            let body = line.unwrap().record.unwrap().body;
            if let RecordBody::Outcome(end) = body { Some(end.decision_id) } else { None }
        })
        .collect();
    assert_eq!(told, ids);
    assert_eq!(check(dir.path()).unwrap().outcomes, 500);
}
