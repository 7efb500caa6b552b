//! INSERT with its conflict clause and RETURNING.

use jurat_types::{ColumnId, ColumnMode, ColumnRole, RelationName};
use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, DoUpdate, Expr, Insert, ObjectName, OnConflict,
    OnConflictAction, OnInsert, SelectItem, SetExpr, Statement, TableAliasWithoutColumns,
    TableObject,
};

use super::expr::is_default;
use super::relation::Reach;
use super::{Stop, Walker};
use crate::scope::{Item, Shape};
use crate::{names, pre};

impl Walker<'_> {
    /// INSERT, UPDATE, DELETE or MERGE inside a query; the columns are those of RETURNING.
    pub(super) fn modification(&mut self, statement: &mut Statement) -> Result<Shape, Stop> {
        // A write sees no columns of the query around it.
        let hidden: Vec<_> = std::mem::take(&mut self.scopes);
        let postgres = self.naming.is_postgres();
        let result = if let Statement::Insert(insert) = statement {
            if postgres { self.insert(insert) } else { self.mysql_insert(insert) }
        } else if let Statement::Update(update) = statement {
            if postgres { self.update(update) } else { self.mysql_update(update) }
        } else if let Statement::Delete(delete) = statement {
            if postgres { self.delete(delete) } else { self.mysql_delete(delete) }
        } else if let Statement::Merge(merge) = statement {
            self.merge(merge)
        } else {
            Err(Stop::unsupported("this statement inside a query"))
        };
        self.scopes = hidden;
        result
    }

    pub(super) fn insert(&mut self, insert: &mut Insert) -> Result<Shape, Stop> {
        let Insert {
            insert_token: _,
            optimizer_hints,
            or: None,
            ignore: false,
            into: true,
            table: TableObject::TableName(table),
            table_alias,
            columns,
            overwrite: false,
            source,
            assignments,
            partitioned: None,
            after_columns,
            has_table_keyword: false,
            on,
            returning,
            output: None,
            replace_into: false,
            priority: None,
            insert_alias: None,
            settings: None,
            format_clause: None,
            multi_table_insert_type: None,
            multi_table_into_clauses,
            multi_table_when_clauses,
            multi_table_else_clause: None,
        } = insert
        else {
            return Err(Stop::unsupported("a clause that PostgreSQL's INSERT does not have"));
        };
        if !(optimizer_hints.is_empty()
            && assignments.is_empty()
            && after_columns.is_empty()
            && multi_table_into_clauses.is_empty()
            && multi_table_when_clauses.is_empty())
        {
            return Err(Stop::unsupported("a clause that PostgreSQL's INSERT does not have"));
        }
        let alias = match table_alias {
            Some(TableAliasWithoutColumns { explicit: _, alias }) => Some(self.naming.name(alias)?),
            None => None,
        };
        let relation = self.target(table)?;
        self.refuse_filtered(&relation, "INSERT into")?;
        let mut reach = Reach::Nothing;
        let named = columns.iter().filter(|column| !pre::is_overriding(column));
        if named.clone().next().is_none() {
            self.assign_all(&relation)?;
        }
        for column in named {
            self.assigned(&relation, column)?;
        }
        if let Some(source) = source {
            // Values that are inserted directly are no query.
            if let SetExpr::Values(_) = &*source.body {
                self.facts.limit = None;
            }
            self.query(source, ColumnRole::Source)?;
        }
        if let Some(on) = on
            && self.on_insert(on, &relation, alias.as_deref())?
        {
            reach = Reach::Updates;
        }
        self.write_relation(&relation, reach)?;
        self.returning(returning.as_mut(), |walker| {
            walker.add_target(&relation, alias.as_deref()).map(|_| ())
        })
    }

    /// The relation that a write is aimed at; its name is qualified in place.
    pub(super) fn target(&mut self, name: &mut ObjectName) -> Result<RelationName, Stop> {
        let only = pre::take_only(name);
        let relation = self.lookup(name)?;
        *name = self.naming.qualified(&relation);
        if only {
            pre::put_only(name);
        }
        Ok(relation)
    }

    /// Adds the target of a write to the innermost scope.
    pub(super) fn add_target(
        &mut self,
        relation: &RelationName,
        alias: Option<&str>,
    ) -> Result<usize, Stop> {
        let shape = self.base_shape(relation)?;
        let shape = self.marked_shape(relation, &shape)?;
        self.add_item(Item {
            alias: Some(alias.unwrap_or(&relation.name).to_owned()),
            relation: Some(relation.clone()),
            schema_visible: alias.is_none(),
            shape,
            relation_visible: true,
            cols_visible: true,
            masked: false,
        })
    }

    fn assign_all(&mut self, relation: &RelationName) -> Result<(), Stop> {
        // The columns of a view are those of its table.
        let sources = self.base_shape(relation)?.all_sources();
        self.record(&sources, ColumnRole::Assigned, ColumnMode::Direct);
        Ok(())
    }

    /// A column that is written.
    pub(super) fn assigned(
        &mut self,
        relation: &RelationName,
        column: &ObjectName,
    ) -> Result<(), Stop> {
        let parts = names::parts(column)?;
        // `SET a.b = …` writes a field of the composite column `a`.
        let Some(name) = parts.first() else {
            return Err(Stop::unsupported("an empty name"));
        };
        if !self.relation(relation)?.columns.iter().any(|known| known.name == *name) {
            return Err(Stop::unresolved("column", format!("{relation}.{name}")));
        }
        if self.view(relation).is_some() {
            // Makes known which column of its table it is.
            self.base_shape(relation)?;
        }
        let id = self.intern(ColumnId::new(relation.clone(), name.clone()));
        self.record(&[id], ColumnRole::Assigned, ColumnMode::Direct);
        Ok(())
    }

    /// `SET a = …, (b, c) = …`.
    pub(super) fn assignments(
        &mut self,
        relation: &RelationName,
        assignments: &mut [Assignment],
    ) -> Result<(), Stop> {
        for Assignment { target, value } in assignments {
            match target {
                AssignmentTarget::ColumnName(column) => self.assigned(relation, column)?,
                AssignmentTarget::Tuple(columns) => {
                    for column in columns {
                        self.assigned(relation, column)?;
                    }
                }
            }
            self.assigned_value(value)?;
        }
        Ok(())
    }

    fn assigned_value(&mut self, value: &mut Expr) -> Result<(), Stop> {
        if is_default(value) {
            return Ok(());
        }
        if let Expr::Tuple(items) = value {
            for item in items.iter_mut().filter(|item| !is_default(item)) {
                self.expr(item, ColumnRole::Source)?;
            }
            return Ok(());
        }
        self.expr(value, ColumnRole::Source).map(|_| ())
    }

    /// ON CONFLICT; the result says whether existing rows can change.
    fn on_insert(
        &mut self,
        on: &mut OnInsert,
        relation: &RelationName,
        alias: Option<&str>,
    ) -> Result<bool, Stop> {
        let OnInsert::OnConflict(OnConflict { conflict_target, action }) = on else {
            return Err(Stop::unsupported("ON DUPLICATE KEY"));
        };
        match conflict_target {
            None => {}
            Some(ConflictTarget::OnConstraint(name)) => {
                names::parts(name)?;
            }
            Some(ConflictTarget::Columns(columns)) => {
                for column in columns {
                    let name = names::name(column)?;
                    if !self.relation(relation)?.columns.iter().any(|known| known.name == name) {
                        return Err(Stop::unresolved("column", format!("{relation}.{name}")));
                    }
                    // Whether the value exists already decides what happens.
                    let id = ColumnId::new(relation.clone(), name);
                    self.facts.column(&id, ColumnRole::Predicate, ColumnMode::Direct);
                }
            }
        }
        match action {
            OnConflictAction::DoNothing => Ok(false),
            OnConflictAction::DoUpdate(DoUpdate { assignments, selection }) => {
                let (n_marks, nothing) = self.arbiter(assignments, relation, alias)?;
                if nothing {
                    return Ok(false);
                }
                let assignments = assignments.get_mut(n_marks..).unwrap_or_default();
                self.with_scope(|walker| {
                    walker.add_target(relation, alias)?;
                    walker.add_excluded(relation)?;
                    walker.assignments(relation, assignments)?;
                    if let Some(condition) = selection {
                        walker.expr(condition, ColumnRole::Predicate)?;
                    }
                    Ok(())
                })?;
                Ok(true)
            }
        }
    }

    /// An arbiter of expressions, which `pre::conflict` makes the first assignments of. The result is how
    /// many of those there are, and whether nothing is done on a conflict.
    fn arbiter(
        &mut self,
        assignments: &mut [Assignment],
        relation: &RelationName,
        alias: Option<&str>,
    ) -> Result<(usize, bool), Stop> {
        let mut nothing = false;
        let mut count = 0_usize;
        self.with_scope(|walker| {
            walker.add_target(relation, alias)?;
            for Assignment { target, value } in assignments {
                let AssignmentTarget::ColumnName(column) = target else { break };
                match names::parts_of_label(column)?.first().map(String::as_str) {
                    Some(pre::ARBITER | pre::CONDITION) => {
                        // Whether the value exists already decides what happens.
                        walker.expr(value, ColumnRole::Predicate)?;
                    }
                    Some(pre::DO) => nothing = value.to_string() == pre::NOTHING,
                    Some(_) | None => break,
                }
                count = count.saturating_add(1);
            }
            Ok(())
        })?;
        Ok((count, nothing))
    }

    /// The row that was to be inserted. Its values come from the statement, not from the table.
    fn add_excluded(&mut self, relation: &RelationName) -> Result<(), Stop> {
        let cols = self
            .relation(relation)?
            .columns
            .iter()
            .map(|column| super::query::made_up(&column.name))
            .collect();
        self.add_item(Item {
            alias: Some("excluded".to_owned()),
            relation: None,
            schema_visible: false,
            shape: Shape::closed(cols),
            relation_visible: true,
            // A bare name means the table's own column.
            cols_visible: false,
            masked: false,
        })?;
        Ok(())
    }

    /// RETURNING; `fill` adds what its expressions can see.
    pub(super) fn returning(
        &mut self,
        returning: Option<&mut Vec<SelectItem>>,
        fill: impl FnOnce(&mut Self) -> Result<(), Stop>,
    ) -> Result<Shape, Stop> {
        let Some(items) = returning else { return Ok(Shape::closed(Vec::new())) };
        self.facts.returning = true;
        self.with_scope(|walker| {
            fill(walker)?;
            walker.add_transitions()?;
            walker.projection(items, ColumnRole::Returned)
        })
    }
}
