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
    let (text, running) = draft.permit.launch();
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
