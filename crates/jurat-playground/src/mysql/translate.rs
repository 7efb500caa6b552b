//! From MySQL's words to SQLite's, token by token: what everyday statements and canonical texts use.

use crate::{
    failure::Failure,
    tokens::{Shape, Token, closing, split},
};

use super::variables::Variables;

/// Translates one statement.
///
/// # Errors
/// Something that the playground does not know.
pub(super) fn translate(
    tokens: &[Token],
    variables: &Variables,
    last_id: i64,
) -> Result<Vec<Token>, Failure> {
    let mut translation = Translation { given: tokens, at: 0, out: Vec::new(), variables, last_id };
    while translation.step()? {}
    Ok(translation.out)
}

struct Translation<'a> {
    given: &'a [Token],
    at: usize,
    out: Vec<Token>,
    variables: &'a Variables,
    last_id: i64,
}

/// Functions under another name.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("if", "iif"),
    ("lcase", "lower"),
    ("mid", "substr"),
    ("substring", "substr"),
    ("sysdate", "now"),
    ("ucase", "upper"),
    ("current_timestamp", "now"),
    ("localtimestamp", "now"),
];

/// Words that say how to run a statement and change nothing in what it gives.
const HINTS: &[&str] =
    &["SQL_NO_CACHE", "SQL_CACHE", "SQL_CALC_FOUND_ROWS", "HIGH_PRIORITY", "LOW_PRIORITY"];

impl<'a> Translation<'a> {
    fn peek(&self, ahead: usize) -> Option<&'a Token> {
        self.given.get(self.at.saturating_add(ahead))
    }

    fn is(&self, ahead: usize, word: &str) -> bool {
        self.peek(ahead).is_some_and(|token| token.is(word))
    }

    fn is_sign(&self, ahead: usize, sign: &str) -> bool {
        self.peek(ahead).is_some_and(|token| token.is_sign(sign))
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn translate(&self, tokens: &[Token]) -> Result<Vec<Token>, Failure> {
        translate(tokens, self.variables, self.last_id)
    }

    fn bracket(&self, ahead: usize) -> Result<(&'a [Token], usize), Failure> {
        let open = self.at.saturating_add(ahead);
        let inside = closing(self.given, open)
            .and_then(|end| Some((self.given.get(open.saturating_add(1)..end)?, end)));
        let (inside, end) =
            inside.ok_or_else(|| Failure::new("42601", "a bracket is not closed"))?;
        Ok((inside, end.saturating_add(1)))
    }

    fn copy(&mut self) {
        self.out.extend(self.peek(0).cloned());
        self.skip(1);
    }

    fn replace(&mut self, count: usize, words: &[&str]) {
        self.skip(count);
        self.out.extend(words.iter().map(|word| Token::word(word)));
    }

    /// Translates what is next; false at the end.
    fn step(&mut self) -> Result<bool, Failure> {
        let Some(token) = self.peek(0) else { return Ok(false) };
        match token.shape {
            Shape::Sign => self.sign(token),
            Shape::Word => self.word(token)?,
            Shape::Quoted => self.name(token),
            Shape::Number if self.out.last().is_some_and(|last| last.is("LIMIT")) => {
                self.limit(token);
            }
            Shape::Text | Shape::Number | Shape::Parameter => self.copy(),
        }
        Ok(true)
    }

    fn sign(&mut self, token: &Token) {
        match token.text.as_str() {
            "||" => self.replace(1, &["OR"]),
            "&&" => self.replace(1, &["AND"]),
            "!" => self.replace(1, &["NOT"]),
            "<=>" => self.replace(1, &["IS"]),
            _ => self.copy(),
        }
    }

    fn word(&mut self, token: &'a Token) -> Result<(), Failure> {
        if token.text.starts_with('@') {
            return self.variable(token);
        }
        if token.text.starts_with('_') && self.peek(1).is_some_and(|t| t.shape == Shape::Text) {
            // A character set in front of a string.
            self.skip(1);
            return Ok(());
        }
        let upper = token.text.to_ascii_uppercase();
        match upper.as_str() {
            "CAST" if self.is_sign(1, "(") => self.cast(),
            "CONVERT" if self.is_sign(1, "(") => self.convert(),
            "TRIM" if self.is_sign(1, "(") => self.trim(),
            "GROUP_CONCAT" if self.is_sign(1, "(") => self.group_concat(),
            "LAST_INSERT_ID" if self.is_sign(1, "(") => {
                self.at = self.bracket(1)?.1;
                self.out.push(Token::new(Shape::Number, self.last_id.to_string()));
                Ok(())
            }
            "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" if !self.is_sign(1, "(") => {
                self.skip(1);
                self.out.extend([Token::word("now"), Token::sign("("), Token::sign(")")]);
                Ok(())
            }
            "RLIKE" => {
                self.replace(1, &["REGEXP"]);
                Ok(())
            }
            "DIV" => {
                self.skip(1);
                self.out.push(Token::sign("/"));
                Ok(())
            }
            "STRAIGHT_JOIN" => {
                self.replace(1, &["JOIN"]);
                Ok(())
            }
            "IGNORE" if self.out.last().is_some_and(|last| last.is("INSERT")) => {
                self.replace(1, &["OR", "IGNORE"]);
                Ok(())
            }
            "FROM" if self.is(1, "DUAL") => {
                self.skip(2);
                Ok(())
            }
            "FOR" if self.is(1, "UPDATE") || self.is(1, "SHARE") => {
                while self.peek(0).is_some_and(|token| !token.is_sign(")")) {
                    self.skip(1);
                }
                Ok(())
            }
            "LOCK" if self.is(1, "IN") => {
                self.skip(4);
                Ok(())
            }
            "COLLATE" => {
                self.skip(2);
                Ok(())
            }
            "AUTO_INCREMENT" | "UNSIGNED" => {
                self.skip(1);
                Ok(())
            }
            // An integer that is a primary key counts by itself in SQLite under this name only.
            "INT" | "BIGINT" if !self.is_sign(1, ".") => {
                let behind = if self.is_sign(1, "(") {
                    self.bracket(1)?.1
                } else {
                    self.at.saturating_add(1)
                };
                self.at = behind;
                self.out.push(Token::word("INTEGER"));
                Ok(())
            }
            hint if HINTS.contains(&hint) => {
                self.skip(1);
                Ok(())
            }
            _ => {
                self.name(token);
                Ok(())
            }
        }
    }

    fn name(&mut self, token: &'a Token) {
        let name = token.name();
        if self.is_sign(1, ".") && name == crate::DATABASE {
            self.replace(1, &["main"]);
            return;
        }
        let other = OTHER_NAMES.iter().find(|(known, _)| *known == name && self.is_sign(1, "("));
        match other {
            Some((_, other)) => self.replace(1, &[other]),
            None => self.copy(),
        }
    }

    /// `@@version`, with the name that MySQL gives the column. A user's variable is not known.
    fn variable(&mut self, token: &Token) -> Result<(), Failure> {
        let value = self.variables.get(&token.text)?;
        let number = value.parse::<i64>().is_ok();
        self.skip(1);
        let first = self.out.last().is_some_and(|last| last.is("SELECT") || last.is_sign(","));
        let signs = |sign: &str| self.out.iter().filter(|token| token.is_sign(sign)).count();
        let in_brackets = signs("(") != signs(")");
        let shape = if number { Shape::Number } else { Shape::Text };
        self.out.push(Token::new(shape, value));
        let last = self
            .peek(0)
            .is_none_or(|next| next.is_sign(",") || next.is("LIMIT") || next.is("FROM"));
        if first && last && !in_brackets {
            self.out.extend([Token::word("AS"), Token::new(Shape::Quoted, token.text.clone())]);
        }
        Ok(())
    }

    fn cast_to(&mut self, value: Vec<Token>, name: &Token) -> Result<(), Failure> {
        let affinity = match name.text.to_ascii_uppercase().as_str() {
            "CHAR" | "NCHAR" | "VARCHAR" | "JSON" | "DATETIME" | "TIME" => "TEXT",
            "DATE" => return self.cast_to_date(value),
            "BINARY" => "BLOB",
            "SIGNED" | "UNSIGNED" => "INTEGER",
            "DECIMAL" => "NUMERIC",
            "DOUBLE" | "FLOAT" | "REAL" => "REAL",
            other => return Err(Failure::unsupported(format_args!("a cast to {other}"))),
        };
        self.out.extend([Token::word("CAST"), Token::sign("(")]);
        self.out.extend(value);
        self.out.extend([Token::word("AS"), Token::word(affinity), Token::sign(")")]);
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "one arm of a choice of casts that can fail")]
    fn cast_to_date(&mut self, value: Vec<Token>) -> Result<(), Failure> {
        self.out.extend([Token::word("substr"), Token::sign("(")]);
        self.out.extend(value);
        let number = |text| Token::new(Shape::Number, text);
        self.out.extend([
            Token::sign(","),
            number("1"),
            Token::sign(","),
            number("10"),
            Token::sign(")"),
        ]);
        Ok(())
    }

    fn cast(&mut self) -> Result<(), Failure> {
        let (inside, end) = self.bracket(1)?;
        let parts = split(inside, |token| token.is("AS"));
        let ([value, name], true) = (parts.as_slice(), parts.len() == 2) else {
            return Err(Failure::new("42601", "syntax error in CAST"));
        };
        let name = name.first().ok_or_else(|| Failure::new("42601", "syntax error in CAST"))?;
        let value = self.translate(value)?;
        self.at = end;
        self.cast_to(value, name)
    }

    /// `CONVERT(x USING utf8mb4)` and `CONVERT(x, CHAR)`.
    fn convert(&mut self) -> Result<(), Failure> {
        let (inside, end) = self.bracket(1)?;
        let using = split(inside, |token| token.is("USING"));
        let parts =
            if using.len() == 2 { using } else { split(inside, |token| token.is_sign(",")) };
        let [value, name] = parts.as_slice() else {
            return Err(Failure::new("42601", "syntax error in CONVERT"));
        };
        let character_set = inside.iter().any(|token| token.is("USING"));
        let name = name.first().ok_or_else(|| Failure::new("42601", "syntax error in CONVERT"))?;
        let value = self.translate(value)?;
        self.at = end;
        if character_set {
            let text = Token::word("CHAR");
            return self.cast_to(value, &text);
        }
        self.cast_to(value, name)
    }

    /// MySQL's way to say all rows is a number that SQLite does not have.
    fn limit(&mut self, token: &Token) {
        if token.text.parse::<i64>().is_err() && token.text.parse::<u64>().is_ok() {
            self.skip(1);
            self.out.push(Token::new(Shape::Number, i64::MAX.to_string()));
        } else {
            self.copy();
        }
    }

    /// `TRIM(x)`, `TRIM(BOTH ',' FROM x)` and the like. SQLite takes a set of characters, which is the same for one.
    fn trim(&mut self) -> Result<(), Failure> {
        let (inside, end) = self.bracket(1)?;
        let function = match inside.first() {
            Some(first) if first.is("LEADING") => "ltrim",
            Some(first) if first.is("TRAILING") => "rtrim",
            Some(_) | None => "trim",
        };
        let parts = split(inside, |token| token.is("FROM"));
        self.out.extend([Token::word(function), Token::sign("(")]);
        if let [how, value] = parts.as_slice() {
            let words = ["BOTH", "LEADING", "TRAILING"];
            let skipped =
                usize::from(how.first().is_some_and(|t| words.iter().any(|word| t.is(word))));
            let what = how.get(skipped..).unwrap_or_default();
            if what.len() > 1 || what.first().is_some_and(|token| token.text.chars().count() != 1) {
                return Err(Failure::unsupported("TRIM of more than one character"));
            }
            self.out.extend(self.translate(value)?);
            if !what.is_empty() {
                self.out.push(Token::sign(","));
                self.out.extend_from_slice(what);
            }
        } else {
            self.out.extend(self.translate(inside)?);
        }
        self.out.push(Token::sign(")"));
        self.at = end;
        Ok(())
    }

    /// `GROUP_CONCAT(x ORDER BY y SEPARATOR ',')`.
    fn group_concat(&mut self) -> Result<(), Failure> {
        let (inside, end) = self.bracket(1)?;
        let parts = split(inside, |token| token.is("SEPARATOR"));
        let value = parts.first().copied().unwrap_or_default();
        let separator = parts.get(1).and_then(|part| part.first()).cloned();
        let ordered = split(value, |token| token.is("ORDER"));
        self.out.extend([Token::word("group_concat"), Token::sign("(")]);
        self.out.extend(self.translate(ordered.first().copied().unwrap_or_default())?);
        self.out.push(Token::sign(","));
        self.out.push(separator.unwrap_or_else(|| Token::new(Shape::Text, ",")));
        if let Some(order) = ordered.get(1) {
            self.out.push(Token::word("ORDER"));
            self.out.extend(self.translate(order)?);
        }
        self.out.push(Token::sign(")"));
        self.at = end;
        Ok(())
    }
}
