//! Statements about the server, its users and its tables as a whole.

use jurat_types::StatementClass::{self, Admin, Dcl};
use jurat_types::{Access, FunctionClass};

use super::form::{Form, Read};
use crate::scan::Kind;
use crate::statement::SessionEffect;
use crate::walk::Walker;

/// First words, the kind, and the class.
const FORMS: &[(&[&str], &str, StatementClass)] = &[
    (&["alter", "instance"], "alter_instance", Admin),
    (&["backup"], "backup", Admin),
    (&["binlog"], "binlog", Admin),
    (&["cache", "index"], "cache_index", Admin),
    (&["change"], "change_replication", Admin),
    (&["clone"], "clone", Admin),
    (&["flush"], "flush", Admin),
    (&["import"], "import_table", Admin),
    (&["install"], "install", Admin),
    (&["load", "index"], "load_index", Admin),
    (&["purge"], "purge", Admin),
    (&["reset"], "reset", Admin),
    (&["restart"], "restart", Admin),
    (&["shutdown"], "shutdown", Admin),
    (&["start"], "start_replication", Admin),
    (&["stop"], "stop_replication", Admin),
    (&["uninstall"], "uninstall", Admin),
    (&["alter", "user"], "alter_user", Dcl),
    (&["create", "role"], "create_role", Dcl),
    (&["create", "or", "replace", "role"], "create_role", Dcl),
    (&["create", "user"], "create_user", Dcl),
    (&["create", "or", "replace", "user"], "create_user", Dcl),
    (&["drop", "role"], "drop_role", Dcl),
    (&["drop", "user"], "drop_user", Dcl),
    (&["grant"], "grant", Dcl),
    (&["rename", "user"], "rename_user", Dcl),
    (&["revoke"], "revoke", Dcl),
];

/// Reads a statement about the server. What it does is the server's own business, so its words are not read
/// further; no query may stand in it.
pub(super) fn read(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    if let "optimize" | "analyze" | "check" | "checksum" | "repair" = form.at(0) {
        return maintenance(walker, form);
    }
    match form.at(0) {
        "kill" => return kill(walker, form),
        "lock" | "unlock" => return lock(walker, form),
        _ => {}
    }
    let (_, kind, class) = FORMS.iter().find(|(words, _, _)| form.has(0, words))?;
    let in_query = form.lower.iter().enumerate().any(|(place, word)| {
        // Rights are named after statements.
        word == "select" && !matches!(form.at(0), "grant" | "revoke") && place > 0
    });
    if in_query {
        return None;
    }
    walker.facts.set(kind, *class);
    match form.at(0) {
        "grant" | "revoke" => rights(walker, form),
        "install" | "uninstall" | "backup" | "clone" => {
            walker.facts.function(kind, FunctionClass::File);
        }
        _ => {}
    }
    Some(Ok(None))
}

/// The table that rights are about.
fn rights(walker: &mut Walker<'_>, form: &Form<'_>) {
    let Some(on) = form.find(1, |word| word == "on") else { return };
    let at = on.saturating_add(1);
    let at = if form.at(at) == "table" { at.saturating_add(1) } else { at };
    if let Some((name, _)) = form.name(at) {
        walker.mentioned(&name);
    }
}

/// `KILL [CONNECTION | QUERY] n`: the front-end puts the server's own number in the place of the session's.
fn kill(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    let at = match form.at(1) {
        "hard" | "soft" => 2,
        _ => 1,
    };
    let at = match form.at(at) {
        "connection" | "query" => at.saturating_add(1),
        _ => at,
    };
    let number = matches!(form.words.get(at), Some((Kind::Number, _)));
    if !number || form.len() != at.saturating_add(1) {
        return None;
    }
    walker.facts.set("kill", Admin);
    Some(Ok(None))
}

/// `OPTIMIZE TABLE a, b` and the like.
fn maintenance(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    let table = form.find(1, |word| word == "table" || word == "tables").filter(|at| *at <= 2)?;
    let kind = format!("{}_table", form.at(0));
    let mut at = table.saturating_add(1);
    loop {
        let (name, end) = form.name(at)?;
        if let Err(stop) = walker.named_table(&name, Access::Read) {
            return Some(Err(stop));
        }
        at = end;
        if form.at(at) != "," {
            break;
        }
        at = at.saturating_add(1);
    }
    if form.lower.iter().skip(at).any(|word| word == "select") {
        return None;
    }
    walker.facts.set(&kind, Admin);
    Some(Ok(None))
}

/// `LOCK TABLES a READ, b AS x WRITE` and UNLOCK TABLES.
fn lock(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    if !matches!(form.at(1), "table" | "tables") {
        return None;
    }
    if form.at(0) == "unlock" {
        walker.facts.set("unlock", StatementClass::Transaction);
        walker.facts.effect = SessionEffect::Transaction;
        return (form.len() == 2).then_some(Ok(None));
    }
    let parts = match form.list(2, form.len()) {
        Ok(parts) => parts,
        Err(stop) => return Some(Err(stop)),
    };
    for (from, to) in parts {
        let (name, end) = form.name(from)?;
        if end >= to || form.lower.get(end..to)?.iter().any(|word| word == "(") {
            return None;
        }
        if let Err(stop) = walker.named_table(&name, Access::Read) {
            return Some(Err(stop));
        }
    }
    walker.facts.set("lock", StatementClass::Transaction);
    walker.facts.effect = SessionEffect::Transaction;
    Some(Ok(None))
}
