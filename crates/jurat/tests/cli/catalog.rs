//! `jurat catalog` over a catalog from a file: what it proposes and what it finds stands in a golden file that
//! `make bless` rewrites.

use std::{fmt::Write as _, fs, path::Path, path::PathBuf};

use crate::{
    command::{Run, jurat_in},
    commands::setting,
};

/// A relation with its kind, its parent, and its columns with their types.
type Described =
    (&'static str, &'static str, Option<&'static str>, &'static [(&'static str, &'static str)]);

const RELATIONS: &[Described] = &[
    (
        "users",
        "table",
        None,
        &[
            ("id", "integer"),
            ("name", "text"),
            ("email", "text"),
            ("email_sent_at", "timestamp with time zone"),
            ("homeAddress", "jsonb"),
            ("card_id", "integer"),
            ("token_count", "integer"),
            ("last_ip", "inet"),
        ],
    ),
    ("contacts", "view", None, &[("email", "text")]),
    ("logins", "partitioned_table", None, &[("ip", "text"), ("remote_addr", "text")]),
    ("logins_2025", "table", Some("logins"), &[("ip", "text"), ("remote_addr", "text")]),
    ("Odd Table", "foreign_table", None, &[("E-Mail: #1", "text")]),
    ("credentials", "table", None, &[("id", "integer"), ("pwd_hash", "bytea")]),
];

/// Reviewed by hand: with a comment, with an empty list, and with what does not exist any more.
const LABELS: &str = "# By hand.
public.users.email: [pii.email, marketing] # both
public.users.last_ip: []
public.logins_2025.ip: [pii.ip] # counts for all of logins
public.users.emial: [pii.email]
public.user: [tenant]
public.price(): [function.pure]
pg_catalog.pg_sleep(): [function.allowed]
";

fn write_catalog(dir: &Path) {
    let relations: Vec<serde_json::Value> = RELATIONS
        .iter()
        .map(|(name, kind, parent, columns)| {
            let columns: Vec<serde_json::Value> = columns
                .iter()
                .map(|(name, data_type)| serde_json::json!({"name": name, "data_type": data_type}))
                .collect();
            let parents: Vec<serde_json::Value> = parent
                .iter()
                .map(|parent| serde_json::json!({"schema": "public", "name": parent}))
                .collect();
            serde_json::json!({"name": {"schema": "public", "name": name}, "kind": kind,
                "columns": columns, "parents": parents})
        })
        .collect();
    let catalog = serde_json::json!({"schemas": ["public"], "relations": relations});
    fs::write(dir.join("catalog.json"), catalog.to_string()).unwrap();
}

fn put_labels(dir: &Path, text: &str) {
    fs::create_dir_all(dir.join("rego/jurat/catalog")).unwrap();
    fs::write(dir.join("rego/jurat/catalog/data.yaml"), text).unwrap();
}

fn catalog(dir: &Path, arguments: &[&str]) -> Run {
    let (command, rest) = arguments.split_first().unwrap();
    jurat_in(dir, &[&["catalog", command, "--catalog", "catalog.json"], rest].concat())
}

#[test]
fn proposals_and_findings_are_what_the_golden_file_says() {
    let dir = setting();
    let dir = dir.path();
    write_catalog(dir);
    put_labels(dir, LABELS);
    let mut text = String::from(
        "# What `jurat catalog` proposes and finds\n\nWritten by `make bless`, from the catalog and the labels in \
         `tests/cli/catalog.rs`.\n",
    );
    let place = "rego/jurat/catalog/data.yaml";
    for arguments in [
        &["check"][..],
        &["check", "--format", "json"],
        &["scan", "--check"],
        &["scan", "--write", place],
        &["scan"],
        &["scan", "--check"],
        &["scan", "--write", place],
        &["check"],
    ] {
        let run = catalog(dir, arguments);
        assert_eq!(run.stderr, "", "{run}");
        let line = arguments.join(" ");
        write!(text, "\n## `{line}`\n\n```text\n{}```\n\nExit code {}.\n", run.stdout, run.code)
            .unwrap();
    }
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/catalog.md");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    assert!(text == golden, "catalog.md differs: run `make bless` and review\n{text}");
}

#[test]
fn a_file_that_is_not_understood_is_left_alone() {
    let dir = setting();
    let dir = dir.path();
    write_catalog(dir);
    for (text, expected) in [
        ("{public.a.b: [x]}\n", "lines cannot be added to"),
        ("public.a.b: x\n", "the labels of public.a.b must be a list of strings"),
        ("public.a.b: [\n", "mine.yaml: "),
    ] {
        fs::write(dir.join("mine.yaml"), text).unwrap();
        let run = catalog(dir, &["scan", "--write", "mine.yaml"]);
        assert_eq!(run.code, 2, "{run}");
        assert!(run.stderr.contains(expected), "{run}");
        assert_eq!(fs::read_to_string(dir.join("mine.yaml")).unwrap(), text);
    }
}

#[test]
fn samples_need_a_jurat_on_this_machine() {
    let dir = setting();
    let dir = dir.path();
    write_catalog(dir);
    fs::write(dir.join("password"), "hunter2\n").unwrap();
    for (arguments, code, expected) in [
        (&["scan", "--through", "127.0.0.1:1"][..], 2, "--as <USER>"),
        (&["scan", "--as", "ana"], 2, "--through <ADDRESS>"),
        (&["scan", "--rows", "0", "--through", "127.0.0.1:1", "--as", "ana"], 2, "1..=1000"),
        (&["scan", "--through", "192.0.2.1:5432", "--as", "ana"], 2, "not encrypted"),
        (&["scan", "--through", "127.0.0.1:1", "--as", "ana"], 2, "JURAT_PASSWORD is not set"),
        (
            &["scan", "--through", "127.0.0.1:1", "--as", "ana", "--password-file", "password"],
            5,
            "no session for ana through 127.0.0.1:1",
        ),
    ] {
        let run = catalog(dir, arguments);
        assert_eq!(run.code, code, "{run}");
        assert!(run.stderr.contains(expected), "{run}");
        assert!(!format!("{run}").contains("hunter2"), "{run}");
    }
}

#[test]
fn a_database_that_is_away_is_named() {
    let dir = setting();
    let config = fs::read_to_string(dir.path().join("jurat.toml")).unwrap();
    let config =
        config.replace("{ env = \"JURAT_TEST_NO_SUCH_VARIABLE\" }", "{ file = \"users.toml\" }");
    fs::write(dir.path().join("jurat.toml"), config).unwrap();
    for command in ["scan", "check"] {
        let run = jurat_in(dir.path(), &["catalog", command]);
        assert_eq!(run.code, 5, "{run}");
        assert!(run.stderr.contains("the catalog of `shop` cannot be read"), "{run}");
    }
}
