//! COPY.

use jurat_types::{
    ColumnMode, ColumnRole, Engine, FunctionClass, RelationKind, RelationName, StatementClass,
};
use sqlparser::ast::{CopySource, CopyTarget, Ident, Statement};

use super::relation::Reach;
use super::{Stop, Walker};
use crate::mask::{MaskPlan, RewriteError};
use crate::names;
use crate::scope::Shape;
use crate::statement::SessionEffect;

impl Walker<'_> {
    pub(super) fn copy(&mut self, statement: &mut Statement) -> Result<(), Stop> {
        let Statement::Copy { source, to, target, options, legacy_options, values } = statement
        else {
            return Err(Stop::unsupported("this form of COPY"));
        };
        // Options are read in front of the parser (`copy.rs`), so none may be here.
        if !values.is_empty() || !options.is_empty() || !legacy_options.is_empty() {
            return Err(Stop::unsupported("this form of COPY"));
        }
        let out = *to;
        self.facts.canonical = true;
        self.facts.set("copy", if out { StatementClass::Read } else { StatementClass::Write });
        match target {
            // PostgreSQL takes both words for both directions.
            CopyTarget::Stdin | CopyTarget::Stdout => {
                *target = if out { CopyTarget::Stdout } else { CopyTarget::Stdin };
                self.facts.effect =
                    if out { SessionEffect::CopyOut } else { SessionEffect::CopyIn };
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
                let result = self.query(query, ColumnRole::Output)?;
                self.outputs(&result);
                if super::query::is_modification(&query.body) || self.facts.data_modifying_cte {
                    self.facts.class = StatementClass::Write;
                }
                Ok(())
            }
            CopySource::Table { table_name, columns } => {
                let relation = self.lookup(table_name)?;
                *table_name = names::qualified(&relation);
                if !out {
                    self.refuse_filtered(&relation, "COPY into")?;
                    self.copied_columns(&relation, columns, ColumnRole::Assigned)?;
                    return self.write_relation(&relation, Reach::Nothing);
                }
                self.copied_columns(&relation, columns, ColumnRole::Output)?;
                self.read_relation(&relation, ColumnRole::Output)?;
                if let Some(masks) = self.masks
                    && masks.derived(&relation, self.catalog)?.is_some()
                {
                    *source = self.masked_copy(masks, &relation, columns)?;
                }
                Ok(())
            }
        }
    }

    fn copied_columns(
        &mut self,
        relation: &RelationName,
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
        let mut shape = self.base_shape(relation)?;
        if !chosen.is_empty() {
            let col = |name: &String| shape.cols.iter().find(|col| *col.name == **name).cloned();
            shape = Shape::closed(chosen.iter().filter_map(col).collect());
        }
        for col in shape.cols.iter() {
            self.record(&col.sources, role, ColumnMode::Direct);
        }
        if role == ColumnRole::Output {
            self.outputs(&shape);
        }
        Ok(())
    }

    /// The query that gives what COPY of a table gives, with its masked columns masked.
    fn masked_copy(
        &mut self,
        masks: &MaskPlan,
        relation: &RelationName,
        columns: &[Ident],
    ) -> Result<CopySource, Stop> {
        let refused = |reason: &'static str| {
            Stop::Mask(RewriteError::Copy { relation: relation.to_string(), reason })
        };
        let known = self.relation(relation)?;
        if known.kind != RelationKind::Table {
            return Err(refused("it is not a plain table"));
        }
        // COPY leaves the rows of child tables out, a query does not.
        if !self.catalog.children(relation).is_empty() {
            return Err(refused("other tables inherit from it"));
        }
        let mut items = Vec::with_capacity(known.columns.len());
        for column in columns {
            items.push(names::sql(&names::name(column)?));
        }
        if items.is_empty() {
            // Without a list, COPY leaves columns out that are computed from others.
            let stored = known.columns.iter().filter(|column| !column.generated);
            items.extend(stored.map(|column| names::sql(&column.name)));
        }
        let text = format!(
            "SELECT {} FROM {}.{}",
            items.join(", "),
            names::sql(&relation.schema),
            names::sql(&relation.name)
        );
        let mut query = masks.parse(&text, Engine::Postgres)?;
        self.query(&mut query, ColumnRole::Output)?;
        Ok(CopySource::Query(query))
    }
}
