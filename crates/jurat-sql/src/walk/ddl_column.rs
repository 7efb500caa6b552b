//! Columns and constraints inside CREATE TABLE and ALTER TABLE.

use jurat_types::RelationName;
use sqlparser::ast::{
    AlterColumnOperation, AlterTableOperation, ColumnDef, ColumnOption, ForeignKeyConstraint,
    ObjectName, RenameTableNameKind, TableConstraint,
};

use super::{Stop, Walker};
use crate::names;

impl Walker<'_> {
    pub(super) fn column_definition(&mut self, column: &mut ColumnDef) -> Result<(), Stop> {
        // The parser takes `LIKE t` behind a column for a column `like`.
        names::name(&column.name)?;
        self.data_type(&mut column.data_type)?;
        for option in &mut column.options {
            match &mut option.option {
                ColumnOption::Null
                | ColumnOption::NotNull
                | ColumnOption::PrimaryKey(_)
                | ColumnOption::Unique(_)
                | ColumnOption::Identity(_) => {}
                ColumnOption::Default(expr) => self.definition_expr(expr)?,
                ColumnOption::Check(check) => self.definition_expr(&mut check.expr)?,
                ColumnOption::Generated { generation_expr, .. } => {
                    if let Some(expr) = generation_expr {
                        self.definition_expr(expr)?;
                    }
                }
                ColumnOption::ForeignKey(key) => self.foreign_key(key)?,
                ColumnOption::Collation(name) => {
                    names::parts_of_label(name)?;
                }
                ColumnOption::Materialized(_)
                | ColumnOption::Ephemeral(_)
                | ColumnOption::Alias(_)
                | ColumnOption::DialectSpecific(_)
                | ColumnOption::CharacterSet(_)
                | ColumnOption::Comment(_)
                | ColumnOption::OnUpdate(_)
                | ColumnOption::Options(_)
                | ColumnOption::OnConflict(_)
                | ColumnOption::Policy(_)
                | ColumnOption::Tags(_)
                | ColumnOption::Srid(_)
                | ColumnOption::Invisible => {
                    return Err(Stop::unsupported("a column option that PostgreSQL does not have"));
                }
            }
        }
        Ok(())
    }

    pub(super) fn constraint(&mut self, constraint: &mut TableConstraint) -> Result<(), Stop> {
        match constraint {
            TableConstraint::Unique(_)
            | TableConstraint::PrimaryKey(_)
            | TableConstraint::PrimaryKeyUsingIndex(_)
            | TableConstraint::UniqueUsingIndex(_) => Ok(()),
            TableConstraint::ForeignKey(key) => self.foreign_key(key),
            TableConstraint::Check(check) => self.definition_expr(&mut check.expr),
            TableConstraint::Exclude(_) => Err(Stop::unsupported("EXCLUDE")),
            TableConstraint::Index(_) | TableConstraint::FulltextOrSpatial(_) => {
                Err(Stop::unsupported("a constraint that PostgreSQL does not have"))
            }
        }
    }

    /// A foreign key may point to the table that is being made, so a plain name need not exist yet.
    fn foreign_key(&mut self, key: &ForeignKeyConstraint) -> Result<(), Stop> {
        self.referenced(&key.foreign_table)
    }

    fn referenced(&mut self, table: &ObjectName) -> Result<(), Stop> {
        match self.maintain(table) {
            Err(Stop::Unresolved { .. }) => {
                let name = self.creation_name(table, false)?;
                if self.facts.relations.iter().any(|known| known.id == name.to_string()) {
                    Ok(())
                } else {
                    Err(Stop::unresolved("relation", name.to_string()))
                }
            }
            other => other,
        }
    }

    /// Masks are found by name.
    pub(super) fn keeps_labels(
        &self,
        table: Option<&RelationName>,
        column: Option<&str>,
    ) -> Result<(), Stop> {
        match (self.masks, table) {
            (Some(masks), Some(table)) => masks.check_rename(table, column, self.catalog),
            (None, _) | (_, None) => Ok(()),
        }
    }

    /// One action of ALTER TABLE.
    pub(super) fn alter_operation(
        &mut self,
        operation: &mut AlterTableOperation,
        table: Option<&RelationName>,
    ) -> Result<(), Stop> {
        self.with_scope(|walker| {
            if let Some(table) = table {
                walker.add_target(table, None)?;
            }
            walker.alter_in_scope(operation, table)
        })
    }

    fn alter_in_scope(
        &mut self,
        operation: &mut AlterTableOperation,
        table: Option<&RelationName>,
    ) -> Result<(), Stop> {
        match operation {
            AlterTableOperation::AddConstraint { constraint, not_valid: _ } => {
                self.constraint(constraint)
            }
            AlterTableOperation::AddColumn { column_def, .. } => self.column_definition(column_def),
            AlterTableOperation::AlterColumn { column_name: _, op } => {
                if matches!(op, AlterColumnOperation::SetDataType { using: Some(_), .. }) {
                    self.takes_values(table);
                }
                self.alter_column(op)
            }
            AlterTableOperation::DropColumn { .. } => {
                self.takes_values(table);
                Ok(())
            }
            AlterTableOperation::RenameTable {
                table_name: RenameTableNameKind::As(name) | RenameTableNameKind::To(name),
            } => {
                self.keeps_labels(table, None)?;
                let parts = names::parts(name)?;
                if let ([new], Some(table)) = (parts.as_slice(), table) {
                    let new = RelationName::new(table.schema.clone(), new);
                    self.facts.relation(
                        &new,
                        "unknown",
                        jurat_types::Access::Ddl,
                        jurat_types::Via::Direct,
                    );
                }
                Ok(())
            }
            AlterTableOperation::RenameColumn { old_column_name, new_column_name: _ } => {
                let column = names::label(old_column_name)?;
                self.keeps_labels(table, Some(&column))
            }
            AlterTableOperation::DisableRowLevelSecurity
            | AlterTableOperation::DisableRule { .. }
            | AlterTableOperation::DisableTrigger { .. }
            | AlterTableOperation::DropConstraint { .. }
            | AlterTableOperation::EnableAlwaysRule { .. }
            | AlterTableOperation::EnableAlwaysTrigger { .. }
            | AlterTableOperation::EnableReplicaRule { .. }
            | AlterTableOperation::EnableReplicaTrigger { .. }
            | AlterTableOperation::EnableRowLevelSecurity
            | AlterTableOperation::ForceRowLevelSecurity
            | AlterTableOperation::NoForceRowLevelSecurity
            | AlterTableOperation::EnableRule { .. }
            | AlterTableOperation::EnableTrigger { .. }
            | AlterTableOperation::ReplicaIdentity { .. }
            | AlterTableOperation::RenameConstraint { .. }
            | AlterTableOperation::SetLogged
            | AlterTableOperation::SetUnlogged
            | AlterTableOperation::OwnerTo { .. }
            | AlterTableOperation::ValidateConstraint { .. }
            | AlterTableOperation::SetOptionsParens { .. } => Ok(()),
            AlterTableOperation::AddProjection { .. }
            | AlterTableOperation::DropProjection { .. }
            | AlterTableOperation::MaterializeProjection { .. }
            | AlterTableOperation::ClearProjection { .. }
            | AlterTableOperation::AttachPartition { .. }
            | AlterTableOperation::DetachPartition { .. }
            | AlterTableOperation::FreezePartition { .. }
            | AlterTableOperation::UnfreezePartition { .. }
            | AlterTableOperation::DropPrimaryKey { .. }
            | AlterTableOperation::DropForeignKey { .. }
            | AlterTableOperation::DropIndex { .. }
            | AlterTableOperation::RenamePartitions { .. }
            | AlterTableOperation::AddPartitions { .. }
            | AlterTableOperation::DropPartitions { .. }
            | AlterTableOperation::ChangeColumn { .. }
            | AlterTableOperation::ModifyColumn { .. }
            | AlterTableOperation::SwapWith { .. }
            | AlterTableOperation::SetTblProperties { .. }
            | AlterTableOperation::ClusterBy { .. }
            | AlterTableOperation::DropClusteringKey
            | AlterTableOperation::AlterSortKey { .. }
            | AlterTableOperation::SuspendRecluster
            | AlterTableOperation::ResumeRecluster
            | AlterTableOperation::Refresh { .. }
            | AlterTableOperation::Suspend
            | AlterTableOperation::Resume
            | AlterTableOperation::Algorithm { .. }
            | AlterTableOperation::Lock { .. }
            | AlterTableOperation::AutoIncrement { .. } => {
                Err(Stop::unsupported("this action of ALTER TABLE"))
            }
        }
    }

    fn alter_column(&mut self, operation: &mut AlterColumnOperation) -> Result<(), Stop> {
        match operation {
            AlterColumnOperation::SetNotNull
            | AlterColumnOperation::DropNotNull
            | AlterColumnOperation::DropDefault
            | AlterColumnOperation::AddGenerated { .. } => Ok(()),
            AlterColumnOperation::SetDefault { value } => self.definition_expr(value),
            AlterColumnOperation::SetDataType { data_type, using, had_set: _ } => {
                self.data_type(data_type)?;
                match using {
                    Some(using) => self.definition_expr(using),
                    None => Ok(()),
                }
            }
        }
    }
}
