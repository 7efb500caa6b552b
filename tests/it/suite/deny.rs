//! Promise: a denial is an answer, not a crash. What is denied never reaches the database, the client gets
//! a native error that says what and why, the record has one denial, and the session goes on.
//!
//! Every statement here is first shown to work without Jurat, so that the refusal is Jurat's.

use serde_json::Value;

use crate::harness::{Shop, Wire, canary, wire::Report};

/// A statement, who sends it, and the SQLSTATE and the rule (or Jurat's own code) of the refusal.
struct Case {
    user: &'static str,
    text: &'static str,
    code: &'static str,
    rule: &'static str,
}

const fn case(
    user: &'static str,
    text: &'static str,
    code: &'static str,
    rule: &'static str,
) -> Case {
    Case { user, text, code, rule }
}

const DDL: &str = "guardrails.ddl_in_production";
const SETTING: &str = "guardrails.setting";
const FUNCTION: &str = "guardrails.function";
const AGENT: &str = "agents.read_only";

/// Definitions and rights.
const DEFINITIONS: &[Case] = &[
    case("ana", "DROP TABLE secrets", "42501", DDL),
    case("dora", "DROP TABLE secrets", "42501", DDL),
    case("ana", "DROP TABLE IF EXISTS public.payments CASCADE", "42501", DDL),
    case("ana", "TRUNCATE payments", "42501", DDL),
    case("ana", "TRUNCATE TABLE ONLY payments RESTART IDENTITY", "", ""),
    case("ana", "ALTER TABLE customers ADD COLUMN extra int", "42501", DDL),
    case("ana", "ALTER TABLE customers RENAME COLUMN email TO harmless", "42501", DDL),
    case("ana", "CREATE TABLE fresh (id int)", "42501", DDL),
    case("ana", "CREATE INDEX ON orders (note)", "42501", DDL),
    case("ana", "CREATE VIEW fresh AS SELECT 1 AS one", "42501", DDL),
    case("ana", "CREATE TABLE fresh AS SELECT id FROM orders", "42501", ""),
    case("ana", "SELECT id INTO fresh FROM orders", "42501", ""),
    case("ana", "DROP SCHEMA archive CASCADE", "42501", DDL),
    case("ana", "COMMENT ON TABLE orders IS 'x'", "42501", ""),
    case("ana", "GRANT SELECT ON secrets TO PUBLIC", "42501", ""),
    case("ana", "CREATE ROLE fresh_role", "42501", ""),
    case("ana", "CREATE FUNCTION fresh() RETURNS int LANGUAGE sql AS 'SELECT 1'", "", ""),
    case("ana", "CREATE RULE fresh AS ON INSERT TO notes DO ALSO DELETE FROM payments", "", ""),
];

/// Writes that touch more than was meant, and writes of those who may not write.
const WRITES: &[Case] = &[
    case("ana", "DELETE FROM payments", "42501", "guardrails.write_without_where"),
    case("ana", "UPDATE orders SET note = 'x'", "42501", "guardrails.write_without_where"),
    case("shopd", "DELETE FROM payments WHERE true", "42501", "guardrails.where_always_true"),
    case("shopd", "DELETE FROM payments WHERE 1 = 1", "42501", "guardrails.where_always_true"),
    case(
        "shopd",
        "UPDATE orders SET note = 'x' WHERE true OR id = 1",
        "42501",
        "guardrails.where_always_true",
    ),
    case("ana", "EXPLAIN (ANALYZE) UPDATE orders SET note = 'x'", "42501", ""),
    case("ana", "EXPLAIN ANALYZE VERBOSE DELETE FROM payments WHERE true", "42501", ""),
    case("bot", "EXPLAIN ANALYZE DELETE FROM payments WHERE id = 1", "42501", AGENT),
    case("ana", "EXPLAIN ANALYZE DELETE FROM payments", "42501", ""),
    case(
        "ana",
        "WITH d AS (DELETE FROM payments RETURNING id) SELECT count(*) FROM d",
        "42501",
        "",
    ),
    case(
        "ana",
        "COPY (DELETE FROM payments RETURNING id) TO STDOUT",
        "42501",
        "guardrails.write_in_copy",
    ),
    case(
        "ana",
        "COPY (DELETE FROM payments WHERE true RETURNING id) TO STDOUT",
        "42501",
        "guardrails.where_always_true",
    ),
    case("bot", "COPY (DELETE FROM payments WHERE id = 1 RETURNING id) TO STDOUT", "42501", AGENT),
    case("bot", "INSERT INTO notes (body) VALUES ('x')", "42501", AGENT),
    case("bot", "UPDATE orders SET note = 'x' WHERE id = 1", "42501", AGENT),
    case("bot", "DELETE FROM orders WHERE id = 1", "42501", AGENT),
    case("bot", "SELECT id FROM secrets", "42501", "agents.secret"),
    case("bot", "SELECT 1; SELECT 2", "42501", "guardrails.several_statements"),
];

/// What reaches files, the network, settings, other sessions, or SQL that nobody has read.
const FUNCTIONS: &[Case] = &[
    case("ana", "SELECT pg_read_file('PG_VERSION')", "42501", FUNCTION),
    case("ana", "SELECT * FROM pg_ls_dir('.')", "42501", FUNCTION),
    case("ana", "SELECT 1 WHERE pg_read_file('PG_VERSION') IS NOT NULL", "42501", FUNCTION),
    case("ana", "SELECT lo_import('PG_VERSION')", "42501", FUNCTION),
    case("ana", "SELECT lo_from_bytea(0, 'x')", "42501", FUNCTION),
    case("ana", "SELECT set_config('role', 'postgres', false)", "42501", SETTING),
    case("ana", "SELECT set_config('r' || 'ole', 'postgres', false)", "42501", SETTING),
    case("ana", "SELECT * FROM set_config('jit', upper('off'), false)", "42501", SETTING),
    case(
        "ana",
        "SELECT set_config('jit', 'off', false), set_config('application_name', note, false) FROM orders",
        "42501",
        SETTING,
    ),
    case("ana", "SELECT pg_reload_conf()", "42501", FUNCTION),
    case("ana", "SELECT pg_cancel_backend(0)", "42501", FUNCTION),
    case("ana", "SELECT pg_terminate_backend(0)", "42501", FUNCTION),
    case(
        "ana",
        "SELECT query_to_xml('select 1', true, false, '')",
        "42501",
        "guardrails.dynamic_sql",
    ),
    case("ana", "SELECT first_email()", "42501", FUNCTION),
    case("ana", "SELECT usename FROM pg_shadow", "42501", "guardrails.protected_relation"),
    case("ana", "SELECT most_common_vals FROM pg_stats", "42501", "guardrails.protected_relation"),
    case("ana", "DO $$ BEGIN DELETE FROM payments; END $$", "42501", ""),
    case("ana", "CALL wipe_notes()", "42501", ""),
    case("ana", "SET role = 'postgres'", "42501", "guardrails.setting"),
    case("ana", "SET SESSION AUTHORIZATION 'postgres'", "", ""),
    case("ana", "SET session_replication_role = 'replica'", "42501", "guardrails.setting"),
    case("ana", "SET standard_conforming_strings = off", "", ""),
    case("ana", "SET client_encoding = 'SJIS'", "", ""),
    case("ana", "ALTER SYSTEM SET work_mem = '8MB'", "42501", ""),
    case("ana", "LOAD 'plpgsql'", "", ""),
    case("ana", "CREATE EXTENSION plpgsql_check_is_not_there", "", ""),
    case("ana", "COPY orders TO '/dev/null'", "42501", FUNCTION),
    case("ana", "COPY orders TO PROGRAM 'cat >/dev/null'", "42501", FUNCTION),
    case("ana", "COPY notes (body) FROM '/dev/null'", "42501", FUNCTION),
    case("ana", "COPY notes (body) FROM PROGRAM 'echo x'", "42501", FUNCTION),
];

/// Statements that fail without Jurat as well, by their nature: shown for the refusal's sake.
const NOT_SHOWN: [&str; 2] = ["CREATE EXTENSION", "ALTER SYSTEM"];

#[tokio::test]
async fn definitions_are_denied_in_production() {
    every(DEFINITIONS).await;
}

#[tokio::test]
async fn writes_that_touch_everything_and_writes_of_agents_are_denied() {
    every(WRITES).await;
}

#[tokio::test]
async fn functions_and_statements_that_reach_further_are_denied() {
    every(FUNCTIONS).await;
}

async fn every(cases: &[Case]) {
    let Some(shop) = Shop::usual().await else { return };
    let mut failed = Vec::new();
    for case in cases {
        if !NOT_SHOWN.iter().any(|start| case.text.starts_with(start)) {
            works_directly(&shop, case).await;
        }
        if let Err(what) = denied(&shop, case).await {
            failed.push(format!("{} as {}: {what}", case.text, case.user));
        }
    }
    for (table, rows) in [("payments", 100), ("orders", 100), ("notes", 0)] {
        let found = shop.count(&format!("SELECT count(*) FROM {table}")).await;
        if found != rows {
            failed.push(format!("{table} has {found} rows and not {rows}"));
        }
    }
    shop.close().await;
    assert!(failed.is_empty(), "{} of {} cases:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

/// Runs it in the twin and takes it back where that is possible.
async fn works_directly(shop: &Shop, case: &Case) {
    let mut direct = shop.direct_wire().await;
    direct.run("BEGIN").await;
    let reply = direct.run(case.text).await;
    assert_eq!(reply.error().map(|error| error.to_string()), None, "directly: {}", case.text);
    direct.run("ROLLBACK").await;
}

async fn denied(shop: &Shop, case: &Case) -> Result<(), String> {
    // Idle, simple protocol.
    let mut wire = shop.wire(case.user).await;
    let before = shop.records().denials().len();
    let reply = wire.run(case.text).await;
    is_refusal(&reply.error().ok_or("it ran in the simple protocol")?, case)?;
    expect(&reply.tags(), "E ZI")?;
    expect(&shop.records().denials().len().to_string(), &(before + 1).to_string())
        .map_err(|what| format!("denials in the record: {what}"))?;
    usable(&mut wire).await?;

    // Idle, extended protocol; a message of several statements cannot be sent that way.
    if !case.text.contains("; S") {
        let reply = wire.run_extended(case.text, 0).await;
        is_refusal(&reply.error().ok_or("it ran in the extended protocol")?, case)?;
        expect(&reply.tags(), "E ZI").map_err(|what| format!("extended protocol: {what}"))?;
        usable(&mut wire).await?;
    }

    // Inside a transaction block the block fails, as after any other error.
    wire.run("BEGIN").await;
    let reply = wire.run(case.text).await;
    is_refusal(&reply.error().ok_or("it ran in a transaction")?, case)?;
    expect(&reply.tags(), "E ZE").map_err(|what| format!("in a transaction: {what}"))?;
    expect(&wire.run("SELECT 1").await.sqlstate(), "25P02")?;
    expect(&wire.run("ROLLBACK").await.tags(), "C ZI")?;
    usable(&mut wire).await?;
    match canary::find(&wire.received) {
        Some(found) => Err(format!("leaked {found}")),
        None => Ok(()),
    }
}

async fn usable(wire: &mut Wire) -> Result<(), String> {
    expect(&wire.run("SELECT 41 + 1").await.tags(), "T D C ZI")
        .map_err(|what| format!("the session afterwards: {what}"))
}

fn expect(got: &str, wanted: &str) -> Result<(), String> {
    if got == wanted { Ok(()) } else { Err(format!("`{got}` instead of `{wanted}`")) }
}

/// The error says what the client needs to know, in the form that it can use.
fn is_refusal(error: &Report, case: &Case) -> Result<(), String> {
    let message = error.message();
    let codes: &[&str] =
        if case.code.is_empty() { &["42501", "42601", "0A000"] } else { &[case.code] };
    if !codes.contains(&error.code()) {
        return Err(format!("{error} instead of {codes:?}"));
    }
    expect(error.severity(), "ERROR")?;
    if !message.starts_with("jurat denied ") || message.chars().count() > 300 {
        return Err(format!("the first line is `{message}`"));
    }
    if !message.contains(case.rule) {
        return Err(format!("`{}` is not in `{message}`", case.rule));
    }
    let detail: Value = serde_json::from_str(error.detail())
        .map_err(|why| format!("the detail is no JSON ({why}): {}", error.detail()))?;
    expect(detail["decision"].as_str().unwrap_or_default(), "deny")?;
    let id = detail["decision_id"].as_str().unwrap_or_default();
    if id.len() != 36 {
        return Err(format!("the detail has no decision id: {detail}"));
    }
    // A refusal by a rule names the rule and the decision in the first line.
    if case.rule.contains('.') && !message.contains(&format!("[rule {}, id {id}]", case.rule)) {
        return Err(format!("no rule and id in `{message}`"));
    }
    if error.hint().is_empty() {
        return Err("there is no hint".to_owned());
    }
    Ok(())
}

#[tokio::test]
async fn one_denial_refuses_all_statements_of_a_message() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("shopd").await;
    for text in [
        "INSERT INTO notes (body) VALUES ('first'); DROP TABLE payments",
        "DROP TABLE payments; INSERT INTO notes (body) VALUES ('last')",
        "INSERT INTO notes (body) VALUES ('kept?'); COMMIT; DELETE FROM payments",
        "SELECT 1;;; /* nothing */ ; DELETE FROM payments",
    ] {
        let reply = wire.run(text).await;
        assert_eq!((reply.sqlstate().as_str(), reply.tags().as_str()), ("42501", "E ZI"), "{text}");
    }
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0);
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    // Without a denial all of them run, as one transaction.
    let reply = wire
        .run("INSERT INTO notes (body) VALUES ('a'); INSERT INTO notes (body) VALUES ('b')")
        .await;
    assert_eq!(reply.tags(), "C C ZI");
    shop.close().await;
}

#[tokio::test]
async fn a_warning_of_a_policy_is_a_notice_and_the_statement_runs() {
    let policy = r#"package jurat.watch
        warn contains {"id": "watch.secrets", "msg": "somebody looks at secrets"} if {
            some relation in input.statement.relations
            relation.id == "public.secrets"
        }"#;
    let setup = crate::harness::Setup::default().policy("watch.rego", policy);
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = shop.wire("ana").await;
    let reply = wire.run("SELECT id FROM secrets").await;
    assert_eq!(reply.tags(), "N T D C ZI");
    let notice = reply.notice().unwrap();
    assert!(notice.message().contains("watch.secrets"), "{notice}");
    assert_eq!(notice.code(), "01000");
    shop.close().await;
}
