//! Statements of MySQL and MariaDB that are no queries and no writes, read by their words.
//!
//! A form is read to its last word, or it is not read at all.

use jurat_types::StatementClass;

use super::settings;
use crate::scan::Kind;
use crate::statement::SessionEffect;
use crate::walk::{Stop, Walker};

/// A word of a statement: what it is, and its text.
pub(crate) type Word<'w> = (Kind, &'w str);

/// Words behind BEGIN, START TRANSACTION, COMMIT and ROLLBACK.
const TRANSACTION_WORDS: &[&str] = &[
    "and",
    "chain",
    "consistent",
    "no",
    "only",
    "read",
    "release",
    "snapshot",
    "with",
    "work",
    "write",
];

/// Reads a statement by its words. `None` where the form is not known.
pub(crate) fn read(walker: &mut Walker<'_>, words: &[Word<'_>]) -> Option<Result<(), Stop>> {
    let lower = lower(words);
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    transaction(walker, words, &lower)
        .or_else(|| settings::read(walker, words, &lower))
        .or_else(|| session(walker, words, &lower))
}

/// The words in lower case; empty for what is no word.
pub(crate) fn lower(words: &[Word<'_>]) -> Vec<String> {
    let lower = |(kind, text): &Word<'_>| match kind {
        Kind::Word => text.to_ascii_lowercase(),
        Kind::Symbol | Kind::Operator => (*text).to_owned(),
        Kind::Space
        | Kind::Comment
        | Kind::Quoted
        | Kind::Number
        | Kind::Text
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter => String::new(),
    };
    words.iter().map(lower).collect()
}

/// Statements about transactions.
fn transaction(
    walker: &mut Walker<'_>,
    words: &[Word<'_>],
    lower: &[&str],
) -> Option<Result<(), Stop>> {
    let plain =
        |rest: &[&str]| rest.iter().all(|word| *word == "," || TRANSACTION_WORDS.contains(word));
    let name = |at: usize| words.len() == at.saturating_add(1) && is_name(words.get(at));
    let kind = match lower {
        ["begin" | "commit" | "rollback", rest @ ..] if plain(rest) => *lower.first()?,
        ["start", "transaction", rest @ ..] if plain(rest) => "begin",
        ["savepoint", _] if name(1) => "savepoint",
        ["rollback", "to", "savepoint", _] if name(3) => "rollback",
        ["rollback", "work", "to", "savepoint", _] if name(4) => "rollback",
        ["rollback", "to", _] if name(2) => "rollback",
        ["rollback", "work", "to", _] if name(3) => "rollback",
        ["release", "savepoint", _] if name(2) => "release",
        // What was prepared keeps its locks without a session, and anybody can end it.
        ["xa", _, ..] => {
            walker.facts.set("xa", StatementClass::Admin);
            return Some(Ok(()));
        }
        _ => return None,
    };
    walker.facts.set(kind, StatementClass::Transaction);
    walker.facts.effect = SessionEffect::Transaction;
    Some(Ok(()))
}

/// Statements about the session.
fn session(
    walker: &mut Walker<'_>,
    words: &[Word<'_>],
    lower: &[&str],
) -> Option<Result<(), Stop>> {
    match lower {
        ["use", _] if is_name(words.get(1)) => {
            walker.facts.set("use", StatementClass::Session);
            walker.facts.setting("database");
            walker.facts.effect = SessionEffect::SearchPathChanged;
        }
        ["show", ..] => return show(walker, words, lower),
        _ => return None,
    }
    Some(Ok(()))
}

/// Whether a word can be a name.
pub(crate) fn is_name(word: Option<&Word<'_>>) -> bool {
    word.is_some_and(|(kind, text)| match kind {
        Kind::Word => !text.starts_with('@'),
        Kind::Quoted => true,
        Kind::Space
        | Kind::Comment
        | Kind::Number
        | Kind::Text
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter
        | Kind::Operator
        | Kind::Symbol => false,
    })
}

/// What SHOW shows, by its first words, and what it says.
const SHOWN: &[(&str, &str, StatementClass)] = &[
    ("binary", "show_binary_logs", StatementClass::Admin),
    ("binlog", "show_binlog_events", StatementClass::Admin),
    ("relaylog", "show_relaylog_events", StatementClass::Admin),
    ("master", "show_master_status", StatementClass::Admin),
    ("slave", "show_slave_status", StatementClass::Admin),
    ("replica", "show_replica_status", StatementClass::Admin),
    ("replicas", "show_replicas", StatementClass::Admin),
    ("all", "show_all_replicas_status", StatementClass::Admin),
    ("processlist", "show_processlist", StatementClass::Admin),
    ("explain", "show_explain", StatementClass::Admin),
    ("analyze", "show_explain", StatementClass::Admin),
    ("engine", "show_engine", StatementClass::Admin),
    ("profile", "show_profile", StatementClass::Admin),
    ("profiles", "show_profile", StatementClass::Admin),
    ("open", "show_open_tables", StatementClass::Admin),
    ("grants", "show_grants", StatementClass::Read),
    ("create", "show_create", StatementClass::Read),
    ("warnings", "show_warnings", StatementClass::Session),
    ("errors", "show_warnings", StatementClass::Session),
    ("count", "show_warnings", StatementClass::Session),
    ("variables", "show_variables", StatementClass::Session),
    ("status", "show_status", StatementClass::Session),
    ("databases", "show_databases", StatementClass::Read),
    ("schemas", "show_databases", StatementClass::Read),
    ("tables", "show_tables", StatementClass::Read),
    ("columns", "show_columns", StatementClass::Read),
    ("fields", "show_columns", StatementClass::Read),
    ("index", "show_index", StatementClass::Read),
    ("indexes", "show_index", StatementClass::Read),
    ("keys", "show_index", StatementClass::Read),
    ("table", "show_table_status", StatementClass::Read),
    ("triggers", "show_triggers", StatementClass::Read),
    ("events", "show_events", StatementClass::Read),
    ("procedure", "show_routines", StatementClass::Read),
    ("function", "show_routines", StatementClass::Read),
    ("package", "show_routines", StatementClass::Read),
    ("engines", "show_engines", StatementClass::Session),
    ("storage", "show_engines", StatementClass::Session),
    ("plugins", "show_plugins", StatementClass::Session),
    ("privileges", "show_privileges", StatementClass::Session),
    ("collation", "show_collation", StatementClass::Session),
    ("character", "show_collation", StatementClass::Session),
    ("charset", "show_collation", StatementClass::Session),
];

/// SHOW. A condition could hold a query, so none with brackets is read.
fn show(walker: &mut Walker<'_>, words: &[Word<'_>], lower: &[&str]) -> Option<Result<(), Stop>> {
    let skipped = ["full", "extended", "global", "session", "local"];
    let subject = lower.iter().skip(1).find(|word| !skipped.contains(word))?;
    let (_, kind, class) = SHOWN.iter().find(|(word, _, _)| word == subject)?;
    // `SHOW COUNT(*) WARNINGS` has the only brackets that mean nothing.
    let brackets = if *subject == "count" { 1 } else { 0 };
    let opened = lower.iter().filter(|word| **word == "(").count();
    let refused = ["select", "@", "into", "case", ":="];
    let plain = words.iter().zip(lower).all(|((kind, text), word)| {
        !refused.contains(word)
            && match kind {
                Kind::Word => !text.starts_with('@'),
                Kind::Quoted | Kind::Number | Kind::Text | Kind::Operator | Kind::Symbol => true,
                Kind::Space | Kind::Comment | Kind::Prefixed | Kind::Dollar | Kind::Parameter => {
                    false
                }
            }
    });
    if opened > brackets || !plain {
        return None;
    }
    walker.facts.set(kind, *class);
    Some(Ok(()))
}
