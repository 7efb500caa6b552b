//! The examples work: each is checked and explained through the built binary, and what `explain` says
//! stands in a golden file that `make bless` rewrites.

use std::{fmt::Write as _, fs, path::PathBuf};

use crate::command::jurat_in;

fn quickstart() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart")
}

/// What the golden file explains: who asks, and what.
const QUESTIONS: &[(&str, &str)] = &[
    ("ana", "SELECT id, email, card FROM customers"),
    ("pia", "SELECT id, email, card FROM customers"),
    (
        "ana",
        "SELECT c.tier, sum(p.amount_cents) FROM customers c JOIN payments p ON p.customer_id = c.id GROUP BY c.tier",
    ),
    ("ana", "SELECT id FROM customers WHERE email = 'ada@mail.example'"),
    ("ana", "SELECT * FROM open_orders LIMIT 5"),
    ("ana", "SELECT salary FROM employees"),
    ("ana", "SELEC 1"),
    ("dan", "DROP TABLE customers"),
    ("dan", "UPDATE customers SET tier = 'pro'"),
    ("dan", "UPDATE customers SET tier = 'pro' WHERE id = 7"),
    ("dan", "BEGIN; DELETE FROM order_items; COMMIT"),
    ("bot", "UPDATE orders SET status = 'open' WHERE id = 7"),
];

#[test]
fn the_quickstart_passes_its_check() {
    let run = jurat_in(&quickstart(), &["check"]);
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn explain_says_what_the_golden_file_says() {
    let mut text = String::from(
        "# What `jurat explain` says in the quickstart\n\n\
         Written by `make bless`. Ids and revisions differ from run to run and are left out.\n",
    );
    for (user, sql) in QUESTIONS {
        let arguments = [
            "explain",
            "--catalog",
            "catalog.json",
            "--as",
            user,
            "--sql",
            sql,
            "--fail-on",
            "deny",
        ];
        let run = jurat_in(&quickstart(), &arguments);
        assert_eq!(run.stderr, "", "{run}");
        write!(
            text,
            "\n## {user}: `{sql}`\n\n```text\n{}```\n\nExit code {}.\n",
            steady(&run.stdout),
            run.code
        )
        .unwrap();
    }
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/explain.md");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    assert!(text == golden, "explain.md differs: run `make bless` and review\n{text}");
}

#[test]
fn explain_as_json_has_every_part() {
    let arguments = [
        "explain",
        "--catalog",
        "catalog.json",
        "--as",
        "ana",
        "--format",
        "json",
        "--sql",
        "SELECT email FROM customers; DROP TABLE customers",
    ];
    let run = jurat_in(&quickstart(), &arguments);
    assert_eq!(run.code, 0, "{run}");
    let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let [read, drop] = found["statements"].as_array().unwrap().as_slice() else {
        panic!("two statements: {run}");
    };
    assert_eq!(read["intent"]["principal"]["id"], "ana");
    assert_eq!(read["decision"]["effect"], "rewrite");
    assert!(read["sent"].as_str().is_some_and(|text| text.contains("public.customers")), "{run}");
    assert!(read["refusal"].is_null());
    assert_eq!(drop["decision"]["effect"], "deny");
    assert!(drop["sent"].is_null());
    assert_eq!(drop["refusal"]["code"], "denied");
}

#[test]
fn a_batch_is_explained_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lines");
    let with_catalog = r#"{"sql": "SELECT FROM t", "search_path": ["pg_catalog", "s"], "catalog":
        {"relations": [{"name": {"schema": "s", "name": "t"}, "kind": "table", "columns": []}]}}"#;
    let lines = [r#"{"sql": "SELECT 1; SELECT 2"}"#, r#"{"sql": "SELECT FROM t"}"#];
    std::fs::write(&file, [&lines.join("\n"), "\n", &with_catalog.replace('\n', " ")].concat())
        .unwrap();
    let name = file.to_str().unwrap();
    let arguments = ["explain", "--as", "ana", "--batch", name, "--fail-on", "deny"];
    let run = jurat_in(&quickstart(), &arguments);
    assert_eq!(run.code, 3, "{run}");
    let read = |line: &str| -> Vec<bool> {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let statements = line["statements"].as_array().unwrap();
        let parsed = |one: &serde_json::Value| one["intent"]["statement"]["parsed"].as_bool();
        statements.iter().map(|one| parsed(one).unwrap()).collect()
    };
    let parsed: Vec<Vec<bool>> = run.stdout.lines().map(read).collect();
    assert_eq!(parsed, [vec![true, true], vec![false], vec![true]]);

    std::fs::write(&file, "{\"sql\": \"SELECT 1\"}\nSELECT 2\n").unwrap();
    let run = jurat_in(&quickstart(), &arguments);
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("lines:2: "), "{run}");
}

#[test]
fn an_unknown_user_is_offered_the_nearest() {
    let arguments = ["explain", "--catalog", "catalog.json", "--as", "anna", "--sql", "SELECT 1"];
    let run = jurat_in(&quickstart(), &arguments);
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("no user `anna` in users.toml; did you mean `ana`?"), "{run}");
}

/// Puts `<id>` for what is made anew in each run.
fn steady(text: &str) -> String {
    let id = |word: &str| {
        let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
        word.len() >= 32 && word.chars().all(hex)
    };
    let mut steady = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || c == '-' {
            word.push(c);
            continue;
        }
        steady.push_str(if id(&word) { "<id>" } else { &word });
        word.clear();
        steady.push(c);
    }
    steady.pop();
    steady
}
