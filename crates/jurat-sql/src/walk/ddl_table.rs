//! Definitions of relations: tables, views, indexes, and what removes them.

use std::collections::HashSet;

use jurat_types::{Access, ColumnRole, RelationName, StatementClass, Via};
use sqlparser::ast::{
    AlterTable, CascadeOption, ColumnDef, CreateIndex, CreateTable, CreateTableLikeKind,
    CreateView, Expr, ForValues, Function, FunctionArguments, IndexColumn, ObjectName, ObjectType,
    PartitionBoundValue, Query, Statement, TableConstraint, Truncate,
};

use super::relation::Reach;
use super::{Stop, Walker};
use crate::names;
use crate::scope::{Col, Item, Shape};
use crate::statement::SessionEffect;

impl Walker<'_> {
    pub(super) fn ddl_of_relation(&mut self, statement: &mut Statement) -> Result<(), Stop> {
        self.facts.effect = SessionEffect::CatalogChanged;
        if let Statement::Truncate(truncate) = statement {
            self.truncate(truncate)
        } else if let Statement::CreateTable(create) = statement {
            self.create_table(create)
        } else if let Statement::CreateView(create) = statement {
            self.create_view(create)
        } else if let Statement::CreateIndex(create) = statement {
            self.create_index(create)
        } else if let Statement::AlterTable(AlterTable { name, if_exists, operations, .. }) =
            statement
        {
            self.facts.set("alter_table", StatementClass::Ddl);
            let table = self.existing_or_not(name, *if_exists)?;
            for operation in operations {
                self.alter_operation(operation, table.as_ref())?;
            }
            Ok(())
        } else if let Statement::AlterIndex { name, operation: _ } = statement {
            self.facts.set("alter_index", StatementClass::Ddl);
            self.index(name)
        } else if let Statement::Drop { object_type, if_exists, names, cascade, .. } = statement {
            self.drop_objects(*object_type, names, *if_exists, *cascade)
        } else {
            Err(Stop::unsupported("this definition"))
        }
    }

    fn truncate(&mut self, truncate: &mut Truncate) -> Result<(), Stop> {
        let Truncate { table_names, partitions: None, cascade, on_cluster: None, .. } = truncate
        else {
            return Err(Stop::unsupported("a clause that PostgreSQL's TRUNCATE does not have"));
        };
        self.facts.set("truncate", StatementClass::Ddl);
        self.facts.effect = SessionEffect::None;
        for table in table_names {
            let name = self.define_existing(&table.name)?;
            self.refuse_filtered(&name, "TRUNCATE of")?;
            self.write_relation(&name, Reach::Nothing)?;
            if matches!(cascade, Some(CascadeOption::Cascade)) {
                self.truncate_cascade(&name)?;
            }
        }
        Ok(())
    }

    /// TRUNCATE … CASCADE empties every table that refers to the table, whatever its actions are.
    fn truncate_cascade(&mut self, start: &RelationName) -> Result<(), Stop> {
        let mut seen = vec![start.clone()];
        let mut waiting = vec![start.clone()];
        while let Some(table) = waiting.pop() {
            self.spend(1)?;
            let referencing: Vec<RelationName> =
                self.catalog.references(&table).map(|key| key.referencing.clone()).collect();
            for name in referencing {
                if !seen.contains(&name) {
                    let kind = self.kind_of(&name);
                    self.facts.relation(&name, kind, Access::Write, Via::Cascade);
                    seen.push(name.clone());
                    waiting.push(name);
                }
            }
        }
        Ok(())
    }

    /// The kind of a relation that may not be in the snapshot.
    pub(super) fn kind_of(&self, name: &RelationName) -> &'static str {
        self.relation(name).map_or("unknown", |relation| super::relation::kind_name(relation.kind))
    }

    fn create_table(&mut self, create: &mut CreateTable) -> Result<(), Stop> {
        let CreateTable {
            temporary,
            name,
            columns,
            constraints,
            query,
            like,
            clone: None,
            inherits,
            partition_of,
            partition_by,
            for_values,
            ..
        } = create
        else {
            return Err(Stop::unsupported("a clause that PostgreSQL's CREATE TABLE does not have"));
        };
        let new = self.define_new(name, *temporary)?;
        let mut liked = Vec::new();
        match like {
            None => {}
            Some(CreateTableLikeKind::Parenthesized(like) | CreateTableLikeKind::Plain(like)) => {
                self.maintain(&like.name)?;
                liked.push(self.lookup(&like.name)?);
            }
        }
        let mut cols = Vec::new();
        for like in liked {
            cols.extend(self.inherited(&like)?);
        }
        for parent in inherits.iter().flatten().chain(partition_of.iter()) {
            let parent = self.define_existing(parent)?;
            cols.extend(self.inherited(&parent)?);
        }
        for column in columns.iter() {
            cols.push(super::query::made_up(&names::label(&column.name)?));
        }
        // A column that comes from several places is one.
        let mut seen = HashSet::new();
        cols.retain(|col| seen.insert(col.name.clone()));
        self.new_columns(&new, cols, columns, constraints, partition_by.as_deref_mut())?;
        self.bounds(for_values.as_mut())?;
        match query {
            None => {
                self.facts.set("create_table", StatementClass::Ddl);
                Ok(())
            }
            Some(query) => {
                self.stored_query("create_table_as", query)?;
                *name = names::qualified_or_temporary(&new);
                Ok(())
            }
        }
    }

    /// The columns that a new table has from another one. No row is read.
    fn inherited(&mut self, relation: &RelationName) -> Result<Vec<Col>, Stop> {
        let columns = &self.relation(relation)?.columns;
        let cols: Vec<Col> =
            columns.iter().map(|column| super::query::made_up(&column.name)).collect();
        self.spend(cols.len())?;
        Ok(cols)
    }

    /// The columns of a new table, and the expressions that stand in their definitions.
    fn new_columns(
        &mut self,
        table: &RelationName,
        cols: Vec<Col>,
        columns: &mut [ColumnDef],
        constraints: &mut [TableConstraint],
        partition_by: Option<&mut Expr>,
    ) -> Result<(), Stop> {
        self.with_scope(|walker| {
            walker.add_item(Item {
                alias: Some(table.name.clone()),
                relation: None,
                schema_visible: false,
                shape: Shape::closed(cols),
                relation_visible: true,
                cols_visible: true,
                masked: false,
            })?;
            for column in columns {
                walker.column_definition(column)?;
            }
            for constraint in constraints {
                walker.constraint(constraint)?;
            }
            match partition_by {
                None => Ok(()),
                Some(expr) => walker.partition_key(expr),
            }
        })
    }

    /// `RANGE (a, lower(b))`, which the parser reads as a call.
    fn partition_key(&mut self, expr: &mut Expr) -> Result<(), Stop> {
        let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = expr else {
            return Err(Stop::unsupported("this form of PARTITION BY"));
        };
        for argument in &mut list.args {
            self.argument(argument, ColumnRole::Argument)?;
        }
        Ok(())
    }

    /// The bounds of a new partition; they can call functions.
    fn bounds(&mut self, bounds: Option<&mut ForValues>) -> Result<(), Stop> {
        match bounds {
            None | Some(ForValues::With { .. } | ForValues::Default) => Ok(()),
            Some(ForValues::In(values)) => {
                values.iter_mut().try_for_each(|value| self.definition_expr(value))
            }
            Some(ForValues::From { from, to }) => {
                from.iter_mut().chain(to).try_for_each(|bound| match bound {
                    PartitionBoundValue::Expr(value) => self.definition_expr(value),
                    PartitionBoundValue::MinValue | PartitionBoundValue::MaxValue => Ok(()),
                })
            }
        }
    }

    fn create_view(&mut self, create: &mut CreateView) -> Result<(), Stop> {
        let CreateView {
            materialized,
            name,
            columns: _,
            query,
            to: None,
            params: None,
            temporary,
            ..
        } = create
        else {
            return Err(Stop::unsupported("a clause that PostgreSQL's CREATE VIEW does not have"));
        };
        let new = self.define_new(name, *temporary)?;
        let kind = if *materialized { "create_materialized_view" } else { "create_view" };
        self.stored_query(kind, query)?;
        *name = names::qualified_or_temporary(&new);
        Ok(())
    }

    /// A query whose rows are stored, or that is stored itself.
    fn stored_query(&mut self, kind: &str, query: &mut Query) -> Result<(), Stop> {
        self.query(query, ColumnRole::Source)?;
        self.facts.set(kind, StatementClass::Ddl);
        self.facts.canonical = true;
        Ok(())
    }

    fn create_index(&mut self, create: &mut CreateIndex) -> Result<(), Stop> {
        let CreateIndex { table_name, columns, predicate, .. } = create;
        self.facts.set("create_index", StatementClass::Ddl);
        let table = self.define_existing(table_name)?;
        self.with_scope(|walker| {
            walker.add_target(&table, None)?;
            walker.index_columns(columns)?;
            if let Some(predicate) = predicate {
                walker.expr(predicate, ColumnRole::Argument)?;
            }
            Ok(())
        })
    }

    pub(super) fn index_columns(&mut self, columns: &mut [IndexColumn]) -> Result<(), Stop> {
        for IndexColumn { column, operator_class } in columns {
            if let Some(class) = operator_class {
                names::parts_of_label(class)?;
            }
            self.order_expr(column, ColumnRole::Argument)?;
        }
        Ok(())
    }

    /// A relation that must exist unless IF EXISTS says otherwise.
    pub(super) fn existing_or_not(
        &mut self,
        name: &ObjectName,
        if_exists: bool,
    ) -> Result<Option<RelationName>, Stop> {
        match self.define_existing(name) {
            Ok(name) => Ok(Some(name)),
            Err(Stop::Unresolved { .. }) if if_exists => {
                self.define_new(name, false)?;
                Ok(None)
            }
            Err(stop) => Err(stop),
        }
    }

    /// An index. Snapshots have none, so its name is taken as it is.
    fn index(&mut self, name: &ObjectName) -> Result<(), Stop> {
        let name = self.creation_name(name, false)?;
        self.facts.relation(&name, "index", Access::Ddl, Via::Direct);
        Ok(())
    }

    fn drop_objects(
        &mut self,
        object_type: ObjectType,
        objects: &[ObjectName],
        if_exists: bool,
        cascade: bool,
    ) -> Result<(), Stop> {
        let kind = match object_type {
            ObjectType::Collation => "drop_collation",
            ObjectType::Table => "drop_table",
            ObjectType::View => "drop_view",
            ObjectType::MaterializedView => "drop_materialized_view",
            ObjectType::Index => "drop_index",
            ObjectType::Schema => "drop_schema",
            ObjectType::Database => "drop_database",
            ObjectType::Role | ObjectType::User => "drop_role",
            ObjectType::Sequence => "drop_sequence",
            ObjectType::Type => "drop_type",
            ObjectType::Stage | ObjectType::Stream | ObjectType::Warehouse => {
                return Err(Stop::unsupported("a kind of object that PostgreSQL does not have"));
            }
        };
        let class = if kind == "drop_role" { StatementClass::Dcl } else { StatementClass::Ddl };
        self.facts.set(kind, class);
        for object in objects {
            match object_type {
                ObjectType::Table
                | ObjectType::View
                | ObjectType::MaterializedView
                | ObjectType::Sequence => {
                    if let Some(name) = self.existing_or_not(object, if_exists)?
                        && cascade
                    {
                        self.dependent_views(&name);
                    }
                }
                ObjectType::Index => self.index(object)?,
                ObjectType::Schema if if_exists => {
                    names::parts(object)?;
                    match self.every_relation_of(object) {
                        Ok(()) | Err(Stop::Unresolved { .. }) => {}
                        Err(stop) => return Err(stop),
                    }
                }
                ObjectType::Schema => self.every_relation_of(object)?,
                ObjectType::Type if cascade => self.dependent_columns(object)?,
                ObjectType::Collation
                | ObjectType::Database
                | ObjectType::Role
                | ObjectType::Type
                | ObjectType::User
                | ObjectType::Stage
                | ObjectType::Stream
                | ObjectType::Warehouse => {
                    names::parts(object)?;
                }
            }
        }
        Ok(())
    }

    /// A definition puts other values in the place of those in a table, or takes them away.
    pub(crate) fn takes_values(&mut self, table: Option<&RelationName>) {
        if let Some(name) = table
            && self.relation(name).is_ok()
        {
            self.facts.relation(name, self.kind_of(name), Access::Write, Via::Direct);
        }
    }

    /// The same for a table by its name.
    pub(crate) fn named_takes_values(&mut self, object: &ObjectName) -> Result<(), Stop> {
        let name = self.lookup(object)?;
        self.takes_values(Some(&name));
        Ok(())
    }

    /// The same for every table that is defined so far.
    pub(crate) fn defined_takes_values(&mut self) {
        let defined = self.facts.relations.iter().filter(|used| used.access == Access::Ddl);
        let names: Vec<RelationName> =
            defined.map(|used| RelationName::new(&*used.schema, &*used.name)).collect();
        for name in names {
            self.takes_values(Some(&name));
        }
    }

    /// Columns go with the type that they are of. What a type is called tells enough: of two of one name in two
    /// schemas one too many is named.
    pub(super) fn dependent_columns(&mut self, object: &ObjectName) -> Result<(), Stop> {
        let parts = names::parts(object)?;
        let Some(name) = parts.last() else { return Ok(()) };
        let catalog = self.catalog;
        for relation in &catalog.catalog().relations {
            self.spend(1)?;
            let of_type = |written: &str| {
                let written = written.trim_end_matches("[]");
                let last = written.rsplit('.').next().unwrap_or(written);
                last.trim_matches('"') == name.as_str()
            };
            if relation.columns.iter().any(|column| of_type(&column.data_type)) {
                let kind = super::relation::kind_name(relation.kind);
                self.facts.relation(&relation.name, kind, Access::Write, Via::Cascade);
            }
        }
        Ok(())
    }

    /// Views go with the relation that they read.
    fn dependent_views(&mut self, name: &RelationName) {
        let catalog = self.catalog;
        for relation in &catalog.catalog().relations {
            if relation.reads.iter().any(|source| source.relation == *name) {
                let kind = super::relation::kind_name(relation.kind);
                self.facts.relation(&relation.name, kind, Access::Ddl, Via::Cascade);
            }
        }
    }

    /// An expression in a definition.
    pub(super) fn definition_expr(&mut self, expr: &mut Expr) -> Result<(), Stop> {
        self.expr(expr, ColumnRole::Argument).map(|_| ())
    }
}
