//! `jurat test`: the tests of policies, as `opa test` runs them.
//!
//! A test is a rule with a name part that begins with `test_`; it passes where it is `true`.
//! `todo_test_` is skipped. In a table test (`test_x[note] if …`) each key is a case, and the cases
//! that fail are listed too. Tests run in the interpreter, because `with` needs it.
//!
//! Like `opa test`, everything below the paths is loaded: every `*.rego`, and every JSON and YAML
//! file as data; with `bundle`, only `data.json` and `data.yaml`. A JSON Schema is never data.

use std::{io, path::PathBuf, time::Duration};

use crate::{Diagnostic, LoadError};

mod coverage;
mod discover;
mod report;
mod run;

#[cfg(test)]
mod tests;

pub use coverage::{Coverage, FileCoverage};
pub use report::{write_json, write_pretty};

/// What `jurat test` is told.
#[derive(Clone, Debug)]
pub struct TestOptions {
    /// Show the tests that pass, too.
    pub verbose: bool,
    /// Only tests whose full name (`data.pkg.test_x`) matches this regular expression.
    pub run: Option<String>,
    /// How results are written.
    pub format: Format,
    /// The time that one test may take.
    pub timeout: Duration,
    /// How often each test runs.
    pub count: u32,
    /// Having no test is a failure.
    pub fail_on_empty: bool,
    /// Skipped tests are no failure.
    pub exit_zero_on_skipped: bool,
    /// Globs of files and directories to leave out.
    pub ignore: Vec<String>,
    /// Only `data.json` and `data.yaml` are data.
    pub bundle: bool,
    /// Write coverage in place of results.
    pub coverage: bool,
    /// The share of lines, in percent, that must be covered; implies `coverage`.
    pub threshold: Option<f64>,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// As `opa test --format json`.
    Json,
    /// For people.
    Pretty,
}

impl Default for TestOptions {
    fn default() -> Self {
        Self {
            verbose: false,
            run: None,
            format: Format::Pretty,
            timeout: Duration::from_secs(5),
            count: 1,
            fail_on_empty: false,
            exit_zero_on_skipped: false,
            ignore: Vec::new(),
            bundle: false,
            coverage: false,
            threshold: None,
        }
    }
}

/// What came out.
#[derive(Debug, Default)]
pub struct TestRun {
    /// One result per test and count, in the order of their places.
    pub results: Vec<TestResult>,
    /// Where coverage was asked for.
    pub coverage: Option<Coverage>,
}

/// What came out of one test.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// Where it is written.
    pub location: crate::Location,
    /// For example `data.jurat.masking_test`.
    pub package: String,
    /// For example `test_secrets`; a second test of the name has `#01` after it.
    pub name: String,
    /// What came out.
    pub outcome: Outcome,
    /// The cases of a table test.
    pub cases: Vec<Case>,
    /// What `print` wrote.
    pub output: Vec<String>,
    /// How long it took.
    pub duration: Duration,
}

/// What came out of one test.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It could not be evaluated.
    Error(Diagnostic),
    /// It is not `true`.
    Fail,
    /// It is `true`.
    Pass,
    /// It is a `todo_test_`.
    Skip,
}

/// A case of a table test.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Case {
    /// Its keys, outermost first.
    pub keys: Vec<String>,
    /// Whether it passed.
    pub passed: bool,
}

impl TestRun {
    /// The exit code of `opa test`: 0 where all is well; 1 where coverage was asked for and a test
    /// failed, or there was no test and there had to be; 2 where a test failed or was skipped, or the
    /// threshold was not met.
    pub fn exit_code(&self, options: &TestOptions) -> u8 {
        if self.results.is_empty() {
            return u8::from(options.fail_on_empty);
        }
        let failed = self.results.iter().any(|result| match result.outcome {
            Outcome::Error(_) | Outcome::Fail => true,
            Outcome::Skip => !options.exit_zero_on_skipped,
            Outcome::Pass => false,
        });
        match (&self.coverage, options.threshold) {
            (Some(_), _) if failed => 1,
            (Some(coverage), Some(threshold)) if coverage.percent() < threshold => 2,
            (Some(_) | None, _) => {
                if failed {
                    2
                } else {
                    0
                }
            }
        }
    }
}

/// Runs the tests below the paths.
///
/// # Errors
/// Where the policies do not load, or the regular expression does not parse.
pub fn run(paths: &[PathBuf], options: &TestOptions) -> Result<TestRun, LoadError> {
    run::run(paths, options)
}

/// Runs the tests and writes the results, as the command does: results to `out`, complaints to
/// `err`. The number is the exit code.
///
/// # Errors
/// Where writing fails.
pub fn main(
    paths: &[PathBuf],
    options: &TestOptions,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<u8> {
    let run = match run(paths, options) {
        Ok(run) => run,
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(1);
        }
    };
    let code = run.exit_code(options);
    match &run.coverage {
        Some(coverage) if code != 1 => {
            coverage.write_json(out)?;
            coverage.write_shortfall(options, err)?;
        }
        Some(_) | None => match options.format {
            Format::Json => write_json(&run, out)?,
            Format::Pretty => write_pretty(&run, options, out)?,
        },
    }
    Ok(code)
}
