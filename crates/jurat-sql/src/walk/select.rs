//! One SELECT: FROM, conditions, grouping and the result columns.

use std::collections::HashSet;

use jurat_types::{ColumnMode, ColumnRole};
use sqlparser::ast::{
    Distinct, Expr, FunctionArguments, GroupByExpr, GroupByWithModifier, OrderBy, Select,
    SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind, TrimWhereField,
    WildcardAdditionalOptions,
};

use super::expr::inner;
use super::look_up::add;
use super::mysql::is_sorting;
use super::order::Prefer;
use super::{Stop, Walker};
use crate::names;
use crate::scope::{Col, Scope, Shape, SourceId};

impl Walker<'_> {
    pub(super) fn select(
        &mut self,
        select: &mut Select,
        order_by: Option<&mut OrderBy>,
        role: ColumnRole,
    ) -> Result<Shape, Stop> {
        self.with_scope(|walker| walker.select_in_scope(select, order_by, role))
    }

    fn select_in_scope(
        &mut self,
        select: &mut Select,
        order_by: Option<&mut OrderBy>,
        role: ColumnRole,
    ) -> Result<Shape, Stop> {
        let Select {
            select_token: _,
            optimizer_hints,
            distinct,
            select_modifiers,
            top: None,
            top_before_distinct: _,
            projection,
            exclude: None,
            into,
            from,
            lateral_views,
            prewhere: None,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify: None,
            window_before_qualify: _,
            value_table_mode: None,
            flavor: SelectFlavor::Standard,
        } = select
        else {
            return Err(Stop::unsupported("a clause that PostgreSQL's SELECT does not have"));
        };
        if !(optimizer_hints.is_empty()
            && (select_modifiers.is_none() || !self.naming.is_postgres())
            && lateral_views.is_empty()
            && connect_by.is_empty()
            && cluster_by.is_empty()
            && distribute_by.is_empty()
            && sort_by.is_empty())
        {
            return Err(Stop::unsupported("a clause that PostgreSQL's SELECT does not have"));
        }
        if into.is_some() && !std::mem::take(&mut self.into_allowed) {
            return Err(Stop::unsupported("INTO in this place"));
        }
        self.into_allowed = false;
        let grouped = match &*group_by {
            GroupByExpr::Expressions(exprs, _) => !exprs.is_empty(),
            GroupByExpr::All(_) => false,
        };
        // Grouped by its primary key, a table may show its other columns; a derived table may not.
        let outside = std::mem::replace(&mut self.keep_tables, grouped);
        let added = self.add_list(from, role);
        self.keep_tables = outside;
        added?;
        let held = self.move_look_ups(from, selection)?;
        if let Some(condition) = selection {
            self.expr(condition, ColumnRole::Predicate)?;
        }
        held.into_iter().for_each(|look_up| add(selection, look_up));
        self.facts.gathering.select();
        let outputs = self.projection(projection, role)?;
        self.show_aliases(&outputs);
        self.group_by(group_by, &outputs)?;
        if let Some(condition) = having {
            self.expr(condition, ColumnRole::Predicate)?;
        }
        for window in named_window {
            self.named_window(window)?;
        }
        match distinct {
            None | Some(Distinct::All) => {}
            Some(Distinct::Distinct) => {
                for col in outputs.cols.iter() {
                    self.use_col(col, ColumnRole::Distinct, true);
                }
            }
            Some(Distinct::On(exprs)) => {
                for expr in exprs {
                    if !self.output(expr, &outputs, ColumnRole::Group, Prefer::Output)? {
                        self.expr(expr, ColumnRole::Group)?;
                    }
                }
            }
        }
        if let Some(order_by) = order_by {
            self.order_by(order_by, &outputs)?;
        }
        self.keep_items();
        Ok(outputs)
    }

    /// A result column.
    fn result_column(&mut self, expr: &mut Expr, role: ColumnRole) -> Result<super::Value, Stop> {
        let before = self.facts.gathering.item_begins();
        let value = self.expr(expr, role);
        self.facts.gathering.item_ends(before);
        value
    }

    fn group_by(&mut self, group_by: &mut GroupByExpr, outputs: &Shape) -> Result<(), Stop> {
        let GroupByExpr::Expressions(exprs, modifiers) = group_by else {
            return Err(Stop::unsupported("GROUP BY ALL"));
        };
        let rollup = !self.naming.is_postgres()
            && modifiers.iter().all(|modifier| *modifier == GroupByWithModifier::Rollup);
        if !(modifiers.is_empty() || rollup) {
            return Err(Stop::unsupported("a modifier of GROUP BY"));
        }
        let dependent = self.dependent(exprs);
        for (place, expr) in exprs.iter_mut().enumerate() {
            if dependent.contains(&place) {
                // Beside the key of its table it divides no group.
                self.expr(expr, ColumnRole::Distinct)?;
            } else if let Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) = expr {
                for expr in sets.iter_mut().flatten() {
                    self.group_expr(expr, outputs)?;
                }
            } else if let Expr::Tuple(items) = expr {
                for expr in items {
                    self.group_expr(expr, outputs)?;
                }
            } else {
                self.group_expr(expr, outputs)?;
            }
        }
        Ok(())
    }

    /// The places of the columns in GROUP BY that depend on others in it: those of a table whose whole primary
    /// key is there too.
    fn dependent(&self, exprs: &[Expr]) -> Vec<usize> {
        let columns: Vec<(usize, (usize, usize, bool))> = exprs
            .iter()
            .enumerate()
            .filter_map(|(place, expr)| Some((place, self.column_of_table(expr)?)))
            .collect();
        let whole_key = |table: usize| {
            let keys = columns.iter().filter(|(_, (other, _, key))| *other == table && *key);
            let keys: HashSet<usize> = keys.map(|(_, (_, column, _))| *column).collect();
            !keys.is_empty() && keys.len() >= self.n_keys(table)
        };
        let dependent = columns.iter().filter(|(_, (table, _, key))| !*key && whole_key(*table));
        dependent.map(|(place, _)| *place).collect()
    }

    fn group_expr(&mut self, expr: &mut Expr, outputs: &Shape) -> Result<(), Stop> {
        // `GROUP BY 1 DESC` sorts, and stands for a result column all the same.
        if let Expr::Collate { expr, collation } = expr
            && is_sorting(collation)
        {
            return self.group_expr(expr, outputs);
        }
        if !self.output(expr, outputs, ColumnRole::Group, Prefer::Input)? {
            self.expr(expr, ColumnRole::Group)?;
        }
        Ok(())
    }

    /// A list of result columns, of SELECT and of RETURNING.
    pub(super) fn projection(
        &mut self,
        items: &mut Vec<SelectItem>,
        role: ColumnRole,
    ) -> Result<Shape, Stop> {
        let mut cols: Vec<Col> = Vec::with_capacity(items.len());
        let mut open = None;
        let mut written = Vec::with_capacity(items.len());
        for mut item in std::mem::take(items) {
            let replaced = self.item(&mut item, role, &mut cols, &mut open)?;
            match replaced {
                None => written.push(item),
                Some(replaced) => written.extend(replaced),
            }
        }
        *items = written;
        self.spend(cols.len())?;
        let mut shape = Shape::closed(cols);
        if let Some(open) = open {
            shape.open = Some(std::rc::Rc::from(open));
        }
        Ok(shape)
    }

    /// One item of a list of result columns; the result is what has to stand in its place, where a mask is
    /// written in place.
    fn item(
        &mut self,
        item: &mut SelectItem,
        role: ColumnRole,
        cols: &mut Vec<Col>,
        open: &mut Option<Vec<SourceId>>,
    ) -> Result<Option<Vec<SelectItem>>, Stop> {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let name = self.column_name(expr);
                let opaque = self.opaque;
                let value = self.result_column(expr, role)?;
                let label = name.clone().unwrap_or_else(|| "?column?".to_owned());
                let opaque = self.opaque > opaque;
                cols.push(Col { opaque, ..Self::col(label, &value) });
                // A mask must not change what the column is called.
                if self.masks.is_some()
                    && let Some(name) = name
                    && self.column_name(expr).as_ref() != Some(&name)
                {
                    let named = SelectItem::ExprWithAlias {
                        expr: expr.clone(),
                        alias: self.naming.ident(&name),
                    };
                    return Ok(Some(vec![named]));
                }
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let name = self.naming.column_alias(alias)?;
                let opaque = self.opaque;
                let value = self.result_column(expr, role)?;
                let opaque = self.opaque > opaque;
                cols.push(Col { opaque, ..Self::col(name, &value) });
            }
            SelectItem::ExprWithAliases { .. } => {
                return Err(Stop::unsupported("several aliases for one expression"));
            }
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) => {
                plain_star(options)?;
                let mut idents = names::idents(name)?;
                let found = self.qualified_item(&mut idents)?;
                let replaced = self.masked_star(std::slice::from_ref(&found))?;
                *name = idents.into();
                self.star(&found.shape, role, cols, open)?;
                return Ok(replaced);
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(row), options) => {
                plain_star(options)?;
                if let Some(shape) = self.row_root(row)? {
                    Self::unmarked(&shape, "`.*` after an expression")?;
                    self.star(&shape, role, cols, open)?;
                } else {
                    // Which columns a composite value has is not known.
                    let value = self.part(row, role)?;
                    open.get_or_insert_default().extend(value.sources);
                }
            }
            SelectItem::Wildcard(options) => {
                plain_star(options)?;
                let items = self.scopes.last().map(Scope::starred).unwrap_or_default();
                if items.is_empty() {
                    return Err(Stop::unsupported("`*` without FROM"));
                }
                for item in &items {
                    self.star(&item.shape, role, cols, open)?;
                }
                return self.masked_star(&items);
            }
        }
        Ok(None)
    }

    /// The name of a result column without an alias, where it can be told from the tree.
    fn column_name(&self, expr: &Expr) -> Option<String> {
        if self.naming.is_postgres() {
            return figure_name(expr);
        }
        let expr = inner(expr);
        if let Expr::Identifier(ident) = expr {
            let variable = self.is_variable(ident);
            if variable { None } else { self.naming.label(ident).ok() }
        } else if let Expr::CompoundIdentifier(parts) = expr {
            self.naming.label(parts.last()?).ok()
        } else {
            None
        }
    }

    /// Adds every column of a row.
    fn star(
        &mut self,
        shape: &Shape,
        role: ColumnRole,
        cols: &mut Vec<Col>,
        open: &mut Option<Vec<SourceId>>,
    ) -> Result<(), Stop> {
        self.spend(shape.cols.len())?;
        for col in shape.cols.iter() {
            self.use_col(col, role, true);
            // A marked column is written as its mask.
            cols.push(Col { masked: None, ..col.clone() });
        }
        if let Some(sources) = &shape.open {
            self.record(sources, role, ColumnMode::Derived);
            open.get_or_insert_default().extend_from_slice(sources);
        }
        Ok(())
    }
}

/// `*` without the options of other databases.
fn plain_star(options: &WildcardAdditionalOptions) -> Result<(), Stop> {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike: None,
        opt_exclude: None,
        opt_except: None,
        opt_replace: None,
        opt_rename: None,
        opt_alias: None,
    } = options
    else {
        return Err(Stop::unsupported("an option of `*`"));
    };
    Ok(())
}

/// The name that PostgreSQL gives to a result column without one (`FigureColname`); `None` for
/// `?column?`. A name that is missing here cannot be referred to, which is safe.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a column without a known name cannot be referred to, so a new variant is safe"
)]
fn figure_name(expr: &Expr) -> Option<String> {
    match inner(expr) {
        Expr::Identifier(ident) => names::label(ident).ok(),
        Expr::CompoundIdentifier(parts) => names::label(parts.last()?).ok(),
        Expr::CompoundFieldAccess { root, access_chain } => access_chain
            .iter()
            .rev()
            .find_map(|access| match access {
                sqlparser::ast::AccessExpr::Dot(field) => Some(figure_name(field)),
                sqlparser::ast::AccessExpr::Subscript(_) => None,
            })
            .unwrap_or_else(|| figure_name(root)),
        Expr::Function(function) => match (&function.args, names::parts_of_label(&function.name)) {
            (FunctionArguments::Subquery(_), _) => Some("array".to_owned()),
            (FunctionArguments::None | FunctionArguments::List(_), Ok(mut parts)) => parts.pop(),
            (FunctionArguments::None | FunctionArguments::List(_), Err(_)) => None,
        },
        Expr::Cast { expr, data_type, .. } => figure_name(expr).or_else(|| type_name(data_type)),
        Expr::Collate { expr, .. } => figure_name(expr),
        Expr::Case { else_result, .. } => {
            Some(else_result.as_deref().and_then(figure_name).unwrap_or_else(|| "case".to_owned()))
        }
        Expr::Exists { .. } => Some("exists".to_owned()),
        Expr::Array(_) => Some("array".to_owned()),
        Expr::Extract { .. } => Some("extract".to_owned()),
        Expr::Substring { .. } => Some("substring".to_owned()),
        Expr::Position { .. } => Some("position".to_owned()),
        Expr::Overlay { .. } => Some("overlay".to_owned()),
        Expr::Ceil { .. } => Some("ceil".to_owned()),
        Expr::Floor { .. } => Some("floor".to_owned()),
        Expr::AtTimeZone { .. } => Some("timezone".to_owned()),
        Expr::Interval(_) => Some("interval".to_owned()),
        Expr::TypedString(typed) => type_name(&typed.data_type),
        Expr::Trim { trim_where, .. } => Some(
            match trim_where {
                Some(TrimWhereField::Leading) => "ltrim",
                Some(TrimWhereField::Trailing) => "rtrim",
                Some(TrimWhereField::Both) | None => "btrim",
            }
            .to_owned(),
        ),
        Expr::Subquery(query) => subquery_name(query),
        _ => None,
    }
}

/// The name of a scalar sub-query is the name of its column.
fn subquery_name(query: &sqlparser::ast::Query) -> Option<String> {
    let sqlparser::ast::SetExpr::Select(select) = &*query.body else { return None };
    match select.projection.first()? {
        SelectItem::UnnamedExpr(expr) => figure_name(expr),
        SelectItem::ExprWithAlias { alias, .. } => names::label(alias).ok(),
        SelectItem::ExprWithAliases { .. }
        | SelectItem::QualifiedWildcard(..)
        | SelectItem::Wildcard(_) => None,
    }
}

/// The name of a type in `pg_type`, for the types that name a column often.
fn type_name(data_type: &sqlparser::ast::DataType) -> Option<String> {
    let text = data_type.to_string().to_ascii_lowercase();
    let name = match text.split_once('(').map_or(text.as_str(), |(name, _)| name).trim() {
        "int" | "integer" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "boolean" => "bool",
        "character varying" => "varchar",
        "double precision" => "float8",
        "real" => "float4",
        "decimal" => "numeric",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        other => other.rsplit('.').next().unwrap_or(other),
    };
    Some(name.trim_matches('"').to_owned())
}
