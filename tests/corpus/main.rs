//! The fuzz corpora of `jurat-wire`, replayed without a fuzzer. That of the login is in `jurat-postgres`.

use std::{fs, path::Path};

#[path = "../../fuzz/checks/backend.rs"]
mod backend;
#[path = "../../fuzz/checks/frontend.rs"]
mod frontend;
#[path = "../../fuzz/checks/startup.rs"]
mod startup;

/// Checks every file of a corpus.
fn replay(target: &str, check: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let files: Vec<_> = fs::read_dir(seeds).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 5, "{target}: {} files", files.len());
    for file in files {
        check(&fs::read(&file).unwrap());
    }
}

#[test]
fn server_messages() {
    replay("backend", backend::check);
}

#[test]
fn client_messages() {
    replay("frontend", frontend::check);
}

#[test]
fn first_packets() {
    replay("startup", startup::check);
}
