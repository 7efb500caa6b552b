//! Threat: getting in without the right, or getting in with settings that change what is judged.

use crate::harness::{Setup, Shop, Wire, client, jurat::PASSWORD, sqlstate};

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let Some(shop) = Shop::usual().await else { return };
    let mut answers = Vec::new();
    for (user, password) in [("ana", "wrong"), ("zoe", PASSWORD), ("zoe", "wrong")] {
        let parameters = [("user", user), ("database", "shop")];
        let report = Wire::try_log_in(shop.jurat.port, password, &parameters).await.unwrap_err();
        assert_eq!((report.severity(), report.code()), ("FATAL", "28P01"));
        answers.push(report.to_string().replace(user, "somebody"));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let records = shop.close().await;
    let refused = records.sessions("refused");
    assert_eq!(refused.len(), 3);
    assert_eq!(refused[0]["claimed_user"], "ana");
    assert!(refused.iter().all(|record| record["principal"].is_null()));
}

#[tokio::test]
async fn only_configured_databases_are_there() {
    let Some(shop) = Shop::usual().await else { return };
    for name in [shop.database.as_str(), "postgres", "template1", "SHOP", "shop "] {
        let config = client::config(shop.jurat.port, "ana", PASSWORD, name);
        let error = client::connect(&config).await.unwrap_err();
        assert_eq!(sqlstate(&error), "3D000", "{name}");
        // Who has not proved who it is does not learn that.
        let config = client::config(shop.jurat.port, "ana", "wrong", name);
        assert_eq!(sqlstate(&client::connect(&config).await.unwrap_err()), "28P01", "{name}");
    }
    shop.close().await;
}

#[tokio::test]
async fn start_up_parameters_that_change_what_is_judged_are_refused() {
    let Some(shop) = Shop::usual().await else { return };
    let cases: &[(&str, &str)] = &[
        ("client_encoding", "SJIS"),
        ("client_encoding", "LATIN1"),
        ("standard_conforming_strings", "off"),
        ("options", "-c role=postgres"),
        ("options", "-c standard_conforming_strings=off"),
        ("options", "--client-encoding=SJIS"),
        ("options", "-c session_preload_libraries=x"),
        ("options", "-c row_security=off"),
        ("options", "-c="),
        ("options", "-c"),
        ("options", "-c\\ role=postgres"),
        ("replication", "true"),
        ("replication", "database"),
        ("replication", "on"),
        ("role", "postgres"),
        ("session_authorization", "postgres"),
        ("user", "dora"),
        ("database", "other"),
    ];
    for (name, value) in cases {
        let parameters = [("user", "ana"), ("database", "shop"), (*name, *value)];
        let Err(report) = Wire::try_log_in(shop.jurat.port, PASSWORD, &parameters).await else {
            panic!("{name}={value} was let in");
        };
        assert_eq!(
            (report.severity(), report.code()),
            ("FATAL", "0A000"),
            "{name}={value}: {report}"
        );
    }
    // These are harmless, and drivers send them.
    let parameters = [
        ("user", "ana"),
        ("database", "shop"),
        ("client_encoding", "UTF8"),
        ("DateStyle", "ISO, MDY"),
        ("extra_float_digits", "2"),
        ("application_name", "driver"),
        ("options", "-c geqo=off --statement-timeout=1min -c search_path=archive,\\ public"),
    ];
    let mut wire = Wire::try_log_in(shop.jurat.port, PASSWORD, &parameters).await.unwrap();
    assert_eq!(wire.run("SELECT count(*) FROM customers").await.value(), "1");
    shop.close().await;
}

#[tokio::test]
async fn a_policy_may_refuse_the_session() {
    let policy = r#"package jurat.doors
        deny contains {"id": "doors.agents", "msg": "agents stay outside"} if {
            input.stage == "session"
            input.principal.kind == "agent"
        }"#;
    let Some(shop) = Shop::open(Setup::default().policy("doors.rego", policy)).await else {
        return;
    };
    let error = client::connect(&shop.config("bot")).await.unwrap_err();
    assert_eq!(sqlstate(&error), "28000");
    assert!(error.as_db_error().unwrap().message().contains("agents stay outside"));
    shop.connect("ana").await.query_one("SELECT 1", &[]).await.unwrap();
    assert_eq!(shop.close().await.sessions("refused").len(), 1);
}

#[tokio::test]
async fn a_cancel_key_of_somebody_else_cancels_nothing() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    wire.query("SELECT count(*) FROM numbers a, (SELECT * FROM numbers LIMIT 20) b").send().await;
    let key = wire.cancel_key.clone();
    let cancel = |key: &[u8]| [&[0, 0, 0, 16, 4, 210, 22, 46][..], key].concat();
    for wrong in [
        [&key[..4], &[key[4] ^ 1, key[5], key[6], key[7]][..]].concat(),
        [&[key[0], key[1], key[2], key[3] ^ 1][..], &key[4..]].concat(),
        vec![0; 8],
    ] {
        let mut other = Wire::dial(shop.jurat.port).await;
        other.bytes(&cancel(&wrong)).send().await;
        assert!(other.is_closed().await, "a cancel request is never answered");
    }
    assert_eq!(wire.reply().await.sqlstate(), "00000");
    // A key is worth nothing once its session has ended.
    drop(wire);
    let mut late = Wire::dial(shop.jurat.port).await;
    late.bytes(&cancel(&key)).send().await;
    assert!(late.is_closed().await);
    shop.close().await;
}
