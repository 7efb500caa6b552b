//! The lexical gate: from the bytes of a text to the tokens of its statements.
//!
//! The parser never cuts the text itself: every token that it gets is one piece of PostgreSQL's own
//! scanner (`scan.rs`). What the parser's token type cannot hold as one token is refused.

use jurat_types::Engine;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};
use thiserror::Error;

use crate::limits::ReadLimits;
use crate::scan::{Kind, Piece, ScanError, cut};
use crate::stack::bytes_for;
use crate::{keywords, mysql, pre, redact};

/// One statement of a text, not yet parsed.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// The whole text that the pieces point into.
    whole: &'a str,
    /// The statement's pieces, without blanks at both ends.
    pieces: Vec<Piece>,
    /// How many brackets and the like are open at most.
    pub(crate) nesting: usize,
    /// Whose text it is.
    pub(crate) engine: Engine,
}

/// Why a text does not come to the parser. No message repeats a literal.
#[derive(Debug, Error, Eq, PartialEq)]
pub(crate) enum GateError {
    #[error("the text is longer than {max} bytes")]
    TooLong { max: usize },
    #[error("the text is not valid UTF-8")]
    Encoding,
    #[error("the text has a NUL byte")]
    Nul,
    #[error("the text has more than {max} statements")]
    TooManyStatements { max: usize },
    #[error("brackets or clauses are nested more than {max} deep")]
    TooDeep { max: usize },
    #[error("`{word}` is not supported")]
    Word { word: &'static str },
    #[error("the operator `{operator}` is not supported")]
    Operator { operator: String },
    #[error(transparent)]
    Scan(#[from] ScanError),
}

/// Checks bytes and size.
///
/// # Errors
/// Where the text is too long, is not UTF-8 or holds a NUL byte.
pub(crate) fn text_of<'a>(bytes: &'a [u8], limits: &ReadLimits) -> Result<&'a str, GateError> {
    if bytes.len() > limits.bytes_max {
        return Err(GateError::TooLong { max: limits.bytes_max });
    }
    if bytes.contains(&0) {
        return Err(GateError::Nul);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(_) => Err(GateError::Encoding),
    }
}

/// A text of MySQL that holds strings of bytes and would be UTF-8 without them, with these in digits.
pub(crate) fn with_bytes_in_digits(bytes: &[u8], limits: &ReadLimits) -> Option<String> {
    let fits = bytes.len() <= limits.bytes_max && std::str::from_utf8(bytes).is_err();
    if fits { mysql::in_digits(bytes) } else { None }
}

/// Cuts a text into its statements.
///
/// # Errors
/// Where the text cannot be cut with certainty, or is over a limit.
pub(crate) fn split<'a>(
    text: &'a str,
    engine: Engine,
    limits: &ReadLimits,
) -> Result<Vec<Source<'a>>, GateError> {
    let pieces = cut(text, engine, limits.tokens_max)?;
    let mut sources: Vec<Source<'a>> = Vec::new();
    if !engine.is_postgres() {
        for pieces in mysql::statements(text, pieces) {
            push(&mut sources, text, engine, pieces, limits)?;
        }
        return Ok(sources);
    }
    let mut current: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut brackets = 0_usize;
    let mut previous = "";
    for piece in pieces {
        let word = piece.of(text);
        if piece.kind == Kind::Symbol {
            match word {
                ";" if brackets == 0 => {
                    push(&mut sources, text, engine, std::mem::take(&mut current), limits)?;
                    previous = "";
                    continue;
                }
                "(" | "[" => brackets = brackets.saturating_add(1),
                ")" | "]" => brackets = brackets.saturating_sub(1),
                _ => {}
            }
        }
        if piece.kind == Kind::Word {
            if word.eq_ignore_ascii_case("uescape") {
                return Err(GateError::Word { word: "UESCAPE" });
            }
            // Such a body holds semicolons of its own.
            if word.eq_ignore_ascii_case("atomic") && previous.eq_ignore_ascii_case("begin") {
                return Err(GateError::Word { word: "BEGIN ATOMIC" });
            }
        }
        if !piece.kind.is_blank() {
            previous = word;
        }
        if !(current.is_empty() && piece.kind.is_blank()) {
            current.push(piece);
        }
    }
    push(&mut sources, text, engine, current, limits)?;
    Ok(sources)
}

/// Adds a statement unless it is empty.
fn push<'a>(
    sources: &mut Vec<Source<'a>>,
    whole: &'a str,
    engine: Engine,
    mut pieces: Vec<Piece>,
    limits: &ReadLimits,
) -> Result<(), GateError> {
    while pieces.last().is_some_and(|piece| piece.kind.is_blank()) {
        pieces.pop();
    }
    if pieces.is_empty() {
        return Ok(());
    }
    if sources.len() >= limits.statements_max {
        return Err(GateError::TooManyStatements { max: limits.statements_max });
    }
    let nesting = nesting(whole, &pieces);
    if nesting > limits.nesting_max {
        return Err(GateError::TooDeep { max: limits.nesting_max });
    }
    sources.push(Source { whole, pieces, nesting, engine });
    Ok(())
}

/// The depth of everything that makes the parser call itself: brackets, CASE, prefix operators, and
/// joins that wait for their ON.
fn nesting(whole: &str, pieces: &[Piece]) -> usize {
    let (mut open, mut prefixes, mut joins, mut deepest) = (0_usize, 0_usize, 0_usize, 0_usize);
    for piece in pieces.iter().filter(|piece| !piece.kind.is_blank()) {
        let turn = turn(piece, whole);
        match turn {
            Turn::Opens => open = open.saturating_add(1),
            Turn::Closes => open = open.saturating_sub(1),
            Turn::Joins => joins = joins.saturating_add(1),
            Turn::Joined => joins = joins.saturating_sub(1),
            Turn::Prefix | Turn::None => {}
        }
        let waits = matches!(turn, Turn::Opens | Turn::Prefix);
        prefixes = if waits { prefixes.saturating_add(1) } else { 0 };
        deepest = deepest.max(open.saturating_add(prefixes).saturating_add(joins));
    }
    deepest
}

/// What a piece does to the depth.
#[derive(Clone, Copy)]
enum Turn {
    /// Opens something that is closed later.
    Opens,
    Closes,
    /// A join that waits for its condition.
    Joins,
    Joined,
    /// What follows is read by a further call.
    Prefix,
    None,
}

fn turn(piece: &Piece, whole: &str) -> Turn {
    let word = piece.of(whole);
    match (piece.kind, word) {
        (Kind::Operator, _) => return Turn::Prefix,
        (Kind::Symbol, "(" | "[") => return Turn::Opens,
        (Kind::Symbol, ")" | "]") => return Turn::Closes,
        (Kind::Word, _) => {}
        _ => return Turn::None,
    }
    // By length, because most words are names.
    let known: &[(&str, Turn)] = match word.len() {
        2 => &[("on", Turn::Joined), ("as", Turn::Prefix)],
        3 => &[("end", Turn::Closes), ("not", Turn::Prefix)],
        4 => &[("join", Turn::Joins), ("case", Turn::Opens)],
        5 => &[("using", Turn::Joined), ("cross", Turn::Joined), ("setof", Turn::Prefix)],
        6 => &[("select", Turn::Prefix)],
        7 => &[
            ("natural", Turn::Joined),
            ("explain", Turn::Prefix),
            ("prepare", Turn::Prefix),
            ("analyze", Turn::Prefix),
            ("verbose", Turn::Prefix),
        ],
        8 => &[("interval", Turn::Prefix)],
        _ => &[],
    };
    let same = |(name, _): &&(&str, Turn)| word.eq_ignore_ascii_case(name);
    known.iter().find(same).map_or(Turn::None, |(_, turn)| *turn)
}

impl Source<'_> {
    /// The client's own text without comments and without blanks at both ends.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece.kind {
                Kind::Comment => text.push(' '),
                Kind::Space
                | Kind::Word
                | Kind::Quoted
                | Kind::Number
                | Kind::Text
                | Kind::Prefixed
                | Kind::Dollar
                | Kind::Parameter
                | Kind::Operator
                | Kind::Symbol => text.push_str(piece.of(self.whole)),
            }
        }
        text
    }

    /// The client's own text as it came.
    pub(crate) fn original(&self) -> &str {
        let start = self.pieces.first().map_or(0, |piece| piece.start);
        let end = self.pieces.last().map_or(0, |piece| piece.end);
        self.whole.get(start..end).unwrap_or_default()
    }

    /// The text with its literals taken out.
    pub(crate) fn redacted(&self) -> String {
        redact::pieces(self.whole, &self.pieces)
    }

    /// The pieces, where they are all that there is in the text.
    pub(crate) fn into_whole(self) -> Option<Vec<Piece>> {
        let whole = self.original().len() == self.whole.len();
        whole.then_some(self.pieces)
    }

    /// How much stack a tree of it can need, in bytes.
    ///
    /// Blanks count too: a level of the tree that is one token, as in `a NOTNULL NOTNULL`, has one before it.
    pub(crate) const fn stack_bytes(&self) -> usize {
        bytes_for(self.pieces.len(), self.nesting)
    }

    /// The pieces that are not blank, as (kind, text).
    pub(crate) fn words(&self) -> Vec<(Kind, &str)> {
        self.pieces
            .iter()
            .filter(|piece| !piece.kind.is_blank())
            .map(|piece| (piece.kind, piece.of(self.whole)))
            .collect()
    }

    /// How many parameters there are; those of MySQL and MariaDB have no numbers.
    pub(crate) fn n_parameters(&self) -> usize {
        self.pieces.iter().filter(|piece| piece.kind == Kind::Parameter).count()
    }

    /// The first piece, as [`Self::words`] has it; it is not blank.
    pub(crate) fn first(&self) -> Option<(Kind, &str)> {
        self.pieces.first().map(|piece| (piece.kind, piece.of(self.whole)))
    }

    /// The text from the non-blank piece number `start` up to the one before `end`, without comments.
    pub(crate) fn between(&self, start: usize, end: usize) -> String {
        let mut text = String::new();
        let mut number = 0_usize;
        for piece in &self.pieces {
            let blank = piece.kind.is_blank();
            if number > start && number < end && blank && !text.ends_with(' ') {
                text.push(' ');
            }
            if !blank {
                if (start..end).contains(&number) {
                    text.push_str(piece.of(self.whole));
                }
                number = number.saturating_add(1);
            }
        }
        text
    }

    /// Where the pieces that are not blank stand among all.
    pub(crate) fn places(&self) -> Vec<usize> {
        let all = self.pieces.iter().enumerate();
        all.filter(|(_, piece)| !piece.kind.is_blank()).map(|(place, _)| place).collect()
    }

    /// The text from the non-blank piece number `start` up to the one before `end` as it came, without
    /// comments; `places` is [`Self::places`].
    pub(crate) fn written(&self, places: &[usize], start: usize, end: usize) -> String {
        let first = places.get(start);
        let last = end.checked_sub(1).and_then(|last| places.get(last));
        let (Some(first), Some(last)) = (first, last) else { return String::new() };
        let pieces = self.pieces.get(*first..=*last).unwrap_or_default().iter();
        let shown = pieces.filter(|piece| piece.kind != Kind::Comment);
        shown.map(|piece| piece.of(self.whole)).collect()
    }

    /// The tokens for the parser.
    ///
    /// # Errors
    /// Where a piece has no token of its own.
    pub(crate) fn to_tokens(&self) -> Result<Vec<Token>, GateError> {
        match self.engine {
            Engine::Postgres => self.to_postgres_tokens(),
            Engine::Mariadb | Engine::Mysql => mysql::tokens(self),
        }
    }

    fn to_postgres_tokens(&self) -> Result<Vec<Token>, GateError> {
        let mut tokens = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            let text = piece.of(self.whole);
            let token = match piece.kind {
                Kind::Space | Kind::Comment => continue,
                Kind::Word => keywords::token(text),
                Kind::Quoted => Token::make_word(inside(text), Some('"')),
                Kind::Number => Token::Number(text.to_owned(), false),
                Kind::Text => Token::SingleQuotedString(inside(text).to_owned()),
                Kind::Parameter => Token::Placeholder(text.to_owned()),
                // One that the parser does not know is a user's, or one of few.
                Kind::Operator => {
                    single(text).unwrap_or_else(|_| Token::CustomBinaryOperator(text.to_owned()))
                }
                Kind::Prefixed | Kind::Dollar | Kind::Symbol => single(text)?,
            };
            tokens.push(token);
        }
        quote_function_names(&mut tokens);
        Ok(pre::desugar(expand_table_commands(tokens)))
    }
}

/// A quoted piece without its quotes.
pub(crate) fn inside(text: &str) -> &str {
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default()
}

/// The token of a frequent symbol or operator; a scanner for each would cost more than the parse.
fn frequent(text: &str) -> Option<Token> {
    Some(match text {
        "," => Token::Comma,
        "." => Token::Period,
        "(" => Token::LParen,
        ")" => Token::RParen,
        "=" => Token::Eq,
        "::" => Token::DoubleColon,
        "*" => Token::Mul,
        "<" => Token::Lt,
        ">" => Token::Gt,
        "<=" => Token::LtEq,
        ">=" => Token::GtEq,
        "<>" | "!=" => Token::Neq,
        "+" => Token::Plus,
        "-" => Token::Minus,
        "/" => Token::Div,
        "||" => Token::StringConcat,
        "[" => Token::LBracket,
        "]" => Token::RBracket,
        _ => return None,
    })
}

/// The one token that the parser's own scanner makes of a piece.
fn single(text: &str) -> Result<Token, GateError> {
    if let Some(token) = frequent(text) {
        return Ok(token);
    }
    let dialect = PostgreSqlDialect {};
    let refused = || GateError::Operator {
        operator: if text.len() <= 8 { text.to_owned() } else { "…".to_owned() },
    };
    let Ok(mut tokens) = Tokenizer::new(&dialect, text).with_unescape(false).tokenize() else {
        return Err(refused());
    };
    match (tokens.pop(), tokens.is_empty()) {
        (Some(token), true) => Ok(token),
        (Some(_) | None, _) => Err(refused()),
    }
}

/// Quotes words between a dot and a bracket that the parser would read as its own syntax:
/// `pg_catalog.substr(…)` is a plain call.
fn quote_function_names(tokens: &mut [Token]) {
    let mut after_dot = false;
    for index in 0..tokens.len() {
        let called = tokens.get(index.saturating_add(1)) == Some(&Token::LParen);
        let Some(token) = tokens.get_mut(index) else { break };
        let was_after_dot = std::mem::replace(&mut after_dot, *token == Token::Period);
        if let Token::Word(word) = token
            && was_after_dot
            && called
            && word.quote_style.is_none()
        {
            let folded = word.value.to_ascii_lowercase();
            if keywords::needs_quotes(&folded) {
                *token = Token::make_word(&folded, Some('"'));
            }
        }
    }
}

/// Replaces the command `TABLE t` by `SELECT * FROM t`, which is its definition.
///
/// The parser loses quotes and swallows tokens there, so it must not see it.
fn expand_table_commands(tokens: Vec<Token>) -> Vec<Token> {
    let is_table = |token: &Token| is_word(token, "table");
    if !tokens.iter().any(is_table) {
        return tokens;
    }
    let mut expanded = Vec::with_capacity(tokens.len());
    // Whether a query may begin here.
    let mut at_start = true;
    for (index, token) in tokens.iter().enumerate() {
        if at_start && is_table(token) && names_relation(&tokens, index) {
            for word in ["SELECT", "*", "FROM"] {
                expanded.push(if word == "*" { Token::Mul } else { Token::make_keyword(word) });
            }
        } else {
            expanded.push(token.clone());
        }
        at_start = *token == Token::LParen
            || ["union", "except", "intersect", "all", "distinct"]
                .iter()
                .any(|word| is_word(token, word));
    }
    expanded
}

fn is_word(token: &Token, expected: &str) -> bool {
    if let Token::Word(word) = token {
        word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected)
    } else {
        false
    }
}

/// Whether a name follows the token at `index`.
fn names_relation(tokens: &[Token], index: usize) -> bool {
    if let Some(Token::Word(word)) = tokens.get(index.saturating_add(1)) {
        word.quote_style.is_some()
            || !keywords::is_reserved_for_relations(&word.value.to_ascii_lowercase())
    } else {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::{PostgreSqlDialect, Tokenizer, frequent};

    #[test]
    fn a_frequent_symbol_is_what_the_parser_makes_of_it() {
        for text in [
            ",", ".", "(", ")", "=", "::", "*", "<", ">", "<=", ">=", "<>", "!=", "+", "-", "/",
            "||", "[", "]",
        ] {
            let token = frequent(text).unwrap();
            let mut tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().unwrap();
            assert_eq!((tokens.pop(), tokens.len()), (Some(token), 0), "{text}");
        }
        assert_eq!(frequent("@>"), None);
    }
}
