//! What travels outside of rows, and what a session leaves behind.

use super::READ;
use crate::harness::{Shop, canary, in_time, until};

/// A notification carries a text to everybody who listens.
#[tokio::test]
async fn prot_23_values_in_notifications() {
    let Some(shop) = Shop::usual().await else { return };
    let notify = format!("SELECT pg_notify('x', ({READ}))");
    let mut direct = shop.direct_wire().await;
    direct.run("LISTEN x").await;
    let reply = direct.run(&notify).await;
    assert!(reply.tags().contains('A'), "{reply:?}");
    assert!(canary::find(&direct.received).is_some(), "the notification gives the value away");

    // The text is masked before the database has it, or the statement is refused.
    let mut listener = shop.wire("shopd").await;
    assert_eq!(listener.run("LISTEN x").await.tags(), "C ZI");
    let mut wire = shop.wire("ana").await;
    for notify in [
        notify.as_str(),
        "SELECT pg_notify('x', ssn) FROM customers",
        "SELECT pg_notify('x', string_agg(email, ',')) FROM customers",
        "SELECT pg_notify(email, 'x') FROM customers ORDER BY id LIMIT 1",
    ] {
        let (once, again) = (wire.run(notify).await, wire.run_extended(notify, 0).await);
        for code in [once.sqlstate(), again.sqlstate()] {
            assert!(["00000", "42501"].contains(&code.as_str()), "{notify}: {code}");
        }
    }
    shop.inspector().await.batch_execute("NOTIFY x, 'the last one'").await.unwrap();
    let last = async {
        while !String::from_utf8_lossy(&listener.received).contains("the last one") {
            listener.run("SELECT 1").await;
        }
    };
    in_time("the last notification", last).await;
    assert_eq!(canary::find(&listener.received), None);
    assert_eq!(canary::find(&wire.received), None);
    drop((listener, wire));
    shop.close().await;
}

/// Some settings are reported to the client whenever they change, outside of any row.
#[tokio::test]
async fn prot_24_values_in_reported_settings() {
    let Some(shop) = Shop::usual().await else { return };
    let text = format!("SELECT set_config('application_name', ({READ}), false) IS NULL");
    let mut direct = shop.direct_wire().await;
    let reply = direct.run(&text).await;
    let report = reply.0.iter().find(|message| message.tag == b'S').expect("a report");
    assert!(canary::find(&report.body).is_some(), "the report gives the value away");

    let mut wire = shop.wire("ana").await;
    for text in [
        text.as_str(),
        "SELECT set_config('application_name', email, false) IS NULL FROM customers",
        "UPDATE pg_settings SET setting = (SELECT email FROM customers LIMIT 1) WHERE name = 'application_name'",
    ] {
        assert_eq!(wire.run(text).await.sqlstate(), "42501", "{text}");
        assert_eq!(wire.run_extended(text, 0).await.sqlstate(), "42501", "{text}");
    }
    // A setting to a constant is reported as ever.
    let reply = wire.run("SET application_name = 'mine'").await;
    assert_eq!(reply.tags(), "C S ZI");
    assert_eq!(canary::find(&wire.received), None);
    drop(wire);
    shop.close().await;
}

/// There is no pool: each session has a connection to the database of its own, which ends with it.
#[tokio::test]
async fn prot_26_what_a_session_leaves_behind() {
    let Some(shop) = Shop::usual().await else { return };
    let mut first = shop.wire("shopd").await;
    let process = first.run("SELECT pg_backend_pid()").await.value();
    for text in [
        "CREATE TEMP TABLE basket (id int)",
        "PREPARE s1 AS SELECT 1",
        "LISTEN x",
        "SET search_path = archive",
        "SET statement_timeout = '1h'",
        "BEGIN",
        "INSERT INTO public.notes (body) VALUES ('open')",
        "DECLARE c CURSOR FOR SELECT 1",
    ] {
        assert_eq!(first.run(text).await.sqlstate(), "00000", "{text}");
    }
    first.hang_up();
    until("the end of the first session", || {
        (shop.records().sessions("closed").len() == 1).then_some(())
    });

    let mut second = shop.wire("shopd").await;
    assert_ne!(second.run("SELECT pg_backend_pid()").await.value(), process);
    for (text, code) in
        [("SELECT * FROM basket", "42501"), ("EXECUTE s1", "26000"), ("FETCH 1 FROM c", "26000")]
    {
        let said = second.run(text).await.sqlstate();
        assert!([code, "42P01", "34000"].contains(&said.as_str()), "{text}: {said}");
    }
    assert_eq!(second.run("SHOW search_path").await.value(), "\"$user\", public");
    assert_eq!(second.run("SHOW statement_timeout").await.value(), "0");
    assert_eq!(second.run("SELECT count(*) FROM customers").await.value(), "20");
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0, "the open transaction is gone");
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {process}");
    let inspector = shop.inspector().await;
    while inspector.query_one(&gone, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let locks = "SELECT count(*) FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND (locktype = 'advisory' OR (relation = 'notes'::regclass AND pid <> pg_backend_pid()))";
    assert_eq!(shop.count(locks).await, 0);
    drop(second);
    shop.close().await;
}
