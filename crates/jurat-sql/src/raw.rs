//! Statements that the parser does not know, read by their words.
//!
//! Forms that are understood to the last word are read here; definitions, whose words are too many, by what
//! they name (`raw/object.rs`). Everything else stays opaque.

mod forms;
mod maintenance;
mod object;
mod session;

pub(crate) use forms::{Form, FormOf, Subject, form_among};
use jurat_types::{FunctionClass, StatementClass};
use sqlparser::ast::{Ident, ObjectName};

use crate::scan::Kind;
use crate::statement::SessionEffect;
use crate::walk::{Stop, Walker};

/// Reads a statement by its words. `None` where the form is not known.
pub(crate) fn read(walker: &mut Walker<'_>, words: &[(Kind, &str)]) -> Option<Result<(), Stop>> {
    let lower: Vec<String> = words
        .iter()
        .map(
            |(kind, text)| {
                if *kind == Kind::Word { text.to_ascii_lowercase() } else { String::new() }
            },
        )
        .collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    match lower.as_slice() {
        ["checkpoint"] => {
            walker.facts.set("checkpoint", StatementClass::Admin);
            Some(Ok(()))
        }
        ["do", ..] => {
            do_block(walker, words)?;
            Some(Ok(()))
        }
        ["refresh", "materialized", "view", rest @ ..] => {
            let skip = usize::from(rest.first() == Some(&"concurrently"));
            let rest = words.get(skip.saturating_add(3)..)?;
            let rest = strip_with_data(rest);
            let name = object(rest)?;
            Some(walker.refresh(&name))
        }
        [kind @ ("move" | "fetch"), ..] => cursor_move(walker, kind, words),
        ["grant" | "revoke", ..] => {
            role_membership(walker, words, &lower).or_else(|| object::read(walker, words, &lower))
        }
        ["vacuum" | "analyze" | "analyse" | "cluster" | "reindex", ..] => {
            maintenance::read(walker, words, &lower)
        }
        _ => session::read(walker, words, &lower).or_else(|| object::read(walker, words, &lower)),
    }
}

/// `MOVE [direction] [FROM | IN] name`, and the forms of FETCH that the parser does not know: words and
/// numbers only, the name last.
fn cursor_move(
    walker: &mut Walker<'_>,
    kind: &str,
    words: &[(Kind, &str)],
) -> Option<Result<(), Stop>> {
    let plain = |(kind, text): &(Kind, &str)| match kind {
        Kind::Word | Kind::Number | Kind::Quoted => true,
        Kind::Operator => *text == "-",
        Kind::Space
        | Kind::Comment
        | Kind::Text
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter
        | Kind::Symbol => false,
    };
    if !words.iter().all(plain) || words.len() > 6 {
        return None;
    }
    let name = object(words.get(words.len().saturating_sub(1)..)?)?;
    let name = crate::names::parts_of_label(&name).ok()?.pop()?;
    let class = if kind == "fetch" { StatementClass::Read } else { StatementClass::Session };
    walker.facts.set(kind, class);
    walker.facts.effect = SessionEffect::Fetch { name };
    Some(Ok(()))
}

/// `DO [LANGUAGE x] 'body' [LANGUAGE x]`: what the body does cannot be known.
fn do_block(walker: &mut Walker<'_>, words: &[(Kind, &str)]) -> Option<()> {
    let bodies = words
        .iter()
        .skip(1)
        .filter(|(kind, _)| matches!(kind, Kind::Text | Kind::Prefixed | Kind::Dollar));
    let others = words
        .iter()
        .skip(1)
        .filter(|(kind, _)| !matches!(kind, Kind::Text | Kind::Prefixed | Kind::Dollar));
    let language =
        others.clone().next().is_none_or(|(_, word)| word.eq_ignore_ascii_case("language"));
    if bodies.count() != 1 || others.count() > 2 || !language {
        return None;
    }
    walker.facts.set("do", StatementClass::Write);
    walker.facts.dynamic_sql = true;
    walker.facts.effect = SessionEffect::CatalogChanged;
    walker.facts.function("do", FunctionClass::DynamicSql);
    Some(())
}

/// `GRANT a, b TO c, d` and `REVOKE a FROM b`: no ON, only names and commas.
fn role_membership(
    walker: &mut Walker<'_>,
    words: &[(Kind, &str)],
    lower: &[&str],
) -> Option<Result<(), Stop>> {
    if lower.contains(&"on") || !lower.iter().any(|word| *word == "to" || *word == "from") {
        return None;
    }
    let plain =
        words.iter().all(|(kind, text)| matches!(kind, Kind::Word | Kind::Quoted) || *text == ",");
    if !plain {
        return None;
    }
    let kind = if lower.first() == Some(&"grant") { "grant_role" } else { "revoke_role" };
    walker.facts.set(kind, StatementClass::Dcl);
    Some(Ok(()))
}

/// Words without a closing `WITH [NO] DATA`.
fn strip_with_data<'a, 'w>(words: &'a [(Kind, &'w str)]) -> &'a [(Kind, &'w str)] {
    let ends = |suffix: &[&str]| {
        words.len() > suffix.len()
            && words.iter().rev().zip(suffix.iter().rev()).all(|((kind, word), expected)| {
                *kind == Kind::Word && word.eq_ignore_ascii_case(expected)
            })
    };
    let surplus = if ends(&["with", "no", "data"]) {
        3
    } else if ends(&["with", "data"]) {
        2
    } else {
        0
    };
    words.get(..words.len().saturating_sub(surplus)).unwrap_or_default()
}

/// A name of one or two parts and nothing behind it.
fn object(words: &[(Kind, &str)]) -> Option<ObjectName> {
    let part = |(kind, text): &(Kind, &str)| match kind {
        Kind::Word => Some(Ident::new(*text)),
        Kind::Quoted => {
            text.get(1..text.len().saturating_sub(1)).map(|name| Ident::with_quote('"', name))
        }
        Kind::Space
        | Kind::Comment
        | Kind::Number
        | Kind::Text
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter
        | Kind::Operator
        | Kind::Symbol => None,
    };
    match words {
        [name] => Some(ObjectName::from(vec![part(name)?])),
        [schema, (Kind::Symbol, "."), name] => {
            Some(ObjectName::from(vec![part(schema)?, part(name)?]))
        }
        _ => None,
    }
}
