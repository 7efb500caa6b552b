//! A database behind Jurat, shared by its sessions: the target and the newest catalog snapshot.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use arc_swap::ArcSwapOption;
use jurat_sql::CatalogIndex;
use jurat_types::Target;

/// A configured database. Sessions read its catalog snapshot and publish newer ones.
#[derive(Debug)]
pub struct Database {
    /// What policies are told about it.
    pub target: Target,
    catalog: ArcSwapOption<CatalogIndex>,
    read_at_ns: AtomicI64,
    refreshing: AtomicBool,
}

impl Database {
    /// A database whose catalog has not been read yet.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            catalog: ArcSwapOption::empty(),
            read_at_ns: AtomicI64::new(0),
            refreshing: AtomicBool::new(false),
        }
    }

    /// The newest snapshot, where one was read.
    pub fn catalog(&self) -> Option<Arc<CatalogIndex>> {
        self.catalog.load_full()
    }

    /// Whether this caller should read a new snapshot because the newest is older than `age_max_ns`.
    /// Only one caller at a time is asked to; it answers with [`Self::publish`] or
    /// [`Self::refresh_failed`].
    pub fn claim_refresh(&self, now_ns: i64, age_max_ns: i64) -> bool {
        let age_ns = now_ns.saturating_sub(self.read_at_ns.load(Ordering::Acquire));
        age_ns > age_max_ns && !self.refreshing.swap(true, Ordering::AcqRel)
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
        self.refreshing.store(false, Ordering::Release);
        newest
    }

    /// Gives up a claimed refresh; the old snapshot stays.
    pub fn refresh_failed(&self) {
        self.refreshing.store(false, Ordering::Release);
    }
}
