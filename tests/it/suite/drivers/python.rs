//! asyncpg, which speaks the protocol itself, and the two large frameworks over it and over psycopg.

use super::{Cases, Setup, matrix, python};

const ASYNCPG: Cases = Cases {
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
        "sql_about_jurat",
    ],
};

const SQLALCHEMY: Cases = Cases {
    same: &[
        "types",
        "types_over_asyncpg",
        "reflection",
        "reflection_over_asyncpg",
        "orm",
        "orm_over_asyncpg",
        "transactions",
        "streaming",
        "streaming_over_asyncpg",
        "pool",
    ],
    guarded: &[
        "denial_when_idle",
        "denial_in_a_transaction",
        "denial_in_a_transaction_over_asyncpg",
        "masked_column",
    ],
};

const DJANGO: Cases = Cases {
    same: &[
        "migrate",
        "schema_editor_and_types",
        "introspection",
        "queries",
        "writes",
        "transactions",
        "errors_keep_their_class",
    ],
    guarded: &["denial_when_idle", "denial_in_a_transaction", "masked_column"],
};

#[tokio::test]
async fn asyncpg_works() {
    let Some(command) = python("asyncpg", "asyncpg/matrix.py") else { return };
    matrix("asyncpg", Setup::default(), command, &ASYNCPG).await;
}

#[tokio::test]
async fn sqlalchemy_works() {
    let Some(command) = python("sqlalchemy", "sqlalchemy/matrix.py") else { return };
    matrix("sqlalchemy", Setup::default(), command, &SQLALCHEMY).await;
}

/// Migrations change definitions, which the shipped policies allow outside production.
#[tokio::test]
async fn django_works() {
    let Some(command) = python("django", "django/matrix.py") else { return };
    matrix("django", Setup::staging(), command, &DJANGO).await;
}
