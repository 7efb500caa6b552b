//! UPDATE.

use jurat_types::ColumnRole;
use sqlparser::ast::{
    Assignment, AssignmentTarget, TableFactor, TableWithJoins, Update, UpdateTableFromKind,
};

use super::look_up::add;
use super::relation::Reach;
use super::{Stop, Walker};
use crate::constant::always_true;
use crate::mask::Target;
use crate::scope::{Item, Shape};

/// The major version that has `old` and `new` in RETURNING.
const TRANSITIONS_SINCE: u32 = 18;

impl Walker<'_> {
    pub(super) fn update(&mut self, update: &mut Update) -> Result<Shape, Stop> {
        let Update {
            update_token: _,
            optimizer_hints,
            table: TableWithJoins { relation: table, joins },
            assignments,
            from,
            selection,
            returning,
            output: None,
            or: None,
            order_by,
            limit: None,
        } = update
        else {
            return Err(Stop::unsupported("a clause that PostgreSQL's UPDATE does not have"));
        };
        if !(optimizer_hints.is_empty() && joins.is_empty() && order_by.is_empty()) {
            return Err(Stop::unsupported("a clause that PostgreSQL's UPDATE does not have"));
        }
        let (relation, alias) = self.target_factor(table)?;
        self.with_scope(|walker| {
            walker.add_target(&relation, alias.as_deref())?;
            match from {
                None => {}
                Some(UpdateTableFromKind::AfterSet(list)) => {
                    walker.without_lateral_target(|walker| {
                        walker.add_list(list, ColumnRole::Source)
                    })?;
                }
                Some(UpdateTableFromKind::BeforeSet(_)) => {
                    return Err(Stop::unsupported("FROM before SET"));
                }
            }
            walker.assignments(&relation, assignments)?;
            let held = walker.hold_look_ups(&relation, selection)?;
            walker.write_condition(selection.as_mut())?;
            held.into_iter().for_each(|look_up| add(selection, look_up));
            let alias = alias.as_deref().unwrap_or(&relation.name);
            walker.filter_target(&relation, alias, assignments, selection)?;
            walker.write_relation(&relation, Reach::Updates)?;
            walker.returning_here(returning.as_mut())
        })
    }

    /// The table of UPDATE, DELETE or MERGE, with its alias.
    pub(super) fn target_factor(
        &mut self,
        factor: &mut TableFactor,
    ) -> Result<(jurat_types::RelationName, Option<String>), Stop> {
        let TableFactor::Table {
            name,
            alias,
            args: None,
            with_hints,
            version: None,
            with_ordinality: false,
            partitions,
            json_path: None,
            sample: None,
            index_hints,
        } = factor
        else {
            return Err(Stop::unsupported("a target that is not a table"));
        };
        if !(with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty()) {
            return Err(Stop::unsupported("an option of the target table"));
        }
        let alias = match alias {
            None => None,
            Some(alias) if alias.columns.is_empty() && alias.at.is_none() => {
                Some(self.naming.name(&alias.name)?)
            }
            Some(_) => return Err(Stop::unsupported("column names for the target table")),
        };
        let relation = self.target(name)?;
        Ok((relation, alias))
    }

    /// Runs `work` on FROM or USING, where the target cannot be seen by LATERAL.
    pub(super) fn without_lateral_target<R>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<R, Stop>,
    ) -> Result<R, Stop> {
        if let Some(scope) = self.scopes.last_mut() {
            scope.visible_from = 1;
        }
        let result = work(self);
        if let Some(scope) = self.scopes.last_mut() {
            scope.visible_from = 0;
        }
        result
    }

    /// WHERE of UPDATE and DELETE.
    pub(super) fn write_condition(
        &mut self,
        selection: Option<&mut sqlparser::ast::Expr>,
    ) -> Result<(), Stop> {
        // One write without a condition, also in a WITH query, is a statement without one.
        self.facts.has_where =
            selection.is_some() && (self.facts.has_where || !self.facts.has_condition_place);
        self.facts.has_condition_place = true;
        if let Some(condition) = selection {
            self.expr(condition, ColumnRole::Predicate)?;
            self.facts.where_always_true |= always_true(condition);
        }
        Ok(())
    }

    /// Adds the row filters of the target to the condition; only while rewriting.
    pub(super) fn filter_target(
        &self,
        name: &jurat_types::RelationName,
        alias: &str,
        assignments: &[Assignment],
        condition: &mut Option<sqlparser::ast::Expr>,
    ) -> Result<(), Stop> {
        let Some(masks) = self.masks else { return Ok(()) };
        let mut written = Vec::with_capacity(assignments.len());
        for Assignment { target, value: _ } in assignments {
            let columns = match target {
                AssignmentTarget::ColumnName(column) => std::slice::from_ref(column),
                AssignmentTarget::Tuple(columns) => columns.as_slice(),
            };
            for column in columns {
                let parts = self.naming.parts(column)?;
                // A table can stand before it in MySQL and MariaDB, a field behind it in PostgreSQL.
                let named = if self.naming.is_postgres() { parts.first() } else { parts.last() };
                let Some(named) = named else { continue };
                let mut known = self.relation(name)?.columns.iter();
                let known = known.find(|known| self.naming.same_column(&known.name, named));
                written.push(known.map_or(named, |known| &known.name).clone());
            }
        }
        masks.target(&Target { name, alias, written: &written }, condition, self.catalog)
    }

    /// Refuses to write rows that a filter would have to be asked about; only while rewriting.
    pub(super) fn refuse_filtered(
        &self,
        name: &jurat_types::RelationName,
        what: &'static str,
    ) -> Result<(), Stop> {
        self.masks.map_or(Ok(()), |masks| masks.check_new_rows(name, what, self.catalog))
    }

    /// RETURNING that sees what the write itself sees.
    pub(super) fn returning_here(
        &mut self,
        returning: Option<&mut Vec<sqlparser::ast::SelectItem>>,
    ) -> Result<Shape, Stop> {
        match returning {
            None => Ok(Shape::closed(Vec::new())),
            Some(items) => {
                self.facts.returning = true;
                self.add_transitions()?;
                self.projection(items, ColumnRole::Returned)
            }
        }
    }

    /// Adds `old` and `new`, the row before and after, which RETURNING sees since PostgreSQL 18.
    pub(super) fn add_transitions(&mut self) -> Result<(), Stop> {
        if !self.naming.is_postgres() || self.catalog.major_version() < TRANSITIONS_SINCE {
            return Ok(());
        }
        let Some(scope) = self.scopes.last() else { return Ok(()) };
        let Some(target) = scope.items.first().cloned() else { return Ok(()) };
        let taken = |name: &str| {
            scope.items.iter().any(|item| {
                item.relation_visible && item.alias.as_deref().is_some_and(|alias| alias == name)
            })
        };
        let names: Vec<&str> = ["old", "new"].into_iter().filter(|name| !taken(name)).collect();
        for name in names {
            self.add_item(Item {
                alias: Some(name.to_owned()),
                schema_visible: false,
                // A bare name means the target's own column.
                cols_visible: false,
                relation_visible: true,
                ..target.clone()
            })?;
        }
        Ok(())
    }
}
