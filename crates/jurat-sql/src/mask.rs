//! Masks: which relations are masked, and the text in which they are.

mod definition;
mod expression;
mod in_place;
mod view;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use jurat_types::{ColumnMask, ColumnRole, ColumnUse, Relation, RelationName};
use sqlparser::ast::{Query, Statement};
use thiserror::Error;

use crate::catalog_index::CatalogIndex;
use crate::limits::ReadLimits;
use crate::names;
use crate::read::read;
use crate::statement::{Parsed, Statement as Read};
use crate::tree::Tree;
use crate::walk::{Stop, Walker, Way};

/// Stack that the expressions of masks need on top of the statement's own, in bytes.
const MASK_STACK_BYTES: usize = 1 << 20;

/// A text in which masks are spliced in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rewritten {
    /// The text to send upstream.
    pub text: String,
}

/// Why a mask cannot be applied to a statement. The messages are fit for a client.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum RewriteError {
    /// The column decides something instead of being shown.
    #[error(
        "masked column {column} is used in {place}; ask for another policy or do not use it there"
    )]
    Role {
        /// The column.
        column: String,
        /// `WHERE`, `a join`, …
        place: &'static str,
    },
    /// The relation is read through a view whose definition is not understood.
    #[error(
        "masked column {column} is read through {relation}, whose definition is not understood"
    )]
    Indirect {
        /// The masked column.
        column: String,
        /// The view.
        relation: String,
    },
    /// A view's definition does more with the column than to show it.
    #[error(
        "masked column {column} is used by the definition of {relation} in {place}; ask for another policy or read its tables"
    )]
    View {
        /// The masked column.
        column: String,
        /// The view.
        relation: String,
        /// `WHERE`, `a join`, …
        place: &'static str,
    },
    /// A child table has a mask that its parent has not.
    #[error("{relation} has a child table whose column {column} is masked")]
    Child {
        /// The relation that is read.
        relation: String,
        /// The child's column.
        column: String,
    },
    /// A new name would take the column's label away.
    #[error("masked column {column} would lose its label under another name")]
    Renamed {
        /// The column.
        column: String,
    },
    /// `ctid` and the like say which rows are equal.
    #[error("a system column of the masked relation {relation} is used")]
    SystemColumn {
        /// The relation.
        relation: String,
    },
    /// The relation stays in the text, and the mask cannot be written where the column is used.
    #[error("masked column {column} is used in {place}, where it cannot be masked")]
    InPlace {
        /// The column.
        column: String,
        /// `USING or NATURAL`, …
        place: &'static str,
    },
    /// A cast to the table's row type.
    #[error("the row type of the masked relation {relation} is used")]
    RowType {
        /// The relation.
        relation: String,
    },
    /// No query gives what COPY of the relation gives.
    #[error(
        "COPY of the masked relation {relation} cannot be masked, because {reason}; use COPY (SELECT …) TO"
    )]
    Copy {
        /// The relation.
        relation: String,
        /// Why not.
        reason: &'static str,
    },
    /// A mask that no expression can be made of.
    #[error("the mask for {column} is not well-formed: {reason}")]
    Mask {
        /// The column.
        column: String,
        /// What is wrong.
        reason: String,
    },
    /// The statement cannot be written with masks.
    #[error("the statement cannot be rewritten with masks: {reason}")]
    Text {
        /// What is wrong.
        reason: String,
    },
}

/// The masks of one relation, by column.
type Masks<'p> = BTreeMap<String, Cow<'p, ColumnMask>>;

/// The masks of one statement, by relation.
#[derive(Debug)]
pub(crate) struct MaskPlan {
    columns: HashMap<RelationName, BTreeMap<String, ColumnMask>>,
    limits: ReadLimits,
}

impl MaskPlan {
    fn new(masks: &[ColumnMask], limits: &ReadLimits) -> Self {
        let mut columns: HashMap<RelationName, BTreeMap<String, ColumnMask>> = HashMap::new();
        for mask in masks {
            columns
                .entry(mask.column.relation.clone())
                .or_default()
                .insert(mask.column.column.clone(), mask.clone());
        }
        Self { columns, limits: limits.clone() }
    }

    /// Whether a mask holds something that the client must not see.
    fn has_salt(&self) -> bool {
        self.columns
            .values()
            .flat_map(BTreeMap::values)
            .any(|mask| mask.params.contains_key("salt"))
    }

    /// The masks of a relation and of the parents that it is a part of.
    fn of<'p>(&'p self, relation: &Relation, catalog: &CatalogIndex) -> Masks<'p> {
        let mut found = self.own(relation, catalog);
        self.inherit(relation, catalog, &mut found);
        found
    }

    /// The masks that name the relation itself or one of its parents.
    fn own<'p>(&'p self, relation: &Relation, catalog: &CatalogIndex) -> Masks<'p> {
        let mut found = Masks::new();
        let mut seen: Vec<&RelationName> = Vec::new();
        let mut waiting: Vec<&RelationName> = vec![&relation.name];
        while let Some(name) = waiting.pop() {
            if seen.contains(&name) {
                continue;
            }
            seen.push(name);
            for (column, mask) in self.columns.get(name).into_iter().flatten() {
                if relation.columns.iter().any(|known| known.name == *column) {
                    found.entry(column.clone()).or_insert(Cow::Borrowed(mask));
                }
            }
            if let Some(known) = catalog.relation(name) {
                waiting.extend(&known.parents);
            }
        }
        found
    }

    /// Whether any column of a relation is masked.
    pub(crate) fn concerns(&self, name: &RelationName, catalog: &CatalogIndex) -> bool {
        catalog.relation(name).is_some_and(|relation| !self.of(relation, catalog).is_empty())
    }

    /// The query that stands in for a relation; `None` where nothing of it is masked.
    ///
    /// # Errors
    /// Where masked columns would get past it.
    pub(crate) fn derived(
        &self,
        name: &RelationName,
        catalog: &CatalogIndex,
    ) -> Result<Option<Box<Query>>, Stop> {
        let Some(relation) = catalog.relation(name) else {
            return Err(Stop::unresolved("relation", name.to_string()));
        };
        let masks = self.of(relation, catalog);
        match catalog.view(relation, 0) {
            None => self.check_sources(relation)?,
            Some(view) => self.check_view(relation, &view, catalog)?,
        }
        self.check_children(relation, &masks, catalog)?;
        if masks.is_empty() {
            return Ok(None);
        }
        let mut items = Vec::with_capacity(relation.columns.len());
        for column in &relation.columns {
            let label = names::sql(&column.name);
            items.push(match masks.get(&column.name) {
                None => label,
                Some(mask) => {
                    let expression = expression::of(mask, column, &label).map_err(Stop::Mask)?;
                    format!("{expression} AS {label}")
                }
            });
        }
        let text = format!(
            "SELECT {} FROM {}.{}",
            items.join(", "),
            names::sql(&name.schema),
            names::sql(&name.name)
        );
        self.parse(&text).map(Some)
    }

    /// A query of our own as a tree.
    ///
    /// # Errors
    /// Where it is none, because a mask in it is not an expression.
    pub(crate) fn parse(&self, text: &str) -> Result<Box<Query>, Stop> {
        let failed = |reason: String| Stop::Mask(RewriteError::Text { reason });
        let limits = wide(&self.limits);
        let mut tree = Tree::parse_text(text, &limits).map_err(failed)?;
        let query = tree.with(|statement| {
            if let Statement::Query(query) = statement { Some(query.clone()) } else { None }
        });
        query.flatten().ok_or_else(|| failed("a mask is not an expression".to_owned()))
    }

    /// A view reads its tables with its owner's rights and past our derived tables.
    fn check_sources(&self, relation: &Relation) -> Result<(), Stop> {
        for source in &relation.reads {
            let Some(masks) = self.columns.get(&source.relation) else { continue };
            let masked = match &source.column {
                Some(column) => masks.contains_key(column).then_some(column),
                None => masks.keys().next(),
            };
            if let Some(column) = masked {
                return Err(Stop::Mask(RewriteError::Indirect {
                    column: format!("{}.{column}", source.relation),
                    relation: relation.name.to_string(),
                }));
            }
        }
        Ok(())
    }

    /// Reading a parent reads its children too.
    fn check_children(
        &self,
        relation: &Relation,
        masks: &Masks<'_>,
        catalog: &CatalogIndex,
    ) -> Result<(), Stop> {
        let mut seen: Vec<&RelationName> = vec![&relation.name];
        let mut waiting: Vec<&RelationName> = catalog.children(&relation.name).iter().collect();
        while let Some(child) = waiting.pop() {
            if seen.contains(&child) {
                continue;
            }
            seen.push(child);
            for column in self.columns.get(child).into_iter().flat_map(BTreeMap::keys) {
                if !masks.contains_key(column) {
                    return Err(Stop::Mask(RewriteError::Child {
                        relation: relation.name.to_string(),
                        column: format!("{child}.{column}"),
                    }));
                }
            }
            waiting.extend(catalog.children(child));
        }
        Ok(())
    }

    /// Whether a use is of a masked column, under its own name or its parent's.
    fn covers(&self, column: &ColumnUse, catalog: &CatalogIndex) -> bool {
        self.columns.iter().filter(|(_, columns)| columns.contains_key(&column.name)).any(
            |(masked, _)| {
                // Rows of a child are rows of its parent, so a mask on one is a mask on the other.
                family(masked, catalog).iter().any(|name| name.to_string() == column.relation)
            },
        )
    }
}

/// A relation, everything that it is a part of, and everything that is a part of it.
fn family<'c>(name: &'c RelationName, catalog: &'c CatalogIndex) -> Vec<&'c RelationName> {
    let mut found: Vec<&RelationName> = vec![name];
    let mut up = vec![name];
    while let Some(child) = up.pop() {
        for parent in catalog.relation(child).into_iter().flat_map(|relation| &relation.parents) {
            if !found.contains(&parent) {
                found.push(parent);
                up.push(parent);
            }
        }
    }
    let mut down = vec![name];
    while let Some(parent) = down.pop() {
        for child in catalog.children(parent) {
            if !found.contains(&child) {
                found.push(child);
                down.push(child);
            }
        }
    }
    found
}

/// Limits for texts that masks have made longer.
fn wide(limits: &ReadLimits) -> ReadLimits {
    ReadLimits {
        bytes_max: limits.bytes_max.saturating_mul(16),
        tokens_max: limits.tokens_max.saturating_mul(16),
        statements_max: 1,
        nesting_max: limits.nesting_max.saturating_add(32),
    }
}

/// Writes a statement so that every read of a masked relation goes through a derived table.
pub(crate) fn rewrite(parsed: &Parsed, masks: &[ColumnMask]) -> Result<Rewritten, RewriteError> {
    let plan = MaskPlan::new(masks, &parsed.limits);
    plan.check_views(&parsed.facts.relations, &parsed.catalog)?;
    for column in &parsed.facts.columns {
        if plan.covers(column, &parsed.catalog) {
            check_role(column)?;
        }
    }
    plan.check_written(&parsed.facts.relations, &parsed.catalog)?;
    let tree = match parsed.tree.take() {
        Some(tree) => Some(tree),
        None if parsed.tree.was_there() => whole(parsed)?.tree.take(),
        None => None,
    };
    let Some(mut tree) = tree else {
        // Such a statement names no column and reads nothing that a mask could stand before.
        return unmasked(parsed, &plan);
    };
    if parsed.facts.kind == "explain" && plan.has_salt() {
        return Err(RewriteError::Text {
            reason: "EXPLAIN would show the salt of a mask".to_owned(),
        });
    }
    tree.deepen(MASK_STACK_BYTES);
    let first = match written(parsed, &plan, tree.copy(), Way::Usual) {
        Ok(rewritten) => return Ok(rewritten),
        Err(error) => error,
    };
    // What one way cannot carry another may.
    let other = match &first {
        RewriteError::SystemColumn { .. } => Way::InPlace,
        RewriteError::InPlace { .. } => Way::Derived,
        RewriteError::Role { .. }
        | RewriteError::Indirect { .. }
        | RewriteError::Renamed { .. }
        | RewriteError::View { .. }
        | RewriteError::Child { .. }
        | RewriteError::RowType { .. }
        | RewriteError::Copy { .. }
        | RewriteError::Mask { .. }
        | RewriteError::Text { .. } => return Err(first),
    };
    written(parsed, &plan, tree, other).map_err(|_other| first)
}

/// The text of a statement with masks written in one way.
fn written(
    parsed: &Parsed,
    plan: &MaskPlan,
    mut tree: Tree,
    way: Way,
) -> Result<Rewritten, RewriteError> {
    let walked = tree.with(|statement| {
        let mut walker = Walker::new(&parsed.catalog, &parsed.names, Some(plan));
        walker.way = way;
        let result = walker.statement(statement);
        result.map(|()| walker.facts)
    });
    let facts = match walked {
        Some(Ok(facts)) => facts,
        Some(Err(Stop::Mask(error))) => return Err(error),
        Some(Err(stop)) => return Err(RewriteError::Text { reason: stop.to_string() }),
        None => return Err(RewriteError::Text { reason: "it is gone".to_owned() }),
    };
    if !facts.canonical {
        // Nothing but names stands in such a statement, and no name was replaced.
        return Ok(Rewritten { text: parsed.facts.text.clone() });
    }
    let text = tree.print(&wide(&parsed.limits)).map_err(|reason| RewriteError::Text { reason })?;
    Ok(Rewritten { text })
}

/// The full reading of a statement whose tree was not kept.
fn whole(parsed: &Parsed) -> Result<Parsed, RewriteError> {
    let text = parsed.facts.text.as_bytes();
    let mut again = read(text, &parsed.names, &parsed.catalog, &parsed.limits.widened()).statements;
    match again.pop() {
        Some(Read::Parsed(whole)) if again.is_empty() && whole.facts.text == parsed.facts.text => {
            Ok(whole)
        }
        Some(Read::Parsed(_) | Read::Opaque(_)) | None => {
            Err(RewriteError::Text { reason: "it reads differently again".to_owned() })
        }
    }
}

/// The text of a statement without a tree, unless it touches a masked relation at all.
fn unmasked(parsed: &Parsed, plan: &MaskPlan) -> Result<Rewritten, RewriteError> {
    for relation in &parsed.facts.relations {
        let name = RelationName::new(relation.schema.clone(), relation.name.clone());
        if plan.concerns(&name, &parsed.catalog) {
            return Err(RewriteError::Text {
                reason: format!("this statement touches {}", relation.id),
            });
        }
    }
    Ok(Rewritten { text: parsed.facts.text.clone() })
}

/// A masked column may be shown, and may be written; it may not decide anything.
fn check_role(column: &ColumnUse) -> Result<(), RewriteError> {
    match place(column.role) {
        None => Ok(()),
        Some(place) => Err(RewriteError::Role { column: column.id.clone(), place }),
    }
}

/// Where a masked column may not stand; nothing where it may. What is compared by DISTINCT, UNION and the
/// like are the masked values, which the client sees anyway.
const fn place(role: ColumnRole) -> Option<&'static str> {
    match role {
        ColumnRole::Output | ColumnRole::Returned | ColumnRole::Assigned | ColumnRole::Distinct => {
            None
        }
        ColumnRole::Argument => Some("the arguments of a function in FROM"),
        ColumnRole::Group => Some("GROUP BY, DISTINCT ON, PARTITION BY or a DISTINCT aggregate"),
        ColumnRole::Join => Some("a join condition"),
        ColumnRole::Order => Some("ORDER BY"),
        ColumnRole::Predicate => Some("a condition (WHERE, HAVING, FILTER, CASE, ON CONFLICT)"),
        ColumnRole::Source => Some("a value that is written"),
    }
}
