//! Names of relations, and what reading or writing one reaches.

use std::collections::HashSet;
use std::rc::Rc;

use jurat_types::{
    Access, ColumnId, ColumnMode, ColumnRole, Relation, RelationKind, RelationName, Trigger, Via,
};
use sqlparser::ast::ObjectName;

use super::{Interned, Stop, Walker, is_temporary};
use crate::catalog_index::SYSTEM_SCHEMA;
use crate::scope::{Col, Shape};

/// Which rows of other tables a write can change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// None (INSERT).
    Nothing,
    /// Those with ON UPDATE actions.
    Updates,
    /// Those with ON DELETE actions.
    Deletes,
    /// Those with either.
    Both,
}

impl Walker<'_> {
    /// The relation that a name stands for.
    ///
    /// # Errors
    /// Where there is none, or the search path would be needed and is not known.
    pub(super) fn lookup(&self, object: &ObjectName) -> Result<RelationName, Stop> {
        let parts = self.naming.parts(object)?;
        if !self.naming.is_postgres() {
            return self.lookup_table(&parts);
        }
        match parts.as_slice() {
            [name] => {
                for schema in self.search_path(name)? {
                    let full = RelationName::new(schema, name);
                    if self.catalog.relation(&full).is_some() {
                        return Ok(full);
                    }
                }
                Err(Stop::unresolved("relation", name))
            }
            [schema, name] => {
                let full = RelationName::new(self.real_schema(schema), name);
                if self.catalog.relation(&full).is_some() {
                    Ok(full)
                } else {
                    Err(Stop::unresolved("relation", full.to_string()))
                }
            }
            _ => Err(Stop::unsupported("a relation name of more than two parts")),
        }
    }

    /// `pg_temp` is a name for this session's own schema.
    fn real_schema<'n>(&'n self, schema: &'n str) -> &'n str {
        if schema != "pg_temp" {
            return schema;
        }
        match &self.names.search_path {
            crate::statement::SearchPath::Known(path) => {
                path.iter().find(|known| is_temporary(known)).map_or(schema, String::as_str)
            }
            crate::statement::SearchPath::Unknown => schema,
        }
    }

    /// The name that a new object gets.
    pub(super) fn creation_name(
        &self,
        object: &ObjectName,
        temporary: bool,
    ) -> Result<RelationName, Stop> {
        let parts = self.naming.parts(object)?;
        if !self.naming.is_postgres() {
            return self.new_table(&parts);
        }
        match parts.as_slice() {
            [name] if temporary => Ok(RelationName::new("pg_temp", name)),
            [name] => {
                let path = self.search_path(name)?;
                let schema = path
                    .iter()
                    .find(|schema| *schema != SYSTEM_SCHEMA && !is_temporary(schema))
                    .ok_or_else(|| Stop::unresolved("the schema of the new object", name))?;
                Ok(RelationName::new(schema, name))
            }
            [schema, name] => Ok(RelationName::new(schema, name)),
            _ => Err(Stop::unsupported("a name of more than two parts")),
        }
    }

    /// The relation itself; it was looked up before.
    pub(super) fn relation(&self, name: &RelationName) -> Result<&Relation, Stop> {
        self.catalog.relation(name).ok_or_else(|| Stop::unresolved("relation", name.to_string()))
    }

    /// The columns of a base relation.
    pub(super) fn base_shape(&mut self, name: &RelationName) -> Result<Shape, Stop> {
        if let Some(shape) = self.base_shapes.get(name).cloned() {
            self.spend(shape.cols.len())?;
            return Ok(shape);
        }
        let catalog = self.catalog;
        let relation =
            catalog.relation(name).ok_or_else(|| Stop::unresolved("relation", name.to_string()))?;
        let view = self.view(name);
        self.spend(relation.columns.len())?;
        let mut cols = Vec::with_capacity(relation.columns.len());
        for column in relation.columns.iter().map(|column| &column.name) {
            let id = if self.ids.is_empty() {
                self.intern_new(Interned::Catalog(&relation.name, column))
            } else {
                self.intern(ColumnId::new(name.clone(), column.as_str()))
            };
            if let Some(made_of) = view.as_ref().and_then(|view| view.columns.get(cols.len())) {
                self.made_of.entry(id).or_insert_with(|| made_of.as_slice().into());
            }
            cols.push(Col {
                name: Rc::from(column.as_str()),
                sources: Rc::from([id].as_slice()),
                direct: true,
                row: false,
                opaque: view.as_ref().is_some_and(|view| view.opaque.contains(&cols.len())),
                masked: None,
            });
        }
        let shape = Shape::closed(cols);
        self.base_shapes.insert(&relation.name, shape.clone());
        Ok(shape)
    }

    /// Writes down that a relation is read, and what it reads itself.
    pub(super) fn read_relation(
        &mut self,
        name: &RelationName,
        role: ColumnRole,
    ) -> Result<(), Stop> {
        let relation = self.relation(name)?;
        if relation.kind == RelationKind::Composite {
            return Err(Stop::unresolved("relation", name.to_string()));
        }
        // What a view reads that is not understood is not known.
        self.catalog.behind_view(relation, self.depth)?;
        let kind = kind_name(relation.kind);
        let sources = relation.reads.clone();
        self.check_view_is_known(name)?;
        self.facts.read_again(name);
        self.facts.relation(name, kind, Access::Read, self.via);
        self.spend(sources.len())?;
        self.run_definition(name);
        for source in &sources {
            self.run_definition(&source.relation);
        }
        if let Some(view) = self.view(name) {
            return self.read_view(name, &view);
        }
        for source in sources {
            let Some(base) = self.catalog.relation(&source.relation) else {
                return Err(Stop::unresolved("relation", source.relation.to_string()));
            };
            self.facts.read_again(&source.relation);
            self.facts.relation(&source.relation, kind_name(base.kind), Access::Read, Via::View);
            match source.column {
                Some(column) => {
                    let id = ColumnId::new(source.relation, column);
                    self.facts.column_via(&id, role, ColumnMode::Derived, Via::View);
                }
                None => {
                    for column in &base.columns {
                        let id = ColumnId::new(source.relation.clone(), column.name.clone());
                        self.facts.column_via(&id, role, ColumnMode::WholeRow, Via::View);
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes down the functions that run when a view is read.
    fn run_definition(&mut self, view: &RelationName) {
        let catalog = self.catalog;
        for code in catalog.triggers(view).filter(|code| code.name == Trigger::DEFINITION) {
            let id = code.function.to_string();
            self.facts.function(&id, catalog.user_function_class(&id));
        }
    }

    /// Writes down that a relation's rows change, and what else changes or runs with them.
    pub(super) fn write_relation(&mut self, name: &RelationName, reach: Reach) -> Result<(), Stop> {
        let relation = self.relation(name)?;
        let kind = kind_name(relation.kind);
        if matches!(relation.kind, RelationKind::Composite | RelationKind::Sequence) {
            return Err(Stop::unresolved("table", name.to_string()));
        }
        let view = if reach == Reach::Nothing { None } else { self.view(name) };
        // A write to a view ends in the tables that it reads.
        let mut sources: Vec<RelationName> =
            relation.reads.iter().map(|source| source.relation.clone()).collect();
        sources.extend(self.catalog.behind_view(relation, self.depth)?);
        self.facts.relation(name, kind, Access::Write, self.via);
        for source in sources {
            let kind = self.relation(&source).map_or("unknown", |base| kind_name(base.kind));
            self.facts.relation(&source, kind, Access::Write, Via::View);
            self.reach(&source, reach)?;
        }
        if let Some(view) = view {
            // Its conditions say which rows change.
            self.read_view(name, &view)?;
        }
        self.reach(name, reach)
    }

    /// Follows foreign keys, partitions and triggers from a table that is written.
    fn reach(&mut self, start: &RelationName, reach: Reach) -> Result<(), Stop> {
        let mut seen: HashSet<RelationName> = HashSet::from([start.clone()]);
        let mut waiting = vec![(start.clone(), reach)];
        while let Some((table, reach)) = waiting.pop() {
            self.spend(1)?;
            let kind = self.relation(&table).map_or("unknown", |relation| kind_name(relation.kind));
            if &table != start {
                self.facts.relation(&table, kind, Access::Write, Via::Cascade);
            }
            let functions: Vec<String> =
                self.catalog.triggers(&table).map(|trigger| trigger.function.to_string()).collect();
            if !functions.is_empty() {
                self.facts.relation(&table, kind, Access::Write, Via::Trigger);
            }
            for function in functions {
                self.facts.function(&function, self.catalog.user_function_class(&function));
            }
            let mut next: Vec<(RelationName, Reach)> =
                self.catalog.children(&table).iter().map(|child| (child.clone(), reach)).collect();
            for key in self.catalog.references(&table) {
                let follows = match reach {
                    Reach::Nothing => false,
                    Reach::Updates => key.on_update_writes,
                    Reach::Deletes => key.on_delete_writes,
                    Reach::Both => key.on_update_writes || key.on_delete_writes,
                };
                if follows {
                    // SET NULL is an update and CASCADE may be a delete: from here on either.
                    next.push((key.referencing.clone(), Reach::Both));
                }
            }
            for (table, reach) in next {
                if seen.insert(table.clone()) {
                    waiting.push((table, reach));
                }
            }
        }
        Ok(())
    }

    /// Writes down that the definition of an existing relation changes.
    pub(super) fn define_existing(&mut self, object: &ObjectName) -> Result<RelationName, Stop> {
        let name = self.lookup(object)?;
        let kind = kind_name(self.relation(&name)?.kind);
        self.facts.relation(&name, kind, Access::Ddl, self.via);
        Ok(name)
    }

    /// Writes down that an object is created.
    pub(super) fn define_new(
        &mut self,
        object: &ObjectName,
        temporary: bool,
    ) -> Result<RelationName, Stop> {
        let name = self.creation_name(object, temporary)?;
        self.facts.relation(&name, "unknown", Access::Ddl, self.via);
        Ok(name)
    }
}

/// The word that intents use.
pub(crate) const fn kind_name(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Composite => "composite",
        RelationKind::ForeignTable => "foreign_table",
        RelationKind::MaterializedView => "materialized_view",
        RelationKind::PartitionedTable => "partitioned_table",
        RelationKind::Sequence => "sequence",
        RelationKind::Table => "table",
        RelationKind::View => "view",
    }
}
