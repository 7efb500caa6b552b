//! asyncpg, which speaks the protocol itself: binary throughout, and pipelines of many rows.

use super::{Cases, Setup, matrix, python};

const CASES: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_binary",
        "types_in_text",
        "catalog_queries",
        "prepared_statements",
        "transactions",
        "many_rows_at_once",
        "copy_in_and_out",
        "cursors",
        "cancel",
        "notifications",
        "pool",
        "errors_keep_their_class",
    ],
    guarded: &[
        "denial_when_idle",
        "denial_in_a_transaction",
        "denial_in_a_pipeline",
        "masked_column",
    ],
};

#[tokio::test]
async fn asyncpg_works() {
    let Some(command) = python("asyncpg", "asyncpg/matrix.py") else { return };
    matrix("asyncpg", Setup::default(), command, &CASES).await;
}
