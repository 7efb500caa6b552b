//! Estimates on request: what the database is asked about a statement before it runs, and what it said.
//!
//! An estimate is no evidence. It is asked for only once policies have let the statement pass without it, and then
//! they judge again with `input.statement.estimate`.
//!
//! INVARIANT(one-door-upstream): a [`Question`] is made in this crate only, from the tree of a statement that was
//! judged, and only where a reading of it says that it changes nothing.

use std::time::Duration;

use jurat_sql::{BoundValues, Parsed, Statement};
use jurat_types::{Decision, EstimateBy, EstimateRequest, Obligation};
use serde_json::Value;

use crate::{Bound, Sample};

/// Something to ask the database.
#[derive(Clone, Debug)]
pub struct Question {
    key: String,
    text: String,
    redacted: String,
    about: About,
    timeout: Duration,
    beside: Beside,
}

/// What is wanted of the answer.
#[derive(Clone, Debug)]
enum About {
    /// How many rows.
    Rows(EstimateRequest),
    /// So many of the rows themselves, for a card that is known but for them.
    Sample(Sample, u32),
}

/// The values that are sent beside a question.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    /// All that were bound.
    pub(crate) bound: Option<Bound>,
    /// The types that the client set for them.
    pub(crate) types: Vec<u32>,
    /// Which of them, in the order of the question.
    pub(crate) parameters: Vec<usize>,
}

/// The rows of an answer, or why there are none.
pub type Answered = Result<Vec<Vec<Option<Vec<u8>>>>, String>;

/// Rows that are foreseen, and all rows of the table where that was asked for; or why nobody knows.
pub type Foreseen = Result<(u64, Option<u64>), String>;

impl Question {
    /// The question about `sent`, the text of a statement that would be sent.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub(crate) fn new(
        statement: &Statement,
        sent: &str,
        request: EstimateRequest,
        (values, beside): (BoundValues<'_>, Beside),
    ) -> Result<Self, &'static str> {
        let Statement::Parsed(parsed) = statement else { return Err("it was not understood") };
        let asked = match request.by {
            EstimateBy::Count => Parsed::ask_count(parsed, sent, request.share, values),
            EstimateBy::Explain => Parsed::ask_planner(parsed, sent, values),
        }?;
        Ok(Self {
            key: key(sent, request, &beside),
            text: asked.text,
            redacted: asked.redacted,
            about: About::Rows(request),
            timeout: Duration::from_millis(request.timeout_ms),
            beside: Beside { parameters: asked.parameters, ..beside },
        })
    }

    /// The question for the rows on a card.
    pub(crate) fn for_sample(
        (text, redacted): (String, String),
        (sample, rows): (Sample, u32),
        timeout: Duration,
        beside: Beside,
    ) -> Self {
        let about = About::Sample(sample, rows);
        Self { key: String::new(), text, redacted, about, timeout, beside }
    }

    /// What is sent.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same without literals.
    pub(crate) fn redacted(&self) -> &str {
        &self.redacted
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether it is for a plan, and not for a count.
    pub const fn plans(&self) -> bool {
        matches!(&self.about, About::Rows(request) if matches!(request.by, EstimateBy::Explain))
    }

    /// How long the answer may take.
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The values that were bound, of which some are sent beside it.
    pub const fn bound(&self) -> Option<&Bound> {
        self.beside.bound.as_ref()
    }

    /// Which values are sent beside it, by their places from 0, and the types that the client set for them, 0 where it
    /// set none.
    pub fn parameters(&self) -> impl Iterator<Item = (usize, u32)> {
        let types = &self.beside.types;
        self.beside.parameters.iter().map(|at| (*at, types.get(*at).copied().unwrap_or_default()))
    }

    /// What the card says, by the answer.
    pub(crate) fn sample(self, answered: Answered) -> Option<Sample> {
        match self.about {
            About::Sample(sample, rows) => Some(sample.with(answered, rows)),
            About::Rows(_) => None,
        }
    }

    /// The numbers in an answer: the columns of its last row.
    ///
    /// # Errors
    /// Where it has none.
    pub(crate) fn read(&self, answered: Answered) -> Foreseen {
        let rows = answered?;
        let answer = rows.last().map(Vec::as_slice).unwrap_or_default();
        let wrong = || "the database gave no number".to_owned();
        let text = |at: usize| {
            let bytes = answer.get(at)?.as_deref()?;
            std::str::from_utf8(bytes).ok()
        };
        let first = text(0).ok_or_else(wrong)?;
        match &self.about {
            About::Sample(..) => Err(wrong()),
            About::Rows(request) if matches!(request.by, EstimateBy::Count) => {
                let rows = first.trim().parse().map_err(|_no_number| wrong())?;
                Ok((rows, text(1).and_then(|all| all.trim().parse().ok())))
            }
            About::Rows(_) => {
                let plan: Value = serde_json::from_str(first).map_err(|_no_plan| wrong())?;
                planned(&plan).map(|rows| (rows, None)).ok_or_else(wrong)
            }
        }
    }
}

/// What an answer is kept by.
pub(crate) fn key(sent: &str, request: EstimateRequest, beside: &Beside) -> String {
    let hex = crate::gate::sha256_hex;
    let bound = beside.bound.as_ref().map_or_else(String::new, |bound| hex(&bound.bytes));
    let (types, sent) = (&beside.types, hex(sent.as_bytes()));
    format!("{:?} {} {sent} {types:?} {bound}", request.by, request.share)
}

/// What a decision asks to be foreseen: exactly where any rule wants that, within the shortest time, and whoever wants
/// the statement refused without an answer decides.
pub(crate) fn wanted(decision: &Decision) -> Option<EstimateRequest> {
    let requests = decision.obligations.iter().filter_map(|obligation| match obligation {
        Obligation::Estimate(request) => Some(*request),
        Obligation::RecordText | Obligation::Tag(_) => None,
    });
    requests.reduce(|one, other| EstimateRequest {
        by: one.by.max(other.by),
        timeout_ms: one.timeout_ms.min(other.timeout_ms),
        allow_failure: one.allow_failure && other.allow_failure,
        share: one.share || other.share,
    })
}

/// The rows of a plan: of PostgreSQL those of its top, or what a write is fed with; of MySQL and MariaDB the most that
/// any step has.
fn planned(plan: &Value) -> Option<u64> {
    if let Some(top) = plan.pointer("/0/Plan") {
        let rows = |node: &Value| node.get("Plan Rows").and_then(number);
        let fed = top.get("Node Type").and_then(Value::as_str) == Some("ModifyTable");
        return match top.get("Plans").and_then(Value::as_array).filter(|_| fed) {
            Some(children) => {
                let each = children.iter().filter_map(rows);
                Some(each.fold(0, u64::saturating_add))
            }
            None => rows(top),
        };
    }
    most(plan)
}

fn most(node: &Value) -> Option<u64> {
    match node {
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(name, value)| match name.as_str() {
                "rows" | "rows_examined_per_scan" | "rows_produced_per_join" => number(value),
                _ => most(value),
            })
            .max(),
        Value::Array(items) => items.iter().filter_map(most).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.to_string().split('.').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::planned;

    #[test]
    fn the_rows_of_a_plan_are_found() {
        for (plan, rows) in [
            (json!([{"Plan": {"Node Type": "Seq Scan", "Plan Rows": 7}}]), Some(7)),
            (
                json!([{"Plan": {"Node Type": "ModifyTable", "Plan Rows": 0, "Plans": [{"Plan Rows": 100}]}}]),
                Some(100),
            ),
            (json!({"query_block": {"table": {"rows": 12, "filtered": 100}}}), Some(12)),
            (
                json!({"query_block": {"nested_loop": [{"table": {"rows_examined_per_scan": 3}}, {"table": {"rows_produced_per_join": 40}}]}}),
                Some(40),
            ),
            (json!({"query_block": {"message": "Impossible WHERE"}}), None),
        ] {
            assert_eq!(planned(&plan), rows, "{plan}");
        }
    }
}
