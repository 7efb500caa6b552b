//! Views: what reading one reads, and what its columns are made of.

use std::sync::Arc;

use jurat_types::{
    Access, ColumnId, ColumnMode, ColumnRole, OutputColumn, OutputMode, RelationName, Via,
};
use sqlparser::ast::Query;

use super::{Stop, Value, Walker};
use crate::catalog_index::CatalogIndex;
use crate::facts::{column_id, relation_id};
use crate::scope::{Col, Shape};
use crate::statement::NameContext;
use crate::view::View;

/// One column that another column's value is made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Ingredient {
    /// The column.
    pub(crate) column: ColumnId,
    /// `Direct` where the value is that column's, unchanged.
    pub(crate) mode: ColumnMode,
}

/// How the value inside a view is used where the view's column is used in a mode.
pub(super) const fn combined(outside: ColumnMode, inside: ColumnMode) -> ColumnMode {
    match (outside, inside) {
        (ColumnMode::WholeRow, _) => ColumnMode::WholeRow,
        (ColumnMode::Direct, inside) => inside,
        (ColumnMode::Derived, _) => ColumnMode::Derived,
    }
}

impl<'a> Walker<'a> {
    /// A walker for the definition of a view, `depth` views deep.
    pub(crate) fn of_definition(
        catalog: &'a CatalogIndex,
        names: &'a NameContext,
        depth: usize,
    ) -> Self {
        Self { depth, ..Self::new(catalog, names, None) }
    }

    /// Walks a view's definition; the result is what each of the view's columns is made of, and the places of
    /// those in which a function that is not known takes part.
    ///
    /// # Errors
    /// Where it is not understood, or has other columns than the view.
    pub(crate) fn definition(
        &mut self,
        query: &mut Query,
        n_columns: usize,
    ) -> Result<(Vec<Vec<Ingredient>>, Vec<usize>), Stop> {
        let Shape { cols, open, opaque } = self.query(query, ColumnRole::Output)?;
        if self.facts.data_modifying_cte {
            return Err(Stop::unsupported("a write in the definition of a view"));
        }
        match open {
            None if cols.len() == n_columns => {
                let made_of = cols.iter().map(|col| self.ingredients(col)).collect();
                let places = cols.iter().enumerate().filter(|(_, col)| col.opaque);
                Ok((made_of, places.map(|(place, _)| place).collect()))
            }
            None => Err(Stop::unsupported("a view with other columns than its definition")),
            // Which column is which is not known, so each can be any of them.
            Some(open) => {
                let mut any = Value { sources: open.to_vec(), ..Value::default() };
                for col in cols.iter() {
                    any.absorb(&Value { sources: col.sources.to_vec(), ..Value::default() });
                }
                let any = self.ingredients(&Self::col("", &any));
                let opaque = opaque || cols.iter().any(|col| col.opaque);
                let places = if opaque { (0..n_columns).collect() } else { Vec::new() };
                Ok((vec![any; n_columns], places))
            }
        }
    }

    /// Writes down what the result of the statement is made of.
    pub(super) fn outputs(&mut self, shape: &Shape) {
        let mut outputs: Vec<OutputColumn> = Vec::with_capacity(shape.cols.len());
        for col in shape.cols.iter() {
            let mode = match col {
                Col { opaque: true, .. } => OutputMode::Opaque,
                Col { sources, .. } if sources.is_empty() => OutputMode::Constant,
                Col { row: true, .. } => OutputMode::WholeRow,
                Col { direct: true, .. } => OutputMode::Direct,
                Col { .. } => OutputMode::Derived,
            };
            let columns = self.column_ids(col);
            // Without an alias MySQL calls a column by its expression, and literals of it have no place in a record.
            let told = self.naming.is_postgres()
                || mode == OutputMode::Direct
                || (mode != OutputMode::Constant && is_word(&col.name));
            let name = if told { col.name.to_string() } else { "?column?".to_owned() };
            outputs.push(OutputColumn { name, mode, columns });
        }
        if let Some(open) = &shape.open {
            let columns = self.column_ids(&Col::any("*", open));
            let mode = if shape.opaque { OutputMode::Opaque } else { OutputMode::Derived };
            outputs.push(OutputColumn { name: "*".to_owned(), mode, columns });
        }
        self.facts.outputs = outputs;
    }

    /// The ids of the columns behind a result column, each once.
    fn column_ids(&self, col: &Col) -> Vec<String> {
        let mut ids: Vec<String> = Vec::with_capacity(col.sources.len());
        let mut add = |id: String| {
            if !ids.contains(&id) {
                ids.push(id);
            }
        };
        for source in col.sources.iter() {
            if let Some((relation, column)) = self.base_column(*source) {
                add(column_id(&relation_id(relation), column));
            }
            let made_of = self.made_of.get(source).into_iter().flat_map(|made_of| made_of.iter());
            for Ingredient { column: ColumnId { relation, column }, mode: _ } in made_of {
                add(column_id(&relation_id(relation), column));
            }
        }
        ids
    }

    /// The columns behind a result column, those behind views included.
    pub(super) fn ingredients(&self, col: &Col) -> Vec<Ingredient> {
        let mode = if col.direct { ColumnMode::Direct } else { ColumnMode::Derived };
        let mut found: Vec<Ingredient> = Vec::with_capacity(col.sources.len());
        for source in col.sources.iter() {
            found.extend(self.base_column(*source).map(|(relation, column)| Ingredient {
                column: ColumnId::new(relation.clone(), column),
                mode,
            }));
            let made_of = self.made_of.get(source).into_iter().flat_map(|made_of| made_of.iter());
            found.extend(made_of.map(|inside| Ingredient {
                column: inside.column.clone(),
                mode: combined(mode, inside.mode),
            }));
        }
        found
    }

    /// What the definition of a relation says, where it is a view and its definition is understood.
    pub(super) fn view(&self, name: &RelationName) -> Option<Arc<View>> {
        let relation = self.catalog.relation(name)?;
        self.catalog.view(relation, self.depth)
    }

    /// Writes down what the definition of a view reads, calls and decides by. What its columns are made of
    /// is written down where they are used.
    pub(super) fn read_view(&mut self, name: &RelationName, view: &View) -> Result<(), Stop> {
        if !self.views_read.insert(name.clone()) {
            return Ok(());
        }
        self.spend(view.relations.len().saturating_add(view.decides.len()))?;
        self.facts.gathering.view(&view.gathering);
        for used in &view.relations {
            let name = RelationName::new(used.schema.clone(), used.name.clone());
            self.facts.read_again(&name);
            self.facts.relation(&name, &used.kind, Access::Read, Via::View);
        }
        for used in &view.decides {
            self.facts.use_of(used, Via::View);
        }
        for function in &view.functions {
            self.facts.function(&function.id, function.class);
        }
        Ok(())
    }
}

/// Whether a name is one word, as an alias usually is and an expression is not.
fn is_word(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}
