//! Threat: a mask that shows the value, fails, warns, or means something else in another session, for some type.
//!
//! Each method runs over a value of each type. What it makes of them is the table in `docs/masking.md`, which this
//! test compares (and `BLESS=1` writes).

use std::process::Output;

use crate::{
    harness::{MyShop, Setup, canary, mariadb::Kind},
    suite::mask::methods::{METHODS, compare, masking},
};

/// The types, and a value of each. What is text holds a canary.
const COLUMNS: &[(&str, &str)] = &[
    ("varchar(80)", "'canary7@leak.example'"),
    ("varchar(6)", "'canary'"),
    ("char(8)", "'canary'"),
    ("text", "'canary seven'"),
    ("enum('canary')", "'canary'"),
    ("set('a','canary')", "'a,canary'"),
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
    ("tinytext", "'canary'"),
    ("json", "'{\"who\": \"canary\"}'"),
    ("uuid", "'12345678-9abc-4ef0-8234-56789abcdef0'"),
    ("inet4", "'203.0.113.77'"),
    ("inet6", "'2001:db8::7'"),
];

/// Those that the server has: the last three are MariaDB's.
fn columns(shop: &MyShop) -> &'static [(&'static str, &'static str)] {
    match shop.server.kind() {
        Kind::Mariadb => COLUMNS,
        Kind::Mysql => &COLUMNS[..COLUMNS.len() - 3],
    }
}

/// Settings of a session under which a mask must come out the same.
const SESSIONS: [&str; 3] = ["", "SET NAMES utf8mb4;", "SET time_zone = '+00:00';"];

/// One table for each method, all with the same row and a row of NULLs.
fn fill(shop: &MyShop) {
    let types = columns(shop);
    let columns: Vec<String> =
        types.iter().enumerate().map(|(at, (of, _))| format!("c{at} {of} NULL")).collect();
    let values: Vec<&str> = types.iter().map(|(_, value)| *value).collect();
    let nulls = vec!["NULL"; types.len()].join(", ");
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
    let Some(shop) = MyShop::open(masking(Setup::mariadb(), "shop")) else { return };
    fill(&shop);
    let (types, kind) = (columns(&shop), shop.server.kind());
    // Bytes as they are would break the lines of the client.
    let names: Vec<String> = types
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
    let value = |value: String| (value != "NULL").then_some(value);
    let results: Vec<Vec<_>> =
        results.into_iter().map(|row| row.into_iter().map(value).collect()).collect();
    // MySQL's json is a type of its own, and a mask in it is a JSON string.
    let types = match kind {
        Kind::Mariadb => types,
        Kind::Mysql => &types[..types.len() - 1],
    };
    compare("mysql methods", types, &results);
}

fn rows(lines: &str) -> Vec<Vec<String>> {
    lines.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn bytes(output: &Output) -> Vec<u8> {
    [&output.stdout[..], &output.stderr[..]].concat()
}
