//! Threat: what Jurat stands on gives way. Nothing runs that cannot be recorded, and a client is told what may have
//! happened.

use crate::harness::{
    Protocol, Setup,
    both::{Session, WAYS, Way, both},
    cluster,
    mariadb::Server,
    until,
};

both!(
    a_client_that_is_killed_leaves_an_outcome,
    a_database_that_cannot_be_used_refuses_the_session_and_says_so,
    a_shutdown_tells_idle_clients_and_waits_for_busy_ones,
    statements_are_refused_while_the_record_cannot_be_written,
);

async fn statements_are_refused_while_the_record_cannot_be_written(on: Protocol) {
    // The files that Jurat writes may not grow beyond this, which is what a full disk looks like.
    let setup = Setup { file_blocks_max: Some(400), ..on.setup() };
    let Some(shop) = on.open(setup).await else { return };
    let mut session = shop.session("shopd").await;
    let text = "INSERT INTO notes (body) VALUES ('x')";
    let mut ran = 0;
    let told = loop {
        if let Some(told) = session.run(text, Way::Text).await.failure {
            break told;
        }
        ran += 1;
        assert!(ran < 5_000, "the limit was not met");
    };
    assert!(ran > 0);
    assert!(told.message.contains("JRT-AUDIT"), "{told:?}");
    // The session lives, nothing runs, in no way and in no transaction.
    for text in ["SELECT 1", "INSERT INTO notes (body) VALUES ('y')", "COMMIT"] {
        for way in WAYS {
            let told = session.run(text, way).await.failed(text);
            assert!(told.message.contains("JRT-AUDIT"), "{way:?}: {text}: {told:?}");
        }
    }
    assert_eq!(shop.count("SELECT COUNT(*) FROM notes").await, ran, "what was refused ran");
    drop(session);
    shop.close().await;
}

async fn a_database_that_cannot_be_used_refuses_the_session_and_says_so(on: Protocol) {
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
    let port = match on {
        Protocol::Postgres => cluster::cluster().map(|cluster| cluster.port),
        Protocol::Mysql => None,
    };
    let other = match on {
        Protocol::Postgres => None,
        Protocol::Mysql => Server::start(),
    };
    let Some(port) = port.or(other.as_ref().map(|server| server.port)) else { return };
    let setup = Setup {
        databases: vec![
            ("missing", port, "there_is_no_such_database".to_owned()),
            ("closed", 1, "x".to_owned()),
            ("stranger", stranger_port, "x".to_owned()),
        ],
        limits: "connect_timeout = \"2s\"",
        ..on.setup()
    };
    let Some(shop) = on.open(setup).await else { return };
    for name in ["missing", "closed", "stranger"] {
        let told = shop.log_in_to("ana", name).await.unwrap_err();
        assert_eq!(told.sqlstate, on.either("58000", "08S01"), "{name}: {told:?}");
        assert!(told.message.contains("JRT-UPSTREAM"), "{name}: {told:?}");
        assert!(!told.message.contains("127.0.0.1") && !told.message.contains("app"), "{told:?}");
    }
    assert_eq!(shop.session("ana").await.value("SELECT 1").await, "1");
    let closed = shop.close().await.sessions("closed").len();
    assert_eq!(closed, 4, "every session that was opened was closed");
}

async fn a_shutdown_tells_idle_clients_and_waits_for_busy_ones(on: Protocol) {
    let Some(mut shop) = on.open(on.setup()).await else { return };
    let (mut idle, mut busy) = (shop.session("ana").await, shop.session("ana").await);
    let text = "SELECT COUNT(*) FROM numbers a, (SELECT * FROM numbers LIMIT 5) b";
    let busy = tokio::spawn(async move { busy.run(text, Way::Text).await });
    until("the decision", || {
        shop.records().texts().iter().any(|text| text.contains("numbers")).then_some(())
    });
    shop.jurat_mut().stop();
    let told = match &mut idle {
        Session::Postgres(wire) => wire.reply().await.error().unwrap().message().to_owned(),
        Session::Mysql(wire) => wire.last_words().unwrap().message,
    };
    assert!(told.contains("shutting down"), "{told}");
    assert_eq!(busy.await.unwrap().worked(text).value(), "1000000");
    shop.close().await;
}

async fn a_client_that_is_killed_leaves_an_outcome(on: Protocol) {
    let Some(shop) = on.open(on.setup()).await else { return };
    let text = "SELECT COUNT(*) FROM numbers a, numbers b, numbers c WHERE a.n + b.n + c.n < 0";
    match shop.session("ana").await {
        Session::Postgres(mut wire) => {
            wire.query(text).send().await;
            decided(&shop);
            wire.hang_up();
        }
        Session::Mysql(mut wire) => {
            wire.command(jurat_wire::mysql::command::CommandCode::Query, text.as_bytes());
            decided(&shop);
        }
    }
    let outcome = until("the outcome", || {
        let records = shop.records();
        records.outcome(&records.decision_on("numbers"))
    });
    let known = outcome["outcome"].as_str().unwrap();
    assert!(["unknown", "failed"].contains(&known), "{outcome}");
    until("the end of the session", || shop.records().sessions("closed").pop());
    // What it ran is ended with it: nothing goes on in secret.
    let running = on.either(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
         AND usename = 'app'",
        "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app' AND command <> 'Sleep'",
    );
    let start = std::time::Instant::now();
    while shop.count(running).await != 0 {
        assert!(start.elapsed() < crate::harness::PATIENCE, "it goes on");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    shop.close().await;
}

fn decided(shop: &crate::harness::both::AnyShop) {
    until("the decision", || {
        shop.records().texts().iter().any(|text| text.contains("numbers")).then_some(())
    });
}
