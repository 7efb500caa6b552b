//! What a file may look like: its size, its first line, and what must not be left in it.

use crate::assert_none;
use crate::repository::{TextFile, text_files};

/// About 500 lines is the aim; a file above this limit does two things.
const LINES_MAX: usize = 600;

/// Left-over markers, in two halves so that this file does not hold them.
const MARKERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("to", "do!("),
    concat!("db", "g!("),
];

/// Attributes that make a test say less than it seems to.
const EVASIVE: &[&str] = &[concat!("#[ig", "nore"), concat!("#[should_", "panic")];

/// Where somebody's machine keeps its files.
const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

/// Files that a person reads and edits, without the licenses and the lock file.
fn written() -> impl Iterator<Item = TextFile> {
    text_files().into_iter().filter(|file| {
        !file.is_test_data() && file.path != "Cargo.lock" && !file.path.starts_with("LICENSE-")
    })
}

fn rust_files() -> impl Iterator<Item = TextFile> {
    text_files().into_iter().filter(|file| file.extension() == "rs" && !file.is_test_data())
}

/// `path:line` of each line for which `wrong` holds.
fn lines_where(file: &TextFile, wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let numbered = file.text.lines().enumerate().filter(|(_, line)| wrong(line));
    numbered.map(|(index, line)| format!("{}:{}: {}", file.path, index + 1, line.trim())).collect()
}

/// Whether `word` stands in `line` with no letter, digit, `_` or `-` at either side.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let open = word.ends_with('(');
        !before.is_some_and(part_of_word) && (open || !after.is_some_and(part_of_word))
    })
}

/// Whether a path of a machine starts in `line`, as opposed to standing in the middle of another path.
fn has_machine_path(line: &str) -> bool {
    MACHINE_PATHS.iter().any(|path| {
        line.match_indices(path).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || "._-}*~".contains(c))
        })
    })
}

#[test]
fn a_rust_file_opens_by_saying_what_it_is_for() {
    let silent = |file: &TextFile| {
        let first = file.text.lines().next().unwrap_or_default();
        first.strip_prefix("//! ").is_none_or(|sentence| sentence.trim().is_empty())
    };
    let findings: Vec<String> = rust_files().filter(silent).map(|file| file.path).collect();
    assert_none("the first line must start with `//! ` and say what the file is for:", &findings);
}

#[test]
fn a_rust_file_is_short() {
    let findings: Vec<String> = rust_files()
        .filter(|file| file.text.lines().count() > LINES_MAX)
        .map(|file| format!("{} has {} lines", file.path, file.text.lines().count()))
        .collect();
    assert_none(&format!("more than {LINES_MAX} lines; split it by what it does:"), &findings);
}

#[test]
fn a_module_file_bears_its_module_s_name() {
    let findings: Vec<String> =
        rust_files().filter(|file| file.path.ends_with("/mod.rs")).map(|file| file.path).collect();
    assert_none("name it after the module and put it beside the module's directory:", &findings);
}

#[test]
fn nothing_is_left_to_do_in_the_text() {
    let left = |line: &str| MARKERS.iter().any(|marker| has_word(line, marker));
    let findings: Vec<String> = written().flat_map(|file| lines_where(&file, left)).collect();
    assert_none("a marker was left; do it, or file an issue:", &findings);
}

#[test]
fn no_test_is_switched_off() {
    let evasive = |line: &str| EVASIVE.iter().any(|attribute| line.contains(attribute));
    let findings: Vec<String> = rust_files().flat_map(|file| lines_where(&file, evasive)).collect();
    assert_none("a test runs and says what it expects:", &findings);
}

#[test]
fn no_path_of_somebody_s_machine_is_written_down() {
    let findings: Vec<String> =
        written().flat_map(|file| lines_where(&file, has_machine_path)).collect();
    assert_none("a path that exists on one machine only:", &findings);
}

#[test]
fn a_marker_is_found_as_a_word() {
    let marker = MARKERS[2];
    assert!(has_word(&format!("// {marker}: later"), marker));
    assert!(has_word(&format!("{}\"x\")", MARKERS[3]), MARKERS[3]));
    assert!(!has_word(&format!("masked as {marker}-12"), marker));
    assert!(!has_word(&format!("A{marker}B"), marker));
}

#[test]
fn a_machine_path_is_found_where_it_starts() {
    let path = MACHINE_PATHS[0];
    assert!(has_machine_path(&format!("see {path}main")));
    assert!(has_machine_path(&format!("\"{path}main\"")));
    assert!(!has_machine_path(&format!("$PWD/target{path}x")));
}
