//! Where requests for approval are kept and budgets are counted, wired.

use std::{path::Path, sync::Arc};

use jurat_core::{ApprovalStore, Budgets, Clock, InMemoryBudgets};
use jurat_store::{PostgresSettings, PostgresStore, SqliteStore};
use tokio_postgres::config::Host;

use crate::{
    config::{DatabaseTls, SecretRef, StoreConfig, is_loopback},
    exit::{Exit, Failure},
};

/// What is kept beside the record.
pub(super) struct Stores {
    /// Requests for approval, where they are kept.
    pub(super) approvals: Option<Arc<dyn ApprovalStore>>,
    /// What was taken out of budgets: by this process, or by all replicas.
    pub(super) budgets: Arc<dyn Budgets>,
}

/// Opens what is configured.
///
/// # Errors
/// Where it cannot be used.
pub(super) fn open(config: Option<&StoreConfig>, clock: Arc<dyn Clock>) -> Result<Stores, Failure> {
    let alone = || Arc::new(InMemoryBudgets::default());
    match config {
        None => Ok(Stores { approvals: None, budgets: alone() }),
        Some(StoreConfig::File(file)) => {
            let store = SqliteStore::open(file).map_err(|error| {
                let what = format!("the approvals in {}", file.display());
                Failure::because(Exit::Usage, what, &error)
            })?;
            Ok(Stores { approvals: Some(Arc::new(store)), budgets: alone() })
        }
        Some(StoreConfig::Postgres { url, tls }) => {
            let unusable = |error| Failure::because(Exit::Failure, "[store]", &error);
            let store = PostgresStore::open(settings(url, tls.as_ref())?).map_err(unusable)?;
            let budgets = store.budgets(clock).map_err(unusable)?;
            Ok(Stores { approvals: Some(Arc::new(store)), budgets })
        }
    }
}

/// How the database of `[store]` is reached. Nothing that is said here repeats the URL, which has a password.
fn settings(url: &SecretRef, tls: Option<&DatabaseTls>) -> Result<PostgresSettings, Failure> {
    let fetched =
        url.fetch().map_err(|error| Failure::because(Exit::Usage, "the url of [store]", &error))?;
    let form = "the url of [store] has the form `postgres://user:password@host:port/database`";
    let config: tokio_postgres::Config =
        fetched.expose().parse().map_err(|_unreadable| Failure::usage(form))?;
    let hosts = config.get_hosts();
    if hosts.is_empty() || config.get_user().is_none() || config.get_dbname().is_none() {
        return Err(Failure::usage(form));
    }
    let here = hosts.iter().all(|host| match host {
        Host::Tcp(host) => is_loopback(host),
        Host::Unix(_) => true,
    });
    let client = |ca: Option<&[u8]>, verify| {
        jurat_postgres::client_config(ca, verify)
            .map(|client| Some(Arc::new(client)))
            .map_err(|error| Failure::because(Exit::Usage, "the tls of [store]", &error))
    };
    let tls = match tls {
        None if here => None,
        None => {
            return Err(Failure::usage(
                "[store] on another machine needs `tls = { mode = \"verify-full\", ca = \"path\" }`",
            ));
        }
        Some(DatabaseTls::Disable) => None,
        Some(DatabaseTls::Require) => client(None, false)?,
        Some(DatabaseTls::VerifyFull { ca }) => client(Some(&authorities(ca)?), true)?,
    };
    Ok(PostgresSettings { config, tls })
}

fn authorities(ca: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(ca).map_err(|error| Failure::usage(format!("[store]: {}: {error}", ca.display())))
}
