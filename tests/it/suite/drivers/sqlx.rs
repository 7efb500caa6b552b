//! sqlx, in a program of its own, because its tree of crates is large and should not be in ours.

use std::process::Command;

use super::{Cases, Setup, matrix, needed};

const CASES: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_binary",
        "types_in_text",
        "describe",
        "prepared_statements",
        "transactions",
        "copy_in_and_out",
        "streams",
        "cancel",
        "notifications",
        "pool",
        "errors_keep_their_class",
    ],
    guarded: &["denial_when_idle", "denial_in_a_transaction", "masked_column"],
};

#[tokio::test]
async fn sqlx_works() {
    let Some(program) = needed("sqlx", "JURAT_TEST_SQLX", "scripts/ensure-sqlx") else { return };
    matrix("sqlx", Setup::default(), || Command::new(&program), &CASES).await;
}
