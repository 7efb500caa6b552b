//! From PostgreSQL's words to SQLite's, token by token.
//!
//! It knows what canonical texts, masks and everyday statements use. What it does not know goes to SQLite as
//! it is, which then says that it cannot read it.

mod names;

use super::{casts, casts::Cast};
use crate::{
    failure::Failure,
    tokens::{Shape, Token, closing, split},
};

pub(super) use names::name_results;

/// Translates one statement.
///
/// # Errors
/// Something that the playground does not know.
pub(super) fn translate(tokens: &[Token]) -> Result<Vec<Token>, Failure> {
    let mut translation = Translation { given: tokens, at: 0, out: Vec::new() };
    while translation.step()? {}
    Ok(translation.out)
}

struct Translation<'a> {
    given: &'a [Token],
    at: usize,
    out: Vec<Token>,
}

/// Aggregates and functions with the type that SQLite does not tell.
const RESULTS: &[(&str, &str)] = &[
    ("count", "INTEGER"),
    ("row_number", "INTEGER"),
    ("rank", "INTEGER"),
    ("dense_rank", "INTEGER"),
    ("length", "INTEGER"),
    ("char_length", "INTEGER"),
    ("strpos", "INTEGER"),
    ("sum", "NUMERIC"),
    ("avg", "REAL"),
    ("date_part", "REAL"),
    ("md5", "TEXT"),
    ("lower", "TEXT"),
    ("upper", "TEXT"),
    ("left", "TEXT"),
    ("right", "TEXT"),
    ("substr", "TEXT"),
    ("concat", "TEXT"),
    ("string_agg", "TEXT"),
    ("version", "TEXT"),
    ("current_database", "TEXT"),
    ("current_schema", "TEXT"),
    ("current_setting", "TEXT"),
];

/// Functions under another name.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("bool_and", "min"),
    ("bool_or", "max"),
    ("btrim", "trim"),
    ("clock_timestamp", "now"),
    ("every", "min"),
    ("greatest", "max"),
    ("least", "min"),
    ("statement_timestamp", "now"),
    ("transaction_timestamp", "now"),
];

/// Operators with a word for them.
const OPERATORS: &[(&str, &[&str])] = &[
    ("~", &["REGEXP"]),
    ("~*", &["MATCH"]),
    ("!~", &["NOT", "REGEXP"]),
    ("!~*", &["NOT", "MATCH"]),
    ("~~", &["LIKE"]),
    ("!~~", &["NOT", "LIKE"]),
    ("~~*", &["GLOB"]),
    ("!~~*", &["NOT", "GLOB"]),
];

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

    /// What stands in the bracket that opens `ahead`, and the index behind its end.
    fn bracket(&self, ahead: usize) -> Result<(&'a [Token], usize), Failure> {
        let open = self.at.saturating_add(ahead);
        let inside = closing(self.given, open)
            .and_then(|end| Some((self.given.get(open.saturating_add(1)..end)?, end)));
        let (inside, end) =
            inside.ok_or_else(|| Failure::new("42601", "a bracket is not closed"))?;
        Ok((inside, end.saturating_add(1)))
    }

    /// Translates what is next; false at the end.
    fn step(&mut self) -> Result<bool, Failure> {
        let Some(token) = self.peek(0) else { return Ok(false) };
        match token.shape {
            Shape::Sign => self.sign(token)?,
            Shape::Word => self.word(token)?,
            Shape::Quoted => self.name(token)?,
            Shape::Text | Shape::Number | Shape::Parameter => self.copy(),
        }
        Ok(true)
    }

    fn copy(&mut self) {
        self.out.extend(self.peek(0).cloned());
        self.skip(1);
    }

    fn push_words(&mut self, words: &[&str]) {
        self.out.extend(words.iter().map(|word| Token::word(word)));
    }

    fn sign(&mut self, token: &Token) -> Result<(), Failure> {
        if token.text == "::" {
            return self.postfix_cast();
        }
        self.skip(1);
        self.operator(&token.text);
        Ok(())
    }

    fn operator(&mut self, text: &str) {
        if matches!(text, "=" | "<>" | "!=") && self.any_of_array() {
            return;
        }
        match OPERATORS.iter().find(|(sign, _)| *sign == text) {
            Some((_, words)) => self.push_words(words),
            None => self.out.push(Token::sign(text)),
        }
    }

    /// `= ANY (ARRAY[…])` is IN, `<> ALL (ARRAY[…])` is NOT IN.
    fn any_of_array(&mut self) -> bool {
        let negated = self.is(0, "ALL");
        if !(self.is(0, "ANY") || negated) || !self.is_sign(1, "(") || !self.is(2, "ARRAY") {
            return false;
        }
        let Ok((inside, end)) = self.bracket(1) else { return false };
        let Some((_, array)) = inside.split_first() else { return false };
        let Some(end_of_array) = closing(array, 0) else { return false };
        let Some(list) = array.get(1..end_of_array) else { return false };
        let Ok(list) = translate(list) else { return false };
        self.push_words(if negated { &["NOT", "IN"] } else { &["IN"] });
        self.out.push(Token::sign("("));
        self.out.extend(list);
        self.out.push(Token::sign(")"));
        self.at = end;
        true
    }

    fn word(&mut self, token: &'a Token) -> Result<(), Failure> {
        let upper = token.text.to_ascii_uppercase();
        match upper.as_str() {
            "CAST" if self.is_sign(1, "(") => self.cast_call(),
            "OPERATOR" if self.is_sign(1, "(") => {
                let (inside, end) = self.bracket(1)?;
                self.at = end;
                self.operator(inside.last().map_or("", |sign| &sign.text));
                Ok(())
            }
            "EXTRACT" if self.is_sign(1, "(") => self.extract(),
            "SUBSTRING" if self.is_sign(1, "(") => self.substring(),
            "POSITION" if self.is_sign(1, "(") => self.position(),
            "ILIKE" => {
                self.skip(1);
                self.push_words(&["GLOB"]);
                Ok(())
            }
            "COLLATE" => {
                self.skip(2);
                if self.is_sign(0, ".") {
                    self.skip(2);
                }
                Ok(())
            }
            "ONLY" if self.peek(1).is_some_and(Token::is_name) => {
                self.skip(1);
                Ok(())
            }
            "FOR" if ["UPDATE", "SHARE", "NO", "KEY"].iter().any(|word| self.is(1, word)) => {
                while self.peek(0).is_some_and(|token| !token.is_sign(")")) {
                    self.skip(1);
                }
                Ok(())
            }
            "LIMIT" if self.is(1, "ALL") => {
                self.skip(2);
                Ok(())
            }
            "FETCH" if self.is(1, "FIRST") || self.is(1, "NEXT") => {
                self.skip(2);
                self.push_words(&["LIMIT"]);
                Ok(())
            }
            "ROW" | "ROWS" if self.is(1, "ONLY") => {
                self.skip(2);
                Ok(())
            }
            "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" => self.constant_call("now"),
            "CURRENT_USER" | "SESSION_USER" | "USER" if !self.is_sign(1, ".") => {
                self.skip(1);
                self.out.push(Token::new(Shape::Text, crate::USER));
                Ok(())
            }
            "CURRENT_DATE" => {
                self.skip(1);
                let now = [Token::word("now"), Token::sign("("), Token::sign(")")];
                self.out.extend(Cast::Function("pg_date", "TEXT").of(now.to_vec()));
                Ok(())
            }
            "CURRENT_CATALOG" => self.constant_call("current_database"),
            "CURRENT_SCHEMA" if !self.is_sign(1, "(") => self.constant_call("current_schema"),
            "DATE" | "TIMESTAMP" | "TIMESTAMPTZ" => self.time_literal(token),
            "DEFAULT" => self.default(),
            "GENERATED" if self.identity() => Ok(()),
            "SERIAL" | "BIGSERIAL" | "SMALLSERIAL" => {
                self.skip(1);
                self.push_words(&["INTEGER"]);
                Ok(())
            }
            "CASCADE" | "RESTRICT" if self.peek(1).is_none() => {
                self.skip(1);
                Ok(())
            }
            _ => self.name(token),
        }
    }

    fn constant_call(&mut self, name: &str) -> Result<(), Failure> {
        self.skip(1);
        self.out.extend([Token::word(name), Token::sign("("), Token::sign(")")]);
        Ok(())
    }

    /// A name: of a schema, of a function, or any other.
    fn name(&mut self, token: &'a Token) -> Result<(), Failure> {
        let name = token.name();
        let qualified = self.is_sign(1, ".") && self.peek(2).is_some_and(Token::is_name);
        if qualified && matches!(name.as_str(), "public" | "pg_catalog") && self.is_sign(3, "(") {
            let follows_table =
                self.out.last().is_some_and(|last| last.is("INTO") || last.is("TABLE"));
            if !follows_table {
                self.skip(2);
                return self.step().map(drop);
            }
        }
        if qualified && name == "public" {
            self.skip(1);
            self.out.push(Token::word("main"));
            return Ok(());
        }
        if self.is_sign(1, "(") { self.call(token, &name) } else { self.named_cast(token) }
    }

    fn call(&mut self, token: &Token, name: &str) -> Result<(), Failure> {
        let Some((_, result)) = RESULTS.iter().find(|(known, _)| *known == name) else {
            match OTHER_NAMES.iter().find(|(known, _)| *known == name) {
                Some((_, other)) => self.out.push(Token::word(other)),
                None => self.out.push(token.clone()),
            }
            self.skip(1);
            return Ok(());
        };
        let (inside, end) = self.bracket(1)?;
        let mut whole = vec![token.clone(), Token::sign("(")];
        whole.extend(translate(inside)?);
        whole.push(Token::sign(")"));
        self.at = end;
        // What belongs to an aggregate or a window function comes into the cast with it.
        while (self.is(0, "FILTER") || self.is(0, "OVER")) && self.is_sign(1, "(") {
            let (inside, end) = self.bracket(1)?;
            whole.extend(self.peek(0).cloned());
            whole.push(Token::sign("("));
            whole.extend(translate(inside)?);
            whole.push(Token::sign(")"));
            self.at = end;
        }
        self.out.extend(Cast::Sqlite(result).of(whole));
        Ok(())
    }

    /// `regclass 'x'` and its like are no statements of everyday; everything else stays as it is.
    fn named_cast(&mut self, _token: &Token) -> Result<(), Failure> {
        self.copy();
        Ok(())
    }

    /// `CAST(x AS type)`.
    fn cast_call(&mut self) -> Result<(), Failure> {
        let (inside, end) = self.bracket(1)?;
        let parts = split(inside, |token| token.is("AS"));
        let [value, of_type] = parts.as_slice() else {
            return Err(Failure::new("42601", "syntax error in CAST"));
        };
        let (cast, used) = casts::read(of_type)?;
        if used != of_type.len() {
            return Err(Failure::new("42601", "syntax error in CAST"));
        }
        let value = translate(value)?;
        self.out.extend(cast.of(value));
        self.at = end;
        Ok(())
    }

    /// `x::type`: the operand is already written.
    fn postfix_cast(&mut self) -> Result<(), Failure> {
        let rest = self.given.get(self.at.saturating_add(1)..).unwrap_or_default();
        let (cast, used) = casts::read(rest)?;
        let start = operand_start(&self.out);
        let operand = self.out.split_off(start);
        if operand.is_empty() {
            return Err(Failure::new("42601", "syntax error at or near \"::\""));
        }
        self.out.extend(cast.of(operand));
        self.skip(used.saturating_add(1));
        Ok(())
    }

    /// `extract(year from x)`.
    fn extract(&mut self) -> Result<(), Failure> {
        let (inside, end) = self.bracket(1)?;
        let parts = split(inside, |token| token.is("FROM"));
        let [[unit], value] = parts.as_slice() else {
            return Err(Failure::new("42601", "syntax error in EXTRACT"));
        };
        let mut call = vec![Token::word("date_part"), Token::sign("(")];
        call.extend([Token::new(Shape::Text, unit.text.clone()), Token::sign(",")]);
        call.extend(translate(value)?);
        call.push(Token::sign(")"));
        self.out.extend(Cast::Sqlite("REAL").of(call));
        self.at = end;
        Ok(())
    }

    /// `substring(x from a for b)` and `substring(x, a, b)`.
    fn substring(&mut self) -> Result<(), Failure> {
        let (inside, end) = self.bracket(1)?;
        let parts =
            split(inside, |token| token.is("FROM") || token.is("FOR") || token.is_sign(","));
        let mut call = vec![Token::word("substr"), Token::sign("(")];
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                call.push(Token::sign(","));
            }
            call.extend(translate(part)?);
        }
        call.push(Token::sign(")"));
        self.out.extend(Cast::Sqlite("TEXT").of(call));
        self.at = end;
        Ok(())
    }

    /// `position(a in b)`.
    fn position(&mut self) -> Result<(), Failure> {
        let (inside, end) = self.bracket(1)?;
        let parts = split(inside, |token| token.is("IN"));
        let [part, whole] = parts.as_slice() else {
            return Err(Failure::new("42601", "syntax error in POSITION"));
        };
        let mut call = vec![Token::word("strpos"), Token::sign("(")];
        call.extend(translate(whole)?);
        call.push(Token::sign(","));
        call.extend(translate(part)?);
        call.push(Token::sign(")"));
        self.out.extend(Cast::Sqlite("INTEGER").of(call));
        self.at = end;
        Ok(())
    }

    /// `timestamptz '2024-01-01'`; a type, a name or a function elsewhere.
    fn time_literal(&mut self, token: &'a Token) -> Result<(), Failure> {
        let rest = self.given.get(self.at..).unwrap_or_default();
        if let Ok((cast, used)) = casts::read(rest)
            && let Some(literal) = rest.get(used).filter(|token| token.shape == Shape::Text)
        {
            self.out.extend(cast.of(vec![literal.clone()]));
            self.skip(used.saturating_add(1));
            return Ok(());
        }
        self.name(token)
    }

    /// SQLite wants an expression behind DEFAULT in brackets.
    fn default(&mut self) -> Result<(), Failure> {
        self.copy();
        if self.is(0, "CURRENT_TIMESTAMP") || self.is(0, "CURRENT_DATE") {
            self.out.push(Token::sign("("));
            self.step()?;
            self.out.push(Token::sign(")"));
            return Ok(());
        }
        let call = self.peek(0).is_some_and(Token::is_name) && self.is_sign(1, "(");
        let qualified = self.is_sign(1, ".") && self.is_sign(3, "(");
        if call || qualified {
            let end = self.bracket(if call { 1 } else { 3 })?.1;
            let expression = self.given.get(self.at..end).unwrap_or_default();
            self.out.push(Token::sign("("));
            self.out.extend(translate(expression)?);
            self.out.push(Token::sign(")"));
            self.at = end;
        }
        Ok(())
    }

    /// `GENERATED … AS IDENTITY`: an integer primary key counts by itself in SQLite.
    fn identity(&mut self) -> bool {
        let count = if self.is(1, "ALWAYS") { 2 } else { 3 };
        let found = self.is(count, "AS") && self.is(count.saturating_add(1), "IDENTITY");
        if found {
            self.skip(count.saturating_add(2));
        }
        found
    }
}

/// Where the operand of a cast begins that ends with the tokens: a bracket with the name in front of it, a
/// literal, or a path of names.
fn operand_start(out: &[Token]) -> usize {
    let mut start = out.len().saturating_sub(1);
    if out.last().is_some_and(|last| last.is_sign(")")) {
        let mut depth = 0_usize;
        for (at, token) in out.iter().enumerate().rev() {
            if token.is_sign(")") {
                depth = depth.saturating_add(1);
            } else if token.is_sign("(") {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    start = at;
                    break;
                }
            }
        }
        let before = start.checked_sub(1).and_then(|at| out.get(at));
        if before.is_some_and(|token| token.is_name() && !is_keyword(token)) {
            start = start.saturating_sub(1);
        }
    }
    while let Some(dot) =
        start.checked_sub(1).filter(|at| out.get(*at).is_some_and(|t| t.is_sign(".")))
    {
        start = dot.saturating_sub(1);
    }
    start
}

/// Words in front of a bracket that name no function.
fn is_keyword(token: &Token) -> bool {
    const WORDS: &[&str] = &[
        "SELECT",
        "WHERE",
        "AND",
        "OR",
        "NOT",
        "IN",
        "BY",
        "ON",
        "WHEN",
        "THEN",
        "ELSE",
        "VALUES",
        "CASE",
        "HAVING",
        "SET",
        "RETURNING",
        "LIKE",
        "GLOB",
        "BETWEEN",
        "IS",
        "LIMIT",
        "OFFSET",
        "EXISTS",
        "FROM",
        "AS",
        "UNION",
        "ALL",
        "ANY",
    ];
    WORDS.iter().any(|word| token.is(word))
}
