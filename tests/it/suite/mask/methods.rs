//! Threat: a mask that shows the value, changes the type, or fails, for some type.
//!
//! Each method runs over a value of each type, in both protocols and both formats. What it makes of them is the
//! table in `docs/masking.md`, which this test compares (and `BLESS=1` writes).

use std::{env, fs, path::Path};

use crate::harness::{Setup, Shop, canary, cluster, wire::Reply};

/// The types, and a value of each. What is text holds a canary.
const COLUMNS: [(&str, &str); 32] = [
    ("text", "'canary7@leak.example'"),
    ("varchar(6)", "'canary'"),
    ("char(8)", "'canary'"),
    ("name", "'canary seven'"),
    ("smallint", "32767"),
    ("integer", "-2147483648"),
    ("bigint", "9223372036854775807"),
    ("numeric", "12345678901234567890.5"),
    ("numeric(4,2)", "-99.99"),
    ("numeric(2,2)", "0.99"),
    ("real", "3.25"),
    ("double precision", "-1.5e300"),
    ("money", "'12.34'"),
    ("date", "'1987-06-05'"),
    ("timestamp(3)", "'1987-06-05 12:34:56.789'"),
    ("timestamptz", "'1987-06-05 23:34:56-03'"),
    ("time", "'12:34:56'"),
    ("timetz", "'12:34:56+02'"),
    ("interval", "'1 year 2 mons 3 days'"),
    ("uuid", "'12345678-9abc-def0-1234-56789abcdef0'"),
    ("json", r#"'{"who": "canary"}'"#),
    ("jsonb", r#"'{"who": "canary"}'"#),
    ("boolean", "true"),
    ("inet", "'203.0.113.77/24'"),
    ("bytea", "'canary'"),
    ("text[]", "'{canary,NULL,\"canary, too\"}'"),
    ("integer[]", "'{1,2,3}'"),
    ("date[]", "'{1987-06-05}'"),
    ("mood", "'glad'"),
    ("code", "'canary'"),
    ("inner_code", "'canary'"),
    ("point", "'(1,2)'"),
];

/// The methods with their parameters, mild ones first.
pub(in crate::suite) const METHODS: [(&str, &str); 6] = [
    ("partial", r#"{"keep_first": 2, "keep_last": 1}"#),
    ("date_trunc", r#"{"to": "month"}"#),
    ("tokenize", "{}"),
    ("hash", "{}"),
    ("redact", "{}"),
    ("null", "{}"),
];

/// Each method masks the columns of a table of its own, `kinds_<method>`.
pub(in crate::suite) fn masking(setup: Setup, schema: &str) -> Setup {
    let masks: String = METHODS
        .iter()
        .map(|(method, params)| {
            format!(
                "masks contains {{\"column\": \"{schema}.kinds_{method}.*\", \"method\": \"{method}\", \
                 \"params\": {params}}} if input.statement.kind\n"
            )
        })
        .collect();
    let mut setup = setup.policy("methods.rego", format!("package jurat.methods\n{masks}"));
    setup.policy = "mask_salt = { file = \"mask.salt\" }";
    setup
}

/// One table for each method, all with the same row and a row of NULLs where there can be one.
async fn fill(shop: &Shop) {
    let columns: Vec<String> =
        COLUMNS.iter().enumerate().map(|(at, (of, _))| format!("c{at} {of}")).collect();
    let values: Vec<&str> = COLUMNS.iter().map(|(_, value)| *value).collect();
    for database in [&shop.database, &shop.twin] {
        let owner = shop.cluster.connect(cluster::ADMIN, database).await;
        let mut script = "CREATE TYPE mood AS ENUM ('glad');
             CREATE DOMAIN code AS varchar(8) NOT NULL CHECK (length(VALUE) > 5);
             CREATE DOMAIN inner_code AS code;"
            .to_owned();
        for (method, _) in METHODS {
            script += &format!(
                "CREATE TABLE kinds_{method} ({});
                 INSERT INTO kinds_{method} VALUES ({});
                 GRANT ALL ON kinds_{method} TO {};",
                columns.join(", "),
                values.join(", "),
                cluster::UPSTREAM
            );
        }
        owner.batch_execute(&script).await.unwrap();
    }
}

#[tokio::test]
async fn every_method_gives_a_value_of_the_type_and_never_the_value() {
    let Some(shop) = Shop::open(masking(Setup::default(), "public")).await else { return };
    fill(&shop).await;
    let mut wire = shop.wire("ana").await;
    let mut direct = shop.direct_wire().await;
    let raw = direct.run("SELECT * FROM kinds_null").await;
    let mut results = vec![only(&raw)];
    assert!(canary::find(&direct.received).is_some());
    for (method, _) in METHODS {
        let text = format!("SELECT * FROM kinds_{method}");
        let masked = wire.run(&text).await;
        assert_eq!(masked.error().map(|error| error.to_string()), None, "{method}");
        assert_eq!(described(&masked), described(&raw), "{method}: names, types and modifiers");
        let values = only(&masked);
        assert_eq!(only(&wire.run_extended(&text, 0).await), values, "{method}, extended");
        let binary = wire.run_extended(&text, 1).await;
        assert_eq!(binary.error().map(|error| error.to_string()), None, "{method}, binary");
        let nulls =
            |values: &[Option<String>]| values.iter().map(Option::is_none).collect::<Vec<_>>();
        assert_eq!(nulls(&only(&binary)), nulls(&values), "{method}, binary");
        // Twice the same, also in another session.
        assert_eq!(only(&shop.wire("ana").await.run(&text).await), values, "{method}, again");
        results.push(values);
    }
    assert_eq!(canary::find(&wire.received), None);
    shop.close().await;
    compare("methods", &COLUMNS, &results);
}

/// The values of the only row.
fn only(reply: &Reply) -> Vec<Option<String>> {
    let mut rows = reply.rows();
    assert_eq!(rows.len(), 1, "{:?}", reply.error());
    rows.remove(0)
}

/// Name, type and type modifier of each column of a RowDescription; not its origin. A type of the database's
/// own has another number in each database.
fn described(reply: &Reply) -> Vec<(Vec<u8>, [u8; 10])> {
    let message = reply.0.iter().find(|message| message.tag == b'T').unwrap();
    let mut rest = &message.body[2..];
    let mut columns = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let name = rest[..end].to_vec();
        let fields = &rest[end + 1..];
        let mut kind: [u8; 10] = fields[6..16].try_into().unwrap();
        if kind[..2] != [0, 0] || kind[2] >= 0x40 {
            kind[..4].fill(0);
        }
        columns.push((name, kind));
        rest = &fields[18..];
    }
    columns
}

/// The table of the document: for each type its value, and what the methods make of it.
pub(in crate::suite) fn compare(
    name: &str,
    types: &[(&str, &str)],
    results: &[Vec<Option<String>>],
) {
    let mut lines = vec![
        "| Type | Value | `partial` | `date_trunc` | `tokenize` | `hash` | `redact` | `null` |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for (at, (of, _)) in types.iter().enumerate() {
        let cells: Vec<String> = results.iter().map(|row| cell(row[at].as_deref())).collect();
        lines.push(format!("| {} | {} |", secret(of), cells.join(" | ")));
    }
    in_document(name, &(lines.join("\n") + "\n"));
}

/// Canaries stay out of documents too.
fn secret(text: &str) -> String {
    text.replace("canary", "secret").replace("63616E617279", "736563726574")
}

/// A value as Markdown, cut where it is long.
fn cell(value: Option<&str>) -> String {
    match value.map(secret).as_deref() {
        None => "NULL".to_owned(),
        Some("") => "(empty)".to_owned(),
        Some(value) if value.chars().count() > 24 => {
            format!("`{}…`", value.chars().take(24).collect::<String>())
        }
        Some(value) => format!("`{value}`"),
    }
}

/// Compares with the document, or writes it.
fn in_document(name: &str, table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/masking.md");
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (committed, after) = rest.split_once(&end).unwrap();
    if env::var_os("BLESS").is_some() {
        fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else if table.len() < committed.len() && name == "mysql methods" {
        // MySQL lacks the last types of MariaDB.
        assert_eq!(&committed[..table.len()], table);
    } else {
        assert_eq!(committed, table, "run with BLESS=1 and review docs/masking.md");
    }
}

/// Everything that shows texts of statements withholds those with a salt, and nothing else.
#[tokio::test]
async fn the_salt_is_seen_nowhere() {
    let Some(shop) = Shop::open(masking(Setup::default(), "public")).await else { return };
    fill(&shop).await;
    // From others the shipped policies hide these texts altogether.
    let mut other = shop.wire("priya").await;
    other.run("SELECT c0 FROM kinds_hash").await;
    let mut wire = shop.wire("priya").await;
    for text in [
        "PREPARE salted AS SELECT c0 FROM kinds_hash",
        "BEGIN",
        "DECLARE salted CURSOR FOR SELECT c0 FROM kinds_tokenize",
        "FETCH 1 FROM salted",
        "SELECT statement FROM pg_cursors",
        "SELECT * FROM pg_prepared_statements",
        "SELECT name, c FROM pg_prepared_statements AS p (name, c)",
        "SELECT query, count(*) FROM pg_stat_activity GROUP BY query",
        "SELECT p FROM pg_stat_activity p",
        "SELECT pg_stat_activity.query FROM pg_catalog.pg_stat_activity ORDER BY query LIMIT 50",
        "TABLE pg_prepared_statements",
        "ROLLBACK",
        "EXPLAIN VERBOSE SELECT c0 FROM kinds_hash",
        "EXPLAIN (ANALYZE, VERBOSE) SELECT c0 FROM kinds_hash",
        "EXPLAIN VERBOSE EXECUTE salted",
        "SELECT current_query(), c0 FROM kinds_hash",
        "SELECT c0::int FROM kinds_hash",
        "SELECT pg_stat_get_backend_activity(1)",
        "SELECT statement FROM pg_prepared_statement()",
    ] {
        wire.run(text).await;
        if text.contains("FROM pg_") {
            wire.run_extended(text, 0).await;
            wire.run_extended(text, 1).await;
        }
    }
    let received = String::from_utf8_lossy(&wire.received).into_owned();
    assert!(!received.contains("jurat-salt-"), "{received}");
    assert!(received.contains("(withheld by jurat: it holds the salt of a mask)"));
    // Directly the texts are there for everybody of the role.
    let look =
        "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE query LIKE '%jurat-' || 'salt-%'";
    assert!(shop.count(look).await > 0);
    // Other texts are shown as they are.
    let shown = wire.run("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()").await;
    assert!(shown.value().contains("pg_stat_activity"), "{}", shown.value());
    shop.close().await;
}
