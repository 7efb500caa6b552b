//! What a reading gives: statements that were understood, and statements that were not.

use jurat_types::StatementFacts;

use crate::catalog_index::CatalogIndex;
use crate::limits::ReadLimits;
use crate::mask::{self, Rewritten};
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
    pub(crate) redacted: String,
    pub(crate) effect: SessionEffect,
    /// The qualified tree; `None` where the client's own text is sent and no mask can apply.
    pub(crate) tree: Option<Tree>,
    /// Whether a mold made it (`mold.rs`), so that the tree has to be made when a mask needs it.
    pub(crate) filled: bool,
    pub(crate) names: NameContext,
    pub(crate) catalog: CatalogIndex,
    pub(crate) limits: ReadLimits,
}

impl Parsed {
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
        mask::rewrite(self, masks)
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
    /// Rows come from the client.
    CopyIn,
    /// Rows go to the client.
    CopyOut,
}
