//! The two drivers of Node.js, node-postgres (`pg`) and postgres.js (`postgres`), and Sequelize over the first.

use std::process::Command;

use super::{Cases, Setup, matrix, needed, program};

const NODE_POSTGRES: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_text",
        "types_in_binary",
        "prepared_statements",
        "transactions",
        "pipeline_mode",
        "several_statements",
        "copy_in_and_out",
        "cursors",
        "cancel",
        "time_out",
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

const POSTGRES_JS: Cases = Cases {
    same: &[
        "tls_verifies_the_certificate",
        "types_in_text",
        "helpers",
        "prepared_statements",
        "simple_protocol",
        "transactions",
        "pipelining",
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

const SEQUELIZE: Cases = Cases {
    same: &["models", "find_or_create"],
    guarded: &["denial_when_idle", "denial_in_a_transaction", "masked_column"],
};

/// A program in JavaScript.
pub(in crate::suite) fn node(tier: &str, name: &str) -> Option<impl Fn() -> Command> {
    let modules = needed(tier, "JURAT_TEST_NODE_MODULES", "scripts/ensure-node")?;
    let program = program(name);
    Some(move || {
        let mut command = Command::new("node");
        command.arg(&program).env("NODE_PATH", &modules);
        command
    })
}

#[tokio::test]
async fn node_postgres_works() {
    let Some(command) = node("node-postgres", "node-postgres/matrix.js") else { return };
    matrix("node-postgres", Setup::default(), command, &NODE_POSTGRES).await;
}

#[tokio::test]
async fn postgres_js_works() {
    let Some(command) = node("postgres.js", "postgres.js/matrix.js") else { return };
    matrix("postgres.js", Setup::default(), command, &POSTGRES_JS).await;
}

#[tokio::test]
async fn sequelize_works() {
    let Some(command) = node("sequelize", "sequelize/matrix.js") else { return };
    matrix("sequelize", Setup::default(), command, &SEQUELIZE).await;
}
