//! Threat: the parser reads a text in one way and PostgreSQL in another, so that what is judged is not what
//! runs. Each text (notes on SQL, table of misreads, rows A to L) is refused or runs as it was read: nothing
//! protected comes back, and nothing changes that was not judged.

use crate::harness::{Shop, canary};

/// The row of the table, what comes first in the session, and the text.
const MISREADS: &[(&str, &[&str], &str)] = &[
    ("A", &[], r"SELECT 'x\'' , ssn FROM customers -- '"),
    ("A with a mask", &[], r"SELECT email, 'x\'' , ssn FROM customers -- ' FROM customers"),
    ("A, escape string", &[], r"SELECT E'x\' , ssn FROM customers -- '"),
    (
        "A, escaped quote and a mask",
        &[],
        r"SELECT email, E'\'' || ssn || '\x27 OR true --' FROM customers",
    ),
    ("A3", &[], "COMMENT ON TABLE notes IS 'x''; DROP TABLE payments; --'"),
    ("A4", &[], "SELECT 'a''''b', email FROM customers"),
    ("D, SELECT", &[], "SELECT email FROM ONLY customers"),
    ("D, star", &[], "SELECT * FROM only customers"),
    ("D, parentheses", &[], "SELECT * FROM ONLY (customers)"),
    ("D, DELETE", &[], "DELETE FROM ONLY payments"),
    ("D, UPDATE", &[], "UPDATE ONLY customers SET tier = 'x'"),
    ("D, JOIN", &[], "SELECT c.email FROM orders o JOIN ONLY (customers) c ON true"),
    (
        "D, a table of that name",
        &["CREATE TEMP TABLE \"only\" (email text)"],
        "SELECT email FROM only customers",
    ),
    ("E", &[], r#"SELECT U&"\0073sn" FROM customers"#),
    ("E, table", &[], r#"SELECT email FROM U&"custom\0065rs""#),
    ("E, function", &[], r#"SELECT U&"pg_r\0065ad_file"('PG_VERSION')"#),
    ("E, escape character", &[], "SELECT U&\"!0073sn\" UESCAPE '!' FROM customers"),
    ("E, string", &[], r"SELECT U&'\0041', email FROM customers"),
    ("F", &[], "VALUES (1, 'x') UNION ALL TABLE archive.customers"),
    (
        "F, protected",
        &[],
        "SELECT id, name, email, ssn, card, tier FROM customers WHERE false UNION ALL TABLE customers",
    ),
    ("G", &[], "SELECT email INTO TEMP laundry FROM customers"),
    ("G, table", &[], "SELECT * INTO laundry FROM customers"),
    ("H, COPY", &[], "COPY customers TO STDOUT"),
    ("H, COPY of a query", &[], "COPY (TABLE customers) TO STDOUT"),
    ("H, GRANT", &[], "GRANT ALL ON secrets TO PUBLIC"),
    ("H, VACUUM", &[], "VACUUM customers"),
    ("H, LOCK", &[], "LOCK TABLE payments IN ACCESS EXCLUSIVE MODE"),
    (
        "H, trigger",
        &[],
        "CREATE TRIGGER t BEFORE INSERT ON notes EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ),
    ("H, LIKE", &[], "CREATE TABLE laundry (LIKE customers INCLUDING ALL)"),
    ("H, INHERITS", &[], "CREATE TEMP TABLE laundry () INHERITS (customers)"),
    ("I", &[], "SELECT 'a'\n'b', email FROM customers"),
    ("I, a function's argument", &[], "SELECT set_config('ro'\n'le', 'postgres', false)"),
    ("J", &[], "SELECT pg_snapshot '1:2:', email FROM customers"),
    ("K", &[], "SELECT 0x1F, email FROM customers"),
    ("L", &[], "SELECT 1!=-1, email FROM customers"),
    (
        "L, minus",
        &[],
        "SELECT id - -1, email FROM customers WHERE id < - -3 AND name <> '\n true OR email LIKE --'",
    ),
    (
        "M, long names",
        &[],
        "SELECT email AS aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg FROM customers",
    ),
    ("N, case of other letters", &[], "SELECT É FROM customers"),
    ("O", &["SET standard_conforming_strings = off"], r"SELECT 'a\'', email FROM customers -- '"),
    ("O, without the setting", &[], r"SELECT 'a\', email FROM customers -- '"),
    ("P, carriage return", &[], "SELECT 1 -- x\r, email FROM customers"),
    ("U, nested comments", &[], "SELECT 1 /* /* */ , email FROM customers -- */"),
    ("U, code in a comment", &[], "/*! DROP TABLE payments */ SELECT email FROM customers"),
    ("dollar quotes", &[], "SELECT $a$ $$ ' $a$, email FROM customers"),
    ("dollar quotes after a name", &[], "SELECT 1 AS a$$, email FROM customers -- $$"),
    ("no-break space", &[], "SELECT\u{a0}email FROM customers"),
    ("a bare star", &[], "SELECT * FROM customers *"),
    ("operator by name", &[], "SELECT email OPERATOR(pg_catalog.||) '' FROM customers"),
    ("rows from", &[], "SELECT * FROM ROWS FROM (pg_ls_dir('.')) AS f"),
    ("many parentheses", &[], "SELECT ((((((((((email)))))))))) FROM customers"),
];

#[tokio::test]
async fn what_is_read_differently_is_refused_or_read_correctly() {
    let Some(shop) = Shop::usual().await else { return };
    let mut failed = Vec::new();
    for (row, before, text) in MISREADS {
        for extended in [false, true] {
            let mut wire = shop.wire("ana").await;
            for text in *before {
                wire.run(text).await;
            }
            let reply =
                if extended { wire.run_extended(text, 0).await } else { wire.run(text).await };
            if let Some(found) = canary::find(&wire.received) {
                failed.push(format!("{row}: leaked {found}\n    {text}"));
            }
            if !reply.tags().ends_with("ZI") || wire.run("SELECT 1").await.tags() != "T D C ZI" {
                failed.push(format!("{row}: the session does not live on: {}", reply.tags()));
            }
        }
    }
    for (what, query, expected) in [
        ("payments", "SELECT count(*) FROM payments", 100),
        ("tiers", "SELECT count(*) FROM customers WHERE tier = 'x'", 0),
        ("comments", "SELECT count(*) FROM pg_description WHERE objoid = 'notes'::regclass", 0),
        ("laundry", "SELECT count(*) FROM pg_class WHERE relname = 'laundry'", 0),
        (
            "grants",
            "SELECT count(*) FROM information_schema.role_table_grants WHERE grantee = 'PUBLIC' AND table_name = 'secrets'",
            0,
        ),
        ("triggers", "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal", 0),
    ] {
        let found = shop.count(query).await;
        if found != expected {
            failed.push(format!("{what}: {found} instead of {expected}"));
        }
    }
    shop.close().await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The texts that leak or destroy where nobody stands in the way: without this the test above proves little.
#[tokio::test]
async fn without_jurat_the_same_texts_give_values_away() {
    let Some(shop) = Shop::usual().await else { return };
    let mut quiet = Vec::new();
    for row in [
        "A with a mask",
        "D, SELECT",
        "D, star",
        "D, JOIN",
        "E",
        "E, table",
        "F, protected",
        "H, COPY",
        "O",
        "dollar quotes",
    ] {
        let (_, before, text) = MISREADS.iter().find(|(name, ..)| *name == row).unwrap();
        let mut direct = shop.direct_wire().await;
        direct.run("BEGIN").await;
        for text in *before {
            direct.run(text).await;
        }
        direct.run(text).await;
        if canary::find(&direct.received).is_none() {
            quiet.push(row);
        }
        direct.run("ROLLBACK").await;
    }
    assert!(quiet.is_empty(), "{quiet:?}");
    shop.close().await;
}

#[tokio::test]
async fn texts_that_are_too_large_or_no_text_are_refused() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    let sum = vec!["1"; 30_000].join("+");
    for text in [
        format!("SELECT {sum}"),
        format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("SELECT {}1", "- ".repeat(10_000)),
        format!("SELECT '{}'", "x".repeat(2 << 20)),
        format!("SELECT 1{}", ";SELECT 1".repeat(500)),
    ] {
        let reply = wire.run(&text).await;
        let begin = &text[..40];
        assert_ne!(reply.sqlstate(), "00000", "{begin}");
        assert_eq!(reply.tags(), "E ZI", "{begin}");
    }
    // Not UTF-8: an overlong form, a lone surrogate, a stray byte.
    for bytes in [&b"SELECT '\xc0\xaf'\0"[..], b"SELECT '\xed\xa0\x80'\0", b"SELECT '\xff'\0"] {
        let reply = wire.raw(b'Q', bytes).answer().await;
        assert_eq!(reply.tags(), "E ZI", "{reply:?}");
    }
    assert_eq!(wire.run("SELECT 1").await.value(), "1");
    shop.close().await;
}
