//! The jurat binary: everything it does is one subcommand, and each has its own file under `cli/`.

mod app;
mod cli;
mod config;
mod demo;
mod exit;
mod mysql_client;
mod output;
mod signals;
mod telemetry;

fn main() -> std::process::ExitCode {
    cli::main()
}
