//! `jurat hash`: from a password to a verifier.

use std::io::{self, BufRead as _, IsTerminal as _};

use clap::Args;
use jurat_identity::{make_mysql_verifier, make_verifier};

use crate::{
    exit::{Exit, Failure},
    output,
};

#[derive(Args)]
pub(super) struct Arguments {
    /// Print `mysql_sha2`, which MySQL clients without TLS need, instead of `scram`
    #[arg(long)]
    mysql: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if io::stdin().is_terminal() {
        output::complain("password (it shows while you type):");
    }
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::usage(format!("the password cannot be read: {error}")))?;
    let password = line.trim_end_matches(['\n', '\r']);
    let made =
        if arguments.mysql { make_mysql_verifier(password) } else { make_verifier(password) };
    let verifier = made.map_err(|error| Failure::usage(error.to_string()))?;
    output::line(verifier)?;
    Ok(Exit::Ok)
}
