//! The second line: the database says which column each column of a result is, and a masked one must not be among
//! them. Here the first line fails on purpose: the table is changed behind Jurat, so that a text without a protected
//! name shows a protected column.

use crate::harness::{Shop, Wire, canary};

/// Afterwards `name` is what `email` was, and Jurat, which has read the catalog a moment ago, does not know.
const SWAP: &str = "ALTER TABLE customers RENAME name TO other; ALTER TABLE customers RENAME email TO name; \
    ALTER TABLE customers RENAME other TO email";

const QUERY: &str = "SELECT id, name FROM customers WHERE id = 7";

async fn ended_by_the_alarm(shop: Shop, mut wire: Wire, reply: &crate::harness::wire::Reply) {
    let error = reply.error().unwrap_or_else(|| panic!("{reply:?}"));
    assert_eq!((error.code(), error.severity()), ("42501", "FATAL"), "{error:?}");
    assert!(error.message().contains("public.customers.email"), "{error:?}");
    assert!(wire.is_closed().await);
    assert_eq!(canary::find(&wire.received), None);
    assert_eq!(reply.rows().len(), 0);
    drop(wire);
    assert!(shop.jurat.log().contains("alarm: a result would have shown a masked column"));
    let records = shop.close().await;
    let closed = records.sessions("closed");
    let why = closed
        .iter()
        .any(|record| record.to_string().contains("masked column public.customers.email"));
    assert!(why, "{closed:?}");
}

/// The swap is real: without Jurat the text shows the protected column.
async fn swapped(shop: &Shop) {
    let direct = shop.direct().await;
    direct.batch_execute(SWAP).await.unwrap();
    let shown: String = direct.query_one(QUERY, &[]).await.unwrap().get(1);
    assert_eq!(shown, "canary7@leak.example");
    shop.inspector().await.batch_execute(SWAP).await.unwrap();
}

#[tokio::test]
async fn a_masked_column_in_a_simple_query_ends_the_session() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    assert_eq!(wire.run(QUERY).await.rows()[0][1].as_deref(), Some("Customer 7"));
    swapped(&shop).await;
    let reply = wire.query(QUERY).answer().await;
    ended_by_the_alarm(shop, wire, &reply).await;
}

#[tokio::test]
async fn a_masked_column_behind_an_execute_without_a_describe_ends_the_session() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    let (_, warm) = (swapped(&shop).await, "SELECT 1");
    wire.run(warm).await;
    let reply = wire.parse("", QUERY).bind("", "").execute("").sync().answer().await;
    ended_by_the_alarm(shop, wire, &reply).await;
}

#[tokio::test]
async fn a_masked_column_in_a_cursor_ends_the_session() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    wire.run("BEGIN").await;
    swapped(&shop).await;
    wire.run(&format!("DECLARE c CURSOR FOR {QUERY}")).await;
    let reply = wire.parse("", "FETCH ALL FROM c").bind("", "").execute("").sync().answer().await;
    ended_by_the_alarm(shop, wire, &reply).await;
}

#[tokio::test]
async fn a_describe_of_a_masked_column_ends_the_session() {
    let Some(shop) = Shop::usual().await else { return };
    let mut wire = shop.wire("ana").await;
    wire.run(QUERY).await;
    swapped(&shop).await;
    let reply = wire.parse("s", QUERY).describe_statement("s").sync().answer().await;
    ended_by_the_alarm(shop, wire, &reply).await;
}

/// Whoever may read the column is not stopped, and neither is who reads masks.
#[tokio::test]
async fn results_without_a_masked_column_pass() {
    let Some(shop) = Shop::usual().await else { return };
    for user in ["ana", "priya"] {
        let mut wire = shop.wire(user).await;
        for text in
            ["SELECT * FROM customers", "SELECT email, upper(ssn) FROM customers", "TABLE orders"]
        {
            assert_eq!(wire.run(text).await.sqlstate(), "00000", "{user}: {text}");
            assert_eq!(wire.run_extended(text, 0).await.sqlstate(), "00000", "{user}: {text}");
            // The client asks for no description, and gets none.
            let reply = wire.parse("", text).bind("", "").execute("").sync().answer().await;
            assert!(!reply.tags().contains('T') && reply.rows().len() > 1, "{}", reply.tags());
        }
    }
    shop.close().await;
}
