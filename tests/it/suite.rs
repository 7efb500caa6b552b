//! One module a promise or a threat.

mod bad_input;
mod bad_policy;
mod basics;
mod copy;
mod deny;
mod drivers;
mod faults;
mod function_call;
mod login;
mod mask;
mod misread;
mod names;
mod pipeline;
mod prot;
mod psql;
mod record;
mod reload;
mod several;
mod transparent;
mod wire;

/// The rows of a table of the catalogue of attacks without a test: `wire_07_…` is the test of WIRE-07.
fn missing_rows(table: &str, rows: u32, sources: &[&str]) -> Vec<String> {
    let numbers = (1..=rows).map(|row| format!("async fn {table}_{row:02}_"));
    numbers.filter(|test| !sources.iter().any(|source| source.contains(test.as_str()))).collect()
}

#[test]
fn a_row_without_a_test_is_found() {
    let sources = ["async fn wire_01_a() {}", "async fn wire_03_b() {}"];
    assert_eq!(missing_rows("wire", 3, &sources), ["async fn wire_02_"]);
}
