//! Logs: to stderr, as text or JSON, at the level that flags or `JURAT_LOG` ask for.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{EnvFilter, fmt};

use crate::{exit::Failure, output};

/// The shape of log lines.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// One line for a person.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What the flags ask for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LogOptions {
    /// Shape of log lines on stderr
    #[arg(long, global = true, value_enum, env = "JURAT_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// Log more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Log errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Log filter, for example `jurat_core=debug,info`; wins over -v and -q
    #[arg(long, global = true, env = "JURAT_LOG", value_name = "FILTER")]
    log: Option<String>,
}

impl LogOptions {
    /// Takes `-v` for another meaning: `jurat test -v` shows more tests and not more logs.
    pub(crate) const fn take_verbose(&mut self) -> bool {
        std::mem::replace(&mut self.verbose, 0) > 0
    }
}

/// Starts logging. `usual` is the level where nothing else is asked for.
///
/// # Errors
/// Where the filter cannot be read.
pub(crate) fn start(options: &LogOptions, usual: &str) -> Result<(), Failure> {
    let filter = match (&options.log, options.quiet, options.verbose) {
        (Some(filter), _, _) => filter.as_str(),
        (None, true, _) => "error",
        (None, false, 0) => usual,
        (None, false, 1) => "debug",
        (None, false, _) => "trace",
    };
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Failure::usage(format!("the log filter cannot be read: {error}")))?;
    let logs = fmt().with_env_filter(filter).with_writer(io::stderr);
    match options.log_format {
        LogFormat::Text => {
            let colors = io::stderr().is_terminal() && output::wanted();
            logs.with_ansi(colors).with_target(false).init();
        }
        LogFormat::Json => logs.json().init(),
    }
    Ok(())
}
