//! What goes wrong in a statement, in the words and codes of both protocols.

use rusqlite::ffi;

/// Why a statement fails.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// PostgreSQL's code.
    pub(crate) sqlstate: &'static str,
    /// MySQL's error number.
    pub(crate) errno: u16,
    pub(crate) message: String,
}

/// Every code that the playground uses, with MySQL's number for the same.
const CODES: &[(&str, u16)] = &[
    ("08P01", 1835),
    ("0A000", 1235),
    ("22003", 1264),
    ("22007", 1292),
    ("22P02", 1366),
    ("23502", 1048),
    ("23503", 1452),
    ("23505", 1062),
    ("23514", 1105),
    ("25P01", 1305),
    ("25P02", 1105),
    ("40001", 1213),
    ("42601", 1064),
    ("42701", 1060),
    ("42702", 1052),
    ("42703", 1054),
    ("42704", 1193),
    ("42883", 1305),
    ("42P01", 1146),
    ("42P07", 1050),
    ("54000", 1153),
    ("55P03", 1205),
    ("57014", 1317),
    ("3D000", 1049),
    ("XX000", 1105),
];

impl Failure {
    /// A failure with one of the codes above; another code counts as an internal error.
    pub(crate) fn new(sqlstate: &str, message: impl Into<String>) -> Self {
        let known = CODES.iter().find(|(code, _)| *code == sqlstate);
        let (sqlstate, errno) = known.copied().unwrap_or(("XX000", 1105));
        Self { sqlstate, errno, message: message.into() }
    }

    /// A failure that only MySQL's clients have.
    pub(crate) fn of_mysql(errno: u16, message: impl Into<String>) -> Self {
        Self { sqlstate: "XX000", errno, message: message.into() }
    }

    /// MySQL's own code, which belongs to its number.
    pub(crate) const fn mysql_state(&self) -> &'static str {
        match self.errno {
            1047 | 1153 | 1835 => "08S01",
            1048 | 1052 | 1062 | 1452 => "23000",
            1049 | 1064 | 1235 | 1305 | 1461 => "42000",
            1050 => "42S01",
            1054 => "42S22",
            1060 => "42S21",
            1146 => "42S02",
            1213 => "40001",
            1264 => "22003",
            1292 => "22007",
            1317 => "70100",
            _ => "HY000",
        }
    }

    /// Something that the databases can and the playground cannot.
    pub(crate) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new("0A000", format!("the playground does not know {what}"))
    }
}

/// How SQLite's words begin, the code for them, and how PostgreSQL says it.
const WORDS: &[(&str, &str, &str)] = &[
    ("no such table: ", "42P01", "relation \"%\" does not exist"),
    ("no such view: ", "42P01", "view \"%\" does not exist"),
    ("no such column: ", "42703", "column \"%\" does not exist"),
    ("no such function: ", "42883", "function % does not exist"),
    ("wrong number of arguments to function ", "42883", "function % has other arguments"),
    ("ambiguous column name: ", "42702", "column reference \"%\" is ambiguous"),
    ("duplicate column name: ", "42701", "column \"%\" specified more than once"),
    ("unknown database ", "3D000", "schema \"%\" does not exist"),
    ("UNIQUE constraint failed: ", "23505", "duplicate key value violates unique constraint on %"),
    (
        "NOT NULL constraint failed: ",
        "23502",
        "null value in column % violates not-null constraint",
    ),
    ("FOREIGN KEY constraint failed", "23503", "a row violates a foreign key constraint%"),
    ("CHECK constraint failed: ", "23514", "a row violates check constraint \"%\""),
    ("database is locked", "55P03", "another session holds the lock%"),
    ("interrupted", "57014", "canceling statement due to statement timeout%"),
    ("integer overflow", "22003", "bigint out of range%"),
];

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let (extended, words) = if let rusqlite::Error::SqliteFailure(code, words) = &error {
            (code.extended_code, words.clone())
        } else if let rusqlite::Error::SqlInputError { error, msg, .. } = &error {
            (error.extended_code, Some(msg.clone()))
        } else {
            (0, None)
        };
        let words = words.unwrap_or_else(|| error.to_string());
        if extended == ffi::SQLITE_BUSY_SNAPSHOT {
            return Self::new("40001", "could not serialize access due to a concurrent update");
        }
        from_words(&words)
    }
}

fn from_words(words: &str) -> Failure {
    // A function of ours says its code itself.
    if let Some((code, message)) = words.split_once(": ")
        && code.len() == 5
        && CODES.iter().any(|(known, _)| *known == code)
    {
        return Failure::new(code, message);
    }
    for (prefix, code, said) in WORDS {
        if let Some(rest) = words.strip_prefix(prefix) {
            let name = rest.split(" in \"").next().unwrap_or(rest).trim_start_matches("main.");
            let name = name.split(" in SELECT").next().unwrap_or(name);
            return Failure::new(code, said.replace('%', name));
        }
    }
    if words.contains("syntax error") || words.contains("incomplete input") {
        let said = format!("{words} (the playground reads a part of the language)");
        return Failure::new("42601", said);
    }
    if words.contains("already exists") {
        return Failure::new("42P07", words);
    }
    Failure::new("XX000", words)
}

#[cfg(test)]
mod tests {
    use super::from_words;

    #[test]
    fn sqlite_s_words_become_codes() {
        for (words, code, said) in [
            ("no such table: main.nope", "42P01", "relation \"nope\" does not exist"),
            (
                "no such column: x in \"select x\" at offset 7",
                "42703",
                "column \"x\" does not exist",
            ),
            (
                "near \"FROM\": syntax error",
                "42601",
                "near \"FROM\": syntax error (the playground reads a part of the language)",
            ),
            ("22P02: invalid input syntax", "22P02", "invalid input syntax"),
            ("table t already exists", "42P07", "table t already exists"),
            ("what?", "XX000", "what?"),
        ] {
            let failure = from_words(words);
            assert_eq!((failure.sqlstate, failure.message.as_str()), (code, said), "{words}");
        }
    }
}
