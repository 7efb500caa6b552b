//! Promise: a driver does not notice Jurat where nothing is refused. Each case here was first seen as a
//! difference between a driver's own test suite run directly and through Jurat (docs/transparency.md).

use std::time::Duration;

use tokio_postgres::NoTls;

use crate::harness::{Setup, Shop, in_time};

/// The field `P` of an error points into the client's own text, which is not the text that ran.
#[tokio::test]
async fn an_error_points_into_the_clients_own_text() {
    let Some(shop) = Shop::usual().await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    for text in [
        "select  n  +  'x'  from numbers",
        "SELECT /* of all */ 'é', n\n  FROM numbers\n WHERE n = 'word'",
        "SELECT 1; SELECT 'x'::int",
    ] {
        let expected =
            direct.run(text).await.error().expect("a mistake").field(b'P').map(str::to_owned);
        assert!(expected.is_some(), "{text}");
        assert_eq!(
            wire.run(text).await.error().unwrap().field(b'P').map(str::to_owned),
            expected,
            "{text}"
        );
        direct.parse("", text).sync();
        wire.parse("", text).sync();
        let expected = direct.answer().await.error().expect("a mistake");
        let told = wire.answer().await.error().unwrap();
        assert_eq!(
            (told.field(b'P'), told.message()),
            (expected.field(b'P'), expected.message()),
            "{text}"
        );
    }
    shop.close().await;
}

/// Jurat asks for names over the session's own connection. That must not take anything of the client's away.
#[tokio::test]
async fn an_unnamed_statement_survives_questions_of_jurat() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("shopd").await;
    wire.parse("path", "SET search_path = public").bind("", "path").execute("").sync();
    wire.parse("", "SELECT 7").sync();
    assert_eq!(wire.answer().await.tags(), "1 2 C ZI");
    assert_eq!(wire.reply().await.tags(), "1 ZI");
    // The next use of a name makes Jurat ask; the unnamed statement is still there behind it.
    wire.bind("", "path").execute("").sync();
    assert_eq!(wire.answer().await.tags(), "2 C ZI");
    wire.bind("", "").execute("").sync();
    assert_eq!(wire.answer().await.value(), "7");
    shop.close().await;
}

/// Nor may it end what the client has begun: without a Sync everything is one transaction still.
#[tokio::test]
async fn nothing_is_committed_between_two_parts_of_a_pipeline() {
    let Some(shop) = Shop::open(Setup::staging()).await else { return };
    let mut wire = shop.wire("shopd").await;
    wire.parse("", "INSERT INTO notes (body) VALUES ('first part')").bind("", "").execute("");
    wire.parse("", "CREATE TABLE made_here (id int)").bind("", "").execute("").raw(b'H', b"");
    assert!(wire.answer_until(b'C').await.tags().starts_with("1 2 C"));
    wire.parse("", "SELECT 1 / 0").bind("", "").execute("").sync();
    assert!(wire.answer().await.tags().ends_with("E ZI"));
    assert_eq!(shop.count("SELECT count(*) FROM notes").await, 0, "the first part was rolled back");
    shop.close().await;
}

/// A statement that was prepared is judged against what names mean when it runs again.
#[tokio::test]
async fn a_prepared_statement_lives_through_changes_of_the_search_path() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("shopd").await;
    wire.parse("s", "SELECT count(*) FROM customers").bind("", "s").execute("").sync();
    assert_eq!(wire.answer().await.value(), "20");
    wire.run("SET search_path = nowhere").await;
    wire.run("SET search_path = public").await;
    wire.bind("", "s").execute("").sync();
    assert_eq!(wire.answer().await.value(), "20");
    // Another table of the same name: what has to be prepared again is said as the database says it, so that drivers do it.
    wire.run("SET search_path = archive").await;
    wire.bind("", "s").execute("").sync();
    let told = wire.answer().await.error().unwrap();
    assert_eq!(told.code(), "0A000");
    assert_eq!(told.message(), "cached plan must not change result type");
    assert_eq!(told.field(b'R'), Some("RevalidateCachedQuery"));
    shop.close().await;
}

/// What does not exist is told in the database's own words and code.
#[tokio::test]
async fn an_unknown_name_is_told_as_the_database_tells_it() {
    let Some(shop) = Shop::usual().await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    for session in [&mut direct, &mut wire] {
        session.bind("", "nobody").sync();
        session.bind("", "").sync();
        session.execute("nobody").sync();
        session.parse("", "SELECT 1; SELECT 2").sync();
        session.query("EXECUTE nobody").query("FETCH FROM nobody");
    }
    for number in 0..6 {
        let (expected, told) = if number == 0 {
            (direct.answer().await, wire.answer().await)
        } else {
            (direct.reply().await, wire.reply().await)
        };
        let (expected, told) = (expected.error().unwrap(), told.error().unwrap());
        assert_eq!(
            (told.code(), told.message()),
            (expected.code(), expected.message()),
            "{number}"
        );
    }
    shop.close().await;
}

/// The process number that a client is told is the one that the database knows it by.
#[tokio::test]
async fn a_client_knows_its_own_process_number() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("shopd").await;
    let told = u32::from_be_bytes(wire.cancel_key[..4].try_into().unwrap());
    assert_eq!(wire.run("SELECT pg_backend_pid()").await.value(), told.to_string());
    shop.close().await;
}

/// A cancel request is answered with the end of its connection once it has been passed on: a statement that
/// is sent after that is not hit by it.
#[tokio::test]
async fn a_cancel_request_does_not_hit_the_next_statement() {
    let Some(shop) = Shop::usual().await else { return };
    let session = shop.connect("ana").await;
    let cancel = session.cancel_token();
    let slow = "SELECT count(*) FROM numbers a, numbers b, numbers c";
    for _ in 0..5 {
        let canceled = in_time("the canceled statement", async {
            let mut running = std::pin::pin!(session.query(slow, &[]));
            loop {
                match tokio::time::timeout(Duration::from_millis(50), &mut running).await {
                    Ok(result) => break result,
                    Err(_still_running) => cancel.cancel_query(NoTls).await.unwrap(),
                }
            }
        });
        canceled.await.unwrap_err();
        session.query_one("SELECT 1", &[]).await.unwrap();
    }
    shop.close().await;
}

/// What one session has defined, another one uses at once.
#[tokio::test]
async fn a_new_table_is_there_for_everybody() {
    let Some(shop) = Shop::open(Setup::staging()).await else { return };
    let (mut one, mut other) = (shop.wire("shopd").await, shop.wire("shopd").await);
    assert_eq!(other.run("SELECT count(*) FROM notes").await.value(), "0");
    for number in 0..3 {
        assert_eq!(
            one.run(&format!("CREATE TABLE new_{number} (id int)")).await.sqlstate(),
            "00000"
        );
        let counted = other.run(&format!("SELECT count(*) FROM new_{number}")).await;
        assert_eq!(counted.sqlstate(), "00000", "{counted:?}");
    }
    shop.close().await;
}

/// No policy can change how text is read. The statement is refused and the session lives.
#[tokio::test]
async fn a_pinned_setting_is_refused_and_the_session_lives() {
    let everything = "package jurat.everything\nallow contains {\"id\": \"everything\"}\n";
    let setup = Setup { shipped: false, ..Setup::default() }.policy("all.rego", everything);
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = shop.wire("shopd").await;
    for text in [
        "SET client_encoding = 'LATIN1'",
        "SET NAMES 'SJIS'",
        "SET LOCAL client_encoding TO latin9",
        "SET standard_conforming_strings = off",
        "SET backslash_quote = on",
    ] {
        assert_eq!(wire.run(text).await.sqlstate(), "0A000", "{text}");
        assert_eq!(wire.run("SELECT 1").await.value(), "1");
    }
    for text in [
        "SET client_encoding = 'UTF8'",
        "SET NAMES 'utf8'",
        "RESET client_encoding",
        "SHOW client_encoding",
    ] {
        assert_eq!(wire.run(text).await.sqlstate(), "00000", "{text}");
    }
    shop.close().await;
}

/// Where the value comes with the run, the change is seen when the database reports it, and the session ends:
/// from there on nobody could say what a text means.
#[tokio::test]
async fn a_pinned_setting_that_was_changed_ends_the_session() {
    let everything = "package jurat.everything\nallow contains {\"id\": \"everything\"}\n";
    let setup = Setup { shipped: false, ..Setup::default() }.policy("all.rego", everything);
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = shop.wire("shopd").await;
    let told =
        wire.run("SELECT set_config('client_encoding', 'LATIN1', false)").await.error().unwrap();
    assert_eq!((told.severity(), told.code()), ("FATAL", "57P01"));
    assert!(told.message().contains("client_encoding was changed"), "{told}");
    assert!(wire.is_closed().await);
    shop.close().await;
}

/// Nothing is known about a statement that was not understood and that a policy let through, so what names
/// mean is read again behind it.
#[tokio::test]
async fn names_are_read_again_behind_a_statement_that_was_not_understood() {
    let everything = "package jurat.everything\nallow contains {\"id\": \"everything\"}\n";
    let setup = Setup { shipped: false, ..Setup::default() }.policy("all.rego", everything);
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = shop.wire("shopd").await;
    let text = "CREATE FUNCTION seven() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 7; END";
    assert_eq!(wire.run(text).await.sqlstate(), "00000");
    assert_eq!(wire.run("SELECT seven()").await.value(), "7");
    let records = shop.close().await;
    assert_eq!(records.decision_on("CREATE FUNCTION")["input"]["statement"]["parsed"], false);
    assert_eq!(records.decision_on("seven()")["input"]["statement"]["parsed"], true);
}

/// A message may hold statements that are not understood beside those that make what others use.
#[tokio::test]
async fn a_message_with_a_statement_that_was_not_understood_runs_as_one() {
    let everything = "package jurat.everything\nallow contains {\"id\": \"everything\"}\n";
    let setup = Setup { shipped: false, ..Setup::default() }.policy("all.rego", everything);
    let Some(shop) = Shop::open(setup).await else { return };
    let (mut direct, mut wire) = (shop.direct_wire().await, shop.wire("shopd").await);
    for text in [
        "CREATE DOMAIN nums numeric[]; CREATE TABLE lists (of nums); INSERT INTO lists VALUES ('{1,2}'); SELECT * FROM lists",
        "SET LOCAL session_replication_role = DEFAULT; CREATE TABLE t (i int); SELECT 1 / 0; INSERT INTO t VALUES (1)",
        "SELECT count(*) FROM pg_class WHERE relname = 't'",
    ] {
        let (expected, told) = (direct.run(text).await, wire.run(text).await);
        assert_eq!((told.tags(), told.rows()), (expected.tags(), expected.rows()), "{text}");
    }
    shop.close().await;
}
