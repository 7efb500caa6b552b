//! The command line: what can be asked, and how every command ends.

mod admin;
mod approvals;
mod audit;
mod catalog;
mod check;
mod demo;
mod explain;
mod hash;
mod run;
mod test;

use std::{path::PathBuf, process::ExitCode};

pub(crate) use approvals::ask;
pub(crate) use audit::create_file;

use clap::{Parser, Subcommand};

use crate::{
    config::{self, Config},
    exit::{Exit, Failure},
    output,
    telemetry::{self, LogOptions},
};

/// A policy proxy for PostgreSQL: every statement is judged and recorded before it runs
#[derive(Parser)]
#[command(name = "jurat", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    log: LogOptions,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage or configuration wrong, 3 policies \
wrong or `--fail-on` met, 5 database or program not reachable, 7 log is not what was signed, \
130 interrupted";

#[derive(Subcommand)]
enum Command {
    /// Start a throw-away database with Jurat in front, show what it does, stay up
    Demo(demo::Arguments),
    /// Serve
    Run(run::Arguments),
    /// Check configuration and policies, without side effects
    Check(check::Arguments),
    /// Say what would become of a statement, without a database
    Explain(explain::Arguments),
    /// Run the tests of policies, as `opa test` does
    Test(test::Arguments),
    /// See and answer requests for consent
    #[command(subcommand)]
    Approvals(approvals::Command),
    /// Stop the writes of a database, and let them go on
    #[command(subcommand)]
    Admin(admin::Command),
    /// Work with the record
    #[command(subcommand)]
    Audit(audit::Command),
    /// Work with catalogs
    #[command(subcommand)]
    Catalog(catalog::Command),
    /// Work with configuration files
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Read a password from standard input and print its verifier for the users file
    Hash(hash::Arguments),
    /// Print the version
    Version,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print the JSON Schema of the configuration file
    Schema,
}

/// Where the configuration is; shared by the commands that read one.
#[derive(Debug, clap::Args)]
struct ConfigOption {
    /// Configuration file
    #[arg(
        short = 'c',
        long = "config",
        env = "JURAT_CONFIG",
        value_name = "FILE",
        default_value = "jurat.toml"
    )]
    file: PathBuf,
}

impl ConfigOption {
    fn load(&self) -> Result<Config, Failure> {
        Config::load(&self.file).map_err(|error| Failure::usage(error.to_string()))
    }
}

/// Does what the command line says.
pub(crate) fn main() -> ExitCode {
    let mut cli = Cli::parse();
    if let Command::Test(arguments) = &mut cli.command {
        arguments.verbose = cli.log.take_verbose();
    }
    match telemetry::start(&cli.log, usual_level(&cli.command)).and_then(|()| dispatch(&cli)) {
        Ok(exit) => exit.into(),
        Err(Failure { exit, message }) => {
            if !message.is_empty() {
                output::complain(format_args!("jurat: {message}"));
            }
            exit.into()
        }
    }
}

fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Demo(arguments) => demo::run(arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Test(arguments) => test::run(arguments),
        Command::Approvals(command) => approvals::run(command),
        Command::Admin(command) => admin::run(command),
        Command::Audit(command) => audit::run(command),
        Command::Catalog(command) => catalog::run(command),
        Command::Config(ConfigCommand::Schema) => {
            output::json(&config::schema())?;
            Ok(Exit::Ok)
        }
        Command::Hash(arguments) => hash::run(arguments),
        Command::Version => {
            output::line(format_args!("jurat {}", env!("CARGO_PKG_VERSION")))?;
            Ok(Exit::Ok)
        }
    }
}

/// Only a server has something to tell that nobody asked for.
const fn usual_level(command: &Command) -> &'static str {
    match command {
        Command::Run(_) => "info",
        Command::Demo(_)
        | Command::Check(_)
        | Command::Explain(_)
        | Command::Test(_)
        | Command::Approvals(_)
        | Command::Admin(_)
        | Command::Audit(_)
        | Command::Catalog(_)
        | Command::Config(_)
        | Command::Hash(_)
        | Command::Version => "warn",
    }
}

/// A runtime with as many threads as there are processors.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("no threads can be started: {error}")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn no_two_flags_of_a_command_are_the_same() {
        super::Cli::command().debug_assert();
    }
}
