//! `jurat test`: the tests of policies, with the flags, the output and the exit codes of `opa test`.

use std::{io, path::PathBuf, time::Duration};

use jurat_policy::harness::{self, TestOptions};

use crate::{
    config::parse_duration,
    exit::{Exit, Failure},
    output::Format,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files and directories with policies, their tests and data
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Set from the global `-v`
    #[arg(skip)]
    pub(super) verbose: bool,
    /// Only tests whose full name (`data.package.test_x`) matches
    #[arg(short, long, value_name = "REGEX")]
    run: Option<String>,
    /// How to print results
    #[arg(short, long, value_enum, default_value = "pretty")]
    format: Format,
    /// Print which lines the tests evaluated, in place of results
    #[arg(short, long)]
    coverage: bool,
    /// Share of lines in percent that must be evaluated; implies --coverage
    #[arg(long, value_name = "PERCENT")]
    threshold: Option<f64>,
    /// The time that one test may take
    #[arg(short, long, value_parser = duration, default_value = "5s")]
    timeout: Duration,
    /// How often each test runs
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// Leave out files and directories that match
    #[arg(long, value_name = "GLOB")]
    ignore: Vec<String>,
    /// Only `data.json` and `data.yaml` are data
    #[arg(short, long)]
    bundle: bool,
    /// Having no test is a failure
    #[arg(long)]
    fail_on_empty: bool,
    /// Skipped tests are no failure
    #[arg(short = 'z', long)]
    exit_zero_on_skipped: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write it as 250ms, 5s, 1m or 1h".to_owned())
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let options = TestOptions {
        verbose: arguments.verbose,
        run: arguments.run.clone(),
        format: match arguments.format {
            Format::Pretty => harness::Format::Pretty,
            Format::Json => harness::Format::Json,
        },
        timeout: arguments.timeout,
        count: arguments.count,
        fail_on_empty: arguments.fail_on_empty,
        exit_zero_on_skipped: arguments.exit_zero_on_skipped,
        ignore: arguments.ignore.clone(),
        bundle: arguments.bundle,
        coverage: arguments.coverage || arguments.threshold.is_some(),
        threshold: arguments.threshold,
    };
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    // The numbers are those of `opa test`, which has a table of its own.
    match harness::main(&arguments.paths, &options, &mut out, &mut err)? {
        0 => Ok(Exit::Ok),
        1 => Ok(Exit::Failure),
        _ => Ok(Exit::Usage),
    }
}
