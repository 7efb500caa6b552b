//! Values: in which format they come, what parameters carry, and what is told about rows without running.

use super::READ;
use crate::harness::{Setup, Shop, canary};

/// There is no limit on rows yet, so there is none to get around: each run of a portal is a decision with the
/// number of its rows on record, which is what a limit will count.
#[tokio::test]
async fn prot_07_a_portal_that_is_run_row_by_row() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    wire.parse("", "SELECT id FROM orders ORDER BY id").bind("", "");
    for _ in 0..100 {
        wire.execute_some("", 1);
    }
    wire.execute_some("", 1).sync();
    let reply = wire.answer().await;
    assert_eq!(reply.rows().len(), 100);
    assert_eq!(reply.0.iter().filter(|message| message.tag == b's').count(), 100);
    drop(wire);
    let records = shop.close().await;
    let decisions = records.decisions();
    assert_eq!(decisions.len(), 101);
    assert!(decisions.iter().all(|decision| records.outcome(decision).is_some()));
}

/// What a table's columns are called and typed is told by Describe without running anything.
#[tokio::test]
async fn prot_15_describe_of_what_is_denied() {
    let policy = r#"package jurat.closed
        deny contains {"id": "closed.secrets", "msg": "secrets are closed"} if {
            some relation in input.statement.relations
            relation.id == "public.secrets"
        }"#;
    let setup = Setup::default().policy("closed.rego", policy);
    let Some(shop) = Shop::open(setup).await else { return };
    let text = "SELECT * FROM secrets";
    let mut direct = shop.direct_wire().await;
    direct.parse("s", text).describe_statement("s").sync();
    let told = direct.answer().await;
    assert_eq!(told.tags(), "1 t T ZI");
    assert!(String::from_utf8_lossy(&told.0[2].body).contains("token"));

    let mut wire = shop.wire("ana").await;
    wire.parse("s", text).describe_statement("s").sync();
    let reply = wire.answer().await;
    assert_eq!((reply.sqlstate().as_str(), reply.tags().as_str()), ("42501", "E ZI"));
    wire.describe_statement("s").sync();
    assert_eq!(wire.answer().await.sqlstate(), "26000");
    // What may be read may be described.
    wire.parse("t", "SELECT id, note FROM orders").describe_statement("t").sync();
    assert_eq!(wire.answer().await.tags(), "1 t T ZI");
    drop(wire);
    let records = shop.close().await;
    assert_eq!(records.denials().len(), 1);
}

/// A mask is computed by the database, so it is a value of its type in either format.
#[tokio::test]
async fn prot_16_masked_values_in_binary() {
    const TYPES: [(&str, &str); 9] = [
        ("text", "canary"),
        ("int4", "41"),
        ("uuid", "00000000-0000-0000-0000-00000000ca4a"),
        ("jsonb", "{\"k\": \"canary\"}"),
        ("numeric(12,2)", "41.5"),
        ("timestamptz", "2001-02-03 04:05:06+00"),
        ("text[]", "{canary}"),
        ("int4range", "[41,42)"),
        ("bytea", "\\x63616e617279"),
    ];
    let columns: Vec<String> =
        TYPES.iter().enumerate().map(|(n, (name, _))| format!("c{n} {name}")).collect();
    let values: Vec<String> = TYPES.iter().map(|(_, value)| format!("'{value}'")).collect();
    let labels: Vec<String> = (0..TYPES.len())
        .map(|n| {
            format!(
                "masks contains {{\"id\": \"typed.c{n}\", \"column\": \"public.typed.c{n}\", \"method\": \"null\"}} if input.stage == \"statement\""
            )
        })
        .collect();
    let policy = format!("package jurat.typed\n{}\n", labels.join("\n"));
    let Some(shop) = Shop::open(Setup::default().policy("typed.rego", policy)).await else {
        return;
    };
    let make = format!(
        "CREATE TABLE typed ({}); INSERT INTO typed VALUES ({})",
        columns.join(", "),
        values.join(", ")
    );
    shop.inspector().await.batch_execute(&make).await.unwrap();
    shop.direct().await.batch_execute(&make).await.unwrap();
    let mut direct = shop.direct_wire().await;
    let raw = direct.run_extended("SELECT * FROM typed", 1).await;
    assert_eq!(raw.rows()[0].iter().flatten().count(), TYPES.len(), "each is there in binary");

    let mut wire = shop.wire("ana").await;
    wire.run("SELECT 1").await;
    for format in [0, 1] {
        for (n, (name, _)) in TYPES.iter().enumerate() {
            let reply = wire.run_extended(&format!("SELECT c{n} FROM typed"), format).await;
            assert_eq!(reply.rows(), [[None]], "{name} in format {format}: {:?}", reply.error());
        }
    }
    // A mask that keeps a part of a text has the type of its column as well.
    let text = wire.run_extended(READ, 0).await.value();
    assert_eq!(wire.run_extended(READ, 1).await.value(), text);
    assert_eq!(canary::find(&wire.received), None);
    drop(wire);
    shop.close().await;
}

/// Parameters are values and nothing else: no policy is told one, so none can be misled by one. What a policy
/// wants to know of a statement is in its text, where a parameter is no literal.
#[tokio::test]
async fn prot_17_a_parameter_in_place_of_a_literal() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    // As text, in binary, without a type, and NULL: the statement is the same, and so is the decision.
    let bodies: [(&str, &[u8]); 4] = [
        ("text", b"\0\0\0\0\0\x01\0\0\0\x017\0\0"),
        ("binary", b"\0\0\0\x01\0\x01\0\x01\0\0\0\x04\0\0\0\x07\0\0"),
        ("NULL", b"\0\0\0\0\0\x01\xff\xff\xff\xff\0\0"),
        ("SQL", b"\0\0\0\0\0\x01\0\0\0\x081 OR 1=1\0\0"),
    ];
    for (what, body) in bodies {
        wire.parse("", "SELECT id FROM payments WHERE id = $1").raw(b'B', body).execute("").sync();
        let reply = wire.answer().await;
        let wanted = match what {
            "NULL" => ("00000", 0),
            "SQL" => ("22P02", 0),
            _ => ("00000", 1),
        };
        assert_eq!((reply.sqlstate().as_str(), reply.rows().len()), wanted, "{what}");
    }
    // A predicate on a masked column is refused with a parameter as with a literal.
    for text in
        ["SELECT id FROM customers WHERE ssn = $1", "SELECT id FROM customers WHERE ssn = '1'"]
    {
        wire.parse("", text).sync();
        assert_eq!(wire.answer().await.sqlstate(), "42501", "{text}");
    }
    drop(wire);
    let records = shop.close().await;
    let read = |record: &serde_json::Value| {
        record["input"]["statement"]["text"].as_str().is_some_and(|text| text.contains("payments"))
    };
    let decisions = records.decisions();
    let texts: Vec<_> = decisions.iter().filter(|record| read(record)).collect();
    assert_eq!(texts.len(), 4);
    assert!(texts.iter().all(|record| !record.to_string().contains("OR 1=1")));
}

/// SQL in a parameter is a text to the statement. Functions that run texts are judged as functions.
#[tokio::test]
async fn prot_18_sql_in_a_parameter() {
    let Some(shop) = Shop::usual().await else { return };
    let sql = READ.as_bytes();
    let length = u32::try_from(sql.len()).unwrap().to_be_bytes();
    let body = [&b"\0\0\0\0\0\x01"[..], &length, sql, b"\0\0"].concat();
    let run = |text: &'static str| (text, body.clone());
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("ana").await);

    let (text, bind) = run("SELECT $1::text");
    for session in [&mut direct, &mut wire] {
        session.parse("", text).raw(b'B', &bind).execute("").sync();
        assert_eq!(session.answer().await.value(), READ);
    }
    let (text, bind) = run("SELECT query_to_xml($1, true, true, '')::text");
    direct.parse("", text).raw(b'B', &bind).execute("").sync();
    assert!(direct.answer().await.value().contains("canary"), "it runs the text");
    wire.parse("", text).raw(b'B', &bind).execute("").sync();
    assert_eq!(wire.answer().await.sqlstate(), "42501");

    // A parameter as a format does not unmask what it formats.
    let text = "SELECT format($1, email) FROM customers ORDER BY id LIMIT 1";
    let bind = b"\0\0\0\0\0\x01\0\0\0\x04<%s>\0\0";
    direct.parse("", text).raw(b'B', bind).execute("").sync();
    assert!(direct.answer().await.value().contains("canary"));
    wire.parse("", text).raw(b'B', bind).execute("").sync();
    wire.answer().await;
    assert_eq!(canary::find(&wire.received), None);
    drop(wire);
    shop.close().await;
}
