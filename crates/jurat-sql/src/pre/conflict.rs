//! The arbiter of ON CONFLICT where it is more than a list of columns.
//!
//! `ON CONFLICT (lower(a)) WHERE p DO UPDATE SET b = c` becomes `ON CONFLICT DO UPDATE SET ARBITER =
//! (lower(a)), CONDITION = p, DO = 0, b = c`; with DO NOTHING the last assignment is `DO = 1`.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a token that no construct begins with is left as it is, which is the answer for any new one"
)]

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::token::{closing, is, keyword, mark, word};

/// The column that the arbiter's expressions are assigned to.
pub(crate) const ARBITER: &str = "\0arbiter";
/// The column that the condition of a partial index is assigned to.
pub(crate) const CONDITION: &str = "\0where";
/// The column that says what is done: 0 updates, 1 nothing.
pub(crate) const DO: &str = "\0do";
/// What is assigned to [`DO`] for DO NOTHING.
pub(crate) const NOTHING: &str = "1";

pub(super) fn arbiters(tokens: Vec<Token>) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len().saturating_add(16));
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if word(token) == Keyword::CONFLICT
            && let Some((replaced, next)) = arbiter(&tokens, at.saturating_add(1))
        {
            out.push(token.clone());
            out.extend(replaced);
            at = next;
        } else {
            out.push(token.clone());
            at = at.saturating_add(1);
        }
    }
    out
}

/// The tokens for an arbiter at `open`, and where the text goes on behind DO UPDATE SET or DO NOTHING.
fn arbiter(tokens: &[Token], open: usize) -> Option<(Vec<Token>, usize)> {
    if !is(tokens, open, &Token::LParen) {
        return None;
    }
    let close = closing(tokens, open)?;
    let list = tokens.get(open..=close)?;
    let mut action = close.checked_add(1)?;
    let condition = if keyword(tokens, action) == Keyword::WHERE {
        let start = action.checked_add(1)?;
        action = end_of_condition(tokens, start)?;
        Some(tokens.get(start..action)?)
    } else {
        None
    };
    let plain = list.iter().all(|token| {
        matches!(token, Token::Word(_) | Token::Comma | Token::LParen | Token::RParen)
    }) && list.iter().filter(|token| **token == Token::LParen).count() == 1
        && !list.iter().any(|token| word(token) == Keyword::COLLATE);
    if plain && condition.is_none() {
        return None;
    }
    let key = |ahead: usize| keyword(tokens, action.saturating_add(ahead));
    let (done, length) = match (key(0), key(1), key(2)) {
        (Keyword::DO, Keyword::NOTHING, _) => (NOTHING, 2_usize),
        (Keyword::DO, Keyword::UPDATE, Keyword::SET) => ("0", 3),
        _ => return None,
    };
    let mut replaced: Vec<Token> =
        ["DO", "UPDATE", "SET"].into_iter().map(Token::make_keyword).collect();
    replaced.extend([mark(ARBITER), Token::Eq]);
    replaced.extend(list.iter().cloned());
    if let Some(condition) = condition {
        replaced.extend([Token::Comma, mark(CONDITION), Token::Eq]);
        replaced.extend(condition.iter().cloned());
    }
    replaced.extend([Token::Comma, mark(DO), Token::Eq, Token::Number(done.to_owned(), false)]);
    if done != NOTHING {
        replaced.push(Token::Comma);
    }
    Some((replaced, action.checked_add(length)?))
}

/// The place of DO behind a condition.
fn end_of_condition(tokens: &[Token], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        match tokens.get(at)? {
            Token::LParen | Token::LBracket => at = closing(tokens, at)?.checked_add(1)?,
            token if word(token) == Keyword::DO => return Some(at),
            // A comma would end the assignment that the condition becomes.
            Token::Comma => return None,
            _ => at = at.checked_add(1)?,
        }
    }
}
