//! Keeping what names mean up to date: the catalog and the default database of the session.
//!
//! A name is resolved against a snapshot of the catalog and the default database that the server itself reports.
//! Both are read again, over the session's own connection, after a statement that may have changed them, when a
//! name is not known, and when the snapshot is old. A definition commits the open transaction, so a rollback
//! takes none of them back.

use std::sync::Arc;

use jurat_core::{JudgedStatement, SearchPath, SessionEffect, Statement, TemporaryTables};
use jurat_types::{Access, RelationName, StatementFacts};

use super::{End, Relay, guarded};
use crate::{catalog::temporary::Told, internal, upstream::UpstreamError};

/// A name that is not known makes the catalog be read again, but not more often than this.
const UNKNOWN_NAME_INTERVAL_NS: i64 = 1_000_000_000;

/// What of the session's names may be out of date.
#[derive(Debug)]
pub(super) struct Freshness {
    schema_stale: bool,
    catalog_stale: bool,
    /// Temporary tables that may have been made, changed or dropped: their databases and names.
    temporary_stale: Vec<RelationName>,
    catalog_read_ns: i64,
    /// How many definitions the sessions of this database had changed when the catalog was last read.
    definitions_seen: u64,
}

impl Freshness {
    pub(super) const fn new(now_ns: i64) -> Self {
        Self {
            schema_stale: false,
            catalog_stale: false,
            temporary_stale: Vec::new(),
            catalog_read_ns: now_ns,
            definitions_seen: 0,
        }
    }

    /// Notes what a statement that is on its way may change. Tells whether it may change definitions that others
    /// see.
    fn note_statement(&mut self, statement: &Statement) -> bool {
        match statement.effect() {
            SessionEffect::SearchPathChanged => self.schema_stale = true,
            SessionEffect::CatalogChanged | SessionEffect::DiscardAll => {
                if self.note_temporary(statement.facts()) {
                    return false;
                }
                self.note_all();
                return true;
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
            | SessionEffect::CopyOut
            | SessionEffect::Transaction => {}
        }
        false
    }

    /// Notes the temporary tables that a definition is about. Tells whether it is about nothing else.
    fn note_temporary(&mut self, facts: &StatementFacts) -> bool {
        let mut defined = facts.relations.iter().filter(|one| one.access == Access::Ddl).peekable();
        let mut only = defined.peek().is_some();
        for relation in defined {
            if TemporaryTables::on_server(&relation.schema, &relation.name).is_some() {
                let name = RelationName::new(&*relation.schema, &*relation.name);
                self.temporary_stale.push(name);
            } else {
                only = false;
            }
        }
        only
    }

    /// The server says that the default database is another one.
    pub(super) const fn note_schema(&mut self) {
        self.schema_stale = true;
    }

    /// Everything may be out of date.
    pub(super) const fn note_all(&mut self) {
        self.schema_stale = true;
        self.catalog_stale = true;
    }

    const fn stale(&self) -> bool {
        self.schema_stale || self.catalog_stale || !self.temporary_stale.is_empty()
    }
}

impl Relay {
    /// Notes what a statement that is on its way may change. Tells whether it may change definitions that others see.
    pub(super) fn note_effect(&mut self, judged: &JudgedStatement) -> bool {
        let statement = judged.statement();
        let inner = self.statements.inner(statement.effect());
        let defines = inner.is_some_and(|inner| self.freshness.note_statement(inner));
        self.freshness.note_statement(statement) || defines
    }

    /// The session has no temporary tables any more.
    pub(super) fn forget_temporary(&mut self) {
        self.freshness.temporary_stale.clear();
        self.session.set_temporary(TemporaryTables::default());
    }

    /// Reads a text against what its names mean now.
    pub(super) async fn read_fresh(
        &mut self,
        text: &[u8],
    ) -> Result<Arc<[Arc<JudgedStatement>]>, End> {
        // A question of our own would leave nothing of the list that is asked for, and it names nothing.
        if begins_with_show(text) {
            let statements = self.session.read(text);
            if statements.iter().all(|judged| guarded::shows_warnings(judged)) {
                return Ok(statements);
            }
        }
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

    fn may_ask_again(&self) -> bool {
        let age_ns = self.session.gate().clock.now_ns() - self.freshness.catalog_read_ns;
        // What another session has defined since is there at once; what was defined past Jurat, soon.
        let defined = self.freshness.definitions_seen != self.session.database().definitions();
        defined || age_ns > UNKNOWN_NAME_INTERVAL_NS
    }

    pub(super) async fn refresh_names(&mut self) -> Result<(), End> {
        if !self.freshness.stale() {
            self.session.adopt_shared_catalog();
        }
        let now_ns = self.session.gate().clock.now_ns();
        let age_max_ns = i64::try_from(self.session.gate().limits.catalog_age_max.as_nanos())
            .unwrap_or(i64::MAX);
        let claim = self.session.database().claim_refresh(now_ns, age_max_ns);
        if claim.is_none() && !self.freshness.stale() {
            return Ok(());
        }
        let read_catalog = claim.is_some() || self.freshness.catalog_stale;
        let definitions = self.session.database().definitions();
        match self.ask_all(read_catalog).await {
            Ok(()) => {
                self.freshness.schema_stale = false;
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

    async fn ask_all(&mut self, read_catalog: bool) -> Result<(), UpstreamError> {
        if read_catalog || self.freshness.schema_stale {
            self.ask(read_catalog).await?;
        }
        if self.freshness.temporary_stale.is_empty() {
            return Ok(());
        }
        let mut tables = self.session.temporary().clone();
        for name in self.freshness.temporary_stale.clone() {
            let on_server = TemporaryTables::on_server(&name.schema, &name.name);
            let Some((database, table)) = on_server else { continue };
            match internal::read_temporary(&mut self.upstream, database, table).await? {
                Told::Lasting => tables.remove(&name),
                Told::Temporary(columns) => tables.put(name, Some(columns)),
                Told::Unknown => tables.put(name, None),
            }
        }
        self.freshness.temporary_stale.clear();
        self.session.set_temporary(tables);
        Ok(())
    }

    async fn ask(&mut self, read_catalog: bool) -> Result<(), UpstreamError> {
        let path: SearchPath = internal::read_search_path(&mut self.upstream).await?;
        let mut catalog = self.session.snapshot();
        if read_catalog {
            catalog = internal::read_index(&mut self.upstream).await?;
            let now_ns = self.session.gate().clock.now_ns();
            catalog = self.session.database().publish(catalog, now_ns);
        }
        self.session.set_names(catalog, path);
        Ok(())
    }

    /// A server that refuses the question leaves the session alive without names; a connection that broke
    /// ends it.
    fn failed_to_ask(&mut self, error: UpstreamError) -> Result<(), End> {
        tracing::warn!(session = self.session.id(), %error, "the catalog could not be read again");
        match error {
            UpstreamError::Io { .. } | UpstreamError::Protocol(_) => Err(error.into()),
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

fn begins_with_show(text: &[u8]) -> bool {
    text.trim_ascii_start().get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"show"))
}

impl From<UpstreamError> for End {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Io { source, .. } => Self::UpstreamGone(source),
            UpstreamError::Authentication(_)
            | UpstreamError::Catalog(_)
            | UpstreamError::Protocol(_)
            | UpstreamError::Refused { .. }
            | UpstreamError::Timeout(_)
            | UpstreamError::Tls(_) => Self::UpstreamProtocol(error.to_string()),
        }
    }
}
