//! The harness on small suites, and on the policies that ship.

use std::path::PathBuf;

use jurat_types::Intent;

use super::{Format, Outcome, TestOptions, TestRun, main, run};
use crate::testing::{directory, write};

const POLICY: &str = "package p\n\nyes if input.x == 1\n\nno if input.x == 2\n";
const TESTS: &str = r#"package p_test

import data.p

test_pass if p.yes with input as {"x": 1}

test_fail if {
	print("x is", 1)
	p.yes with input as {"x": 2}
}

test_error if to_number("a") == 1

todo_test_later if false

test_table[note] if {
	some note, x in {"one": 1, "two": 2}
	p.yes with input as {"x": x}
}

test_pass if false
"#;

fn suite() -> tempfile::TempDir {
    directory(&[("p.rego", POLICY), ("p_test.rego", TESTS)])
}

fn outcomes(run: &TestRun) -> Vec<String> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Error(_) => "ERROR",
        Outcome::Fail => "FAIL",
        Outcome::Pass => "PASS",
        Outcome::Skip => "SKIPPED",
    };
    run.results.iter().map(|r| format!("{} {}", r.name, word(&r.outcome))).collect()
}

/// Output with the durations taken out, and the exit code.
fn output(dir: &tempfile::TempDir, options: &TestOptions) -> (String, u8) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = main(&[dir.path().into()], options, &mut out, &mut err).unwrap();
    let text = String::from_utf8(out).unwrap() + &String::from_utf8(err).unwrap();
    let lines = text.lines().map(|line| match line.rsplit_once(" (") {
        Some((line, took)) if took.ends_with("ms)") => line,
        _ => line,
    });
    (lines.collect::<Vec<_>>().join("\n"), code)
}

#[test]
fn each_kind_of_test_has_its_outcome() {
    let dir = suite();
    let run = run(&[dir.path().into()], &TestOptions::default()).unwrap();
    assert_eq!(
        outcomes(&run),
        [
            "test_pass PASS",
            "test_fail FAIL",
            "test_error ERROR",
            "todo_test_later SKIPPED",
            "test_table FAIL",
            "test_pass#01 PASS",
        ]
    );
    assert_eq!(run.exit_code(&TestOptions::default()), 2);
}

#[test]
fn people_read_this() {
    let (text, code) = output(&suite(), &TestOptions::default());
    assert_eq!(code, 2);
    assert_eq!(
        text,
        "p_test.rego:7:
data.p_test.test_fail: FAIL

  p_test.rego:8: x is 1

p_test.rego:12:
data.p_test.test_error: ERROR
  p_test.rego:12: eval_error: could not parse string as number
p_test.rego:14:
data.p_test.todo_test_later: SKIPPED
p_test.rego:16:
data.p_test.test_table: FAIL
  one: PASS
  two: FAIL
--------------------------------------------------------------------------------
PASS: 3/7
FAIL: 2/7
SKIPPED: 1/7
ERROR: 1/7"
    );
}

#[test]
fn programs_read_that() {
    let options = TestOptions { format: Format::Json, ..TestOptions::default() };
    let (text, _) = output(&suite(), &options);
    let mut results: serde_json::Value = serde_json::from_str(&text).unwrap();
    for result in results.as_array_mut().unwrap() {
        assert!(result.as_object_mut().unwrap().remove("duration").unwrap().is_u64());
    }
    assert_eq!(
        results[0]["location"],
        serde_json::json!({"file": "p_test.rego", "row": 5, "col": 1})
    );
    assert_eq!(results[0]["package"], "data.p_test");
    assert!(results[0].get("fail").is_none());
    assert_eq!(results[1]["fail"], true);
    assert_eq!(results[1]["output"], "cF90ZXN0LnJlZ286ODogeCBpcyAxCg==");
    assert_eq!(results[2]["error"]["code"], "eval_error");
    assert_eq!(results[3]["skip"], true);
    let table = serde_json::json!({"one": {"name": "one"}, "two": {"name": "two", "fail": true}});
    assert_eq!(results[4]["sub_results"], table);
    assert_eq!(results[5]["name"], "test_pass#01");
}

#[test]
fn options_choose_and_exit_codes_tell() {
    let dir = suite();
    let options = TestOptions::default();
    let run = |pattern: &str| Some(pattern.to_owned());
    for (options, expected) in [
        (TestOptions { run: run("test_pass$"), ..options.clone() }, 0),
        (TestOptions { run: run("p_test\\.test_fail"), ..options.clone() }, 2),
        (TestOptions { run: run("todo"), ..options.clone() }, 2),
        (TestOptions { run: run("todo"), exit_zero_on_skipped: true, ..options.clone() }, 0),
        (TestOptions { run: run("nothing"), ..options.clone() }, 0),
        (TestOptions { run: run("nothing"), fail_on_empty: true, ..options.clone() }, 1),
        (TestOptions { run: run("("), ..options.clone() }, 1),
        (TestOptions { ignore: vec!["*_test.rego".to_owned()], ..options.clone() }, 0),
        (TestOptions { run: run("test_pass$"), coverage: true, ..options.clone() }, 0),
        (TestOptions { run: run("test_fail"), coverage: true, ..options.clone() }, 1),
        (TestOptions { run: run("test_pass$"), threshold: Some(99.0), ..options.clone() }, 2),
        (TestOptions { run: run("test_pass$"), threshold: Some(1.0), ..options }, 0),
    ] {
        assert_eq!(output(&dir, &options).1, expected, "{options:?}");
    }
}

#[test]
fn a_test_can_run_several_times() {
    let options =
        TestOptions { run: Some("test_pass$".to_owned()), count: 3, ..TestOptions::default() };
    assert_eq!(run(&[suite().path().into()], &options).unwrap().results.len(), 3);
}

#[test]
fn coverage_has_the_shape_of_opa() {
    let options = TestOptions {
        run: Some("test_pass$".to_owned()),
        coverage: true,
        ..TestOptions::default()
    };
    let (text, _) = output(&suite(), &options);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let file = &report["files"]["p.rego"];
    assert_eq!(file["covered"], serde_json::json!([{"start": {"row": 3}, "end": {"row": 3}}]));
    assert_eq!(file["not_covered_lines"], 1);
    assert_eq!(file["coverage"], 50.0);
}

#[test]
fn suites_that_do_not_load_exit_with_one() {
    for (path, text, expected) in [
        ("p.rego", "package p\nx if", "rego_parse_error"),
        ("p.rego", "package p\nx if x", "rego_recursion_error"),
        ("p.rego", "package p\nx if http.send({})", "rego_compile_error"),
        (
            "p_test.rego",
            "package p_test\nf(x) := g(x)\ng(x) := x\ntest_x if f(1) with data.p_test.g as data.p_test.f",
            "rego_recursion_error",
        ),
        ("x.json", "{", "rego_load_error"),
    ] {
        let dir = suite();
        write(dir.path(), &[(path, text)]);
        let (shown, code) = output(&dir, &TestOptions::default());
        assert!(shown.contains(expected), "{text}: {shown}");
        assert_eq!(code, 1, "{text}");
    }
}

#[test]
fn data_is_loaded_as_opa_loads_it() {
    let dir = directory(&[
        ("a/limits.yaml", "rows: 5\n"),
        ("schema/intent.json", r#"{"$schema": "x", "title": "not data"}"#),
        (
            "x_test.rego",
            "package x_test\ntest_data if data.a.rows == 5\ntest_schema if not data.schema",
        ),
    ]);
    let all = run(&[dir.path().into()], &TestOptions::default()).unwrap();
    assert_eq!(outcomes(&all), ["test_data PASS", "test_schema PASS"]);
    let bundle = TestOptions { bundle: true, ..TestOptions::default() };
    let bundle = run(&[dir.path().into()], &bundle).unwrap();
    assert_eq!(outcomes(&bundle), ["test_data FAIL", "test_schema PASS"]);
}

#[test]
fn files_can_be_named_one_by_one() {
    let dir = suite();
    let paths = [dir.path().join("p.rego"), dir.path().join("p_test.rego")];
    assert_eq!(run(&paths, &TestOptions::default()).unwrap().results.len(), 6);
}

#[test]
fn a_test_that_never_ends_is_an_error() {
    let dir = directory(&[(
        "x_test.rego",
        "package x_test\nn := numbers.range(1, 1000)\ntest_slow if { some a in n; some b in n; some c in n; [a, b, c] == [] }\ntest_next if true",
    )]);
    let options =
        TestOptions { timeout: std::time::Duration::from_millis(100), ..TestOptions::default() };
    let run = run(&[dir.path().into()], &options).unwrap();
    assert_eq!(outcomes(&run), ["test_slow ERROR", "test_next PASS"]);
}

fn rego() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../rego"))
}

#[test]
fn the_shipped_policies_pass_their_tests() {
    let run = run(&[rego()], &TestOptions::default()).unwrap();
    let failed: Vec<String> = run
        .results
        .iter()
        .filter(|result| result.outcome != Outcome::Pass)
        .map(|result| format!("{}.{}: {:?}", result.package, result.name, result.outcome))
        .collect();
    assert_eq!(failed, Vec::<String>::new());
    assert!(run.results.len() > 70, "{} tests", run.results.len());
}

/// The sample intents of the tests are intents: each key of the contract is there, and no other.
#[test]
fn the_sample_intents_are_intents() {
    let mut engine = regorus::Engine::new();
    let path = rego().join("jurat/lib/fixtures_test.rego");
    engine.add_policy_from_file(path).unwrap();
    let samples = engine.eval_rule("data.jurat.fixtures_test.samples".to_owned()).unwrap();
    for sample in samples.as_array().unwrap().iter() {
        let intent: Intent = serde_json::from_value(serde_json::to_value(sample).unwrap()).unwrap();
        assert_eq!(crate::value::to_value(&intent).unwrap(), *sample);
    }
}
