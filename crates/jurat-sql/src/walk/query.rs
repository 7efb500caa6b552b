//! Queries: WITH, the body, ORDER BY and the rest.

use jurat_types::{ColumnRole, Via};
use sqlparser::ast::{
    Cte as CteNode, Fetch, LimitClause, LockClause, Offset, OrderBy, Query, SetExpr, TableAlias,
    Values, With,
};

use super::expr::is_default;
use super::{Stop, Value, Walker};
use crate::names::Naming;
use crate::scope::{Col, Cte, Shape};
use crate::{names, pre};

impl Walker<'_> {
    /// A query anywhere in a statement; `role` is what its result columns are used for.
    pub(super) fn query(&mut self, query: &mut Query, role: ColumnRole) -> Result<Shape, Stop> {
        self.query_ordered(query, None, role)
    }

    /// A query to which an ORDER BY from outside its brackets applies.
    fn query_ordered(
        &mut self,
        query: &mut Query,
        outer_order: Option<&mut OrderBy>,
        role: ColumnRole,
    ) -> Result<Shape, Stop> {
        self.spend(1)?;
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators,
        } = query
        else {
            return Err(Stop::unsupported("a clause that PostgreSQL's SELECT does not have"));
        };
        if !pipe_operators.is_empty() {
            return Err(Stop::unsupported("a pipe operator"));
        }
        let n_ctes = self.ctes.len();
        if let Some(with) = with {
            self.with_clause(with, role)?;
        }
        let (order_by, again) = match (order_by.as_mut(), outer_order) {
            // `(SELECT … ORDER BY … LIMIT 2) ORDER BY …` sorts the rows that are left, by result columns.
            (Some(own), Some(outer)) if !self.naming.is_postgres() => (Some(own), Some(outer)),
            (Some(_), Some(_)) => return Err(Stop::unsupported("two ORDER BY clauses")),
            (Some(order), None) | (None, Some(order)) => (Some(order), None),
            (None, None) => (None, None),
        };
        let shape = self.body(body, order_by, role)?;
        self.tail(limit_clause.as_mut(), fetch.as_mut())?;
        if let Some(again) = again {
            self.order_by(again, &shape)?;
        }
        for LockClause { lock_type: _, of, nonblock: _ } in locks {
            if let Some(of) = of
                && !names::idents(of)?.iter().any(|ident| pre::is_mark(&ident.value))
            {
                self.naming.parts(of)?;
            }
        }
        self.ctes.truncate(n_ctes);
        Ok(shape)
    }

    /// LIMIT, OFFSET and FETCH: no column of the query can stand there.
    fn tail(
        &mut self,
        limit: Option<&mut LimitClause>,
        fetch: Option<&mut Fetch>,
    ) -> Result<(), Stop> {
        match limit {
            None => {}
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
                if let Some(limit) = limit {
                    self.expr(limit, ColumnRole::Predicate)?;
                }
                if let Some(Offset { value, rows: _ }) = offset {
                    self.expr(value, ColumnRole::Predicate)?;
                }
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) if !self.naming.is_postgres() => {
                self.expr(offset, ColumnRole::Predicate)?;
                self.expr(limit, ColumnRole::Predicate)?;
            }
            Some(LimitClause::LimitOffset { .. } | LimitClause::OffsetCommaLimit { .. }) => {
                return Err(Stop::unsupported("this form of LIMIT"));
            }
        }
        match fetch {
            None => Ok(()),
            Some(Fetch { with_ties: _, percent: false, quantity }) => {
                if let Some(quantity) = quantity {
                    self.expr(quantity, ColumnRole::Predicate)?;
                }
                Ok(())
            }
            Some(Fetch { percent: true, .. }) => Err(Stop::unsupported("FETCH PERCENT")),
        }
    }

    /// The part of a query between WITH and ORDER BY.
    pub(super) fn body(
        &mut self,
        body: &mut SetExpr,
        order_by: Option<&mut OrderBy>,
        role: ColumnRole,
    ) -> Result<Shape, Stop> {
        self.spend(1)?;
        let shape = match body {
            SetExpr::Select(select) => return self.select(select, order_by, role),
            // Brackets add nothing: the ORDER BY belongs to the query inside.
            SetExpr::Query(query) => return self.query_ordered(query, order_by, role),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.set_operation(left, *op, *set_quantifier, right, role)?
            }
            SetExpr::Values(values) => self.values(values, role)?,
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => self.modification(statement)?,
            SetExpr::Table(_) => return Err(Stop::unsupported("TABLE in this place")),
        };
        if let Some(order_by) = order_by {
            // Only result columns can be named here.
            self.with_scope(|walker| walker.order_by(order_by, &shape))?;
        }
        Ok(shape)
    }

    /// `VALUES (…), (…)`.
    pub(super) fn values(&mut self, values: &mut Values, role: ColumnRole) -> Result<Shape, Stop> {
        let Values { explicit_row, value_keyword, rows } = values;
        if self.naming.is_postgres() && (*explicit_row || *value_keyword) {
            return Err(Stop::unsupported("this form of VALUES"));
        }
        let mut columns: Vec<Value> = Vec::new();
        let opaque = self.opaque;
        for row in rows {
            for (index, expr) in row.content.iter_mut().enumerate() {
                let value =
                    if is_default(expr) { Value::default() } else { self.expr(expr, role)? };
                match columns.get_mut(index) {
                    Some(column) => column.absorb(&value),
                    None => columns.push(Value { direct: false, ..value }),
                }
            }
        }
        Ok(Shape::closed(
            columns
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    let name = if self.naming.is_postgres() {
                        format!("column{}", index.saturating_add(1))
                    } else {
                        format!("column_{index}")
                    };
                    Col { opaque: self.opaque > opaque, ..Self::col(name, value) }
                })
                .collect(),
        ))
    }

    /// Adds the WITH queries. A query sees those before it; with RECURSIVE also itself.
    pub(super) fn with_clause(&mut self, with: &mut With, role: ColumnRole) -> Result<(), Stop> {
        let With { with_token: _, recursive, cte_tables } = with;
        let base = self.ctes.len();
        let mut pending = Vec::with_capacity(cte_tables.len());
        for cte in cte_tables.iter() {
            let name = self.naming.name(&cte.alias.name)?;
            if pending.contains(&name) {
                return Err(Stop::unsupported(format!("two WITH queries named `{name}`")));
            }
            pending.push(name);
        }
        if *recursive {
            // All names are known at once, and none may be used before its columns are.
            for name in &pending {
                self.ctes.push(Cte { name: name.clone(), shape: None });
            }
        }
        for (index, (cte, name)) in cte_tables.iter_mut().zip(pending).enumerate() {
            let place = recursive.then(|| base.saturating_add(index));
            let via = std::mem::replace(&mut self.via, Via::Cte);
            let shape = self.with_query(cte, place, role);
            self.via = via;
            let shape = Some(shape?);
            match place.and_then(|place| self.ctes.get_mut(place)) {
                Some(known) => known.shape = shape,
                None => self.ctes.push(Cte { name, shape }),
            }
        }
        Ok(())
    }

    /// One WITH query; `place` is where its own name is known while it is walked.
    fn with_query(
        &mut self,
        cte: &mut CteNode,
        place: Option<usize>,
        role: ColumnRole,
    ) -> Result<Shape, Stop> {
        let CteNode { alias, query, from: None, materialized: _, closing_paren_token: _ } = cte
        else {
            return Err(Stop::unsupported("FROM in a WITH query"));
        };
        let columns = cte_columns(alias, self.naming)?;
        if is_modification(&query.body) {
            self.facts.data_modifying_cte = true;
        }
        let shape = match place {
            Some(place) if matches!(&*query.body, SetExpr::SetOperation { .. }) => {
                self.recursive_query(query, place, &columns, role)?
            }
            Some(_) | None => self.query(query, role)?,
        };
        shape.renamed(&columns).ok_or_else(|| Stop::unsupported("more column names than columns"))
    }
}

/// The column names in `WITH t (a, b)`.
fn cte_columns(alias: &TableAlias, naming: Naming) -> Result<Vec<String>, Stop> {
    let TableAlias { explicit: _, name: _, columns, at: None } = alias else {
        return Err(Stop::unsupported("this form of a WITH query"));
    };
    columns.iter().map(|column| naming.label(&column.name)).collect()
}

/// Whether the body of a query changes rows.
pub(super) fn is_modification(body: &SetExpr) -> bool {
    match body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => true,
        SetExpr::Query(query) => is_modification(&query.body),
        SetExpr::Select(_)
        | SetExpr::SetOperation { .. }
        | SetExpr::Values(_)
        | SetExpr::Table(_) => false,
    }
}

/// A column without a source, for names that the statement itself makes up.
pub(super) fn made_up(name: &str) -> Col {
    Col::constant(name)
}
