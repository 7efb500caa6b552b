//! Statements about transactions and settings in the forms that the parser does not know.

use jurat_types::StatementClass;

use crate::scan::Kind;
use crate::statement::SessionEffect;
use crate::walk::{Stop, Walker};

type Word<'w> = (Kind, &'w str);

/// The words that can stand behind BEGIN, START TRANSACTION and SET TRANSACTION.
const MODES: &[&str] = &[
    "committed",
    "deferrable",
    "isolation",
    "level",
    "not",
    "only",
    "read",
    "repeatable",
    "serializable",
    "transaction",
    "uncommitted",
    "work",
    "write",
];

/// Reads a statement about a transaction or a setting. `None` where it is none, or of another form.
pub(super) fn read(
    walker: &mut Walker<'_>,
    words: &[Word<'_>],
    lower: &[&str],
) -> Option<Result<(), Stop>> {
    let modes = |from: usize| {
        words
            .iter()
            .zip(lower)
            .skip(from)
            .all(|((_, text), word)| *text == "," || MODES.contains(word))
    };
    let transaction = |walker: &mut Walker<'_>, kind: &str| {
        walker.facts.set(kind, StatementClass::Transaction);
        walker.facts.effect = SessionEffect::Transaction;
        Some(Ok(()))
    };
    match lower {
        ["begin", ..] if modes(1) => transaction(walker, "begin"),
        ["start", "transaction", ..] if modes(2) => transaction(walker, "begin"),
        ["abort"] | ["abort", "work" | "transaction"] => transaction(walker, "rollback"),
        ["prepare", "transaction", _] => two_phase(walker, "prepare_transaction"),
        ["commit", "prepared", _] => two_phase(walker, "commit_prepared"),
        ["rollback", "prepared", _] => two_phase(walker, "rollback_prepared"),
        ["set", "transaction", ..] if modes(2) => set_transaction(walker),
        ["set", "session", "characteristics", "as", "transaction", ..] if modes(5) => {
            set_transaction(walker)
        }
        ["set", "constraints", .., "deferred" | "immediate"] => {
            walker.facts.set("set_constraints", StatementClass::Transaction);
            Some(Ok(()))
        }
        ["set", rest @ ..] => set(walker, words, rest),
        _ => None,
    }
}

/// What was prepared keeps its locks without a session, and anybody who knows its name can end it.
fn two_phase(walker: &mut Walker<'_>, kind: &str) -> Option<Result<(), Stop>> {
    walker.facts.set(kind, StatementClass::Admin);
    walker.facts.effect = SessionEffect::Transaction;
    Some(Ok(()))
}

fn set_transaction(walker: &mut Walker<'_>) -> Option<Result<(), Stop>> {
    walker.facts.set("set_transaction", StatementClass::Transaction);
    Some(Ok(()))
}

/// `SET [SESSION | LOCAL] name {TO | =} value, …` with plain values, and `SET TIME ZONE …`.
fn set(walker: &mut Walker<'_>, words: &[Word<'_>], lower: &[&str]) -> Option<Result<(), Stop>> {
    let skip = usize::from(matches!(lower.first(), Some(&("session" | "local"))));
    let words = words.get(skip.checked_add(1)?..)?;
    let lower = lower.get(skip..)?;
    if let ["time", "zone", ..] = lower {
        if !words.get(2..)?.iter().all(is_value) {
            return None;
        }
        walker.facts.set("set", StatementClass::Session);
        walker.set_setting("timezone");
        return Some(Ok(()));
    }
    let mut name = String::new();
    let mut at = 0;
    loop {
        let (kind, text) = words.get(at)?;
        if *kind != Kind::Word {
            return None;
        }
        name.push_str(&text.to_ascii_lowercase());
        at = at.checked_add(1)?;
        if words.get(at) != Some(&(Kind::Symbol, ".")) {
            break;
        }
        name.push('.');
        at = at.checked_add(1)?;
    }
    let assigned = lower.get(at) == Some(&"to") || words.get(at) == Some(&(Kind::Operator, "="));
    let values = words.get(at.checked_add(1)?..)?;
    if !assigned || values.is_empty() || !values.iter().all(is_value) {
        return None;
    }
    walker.facts.set("set", StatementClass::Session);
    walker.set_setting(&name);
    Some(Ok(()))
}

/// A value that computes nothing, or what stands between two.
fn is_value((kind, text): &Word<'_>) -> bool {
    match kind {
        Kind::Word | Kind::Quoted | Kind::Number | Kind::Text | Kind::Prefixed => true,
        Kind::Operator => *text == "-" || *text == "+",
        Kind::Symbol => *text == ",",
        Kind::Space | Kind::Comment | Kind::Dollar | Kind::Parameter => false,
    }
}
