//! What the demo prints: one line a step, its evidence below, and lines to copy.

use std::path::Path;

use super::{PASSWORD, client::Protocol, files::Files, tour::Step, upstream::Served};
use crate::{
    exit::{Exit, Failure},
    output::{self, Paint},
};

/// Evidence is set off by this.
const INDENT: &str = "        ";

/// Who can log in, and what to expect then.
const PEOPLE: [(&str, &str); 5] = [
    ("ana", "an analyst: personal data is masked"),
    ("dan", "an administrator: guardrails hold for everybody"),
    ("bot", "an agent of ana's: what it writes waits for a person's yes"),
    (
        "clerk",
        "an agent of ana's: it may write, and more than 50 rows need consent to their number",
    ),
    ("fixer", "an agent of dan's: it may write, 1000 rows at once and 10000 an hour"),
];

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

    /// Says where everything is.
    pub(super) fn standing(self, served: &[Served]) -> Result<(), Failure> {
        for Served { upstream, port } in served {
            output::line(format_args!(
                "{} with a shop of 20000 customers is on port {}, Jurat is in front of it on port {port} for clients of {}",
                upstream.is, upstream.port, upstream.protocol
            ))?;
        }
        self.gap()
    }

    /// An empty line between parts.
    #[expect(clippy::unused_self, reason = "all that is printed goes through the printer")]
    pub(super) fn gap(self) -> Result<(), Failure> {
        output::line("")
    }

    /// Prints a step and tells whether it held.
    pub(super) fn step(
        self,
        word: &str,
        over: Option<Protocol>,
        step: &Step,
    ) -> Result<bool, Failure> {
        let padded = format!("{word:<7}");
        let over = over.map_or_else(String::new, |protocol| format!(" {protocol:<10} "));
        match step {
            Ok(proof) => {
                let word = match word {
                    "DENY" => self.paint.bad(&padded),
                    "MASK" | "STALL" | "APPROVE" | "BUDGET" | "FREEZE" => {
                        self.paint.notable(&padded)
                    }
                    _ => self.paint.good(&padded),
                };
                output::line(format_args!("{word}{over} {}  →  {}", proof.what, proof.proved))?;
                for line in &proof.evidence {
                    output::line(format_args!("{INDENT}{}", self.paint.faint(line)))?;
                }
                Ok(true)
            }
            Err(why) => {
                let fail = self.paint.bad("FAIL   ");
                output::line(format_args!("{fail}{over} {word}: {why}"))?;
                Ok(false)
            }
        }
    }

    pub(super) fn staying(self, served: &[Served], files: &Files) -> Result<(), Failure> {
        let audit = files.audit.display();
        let key = files.public_key.display();
        output::line("\nJurat stays up. In another terminal:\n")?;
        let database = served.first().map_or("shop", |one| one.upstream.name());
        for Served { upstream, port } in served {
            for (user, who) in PEOPLE {
                let database = upstream.name();
                let client = match upstream.protocol {
                    Protocol::Postgres => {
                        format!("psql \"postgres://{user}:{PASSWORD}@127.0.0.1:{port}/{database}\"")
                    }
                    Protocol::Mysql => {
                        format!("mariadb -h 127.0.0.1 -P {port} -u {user} -p{PASSWORD} {database}")
                    }
                };
                output::line(format_args!("  {client:<58}  # {who}"))?;
            }
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
            "  {jurat} admin freeze {database} --until 10m --reason 'a release' {to_dan}"
        ))?;
        output::line(format_args!("  {jurat} admin unfreeze {database} {to_dan}"))?;
        output::line(format_args!("  {jurat} audit tail -f {audit}"))?;
        output::line(format_args!("  {jurat} audit verify {audit} --key {key}"))?;
        output::line(format_args!(
            "\n  The policies are in {}; a change is in force within 5 seconds.",
            files.policies().display()
        ))?;
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
