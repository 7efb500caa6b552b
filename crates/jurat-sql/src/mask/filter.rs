//! Row filters: the predicate of a policy, read, checked, and written with its parameters as literals.
//!
//! A predicate may name columns of its own relation and functions and operators of `pg_catalog` that only
//! compute. Everything that is not listed here is refused, and with it the statement.

use std::collections::BTreeSet;

use jurat_types::{FunctionClass, Relation, RowFilter};
use sqlparser::ast::{
    Array, BinaryOperator, CaseWhen, CastKind, DataType, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, SelectItem, SetExpr,
    Statement, TypedString, UnaryOperator, Value as Literal,
};

use super::RewriteError;
use super::parameters;
use crate::builtin;
use crate::catalog_index::SYSTEM_SCHEMA;
use crate::limits::ReadLimits;
use crate::names;
use crate::tree::Tree;

/// A predicate is a few conditions, not a program.
const LIMITS: ReadLimits =
    ReadLimits { bytes_max: 16 << 10, tokens_max: 400, statements_max: 1, nesting_max: 20 };

/// Functions that give one value for a whole statement, though another one for the next.
const STABLE: &[&str] = &["now", "statement_timestamp", "transaction_timestamp", "age"];

/// Words of the grammar that compute.
const CONSTRUCTS: &[&str] = &["coalesce", "greatest", "least", "nullif"];

/// Values without brackets that are the same for a whole statement.
const VALUE_WORDS: &[&str] = &["current_date", "current_timestamp", "localtimestamp"];

/// One row filter of a decision.
#[derive(Debug)]
pub(super) struct Filter {
    /// The relation as policies write it.
    pub(super) relation: String,
    filter: RowFilter,
}

/// Which rows of a relation may be seen.
#[derive(Debug)]
pub(super) struct Rows {
    conditions: Vec<String>,
    /// The columns that decide it.
    pub(super) columns: BTreeSet<String>,
}

impl Rows {
    /// Both.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.conditions.extend(other.conditions);
        self.columns.extend(other.columns);
        self
    }

    /// As SQL.
    pub(super) fn condition(&self) -> String {
        let all: Vec<String> =
            self.conditions.iter().map(|condition| format!("({condition})")).collect();
        all.join(" AND ")
    }
}

impl Filter {
    pub(super) fn new(filter: &RowFilter) -> Self {
        Self { relation: filter.relation.clone(), filter: filter.clone() }
    }

    /// The condition for a relation that is called `qualifier` where the condition stands.
    ///
    /// # Errors
    /// Where the predicate is not one that a filter may have, or a parameter has no value or is no
    /// simple one.
    pub(super) fn rows(
        &self,
        qualifier: &str,
        relation: &Relation,
        limits: &ReadLimits,
    ) -> Result<Rows, RewriteError> {
        let malformed = |reason: String| RewriteError::Filter {
            relation: self.relation.clone(),
            id: self.filter.id.clone(),
            reason,
        };
        let (text, names) = parameters::numbered(&self.filter.predicate).map_err(malformed)?;
        let literals = parameters::literals(&names, &self.filter.params).map_err(malformed)?;
        let limits = ReadLimits { bytes_max: LIMITS.bytes_max.min(limits.bytes_max), ..LIMITS };
        let mut tree =
            Tree::parse_text(&format!("SELECT ({text})"), jurat_types::Engine::Postgres, &limits)
                .map_err(malformed)?;
        let mut checker =
            Checker { qualifier, relation, literals: &literals, columns: BTreeSet::new() };
        let condition = tree.with(|statement| {
            // Nothing but one condition: no second column, no clause behind it.
            if statement.to_string() != format!("SELECT ({})", inner(statement)?) {
                return None;
            }
            let expr = expression(statement)?;
            Some(checker.expr(expr).map(|()| expr.to_string()))
        });
        let condition = condition
            .flatten()
            .ok_or_else(|| malformed("it is not one condition".to_owned()))?
            .map_err(malformed)?;
        Ok(Rows { conditions: vec![condition], columns: checker.columns })
    }
}

/// The text of the one expression in `SELECT (…)`.
fn inner(statement: &mut Statement) -> Option<String> {
    expression(statement).map(|expr| expr.to_string())
}

/// The one expression in `SELECT (…)`.
fn expression(statement: &mut Statement) -> Option<&mut Expr> {
    let Statement::Query(query) = statement else { return None };
    let SetExpr::Select(select) = &mut *query.body else { return None };
    let [SelectItem::UnnamedExpr(Expr::Nested(expr))] = select.projection.as_mut_slice() else {
        return None;
    };
    Some(expr)
}

/// Goes over a predicate, qualifies its names and puts literals in the place of parameters.
struct Checker<'c> {
    qualifier: &'c str,
    relation: &'c Relation,
    literals: &'c [Literal],
    columns: BTreeSet<String>,
}

impl Checker<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed is refused")]
    fn expr(&mut self, expr: &mut Expr) -> Result<(), String> {
        match expr {
            Expr::Identifier(ident) => {
                *expr = self.column(ident)?;
                Ok(())
            }
            Expr::Value(value) => {
                if let Literal::Placeholder(name) = &value.value {
                    value.value = self.literal(name)?;
                }
                plain(&value.value)
            }
            Expr::TypedString(TypedString { data_type, uses_odbc_syntax: false, .. }) => {
                built_in(data_type)
            }
            Expr::Nested(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner)
            | Expr::UnaryOp { op: UnaryOperator::Not | UnaryOperator::Minus, expr: inner } => {
                self.expr(inner)
            }
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon,
                expr,
                data_type,
                format: None,
            } => {
                built_in(data_type)?;
                self.expr(expr)
            }
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.expr(left)?;
                self.expr(right)
            }
            Expr::BinaryOp { left, op, right } => {
                self.expr(left)?;
                self.expr(right)?;
                if !matches!(op, BinaryOperator::And | BinaryOperator::Or) {
                    *op = qualified(op)?;
                    // A qualified operator binds like no other, so both sides are put into brackets.
                    enclose(left);
                    enclose(right);
                }
                Ok(())
            }
            Expr::AnyOp { left, compare_op, right, is_some: _ }
            | Expr::AllOp { left, compare_op, right } => {
                // The parser knows no qualified operator here. The search path begins with pg_catalog, and a
                // list takes the type of what it is compared with, so that no other operator fits better.
                qualified(compare_op)?;
                self.expr(left)?;
                self.expr(right)
            }
            Expr::Interval(interval) => match &*interval.value {
                Expr::Value(value) => plain(&value.value),
                _ => Err("it has an interval that is no literal".to_owned()),
            },
            Expr::InList { expr, list, negated: _ } => {
                self.expr(expr)?;
                self.all(list)
            }
            Expr::Between { expr, low, high, negated: _ } => {
                self.expr(expr)?;
                self.expr(low)?;
                self.expr(high)
            }
            Expr::Like { any: false, expr, pattern, escape_char: None, negated: _ }
            | Expr::ILike { any: false, expr, pattern, escape_char: None, negated: _ } => {
                self.expr(expr)?;
                self.expr(pattern)
            }
            Expr::Array(Array { elem, named: _ }) => self.all(elem),
            Expr::Case { operand, conditions, else_result, .. } => {
                for CaseWhen { condition, result } in conditions {
                    self.expr(condition)?;
                    self.expr(result)?;
                }
                for expr in operand.iter_mut().chain(else_result) {
                    self.expr(expr)?;
                }
                Ok(())
            }
            Expr::Function(function) => self.call(function),
            _ => Err("it has a kind of expression that a filter may not have".to_owned()),
        }
    }

    fn all(&mut self, exprs: &mut [Expr]) -> Result<(), String> {
        exprs.iter_mut().try_for_each(|expr| self.expr(expr))
    }

    /// A column of the relation, under the relation's name.
    fn column(&mut self, ident: &Ident) -> Result<Expr, String> {
        let name = names::name(ident).map_err(|stop| stop.to_string())?;
        if !self.relation.columns.iter().any(|column| column.name == name) {
            return Err(format!("{} has no column `{name}`", self.relation.name));
        }
        let parts = vec![names::ident(self.qualifier), names::ident(&name)];
        self.columns.insert(name);
        Ok(Expr::CompoundIdentifier(parts))
    }

    fn literal(&self, placeholder: &str) -> Result<Literal, String> {
        let number = placeholder.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        number
            .and_then(|number| number.checked_sub(1))
            .and_then(|index| self.literals.get(index))
            .cloned()
            .ok_or_else(|| "it has a parameter without a name".to_owned())
    }

    fn call(&mut self, function: &mut Function) -> Result<(), String> {
        let refused = || "it calls a function that a filter may not call".to_owned();
        let Function {
            name,
            uses_odbc_syntax: false,
            parameters: FunctionArguments::None,
            args,
            filter: None,
            null_treatment: None,
            over: None,
            within_group,
        } = function
        else {
            return Err(refused());
        };
        let parts = names::parts_of_label(name).map_err(|stop| stop.to_string())?;
        let function = match parts.as_slice() {
            [name] => name.clone(),
            [schema, name] if schema == SYSTEM_SCHEMA => name.clone(),
            _ => return Err(refused()),
        };
        let list = match args {
            FunctionArguments::None if VALUE_WORDS.contains(&function.as_str()) => return Ok(()),
            FunctionArguments::List(FunctionArgumentList {
                duplicate_treatment: None,
                args,
                clauses,
            }) if clauses.is_empty() && within_group.is_empty() => args,
            FunctionArguments::None
            | FunctionArguments::Subquery(_)
            | FunctionArguments::List(_) => return Err(refused()),
        };
        for argument in list {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument else {
                return Err(refused());
            };
            self.expr(argument)?;
        }
        if CONSTRUCTS.contains(&function.as_str()) {
            return Ok(());
        }
        let pure = builtin::function_class(&function) == Some(FunctionClass::Pure);
        if !pure && !STABLE.contains(&function.as_str()) {
            return Err(refused());
        }
        *name = names::qualified(&jurat_types::RelationName::new(SYSTEM_SCHEMA, function));
        Ok(())
    }
}

/// The operator of `pg_catalog`, whatever the search path says.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed is refused")]
fn qualified(operator: &BinaryOperator) -> Result<BinaryOperator, String> {
    let sign = match operator {
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Modulo => "%",
        BinaryOperator::StringConcat => "||",
        BinaryOperator::PGOverlap => "&&",
        BinaryOperator::AtArrow => "@>",
        BinaryOperator::ArrowAt => "<@",
        BinaryOperator::Arrow => "->",
        BinaryOperator::LongArrow => "->>",
        _ => return Err("it has an operator that a filter may not have".to_owned()),
    };
    Ok(BinaryOperator::PGCustomBinaryOperator(vec![SYSTEM_SCHEMA.to_owned(), sign.to_owned()]))
}

/// Puts brackets around what is more than one word.
#[expect(clippy::wildcard_enum_match_arm, reason = "brackets too many do no harm")]
fn enclose(expr: &mut Expr) {
    match expr {
        Expr::Nested(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) | Expr::Function(_) => {}
        _ => {
            let inner = std::mem::replace(expr, Expr::Value(Literal::Null.into()));
            *expr = Expr::Nested(Box::new(inner));
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed is refused")]
fn plain(literal: &Literal) -> Result<(), String> {
    match literal {
        Literal::Number(..)
        | Literal::SingleQuotedString(_)
        | Literal::Boolean(_)
        | Literal::Null => Ok(()),
        _ => Err("it has a literal that a filter may not have".to_owned()),
    }
}

/// Whether a type is one of the server's own that are compared without surprises.
pub(crate) fn is_built_in(data_type: &DataType) -> bool {
    built_in(data_type).is_ok()
}

/// Types of users may run functions of theirs.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed is refused")]
fn built_in(data_type: &DataType) -> Result<(), String> {
    match data_type {
        DataType::Text
        | DataType::Varchar(_)
        | DataType::CharacterVarying(_)
        | DataType::Uuid
        | DataType::SmallInt(_)
        | DataType::Int(_)
        | DataType::Integer(_)
        | DataType::BigInt(_)
        | DataType::Numeric(_)
        | DataType::Decimal(_)
        | DataType::Real
        | DataType::DoublePrecision
        | DataType::Boolean
        | DataType::Bool
        | DataType::Date
        | DataType::Timestamp(..)
        | DataType::Interval { .. } => Ok(()),
        DataType::Array(sqlparser::ast::ArrayElemTypeDef::SquareBracket(inner, _)) => {
            built_in(inner)
        }
        _ => Err("it has a type that a filter may not have".to_owned()),
    }
}
