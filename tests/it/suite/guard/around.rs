//! Threat: ways around the count of rows. Policy allows everything here and limits rows to ten, so that nothing but the
//! row guard stands in the way.
//!
//! Each attack runs first without Jurat in a database of its own, where it must change more rows than ten. Through
//! Jurat none of the rows may be another afterwards, whatever parts of it ran.

use crate::harness::{Setup, Shop, Wire};

const POLICY: &str = r#"package jurat.own
allow contains "everything"
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 10}
"#;

const CASCADES: &str = r#"package jurat.own
allow contains "everything"
limits contains {"id": "test.rows", "kind": "rows_affected", "value": 10, "cascades": true}
"#;

const OBJECTS: &str = "
    CREATE VIEW every_payment AS SELECT id, paid FROM payments;
    CREATE TABLE parts (n int, body text DEFAULT 'p') PARTITION BY RANGE (n);
    CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (1) TO (51);
    CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (51) TO (1001);
    INSERT INTO parts SELECT generate_series(1, 100);
    CREATE TYPE flag AS ENUM ('up', 'down');
    CREATE DOMAIN level AS int;
    CREATE TABLE flagged (id int PRIMARY KEY, f flag, l level, body text);
    INSERT INTO flagged SELECT n, 'up', n, 'x' FROM generate_series(1, 100) n;
    CREATE TYPE unused AS ENUM ('x');
    CREATE PROCEDURE pay_all() LANGUAGE plpgsql AS 'BEGIN UPDATE payments SET paid = NOT paid; COMMIT; END';
    CREATE FUNCTION pay_some() RETURNS bigint LANGUAGE sql AS
        'WITH u AS (UPDATE payments SET paid = NOT paid RETURNING id) SELECT count(*) FROM u';
    CREATE SCHEMA attic;
    CREATE TABLE attic.old AS SELECT generate_series(1, 100) AS n;
    CREATE TABLE ruled (a int);
    CREATE RULE all_of_them AS ON INSERT TO ruled DO ALSO UPDATE payments SET paid = NOT paid;
    CREATE TABLE watched (a int);
    CREATE FUNCTION pays() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN UPDATE payments SET paid = NOT paid; RETURN NEW; END';
    CREATE TRIGGER pays BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION pays();
";

/// All rows that attacks are about; a table that is gone has none.
const ROWS: &str = "
    SELECT 'p' || id || coalesce(to_jsonb(t) ->> 'paid', '-') FROM payments t
    UNION ALL SELECT 'o' || id || coalesce(note, '') FROM orders
    UNION ALL SELECT 'f' || id || coalesce(to_jsonb(q) ->> 'f', '-') || coalesce(to_jsonb(q) ->> 'l', '-') || body FROM flagged q
    UNION ALL SELECT 'm' || n || body FROM parts
    UNION ALL SELECT 'a' || n FROM attic.old";

/// One attack: its messages, in order.
type Attack = &'static [&'static str];

const PAY: &str = "UPDATE payments SET paid = NOT paid WHERE id > 0";

const ATTACKS: &[Attack] = &[
    // Parts of a transaction that are given up or kept.
    &["BEGIN", "SAVEPOINT a", PAY, "RELEASE a", "COMMIT"],
    &["BEGIN", "SAVEPOINT a", PAY, "ROLLBACK TO a", PAY, "RELEASE a", "COMMIT"],
    &["BEGIN; SAVEPOINT a; UPDATE payments SET paid = NOT paid WHERE id > 0; RELEASE a; COMMIT"],
    &["BEGIN", PAY, "COMMIT AND CHAIN", "COMMIT"],
    &["BEGIN; UPDATE payments SET paid = NOT paid WHERE id > 0; COMMIT AND CHAIN; COMMIT"],
    &["UPDATE payments SET paid = NOT paid WHERE id > 0; COMMIT; SELECT 1"],
    // Statements that run another one.
    &["PREPARE u AS UPDATE payments SET paid = NOT paid WHERE id > 0", "EXECUTE u"],
    &["PREPARE u (int) AS DELETE FROM payments WHERE id > $1", "EXECUTE u (0)"],
    &["PREPARE u AS DELETE FROM payments WHERE id > 0; EXECUTE u; DEALLOCATE u"],
    &["PREPARE u AS UPDATE payments SET paid = NOT paid", "EXPLAIN ANALYZE EXECUTE u"],
    &[
        "PREPARE u AS UPDATE payments SET paid = NOT paid",
        "EXPLAIN (ANALYZE, TIMING off) EXECUTE u",
    ],
    &["EXPLAIN (ANALYZE) UPDATE payments SET paid = NOT paid"],
    &["EXPLAIN (ANALYZE off, ANALYZE on) DELETE FROM payments"],
    &[
        "EXPLAIN (ANALYZE 1, FORMAT json) WITH d AS (DELETE FROM payments RETURNING id) SELECT count(*) FROM d",
    ],
    &["COPY (UPDATE payments SET paid = NOT paid RETURNING id) TO STDOUT"],
    &["COPY (WITH d AS (DELETE FROM payments RETURNING id) SELECT count(*) FROM d) TO STDOUT"],
    &["CREATE TABLE gone AS WITH d AS (DELETE FROM payments RETURNING id) SELECT count(*) FROM d"],
    &["WITH d AS (DELETE FROM payments RETURNING id) SELECT count(*) AS n INTO gone FROM d"],
    &[
        "PREPARE d AS WITH d AS (DELETE FROM payments RETURNING id) SELECT count(*) AS n FROM d",
        "CREATE TABLE gone AS EXECUTE d",
    ],
    // Statements whose tag says little of what they change.
    &["WITH a AS (UPDATE payments SET paid = NOT paid WHERE id <= 6 RETURNING id), \
         b AS (UPDATE orders SET note = 'x' WHERE id <= 6 RETURNING id) SELECT count(*) FROM a, b"],
    &[
        "WITH a AS (DELETE FROM payments WHERE id <= 10 RETURNING id), b AS (INSERT INTO attic.old SELECT id FROM a RETURNING n) \
         UPDATE orders SET note = 'x' WHERE id = 1",
    ],
    &[
        "MERGE INTO payments p USING numbers n ON p.id = n.n WHEN MATCHED THEN UPDATE SET paid = NOT p.paid",
    ],
    &[
        "MERGE INTO payments p USING numbers n ON p.id = n.n WHEN MATCHED AND n.n < 51 THEN DELETE WHEN MATCHED THEN DO NOTHING",
    ],
    &[
        "INSERT INTO payments SELECT id, order_id, paid FROM payments ON CONFLICT (id) DO UPDATE SET paid = NOT payments.paid",
    ],
    &["UPDATE every_payment SET paid = NOT paid"],
    &["DELETE FROM every_payment"],
    &["UPDATE parts SET n = n + 100"],
    &["DELETE FROM ONLY parts_low; DELETE FROM ONLY parts_high"],
    &["INSERT INTO ruled VALUES (1)"],
    &["INSERT INTO watched VALUES (1)"],
    // Code, which may commit by itself.
    &["DO $$ BEGIN UPDATE payments SET paid = NOT paid; COMMIT; END $$"],
    &["CALL pay_all()"],
    &["SELECT pay_some()"],
    &["SELECT 1 FROM orders WHERE id = 1 AND pay_some() > 0"],
    &["VALUES (pay_some())"],
    &["CREATE TABLE made AS SELECT pay_some()"],
    &["CREATE MATERIALIZED VIEW made AS SELECT pay_some()"],
    // Definitions that take rows or values away.
    &["TRUNCATE payments"],
    &["BEGIN", "TRUNCATE ONLY payments RESTART IDENTITY CASCADE", "COMMIT"],
    &["DROP TABLE flagged"],
    &["DROP TABLE IF EXISTS parts_low CASCADE"],
    &["DROP SCHEMA attic CASCADE"],
    &["ALTER TABLE flagged ALTER COLUMN body TYPE text USING 'z'"],
    &["ALTER TABLE flagged ALTER body SET DATA TYPE text USING id::text"],
    &["ALTER TABLE flagged DROP COLUMN f"],
    &["ALTER TABLE flagged DROP f, ADD COLUMN f text DEFAULT 'down'"],
    &["DROP TYPE flag CASCADE"],
    &["DROP DOMAIN level CASCADE"],
];

/// What changes no more than ten rows, and no values.
const HONEST: &[Attack] = &[
    &[
        "BEGIN",
        "SAVEPOINT a",
        "UPDATE payments SET paid = NOT paid WHERE id <= 10",
        "ROLLBACK TO a",
        "COMMIT",
    ],
    &["BEGIN", "UPDATE orders SET note = 'y' WHERE id <= 10", "COMMIT AND CHAIN", "COMMIT"],
    &[
        "PREPARE u (int) AS DELETE FROM payments WHERE id = $1",
        "EXECUTE u (1)",
        "EXECUTE u (2)",
        "DEALLOCATE u",
    ],
    &["EXPLAIN UPDATE payments SET paid = NOT paid"],
    &["EXPLAIN (ANALYZE off) UPDATE payments SET paid = NOT paid"],
    &["UPDATE every_payment SET paid = NOT paid WHERE id = 3"],
    &["UPDATE parts SET n = n + 100 WHERE n <= 5"],
    &["COPY (DELETE FROM payments WHERE id = 4 RETURNING id) TO STDOUT"],
    &[
        "ALTER TABLE flagged ADD COLUMN more text DEFAULT 'm'",
        "ALTER TABLE flagged DROP CONSTRAINT flagged_pkey",
    ],
    &[
        "ALTER TABLE flagged ALTER COLUMN id TYPE bigint",
        "ALTER TABLE flagged ALTER COLUMN body SET NOT NULL",
    ],
    &["ALTER TABLE parts DETACH PARTITION parts_low"],
    &["DROP TYPE unused"],
    &["CREATE TABLE made AS SELECT 1 AS one", "SELECT 1 AS one INTO made_too"],
    &["DROP VIEW every_payment"],
];

fn setup(policy: &str) -> Setup {
    Setup { shipped: false, objects: OBJECTS, ..Setup::staging() }.policy("own.rego", policy)
}

/// The rows of a database.
async fn rows(shop: &Shop, database: &str) -> Vec<String> {
    let client = shop.cluster.connect("postgres", database).await;
    let mut rows = Vec::new();
    // A table that is gone has none.
    for query in ROWS.split("UNION ALL") {
        rows.extend(
            client.query(query, &[]).await.unwrap_or_default().iter().map(|row| row.get(0)),
        );
    }
    rows
}

/// How many of them are there no longer, or were not there before.
fn changed(before: &[String], after: &[String]) -> usize {
    let missing =
        |of: &[String], from: &[String]| of.iter().filter(|row| !from.contains(row)).count();
    missing(before, after).max(missing(after, before))
}

async fn run(wire: &mut Wire, attack: Attack, extended: bool) -> Vec<String> {
    let mut heard = Vec::new();
    for text in attack {
        let reply = match extended {
            false => wire.run(text).await,
            true => wire.run_extended(text, 0).await,
        };
        heard.push(reply.error().map_or_else(|| reply.tag(), |error| error.to_string()));
    }
    heard
}

/// What goes wrong with an attack, if anything.
async fn attacked(shop: &Shop, attack: Attack, extended: bool) -> Result<(), String> {
    let cluster = shop.cluster;
    let database = cluster.database().await;
    cluster.connect("postgres", &database).await.batch_execute(OBJECTS).await.unwrap();
    let before = rows(shop, &database).await;
    let mut direct = Wire::log_in(cluster.port, "app", "upstream-pass", &database).await;
    let heard = run(&mut direct, attack, extended).await;
    let done = changed(&before, &rows(shop, &database).await);
    if done <= 10 {
        return Err(format!("directly it changes {done} rows: {heard:?}"));
    }
    let before = rows(shop, &shop.database).await;
    let mut wire = shop.wire("shopd").await;
    let heard = run(&mut wire, attack, extended).await;
    wire.run("ROLLBACK").await;
    let done = changed(&before, &rows(shop, &shop.database).await);
    if done > 0 { Err(format!("it changed {done} rows: {heard:?}")) } else { Ok(()) }
}

async fn every(policy: &str, attacks: &[Attack]) {
    let Some(shop) = Shop::open(setup(policy)).await else { return };
    let mut failed = Vec::new();
    for attack in attacks {
        for extended in [false, true] {
            if extended && attack.iter().any(|text| text.contains("; ") && !text.contains("$$")) {
                continue;
            }
            if let Err(why) = attacked(&shop, attack, extended).await {
                failed.push(format!("{attack:?} (extended: {extended}): {why}"));
            }
        }
    }
    shop.close().await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn side_11_there_is_no_way_around_the_count() {
    every(POLICY, ATTACKS).await;
}

/// The database's own statistics cannot be switched off, in a transaction or before it.
#[tokio::test]
async fn side_11_there_is_no_way_around_the_statistics() {
    every(
        CASCADES,
        &[
            &["SET track_counts = off", "DELETE FROM customers WHERE id IN (1, 2)"],
            &[
                "BEGIN",
                "SET LOCAL track_counts = off",
                "DELETE FROM customers WHERE id IN (1, 2)",
                "COMMIT",
            ],
            &[
                "SELECT set_config('track_counts', 'off', false)",
                "DELETE FROM customers WHERE id IN (1, 2)",
            ],
            &[
                "SET track_counts = off",
                "WITH d AS (DELETE FROM payments RETURNING id) SELECT count(*) FROM d",
            ],
            &[
                "BEGIN",
                "SAVEPOINT a",
                "DELETE FROM customers WHERE id IN (1, 2)",
                "RELEASE a",
                "COMMIT",
            ],
        ],
    )
    .await;
}

#[tokio::test]
async fn what_stays_below_the_limit_is_what_it_is_without_jurat() {
    let Some(shop) = Shop::open(setup(POLICY)).await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    let mut failed = Vec::new();
    for honest in HONEST {
        let expected = run(&mut direct, honest, false).await;
        let heard = run(&mut wire, honest, false).await;
        if heard != expected {
            failed.push(format!("{honest:?}: {heard:?} and not {expected:?}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let twin = rows(&shop, &shop.twin).await;
    assert_eq!(changed(&twin, &rows(&shop, &shop.database).await), 0);
    shop.close().await;
}

/// A long value is one row, however many pieces the database keeps it in.
#[tokio::test]
async fn a_long_value_is_counted_as_one_row() {
    let Some(shop) = Shop::open(setup(CASCADES)).await else { return };
    let mut wire = shop.wire("shopd").await;
    for text in [
        "INSERT INTO notes (body) SELECT string_agg(md5(n::text), '') FROM numbers WHERE n <= 20000",
        "UPDATE notes SET body = body || 'x'",
        "WITH gone AS (DELETE FROM notes RETURNING id) SELECT count(*) FROM gone",
    ] {
        for extended in [false, true] {
            let reply = match extended {
                false => wire.run(text).await,
                true => wire.run_extended(text, 0).await,
            };
            assert_eq!(reply.error().map(|error| error.to_string()), None, "{text}");
        }
    }
    shop.close().await;
}

/// A write that is read in portions, and ends of transactions that are sent ahead.
#[tokio::test]
async fn side_11_nothing_that_is_sent_ahead_commits_more() {
    let Some(shop) = Shop::open(setup(POLICY)).await else { return };
    let before = rows(&shop, &shop.database).await;
    let returning = "UPDATE payments SET paid = NOT paid WHERE id > 0 RETURNING id";
    for way in 0..8 {
        let mut wire = shop.wire("shopd").await;
        wire.parse("u", if way < 4 { returning } else { PAY })
            .parse("c", "COMMIT")
            .parse("b", "BEGIN");
        wire.bind("p", "u").bind("", "c");
        match way {
            0 => wire.execute_some("p", 1).sync(),
            1 => wire.execute_some("p", 10).raw(b'C', b"Pp\0").sync(),
            2 => wire.execute_some("p", 1).execute("").sync(),
            3 => wire.execute_some("p", 1).query("COMMIT").sync(),
            4 => wire.execute("p").execute("").sync(),
            5 => wire.execute("p").query("COMMIT").sync(),
            6 => wire.bind("", "b").execute("").execute("p").bind("", "c").execute("").sync(),
            _ => wire.execute("p").raw(b'X', b""),
        };
        wire.send().await;
        if way == 7 {
            while wire.message().await.is_some() {}
        } else {
            let reply = wire.answer().await;
            assert_eq!(reply.sqlstate(), "42501", "{way}: {reply:?}");
        }
        assert_eq!(changed(&before, &rows(&shop, &shop.database).await), 0, "{way}");
    }
    shop.close().await;
}
