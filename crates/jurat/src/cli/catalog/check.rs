//! `jurat catalog check`: labels of what does not exist any more protect nothing, and a column without a label
//! is not masked. Values are not read.

use std::collections::BTreeSet;

use jurat_identity::document::nearest;
use jurat_policy::Labels;
use jurat_types::Catalog;
use serde::Serialize;

use super::{SourceOption, subjects};
use crate::{
    exit::{Exit, Failure},
    output::{self, Format, Paint, counted},
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    source: SourceOption,
    /// How to print what was found
    #[arg(long, value_enum, default_value = "pretty")]
    format: Format,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    /// Whether everything that is labeled exists.
    ok: bool,
    /// How many ids have an entry.
    labels: usize,
    findings: Vec<Finding>,
}

/// One thing that was found.
#[derive(Debug, Serialize)]
struct Finding {
    level: Level,
    what: What,
    id: String,
    /// The labels that the id has, or should have.
    labels: Vec<String>,
    message: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Warning,
    Error,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum What {
    MissingColumn,
    MissingFunction,
    MissingRelation,
    Unlabeled,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = arguments.source.config.load()?;
    let labels = super::labels(&config)?;
    let catalogs = arguments.source.catalogs(&config)?;
    let mut findings = missing(&catalogs, &labels);
    let exit = if findings.is_empty() { Exit::Ok } else { Exit::Findings };
    findings.extend(catalogs.iter().flat_map(|catalog| unlabeled(catalog, &labels)));
    let report = Report { ok: exit == Exit::Ok, labels: labels.iter().count(), findings };
    match arguments.format {
        Format::Json => output::json(&report)?,
        Format::Pretty => print(&report)?,
    }
    Ok(exit)
}

/// The entries whose id is in none of the databases that share the labels.
fn missing(catalogs: &[Catalog], labels: &Labels) -> Vec<Finding> {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for catalog in catalogs {
        for relation in &catalog.relations {
            known.extend(
                relation.columns.iter().map(|column| subjects::id(&relation.name, Some(column))),
            );
            known.insert(relation.name.to_string());
        }
        known.extend(catalog.functions.iter().map(|function| format!("{}()", function.name)));
    }
    // A snapshot from a file may lack what comes with the server.
    let lacking = |schema: &str| {
        let lacks =
            |catalog: &Catalog| !catalog.has_system && subjects::is_system(catalog.engine, schema);
        catalogs.iter().any(lacks)
    };
    labels
        .iter()
        .filter(|(id, _)| !known.contains(*id))
        .filter(|(id, _)| !id.split('.').next().is_some_and(lacking))
        .map(|(id, labels)| {
            let (what, thing) = kind(id);
            let alike = known.iter().filter(|known| kind(known).0 == what);
            let offer = nearest(id, alike.map(String::as_str))
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Finding {
                level: Level::Error,
                what,
                id: id.to_owned(),
                labels: labels.to_vec(),
                message: format!("is labeled, and there is no such {thing}{offer}"),
            }
        })
        .collect()
}

/// What an id stands for by its form.
fn kind(id: &str) -> (What, &'static str) {
    if id.ends_with("()") {
        (What::MissingFunction, "function")
    } else if id.matches('.').count() > 1 {
        (What::MissingColumn, "column")
    } else {
        (What::MissingRelation, "relation")
    }
}

/// What looks as if it needed a label.
fn unlabeled<'a>(
    catalog: &'a Catalog,
    labels: &'a Labels,
) -> impl Iterator<Item = Finding> + use<'a> {
    subjects::unlabeled(catalog, labels).into_iter().map(|unlabeled| Finding {
        level: Level::Warning,
        what: What::Unlabeled,
        id: unlabeled.id(),
        message: format!(
            "has no label; {} suggests {}",
            unlabeled.suggestion.why, unlabeled.suggestion.label
        ),
        labels: vec![unlabeled.suggestion.label.to_owned()],
    })
}

fn print(report: &Report) -> Result<(), Failure> {
    let paint = Paint::stdout();
    for finding in &report.findings {
        let mark = match finding.level {
            Level::Warning => paint.notable("warning"),
            Level::Error => paint.bad("error  "),
        };
        output::line(format_args!("{mark} {} {}", finding.id, finding.message))?;
    }
    let errors = report.findings.iter().filter(|finding| finding.level == Level::Error).count();
    let mark = if errors == 0 { paint.good("ok     ") } else { paint.bad("error  ") };
    output::line(format_args!(
        "{mark} {}, {errors} of what does not exist; {} to look at",
        counted(report.labels, "labeled name"),
        counted(report.findings.len().saturating_sub(errors), "name"),
    ))
}
