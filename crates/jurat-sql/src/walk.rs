//! The walker: one pass over a statement's tree that resolves every name, writes down the facts and
//! qualifies the names in place.
//!
//! Every `match` on the parser's types names every variant: a construct that nobody has thought about
//! stops the walk, and the statement is opaque. With a mask plan the same pass puts derived tables in
//! the place of masked relations.

mod columns;
mod copy;
mod dcl;
mod ddl;
mod ddl_column;
mod ddl_table;
mod delete;
mod expr;
mod failure;
mod from;
mod function;
mod in_place;
mod insert;
mod join;
mod look_up;
mod merge;
mod mysql;
mod mysql_named;
mod mysql_write;
mod named;
mod operator;
mod order;
mod query;
mod relation;
mod select;
mod session;
mod set_operation;
mod statement;
mod types;
mod update;
mod views;

pub(crate) use in_place::Way;
pub(crate) use views::Ingredient;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use jurat_types::{ColumnId, ColumnMode, ColumnRole, RelationName, Via};

use crate::catalog_index::CatalogIndex;
use crate::facts::Facts;
use crate::mask::{MaskPlan, RewriteError};
use crate::names::Naming;
use crate::scope::{Col, Cte, Item, Scope, Shape, SourceId};
use crate::statement::{NameContext, SearchPath};

/// How many nodes and columns one statement may make the walker visit.
const WORK_MAX: usize = 2_000_000;

/// Why a walk ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A construct that is not handled.
    Unsupported(String),
    /// A name that is not one known object.
    Unresolved {
        /// What kind of thing it should be.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Something else, in words.
    Reason(String),
    /// A mask that cannot be applied; only while rewriting.
    Mask(RewriteError),
}

impl Stop {
    /// Stops at a construct; `what` reads as the subject of "… is not supported".
    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }

    /// Stops at a name.
    pub(crate) fn unresolved(what: &'static str, name: impl Into<String>) -> Self {
        Self::Unresolved { what, name: name.into() }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsupported(what) => write!(f, "{what} is not supported"),
            Self::Unresolved { what, name } => write!(f, "{what} `{name}` is not known"),
            Self::Reason(reason) => write!(f, "{reason}"),
            Self::Mask(error) => write!(f, "{error}"),
        }
    }
}

/// The value of an expression, as far as lineage goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Value {
    /// The base columns that it is made of.
    pub(crate) sources: Vec<SourceId>,
    /// Whether it is one base column, unchanged.
    pub(crate) direct: bool,
    /// Its fields, where it is a row whose fields are known.
    pub(crate) row: Option<Shape>,
}

impl Value {
    /// Adds what another value is made of.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.direct = false;
        if other.sources.is_empty() {
            return;
        }
        self.sources.extend_from_slice(&other.sources);
        self.sources.sort_unstable();
        self.sources.dedup();
    }
}

/// A base column that has a number.
#[derive(Debug)]
enum Interned<'a> {
    /// As it stands in the catalog: there are many of these, and most are never used.
    Catalog(&'a RelationName, &'a str),
    Own(ColumnId),
}

impl Interned<'_> {
    fn parts(&self) -> (&RelationName, &str) {
        match self {
            Self::Catalog(relation, column) => (relation, column),
            Self::Own(id) => (&id.relation, &id.column),
        }
    }
}

/// State of one walk.
pub(crate) struct Walker<'a> {
    pub(crate) catalog: &'a CatalogIndex,
    pub(crate) names: &'a NameContext,
    /// By which rules names are compared and written.
    pub(crate) naming: Naming,
    /// Present while rewriting.
    pub(crate) masks: Option<&'a MaskPlan>,
    /// Where masks are written.
    pub(crate) way: Way,
    /// Tables in the FROM list that is walked now stay what they are.
    keep_tables: bool,
    pub(crate) facts: Facts,
    scopes: Vec<Scope>,
    ctes: Vec<Cte>,
    /// How relations are reached now: inside a WITH query or directly.
    via: Via,
    /// Whether the next SELECT may have INTO: only the first of a statement may.
    into_allowed: bool,
    interned: Vec<Interned<'a>>,
    /// The numbers of those that are no relation's whose columns were all met.
    ids: HashMap<ColumnId, SourceId>,
    /// The columns of the relations that were met, because one is often met again.
    base_shapes: HashMap<&'a RelationName, Shape>,
    /// Uses that are written down, of columns that are no view's.
    recorded: HashSet<(SourceId, ColumnRole, ColumnMode)>,
    /// What columns of views are made of.
    made_of: HashMap<SourceId, Rc<[Ingredient]>>,
    /// Views whose definitions are part of the facts.
    views_read: HashSet<RelationName>,
    /// Where they are wanted: the entries of the FROM list that was left last.
    kept_items: Option<Vec<Item>>,
    /// How many views' definitions this walk is inside of; 0 for a statement.
    depth: usize,
    /// How often a function that is not known has taken part in a value so far.
    opaque: usize,
    /// Steps spent so far.
    work: usize,
}

impl<'a> Walker<'a> {
    pub(crate) fn new(
        catalog: &'a CatalogIndex,
        names: &'a NameContext,
        masks: Option<&'a MaskPlan>,
    ) -> Self {
        Self {
            catalog,
            names,
            naming: catalog.naming(),
            masks,
            way: Way::Usual,
            keep_tables: false,
            facts: Facts::default(),
            scopes: Vec::new(),
            ctes: Vec::new(),
            via: Via::Direct,
            into_allowed: false,
            interned: Vec::new(),
            ids: HashMap::new(),
            base_shapes: HashMap::new(),
            recorded: HashSet::new(),
            made_of: HashMap::new(),
            views_read: HashSet::new(),
            kept_items: None,
            depth: 0,
            opaque: 0,
            work: 0,
        }
    }

    /// Counts work, so that a short text cannot cost much.
    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Stop> {
        self.work = self.work.saturating_add(steps);
        if self.work > WORK_MAX {
            return Err(Stop::unsupported("a statement with so many columns or clauses"));
        }
        Ok(())
    }

    /// The schemas that an unqualified name is looked up in.
    ///
    /// # Errors
    /// Where the search path is not known, or another schema comes before `pg_catalog`: then even
    /// `lower` could be anything.
    pub(crate) fn search_path(&self, name: &str) -> Result<&'a [String], Stop> {
        match &self.names.search_path {
            SearchPath::Known(schemas) => {
                let first = schemas.iter().find(|schema| !is_temporary(schema));
                // In a definition the server has left a schema out only where the path finds the name.
                if self.depth > 0
                    || first.is_some_and(|schema| schema == crate::catalog_index::SYSTEM_SCHEMA)
                {
                    Ok(schemas)
                } else {
                    Err(Stop::unresolved(
                        "the search path does not begin with pg_catalog, so",
                        name,
                    ))
                }
            }
            SearchPath::Unknown => Err(Stop::unresolved("without a known search path", name)),
        }
    }

    /// The number of a base column.
    fn intern(&mut self, column: ColumnId) -> SourceId {
        let met = self.base_shapes.get(&column.relation);
        let known = met.and_then(|shape| shape.cols.iter().find(|col| *col.name == *column.column));
        if let Some(id) = known.and_then(|col| col.sources.first()).or(self.ids.get(&column)) {
            return *id;
        }
        let id = self.intern_new(Interned::Own(column.clone()));
        self.ids.insert(column, id);
        id
    }

    /// The number of a base column that has none yet.
    fn intern_new(&mut self, column: Interned<'a>) -> SourceId {
        let id = SourceId::try_from(self.interned.len()).unwrap_or(SourceId::MAX);
        self.interned.push(column);
        id
    }

    /// The base column of a number.
    fn base_column(&self, source: SourceId) -> Option<(&RelationName, &str)> {
        let index = usize::try_from(source).ok()?;
        self.interned.get(index).map(Interned::parts)
    }

    /// Writes down that base columns are used.
    fn record(&mut self, sources: &[SourceId], role: ColumnRole, mode: ColumnMode) {
        for source in sources {
            // The facts would find it out, too, but by the column's name.
            let hashed = self.made_of.is_empty() && self.facts.has_many_columns();
            if hashed && !self.recorded.insert((*source, role, mode)) {
                continue;
            }
            let column = usize::try_from(*source).ok().and_then(|index| self.interned.get(index));
            if let Some((relation, column)) = column.map(Interned::parts) {
                self.facts.column_of(relation, column, (role, mode, Via::Direct));
            }
            for Ingredient { column, mode: inside } in
                self.made_of.get(source).into_iter().flat_map(|made_of| made_of.iter())
            {
                self.facts.column_via(column, role, views::combined(mode, *inside), Via::View);
            }
        }
    }

    /// Runs `work` with one more level of names.
    fn with_scope<R>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<R, Stop>,
    ) -> Result<R, Stop> {
        self.scopes.push(Scope::default());
        let result = work(self);
        self.scopes.pop();
        result
    }

    /// A result column of a value.
    fn col(name: impl Into<Rc<str>>, value: &Value) -> Col {
        let sources = Rc::from(value.sources.as_slice());
        Col { direct: value.direct, row: value.row.is_some(), ..Col::any(name, &sources) }
    }
}

/// Whether a schema holds temporary objects.
pub(crate) fn is_temporary(schema: &str) -> bool {
    schema == "pg_temp" || schema.starts_with("pg_temp_")
}
