//! The same promises and threats over MySQL's protocol, on a MariaDB or a MySQL. What differs from PostgreSQL, and
//! why, is in docs/mysql.md.

mod approvals;
mod basics;
mod builtins;
mod catalogue;
mod chatter;
mod deny;
mod drivers;
mod faults;
mod guard;
mod login;
mod mask;
mod masks;
mod misread;
mod names;
mod prepared;
mod record;
mod reload;
mod rights;
mod rows;
mod several;
mod temporary;
mod wire;

/// The modules that a source declares.
fn modules(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
}

#[test]
fn every_module_has_a_namesake_here_or_a_reason_in_the_document() {
    let document = include_str!("../../../docs/mysql.md");
    let here: Vec<&str> = modules(include_str!("mysql.rs")).collect();
    let excused = |name: &str| document.contains(&format!("\n| `{name}` | "));
    let wrong: Vec<&str> = modules(include_str!("../suite.rs"))
        .filter(|name| *name != "mysql" && here.contains(name) == excused(name))
        .collect();
    assert!(wrong.is_empty(), "without a namesake and a reason, or with both: {wrong:?}");
}
