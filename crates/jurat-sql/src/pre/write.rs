//! Constructs of INSERT, UPDATE and DELETE.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a token that no construct begins with is left as it is, which is the answer for any new one"
)]

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::token::{closing, is, keyword, mark, name_end, word};
use super::{CURSOR, ELEMENT, OVERRIDING_SYSTEM, OVERRIDING_USER, VERBATIM, VERBATIM_END};

/// `OVERRIDING SYSTEM VALUE`: one more column of the INSERT.
pub(super) fn overriding(out: &mut Vec<Token>, what: Keyword, value: Keyword) -> Option<usize> {
    let column = match (what, value) {
        (Keyword::SYSTEM, Keyword::VALUE) => OVERRIDING_SYSTEM,
        (Keyword::USER, Keyword::VALUE) => OVERRIDING_USER,
        _ => return None,
    };
    if out.last() == Some(&Token::RParen) {
        out.pop();
        out.push(Token::Comma);
    } else {
        out.push(Token::LParen);
    }
    out.push(mark(column));
    out.push(Token::RParen);
    Some(3)
}

/// `CURRENT OF c`: one column.
pub(super) fn current_of(out: &mut Vec<Token>, cursor: Option<&Token>) -> Option<usize> {
    let Some(Token::Word(name)) = cursor else { return None };
    if out.last().map(word) != Some(Keyword::WHERE) {
        return None;
    }
    let name =
        if name.quote_style.is_some() { format!("\"{}\"", name.value) } else { name.value.clone() };
    out.push(mark(&format!("{CURSOR}{name}")));
    Some(3)
}

/// `SET a[1] = x`, and `INSERT INTO t (a[1])`.
pub(super) fn elements(tokens: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len().saturating_add(8));
    // How many brackets are open, and at which depths an assignment can begin.
    let mut depth = 0_usize;
    let mut lists: Vec<usize> = Vec::new();
    let mut expected = false;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if expected && let Some((replaced, next)) = element(&tokens, at) {
            out.extend(replaced);
            at = next;
            expected = false;
            continue;
        }
        expected = false;
        match token {
            Token::LParen if is_column_list(&out) => {
                if let Some((replaced, next)) = inserted_columns(&tokens, at) {
                    out.extend(replaced);
                    at = next;
                    continue;
                }
                depth = depth.saturating_add(1);
            }
            Token::LParen | Token::LBracket => depth = depth.saturating_add(1),
            Token::RParen | Token::RBracket => {
                depth = depth.saturating_sub(1);
                while lists.last().is_some_and(|list| *list > depth) {
                    lists.pop();
                }
            }
            Token::Comma => expected = lists.last() == Some(&depth),
            token if word(token) == Keyword::SET => {
                lists.push(depth);
                expected = true;
            }
            token
                if lists.last() == Some(&depth)
                    && matches!(
                        word(token),
                        Keyword::FROM | Keyword::WHERE | Keyword::RETURNING | Keyword::WHEN
                    ) =>
            {
                lists.pop();
            }
            _ => {}
        }
        out.push(token.clone());
        at = at.saturating_add(1);
    }
    out
}

/// `a[1] =` as `a = ELEMENT[1] =`, and where the value begins.
fn element(tokens: &[Token], start: usize) -> Option<(Vec<Token>, usize)> {
    let name = name_end(tokens, start);
    if name == start || !is(tokens, name, &Token::LBracket) {
        return None;
    }
    let mut end = name;
    loop {
        if is(tokens, end, &Token::LBracket) {
            end = closing(tokens, end)?.checked_add(1)?;
        } else if is(tokens, end, &Token::Period) {
            end = end.checked_add(2)?;
        } else {
            break;
        }
    }
    if !is(tokens, end, &Token::Eq) {
        return None;
    }
    let mut out = tokens.get(start..name)?.to_vec();
    out.extend([Token::Eq, mark(ELEMENT)]);
    out.extend(tokens.get(name..=end)?.iter().cloned());
    Some((out, end.checked_add(1)?))
}

/// Whether the tokens end with INSERT INTO and a name, with or without an alias.
fn is_column_list(out: &[Token]) -> bool {
    let mut at = out.len();
    // At most `INSERT INTO a.b AS c`.
    for _ in 0..6 {
        let Some(before) = at.checked_sub(1) else { return false };
        match out.get(before) {
            Some(token) if word(token) == Keyword::INTO => {
                return before.checked_sub(1).map(|at| keyword(out, at)) == Some(Keyword::INSERT);
            }
            // No name: what follows are values.
            Some(token) if matches!(word(token), Keyword::VALUES | Keyword::SELECT) => {
                return false;
            }
            Some(Token::Word(_) | Token::Period) => at = before,
            _ => return false,
        }
    }
    false
}

/// A list of columns of which some have subscripts that are numbers.
fn inserted_columns(tokens: &[Token], open: usize) -> Option<(Vec<Token>, usize)> {
    let close = closing(tokens, open)?;
    let mut out = vec![Token::LParen];
    let mut at = open.checked_add(1)?;
    let mut found = false;
    while at < close {
        if is(tokens, at, &Token::LBracket) {
            let end = closing(tokens, at)?;
            let mut text = String::new();
            for token in tokens.get(at..=end)? {
                match token {
                    Token::LBracket => text.push('['),
                    Token::RBracket => text.push(']'),
                    Token::Colon => text.push(':'),
                    Token::Number(digits, false) => text.push_str(digits),
                    _ => return None,
                }
            }
            out.push(Token::Period);
            out.push(mark(&format!("{VERBATIM}{text}{VERBATIM_END}")));
            found = true;
            at = end.checked_add(1)?;
        } else {
            out.push(tokens.get(at)?.clone());
            at = at.checked_add(1)?;
        }
    }
    out.push(Token::RParen);
    found.then_some((out, close.checked_add(1)?))
}
