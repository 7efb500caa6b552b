//! The jurat binary: everything it does is one subcommand, and each has its own file under `cli/`.

mod app;
mod cli;
mod config;
mod demo;
mod exit;
mod output;
mod signals;
mod telemetry;

/// A statement that is read for the first time takes hundreds of small pieces of memory; the system's
/// allocator took a third of the time for them (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
