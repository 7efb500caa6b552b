//! `jurat demo`: its flags; the rest is in [`crate::demo`].

use crate::{
    demo::{self, Options, Wanted},
    exit::{Exit, Failure},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// End after the tour; the exit code says whether every step held
    #[arg(long)]
    exit_after_tour: bool,
    /// Databases behind Jurat
    #[arg(long, value_enum, value_name = "WHICH", default_value_t)]
    upstream: Wanted,
    /// First port that Jurat listens on, one for each protocol; the next free one where it is taken
    #[arg(long, value_name = "PORT", default_value_t = 15432)]
    port_base: u16,
    /// Leave the temporary directory in place, with configuration, policies, record and server log
    #[arg(long)]
    keep: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let options = Options {
        exit_after_tour: arguments.exit_after_tour,
        port_base: arguments.port_base,
        upstream: arguments.upstream,
        keep: arguments.keep,
    };
    let runtime = super::runtime()?;
    let result = runtime.block_on(demo::run(&options));
    runtime.shutdown_background();
    result
}
