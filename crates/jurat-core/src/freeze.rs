//! Stopping writes to a database: a switch that policies see as `input.session.freeze`. It is at rest in the
//! store, so that it survives a restart and reaches every replica; sessions look at a snapshot of it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use jurat_types::{FreezeFacts, rfc3339};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::{ApprovalStore, Clock, Database, Freezes, StoreError};

/// A database whose writes are stopped.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// The database, as clients call it.
    pub database: String,
    /// Why.
    pub reason: String,
    /// Who has stopped them.
    pub by: String,
    /// When it ends by itself, nanoseconds since the Unix epoch.
    pub until_ns: Option<i64>,
}

impl Freeze {
    /// Whether it has not ended yet.
    pub fn holds(&self, now_ns: i64) -> bool {
        self.until_ns.is_none_or(|until_ns| until_ns > now_ns)
    }

    fn facts(&self) -> FreezeFacts {
        FreezeFacts {
            reason: self.reason.clone(),
            by: self.by.clone(),
            until: self.until_ns.map(rfc3339),
        }
    }
}

/// The freeze of one database as its sessions see it.
#[derive(Debug, Default)]
pub(crate) struct Frozen {
    freeze: ArcSwapOption<Freeze>,
    changes: AtomicU64,
}

impl Frozen {
    /// Differs whenever the freeze does. Who remembers a decision asks for it before looking at the facts: what
    /// changes in between is then found at the next look.
    pub(crate) fn stamp(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// What policies see.
    pub(crate) fn facts(&self) -> Option<FreezeFacts> {
        self.freeze.load().as_ref().map(|freeze| freeze.facts())
    }

    fn now(&self) -> Option<Arc<Freeze>> {
        self.freeze.load_full()
    }

    /// One caller at a time.
    fn set(&self, freeze: Option<&Freeze>) {
        if self.now().as_deref() != freeze {
            self.freeze.store(freeze.cloned().map(Arc::new));
            self.changes.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// The freezes of the store, in force for the databases of this process.
#[derive(Debug)]
pub struct StoredFreezes {
    store: Arc<dyn ApprovalStore>,
    databases: Vec<Arc<Database>>,
    clock: Arc<dyn Clock>,
    turn: Mutex<()>,
    told: Arc<Notify>,
}

impl StoredFreezes {
    /// Nothing is in force before the first [`Self::refresh`].
    pub fn new(
        store: Arc<dyn ApprovalStore>,
        databases: Vec<Arc<Database>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let told = Arc::new(Notify::new());
        store.ring_freezes(Arc::clone(&told));
        Self { store, databases, clock, turn: Mutex::new(()), told }
    }

    /// Ends once another process may have changed something, where the store knows.
    pub async fn changed_elsewhere(&self) {
        self.told.notified().await;
    }

    /// Puts in force what the store says now, whoever has written it, and ends what is over. It may wait for
    /// the disk.
    ///
    /// # Errors
    /// Where the store cannot be used; what was in force stays so.
    pub fn refresh(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = self.store.freezes()?;
        let now_ns = self.clock.now_ns();
        for database in &self.databases {
            let of_it =
                |freeze: &&Freeze| freeze.database == database.target.name && freeze.holds(now_ns);
            database.frozen.set(stored.iter().find(of_it));
        }
        Ok(())
    }
}

impl Freezes for StoredFreezes {
    fn list(&self) -> Vec<Freeze> {
        let frozen = self.databases.iter().filter_map(|database| database.frozen.now());
        frozen.map(Arc::unwrap_or_clone).collect()
    }

    fn freeze(&self, freeze: Freeze) -> Result<(), String> {
        let done = self.store.freeze(&freeze).and_then(|()| self.refresh());
        done.map_err(|error| error.to_string())
    }

    fn unfreeze(&self, database: &str) -> Result<bool, String> {
        let done = self.refresh().and_then(|()| {
            let frozen = self.list().iter().any(|freeze| freeze.database == database);
            self.store.unfreeze(database)?;
            self.refresh()?;
            Ok(frozen)
        });
        done.map_err(|error| error.to_string())
    }
}
