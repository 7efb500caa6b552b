//! VACUUM, ANALYZE, CLUSTER and REINDEX: options, then relations.

use jurat_types::StatementClass;

use super::object::chain;
use crate::scan::Kind;
use crate::walk::{Stop, Walker};

type Word<'w> = (Kind, &'w str);

/// Options without brackets.
const OPTIONS: &[&str] = &["analyse", "analyze", "concurrently", "freeze", "full", "verbose"];

/// Reads a statement that looks after relations. `None` where it is another, or of another form.
pub(super) fn read(
    walker: &mut Walker<'_>,
    words: &[Word<'_>],
    lower: &[&str],
) -> Option<Result<(), Stop>> {
    let kind = match *lower.first()? {
        "vacuum" => "vacuum",
        "analyze" | "analyse" => "analyze",
        "cluster" => "cluster",
        "reindex" => "reindex",
        _ => return None,
    };
    let mut at = behind_options(words, lower, 1)?;
    let mut of = "table";
    if kind == "reindex" {
        of = *lower.get(at)?;
        if !["table", "index", "schema", "database", "system"].contains(lower.get(at)?) {
            return None;
        }
        at = behind_options(words, lower, at.checked_add(1)?)?;
    }
    walker.facts.set(kind, StatementClass::Admin);
    if at == words.len() {
        return Some(Ok(()));
    }
    loop {
        let (name, next) = chain(words, at)?;
        at = next;
        let known = match of {
            "table" => walker.maintain(&name),
            "index" => walker.defined_index(&name),
            _ => Ok(()),
        };
        if let Err(stop) = known {
            return Some(Err(stop));
        }
        // The columns that are analyzed.
        if words.get(at) == Some(&(Kind::Symbol, "(")) {
            at = behind_brackets(words, at)?;
        }
        if words.get(at) != Some(&(Kind::Symbol, ",")) {
            break;
        }
        at = at.checked_add(1)?;
    }
    let rest = lower.get(at..)?;
    let index = kind == "cluster" && rest.len() == 2 && rest.first() == Some(&"using");
    (rest.is_empty() || index).then_some(Ok(()))
}

fn behind_options(words: &[Word<'_>], lower: &[&str], start: usize) -> Option<usize> {
    let mut at = start;
    if words.get(at) == Some(&(Kind::Symbol, "(")) {
        at = behind_brackets(words, at)?;
    }
    while lower.get(at).is_some_and(|word| OPTIONS.contains(word)) {
        at = at.checked_add(1)?;
    }
    Some(at)
}

/// The place behind brackets that hold words and numbers.
fn behind_brackets(words: &[Word<'_>], open: usize) -> Option<usize> {
    let inside = words.get(open.checked_add(1)?..)?;
    let close = inside.iter().position(|(_, text)| *text == ")")?;
    let plain = inside.iter().take(close).all(|(kind, text)| {
        matches!(kind, Kind::Word | Kind::Quoted | Kind::Number | Kind::Text) || *text == ","
    });
    if plain { open.checked_add(close)?.checked_add(2) } else { None }
}
