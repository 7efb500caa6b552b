//! Promise: every case of the suite runs over both protocols. What does not has a line with its reason in
//! docs/mysql-cases.md, and nothing else has one.
//!
//! The cases are those that this very program lists, so none can be forgotten. A case is instantiated for MySQL where
//! `both` has it, or where a test below `suite::mysql` has the same first module and the same name.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    process::Command,
};

const DOCUMENT: &str = include_str!("../../../docs/mysql-cases.md");

/// Modules that test neither of the protocols: this comparison, and what others stand on.
const NEITHER: [&str; 2] =
    ["differences", "a_row_without_a_test_is_found_and_a_test_without_a_row"];

/// The tests of the suite, without `suite::`.
fn listed() -> Vec<String> {
    let said = Command::new(env::current_exe().unwrap()).arg("--list").output().unwrap();
    assert!(said.status.success(), "{said:?}");
    let said = String::from_utf8(said.stdout).unwrap();
    let tests = said.lines().filter_map(|line| line.strip_suffix(": test"));
    tests.filter_map(|test| test.strip_prefix("suite::")).map(str::to_owned).collect()
}

/// First module and name of a test.
fn ends(test: &str) -> (&str, &str) {
    let first = test.split("::").next().unwrap_or_default();
    (first, test.rsplit("::").next().unwrap_or_default())
}

/// What is between backticks in a text.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The lines of the table: which cases, and what is said of them.
fn lines(document: &str) -> Vec<(Vec<&str>, &str)> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (cases, said) = row.split_once(" | ").expect("two columns");
        let cases = cases.split("`, `").map(|case| case.trim_end_matches('`')).collect();
        (cases, said.trim_end_matches(" |"))
    })
    .collect()
}

/// Whether an entry of the table is about a case: its path, or that of a module with `::*`.
fn about(entry: &str, case: &str) -> bool {
    match entry.strip_suffix('*') {
        Some(module) => case.starts_with(module),
        None => entry == case,
    }
}

/// What is wrong with a table, given the tests that there are.
fn wrong(tests: &[String], document: &str) -> Vec<String> {
    let of_mysql: BTreeSet<(&str, &str)> =
        tests.iter().filter_map(|test| test.strip_prefix("mysql::")).map(ends).collect();
    let both: BTreeSet<&str> = tests
        .iter()
        .filter(|test| test.starts_with("both::") && test.contains("::on_mysql::"))
        .map(|test| ends(test).1)
        .collect();
    let missing: Vec<&String> = tests
        .iter()
        .filter(|test| !test.starts_with("mysql::") && !test.starts_with("both::"))
        .filter(|test| !NEITHER.contains(&ends(test).0) && !NEITHER.contains(&ends(test).1))
        .filter(|test| !of_mysql.contains(&ends(test)) && !both.contains(ends(test).1))
        .collect();
    let lines = lines(document);
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (entries, said) in &lines {
        for entry in entries {
            if !missing.iter().any(|case| about(entry, case)) {
                wrong.push(format!("{entry}: there is no such case, or it runs over MySQL"));
            }
            for case in missing.iter().filter(|case| about(entry, case)) {
                *told.entry(case).or_default() += 1;
            }
        }
        for test in quoted(said).filter(|name| name.contains("::")) {
            let there = |path: &String| {
                let rest = path.strip_prefix("mysql::").or_else(|| {
                    path.strip_prefix("both::").filter(|rest| rest.contains("::on_mysql::"))
                });
                rest.is_some_and(|rest| rest.replace("on_mysql::", "") == test)
            };
            if !tests.iter().any(there) {
                wrong.push(format!("{entries:?}: there is no {test} over MySQL"));
            }
        }
        if said.trim().is_empty() {
            wrong.push(format!("{entries:?}: no reason"));
        }
    }
    for case in missing {
        match told.get(case.as_str()) {
            None => wrong.push(format!("{case}: not over MySQL, and no reason")),
            Some(1) => {}
            Some(_) => wrong.push(format!("{case}: told more than once")),
        }
    }
    wrong
}

#[test]
fn every_case_runs_over_both_protocols_or_has_a_reason() {
    let wrong = wrong(&listed(), DOCUMENT);
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_case_without_a_reason_and_a_reason_without_a_case_are_found() {
    let tests = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let there = tests(&[
        "deny::shared",
        "mysql::deny::shared",
        "copy::rows_come_out_as_they_do_without_jurat",
        "both::limits::on_mysql::here",
    ]);
    assert_eq!(
        wrong(&there, ""),
        ["copy::rows_come_out_as_they_do_without_jurat: not over MySQL, and no reason"]
    );
    assert_eq!(wrong(&there, "| `copy::*` | there is no COPY |"), Vec::<String>::new());
    assert_eq!(wrong(&there, "| `copy::*` | `limits::here` |"), Vec::<String>::new());
    assert_eq!(
        wrong(&there, "| `copy::*` | `limits::gone` |"),
        ["[\"copy::*\"]: there is no limits::gone over MySQL"]
    );
}
