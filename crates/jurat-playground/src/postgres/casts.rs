//! Casts: PostgreSQL's types, and what SQLite has for a cast to one.

use crate::{
    failure::Failure,
    kind::Kind,
    tokens::{Shape, Token, closing},
};

/// How a value is cast.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cast {
    /// SQLite's own cast to that type.
    Sqlite(&'static str),
    /// A function that checks, inside of SQLite's own cast, which tells the type.
    Function(&'static str, &'static str),
    /// Text of at most so many characters.
    Cut(u32),
    /// The value stays as it is.
    Nothing,
}

/// Names of types, and the cast to each.
const TYPES: &[(&str, Cast)] = &[
    ("text", Cast::Sqlite("TEXT")),
    ("varchar", Cast::Sqlite("TEXT")),
    ("character", Cast::Sqlite("TEXT")),
    ("char", Cast::Sqlite("TEXT")),
    ("bpchar", Cast::Sqlite("TEXT")),
    ("name", Cast::Sqlite("TEXT")),
    ("json", Cast::Sqlite("TEXT")),
    ("jsonb", Cast::Sqlite("TEXT")),
    ("uuid", Cast::Sqlite("TEXT")),
    ("smallint", Cast::Function("pg_int2", "INTEGER")),
    ("int2", Cast::Function("pg_int2", "INTEGER")),
    ("integer", Cast::Function("pg_int4", "INTEGER")),
    ("int", Cast::Function("pg_int4", "INTEGER")),
    ("int4", Cast::Function("pg_int4", "INTEGER")),
    ("bigint", Cast::Function("pg_int8", "INTEGER")),
    ("int8", Cast::Function("pg_int8", "INTEGER")),
    ("oid", Cast::Function("pg_int8", "INTEGER")),
    ("boolean", Cast::Function("pg_bool", "INTEGER")),
    ("bool", Cast::Function("pg_bool", "INTEGER")),
    ("numeric", Cast::Sqlite("NUMERIC")),
    ("decimal", Cast::Sqlite("NUMERIC")),
    ("real", Cast::Sqlite("REAL")),
    ("float4", Cast::Sqlite("REAL")),
    ("float8", Cast::Sqlite("REAL")),
    ("double", Cast::Sqlite("REAL")),
    ("date", Cast::Function("pg_date", "TEXT")),
    ("timestamp", Cast::Function("pg_timestamp", "TEXT")),
    ("timestamptz", Cast::Function("pg_timestamptz", "TEXT")),
    ("bytea", Cast::Sqlite("BLOB")),
    ("regtype", Cast::Nothing),
    ("regclass", Cast::Nothing),
    ("regproc", Cast::Nothing),
];

/// The types that a parameter inside of a cast has, by the name of the function or of SQLite's type.
const PARAMETERS: &[(&str, Kind)] = &[
    ("pg_int2", Kind::Int2),
    ("pg_int4", Kind::Int4),
    ("pg_int8", Kind::Int8),
    ("pg_bool", Kind::Bool),
    ("pg_date", Kind::Date),
    ("pg_timestamp", Kind::Timestamp),
    ("pg_timestamptz", Kind::Timestamptz),
    ("text", Kind::Text),
    ("numeric", Kind::Numeric),
    ("real", Kind::Float8),
    ("blob", Kind::Bytea),
];

/// The type that a function or a type of SQLite's in the translated text stands for.
pub(super) fn kind_of_cast(name: &str) -> Option<Kind> {
    PARAMETERS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, kind)| *kind)
}

impl Cast {
    /// The cast of a value that is already translated.
    pub(super) fn of(self, value: Vec<Token>) -> Vec<Token> {
        let call = |name: &str, value: Vec<Token>, behind: &[Token]| {
            let mut call = vec![Token::word(name), Token::sign("(")];
            call.extend(value);
            call.extend(behind.iter().cloned());
            call.push(Token::sign(")"));
            call
        };
        let to = |value: Vec<Token>, name: &str| {
            call("CAST", value, &[Token::word("AS"), Token::word(name)])
        };
        match self {
            Self::Sqlite(name) => to(value, name),
            Self::Function(function, name) => to(call(function, value, &[]), name),
            Self::Cut(length) => {
                let number = Token::new(Shape::Number, length.to_string());
                let first = Token::new(Shape::Number, "1");
                let rest = [Token::sign(","), first, Token::sign(","), number];
                to(call("substr", to(value, "TEXT"), &rest), "TEXT")
            }
            Self::Nothing => value,
        }
    }
}

/// Reads the name of a type and says how many tokens it takes.
///
/// # Errors
/// An unknown type, or an array.
pub(super) fn read(tokens: &[Token]) -> Result<(Cast, usize), Failure> {
    let word = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(word));
    let mut at = 0;
    if tokens.get(1).is_some_and(|dot| dot.is_sign(".")) {
        at = 2;
    }
    let name = tokens
        .get(at)
        .filter(|token| token.is_name())
        .map(Token::name)
        .ok_or_else(|| Failure::new("42601", "syntax error in a cast"))?;
    let known = TYPES.iter().find(|(known, _)| *known == name);
    let mut cast = known.map(|(_, cast)| *cast).ok_or_else(|| {
        Failure::new("42704", format!("the playground does not know the type {name}"))
    })?;
    at = at.saturating_add(1);
    if word(at, "VARYING") || word(at, "PRECISION") {
        at = at.saturating_add(1);
    }
    if tokens.get(at).is_some_and(|open| open.is_sign("(")) {
        let length = tokens.get(at.saturating_add(1)).and_then(|token| token.text.parse().ok());
        if let (Cast::Sqlite("TEXT"), Some(length)) = (cast, length) {
            cast = Cast::Cut(length);
        }
        let end =
            closing(tokens, at).ok_or_else(|| Failure::new("42601", "syntax error in a cast"))?;
        at = end.saturating_add(1);
    }
    if (word(at, "WITH") || word(at, "WITHOUT")) && word(at.saturating_add(1), "TIME") {
        if word(at, "WITH") {
            cast = Cast::Function("pg_timestamptz", "TEXT");
        }
        at = at.saturating_add(3);
    }
    if tokens.get(at).is_some_and(|open| open.is_sign("[")) {
        return Err(Failure::unsupported("arrays"));
    }
    Ok((cast, at))
}
