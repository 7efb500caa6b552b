//! Reloading policies and users while sessions go on. What was loaded or refused is recorded, because
//! it changes what later decisions mean.

use std::sync::{Arc, Mutex, PoisonError};

use jurat_core::{Gate, Reload as ReloadPort, Reloaded};
use jurat_policy::Reload;
use jurat_types::RecordBody;
use serde_json::json;

use super::{LiveUsers, system};
use crate::exit::chain;

/// Reloads; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Reloader {
    gate: Arc<Gate>,
    users: Arc<LiveUsers>,
    /// The last refusal, so that one mistake is not recorded again at every look.
    refused: Arc<Mutex<Option<String>>>,
}

impl Reloader {
    pub(crate) fn new(gate: Arc<Gate>, users: Arc<LiveUsers>) -> Self {
        Self { gate, users, refused: Arc::default() }
    }

    /// Reloads everything that can be: the answer to a HUP signal.
    pub(crate) fn all(&self) -> Reloaded {
        self.policies();
        let users = self.users();
        let state = self.gate.policy.state();
        let errors = state.stale.into_iter().chain(users).collect();
        Reloaded { revision: state.revision, errors }
    }

    /// Looks at the policy directory. A revision that does not load changes nothing but the record.
    pub(crate) fn policies(&self) {
        match self.gate.policy.reload() {
            Ok(Reload::Unchanged) => {
                self.remember(None);
            }
            Ok(Reload::Swapped { old, new }) => {
                self.remember(None);
                tracing::info!(old, new, "policies loaded");
                self.record(system("policy_loaded", [("old", json!(old)), ("new", json!(new))]));
            }
            Err(error) => {
                let reason = chain(&error);
                if self.remember(Some(reason.clone())) {
                    let kept = self.gate.policy.state().revision;
                    tracing::error!(reason, kept, "policies refused; the last good ones stay");
                    self.record(system(
                        "policy_rejected",
                        [("reason", json!(reason)), ("kept", json!(kept))],
                    ));
                }
            }
        }
    }

    fn users(&self) -> Option<String> {
        match self.users.reload() {
            Ok(count) => {
                tracing::info!(count, "users loaded");
                self.record(system("users_loaded", [("count", json!(count))]));
                None
            }
            Err(error) => {
                let reason = chain(&error);
                tracing::error!(reason, "users refused; the last good ones stay");
                self.record(system("users_rejected", [("reason", json!(reason))]));
                Some(reason)
            }
        }
    }

    /// Whether this differs from what was remembered.
    fn remember(&self, refused: Option<String>) -> bool {
        let mut last = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = *last != refused;
        *last = refused;
        changed
    }

    fn record(&self, body: RecordBody) {
        if let Err(error) = self.gate.audit.append(body).map(drop) {
            tracing::error!(error = chain(&error), "a reload could not be recorded");
        }
    }
}

impl ReloadPort for Reloader {
    fn reload(&self) -> Reloaded {
        self.all()
    }
}
