//! The tables of a store in PostgreSQL, and the steps that lead to them.

use jurat_core::StoreError;
use tokio_postgres::{Client, types::Type};

use super::link::failed;

/// What replicas that start at once hold one after the other.
const LOCK: i64 = 0x6a75_7261_7401;

/// The steps from an empty schema to what this program reads. Never change one; add one.
const MIGRATIONS: &[&str] = &[
    "CREATE TABLE jurat.approvals (
        id text PRIMARY KEY,
        digest text NOT NULL,
        requester text NOT NULL,
        state text NOT NULL,
        created_ns bigint NOT NULL,
        expires_ns bigint NOT NULL,
        body text NOT NULL
     );
     CREATE INDEX approvals_by_digest ON jurat.approvals (digest);
     CREATE INDEX approvals_by_state ON jurat.approvals (state, expires_ns);
     CREATE INDEX approvals_by_age ON jurat.approvals (created_ns);
     CREATE TABLE jurat.budgets (
        replica text NOT NULL,
        principal text NOT NULL,
        database text NOT NULL,
        kind text NOT NULL,
        window_seconds bigint NOT NULL,
        step bigint NOT NULL,
        amount bigint NOT NULL,
        ends_ns bigint NOT NULL,
        changed xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
        PRIMARY KEY (replica, principal, database, kind, window_seconds, step)
     );
     CREATE INDEX budgets_by_change ON jurat.budgets (changed);
     CREATE INDEX budgets_by_end ON jurat.budgets (ends_ns);",
    "CREATE TABLE jurat.freezes (
        name text PRIMARY KEY,
        body text NOT NULL
     );",
    "CREATE TABLE jurat.outbox (
        id text PRIMARY KEY,
        receiver text NOT NULL,
        body text NOT NULL,
        tries bigint NOT NULL,
        due_ns bigint NOT NULL,
        created_ns bigint NOT NULL
     );
     CREATE INDEX outbox_by_receiver ON jurat.outbox (receiver, created_ns, id);
     CREATE INDEX outbox_by_age ON jurat.outbox (created_ns);",
];

/// Brings the tables up to date, inside a step. The schema `jurat` is made where it is missing, which needs
/// the right to make schemas; where it is there, owning it is enough.
///
/// # Errors
/// Where that cannot be done, or a newer program has made the tables.
pub(super) async fn run(client: &Client) -> Result<(), StoreError> {
    let lock = "SELECT pg_catalog.pg_advisory_xact_lock($1)";
    client.query_typed(lock, &[(&LOCK, Type::INT8)]).await.map_err(failed)?;
    if !is_there(client, "pg_catalog.to_regnamespace('jurat')").await? {
        client.batch_execute("CREATE SCHEMA jurat").await.map_err(failed)?;
    }
    if !is_there(client, "pg_catalog.to_regclass('jurat.version')").await? {
        let first = "CREATE TABLE jurat.version (version bigint NOT NULL);
                     INSERT INTO jurat.version VALUES (0)";
        client.batch_execute(first).await.map_err(failed)?;
    }
    let found =
        client.query_typed("SELECT version FROM jurat.version", &[]).await.map_err(failed)?;
    let version = found.first().map(|row| row.try_get::<_, i64>(0)).transpose().map_err(failed)?;
    let version = version.and_then(|version| usize::try_from(version).ok());
    let missing = version.and_then(|version| MIGRATIONS.get(version..));
    let Some(missing) = missing else {
        return Err(StoreError("a newer jurat has made its tables".to_owned()));
    };
    if missing.is_empty() {
        return Ok(());
    }
    for migration in missing {
        client.batch_execute(migration).await.map_err(failed)?;
    }
    let version = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let set = "UPDATE jurat.version SET version = $1";
    client.query_typed(set, &[(&version, Type::INT8)]).await.map(drop).map_err(failed)
}

async fn is_there(client: &Client, what: &str) -> Result<bool, StoreError> {
    let text = format!("SELECT {what} IS NOT NULL");
    let found = client.query_typed(&text, &[]).await.map_err(failed)?;
    let Some(row) = found.first() else { return Ok(false) };
    row.try_get(0).map_err(failed)
}
