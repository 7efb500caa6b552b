//! Threat: personal data or a key in a column of free text, where nobody expects it.
//!
//! The columns are marked by policy. Where one comes out as it is, what detectors find is replaced; wherever
//! else it goes it is redacted as a whole.

use crate::harness::{Setup, Shop, canary, cluster};

fn policy(kinds: &str) -> Setup {
    let text = format!(
        r#"package jurat.free
masks contains {{
    "id": "free.text",
    "column": column,
    "method": "detect",
    "params": {{"kinds": {kinds}}},
    "predicates": "masked",
}} if {{
    input.statement
    some column in ["public.tickets.body", "public.tickets.data", "public.tickets.extra", "public.tickets.number"]
}}
"#
    );
    Setup::default().policy("free.rego", text)
}

const KINDS: &str = r#"["email", "card", "ssn", "iban"]"#;

async fn fill(shop: &Shop) {
    for database in [&shop.database, &shop.twin] {
        let owner = shop.cluster.connect(cluster::ADMIN, database).await;
        let script = format!(
            r#"CREATE TABLE tickets (id int PRIMARY KEY, body text, data jsonb, extra json, number bigint);
            INSERT INTO tickets VALUES
              (1, 'write to canary1@leak.example, ssn 999-55-0001.',
               '{{"mail": "canary2@leak.example", "card": 4111111111111111}}',
               '{{"mail": "canary3@leak.example"}}', 4111111111111111),
              (2, 'nothing here', NULL, '[]', NULL),
              (3, repeat('x', 40000) || ' canary4@leak.example', '{{}}', '{{}}', 1);
            GRANT ALL ON tickets TO {};"#,
            cluster::UPSTREAM
        );
        owner.batch_execute(&script).await.unwrap();
    }
}

#[tokio::test]
async fn finds_are_replaced_in_both_protocols_and_formats() {
    let Some(shop) = Shop::open(policy(KINDS)).await else { return };
    fill(&shop).await;
    let mut direct = shop.direct_wire().await;
    let mut wire = shop.wire("ana").await;
    for text in [
        "SELECT id, body, data, extra FROM tickets WHERE id = 1",
        "SELECT t.* FROM tickets t WHERE id = 1",
        "TABLE tickets",
        "SELECT body FROM (SELECT body FROM tickets) q",
        "WITH q AS (SELECT body, data FROM tickets) SELECT data, body FROM q",
        "SELECT (SELECT body FROM tickets WHERE id = 1)",
        "SELECT t.body FROM orders o LEFT JOIN tickets t ON t.id = o.id ORDER BY o.id LIMIT 5",
        "SELECT body FROM tickets UNION ALL SELECT body FROM tickets",
        "SELECT body FROM tickets WHERE id = 3",
    ] {
        direct.run(text).await;
        assert!(canary::find(&direct.received).is_some(), "directly it does not leak: {text}");
        let simple = wire.run(text).await;
        assert_eq!(simple.sqlstate(), "00000", "{text}: {:?}", simple.error());
        let extended = wire.run_extended(text, 0).await;
        assert_eq!(simple.rows(), extended.rows(), "{text}");
        let binary = wire.run_extended(text, 1).await;
        assert_eq!(binary.rows().len(), simple.rows().len(), "{text}");
        assert_eq!(canary::find(&wire.received), None, "{text}");
    }
    let rows = wire.run("SELECT body, data, extra, id FROM tickets WHERE id = 1").await.rows();
    let row: Vec<&str> = rows[0].iter().map(|value| value.as_deref().unwrap()).collect();
    assert_eq!(
        row,
        [
            "write to [email], ssn [ssn].",
            r#"{"card": "[card]", "mail": "[email]"}"#,
            r#"{"mail": "[email]"}"#,
            "1"
        ]
    );
    // What holds nothing is left as it is.
    let rows = wire.run("SELECT body, data, extra FROM tickets WHERE id = 2").await.rows();
    assert_eq!(rows[0], [Some("nothing here".to_owned()), None, Some("[]".to_owned())]);
    let long = wire.run("SELECT body FROM tickets WHERE id = 3").await.value();
    assert_eq!(long.len(), 40_000 + " [email]".len());
    shop.close().await;
}

#[tokio::test]
async fn a_prepared_statement_that_is_run_again_is_looked_through_again() {
    let Some(shop) = Shop::open(policy(KINDS)).await else { return };
    fill(&shop).await;
    let mut wire = shop.wire("ana").await;
    wire.parse("again", "SELECT body FROM tickets WHERE id = 1").sync();
    wire.answer().await;
    for format in [0, 1, 0] {
        // No Describe: nothing but the plan says what comes.
        wire.bind_as("", "again", format).execute("").sync();
        assert_eq!(wire.answer().await.value(), "write to [email], ssn [ssn].");
    }
    wire.parse("some", "SELECT body FROM tickets ORDER BY id").bind("p", "some");
    wire.execute_some("p", 1).execute_some("p", 1).execute("p").sync();
    assert_eq!(wire.answer().await.rows().len(), 3);
    assert_eq!(canary::find(&wire.received), None);
    let session = shop.connect("ana").await;
    let rows = session.query("SELECT body FROM tickets WHERE id = $1", &[&1]).await.unwrap();
    assert_eq!(rows[0].get::<_, &str>(0), "write to [email], ssn [ssn].");
    shop.close().await;
}

/// Whatever is not the column itself shows nothing of it.
#[tokio::test]
async fn everywhere_else_the_column_is_redacted() {
    let Some(shop) = Shop::open(policy(KINDS)).await else { return };
    fill(&shop).await;
    let mut wire = shop.wire("ana").await;
    for text in [
        "SELECT upper(body) FROM tickets",
        "SELECT reverse(body) FROM tickets",
        "SELECT substr(body, 10, 5), substr(body, 15) FROM tickets",
        "SELECT body, reverse(body) FROM tickets",
        "SELECT body || '' FROM tickets",
        "SELECT string_agg(body, ',') FROM tickets",
        "SELECT array_agg(body) FROM tickets",
        "SELECT row_to_json(t) FROM tickets t",
        "SELECT t FROM tickets t",
        "SELECT data->>'mail' FROM tickets",
        "SELECT encode(convert_to(body, 'UTF8'), 'hex') FROM tickets",
        "SELECT DISTINCT body FROM tickets",
        "SELECT max(body) FROM tickets",
        "SELECT 'x' UNION SELECT body FROM tickets",
        "SELECT body FROM tickets UNION ALL SELECT extra::text FROM tickets",
        "SELECT (SELECT reverse(body) FROM tickets WHERE id = 1)",
        "SELECT b FROM tickets, unnest(string_to_array(body, ' ')) b",
        "SELECT body FROM tickets WHERE body LIKE '%canary%'",
        "SELECT id FROM tickets ORDER BY body",
        "COPY tickets TO STDOUT",
        "COPY (SELECT body FROM tickets) TO STDOUT",
        "BEGIN",
        "DECLARE c CURSOR FOR SELECT body, data FROM tickets",
        "FETCH ALL FROM c",
        "COMMIT",
        "PREPARE p AS SELECT body FROM tickets",
        "EXECUTE p",
        "SELECT number FROM tickets",
    ] {
        wire.run(text).await;
        if !matches!(text, "BEGIN" | "COMMIT") {
            wire.run_extended(text, 0).await;
            wire.run_extended(text, 1).await;
        }
        assert_eq!(canary::find(&wire.received), None, "{text}");
        let received = String::from_utf8_lossy(&wire.received).into_owned();
        assert!(!received.contains("4111111111111111"), "{text}");
    }
    shop.close().await;
}
