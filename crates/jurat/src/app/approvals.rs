//! Consent, wired: the store, who may answer, and the rules.

use std::{sync::Arc, time::Duration};

use jurat_audit::AuditLog;
use jurat_core::{ApprovalStore, Approvals, Authenticate, Clock};
use jurat_policy::PolicyHandle;
use tokio::sync::Notify;

use crate::config::ApprovalsConfig;

/// How often it is looked for what has expired.
pub(super) const EXPIRE_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked for what other processes have frozen, and for what is over.
pub(super) const FREEZES_EVERY: Duration = Duration::from_secs(1);

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
