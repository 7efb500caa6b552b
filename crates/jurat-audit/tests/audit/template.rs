//! A record that is written from a template has the bytes that serde gives for the whole record.

use jurat_audit::{DecisionRun, DecisionTemplate, JUDGE_TIMER};
use jurat_types::{
    Actual, DecisionRecord, Effect, Estimate, Parameters, Protocol, RecordBody, SessionTotals,
    StatementClass, StatementFacts, TimeFacts,
};
use serde_json::Value;

use crate::support::{decision, lines, open};

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
        relations: Vec::new(),
        columns: Vec::new(),
        functions: Vec::new(),
        settings: Vec::new(),
        settings_kept: Vec::new(),
        unresolved: Vec::new(),
        parameters: Parameters::default(),
        estimate: Estimate { rows: None, source: "none".to_owned() },
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
    record.sent_sha256 = None;
    record.metrics.insert(JUDGE_TIMER.to_owned(), 99);
    record
}

fn run(record: &DecisionRecord) -> DecisionRun<'_> {
    let statement = record.input.statement.as_ref().unwrap();
    DecisionRun {
        decision_id: &record.decision_id,
        time: &record.input.time,
        in_transaction: record.input.session.in_transaction,
        totals: record.input.session.totals,
        text: &statement.text,
        sha256: &statement.sha256,
        sent_sha256: record.sent_sha256.as_deref(),
        judge_ns: record.metrics[JUDGE_TIMER],
    }
}

/// What a line says, without its place in the log.
fn body(line: &str) -> Value {
    let mut value: Value = serde_json::from_str(line).unwrap();
    let object = value.as_object_mut().unwrap();
    for name in ["seq", "timestamp", "previous"] {
        object.remove(name).unwrap();
    }
    value
}

#[test]
fn a_template_writes_what_serde_writes() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let first = record();
    let template = DecisionTemplate::new(&first).unwrap();
    let texts = [
        "SELECT ?",
        "SELECT \"a\\b\" FROM t -- \n\t\u{1} é 😀 \u{7f}",
        r#"SELECT "text":"" , "sha256":"" , "decision_id":"" "#,
        "",
    ];
    for text in texts {
        let second = second_run(&first, text);
        let receipt = log.append_run(&template, &run(&second)).unwrap();
        assert_eq!(receipt.decision_id(), Some("d2"));
        drop(log.append(RecordBody::Decision(Box::new(second))).unwrap());
    }
    log.close().unwrap();
    let lines: Vec<_> = lines(dir.path()).iter().map(|line| body(line)).collect();
    let decisions: Vec<_> = lines.iter().filter(|line| line["type"] == "decision").collect();
    assert_eq!(decisions.len(), 2 * texts.len());
    for (pair, text) in decisions.chunks(2).zip(texts) {
        assert_eq!(pair[0], pair[1]);
        assert_eq!(pair[0].to_string(), pair[1].to_string(), "the order of the keys");
        assert_eq!(pair[0]["input"]["statement"]["text"], text);
    }
}

#[test]
fn what_looks_like_a_gap_makes_no_template() {
    let mut in_labels = record();
    in_labels.labels.insert("decision_id".to_owned(), String::new());
    let mut in_target = record();
    in_target.input.target.labels.insert("text".to_owned(), String::new());
    let mut no_statement = record();
    no_statement.input.statement = None;
    for record in [in_labels, in_target, no_statement] {
        assert!(DecisionTemplate::new(&record).is_none());
    }
    // Inside a text the quotes are escaped, so nothing there looks like a gap.
    let mut in_text = record();
    in_text.requested_by = "\"sent_sha256\":null".to_owned();
    assert!(DecisionTemplate::new(&in_text).is_some());
}
