//! One module a promise or a threat.

mod approvals;
mod bad_input;
mod bad_policy;
mod basics;
mod both;
mod builtins;
mod catalogue;
mod console;
mod copy;
mod deny;
mod differences;
mod drivers;
mod faults;
mod freeze;
mod function_call;
mod guard;
mod in_function;
mod login;
mod mask;
mod misread;
mod mysql;
mod names;
mod pipeline;
mod playground;
mod prot;
mod psql;
mod record;
mod reload;
mod several;
mod sql_console;
mod store;
mod transparent;
mod wire;

/// What is wrong with the tests of one table of the catalogue of attacks: `wire_07_…` is the test of WIRE-07. Rows
/// without a test, and tests that `docs/attacks.md` does not name.
fn missing_rows(table: &str, rows: u32, sources: &[&str]) -> Vec<String> {
    let begin = format!("fn {table}_");
    let tests: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.lines())
        .map(|line| line.strip_prefix("async ").unwrap_or(line))
        .filter(|line| line.starts_with(&begin))
        .filter_map(|line| line.strip_prefix("fn ")?.split('(').next())
        .collect();
    let has = |row: &u32| tests.iter().any(|test| test.starts_with(&format!("{table}_{row:02}_")));
    let untested = (1..=rows).filter(|row| !has(row)).map(|row| format!("{table} {row}"));
    let document = include_str!("../../docs/attacks.md");
    let untold = tests.iter().filter(|test| !document.contains(&format!("`{test}`")));
    untested.chain(untold.map(|test| (*test).to_owned())).collect()
}

#[test]
fn a_row_without_a_test_is_found_and_a_test_without_a_row() {
    let sources = ["async fn wire_01_clear_text_behind_a_request_for_tls() {", "fn wire_03_b() {"];
    assert_eq!(missing_rows("wire", 3, &sources), ["wire 2", "wire_03_b"]);
}
