//! The second line behind the masks: the database says of each result column which table's column it is, and
//! none may be a masked one.
//!
//! INVARIANT(masks-at-source) holds by the text that is sent. Should that text be wrong, because a statement
//! was misread or the database is not what the catalog says, the session ends before a row is passed on.

use std::sync::Arc;

use jurat_core::{Ending, Origins, Running, Scans};
use jurat_types::Outcome;
use jurat_wire::mysql::response::ColumnDefinition;

use super::{End, Relay};
use crate::respond;

/// What the columns of a result are checked against.
#[derive(Debug)]
pub(super) struct Checked {
    origins: Origins,
    scans: Option<Arc<Scans>>,
    /// Columns that are looked through on their way may be marked ones, and here that holds for all.
    all: bool,
}

impl Checked {
    /// For a description of which no row comes.
    pub(super) const fn all(origins: Origins) -> Self {
        Self { origins, scans: None, all: true }
    }

    /// The masked column that the result column at this place is.
    pub(super) fn exposed(&self, at: usize, column: &ColumnDefinition<'_>) -> Option<String> {
        let scanned = self.scans.as_ref().is_some_and(|scans| scans.of(at).is_some());
        let exposed = self.origins.exposed_by_name(
            (column.schema, column.org_table, column.org_name),
            self.all || scanned,
        );
        exposed.map(ToString::to_string)
    }
}

impl Relay {
    /// What the results of a statement are checked against; nothing where no column is masked.
    pub(super) fn checked(&self, run: &Running) -> Option<Checked> {
        let masks = &run.decision().masks;
        if masks.is_empty() {
            return None;
        }
        let origins = Origins::new(masks, &self.session.catalog());
        Some(Checked { origins, scans: run.scans().cloned(), all: false })
    }

    /// A masked column would be shown: the session ends, and whoever runs Jurat learns of it.
    pub(super) fn alarm(&self, run: Option<Running>, column: &str) -> End {
        let session = self.session.id();
        tracing::error!(
            column,
            session,
            "alarm: a result would have shown a masked column, and was withheld"
        );
        if let Some(run) = run {
            let (_, sqlstate) = respond::COLUMN_DENIED;
            let sqlstate = Some(sqlstate.to_owned());
            run.finish(Outcome::Unknown, Ending { sqlstate, ..Ending::default() });
        }
        End::MaskedColumn(column.to_owned())
    }
}
