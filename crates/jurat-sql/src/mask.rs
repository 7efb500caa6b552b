//! Masks and row filters: the text in which nothing else is read than what they leave.

mod definition;
mod detected;
mod expression;
mod family;
mod filter;
mod in_place;
mod mysql;
mod origin;
mod parameters;
mod plan;
mod view;
mod withheld;

use std::collections::BTreeMap;

use jurat_types::{
    Access, ColumnMask, ColumnRole, ColumnUse, MaskMethod, PredicateMode, RelationName, RowFilter,
    Via,
};
use thiserror::Error;

pub(crate) use self::filter::is_built_in;
pub(crate) use self::plan::{MaskPlan, Target};
pub use self::withheld::SALT_PREFIX;
pub(crate) use self::withheld::shows_statements;
use crate::facts::Facts;
use crate::limits::ReadLimits;
use crate::read::read;
use crate::statement::{Parsed, SessionEffect, Statement as Read};
use crate::tree::Tree;
use crate::walk::{Stop, Walker, Way};

impl RewriteError {
    /// Whether a row filter stands in the way, and not a mask.
    pub const fn is_about_rows(&self) -> bool {
        match self {
            Self::Filter { .. }
            | Self::FilterColumn { .. }
            | Self::FilteredChild { .. }
            | Self::FilteredSample { .. }
            | Self::FilteredView { .. }
            | Self::NewRows { .. } => true,
            Self::Child { .. }
            | Self::Copy { .. }
            | Self::InPlace { .. }
            | Self::Indirect { .. }
            | Self::Mask { .. }
            | Self::Renamed { .. }
            | Self::Role { .. }
            | Self::RowType { .. }
            | Self::SystemColumn { .. }
            | Self::Text { .. }
            | Self::View { .. } => false,
        }
    }

    /// Whether the policy is at fault, and no statement could do better.
    pub const fn is_malformed(&self) -> bool {
        matches!(self, Self::Filter { .. } | Self::Mask { .. })
    }
}

pub use origin::Origins;

/// Stack that the expressions of masks need on top of the statement's own, in bytes.
const MASK_STACK_BYTES: usize = 1 << 20;

/// What a decision asks to be kept from the client.
#[derive(Clone, Copy, Debug)]
pub struct Protection<'p> {
    /// At most one mask a column.
    pub masks: &'p [ColumnMask],
    /// All of them hold.
    pub filters: &'p [RowFilter],
}

/// A text in which masks and row filters are spliced in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rewritten {
    /// The text to send upstream.
    pub text: String,
    /// Result columns that have to be looked through; empty for most statements.
    pub detected: Vec<Detected>,
}

/// A result column whose values are looked through on their way to the client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Detected {
    /// Its place in the result, from 0.
    pub position: usize,
    /// How many columns the result has.
    pub columns: usize,
    /// What is looked for.
    pub kinds: Vec<String>,
    /// Whether the values are JSON.
    pub json: bool,
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
    #[error("a system column of the protected relation {relation} is used")]
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
    /// TABLESAMPLE takes tables only, and a filter has to go before it.
    #[error("TABLESAMPLE of the filtered relation {relation} is not supported")]
    FilteredSample {
        /// The relation.
        relation: String,
    },
    /// A cast to the table's row type.
    #[error("the row type of the protected relation {relation} is used")]
    RowType {
        /// The relation.
        relation: String,
    },
    /// No query gives what COPY of the relation gives.
    #[error(
        "COPY of the protected relation {relation} cannot be protected, because {reason}; use COPY (SELECT …) TO"
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
    /// A row filter that is no condition over its relation.
    #[error("the row filter {id} of {relation} is not well-formed: {reason}")]
    Filter {
        /// The relation that it is for.
        relation: String,
        /// The filter.
        id: String,
        /// What is wrong.
        reason: String,
    },
    /// Rows that are not there yet cannot be filtered.
    #[error("{what} {relation} is not possible, because its rows are filtered")]
    NewRows {
        /// The relation.
        relation: String,
        /// `INSERT into`, …
        what: &'static str,
    },
    /// A write could move a row out of the filter.
    #[error("column {column} decides which rows may be seen, and cannot be written")]
    FilterColumn {
        /// The column.
        column: String,
    },
    /// A view over filtered rows.
    #[error(
        "the filtered relation {relation} is read through {view}, where it cannot be filtered yet"
    )]
    FilteredView {
        /// The view.
        view: String,
        /// What it reads.
        relation: String,
    },
    /// A child table has a filter that its parent has not.
    #[error("{relation} has a child table {child} whose rows are filtered")]
    FilteredChild {
        /// The relation that is read or changed.
        relation: String,
        /// The child.
        child: String,
    },
    /// The statement cannot be written with masks.
    #[error("the statement cannot be rewritten: {reason}")]
    Text {
        /// What is wrong.
        reason: String,
    },
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

/// What EXPLAIN tells besides rows: how often the server thinks that a value occurs, and with ANALYZE how many
/// rows a filter has hidden. (The salt of a mask is another one there.)
fn check_explained(parsed: &Parsed, plan: &MaskPlan) -> Result<(), RewriteError> {
    let refused = |reason: &str| Err(RewriteError::Text { reason: reason.to_owned() });
    let looks_up = |column: &ColumnUse| {
        column.role == ColumnRole::Predicate
            && plan.mode(column, &parsed.catalog) == Some(PredicateMode::Equality)
    };
    if parsed.facts.columns.iter().any(looks_up) {
        return refused("EXPLAIN would tell how often a masked value occurs");
    }
    if plan.has_filters() && parsed.facts.executes {
        return refused("EXPLAIN ANALYZE would count rows that a filter hides");
    }
    Ok(())
}

/// The masks of an EXPLAIN of MySQL or MariaDB. Both servers read rows that a key picks out while they plan, and
/// show their values in conditions and in the notes behind the plan. So a masked column is not read at all there,
/// and with row filters, where rows that may not be seen would be read, nothing is explained.
fn nothing_to_explain(
    parsed: &Parsed,
    protection: &Protection<'_>,
) -> Result<Option<Vec<ColumnMask>>, RewriteError> {
    if parsed.facts.kind != "explain" || parsed.catalog.engine().is_postgres() {
        return Ok(None);
    }
    if !protection.filters.is_empty() {
        let reason = "EXPLAIN would show values of rows that a filter hides".to_owned();
        return Err(RewriteError::Text { reason });
    }
    let nothing = |mask: &ColumnMask| ColumnMask {
        method: MaskMethod::Null,
        params: BTreeMap::new(),
        ..mask.clone()
    };
    Ok(Some(protection.masks.iter().map(nothing).collect()))
}

/// Writes a statement so that every read of a protected relation goes through a derived table, and every
/// change of one changes the rows that may be seen.
pub(crate) fn rewrite(
    parsed: &Parsed,
    protection: &Protection<'_>,
) -> Result<Rewritten, RewriteError> {
    let explained = nothing_to_explain(parsed, protection)?;
    let explained =
        explained.as_ref().map(|masks| Protection { masks, filters: protection.filters });
    let protection = explained.as_ref().unwrap_or(protection);
    let mut plan = MaskPlan::new(protection, &parsed.limits);
    if withheld::shows_through_view(&parsed.facts) {
        return Err(RewriteError::Text {
            reason: "it reads texts of statements through a view".to_owned(),
        });
    }
    plan.check_views(&parsed.facts.relations, &parsed.catalog)?;
    check_roles(parsed, &plan)?;
    let detected = plan.let_pass(&parsed.facts, &parsed.catalog);
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
    if parsed.facts.kind == "explain" {
        check_explained(parsed, &plan)?;
    }
    tree.deepen(MASK_STACK_BYTES);
    let first = match written(parsed, &mut plan, tree.copy(), Way::Usual) {
        Ok(rewritten) => return Ok(Rewritten { detected, ..rewritten }),
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
        | RewriteError::Filter { .. }
        | RewriteError::FilterColumn { .. }
        | RewriteError::FilteredChild { .. }
        | RewriteError::FilteredSample { .. }
        | RewriteError::FilteredView { .. }
        | RewriteError::Mask { .. }
        | RewriteError::NewRows { .. }
        | RewriteError::Text { .. } => return Err(first),
    };
    let rewritten = written(parsed, &mut plan, tree, other).map_err(|_other| first)?;
    Ok(Rewritten { detected, ..rewritten })
}

/// The text of a statement with masks written in one way.
fn written(
    parsed: &Parsed,
    plan: &mut MaskPlan,
    mut tree: Tree,
    way: Way,
) -> Result<Rewritten, RewriteError> {
    let untouched = plan.has_filters().then(|| tree.copy());
    let mut facts = splice(parsed, &mut tree, plan, way)?;
    if facts.can_fail
        && let Some(copy) = untouched
    {
        plan.fence();
        tree = copy;
        facts = splice(parsed, &mut tree, plan, way)?;
    }
    for column in &facts.columns {
        // What was moved below the masks is no longer there to be seen.
        if plan.mode(column, &parsed.catalog) == Some(PredicateMode::Equality) {
            check_role(column)?;
        }
    }
    if !facts.canonical {
        // Nothing but names stands in such a statement, and no name was replaced.
        return Ok(Rewritten { text: parsed.facts.text.clone(), detected: Vec::new() });
    }
    let text = tree.print(&wide(&parsed.limits)).map_err(|reason| RewriteError::Text { reason })?;
    Ok(Rewritten { text, detected: Vec::new() })
}

/// Walks the tree once more, with the plan.
fn splice(
    parsed: &Parsed,
    tree: &mut Tree,
    plan: &MaskPlan,
    way: Way,
) -> Result<Facts, RewriteError> {
    let walked = tree.with(|statement| {
        let mut walker = Walker::new(&parsed.catalog, &parsed.names, Some(plan));
        walker.way = way;
        let result = walker.statement(statement);
        result.map(|()| walker.facts)
    });
    match walked {
        Some(Ok(facts)) => Ok(facts),
        Some(Err(stop)) => Err(in_words(stop)),
        None => Err(RewriteError::Text { reason: "it is gone".to_owned() }),
    }
}

fn in_words(stop: Stop) -> RewriteError {
    match stop {
        Stop::Mask(error) => error,
        Stop::Unsupported(_) | Stop::Unresolved { .. } | Stop::Reason(_) => {
            RewriteError::Text { reason: stop.to_string() }
        }
    }
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

/// The text of a statement without a tree, unless it touches a masked relation at all. LOAD DATA shows nothing of
/// the table that it fills.
fn unmasked(parsed: &Parsed, plan: &MaskPlan) -> Result<Rewritten, RewriteError> {
    let fills = matches!(parsed.effect, SessionEffect::ClientFile { .. });
    for relation in parsed.facts.relations.iter() {
        let name = RelationName::new(relation.schema.clone(), relation.name.clone());
        let own = matches!(relation.via, Via::Direct | Via::Trigger);
        if fills && own && relation.access == Access::Write {
            plan.check_new_rows(&name, "LOAD DATA into", &parsed.catalog).map_err(in_words)?;
            continue;
        }
        if plan.concerns(&name, &parsed.catalog) {
            return Err(RewriteError::Text {
                reason: format!("this statement touches {}", relation.id),
            });
        }
    }
    Ok(Rewritten { text: parsed.facts.text.clone(), detected: Vec::new() })
}

/// Refuses what a mask's mode does not let be asked. What `equality` lets pass is only known once the
/// look-ups are moved.
fn check_roles(parsed: &Parsed, plan: &MaskPlan) -> Result<(), RewriteError> {
    for column in parsed.facts.columns.iter() {
        let asks = match column.role {
            ColumnRole::Argument
            | ColumnRole::Group
            | ColumnRole::Join
            | ColumnRole::Order
            | ColumnRole::Predicate => true,
            ColumnRole::Assigned
            | ColumnRole::Distinct
            | ColumnRole::Output
            | ColumnRole::Returned
            | ColumnRole::Source => false,
        };
        match plan.mode(column, &parsed.catalog) {
            None => {}
            Some(PredicateMode::Equality) if column.role == ColumnRole::Predicate => {}
            Some(PredicateMode::Masked)
                if asks && !MaskPlan::is_written(column, &parsed.facts, &parsed.catalog) => {}
            Some(PredicateMode::Deny | PredicateMode::Equality | PredicateMode::Masked) => {
                check_role(column)?;
            }
        }
    }
    Ok(())
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
