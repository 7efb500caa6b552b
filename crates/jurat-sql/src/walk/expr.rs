//! Expressions: which base columns a value is made of.

use jurat_types::{ColumnMode, ColumnRole};
use sqlparser::ast::{
    AccessExpr, Array, BinaryOperator, CaseWhen, CeilFloorKind, Expr, Ident, Interval, MemberOf,
    Subscript, TypedString, Value as Literal,
};

use super::function::VALUE_WORDS;
use super::mysql::is_sorting;
use super::{Stop, Value, Walker};
use crate::scope::Shape;
use crate::{keywords, mysql, names, pre};

impl Walker<'_> {
    /// A whole expression.
    pub(super) fn expr(&mut self, expr: &mut Expr, role: ColumnRole) -> Result<Value, Stop> {
        self.node(expr, role, true)
    }

    /// A part of an expression: its value goes into another one.
    pub(super) fn part(&mut self, expr: &mut Expr, role: ColumnRole) -> Result<Value, Stop> {
        let mut value = self.node(expr, role, false)?;
        self.facts.gathering.plain = value.direct;
        value.direct = false;
        Ok(value)
    }

    /// Several parts as one derived value.
    pub(super) fn parts<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e mut Expr>,
        role: ColumnRole,
    ) -> Result<Value, Stop> {
        let mut all = Value::default();
        for expr in exprs {
            let part = self.part(expr, role)?;
            if all.sources.is_empty() {
                all.sources = part.sources;
            } else {
                all.absorb(&part);
            }
        }
        Ok(all)
    }

    fn optional(&mut self, expr: Option<&mut Expr>, role: ColumnRole) -> Result<Value, Stop> {
        self.parts(expr, role)
    }

    #[expect(clippy::too_many_lines, reason = "one arm per variant is what makes it exhaustive")]
    fn node(&mut self, expr: &mut Expr, role: ColumnRole, top: bool) -> Result<Value, Stop> {
        self.spend(1)?;
        self.note_failure(expr, role);
        match expr {
            // A cursor, or words that compute nothing.
            Expr::Identifier(ident) if pre::is_mark(&ident.value) || self.is_value_word(ident) => {
                Ok(Value::default())
            }
            Expr::Identifier(ident) if self.is_variable(ident) => Ok(Value::default()),
            Expr::Identifier(ident) => {
                let (value, mask) = self.column_ref(&mut vec![ident.clone()], role, top)?;
                if let Some(mask) = mask {
                    *expr = mask;
                }
                Ok(value)
            }
            Expr::CompoundIdentifier(parts) => {
                let (value, mask) = self.column_ref(parts, role, top)?;
                if let Some(mask) = mask {
                    *expr = mask;
                }
                Ok(value)
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.field_access(root, access_chain, role)
            }
            Expr::Nested(inner) => self.node(inner, role, top),
            Expr::Value(value) => self.literal(&value.value),
            Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }) => {
                self.data_type(data_type)?;
                self.literal(&value.value)
            }
            Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner)
            | Expr::IsJson { expr: inner, kind: _, unique_keys: _, negated: _ }
            | Expr::IsNormalized { expr: inner, form: _, negated: _ } => {
                self.parts([&mut **inner], role)
            }
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.parts([&mut **left, &mut **right], role)
            }
            Expr::InList { expr, list, negated: _ } => {
                let mut value = self.parts([&mut **expr], role)?;
                value.absorb(&self.parts(list, role)?);
                Ok(value)
            }
            Expr::InSubquery { expr, subquery, negated: _ } => {
                let mut value = self.parts([&mut **expr], role)?;
                let shape = self.subquery(subquery, predicate_unless_source(role))?;
                value.absorb(&sources_of(&shape));
                Ok(value)
            }
            Expr::Between { expr, negated: _, low, high } => {
                self.parts([&mut **expr, &mut **low, &mut **high], role)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Assignment, right }
                if !self.naming.is_postgres() =>
            {
                self.assignment(left, right, role)
            }
            Expr::BinaryOp { left, op, right } => {
                self.binary_operator(op)?;
                self.parts([&mut **left, &mut **right], role)
            }
            Expr::Like { negated: _, any: false, expr, pattern, escape_char }
            | Expr::ILike { negated: _, any: false, expr, pattern, escape_char }
            | Expr::SimilarTo { negated: _, expr, pattern, escape_char } => {
                let mut value = self.parts([&mut **expr, &mut **pattern], role)?;
                value.absorb(&self.optional(escape_char.as_deref_mut(), role)?);
                Ok(value)
            }
            Expr::AnyOp { left, compare_op, right, is_some: _ }
            | Expr::AllOp { left, compare_op, right } => {
                self.binary_operator(compare_op)?;
                self.parts([&mut **left, &mut **right], role)
            }
            Expr::UnaryOp { op, expr } => {
                self.unary_operator(*op)?;
                self.parts([&mut **expr], role)
            }
            Expr::RLike { negated: _, expr, pattern, regexp: _ } if !self.naming.is_postgres() => {
                self.parts([&mut **expr, &mut **pattern], role)
            }
            Expr::Prefixed { prefix, value } if !self.naming.is_postgres() => {
                self.introducer(prefix)?;
                self.parts([&mut **value], role)
            }
            Expr::MemberOf(MemberOf { value, array }) if !self.naming.is_postgres() => {
                self.parts([&mut **value, &mut **array], role)
            }
            Expr::MatchAgainst { columns, match_value, opt_search_modifier: _ }
                if !self.naming.is_postgres() =>
            {
                self.literal(&match_value.value)?;
                self.matched(columns, role)
            }
            Expr::Convert {
                is_try: false,
                expr,
                data_type,
                charset,
                target_before_value: false,
                styles,
            } if !self.naming.is_postgres() && styles.is_empty() => {
                if let Some(data_type) = data_type {
                    self.data_type(data_type)?;
                }
                if let Some(charset) = charset {
                    self.naming.parts_of_call(charset)?;
                }
                self.parts([&mut **expr], role)
            }
            Expr::Cast { kind, expr, data_type, format: None } => {
                Self::cast_kind(kind)?;
                self.data_type(data_type)?;
                self.parts([&mut **expr], role)
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                self.parts([&mut **timestamp, &mut **time_zone], role)
            }
            Expr::Extract { field: _, syntax: _, expr } => {
                self.unqualified_function("extract")?;
                self.parts([&mut **expr], role)
            }
            Expr::Ceil { expr, field } => self.rounding("ceil", expr, field, role),
            Expr::Floor { expr, field } => self.rounding("floor", expr, field, role),
            Expr::Position { expr, r#in } => {
                self.unqualified_function("position")?;
                self.parts([&mut **expr, &mut **r#in], role)
            }
            Expr::Substring { expr, substring_from, substring_for, special: _, shorthand } => {
                self.unqualified_function(if *shorthand { "substr" } else { "substring" })?;
                let mut value = self.parts([&mut **expr], role)?;
                value.absorb(&self.optional(substring_from.as_deref_mut(), role)?);
                value.absorb(&self.optional(substring_for.as_deref_mut(), role)?);
                Ok(value)
            }
            Expr::Trim { trim_where: _, trim_what, expr, trim_characters } => {
                self.unqualified_function("btrim")?;
                let mut value = self.parts([&mut **expr], role)?;
                value.absorb(&self.optional(trim_what.as_deref_mut(), role)?);
                value.absorb(&self.parts(trim_characters.iter_mut().flatten(), role)?);
                Ok(value)
            }
            Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                self.unqualified_function("overlay")?;
                let mut value =
                    self.parts([&mut **expr, &mut **overlay_what, &mut **overlay_from], role)?;
                value.absorb(&self.optional(overlay_for.as_deref_mut(), role)?);
                Ok(value)
            }
            Expr::Collate { expr, collation } => {
                if !is_sorting(collation) {
                    self.naming.parts_of_call(collation)?;
                }
                self.parts([&mut **expr], role)
            }
            Expr::Function(function) => self.call(function, role),
            Expr::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
                self.case(operand.as_deref_mut(), conditions, else_result.as_deref_mut(), role)
            }
            Expr::Exists { subquery, negated: _ } => {
                let shape = self.subquery(subquery, predicate_unless_source(role))?;
                Ok(Value { row: None, ..sources_of(&shape) })
            }
            Expr::Subquery(query) => {
                let shape = self.subquery(query, role)?;
                let mut value = Value { row: None, ..sources_of(&shape) };
                if let [col] = &*shape.cols {
                    value.direct = col.direct && top;
                }
                Ok(value)
            }
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                self.parts(sets.iter_mut().flatten(), role)
            }
            Expr::Tuple(items) => self.parts(items, role),
            Expr::Array(Array { elem, named: _ }) => self.parts(elem, role),
            Expr::Interval(Interval { value, .. }) => self.parts([&mut **value], role),
            Expr::QualifiedWildcard(name, _) => {
                let mut idents = names::idents(name)?;
                let shape = self.qualified_shape(&mut idents)?;
                *name = idents.into();
                Self::unmarked(&shape, "`.*` in an expression")?;
                let value = sources_of(&shape);
                self.record(&value.sources, role, ColumnMode::WholeRow);
                Ok(value)
            }
            Expr::JsonAccess { .. }
            | Expr::InUnnest { .. }
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::RLike { .. }
            | Expr::Convert { .. }
            | Expr::Cast { .. }
            | Expr::TypedString(_)
            | Expr::Prefixed { .. }
            | Expr::Struct { .. }
            | Expr::Named { .. }
            | Expr::Dictionary(_)
            | Expr::Map(_)
            | Expr::MatchAgainst { .. }
            | Expr::Wildcard(_)
            | Expr::OuterJoin(_)
            | Expr::Prior(_)
            | Expr::Lambda(_)
            | Expr::MemberOf(_) => Err(Stop::unsupported("a kind of expression in the statement")),
        }
    }

    /// `current_role` and the like, where the parser takes them for a name.
    fn is_value_word(&self, ident: &Ident) -> bool {
        let among =
            |words: &[&str]| words.iter().any(|word| ident.value.eq_ignore_ascii_case(word));
        ident.quote_style.is_none()
            && if self.naming.is_postgres() {
                among(VALUE_WORDS) && keywords::is_reserved(&ident.value.to_ascii_lowercase())
            } else {
                among(mysql::VALUE_WORDS)
            }
    }

    /// A sub-query in an expression sees every level around it.
    fn subquery(
        &mut self,
        query: &mut sqlparser::ast::Query,
        role: ColumnRole,
    ) -> Result<Shape, Stop> {
        self.query(query, role)
    }

    pub(super) fn rounding(
        &mut self,
        function: &str,
        expr: &mut Expr,
        field: &CeilFloorKind,
        role: ColumnRole,
    ) -> Result<Value, Stop> {
        match field {
            CeilFloorKind::DateTimeField(sqlparser::ast::DateTimeField::NoDateTime) => {}
            CeilFloorKind::DateTimeField(_) | CeilFloorKind::Scale(_) => {
                return Err(Stop::unsupported("CEIL or FLOOR with a unit"));
            }
        }
        self.unqualified_function(function)?;
        self.parts([expr], role)
    }

    fn case(
        &mut self,
        operand: Option<&mut Expr>,
        conditions: &mut [CaseWhen],
        otherwise: Option<&mut Expr>,
        role: ColumnRole,
    ) -> Result<Value, Stop> {
        let condition_role = predicate_unless_source(role);
        let mut value = self.optional(operand, condition_role)?;
        for CaseWhen { condition, result } in conditions {
            value.absorb(&self.part(condition, condition_role)?);
            value.absorb(&self.part(result, role)?);
        }
        value.absorb(&self.optional(otherwise, role)?);
        Ok(value)
    }

    /// `(row).field`, `value[1]` and chains of both.
    fn field_access(
        &mut self,
        root: &mut Expr,
        chain: &mut [AccessExpr],
        role: ColumnRole,
    ) -> Result<Value, Stop> {
        let (mut row, mut value) = match self.row_root(root)? {
            Some(shape) => (Some(shape), None),
            None => (None, Some(self.part(root, role)?)),
        };
        for access in chain {
            match access {
                AccessExpr::Dot(Expr::Identifier(field)) => {
                    let field = names::label(field)?;
                    let projected = match row.take() {
                        Some(shape) => self.project(&shape, &field, role)?,
                        None => match value.take() {
                            Some(Value { row: Some(shape), .. }) => {
                                self.project(&shape, &field, role)?
                            }
                            // A field of a composite value, or a function of it.
                            Some(value) if self.is_function(&field)? => {
                                self.unqualified_function(&field)?;
                                value
                            }
                            Some(value) => value,
                            None => Value::default(),
                        },
                    };
                    value = Some(Value { direct: false, ..projected });
                }
                AccessExpr::Dot(_) => return Err(Stop::unsupported("this form of field access")),
                AccessExpr::Subscript(subscript) => {
                    let mut indexed = match (row.take(), value.take()) {
                        (Some(shape), _) => {
                            Self::unmarked(&shape, "a subscript of a row")?;
                            let all = sources_of(&shape);
                            self.record(&all.sources, role, ColumnMode::WholeRow);
                            all
                        }
                        (None, Some(value)) => value,
                        (None, None) => Value::default(),
                    };
                    indexed.absorb(&self.subscript(subscript, role)?);
                    indexed.row = None;
                    value = Some(indexed);
                }
            }
        }
        Ok(value.unwrap_or_default())
    }

    fn subscript(&mut self, subscript: &mut Subscript, role: ColumnRole) -> Result<Value, Stop> {
        match subscript {
            Subscript::Index { index } => self.parts([index], role),
            Subscript::Slice { lower_bound, upper_bound, stride: None } => {
                self.parts(lower_bound.iter_mut().chain(upper_bound), role)
            }
            Subscript::Slice { stride: Some(_), .. } => {
                Err(Stop::unsupported("an array slice with a step"))
            }
        }
    }

    /// The row that `(t)` or `t` stands for before a dot.
    pub(super) fn row_root(&mut self, root: &Expr) -> Result<Option<Shape>, Stop> {
        let root = inner(root);
        if let Expr::Identifier(ident) = root
            && pre::is_mark(&ident.value)
        {
            return Ok(None);
        }
        if let Expr::Identifier(ident) = root {
            self.row_of(&mut vec![ident.clone()])
        } else if let Expr::CompoundIdentifier(parts) = root {
            self.row_of(&mut parts.clone())
        } else {
            // Anything else is walked as a value, and its fields are as secret as the whole.
            Ok(None)
        }
    }

    /// One field of a row: its column, or a function of the whole row.
    pub(super) fn project(
        &mut self,
        shape: &Shape,
        field: &str,
        role: ColumnRole,
    ) -> Result<Value, Stop> {
        if let Some(col) = shape.cols.iter().find(|col| *col.name == *field) {
            if col.masked.is_some() {
                return Err(super::in_place::in_place(shape, "a field of its row"));
            }
            return Ok(self.use_col(col, role, true));
        }
        Self::unmarked(shape, "a function of its row")?;
        let whole = sources_of(shape);
        self.record(&whole.sources, role, ColumnMode::WholeRow);
        if self.is_function(field)? {
            self.unqualified_function(field)?;
            Ok(whole)
        } else if shape.open.is_some() {
            Ok(whole)
        } else {
            Err(Stop::unresolved("column", field))
        }
    }

    pub(super) fn literal(&mut self, literal: &Literal) -> Result<Value, Stop> {
        match literal {
            // Of MySQL and MariaDB, which have no numbers: they are counted in the text.
            Literal::Placeholder(name) if !self.naming.is_postgres() && name == "?" => {
                Ok(Value::default())
            }
            Literal::Number(..)
            | Literal::SingleQuotedString(_)
            | Literal::DollarQuotedString(_)
            | Literal::EscapedStringLiteral(_)
            | Literal::NationalStringLiteral(_)
            | Literal::SingleQuotedByteStringLiteral(_)
            | Literal::HexStringLiteral(_)
            | Literal::Boolean(_)
            | Literal::Null => Ok(Value::default()),
            Literal::Placeholder(name) => {
                let name = pre::seed_parameter(name);
                let number = name.strip_prefix('$').and_then(|digits| digits.parse().ok());
                match number {
                    Some(number) => {
                        self.facts.parameters = self.facts.parameters.max(number);
                        Ok(Value::default())
                    }
                    None => Err(Stop::unsupported("this form of a parameter")),
                }
            }
            Literal::TripleSingleQuotedString(_)
            | Literal::TripleDoubleQuotedString(_)
            | Literal::UnicodeStringLiteral(_)
            | Literal::DoubleQuotedByteStringLiteral(_)
            | Literal::TripleSingleQuotedByteStringLiteral(_)
            | Literal::TripleDoubleQuotedByteStringLiteral(_)
            | Literal::SingleQuotedRawStringLiteral(_)
            | Literal::DoubleQuotedRawStringLiteral(_)
            | Literal::TripleSingleQuotedRawStringLiteral(_)
            | Literal::TripleDoubleQuotedRawStringLiteral(_)
            | Literal::QuoteDelimitedStringLiteral(_)
            | Literal::NationalQuoteDelimitedStringLiteral(_)
            | Literal::DoubleQuotedString(_) => {
                Err(Stop::unsupported("a literal that PostgreSQL does not have"))
            }
        }
    }
}

/// An expression without the brackets around it.
pub(super) fn inner(expr: &Expr) -> &Expr {
    let mut expr = expr;
    while let Expr::Nested(nested) = expr {
        expr = nested;
    }
    expr
}

/// Whether an expression is the word DEFAULT, which stands in VALUES and SET only.
pub(super) fn is_default(expr: &Expr) -> bool {
    if let Expr::Identifier(Ident { value, quote_style: None, .. }) = expr {
        value.eq_ignore_ascii_case("default")
    } else {
        false
    }
}

/// All that a row is made of.
pub(super) fn sources_of(shape: &Shape) -> Value {
    Value { sources: shape.all_sources(), direct: false, row: Some(shape.clone()) }
}

/// The role of a condition inside an expression of another role.
///
/// A condition decides which value is used. What is written is a source as a whole; what groups,
/// joins or orders stays that.
pub(super) const fn predicate_unless_source(role: ColumnRole) -> ColumnRole {
    match role {
        ColumnRole::Output
        | ColumnRole::Returned
        | ColumnRole::Argument
        | ColumnRole::Predicate => ColumnRole::Predicate,
        ColumnRole::Assigned
        | ColumnRole::Distinct
        | ColumnRole::Group
        | ColumnRole::Join
        | ColumnRole::Order
        | ColumnRole::Source => role,
    }
}
