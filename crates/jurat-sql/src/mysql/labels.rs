//! The names that the servers give to result columns without one: the expression as the client wrote it.
//!
//! The text that is sent is printed anew, so an expression in it can look another way (`count( * )`), and a
//! mask can stand around it. Its name is what clients fetch it by, and what a query around it refers to, so it
//! is written down as an alias. Source: `Item::set_name` and `select_item` of both servers' grammars.

use super::form::unescaped;
use super::words;
use crate::scan::Kind;

/// Aliases longer than this are refused by the servers (`MAX_ALIAS_NAME`).
const ALIAS_CHARS_MAX: usize = 256;

type Word<'w> = (Kind, &'w str);

/// A result column without a name: the words from `start` up to the one before `end`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Unnamed {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The unnamed result columns of a statement, in order of their ends.
pub(super) fn unnamed(words: &[Word<'_>]) -> Vec<Unnamed> {
    let mut found = Vec::new();
    // One entry for each open bracket: where the item began, if a list of result columns is read there.
    let mut open: Vec<Option<usize>> = vec![None];
    for (at, (kind, text)) in words.iter().enumerate() {
        let lower = if *kind == Kind::Word { text.to_ascii_lowercase() } else { String::new() };
        let here = open.last().copied().flatten();
        let begins = begins_list(words, at);
        match (kind, *text) {
            (Kind::Symbol, "(") => open.push(None),
            (Kind::Symbol, ")") => {
                found.extend(here.and_then(|start| item(words, start, at)));
                if open.len() > 1 {
                    open.pop();
                }
            }
            (Kind::Symbol, ",") => {
                if let Some(start) = here {
                    found.extend(item(words, start, at));
                    if let Some(last) = open.last_mut() {
                        *last = Some(at.saturating_add(1));
                    }
                }
            }
            _ if begins => {
                if let Some(last) = open.last_mut() {
                    *last = Some(at.saturating_add(1));
                }
            }
            _ if here == Some(at) && MODIFIERS.contains(&lower.as_str()) => {
                if let Some(last) = open.last_mut() {
                    *last = Some(at.saturating_add(1));
                }
            }
            _ if here.is_some() && ENDS.contains(&lower.as_str()) => {
                found.extend(here.and_then(|start| item(words, start, at)));
                if let Some(last) = open.last_mut() {
                    *last = None;
                }
            }
            _ => {}
        }
    }
    let rest = open.last().copied().flatten();
    found.extend(rest.and_then(|start| item(words, start, words.len())));
    found
}

/// The alias for the words of a column, given its text; nothing where there can be none.
pub(super) fn alias(words: &[Word<'_>], text: &str) -> Option<String> {
    let name = match words {
        [(Kind::Text, literal)] => unescaped(literal)?.trim().to_owned(),
        // A string behind its character set names itself, too.
        [(Kind::Word, word), (Kind::Text, _)] if word.starts_with('_') => return None,
        // They name themselves, however they are written.
        [(Kind::Word, word)] if ["true", "false"].iter().any(|w| word.eq_ignore_ascii_case(w)) => {
            word.to_ascii_uppercase()
        }
        _ => text.trim().to_owned(),
    };
    let fits = !name.is_empty() && name.chars().count() <= ALIAS_CHARS_MAX;
    fits.then_some(name)
}

/// Words between SELECT and the first column.
const MODIFIERS: &[&str] = &[
    "all",
    "distinct",
    "distinctrow",
    "high_priority",
    "sql_big_result",
    "sql_buffer_result",
    "sql_cache",
    "sql_calc_found_rows",
    "sql_no_cache",
    "sql_small_result",
    "straight_join",
];

/// Words that end a list of result columns.
const ENDS: &[&str] = &[
    "except",
    "for",
    "from",
    "group",
    "having",
    "intersect",
    "into",
    "limit",
    "lock",
    "on",
    "order",
    "procedure",
    "returning",
    "union",
    "where",
    "window",
];

/// Whether a list of result columns begins behind the word, whose names can matter: not in a sub-query that
/// gives a value or is asked whether it has rows.
fn begins_list(words: &[Word<'_>], at: usize) -> bool {
    let is = |at: usize, word: &str| {
        words.get(at).is_some_and(|(kind, text)| {
            matches!(kind, Kind::Word | Kind::Symbol) && text.eq_ignore_ascii_case(word)
        })
    };
    if !is(at, "select") {
        return false;
    }
    let Some(before) = at.checked_sub(1) else { return true };
    if !is(before, "(") {
        return true;
    }
    match before.checked_sub(1) {
        None => true,
        Some(outside) => ["(", ",", "as", "from", "join", "union", "all", "except", "intersect"]
            .iter()
            .any(|word| is(outside, word)),
    }
}

/// Whether the string at a place is the name of a result column: `id AS 'the id'`, `id 'the id'`.
pub(super) fn is_string_alias(words: &[Word<'_>], at: usize) -> bool {
    let Some((kind, text)) = at.checked_sub(1).and_then(|before| words.get(before)) else {
        return false;
    };
    let ends = match words.get(at.saturating_add(1)) {
        None => true,
        Some((Kind::Symbol, text)) => *text == "," || *text == ")" || *text == ";",
        Some((Kind::Word, text)) => ENDS.iter().any(|word| text.eq_ignore_ascii_case(word)),
        Some(_) => false,
    };
    ends && match kind {
        Kind::Quoted => true,
        Kind::Symbol => *text == ")",
        Kind::Word => {
            let lower = text.to_ascii_lowercase();
            lower == "as"
                || (is_name(kind, text) && !words::is_contextual(&lower) && !lower.starts_with('_'))
        }
        Kind::Space
        | Kind::Comment
        | Kind::Number
        | Kind::Text
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter
        | Kind::Operator => false,
    }
}

/// An item of a list, where it has no name of its own.
fn item(words: &[Word<'_>], start: usize, end: usize) -> Option<Unnamed> {
    let all = words.get(start..end)?;
    let mut own = all;
    while let [(Kind::Symbol, "("), inner @ .., (Kind::Symbol, ")")] = own {
        own = inner;
    }
    let last = all.last()?;
    let column = own.iter().enumerate().all(|(at, (kind, text))| {
        if at % 2 == 1 {
            *kind == Kind::Symbol && *text == "."
        } else {
            // Behind a dot every word is a name.
            *kind == Kind::Quoted || is_name(kind, text) || (at > 0 && *kind == Kind::Word)
        }
    });
    let mut depth = 0_usize;
    let mut named = false;
    for (kind, text) in all {
        match (kind, *text) {
            (Kind::Symbol, "(") => depth = depth.saturating_add(1),
            (Kind::Symbol, ")") => depth = depth.saturating_sub(1),
            (Kind::Word, word) => named |= depth == 0 && word.eq_ignore_ascii_case("as"),
            _ => {}
        }
    }
    let star = *last == (Kind::Operator, "*");
    let before = all.len().checked_sub(2).and_then(|at| all.get(at));
    let interval = all.iter().any(|(_, text)| text.eq_ignore_ascii_case("interval"))
        && super::dialect::is_unit(last.1);
    let aliased = !interval && before.is_some_and(|before| is_alias(before, last));
    (!(column || named || star || aliased)).then_some(Unnamed { start, end })
}

fn is_name(kind: &Kind, text: &str) -> bool {
    *kind == Kind::Word && !text.starts_with('@') && !words::is_reserved(&text.to_ascii_lowercase())
}

/// Whether the last word of an item is its alias.
fn is_alias(before: &Word<'_>, last: &Word<'_>) -> bool {
    let can_be = match last.0 {
        Kind::Quoted | Kind::Text => true,
        Kind::Word => is_name(&last.0, last.1),
        Kind::Space
        | Kind::Comment
        | Kind::Number
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter
        | Kind::Operator
        | Kind::Symbol => false,
    };
    let (kind, text) = before;
    let lower = text.to_ascii_lowercase();
    if last.0 == Kind::Word && last.1.eq_ignore_ascii_case("end") {
        // CASE.
        return false;
    }
    let ends_operand = match kind {
        Kind::Quoted | Kind::Number | Kind::Text | Kind::Prefixed | Kind::Parameter => true,
        Kind::Symbol => *text == ")",
        Kind::Word => {
            let typed = last.0 == Kind::Text
                && (lower.starts_with('_')
                    || ["date", "time", "timestamp"].contains(&lower.as_str()));
            let value = ["end", "null", "true", "false"].contains(&lower.as_str())
                || super::VALUE_WORDS.contains(&lower.as_str());
            !typed && (value || !words::is_reserved(&lower))
        }
        Kind::Space | Kind::Comment | Kind::Dollar | Kind::Operator => false,
    };
    can_be && ends_operand
}
