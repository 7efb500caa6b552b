//! MERGE.

use jurat_types::ColumnRole;
use sqlparser::ast::{
    Merge, MergeAction, MergeClause, MergeInsertExpr, MergeInsertKind, MergeUpdateExpr,
    MergeUpdateKind, OutputClause,
};

use super::relation::Reach;
use super::{Stop, Walker};
use crate::scope::Shape;

impl Walker<'_> {
    pub(super) fn merge(&mut self, merge: &mut Merge) -> Result<Shape, Stop> {
        let Merge {
            merge_token: _,
            optimizer_hints,
            into: true,
            table,
            source,
            on,
            clauses,
            output,
        } = merge
        else {
            return Err(Stop::unsupported("MERGE without INTO"));
        };
        if !optimizer_hints.is_empty() {
            return Err(Stop::unsupported("a hint"));
        }
        let (relation, alias) = self.target_factor(table)?;
        self.refuse_filtered(&relation, "MERGE into")?;
        self.with_scope(|walker| {
            walker.add_target(&relation, alias.as_deref())?;
            walker.without_lateral_target(|walker| walker.factor(source, ColumnRole::Source))?;
            walker.expr(on, ColumnRole::Predicate)?;
            for clause in clauses {
                let MergeClause { when_token: _, clause_kind: _, predicate, action } = clause;
                if let Some(predicate) = predicate {
                    walker.expr(predicate, ColumnRole::Predicate)?;
                }
                walker.merge_action(action, &relation)?;
            }
            walker.write_relation(&relation, Reach::Both)?;
            match output {
                None => Ok(Shape::closed(Vec::new())),
                Some(OutputClause::Returning { returning_token: _, select_items }) => {
                    if let Some(scope) = walker.scopes.last_mut() {
                        scope.target_last = true;
                    }
                    walker.returning_here(Some(select_items))
                }
                Some(OutputClause::Output { .. }) => Err(Stop::unsupported("OUTPUT")),
            }
        })
    }

    fn merge_action(
        &mut self,
        action: &mut MergeAction,
        relation: &jurat_types::RelationName,
    ) -> Result<(), Stop> {
        match action {
            MergeAction::Delete { .. } | MergeAction::DoNothing { .. } => Ok(()),
            MergeAction::Insert(MergeInsertExpr {
                insert_token: _,
                columns,
                kind_token: _,
                kind: MergeInsertKind::Values(values),
                insert_predicate: None,
            }) => {
                for column in columns.iter().filter(|column| !crate::pre::is_overriding(column)) {
                    self.assigned(relation, column)?;
                }
                self.values(values, ColumnRole::Source).map(|_| ())
            }
            MergeAction::Update(MergeUpdateExpr {
                update_token: _,
                kind: MergeUpdateKind::Set(assignments),
                update_predicate: None,
                delete_predicate: None,
            }) => self.assignments(relation, assignments),
            MergeAction::Insert(_) | MergeAction::Update(_) => {
                Err(Stop::unsupported("a form of MERGE that PostgreSQL does not have"))
            }
        }
    }
}
