//! PostgreSQL's lexical rules: a text cut into pieces exactly where the server's own scanner cuts it.
//!
//! The parser is fed from these pieces (`gate.rs`), so it never sees a boundary that the server would
//! not see. What differs between server versions or settings is an error here, never a guess.
//! Source: `src/backend/parser/scan.l` of PostgreSQL 15, and its chapter 4.1, "Lexical Structure".

use jurat_types::Engine;
use thiserror::Error;

/// What a piece is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// White space.
    Space,
    /// `-- …` or `/* … */`.
    Comment,
    /// An unquoted identifier or key word.
    Word,
    /// A quoted identifier.
    Quoted,
    /// A number.
    Number,
    /// A plain string.
    Text,
    /// A string with a prefix (`E`, `B`, `X`, `N`).
    Prefixed,
    /// A dollar-quoted string.
    Dollar,
    /// `$1`.
    Parameter,
    /// One operator.
    Operator,
    /// One of `( ) [ ] , ; : . :: :=`.
    Symbol,
}

impl Kind {
    /// Whether the piece is a value that records must not show.
    pub(crate) const fn is_literal(self) -> bool {
        match self {
            Self::Number | Self::Text | Self::Prefixed | Self::Dollar => true,
            Self::Space
            | Self::Comment
            | Self::Word
            | Self::Quoted
            | Self::Parameter
            | Self::Operator
            | Self::Symbol => false,
        }
    }

    /// Whether the piece separates others and means nothing itself.
    pub(crate) const fn is_blank(self) -> bool {
        matches!(self, Self::Space | Self::Comment)
    }
}

/// A part of a text, as a byte range on character boundaries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Piece {
    /// The piece's own text.
    pub(crate) fn of<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// Why a text cannot be cut into pieces. No message repeats the text.
#[derive(Debug, Error, Eq, PartialEq)]
pub(crate) enum ScanError {
    #[error("the text has more than {max} tokens")]
    TooMany { max: usize },
    #[error("a comment, a string or a quoted name is not closed")]
    Unclosed,
    #[error("Unicode escapes (U& and UESCAPE) are not supported")]
    UnicodeEscape,
    #[error("a number is followed by letters without a space")]
    JunkAfterNumber,
    #[error("two string literals follow each other without an operator")]
    AdjacentStrings,
    #[error("a name is empty or longer than 63 bytes")]
    NameLength,
    #[error("a character is not part of any token")]
    Character,
    #[error(
        "a comment that some servers execute (/*! or /*M!) is not supported; write it as SQL, or leave it out"
    )]
    ExecutableComment,
    #[error("an optimizer hint that sets a variable is not supported")]
    VariableHint,
    #[error("a string in another character set is not supported")]
    Introducer,
}

/// Cuts `text` by the rules of the server that it is for.
///
/// # Errors
/// As [`scan`] and the scanner of MySQL.
pub(crate) fn cut(text: &str, engine: Engine, tokens_max: usize) -> Result<Vec<Piece>, ScanError> {
    let mut pieces = Vec::with_capacity(about(text));
    cut_into(&mut pieces, text, engine, tokens_max)?;
    Ok(pieces)
}

/// As [`cut`], behind pieces that are there already.
pub(crate) fn cut_into(
    pieces: &mut Vec<Piece>,
    text: &str,
    engine: Engine,
    tokens_max: usize,
) -> Result<(), ScanError> {
    match engine {
        Engine::Postgres => scan_into(pieces, text, tokens_max),
        Engine::Mariadb | Engine::Mysql => crate::mysql::scan_into(pieces, text, tokens_max),
    }
}

/// For how many pieces of a text room is made before any is found. Words are mostly longer than the three bytes
/// that this assumes with the blank behind each.
fn about(text: &str) -> usize {
    const AT_ONCE: usize = 1024;
    (text.len() / 3).min(AT_ONCE)
}

/// Cuts `text` into pieces.
///
/// # Errors
/// Where the text has more than `tokens_max` pieces that are not blank, or is not PostgreSQL's.
pub(crate) fn scan(text: &str, tokens_max: usize) -> Result<Vec<Piece>, ScanError> {
    let mut pieces = Vec::with_capacity(about(text));
    scan_into(&mut pieces, text, tokens_max)?;
    Ok(pieces)
}

fn scan_into(pieces: &mut Vec<Piece>, text: &str, tokens_max: usize) -> Result<(), ScanError> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    let mut tokens = 0_usize;
    // Whether only blanks stand between here and a string literal.
    let mut after_string = false;
    while let Some(byte) = scanner.peek(0) {
        let start = scanner.at;
        let kind = scanner.piece(byte)?;
        if !kind.is_blank() {
            tokens = tokens.saturating_add(1);
            if tokens > tokens_max {
                return Err(ScanError::TooMany { max: tokens_max });
            }
            // The server joins `'a'` newline `'b'` to one literal; without a newline it is an error.
            if after_string && kind == Kind::Text {
                return Err(ScanError::AdjacentStrings);
            }
            after_string = matches!(kind, Kind::Text | Kind::Prefixed);
        }
        pieces.push(Piece { kind, start, end: scanner.at });
    }
    Ok(())
}

/// The characters that operators are made of.
const fn is_operator(byte: u8) -> bool {
    matches!(
        byte,
        b'~' | b'!'
            | b'@'
            | b'#'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'<'
            | b'>'
            | b'='
    )
}

/// An operator of several characters may end in `+` or `-` only if it has one of these.
const fn allows_trailing_sign(byte: u8) -> bool {
    matches!(byte, b'~' | b'!' | b'@' | b'#' | b'%' | b'^' | b'&' | b'|' | b'`' | b'?')
}

const fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

const fn continues_name(byte: u8) -> bool {
    starts_name(byte) || byte.is_ascii_digit() || byte == b'$'
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at.saturating_add(ahead)).copied()
    }

    const fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn skip_while(&mut self, accept: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&accept) {
            self.skip(1);
        }
    }

    /// Reads one piece that begins with `byte`.
    fn piece(&mut self, byte: u8) -> Result<Kind, ScanError> {
        match byte {
            // The vertical tab is white space from PostgreSQL 16 on only.
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => {
                self.skip_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0c));
                Ok(Kind::Space)
            }
            b'-' if self.peek(1) == Some(b'-') => {
                self.skip_while(|b| b != b'\n' && b != b'\r');
                Ok(Kind::Comment)
            }
            b'/' if self.peek(1) == Some(b'*') => self.block_comment(),
            b'\'' => self.string(false).map(|()| Kind::Text),
            b'"' => self.quoted_name(),
            b'$' => self.dollar(),
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_some_and(|b| b.is_ascii_digit()) => self.number(),
            b':' if matches!(self.peek(1), Some(b':' | b'=')) => {
                self.skip(2);
                Ok(Kind::Symbol)
            }
            b'(' | b')' | b'[' | b']' | b',' | b';' | b':' | b'.' => {
                self.skip(1);
                Ok(Kind::Symbol)
            }
            byte if is_operator(byte) => {
                self.operator();
                Ok(Kind::Operator)
            }
            byte if starts_name(byte) => self.word(byte),
            _ => Err(ScanError::Character),
        }
    }

    /// Block comments nest.
    fn block_comment(&mut self) -> Result<Kind, ScanError> {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth = depth.saturating_add(1);
                    self.skip(2);
                }
                (Some(b'*'), Some(b'/')) => {
                    depth = depth.saturating_sub(1);
                    self.skip(2);
                    if depth == 0 {
                        return Ok(Kind::Comment);
                    }
                }
                (Some(_), _) => self.skip(1),
                (None, _) => return Err(ScanError::Unclosed),
            }
        }
    }

    /// Reads from an opening quote to behind the closing one.
    fn string(&mut self, backslash_escapes: bool) -> Result<(), ScanError> {
        self.skip(1);
        loop {
            match self.peek(0) {
                None => return Err(ScanError::Unclosed),
                Some(b'\\') if backslash_escapes => self.skip(2),
                Some(b'\'') if self.peek(1) == Some(b'\'') => self.skip(2),
                Some(b'\'') => {
                    self.skip(1);
                    return Ok(());
                }
                Some(_) => self.skip(1),
            }
        }
    }

    fn quoted_name(&mut self) -> Result<Kind, ScanError> {
        self.skip(1);
        let mut length = 0_usize;
        loop {
            match self.peek(0) {
                None => return Err(ScanError::Unclosed),
                Some(b'"') if self.peek(1) == Some(b'"') => self.skip(2),
                Some(b'"') => {
                    self.skip(1);
                    break;
                }
                Some(_) => self.skip(1),
            }
            length = length.saturating_add(1);
        }
        // The server would cut a longer name and we could meet another object.
        if length == 0 || length > jurat_types::IDENTIFIER_BYTES_MAX {
            return Err(ScanError::NameLength);
        }
        Ok(Kind::Quoted)
    }

    fn dollar(&mut self) -> Result<Kind, ScanError> {
        let start = self.at;
        self.skip(1);
        if self.peek(0).is_some_and(|b| b.is_ascii_digit()) {
            self.skip_while(|b| b.is_ascii_digit());
            return if self.peek(0).is_some_and(starts_name) {
                Err(ScanError::JunkAfterNumber)
            } else {
                Ok(Kind::Parameter)
            };
        }
        if self.peek(0).is_some_and(starts_name) {
            self.skip_while(|b| starts_name(b) || b.is_ascii_digit());
        }
        if self.peek(0) != Some(b'$') {
            return Err(ScanError::Character);
        }
        self.skip(1);
        let tag = self.bytes.get(start..self.at).unwrap_or_default();
        while let Some(rest) = self.bytes.get(self.at..) {
            if rest.is_empty() {
                break;
            }
            if rest.starts_with(tag) {
                self.skip(tag.len());
                return Ok(Kind::Dollar);
            }
            self.skip(1);
        }
        Err(ScanError::Unclosed)
    }

    /// Decimal numbers only: hexadecimal and `_` differ between versions.
    fn number(&mut self) -> Result<Kind, ScanError> {
        self.skip_while(|b| b.is_ascii_digit());
        // `1..2` is a range of two numbers.
        if self.peek(0) == Some(b'.') && self.peek(1) != Some(b'.') {
            self.skip(1);
            self.skip_while(|b| b.is_ascii_digit());
        }
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.peek(1), Some(b'+' | b'-')));
            if self.peek(sign.saturating_add(1)).is_some_and(|b| b.is_ascii_digit()) {
                self.skip(sign.saturating_add(1));
                self.skip_while(|b| b.is_ascii_digit());
            }
        }
        if self.peek(0).is_some_and(continues_name) {
            return Err(ScanError::JunkAfterNumber);
        }
        Ok(Kind::Number)
    }

    /// The longest run of operator characters, less a comment's start, less trailing signs.
    fn operator(&mut self) {
        let start = self.at;
        while let Some(byte) = self.peek(0) {
            let comment = matches!((byte, self.peek(1)), (b'-', Some(b'-')) | (b'/', Some(b'*')));
            if !is_operator(byte) || comment {
                break;
            }
            self.skip(1);
        }
        while self.at.saturating_sub(start) > 1 {
            let run = self.bytes.get(start..self.at).unwrap_or_default();
            let signed = matches!(run.last(), Some(b'+' | b'-'));
            if !signed || run.iter().copied().any(allows_trailing_sign) {
                break;
            }
            self.at = self.at.saturating_sub(1);
        }
    }

    fn word(&mut self, first: u8) -> Result<Kind, ScanError> {
        match (first, self.peek(1), self.peek(2)) {
            (b'e' | b'E', Some(b'\''), _) => {
                self.skip(1);
                return self.string(true).map(|()| Kind::Prefixed);
            }
            (b'b' | b'B' | b'x' | b'X' | b'n' | b'N', Some(b'\''), _) => {
                self.skip(1);
                self.string(false)?;
                return Ok(Kind::Prefixed);
            }
            (b'u' | b'U', Some(b'&'), Some(b'\'' | b'"')) => return Err(ScanError::UnicodeEscape),
            _ => {}
        }
        let start = self.at;
        self.skip_while(continues_name);
        if self.at.saturating_sub(start) > jurat_types::IDENTIFIER_BYTES_MAX {
            return Err(ScanError::NameLength);
        }
        Ok(Kind::Word)
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, ScanError, scan};

    fn pieces(text: &str) -> Vec<&str> {
        scan(text, 1000)
            .unwrap()
            .iter()
            .filter(|piece| piece.kind != Kind::Space)
            .map(|piece| piece.of(text))
            .collect()
    }

    #[test]
    fn a_text_is_cut_where_the_server_cuts_it() {
        for (text, expected) in [
            ("1!=-1", vec!["1", "!=-", "1"]),
            ("1=-1", vec!["1", "=", "-", "1"]),
            ("1<+-1", vec!["1", "<", "+", "-", "1"]),
            ("a ?~ b", vec!["a", "?~", "b"]),
            ("a@-1", vec!["a", "@-", "1"]),
            ("1--2\n+3", vec!["1", "--2", "+", "3"]),
            ("*/*x*/2", vec!["*", "/*x*/", "2"]),
            ("/*a/*b*/c*/1", vec!["/*a/*b*/c*/", "1"]),
            ("'a\\' || 'b'", vec!["'a\\'", "||", "'b'"]),
            (r"E'a\'b'x", vec![r"E'a\'b'", "x"]),
            ("$a$ $b$ ' $a$", vec!["$a$ $b$ ' $a$"]),
            ("$1::int", vec!["$1", "::", "int"]),
            ("a.b[1:2]", vec!["a", ".", "b", "[", "1", ":", "2", "]"]),
            ("1e5 .5 1. 1.5e-3", vec!["1e5", ".5", "1.", "1.5e-3"]),
            ("\"a\"\"b\"é", vec!["\"a\"\"b\"", "é"]),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
        }
    }

    #[test]
    fn what_servers_read_differently_is_refused() {
        for (text, error) in [
            ("U&\"\\0073sn\"", ScanError::UnicodeEscape),
            ("u&'x'", ScanError::UnicodeEscape),
            ("0x1F", ScanError::JunkAfterNumber),
            ("0o17", ScanError::JunkAfterNumber),
            ("1_000", ScanError::JunkAfterNumber),
            ("$1a", ScanError::JunkAfterNumber),
            ("'a'\n'b'", ScanError::AdjacentStrings),
            ("'a' -- c\n 'b'", ScanError::AdjacentStrings),
            ("E'a' 'b'", ScanError::AdjacentStrings),
            ("'a", ScanError::Unclosed),
            ("/* /* */", ScanError::Unclosed),
            ("$a$ $A$", ScanError::Unclosed),
            ("\"\"", ScanError::NameLength),
            ("a\u{b}b", ScanError::Character),
            ("\\d", ScanError::Character),
        ] {
            assert_eq!(scan(text, 1000), Err(error), "{text}");
        }
        assert_eq!(scan(&"é".repeat(32), 9), Err(ScanError::NameLength));
        assert_eq!(scan("1 2 3", 2), Err(ScanError::TooMany { max: 2 }));
    }
}
