//! Threat: names, pipelines and states of the extended protocol. The rows PROT-01 to PROT-26 of the catalogue
//! of attacks, one test each, with what PostgreSQL does shown first where it has an answer.

mod copy;
mod names;
mod order;
mod session;
mod values;

/// The sources of the modules above.
const SOURCES: [&str; 5] = [
    include_str!("prot/copy.rs"),
    include_str!("prot/names.rs"),
    include_str!("prot/order.rs"),
    include_str!("prot/session.rs"),
    include_str!("prot/values.rs"),
];

#[test]
fn every_row_of_the_catalogue_has_its_test() {
    assert_eq!(super::missing_rows("prot", 26, &SOURCES), Vec::<String>::new());
}

/// A protected value that a plain SELECT shows.
const READ: &str = "SELECT email FROM customers ORDER BY id LIMIT 1";
