//! Types of parameters, told by what stands beside them: SQLite has none.

use super::casts;
use crate::{
    engine::Schema,
    kind::Kind,
    tokens::{Shape, Token, split},
};

/// The type of each parameter of a translated statement, from the first on.
pub(super) fn kinds(tokens: &[Token], schema: &Schema) -> Vec<Kind> {
    let named: Vec<String> = tokens.iter().filter(|t| t.is_name()).map(Token::name).collect();
    let mut found: Vec<Option<Kind>> = Vec::new();
    let inserted = inserted_columns(tokens);
    for (at, token) in tokens.iter().enumerate() {
        if token.shape != Shape::Parameter {
            continue;
        }
        let number: usize = token.text.parse().unwrap_or(0);
        let Some(index) = number.checked_sub(1).filter(|index| *index < PARAMETERS_MAX) else {
            continue;
        };
        if found.len() <= index {
            found.resize(index.saturating_add(1), None);
        }
        let column = || {
            let (_, name) = inserted.iter().find(|(place, _)| *place == at)?;
            schema.kind_of(name, &named)
        };
        let kind = beside(tokens, at, schema, &named).or_else(column);
        if let Some(slot) = found.get_mut(index)
            && slot.is_none()
        {
            *slot = kind;
        }
    }
    found.into_iter().map(|kind| kind.unwrap_or(Kind::Text)).collect()
}

/// The protocol counts parameters in 16 bits.
const PARAMETERS_MAX: usize = 65_535;

fn beside(tokens: &[Token], at: usize, schema: &Schema, named: &[String]) -> Option<Kind> {
    let token = |offset: i64| -> Option<&Token> {
        let place = i64::try_from(at).ok()?.checked_add(offset)?;
        tokens.get(usize::try_from(place).ok()?)
    };
    let is_sign = |offset: i64, sign: &str| token(offset).is_some_and(|token| token.is_sign(sign));
    let kind_of = |column: &Token| schema.kind_of(&column.name(), named);
    // pg_int4($1), CAST($1 AS TEXT).
    if is_sign(-1, "(") {
        let cast = token(-2).and_then(|name| casts::kind_of_cast(&name.text));
        let sqlite =
            || token(1).filter(|t| t.is("AS")).and_then(|_| casts::kind_of_cast(&token(2)?.text));
        if let Some(kind) = cast.or_else(sqlite) {
            return Some(kind);
        }
    }
    if token(-1).is_some_and(|word| word.is("LIMIT") || word.is("OFFSET")) {
        return Some(Kind::Int8);
    }
    const COMPARING: &[&str] = &["=", "<>", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%"];
    if token(-1).is_some_and(|sign| COMPARING.iter().any(|known| sign.is_sign(known))) {
        let operand = token(-2).filter(|token| token.is_name());
        if let Some(kind) = operand.and_then(kind_of) {
            return Some(kind);
        }
    }
    if token(1).is_some_and(|sign| COMPARING.iter().any(|known| sign.is_sign(known))) {
        // The column is the last part of the path behind the operator.
        let mut offset = 2_i64;
        while is_sign(offset.saturating_add(1), ".") {
            offset = offset.saturating_add(2);
        }
        if let Some(kind) = token(offset).filter(|token| token.is_name()).and_then(kind_of) {
            return Some(kind);
        }
    }
    // x IN ($1, $2), x BETWEEN $1 AND $2.
    let behind = tokens.get(..at).unwrap_or_default();
    let word = behind.iter().rposition(|token| token.is("IN") || token.is("BETWEEN"))?;
    let gap = behind.get(word..).unwrap_or_default();
    if gap.iter().skip(1).any(|token| token.is_sign(")") || token.is("WHERE") || token.is("SELECT"))
    {
        return None;
    }
    let mut column = word.checked_sub(1)?;
    if behind.get(column)?.is("NOT") {
        column = column.checked_sub(1)?;
    }
    behind.get(column).filter(|token| token.is_name()).and_then(kind_of)
}

/// The column that each place of the VALUES of an INSERT fills.
fn inserted_columns(tokens: &[Token]) -> Vec<(usize, String)> {
    let mut places = Vec::new();
    if !tokens.first().is_some_and(|first| first.is("INSERT")) {
        return places;
    }
    let Some(values) = tokens.iter().position(|token| token.is("VALUES")) else { return places };
    let columns: Vec<String> = tokens
        .get(..values)
        .unwrap_or_default()
        .iter()
        .skip_while(|token| !token.is_sign("("))
        .filter(|token| token.is_name())
        .map(Token::name)
        .collect();
    let mut at = values.saturating_add(1);
    for tuple in split(tokens.get(at..).unwrap_or_default(), |token| token.is_sign(",")) {
        let inside = tuple.get(1..tuple.len().saturating_sub(1)).unwrap_or_default();
        let mut place = at.saturating_add(1);
        for (item, column) in split(inside, |token| token.is_sign(",")).iter().zip(&columns) {
            places.push((place, column.clone()));
            place = place.saturating_add(item.len()).saturating_add(1);
        }
        at = at.saturating_add(tuple.len()).saturating_add(1);
    }
    places
}
