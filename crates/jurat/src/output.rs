//! Results, on stdout. Logs and complaints go to stderr; colors only to a terminal that wants them.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write as _},
};

use serde::Serialize;

use crate::exit::Failure;

/// Writes one line of a result.
///
/// # Errors
/// Where stdout does not take it; a closed pipe ends the program quietly.
pub(crate) fn line(text: impl fmt::Display) -> Result<(), Failure> {
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

/// Writes a result as JSON, with line breaks.
///
/// # Errors
/// As [`line()`].
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::other(format!("the result has no form in JSON: {error}")))?;
    line(text)
}

/// Writes a result as JSON, on one line.
///
/// # Errors
/// As [`line()`].
pub(crate) fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::other(format!("the result has no form in JSON: {error}")))?;
    line(text)
}

/// Tells a person something that is no result.
pub(crate) fn complain(text: impl fmt::Display) {
    // Where even stderr is gone there is nobody left to tell.
    let _gone = writeln!(io::stderr().lock(), "{text}");
}

/// `1 rule`, `2 rules`.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Pretty,
    /// For programs.
    Json,
}

/// Colors for words on stdout, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// Colors where stdout is a terminal and `NO_COLOR` is not set (<https://no-color.org>).
    pub(crate) fn stdout() -> Self {
        Self { on: io::stdout().is_terminal() && wanted() }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(crate) fn notable(self, text: &str) -> String {
        self.paint("36", text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Whether the environment lets a terminal have colors.
pub(crate) fn wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
