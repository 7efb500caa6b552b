//! The lexical rules of MySQL and MariaDB: a text cut into pieces exactly where the servers' scanner cuts it.
//!
//! The session's `sql_mode` is pinned, so that `"…"` is a string, a backslash escapes, and the client's
//! character set is UTF-8. What differs between the two servers, between their versions or by settings is an
//! error here, never a guess. Sources: `sql/sql_lex.cc` of MySQL 8.4 and MariaDB 10.11 (`MYSQLlex`,
//! `lex_one_token`), and chapter 11, "Language Structure", of MySQL's manual.

use crate::scan::{Kind, Piece, ScanError};

/// Cuts `text` into pieces.
///
/// # Errors
/// Where the text has more than `tokens_max` pieces that are not blank, or the servers could read it in more
/// than one way.
pub(crate) fn scan_into(
    pieces: &mut Vec<Piece>,
    text: &str,
    tokens_max: usize,
) -> Result<(), ScanError> {
    let mut scanner = Scanner::new(text);
    let mut tokens = 0_usize;
    // Whether only blanks stand between here and a string literal.
    let mut after_string = false;
    loop {
        let start = scanner.at;
        let Some(kind) = scanner.step() else { return Ok(()) };
        let kind = kind?;
        if !kind.is_blank() {
            tokens = tokens.saturating_add(1);
            if tokens > tokens_max {
                return Err(ScanError::TooMany { max: tokens_max });
            }
            // The servers join `'a' 'b'` to one literal, or take the second for an alias.
            if after_string && kind == Kind::Text {
                return Err(ScanError::AdjacentStrings);
            }
            after_string = kind == Kind::Text;
        }
        pieces.push(Piece { kind, start, end: scanner.at });
    }
}

/// White space as the servers' tables for UTF-8 have it.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// What an unquoted name is made of.
const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), at: 0 }
    }

    /// Reads the next piece; nothing at the end.
    pub(super) fn step(&mut self) -> Option<Result<Kind, ScanError>> {
        self.peek(0).map(|byte| self.piece(byte))
    }

    /// Behind the last piece.
    pub(super) const fn place(&self) -> usize {
        self.at
    }

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
            byte if is_space(byte) => {
                self.skip_while(is_space);
                Ok(Kind::Space)
            }
            b'#' => Ok(self.line_comment()),
            b'-' if self.peek(1) == Some(b'-') => self.dashes(),
            b'/' if self.peek(1) == Some(b'*') => self.block_comment(),
            b'\'' | b'"' => self.quoted(byte).map(|()| Kind::Text),
            b'`' => self.quoted_name(),
            b'@' => self.variable(),
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_some_and(|b| b.is_ascii_digit()) => self.number(),
            b':' if self.peek(1) == Some(b'=') => {
                self.skip(2);
                Ok(Kind::Symbol)
            }
            b'(' | b')' | b',' | b';' | b'.' => {
                self.skip(1);
                Ok(Kind::Symbol)
            }
            b'?' => {
                self.skip(1);
                Ok(Kind::Parameter)
            }
            b'<' | b'>' | b'=' | b'!' | b'&' | b'|' | b'-' | b'+' | b'*' | b'/' | b'%' | b'^'
            | b'~' => {
                self.operator();
                Ok(Kind::Operator)
            }
            byte if is_name(byte) => self.word(byte),
            // `\N`, `{oj …}`, `:x` and control characters.
            _ => Err(ScanError::Character),
        }
    }

    /// Ends at a line feed only; a carriage return does not end it.
    fn line_comment(&mut self) -> Kind {
        self.skip_while(|b| b != b'\n');
        Kind::Comment
    }

    /// `--` opens a comment where white space, a control character or the end follows.
    fn dashes(&mut self) -> Result<Kind, ScanError> {
        match self.peek(2) {
            None => Ok(self.line_comment()),
            Some(byte) if is_space(byte) => Ok(self.line_comment()),
            // A comment for the servers, and for hardly any other reader of the text.
            Some(byte) if byte.is_ascii_control() => Err(ScanError::Character),
            Some(_) => {
                self.skip(1);
                Ok(Kind::Operator)
            }
        }
    }

    /// Block comments do not nest. Those that servers execute are refused, whatever version they name; where it is
    /// certain what they say, they are written out before (`executable.rs`).
    fn block_comment(&mut self) -> Result<Kind, ScanError> {
        let executable = match (self.peek(2), self.peek(3)) {
            (Some(b'!'), _) => true,
            (Some(b'M' | b'm'), Some(b'!')) => true,
            (Some(_) | None, _) => false,
        };
        if executable {
            return Err(ScanError::ExecutableComment);
        }
        let hint = self.peek(2) == Some(b'+');
        let start = self.at;
        self.skip(2);
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'*'), Some(b'/')) => {
                    self.skip(2);
                    break;
                }
                (Some(_), _) => self.skip(1),
                (None, _) => return Err(ScanError::Unclosed),
            }
        }
        let inside = self.bytes.get(start..self.at).unwrap_or_default().to_ascii_lowercase();
        // An optimizer hint can set variables for one statement, `sql_mode` among them.
        if hint && inside.windows(7).any(|word| word == b"set_var") {
            return Err(ScanError::VariableHint);
        }
        Ok(Kind::Comment)
    }

    /// Reads from an opening quote to behind the closing one.
    fn quoted(&mut self, quote: u8) -> Result<(), ScanError> {
        self.skip(1);
        loop {
            match self.peek(0) {
                None => return Err(ScanError::Unclosed),
                Some(b'\\') if self.peek(1).is_none() => return Err(ScanError::Unclosed),
                Some(b'\\') => self.skip(2),
                Some(byte) if byte == quote && self.peek(1) == Some(quote) => self.skip(2),
                Some(byte) if byte == quote => {
                    self.skip(1);
                    return Ok(());
                }
                Some(_) => self.skip(1),
            }
        }
    }

    /// A name in backticks, in which nothing but a doubled backtick is special.
    fn quoted_name(&mut self) -> Result<Kind, ScanError> {
        let start = self.at;
        self.skip(1);
        loop {
            match self.peek(0) {
                None => return Err(ScanError::Unclosed),
                Some(b'`') if self.peek(1) == Some(b'`') => self.skip(2),
                Some(b'`') => {
                    self.skip(1);
                    break;
                }
                Some(_) => self.skip(1),
            }
        }
        if self.at.saturating_sub(start) <= 2 {
            return Err(ScanError::NameLength);
        }
        Ok(Kind::Quoted)
    }

    /// `@user_variable`, `@'…'`, `@@global.system_variable`; in `user@host` the host is read as one, too.
    fn variable(&mut self) -> Result<Kind, ScanError> {
        self.skip(1);
        match self.peek(0) {
            Some(b'@') => {
                self.skip(1);
                if !self.peek(0).is_some_and(is_name) {
                    return Err(ScanError::Character);
                }
                self.skip_while(|b| is_name(b) || b == b'.');
            }
            Some(quote @ (b'\'' | b'"')) => self.quoted(quote)?,
            Some(b'`') => {
                self.quoted_name()?;
            }
            Some(byte) if is_name(byte) || byte == b'.' => {
                self.skip_while(|b| is_name(b) || b == b'.');
            }
            Some(_) | None => return Err(ScanError::Character),
        }
        Ok(Kind::Word)
    }

    /// `1`, `1.5`, `.5`, `1e5`, `0x41`, `0b01`. A name that begins with a digit is refused.
    fn number(&mut self) -> Result<Kind, ScanError> {
        let radix: Option<fn(u8) -> bool> = match (self.peek(0), self.peek(1)) {
            // `0X` and `0B` in capitals begin a name.
            (Some(b'0'), Some(b'x')) => Some(|b| b.is_ascii_hexdigit()),
            (Some(b'0'), Some(b'b')) => Some(|b| b == b'0' || b == b'1'),
            _ => None,
        };
        if let Some(accept) = radix {
            self.skip(2);
            let start = self.at;
            self.skip_while(accept);
            let empty = self.at == start;
            if empty || self.peek(0).is_some_and(is_name) {
                return Err(ScanError::JunkAfterNumber);
            }
            return Ok(Kind::Prefixed);
        }
        self.skip_while(|b| b.is_ascii_digit());
        if self.peek(0) == Some(b'.') {
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
        if self.peek(0).is_some_and(|b| is_name(b) || b == b'.') {
            return Err(ScanError::JunkAfterNumber);
        }
        Ok(Kind::Number)
    }

    /// The operators of more than one character, or one character.
    fn operator(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let long: &[&[u8]] =
            &[b"->>", b"<=>", b"->", b"<>", b"<=", b">=", b"<<", b">>", b"!=", b"&&", b"||"];
        let length = long.iter().find(|op| rest.starts_with(op)).map_or(1, |op| op.len());
        self.skip(length);
    }

    fn word(&mut self, first: u8) -> Result<Kind, ScanError> {
        match (first, self.peek(1)) {
            // A hexadecimal or bit string is as literal as its digits.
            (b'x' | b'X' | b'b' | b'B', Some(b'\'')) => {
                self.skip(1);
                self.quoted(b'\'')?;
                return Ok(Kind::Prefixed);
            }
            (b'n' | b'N', Some(b'\'')) => return Err(ScanError::Introducer),
            _ => {}
        }
        let start = self.at;
        self.skip_while(is_name);
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        // `_gbk'…'` says in which character set the bytes are.
        let next = self.bytes.iter().skip(self.at).find(|b| !is_space(**b));
        if first == b'_' && matches!(next, Some(b'\'' | b'"')) {
            let lower = String::from_utf8_lossy(word).to_ascii_lowercase();
            if !super::words::is_introducer(&lower) {
                return Err(ScanError::Introducer);
            }
        }
        Ok(Kind::Word)
    }
}

#[cfg(test)]
mod tests {
    use jurat_types::Engine;

    use crate::scan::{Kind, Piece, ScanError, cut};

    fn scan(text: &str, tokens_max: usize) -> Result<Vec<Piece>, ScanError> {
        cut(text, Engine::Mariadb, tokens_max)
    }

    fn pieces(text: &str) -> Vec<&str> {
        scan(text, 1000)
            .unwrap()
            .iter()
            .filter(|piece| piece.kind != Kind::Space)
            .map(|piece| piece.of(text))
            .collect()
    }

    #[test]
    fn a_text_is_cut_where_the_servers_cut_it() {
        for (text, expected) in [
            ("1--1", vec!["1", "-", "-", "1"]),
            ("1 -- 1\n+2", vec!["1", "-- 1", "+", "2"]),
            ("1 --", vec!["1", "--"]),
            ("1 # x\r, y\n,2", vec!["1", "# x\r, y", ",", "2"]),
            ("/* /* */ 1", vec!["/* /* */", "1"]),
            (r"'a\\', ' , b '", vec![r"'a\\'", ",", "' , b '"]),
            (r"'x\' , b'", vec![r"'x\' , b'"]),
            (r#""a""b" "#, vec![r#""a""b""#]),
            ("`a``b`.c", vec!["`a``b`", ".", "c"]),
            ("a<=>b->>'$.c'", vec!["a", "<=>", "b", "->>", "'$.c'"]),
            ("a:=1!=2", vec!["a", ":=", "1", "!=", "2"]),
            ("!!a", vec!["!", "!", "a"]),
            ("@a, @@session.sql_mode,@`b c`", vec!["@a", ",", "@@session.sql_mode", ",", "@`b c`"]),
            ("0x41 0b01 x'41' .5 1e-3 1.", vec!["0x41", "0b01", "x'41'", ".5", "1e-3", "1."]),
            ("_utf8mb4 'x'", vec!["_utf8mb4", "'x'"]),
            ("a\u{a0}b é", vec!["a\u{a0}b", "é"]),
            ("? ,?", vec!["?", ",", "?"]),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
        }
    }

    #[test]
    fn what_servers_read_differently_is_refused() {
        for (text, error) in [
            ("1 /*! , x */", ScanError::ExecutableComment),
            ("1 /*!99999 , x */", ScanError::ExecutableComment),
            ("1 /*M! , x */", ScanError::ExecutableComment),
            ("1 /*m!100100 , x */", ScanError::ExecutableComment),
            ("SELECT /*+ Set_Var(sql_mode='') */ 1", ScanError::VariableHint),
            ("1 --\u{1}2", ScanError::Character),
            ("_gbk'x'", ScanError::Introducer),
            ("_sjis \"x\"", ScanError::Introducer),
            ("N'x'", ScanError::Introducer),
            (r"\N", ScanError::Character),
            ("{oj a}", ScanError::Character),
            ("1a", ScanError::JunkAfterNumber),
            ("0x", ScanError::JunkAfterNumber),
            ("0X41", ScanError::JunkAfterNumber),
            ("0x5g", ScanError::JunkAfterNumber),
            ("1.e", ScanError::JunkAfterNumber),
            ("'a' 'b'", ScanError::AdjacentStrings),
            ("'a", ScanError::Unclosed),
            (r"'a\", ScanError::Unclosed),
            (r"'a\'", ScanError::Unclosed),
            ("/* x", ScanError::Unclosed),
            ("``", ScanError::NameLength),
            ("\u{1}", ScanError::Character),
        ] {
            assert_eq!(scan(text, 1000), Err(error), "{text}");
        }
        assert_eq!(scan("1 2 3", 2), Err(ScanError::TooMany { max: 2 }));
    }
}
