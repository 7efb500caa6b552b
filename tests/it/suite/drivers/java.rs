//! pgjdbc, with its own ideas of transactions, batches, fetch sizes and metadata.

use std::process::Command;

use super::{Cases, Setup, matrix, needed, program};

const CASES: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_text",
        "types_in_binary",
        "prepared_statements",
        "simple_protocol",
        "transactions",
        "batches",
        "copy_in_and_out",
        "fetch_size",
        "updatable_results",
        "cancel",
        "time_out",
        "notifications",
        "metadata",
        "errors_keep_their_class",
    ],
    guarded: &[
        "denial_when_idle",
        "denial_in_a_transaction",
        "denial_in_a_batch",
        "masked_column",
        "sql_about_jurat",
    ],
};

#[tokio::test]
async fn pgjdbc_works() {
    let Some(jar) = needed("pgjdbc", "JURAT_TEST_JDBC", "scripts/ensure-java") else { return };
    let command = || {
        let mut command = Command::new("java");
        // It lives for seconds: what is faster to start is faster.
        command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
        command.arg(&jar).arg(program("pgjdbc/Matrix.java"));
        command
    };
    matrix("pgjdbc", Setup::default(), command, &CASES).await;
}
