//! Coverage in OPA's JSON. regorus counts lines with expressions, OPA also counts rule heads, so the
//! percentages of the two are close and not equal.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use regorus::Engine;
use serde_json::{Map, Value, json};

use super::TestOptions;

/// Which lines the tests evaluated.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Coverage {
    /// By file.
    pub files: BTreeMap<String, FileCoverage>,
}

/// Which lines of one file the tests evaluated.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FileCoverage {
    /// Evaluated.
    pub covered: BTreeSet<u32>,
    /// Not evaluated.
    pub not_covered: BTreeSet<u32>,
}

pub(super) fn collect(engine: &Engine) -> Result<Coverage, String> {
    let report = engine.get_coverage_report().map_err(|error| error.to_string())?;
    let files = report.files.into_iter().map(|file| {
        (file.path, FileCoverage { covered: file.covered, not_covered: file.not_covered })
    });
    Ok(Coverage { files: files.collect() })
}

impl Coverage {
    /// The share of lines that were evaluated, in percent; 100 where there is nothing to cover.
    pub fn percent(&self) -> f64 {
        let (covered, not) = self.files.values().fold((0, 0), |(covered, not), file| {
            (covered + file.covered.len(), not + file.not_covered.len())
        });
        percent(covered, not)
    }

    /// Writes the report with OPA's keys.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut files = Map::new();
        let (mut all, mut none) = (0, 0);
        for (path, file) in &self.files {
            let (covered, not) = (file.covered.len(), file.not_covered.len());
            let mut entry = Map::new();
            for (key, lines) in [("covered", &file.covered), ("not_covered", &file.not_covered)] {
                if !lines.is_empty() {
                    entry.insert(key.to_owned(), json!(ranges_json(lines)));
                    entry.insert(format!("{key}_lines"), json!(lines.len()));
                }
            }
            entry.insert("coverage".to_owned(), json!(round(percent(covered, not))));
            files.insert(path.clone(), Value::Object(entry));
            all += covered;
            none += not;
        }
        let report = json!({
            "files": files,
            "covered_lines": all,
            "not_covered_lines": none,
            "coverage": round(percent(all, none)),
        });
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)
    }

    /// Says what is missing where the threshold is not met.
    pub(super) fn write_shortfall(
        &self,
        options: &TestOptions,
        err: &mut dyn Write,
    ) -> io::Result<()> {
        let Some(threshold) = options.threshold.filter(|t| self.percent() < *t) else {
            return Ok(());
        };
        let got = self.percent();
        writeln!(err, "Code coverage threshold not met: got {got:.2} instead of {threshold:.2}")?;
        if options.verbose {
            writeln!(err, "Lines not covered:")?;
            for (path, file) in &self.files {
                for (from, to) in ranges(&file.not_covered) {
                    writeln!(err, "\t{path}:{from}-{to}")?;
                }
            }
        }
        Ok(())
    }
}

fn percent(covered: usize, not: usize) -> f64 {
    let count = |lines: usize| u32::try_from(lines).map_or(f64::MAX, f64::from);
    if covered + not == 0 { 100.0 } else { 100.0 * count(covered) / count(covered + not) }
}

fn round(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}

fn ranges_json(lines: &BTreeSet<u32>) -> Vec<Value> {
    let row = |row: u32| json!({ "row": row });
    ranges(lines)
        .into_iter()
        .map(|(from, to)| json!({"start": row(from), "end": row(to)}))
        .collect()
}

/// Runs of consecutive lines.
pub(super) fn ranges(lines: &BTreeSet<u32>) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for line in lines {
        match ranges.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(*line) => *end = *line,
            Some(_) | None => ranges.push((*line, *line)),
        }
    }
    ranges
}
