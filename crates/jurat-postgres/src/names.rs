//! The names of prepared statements, portals and cursors of a session.
//!
//! PostgreSQL keeps SQL-level and protocol-level names in the same two name spaces, so there is one
//! table for each. A name is entered when its request is forwarded, because the next request of a
//! pipeline may use it, and taken back if the request fails.

use std::collections::HashMap;

use jurat_core::{Prepared, SessionEffect};

/// What stands under a name. `None` is an empty text, which runs nothing.
pub(crate) type Named = Option<Prepared>;

/// The tables.
#[derive(Debug, Default)]
pub(crate) struct Names {
    statements: HashMap<Vec<u8>, Named>,
    portals: HashMap<Vec<u8>, Portal>,
    generation: u64,
}

#[derive(Clone, Debug)]
struct Portal {
    named: Named,
    /// Which message cycle made it: the end of an older transaction must not remove it.
    generation: u64,
    cursor: bool,
}

/// How to take back what a request did to the names.
#[derive(Debug, Default)]
pub(crate) struct Undo(Vec<Step>);

#[derive(Debug)]
enum Step {
    Statement(Vec<u8>, Option<Named>),
    Portal(Vec<u8>, Option<Portal>),
}

impl Names {
    pub(crate) fn statement(&self, name: &[u8]) -> Option<&Named> {
        self.statements.get(name)
    }

    pub(crate) fn portal(&self, name: &[u8]) -> Option<&Named> {
        self.portals.get(name).map(|portal| &portal.named)
    }

    pub(crate) fn statements_len(&self) -> usize {
        self.statements.len()
    }

    pub(crate) fn portals_len(&self) -> usize {
        self.portals.len()
    }

    pub(crate) fn put_statement(&mut self, name: &[u8], named: Named) -> Undo {
        let old = self.statements.insert(name.to_vec(), named);
        Undo(vec![Step::Statement(name.to_vec(), old)])
    }

    pub(crate) fn put_portal(&mut self, name: &[u8], named: Named, cursor: bool) -> Undo {
        let portal = Portal { named, generation: self.generation, cursor };
        let old = self.portals.insert(name.to_vec(), portal);
        Undo(vec![Step::Portal(name.to_vec(), old)])
    }

    pub(crate) fn close_statement(&mut self, name: &[u8]) -> Undo {
        let old = self.statements.remove(name);
        Undo(vec![Step::Statement(name.to_vec(), old)])
    }

    pub(crate) fn close_portal(&mut self, name: &[u8]) -> Undo {
        let old = self.portals.remove(name);
        Undo(vec![Step::Portal(name.to_vec(), old)])
    }

    /// What an EXECUTE or FETCH names.
    pub(crate) fn bound(&self, effect: &SessionEffect) -> Option<Prepared> {
        match effect {
            SessionEffect::Execute { name } => self.statement(name.as_bytes())?.clone(),
            SessionEffect::Fetch { name } => self.portal(name.as_bytes())?.clone(),
            SessionEffect::None
            | SessionEffect::SearchPathChanged
            | SessionEffect::CatalogChanged
            | SessionEffect::Prepare { .. }
            | SessionEffect::Deallocate { .. }
            | SessionEffect::DeclareCursor { .. }
            | SessionEffect::CloseCursor { .. }
            | SessionEffect::DiscardAll
            | SessionEffect::Transaction
            | SessionEffect::CopyIn
            | SessionEffect::CopyOut => None,
        }
    }

    /// Enters what a statement does to names by its SQL; `made` is what PREPARE and DECLARE make.
    pub(crate) fn apply(&mut self, effect: &SessionEffect, made: Prepared) -> Undo {
        match effect {
            SessionEffect::Prepare { name, .. } => self.put_statement(name.as_bytes(), Some(made)),
            SessionEffect::DeclareCursor { name, .. } => {
                self.put_portal(name.as_bytes(), Some(made), true)
            }
            SessionEffect::Deallocate { name: Some(name) } => self.close_statement(name.as_bytes()),
            SessionEffect::Deallocate { name: None } => self.close_all(true, false),
            SessionEffect::CloseCursor { name: Some(name) } => self.close_portal(name.as_bytes()),
            SessionEffect::CloseCursor { name: None } => self.close_all(false, true),
            SessionEffect::DiscardAll => self.close_all(true, true),
            SessionEffect::None
            | SessionEffect::SearchPathChanged
            | SessionEffect::CatalogChanged
            | SessionEffect::Execute { .. }
            | SessionEffect::Fetch { .. }
            | SessionEffect::Transaction
            | SessionEffect::CopyIn
            | SessionEffect::CopyOut => Undo::default(),
        }
    }

    fn close_all(&mut self, statements: bool, portals: bool) -> Undo {
        let mut steps = Vec::new();
        if statements {
            let old = self.statements.drain();
            steps.extend(old.map(|(name, named)| Step::Statement(name, Some(named))));
        }
        if portals {
            let old = self.portals.drain();
            steps.extend(old.map(|(name, portal)| Step::Portal(name, Some(portal))));
        }
        Undo(steps)
    }

    /// Takes back what a request did that failed or was skipped.
    pub(crate) fn undo(&mut self, undo: Undo) {
        for step in undo.0.into_iter().rev() {
            match step {
                Step::Statement(name, Some(named)) => {
                    self.statements.insert(name, named);
                }
                Step::Statement(name, None) => {
                    self.statements.remove(&name);
                }
                Step::Portal(name, Some(portal)) => {
                    self.portals.insert(name, portal);
                }
                Step::Portal(name, None) => {
                    self.portals.remove(&name);
                }
            }
        }
    }

    /// A new message cycle (Sync or Query) was forwarded; returns its number.
    pub(crate) const fn next_cycle(&mut self) -> u64 {
        self.generation = self.generation.saturating_add(1);
        self.generation
    }

    /// A simple Query replaces the unnamed statement and portal.
    pub(crate) fn forget_unnamed(&mut self) {
        self.statements.remove(&Vec::new());
        self.portals.remove(&Vec::new());
    }

    /// The transaction of the oldest `cycles_done` cycles ended: their portals are gone. Cursors may
    /// be WITH HOLD and stay; the database refuses a FETCH from one that did not.
    pub(crate) fn transaction_ended(&mut self, cycles_done: u64) {
        self.portals.retain(|_, portal| portal.cursor || portal.generation >= cycles_done);
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    /// `None` stands for an empty text here: what matters is whether the name is there.
    fn has(names: &Names, portal: &str) -> bool {
        names.portal(portal.as_bytes()).is_some()
    }

    #[test]
    fn a_failed_request_gives_the_old_name_back() {
        let mut names = Names::default();
        let first = names.put_statement(b"s", None);
        let second = names.close_statement(b"s");
        assert!(names.statement(b"s").is_none());
        // Requests are undone in the reverse of their order.
        names.undo(second);
        assert!(names.statement(b"s").is_some());
        names.undo(first);
        assert!(names.statement(b"s").is_none());
    }

    #[test]
    fn the_end_of_a_transaction_takes_its_portals_and_not_those_of_the_next() {
        let mut names = Names::default();
        names.put_portal(b"old", None, false);
        assert_eq!(names.next_cycle(), 1);
        names.put_portal(b"new", None, false);
        names.put_portal(b"cursor", None, true);
        names.transaction_ended(1);
        assert!(!has(&names, "old") && has(&names, "new") && has(&names, "cursor"));
        assert_eq!(names.next_cycle(), 2);
        names.transaction_ended(2);
        assert!(!has(&names, "new") && has(&names, "cursor"));
    }

    #[test]
    fn a_simple_query_replaces_what_has_no_name() {
        let mut names = Names::default();
        names.put_statement(b"", None);
        names.put_portal(b"", None, false);
        names.put_statement(b"kept", None);
        names.forget_unnamed();
        assert!(names.statement(b"").is_none() && !has(&names, ""));
        assert!(names.statement(b"kept").is_some());
    }
}
