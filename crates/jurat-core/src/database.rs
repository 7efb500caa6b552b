//! A database behind Jurat, shared by its sessions: the target and the newest catalog snapshot.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use jurat_sql::CatalogIndex;
use jurat_types::Target;

use crate::{
    counters::{Counted, Counters},
    freeze::Frozen,
    live::LiveSessions,
    readings::{Contexts, Meaning, SharedReadings},
};

/// A configured database. Sessions read its catalog snapshot and publish newer ones.
#[derive(Debug)]
pub struct Database {
    /// What policies are told about it.
    pub target: Target,
    catalog: ArcSwapOption<CatalogIndex>,
    read_at_ns: AtomicI64,
    refreshing: AtomicBool,
    definitions: AtomicU64,
    readings: Contexts,
    pub(crate) counters: Counters,
    pub(crate) live: LiveSessions,
    pub(crate) frozen: Frozen,
}

impl Database {
    /// A database whose catalog has not been read yet.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            catalog: ArcSwapOption::empty(),
            read_at_ns: AtomicI64::new(0),
            refreshing: AtomicBool::new(false),
            definitions: AtomicU64::new(0),
            readings: Contexts::default(),
            counters: Counters::default(),
            live: LiveSessions::default(),
            frozen: Frozen::default(),
        }
    }

    /// What was judged for it since the start.
    pub fn counted(&self) -> Counted {
        self.counters.now()
    }

    /// The newest snapshot, where one was read.
    pub fn catalog(&self) -> Option<Arc<CatalogIndex>> {
        self.catalog.load_full()
    }

    /// What its sessions have read for which names mean the same.
    pub(crate) fn readings(&self, meaning: Meaning<'_>) -> Arc<SharedReadings> {
        self.readings.of(meaning, self.catalog())
    }

    /// Says that a session has changed definitions, so that others look again for a name that they do not
    /// know, however new their snapshot is.
    pub fn note_definition(&self) {
        self.definitions.fetch_add(1, Ordering::AcqRel);
    }

    /// How many times sessions have changed definitions.
    pub fn definitions(&self) -> u64 {
        self.definitions.load(Ordering::Acquire)
    }

    /// The right to read a new snapshot because the newest is older than `age_max_ns`. One caller at a
    /// time has it, for as long as it keeps the claim.
    pub fn claim_refresh(self: &Arc<Self>, now_ns: i64, age_max_ns: i64) -> Option<RefreshClaim> {
        let age_ns = now_ns.saturating_sub(self.read_at_ns.load(Ordering::Acquire));
        let claimed = age_ns > age_max_ns && !self.refreshing.swap(true, Ordering::AcqRel);
        claimed.then(|| RefreshClaim(Arc::clone(self)))
    }

    /// Makes a snapshot the newest one, and returns the newest one. A snapshot that says the same as
    /// the one before changes nothing, so that what was read against it stays valid.
    pub fn publish(&self, catalog: Arc<CatalogIndex>, now_ns: i64) -> Arc<CatalogIndex> {
        let newest = match self.catalog() {
            Some(old) if old.catalog() == catalog.catalog() => old,
            _ => {
                self.catalog.store(Some(Arc::clone(&catalog)));
                catalog
            }
        };
        self.read_at_ns.store(now_ns, Ordering::Release);
        newest
    }
}

/// The right to refresh a database's catalog. Dropping it lets the next caller have it, however the
/// refresh ended.
#[derive(Debug)]
pub struct RefreshClaim(Arc<Database>);

impl Drop for RefreshClaim {
    fn drop(&mut self) {
        self.0.refreshing.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Database;

    #[test]
    fn one_caller_refreshes_at_a_time_and_a_failure_lets_the_next_one_try() {
        let database = Arc::new(Database::new(crate::testing::target()));
        let claim = database.claim_refresh(100, 10);
        assert!(claim.is_some() && database.claim_refresh(100, 10).is_none());
        drop(claim);
        assert!(database.claim_refresh(100, 10).is_some());
        assert!(database.claim_refresh(5, 10).is_none(), "it is fresh");
    }
}
