//! Syntax that the parser does not know, written for it in syntax that it knows, and back.
//!
//! Each construct is replaced by one that parses and that carries a mark. A mark is a name with a NUL in it,
//! which no text of a client can hold (`gate.rs`), so it cannot be forged. The walker sees the parts of the
//! construct where the parser put them; printing puts the construct's own words back ([`restore`]). What is
//! sent is read once more from its text, so that the way there and back is checked each time (`tree.rs`).

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a token that no construct begins with is left as it is, which is the answer for any new one"
)]

mod conflict;
mod definition;
mod token;
mod write;

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use token::{is, keyword, mark, spelled, word};

/// A relation without its children: the first part of its name.
pub(crate) const ONLY: &str = "\0only";
/// `ANY`, `ALL` and `SOME` behind OPERATOR(…): the name of a function.
const QUANTIFIERS: [(&str, &str, Keyword); 3] = [
    ("\0any", "ANY", Keyword::ANY),
    ("\0all", "ALL", Keyword::ALL),
    ("\0some", "SOME", Keyword::SOME),
];
/// `ROWS FROM (…)`: the name of a function.
pub(crate) const ROWS_FROM: &str = "\0rows_from";
/// `VARIADIC x`: the name of an argument.
const VARIADIC: &str = "\0variadic";
/// `a[1] = x` in SET: `a = ELEMENT[1] = x`.
const ELEMENT: &str = "\0element";
/// A column of INSERT that stands for OVERRIDING.
const OVERRIDING_SYSTEM: &str = "\0overriding_system";
const OVERRIDING_USER: &str = "\0overriding_user";
/// `WHERE CURRENT OF c`: a column of this and the cursor's name.
const CURSOR: &str = "\0cursor:";
/// What a lock is in truth, in front of the name of its relation.
const NO_KEY_UPDATE: &str = "\0no_key_update";
const KEY_SHARE: &str = "\0key_share";
/// Words that mean nothing to the walker stand between these two, as one name.
const VERBATIM: &str = "\0<";
const VERBATIM_END: &str = "\0>";

/// Whether a name is a mark. Such a name stands for no object.
pub(crate) fn is_mark(name: &str) -> bool {
    name.starts_with('\0')
}

/// Takes the mark of ONLY off a name; tells whether it was there.
pub(crate) fn take_only(name: &mut ObjectName) -> bool {
    let marked = matches!(
        name.0.first(),
        Some(ObjectNamePart::Identifier(ident)) if ident.value == ONLY
    );
    if marked {
        name.0.remove(0);
    }
    marked
}

/// Puts the mark of ONLY on a name.
pub(crate) fn put_only(name: &mut ObjectName) {
    name.0.insert(0, ObjectNamePart::Identifier(Ident::new(ONLY)));
}

/// Whether a column of INSERT stands for OVERRIDING.
pub(crate) fn is_overriding(name: &ObjectName) -> bool {
    matches!(
        name.0.as_slice(),
        [ObjectNamePart::Identifier(ident)]
            if ident.value == OVERRIDING_SYSTEM || ident.value == OVERRIDING_USER
    )
}

pub(crate) use definition::take_tail;

pub(crate) use conflict::{ARBITER, CONDITION, DO, NOTHING};

/// Puts the words of PostgreSQL back into a printed text.
pub(crate) fn restore(text: String) -> String {
    if !text.contains('\0') {
        return text;
    }
    let mut text = text;
    for (mark, words) in [
        ("\0only.", "ONLY "),
        ("\0any(", "ANY ("),
        ("\0all(", "ALL ("),
        ("\0some(", "SOME ("),
        ("\0rows_from(", "ROWS FROM ("),
        ("\0variadic => ", "VARIADIC "),
        (" = \0element", ""),
        (", \0overriding_system)", ") OVERRIDING SYSTEM VALUE"),
        (", \0overriding_user)", ") OVERRIDING USER VALUE"),
        ("(\0overriding_system)", "OVERRIDING SYSTEM VALUE"),
        ("(\0overriding_user)", "OVERRIDING USER VALUE"),
        ("\0cursor:", "CURRENT OF "),
        ("FOR UPDATE OF \0no_key_update.", "FOR NO KEY UPDATE OF "),
        ("FOR UPDATE OF \0no_key_update", "FOR NO KEY UPDATE"),
        ("FOR SHARE OF \0key_share.", "FOR KEY SHARE OF "),
        ("FOR SHARE OF \0key_share", "FOR KEY SHARE"),
        ("ON CONFLICT DO UPDATE SET \0arbiter = ", "ON CONFLICT "),
        (", \0where = ", " WHERE "),
        (", \0do = 0, ", " DO UPDATE SET "),
        (", \0do = 1", " DO NOTHING"),
        (".\0<", ""),
        ("\0<", ""),
        ("\0> PRECEDING", ""),
        ("\0> FOLLOWING", ""),
        ("\0>", ""),
    ] {
        if text.contains(mark) {
            text = text.replace(mark, words);
        }
    }
    text
}

/// A text for a client.
pub(crate) fn without_marks(text: String) -> String {
    if text.contains('\0') { restore(text).replace('\0', "") } else { text }
}

/// The parameter in a seed with a cast; any other name of a parameter is left as it is.
pub(crate) fn seed_parameter(name: &str) -> &str {
    let inside = name.strip_prefix(VERBATIM).and_then(|text| text.split("::").next());
    inside.unwrap_or(name)
}

/// Which passes a statement needs.
#[derive(Clone, Copy, Default)]
struct Needs {
    only: bool,
    words: bool,
    conflict: bool,
    element: bool,
    lock: bool,
    typed: bool,
    argument: bool,
}

impl Needs {
    fn of(tokens: &[Token]) -> Self {
        let mut needs = Self::default();
        let (mut after_name, mut after_for) = (false, false);
        for token in tokens {
            let (mut is_name, mut is_for) = (false, false);
            match token {
                Token::Word(word) if word.quote_style.is_none() => match word.keyword {
                    Keyword::ONLY => needs.only = true,
                    Keyword::VARIADIC
                    | Keyword::CURRENT
                    | Keyword::EXCLUDE
                    | Keyword::NOTNULL
                    | Keyword::OPERATOR
                    | Keyword::ARRAY
                    | Keyword::REPEATABLE
                    | Keyword::PRECEDING
                    | Keyword::FOLLOWING
                    | Keyword::ROWS => needs.words = true,
                    Keyword::CONFLICT => needs.conflict = true,
                    Keyword::FOR => is_for = true,
                    Keyword::UPDATE | Keyword::SHARE | Keyword::NO | Keyword::KEY => {
                        needs.lock |= after_for;
                    }
                    Keyword::NoKeyword => {
                        is_name = true;
                        needs.words |=
                            spelled(Some(token), "isnull") || spelled(Some(token), "overriding");
                    }
                    _ => {}
                },
                Token::Word(_) => is_name = true,
                Token::LBracket => needs.element = true,
                Token::Assignment => needs.argument = true,
                Token::SingleQuotedString(_) => needs.typed |= after_name,
                _ => {}
            }
            (after_name, after_for) = (is_name, is_for);
        }
        needs
    }
}

/// Replaces what the parser does not know.
pub(crate) fn desugar(mut tokens: Vec<Token>) -> Vec<Token> {
    let needs = Needs::of(&tokens);
    let is_query = token::starts_query(&tokens);
    if needs.argument && is_query {
        // Two ways to write the name of an argument.
        for token in tokens.iter_mut().filter(|token| **token == Token::Assignment) {
            *token = Token::RArrow;
        }
    }
    if keyword(&tokens, 0) == Keyword::CREATE {
        definition::view_options(&mut tokens);
    }
    if needs.lock {
        tokens = locks(tokens);
    }
    if needs.only {
        tokens = only(tokens);
    }
    if needs.conflict {
        tokens = conflict::arbiters(tokens);
    }
    if needs.element && is_query {
        tokens = write::elements(tokens);
    }
    if needs.words {
        tokens = words(tokens, is_query);
    }
    if needs.typed && is_query {
        tokens = typed_strings(tokens);
    }
    tokens
}

/// `FOR NO KEY UPDATE` and `FOR KEY SHARE`, and locks of several relations, which are several locks.
fn locks(tokens: Vec<Token>) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let key = |ahead: usize| keyword(&tokens, at.saturating_add(ahead));
        let lock = match (keyword(&tokens, at), key(1), key(2), key(3)) {
            (Keyword::FOR, Keyword::NO, Keyword::KEY, Keyword::UPDATE) => {
                Some((4, "UPDATE", Some(NO_KEY_UPDATE)))
            }
            (Keyword::FOR, Keyword::KEY, Keyword::SHARE, _) => Some((3, "SHARE", Some(KEY_SHARE))),
            (Keyword::FOR, Keyword::UPDATE, _, _) => Some((2, "UPDATE", None)),
            (Keyword::FOR, Keyword::SHARE, _, _) => Some((2, "SHARE", None)),
            _ => None,
        };
        let Some((length, strength, mark_word)) = lock else {
            out.push(token.clone());
            at = at.saturating_add(1);
            continue;
        };
        at = at.saturating_add(length);
        let (names, next) = locked_names(&tokens, at);
        let wait = match (keyword(&tokens, next), keyword(&tokens, next.saturating_add(1))) {
            (Keyword::NOWAIT, _) => 1,
            (Keyword::SKIP, Keyword::LOCKED) => 2,
            _ => 0,
        };
        let end = next.saturating_add(wait);
        for name in names {
            out.push(Token::make_keyword("FOR"));
            out.push(Token::make_keyword(strength));
            if mark_word.is_some() || !name.is_empty() {
                out.push(Token::make_keyword("OF"));
            }
            out.extend(mark_word.map(mark));
            if mark_word.is_some() && !name.is_empty() {
                out.push(Token::Period);
            }
            out.extend(name.iter().cloned());
            out.extend(tokens.get(next..end).unwrap_or_default().iter().cloned());
        }
        at = end;
    }
    out
}

/// The relations behind OF, or one without a name; and where they end.
fn locked_names(tokens: &[Token], start: usize) -> (Vec<&[Token]>, usize) {
    if keyword(tokens, start) != Keyword::OF {
        return (vec![&[]], start);
    }
    let mut names = Vec::new();
    let mut from = start.saturating_add(1);
    loop {
        let end = token::name_end(tokens, from);
        names.push(tokens.get(from..end).unwrap_or_default());
        if !is(tokens, end, &Token::Comma) {
            return (names, end);
        }
        from = end.saturating_add(1);
    }
}

/// `ONLY t` and `ONLY (t)`, where a query or a write names a relation.
fn only(tokens: Vec<Token>) -> Vec<Token> {
    let head = keyword(&tokens, 0);
    // The parser knows ONLY in these.
    if matches!(head, Keyword::TRUNCATE | Keyword::LOCK | Keyword::ALTER) {
        return tokens;
    }
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = at.saturating_add(1);
        let place = out.last().is_some_and(|last| {
            matches!(
                word(last),
                Keyword::FROM | Keyword::JOIN | Keyword::UPDATE | Keyword::USING | Keyword::INTO
            ) || matches!(last, Token::Comma | Token::LParen)
        });
        let bracket = is(&tokens, next, &Token::LParen);
        let from = if bracket { next.saturating_add(1) } else { next };
        let end = token::name_end(&tokens, from);
        let whole = !bracket || is(&tokens, end, &Token::RParen);
        if word(token) == Keyword::ONLY && place && end > from && whole {
            out.push(mark(ONLY));
            out.push(Token::Period);
            out.extend(tokens.get(from..end).unwrap_or_default().iter().cloned());
            at = if bracket { end.saturating_add(1) } else { end };
        } else {
            out.push(token.clone());
            at = next;
        }
    }
    out
}

/// Constructs of a few words.
fn words(tokens: Vec<Token>, is_query: bool) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len().saturating_add(8));
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = at.saturating_add(1);
        let key = |ahead: usize| keyword(&tokens, at.saturating_add(ahead));
        let taken = match word(token) {
            Keyword::VARIADIC if matches!(out.last(), Some(Token::LParen | Token::Comma)) => {
                // Of a definition, VARIADIC is part of the parameter's type.
                is_query.then(|| {
                    out.push(mark(VARIADIC));
                    out.push(Token::RArrow);
                    1
                })
            }
            Keyword::NoKeyword if spelled(Some(token), "overriding") => {
                write::overriding(&mut out, key(1), key(2))
            }
            Keyword::CURRENT if key(1) == Keyword::OF => {
                write::current_of(&mut out, tokens.get(at.saturating_add(2)))
            }
            Keyword::EXCLUDE
                if is(&tokens, at.saturating_add(2), &Token::RParen)
                    || is(&tokens, at.saturating_add(3), &Token::RParen) =>
            {
                exclude(&mut out, &tokens, next)
            }
            Keyword::NoKeyword | Keyword::NOTNULL
                if (word(token) == Keyword::NOTNULL || spelled(Some(token), "isnull"))
                    && out.last().is_some_and(token::ends_operand)
                    && !is(&tokens, next, &Token::LParen) =>
            {
                out.push(Token::make_keyword("IS"));
                if word(token) == Keyword::NOTNULL {
                    out.push(Token::make_keyword("NOT"));
                }
                out.push(Token::make_keyword("NULL"));
                Some(1)
            }
            Keyword::ANY | Keyword::ALL | Keyword::SOME
                if matches!(out.last(), Some(Token::RParen))
                    && is(&tokens, next, &Token::LParen) =>
            {
                let found = QUANTIFIERS.iter().find(|(_, _, key)| *key == word(token));
                found.filter(|_| token::closes_operator(&out)).map(|(name, _, _)| {
                    out.push(mark(name));
                    1
                })
            }
            Keyword::ROWS
                if key(1) == Keyword::FROM && is(&tokens, at.saturating_add(2), &Token::LParen) =>
            {
                out.push(mark(ROWS_FROM));
                Some(2)
            }
            Keyword::PRECEDING | Keyword::FOLLOWING => text_bound(&mut out).map(|()| {
                out.push(token.clone());
                1
            }),
            Keyword::REPEATABLE => seed(&mut out, &tokens, next),
            // `text array` is `text[]`.
            Keyword::ARRAY
                if !matches!(tokens.get(next), Some(Token::LBracket | Token::LParen))
                    && out.last().is_some_and(token::ends_operand) =>
            {
                out.push(Token::LBracket);
                out.push(Token::RBracket);
                Some(1)
            }
            _ => None,
        };
        match taken {
            Some(count) => at = at.saturating_add(count),
            None => {
                out.push(token.clone());
                at = next;
            }
        }
    }
    out
}

/// `EXCLUDE TIES` and the like, at the end of a window's frame: taken into the frame's last bound.
fn exclude(out: &mut Vec<Token>, tokens: &[Token], next: usize) -> Option<usize> {
    let (what, count) = match (keyword(tokens, next), keyword(tokens, next.saturating_add(1))) {
        (Keyword::CURRENT, Keyword::ROW) => ("CURRENT ROW", 3),
        (Keyword::NO, _) if spelled(tokens.get(next.saturating_add(1)), "others") => {
            ("NO OTHERS", 3)
        }
        (Keyword::GROUP, _) => ("GROUP", 2),
        (Keyword::TIES, _) => ("TIES", 2),
        _ => return None,
    };
    if !is(tokens, next.saturating_add(count).saturating_sub(1), &Token::RParen) {
        return None;
    }
    let side = word(out.last()?);
    let bound = out.get(out.len().checked_sub(2)?)?.clone();
    let (first, side) = match (word(&bound), side) {
        (Keyword::CURRENT, Keyword::ROW) => ("CURRENT ROW".to_owned(), "FOLLOWING"),
        (Keyword::UNBOUNDED, Keyword::PRECEDING) => ("UNBOUNDED PRECEDING".to_owned(), "PRECEDING"),
        (Keyword::UNBOUNDED, Keyword::FOLLOWING) => ("UNBOUNDED FOLLOWING".to_owned(), "FOLLOWING"),
        (_, Keyword::PRECEDING) => (format!("{} PRECEDING", number(out, &bound)?), "PRECEDING"),
        (_, Keyword::FOLLOWING) => (format!("{} FOLLOWING", number(out, &bound)?), "FOLLOWING"),
        _ => return None,
    };
    out.truncate(out.len().checked_sub(2)?);
    out.push(mark(&format!("{VERBATIM}{first} EXCLUDE {what}{VERBATIM_END}")));
    out.push(Token::make_keyword(side));
    Some(count)
}

/// `REPEATABLE ($1::int)`: a seed that is a parameter with a cast.
fn seed(out: &mut Vec<Token>, tokens: &[Token], next: usize) -> Option<usize> {
    let [Token::LParen, value, Token::DoubleColon, Token::Word(kind), Token::RParen] =
        tokens.get(next..next.checked_add(5)?)?
    else {
        return None;
    };
    let Token::Placeholder(value) = value else { return None };
    if kind.quote_style.is_some() {
        return None;
    }
    out.push(Token::make_keyword("REPEATABLE"));
    out.push(Token::LParen);
    let text = format!("{VERBATIM}{value}::{}{VERBATIM_END}", kind.value);
    out.push(Token::Placeholder(text));
    out.push(Token::RParen);
    Some(6)
}

/// A bound that is one number, and nothing in front of it.
fn number(out: &[Token], bound: &Token) -> Option<String> {
    match bound {
        Token::Number(digits, false) if begins_bound(out.get(out.len().checked_sub(3)?)?) => {
            Some(digits.clone())
        }
        _ => None,
    }
}

/// Whether a bound of a frame begins behind this token.
fn begins_bound(token: &Token) -> bool {
    matches!(
        word(token),
        Keyword::ROWS | Keyword::RANGE | Keyword::GROUPS | Keyword::BETWEEN | Keyword::AND
    )
}

/// `'1 day'::interval PRECEDING`: the parser takes a string there for a whole interval.
fn text_bound(out: &mut Vec<Token>) -> Option<()> {
    let start = out.len().checked_sub(4)?;
    let [before, text @ Token::SingleQuotedString(_), Token::DoubleColon, kind @ Token::Word(_)] =
        out.get(start..)?
    else {
        return None;
    };
    if !begins_bound(before) {
        return None;
    }
    let (text, kind) = (text.clone(), kind.clone());
    out.truncate(start.checked_add(1)?);
    out.extend([Token::make_keyword("CAST"), Token::LParen, text, Token::make_keyword("AS")]);
    out.extend([kind, Token::RParen]);
    Some(())
}

/// `type 'literal'` for a type that the parser does not know is a cast.
fn typed_strings(tokens: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len().saturating_add(8));
    for (at, token) in tokens.iter().enumerate() {
        let start = token::type_start(&out);
        match (token, start) {
            (Token::SingleQuotedString(_), Some(start)) if at > 0 => {
                let name = out.split_off(start);
                out.push(Token::make_keyword("CAST"));
                out.push(Token::LParen);
                out.push(token.clone());
                out.push(Token::make_keyword("AS"));
                out.extend(name);
                out.push(Token::RParen);
            }
            _ => out.push(token.clone()),
        }
    }
    out
}
