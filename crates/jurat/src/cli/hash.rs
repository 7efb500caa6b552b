//! `jurat hash`: from a password to a verifier.

use std::io::{self, BufRead as _, IsTerminal as _};

use jurat_identity::make_verifier;

use crate::{
    exit::{Exit, Failure},
    output,
};

pub(super) fn run() -> Result<Exit, Failure> {
    if io::stdin().is_terminal() {
        output::complain("password (it shows while you type):");
    }
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::usage(format!("the password cannot be read: {error}")))?;
    let password = line.trim_end_matches(['\n', '\r']);
    let verifier = make_verifier(password).map_err(|error| Failure::usage(error.to_string()))?;
    output::line(verifier)?;
    Ok(Exit::Ok)
}
