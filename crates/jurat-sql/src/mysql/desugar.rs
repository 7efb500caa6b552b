//! Syntax of MySQL and MariaDB that the parser does not know, written for it in syntax that it knows, and
//! back. As for PostgreSQL (`pre.rs`), a mark is a name with a NUL in it, which no client can write.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a token that no construct begins with is left as it is, which is the answer for any new one"
)]

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::joins::bracketed;

/// `LOCK IN SHARE MODE`: what `FOR SHARE` is of.
const IN_SHARE_MODE: &str = "\0lock_in_share_mode";
/// `GROUP BY a DESC`, which MariaDB has: what is written as a collation.
const SORTED: [(&str, &str); 2] = [("\0asc", "ASC"), ("\0desc", "DESC")];
/// `IGNORE` and other words behind UPDATE and DELETE.
const MODIFIERS: [(&str, &str); 3] =
    [("\0low_priority", "LOW_PRIORITY"), ("\0quick", "QUICK"), ("\0ignore", "IGNORE")];

/// Whether a name is a word of the grammar behind UPDATE or DELETE.
pub(crate) fn is_modifier(name: &str) -> bool {
    MODIFIERS.iter().any(|(mark, _)| *mark == name)
}

/// Whether a collation says how a group is sorted.
pub(crate) fn is_sorted(name: &str) -> bool {
    SORTED.iter().any(|(mark, _)| *mark == name)
}

/// Puts the servers' words back into a printed text.
pub(crate) fn restore(text: String) -> String {
    if !text.contains('\0') {
        return text;
    }
    let mut text = text.replace(&format!("FOR SHARE OF {IN_SHARE_MODE}"), "LOCK IN SHARE MODE");
    for (mark, word) in SORTED {
        text = text.replace(&format!("COLLATE {mark}"), word);
    }
    for (mark, word) in MODIFIERS {
        // In front of a name, in a list in front of one, and alone.
        text = text.replace(&format!("{mark}."), &format!("{word} "));
        text = text.replace(&format!("{mark}, "), &format!("{word} "));
        text = text.replace(mark, word);
    }
    text
}

/// Replaces what the parser does not know.
pub(crate) fn desugar(mut tokens: Vec<Token>) -> Vec<Token> {
    tokens = bracketed(sorted_groups(small(tokens)));
    match key(&tokens, 0) {
        Keyword::UPDATE => update(tokens),
        Keyword::DELETE => delete(tokens),
        Keyword::SELECT | Keyword::WITH => into_variables(tokens),
        _ => tokens,
    }
}

fn key(tokens: &[Token], at: usize) -> Keyword {
    match tokens.get(at) {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.keyword,
        Some(_) | None => Keyword::NoKeyword,
    }
}

/// The bare word at a place, in lower case.
fn spelled(tokens: &[Token], at: usize) -> String {
    match tokens.get(at) {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_ascii_lowercase(),
        Some(_) | None => String::new(),
    }
}

fn mark(text: &str) -> Token {
    Token::make_word(text, None)
}

/// Whether a token ends an operand, so that an operator can follow.
fn ends_operand(token: Option<&Token>) -> bool {
    match token {
        Some(Token::Word(word)) => word.quote_style.is_some() || word.keyword == Keyword::END,
        Some(
            Token::RParen
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::HexStringLiteral(_)
            | Token::Placeholder(_),
        ) => true,
        Some(_) | None => false,
    }
}

/// The place of `CHAR`, where a type ends with it: `CHAR`, `CHAR(5)`.
fn is_char(out: &[Token]) -> Option<usize> {
    let last = out.len().checked_sub(1)?;
    let at = match out.get(last)? {
        Token::RParen => last.checked_sub(3)?,
        _ => last,
    };
    (spelled(out, at) == "char").then_some(at)
}

/// Constructs of a few words.
fn small(tokens: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len().saturating_add(4));
    let mut at = 0;
    let mut at_start = true;
    while let Some(token) = tokens.get(at) {
        let ahead = |steps: usize| spelled(&tokens, at.saturating_add(steps));
        let word = ahead(0);
        let started = std::mem::replace(
            &mut at_start,
            *token == Token::LParen
                || ["union", "except", "intersect", "all", "distinct"].contains(&word.as_str()),
        );
        let taken = match word.as_str() {
            "lock" if ahead(1) == "in" && ahead(2) == "share" && ahead(3) == "mode" => {
                out.extend(["FOR", "SHARE", "OF"].map(Token::make_keyword));
                out.push(mark(IN_SHARE_MODE));
                4
            }
            // As MariaDB writes `BINARY x` in views.
            "charset" if ahead(1) == "binary" && is_char(&out).is_some() => {
                if let Some(token) = is_char(&out).and_then(|at| out.get_mut(at)) {
                    *token = Token::make_keyword("BINARY");
                }
                2
            }
            // The same operator as `%`.
            "mod" if ends_operand(out.last()) => {
                out.push(Token::Mod);
                1
            }
            // Says how results are kept, nothing about them.
            "sql_cache" if matches!(out.last(), Some(Token::Word(word)) if word.keyword == Keyword::SELECT) => {
                1
            }
            // `TABLE t` is `SELECT * FROM t`.
            "table" if started => {
                out.push(Token::make_keyword("SELECT"));
                out.push(Token::Mul);
                out.push(Token::make_keyword("FROM"));
                1
            }
            _ => 0,
        };
        if taken == 0 {
            out.push(token.clone());
            at = at.saturating_add(1);
        } else {
            at = at.saturating_add(taken);
        }
    }
    out
}

/// `GROUP BY a DESC`.
fn sorted_groups(tokens: Vec<Token>) -> Vec<Token> {
    let grouped = |at| key(&tokens, at) == Keyword::GROUP;
    if !(0..tokens.len()).any(grouped) {
        return tokens;
    }
    let mut out = Vec::with_capacity(tokens.len().saturating_add(4));
    // For each level of brackets, whether its GROUP BY is being read.
    let mut levels = vec![false];
    for (at, token) in tokens.iter().enumerate() {
        let word = key(&tokens, at);
        match token {
            Token::LParen => levels.push(false),
            Token::RParen => {
                levels.pop();
            }
            _ => {}
        }
        let Some(grouping) = levels.last_mut() else { return tokens };
        match word {
            Keyword::GROUP => *grouping = key(&tokens, at.saturating_add(1)) == Keyword::BY,
            Keyword::ASC | Keyword::DESC if *grouping => {
                let name = if word == Keyword::ASC { "\0asc" } else { "\0desc" };
                out.extend([Token::make_keyword("COLLATE"), mark(name)]);
                continue;
            }
            Keyword::HAVING
            | Keyword::ORDER
            | Keyword::LIMIT
            | Keyword::WINDOW
            | Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT => *grouping = false,
            _ => {}
        }
        out.push(token.clone());
    }
    out
}

/// `SELECT … FROM … INTO @a, @b`: the variables may stand behind the result columns as well.
fn into_variables(mut tokens: Vec<Token>) -> Vec<Token> {
    let mut depth = 0_usize;
    let (mut from, mut into) = (None, None);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::LParen => depth = depth.saturating_add(1),
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        match key(&tokens, at) {
            // Which query they belong to would matter.
            Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT if depth == 0 => return tokens,
            Keyword::FROM if depth == 0 && from.is_none() => from = Some(at),
            Keyword::INTO if depth == 0 && into.is_none() => into = Some(at),
            _ => {}
        }
    }
    let (Some(from), Some(into)) = (from, into) else { return tokens };
    let is_variable = |token: Option<&Token>| matches!(token, Some(Token::Word(word)) if word.value.starts_with('@') && word.quote_style.is_none());
    let mut end = into.saturating_add(1);
    while is_variable(tokens.get(end)) {
        end = end.saturating_add(1);
        if tokens.get(end) != Some(&Token::Comma) {
            break;
        }
        end = end.saturating_add(1);
    }
    if from < into && end > into.saturating_add(1) {
        let moved: Vec<Token> = tokens.drain(into..end).collect();
        tokens.splice(from..from, moved);
    }
    tokens
}

/// Takes the modifiers behind the first word.
fn modifiers(tokens: &[Token]) -> (Vec<Token>, usize) {
    let mut marks = Vec::new();
    let mut at = 1;
    while let Some((name, _)) =
        MODIFIERS.iter().find(|(_, word)| spelled(tokens, at).eq_ignore_ascii_case(word))
    {
        marks.push(mark(name));
        at = at.saturating_add(1);
    }
    (marks, at)
}

/// `UPDATE IGNORE t`, and `UPDATE a, b SET`: a list is joined without a condition.
fn update(tokens: Vec<Token>) -> Vec<Token> {
    let (marks, start) = modifiers(&tokens);
    let mut out = vec![Token::make_keyword("UPDATE")];
    for mark in marks {
        out.push(mark);
        out.push(Token::Period);
    }
    let mut depth = 0_usize;
    let mut end = start;
    let mut commas = Vec::new();
    while let Some(token) = tokens.get(end) {
        match token {
            Token::LParen => depth = depth.saturating_add(1),
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Comma if depth == 0 => commas.push(end),
            _ if depth == 0 && key(&tokens, end) == Keyword::SET => break,
            _ => {}
        }
        end = end.saturating_add(1);
    }
    let mut from = start;
    commas.push(end);
    for (index, comma) in commas.into_iter().enumerate() {
        let entry = tokens.get(from..comma).unwrap_or_default();
        // A join in brackets binds as tightly as it does between commas.
        let joined = index > 0
            && (0..entry.len())
                .any(|at| matches!(key(entry, at), Keyword::JOIN | Keyword::STRAIGHT_JOIN));
        if index > 0 {
            out.extend(["CROSS", "JOIN"].map(Token::make_keyword));
        }
        if joined {
            out.push(Token::LParen);
        }
        out.extend(entry.iter().cloned());
        if joined {
            out.push(Token::RParen);
        }
        from = comma.saturating_add(1);
    }
    out.extend(tokens.get(end..).unwrap_or_default().iter().cloned());
    out
}

/// `DELETE IGNORE FROM t`, and `DELETE t.* FROM t`.
fn delete(tokens: Vec<Token>) -> Vec<Token> {
    let (marks, start) = modifiers(&tokens);
    let mut out = vec![Token::make_keyword("DELETE")];
    let n_marks = marks.len();
    let listed = key(&tokens, start) != Keyword::FROM;
    for (index, mark) in marks.into_iter().enumerate() {
        out.push(mark);
        if listed || index.saturating_add(1) < n_marks {
            out.push(Token::Comma);
        }
    }
    let mut at = start;
    let mut in_list = true;
    while let Some(token) = tokens.get(at) {
        in_list &= !matches!(key(&tokens, at), Keyword::WHERE | Keyword::JOIN | Keyword::SELECT);
        let star = *token == Token::Period && tokens.get(at.saturating_add(1)) == Some(&Token::Mul);
        if in_list && star {
            at = at.saturating_add(2);
            continue;
        }
        out.push(token.clone());
        at = at.saturating_add(1);
    }
    out
}
