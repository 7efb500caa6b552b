//! psql as a driver; its backslash commands, Ctrl-C and the like are in `suite/psql.rs`.

use std::process::Command;

use super::{Cases, Setup, matrix, program};
use crate::suite::psql;

const CASES: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_text",
        "prepared_statements",
        "variables_and_results",
        "transactions",
        "copy_in_and_out",
        "cursors",
        "cancel",
        "notifications",
        "errors_keep_their_class",
    ],
    guarded: &[
        "denial_when_idle",
        "denial_in_a_transaction",
        "denial_among_several",
        "masked_column",
    ],
};

#[tokio::test]
async fn psql_works() {
    let Some(psql) = psql::program() else { return };
    let command = || {
        let mut command = Command::new("sh");
        command.arg(program("psql/matrix.sh")).env("PSQL", &psql);
        command
    };
    matrix("psql", Setup::default(), command, &CASES).await;
}
