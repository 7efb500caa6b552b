//! Statements of MySQL and MariaDB that are no queries and no writes, read by their words.
//!
//! Forms that say something about the session are read to the last word; definitions, whose words are too
//! many, by what they name (`definitions.rs`). Expressions and queries in them are read by the parser.

use jurat_types::StatementClass;

use super::form::{Form, Read};
use super::{code, definitions, load, server, settings, show};
use crate::gate::Source;
use crate::limits::ReadLimits;
use crate::statement::SessionEffect;
use crate::walk::Walker;

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

/// Reads a statement by its words. `None` where the form is not known; the text is that to send, where it is
/// not the client's own.
pub(crate) fn read(walker: &mut Walker<'_>, source: &Source<'_>, limits: &ReadLimits) -> Read {
    let form = Form::new(source, limits);
    transaction(walker, &form)
        .or_else(|| settings::read(walker, &form))
        .or_else(|| show::read(walker, &form))
        .or_else(|| code::read(walker, &form))
        .or_else(|| load::read(walker, &form))
        .or_else(|| server::read(walker, &form))
        .or_else(|| definitions::read(walker, &form))
}

/// Statements about transactions, and USE.
fn transaction(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    let plain = |from: usize| {
        (from..form.len())
            .all(|place| form.at(place) == "," || TRANSACTION_WORDS.contains(&form.at(place)))
    };
    let named = |place: usize| form.ends_with_name(place);
    let kind = match form.at(0) {
        word @ ("begin" | "commit" | "rollback") if plain(1) => word,
        "start" if form.at(1) == "transaction" && plain(2) => "begin",
        "savepoint" if named(1) => "savepoint",
        "rollback" => {
            let at = if form.at(1) == "work" { 2 } else { 1 };
            let at = if form.at(at) == "to" { at.saturating_add(1) } else { return None };
            let at = if form.at(at) == "savepoint" { at.saturating_add(1) } else { at };
            if named(at) { "rollback" } else { return None }
        }
        "release" if form.at(1) == "savepoint" && named(2) => "release",
        // What was prepared keeps its locks without a session, and anybody can end it.
        "xa" => {
            walker.facts.set("xa", StatementClass::Admin);
            return Some(Ok(None));
        }
        "use" if named(1) => {
            walker.facts.set("use", StatementClass::Session);
            walker.facts.setting("database");
            walker.facts.effect = SessionEffect::SearchPathChanged;
            return Some(Ok(None));
        }
        _ => return None,
    };
    walker.facts.set(kind, StatementClass::Transaction);
    walker.facts.effect = SessionEffect::Transaction;
    Some(Ok(None))
}
