//! Where PostgreSQL's server programs are.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::exit::{Exit, Failure};

const INSTALL: &str = "no PostgreSQL server programs found: install the package postgresql (Debian \
and Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install \
postgresql@17)";

/// Where distributions put versions side by side: a directory, how the names in it begin, and where
/// the programs are below.
const PLACES: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/local", "pgsql", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A directory with `initdb` and `postgres`.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    pub(super) bin: PathBuf,
    /// As `postgres --version` tells it.
    pub(super) version: String,
}

impl Programs {
    /// Looks on the PATH, then where distributions put them, the newest first.
    ///
    /// # Errors
    /// What to install.
    pub(super) fn find() -> Result<Self, Failure> {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .chain(PLACES.iter().flat_map(|(dir, prefix, below)| newest(dir, prefix, below)))
            .filter(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
            .find_map(|bin| Some(Self { version: version(&bin)?, bin }))
            .ok_or_else(|| Failure::new(Exit::Unreachable, INSTALL))
    }
}

/// The versions in one place, newest first.
fn newest(dir: &str, prefix: &str, below: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.split('.').next()?.parse().unwrap_or(0);
            Some((version, entry.path().join(below)))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, bin)| bin).collect()
}

/// `15.14` from `postgres (PostgreSQL) 15.14 (Debian …)`; `None` where it does not even run.
fn version(bin: &Path) -> Option<String> {
    let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split_whitespace().nth(2)?;
    Some(version.to_owned())
}
