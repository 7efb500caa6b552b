//! Threat: a name means one thing when it is judged and another when it runs. Names of statements, portals
//! and cursors are shared between SQL and the protocol; names of tables depend on the search path, on
//! temporary tables, and on what a transaction has made.

use crate::harness::{Setup, Shop, Wire, canary};

#[tokio::test]
async fn what_is_denied_cannot_be_run_by_its_name() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    for (make, run) in [
        ("PREPARE p AS DELETE FROM payments", "EXECUTE p"),
        ("PREPARE q AS SELECT id FROM customers WHERE ssn = '1'", "EXECUTE q"),
        ("PREPARE r AS SELECT pg_read_file('PG_VERSION')", "EXPLAIN ANALYZE EXECUTE r"),
    ] {
        // To prepare runs nothing, so a policy may let it be; to run what was prepared it must not.
        let (made, code) = (wire.run(make).await.sqlstate(), wire.run(run).await.sqlstate());
        assert!(["00000", "42501"].contains(&made.as_str()), "{make}: {made}");
        let refused = if made == "00000" { &["42501"][..] } else { &["26000", "42501", "42601"] };
        assert!(refused.contains(&code.as_str()), "{run}: {code}");
    }
    wire.parse("s", "DELETE FROM payments").sync();
    assert_eq!(wire.answer().await.sqlstate(), "42501");
    wire.bind("", "s").execute("").sync();
    assert_eq!(wire.answer().await.sqlstate(), "26000");
    assert_eq!(wire.run("EXECUTE s").await.sqlstate(), "26000");
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    shop.close().await;
}

/// A name that cannot be made keeps standing for the older statement. A run that is sent along with the
/// attempt must be judged as the older one, however the messages are packed.
/// What is computed for the parameters runs as well, and no statement behind a name tells about it.
#[tokio::test]
async fn the_parameters_of_execute_do_nothing_that_is_denied() {
    let Some(shop) = Shop::usual().await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("ana").await);
    for session in [&mut direct, &mut wire] {
        assert_eq!(session.run("PREPARE p (text) AS SELECT $1").await.tags(), "C ZI");
    }
    for run in [
        "EXECUTE p (pg_read_file('PG_VERSION'))",
        "EXECUTE p (set_config('application_name', 'x', false))",
        "EXECUTE p (pg_notify('x', 'y')::text)",
        "EXPLAIN ANALYZE EXECUTE p (pg_read_file('PG_VERSION'))",
    ] {
        assert_eq!(direct.run(run).await.sqlstate(), "00000", "directly: {run}");
        assert_eq!(wire.run(run).await.sqlstate(), "42601", "{run}");
        assert_eq!(wire.run_extended(run, 0).await.sqlstate(), "42601", "extended: {run}");
    }
    assert_eq!(wire.run("EXECUTE p (upper('a') || 'b')").await.value(), "Ab");
    assert!(wire.run("EXPLAIN EXECUTE p ('a')").await.value().starts_with("Result"));
    shop.close().await;
}

#[tokio::test]
async fn a_name_that_could_not_be_made_does_not_lend_its_decision() {
    let Some(shop) = Shop::usual().await else { return };

    // The attack itself, past Jurat: the second PREPARE fails and EXECUTE runs the first.
    let mut direct = shop.direct_wire().await;
    direct.run("PREPARE p AS DELETE FROM payments").await;
    direct.query("PREPARE p AS SELECT 1").query("EXECUTE p").send().await;
    assert_eq!(direct.reply().await.sqlstate(), "42P05");
    assert_eq!(direct.reply().await.sqlstate(), "00000");

    let mut wire = shop.wire("ana").await;
    assert_eq!(wire.run("PREPARE p AS DELETE FROM payments").await.sqlstate(), "00000");
    wire.query("PREPARE p AS SELECT 1").query("EXECUTE p").send().await;
    assert_eq!(wire.reply().await.sqlstate(), "42P05");
    assert_eq!(wire.reply().await.sqlstate(), "42501");

    // The same in the extended protocol, one cycle behind the other in one write.
    wire.parse("", "PREPARE p AS SELECT 1").bind("", "").execute("").sync();
    wire.parse("", "EXECUTE p").bind("", "").execute("").sync();
    assert_eq!(wire.answer().await.sqlstate(), "42P05");
    assert_eq!(wire.reply().await.sqlstate(), "42501");

    // In one message: EXECUTE is judged once it is known what the name stands for.
    let reply = wire.run("PREPARE p AS SELECT 1; EXECUTE p").await;
    assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("E ZI", "42P05"));
    let reply = wire.run("DEALLOCATE p; PREPARE p AS DELETE FROM payments; EXECUTE p").await;
    assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("C C E ZI", "42501"));
    let reply = wire.run("PREPARE q AS SELECT 1; EXECUTE q; DEALLOCATE q").await;
    assert_eq!((reply.tags().as_str(), reply.value().as_str()), ("C T D C C ZI", "1"));

    // A Parse of a name that is taken, with its Bind behind a Sync.
    wire.parse("s", "SELECT 'old'").sync();
    wire.answer().await;
    wire.parse("s", "SELECT 'new'").sync();
    wire.bind("", "s").execute("").sync();
    assert_eq!(wire.answer().await.sqlstate(), "42P05");
    assert_eq!(wire.reply().await.value(), "old");
    assert_eq!(shop.count("SELECT count(*) FROM payments").await, 100);
    shop.close().await;
}

#[tokio::test]
async fn unqualified_names_follow_the_search_path() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    // PostgreSQL 18 reports a changed search path and older ones do not: right is what is said directly.
    let mut direct = shop.direct_wire().await;
    let count = "SELECT count(*) FROM customers";
    assert_eq!(wire.run(count).await.value(), "20");
    run_both(&mut wire, &mut direct, "SET search_path = archive, public").await;
    assert_eq!(wire.run(count).await.value(), "1");
    assert_eq!(wire.run_extended(count, 0).await.value(), "1");
    // Masked there as well.
    let masked = wire.run("SELECT email FROM customers").await;
    assert!(!masked.value().starts_with("archived1"), "{masked:?}");
    run_both(&mut wire, &mut direct, "RESET search_path").await;
    assert_eq!(wire.run(count).await.value(), "20");

    // A transaction that is rolled back takes its setting back.
    for (setting, end, then) in [
        ("SET search_path = archive", "ROLLBACK", "20"),
        ("SET LOCAL search_path = archive", "COMMIT", "20"),
        ("SET search_path = archive", "COMMIT", "1"),
    ] {
        run_both(&mut wire, &mut direct, "BEGIN").await;
        run_both(&mut wire, &mut direct, setting).await;
        assert_eq!(wire.run(count).await.value(), "1", "{setting}");
        run_both(&mut wire, &mut direct, end).await;
        assert_eq!(wire.run(count).await.value(), then, "{setting} and {end}");
    }
    // In one message as well.
    let text = "SET search_path = public; SELECT ssn FROM customers";
    run_both(&mut wire, &mut direct, text).await;
    assert_eq!(wire.run(text).await.rows().len(), 20);
    assert_eq!(canary::find(&wire.received), None);

    let records = shop.close().await;
    let seen: Vec<String> = records
        .decisions()
        .iter()
        .filter_map(|record| record["input"]["statement"]["relations"][0]["id"].as_str())
        .map(str::to_owned)
        .collect();
    assert!(
        seen.contains(&"archive.customers".to_owned())
            && seen.contains(&"public.customers".to_owned())
    );
}

/// Runs a text through Jurat and past it; the same messages answer, and no error.
async fn run_both(wire: &mut Wire, direct: &mut Wire, text: &str) {
    let (through, directly) = (wire.run(text).await, direct.run(text).await);
    assert_eq!(directly.sqlstate(), "00000", "{text}");
    assert_eq!(through.tags_but_settings(), directly.tags_but_settings(), "{text}");
}

#[tokio::test]
async fn a_prepared_statement_is_read_again_when_its_names_change() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    wire.parse("s", "SELECT email FROM customers ORDER BY 1").sync();
    // Ordering by a protected column is refused, so the statement must not exist.
    assert_eq!(wire.answer().await.sqlstate(), "42501");
    wire.parse("s", "SELECT count(*) FROM customers").sync();
    assert_eq!(wire.answer().await.tags(), "1 ZI");
    wire.run("SET search_path = archive").await;
    wire.bind("", "s").execute("").sync();
    let reply = wire.answer().await;
    // PostgreSQL has the qualified text: it counts what was judged, or it is prepared again.
    assert!(reply.sqlstate() == "0A000" || reply.value() == "20", "{reply:?}");
    shop.close().await;
}

#[tokio::test]
async fn a_temporary_table_is_made_used_and_dropped() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("shopd").await;
    for text in [
        "CREATE TEMP TABLE basket (id int, note text)",
        "INSERT INTO basket VALUES (1, 'one'), (2, 'two')",
        "UPDATE basket SET note = 'eins' WHERE id = 1",
        "SELECT b.note, o.amount FROM basket b JOIN orders o ON o.id = b.id",
        "DROP TABLE basket",
    ] {
        let reply = wire.run(text).await;
        assert_eq!(reply.error().map(|error| error.to_string()), None, "{text}");
    }
    assert_ne!(wire.run("SELECT * FROM basket").await.sqlstate(), "00000");
    assert_eq!(wire.run("SELECT 1").await.value(), "1");
    shop.close().await;
}

/// PARSE-13: a temporary table in front of a protected one, and away again.
#[tokio::test]
async fn a_temporary_table_that_hides_a_protected_one_does_not_unmask_it() {
    let Some(shop) = Shop::usual().await else { return };
    for extended in [false, true] {
        let mut wire = shop.wire("ana").await;
        let read = "SELECT email FROM customers";
        assert_eq!(wire.run("CREATE TEMP TABLE customers (email text)").await.tags(), "C ZI");
        assert_eq!(wire.run("INSERT INTO customers VALUES ('mine')").await.tags(), "C ZI");
        let mine = if extended { wire.run_extended(read, 0).await } else { wire.run(read).await };
        assert_eq!(mine.value(), "mine");
        // Qualified it is still the other one, and still masked.
        assert_eq!(wire.run("SELECT email FROM public.customers").await.rows().len(), 20);
        assert_eq!(wire.run("DROP TABLE pg_temp.customers").await.tags(), "C ZI");
        let again = if extended { wire.run_extended(read, 0).await } else { wire.run(read).await };
        assert_eq!(again.rows().len(), 20);

        // Made and rolled back.
        wire.run("BEGIN").await;
        wire.run("CREATE TEMP TABLE customers (email text)").await;
        assert_eq!(wire.run(read).await.rows().len(), 0);
        wire.run("ROLLBACK").await;
        assert_eq!(wire.run(read).await.rows().len(), 20);
        assert_eq!(canary::find(&wire.received), None);
    }
    shop.close().await;
}

#[tokio::test]
async fn a_table_of_the_same_transaction_can_be_used_at_once() {
    let Some(shop) = Shop::open(Setup::staging()).await else { return };
    let mut wire = shop.wire("shopd").await;
    for (text, tags) in [
        ("BEGIN", "C ZT"),
        ("CREATE TABLE fresh (id int PRIMARY KEY, note text)", "C ZT"),
        ("INSERT INTO fresh VALUES (1, 'new')", "C ZT"),
        ("SELECT note FROM fresh", "T D C ZT"),
        ("ALTER TABLE fresh ADD COLUMN more text DEFAULT 'm'", "C ZT"),
        ("SELECT more FROM fresh", "T D C ZT"),
        ("COMMIT", "C ZI"),
        ("SELECT more FROM fresh", "T D C ZI"),
    ] {
        let reply = wire.run(text).await;
        assert_eq!(reply.tags(), tags, "{text}: {:?}", reply.error());
    }
    // Another session sees it too.
    assert_eq!(shop.wire("ana").await.run("SELECT note FROM fresh").await.value(), "new");
    // What was rolled back is gone.
    wire.run("BEGIN").await;
    wire.run("DROP TABLE fresh").await;
    wire.run("ROLLBACK").await;
    assert_eq!(wire.run("SELECT note FROM fresh").await.value(), "new");
    shop.close().await;
}

#[tokio::test]
async fn a_table_that_another_client_made_is_found() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    assert_ne!(wire.run("SELECT 1 FROM late").await.sqlstate(), "00000");
    shop.inspector().await.batch_execute("CREATE TABLE late (id int)").await.unwrap();
    // The catalog is read again for a name that is not known, but not more often than once a second.
    let start = std::time::Instant::now();
    while wire.run("SELECT count(*) FROM late").await.sqlstate() != "00000" {
        assert!(start.elapsed() < crate::harness::PATIENCE, "the new table is not found");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    shop.close().await;
}
