//! `jurat catalog dump`: what exists in a database, as a file that `jurat explain` reads.

use crate::{
    cli::ConfigOption,
    exit::{Exit, Failure},
    output,
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    config: ConfigOption,
    /// Which database, where several are configured
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = arguments.config.load()?;
    let database = config.database(arguments.database.as_deref()).map_err(Failure::usage)?;
    output::json(&super::read(&config, database)?)?;
    Ok(Exit::Ok)
}
