//! Which rules are tests.

use std::collections::BTreeMap;

use crate::{Location, syntax::ModuleFacts};

/// One test, before it runs.
pub(super) struct Test {
    pub(super) location: Location,
    /// The whole path, `data` first.
    pub(super) path: Vec<String>,
    pub(super) package: String,
    pub(super) name: String,
    pub(super) skip: bool,
    /// The rule that lists the cases of a table.
    pub(super) cases: Option<Vec<String>>,
}

/// Finds the tests, in the order of files and lines.
pub(super) fn tests(modules: &[ModuleFacts]) -> Vec<Test> {
    let mut tests = Vec::new();
    let mut seen: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for module in modules {
        for rule in &module.rules {
            let below = rule.path.get(module.package.len()..).unwrap_or_default();
            let skip = below.iter().any(|part| part.starts_with("todo_test_"));
            if !skip && !below.iter().any(|part| part.starts_with("test_")) {
                continue;
            }
            let times = seen.entry(rule.path.clone()).or_insert(0);
            let mut name = below.join(".");
            if *times > 0 {
                name.push_str(&format!("#{times:02}"));
            }
            *times += 1;
            let cases = rule.cases.as_ref().map(|_| {
                let own = format!("{}{}", crate::syntax::CASES, below.join("."));
                module.package.iter().cloned().chain([own]).collect()
            });
            tests.push(Test {
                location: rule.at.clone(),
                path: rule.path.clone(),
                package: module.package.join("."),
                name,
                skip,
                cases,
            });
        }
    }
    tests
}
