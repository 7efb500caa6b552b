//! Per relation, the derived table that stands for it: its columns masked, its rows filtered.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use jurat_types::{
    Access, ColumnId, ColumnMask, ColumnUse, Engine, PredicateMode, Relation, RelationName,
    StatementFacts,
};
use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem, SetExpr, Statement};

use super::filter::{Filter, Rows};
use super::{Protection, RewriteError, expression, wide, withheld};
use crate::catalog_index::CatalogIndex;
use crate::limits::ReadLimits;
use crate::tree::Tree;
use crate::walk::Stop;

/// A limit that leaves every row; of a query with one, MySQL and MariaDB make a table of its own.
const ROWS_ALL: &str = " LIMIT 18446744073709551615";

/// The masks of one relation, by column.
pub(super) type Masks<'p> = BTreeMap<String, Cow<'p, ColumnMask>>;

/// The masks and row filters of one statement.
///
/// This is the one place that decides, per relation, what stands for it: [`Self::derived`] where it is
/// read, [`Self::target`] where its rows are changed.
#[derive(Debug)]
pub(crate) struct MaskPlan {
    pub(super) columns: HashMap<RelationName, BTreeMap<String, ColumnMask>>,
    filters: Vec<Filter>,
    /// Columns with detectors that come out as they are, because finds are replaced on the way.
    pub(super) passing: HashSet<ColumnId>,
    /// Whether conditions of the statement could fail on rows that a filter takes out, and so tell about
    /// them: then the filter is made to go first.
    fenced: bool,
    limits: ReadLimits,
}

impl MaskPlan {
    pub(super) fn new(protection: &Protection<'_>, limits: &ReadLimits) -> Self {
        let mut columns: HashMap<RelationName, BTreeMap<String, ColumnMask>> = HashMap::new();
        for mask in protection.masks {
            columns
                .entry(mask.column.relation.clone())
                .or_default()
                .insert(mask.column.column.clone(), mask.clone());
        }
        let filters = protection.filters.iter().map(Filter::new).collect();
        Self { columns, filters, passing: HashSet::new(), fenced: false, limits: limits.clone() }
    }

    /// The same, with filters that go before every other condition.
    pub(super) fn fence(&mut self) {
        self.fenced = true;
    }

    pub(super) fn has_filters(&self) -> bool {
        !self.filters.is_empty()
    }

    /// The filters of a relation and of the parents that it is a part of.
    fn filters_of<'s>(&'s self, name: &RelationName, catalog: &CatalogIndex) -> Vec<&'s Filter> {
        if self.filters.is_empty() {
            return Vec::new();
        }
        let names: Vec<String> = lineage(name, catalog).iter().map(ToString::to_string).collect();
        self.filters.iter().filter(|filter| names.contains(&filter.relation)).collect()
    }

    /// The condition that every row of a relation has to meet; `None` where all rows may be seen.
    /// `qualifier` is what the relation is called where the condition stands.
    fn rows(
        &self,
        relation: &Relation,
        qualifier: &str,
        catalog: &CatalogIndex,
    ) -> Result<Option<Rows>, Stop> {
        let mut rows: Option<Rows> = None;
        for filter in self.filters_of(&relation.name, catalog) {
            let one = filter
                .rows(qualifier, relation, (catalog.naming(), &self.limits))
                .map_err(Stop::Mask)?;
            rows = Some(match rows {
                None => one,
                Some(all) => all.and(one),
            });
        }
        Ok(rows)
    }

    /// The masks of a relation and of the parents that it is a part of.
    pub(super) fn of<'p>(&'p self, relation: &Relation, catalog: &CatalogIndex) -> Masks<'p> {
        let mut found = self.own(relation, catalog);
        self.inherit(relation, catalog, &mut found);
        found
    }

    /// The masks that name the relation itself or one of its parents.
    pub(super) fn own<'p>(&'p self, relation: &Relation, catalog: &CatalogIndex) -> Masks<'p> {
        let mut found = Masks::new();
        for name in lineage(&relation.name, catalog) {
            for (column, mask) in self.columns.get(name).into_iter().flatten() {
                if relation.columns.iter().any(|known| known.name == *column) {
                    found.entry(column.clone()).or_insert(Cow::Borrowed(mask));
                }
            }
        }
        found
    }

    /// Whether any column of a relation is masked, or any row of it filtered.
    pub(crate) fn concerns(&self, name: &RelationName, catalog: &CatalogIndex) -> bool {
        !self.filters_of(name, catalog).is_empty()
            || catalog.relation(name).is_some_and(|relation| !self.of(relation, catalog).is_empty())
    }

    /// The query that stands in for a relation; `None` where nothing of it is protected.
    ///
    /// # Errors
    /// Where masked columns or filtered rows would get past it.
    pub(crate) fn derived(
        &self,
        name: &RelationName,
        catalog: &CatalogIndex,
    ) -> Result<Option<Box<Query>>, Stop> {
        let Some(relation) = catalog.relation(name) else {
            return Err(Stop::unresolved("relation", name.to_string()));
        };
        self.check_rows(relation, catalog)?;
        let masks = self.of(relation, catalog);
        match catalog.view(relation, 0) {
            None => self.check_sources(relation)?,
            Some(view) => self.check_view(relation, &view, catalog)?,
        }
        self.check_children(relation, &masks, catalog)?;
        let rows = self.rows(relation, &name.name, catalog)?;
        if masks.is_empty() && rows.is_none() && !withheld::shows(name) {
            return Ok(None);
        }
        let (engine, naming) = (catalog.engine(), catalog.naming());
        let mut items = Vec::with_capacity(relation.columns.len());
        for column in &relation.columns {
            let label = naming.sql(&column.name);
            let passes = || self.passing.contains(&ColumnId::new(name.clone(), &column.name));
            items.push(match masks.get(&column.name) {
                // A mask goes first: it hides the whole text.
                None => match withheld::expression(name, &column.name, &label, engine) {
                    Some(expression) => format!("{expression} AS {label}"),
                    None => label,
                },
                Some(_) if passes() => label,
                Some(mask) => {
                    let expression =
                        expression::of(mask, column, &label, engine).map_err(Stop::Mask)?;
                    format!("{expression} AS {label}")
                }
            });
        }
        let mut text = format!(
            "SELECT {} FROM {}.{}",
            items.join(", "),
            naming.sql(naming.database(&name.schema)),
            naming.sql(&name.name)
        );
        if let Some(rows) = rows {
            text.push_str(&format!(" WHERE {}", rows.condition()));
            if self.fenced {
                // Conditions around it are not moved past these, so they never see another row.
                text.push_str(if engine.is_postgres() { " OFFSET 0" } else { ROWS_ALL });
            }
        }
        self.parse(&text, engine).map(Some)
    }

    /// Adds the filters of the target of an UPDATE or DELETE to its condition.
    ///
    /// # Errors
    /// Where other rows could be reached, or a written column takes part in a filter, so that rows could
    /// be moved out of sight or into that of others.
    pub(crate) fn target(
        &self,
        target: &Target<'_>,
        condition: &mut Option<Expr>,
        catalog: &CatalogIndex,
    ) -> Result<(), Stop> {
        let Some(relation) = catalog.relation(target.name) else {
            return Err(Stop::unresolved("relation", target.name.to_string()));
        };
        self.check_rows(relation, catalog)?;
        let Some(rows) = self.rows(relation, target.alias, catalog)? else { return Ok(()) };
        if let Some(column) = target.written.iter().find(|column| rows.columns.contains(*column)) {
            return Err(Stop::Mask(RewriteError::FilterColumn {
                column: format!("{}.{column}", target.name),
            }));
        }
        let engine = catalog.engine();
        let mut own = self.expression_of(&rows.condition(), engine)?;
        if let Some(theirs) = condition.take() {
            own = if self.fenced {
                let test = self.expression_of("CASE WHEN true THEN true ELSE false END", engine)?;
                first_then(test, own, theirs)
            } else {
                both(own, theirs)
            };
        }
        *condition = Some(own);
        Ok(())
    }

    /// Refuses a write whose rows no filter can be asked about before they are there.
    ///
    /// # Errors
    /// Where the relation has a filter, is a part of one that has, or has a part that has.
    pub(crate) fn check_new_rows(
        &self,
        name: &RelationName,
        what: &'static str,
        catalog: &CatalogIndex,
    ) -> Result<(), Stop> {
        let Some(relation) = catalog.relation(name) else { return Ok(()) };
        self.check_rows(relation, catalog)?;
        if self.filters_of(name, catalog).is_empty() {
            return Ok(());
        }
        Err(Stop::Mask(RewriteError::NewRows { relation: name.to_string(), what }))
    }

    /// An expression of our own as a tree.
    ///
    /// # Errors
    /// Where it is none.
    pub(crate) fn expression_of(&self, text: &str, engine: Engine) -> Result<Expr, Stop> {
        let failed = || Stop::Mask(RewriteError::Text { reason: "it is no expression".to_owned() });
        let query = self.parse(&selected(text, engine), engine)?;
        let SetExpr::Select(select) = *query.body else { return Err(failed()) };
        match <[SelectItem; 1]>::try_from(select.projection) {
            Ok([SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, alias: _ }]) => {
                Ok(expr)
            }
            Ok(_) | Err(_) => Err(failed()),
        }
    }

    /// A query of our own as a tree.
    ///
    /// # Errors
    /// Where it is none, because a mask in it is not an expression.
    pub(crate) fn parse(&self, text: &str, engine: Engine) -> Result<Box<Query>, Stop> {
        let failed = |reason: String| Stop::Mask(RewriteError::Text { reason });
        let limits = wide(&self.limits);
        let mut tree = Tree::parse_text(text, engine, &limits).map_err(failed)?;
        let query = tree.with(|statement| {
            if let Statement::Query(query) = statement { Some(query.clone()) } else { None }
        });
        query.flatten().ok_or_else(|| failed("a mask is not an expression".to_owned()))
    }

    /// A view reads its tables with its owner's rights and past our derived tables.
    pub(super) fn check_sources(&self, relation: &Relation) -> Result<(), Stop> {
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

    /// Whether a relation has no filter, so that it may stay in the text.
    ///
    /// # Errors
    /// Where it reads filtered relations or has a part with filters of its own.
    pub(crate) fn check_unfiltered(
        &self,
        name: &RelationName,
        catalog: &CatalogIndex,
    ) -> Result<bool, Stop> {
        let Some(relation) = catalog.relation(name) else {
            return Err(Stop::unresolved("relation", name.to_string()));
        };
        self.check_rows(relation, catalog)?;
        Ok(self.filters_of(name, catalog).is_empty() && !withheld::shows(name))
    }

    /// Whether filters reach every filtered row that a relation shows.
    fn check_rows(&self, relation: &Relation, catalog: &CatalogIndex) -> Result<(), Stop> {
        self.check_filtered_sources(relation, catalog)?;
        self.check_filtered_children(relation, catalog)
    }

    /// A view reads rows past our derived tables.
    fn check_filtered_sources(
        &self,
        relation: &Relation,
        catalog: &CatalogIndex,
    ) -> Result<(), Stop> {
        if self.filters.is_empty() {
            return Ok(());
        }
        let behind = catalog.behind_view(relation, 0)?;
        for source in relation.reads.iter().map(|source| &source.relation).chain(&behind) {
            for name in family(source, catalog) {
                if !self.filters_of(name, catalog).is_empty() {
                    return Err(Stop::Mask(RewriteError::FilteredView {
                        view: relation.name.to_string(),
                        relation: name.to_string(),
                    }));
                }
            }
        }
        Ok(())
    }

    /// Reading or changing a parent reads or changes its children too.
    fn check_filtered_children(
        &self,
        relation: &Relation,
        catalog: &CatalogIndex,
    ) -> Result<(), Stop> {
        if self.filters.is_empty() {
            return Ok(());
        }
        let own = self.filters_of(&relation.name, catalog).len();
        for child in descendants(&relation.name, catalog) {
            // A child has all the filters of its parents, so more of them are its own.
            if self.filters_of(child, catalog).len() > own {
                return Err(Stop::Mask(RewriteError::FilteredChild {
                    relation: relation.name.to_string(),
                    child: child.to_string(),
                }));
            }
        }
        Ok(())
    }

    /// Reading a parent reads its children too.
    pub(super) fn check_children(
        &self,
        relation: &Relation,
        masks: &Masks<'_>,
        catalog: &CatalogIndex,
    ) -> Result<(), Stop> {
        for child in descendants(&relation.name, catalog) {
            for column in self.columns.get(child).into_iter().flat_map(BTreeMap::keys) {
                if !masks.contains_key(column) {
                    return Err(Stop::Mask(RewriteError::Child {
                        relation: relation.name.to_string(),
                        column: format!("{child}.{column}"),
                    }));
                }
            }
        }
        Ok(())
    }

    /// What may be asked about a column, under its own name or its parent's; `None` where it is not masked.
    pub(super) fn mode(&self, column: &ColumnUse, catalog: &CatalogIndex) -> Option<PredicateMode> {
        let masks = self.columns.iter().filter_map(|(masked, columns)| {
            let mask = columns.get(&column.name)?;
            // Rows of a child are rows of its parent, so a mask on one is a mask on the other.
            let covers =
                family(masked, catalog).iter().any(|name| name.to_string() == column.relation);
            covers.then_some(mask.predicates)
        });
        masks.max()
    }

    /// Whether rows of a column's relation, of its parents or of its parts are changed: then a use of the
    /// column can be one of its real value.
    pub(super) fn is_written(
        column: &ColumnUse,
        facts: &StatementFacts,
        catalog: &CatalogIndex,
    ) -> bool {
        facts.relations.iter().any(|relation| {
            let name = RelationName::new(relation.schema.clone(), relation.name.clone());
            relation.access == Access::Write
                && family(&name, catalog).iter().any(|name| name.to_string() == column.relation)
        })
    }

    /// Whether any mask lets its column be looked up.
    pub(crate) fn has_look_ups(&self) -> bool {
        let mut masks = self.columns.values().flat_map(BTreeMap::values);
        masks.any(|mask| mask.predicates == PredicateMode::Equality)
    }

    /// Whether a column may be looked up by its real value.
    pub(crate) fn allows_look_up(
        &self,
        relation: &RelationName,
        column: &str,
        catalog: &CatalogIndex,
    ) -> bool {
        let mut masks = family(relation, catalog)
            .into_iter()
            .filter_map(|name| self.columns.get(name).and_then(|columns| columns.get(column)))
            .peekable();
        masks.peek().is_some() && masks.all(|mask| mask.predicates == PredicateMode::Equality)
    }
}

/// A query of one expression. On MySQL and MariaDB a result column gets its text as its name, unless it has one.
pub(super) fn selected(text: &str, engine: Engine) -> String {
    if engine.is_postgres() {
        format!("SELECT {text}")
    } else {
        format!("SELECT {text} AS `jurat`")
    }
}

/// The target of an UPDATE or DELETE.
pub(crate) struct Target<'t> {
    /// The relation.
    pub(crate) name: &'t RelationName,
    /// What it is called in the statement.
    pub(crate) alias: &'t str,
    /// The columns that are assigned to.
    pub(crate) written: &'t [String],
}

/// Both conditions, each in brackets.
fn both(own: Expr, theirs: Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(Expr::Nested(Box::new(own))),
        op: BinaryOperator::And,
        right: Box::new(Expr::Nested(Box::new(theirs))),
    }
}

/// `own AND CASE WHEN own THEN theirs ELSE false END`: CASE is the only thing that PostgreSQL promises to
/// evaluate in order, and what stands before it can use an index.
fn first_then(mut case: Expr, own: Expr, theirs: Expr) -> Expr {
    if let Expr::Case { conditions, .. } = &mut case
        && let [only] = conditions.as_mut_slice()
    {
        only.condition = own.clone();
        only.result = Expr::Nested(Box::new(theirs));
        return Expr::BinaryOp {
            left: Box::new(Expr::Nested(Box::new(own))),
            op: BinaryOperator::And,
            right: Box::new(case),
        };
    }
    both(own, theirs)
}

/// A relation and everything that it is a part of.
fn lineage<'c>(name: &'c RelationName, catalog: &'c CatalogIndex) -> Vec<&'c RelationName> {
    let mut found: Vec<&RelationName> = vec![name];
    let mut next = 0_usize;
    while let Some(child) = found.get(next).copied() {
        next = next.saturating_add(1);
        for parent in catalog.relation(child).into_iter().flat_map(|relation| &relation.parents) {
            if !found.contains(&parent) {
                found.push(parent);
            }
        }
    }
    found
}

/// Everything that is a part of a relation.
pub(super) fn descendants<'c>(
    name: &'c RelationName,
    catalog: &'c CatalogIndex,
) -> Vec<&'c RelationName> {
    let mut found: Vec<&RelationName> = Vec::new();
    let mut seen: HashSet<&RelationName> = HashSet::from([name]);
    let mut waiting = vec![name];
    while let Some(parent) = waiting.pop() {
        for child in catalog.children(parent) {
            if seen.insert(child) {
                found.push(child);
                waiting.push(child);
            }
        }
    }
    found
}

/// A relation, everything that it is a part of, and everything that is a part of it.
pub(super) fn family<'c>(
    name: &'c RelationName,
    catalog: &'c CatalogIndex,
) -> Vec<&'c RelationName> {
    let mut found = lineage(name, catalog);
    found.extend(descendants(name, catalog));
    found
}
