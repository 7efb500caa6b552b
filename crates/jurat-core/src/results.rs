//! Judgements of what writes have changed, remembered for the next write of the same shape that changes as much.
//!
//! A policy that reads neither the text nor what differs between two runs of a statement cannot tell two such writes
//! apart, so the judgement of one of them is that of the other.

use std::sync::Arc;

use jurat_audit::DecisionModel;
use jurat_policy::PolicySet;
use jurat_types::{Actual, Decision};

use crate::{InForce, shapes};

/// Judgements that a session remembers; then it begins anew.
const RESULTS_MAX: usize = 16;

/// The judgements of one session.
#[derive(Debug, Default)]
pub(crate) struct Results(Vec<JudgedResult>);

/// A judgement that let pass what a write had changed.
#[derive(Clone, Debug)]
pub(crate) struct JudgedResult {
    /// The write. Its text, and the digest of that, do not count.
    pub(crate) write: Arc<InForce>,
    pub(crate) actual: Actual,
    /// The revision that judged.
    pub(crate) revision: Arc<str>,
    /// The freeze under which it judged, as in [`crate::prepared::VerdictKey`].
    pub(crate) freeze: u64,
    pub(crate) decision: Arc<Decision>,
    /// The record that those of further ones refer to.
    pub(crate) model: Arc<DecisionModel>,
}

impl Results {
    /// The judgement of a write of the same shape that changed as much.
    pub(crate) fn find(
        &self,
        write: &InForce,
        actual: &Actual,
        (policy, freeze): (&PolicySet, u64),
    ) -> Option<&JudgedResult> {
        self.0.iter().find(|known| {
            known.actual == *actual
                && known.freeze == freeze
                && *known.revision == *policy.revision()
                && known.write.facts().protocol == write.facts().protocol
                && shapes::same(known.write.facts(), write.facts())
        })
    }

    /// Keeps a judgement, where policies judge the next one like it the same.
    pub(crate) fn remember(&mut self, judged: JudgedResult, policy: &PolicySet) {
        let alike = !policy.volatile_when_prepared() && !policy.reads_text();
        if !alike || !judged.write.approvals().is_empty() || *judged.revision != *policy.revision()
        {
            return;
        }
        if self.0.len() >= RESULTS_MAX {
            self.0.clear();
        }
        self.0.push(judged);
    }

    pub(crate) fn forget(&mut self) {
        self.0 = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use jurat_types::{Outcome, RefusalCode};

    use crate::{Counted, Ending, testing::Bench};

    const TWO_ROWS: &str = r#"package jurat.case
import rego.v1
allow contains "all"
limits contains {"id": "two", "kind": "rows_affected", "value": 2}"#;

    /// Runs a write that changes so many rows; tells the id of the statement and how its rows were judged.
    fn write(bench: &mut Bench, text: &str, rows: u64) -> (String, Result<(), RefusalCode>) {
        let statements = bench.session.read(text.as_bytes());
        let drafts = bench.session.judge_message(&statements, |_| None).unwrap();
        let (_text, running) = drafts.into_iter().next().unwrap().0.launch();
        let id = running.decision_id().to_owned();
        let judged = bench.session.judge_result(&running, Counted { rows, in_all: None });
        let judged = judged.map_err(|refusal| refusal.code);
        let outcome = if judged.is_ok() { Outcome::Done } else { Outcome::RolledBack };
        running.finish(outcome, Ending::default());
        (id, judged)
    }

    #[test]
    fn a_write_like_an_earlier_one_is_judged_by_what_is_known() {
        let mut bench = Bench::new(TWO_ROWS);
        for (text, rows, judged, remembered) in [
            ("UPDATE users SET email = 'a' WHERE id = 1", 1, Ok(()), 1),
            ("UPDATE users SET email = 'b' WHERE id = 2", 1, Ok(()), 1),
            ("UPDATE users SET email = 'b' WHERE id = 2", 2, Ok(()), 2),
            ("UPDATE users SET email = 'b' WHERE id = 2", 3, Err(RefusalCode::RowsExceeded), 2),
            ("DELETE FROM users WHERE id = 2", 1, Ok(()), 3),
            ("DELETE FROM users WHERE id = 3", 1, Ok(()), 3),
        ] {
            let (id, verdict) = write(&mut bench, text, rows);
            assert_eq!((verdict, bench.session.results().0.len()), (judged, remembered), "{text}");
            // Each is recorded as itself, whether or not all of it is written.
            let record = bench.newest_decision();
            assert_eq!(record["result_of"], id, "{text}");
            assert_eq!(record["input"]["stage"], "result");
            assert_eq!(record["input"]["statement"]["actual"]["rows"], rows);
            assert_eq!(
                record["input"]["statement"]["sha256"],
                crate::gate::sha256_hex(text.replace("users", "public.users").as_bytes())
            );
        }
        bench.session.close("the end");
        assert_eq!(bench.verified(), (12, 6));
    }

    #[test]
    fn a_policy_that_reads_the_text_judges_each_result() {
        let policy = r#"package jurat.case
import rego.v1
allow contains "all"
limits contains {"id": "two", "kind": "rows_affected", "value": 2}
deny contains {"id": "b", "msg": "no"} if {
	input.stage == "result"
	contains(input.statement.text, "'b'")
}"#;
        let mut bench = Bench::new(policy);
        let text = |value| format!("UPDATE users SET email = '{value}' WHERE id = 1");
        assert_eq!(write(&mut bench, &text('a'), 1).1, Ok(()));
        assert_eq!(write(&mut bench, &text('b'), 1).1, Err(RefusalCode::Denied));
    }
}
