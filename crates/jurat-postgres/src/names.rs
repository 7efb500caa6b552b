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
    statements: Table,
    portals: Table,
    /// The number of the message cycle that is being forwarded.
    generation: u64,
    /// Whether this cycle has changed a name, and the newest earlier cycle that has.
    changing: bool,
    changed: Option<u64>,
}

/// What stands under names. Most statements and portals have none, and are found without hashing.
#[derive(Debug, Default)]
struct Table {
    unnamed: Option<Entry>,
    named: HashMap<Vec<u8>, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    named: Named,
    /// The cycle that made it.
    generation: u64,
    /// Made by DECLARE … WITH HOLD, so that the end of its transaction does not end it.
    hold: bool,
}

/// How to take back what a request did to the names.
#[derive(Debug, Default)]
pub(crate) struct Undo(Vec<Step>);

#[derive(Debug)]
enum Step {
    Statement(Vec<u8>, Option<Entry>),
    Portal(Vec<u8>, Option<Entry>),
}

impl Table {
    fn get(&self, name: &[u8]) -> Option<&Entry> {
        if name.is_empty() { self.unnamed.as_ref() } else { self.named.get(name) }
    }

    fn insert(&mut self, name: &[u8], entry: Entry) -> Option<Entry> {
        if name.is_empty() {
            self.unnamed.replace(entry)
        } else {
            self.named.insert(name.to_vec(), entry)
        }
    }

    fn remove(&mut self, name: &[u8]) -> Option<Entry> {
        if name.is_empty() { self.unnamed.take() } else { self.named.remove(name) }
    }

    fn len(&self) -> usize {
        self.named.len().saturating_add(usize::from(self.unnamed.is_some()))
    }

    fn values(&self) -> impl Iterator<Item = &Entry> {
        self.named.values().chain(&self.unnamed)
    }

    fn drain(&mut self) -> impl Iterator<Item = (Vec<u8>, Entry)> {
        self.named.drain().chain(self.unnamed.take().map(|entry| (Vec::new(), entry)))
    }

    fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        self.unnamed = self.unnamed.take().filter(&keep);
        if !self.named.is_empty() {
            self.named.retain(|_, entry| keep(entry));
        }
    }
}

impl Names {
    pub(crate) fn statement(&self, name: &[u8]) -> Option<&Named> {
        self.statements.get(name).map(|entry| &entry.named)
    }

    pub(crate) fn portal(&self, name: &[u8]) -> Option<&Named> {
        self.portals.get(name).map(|portal| &portal.named)
    }

    /// The texts of all prepared statements together, bytes.
    pub(crate) fn statement_bytes(&self) -> usize {
        let named = self.statements.values().filter_map(|entry| entry.named.as_ref());
        named.map(Prepared::text_bytes).sum()
    }

    pub(crate) fn statements_len(&self) -> usize {
        self.statements.len()
    }

    pub(crate) fn portals_len(&self) -> usize {
        self.portals.len()
    }

    pub(crate) fn put_statement(&mut self, name: &[u8], named: Named) -> Undo {
        let entry = self.entry(named, false);
        let old = self.statements.insert(name, entry);
        Undo(vec![Step::Statement(name.to_vec(), old)])
    }

    pub(crate) fn put_portal(&mut self, name: &[u8], named: Named, hold: bool) -> Undo {
        let entry = self.entry(named, hold);
        let old = self.portals.insert(name, entry);
        Undo(vec![Step::Portal(name.to_vec(), old)])
    }

    const fn entry(&mut self, named: Named, hold: bool) -> Entry {
        self.changing = true;
        Entry { named, generation: self.generation, hold }
    }

    /// Whether what stands under the name was made by an earlier cycle that is not answered yet. It
    /// may still fail, and the name then stands for something older: whoever uses the name has to wait
    /// for the answer. Within one cycle there is no need to: after a failure the server skips the rest.
    pub(crate) fn statement_unsettled(&self, name: &[u8], cycles_done: u64) -> bool {
        self.statements.get(name).is_some_and(|entry| self.unsettled(entry.generation, cycles_done))
    }

    /// As [`Self::statement_unsettled`], for a portal or cursor.
    pub(crate) fn portal_unsettled(&self, name: &[u8], cycles_done: u64) -> bool {
        self.portals.get(name).is_some_and(|entry| self.unsettled(entry.generation, cycles_done))
    }

    /// Whether any name may be unsettled.
    pub(crate) fn any_unsettled(&self, cycles_done: u64) -> bool {
        self.changed.is_some_and(|generation| self.unsettled(generation, cycles_done))
    }

    const fn unsettled(&self, generation: u64, cycles_done: u64) -> bool {
        generation < self.generation && generation >= cycles_done
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
            | SessionEffect::ClientFile { .. }
            | SessionEffect::CopyIn
            | SessionEffect::CopyOut => None,
        }
    }

    /// Enters what a statement does to names by its SQL; `made` is what PREPARE and DECLARE make.
    pub(crate) fn apply(
        &mut self,
        effect: &SessionEffect,
        made: impl FnOnce() -> Prepared,
    ) -> Undo {
        match effect {
            SessionEffect::Prepare { name, .. } => {
                self.put_statement(name.as_bytes(), Some(made()))
            }
            SessionEffect::DeclareCursor { name, .. } => {
                let made = made();
                let hold = made.holds();
                self.put_portal(name.as_bytes(), Some(made), hold)
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
            | SessionEffect::ClientFile { .. }
            | SessionEffect::CopyIn
            | SessionEffect::CopyOut => Undo::default(),
        }
    }

    fn close_all(&mut self, statements: bool, portals: bool) -> Undo {
        let mut steps = Vec::new();
        if statements {
            let old = self.statements.drain();
            steps.extend(old.map(|(name, entry)| Step::Statement(name, Some(entry))));
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
                Step::Statement(name, Some(entry)) => {
                    self.statements.insert(&name, entry);
                }
                Step::Statement(name, None) => {
                    self.statements.remove(&name);
                }
                Step::Portal(name, Some(portal)) => {
                    self.portals.insert(&name, portal);
                }
                Step::Portal(name, None) => {
                    self.portals.remove(&name);
                }
            }
        }
    }

    /// A new message cycle (Sync or Query) was forwarded; returns its number.
    pub(crate) const fn next_cycle(&mut self) -> u64 {
        if self.changing {
            self.changing = false;
            self.changed = Some(self.generation);
        }
        self.generation = self.generation.saturating_add(1);
        self.generation
    }

    /// A simple Query replaces the unnamed statement and portal.
    pub(crate) fn forget_unnamed(&mut self) {
        self.statements.remove(b"");
        self.portals.remove(b"");
    }

    /// The transaction of the oldest `cycles_done` cycles ended: their portals are gone, but for cursors
    /// WITH HOLD. After a rollback those are gone too, and the database refuses a FETCH from them.
    pub(crate) fn transaction_ended(&mut self, cycles_done: u64) {
        self.portals.retain(|portal| portal.hold || portal.generation >= cycles_done);
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

    /// Parse of a name that exists fails, and the name keeps standing for the older statement: a Bind
    /// that was sent along behind a Sync must not be judged as the newer one.
    #[test]
    fn a_name_that_an_unanswered_cycle_made_is_unsettled() {
        let mut names = Names::default();
        names.put_statement(b"s", None);
        assert!(!names.statement_unsettled(b"s", 0), "the same cycle may use it");
        names.next_cycle();
        assert!(names.statement_unsettled(b"s", 0) && names.any_unsettled(0));
        assert!(!names.statement_unsettled(b"s", 1) && !names.any_unsettled(1), "answered");
        assert!(!names.statement_unsettled(b"other", 0));
        // What this cycle changes itself does not hide what the one before has changed.
        names.put_statement(b"", None);
        assert!(names.any_unsettled(0));
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
