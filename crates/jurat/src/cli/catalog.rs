//! `jurat catalog`: what exists in a database, as a file that `jurat explain` reads.

use super::ConfigOption;
use crate::{
    app,
    exit::{Exit, Failure},
    output,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print the catalog of a configured database as JSON
    Dump(Dump),
}

#[derive(Debug, clap::Args)]
pub(super) struct Dump {
    #[command(flatten)]
    config: ConfigOption,
    /// Which database, where several are configured
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    let Command::Dump(arguments) = command;
    let config = arguments.config.load()?;
    let database = config.database(arguments.database.as_deref()).map_err(Failure::usage)?;
    let upstream = app::upstream(database)?;
    let catalog = super::runtime()?
        .block_on(jurat_postgres::read_catalog(&upstream, &config.limits))
        .map_err(|error| {
            let what = format!("the catalog of `{}` cannot be read", database.name);
            Failure::because(Exit::Unreachable, what, &error)
        })?;
    output::json(&catalog)?;
    Ok(Exit::Ok)
}
