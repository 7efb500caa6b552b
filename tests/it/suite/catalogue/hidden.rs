//! Beyond the catalogue: code of the database that runs without being called, and words of the server about rows that
//! come later than the statement that touched them.

use super::{Attack, leaks};
use crate::harness::canary;

#[tokio::test]
async fn implicit_code_that_runs_without_being_called() {
    super::every(IMPLICIT).await;
}

pub(super) const IMPLICIT: &[Attack] = &[
    leaks("default", &["INSERT INTO with_default (id) VALUES (1) RETURNING x"]),
    leaks("default", &["INSERT INTO with_default DEFAULT VALUES RETURNING *"]),
    leaks(
        "default",
        &[
            "UPDATE with_default SET x = DEFAULT RETURNING x",
            "INSERT INTO with_default VALUES (1, DEFAULT) RETURNING x",
        ],
    ),
    leaks("domain", &["SELECT 'x'::checked"]),
    leaks("domain", &["SELECT CAST('x' AS checked)"]),
    leaks("domain", &["SELECT 'x'::below"]),
    leaks("domain", &["SELECT '{x}'::below[]"]),
    leaks("domain", &["INSERT INTO with_domain VALUES (1, 'x')"]),
    leaks("domain", &["INSERT INTO with_list VALUES (1, '{x}')"]),
    leaks("domain", &["SELECT * FROM jsonb_to_record('{\"a\": \"x\"}') AS r(a checked)"]),
    leaks("domain", &["PREPARE p (checked) AS SELECT $1", "EXECUTE p ('x')"]),
    leaks("domain", &["CREATE TEMP TABLE t (x checked)", "INSERT INTO t VALUES ('x')"]),
    leaks("conversion", &["SELECT 'x'::text::boxed"]),
    leaks("conversion", &["SELECT CAST(name AS boxed) FROM customers"]),
    leaks("check", &["INSERT INTO with_check VALUES (1, 'x')"]),
    leaks("check", &["COPY (INSERT INTO with_check VALUES (1, 'x') RETURNING id) TO STDOUT"]),
    leaks("index", &["INSERT INTO with_index VALUES (1, 'x')"]),
    leaks("generated column", &["INSERT INTO with_generated VALUES (1, 'x')"]),
    leaks("trigger", &["INSERT INTO with_trigger VALUES (1, 'x')"]),
    leaks("rule", &["INSERT INTO with_rule VALUES (1)", "DELETE FROM with_rule WHERE id = 1"]),
    leaks("operator", &["SELECT 'a'::text <<< 'b'::text"]),
    leaks("operator", &["SELECT 'a'::text OPERATOR(public.<<<) ANY (ARRAY['b'])"]),
    leaks("view", &["SELECT * FROM calls"]),
    leaks("view", &["SELECT x FROM calls WHERE x IS NOT NULL"]),
    leaks("view", &["TABLE operates"]),
    leaks("view", &["SELECT * FROM converts"]),
    leaks("view", &["SELECT * FROM checks"]),
    leaks("view", &["WITH c AS (SELECT * FROM calls) SELECT * FROM c"]),
    leaks("view", &["COPY (TABLE calls) TO STDOUT"]),
    leaks("row type", &["SELECT (jsonb_populate_record(NULL::with_domain, '{\"x\": \"x\"}')).x"]),
];

/// A constraint that is checked at the end of a transaction speaks when that ends: in the answer to COMMIT, or to
/// Sync. The row that it quotes is one of a statement before.
#[tokio::test]
async fn late_constraints_do_not_quote_rows() {
    let Some(shop) = super::shop().await else { return };
    let delete = "DELETE FROM customers WHERE id = 5";
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("ana").await);
    for session in [&mut direct, &mut wire] {
        session.parse("", delete).bind("", "").execute("").sync();
        let reply = session.answer().await;
        assert_eq!((reply.sqlstate().as_str(), reply.tags().as_str()), ("23503", "1 2 C E ZI"));
        let error = reply.error().unwrap();
        assert_eq!(error.field(b'n'), Some("late_address_fkey"), "drivers look at the constraint");

        session.run("BEGIN").await;
        session.run(delete).await;
        let reply = session.run("COMMIT").await;
        assert_eq!(reply.sqlstate(), "23503");
        session.run("ROLLBACK").await;
        // In one message with what comes before and after.
        session.run(&format!("BEGIN; {delete}; COMMIT; SELECT 1")).await;
        session.run("ROLLBACK").await;
    }
    assert!(canary::find(&direct.received).is_some(), "without Jurat the row is quoted");
    assert_eq!(canary::find(&wire.received), None);
    // A transaction that touches nothing protected is told everything.
    wire.run("BEGIN").await;
    wire.run("INSERT INTO payments VALUES (1, 1, true)").await;
    let reply = wire.run("COMMIT").await;
    assert_eq!(reply.sqlstate(), "00000");
    let error = wire.run("INSERT INTO payments VALUES (1, 1, true)").await.error().unwrap();
    assert_eq!(error.detail(), "Key (id)=(1) already exists.");
    drop((direct, wire));
    shop.close().await;
}

/// The server's log can be had as notices, and holds the texts that were sent.
#[tokio::test]
async fn the_log_of_the_server_is_not_told() {
    let Some(shop) = super::shop().await else { return };
    let on =
        "ALTER ROLE app SET log_duration = on; ALTER ROLE app SET log_min_duration_statement = 0";
    shop.inspector()
        .await
        .batch_execute(&on.replace("app", "app IN DATABASE here").replace("here", &shop.database))
        .await
        .unwrap();
    let query = "SELECT email FROM customers WHERE id = 1";
    let mut wire = shop.wire("ana").await;
    wire.run("SET client_min_messages = log").await;
    for reply in
        [wire.run(query).await, wire.run_extended(query, 0).await, wire.run("SELECT 1").await]
    {
        assert!(reply.notice().is_none(), "{:?}", reply.notice());
    }
    wire.run("SET client_min_messages = debug5").await;
    assert!(wire.run(query).await.notice().is_none());
    // What is no line of the log is told.
    assert!(wire.run("COMMIT").await.notice().is_some());
    assert!(!String::from_utf8_lossy(&wire.received).contains("strpos"), "no text of a mask");
    drop(wire);
    shop.close().await;
}
