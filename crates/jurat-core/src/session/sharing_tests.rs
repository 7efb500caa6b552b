//! Sessions of a database share what texts say, and what was decided where policies cannot tell them apart.

use std::sync::Arc;

use jurat_types::{Decision, RefusalCode};

use super::Session;
use crate::{Ending, testing::Bench};

const MASK_FOR_ALL_BUT_ROOT: &str = r#"package jurat.case
import rego.v1
allow contains "all" if input.principal.id != "eve"
allow contains "session" if input.stage == "session"
masks contains {"id": "m", "column": {"label": "pii.*"}, "method": "null"} if input.principal.id != "root""#;

const ALLOW_WHAT_IS_READ: &str = r#"package jurat.case
import rego.v1
allow contains "session" if input.stage == "session"
allow contains "read" if input.statement.parsed"#;

/// Judges a text in a session, and tells what would be sent.
fn sent(session: &mut Session, text: &str) -> Result<String, RefusalCode> {
    let statements = session.read(text.as_bytes());
    let drafts = session.judge_message(&statements, |_| None).map_err(|refusal| refusal.code)?;
    let (sent, running) = drafts.into_iter().next().unwrap().0.launch();
    running.finish(jurat_types::Outcome::Done, Ending::default());
    Ok(sent.to_string())
}

#[test]
fn sessions_share_what_a_text_says_but_not_what_they_may() {
    let bench = Bench::new(MASK_FOR_ALL_BUT_ROOT);
    let text = "SELECT id, email FROM users";
    let mut sessions: Vec<_> = ["ana", "bob", "root", "eve"].map(|id| bench.session_of(id)).into();
    let asked: Vec<_> = sessions.iter_mut().map(|session| sent(session, text)).collect();
    assert!(asked[0].as_ref().unwrap().contains("NULL"), "{asked:?}");
    assert_eq!(asked[1], asked[0]);
    assert_eq!(asked[2].as_deref(), Ok("SELECT id, email FROM public.users"));
    assert_eq!(asked[3], Err(RefusalCode::Denied));
    let read: Vec<_> =
        sessions.iter_mut().map(|session| Arc::clone(&session.read(text.as_bytes())[0])).collect();
    for other in &read[1..] {
        assert!(std::ptr::eq(read[0].statement(), other.statement()), "it was read again");
        assert!(!Arc::ptr_eq(&read[0], other), "a judgement is of one session");
    }
    let decided = |at: usize| read[at].last().unwrap().decision;
    assert!(Arc::ptr_eq(&decided(0), &decided(1)), "equal decisions are kept once");
    assert!(!Arc::ptr_eq(&decided(0), &decided(2)));
}

#[test]
fn a_mold_that_one_session_has_made_serves_the_others() {
    let bench = Bench::new(MASK_FOR_ALL_BUT_ROOT);
    let [mut ana, mut bob] = ["ana", "bob"].map(|id| bench.session_of(id));
    for id in 1..4 {
        sent(&mut ana, &format!("SELECT email FROM users WHERE id = {id}")).unwrap();
    }
    let text = sent(&mut bob, "SELECT email FROM users WHERE id = 77").unwrap();
    assert!(text.contains("NULL") && text.ends_with("id = 77"), "{text}");
    // It came out of a mold: no text of it is kept.
    let again = bob.read(b"SELECT email FROM users WHERE id = 77");
    assert!(!Arc::ptr_eq(&again, &bob.read(b"SELECT email FROM users WHERE id = 77")));
}

#[test]
fn what_names_mean_in_one_session_says_nothing_in_another() {
    let bench = Bench::new(ALLOW_WHAT_IS_READ);
    let text = "SELECT id FROM users";
    let [mut ana, mut bob, mut eve] = ["ana", "bob", "eve"].map(|id| bench.session_of(id));
    assert_eq!(sent(&mut ana, text).as_deref(), Ok("SELECT id FROM public.users"));
    // Without a search path the name means nothing.
    bob.forget_search_path();
    assert_eq!(sent(&mut bob, text), Err(RefusalCode::Unreadable));
    // In a catalog of its own it means something else than in that of the database.
    let path = crate::SearchPath::Known(vec!["pg_catalog".to_owned(), "public".to_owned()]);
    let empty = jurat_types::Catalog::default();
    eve.set_names(Arc::new(crate::CatalogIndex::new(empty)), path.clone());
    assert_eq!(sent(&mut eve, text), Err(RefusalCode::UnknownRelation));
    // Once the database has another catalog, what was read against the old one is not found.
    let database = Arc::clone(ana.database());
    let newest =
        database.publish(Arc::new(crate::CatalogIndex::new(jurat_types::Catalog::default())), 1);
    ana.set_names(newest, path);
    assert_eq!(sent(&mut ana, text), Err(RefusalCode::UnknownRelation));
}

/// The decision on a text in a session.
fn decision(session: &mut Session, text: &str) -> Arc<Decision> {
    let statements = session.read(text.as_bytes());
    session.judge_message(&statements, |_| None).unwrap();
    statements[0].last().unwrap().decision
}

#[test]
fn sessions_that_policies_cannot_tell_apart_share_decisions_also_by_shape() {
    let bench = Bench::new(MASK_FOR_ALL_BUT_ROOT);
    let text = |id: usize| format!("SELECT email FROM users WHERE id = {id}");
    let mut first = bench.session_of("ana");
    let decided: Vec<_> = (0..3).map(|id| decision(&mut first, &text(id))).collect();
    for id in [1, 77] {
        let again = decision(&mut bench.session_from("ana", "127.0.0.1:2"), &text(id));
        assert!(decided.iter().any(|one| Arc::ptr_eq(one, &again)), "{id}: it was judged again");
    }
    // One who comes later, with other rights, has decisions of the same shape for all of its sessions, too.
    let root = decision(&mut bench.session_of("root"), &text(78));
    assert!(root.masks.is_empty());
    assert!(!decided[0].masks.is_empty());
    let again = decision(&mut bench.session_from("root", "127.0.0.1:2"), &text(79));
    assert!(Arc::ptr_eq(&root, &again), "it was judged again");
    let sent = sent(&mut bench.session_from("root", "127.0.0.1:3"), &text(80)).unwrap();
    assert_eq!(sent, "SELECT email FROM public.users WHERE id = 80");
}

#[test]
fn a_policy_that_tells_sessions_apart_judges_in_each() {
    let bench = Bench::new(
        r#"package jurat.case
import rego.v1
allow contains "session" if input.stage == "session"
allow contains "near" if startswith(input.session.client_addr, "127.")"#,
    );
    let text = "SELECT id FROM users";
    assert!(sent(&mut bench.session_from("ana", "127.0.0.1:1"), text).is_ok());
    let far = sent(&mut bench.session_from("ana", "192.0.2.1:1"), text);
    assert_eq!(far, Err(RefusalCode::Denied));
}

#[test]
fn a_new_revision_decides_anew_for_all() {
    let bench = Bench::new(MASK_FOR_ALL_BUT_ROOT);
    let text = "SELECT email FROM users";
    assert!(sent(&mut bench.session_of("ana"), text).unwrap().contains("NULL"));
    let policies = bench.dir.path().join("policies/case.rego");
    std::fs::write(policies, ALLOW_WHAT_IS_READ).unwrap();
    bench.gate.policy.reload().unwrap();
    assert!(!sent(&mut bench.session_of("ana"), text).unwrap().contains("NULL"));
}
