//! Promise: honest SQL is read, and what is read agrees with the servers themselves.
//!
//! The corpora beside this file were captured from tools and applications, or written after public benchmarks
//! (`capture/`). `coverage.py` reads every statement as a session would and compares it with the tree of
//! PostgreSQL's grammar (`oracle.py`). What is not read stands in `exceptions.toml`, with its reason. For MySQL and
//! MariaDB it runs a part of MariaDB's own tests (`mariadb.py`), and compares with what the server opens.

use std::{env, path::Path, process::Command};

#[path = "../it/harness/tiers.rs"]
mod tiers;

/// Runs a part of `coverage.py`, with all that it needs in the environment.
fn coverage(tier: &str, part: &str, needs: &[&str]) {
    let needs = needs.iter().chain(&["JURAT_TEST_PYTHON", "JURAT_TEST_BIN"]);
    if needs.map(env::var_os).any(|found| found.is_none()) {
        tiers::missing(tier, "run the tests with `make test`");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("coverage/coverage.py");
    let output = Command::new(env::var_os("JURAT_TEST_PYTHON").unwrap())
        .arg(script)
        .arg(part)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaints}");
    let summary = said.lines().next_back().unwrap_or_default();
    tiers::met(tier, summary);
}

#[test]
fn the_corpora_are_read_and_the_oracle_finds_nothing_missing() {
    coverage("oracle", "check", &[]);
}

#[test]
fn the_tests_of_mariadb_are_read_and_the_server_opens_nothing_else() {
    coverage("oracle-mariadb", "mariadb", &["JURAT_TEST_MARIADB_BIN", "JURAT_MARIADB_TESTS"]);
}
