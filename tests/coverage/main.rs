//! Promise: honest SQL is read, and what is read agrees with PostgreSQL's own grammar.
//!
//! The corpora beside this file were captured from tools and applications, or written after public benchmarks
//! (`capture/`). `coverage.py` reads every statement as a session would and compares it with the tree of the
//! server's grammar (`oracle.py`). What is not read stands in `exceptions.toml`, with its reason.

use std::{env, path::Path, process::Command};

#[path = "../it/harness/tiers.rs"]
mod tiers;

#[test]
fn the_corpora_are_read_and_the_oracle_finds_nothing_missing() {
    let (Some(python), Some(binary)) =
        (env::var_os("JURAT_TEST_PYTHON"), env::var_os("JURAT_TEST_BIN"))
    else {
        tiers::missing("oracle", "run the tests with `make test`");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("coverage/coverage.py");
    let output = Command::new(&python)
        .arg(script)
        .arg("check")
        .env("JURAT_TEST_BIN", binary)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaints}");
    let summary = said.lines().next_back().unwrap_or_default();
    tiers::met("oracle", summary);
}
