//! What a reading gives: statements that were understood, and statements that were not.

use std::sync::{Arc, Mutex, PoisonError};

use jurat_types::StatementFacts;

use crate::catalog_index::CatalogIndex;
use crate::limits::ReadLimits;
use crate::mask::{self, Protection, Rewritten};
use crate::tree::Tree;
use crate::{ColumnMask, RewriteError};

/// Where unqualified names are looked up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SearchPath {
    /// The effective schemas in the order of the look-up, as `current_schemas(true)` gives them.
    Known(Vec<String>),
    /// Not known: unqualified names cannot be resolved.
    Unknown,
}

/// The session state that names depend on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameContext {
    /// Where unqualified names are looked up.
    pub search_path: SearchPath,
}

/// The statements of one text, in order; empty where the text holds only white space and comments.
#[derive(Debug)]
pub struct Reading {
    /// The statements.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug)]
pub enum Statement {
    /// It was understood, and every name in it was resolved.
    Parsed(Parsed),
    /// It was not.
    Opaque(Opaque),
}

impl Statement {
    /// What it is about to do. Labels are empty; the protocol is `simple`.
    pub const fn facts(&self) -> &StatementFacts {
        match self {
            Self::Parsed(parsed) => &parsed.facts,
            Self::Opaque(opaque) => &opaque.facts,
        }
    }

    /// The text with every literal replaced by `?`, for records.
    pub fn redacted(&self) -> &str {
        match self {
            Self::Parsed(parsed) => &parsed.redacted,
            Self::Opaque(opaque) => &opaque.redacted,
        }
    }

    /// Whether its text is three commands, of which the second runs it: the server answers one more before it
    /// and one more behind it, and takes the text in the simple protocol only.
    pub const fn is_in_function(&self) -> bool {
        match self {
            Self::Parsed(parsed) => parsed.in_function,
            Self::Opaque(_) => false,
        }
    }

    /// Gives up the memory that only the first rewrite needs.
    pub fn release(&self) {
        let inner = match self.effect() {
            SessionEffect::Prepare { statement, .. }
            | SessionEffect::DeclareCursor { statement, .. } => Some(statement),
            SessionEffect::None
            | SessionEffect::SearchPathChanged
            | SessionEffect::CatalogChanged
            | SessionEffect::Execute { .. }
            | SessionEffect::Deallocate { .. }
            | SessionEffect::Fetch { .. }
            | SessionEffect::CloseCursor { .. }
            | SessionEffect::DiscardAll
            | SessionEffect::Transaction
            | SessionEffect::ClientFile { .. }
            | SessionEffect::CopyIn
            | SessionEffect::CopyOut => None,
        };
        for statement in std::iter::once(self).chain(inner.map(AsRef::as_ref)) {
            if let Self::Parsed(parsed) = statement {
                drop(parsed.tree.take());
            }
        }
    }

    /// What the session must remember when it has run. Nothing is known about an opaque statement, so
    /// whatever names meant before, they may mean something else behind it.
    pub const fn effect(&self) -> &SessionEffect {
        match self {
            Self::Parsed(parsed) => &parsed.effect,
            Self::Opaque(_) => &SessionEffect::CatalogChanged,
        }
    }
}

/// A statement that was understood.
#[derive(Debug)]
pub struct Parsed {
    pub(crate) facts: StatementFacts,
    pub(crate) redacted: Arc<str>,
    pub(crate) effect: SessionEffect,
    /// Its text is three commands, of which the second runs it (`read/in_function.rs`).
    pub(crate) in_function: bool,
    pub(crate) tree: KeptTree,
    pub(crate) names: Arc<NameContext>,
    pub(crate) catalog: CatalogIndex,
    pub(crate) limits: ReadLimits,
    pub(crate) gathers: bool,
}

impl Parsed {
    /// Whether one value of its result may hold several values of the same column, so that counting values of
    /// the result does not count those of the column. `true` where it is not certain.
    pub const fn gathers(&self) -> bool {
        self.gathers
    }

    /// The text to send upstream when nothing is rewritten.
    pub fn text(&self) -> &str {
        &self.facts.text
    }

    /// The text in which every read of a masked relation goes through a derived table that masks.
    ///
    /// # Errors
    /// Where a masked column is used in a way that a derived table cannot carry, or a mask is not
    /// well-formed. The statement must then be refused.
    pub fn rewrite(&self, masks: &[ColumnMask]) -> Result<Rewritten, RewriteError> {
        self.protect(&Protection { masks, filters: &[] })
    }

    /// Whether it reads texts of statements from the server, so that it has to be rewritten even where
    /// nothing is protected: the texts can hold the salts of masks.
    pub fn shows_statements(&self) -> bool {
        mask::shows_statements(&self.facts)
    }

    /// As [`Self::rewrite`], with row filters besides.
    ///
    /// # Errors
    /// As [`Self::rewrite`]; also where rows outside of a filter could be reached.
    pub fn protect(&self, protection: &Protection<'_>) -> Result<Rewritten, RewriteError> {
        mask::rewrite(self, protection)
    }
}

/// The qualified tree, which only masks need. It takes ten times the memory of everything else about a
/// statement, so it is given up once the statement was judged, and made again should a mask need it.
#[derive(Debug)]
pub(crate) struct KeptTree {
    tree: Mutex<Option<Tree>>,
    /// Nothing where the client's own text is sent and no mask can apply.
    was_there: bool,
}

impl KeptTree {
    pub(crate) const fn new(tree: Option<Tree>) -> Self {
        Self { was_there: tree.is_some(), tree: Mutex::new(tree) }
    }

    /// The tree of a text that was not parsed because its structure was known.
    pub(crate) const fn not_made() -> Self {
        Self { was_there: true, tree: Mutex::new(None) }
    }

    pub(crate) const fn was_there(&self) -> bool {
        self.was_there
    }

    pub(crate) fn take(&self) -> Option<Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A statement that was not understood.
#[derive(Debug)]
pub struct Opaque {
    pub(crate) facts: StatementFacts,
    pub(crate) redacted: String,
    pub(crate) reason: String,
    pub(crate) text: Option<String>,
}

impl Opaque {
    /// Why, fit for a client: no literal of the statement is in it.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The client's own text where it is valid UTF-8.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

/// What the front-end must do about session state when the statement has run.
#[derive(Debug)]
pub enum SessionEffect {
    /// Nothing.
    None,
    /// The search path can be another one: ask the server.
    SearchPathChanged,
    /// Objects have changed: read the catalog again.
    CatalogChanged,
    /// SQL-level PREPARE.
    Prepare {
        /// The statement's name.
        name: String,
        /// What EXECUTE will run.
        statement: Box<Statement>,
    },
    /// SQL-level EXECUTE.
    Execute {
        /// The statement's name.
        name: String,
    },
    /// DEALLOCATE; `None` for all.
    Deallocate {
        /// The statement's name.
        name: Option<String>,
    },
    /// DECLARE … CURSOR.
    DeclareCursor {
        /// The cursor's name.
        name: String,
        /// What FETCH will read.
        statement: Box<Statement>,
    },
    /// FETCH and MOVE.
    Fetch {
        /// The cursor's name.
        name: String,
    },
    /// CLOSE; `None` for all.
    CloseCursor {
        /// The cursor's name.
        name: Option<String>,
    },
    /// DISCARD ALL.
    DiscardAll,
    /// The transaction state changes; it is known from ReadyForQuery.
    Transaction,
    /// The server asks the client for a file of this name, whose rows go to a table.
    ClientFile {
        /// The name, as the statement says it.
        name: String,
    },
    /// Rows come from the client.
    CopyIn,
    /// Rows go to the client.
    CopyOut,
}
