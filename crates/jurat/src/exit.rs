//! How the program ends: the one table of exit codes, and the failure that carries one.

use std::{error::Error, fmt, process::ExitCode};

/// Exit codes. The numbers are a contract with scripts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Ok = 0,
    /// Something failed that has no code of its own.
    Failure = 1,
    /// The command line, the configuration or a file that it names is wrong.
    Usage = 2,
    /// Policies are wrong, or a decision was the one that `--fail-on` names.
    Findings = 3,
    /// A database or a program that is needed cannot be reached or found.
    Unreachable = 5,
    /// The log is not what was signed.
    Verification = 7,
    /// A second signal cut the orderly end short.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what was asked: one message for a person, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// A failure without a code of its own.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(Exit::Failure, message)
    }

    /// Something that was written by a person is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// From an error, with everything that caused it: `what: error: cause: cause`.
    pub(crate) fn because(exit: Exit, what: impl fmt::Display, error: &dyn Error) -> Self {
        Self::new(exit, format!("{what}: {}", chain(error)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Where the reader has gone (`jurat … | head`) nothing is said, and it is no success either: what was
/// not written may have been a finding.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::other(String::new());
        }
        Self::other(format!("the output cannot be written: {error}"))
    }
}

/// An error with its causes; a cause that the error's own words repeat is left out.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::chain;

    #[derive(Debug, thiserror::Error)]
    #[error("the key cannot be read")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_are_told_once() {
        let cause = || std::io::Error::other("disk on fire");
        assert_eq!(chain(&Outer(cause())), "the key cannot be read: disk on fire");
        assert_eq!(chain(&cause()), "disk on fire");
    }
}
