//! What the demo prints: one line a step, its evidence below, and lines to copy.

use std::path::Path;

use super::{PASSWORD, files::Files, tour::Step, upstream::Upstream};
use crate::{
    exit::{Exit, Failure},
    output::{self, Paint},
};

/// Evidence is set off by this.
const INDENT: &str = "        ";

/// Prints to stdout, in color on a terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Printer {
    paint: Paint,
}

impl Printer {
    pub(super) fn new() -> Self {
        Self { paint: Paint::stdout() }
    }

    /// Says what is being started, or why something else is.
    pub(super) fn opening(self, what: &str) -> Result<(), Failure> {
        output::line(what)
    }

    pub(super) fn standing(self, port: u16, upstream: &Upstream) -> Result<(), Failure> {
        output::line(format_args!(
            "the shop with 20000 customers is on port {}, Jurat is in front of it on port {port}
",
            upstream.port
        ))
    }

    /// Prints a step and tells whether it held.
    pub(super) fn step(self, word: &str, step: &Step) -> Result<bool, Failure> {
        let padded = format!("{word:<7}");
        match step {
            Ok(proof) => {
                let word = match word {
                    "DENY" => self.paint.bad(&padded),
                    "MASK" | "STALL" | "APPROVE" | "BUDGET" | "FREEZE" => {
                        self.paint.notable(&padded)
                    }
                    _ => self.paint.good(&padded),
                };
                output::line(format_args!("{word} {}  →  {}", proof.what, proof.proved))?;
                for line in &proof.evidence {
                    output::line(format_args!("{INDENT}{}", self.paint.faint(line)))?;
                }
                Ok(true)
            }
            Err(why) => {
                let fail = self.paint.bad("FAIL   ");
                output::line(format_args!("{fail} {word}: {why}"))?;
                Ok(false)
            }
        }
    }

    pub(super) fn staying(self, port: u16, files: &Files) -> Result<(), Failure> {
        let audit = files.audit.display();
        let key = files.public_key.display();
        output::line("\nJurat stays up. In another terminal:\n")?;
        for (user, who) in [
            ("ana", "an analyst: personal data is masked"),
            ("dan", "an administrator: guardrails hold for everybody"),
            ("bot", "an agent of ana's: what it writes waits for a person's yes"),
            ("fixer", "an agent of dan's: it may write, 1000 rows at once and 10000 an hour"),
        ] {
            output::line(format_args!(
                "  psql \"postgres://{user}:{PASSWORD}@127.0.0.1:{port}/shop\"    # {who}"
            ))?;
        }
        // As this program was called, because it need not be on the PATH.
        let jurat = std::env::args().next().unwrap_or_else(|| "jurat".to_owned());
        let to_dan = format_args!(
            "--token-file {} -c {}",
            files.token_file().display(),
            files.config.display()
        )
        .to_string();
        output::line(format_args!("  {jurat} approvals list {to_dan}"))?;
        output::line(format_args!("  {jurat} approvals approve AP-… {to_dan}"))?;
        output::line(format_args!(
            "  {jurat} admin freeze shop --until 10m --reason 'a release' {to_dan}"
        ))?;
        output::line(format_args!("  {jurat} admin unfreeze shop {to_dan}"))?;
        output::line(format_args!("  {jurat} audit tail -f {audit}"))?;
        output::line(format_args!("  {jurat} audit verify {audit} --key {key}"))?;
        output::line(format_args!(
            "\n  The policies are in {}; a change is in force within 5 seconds.",
            files.policies().display()
        ))?;
        output::line(
            "  All of this went over PostgreSQL's protocol. MySQL and MariaDB are not in the tour yet: docs/mysql.md.",
        )?;
        output::line("  Ctrl-C ends everything and removes the temporary directory.")
    }

    pub(super) fn closing(self, exit: Exit, kept: Option<&Path>) -> Result<(), Failure> {
        if exit == Exit::Failure {
            output::line(format_args!("\n{}", self.paint.bad("a step of the tour did not hold")))?;
        }
        match kept {
            Some(dir) => output::line(format_args!("\nkept: {}", dir.display())),
            None => Ok(()),
        }
    }
}
