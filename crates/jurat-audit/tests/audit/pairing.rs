//! What `verify` says about decisions and their outcomes.

use jurat_types::{Effect, Outcome, RecordBody, Stage};

use crate::support::{append, check, decision, open, outcome, outcomes, run, session};

/// A decision about a session.
fn login(id: &str) -> RecordBody {
    let mut body = decision(id, Effect::Allow, "enforce");
    if let RecordBody::Decision(decision) = &mut body {
        decision.input.stage = Stage::Session;
    }
    body
}

/// Each row: records, and the record that `verify` blames; the counts where it blames none are
/// decisions, let through, outcomes.
#[test]
fn outcomes_belong_to_decisions() {
    let allow = |id: &str| decision(id, Effect::Allow, "enforce");
    let done = |id: &str| outcome(id, Outcome::Done);
    type Expected = Result<(u64, u64, u64), u64>;
    let rows: Vec<(&str, Vec<RecordBody>, Expected)> = vec![
        ("a statement that ran", vec![allow("a"), done("a")], Ok((1, 1, 1))),
        (
            "a rewritten one",
            vec![decision("a", Effect::Rewrite, "enforce"), done("a")],
            Ok((1, 1, 1)),
        ),
        ("two at once", vec![allow("a"), allow("b"), done("b"), done("a")], Ok((2, 2, 2))),
        ("one that has not ended", vec![allow("a")], Ok((1, 1, 0))),
        ("a denied one", vec![decision("a", Effect::Deny, "enforce")], Ok((1, 0, 0))),
        (
            "one that would be denied, seen by an observing listener",
            vec![decision("a", Effect::Deny, "observe"), done("a")],
            Ok((1, 1, 1)),
        ),
        ("a login, which has no end of its own", vec![login("a")], Ok((1, 0, 0))),
        ("a login that ends like a statement", vec![login("a"), done("a")], Err(1)),
        ("an outcome without a decision", vec![session("opened"), done("a")], Err(1)),
        ("an outcome before its decision", vec![done("a"), allow("a")], Err(0)),
        ("two outcomes", vec![allow("a"), done("a"), done("a")], Err(2)),
        ("a denied one that ran", vec![decision("a", Effect::Deny, "enforce"), done("a")], Err(1)),
        (
            "one that waits for approval and ran",
            vec![decision("a", Effect::RequireApproval, "enforce"), done("a")],
            Err(1),
        ),
        (
            "runs under one decision",
            vec![allow("a"), run("b", 0), run("c", 0), outcomes(&["c", "a", "b"])],
            Ok((3, 3, 3)),
        ),
        ("a run of nothing", vec![allow("a"), run("b", 7)], Err(1)),
        ("a run of itself", vec![run("a", 0)], Err(0)),
        ("a run of a run", vec![allow("a"), run("b", 0), run("c", 1)], Err(2)),
        (
            "a run of a denied one",
            vec![decision("a", Effect::Deny, "enforce"), run("b", 0)],
            Err(1),
        ),
        ("a run of a login", vec![login("a"), run("b", 0)], Err(1)),
        ("a run with the id of one that has not ended", vec![allow("a"), run("a", 0)], Err(1)),
        (
            "outcomes of which one belongs to nothing",
            vec![allow("a"), outcomes(&["a", "b"])],
            Err(1),
        ),
        ("the same decision twice", vec![allow("a"), allow("a")], Err(1)),
    ];
    for (name, bodies, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path());
        append(&log, bodies);
        log.close().unwrap();
        let found = match check(dir.path()) {
            Ok(found) => Ok((found.decisions, found.let_through, found.outcomes)),
            Err(error) => Err(error.record().unwrap()),
        };
        assert_eq!(found, expected, "{name}");
    }
}
