//! What a session has prepared: by the server's number with `COM_STMT_PREPARE`, and by name with `PREPARE`.

use std::collections::{BTreeSet, HashMap};

use jurat_core::{Ending, OwnWords, Prepared, Running, SessionEffect, Statement};
use jurat_types::Outcome;
use jurat_wire::mysql::command::execute::ParameterType;

/// The number that MariaDB's drivers send for the statement that was prepared last.
const LAST: u32 = u32::MAX;

/// Statements about Jurat have numbers from here on, which a server would give only after two billion others.
const OWN_FROM: u32 = 1 << 31;

/// The tables.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    by_number: HashMap<u32, Numbered>,
    by_name: HashMap<String, Prepared>,
    /// Statements about Jurat, which the server knows nothing of.
    own: HashMap<u32, OwnWords>,
    own_made: u32,
    /// The statement that was prepared last, unless that was refused.
    last: Option<u32>,
    text_bytes: usize,
}

/// A statement with a number.
#[derive(Debug)]
pub(crate) struct Numbered {
    pub(crate) prepared: Prepared,
    /// How many parameters it takes.
    pub(crate) parameters: usize,
    /// The types that were sent with an earlier execution.
    pub(crate) types: Option<Vec<ParameterType>>,
    /// The parameters of which pieces were sent.
    pub(crate) long: BTreeSet<u16>,
    /// How long these pieces are together, bytes.
    pub(crate) long_bytes: usize,
    /// A piece was not passed on, so the next execution fails.
    pub(crate) long_refused: bool,
    /// What runs while rows wait in its cursor.
    pub(crate) cursor: Option<Cursor>,
}

/// An open cursor.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) running: Running,
    /// Rows that were fetched so far.
    pub(crate) rows: u64,
}

impl Cursor {
    /// Records how it ended.
    pub(crate) fn finish(self) {
        let rows = Some(self.rows);
        self.running.finish(Outcome::Done, Ending { rows, ..Ending::default() });
    }
}

impl Numbered {
    pub(crate) const fn new(prepared: Prepared, parameters: usize) -> Self {
        Self {
            prepared,
            parameters,
            types: None,
            long: BTreeSet::new(),
            long_bytes: 0,
            long_refused: false,
            cursor: None,
        }
    }

    /// Forgets pieces of parameters.
    pub(crate) fn forget_long(&mut self) {
        self.long.clear();
        self.long_bytes = 0;
        self.long_refused = false;
    }
}

impl Statements {
    /// How many statements have a number or a name.
    pub(crate) fn len(&self) -> usize {
        self.by_number.len().saturating_add(self.by_name.len()).saturating_add(self.own.len())
    }

    /// The texts of the numbered ones together, bytes.
    pub(crate) const fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    pub(crate) fn put(&mut self, number: u32, statement: Numbered) {
        self.text_bytes = self.text_bytes.saturating_add(statement.prepared.text_bytes());
        self.last = Some(number);
        if let Some(old) = self.by_number.insert(number, statement) {
            self.text_bytes = self.text_bytes.saturating_sub(old.prepared.text_bytes());
        }
    }

    /// Keeps a statement about Jurat, and gives it a number.
    pub(crate) fn put_own(&mut self, words: OwnWords) -> u32 {
        let number = OWN_FROM | (self.own_made & 0x3fff_ffff);
        self.own_made = self.own_made.wrapping_add(1);
        self.own.insert(number, words);
        self.last = Some(number);
        number
    }

    /// The statement about Jurat that has this number.
    pub(crate) fn own(&self, said: u32) -> Option<&OwnWords> {
        let number = if said == LAST { self.last? } else { said };
        self.own.get(&number)
    }

    /// Forgets a statement about Jurat. Tells whether there was one.
    pub(crate) fn remove_own(&mut self, number: u32) -> bool {
        self.own.remove(&number).is_some()
    }

    /// The last attempt to prepare something failed.
    pub(crate) const fn forget_last(&mut self) {
        self.last = None;
    }

    /// The number of a statement that is there.
    pub(crate) fn number(&self, said: u32) -> Option<u32> {
        let number = if said == LAST { self.last? } else { said };
        self.by_number.contains_key(&number).then_some(number)
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Numbered> {
        self.by_number.get_mut(&number)
    }

    pub(crate) fn remove(&mut self, number: u32) -> Option<Numbered> {
        let old = self.by_number.remove(&number)?;
        self.text_bytes = self.text_bytes.saturating_sub(old.prepared.text_bytes());
        Some(old)
    }

    /// What an EXECUTE names.
    pub(crate) fn bound(&self, effect: &SessionEffect) -> Option<Prepared> {
        match effect {
            SessionEffect::Execute { name } => self.by_name.get(&name.to_lowercase()).cloned(),
            SessionEffect::None
            | SessionEffect::Fetch { .. }
            | SessionEffect::SearchPathChanged
            | SessionEffect::CatalogChanged
            | SessionEffect::Prepare { .. }
            | SessionEffect::Deallocate { .. }
            | SessionEffect::DeclareCursor { .. }
            | SessionEffect::CloseCursor { .. }
            | SessionEffect::DiscardAll
            | SessionEffect::Transaction
            | SessionEffect::ClientFile { .. }
            | SessionEffect::CopyIn
            | SessionEffect::CopyOut => None,
        }
    }

    /// The statement that an EXECUTE runs, which does something to the session besides.
    pub(crate) fn inner(&self, effect: &SessionEffect) -> Option<&Statement> {
        let SessionEffect::Execute { name } = effect else { return None };
        let outer = self.by_name.get(&name.to_lowercase())?.statement();
        if let SessionEffect::Prepare { statement, .. } = outer.effect() {
            return Some(statement);
        }
        Some(outer)
    }

    /// Enters what a statement that ran does to names; `made` is what PREPARE makes.
    pub(crate) fn apply(&mut self, effect: &SessionEffect, made: impl FnOnce() -> Prepared) {
        match effect {
            SessionEffect::Prepare { name, .. } => {
                self.by_name.insert(name.to_lowercase(), made());
            }
            SessionEffect::Deallocate { name: Some(name) } => {
                self.by_name.remove(&name.to_lowercase());
            }
            SessionEffect::Deallocate { name: None } | SessionEffect::DiscardAll => {
                self.by_name.clear();
            }
            SessionEffect::None
            | SessionEffect::SearchPathChanged
            | SessionEffect::CatalogChanged
            | SessionEffect::Execute { .. }
            | SessionEffect::Fetch { .. }
            | SessionEffect::DeclareCursor { .. }
            | SessionEffect::CloseCursor { .. }
            | SessionEffect::Transaction
            | SessionEffect::ClientFile { .. }
            | SessionEffect::CopyIn
            | SessionEffect::CopyOut => {}
        }
    }

    pub(crate) fn forget_all(&mut self) {
        for (_, statement) in self.by_number.drain() {
            if let Some(cursor) = statement.cursor {
                cursor.finish();
            }
        }
        self.by_name.clear();
        self.own.clear();
        self.last = None;
        self.text_bytes = 0;
    }
}
