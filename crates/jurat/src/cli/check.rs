//! `jurat check`: is the configuration usable, do the policies compile, is anything in them suspicious.
//! It opens no socket, reads no secret and writes nothing.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use jurat_identity::Users;
use jurat_policy::{Diagnostic, PolicyOptions, PolicySet, lint};
use serde::Serialize;

use super::ConfigOption;
use crate::{
    config::{Config, DatabaseTls, ListenerConfig, ListenerTls, SecretRef, is_loopback},
    exit::{Exit, Failure, chain},
    output::{self, Format, Paint, counted},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigOption,
    /// Check only the policies of this directory, without a configuration
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// How to print what was found
    #[arg(long, value_enum, default_value = "pretty")]
    format: Format,
}

/// Everything that was looked at.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    what: &'static str,
    level: Level,
    message: String,
    /// In OPA's shape.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Diagnostic>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warning,
    Error,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut checks = Vec::new();
    let mut exit = Exit::Ok;
    match &arguments.policies {
        Some(dir) => check_policies(dir, &PolicyOptions::default(), &mut checks, &mut exit),
        None => match arguments.config.load() {
            Ok(config) => check_config(&config, &mut checks, &mut exit),
            Err(failure) => {
                exit = failure.exit;
                checks.push(Check::new("configuration", Level::Error, failure.message));
            }
        },
    }
    let report = Report { ok: exit == Exit::Ok, checks };
    match arguments.format {
        Format::Json => output::json(&report)?,
        Format::Pretty => print(&report)?,
    }
    Ok(exit)
}

fn check_config(config: &Config, checks: &mut Vec<Check>, exit: &mut Exit) {
    let databases: Vec<&str> = config.databases.iter().map(|d| d.name.as_str()).collect();
    checks.push(Check::new(
        "configuration",
        Level::Ok,
        format!(
            "{}: {}, databases: {}",
            config.file.display(),
            counted(config.listeners.len(), "listener"),
            databases.join(", ")
        ),
    ));
    check_encryption(config, checks);
    match Users::load(&config.users_file) {
        Ok(users) => {
            let count = users.principals().len();
            let (level, none) =
                if count == 0 { (Level::Warning, ": nobody can log in") } else { (Level::Ok, "") };
            let file = config.users_file.display();
            checks.push(Check::new(
                "users",
                level,
                format!("{file}: {}{none}", counted(count, "user")),
            ));
        }
        Err(error) => {
            *exit = Exit::Usage;
            checks.push(Check::new("users", Level::Error, chain(&error)));
        }
    }
    check_key(config, checks);
    check_policies(&config.policy.dir, &config.policy.options, checks, exit);
}

/// Whether the key that signs is there and is nobody else's. It is not read.
fn check_key(config: &Config, checks: &mut Vec<Check>) {
    let SecretRef::File(file) = &config.audit.key else { return };
    let shown = file.display();
    let message = match std::fs::metadata(file) {
        Err(_) => {
            format!("{shown} is missing: make it with `jurat audit keygen --out {shown}`")
        }
        Ok(found) if found.mode() & 0o077 != 0 => {
            format!("{shown} can be used by others: chmod 600 {shown}")
        }
        Ok(_) => return,
    };
    checks.push(Check::new("record", Level::Warning, message));
}

/// What is allowed and still worth a word.
fn check_encryption(config: &Config, checks: &mut Vec<Check>) {
    for listener in &config.listeners {
        if listener.tls != ListenerTls::Required && !listener.bind.ip().is_loopback() {
            let ListenerConfig { name, bind, .. } = listener;
            let message = format!("`{name}`: clients may connect to {bind} without encryption");
            checks.push(Check::new("listener", Level::Warning, message));
        }
    }
    for database in &config.databases {
        let what = match database.tls {
            DatabaseTls::VerifyFull { .. } => continue,
            DatabaseTls::Disable if is_loopback(&database.host) => continue,
            DatabaseTls::Disable => "is reached without encryption",
            DatabaseTls::Require => "is encrypted, and nobody checks whose certificate it is",
        };
        let message = format!("`{}` on {} {what}", database.name, database.host);
        checks.push(Check::new("database", Level::Warning, message));
    }
}

fn check_policies(dir: &Path, options: &PolicyOptions, checks: &mut Vec<Check>, exit: &mut Exit) {
    let (level, message, findings) = match PolicySet::load(dir, options) {
        Ok(set) => {
            let findings = lint::check(dir, options).errors;
            let counted = format!(
                "{}: {} in {}, {}",
                dir.display(),
                counted(set.rules().len(), "rule"),
                counted(set.files(), "file"),
                set.revision()
            );
            (if findings.is_empty() { Level::Ok } else { Level::Error }, counted, findings)
        }
        Err(error) => {
            let message = format!("{} cannot be used", dir.display());
            (Level::Error, message, error.diagnostics())
        }
    };
    if level == Level::Error && *exit == Exit::Ok {
        *exit = Exit::Findings;
    }
    checks.push(Check { what: "policies", level, message, findings });
}

impl Check {
    fn new(what: &'static str, level: Level, message: impl Into<String>) -> Self {
        Self { what, level, message: message.into(), findings: Vec::new() }
    }
}

fn print(report: &Report) -> Result<(), Failure> {
    let paint = Paint::stdout();
    for check in &report.checks {
        let mark = match check.level {
            Level::Ok => paint.good("ok     "),
            Level::Warning => paint.notable("warning"),
            Level::Error => paint.bad("error  "),
        };
        output::line(format_args!("{mark} {:<13} {}", check.what, check.message))?;
        for finding in &check.findings {
            output::line(format_args!("        {finding}"))?;
        }
    }
    Ok(())
}
