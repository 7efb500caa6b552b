//! Promise: the number of rows that a write changes is read from the database before COMMIT and compared with
//! the number that was authorized. Over the limit nothing is changed, and nobody ever sees that it was.

use crate::harness::{Setup, Shop, wire::Reply};

mod around;
pub(super) mod consent;
mod estimates;
mod protected;
mod returned;
mod transactions;

/// At most ten rows a statement.
const LIMIT: &str = r#"package jurat.own
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 10} if input.principal.kind == "service"
"#;

/// Which statements are written, and how many rows each changes.
const WRITES: &[(&str, u64)] = &[
    ("UPDATE numbers SET n = -n WHERE n > 0", 200_000),
    ("UPDATE numbers SET n = -n WHERE n BETWEEN 1 AND 11", 11),
    ("DELETE FROM payments WHERE id > 0", 100),
    ("INSERT INTO notes (body) SELECT 'x' FROM numbers WHERE n <= 11", 11),
    (
        "INSERT INTO notes (body) VALUES ('1'),('2'),('3'),('4'),('5'),('6'),('7'),('8'),('9'),('10'),('11')",
        11,
    ),
    (
        "UPDATE orders SET note = 'x' FROM numbers WHERE orders.id = numbers.n AND numbers.n < 50",
        49,
    ),
    (
        "MERGE INTO notes USING numbers ON notes.id = numbers.n WHEN NOT MATCHED AND numbers.n < 21 THEN INSERT (body) VALUES ('m')",
        20,
    ),
    ("UPDATE payments SET paid = NOT paid WHERE id > 0 RETURNING id", 100),
];

/// Statements that change at most ten rows each, with their tags.
const SMALL: &[(&str, &str)] = &[
    ("UPDATE numbers SET n = -n WHERE n BETWEEN 1 AND 10", "UPDATE 10"),
    ("INSERT INTO notes (body) VALUES ('few')", "INSERT 0 1"),
    ("DELETE FROM payments WHERE id = 7", "DELETE 1"),
    ("UPDATE orders SET note = 'x' WHERE id = 9 RETURNING id", "UPDATE 1"),
    ("UPDATE orders SET note = 'x' WHERE id < 0", "UPDATE 0"),
];

const STATE: &str = "SELECT md5(string_agg(t, ',' ORDER BY t)) FROM (
    SELECT 'n' || n AS t FROM numbers UNION ALL SELECT 'p' || id || paid FROM payments
    UNION ALL SELECT 'o' || id || coalesce(note, '') FROM orders UNION ALL SELECT 'b' || body FROM notes) all_rows";

pub(super) fn limited() -> Setup {
    Setup::default().policy("limits.rego", LIMIT)
}

pub(super) async fn state(shop: &Shop) -> String {
    shop.inspector().await.query_one(STATE, &[]).await.unwrap().get(0)
}

/// The refusal says the number, the limit and what to do, in the first line and for programs.
fn assert_refused(reply: &Reply, text: &str, rows: u64) {
    let error = reply.error().unwrap_or_else(|| panic!("{text}: {}", reply.tags()));
    assert_eq!((error.severity(), error.code()), ("ERROR", "42501"), "{text}: {error}");
    assert!(error.message().contains("and the limit is 10"), "{text}: {error}");
    assert!(error.message().contains("[rule test.rows, id "), "{text}: {error}");
    assert!(error.message().contains("Nothing was changed"), "{text}: {error}");
    let detail: serde_json::Value = serde_json::from_str(error.detail()).unwrap();
    assert_eq!((&detail["code"], &detail["limit"]), (&"JRT-ROWS".into(), &10.into()), "{detail}");
    if detail["rows_exact"] == true {
        assert_eq!(detail["rows"], rows, "{text}");
        assert!(error.message().contains(&format!("{rows} rows")), "{text}: {error}");
    } else {
        // A write that returns its rows is stopped at the first one too many.
        assert_eq!(detail["rows"], 11, "{text}");
    }
}

#[tokio::test]
async fn a_write_over_the_limit_changes_nothing() {
    let Some(shop) = Shop::open(limited()).await else { return };
    let before = state(&shop).await;
    let mut direct = shop.direct_wire().await;
    let mut wire = shop.wire("shopd").await;
    for (text, rows) in WRITES {
        // Directly it works, and changes as many rows as is said here.
        direct.run("BEGIN").await;
        let tag = direct.run(text).await.tag();
        direct.run("ROLLBACK").await;
        assert!(tag.ends_with(&format!(" {rows}")), "{text}: {tag}");
        let simple = wire.run(text).await;
        assert_refused(&simple, text, *rows);
        assert!(simple.tags().ends_with("E ZI"), "{text}: {}", simple.tags());
        let extended = wire.run_extended(text, 0).await;
        assert_refused(&extended, text, *rows);
        assert!(extended.tags().ends_with("E ZI"), "{text}: {}", extended.tags());
        assert_eq!(state(&shop).await, before, "{text}");
        assert_eq!(wire.run("SELECT 1").await.tags(), "T D C ZI");
    }
    let records = shop.close().await;
    let results: Vec<_> = records
        .decisions()
        .into_iter()
        .filter(|record| record["input"]["stage"] == "result")
        .collect();
    assert_eq!(results.len(), 2 * WRITES.len());
    for (result, (text, rows)) in results.iter().zip(WRITES.iter().flat_map(|each| [each, each])) {
        assert_eq!(result["result"]["effect"], "deny", "{text}");
        assert_eq!(result["result"]["reasons"][0]["code"], "JRT-ROWS", "{text}");
        let actual = &result["input"]["statement"]["actual"]["rows"];
        assert!(*actual == *rows || *actual == 11, "{text}: {actual}");
        let decided =
            records.decisions().into_iter().find(|d| d["decision_id"] == result["result_of"]);
        let decided = decided.expect("the decision that let it run");
        assert_eq!(decided["result"]["effect"], "allow");
        assert_eq!(records.outcome(&decided).unwrap()["outcome"], "rolled_back", "{text}");
        assert_eq!(result["sent_sha256"], serde_json::Value::Null);
    }
}

#[tokio::test]
async fn a_write_within_the_limit_is_what_it_is_without_jurat() {
    let Some(shop) = Shop::open(limited()).await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    for (text, tag) in SMALL {
        for extended in [false, true] {
            let mut heard = Vec::new();
            for session in [&mut direct, &mut wire] {
                let reply = match extended {
                    false => session.run(text).await,
                    true => session.run_extended(text, 0).await,
                };
                heard.push((reply.tags(), reply.tag(), reply.rows()));
            }
            assert_eq!(heard[0], heard[1], "{text}");
            if !extended {
                assert_eq!(heard[1].1, *tag);
            }
        }
    }
    let twin: String = shop.direct().await.query_one(STATE, &[]).await.unwrap().get(0);
    assert_eq!(state(&shop).await, twin);
    let records = shop.close().await;
    let decided = records.decision_on("UPDATE");
    assert_eq!(decided["input"]["stage"], "result");
    assert_eq!(decided["result"]["effect"], "allow");
}

#[tokio::test]
async fn nobody_sees_what_is_taken_back() {
    let Some(shop) = Shop::open(limited()).await else { return };
    let inspector = shop.inspector().await;
    let watched = tokio::spawn(async move {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let count = "SELECT count(*) FROM numbers WHERE n < 0";
            seen.insert(inspector.query_one(count, &[]).await.unwrap().get::<_, i64>(0));
        }
        seen
    });
    let mut wire = shop.wire("shopd").await;
    for _ in 0..3 {
        let reply = wire.run("UPDATE numbers SET n = -n WHERE n > 0").await;
        assert_eq!(reply.sqlstate(), "42501");
    }
    assert_eq!(watched.await.unwrap(), [0].into());
    shop.close().await;
}

/// What nobody can count before it is committed is refused, with the reason.
#[tokio::test]
async fn what_cannot_be_counted_is_refused() {
    let setup = Setup { environment: "staging", ..limited() };
    let Some(shop) = Shop::open(setup).await else { return };
    let before = state(&shop).await;
    let mut wire = shop.wire("shopd").await;
    for text in [
        "TRUNCATE payments",
        "DROP TABLE payments",
        "EXPLAIN ANALYZE UPDATE payments SET paid = true WHERE id = 1",
    ] {
        for reply in [wire.run(text).await, wire.run_extended(text, 0).await] {
            let error = reply.error().unwrap_or_else(|| panic!("{text}"));
            assert_eq!(error.code(), "42501", "{text}: {error}");
            assert!(error.message().contains("a limit of 10 rows applies"), "{text}: {error}");
        }
    }
    // A plain EXPLAIN changes nothing.
    assert_eq!(
        wire.run("EXPLAIN UPDATE payments SET paid = true WHERE id = 1").await.sqlstate(),
        "00000"
    );
    assert_eq!(state(&shop).await, before);
    shop.close().await;
}

#[tokio::test]
async fn policy_may_let_pass_what_cannot_be_counted() {
    let policy = r#"package jurat.own
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 10, "uncounted": "allow"}
"#;
    let setup = Setup::staging().policy("limits.rego", policy);
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = shop.wire("dora").await;
    assert_eq!(wire.run("TRUNCATE payments").await.tags(), "C ZI");
    assert_eq!(wire.run("DELETE FROM orders WHERE id > 0").await.sqlstate(), "42501");
    assert_eq!(shop.count("SELECT count(*) FROM orders").await, 100);
    shop.close().await;
}

/// Where nobody can be asked, a limit that consent could lift is one like any other; and only one on rows can be lifted.
#[tokio::test]
async fn where_nobody_can_be_asked_a_limit_stands() {
    let policy = r#"package jurat.own
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 10, "on_exceed": "approve"}
limits contains {"id": "test.bytes", "kind": "bytes_returned", "value": 10, "on_exceed": "approve"} if input.statement.class == "read"
"#;
    let Some(shop) = Shop::open(Setup::default().policy("limits.rego", policy)).await else {
        return;
    };
    let mut wire = shop.wire("shopd").await;
    assert_eq!(wire.run("DELETE FROM payments WHERE id = 1").await.tag(), "DELETE 1");
    let error = wire.run("DELETE FROM payments WHERE id > 50").await.error().unwrap();
    assert!(error.detail().contains("JRT-ROWS") && error.message().contains("50 rows"), "{error}");
    let error = wire.run("SELECT count(*) FROM payments").await.error().unwrap();
    assert!(error.message().contains("asks for an approval"), "{error}");
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 99);
    shop.close().await;
}

/// A policy may judge the number itself.
#[tokio::test]
async fn a_policy_judges_the_rows_at_the_result_stage() {
    let policy = r#"package jurat.own
deny contains {"id": "test.half", "msg": sprintf("It changed %d rows", [input.statement.actual.rows])} if {
	input.stage == "result"
	input.statement.actual.rows > 50
}
"#;
    let Some(shop) = Shop::open(Setup::default().policy("limits.rego", policy)).await else {
        return;
    };
    let mut wire = shop.wire("shopd").await;
    let reply = wire.run("DELETE FROM payments WHERE id > 40").await;
    let error = reply.error().unwrap();
    assert!(error.message().contains("It changed 60 rows [rule test.half"), "{error}");
    assert_eq!(wire.run("DELETE FROM payments WHERE id > 60").await.tag(), "DELETE 40");
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 60);
    let records = shop.close().await;
    let stages = |stage: &str| {
        records.decisions().into_iter().filter(|record| record["input"]["stage"] == stage).count()
    };
    assert_eq!((stages("statement"), stages("result")), (2, 2));
}

/// Rows that the tag says nothing of: along foreign keys, by triggers, and in WITH clauses.
#[tokio::test]
async fn rows_along_foreign_keys_and_in_with_clauses_are_counted() {
    let policy = r#"package jurat.own
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 10, "cascades": true}
"#;
    let Some(shop) = Shop::open(Setup::default().policy("limits.rego", policy)).await else {
        return;
    };
    let before = state(&shop).await;
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    for (text, tag, rows) in [
        // One customer has five orders, and each of these a payment.
        ("DELETE FROM customers WHERE id = 1", "DELETE 1", 11),
        (
            "WITH gone AS (DELETE FROM payments WHERE id <= 50 RETURNING id) SELECT count(*) FROM gone WHERE id > 0",
            "SELECT 1",
            50,
        ),
        (
            "WITH gone AS (DELETE FROM payments WHERE id <= 9 RETURNING id) UPDATE orders SET note = 'x' FROM gone WHERE orders.id = gone.id AND gone.id < 3",
            "UPDATE 2",
            11,
        ),
    ] {
        direct.run("BEGIN").await;
        assert_eq!(direct.run(text).await.tag(), tag, "{text}");
        direct.run("ROLLBACK").await;
        for extended in [false, true] {
            for in_block in [false, true] {
                if in_block {
                    wire.run("BEGIN").await;
                }
                let reply = match extended {
                    false => wire.run(text).await,
                    true => wire.run_extended(text, 0).await,
                };
                assert_refused(&reply, text, rows);
                let end = if in_block { "E ZE" } else { "E ZI" };
                assert!(reply.tags().ends_with(end), "{text}: {}", reply.tags());
                wire.run("ROLLBACK").await;
                assert_eq!(state(&shop).await, before, "{text}");
            }
        }
    }
    // Within the limit, with the answers of the database.
    for text in [
        "DELETE FROM orders WHERE id IN (1, 2, 3)",
        "WITH gone AS (DELETE FROM payments WHERE id IN (7, 8) RETURNING id) SELECT id FROM gone ORDER BY id",
        "INSERT INTO notes (body) VALUES ('x') RETURNING body",
        "DELETE FROM orders WHERE id = 1 / (id - id)",
        "INSERT INTO notes (body) VALUES ('y'); DELETE FROM orders WHERE id IN (4, 5)",
        "BEGIN; DELETE FROM orders WHERE id = 6; COMMIT; SELECT count(*) FROM payments",
    ] {
        for extended in [false, true] {
            if extended && text.contains(';') {
                continue;
            }
            let mut heard = Vec::new();
            for session in [&mut direct, &mut wire] {
                let reply = match extended {
                    false => session.run(text).await,
                    true => session.run_extended(text, 0).await,
                };
                heard.push((reply.tags(), reply.sqlstate(), reply.tag(), reply.rows()));
            }
            assert_eq!(heard[0], heard[1], "{text}");
        }
    }
    let twin: String = shop.direct().await.query_one(STATE, &[]).await.unwrap().get(0);
    assert_eq!(state(&shop).await, twin);
    let records = shop.close().await;
    let result = records
        .decisions()
        .into_iter()
        .find(|record| record["input"]["stage"] == "result")
        .unwrap();
    let actual = &result["input"]["statement"]["actual"];
    assert_eq!((&actual["rows"], &actual["cascaded"]), (&1.into(), &10.into()));
    let ids: Vec<_> = result["input"]["statement"]["relations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|relation| (relation["id"].as_str().unwrap(), relation["via"].as_str().unwrap()))
        .collect();
    assert!(ids.contains(&("public.orders", "cascade")), "{ids:?}");
    assert!(ids.contains(&("public.payments", "cascade")), "{ids:?}");
}
