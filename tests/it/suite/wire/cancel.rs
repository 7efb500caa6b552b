//! Cancel requests, which anybody may send, and calls of functions past SQL.

use serde_json::Value;

use crate::harness::{Setup, Shop, Wire, canary, in_time, until};

/// A statement that runs until it is canceled.
const ENDLESS: &str = "SELECT count(*) FROM numbers a, numbers b, numbers c";

/// CancelRequest with this process number and key.
fn request(key: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + key.len()).unwrap();
    [&length.to_be_bytes()[..], &[4, 210, 22, 46], key].concat()
}

/// Sends a cancel request; it is never answered.
async fn cancel(port: u16, key: &[u8]) {
    let mut wire = Wire::dial(port).await;
    wire.bytes(&request(key)).send().await;
    assert!(wire.is_closed().await, "a cancel request was answered");
}

/// Starts the endless statement and waits until the database runs it.
async fn start(shop: &Shop, wire: &mut Wire) {
    wire.query(ENDLESS).send().await;
    let inspector = shop.inspector().await;
    let running = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND state = 'active' AND query LIKE '%numbers%' AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let wait = async {
        while inspector.query_one(running, &[&shop.database]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    in_time("the statement", wait).await;
}

#[tokio::test]
async fn a_full_house_can_be_told_to_stop() {
    let setup = Setup { limits: "sessions_max = 1", ..Setup::default() };
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = shop.wire("ana").await;
    let key = wire.cancel_key.clone();
    start(&shop, &mut wire).await;
    cancel(shop.jurat.port, &key).await;
    assert_eq!(wire.answer().await.sqlstate(), "57014");
    shop.close().await;
}

/// Keys are Jurat's own, belong to one session, and are worth nothing before and after it. A request in clear
/// is taken also where TLS is required: older versions of libpq send none other, and who has the key has it
/// from inside TLS.
#[tokio::test]
async fn wire_21_cancel_requests_of_somebody_else() {
    let setup = Setup { limits: "unauthenticated_max = 8", ..Setup::default() };
    let Some(shop) = Shop::open(setup).await else { return };
    let (mut mine, other) = (shop.wire("ana").await, shop.wire("shopd").await);
    let key = mine.cancel_key.clone();
    assert_ne!(key[..4], other.cancel_key[..4]);
    start(&shop, &mut mine).await;
    // The number is the database's, but the secret is not: past Jurat the key is worth nothing.
    cancel(shop.cluster.port, &key).await;
    let mut wrong: Vec<Vec<u8>> = vec![
        [&key[..4], &vec![0; key.len() - 4]].concat(),
        [&key[..4], &other.cancel_key[4..]].concat(),
        [&other.cancel_key[..4], &key[4..]].concat(),
        other.cancel_key.clone(),
        key[..key.len() - 1].to_vec(),
        [&key[..], &[0]].concat(),
        vec![0; key.len()],
    ];
    // Guesses: what can be tried is a connection each, and there is nothing to learn from one.
    for bit in 0..8 * (key.len() - 4) {
        let mut guess = key.clone();
        guess[4 + bit / 8] ^= 1 << (bit % 8);
        wrong.push(guess);
    }
    for guess in wrong {
        cancel(shop.jurat.port, &guess).await;
    }
    // Connections that say nothing take up the places of those that have not logged in, and no more.
    let mut half_open = Vec::new();
    let full = async {
        loop {
            let mut wire = Wire::dial(shop.jurat.port).await;
            if wire.is_closed_now().await {
                break;
            }
            half_open.push(wire);
        }
    };
    in_time("the bound on clients that have not logged in", full).await;
    assert!(half_open.len() >= 8, "{} were taken", half_open.len());
    drop(half_open);

    let still = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%numbers a%' AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    assert_eq!(shop.count(still).await, 1, "somebody else's key canceled it");
    let free = async {
        // Its own key does, as soon as there is a place again.
        loop {
            let mut wire = Wire::dial(shop.jurat.port).await;
            wire.bytes(&request(&key)).send().await;
            wire.is_closed().await;
            if shop.count(still).await == 0 {
                break;
            }
        }
    };
    in_time("the right key", free).await;
    assert_eq!(mine.reply().await.sqlstate(), "57014");
    assert_eq!(mine.run("SELECT 1").await.value(), "1");
    drop((mine, other));
    shop.close().await;
}

/// Each session has a connection to the database of its own, so a late request finds nobody else there.
#[tokio::test]
async fn wire_22_a_cancel_request_that_comes_late() {
    let Some(shop) = Shop::usual().await else { return };
    let first = shop.wire("ana").await;
    let key = first.cancel_key.clone();
    first.hang_up();
    until("the end of the first session", || {
        (shop.records().sessions("closed").len() == 1).then_some(())
    });
    let mut second = shop.wire("ana").await;
    start(&shop, &mut second).await;
    cancel(shop.jurat.port, &key).await;
    let running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%numbers a%' AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    assert_eq!(shop.count(running).await, 1);
    // A request that comes between two statements cancels neither: it is known to have come before.
    cancel(shop.jurat.port, &second.cancel_key).await;
    assert_eq!(second.reply().await.sqlstate(), "57014");
    assert_eq!(second.run("SELECT 1").await.value(), "1");
    drop(second);
    shop.close().await;
}

/// A function call needs no SQL text. One that runs SQL of its own gives the protected value away.
#[tokio::test]
async fn wire_23_a_function_call_past_sql() {
    let Some(shop) = Shop::usual().await else { return };
    let mut direct = shop.direct_wire().await;
    let function = "SELECT 'query_to_xml(text,bool,bool,text)'::regprocedure::oid";
    let oid: u32 = direct.run(function).await.value().parse().unwrap();
    let query = b"SELECT email FROM customers ORDER BY id LIMIT 1";
    let mut body = [&oid.to_be_bytes()[..], &[0, 1, 0, 0, 0, 4]].concat();
    for argument in [&query[..], b"t", b"t", b""] {
        body.extend_from_slice(&u32::try_from(argument.len()).unwrap().to_be_bytes());
        body.extend_from_slice(argument);
    }
    body.extend_from_slice(&[0, 0]);
    assert_eq!(direct.raw(b'F', &body).answer().await.tags(), "V ZI");
    assert!(canary::find(&direct.received).is_some(), "the call gives the value away");

    let mut wire = shop.wire("ana").await;
    let reply = wire.raw(b'F', &body).answer().await;
    assert_eq!((reply.sqlstate().as_str(), reply.tags().as_str()), ("42501", "E ZI"));
    // In a transaction it fails as any statement would.
    wire.run("BEGIN").await;
    assert_eq!(wire.raw(b'F', &body).answer().await.tags(), "E ZE");
    wire.run("ROLLBACK").await;
    assert_eq!(wire.run("SELECT 1").await.value(), "1");
    assert_eq!(canary::find(&wire.received), None);
    drop(wire);
    let records = shop.close().await;
    let call = |record: &Value| record["input"]["statement"]["kind"] == "function_call";
    assert_eq!(records.denials().iter().filter(|record| call(record)).count(), 2);
}
