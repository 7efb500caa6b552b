//! A person's connection waits for the answer, and keeps nobody else waiting.

use super::{CHANGED, UPDATE, approve, code_in, events, noticed, setup};
use crate::harness::{Shop, Wire, until};

/// Sends it, and gives back the request that the notices name.
async fn held(wire: &mut Wire, text: &str) -> String {
    wire.query(text).send().await;
    noticed(wire).await
}

async fn cancel(port: u16, key: &[u8]) {
    let length = u32::try_from(8 + key.len()).unwrap();
    let mut wire = Wire::dial(port).await;
    wire.bytes(&[&length.to_be_bytes()[..], &[4, 210, 22, 46], key].concat()).send().await;
    assert!(wire.is_closed().await);
}

/// How many transactions and locks the database has open for its clients.
async fn busy(shop: &Shop) -> i64 {
    let database = &shop.database;
    shop.count(&format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND usename <> current_user \
         AND (xact_start IS NOT NULL OR pid IN (SELECT pid FROM pg_locks WHERE relation = 'orders'::regclass))"
    ))
    .await
}

#[tokio::test]
async fn a_person_waits_without_a_lock_and_then_it_runs() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut ana = shop.wire("ana").await;
    let id = held(&mut ana, UPDATE).await;
    assert_eq!(busy(&shop).await, 0);
    assert_eq!(shop.count(CHANGED).await, 0);
    approve(&shop, "dora", &id).await;
    let reply = ana.answer().await;
    assert_eq!((reply.tag().as_str(), reply.sqlstate().as_str()), ("UPDATE 1", "00000"));
    assert_eq!(shop.count(CHANGED).await, 1);
    assert_eq!(events(&shop, &id), "requested approved used");

    // The extended protocol waits before anything of it has reached the database.
    ana.parse("", "UPDATE orders SET note = 'extended' WHERE id = 2");
    ana.bind("", "").execute("").sync().send().await;
    let id = noticed(&mut ana).await;
    assert_eq!(busy(&shop).await, 0);
    approve(&shop, "priya", &id).await;
    assert_eq!(ana.answer().await.tag(), "UPDATE 1");
    shop.close().await;
}

#[tokio::test]
async fn a_no_ends_the_wait() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut ana = shop.wire("ana").await;
    let id = held(&mut ana, UPDATE).await;
    shop.wire("dora").await.run(&format!("CALL jurat.deny('{id}', 'no')")).await;
    let reply = ana.answer().await;
    assert_eq!((reply.sqlstate().as_str(), code_in(&reply).as_str()), ("42501", "JRT-REJECTED"));
    assert_eq!(ana.run("SELECT 1").await.value(), "1", "the session lives on");
    assert_eq!(shop.count(CHANGED).await, 0);
    shop.close().await;
}

/// APPR-09: who has canceled cannot be approved afterwards.
#[tokio::test]
async fn appr_09_a_cancel_ends_the_wait_and_the_request() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut ana = shop.wire("ana").await;
    let key = ana.cancel_key.clone();
    let id = held(&mut ana, UPDATE).await;
    cancel(shop.jurat.port, &key).await;
    let reply = ana.answer().await;
    assert_eq!((reply.sqlstate().as_str(), code_in(&reply).as_str()), ("57014", "JRT-CANCELED"));
    assert_eq!(ana.run("SELECT 1").await.value(), "1", "the session lives on");
    assert_eq!(approve(&shop, "dora", &id).await.sqlstate(), "42501");
    assert_eq!(events(&shop, &id), "requested canceled");
    assert_eq!(shop.count(CHANGED).await, 0);
    shop.close().await;
}

#[tokio::test]
async fn appr_03_who_leaves_withdraws_the_request() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut ana = shop.wire("ana").await;
    let id = held(&mut ana, UPDATE).await;
    ana.hang_up();
    until("the request to be withdrawn", || {
        (events(&shop, &id) == "requested canceled").then_some(())
    });
    assert_eq!(approve(&shop, "dora", &id).await.sqlstate(), "42501");
    assert_eq!(shop.count(CHANGED).await, 0);
    shop.close().await;
}

#[tokio::test]
async fn nobody_waits_for_ever_and_the_request_stays() {
    let mut setup = setup();
    let section = super::SECTION.replace("[approvals]\n", "[approvals]\nhold_max = \"200ms\"\n");
    setup.limits = section.leak();
    let Some(shop) = Shop::open(setup).await else { return };
    let mut ana = shop.wire("ana").await;
    let id = held(&mut ana, UPDATE).await;
    let reply = ana.answer().await;
    assert_eq!((reply.sqlstate().as_str(), code_in(&reply).as_str()), ("57014", "JRT-CANCELED"));
    approve(&shop, "dora", &id).await;
    assert_eq!(ana.run(UPDATE).await.tag(), "UPDATE 1");
    shop.close().await;
}

/// What a client has sent ahead is handled after the answer, in order.
#[tokio::test]
async fn what_was_sent_ahead_comes_after() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut ana = shop.wire("ana").await;
    ana.query(UPDATE).query("SELECT note FROM orders WHERE id = 1").send().await;
    let id = noticed(&mut ana).await;
    // More than one read takes, and it comes while the first statement waits.
    let long = format!("SELECT length('{}')", "x".repeat(50_000));
    ana.query(&long).query("SELECT 'last'").send().await;
    tokio::task::yield_now().await;
    approve(&shop, "dora", &id).await;
    assert_eq!(ana.answer().await.tag(), "UPDATE 1");
    assert_eq!(ana.answer().await.value(), "changed");
    assert_eq!(ana.answer().await.value(), "50000");
    assert_eq!(ana.answer().await.value(), "last");
    shop.close().await;
}
