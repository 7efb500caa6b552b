//! Exact look-ups of masked columns: `WHERE email = $1` on the real value, where policy lets it pass.
//!
//! The condition is taken out of the query block and put into the derived table that stands for the
//! relation, below its masks. Whatever else is asked about the column stays where it is, and is refused.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not listed is no look-up, and is refused where it asks about a masked column"
)]

use jurat_types::RelationName;
use sqlparser::ast::{
    Array, BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, Join, JoinOperator, ObjectName, Query, SetExpr, TableFactor,
    TableWithJoins, TypedString, Value as Literal,
};

use super::expr::inner;
use super::{Stop, Walker};
use crate::mask::is_built_in;
use crate::names::Naming;
use crate::scope::Col;

/// A column of an entry of FROM.
struct Found {
    /// The name of the entry.
    alias: String,
    relation: RelationName,
    /// The column's own name, whatever it is called in the entry.
    column: String,
}

impl Walker<'_> {
    /// Moves look-ups from the condition of a query block into the derived tables of its FROM list. The
    /// result are those of tables that stay in the text: they must not be looked at, and [`add`] puts them
    /// back.
    pub(super) fn move_look_ups(
        &self,
        from: &mut [TableWithJoins],
        condition: &mut Option<Expr>,
    ) -> Result<Vec<Expr>, Stop> {
        let mut held = Vec::new();
        if !self.masks.is_some_and(crate::mask::MaskPlan::has_look_ups) {
            return Ok(held);
        }
        let mut places = Places::new(self.naming, from);
        for mut conjunct in conjuncts(condition.take()) {
            let found = self.look_up(&conjunct, true)?;
            let moved = match found.filter(|found| places.keeps_order(&conjunct, &found.alias)) {
                Some(found) => {
                    let naming = self.naming;
                    derived(from, &found.alias, naming).is_some_and(|query| {
                        self.replace_column(&mut conjunct, &found);
                        restrict(query, &conjunct)
                    })
                }
                None => false,
            };
            if moved {
                continue;
            }
            places.stays(&conjunct);
            if self.look_up(&conjunct, false)?.is_some() {
                held.push(conjunct);
            } else {
                add(condition, conjunct);
            }
        }
        Ok(held)
    }

    /// Takes look-ups of the target's own columns out of the condition of an UPDATE or DELETE, so that
    /// they are not looked at. [`add`] puts them back.
    pub(super) fn hold_look_ups(
        &self,
        target: &RelationName,
        condition: &mut Option<Expr>,
    ) -> Result<Vec<Expr>, Stop> {
        let mut held = Vec::new();
        if !self.masks.is_some_and(crate::mask::MaskPlan::has_look_ups) {
            return Ok(held);
        }
        for conjunct in conjuncts(condition.take()) {
            match self.look_up(&conjunct, false)? {
                Some(found) if found.relation == *target => held.push(conjunct),
                Some(_) | None => add(condition, conjunct),
            }
        }
        Ok(held)
    }

    /// The column that a condition looks up, where policy lets it be.
    fn look_up(&self, expr: &Expr, masked: bool) -> Result<Option<Found>, Stop> {
        let Some(parts) = compared(expr) else { return Ok(None) };
        let mut qualifier = Vec::with_capacity(parts.len());
        for part in parts {
            qualifier.push(self.naming.label(part)?);
        }
        let Some(column) = qualifier.pop() else { return Ok(None) };
        let Some(scope) = self.scopes.last() else { return Ok(None) };
        let mut hits = scope.visible().iter().filter(|item| {
            item.relation.is_some()
                && item.masked == masked
                && match qualifier.as_slice() {
                    [] => true,
                    [alias] => {
                        let own = item.alias.as_deref();
                        item.relation_visible
                            && own.is_some_and(|own| self.naming.same_table(own, alias))
                    }
                    [schema, table] => {
                        item.schema_visible
                            && item.relation.as_ref().is_some_and(|relation| {
                                self.naming
                                    .same_table(self.naming.database(&relation.schema), schema)
                                    && self.naming.same_table(&relation.name, table)
                            })
                    }
                    _ => false,
                }
                && item.shape.cols.iter().any(|col| self.naming.same_column(&col.name, &column))
        });
        // A bare name that several entries have is merged by a join, or ambiguous.
        let (Some(item), None) = (hits.next(), hits.next()) else { return Ok(None) };
        let col = item.shape.cols.iter().find(|col| self.naming.same_column(&col.name, &column));
        Ok(col.and_then(|col| self.base_of(col)).and_then(|(relation, column)| {
            let allowed = self
                .masks
                .is_some_and(|masks| masks.allows_look_up(&relation, &column, self.catalog));
            let alias = item.alias.clone()?;
            allowed.then_some(Found { alias, relation, column })
        }))
    }

    /// Names the column as it is called inside the derived table.
    ///
    /// In MySQL and MariaDB a text that is compared with a number is read as one, up to the first character
    /// that is no digit: `ssn = 123` would look up a beginning. So whatever is compared becomes a text.
    fn replace_column(&self, expr: &mut Expr, found: &Found) {
        let text = !self.naming.is_postgres() && self.is_text(found);
        let mut values: Vec<&mut Expr> = Vec::new();
        let place = match expr {
            Expr::Nested(nested) => return self.replace_column(nested, found),
            Expr::BinaryOp { left, right, .. } => {
                let (place, value) = if constant(right) { (left, right) } else { (right, left) };
                values.push(value);
                place
            }
            Expr::InList { expr, list, .. } => {
                values.extend(list);
                expr
            }
            Expr::AnyOp { left, .. } => left,
            _ => return,
        };
        let parts = vec![self.naming.ident(&found.relation.name), self.naming.ident(&found.column)];
        **place = Expr::CompoundIdentifier(parts);
        for value in values.into_iter().filter(|_| text) {
            as_text(value);
        }
    }

    /// Whether values of a column are compared as texts.
    fn is_text(&self, found: &Found) -> bool {
        let relation = self.catalog.relation(&found.relation);
        let mut columns = relation.into_iter().flat_map(|relation| &relation.columns);
        let column = columns.find(|column| column.name == found.column);
        column.is_none_or(|column| !is_number_or_date(&column.data_type))
    }

    /// The one base column that a column is.
    fn base_of(&self, col: &Col) -> Option<(RelationName, String)> {
        let [source] = &*col.sources else { return None };
        let (relation, column) = self.base_column(*source)?;
        col.direct.then(|| (relation.clone(), column.to_owned()))
    }
}

/// In MySQL and MariaDB a parameter is known by its place in the text alone, so none may be moved past another.
struct Places {
    /// Whether parameters have no names.
    counts: bool,
    /// Whether one stands behind which a look-up would be moved.
    passed: bool,
    /// The entry of FROM that took parameters so far.
    taken: Option<String>,
}

impl Places {
    fn new(naming: Naming, from: &[TableWithJoins]) -> Self {
        let counts = !naming.is_postgres();
        let passed = counts && from.iter().any(|entry| entry.to_string().contains('?'));
        Self { counts, passed, taken: None }
    }

    /// Whether a part of the condition can be moved into an entry of FROM.
    fn keeps_order(&mut self, conjunct: &Expr, alias: &str) -> bool {
        if !self.counts || !may_hold_parameter(conjunct) {
            return true;
        }
        let same = self.taken.as_deref().is_none_or(|taken| taken == alias);
        if same && !self.passed {
            self.taken = Some(alias.to_owned());
        }
        same && !self.passed
    }

    /// Notes a part of the condition that is not moved.
    fn stays(&mut self, conjunct: &Expr) {
        self.passed |= self.counts && may_hold_parameter(conjunct);
    }
}

/// Whether a parameter can stand in an expression; a text with its sign counts as one.
fn may_hold_parameter(expr: &Expr) -> bool {
    expr.to_string().contains('?')
}

/// The parts of a condition that all have to hold.
fn conjuncts(condition: Option<Expr>) -> Vec<Expr> {
    let mut found = Vec::new();
    let mut waiting: Vec<Expr> = condition.into_iter().collect();
    while let Some(expr) = waiting.pop() {
        match expr {
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                waiting.push(*right);
                waiting.push(*left);
            }
            other => found.push(other),
        }
    }
    found
}

/// Adds a part to a condition.
pub(super) fn add(condition: &mut Option<Expr>, conjunct: Expr) {
    *condition = Some(match condition.take() {
        None => conjunct,
        Some(all) => Expr::BinaryOp {
            left: Box::new(all),
            op: BinaryOperator::And,
            right: Box::new(conjunct),
        },
    });
}

/// The column of `column = constant`, `column IN (constants)` or `column = ANY (constants)`.
fn compared(expr: &Expr) -> Option<&[Ident]> {
    match inner(expr) {
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            if constant(right) {
                column(left)
            } else if constant(left) {
                column(right)
            } else {
                None
            }
        }
        Expr::InList { expr, list, negated: false } if list.iter().all(constant) => column(expr),
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, is_some: _ } => {
            let list = match inner(right) {
                Expr::Array(Array { elem, named: _ }) => elem.iter().all(constant),
                other => constant(other),
            };
            if list { column(left) } else { None }
        }
        _ => None,
    }
}

/// Whether values of a type of MySQL or MariaDB are compared as numbers or dates.
fn is_number_or_date(data_type: &str) -> bool {
    const BASES: [&str; 13] = [
        "bigint",
        "bit",
        "date",
        "datetime",
        "decimal",
        "double",
        "float",
        "int",
        "mediumint",
        "smallint",
        "time",
        "timestamp",
        "tinyint",
    ];
    let base = data_type.split(['(', ' ']).next().unwrap_or_default();
    BASES.iter().any(|known| base.eq_ignore_ascii_case(known))
}

/// Makes a text of a constant that is none. CONCAT takes the collation of what it is compared with.
fn as_text(value: &mut Expr) {
    if let Expr::Value(literal) = inner(value)
        && matches!(literal.value, Literal::SingleQuotedString(_))
    {
        return;
    }
    let argument = std::mem::replace(value, Expr::Value(Literal::Null.into()));
    *value = Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("CONCAT")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    });
}

fn column(expr: &Expr) -> Option<&[Ident]> {
    match inner(expr) {
        Expr::Identifier(ident) => Some(std::slice::from_ref(ident)),
        Expr::CompoundIdentifier(parts) => Some(parts),
        _ => None,
    }
}

/// A literal or parameter. NULL is equal to nothing, so nobody looks it up.
fn constant(expr: &Expr) -> bool {
    match inner(expr) {
        Expr::Value(value) => !matches!(value.value, Literal::Null),
        Expr::TypedString(TypedString { data_type, .. }) => is_built_in(data_type),
        Expr::Cast { expr, data_type, .. } => is_built_in(data_type) && constant(expr),
        _ => false,
    }
}

/// The derived table of that name, where every row that it loses is lost to the result: not where an outer
/// join would make up a row of NULLs instead.
fn derived<'f>(
    from: &'f mut [TableWithJoins],
    alias: &str,
    naming: Naming,
) -> Option<&'f mut Query> {
    let mut found = None;
    for entry in from {
        collect(entry, (alias, naming), &mut found);
    }
    match found {
        Some(Hit::One(query)) => Some(query),
        Some(Hit::Several) | None => None,
    }
}

enum Hit<'f> {
    One(&'f mut Query),
    Several,
}

fn collect<'f>(entry: &'f mut TableWithJoins, alias: (&str, Naming), found: &mut Option<Hit<'f>>) {
    let TableWithJoins { relation, joins } = entry;
    // Whether a join from here on makes up rows for what stands before it.
    let mut later = false;
    let mut places = vec![later];
    for join in joins.iter().rev() {
        later = later || sides(join).0;
        places.push(later);
    }
    let mut places = places.into_iter().rev();
    if !places.next().unwrap_or(true) {
        look_into(relation, alias, found);
    }
    for (join, made_up) in joins.iter_mut().zip(places) {
        if !made_up && !sides(join).1 {
            look_into(&mut join.relation, alias, found);
        }
    }
}

fn look_into<'f>(factor: &'f mut TableFactor, alias: (&str, Naming), found: &mut Option<Hit<'f>>) {
    let (wanted, naming) = alias;
    match factor {
        TableFactor::Derived { subquery, alias: Some(name), lateral: false, sample: None }
            if naming.label(&name.name).is_ok_and(|name| naming.same_table(&name, wanted)) =>
        {
            *found = Some(match found {
                None => Hit::One(subquery),
                Some(_) => Hit::Several,
            });
        }
        TableFactor::NestedJoin { table_with_joins, alias: None } => {
            collect(table_with_joins, alias, found);
        }
        _ => {}
    }
}

/// Whether a join makes up rows of NULLs for its left and for its right side.
fn sides(join: &Join) -> (bool, bool) {
    match &join.join_operator {
        JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_) => {
            (false, false)
        }
        JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => (false, true),
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) => (true, false),
        _ => (true, true),
    }
}

/// Adds a condition to a derived table of ours.
fn restrict(query: &mut Query, conjunct: &Expr) -> bool {
    let SetExpr::Select(select) = &mut *query.body else { return false };
    add(&mut select.selection, conjunct.clone());
    true
}
