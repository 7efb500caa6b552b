//! The fuzz corpus of the login, replayed without a fuzzer.

use std::{fs, path::Path};

#[path = "../../../fuzz/checks/sasl.rs"]
mod check;

#[test]
fn logins() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/sasl");
    let files: Vec<_> = fs::read_dir(seeds).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 5, "{} files", files.len());
    for file in files {
        check::check(&fs::read(&file).unwrap());
    }
}
