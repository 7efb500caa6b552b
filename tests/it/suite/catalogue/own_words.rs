//! What the server could tell of the masks themselves: their salts, and how often a value that may be looked up occurs.

use crate::harness::{Setup, Shop, canary};

/// The column is hashed, and the salt is a part of the text that is sent.
const POLICY: &str = r#"package jurat.salted

masks contains {"id": "salted", "column": "public.secrets.token", "method": "hash"} if input.stage == "statement"
"#;

/// What every salt begins with.
const SALT: &str = "jurat-salt";

async fn shop() -> Option<Shop> {
    // The shipped rule for secrets would be stricter.
    Shop::open(Setup::default().policy("salted.rego", POLICY).policy("data.json", LABELS)).await
}

/// As the usual labels, without that of the column.
const LABELS: &str = r#"{"jurat": {"catalog": {
  "public.customers.email": ["pii.email"], "public.customers.ssn": ["pii.ssn"], "public.customers.card": ["pci.card"]
}}}"#;

const QUERY: &str = "SELECT token FROM secrets ORDER BY id LIMIT 1";

/// With the salt, a hash can be searched for by guessing. The texts that were sent hold it.
#[tokio::test]
async fn salts_are_told_to_nobody() {
    let Some(shop) = shop().await else { return };
    let log = format!(
        "ALTER ROLE app IN DATABASE {0} SET log_duration = on;
         ALTER ROLE app IN DATABASE {0} SET log_min_duration_statement = 0;
         ALTER ROLE app IN DATABASE {0} SET log_parser_stats = on",
        shop.database
    );
    shop.inspector().await.batch_execute(&log).await.unwrap();
    for user in ["ana", "shopd", "dora", "bot"] {
        let mut wire = shop.wire(user).await;
        wire.run(QUERY).await;
        wire.run("SET client_min_messages = debug1").await;
        for text in [
            "EXPLAIN VERBOSE SELECT token FROM secrets",
            "PREPARE p AS SELECT token FROM secrets",
            "EXPLAIN (VERBOSE, ANALYZE) EXECUTE p",
            "SELECT * FROM pg_prepared_statements",
            "SELECT row_to_json(p) FROM pg_prepared_statements p",
            "SELECT statement LIKE '%jurat-salt%' FROM pg_prepared_statements",
            "BEGIN",
            "DECLARE c CURSOR WITH HOLD FOR SELECT token FROM secrets",
            "COMMIT",
            "SELECT * FROM pg_cursors",
            "SELECT current_query(), token FROM secrets",
            "SELECT query FROM pg_stat_activity",
            "SELECT string_agg(a::text, ',') FROM pg_stat_activity a",
            "SELECT pg_get_viewdef('contact'::regclass), token FROM secrets",
            "SELECT token::int FROM secrets",
            "SELECT token::regclass, 1 / 0 FROM secrets",
            "SELECT lower(token, 1) FROM secrets",
            "CREATE TEMP VIEW t AS SELECT token FROM secrets",
            "CREATE TEMP TABLE t AS SELECT token FROM secrets",
            "UPDATE secrets SET token = 'x' WHERE id = 3 RETURNING token",
            "COPY (SELECT token FROM secrets) TO STDOUT",
        ] {
            wire.run(text).await;
            wire.run_extended(text, 0).await;
        }
        let received = String::from_utf8_lossy(&wire.received);
        assert!(!received.contains(SALT), "{user}: {received}");
        assert_eq!(canary::find(&wire.received), None);
        assert_eq!(wire.run("SELECT 1").await.value(), "1");
    }
    // What holds no salt is seen by who has prepared it.
    let mut wire = shop.wire("shopd").await;
    wire.run("PREPARE mine AS SELECT 1").await;
    let own = wire.run("SELECT statement FROM pg_prepared_statements WHERE name = 'mine'").await;
    assert_eq!(own.value(), "PREPARE mine AS SELECT 1");
    drop(wire);
    shop.close().await;
}

/// Where a value may be looked up, EXPLAIN would still tell how often others occur.
#[tokio::test]
async fn explain_of_a_look_up_is_refused() {
    let policy = r#"package jurat.looked_up

masks contains {"id": "looked_up", "column": "public.payments.paid", "method": "null", "predicates": "equality"} if {
	input.stage == "statement"
}
"#;
    let setup = Setup::default().policy("looked_up.rego", policy);
    let Some(shop) = Shop::open(setup).await else { return };
    let query = "SELECT id FROM payments WHERE paid = true";
    let mut direct = shop.direct_wire().await;
    assert_eq!(direct.run(&format!("EXPLAIN {query}")).await.sqlstate(), "00000");
    let mut wire = shop.wire("ana").await;
    assert_eq!(wire.run(query).await.sqlstate(), "00000");
    for text in [
        format!("EXPLAIN {query}"),
        format!("EXPLAIN ANALYZE {query}"),
        format!("EXPLAIN (FORMAT json) SELECT 1 WHERE EXISTS ({query})"),
    ] {
        assert_eq!(wire.run(&text).await.sqlstate(), "42501", "{text}");
        assert_eq!(wire.run_extended(&text, 0).await.sqlstate(), "42501", "{text}");
    }
    wire.run(&format!("PREPARE p AS {query}")).await;
    assert_eq!(wire.run("EXECUTE p").await.sqlstate(), "00000");
    assert_eq!(wire.run("EXPLAIN EXECUTE p").await.sqlstate(), "42501");
    // What asks nothing about it may be explained.
    for text in
        ["EXPLAIN SELECT paid FROM payments", "EXPLAIN SELECT id FROM payments WHERE order_id = 1"]
    {
        assert_eq!(wire.run(text).await.sqlstate(), "00000", "{text}");
    }
    drop(wire);
    shop.close().await;
}
