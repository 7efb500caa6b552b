//! The fuzz corpora of `jurat-wire`, replayed without a fuzzer. That of the login is in `jurat-postgres`.

use std::{fs, path::Path};

#[path = "../../fuzz/checks/backend.rs"]
mod backend;
#[path = "../../fuzz/checks/frontend.rs"]
mod frontend;
#[path = "../../fuzz/checks/mysql_command.rs"]
mod mysql_command;
#[path = "../../fuzz/checks/mysql_handshake.rs"]
mod mysql_handshake;
#[path = "../../fuzz/checks/mysql_result.rs"]
mod mysql_result;
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

#[test]
fn mysql_handshakes() {
    replay("mysql_handshake", mysql_handshake::check);
}

#[test]
fn mysql_commands() {
    replay("mysql_command", mysql_command::check);
}

#[test]
fn mysql_replies() {
    replay("mysql_result", mysql_result::check);
}
