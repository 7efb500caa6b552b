//! `jurat catalog`: what exists in a database, what of it should be labeled, and whether labels still fit.

mod check;
mod dump;
mod evidence;
mod file;
mod names;
mod sample;
mod scan;
mod subjects;
mod through;

use std::path::{Path, PathBuf};

use jurat_policy::{Labels, PolicySet};
use jurat_types::Catalog;

use super::ConfigOption;
use crate::{
    app,
    config::{Config, DatabaseConfig},
    exit::{Exit, Failure},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print the catalog of a configured database as JSON
    Dump(dump::Arguments),
    /// Propose labels for what looks like personal data, as the file that a person reviews
    Scan(scan::Arguments),
    /// Find labels of what does not exist any more, and columns that look as if they need one
    Check(check::Arguments),
}

/// Which database, and where its catalog comes from.
#[derive(Debug, clap::Args)]
struct SourceOption {
    #[command(flatten)]
    config: ConfigOption,
    /// Which database, where several are configured
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// What exists in the database, as `jurat catalog dump` prints it, instead of asking
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Dump(arguments) => dump::run(arguments),
        Command::Scan(arguments) => scan::run(arguments),
        Command::Check(arguments) => check::run(arguments),
    }
}

/// Asks a database what exists in it.
fn read(config: &Config, database: &DatabaseConfig) -> Result<Catalog, Failure> {
    let upstream = app::upstream(database)?;
    super::runtime()?.block_on(upstream.read_catalog(&config.limits)).map_err(|error| {
        let message = format!("the catalog of `{}` cannot be read: {error}", database.name);
        Failure { exit: Exit::Unreachable, message }
    })
}

/// The labels that the policies have.
fn labels(config: &Config) -> Result<Labels, Failure> {
    let dir = &config.policy.dir;
    let set = PolicySet::load(dir, &config.policy.options).map_err(|error| {
        let what = format!("the policies in {} cannot be used", dir.display());
        Failure::because(Exit::Findings, what, &error)
    })?;
    Ok(set.labels().clone())
}

impl SourceOption {
    /// The catalogs that share the labels: the one that is asked for, or those of all databases.
    fn catalogs(&self, config: &Config) -> Result<Vec<Catalog>, Failure> {
        if let Some(file) = &self.catalog {
            return Ok(vec![from_file(file)?]);
        }
        if self.database.is_none() {
            return config.databases.iter().map(|database| read(config, database)).collect();
        }
        let database = config.database(self.database.as_deref()).map_err(Failure::usage)?;
        Ok(vec![read(config, database)?])
    }
}

fn from_file(file: &Path) -> Result<Catalog, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}
