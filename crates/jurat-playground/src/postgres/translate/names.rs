//! What result columns are called where the statement does not say: PostgreSQL's way, not SQLite's.

use super::closing;
use crate::tokens::{Shape, Token, split};

/// Gives each expression of the outermost list of results the name that PostgreSQL gives it.
pub(in crate::postgres) fn name_results(tokens: Vec<Token>) -> Vec<Token> {
    let Some((start, end)) = list(&tokens) else { return tokens };
    let (Some(before), Some(inside), Some(behind)) =
        (tokens.get(..start), tokens.get(start..end), tokens.get(end..))
    else {
        return tokens;
    };
    let mut out = before.to_vec();
    for (at, item) in split(inside, |token| token.is_sign(",")).into_iter().enumerate() {
        if at > 0 {
            out.push(Token::sign(","));
        }
        out.extend(item.iter().cloned());
        if let Some(name) = missing_name(item) {
            out.extend([Token::word("AS"), Token::new(Shape::Quoted, name)]);
        }
    }
    out.extend(behind.iter().cloned());
    out
}

/// Where the list stands: behind the outermost SELECT, up to its end.
fn list(tokens: &[Token]) -> Option<(usize, usize)> {
    let mut depth = 0_i64;
    let mut start = None;
    for (at, token) in tokens.iter().enumerate() {
        if token.is_sign("(") {
            depth = depth.saturating_add(1);
        } else if token.is_sign(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && start.is_none() && token.is("SELECT") {
            let quantifier = |word| tokens.get(at.saturating_add(1)).is_some_and(|t| t.is(word));
            let extra = usize::from(quantifier("DISTINCT") || quantifier("ALL"));
            start = Some(at.saturating_add(1).saturating_add(extra));
        } else if depth == 0
            && start.is_some_and(|start| at >= start)
            && ENDS.iter().any(|word| token.is(word))
        {
            return start.map(|start| (start, at));
        }
    }
    start.map(|start| (start, tokens.len()))
}

const ENDS: &[&str] = &[
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "WINDOW",
];

/// The name for an item that has none.
fn missing_name(item: &[Token]) -> Option<String> {
    let (last, before) = item.split_last()?;
    if last.is_sign("*") {
        return None;
    }
    let named = last.is_name()
        && !last.is("END")
        && !["NULL", "TRUE", "FALSE"].iter().any(|word| last.is(word))
        && (before.is_empty()
            || before.last().is_some_and(|token| {
                token.is_sign(".")
                    || token.is("AS")
                    || token.is_sign(")")
                    || token.is_name()
                    || !matches!(token.shape, Shape::Sign)
            }));
    if named {
        return None;
    }
    Some(name_of(item).unwrap_or_else(|| "?column?".to_owned()))
}

fn name_of(item: &[Token]) -> Option<String> {
    let first = item.first()?;
    if first.is("CASE") {
        return Some("case".to_owned());
    }
    if let [.., name] = item
        && name.is_name()
        && !name.is("NULL")
        && item.iter().all(|token| token.is_name() || token.is_sign("."))
    {
        return Some(name.name());
    }
    // A call that is all of the item.
    if !first.is_name() || closing(item, 1)?.saturating_add(1) != item.len() {
        return None;
    }
    let inside = item.get(2..item.len().saturating_sub(1))?;
    if first.is("CAST") {
        let parts = split(inside, |token| token.is("AS"));
        let value = parts.first()?;
        return name_of(value).or_else(|| parts.get(1)?.first().map(Token::name));
    }
    let name = first.name();
    // The functions behind casts have no names of their own.
    if name.starts_with("pg_int") || name == "pg_bool" || name.starts_with("pg_timestamp") {
        return name_of(inside);
    }
    Some(name)
}
