//! The record as a test reads it, and its comparison with what the database ran.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
};

use ring::digest;
use serde_json::Value;

use super::cluster::Witnessed;

/// How the texts begin that Jurat sends for itself around the statements of a message.
const OWN_TEXT: &str = "/* jurat */ ";

/// All records, in order.
#[derive(Clone, Debug)]
pub(crate) struct Records(pub(crate) Vec<Value>);

impl Records {
    pub(crate) fn read(dir: &Path) -> Self {
        let mut segments: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .collect();
        segments.sort();
        let text: String =
            segments.iter().map(|segment| fs::read_to_string(segment).unwrap()).collect();
        // A line that is being written has no end yet.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let mut records: Vec<Value> = Vec::new();
        let mut places: HashMap<u64, usize> = HashMap::new();
        for line in whole {
            let record: Value = serde_json::from_str(line).unwrap();
            match record["type"].as_str().unwrap() {
                "run" => {
                    let of = record["of"].as_u64().and_then(|of| places.get(&of));
                    let of = &records[*of.expect("it refers to an earlier record")];
                    records.push(decision_of_run(of, &record));
                }
                "outcomes" => {
                    for outcome in record["outcomes"].as_array().unwrap() {
                        let mut single = record.clone();
                        let fields = single.as_object_mut().unwrap();
                        fields.remove("outcomes");
                        fields.extend(outcome.as_object().unwrap().clone());
                        single["type"] = "outcome".into();
                        records.push(single);
                    }
                }
                _ => {
                    places.extend(record["seq"].as_u64().map(|seq| (seq, records.len())));
                    records.push(record);
                }
            }
        }
        Self(records)
    }

    fn of(&self, kind: &str) -> Vec<Value> {
        self.0.iter().filter(|record| record["type"] == kind).cloned().collect()
    }

    /// The records of judgements.
    pub(crate) fn decisions(&self) -> Vec<Value> {
        self.of("decision")
    }

    /// The events of one request for consent, in order.
    pub(crate) fn events(&self, request: &str) -> String {
        let of = |record: &&Value| record["type"] == "approval" && record["id"] == request;
        let events: Vec<&str> =
            self.0.iter().filter(of).filter_map(|record| record["event"].as_str()).collect();
        events.join(" ")
    }

    /// The records of denials.
    pub(crate) fn denials(&self) -> Vec<Value> {
        let denied = |record: &Value| record["result"]["effect"] == "deny";
        self.decisions().into_iter().filter(denied).collect()
    }

    /// The records of sessions with that event.
    pub(crate) fn sessions(&self, event: &str) -> Vec<Value> {
        self.of("session").into_iter().filter(|record| record["event"] == event).collect()
    }

    /// The records about Jurat itself with that event.
    pub(crate) fn system(&self, event: &str) -> Vec<Value> {
        self.of("system").into_iter().filter(|record| record["event"] == event).collect()
    }

    /// The outcome of a decision.
    pub(crate) fn outcome(&self, decision: &Value) -> Option<Value> {
        let id = &decision["decision_id"];
        let is = |record: &&Value| record["type"] == "outcome" && record["decision_id"] == *id;
        self.0.iter().find(is).cloned()
    }

    /// The newest decision on a statement whose redacted text holds `text`.
    pub(crate) fn decision_on(&self, text: &str) -> Value {
        let on = |record: &Value| {
            record["input"]["statement"]["text"]
                .as_str()
                .is_some_and(|stored| stored.contains(text))
        };
        let found = self.decisions().into_iter().rfind(on);
        found.unwrap_or_else(|| panic!("no decision on `{text}` in {:#?}", self.texts()))
    }

    /// The texts of all decisions, for messages of failed tests.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.decisions().iter().map(|r| r["input"]["statement"]["text"].to_string()).collect()
    }

    /// Every statement that the database ran for Jurat has one decision of its own that was recorded
    /// before, and every let-through decision that is said to be done was run.
    ///
    /// # Errors
    /// The first statement for which that does not hold.
    pub(crate) fn account_for(&self, ran: &[Witnessed]) -> Result<(), String> {
        // By digest, the moments of the decisions that nothing that ran was matched with so far.
        let mut open: HashMap<String, Vec<String>> = HashMap::new();
        for decision in self.decisions() {
            if let Some(sha256) = decision["sent_sha256"].as_str() {
                let at = moment(decision["timestamp"].as_str().unwrap());
                open.entry(sha256.to_owned()).or_default().push(at);
            }
        }
        for moments in open.values_mut() {
            moments.reverse();
        }
        for statement in ran.iter().filter(|ran| !ran.text.starts_with(OWN_TEXT)) {
            if !take(&mut open, &statement.text, &statement.at) {
                let Witnessed { text, at } = statement;
                return Err(format!(
                    "the database ran at {at} what no earlier decision allows: {text}"
                ));
            }
        }
        // What is left over was let through and did not run: none of it may be said to be done. Same
        // texts are alike, so they are counted.
        let done: HashSet<&str> = self
            .0
            .iter()
            .filter(|record| record["type"] == "outcome" && record["outcome"] == "done")
            .filter_map(|record| record["decision_id"].as_str())
            .collect();
        for decision in self.decisions() {
            let Some(moments) = decision["sent_sha256"].as_str().and_then(|sha| open.get_mut(sha))
            else {
                continue;
            };
            if !decision["decision_id"].as_str().is_some_and(|id| done.contains(id)) {
                moments.pop();
            }
        }
        let unrun: Vec<&String> =
            open.iter().filter(|(_, left)| !left.is_empty()).map(|(sha256, _)| sha256).collect();
        if unrun.is_empty() {
            Ok(())
        } else {
            Err(format!("said to be done, and PostgreSQL did not run {unrun:?}"))
        }
    }
}

/// The whole decision that a run is, as docs/audit.md says.
fn decision_of_run(of: &Value, run: &Value) -> Value {
    assert_eq!(of["type"], "decision");
    let mut decision = of.clone();
    for name in ["seq", "timestamp", "previous", "decision_id"] {
        decision[name] = run[name].clone();
    }
    decision["input"]["request_id"] = run["decision_id"].clone();
    decision["input"]["time"] = serde_json::json!({"now_ns": run["now_ns"]});
    for name in ["in_transaction", "totals"] {
        decision["input"]["session"][name] = run[name].clone();
    }
    decision["metrics"]["timer_jurat_judge_ns"] = run["judge_ns"].clone();
    for name in ["text", "sha256"] {
        if let Some(other) = run.get(name) {
            decision["input"]["statement"][name] = other.clone();
        }
    }
    if let Some(other) = run.get("sent_sha256") {
        decision["sent_sha256"] = other.clone();
    }
    decision
}

/// Takes the decisions for `text` out: one, or several where a message had several statements, which are
/// sent joined by a semicolon and a line break.
fn take(open: &mut HashMap<String, Vec<String>>, text: &str, at: &str) -> bool {
    if let Some(moments) = open.get_mut(&sha256(text))
        && moments.last().is_some_and(|decided| decided.as_str() <= at)
    {
        moments.pop();
        return true;
    }
    text.match_indices(";\n").any(|(cut, joint)| {
        let mut rest = open.clone();
        let both =
            take(&mut rest, &text[..cut], at) && take(&mut rest, &text[cut + joint.len()..], at);
        if both {
            *open = rest;
        }
        both
    })
}

/// A moment of the record as PostgreSQL's log writes one: to the millisecond, cut off.
fn moment(rfc3339: &str) -> String {
    rfc3339.replace('T', " ")[..23].to_owned()
}

pub(crate) fn sha256(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_ran_needs_a_decision_of_its_own_that_came_before() {
    let decision = |text: &str, at: &str| {
        serde_json::json!({"type": "decision", "decision_id": text, "timestamp": at,
                           "sent_sha256": sha256(text), "input": {"statement": {"text": text}}})
    };
    let ran =
        |text: &str| Witnessed { text: text.to_owned(), at: "2026-01-01 00:00:00.500".to_owned() };
    use std::slice::from_ref;
    let (early, late) = ("2026-01-01T00:00:00.499999999Z", "2026-01-01T00:00:00.501000000Z");
    let accounts = |decisions: &[Value], texts: &[&str]| {
        let ran: Vec<Witnessed> = texts.iter().map(|text| ran(text)).collect();
        Records(decisions.to_vec()).account_for(&ran).is_ok()
    };
    let (a, b) = (decision("SELECT 1", early), decision("SELECT 2", early));
    assert!(accounts(&[a.clone(), b.clone()], &["SELECT 1", "SELECT 2"]));
    assert!(accounts(&[a.clone(), b.clone()], &["SELECT 1;\nSELECT 2"]));
    assert!(!accounts(from_ref(&a), &["SELECT 1", "SELECT 1"]), "one decision, two runs");
    assert!(!accounts(from_ref(&a), &["SELECT 1;\nSELECT 2"]), "one of two without a decision");
    assert!(!accounts(&[decision("SELECT 1", late)], &["SELECT 1"]), "decided afterwards");
}
