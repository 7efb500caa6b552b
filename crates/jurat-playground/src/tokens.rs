//! The words of a statement: enough of both lexers to translate what Jurat sends.

use crate::failure::Failure;

/// Whose lexical rules hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Dialect {
    Postgres,
    MySql,
}

/// What a token is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// A keyword or a name without quotes.
    Word,
    /// A quoted name.
    Quoted,
    /// A string.
    Text,
    Number,
    /// A parameter; its text is the number, from 1.
    Parameter,
    /// Operators, brackets, commas.
    Sign,
}

/// One token; names and strings without their quotes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    pub(crate) shape: Shape,
    pub(crate) text: String,
}

impl Token {
    pub(crate) fn new(shape: Shape, text: impl Into<String>) -> Self {
        Self { shape, text: text.into() }
    }

    pub(crate) fn word(text: &str) -> Self {
        Self::new(Shape::Word, text)
    }

    pub(crate) fn sign(text: &str) -> Self {
        Self::new(Shape::Sign, text)
    }

    /// Whether it is this keyword, in any case.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.shape == Shape::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is this operator or bracket.
    pub(crate) fn is_sign(&self, sign: &str) -> bool {
        self.shape == Shape::Sign && self.text == sign
    }

    /// Whether it can be a name.
    pub(crate) const fn is_name(&self) -> bool {
        matches!(self.shape, Shape::Word | Shape::Quoted)
    }

    /// The name as the databases store it.
    pub(crate) fn name(&self) -> String {
        if self.shape == Shape::Word { self.text.to_ascii_lowercase() } else { self.text.clone() }
    }

    /// As SQLite reads it. Parameters become NULL where a view is made of the text.
    fn render(&self, values: bool) -> String {
        match self.shape {
            Shape::Word | Shape::Number | Shape::Sign => self.text.clone(),
            Shape::Quoted => format!("\"{}\"", self.text.replace('"', "\"\"")),
            Shape::Text => format!("'{}'", self.text.replace('\'', "''")),
            Shape::Parameter if values => format!("?{}", self.text),
            Shape::Parameter => "NULL".to_owned(),
        }
    }
}

/// The text that SQLite reads. With `values` false it has no parameters.
pub(crate) fn render(tokens: &[Token], values: bool) -> String {
    tokens.iter().map(|token| token.render(values)).collect::<Vec<_>>().join(" ")
}

/// Where the bracket at `open` ends: the index of the closing one.
pub(crate) fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is_sign("(") || token.is_sign("[") {
            depth = depth.saturating_add(1);
        } else if token.is_sign(")") || token.is_sign("]") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// Cuts at separators that stand outside of all brackets.
pub(crate) fn split(tokens: &[Token], separator: impl Fn(&Token) -> bool) -> Vec<&[Token]> {
    let mut depth = 0_i64;
    tokens
        .split(|token| {
            if token.is_sign("(") || token.is_sign("[") {
                depth = depth.saturating_add(1);
            } else if token.is_sign(")") || token.is_sign("]") {
                depth = depth.saturating_sub(1);
            }
            depth == 0 && separator(token)
        })
        .collect()
}

/// A statement that is longer than this is refused, characters.
const CHARACTERS_MAX: usize = 4 << 20;

/// Brackets may be nested this deep; the translation calls itself for what is inside of some.
const DEPTH_MAX: usize = 100;

/// Cuts a text into tokens; comments are dropped.
///
/// # Errors
/// A string, a name or a comment without an end, or brackets nested too deep.
pub(crate) fn tokenize(text: &str, dialect: Dialect) -> Result<Vec<Token>, Failure> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > CHARACTERS_MAX || chars.contains(&'\0') {
        return Err(Failure::new("54000", "the statement is too long or holds a NUL"));
    }
    let mut reader = Reader { chars, at: 0, dialect, questions: 0 };
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    while let Some(token) = reader.next()? {
        if token.is_sign("(") {
            depth = depth.saturating_add(1);
        } else if token.is_sign(")") {
            depth = depth.saturating_sub(1);
        }
        if depth > DEPTH_MAX {
            return Err(Failure::new("54000", "the brackets are nested too deep"));
        }
        tokens.push(token);
    }
    Ok(tokens)
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    dialect: Dialect,
    questions: usize,
}

const OPERATORS: &str = "+-*/<>=~!@#%^&|?";

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at.saturating_add(ahead)).copied()
    }

    fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while let Some(c) = self.peek(0).filter(|c| wanted(*c)) {
            text.push(c);
            self.skip(1);
        }
        text
    }

    fn next(&mut self) -> Result<Option<Token>, Failure> {
        self.skip_space()?;
        let Some(first) = self.peek(0) else { return Ok(None) };
        let mysql = self.dialect == Dialect::MySql;
        let token = match first {
            '\'' => Token::new(Shape::Text, self.quoted('\'', mysql)?),
            '"' if mysql => Token::new(Shape::Text, self.quoted('"', true)?),
            '"' => Token::new(Shape::Quoted, self.quoted('"', false)?),
            '`' if mysql => Token::new(Shape::Quoted, self.quoted('`', false)?),
            'E' | 'e' if !mysql && self.peek(1) == Some('\'') => {
                self.skip(1);
                Token::new(Shape::Text, self.quoted('\'', true)?)
            }
            '$' if !mysql && self.peek(1).is_some_and(|c| c.is_ascii_digit()) => {
                self.skip(1);
                Token::new(Shape::Parameter, self.take_while(|c| c.is_ascii_digit()))
            }
            '$' if !mysql => Token::new(Shape::Text, self.dollar_quoted()?),
            '?' if mysql => {
                self.skip(1);
                self.questions = self.questions.saturating_add(1);
                Token::new(Shape::Parameter, self.questions.to_string())
            }
            '@' if mysql => {
                let signs = self.take_while(|c| c == '@');
                let name = self.take_while(|c| is_name(c) || c == '.');
                Token::new(Shape::Word, format!("{signs}{name}"))
            }
            _ if first.is_ascii_digit()
                || (first == '.' && self.peek(1).is_some_and(|c| c.is_ascii_digit())) =>
            {
                Token::new(Shape::Number, self.number())
            }
            _ if is_name(first) => Token::new(Shape::Word, self.take_while(is_name)),
            _ if self.starts("::") || (mysql && (self.starts(":="))) => {
                let text = self.chars.iter().skip(self.at).take(2).collect::<String>();
                self.skip(2);
                Token::new(Shape::Sign, text)
            }
            _ if OPERATORS.contains(first) => Token::new(Shape::Sign, self.operator()),
            _ => {
                self.skip(1);
                Token::new(Shape::Sign, first)
            }
        };
        Ok(Some(token))
    }

    fn skip_space(&mut self) -> Result<(), Failure> {
        loop {
            let mysql = self.dialect == Dialect::MySql;
            let dashes = self.starts("--")
                && (!mysql || self.peek(2).is_none_or(|c| c.is_whitespace() || c.is_control()));
            if self.peek(0).is_some_and(char::is_whitespace) {
                self.skip(1);
            } else if dashes || (mysql && self.starts("#")) {
                self.take_while(|c| c != '\n');
            } else if self.starts("/*") {
                self.skip_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), Failure> {
        let mut depth = 0_usize;
        while self.peek(0).is_some() {
            if self.starts("*/") {
                self.skip(2);
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(());
                }
            } else if self.starts("/*") && (depth == 0 || self.dialect == Dialect::Postgres) {
                self.skip(2);
                depth = depth.saturating_add(1);
            } else {
                self.skip(1);
            }
        }
        Err(Failure::new("42601", "unterminated comment"))
    }

    /// A string or a name; the quote stands for itself where it is doubled.
    fn quoted(&mut self, quote: char, escapes: bool) -> Result<String, Failure> {
        self.skip(1);
        let mut text = String::new();
        while let Some(c) = self.peek(0) {
            self.skip(1);
            if c == quote {
                if self.peek(0) != Some(quote) {
                    return Ok(text);
                }
                self.skip(1);
                text.push(quote);
            } else if c == '\\' && escapes {
                let escaped = self.peek(0).unwrap_or('\\');
                self.skip(1);
                text.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'b' => '\u{8}',
                    other => other,
                });
            } else {
                text.push(c);
            }
        }
        Err(Failure::new("42601", "unterminated quoted string"))
    }

    fn dollar_quoted(&mut self) -> Result<String, Failure> {
        self.skip(1);
        let tag = format!("${}$", self.take_while(|c| c != '$' && is_name(c)));
        if self.peek(0) != Some('$') {
            return Err(Failure::new("42601", "syntax error at or near \"$\""));
        }
        self.skip(1);
        let mut text = String::new();
        while let Some(c) = self.peek(0) {
            if self.starts(&tag) {
                self.skip(tag.chars().count());
                return Ok(text);
            }
            text.push(c);
            self.skip(1);
        }
        Err(Failure::new("42601", "unterminated dollar-quoted string"))
    }

    fn number(&mut self) -> String {
        let mut text = self.take_while(|c| c.is_ascii_digit());
        if self.peek(0) == Some('.') {
            self.skip(1);
            text.push('.');
            text.push_str(&self.take_while(|c| c.is_ascii_digit()));
        }
        let sign = usize::from(matches!(self.peek(1), Some('+' | '-')));
        let exponent = matches!(self.peek(0), Some('e' | 'E'))
            && self.peek(1_usize.saturating_add(sign)).is_some_and(|c| c.is_ascii_digit());
        if exponent {
            text.push('e');
            self.skip(1);
            text.push_str(&self.take_while(|c| c == '+' || c == '-' || c.is_ascii_digit()));
        }
        text
    }

    /// As long as it gets, but for a sign of a number behind it.
    fn operator(&mut self) -> String {
        let mut text = String::new();
        while let Some(c) = self.peek(0).filter(|c| OPERATORS.contains(*c)) {
            if !text.is_empty() && (self.starts("--") || self.starts("/*")) {
                break;
            }
            if self.dialect == Dialect::MySql && !text.is_empty() && matches!(c, '?' | '@' | '#') {
                break;
            }
            text.push(c);
            self.skip(1);
        }
        while text.len() > 1
            && text.ends_with(['+', '-'])
            && !text.contains(['~', '!', '@', '#', '%', '^', '&', '|', '?'])
        {
            text.pop();
            self.at = self.at.saturating_sub(1);
        }
        text
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::{Dialect, render, tokenize};

    #[test]
    fn both_lexers() {
        for (dialect, text, expected) in [
            (Dialect::Postgres, "a--b\n=-1 /* x /* y */ */ 'it''s'", "a = - 1 'it''s'"),
            (
                Dialect::Postgres,
                "x::text, E'\\n' $q$a'b$q$ \"Q\"\"q\" $2",
                "x :: text , '\n' 'a''b' \"Q\"\"q\" ?2",
            ),
            (Dialect::Postgres, "1.5e-3 <> .5 a->>'b'", "1.5e-3 <> .5 a ->> 'b'"),
            (Dialect::MySql, "`a``b` = \"s\\\"\" # x\n AND ? -- y\n", "\"a`b\" = 's\"' AND ?1"),
            (Dialect::MySql, "@@global.x @y 5--1", "@@global.x @y 5 - - 1"),
        ] {
            let tokens = tokenize(text, dialect).unwrap();
            assert_eq!(render(&tokens, true), expected, "{text}");
        }
        for open in ["'a", "/* a", "$q$ a", "\"a"] {
            tokenize(open, Dialect::Postgres).unwrap_err();
        }
    }
}
