//! A prepared statement is read and judged once per session and revision, recorded at every run, and
//! refused once the policies ask for another text.

use std::sync::Arc;

use jurat_types::{Decision, RefusalCode};

use crate::{Ending, Prepared, testing::Bench};

const ALLOW: &str = r#"package jurat.case
import rego.v1
allow contains "all""#;

const MASK: &str = r#"package jurat.case
import rego.v1
allow contains "all"
masks contains {"id": "m", "column": {"label": "pii.*"}, "method": "null"}"#;

const ALLOW_WHAT_IS_READ: &str = r#"package jurat.case
import rego.v1
allow contains "session" if input.stage == "session"
allow contains "read" if input.statement.parsed"#;

const VOLATILE: &str = r#"package jurat.case
import rego.v1
allow contains "all" if input.session.totals.statements < 2"#;

fn prepare(bench: &mut Bench, text: &str) -> Prepared {
    let statements = bench.session.read(text.as_bytes());
    bench.session.prepare(text.as_bytes(), &statements[0]).unwrap().0
}

/// Runs it and tells the text that would be sent, or why not.
fn run(bench: &mut Bench, prepared: &Prepared) -> Result<String, RefusalCode> {
    let draft = bench.session.judge_prepared(prepared, None).map_err(|refusal| refusal.code)?;
    let (text, running) = draft.0.launch();
    running.finish(jurat_types::Outcome::Done, Ending::default());
    Ok(text.to_string())
}

fn decision(prepared: &Prepared) -> Arc<Decision> {
    Arc::clone(&prepared.judged.last().unwrap().decision)
}

fn replace_policy(bench: &Bench, policy: &str) {
    std::fs::write(bench.dir.path().join("policies/case.rego"), policy).unwrap();
    bench.gate.policy.reload().unwrap();
}

#[test]
fn it_is_judged_once_and_recorded_at_every_run() {
    let mut bench = Bench::new(ALLOW);
    let prepared = prepare(&mut bench, "SELECT id FROM users WHERE id = $1");
    let first = decision(&prepared);
    for _ in 0..3 {
        assert_eq!(
            run(&mut bench, &prepared).unwrap(),
            "SELECT id FROM public.users WHERE id = $1"
        );
        assert!(Arc::ptr_eq(&first, &decision(&prepared)), "it was judged again");
    }
    assert_eq!(bench.records().matches("decision allow").count(), 3);
    assert_eq!(bench.records().matches("outcome  done").count(), 3);
}

/// Judges a text that comes by itself; tells what would be sent and the decision it rests on.
fn ask(bench: &mut Bench, text: &str) -> (String, Arc<Decision>) {
    let statements = bench.session.read(text.as_bytes());
    let drafts = bench.session.judge_message(&statements, |_| None).unwrap();
    let (sent, running) = drafts.into_iter().next().unwrap().0.launch();
    running.finish(jurat_types::Outcome::Done, Ending::default());
    (sent.to_string(), Arc::clone(&statements[0].last().unwrap().decision))
}

#[test]
fn texts_that_differ_in_literals_only_share_a_decision() {
    let mut bench = Bench::new(MASK);
    let (first_text, first) = ask(&mut bench, "SELECT id, email FROM users WHERE id = 1");
    let (second_text, second) = ask(&mut bench, "SELECT id, email FROM users WHERE id = 22");
    assert!(Arc::ptr_eq(&first, &second), "it was judged again");
    assert!(first_text.contains("NULL") && first_text.ends_with("id = 1"), "{first_text}");
    assert!(second_text.contains("NULL") && second_text.ends_with("id = 22"), "{second_text}");
    // Another structure, and a literal that is a fact.
    for other in [
        "SELECT id FROM users WHERE id = 1",
        "SELECT id, email FROM users WHERE id = 1 LIMIT 1",
        "SELECT id, email FROM users WHERE id = 1 LIMIT 2",
    ] {
        assert!(!Arc::ptr_eq(&first, &ask(&mut bench, other).1), "{other}");
    }
    // Each is recorded as itself.
    let record = bench.newest_decision();
    let judged = "SELECT id, email FROM public.users WHERE id = 1 LIMIT 2";
    assert_eq!(record["input"]["statement"]["sha256"], crate::gate::sha256_hex(judged.as_bytes()));
    assert_ne!(record["sent_sha256"], record["input"]["statement"]["sha256"]);
}

#[test]
fn a_policy_that_reads_the_text_judges_each_text() {
    let mut bench = Bench::new(
        r#"package jurat.case
import rego.v1
allow contains "session" if input.stage == "session"
allow contains "all" if not endswith(input.statement.text, "666")"#,
    );
    let (_, first) = ask(&mut bench, "SELECT id FROM users WHERE id = 1");
    let (_, second) = ask(&mut bench, "SELECT id FROM users WHERE id = 2");
    assert!(!Arc::ptr_eq(&first, &second));
    let statements = bench.session.read(b"SELECT id FROM users WHERE id = 666");
    assert!(bench.session.judge_message(&statements, |_| None).is_err());
}

#[test]
fn a_new_revision_judges_a_known_shape_again() {
    let mut bench = Bench::new(ALLOW);
    let (text, _) = ask(&mut bench, "SELECT email FROM users WHERE id = 1");
    assert!(!text.contains("NULL"));
    replace_policy(&bench, MASK);
    let (text, _) = ask(&mut bench, "SELECT email FROM users WHERE id = 2");
    assert!(text.contains("NULL"), "{text}");
}

/// The record of a later run is made from an earlier one; nothing may be missing or stale in it.
#[test]
fn the_record_of_a_later_run_says_what_the_first_one_says() {
    let mut bench = Bench::new(ALLOW);
    ask(&mut bench, "SELECT email FROM users WHERE id = 1");
    let mut first = bench.newest_decision();
    ask(&mut bench, "SELECT email FROM users WHERE id = 22");
    let mut second = bench.newest_decision();
    let id = second["decision_id"].clone();
    assert_eq!(second["input"]["request_id"], id);
    assert_ne!(first["decision_id"], id);
    assert_eq!(second["input"]["session"]["totals"]["statements"], 1);
    let judged = "SELECT email FROM public.users WHERE id = 22";
    assert_eq!(second["input"]["statement"]["sha256"], crate::gate::sha256_hex(judged.as_bytes()));
    assert_eq!(second["sent_sha256"], second["input"]["statement"]["sha256"]);
    assert_eq!(second["input"]["statement"]["text"], "SELECT email FROM users WHERE id = ?");
    for record in [&mut first, &mut second] {
        for pointer in [
            "/seq",
            "/timestamp",
            "/previous",
            "/decision_id",
            "/input/request_id",
            "/input/time",
            "/input/session/totals",
            "/input/statement/sha256",
            "/sent_sha256",
            "/metrics",
        ] {
            *record.pointer_mut(pointer).unwrap() = serde_json::Value::Null;
        }
    }
    assert_eq!(first, second);
}

#[test]
fn a_new_revision_judges_it_again() {
    let mut bench = Bench::new(ALLOW);
    let prepared = prepare(&mut bench, "SELECT id FROM users");
    let first = decision(&prepared);
    replace_policy(&bench, &format!("{ALLOW}\n# another revision"));
    run(&mut bench, &prepared).unwrap();
    assert!(!Arc::ptr_eq(&first, &decision(&prepared)));
}

#[test]
fn it_does_not_run_with_a_text_that_the_policies_no_longer_permit() {
    let mut bench = Bench::new(ALLOW);
    let prepared = prepare(&mut bench, "SELECT email FROM users");
    replace_policy(&bench, MASK);
    assert_eq!(run(&mut bench, &prepared), Err(RefusalCode::PreparedStale));
    let again = prepare(&mut bench, "SELECT email FROM users");
    assert!(run(&mut bench, &again).unwrap().contains("NULL"));
}

#[test]
fn what_reads_something_that_changes_is_judged_at_every_run() {
    let mut bench = Bench::new(VOLATILE);
    let prepared = prepare(&mut bench, "SELECT id FROM users");
    assert!(run(&mut bench, &prepared).is_ok());
    assert!(run(&mut bench, &prepared).is_ok());
    assert_eq!(run(&mut bench, &prepared), Err(RefusalCode::Denied));
}

#[test]
fn names_that_mean_something_else_are_read_again() {
    let mut bench = Bench::new(ALLOW);
    let prepared = prepare(&mut bench, "SELECT id FROM users");
    // The same names in a new snapshot: it may go on.
    let catalog = (*bench.session.catalog()).catalog().clone();
    let path = crate::SearchPath::Known(vec!["pg_catalog".to_owned(), "public".to_owned()]);
    bench.session.set_names(Arc::new(crate::CatalogIndex::new(catalog)), path);
    assert!(run(&mut bench, &prepared).is_ok());
    // The name means nothing any more, so the text that was prepared is not the one that would be
    // permitted now, even by a policy that allows what cannot be read.
    bench.session.forget_search_path();
    assert_eq!(run(&mut bench, &prepared), Err(RefusalCode::PreparedStale));
}

/// A view can come to read something else while a name stands for a statement over it.
#[test]
fn what_sql_has_prepared_is_read_again_too() {
    let mut bench = Bench::new(ALLOW_WHAT_IS_READ);
    let text = "PREPARE p AS SELECT id FROM users";
    let statements = bench.session.read(text.as_bytes());
    let sent = Arc::from("PREPARE p AS SELECT id FROM public.users");
    let named = bench.session.declared(&statements[0], sent);
    let execute = bench.session.read(b"EXECUTE p");
    assert!(bench.session.judge_message(&execute, |_| Some(named.clone())).is_ok());
    bench.session.set_names(
        Arc::new(crate::CatalogIndex::new(jurat_types::Catalog::default())),
        crate::SearchPath::Unknown,
    );
    let execute = bench.session.read(b"EXECUTE p");
    let judged = bench.session.judge_message(&execute, |_| Some(named.clone()));
    assert_eq!(judged.err().map(|refusal| refusal.code), Some(RefusalCode::UnknownRelation));
}
