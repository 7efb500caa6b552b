//! Threat: what Jurat stands on gives way. Nothing runs that cannot be recorded, a client is told what may
//! have happened, and sessions that do not need the broken part go on.

use crate::harness::{Setup, Shop, client, cluster::cluster, in_time, sqlstate, tap::Tap, until};

#[tokio::test]
async fn a_session_that_the_database_ends_is_told_in_its_words() {
    let Some(shop) = Shop::usual().await else { return };
    let inspector = shop.inspector().await;
    let end_all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1 AND usename = 'app'";
    // Idle, and in the middle of a statement.
    for text in [None, Some("SELECT count(*) FROM numbers a, numbers b, numbers c")] {
        let mut wire = shop.wire("ana").await;
        if let Some(text) = text {
            wire.query(text).send().await;
            until("the decision", || {
                shop.records().texts().iter().any(|text| text.contains("numbers")).then_some(())
            });
        }
        inspector.query(end_all, &[&shop.database]).await.unwrap();
        let reply = wire.reply().await;
        let error = reply.error().expect("an error before the end");
        assert_eq!((error.severity(), error.code()), ("FATAL", "57P01"), "{error}");
        assert!(wire.is_closed().await);
    }
    // A new session works at once.
    assert_eq!(shop.wire("ana").await.run("SELECT 1").await.value(), "1");
    let records = shop.close().await;
    let outcome = records.outcome(&records.decision_on("numbers")).unwrap();
    assert!(["failed", "unknown"].contains(&outcome["outcome"].as_str().unwrap()), "{outcome}");
}

#[tokio::test]
async fn a_database_that_goes_away_ends_its_sessions_and_no_others() {
    let Some(cluster) = cluster() else { return };
    let tap = Tap::new(cluster.port).await;
    let aside = cluster.database().await;
    let setup = Setup {
        upstream_port: Some(tap.port),
        databases: vec![("aside", cluster.port, aside)],
        ..Setup::default()
    };
    let shop = Shop::open(setup).await.unwrap();
    let mut wire = shop.wire("shopd").await;
    let other = client::config(shop.jurat.port, "shopd", crate::harness::jurat::PASSWORD, "aside");
    let other = client::connect(&other).await.unwrap();
    wire.run("BEGIN").await;
    wire.run("INSERT INTO notes (body) VALUES ('never committed')").await;
    assert!(!tap.received().is_empty() && !tap.sent().is_empty());
    tap.cut();
    let reply = wire.reply().await;
    let error = reply.error().expect("an error before the end");
    assert_eq!((error.severity(), error.code()), ("FATAL", "57P01"), "{error}");
    assert!(error.message().starts_with("jurat "), "{error}");
    assert!(wire.is_closed().await);
    // The other database does not notice.
    other.query_one("SELECT count(*) FROM orders", &[]).await.unwrap();
    // A new session is refused with what is wrong, and not with what is configured.
    let error = client::connect(&shop.config("shopd")).await.unwrap_err();
    assert_eq!(sqlstate(&error), "58000");
    let message = error.as_db_error().unwrap().message();
    assert!(!message.contains("127.0.0.1") && !message.contains("app"), "{message}");
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0);
    drop(other);
    shop.close().await;
}

#[tokio::test]
async fn a_database_that_cannot_be_used_refuses_the_session_and_says_so() {
    let Some(cluster) = cluster() else { return };
    // One that does not exist, and one whose catalog takes longer to read than it allows.
    let slow = cluster.database().await;
    let admin = cluster.connect(crate::harness::cluster::ADMIN, "postgres").await;
    admin
        .batch_execute(&format!("ALTER DATABASE {slow} SET statement_timeout = '1ms'"))
        .await
        .unwrap();
    // One port on which something else listens.
    let stranger = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stranger_port = stranger.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = stranger.accept().await {
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail.example ESMTP\r\n")
                .await
                .ok();
        }
    });
    let setup = Setup {
        databases: vec![
            ("missing", cluster.port, "there_is_no_such_database".to_owned()),
            ("slow", cluster.port, slow),
            ("closed", 1, "x".to_owned()),
            ("stranger", stranger_port, "x".to_owned()),
        ],
        ..Setup::default()
    };
    let shop = Shop::open(setup).await.unwrap();
    for name in ["missing", "slow", "closed", "stranger"] {
        let config = client::config(shop.jurat.port, "ana", crate::harness::jurat::PASSWORD, name);
        let error = in_time(name, client::connect(&config)).await.unwrap_err();
        assert_eq!(sqlstate(&error), "58000", "{name}: {error:?}");
        assert!(error.as_db_error().unwrap().message().contains("JRT-UPSTREAM"), "{name}");
    }
    shop.connect("ana").await.query_one("SELECT 1", &[]).await.unwrap();
    let closed = shop.close().await.sessions("closed").len();
    assert_eq!(closed, 5, "every session that was opened was closed");
}

#[tokio::test]
async fn settings_of_the_database_do_not_change_how_text_is_read() {
    let Some(cluster) = cluster() else { return };
    let database = cluster.database().await;
    let admin = cluster.connect(crate::harness::cluster::ADMIN, "postgres").await;
    for setting in ["standard_conforming_strings = off", "client_encoding = 'LATIN1'"] {
        admin.batch_execute(&format!("ALTER DATABASE {database} SET {setting}")).await.unwrap();
    }
    let setup = Setup { databases: vec![("odd", cluster.port, database)], ..Setup::default() };
    let shop = Shop::open(setup).await.unwrap();
    let config = client::config(shop.jurat.port, "ana", crate::harness::jurat::PASSWORD, "odd");
    let session = client::connect(&config).await.unwrap();
    for (setting, value) in [("standard_conforming_strings", "on"), ("client_encoding", "UTF8")] {
        let row = session.query_one(&format!("SHOW {setting}"), &[]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), value);
    }
    drop(session);
    shop.close().await;
}
