//! COPY.

use jurat_types::{ColumnId, ColumnMode, ColumnRole, FunctionClass, StatementClass};
use sqlparser::ast::{CopySource, CopyTarget, Ident, Statement};

use super::relation::Reach;
use super::{Stop, Walker};
use crate::names;
use crate::statement::SessionEffect;

impl Walker<'_> {
    pub(super) fn copy(&mut self, statement: &mut Statement) -> Result<(), Stop> {
        let Statement::Copy { source, to, target, options: _, legacy_options: _, values } =
            statement
        else {
            return Err(Stop::unsupported("this form of COPY"));
        };
        if !values.is_empty() {
            return Err(Stop::unsupported("data behind COPY"));
        }
        let out = *to;
        self.facts.set("copy", if out { StatementClass::Read } else { StatementClass::Write });
        match target {
            CopyTarget::Stdin if !out => self.facts.effect = SessionEffect::CopyIn,
            CopyTarget::Stdout if out => self.facts.effect = SessionEffect::CopyOut,
            CopyTarget::Stdin | CopyTarget::Stdout => {
                return Err(Stop::unsupported("this direction of COPY"));
            }
            CopyTarget::File { filename: _ } => {
                self.facts.function("copy.file", FunctionClass::File);
            }
            CopyTarget::Program { command: _ } => {
                self.facts.function("copy.program", FunctionClass::File);
            }
        }
        match source {
            CopySource::Query(query) => {
                if !out {
                    return Err(Stop::unsupported("COPY of a query FROM"));
                }
                self.facts.canonical = true;
                self.query(query, ColumnRole::Output)?;
                if super::query::is_modification(&query.body) || self.facts.data_modifying_cte {
                    self.facts.class = StatementClass::Write;
                }
                Ok(())
            }
            CopySource::Table { table_name, columns } => {
                let relation = self.lookup(table_name)?;
                if out {
                    self.copied_columns(&relation, columns, ColumnRole::Output)?;
                    self.copied_out = true;
                    self.read_relation(&relation, ColumnRole::Output)
                } else {
                    self.copied_columns(&relation, columns, ColumnRole::Assigned)?;
                    self.write_relation(&relation, Reach::Nothing)
                }
            }
        }
    }

    fn copied_columns(
        &mut self,
        relation: &jurat_types::RelationName,
        columns: &[Ident],
        role: ColumnRole,
    ) -> Result<(), Stop> {
        let known: Vec<String> =
            self.relation(relation)?.columns.iter().map(|column| column.name.clone()).collect();
        let mut chosen = Vec::with_capacity(columns.len());
        for column in columns {
            let name = names::name(column)?;
            if !known.contains(&name) {
                return Err(Stop::unresolved("column", format!("{relation}.{name}")));
            }
            chosen.push(name);
        }
        for name in if chosen.is_empty() { known } else { chosen } {
            self.facts.column(&ColumnId::new(relation.clone(), name), role, ColumnMode::Direct);
        }
        Ok(())
    }
}
