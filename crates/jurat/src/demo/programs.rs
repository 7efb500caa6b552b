//! Where the server programs of PostgreSQL and MariaDB are.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::exit::{Exit, Failure};

const INSTALL_POSTGRES: &str = "no PostgreSQL server programs found: install the package postgresql (Debian \
and Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install \
postgresql@17)";

const INSTALL_MARIADB: &str = "no MariaDB server program found: install the package mariadb-server (Debian \
and Ubuntu: apt-get install mariadb-server; Fedora: dnf install mariadb-server; macOS: brew install mariadb)";

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

/// Where distributions put a server that is not on the PATH of everybody.
const SERVER_PLACES: [&str; 5] =
    ["/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/local/bin"];

/// A directory with `initdb` and `postgres`.
#[derive(Clone, Debug)]
pub(super) struct Postgres {
    pub(super) bin: PathBuf,
    /// As `postgres --version` tells it.
    pub(super) version: String,
}

impl Postgres {
    /// Looks on the PATH, then where distributions put them, the newest first.
    ///
    /// # Errors
    /// What to install.
    pub(super) fn find() -> Result<Self, Failure> {
        path()
            .into_iter()
            .chain(PLACES.iter().flat_map(|(dir, prefix, below)| newest(dir, prefix, below)))
            .filter(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
            .find_map(|bin| Some(Self { version: postgres_version(&bin)?, bin }))
            .ok_or_else(|| Failure::new(Exit::Unreachable, INSTALL_POSTGRES))
    }
}

/// A `mariadbd`, and the directory of its package with messages, character sets and system tables.
#[derive(Clone, Debug)]
pub(super) struct Mariadb {
    pub(super) server: PathBuf,
    pub(super) share: PathBuf,
    /// As `mariadbd --version` tells it.
    pub(super) version: String,
}

impl Mariadb {
    /// Looks on the PATH, then where distributions put it.
    ///
    /// # Errors
    /// What to install.
    pub(super) fn find() -> Result<Self, Failure> {
        path()
            .into_iter()
            .chain(SERVER_PLACES.iter().map(PathBuf::from))
            .find_map(|dir| {
                let server = dir.join("mariadbd");
                let share = share(&dir).filter(|_| server.is_file())?;
                Some(Self { version: mariadb_version(&server)?, server, share })
            })
            .ok_or_else(|| Failure::new(Exit::Unreachable, INSTALL_MARIADB))
    }
}

/// The directories of the PATH.
fn path() -> Vec<PathBuf> {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect()
}

/// The directory that belongs to a `mariadbd` in `dir`.
fn share(dir: &Path) -> Option<PathBuf> {
    let found = ["../share/mysql", "../share/mariadb", "share"].into_iter().find_map(|below| {
        let share = dir.join(below);
        share.join("mysql_system_tables.sql").is_file().then_some(share)
    });
    fs::canonicalize(found?).ok()
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

/// What a program says when it is asked for its version; `None` where it does not even run.
fn said(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    String::from_utf8(output.stdout).ok().filter(|_| output.status.success())
}

/// `15.14` from `postgres (PostgreSQL) 15.14 (Debian …)`.
fn postgres_version(bin: &Path) -> Option<String> {
    let version = said(&bin.join("postgres"))?.split_whitespace().nth(2)?.to_owned();
    Some(version)
}

fn mariadb_version(server: &Path) -> Option<String> {
    mariadb_version_in(&said(server)?)
}

fn mariadb_version_in(text: &str) -> Option<String> {
    let mut words = text.split_whitespace().skip_while(|word| *word != "Ver");
    Some(words.nth(1)?.split('-').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::mariadb_version_in;

    #[test]
    fn a_version_is_what_people_call_it() {
        let debian =
            "mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)";
        assert_eq!(mariadb_version_in(debian).as_deref(), Some("10.11.14"));
        let homebrew = "/opt/mariadbd  Ver 11.8.3-MariaDB for osx10.20 on arm64 (Homebrew)";
        assert_eq!(mariadb_version_in(homebrew).as_deref(), Some("11.8.3"));
        assert_eq!(mariadb_version_in("something else"), None);
    }
}
