//! DELETE.

use jurat_types::ColumnRole;
use sqlparser::ast::{Delete, FromTable, TableWithJoins};

use super::look_up::add;
use super::relation::Reach;
use super::{Stop, Walker};
use crate::scope::Shape;

impl Walker<'_> {
    pub(super) fn delete(&mut self, delete: &mut Delete) -> Result<Shape, Stop> {
        let Delete {
            delete_token: _,
            optimizer_hints,
            tables,
            from: FromTable::WithFromKeyword(from),
            using,
            selection,
            returning,
            output: None,
            order_by,
            limit: None,
        } = delete
        else {
            return Err(Stop::unsupported("a clause that PostgreSQL's DELETE does not have"));
        };
        if !(optimizer_hints.is_empty() && tables.is_empty() && order_by.is_empty()) {
            return Err(Stop::unsupported("a clause that PostgreSQL's DELETE does not have"));
        }
        let [TableWithJoins { relation: table, joins }] = from.as_mut_slice() else {
            return Err(Stop::unsupported("DELETE from several tables"));
        };
        if !joins.is_empty() {
            return Err(Stop::unsupported("DELETE from a join"));
        }
        let (relation, alias) = self.target_factor(table)?;
        self.with_scope(|walker| {
            walker.add_target(&relation, alias.as_deref())?;
            if let Some(list) = using {
                walker.without_lateral_target(|walker| {
                    walker.add_list(list, ColumnRole::Predicate)
                })?;
            }
            let held = walker.hold_look_ups(&relation, selection)?;
            walker.write_condition(selection.as_mut())?;
            held.into_iter().for_each(|look_up| add(selection, look_up));
            let alias = alias.as_deref().unwrap_or(&relation.name);
            walker.filter_target(&relation, alias, &[], selection)?;
            walker.write_relation(&relation, Reach::Deletes)?;
            walker.returning_here(returning.as_mut())
        })
    }
}
