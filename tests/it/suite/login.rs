//! Threat: getting in without the right, or getting in with settings that change what is judged.

use crate::harness::{Setup, Shop, Wire, client, cluster, jurat::PASSWORD, sqlstate, until};

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
        ("replication", "DataBase"),
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

/// WIRE-19: a replication connection copies everything, and PostgreSQL takes many spellings of the wish.
#[tokio::test]
async fn replication_is_refused_in_every_spelling() {
    let spellings = ["true", "on", "1", "yes", "t", "tr", "TRUE", "oN", "database"];
    let everything = "package jurat.everything\nallow contains {\"id\": \"all\"} if true";
    let open = Setup { shipped: false, ..Setup::default() }.policy("all.rego", everything);
    // A policy may allow it, and then it is not carried all the same.
    for (setup, code, said) in
        [(Setup::default(), "28000", "replication connection"), (open, "0A000", "not carried")]
    {
        let Some(shop) = Shop::open(setup).await else { return };
        for spelling in spellings {
            let parameters = [("database", shop.twin.as_str()), ("replication", spelling)];
            let direct = [&[("user", cluster::UPSTREAM)][..], &parameters].concat();
            let mut wire =
                Wire::try_log_in(shop.cluster.port, cluster::PASSWORD, &direct).await.unwrap();
            assert_eq!(wire.run("IDENTIFY_SYSTEM").await.tags(), "T D C ZI", "{spelling}");
            let parameters = [("user", "ana"), ("database", "shop"), ("replication", spelling)];
            let Err(report) = Wire::try_log_in(shop.jurat.port, PASSWORD, &parameters).await else {
                panic!("replication={spelling} was let in");
            };
            assert_eq!((report.severity(), report.code()), ("FATAL", code), "{spelling}: {report}");
            assert!(report.message().contains(said), "{report}");
        }
        for spelling in ["false", "F", "of", "off", "no", "0"] {
            let parameters = [("user", "ana"), ("database", "shop"), ("replication", spelling)];
            let mut wire = Wire::try_log_in(shop.jurat.port, PASSWORD, &parameters).await.unwrap();
            assert_eq!(wire.run("SELECT 1").await.value(), "1", "{spelling}");
        }
        let records = shop.close().await;
        let told = [records.sessions("refused"), records.sessions("closed")].concat();
        let refused =
            told.iter().filter(|record| record["reason"].to_string().contains("replication"));
        assert_eq!(refused.count(), spellings.len());
    }
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
    until("the session to end", || shop.records().sessions("closed").pop());
    let mut late = Wire::dial(shop.jurat.port).await;
    late.bytes(&cancel(&key)).send().await;
    assert!(late.is_closed().await);
    let records = shop.close().await;
    assert_eq!(records.sessions("cancel_refused").len(), 4);
    assert_eq!(records.sessions("cancel_requested").len(), 0);
}

fn cancel_request(key: &[u8]) -> Vec<u8> {
    let length = u32::try_from(key.len() + 8).unwrap().to_be_bytes();
    [&length[..], &[4, 210, 22, 46], key].concat()
}

/// WIRE-20: the version decides how long the key is, and each length cancels.
#[tokio::test]
async fn newer_protocols_get_longer_keys() {
    let Some(shop) = Shop::usual().await else { return };
    let user = ("user", "ana");
    let options: [&[(&str, &str)]; 2] = [&[], &[("_pq_.unknown", "on")]];
    for (minor, spoken, key_bytes) in [(0, 0, 4), (1, 1, 4), (2, 2, 32), (3, 2, 32), (9_999, 2, 32)]
    {
        for option in options {
            let parameters = [&[user, ("database", "shop")], option].concat();
            let port = shop.jurat.port;
            let mut wire =
                Wire::try_log_in_speaking(port, minor, PASSWORD, &parameters).await.unwrap();
            assert_eq!(wire.cancel_key.len(), 4 + key_bytes, "3.{minor}");
            let expected = if minor == spoken && option.is_empty() {
                Vec::new()
            } else {
                let count = u8::try_from(option.len()).unwrap();
                let names = option.iter().flat_map(|(name, _)| [name.as_bytes(), b"\0"].concat());
                [
                    &[0, 3, 0, u8::try_from(spoken).unwrap(), 0, 0, 0, count][..],
                    &names.collect::<Vec<u8>>(),
                ]
                .concat()
            };
            assert_eq!(wire.negotiated, expected, "3.{minor} {option:?}");
            // Every byte of the key counts.
            wire.query("SELECT count(*) FROM numbers a, numbers b").send().await;
            let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%numbers b%' AND pid <> pg_backend_pid()";
            while shop.count(running).await == 0 {}
            let key = wire.cancel_key.clone();
            let shorter = key[..key.len() - 1].to_vec();
            let mut wrong = key.clone();
            *wrong.last_mut().unwrap() ^= 1;
            for key in [shorter, wrong, [&key[..], b"x"].concat(), key] {
                let mut other = Wire::dial(port).await;
                other.bytes(&cancel_request(&key)).send().await;
                assert!(other.is_closed().await);
            }
            assert_eq!(wire.reply().await.sqlstate(), "57014", "3.{minor}");
        }
    }
    let records = shop.close().await;
    let canceled = records.sessions("cancel_requested");
    assert_eq!(canceled.len(), 10, "each is in the record");
    let opened: Vec<_> =
        records.sessions("opened").iter().map(|record| record["session_id"].clone()).collect();
    assert!(canceled.iter().all(|record| opened.contains(&record["session_id"])));
}

/// WIRE-21: guessing is slow, and does not fill the record.
#[tokio::test]
async fn many_wrong_keys_are_not_looked_at() {
    let Some(shop) = Shop::usual().await else { return };
    for number in 0..80_u32 {
        let mut other = Wire::dial(shop.jurat.port).await;
        other.bytes(&cancel_request(&[number.to_be_bytes(), [0; 4]].concat())).send().await;
        assert!(other.is_closed().await, "a cancel request is never answered");
    }
    let refused = shop.close().await.sessions("cancel_refused");
    // The count starts anew once a minute, which may fall into this test.
    assert!((50..80).contains(&refused.len()), "{} records", refused.len());
    assert!(refused.iter().any(|record| record["reason"].to_string().contains("for a while")));
}
