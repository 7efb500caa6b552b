//! What a view's definition says: the base columns behind each of its columns, and what else it reads.
//!
//! A view is not replaced by its definition, because then other rights and other row security would apply
//! than its owner's. The definition is only read, so that what comes out of the view can be masked behind
//! it: a column that is a masked base column under another name has that column's mask.

use std::collections::HashSet;

use jurat_types::{
    ColumnRole, ColumnUse, Engine, FunctionUse, Relation, RelationKind, RelationName, RelationUse,
};
use sqlparser::ast::Statement;

use crate::catalog_index::CatalogIndex;
use crate::facts::Facts;
use crate::gathering::Gathering;
use crate::limits::ReadLimits;
use crate::scan::{Piece, scan};
use crate::statement::{NameContext, SearchPath};
use crate::tree::Tree;
use crate::walk::{Ingredient, Walker};

/// Views that read each other may be as deep as this.
const DEPTH_MAX: usize = 24;

/// What was read from a view's definition.
#[derive(Debug)]
pub(crate) struct View {
    /// For each column of the view, in order, what its value is made of: through other views down to
    /// base columns, the columns of those views included.
    pub(crate) columns: Vec<Vec<Ingredient>>,
    /// The places of columns in which a function that is not known takes part.
    pub(crate) opaque: Vec<usize>,
    /// The relations that it reads, in order of first use.
    pub(crate) relations: Vec<RelationUse>,
    /// Columns that decide which rows it has, or in which order.
    pub(crate) decides: Vec<ColumnUse>,
    /// The functions that it calls.
    pub(crate) functions: Vec<FunctionUse>,
    /// Whether one value of a column may hold several of a column that it reads.
    pub(crate) gathering: Gathering,
}

impl View {
    /// Reads the definition of a relation; `depth` counts the views around it. Nothing where there is
    /// none, or where it is not understood in full: then all that is known is which columns it reads.
    pub(crate) fn read(relation: &Relation, catalog: &CatalogIndex, depth: usize) -> Option<Self> {
        let definition = relation.definition.as_deref()?;
        if depth >= DEPTH_MAX {
            return None;
        }
        let limits = ReadLimits::default().widened();
        let definition = match catalog.engine() {
            Engine::Postgres => plainer(definition, &limits)?,
            Engine::Mariadb | Engine::Mysql => definition.to_owned(),
        };
        let mut tree = Tree::parse_text(&definition, catalog.engine(), &limits).ok()?;
        let path = catalog.catalog().definition_path.clone();
        let names = NameContext { search_path: SearchPath::Known(path) };
        let view = tree.with(|statement| {
            let Statement::Query(query) = statement else { return None };
            let mut walker = Walker::of_definition(catalog, &names, depth.saturating_add(1));
            let (columns, opaque) = walker.definition(query, relation.columns.len()).ok()?;
            let facts = walker.facts;
            if !agrees_with_the_server(&facts, relation, catalog) {
                return None;
            }
            let Facts { relations, functions, columns: used, gathering, .. } = facts;
            let decides = used.into_iter().filter(|column| decides(column.role)).collect();
            Some(Self { columns, opaque, relations, decides, functions, gathering })
        });
        view.flatten()
    }
}

/// A definition without what the parser does not know and what makes no difference to which columns are read: a
/// row stands as `c::t` instead of `c.*::t`, and the words ONLY and VARIADIC are left out.
fn plainer(definition: &str, limits: &ReadLimits) -> Option<String> {
    let pieces: Vec<Piece> = scan(definition, limits.tokens_max).ok()?;
    let mut text = String::with_capacity(definition.len());
    let mut at = 0_usize;
    let mut before = "";
    while let Some(piece) = pieces.get(at) {
        let is = |steps: usize, word: &str| {
            let piece = at.checked_add(steps).and_then(|at| pieces.get(at));
            piece.is_some_and(|piece| piece.of(definition) == word)
        };
        if is(0, ".") && is(1, "*") && is(2, "::") {
            at = at.saturating_add(2);
            continue;
        }
        let word = piece.of(definition);
        // `FETCH FIRST 3 ROWS ONLY` is something else. The server writes key words in capitals.
        if !(word == "VARIADIC" || (word == "ONLY" && before != "ROWS")) {
            text.push_str(word);
        }
        if !piece.kind.is_blank() {
            before = word;
        }
        at = at.saturating_add(1);
    }
    Some(text)
}

/// Whether a column in that role is not shown, but has a say in what is.
const fn decides(role: ColumnRole) -> bool {
    match role {
        ColumnRole::Output | ColumnRole::Returned => false,
        ColumnRole::Argument
        | ColumnRole::Assigned
        | ColumnRole::Distinct
        | ColumnRole::Group
        | ColumnRole::Join
        | ColumnRole::Order
        | ColumnRole::Predicate
        | ColumnRole::Source => true,
    }
}

/// Whether everything that the server says the view depends on was met: a column that was overlooked would
/// be shown as it is.
fn agrees_with_the_server(facts: &Facts, relation: &Relation, catalog: &CatalogIndex) -> bool {
    let columns: HashSet<&str> = facts.columns.iter().map(|column| column.id.as_str()).collect();
    let relations: HashSet<&str> = facts.relations.iter().map(|used| used.id.as_str()).collect();
    // What the views among them read and this one does not show is theirs.
    let behind: HashSet<String> = facts
        .relations
        .iter()
        .filter_map(|used| {
            catalog.relation(&RelationName::new(used.schema.clone(), used.name.clone()))
        })
        .flat_map(|view| view.reads.iter().map(|source| source.relation.to_string()))
        .collect();
    relation.reads.iter().all(|source| {
        let name = source.relation.to_string();
        let met = match &source.column {
            Some(column) => columns.contains(format!("{name}.{column}").as_str()),
            None => relations.contains(name.as_str()),
        };
        // A sequence has no value of a column in it; its name can be an argument.
        let sequence = catalog
            .relation(&source.relation)
            .is_some_and(|relation| relation.kind == RelationKind::Sequence);
        met || sequence || behind.contains(&name)
    })
}
