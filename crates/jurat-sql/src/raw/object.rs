//! Definitions, rights and administration that the parser does not know, read by their words.
//!
//! Their syntax is not understood in full, so what they touch is over-reported: every name in the statement
//! that stands for a relation is one that it touches, and every name that stands for a function is one that it
//! calls. A statement that holds a query or another statement is not read this way.

use jurat_types::StatementClass;
use sqlparser::ast::{Ident, ObjectName};

use super::forms::{self, Form, Subject};
use crate::keywords;
use crate::scan::Kind;
use crate::statement::SessionEffect;
use crate::walk::{Stop, Walker};

type Word<'w> = (Kind, &'w str);

/// Words that open a query or another statement.
const STATEMENTS: &[&str] =
    &["select", "insert", "execute", "copy", "call", "begin", "return", "merge"];

/// Reads a statement by its first words and its names. `None` where they are not known.
pub(super) fn read(
    walker: &mut Walker<'_>,
    words: &[Word<'_>],
    lower: &[&str],
) -> Option<Result<(), Stop>> {
    let form = forms::form(lower)?;
    if !is_plain(words, lower) || holds_statement(&form, lower) {
        return None;
    }
    walker.facts.set(&form.kind, form.class);
    walker.facts.effect = SessionEffect::CatalogChanged;
    if form.kind == "alter_system" {
        walker.facts.setting(lower.get(3).filter(|name| !name.is_empty())?);
    }
    Some(subject(walker, &form, words, lower).and_then(|()| named(walker, &form, words, lower)))
}

/// Whether brackets match and no parameter stands in it.
fn is_plain(words: &[Word<'_>], lower: &[&str]) -> bool {
    let mut depth = 0_i32;
    for (kind, text) in words {
        match (kind, *text) {
            (Kind::Parameter, _) | (Kind::Symbol, ";" | ":=") => return false,
            (Kind::Symbol, "(" | "[") => depth = depth.saturating_add(1),
            (Kind::Symbol, ")" | "]") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && lower.len() < 2_000
}

/// Whether another statement stands inside, whose own reading nobody has done.
fn holds_statement(form: &Form, lower: &[&str]) -> bool {
    let behind = lower.get(1..).unwrap_or_default();
    behind.iter().enumerate().any(|(at, word)| {
        let next = behind.get(at.saturating_add(1)).copied().unwrap_or_default();
        let next_but_one = behind.get(at.saturating_add(2)).copied().unwrap_or_default();
        match *word {
            // What a trigger runs, and rights named after statements.
            "execute" => {
                let of_trigger = next == "function" || next == "procedure";
                !of_trigger && form.class != StatementClass::Dcl
            }
            "select" | "insert" => {
                form.class != StatementClass::Dcl && form.kind != "create_trigger"
            }
            // A trigger's event, an action of a foreign key, a rule's event; else a rule's action.
            "update" | "delete" => form.kind == "create_rule" && next != "to",
            "do" => form.kind == "create_rule" && next != "nothing" && next_but_one != "nothing",
            "as" => next == "table" || next == "values" || next == "with",
            "create" => true,
            word => STATEMENTS.contains(&word),
        }
    })
}

/// Finds the relation that the statement is about, and says what happens to it.
fn subject(
    walker: &mut Walker<'_>,
    form: &Form,
    words: &[Word<'_>],
    lower: &[&str],
) -> Result<(), Stop> {
    let end = form.length;
    let behind = |word: &str| {
        let place = lower.iter().skip(end).position(|found| *found == word);
        place.map(|place| place.saturating_add(end).saturating_add(1))
    };
    let missing = || Stop::unsupported("a definition without the name of its relation");
    let start = match form.subject {
        Subject::Nowhere => return Ok(()),
        Subject::Here | Subject::New | Subject::Index => Some(end),
        Subject::BehindOn => behind("on"),
        Subject::BehindTo => behind("to"),
        Subject::BehindFrom => behind("from"),
    };
    let mut at = start.ok_or_else(missing)?;
    let mut if_exists = lower.contains(&"exists") && lower.contains(&"if");
    while let Some(word) = lower.get(at) {
        match *word {
            "if" => if_exists = true,
            "not" | "exists" | "only" | "concurrently" => {}
            // `ALTER TABLE ALL IN TABLESPACE` and the like are about what is not named.
            "all" => return Err(Stop::unsupported("ALL in this place")),
            _ => break,
        }
        at = at.saturating_add(1);
    }
    loop {
        let (name, next) = chain(words, at).ok_or_else(missing)?;
        match form.subject {
            Subject::New => {
                walker.defined_new(&name, lower.iter().take(end).any(|w| w.starts_with("temp")))?;
            }
            Subject::Index => walker.defined_index(&name)?,
            Subject::Here
            | Subject::BehindOn
            | Subject::BehindTo
            | Subject::BehindFrom
            | Subject::Nowhere => match walker.defined(&name) {
                Err(Stop::Unresolved { .. }) if if_exists => walker.defined_new(&name, false)?,
                other => {
                    other?;
                    if form.kind == "alter_table" && takes_values(lower) {
                        walker.named_takes_values(&name)?;
                    }
                }
            },
        }
        // Only DROP takes a list.
        if lower.first() == Some(&"drop") && words.get(next) == Some(&(Kind::Symbol, ",")) {
            at = next.saturating_add(1);
        } else {
            return Ok(());
        }
    }
}

/// Whether ALTER TABLE takes a column away, or computes another value for each row.
fn takes_values(lower: &[&str]) -> bool {
    const OTHERS: [&str; 6] =
        ["constraint", "default", "expression", "identity", "not", "statistics"];
    lower.iter().enumerate().any(|(at, word)| {
        let next = lower.get(at.saturating_add(1)).copied().unwrap_or_default();
        let before = at.checked_sub(1).and_then(|at| lower.get(at)).copied().unwrap_or_default();
        match *word {
            "drop" => !OTHERS.contains(&next),
            // The others name an index, or how one of an EXCLUDE constraint works.
            "using" => next != "index" && before != "exclude",
            _ => false,
        }
    })
}

/// A dotted name at a place, and where it ends.
pub(super) fn chain<'w>(words: &[Word<'w>], start: usize) -> Option<(ObjectName, usize)> {
    let mut idents = vec![ident(words.get(start)?)?];
    let mut at = start.checked_add(1)?;
    while words.get(at) == Some(&(Kind::Symbol, ".")) {
        let Some(part) = words.get(at.checked_add(1)?).and_then(ident) else { break };
        idents.push(part);
        at = at.checked_add(2)?;
    }
    Some((ObjectName::from(idents), at))
}

fn ident((kind, text): &Word<'_>) -> Option<Ident> {
    match kind {
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
    }
}

/// Writes down everything that a name of the statement can stand for.
fn named(
    walker: &mut Walker<'_>,
    form: &Form,
    words: &[Word<'_>],
    lower: &[&str],
) -> Result<(), Stop> {
    let mut at = 0;
    while at < words.len() {
        let Some((name, next)) = chain(words, at) else {
            if let Some((Kind::Operator, operator)) = words.get(at) {
                walker.custom_operator(operator);
            }
            at = at.saturating_add(1);
            continue;
        };
        let reserved = name.0.len() == 1
            && words.get(at).is_some_and(|(kind, text)| {
                *kind == Kind::Word && keywords::is_reserved(&text.to_ascii_lowercase())
            });
        if !reserved {
            let called = words.get(next) == Some(&(Kind::Symbol, "("));
            walker.may_mean(&name, called)?;
            let behind = |expected: [&str; 2]| {
                at.checked_sub(2).and_then(|start| lower.get(start..at)) == Some(&expected)
            };
            if behind(["execute", "function"]) || behind(["execute", "procedure"]) {
                walker.must_mean_function(&name)?;
            } else if behind(["attach", "partition"]) || behind(["detach", "partition"]) {
                match form.subject {
                    Subject::Index => walker.defined_index(&name)?,
                    Subject::Here
                    | Subject::New
                    | Subject::BehindOn
                    | Subject::BehindTo
                    | Subject::BehindFrom
                    | Subject::Nowhere => walker.defined(&name)?,
                }
            } else if behind(["on", "table"]) {
                walker.defined(&name)?;
            }
        }
        at = next;
    }
    Ok(())
}
