//! Which conditions can fail, and by failing tell about rows that a row filter takes out.
//!
//! PostgreSQL may evaluate a condition of the client before the filter's: `1 / (balance - 5) = 1` fails when
//! some row has the balance 5, also one that the client must not see. PostgreSQL's own answer for views and
//! row security is the mark LEAKPROOF; this is the part of it that applications use.

use jurat_types::ColumnRole;
use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArguments, UnaryOperator, Value as Literal,
};

use super::Walker;
use super::expr::inner;
use crate::names;

/// Functions that give a value for every value.
const TOTAL: &[&str] = &[
    "btrim",
    "char_length",
    "character_length",
    "coalesce",
    "length",
    "lower",
    "ltrim",
    "now",
    "nullif",
    "row",
    "rtrim",
    "upper",
];

/// Whether something in this role decides which rows there are.
pub(super) const fn decides(role: ColumnRole) -> bool {
    match role {
        ColumnRole::Predicate | ColumnRole::Join => true,
        ColumnRole::Argument
        | ColumnRole::Assigned
        | ColumnRole::Distinct
        | ColumnRole::Group
        | ColumnRole::Order
        | ColumnRole::Output
        | ColumnRole::Returned
        | ColumnRole::Source => false,
    }
}

impl Walker<'_> {
    /// Notes a part of a condition that can fail. Its own parts are looked at one by one.
    pub(super) fn note_failure(&mut self, expr: &Expr, role: ColumnRole) {
        if decides(role) && !self.facts.can_fail {
            self.facts.can_fail = !is_total(expr);
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not listed is taken to be able to fail"
)]
fn is_total(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Nested(_)
        | Expr::Value(_)
        | Expr::TypedString(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::Exists { .. }
        | Expr::Between { .. }
        | Expr::Tuple(_)
        | Expr::Array(_)
        | Expr::Case { .. }
        | Expr::UnaryOp { op: UnaryOperator::Not, .. } => true,
        Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } => literal(expr),
        Expr::BinaryOp { op, .. } => total_operator(op),
        Expr::AnyOp { compare_op, .. } | Expr::AllOp { compare_op, .. } => {
            total_operator(compare_op)
        }
        // A literal fails for every row alike.
        Expr::Cast { expr, .. } => literal(expr),
        // A pattern that ends in the escape character fails on some values only.
        Expr::Like { pattern, escape_char: None, .. }
        | Expr::ILike { pattern, escape_char: None, .. } => plain_pattern(pattern),
        Expr::Function(Function {
            name,
            args: FunctionArguments::List(_),
            filter: None,
            over: None,
            ..
        }) => match names::parts_of_label(name).as_deref() {
            Ok([name]) => TOTAL.contains(&name.as_str()),
            Ok([schema, name]) => {
                schema == crate::catalog_index::SYSTEM_SCHEMA && TOTAL.contains(&name.as_str())
            }
            Ok(_) | Err(_) => false,
        },
        Expr::Function(Function { args: FunctionArguments::None, .. }) => true,
        _ => false,
    }
}

const fn total_operator(operator: &BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::And
            | BinaryOperator::Or
            | BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
            | BinaryOperator::Arrow
            | BinaryOperator::LongArrow
    )
}

fn literal(expr: &Expr) -> bool {
    matches!(inner(expr), Expr::Value(_))
}

fn plain_pattern(pattern: &Expr) -> bool {
    if let Expr::Value(value) = inner(pattern)
        && let Literal::SingleQuotedString(text) = &value.value
    {
        return !text.contains('\\');
    }
    false
}
