//! Consent, wired: the store, who may answer, and the rules.

use std::{sync::Arc, time::Duration};

use jurat_audit::AuditLog;
use jurat_core::{Approvals, Authenticate, Clock};
use jurat_policy::PolicyHandle;
use jurat_store::SqliteStore;
use tokio::sync::Notify;

use crate::{
    config::ApprovalsConfig,
    exit::{Exit, Failure},
};

/// How often it is looked for what has expired.
pub(super) const EXPIRE_EVERY: Duration = Duration::from_secs(1);

/// Opens the store.
///
/// # Errors
/// Where it cannot be used.
pub(super) fn open(
    config: &ApprovalsConfig,
    people: Arc<dyn Authenticate>,
    policy: Arc<PolicyHandle>,
    audit: Arc<AuditLog>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<Approvals>, Failure> {
    let store = SqliteStore::open(&config.store).map_err(|error| {
        let what = format!("the approvals in {}", config.store.display());
        Failure::because(Exit::Usage, what, &error)
    })?;
    Ok(Arc::new(Approvals {
        store: Arc::new(store),
        options: config.options.clone(),
        people,
        policy,
        audit,
        clock,
        changed: Notify::new(),
    }))
}
