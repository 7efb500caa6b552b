//! Values of labelled columns that a statement returns as they are, for the budgets that count them.
//!
//! How many values of protected columns each row of a result has is known before the statement runs, from what its
//! result columns are made of. Rows are counted as they pass. Where a value may hold many others, as one that collects
//! rows does, nobody knows how many leave, and the statement is refused.

use std::collections::BTreeSet;

use jurat_sql::{CatalogIndex, SessionEffect, Statement};
use jurat_types::{
    ColumnMode, ColumnRole, Decision, FunctionClass, Limit, MaskMethod, OutputColumn, OutputMode,
    Refusal, StatementFacts, Via,
};

use super::{Exceeded, InForce};
use crate::{JudgedStatement, labels, refusals_limits};

/// The kind of the budget.
pub(crate) const KIND: &str = "protected_values_per_window";

/// A budget, and what one row takes out of it; or why that is not known.
pub(crate) type PerRow = (Limit, Result<u64, &'static str>);

/// A budget that bears.
#[derive(Clone, Debug)]
pub(super) struct Bears {
    limit: Limit,
    per_row: u64,
}

/// What each row of a statement takes out of the budgets of a decision. Nothing where it has none of this kind.
pub(crate) fn per_row(
    decision: &Decision,
    judged: &JudgedStatement,
    facts: &StatementFacts,
    (known, catalog): (&jurat_policy::Labels, &CatalogIndex),
) -> Vec<PerRow> {
    let budgets: Vec<&Limit> = decision.limits.iter().filter(|limit| limit.kind == KIND).collect();
    if budgets.is_empty() || !facts.executes {
        return Vec::new();
    }
    let mut facts = facts.clone();
    labels::join(&mut facts, known, catalog);
    let gathers = gathers(judged.statement());
    let masked: BTreeSet<String> = decision
        .masks
        .iter()
        // What detectors leave is the value itself.
        .filter(|mask| mask.method != MaskMethod::Detect)
        .map(|mask| mask.column.to_string())
        .collect();
    let each = |limit: &Limit| (limit.clone(), cells(limit, &facts, &masked, gathers));
    budgets.into_iter().map(each).collect()
}

/// As [`jurat_sql::Parsed::gathers`], for a statement and for what it keeps for later.
fn gathers(statement: &Statement) -> bool {
    let own = match statement {
        Statement::Parsed(parsed) => parsed.gathers(),
        Statement::Opaque(_) => true,
    };
    let kept = match statement.effect() {
        SessionEffect::Prepare { statement, .. }
        | SessionEffect::DeclareCursor { statement, .. } => gathers(statement),
        SessionEffect::None
        | SessionEffect::SearchPathChanged
        | SessionEffect::CatalogChanged
        | SessionEffect::Execute { .. }
        | SessionEffect::Deallocate { .. }
        | SessionEffect::Fetch { .. }
        | SessionEffect::CloseCursor { .. }
        | SessionEffect::DiscardAll
        | SessionEffect::Transaction
        | SessionEffect::ClientFile { .. }
        | SessionEffect::CopyIn
        | SessionEffect::CopyOut => false,
    };
    own || kept
}

/// How many values of protected columns one row of the result has.
fn cells(
    limit: &Limit,
    facts: &StatementFacts,
    masked: &BTreeSet<String>,
    gathers: bool,
) -> Result<u64, &'static str> {
    if !facts.parsed {
        return Err("it was not understood");
    }
    match facts.kind.as_str() {
        "call" => return Err("what a procedure returns is not known"),
        "explain" | "declare" | "prepare" => return Ok(0),
        _ => {}
    }
    let unknown =
        |class: FunctionClass| matches!(class, FunctionClass::Unknown | FunctionClass::DynamicSql);
    let by_number = facts.outputs.is_empty() && facts.kind == "function_call";
    if by_number && facts.functions.iter().any(|function| unknown(function.class)) {
        return Err("nobody knows what the function returns");
    }
    if facts.outputs.iter().any(|output| output.mode == OutputMode::Opaque) {
        return Err("a function takes part in it of which nobody knows what it returns");
    }
    let wanted = |labels: &[String]| {
        let among = |label: &String| {
            limit.labels.iter().any(|glob| jurat_policy::glob_matches(glob, label))
        };
        if limit.labels.is_empty() { !labels.is_empty() } else { labels.iter().any(among) }
    };
    let columns = facts.columns.iter();
    let protected: Vec<_> =
        columns.filter(|used| wanted(&used.labels) && !masked.contains(&used.id)).collect();
    if protected.is_empty() {
        return Ok(0);
    }
    let is_view = |id: &str| {
        facts.relations.iter().any(|relation| relation.id == id && relation.kind.contains("view"))
    };
    let has_views = facts.relations.iter().any(|relation| relation.kind.contains("view"));
    let shown = |id: &String| facts.outputs.iter().any(|output| output.columns.contains(id));
    let hidden = protected.iter().any(|used| {
        used.via == Via::View
            && matches!(used.role, ColumnRole::Output | ColumnRole::Returned)
            && used.mode != ColumnMode::Direct
            && !shown(&used.id)
    });
    if hidden && !facts.outputs.is_empty() {
        return Err("it reads a view of which it is not known which column shows them");
    }
    let mut in_all = 0_u64;
    for output in facts.outputs.iter() {
        let made_of = || protected.iter().filter(|used| output.columns.contains(&used.id));
        let distinct = |behind_views: bool| {
            let ids = made_of().filter(|used| is_view(&used.relation) == behind_views);
            ids.map(|used| used.id.as_str()).collect::<BTreeSet<&str>>().len()
        };
        // The column of a view is that of its source, unless only the view's is protected.
        let n = Some(distinct(false)).filter(|n| *n > 0).unwrap_or_else(|| distinct(true));
        in_all = in_all.saturating_add(values(output, n, (has_views, gathers))?);
    }
    Ok(in_all)
}

/// How many of `n` protected columns' values a result column has.
fn values(
    output: &OutputColumn,
    n: usize,
    (has_views, gathers): (bool, bool),
) -> Result<u64, &'static str> {
    if n == 0 {
        return Ok(0);
    }
    match output.mode {
        OutputMode::Constant => Ok(0),
        OutputMode::Opaque => Err("nobody knows what a function in it returns"),
        OutputMode::Direct if !has_views => Ok(1),
        OutputMode::Derived if output.name == "*" => {
            Err("it is not known how many columns a function in FROM has")
        }
        OutputMode::Direct | OutputMode::Derived | OutputMode::WholeRow if gathers => {
            Err("one value of its result can hold many of them")
        }
        OutputMode::Direct | OutputMode::Derived | OutputMode::WholeRow => {
            Ok(u64::try_from(n).unwrap_or(u64::MAX))
        }
    }
}

impl InForce {
    /// Takes the budgets of protected values that bear on the statement.
    ///
    /// # Errors
    /// A refusal where nobody knows how many values it returns.
    pub(super) fn take_protected(
        &mut self,
        budgets: Vec<PerRow>,
        decision_id: &str,
    ) -> Result<(), Refusal> {
        for (limit, per_row) in budgets {
            match per_row {
                Ok(0) => {}
                Err(_) if limit.uncounted => {}
                Ok(per_row) => self.protected.push(Bears { limit, per_row }),
                Err(why) => {
                    let facts = &self.facts;
                    return Err(refusals_limits::unknown_values(&limit, facts, why, decision_id));
                }
            }
        }
        Ok(())
    }

    /// The budgets of protected values that one more row is taken out of: their place, and how much it takes.
    pub(crate) fn per_row(&self) -> impl Iterator<Item = (Exceeded, &Limit, u64)> {
        let all = self.protected.iter().enumerate();
        all.map(|(at, bears)| (Exceeded::Protected(at), &bears.limit, bears.per_row))
    }

    /// The budget of protected values at a place.
    pub(super) fn protected_at(&self, at: usize) -> Option<&Limit> {
        self.protected.get(at).map(|bears| &bears.limit)
    }

    /// Whether rows are taken out of a budget of protected values.
    pub fn counts_protected(&self) -> bool {
        !self.protected.is_empty()
    }

    /// Whether anything is taken out of a budget.
    pub(crate) fn has_budgets(&self) -> bool {
        !self.budgets.is_empty() || self.counts_protected()
    }
}
