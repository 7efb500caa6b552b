//! Promise: what a policy allows works through Jurat as it does without it.

use std::time::Duration;

use tokio_postgres::{AsyncMessage, NoTls, SimpleQueryMessage, types::Type};

use crate::harness::{Setup, Shop, client, fields, in_time, jurat::PASSWORD, sqlstate, tiers};

#[tokio::test]
async fn a_session_with_tls_and_one_without_say_the_same() {
    let Some(shop) = Shop::usual().await else { return };
    let config = shop.config("ana");
    let encrypted = client::connect_tls(&config, &shop.jurat.home.certificate).await.unwrap();
    let plain = client::connect(&config).await.unwrap();
    for session in [&encrypted, &plain] {
        let row = session.query_one("SELECT count(*) FROM orders", &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 100);
    }
    let records = shop.close().await;
    let tls: Vec<bool> = records
        .decisions()
        .iter()
        .map(|record| record["input"]["session"]["tls"].as_bool().unwrap())
        .collect();
    assert!(tls.contains(&true) && tls.contains(&false), "{tls:?}");
    tiers::met("tokio-postgres", driver_version());
}

/// The version of the driver, as the lock file has it.
fn driver_version() -> &'static str {
    let lock = include_str!("../../../Cargo.lock");
    let (_, after) = lock.split_once("name = \"tokio-postgres\"\nversion = \"").unwrap();
    after.split_once('"').unwrap().0
}

#[tokio::test]
async fn the_database_is_reached_with_a_verified_certificate() {
    let upstream = "tls = { mode = \"verify-full\", ca = \"policy/server.crt\" }".to_owned();
    let Some(cluster) = crate::harness::cluster::cluster() else { return };
    let setup =
        Setup { upstream, ..Setup::default() }.policy("server.crt", cluster.certificate.clone());
    let shop = Shop::open(setup).await.unwrap();
    let session = shop.connect("ana").await;
    let encrypted: bool = session
        .query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    assert!(encrypted);
    shop.close().await;
}

#[tokio::test]
async fn values_of_every_usual_type_come_back_as_they_were_sent() {
    let Some(shop) = Shop::usual().await else { return };
    let (session, direct) = (shop.connect("ana").await, shop.direct().await);
    // Binary, both ways.
    let row = session
        .query_one(
            "SELECT $1::int8, $2::text, $3::bool, $4::float8, $5::bytea, $6::int4, $7::\"char\"",
            &[
                &7_i64,
                &"naïve 💡",
                &true,
                &1.5_f64,
                &&b"\0\xff"[..],
                &None::<i32>,
                &b'x'.cast_signed(),
            ],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 7);
    assert_eq!(row.get::<_, &str>(1), "naïve 💡");
    assert!(row.get::<_, bool>(2));
    assert!((row.get::<_, f64>(3) - 1.5).abs() < f64::EPSILON);
    assert_eq!(row.get::<_, &[u8]>(4), b"\0\xff");
    assert_eq!(row.get::<_, Option<i32>>(5), None);
    // Text: the very same as directly.
    let query = "SELECT 1.10::numeric, 'a''b', E'c\\'d', NULL, true, DATE '2026-02-28', \
                 TIMESTAMPTZ '2026-02-28 12:00+01', INTERVAL '1 day', '{\"k\": [1, 2]}'::jsonb, \
                 ARRAY['x', NULL], '10.0.0.1'::inet, '\\xdead'::bytea, int4range(1, 3), \
                 '00000000-0000-0000-0000-000000000001'::uuid";
    let texts = |messages: Vec<SimpleQueryMessage>| -> Vec<Vec<Option<String>>> {
        messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
                }
                _ => None,
            })
            .collect()
    };
    let through = texts(session.simple_query(query).await.unwrap());
    assert_eq!(through, texts(direct.simple_query(query).await.unwrap()));
    assert_eq!(through[0].len(), 14);
    shop.close().await;
}

#[tokio::test]
async fn a_prepared_statement_is_read_once_and_recorded_at_every_run() {
    let Some(shop) = Shop::usual().await else { return };
    let session = shop.connect("ana").await;
    let statement = session
        .prepare_typed("SELECT note FROM orders WHERE id = $1", &[Type::INT4])
        .await
        .unwrap();
    for id in 1..=5_i32 {
        let row = session.query_one(&statement, &[&id]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), format!("order {id}"));
    }
    let runs = shop.close().await.decisions();
    let runs = runs
        .iter()
        .filter(|run| run["input"]["statement"]["text"].as_str().unwrap().contains("orders"))
        .count();
    assert_eq!(runs, 5);
}

#[tokio::test]
async fn transactions_commit_and_roll_back() {
    let Some(shop) = Shop::usual().await else { return };
    let mut session = shop.connect("shopd").await;
    let transaction = session.transaction().await.unwrap();
    transaction.execute("INSERT INTO notes (body) VALUES ($1)", &[&"kept"]).await.unwrap();
    let savepoint = session_savepoint(transaction).await;
    savepoint.commit().await.unwrap();
    let transaction = session.transaction().await.unwrap();
    transaction.execute("INSERT INTO notes (body) VALUES ('lost')", &[]).await.unwrap();
    transaction.rollback().await.unwrap();
    let bodies = session.query("SELECT body FROM notes ORDER BY id", &[]).await.unwrap();
    let bodies: Vec<&str> = bodies.iter().map(|row| row.get(0)).collect();
    assert_eq!(bodies, ["kept"]);
    shop.close().await;
}

/// Adds a row inside a savepoint and takes it back.
async fn session_savepoint(
    mut transaction: tokio_postgres::Transaction<'_>,
) -> tokio_postgres::Transaction<'_> {
    let savepoint = transaction.savepoint("inner_work").await.unwrap();
    savepoint.execute("INSERT INTO notes (body) VALUES ('taken back')", &[]).await.unwrap();
    savepoint.rollback().await.unwrap();
    transaction
}

#[tokio::test]
async fn statements_of_a_pipeline_are_answered_in_order() {
    let Some(shop) = Shop::usual().await else { return };
    let session = shop.connect("ana").await;
    let session = &session;
    let one = |n: i32| async move {
        let row = session.query_one("SELECT $1::int4 * 2", &[&n]).await.unwrap();
        row.get::<_, i32>(0)
    };
    let doubled = in_time("the pipeline", async {
        tokio::join!(one(1), one(2), one(3), one(4), one(5), one(6))
    })
    .await;
    assert_eq!(doubled, (2, 4, 6, 8, 10, 12));
    shop.close().await;
}

#[tokio::test]
async fn errors_of_the_database_pass_through_and_the_session_lives() {
    let Some(shop) = Shop::usual().await else { return };
    let session = shop.connect("shopd").await;
    for (statement, code) in [
        ("SELECT 1 / 0", "22012"),
        ("INSERT INTO orders (id, customer_id, amount) VALUES (1, 1, 1)", "23505"),
        ("INSERT INTO orders (id, customer_id, amount) VALUES (900, 900, 1)", "23503"),
        ("SELECT 'x'::int", "22P02"),
        ("SELECT 1 FROM orders GROUP BY note HAVING id > 0", "42803"),
    ] {
        let simple = session.simple_query(statement).await.unwrap_err();
        assert_eq!(sqlstate(&simple), code, "{statement}: {simple:?}");
        let extended = session.query(statement, &[]).await.unwrap_err();
        assert_eq!(sqlstate(&extended), code, "{statement}: {extended:?}");
        session.query_one("SELECT 1", &[]).await.unwrap();
    }
    let duplicate = "INSERT INTO orders (id, customer_id, amount) VALUES (1, 1, 1)";
    let error = session.execute(duplicate, &[]).await.unwrap_err();
    assert_eq!(fields(&error).constraint(), Some("orders_pkey"));
    assert_eq!(fields(&error).table(), Some("orders"));
    shop.close().await;
}

#[tokio::test]
async fn a_value_of_five_megabytes_passes_in_both_directions() {
    let Some(shop) = Shop::usual().await else { return };
    let session = shop.connect("shopd").await;
    let long = "0123456789".repeat(500_000);
    session.execute("INSERT INTO notes (body) VALUES ($1)", &[&long]).await.unwrap();
    let back: String = in_time("the long value", session.query_one("SELECT body FROM notes", &[]))
        .await
        .unwrap()
        .get(0);
    assert!(back == long, "the value came back changed");
    shop.close().await;
}

#[tokio::test]
async fn two_hundred_thousand_rows_stream_while_another_session_works() {
    let Some(shop) = Shop::usual().await else { return };
    let (many, other) = (shop.connect("ana").await, shop.connect("ana").await);
    let (rows, _) = in_time("the stream", async {
        tokio::join!(many.query("SELECT n FROM numbers ORDER BY n", &[]), async {
            for _ in 0..20 {
                other.query_one("SELECT 1", &[]).await.unwrap();
            }
        })
    })
    .await;
    let rows = rows.unwrap();
    assert_eq!(rows.len(), 200_000);
    assert_eq!(rows.last().unwrap().get::<_, i32>(0), 200_000);
    let records = shop.close().await;
    let outcome = records.outcome(&records.decision_on("numbers")).unwrap();
    assert_eq!(outcome["rows"], 200_000);
}

#[tokio::test]
async fn notifications_and_notices_arrive() {
    let Some(shop) = Shop::usual().await else { return };
    let (session, mut connection) = shop.config("shopd").connect(NoTls).await.unwrap();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if sender.send(message).is_err() {
                break;
            }
        }
    });
    session.batch_execute("LISTEN shop_news").await.unwrap();
    // A notice of the database itself: there is no such savepoint-free transaction to end.
    session.batch_execute("COMMIT").await.unwrap();
    let inspector = shop.inspector().await;
    inspector.batch_execute("NOTIFY shop_news, 'fresh'").await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        match in_time("a message", receiver.recv()).await.expect("a session") {
            AsyncMessage::Notice(notice) => seen.push(notice.code().code().to_owned()),
            AsyncMessage::Notification(news) => seen.push(news.payload().to_owned()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, ["25P01", "fresh"]);
    shop.close().await;
}

#[tokio::test]
async fn a_cancel_request_reaches_the_statement_that_runs() {
    let Some(shop) = Shop::usual().await else { return };
    let session = shop.connect("ana").await;
    let cancel = session.cancel_token();
    // Slow, and made of nothing but arithmetic.
    let slow = "SELECT count(*) FROM numbers a, numbers b, numbers c";
    // Between two messages of the client a cancel request meets nothing that runs and is lost, so it is
    // repeated, as a person at a keyboard would.
    let result = in_time("the canceled statement", async {
        let mut running = std::pin::pin!(session.query(slow, &[]));
        loop {
            match tokio::time::timeout(Duration::from_millis(200), &mut running).await {
                Ok(result) => break result,
                Err(_still_running) => cancel.cancel_query(NoTls).await.unwrap(),
            }
        }
    })
    .await;
    assert_eq!(sqlstate(&result.unwrap_err()), "57014");
    session.query_one("SELECT 1", &[]).await.unwrap();
    shop.close().await;
}

#[tokio::test]
async fn harmless_settings_of_the_start_up_message_arrive() {
    let Some(shop) = Shop::usual().await else { return };
    let mut config = client::config(shop.jurat.port, "ana", PASSWORD, "shop");
    config.application_name("report").options("-c statement_timeout=54321 -c jurat.purpose=audit");
    let session = client::connect(&config).await.unwrap();
    let row = session.query_one("SHOW statement_timeout", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "54321ms");
    let records = shop.close().await;
    let claimed = &records.decision_on("statement_timeout")["input"]["claimed"];
    assert_eq!(claimed["application"], "report");
    assert_eq!(claimed["purpose"], "audit");
}
