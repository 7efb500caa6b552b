//! What a session remembers about texts that differ in their literals only.

use std::collections::HashMap;

use jurat_sql::{CatalogIndex, Mold, NameContext, ReadLimits, Reading, Skeleton, Statement};

/// Skeletons that a session remembers; then it begins anew.
const MOLDS_MAX: usize = 128;

/// Molds by the skeleton of the text. They are valid for what names mean now.
#[derive(Debug, Default)]
pub(crate) struct Molds(HashMap<Box<[u8]>, State>);

#[derive(Debug)]
enum State {
    /// Seen once: making a mold costs as much as reading twice, so it is made when a text comes back.
    Seen,
    /// No mold can be made.
    None,
    Ready(Box<Mold>),
}

/// A text that was read.
pub(crate) enum Read {
    /// From the mold of an earlier text.
    Filled(Box<Statement>),
    /// In full.
    Whole(Reading),
}

impl Molds {
    pub(crate) fn read(
        &mut self,
        text: &[u8],
        (names, catalog): (&NameContext, &CatalogIndex),
        limits: &ReadLimits,
    ) -> Read {
        let whole = || jurat_sql::read(text, names, catalog, limits);
        let Some(skeleton) = Skeleton::of(text, catalog.catalog().engine, limits) else {
            return Read::Whole(whole());
        };
        let Some(state) = self.0.get_mut(skeleton.key()) else {
            if self.0.len() >= MOLDS_MAX {
                self.0.clear();
            }
            self.0.insert(skeleton.key().into(), State::Seen);
            return Read::Whole(whole());
        };
        if matches!(state, State::Seen) {
            *state = Mold::new(&skeleton, whole(), names, catalog, limits)
                .map_or(State::None, |mold| State::Ready(Box::new(mold)));
        }
        let filled = match state {
            State::Ready(mold) => mold.fill(&skeleton),
            State::Seen | State::None => None,
        };
        filled.map_or_else(|| Read::Whole(whole()), |statement| Read::Filled(Box::new(statement)))
    }

    pub(crate) fn forget(&mut self) {
        self.0 = HashMap::new();
    }
}
