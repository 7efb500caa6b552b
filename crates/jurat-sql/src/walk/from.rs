//! FROM: tables, sub-queries and functions.

use std::rc::Rc;

use jurat_types::{ColumnRole, RelationName};
use sqlparser::ast::{
    Expr, FunctionArg, Ident, ObjectName, TableAlias, TableFactor, TableSample, TableSampleKind,
    TableWithJoins,
};

use super::{Stop, Value, Walker, Way};
use crate::mask::RewriteError;
use crate::names::Naming;
use crate::scope::{Item, Scope, Shape};
use crate::{names, pre};

/// The place of an entry in its scope.
pub(super) type Place = usize;

impl Walker<'_> {
    /// Adds every entry of a FROM list to the innermost scope.
    pub(super) fn add_list(
        &mut self,
        list: &mut [TableWithJoins],
        role: ColumnRole,
    ) -> Result<(), Stop> {
        for entry in list {
            self.table_with_joins(entry, role)?;
        }
        Ok(())
    }

    /// Adds one entry with its joins; the result is the place of the whole.
    pub(super) fn table_with_joins(
        &mut self,
        entry: &mut TableWithJoins,
        role: ColumnRole,
    ) -> Result<Place, Stop> {
        let start = self.scope_len();
        let mut place = self.factor(&mut entry.relation, role)?;
        for join in &mut entry.joins {
            place = self.join(start, place, join, role)?;
        }
        Ok(place)
    }

    fn scope_len(&self) -> Place {
        self.scopes.last().map_or(0, |scope| scope.items.len())
    }

    /// Adds an entry and says where.
    pub(super) fn add_item(&mut self, item: Item) -> Result<Place, Stop> {
        let naming = self.naming;
        self.spend(item.shape.cols.len().saturating_add(1))?;
        if let Some(alias) = item.alias.as_deref()
            && self.scopes.last().is_some_and(|scope| {
                scope.items.iter().any(|known| {
                    known.relation_visible
                        && known.alias.as_deref().is_some_and(|known| naming.same_table(known, alias))
                        // Two tables of one name from two schemas are allowed.
                        && (known.relation.is_none() || known.relation == item.relation)
                })
            })
        {
            return Err(Stop::unsupported(format!("the name `{alias}` twice in FROM")));
        }
        let place = self.scope_len();
        if let Some(scope) = self.scopes.last_mut() {
            scope.items.push(item);
        }
        Ok(place)
    }

    /// One table, sub-query or function.
    pub(super) fn factor(
        &mut self,
        factor: &mut TableFactor,
        role: ColumnRole,
    ) -> Result<Place, Stop> {
        self.spend(1)?;
        match factor {
            TableFactor::Table { args: None, .. } => self.table(factor, role),
            TableFactor::Table {
                name,
                alias,
                args: Some(arguments),
                with_hints,
                version: None,
                with_ordinality: _,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
            } if with_hints.is_empty()
                && partitions.is_empty()
                && index_hints.is_empty()
                && arguments.settings.is_none() =>
            {
                let call = Call { name, arguments: &mut arguments.args };
                self.table_function(call, alias.as_mut())
            }
            TableFactor::Table { args: Some(_), .. } => {
                Err(Stop::unsupported("an option of a function in FROM"))
            }
            TableFactor::Derived { lateral, subquery, alias, sample: None } => {
                let shape = self.enclosed(*lateral, |walker| walker.query(subquery, role))?;
                self.add_aliased(shape, alias.as_mut(), None)
            }
            TableFactor::Derived { sample: Some(_), .. } => {
                Err(Stop::unsupported("TABLESAMPLE of a sub-query"))
            }
            TableFactor::Function { lateral: _, name, args, with_ordinality: _, alias } => {
                let call = Call { name, arguments: args };
                self.table_function(call, alias.as_mut())
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset: false,
                with_offset_alias: None,
                with_ordinality: _,
            } => self.unnest(array_exprs, alias.as_mut()),
            TableFactor::UNNEST { .. } => Err(Stop::unsupported("UNNEST WITH OFFSET")),
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let start = self.scope_len();
                let place = self.table_with_joins(table_with_joins, role)?;
                match alias {
                    None => Ok(place),
                    Some(alias) => self.alias_join(start, place, alias),
                }
            }
            TableFactor::TableFunction { .. } => Err(Stop::unsupported("TABLE(…) in FROM")),
            TableFactor::JsonTable { json_expr, json_path, columns, alias }
                if !self.naming.is_postgres() =>
            {
                self.literal(&json_path.value)?;
                let shape = self.json_table(json_expr, columns)?;
                self.add_aliased(shape, alias.as_mut(), None)
            }
            TableFactor::JsonTable { .. } | TableFactor::OpenJsonTable { .. } => {
                Err(Stop::unsupported("JSON_TABLE"))
            }
            TableFactor::XmlTable { .. } => Err(Stop::unsupported("XMLTABLE")),
            TableFactor::Pivot { .. }
            | TableFactor::Unpivot { .. }
            | TableFactor::UnpivotExpr { .. }
            | TableFactor::MatchRecognize { .. }
            | TableFactor::SemanticView { .. } => {
                Err(Stop::unsupported("a table expression that PostgreSQL does not have"))
            }
        }
    }

    /// A named table, or a WITH query of that name. `factor` is a `TableFactor::Table`.
    fn table(&mut self, factor: &mut TableFactor, role: ColumnRole) -> Result<Place, Stop> {
        let TableFactor::Table {
            name,
            alias,
            args: None,
            with_hints,
            version: None,
            with_ordinality: false,
            partitions,
            json_path: None,
            sample,
            index_hints,
        } = factor
        else {
            return Err(Stop::unsupported("an option of a table in FROM"));
        };
        let plain = partitions.is_empty() && index_hints.is_empty();
        if !with_hints.is_empty() {
            return Err(Stop::unsupported("a table hint"));
        }
        self.check_hints(plain, sample.is_some())?;
        if self.is_dual(name) {
            return Ok(self.scope_len());
        }
        let only = pre::take_only(name);
        if let Some(shape) = self.cte(name)? {
            if only {
                return Err(Stop::unsupported("ONLY before a WITH query"));
            }
            if sample.is_some() {
                return Err(Stop::unsupported("TABLESAMPLE of a WITH query"));
            }
            let default = self.naming.parts(name)?.pop();
            return self.add_aliased(shape, alias.as_mut(), default);
        }
        let relation = self.lookup(name)?;
        self.read_relation(&relation, role)?;
        if let Some(
            TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample),
        ) = sample
        {
            self.sample(sample)?;
        }
        let mut shape = self.base_shape(&relation)?;
        *name = self.naming.qualified(&relation);
        let stays = match self.way {
            Way::Usual => sample.is_some() || self.keep_tables,
            Way::Derived => sample.is_some(),
            Way::InPlace => true,
        };
        let stays = stays && self.may_stay(&relation, sample.is_some())?;
        if stays {
            // Before the alias can give the columns other names.
            shape = self.marked_shape(&relation, &shape)?;
        }
        if only {
            pre::put_only(name);
        }
        let (label, shape) = aliased(shape, alias.as_ref(), self.naming)?;
        let mut item = Item {
            alias: Some(label.clone().unwrap_or_else(|| relation.name.clone())),
            schema_visible: label.is_none(),
            relation: Some(relation.clone()),
            shape,
            relation_visible: true,
            cols_visible: true,
            masked: false,
        };
        if !stays
            && let Some(masks) = self.masks
            && let Some(subquery) = masks.derived(&relation, self.catalog)?
        {
            if only {
                let reason = format!("ONLY before the masked relation {relation}");
                return Err(Stop::Mask(RewriteError::Text { reason }));
            }
            let alias = alias.take().unwrap_or_else(|| plain_alias(&relation, self.naming));
            item.masked = true;
            *factor = TableFactor::Derived {
                lateral: false,
                subquery,
                alias: Some(TableAlias { explicit: true, ..alias }),
                sample: None,
            };
        }
        self.add_item(item)
    }

    /// Whether a relation may stay in the text: not where rows of it have to be kept back.
    fn may_stay(&self, relation: &RelationName, sampled: bool) -> Result<bool, Stop> {
        let Some(masks) = self.masks else { return Ok(true) };
        let unfiltered = masks.check_unfiltered(relation, self.catalog)?;
        if sampled && !unfiltered {
            return Err(Stop::Mask(RewriteError::FilteredSample {
                relation: relation.to_string(),
            }));
        }
        Ok(unfiltered)
    }

    /// The columns of a WITH query, where an unqualified name stands for one.
    fn cte(&mut self, name: &ObjectName) -> Result<Option<Shape>, Stop> {
        if self.ctes.is_empty() {
            return Ok(None);
        }
        let parts = self.naming.parts(name)?;
        let [name] = parts.as_slice() else { return Ok(None) };
        match self.ctes.iter().rev().find(|cte| self.naming.same_table(&cte.name, name)) {
            None => Ok(None),
            Some(cte) => match &cte.shape {
                Some(shape) => {
                    let shape = shape.clone();
                    self.facts.gathering.cte(name);
                    Ok(Some(shape))
                }
                None => {
                    Err(Stop::unsupported(format!("the use of `{name}` before its definition")))
                }
            },
        }
    }

    fn sample(&mut self, sample: &mut TableSample) -> Result<(), Stop> {
        let TableSample { modifier: _, name: _, quantity, seed, bucket: None, offset: None } =
            sample
        else {
            return Err(Stop::unsupported("this form of TABLESAMPLE"));
        };
        if let Some(quantity) = quantity {
            self.expr(&mut quantity.value, ColumnRole::Argument)?;
        }
        if let Some(seed) = seed {
            self.literal(&seed.value.value)?;
        }
        Ok(())
    }

    /// Runs `work` where the entries beside it cannot be seen unless LATERAL says so.
    fn enclosed<R>(
        &mut self,
        lateral: bool,
        work: impl FnOnce(&mut Self) -> Result<R, Stop>,
    ) -> Result<R, Stop> {
        let depth = self.scopes.len().saturating_sub(1);
        let hide = |scopes: &mut Vec<Scope>, hidden: bool| {
            if let Some(scope) = scopes.get_mut(depth) {
                scope.hidden = hidden;
            }
        };
        hide(&mut self.scopes, !lateral);
        let result = work(self);
        hide(&mut self.scopes, false);
        result
    }

    /// A function in FROM. It sees the entries to its left, with or without LATERAL.
    fn table_function(
        &mut self,
        call: Call<'_>,
        alias: Option<&mut TableAlias>,
    ) -> Result<Place, Stop> {
        let default = names::parts_of_label(call.name)?.pop().filter(|name| !pre::is_mark(name));
        let opaque = self.opaque;
        self.function_name(call.name, call.arguments)?;
        let mut sources = Value::default();
        for argument in call.arguments {
            sources.absorb(&self.argument(argument, ColumnRole::Argument)?);
        }
        // The columns of most functions are not in the catalog: any name can be one of them.
        let opaque = self.opaque > opaque;
        let open = Some(Rc::from(sources.sources));
        let shape = Shape { cols: Rc::from([]), open, opaque };
        self.add_aliased(shape, alias, default)
    }

    fn unnest(
        &mut self,
        arrays: &mut [Expr],
        alias: Option<&mut TableAlias>,
    ) -> Result<Place, Stop> {
        let opaque = self.opaque;
        self.unqualified_function("unnest")?;
        let mut sources = Value::default();
        for array in arrays {
            sources.absorb(&self.expr(array, ColumnRole::Argument)?);
        }
        let opaque = self.opaque > opaque;
        let open = Some(Rc::from(sources.sources));
        let shape = Shape { cols: Rc::from([]), open, opaque };
        self.add_aliased(shape, alias, Some("unnest".to_owned()))
    }

    /// Adds rows under their alias.
    fn add_aliased(
        &mut self,
        shape: Shape,
        alias: Option<&mut TableAlias>,
        default: Option<String>,
    ) -> Result<Place, Stop> {
        if let Some(alias) = &alias {
            for column in &alias.columns {
                if let Some(data_type) = &column.data_type {
                    self.data_type(&mut data_type.clone())?;
                }
            }
        }
        let (label, shape) = aliased(shape, alias.as_deref(), self.naming)?;
        self.add_item(Item {
            alias: label.or(default),
            relation: None,
            schema_visible: false,
            shape,
            relation_visible: true,
            cols_visible: true,
            masked: false,
        })
    }

    /// Hides the parts of a join behind the join's own alias.
    fn alias_join(
        &mut self,
        start: Place,
        place: Place,
        alias: &TableAlias,
    ) -> Result<Place, Stop> {
        let mut shape = None;
        if let Some(scope) = self.scopes.last_mut() {
            shape = scope.items.get(place).map(|item| item.shape.clone());
            for item in scope.items.iter_mut().skip(start) {
                item.relation_visible = false;
                item.cols_visible = false;
            }
        }
        let Some(shape) = shape else {
            return Err(Stop::unsupported("a join without entries"));
        };
        let (label, shape) = aliased(shape, Some(alias), self.naming)?;
        self.add_item(Item {
            alias: label,
            relation: None,
            schema_visible: false,
            shape,
            relation_visible: true,
            cols_visible: true,
            masked: false,
        })
    }
}

/// A function in FROM.
struct Call<'c> {
    name: &'c mut ObjectName,
    arguments: &'c mut Vec<FunctionArg>,
}

/// An alias's name and the columns under it.
pub(super) fn aliased(
    shape: Shape,
    alias: Option<&TableAlias>,
    naming: Naming,
) -> Result<(Option<String>, Shape), Stop> {
    let Some(TableAlias { explicit: _, name, columns, at: None }) = alias else {
        return match alias {
            None => Ok((None, shape)),
            Some(_) => Err(Stop::unsupported("this form of a table alias")),
        };
    };
    let label = naming.name(name)?;
    let mut labels = Vec::with_capacity(columns.len());
    for column in columns {
        labels.push(naming.label(&column.name)?);
    }
    match shape.renamed(&labels) {
        Some(shape) => Ok((Some(label), shape)),
        None => Err(Stop::unsupported("more column names than columns")),
    }
}

/// The alias that a table without one has anyway.
fn plain_alias(relation: &RelationName, naming: Naming) -> TableAlias {
    let name: Ident = naming.ident(&relation.name);
    TableAlias { explicit: true, name, columns: Vec::new(), at: None }
}
