//! The bytes of a small log, as they stand in `golden.md`.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::support::{append, check, lines, open, outcomes, public, run, segments, small_story};

/// The small story, in which the statement is run twice more.
fn write_log(dir: &Path) {
    let mut story = small_story();
    story.splice(4..4, [run("d3", 2), run("d4", 2), outcomes(&["d4", "d3"])]);
    let log = open(dir);
    append(&log, story);
    log.close().unwrap();
}

/// With the same key and clock the log is the same to the last byte, and every file of it is shown.
/// `BLESS=1` writes the expectation anew.
#[test]
fn a_small_log_is_these_bytes() {
    let dir = tempfile::tempdir().unwrap();
    write_log(dir.path());
    let mut text = String::from(
        "# A small log\n\nThe whole of a log with ten records, for whoever writes another reader. \
         Written by the test `golden`.\n",
    );
    let mut section = |title: &str, language: &str, body: &str| {
        let body = body.trim_end_matches('\n');
        write!(text, "\n## {title}\n\n```{language}\n{body}\n```\n").unwrap();
    };
    section("Public key", "text", &public().to_text());
    section("`checkpoint`", "text", &fs::read_to_string(dir.path().join("checkpoint")).unwrap());
    let tile = fs::read(dir.path().join("tile/0/000.p/10")).unwrap();
    let hashes: Vec<String> = tile
        .chunks(32)
        .map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    section("`tile/0/000.p/10`, in hexadecimal, a line per hash", "text", &hashes.join("\n"));
    for (name, bytes) in segments(dir.path()) {
        section(&format!("`{name}`"), "json", &String::from_utf8(bytes).unwrap());
    }
    section("What `verify` says", "text", &check(dir.path()).unwrap().to_string());

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audit/golden.md");
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), text, "run `make bless`?");
}

/// The lines in the log are read by jurat-types as the records that they are.
#[test]
fn every_line_is_a_record_of_the_schema() {
    let dir = tempfile::tempdir().unwrap();
    write_log(dir.path());
    for (seq, line) in (0..).zip(lines(dir.path())) {
        let record: jurat_types::Record = serde_json::from_str(&line).unwrap();
        assert_eq!(record.seq, seq);
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
    }
}
