//! Statements that hold expressions or other code: CALL, DO, PREPARE, EXECUTE, HANDLER, blocks.

use jurat_types::{ColumnRole, FunctionClass, StatementClass};

use super::form::{Form, Read};
use crate::scan::Kind;
use crate::statement::SessionEffect;
use crate::walk::{Stop, Walker};

/// Reads a statement that holds code. PREPARE and EXECUTE IMMEDIATE of a literal are read elsewhere
/// (`read/mysql.rs`), because what they hold is a statement of its own.
pub(super) fn read(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    match form.at(0) {
        "call" => call(walker, form),
        "do" => Some(values(walker, form)),
        "execute" => execute(walker, form),
        "deallocate" | "drop" if form.at(1) == "prepare" && form.len() == 3 => {
            let name = prepared_name(form, 2)?;
            walker.facts.set("deallocate", StatementClass::Session);
            walker.facts.effect = SessionEffect::Deallocate { name: Some(name) };
            Some(Ok(None))
        }
        "handler" => handler(walker, form),
        "begin" if form.at(1) == "not" => Some(block(walker)),
        "if" | "case" | "while" | "loop" | "repeat" | "for" | "declare" => Some(block(walker)),
        // The texts of errors can hold values of columns.
        "get" => admin(walker, "get_diagnostics"),
        "signal" | "resignal" => admin(walker, "signal"),
        _ => None,
    }
}

fn admin(walker: &mut Walker<'_>, kind: &str) -> Read {
    walker.facts.set(kind, StatementClass::Admin);
    Some(Ok(None))
}

/// The name of a prepared statement, which has no case.
pub(super) fn prepared_name(form: &Form<'_>, place: usize) -> Option<String> {
    let (kind, text) = form.words.get(place)?;
    match kind {
        Kind::Word if !text.starts_with('@') => Some(text.to_lowercase()),
        Kind::Quoted => Some(crate::gate::inside(text).replace("``", "`").to_lowercase()),
        Kind::Word
        | Kind::Space
        | Kind::Comment
        | Kind::Number
        | Kind::Text
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter
        | Kind::Operator
        | Kind::Symbol => None,
    }
}

/// A block of statements: what it does cannot be known.
fn block(walker: &mut Walker<'_>) -> Result<Option<String>, Stop> {
    walker.facts.set("do", StatementClass::Write);
    walker.facts.effect = SessionEffect::CatalogChanged;
    walker.facts.function("do", FunctionClass::DynamicSql);
    Ok(None)
}

/// `CALL p(a, b)`.
fn call(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    let (name, end) = form.name(1)?;
    let last = form.len().saturating_sub(1);
    let arguments = match (form.at(end), form.at(last)) {
        ("", _) if end == form.len() => Vec::new(),
        ("(", ")") if last == end.saturating_add(1) => Vec::new(),
        ("(", ")") => match form.list(end.saturating_add(1), last) {
            Ok(parts) => parts,
            Err(stop) => return Some(Err(stop)),
        },
        _ => return None,
    };
    let read = || {
        let mut text = Vec::new();
        let mut name = name.clone();
        walker.procedure(&mut name)?;
        for part in arguments {
            text.push(form.expression(walker, part, ColumnRole::Source)?);
        }
        walker.facts.set("call", StatementClass::Write);
        walker.facts.effect = SessionEffect::CatalogChanged;
        Ok(Some(format!("CALL {name}({})", text.join(", "))))
    };
    Some(read())
}

/// `DO a, b`: expressions whose values nobody sees.
fn values(walker: &mut Walker<'_>, form: &Form<'_>) -> Result<Option<String>, Stop> {
    let mut text = Vec::new();
    for part in form.list(1, form.len())? {
        text.push(form.expression(walker, part, ColumnRole::Argument)?);
    }
    walker.facts.set("do_value", StatementClass::Read);
    Ok(Some(format!("DO {}", text.join(", "))))
}

/// `EXECUTE p [USING @a, @b]`, and EXECUTE IMMEDIATE of what is computed.
fn execute(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    if form.at(1) == "immediate" {
        walker.facts.set("execute_immediate", StatementClass::Unknown);
        walker.facts.effect = SessionEffect::CatalogChanged;
        walker.facts.function("execute_immediate", FunctionClass::DynamicSql);
        return Some(Ok(None));
    }
    let name = prepared_name(form, 1)?;
    let variables = match form.at(2) {
        "" if form.len() == 2 => &[][..],
        "using" => form.words.get(3..)?,
        _ => return None,
    };
    let plain = variables.iter().all(|(kind, text)| {
        *text == "," || (*kind == Kind::Word && text.starts_with('@') && !text.starts_with("@@"))
    });
    if !plain {
        return None;
    }
    walker.facts.set("execute", StatementClass::Unknown);
    walker.facts.effect = SessionEffect::Execute { name };
    Some(Ok(None))
}

/// HANDLER: rows of a table past every query. An alias stands for a table that was opened under it, so
/// only the table's own name is read.
fn handler(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    let (name, end) = form.name(1)?;
    let action = form.at(end);
    let known = match action {
        "open" | "close" => form.len() == end.saturating_add(1),
        "read" => {
            // A key is compared with constants; nothing that computes.
            let behind = |at: usize| is_operator(form.at(at.saturating_sub(1)));
            let plain = |at: usize| {
                let word = form.at(at);
                word != "select" && !word.starts_with('@') && (word != "(" || behind(at))
            };
            form.find(end, |word| word == "where").is_none() && (end..form.len()).all(plain)
        }
        _ => false,
    };
    if !known {
        return None;
    }
    walker.facts.set("handler", StatementClass::Read);
    Some(walker.whole_table(&name).map(|()| None))
}

fn is_operator(word: &str) -> bool {
    ["=", "<", ">", "<=", ">="].contains(&word)
}
