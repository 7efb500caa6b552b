//! Why policies could not be loaded.

use std::{fmt, path::PathBuf};

use serde::Serialize;

/// Why a policy directory could not be loaded. Nothing of it is in use afterwards.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The directory or a file in it cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The directory is larger than policies may be.
    #[error("{path} is over the limit: {reason}")]
    TooLarge {
        /// The file or directory.
        path: PathBuf,
        /// Which limit.
        reason: String,
    },
    /// The policies are wrong.
    #[error("{}", Diagnostics(.0))]
    Invalid(Vec<Diagnostic>),
    /// The engine itself failed while the policies were compiled.
    #[error("policies could not be compiled: {0}")]
    Engine(String),
}

impl LoadError {
    /// What is wrong, in OPA's check shape, for every kind of error.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Invalid(list) => list.clone(),
            Self::Read { path, .. } | Self::TooLarge { path, .. } => vec![Diagnostic {
                message: self.to_string(),
                code: "rego_load_error".to_owned(),
                location: Some(Location { file: path.display().to_string(), row: 0, col: 0 }),
            }],
            Self::Engine(_) => vec![Diagnostic {
                message: self.to_string(),
                code: "rego_compile_error".to_owned(),
                location: None,
            }],
        }
    }
}

/// One thing that is wrong with a policy, in the shape of `opa check --format json`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// For example `rego_parse_error`.
    pub code: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.location {
            write!(f, "{}:{}: ", at.file, at.row)?;
        }
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// A place in a policy file.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Location {
    /// The file, relative to the policy directory.
    pub file: String,
    /// The line, from 1.
    pub row: u32,
    /// The column, from 1.
    pub col: u32,
}

struct Diagnostics<'a>(&'a [Diagnostic]);

impl fmt::Display for Diagnostics<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("invalid policy"),
            [one] => write!(f, "1 error occurred: {one}"),
            many => {
                write!(f, "{} errors occurred:", many.len())?;
                many.iter().try_for_each(|each| write!(f, "\n{each}"))
            }
        }
    }
}
