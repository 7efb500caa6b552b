//! Threat: a mask that shows the value, fails, warns, or means something else in another session, for some type.
//!
//! Each method runs over a value of each type. What it makes of them is the table in `docs/masking.md`, which this
//! test compares (and `BLESS=1` writes).

use std::{env, fs, path::Path};

use super::bytes;
use crate::harness::{MyShop, Setup, canary};

/// The types, and a value of each. What is text holds a canary.
const COLUMNS: [(&str, &str); 34] = [
    ("varchar(80)", "'canary7@leak.example'"),
    ("varchar(6)", "'canary'"),
    ("char(8)", "'canary'"),
    ("text", "'canary seven'"),
    ("enum('canary')", "'canary'"),
    ("set('a','canary')", "'a,canary'"),
    ("json", "'{\"who\": \"canary\"}'"),
    ("tinyint", "-7"),
    ("tinyint unsigned", "200"),
    ("smallint", "32767"),
    ("mediumint", "-8388608"),
    ("int", "-2147483648"),
    ("int unsigned", "4294967295"),
    ("bigint", "9223372036854775807"),
    ("bigint unsigned", "18446744073709551615"),
    ("decimal(30,2)", "12345678901234567890.50"),
    ("decimal(4,2)", "-99.99"),
    ("float", "3.25"),
    ("double", "-1.5e300"),
    ("date", "'1987-06-05'"),
    ("datetime(3)", "'1987-06-05 12:34:56.789'"),
    ("timestamp", "'1987-06-05 23:34:56'"),
    ("timestamp(3)", "'1987-06-05 23:34:56.654'"),
    ("time(2)", "'12:34:56.78'"),
    ("year", "1987"),
    ("bit(8)", "b'01100011'"),
    ("binary(8)", "'canary'"),
    ("varbinary(20)", "'canary'"),
    ("blob", "'canary'"),
    ("point", "ST_GeomFromText('POINT(1 2)')"),
    ("uuid", "'12345678-9abc-4ef0-8234-56789abcdef0'"),
    ("inet4", "'203.0.113.77'"),
    ("inet6", "'2001:db8::7'"),
    ("tinytext", "'canary'"),
];

/// The methods with their parameters, mild ones first.
const METHODS: [(&str, &str); 6] = [
    ("partial", r#"{"keep_first": 2, "keep_last": 1}"#),
    ("date_trunc", r#"{"to": "month"}"#),
    ("tokenize", "{}"),
    ("hash", "{}"),
    ("redact", "{}"),
    ("null", "{}"),
];

/// Settings of a session under which a mask must come out the same.
const SESSIONS: [&str; 3] = ["", "SET NAMES utf8mb4;", "SET time_zone = '+00:00';"];

fn policy() -> Setup {
    let masks: String = METHODS
        .iter()
        .map(|(method, params)| {
            format!(
                "masks contains {{\"column\": \"shop.kinds_{method}.*\", \"method\": \"{method}\", \
                 \"params\": {params}}} if input.statement\n"
            )
        })
        .collect();
    let mut setup =
        Setup::mariadb().policy("methods.rego", format!("package jurat.methods\n{masks}"));
    setup.policy = "mask_salt = { file = \"mask.salt\" }";
    setup
}

/// One table for each method, all with the same row and a row of NULLs.
fn fill(shop: &MyShop) {
    let columns: Vec<String> =
        COLUMNS.iter().enumerate().map(|(at, (of, _))| format!("c{at} {of} NULL")).collect();
    let values: Vec<&str> = COLUMNS.iter().map(|(_, value)| *value).collect();
    let nulls = vec!["NULL"; COLUMNS.len()].join(", ");
    for (method, _) in METHODS {
        let script = format!(
            "SET time_zone = '+00:00'; CREATE TABLE kinds_{method} (id int PRIMARY KEY, {});
             INSERT INTO kinds_{method} VALUES (1, {}), (2, {nulls})",
            columns.join(", "),
            values.join(", "),
        );
        let made = shop.inspector().run(&script);
        assert!(made.status.success(), "{made:?}");
    }
}

#[test]
fn every_method_gives_a_value_of_the_type_and_never_the_value() {
    let Some(shop) = MyShop::open(policy()) else { return };
    fill(&shop);
    // Bytes as they are would break the lines of the client.
    let names: Vec<String> = COLUMNS
        .iter()
        .enumerate()
        .map(|(at, (of, _))| {
            let binary = ["bi", "varbinary", "blob", "point"].iter().any(|b| of.starts_with(b))
                && !of.starts_with("bigint");
            if binary { format!("HEX(c{at})") } else { format!("c{at}") }
        })
        .collect();
    let list = names.join(", ");
    let direct = shop.inspector().run(&format!("SELECT {list} FROM kinds_null"));
    assert!(canary::find(&bytes(&direct)).is_some());
    let mut results = vec![rows(&String::from_utf8(direct.stdout).unwrap())[0].clone()];
    for (method, _) in METHODS {
        let text = format!("SELECT {list} FROM kinds_{method}");
        let mut first: Option<Vec<Vec<String>>> = None;
        for session in SESSIONS {
            let ran = shop.cli("ana").with("--show-warnings").run(&format!("{session}{text}"));
            assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "{method}, {session}");
            assert_eq!(canary::find(&bytes(&ran)), None, "{method}, {session}");
            let rows = rows(&String::from_utf8(ran.stdout).unwrap());
            assert_eq!(rows.len(), 2, "{method}, {session}: {rows:?}");
            assert!(rows[1].iter().all(|value| value == "NULL"), "{method}: {:?}", rows[1]);
            assert_eq!(first.get_or_insert(rows.clone()), &rows, "{method}, {session}");
        }
        results.push(first.unwrap().remove(0));
    }
    shop.close();
    compare(&table(&results));
}

fn rows(lines: &str) -> Vec<Vec<String>> {
    lines.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn table(results: &[Vec<String>]) -> String {
    let mut lines = vec![
        "| Type | Value | `partial` | `date_trunc` | `tokenize` | `hash` | `redact` | `null` |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for (at, (of, _)) in COLUMNS.iter().enumerate() {
        let cells: Vec<String> = results.iter().map(|row| cell(&row[at])).collect();
        lines.push(format!("| {} | {} |", of.replace("canary", "secret"), cells.join(" | ")));
    }
    lines.join("\n") + "\n"
}

/// A value as Markdown, cut where it is long.
fn cell(value: &str) -> String {
    // Canaries stay out of documents too.
    let value = value.replace("canary", "secret").replace("63616E617279", "736563726574");
    match value.as_str() {
        "NULL" => value,
        "" => "(empty)".to_owned(),
        _ if value.chars().count() > 24 => {
            format!("`{}…`", value.chars().take(24).collect::<String>())
        }
        _ => format!("`{value}`"),
    }
}

/// Compares with the document, or writes it.
fn compare(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/masking.md");
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- mysql methods: begin -->\n", "<!-- mysql methods: end -->");
    let (before, rest) = text.split_once(begin).unwrap();
    let (committed, after) = rest.split_once(end).unwrap();
    if env::var_os("BLESS").is_some() {
        fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(committed, table, "run with BLESS=1 and review docs/masking.md");
    }
}
