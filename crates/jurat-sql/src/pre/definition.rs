//! Constructs of CREATE VIEW and CREATE TABLE … AS.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a token that no construct begins with is left as it is, which is the answer for any new one"
)]

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::token::{closing, is, keyword, word};

/// `WITH (security_barrier)` is `WITH (security_barrier = true)`.
pub(super) fn view_options(tokens: &mut Vec<Token>) {
    let is_view = tokens.iter().take(6).any(|token| word(token) == Keyword::VIEW);
    let with = tokens.iter().position(|token| word(token) == Keyword::WITH);
    let Some(open) = with.and_then(|with| with.checked_add(1)) else { return };
    let Some(close) = closing(tokens, open) else { return };
    if !is_view
        || !is(tokens, open, &Token::LParen)
        || keyword(tokens, close.saturating_add(1)) != Keyword::AS
    {
        return;
    }
    let mut options = vec![Token::LParen];
    for (at, token) in tokens.iter().enumerate().take(close).skip(open.saturating_add(1)) {
        options.push(token.clone());
        let alone = matches!(tokens.get(at.saturating_sub(1)), Some(Token::LParen | Token::Comma))
            && matches!(tokens.get(at.saturating_add(1)), Some(Token::RParen | Token::Comma));
        if alone && matches!(token, Token::Word(_)) {
            options.extend([Token::Eq, Token::make_keyword("true")]);
        }
    }
    options.push(Token::RParen);
    tokens.splice(open..=close, options);
}

/// Takes what stands behind the query of a definition, which names nothing: WITH NO DATA and the like.
pub(crate) fn take_tail(tokens: &mut Vec<Token>) -> String {
    const TAILS: &[&[&str]] = &[
        &["WITH", "DATA"],
        &["WITH", "NO", "DATA"],
        &["WITH", "CHECK", "OPTION"],
        &["WITH", "LOCAL", "CHECK", "OPTION"],
        &["WITH", "CASCADED", "CHECK", "OPTION"],
    ];
    if !matches!(keyword(tokens, 0), Keyword::CREATE) {
        return String::new();
    }
    for tail in TAILS {
        let Some(start) = tokens.len().checked_sub(tail.len()) else { continue };
        let found = tokens.iter().skip(start).zip(*tail).all(|(token, expected)| match token {
            Token::Word(word) => {
                word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected)
            }
            _ => false,
        });
        if found {
            tokens.truncate(start);
            return tail.join(" ");
        }
    }
    String::new()
}
