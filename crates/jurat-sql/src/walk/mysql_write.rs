//! INSERT, REPLACE, UPDATE and DELETE of MySQL and MariaDB, also of several tables.

use jurat_types::{ColumnMode, ColumnRole, RelationName, StatementClass};
use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, Insert, InsertAliases, ObjectName,
    OnInsert, OrderByExpr, Query, SetExpr, TableFactor, TableObject, TableWithJoins, Update,
    Value as Literal,
};

use super::expr::is_default;
use super::relation::Reach;
use super::{Stop, Walker, Way};
use crate::constant::always_true;
use crate::scope::{Col, Item, Shape};
use crate::{mysql, names};

impl Walker<'_> {
    pub(super) fn mysql_insert(&mut self, insert: &mut Insert) -> Result<Shape, Stop> {
        let unsupported = || Stop::unsupported("a clause of INSERT");
        let Insert {
            insert_token: _,
            optimizer_hints: _,
            or: None,
            ignore: _,
            into: _,
            table: TableObject::TableName(table),
            table_alias: None,
            columns,
            overwrite: false,
            source,
            assignments,
            partitioned,
            after_columns,
            has_table_keyword: false,
            on,
            returning,
            output: None,
            replace_into,
            priority: _,
            insert_alias,
            settings: None,
            format_clause: None,
            multi_table_insert_type: None,
            multi_table_into_clauses,
            multi_table_when_clauses,
            multi_table_else_clause: None,
        } = insert
        else {
            return Err(unsupported());
        };
        if !(after_columns.is_empty()
            && multi_table_into_clauses.is_empty()
            && multi_table_when_clauses.is_empty())
        {
            return Err(unsupported());
        }
        if *replace_into && self.facts.kind == "insert" {
            self.facts.set("replace", StatementClass::Write);
        }
        let relation = self.target(table)?;
        self.refuse_filtered(&relation, "INSERT into")?;
        for partition in partitioned.iter_mut().flatten() {
            if !matches!(partition, Expr::Identifier(_)) {
                return Err(unsupported());
            }
        }
        if columns.is_empty() && assignments.is_empty() {
            let sources = self.base_shape(&relation)?.all_sources();
            self.record(&sources, ColumnRole::Assigned, ColumnMode::Direct);
        }
        for column in columns.iter() {
            self.inserted_column(&relation, column)?;
        }
        let from = match source {
            None => Vec::new(),
            Some(source) => self.inserted_rows(&relation, source)?,
        };
        self.with_scope(|walker| {
            walker.add_target(&relation, None)?;
            for Assignment { target, value } in assignments {
                let AssignmentTarget::ColumnName(column) = target else {
                    return Err(Stop::unsupported("several columns in SET"));
                };
                walker.inserted_column(&relation, column)?;
                walker.written_value(value)?;
            }
            Ok(())
        })?;
        let mut reach = if *replace_into { Reach::Both } else { Reach::Nothing };
        match on {
            None => {}
            Some(OnInsert::DuplicateKeyUpdate(assignments)) => {
                reach = Reach::Updates;
                self.on_duplicate(&relation, assignments, insert_alias.as_ref(), from)?;
            }
            Some(_) => return Err(unsupported()),
        }
        self.write_relation(&relation, reach)?;
        self.returning(returning.as_mut(), |walker| walker.add_target(&relation, None).map(|_| ()))
    }

    /// The rows of INSERT, from VALUES or a query; what the query reads from, for what follows it.
    fn inserted_rows(
        &mut self,
        relation: &RelationName,
        source: &mut Query,
    ) -> Result<Vec<Item>, Stop> {
        let before = self.kept_items.replace(Vec::new());
        let walked = if let SetExpr::Values(_) = &*source.body {
            self.facts.limit = None;
            // A column means what the new row has by then, as in SET.
            self.with_scope(|walker| {
                walker.add_target(relation, None)?;
                walker.query(source, ColumnRole::Source).map(|_| ())
            })
        } else {
            self.query(source, ColumnRole::Source).map(|_| ())
        };
        let from = std::mem::replace(&mut self.kept_items, before).unwrap_or_default();
        walked.map(|()| from)
    }

    /// A column of INSERT; a table in front of it can only be the target.
    pub(super) fn inserted_column(
        &mut self,
        relation: &RelationName,
        column: &ObjectName,
    ) -> Result<(), Stop> {
        let parts = self.naming.parts(column)?;
        let Some(name) = parts.last() else {
            return Err(Stop::unsupported("an empty name"));
        };
        let shape = self.base_shape(relation)?;
        let col = shape.cols.iter().find(|col| self.naming.same_column(&col.name, name));
        match col {
            Some(col) => {
                self.record(&col.sources, ColumnRole::Assigned, ColumnMode::Direct);
                Ok(())
            }
            None => Err(Stop::unresolved("column", format!("{relation}.{name}"))),
        }
    }

    fn written_value(&mut self, value: &mut Expr) -> Result<(), Stop> {
        if is_default(value) {
            return Ok(());
        }
        self.expr(value, ColumnRole::Source).map(|_| ())
    }

    /// ON DUPLICATE KEY UPDATE. It sees the target, the row that was to be inserted under its alias, and the
    /// tables of the query that is inserted.
    fn on_duplicate(
        &mut self,
        relation: &RelationName,
        assignments: &mut [Assignment],
        alias: Option<&InsertAliases>,
        from: Vec<Item>,
    ) -> Result<(), Stop> {
        self.with_scope(|walker| {
            walker.add_target(relation, None)?;
            if let Some(InsertAliases { row_alias, col_aliases }) = alias {
                walker.add_inserted_row(relation, row_alias, col_aliases.as_deref())?;
            }
            for item in from {
                walker.add_item(item)?;
            }
            for Assignment { target, value } in assignments {
                let AssignmentTarget::ColumnName(column) = target else {
                    return Err(Stop::unsupported("several columns in SET"));
                };
                walker.inserted_column(relation, column)?;
                walker.written_value(value)?;
            }
            Ok(())
        })
    }

    /// `VALUES (…) AS new (a, b)`: its values come from the statement, not from the table.
    fn add_inserted_row(
        &mut self,
        relation: &RelationName,
        row_alias: &ObjectName,
        col_aliases: Option<&[sqlparser::ast::Ident]>,
    ) -> Result<(), Stop> {
        let parts = self.naming.parts(row_alias)?;
        let [alias] = parts.as_slice() else {
            return Err(Stop::unsupported("a qualified alias"));
        };
        let shape = self.base_shape(relation)?;
        let mut cols: Vec<Col> =
            shape.cols.iter().map(|col| super::query::made_up(&col.name)).collect();
        let renamed = col_aliases.unwrap_or_default();
        if !renamed.is_empty() {
            cols.clear();
            for name in renamed {
                cols.push(super::query::made_up(&self.naming.label(name)?));
            }
        }
        self.add_item(Item {
            alias: Some(alias.clone()),
            relation: None,
            schema_visible: false,
            shape: Shape::closed(cols),
            relation_visible: true,
            // A bare name means the table's own column, unless the alias has named the columns.
            cols_visible: !renamed.is_empty(),
            masked: false,
        })?;
        Ok(())
    }

    pub(super) fn mysql_update(&mut self, update: &mut Update) -> Result<Shape, Stop> {
        let Update {
            update_token: _,
            optimizer_hints: _,
            table,
            assignments,
            from: None,
            selection,
            returning,
            output: None,
            or: None,
            order_by,
            limit,
        } = update
        else {
            return Err(Stop::unsupported("a clause of UPDATE"));
        };
        let marks = take_marks(table);
        let result = self.with_scope(|walker| {
            let mut only: Option<(RelationName, String)> = None;
            if is_plain(table) {
                let (relation, alias) = walker.target_factor(&mut table.relation)?;
                walker.add_target(&relation, alias.as_deref())?;
                let alias = alias.unwrap_or_else(|| relation.name.clone());
                only = Some((relation, alias));
            } else {
                walker.in_place_tables(std::slice::from_mut(table), ColumnRole::Source)?;
            }
            let mut targets: Vec<RelationName> = Vec::new();
            for Assignment { target, value } in assignments.iter_mut() {
                let AssignmentTarget::ColumnName(column) = target else {
                    return Err(Stop::unsupported("several columns in SET"));
                };
                let relation = walker.updated_column(column)?;
                if !targets.contains(&relation) {
                    targets.push(relation);
                }
                walker.written_value(value)?;
            }
            walker.mysql_condition(selection.as_mut(), order_by, limit.as_mut())?;
            if let Some((relation, alias)) = &only {
                walker.filter_target(relation, alias, assignments, selection)?;
            }
            for relation in &targets {
                if only.is_none() {
                    walker.refuse_filtered(relation, "UPDATE of")?;
                }
                walker.write_relation(relation, Reach::Updates)?;
            }
            walker.returning_here(returning.as_mut())
        });
        put_marks(table, marks);
        result
    }

    /// Adds tables that can be written to the innermost scope: they stay in the text.
    fn in_place_tables(
        &mut self,
        tables: &mut [TableWithJoins],
        role: ColumnRole,
    ) -> Result<(), Stop> {
        let way = std::mem::replace(&mut self.way, Way::InPlace);
        let result = self.add_list(tables, role);
        self.way = way;
        result
    }

    /// A column that UPDATE writes; the result is its table.
    fn updated_column(&mut self, column: &mut ObjectName) -> Result<RelationName, Stop> {
        let parts = self.naming.parts(column)?;
        let (Some(name), qualifier) = (parts.last(), parts.len().saturating_sub(1)) else {
            return Err(Stop::unsupported("an empty name"));
        };
        let items = self.scopes.last().map(|scope| scope.items.clone()).unwrap_or_default();
        let mut found: Option<(RelationName, Col)> = None;
        for item in &items {
            let Some(relation) = &item.relation else { continue };
            let here = match parts.get(..qualifier).unwrap_or_default() {
                [] => true,
                [table] => {
                    item.alias.as_deref().is_some_and(|own| self.naming.same_table(own, table))
                }
                [schema, table] => {
                    self.naming.same_table(self.naming.database(&relation.schema), schema)
                        && item.schema_visible
                        && self.naming.same_table(&relation.name, table)
                }
                _ => false,
            };
            let hit = item.shape.cols.iter().find(|col| self.naming.same_column(&col.name, name));
            if let (true, Some(col)) = (here, hit) {
                if found.is_some() {
                    return Err(Stop::unsupported(format!("the ambiguous column `{name}`")));
                }
                found = Some((relation.clone(), col.clone()));
            }
        }
        match found {
            Some((relation, col)) => {
                self.record(&col.sources, ColumnRole::Assigned, ColumnMode::Direct);
                Ok(relation)
            }
            None => Err(Stop::unresolved("column", parts.join("."))),
        }
    }

    /// WHERE, ORDER BY and LIMIT of a write.
    fn mysql_condition(
        &mut self,
        selection: Option<&mut Expr>,
        order_by: &mut [OrderByExpr],
        limit: Option<&mut Expr>,
    ) -> Result<(), Stop> {
        self.facts.has_where = selection.is_some();
        self.facts.has_condition_place = true;
        if let Some(condition) = selection {
            self.expr(condition, ColumnRole::Predicate)?;
            self.facts.where_always_true |= always_true(condition);
        }
        for order in order_by {
            self.order_expr(order, ColumnRole::Order)?;
        }
        if let Some(limit) = limit {
            self.expr(limit, ColumnRole::Predicate)?;
            if let Expr::Value(value) = &*limit
                && let Literal::Number(number, _) = &value.value
            {
                self.facts.limit = number.parse().ok();
            }
        }
        Ok(())
    }

    pub(super) fn mysql_delete(&mut self, delete: &mut Delete) -> Result<Shape, Stop> {
        let Delete {
            delete_token: _,
            optimizer_hints: _,
            tables,
            from: FromTable::WithFromKeyword(from),
            using,
            selection,
            returning,
            output: None,
            order_by,
            limit,
        } = delete
        else {
            return Err(Stop::unsupported("a clause of DELETE"));
        };
        let n_marks = tables.iter().take_while(|name| is_mark(name)).count();
        let listed = tables.get_mut(n_marks..).unwrap_or_default();
        self.with_scope(|walker| {
            let mut targets: Vec<RelationName> = Vec::new();
            let mut only: Option<(RelationName, String)> = None;
            match using {
                Some(using) => {
                    if !listed.is_empty() {
                        return Err(Stop::unsupported("two lists of tables in DELETE"));
                    }
                    walker.in_place_tables(using, ColumnRole::Predicate)?;
                    for entry in from {
                        let TableWithJoins {
                            relation: TableFactor::Table { name, alias: None, .. },
                            joins,
                        } = entry
                        else {
                            return Err(Stop::unsupported("a target that is not a table"));
                        };
                        if !joins.is_empty() {
                            return Err(Stop::unsupported("DELETE from a join"));
                        }
                        targets.push(walker.deleted_table(name)?);
                    }
                }
                None if listed.is_empty()
                    && matches!(from.as_slice(), [table] if is_plain(table)) =>
                {
                    let [table] = from.as_mut_slice() else {
                        return Err(Stop::unsupported("DELETE from several tables"));
                    };
                    let (relation, alias) = walker.target_factor(&mut table.relation)?;
                    walker.add_target(&relation, alias.as_deref())?;
                    let alias = alias.unwrap_or_else(|| relation.name.clone());
                    only = Some((relation.clone(), alias));
                    targets.push(relation);
                }
                None => {
                    walker.in_place_tables(from, ColumnRole::Predicate)?;
                    for name in listed.iter_mut() {
                        targets.push(walker.deleted_table(name)?);
                    }
                    if targets.is_empty() {
                        targets.push(walker.only_table(from)?);
                    }
                }
            }
            walker.mysql_condition(selection.as_mut(), order_by, limit.as_mut())?;
            if let Some((relation, alias)) = &only {
                walker.filter_target(relation, alias, &[], selection)?;
            }
            for relation in &targets {
                if only.is_none() {
                    walker.refuse_filtered(relation, "DELETE from")?;
                }
                walker.write_relation(relation, Reach::Deletes)?;
            }
            walker.returning_here(returning.as_mut())
        })
    }

    /// The table of a DELETE that names its targets: an alias or a name of FROM.
    fn deleted_table(&mut self, name: &mut ObjectName) -> Result<RelationName, Stop> {
        let parts = self.naming.parts(name)?;
        let items = self.scopes.last().map(|scope| scope.items.clone()).unwrap_or_default();
        let mut found = items.iter().filter(|item| match parts.as_slice() {
            [table] => item.alias.as_deref().is_some_and(|own| self.naming.same_table(own, table)),
            [schema, table] => item.relation.as_ref().is_some_and(|relation| {
                item.schema_visible
                    && self.naming.same_table(self.naming.database(&relation.schema), schema)
                    && self.naming.same_table(&relation.name, table)
            }),
            _ => false,
        });
        match (found.next(), found.next()) {
            (Some(Item { relation: Some(relation), schema_visible, .. }), None) => {
                if *schema_visible {
                    *name = self.naming.qualified(relation);
                }
                Ok(relation.clone())
            }
            _ => Err(Stop::unresolved("table of the DELETE", parts.join("."))),
        }
    }

    /// The table of a DELETE without a list of targets.
    fn only_table(&self, from: &[TableWithJoins]) -> Result<RelationName, Stop> {
        let [TableWithJoins { relation: _, joins }] = from else {
            return Err(Stop::unsupported("DELETE from several tables"));
        };
        let items = self.scopes.last().map(|scope| scope.items.as_slice()).unwrap_or_default();
        match items {
            [Item { relation: Some(relation), .. }] if joins.is_empty() => Ok(relation.clone()),
            _ => Err(Stop::unsupported("DELETE from a join")),
        }
    }
}

/// Whether an entry is one table without hints.
fn is_plain(entry: &TableWithJoins) -> bool {
    let TableWithJoins { relation, joins } = entry;
    matches!(
        relation,
        TableFactor::Table { args: None, partitions, index_hints, .. }
            if joins.is_empty() && partitions.is_empty() && index_hints.is_empty()
    )
}

/// Whether a name is a word of the grammar.
fn is_mark(name: &ObjectName) -> bool {
    names::idents(name)
        .is_ok_and(|idents| idents.iter().all(|ident| mysql::is_modifier(&ident.value)))
}

/// Takes the words behind UPDATE off the name of its first table.
fn take_marks(table: &mut TableWithJoins) -> Vec<sqlparser::ast::ObjectNamePart> {
    let TableFactor::Table { name, .. } = &mut table.relation else { return Vec::new() };
    let is_mark = |part: &sqlparser::ast::ObjectNamePart| {
        matches!(
            part,
            sqlparser::ast::ObjectNamePart::Identifier(ident) if mysql::is_modifier(&ident.value)
        )
    };
    let n_marks = name.0.iter().take_while(|part| is_mark(part)).count();
    name.0.drain(..n_marks).collect()
}

fn put_marks(table: &mut TableWithJoins, marks: Vec<sqlparser::ast::ObjectNamePart>) {
    if let TableFactor::Table { name, .. } = &mut table.relation {
        name.0.splice(0..0, marks);
    }
}
