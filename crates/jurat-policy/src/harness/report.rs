//! Writing results: for people, and as `opa test --format json`.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Case, Outcome, TestOptions, TestResult, TestRun};

const RULE: &str =
    "--------------------------------------------------------------------------------";

/// Writes what did not pass, or everything, and the totals.
///
/// # Errors
/// Where writing fails.
pub fn write_pretty(run: &TestRun, options: &TestOptions, out: &mut dyn Write) -> io::Result<()> {
    let mut file: Option<&str> = None;
    for result in &run.results {
        if result.outcome == Outcome::Pass && !options.verbose {
            continue;
        }
        if file.is_some_and(|file| file != result.location.file) {
            writeln!(out)?;
        }
        file = Some(&result.location.file);
        writeln!(out, "{}:{}:", result.location.file, result.location.row)?;
        one(result, out)?;
    }
    if file.is_some() {
        writeln!(out, "{RULE}")?;
    }
    totals(run, out)
}

fn one(result: &TestResult, out: &mut dyn Write) -> io::Result<()> {
    let name = format!("{}.{}", result.package, result.name);
    let took = format!("({:.3}ms)", result.duration.as_secs_f64() * 1_000.0);
    match &result.outcome {
        Outcome::Pass => writeln!(out, "{name}: PASS {took}")?,
        Outcome::Fail => writeln!(out, "{name}: FAIL {took}")?,
        Outcome::Skip => writeln!(out, "{name}: SKIPPED")?,
        Outcome::Error(error) => {
            writeln!(out, "{name}: ERROR {took}")?;
            writeln!(out, "  {error}")?;
        }
    }
    for case in &result.cases {
        let indent = "  ".repeat(case.keys.len().max(1));
        let key = case.keys.join(", ");
        writeln!(out, "{indent}{key}: {}", if case.passed { "PASS" } else { "FAIL" })?;
    }
    if !result.output.is_empty() {
        writeln!(out)?;
        for line in &result.output {
            writeln!(out, "  {line}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Each case of a table counts for itself.
fn totals(run: &TestRun, out: &mut dyn Write) -> io::Result<()> {
    let (mut pass, mut fail, mut skip, mut error) = (0_usize, 0_usize, 0_usize, 0_usize);
    for result in &run.results {
        let passed = result.cases.iter().filter(|case| case.passed).count();
        match result.outcome {
            Outcome::Pass => pass += passed.max(1),
            Outcome::Fail => {
                pass += passed;
                fail += (result.cases.len() - passed).max(1);
            }
            Outcome::Skip => skip += 1,
            Outcome::Error(_) => error += 1,
        }
    }
    let total = pass + fail + skip + error;
    for (word, number) in [("PASS", pass), ("FAIL", fail), ("SKIPPED", skip), ("ERROR", error)] {
        if number > 0 {
            writeln!(out, "{word}: {number}/{total}")?;
        }
    }
    Ok(())
}

/// Writes an array of results with OPA's keys.
///
/// # Errors
/// Where writing fails.
pub fn write_json(run: &TestRun, out: &mut dyn Write) -> io::Result<()> {
    let results: Vec<Value> = run.results.iter().map(result_json).collect();
    serde_json::to_writer_pretty(&mut *out, &results)?;
    writeln!(out)
}

fn result_json(result: &TestResult) -> Value {
    let mut object = Map::new();
    object.insert("location".to_owned(), json!(result.location));
    object.insert("package".to_owned(), json!(result.package));
    object.insert("name".to_owned(), json!(result.name));
    match &result.outcome {
        Outcome::Pass => {}
        Outcome::Fail => {
            object.insert("fail".to_owned(), json!(true));
        }
        Outcome::Skip => {
            object.insert("skip".to_owned(), json!(true));
        }
        Outcome::Error(error) => {
            object.insert("error".to_owned(), json!(error));
        }
    }
    if !result.cases.is_empty() {
        object.insert("sub_results".to_owned(), sub_results(&result.cases, 0));
    }
    if !result.output.is_empty() {
        let text = format!("{}\n", result.output.join("\n"));
        object.insert("output".to_owned(), json!(base64(text.as_bytes())));
    }
    let nanos = u64::try_from(result.duration.as_nanos()).unwrap_or(u64::MAX);
    object.insert("duration".to_owned(), json!(nanos));
    Value::Object(object)
}

/// `{name: {name, fail?, sub_results?}}`, one level per key.
fn sub_results(cases: &[Case], level: usize) -> Value {
    let mut object = Map::new();
    for case in cases {
        let Some(key) = case.keys.get(level) else { continue };
        if object.contains_key(key) {
            continue;
        }
        let same: Vec<Case> =
            cases.iter().filter(|other| other.keys.get(level) == Some(key)).cloned().collect();
        let mut entry = Map::from_iter([("name".to_owned(), json!(key))]);
        if same.iter().any(|case| !case.passed) {
            entry.insert("fail".to_owned(), json!(true));
        }
        if case.keys.len() > level + 1 {
            entry.insert("sub_results".to_owned(), sub_results(&same, level + 1));
        }
        object.insert(key.clone(), Value::Object(entry));
    }
    Value::Object(object)
}

/// RFC 4648, as Go writes bytes into JSON.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let index = bits >> (18 - 6 * at) & 0x3f;
            let letter = usize::try_from(index).ok().and_then(|index| ALPHABET.get(index));
            let wanted = letter.copied().filter(|_| at <= chunk.len()).unwrap_or(b'=');
            text.push(char::from(wanted));
        }
    }
    text
}
