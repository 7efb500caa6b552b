//! Small questions about tokens.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a token that no construct begins with is left as it is, which is the answer for any new one"
)]

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

/// The key word that a token is, if it is not quoted.
pub(super) fn word(token: &Token) -> Keyword {
    match token {
        Token::Word(word) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// Whether a token is this word, which is no key word of the parser.
pub(super) fn spelled(token: Option<&Token>, expected: &str) -> bool {
    matches!(
        token,
        Some(Token::Word(word))
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected)
    )
}

/// The key word at a place.
pub(super) fn keyword(tokens: &[Token], at: usize) -> Keyword {
    tokens.get(at).map_or(Keyword::NoKeyword, word)
}

/// Whether a token stands at a place.
pub(super) fn is(tokens: &[Token], at: usize, token: &Token) -> bool {
    tokens.get(at) == Some(token)
}

/// A mark as a token: a name that is no key word.
pub(super) fn mark(name: &str) -> Token {
    Token::make_word(name, None)
}

/// The place of the bracket that closes the one at `open`.
pub(super) fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::LParen | Token::LBracket => depth = depth.checked_add(1)?,
            Token::RParen | Token::RBracket => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The place behind a dotted name that begins at `start`; `start` itself where none does.
pub(super) fn name_end(tokens: &[Token], start: usize) -> usize {
    let is_word = |at: usize| matches!(tokens.get(at), Some(Token::Word(_)));
    if !is_word(start) {
        return start;
    }
    let mut end = start.saturating_add(1);
    while is(tokens, end, &Token::Period) && is_word(end.saturating_add(1)) {
        end = end.saturating_add(2);
    }
    end
}

/// Whether a token can be the last one of an operand or of a type.
pub(super) fn ends_operand(token: &Token) -> bool {
    match token {
        Token::Word(word) => {
            word.quote_style.is_some()
                || !crate::keywords::is_reserved(&word.value.to_ascii_lowercase())
        }
        Token::RParen
        | Token::RBracket
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Placeholder(_) => true,
        _ => false,
    }
}

/// Whether the last tokens are `OPERATOR(…)`.
pub(super) fn closes_operator(out: &[Token]) -> bool {
    let open = out.iter().rposition(|token| *token == Token::LParen);
    let before = open.and_then(|open| open.checked_sub(1));
    before.is_some_and(|before| keyword(out, before) == Keyword::OPERATOR)
}

/// Whether a statement is a query or a write, or holds one for later.
pub(super) fn starts_query(tokens: &[Token]) -> bool {
    let first = tokens.iter().find(|token| **token != Token::LParen);
    first.is_some_and(|token| {
        matches!(
            word(token),
            Keyword::SELECT
                | Keyword::INSERT
                | Keyword::UPDATE
                | Keyword::DELETE
                | Keyword::MERGE
                | Keyword::WITH
                | Keyword::VALUES
                | Keyword::TABLE
                | Keyword::EXPLAIN
                | Keyword::PREPARE
                | Keyword::DECLARE
                | Keyword::COPY
        )
    })
}

/// Where the name of a type begins that ends the tokens, if it is one that the parser does not know.
pub(super) fn type_start(out: &[Token]) -> Option<usize> {
    let unknown = |at: usize| match out.get(at) {
        Some(Token::Word(word)) => {
            word.quote_style.is_some()
                || (word.keyword == Keyword::NoKeyword && !super::is_mark(&word.value))
        }
        _ => false,
    };
    let mut start = out.len().checked_sub(1)?;
    if !unknown(start) {
        return None;
    }
    while start >= 2 && is(out, start.saturating_sub(1), &Token::Period) {
        start = start.checked_sub(2)?;
        if !out.get(start).is_some_and(ends_operand) {
            return None;
        }
    }
    // Behind AS stands an alias, and behind an operand too.
    let before = start.checked_sub(1).and_then(|before| out.get(before));
    let alias = before.is_some_and(|before| word(before) == Keyword::AS || ends_operand(before));
    (!alias).then_some(start)
}
