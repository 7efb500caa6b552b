//! The parser's tokens of a text of MySQL or MariaDB.
//!
//! Every word that can only be a name goes to the parser in backticks, whether the client wrote them or not:
//! then neither the parser's own key words nor those of a newer server change what it is. Words of the
//! grammar stay bare, and the walker refuses them as names.

use jurat_types::Engine;
use sqlparser::tokenizer::Token;

use super::desugar::desugar;
use super::form::unescaped;
use super::labels::{self, Unnamed};
use super::words;
use crate::gate::{GateError, Source, inside};
use crate::scan::Kind;

/// One statement as the parser's tokens.
///
/// # Errors
/// Where a piece has no token of its own.
pub(crate) fn tokens(source: &Source<'_>) -> Result<Vec<Token>, GateError> {
    let words = source.words();
    let words = words.as_slice();
    let engine = source.engine;
    let places = source.places();
    let mut unnamed = labels::unnamed(words).into_iter().peekable();
    let mut tokens = Vec::with_capacity(words.len());
    for (at, (kind, text)) in words.iter().enumerate() {
        while let Some(item) = unnamed.next_if(|item| item.end == at) {
            push_alias(&mut tokens, source, &places, words, item);
        }
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        let behind = words.get(at.saturating_add(1));
        tokens.push(match kind {
            Kind::Word if names_query(words, at) => Token::make_word(text, Some('`')),
            Kind::Word => word(text, before, behind, engine)?,
            Kind::Quoted => Token::make_word(inside(text), Some('`')),
            Kind::Number => Token::Number((*text).to_owned(), false),
            Kind::Text if labels::is_string_alias(words, at) => {
                let name = unescaped(text).unwrap_or_default();
                Token::make_word(&name.replace('`', "``"), Some('`'))
            }
            Kind::Text => Token::SingleQuotedString(string(text)),
            Kind::Prefixed => prefixed(text),
            Kind::Parameter => Token::Placeholder((*text).to_owned()),
            Kind::Operator | Kind::Symbol => symbol(text)?,
            // There are none here.
            Kind::Space | Kind::Comment | Kind::Dollar => continue,
        });
    }
    for item in unnamed {
        push_alias(&mut tokens, source, &places, words, item);
    }
    Ok(desugar(tokens))
}

/// Writes down the name of a result column.
fn push_alias(
    tokens: &mut Vec<Token>,
    source: &Source<'_>,
    places: &[usize],
    words: &[Word<'_>],
    item: Unnamed,
) {
    let Unnamed { start, end } = item;
    let own = words.get(start..end).unwrap_or_default();
    if let Some(name) = labels::alias(own, &source.written(places, start, end)) {
        tokens.push(Token::make_keyword("AS"));
        tokens.push(Token::make_word(&name.replace('`', "``"), Some('`')));
    }
}

type Word<'w> = (Kind, &'w str);

fn word(
    text: &str,
    before: Option<&Word<'_>>,
    behind: Option<&Word<'_>>,
    engine: Engine,
) -> Result<Token, GateError> {
    if let Some(name) = text.strip_prefix('@') {
        if name.starts_with(['\'', '"', '`']) {
            return Err(GateError::Word { word: "a quoted user variable" });
        }
        return Ok(Token::make_word(text, None));
    }
    let lower = text.to_ascii_lowercase();
    if lower == "div"
        && behind.is_none_or(|(_, text)| *text != ".")
        && before.is_none_or(|(_, text)| *text != ".")
    {
        // The parser's own way to read it copies all that stands before it.
        return Ok(Token::CustomBinaryOperator("DIV".to_owned()));
    }
    let is = |word: Option<&Word<'_>>, expected: &str| {
        word.is_some_and(|(_, text)| text.eq_ignore_ascii_case(expected))
    };
    let quoted = || Ok(Token::make_word(text, Some('`')));
    let bare = || Ok(Token::make_word(text, None));
    // Behind a dot every word is a name.
    if is(before, ".") {
        return quoted();
    }
    if words::is_reserved_in(&lower, engine) {
        return bare();
    }
    let called = is(behind, "(") && is(before, "straight_join");
    if is(behind, ".") || stands_for_name(before) && !is_modifier(&lower) && !called {
        return quoted();
    }
    let literal =
        behind.is_some_and(|(kind, _)| matches!(kind, Kind::Text | Kind::Prefixed | Kind::Number));
    let introducer = lower.starts_with('_') && literal;
    if introducer || is(behind, "(") || words::is_contextual(&lower) { bare() } else { quoted() }
}

/// Whether the word at a place is the name of a WITH query with column names: `t (a, b) AS (`.
fn names_query(words: &[Word<'_>], at: usize) -> bool {
    let is = |at: usize, expected: &str| {
        words.get(at).is_some_and(|(_, text)| text.eq_ignore_ascii_case(expected))
    };
    let open = at.saturating_add(1);
    if !is(open, "(") {
        return false;
    }
    let columns = words.iter().skip(open.saturating_add(1));
    let length = columns
        .take_while(|(kind, text)| matches!(kind, Kind::Word | Kind::Quoted) || *text == ",")
        .count();
    let end = open.saturating_add(length).saturating_add(1);
    is(end, ")") && is(end.saturating_add(1), "as") && is(end.saturating_add(2), "(")
}

/// Words with a name behind them, where INTO is left out of INSERT as well.
const FRONT_OF_NAME: [&str; 11] = [
    "as",
    "delayed",
    "from",
    "high_priority",
    "ignore",
    "insert",
    "into",
    "join",
    "straight_join",
    "table",
    "update",
];

/// Whether a name must stand behind this.
fn stands_for_name(before: Option<&Word<'_>>) -> bool {
    let Some((kind, text)) = before else { return false };
    match kind {
        Kind::Word => FRONT_OF_NAME.iter().any(|word| text.eq_ignore_ascii_case(word)),
        // The alias of a derived table with column names; no function stands behind a bracket.
        Kind::Symbol => *text == ")",
        Kind::Space
        | Kind::Comment
        | Kind::Quoted
        | Kind::Number
        | Kind::Text
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter
        | Kind::Operator => false,
    }
}

/// Words that are no names although they can be, where they stand in front of one or behind a bracket.
fn is_modifier(lower: &str) -> bool {
    words::is_contextual(lower)
}

/// A string as it is written between single quotes, every quote in it with a backslash.
///
/// `\%` and `\_` stay two characters each, as the servers have it.
fn string(text: &str) -> String {
    let quote = text.chars().next().unwrap_or('\'');
    let mut out = String::with_capacity(text.len());
    let mut chars = inside(text).chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => {
                out.push('\\');
                out.extend(chars.next());
            }
            char if char == quote => {
                // It is doubled, or it would have closed the string.
                chars.next();
                push_quoted(&mut out, char);
            }
            char => push_quoted(&mut out, char),
        }
    }
    out
}

fn push_quoted(out: &mut String, char: char) {
    if char == '\'' {
        out.push('\\');
    }
    out.push(char);
}

/// `0x41` and `0b01` can be numbers where `x'41'` and `b'01'` are strings, so each stays what it is.
fn prefixed(text: &str) -> Token {
    let digits = text.get(1..).unwrap_or_default();
    match text.bytes().next() {
        Some(b'x' | b'X') => Token::HexStringLiteral(inside(digits).to_owned()),
        Some(b'b' | b'B') => Token::SingleQuotedByteStringLiteral(inside(digits).to_owned()),
        Some(_) | None => Token::Number(text.to_owned(), false),
    }
}

fn symbol(text: &str) -> Result<Token, GateError> {
    Ok(match text {
        "," => Token::Comma,
        "." => Token::Period,
        "(" => Token::LParen,
        ")" => Token::RParen,
        ";" => Token::SemiColon,
        ":=" => Token::Assignment,
        "=" => Token::Eq,
        "*" => Token::Mul,
        "<" => Token::Lt,
        ">" => Token::Gt,
        "<=" => Token::LtEq,
        ">=" => Token::GtEq,
        "<>" | "!=" => Token::Neq,
        "<=>" => Token::Spaceship,
        "+" => Token::Plus,
        "-" => Token::Minus,
        "/" => Token::Div,
        "%" => Token::Mod,
        "&" => Token::Ampersand,
        "|" => Token::Pipe,
        "^" => Token::Caret,
        "~" => Token::Tilde,
        "<<" => Token::ShiftLeft,
        ">>" => Token::ShiftRight,
        "->" => Token::Arrow,
        "->>" => Token::LongArrow,
        "!" => Token::ExclamationMark,
        // Without PIPES_AS_CONCAT, which is pinned.
        "||" => Token::make_keyword("OR"),
        "&&" => Token::make_keyword("AND"),
        _ => return Err(GateError::Operator { operator: text.to_owned() }),
    })
}

#[cfg(test)]
mod tests {
    use super::string;

    #[test]
    fn a_string_keeps_its_value_in_single_quotes() {
        for (text, expected) in [
            ("'a'", "a"),
            ("'it''s'", r"it\'s"),
            (r"'it\'s'", r"it\'s"),
            (r#""it's""#, r"it\'s"),
            (r#""a""b""#, r#"a"b"#),
            (r#"'a\"b'"#, r#"a\"b"#),
            (r"'x\0\Z\%\\'", r"x\0\Z\%\\"),
        ] {
            assert_eq!(string(text), expected, "{text}");
        }
    }
}
