//! What was read before: by this session, and by others of the database for which names mean the same.
//!
//! What a text says depends on the catalog, on where names are looked up, and on the bounds of reading, but
//! not on who asks. Judgements do, so each session has its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jurat_sql::{CatalogIndex, Mold, NameContext, ReadLimits, Skeleton, Statement};

use crate::{JudgedStatement, Limits, prepared::ReadStatement, shapes};

/// Texts and skeletons that sessions remember together; then they begin anew.
const SHARED_MAX: usize = 1024;

/// Skeletons that a session remembers; then it begins anew.
const MOLDS_MAX: usize = 128;

/// Meanings of names for which a database keeps what was read. Further ones are read by each session alone.
const CONTEXTS_MAX: usize = 8;

/// The readings of one session.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    texts: HashMap<Box<[u8]>, Arc<[Arc<JudgedStatement>]>>,
    /// By skeleton; nothing where no mold can be made.
    molds: HashMap<Box<[u8]>, Option<Arc<Mold>>>,
    /// Found when it is needed first.
    shared: Option<Arc<SharedReadings>>,
}

/// What readings depend on.
#[derive(Clone, Copy)]
pub(crate) struct Meaning<'a> {
    pub(crate) names: &'a NameContext,
    pub(crate) catalog: &'a Arc<CatalogIndex>,
    pub(crate) limits: &'a Limits,
}

impl Readings {
    /// What the text says; the list is empty for white space and comments. `shared` finds what other sessions
    /// know.
    pub(crate) fn read(
        &mut self,
        text: &[u8],
        meaning: Meaning<'_>,
        shared: impl FnOnce() -> Arc<SharedReadings>,
    ) -> Arc<[Arc<JudgedStatement>]> {
        if let Some(reading) = self.texts.get(text) {
            return Arc::clone(reading);
        }
        let Meaning { names, catalog, limits } = meaning;
        let skeleton = Skeleton::of(text, catalog.catalog().engine, &limits.read);
        if let Some(statement) = skeleton.as_ref().and_then(|skeleton| self.fill(skeleton)) {
            return judged_once(statement);
        }
        let shared = Arc::clone(self.shared.get_or_insert_with(shared));
        let kept = text.len() <= limits.reading_cached_bytes_max;
        let statements = match shared.find(text) {
            Some(statements) => statements,
            None => {
                if let Some(skeleton) = &skeleton
                    && let Some(statement) = self.learn((text, skeleton), &shared, meaning)
                {
                    return judged_once(statement);
                }
                let reading = jurat_sql::read(text, names, catalog, &limits.read).statements;
                let statements =
                    reading.into_iter().map(|one| Arc::new(ReadStatement::new(one))).collect();
                if kept {
                    shared.remember(text, &statements);
                }
                statements
            }
        };
        let statements: Arc<[_]> = statements
            .iter()
            .map(|read| Arc::new(JudgedStatement::new(Arc::clone(read))))
            .collect();
        if kept {
            if self.texts.len() >= limits.readings_cached_max {
                self.texts.clear();
            }
            self.texts.insert(text.into(), Arc::clone(&statements));
        }
        statements
    }

    /// Filling costs less than remembering every text with another literal would.
    fn fill(&self, skeleton: &Skeleton<'_>) -> Option<Statement> {
        self.molds.get(skeleton.key())?.as_ref()?.fill(skeleton)
    }

    /// Takes over the mold that all sessions know, or that there can be none, and fills it.
    fn learn(
        &mut self,
        (text, skeleton): (&[u8], &Skeleton<'_>),
        shared: &SharedReadings,
        meaning: Meaning<'_>,
    ) -> Option<Statement> {
        if self.molds.contains_key(skeleton.key()) {
            return None;
        }
        let mold = shared.mold((text, skeleton), meaning)?;
        if self.molds.len() >= MOLDS_MAX {
            self.molds.clear();
        }
        self.molds.insert(skeleton.key().into(), mold);
        self.fill(skeleton)
    }

    /// A statement of the same shape that was judged in a session of the database.
    pub(crate) fn alike(&self, read: &ReadStatement, by_name: bool) -> Option<Arc<ReadStatement>> {
        self.shared.as_ref()?.alike(read, by_name)
    }

    /// A statement that stands for all of the same shape, so that no session keeps one of its own.
    pub(crate) fn of_shape(&self, read: &Arc<ReadStatement>, by_name: bool) -> Arc<ReadStatement> {
        let shared = self.shared.as_ref();
        shared.map_or_else(|| Arc::clone(read), |shared| shared.of_shape(read, by_name))
    }
}

/// A statement of a text that is not kept.
fn judged_once(statement: Statement) -> Arc<[Arc<JudgedStatement>]> {
    Arc::new([Arc::new(JudgedStatement::new(Arc::new(ReadStatement::new(statement))))])
}

/// The readings that sessions have in common.
#[derive(Debug, Default)]
pub(crate) struct SharedReadings(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    texts: HashMap<Box<[u8]>, Arc<[Arc<ReadStatement>]>>,
    molds: HashMap<Box<[u8]>, State>,
    /// One statement of each shape, by fingerprint.
    shapes: HashMap<Box<str>, Arc<ReadStatement>>,
}

#[derive(Clone, Debug)]
enum State {
    /// Seen once: making a mold costs as much as reading twice, so it is made when a text comes back.
    Seen,
    /// No mold can be made.
    None,
    Ready(Arc<Mold>),
}

impl SharedReadings {
    fn find(&self, text: &[u8]) -> Option<Arc<[Arc<ReadStatement>]>> {
        self.known(|known| known.texts.get(text).cloned())
    }

    fn remember(&self, text: &[u8], statements: &Arc<[Arc<ReadStatement>]>) {
        self.known(|known| {
            if known.texts.len() >= SHARED_MAX {
                known.texts.clear();
            }
            known.texts.insert(text.into(), Arc::clone(statements));
        });
    }

    fn alike(&self, read: &ReadStatement, by_name: bool) -> Option<Arc<ReadStatement>> {
        let facts = read.facts(by_name);
        let other = self.of_fingerprint(&facts.fingerprint)?;
        shapes::same(other.facts(by_name), facts).then_some(other)
    }

    fn of_fingerprint(&self, fingerprint: &str) -> Option<Arc<ReadStatement>> {
        self.known(|known| known.shapes.get(fingerprint).cloned())
    }

    fn of_shape(&self, read: &Arc<ReadStatement>, by_name: bool) -> Arc<ReadStatement> {
        self.alike(read, by_name).unwrap_or_else(|| {
            self.known(|known| {
                if known.shapes.len() >= SHARED_MAX {
                    known.shapes.clear();
                }
                let fingerprint = read.facts(by_name).fingerprint.as_str();
                known.shapes.insert(fingerprint.into(), Arc::clone(read));
            });
            Arc::clone(read)
        })
    }

    /// The mold of a skeleton, or that there is none. Nothing at the first sight of it.
    fn mold(
        &self,
        (text, skeleton): (&[u8], &Skeleton<'_>),
        Meaning { names, catalog, limits }: Meaning<'_>,
    ) -> Option<Option<Arc<Mold>>> {
        let state = self.known(|known| {
            let state = known.molds.get(skeleton.key()).cloned();
            if state.is_none() {
                if known.molds.len() >= SHARED_MAX {
                    known.molds.clear();
                }
                known.molds.insert(skeleton.key().into(), State::Seen);
            }
            state
        });
        match state? {
            State::Ready(mold) => Some(Some(mold)),
            State::None => Some(None),
            State::Seen => {
                // Nobody waits for it: two sessions may make the same one, and either is right.
                let reading = jurat_sql::read(text, names, catalog, &limits.read);
                let mut mold = Mold::new(skeleton, reading, names, catalog, &limits.read);
                if let Some(mold) = &mut mold
                    && let Some(shape) = self.of_fingerprint(&mold.facts().fingerprint)
                {
                    // Facts of its texts are compared with these again and again.
                    mold.share_lists(shape.facts(false));
                }
                let mold = mold.map(Arc::new);
                let state = mold.clone().map_or(State::None, State::Ready);
                self.known(|known| known.molds.insert(skeleton.key().into(), state));
                Some(mold)
            }
        }
    }

    fn known<T>(&self, with: impl FnOnce(&mut Known) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What was read for each meaning that names have in the sessions of a database.
#[derive(Debug, Default)]
pub(crate) struct Contexts(Mutex<Vec<Context>>);

#[derive(Debug)]
struct Context {
    names: NameContext,
    catalog: Arc<CatalogIndex>,
    limits: ReadLimits,
    readings: Arc<SharedReadings>,
}

impl Contexts {
    /// What is shared by those for whom names mean the same in the `newest` catalog of the database. A
    /// session with another one, its own temporary tables for example, shares with nobody.
    pub(crate) fn of(
        &self,
        Meaning { names, catalog, limits }: Meaning<'_>,
        newest: Option<Arc<CatalogIndex>>,
    ) -> Arc<SharedReadings> {
        if !newest.is_some_and(|newest| Arc::ptr_eq(&newest, catalog)) {
            return Arc::default();
        }
        let mut contexts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What was read against an older catalog is of no use to anybody who comes.
        contexts.retain(|context| Arc::ptr_eq(&context.catalog, catalog));
        let same = |context: &&Context| context.names == *names && context.limits == limits.read;
        if let Some(context) = contexts.iter().find(same) {
            return Arc::clone(&context.readings);
        }
        let readings = Arc::<SharedReadings>::default();
        if contexts.len() < CONTEXTS_MAX {
            contexts.push(Context {
                names: names.clone(),
                catalog: Arc::clone(catalog),
                limits: limits.read.clone(),
                readings: Arc::clone(&readings),
            });
        }
        readings
    }
}
