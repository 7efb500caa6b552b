//! Keeping what names mean up to date: the catalog and the search path of the session.
//!
//! A name is resolved against a snapshot of the catalog and the search path that the server itself
//! reports. Both are read again, over the session's own connection, after a statement that may have
//! changed them, after a transaction that changed them was rolled back, when a name is not known,
//! and when the snapshot is old. Where that cannot be done in time (in the middle of a pipeline, or
//! in a failed transaction), unqualified names mean nothing and their statements are refused.

use std::sync::Arc;

use jurat_core::{JudgedStatement, SearchPath, SessionEffect};
use jurat_wire::postgres::backend::TransactionStatus;

use super::{End, Relay};
use crate::{internal, upstream::UpstreamError};

/// A name that is not known makes the catalog be read again, but not more often than this.
const UNKNOWN_NAME_INTERVAL_NS: i64 = 1_000_000_000;

/// What of the session's names may be out of date.
#[derive(Debug)]
pub(super) struct Freshness {
    search_path_stale: bool,
    catalog_stale: bool,
    /// The open transaction has changed what names mean, so its end changes it again.
    changed_in_transaction: bool,
    /// The session sees objects that others may not see: its own temporary ones, or those of its
    /// open transaction.
    private: bool,
    /// The snapshot was read inside the open transaction, and may show what a rollback takes back.
    read_in_transaction: bool,
    catalog_read_ns: i64,
    /// The open transaction has changed definitions, which others see once it has ended.
    defined: bool,
    /// How many definitions the sessions of this database had changed when the catalog was last read.
    definitions_seen: u64,
}

impl Freshness {
    pub(super) const fn new(now_ns: i64) -> Self {
        Self {
            search_path_stale: false,
            catalog_stale: false,
            changed_in_transaction: false,
            private: false,
            read_in_transaction: false,
            catalog_read_ns: now_ns,
            defined: false,
            definitions_seen: 0,
        }
    }

    /// Notes what a statement that is on its way may change.
    pub(super) const fn note(&mut self, effect: &SessionEffect) {
        match effect {
            SessionEffect::SearchPathChanged => self.search_path_stale = true,
            SessionEffect::CatalogChanged | SessionEffect::DiscardAll => {
                self.catalog_stale = true;
                self.defined = true;
                // A schema that is made or dropped changes the effective search path.
                self.search_path_stale = true;
            }
            SessionEffect::None
            | SessionEffect::Prepare { .. }
            | SessionEffect::Execute { .. }
            | SessionEffect::Deallocate { .. }
            | SessionEffect::DeclareCursor { .. }
            | SessionEffect::Fetch { .. }
            | SessionEffect::CloseCursor { .. }
            | SessionEffect::ClientFile { .. }
            | SessionEffect::CopyIn
            | SessionEffect::CopyOut => return,
            SessionEffect::Transaction => {
                // ROLLBACK TO a savepoint takes back what came after it.
                self.search_path_stale |= self.changed_in_transaction;
                self.catalog_stale |= self.changed_in_transaction;
                return;
            }
        }
        self.changed_in_transaction = true;
    }

    /// A message cycle ended and the server reports its state. Tells whether definitions may have changed
    /// for everybody.
    pub(super) const fn cycle_ended(&mut self, status: TransactionStatus) -> bool {
        let outdated = self.changed_in_transaction || self.read_in_transaction;
        if matches!(status, TransactionStatus::Idle) && outdated {
            self.changed_in_transaction = false;
            self.read_in_transaction = false;
            self.search_path_stale = true;
            self.catalog_stale = true;
        }
        let published = self.defined && matches!(status, TransactionStatus::Idle);
        self.defined = self.defined && !published;
        published
    }

    const fn stale(&self) -> bool {
        self.search_path_stale || self.catalog_stale
    }
}

impl Relay {
    /// Whether the next message should wait until names can be read again, which will be once the
    /// replies that are under way have come.
    pub(super) fn names_must_wait(&self) -> bool {
        self.freshness.stale() && !self.queue.is_empty() && self.queue.drains_by_itself()
    }

    /// Reads a text against what its names mean now.
    pub(super) async fn read_fresh(
        &mut self,
        text: &[u8],
    ) -> Result<Arc<[Arc<JudgedStatement>]>, End> {
        self.refresh_names().await?;
        let statements = self.session.read(text);
        let unknown = statements.iter().any(|judged| !judged.unresolved().is_empty());
        if unknown && self.may_ask_again() {
            self.freshness.catalog_stale = true;
            self.refresh_names().await?;
            return Ok(self.session.read(text));
        }
        Ok(statements)
    }

    /// Reads names again before the first message of a pipeline, because behind it nothing can be
    /// asked any more, and a Parse may follow.
    pub(super) async fn refresh_before_pipeline(&mut self) -> Result<(), End> {
        if self.freshness.stale() && self.may_ask() { self.refresh_names().await } else { Ok(()) }
    }

    /// Whether Jurat may ask something: nothing is under way, and nothing was begun that only a Sync of
    /// the client may end. Between two messages of a pipeline a Sync of Jurat's would commit its first part.
    fn may_ask(&self) -> bool {
        self.queue.is_empty() && !self.cycle_open && self.status != TransactionStatus::Failed
    }

    fn may_ask_again(&self) -> bool {
        let age_ns = self.session.gate().clock.now_ns() - self.freshness.catalog_read_ns;
        // What another session has defined since is there at once; what was defined past Jurat, soon.
        let defined = self.freshness.definitions_seen != self.session.database().definitions();
        self.may_ask() && (defined || age_ns > UNKNOWN_NAME_INTERVAL_NS)
    }

    async fn refresh_names(&mut self) -> Result<(), End> {
        if !self.freshness.stale() && !self.freshness.private {
            self.session.adopt_shared_catalog();
        }
        if !self.may_ask() {
            if self.freshness.stale() {
                self.session.forget_search_path();
            }
            return Ok(());
        }
        let now_ns = self.session.gate().clock.now_ns();
        let age_max_ns = i64::try_from(self.session.gate().limits.catalog_age_max.as_nanos())
            .unwrap_or(i64::MAX);
        let idle = self.status == TransactionStatus::Idle;
        // A snapshot that others cannot use is read again for this session alone.
        let own = self.freshness.private;
        let own_age_ns = now_ns.saturating_sub(self.freshness.catalog_read_ns);
        let claim = if idle && !own {
            self.session.database().claim_refresh(now_ns, age_max_ns)
        } else {
            None
        };
        let old = claim.is_some() || (idle && own && own_age_ns > age_max_ns);
        if !old && !self.freshness.stale() {
            return Ok(());
        }
        let read_catalog = old || self.freshness.catalog_stale;
        let definitions = self.session.database().definitions();
        match self.ask(read_catalog, idle).await {
            Ok(()) => {
                self.freshness.search_path_stale = false;
                self.freshness.catalog_stale = false;
                if read_catalog {
                    self.freshness.catalog_read_ns = now_ns;
                    self.freshness.definitions_seen = definitions;
                }
                Ok(())
            }
            Err(error) => self.failed_to_ask(error),
        }
    }

    async fn ask(&mut self, read_catalog: bool, idle: bool) -> Result<(), UpstreamError> {
        let mut asides = Vec::new();
        let result = self.ask_aside(read_catalog, idle, &mut asides).await;
        self.client.out().extend_from_slice(&asides);
        result
    }

    async fn ask_aside(
        &mut self,
        read_catalog: bool,
        idle: bool,
        asides: &mut Vec<u8>,
    ) -> Result<(), UpstreamError> {
        let path = internal::read_search_path(&mut self.upstream, asides).await?;
        let mut catalog = self.session.catalog();
        if read_catalog {
            catalog = internal::read_index(&mut self.upstream, asides).await?;
            let temporary = match &path {
                SearchPath::Known(schemas) => schemas.iter().any(|s| s.starts_with("pg_temp_")),
                SearchPath::Unknown => true,
            };
            self.freshness.read_in_transaction = !idle;
            self.freshness.private = !idle || temporary;
            if !self.freshness.private {
                let now_ns = self.session.gate().clock.now_ns();
                catalog = self.session.database().publish(catalog, now_ns);
            }
        }
        self.session.set_names(catalog, path);
        Ok(())
    }

    /// A server that refuses the question leaves the session alive without names; a connection that
    /// broke ends it.
    fn failed_to_ask(&mut self, error: UpstreamError) -> Result<(), End> {
        tracing::warn!(session = self.session.id(), %error, "the catalog could not be read again");
        match error {
            UpstreamError::Io { source, .. } => Err(End::UpstreamGone(source)),
            UpstreamError::Protocol(why) => Err(End::UpstreamProtocol(why)),
            UpstreamError::Authentication(_)
            | UpstreamError::Catalog(_)
            | UpstreamError::Refused { .. }
            | UpstreamError::Timeout(_)
            | UpstreamError::Tls(_) => {
                self.session.forget_search_path();
                Ok(())
            }
        }
    }
}
