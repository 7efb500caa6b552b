//! Consent, wired: the store, who may answer, and the rules.

use std::{sync::Arc, time::Duration};

use jurat_audit::AuditLog;
use jurat_core::{ApprovalStore, Approvals, Authenticate, Clock, StoredFreezes};
use jurat_policy::PolicyHandle;
use tokio::sync::Notify;

use crate::config::ApprovalsConfig;

/// How often it is looked for what has expired.
pub(super) const EXPIRE_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked for what other processes have frozen where the store does not tell, and for what is over.
const FREEZES_EVERY: Duration = Duration::from_secs(1);

/// Everything that gives and takes consent, over a store that is open.
pub(super) fn new(
    config: &ApprovalsConfig,
    store: Arc<dyn ApprovalStore>,
    (people, policy): (Arc<dyn Authenticate>, Arc<PolicyHandle>),
    audit: Arc<AuditLog>,
    clock: Arc<dyn Clock>,
) -> Arc<Approvals> {
    let changed = Arc::new(Notify::new());
    store.ring(Arc::clone(&changed));
    let options = config.options.clone();
    let events = jurat_core::approval_events();
    Arc::new(Approvals { store, options, people, policy, audit, clock, changed, events })
}

/// Keeps what other processes freeze in force here, until the process ends.
pub(super) async fn keep_frozen(freezes: Arc<StoredFreezes>) {
    loop {
        // Either is a reason to look.
        drop(tokio::time::timeout(FREEZES_EVERY, freezes.changed_elsewhere()).await);
        let freezes = Arc::clone(&freezes);
        match tokio::task::spawn_blocking(move || freezes.refresh()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "whether databases are frozen cannot be looked up");
            }
            Err(error) => tracing::error!(%error, "a regular task failed"),
        }
    }
}
