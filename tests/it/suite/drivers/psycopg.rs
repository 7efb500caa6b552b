//! psycopg 3 with libpq below it. It also runs without TLS, where everything that it receives is searched.

use super::{Cases, Place, SLEEP_IS_REVIEWED, Setup, Shop, Tap, canary, matrix, python, run};

const CASES: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_text",
        "types_in_binary",
        "prepared_statements",
        "transactions",
        "pipeline",
        "many_rows_at_once",
        "copy_in_and_out",
        "cursors",
        "cancel",
        "notifications",
        "errors_keep_their_class",
        "asynchronous",
    ],
    guarded: &[
        "denial_when_idle",
        "denial_in_a_transaction",
        "denial_in_a_pipeline",
        "denial_of_a_copy",
        "masked_column",
        "sql_about_jurat",
    ],
};

#[tokio::test]
async fn psycopg_works() {
    let Some(command) = python("psycopg", "psycopg/matrix.py") else { return };
    matrix("psycopg", Setup::default(), command, &CASES).await;
}

#[tokio::test]
async fn psycopg_receives_no_protected_value() {
    let Some(command) = python("psycopg", "psycopg/matrix.py") else { return };
    let setup = Setup::default().policy(SLEEP_IS_REVIEWED.0, SLEEP_IS_REVIEWED.1);
    let Some(shop) = Shop::open(setup).await else { return };
    let tap = Tap::new(shop.jurat.port).await;
    let place = Place { port: tap.port, encrypted: false, ..Place::through(&shop) };
    run(command(), &place, &CASES).await;
    let received = tap.received();
    assert!(received.windows(8).any(|window| window == b"@leak.ex"), "nothing was tapped");
    assert_eq!(canary::find(&received), None);
    shop.close().await;
}
