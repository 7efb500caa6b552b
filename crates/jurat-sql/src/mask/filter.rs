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
use super::plan::selected;
use crate::builtin;
use crate::catalog_index::SYSTEM_SCHEMA;
use crate::limits::ReadLimits;
use crate::mysql;
use crate::names;
use crate::names::Naming;
use crate::tree::Tree;

/// A predicate is a few conditions, not a program.
const LIMITS: ReadLimits =
    ReadLimits { bytes_max: 16 << 10, tokens_max: 400, statements_max: 1, nesting_max: 20 };

/// Functions that give one value for a whole statement, though another one for the next.
const STABLE: &[&str] = &["now", "statement_timestamp", "transaction_timestamp", "age"];

/// The same of MySQL and MariaDB.
const MYSQL_STABLE: &[&str] = &["curdate", "current_date", "current_timestamp", "now"];

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
        (naming, limits): (Naming, &ReadLimits),
    ) -> Result<Rows, RewriteError> {
        let malformed = |reason: String| RewriteError::Filter {
            relation: self.relation.clone(),
            id: self.filter.id.clone(),
            reason,
        };
        let engine = naming.engine;
        let (text, names) =
            parameters::numbered(&self.filter.predicate, engine).map_err(malformed)?;
        let literals =
            parameters::literals(&names, &self.filter.params, engine).map_err(malformed)?;
        let limits = ReadLimits { bytes_max: LIMITS.bytes_max.min(limits.bytes_max), ..LIMITS };
        let mut tree = Tree::parse_text(&selected(&format!("({text})"), engine), engine, &limits)
            .map_err(malformed)?;
        let mut checker = Checker {
            qualifier,
            relation,
            naming,
            literals: &literals,
            placed: 0,
            columns: BTreeSet::new(),
        };
        let condition = tree.with(|statement| {
            // Nothing but one condition: no second column, no clause behind it.
            let whole = statement.to_string();
            if whole != selected(&format!("({})", inner(statement)?), engine) {
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
    match select.projection.as_mut_slice() {
        [
            SelectItem::UnnamedExpr(Expr::Nested(expr))
            | SelectItem::ExprWithAlias { expr: Expr::Nested(expr), alias: _ },
        ] => Some(expr),
        _ => None,
    }
}

/// Goes over a predicate, qualifies its names and puts literals in the place of parameters.
struct Checker<'c> {
    qualifier: &'c str,
    relation: &'c Relation,
    naming: Naming,
    /// A list in MySQL and MariaDB has several.
    literals: &'c [Vec<Literal>],
    /// How many parameters without a number were met.
    placed: usize,
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
                    let name = name.clone();
                    value.value = self.literal(&name)?;
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
                self.operator(left, op, right)
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
                self.spread(list)?;
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

    /// An operator between two operands that are checked.
    fn operator(
        &self,
        left: &mut Expr,
        op: &mut BinaryOperator,
        right: &mut Expr,
    ) -> Result<(), String> {
        if !self.naming.is_postgres() {
            return plain_operator(op);
        }
        if !matches!(op, BinaryOperator::And | BinaryOperator::Or) {
            *op = qualified(op)?;
            // A qualified operator binds like no other, so both sides are put into brackets.
            enclose(left);
            enclose(right);
        }
        Ok(())
    }

    /// Puts the elements of a list in the place of the parameter that it is given by: `region IN ($regions)`.
    fn spread(&mut self, list: &mut Vec<Expr>) -> Result<(), String> {
        let [Expr::Value(value)] = list.as_slice() else { return Ok(()) };
        let Literal::Placeholder(name) = &value.value else { return Ok(()) };
        if self.naming.is_postgres() {
            return Ok(());
        }
        let name = name.clone();
        let literals = self.literals(&name)?;
        // Nothing is in an empty list.
        let none = [Literal::Null];
        let elements = if literals.is_empty() { none.as_slice() } else { literals.as_slice() };
        *list = elements.iter().map(|literal| Expr::Value(literal.clone().into())).collect();
        Ok(())
    }

    fn all(&mut self, exprs: &mut [Expr]) -> Result<(), String> {
        exprs.iter_mut().try_for_each(|expr| self.expr(expr))
    }

    /// A column of the relation, under the relation's name.
    fn column(&mut self, ident: &Ident) -> Result<Expr, String> {
        let name = self.naming.name(ident).map_err(|stop| stop.to_string())?;
        let mut columns = self.relation.columns.iter();
        let Some(column) = columns.find(|column| self.naming.same_column(&column.name, &name))
        else {
            return Err(format!("{} has no column `{name}`", self.relation.name));
        };
        let parts = vec![self.naming.ident(self.qualifier), self.naming.ident(&column.name)];
        self.columns.insert(column.name.clone());
        Ok(Expr::CompoundIdentifier(parts))
    }

    /// The literals of a parameter: by its number, or by its place.
    fn literals(&mut self, placeholder: &str) -> Result<&Vec<Literal>, String> {
        let index = if self.naming.is_postgres() {
            let digits = placeholder.strip_prefix('$').and_then(|digits| digits.parse().ok());
            digits.and_then(|number: usize| number.checked_sub(1))
        } else {
            let place = self.placed;
            self.placed = place.saturating_add(1);
            Some(place)
        };
        index
            .and_then(|index| self.literals.get(index))
            .ok_or_else(|| "it has a parameter without a name".to_owned())
    }

    /// The one literal of a parameter.
    fn literal(&mut self, placeholder: &str) -> Result<Literal, String> {
        match self.literals(placeholder)?.as_slice() {
            [literal] => Ok(literal.clone()),
            _ => Err("it has a list where one value is meant".to_owned()),
        }
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
        let parts = self.naming.parts_of_call(name).map_err(|stop| stop.to_string())?;
        let function = match parts.as_slice() {
            [name] => self.naming.folded_call(name),
            [schema, name] if schema == SYSTEM_SCHEMA && self.naming.is_postgres() => name.clone(),
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
        if !self.naming.is_postgres() {
            let class = mysql::function_class(&function, self.naming.engine);
            // They stay as they are: the servers look their own functions up first.
            return match class {
                Some(FunctionClass::Pure) => Ok(()),
                _ if MYSQL_STABLE.contains(&function.as_str()) => Ok(()),
                _ => Err(refused()),
            };
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

/// Operators of MySQL and MariaDB that compute. None can be added there.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed is refused")]
fn plain_operator(operator: &BinaryOperator) -> Result<(), String> {
    match operator {
        BinaryOperator::And
        | BinaryOperator::Or
        | BinaryOperator::Eq
        | BinaryOperator::NotEq
        | BinaryOperator::Lt
        | BinaryOperator::LtEq
        | BinaryOperator::Gt
        | BinaryOperator::GtEq
        | BinaryOperator::Spaceship
        | BinaryOperator::Plus
        | BinaryOperator::Minus
        | BinaryOperator::Multiply
        | BinaryOperator::Modulo
        | BinaryOperator::Arrow
        | BinaryOperator::LongArrow => Ok(()),
        _ => Err("it has an operator that a filter may not have".to_owned()),
    }
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
