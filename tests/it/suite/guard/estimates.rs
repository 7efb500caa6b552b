//! Promise: where policy asks for it, the database is asked how many rows a statement concerns before it runs; never
//! before the deny rules have spoken, over a connection that only reads, and without an answer nothing runs.

use crate::harness::{Setup, Shop};

/// What cannot be counted behind it is counted before: at most 1,000 rows go.
const POLICY: &str = r#"package jurat.own
obligations contains {"kind": "estimate", "params": {"by": "count", "timeout_ms": 1000}} if {
	input.stage == "statement"
	input.principal.id == "shopd"
	input.statement.kind in {"truncate", "update", "delete"}
	input.statement.estimate.source == "none"
}

obligations contains {"kind": "estimate", "params": {"by": "explain", "on_failure": "allow"}} if {
	input.stage == "statement"
	input.principal.id == "ana"
	input.statement.class == "read"
	input.statement.estimate.source == "none"
}

deny contains {"id": "own.many", "msg": sprintf("it would concern %d rows", [input.statement.estimate.rows])} if {
	input.statement.estimate.rows > 1000
}

deny contains {"id": "own.unknown", "msg": "nobody knows how many rows it concerns"} if {
	input.principal.kind == "person"
	input.statement.estimate.source == "failed"
}

deny contains {"id": "own.notes", "msg": "no"} if {
	input.stage == "statement"
	some relation in input.statement.relations
	relation.id == "public.secrets"
}
"#;

async fn shop() -> Option<Shop> {
    let setup = Setup { shipped: true, ..Setup::staging() };
    Shop::open(setup.policy("estimates.rego", POLICY)).await
}

#[tokio::test]
async fn what_a_statement_concerns_is_counted_before_it_runs() {
    let Some(shop) = shop().await else { return };
    let mut wire = shop.wire("shopd").await;
    for (text, rows) in [
        ("TRUNCATE numbers", 200_000),
        ("UPDATE numbers SET n = -n WHERE n > 150000", 50_000),
        ("DELETE FROM numbers USING orders o WHERE numbers.n > o.id AND o.id = 99", 199_901),
        ("UPDATE numbers SET n = 0 FROM (SELECT id FROM orders LIMIT 1) o WHERE n > 100", 199_900),
    ] {
        for extended in [false, true] {
            let reply =
                if extended { wire.run_extended(text, 0).await } else { wire.run(text).await };
            let error = reply.error().unwrap_or_else(|| panic!("{text}: {}", reply.tags()));
            let words = format!("it would concern {rows} rows");
            assert!(error.message().contains(&words), "{text}: {error}");
        }
    }
    assert_eq!(shop.count("SELECT count(*) FROM numbers").await, 200_000);
    assert_eq!(wire.run("UPDATE numbers SET n = -n WHERE n <= 10").await.tag(), "UPDATE 10");
    let reply = wire
        .run_extended(
            "UPDATE orders SET note = 'x' WHERE id < now()::text::date - '2000-01-01'::date",
            0,
        )
        .await;
    assert_eq!(reply.tag(), "UPDATE 100", "{:?}", reply.error().map(|error| error.to_string()));
    // Inside a transaction, which stays what it is.
    wire.run("BEGIN").await;
    assert_eq!(wire.run("TRUNCATE notes").await.tags(), "C ZT");
    wire.run("ROLLBACK").await;
    let records = shop.close().await;
    let decided = records.decision_on("UPDATE numbers SET n = -n WHERE n <= ?");
    assert_eq!(decided["input"]["statement"]["estimate"]["rows"], 10);
    assert_eq!(decided["input"]["statement"]["estimate"]["source"], "count");
    assert_eq!(
        decided["labels"]["estimate.asked"],
        "SELECT pg_catalog.count(*) FROM public.numbers WHERE n <= ?"
    );
}

#[tokio::test]
async fn without_an_answer_nothing_runs_and_a_denial_comes_first() {
    let Some(shop) = shop().await else { return };
    let mut wire = shop.wire("shopd").await;
    for (text, why) in [
        ("UPDATE numbers SET n = -n WHERE n = nextval('notes_id_seq')", "it calls a function"),
        ("DELETE FROM numbers WHERE random() < 2", "it calls a function"),
        (
            "DELETE FROM numbers WHERE (SELECT count(*) FROM numbers a, numbers b, numbers c) < 0",
            "in time",
        ),
    ] {
        let reply = wire.run(text).await;
        let error = reply.error().unwrap_or_else(|| panic!("{text}: {}", reply.tags()));
        assert!(error.message().contains("policy wants to know before"), "{text}: {error}");
        assert!(error.message().contains(why), "{text}: {error}");
        assert!(reply.tags().ends_with("E ZI"), "{}", reply.tags());
    }
    let reply = wire.run_extended("DELETE FROM numbers WHERE n = $1", 0).await;
    assert!(reply.error().is_some());
    assert_eq!(shop.count("SELECT count(*) FROM numbers").await, 200_000);
    assert_eq!(shop.count("SELECT last_value FROM notes_id_seq").await, 1);
    // Nothing is asked about what is denied anyway.
    let reply = wire.run("UPDATE secrets SET token = 'x' WHERE id = 1").await;
    assert!(reply.error().unwrap().message().contains("[rule own.notes"), "{:?}", reply.error());
    // The planner is a guess, and policy said that it may fail.
    let mut ana = shop.wire("ana").await;
    let reply = ana.run("SELECT * FROM numbers").await;
    assert!(reply.error().unwrap().message().contains("it would concern"), "{:?}", reply.error());
    assert_eq!(ana.run("SELECT id FROM orders WHERE id = 1").await.value(), "1");
    let reply = ana.run("SELECT nextval('notes_id_seq')").await;
    assert!(reply.error().is_some());
    let records = shop.close().await;
    let asked = records.0.iter().filter(|record| {
        let estimate = &record["labels"]["estimate.asked"];
        estimate.as_str().is_some_and(|text| text.contains("secrets"))
    });
    assert_eq!(asked.count(), 0);
}
