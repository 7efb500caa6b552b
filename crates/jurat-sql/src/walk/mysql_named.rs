//! Tables and programs that statements of MySQL and MariaDB name outside of queries.

use jurat_types::{Access, ColumnMode, ColumnRole, FunctionClass, RelationKind, RelationName, Via};
use sqlparser::ast::{ObjectName, SetExpr, Statement};

use super::relation::{Reach, kind_name};
use super::{Stop, Walker};
use crate::mysql;
use crate::names;
use crate::temporary;

impl Walker<'_> {
    /// A query that is part of another statement: its result goes somewhere else.
    pub(crate) fn stored(
        &mut self,
        statement: &mut Statement,
        role: ColumnRole,
    ) -> Result<(), Stop> {
        if let Statement::Query(query) = statement {
            self.query(query, role).map(|_| ())
        } else {
            Err(Stop::unsupported("anything but a query in this place"))
        }
    }

    /// `SELECT (value) AS x` and nothing else.
    pub(crate) fn stored_value(
        &mut self,
        statement: &mut Statement,
        role: ColumnRole,
    ) -> Result<(), Stop> {
        let single = if let Statement::Query(query) = &*statement
            && let SetExpr::Select(select) = &*query.body
        {
            select.projection.len() == 1
                && select.from.is_empty()
                && select.selection.is_none()
                && select.into.is_none()
                && select.having.is_none()
                && query.order_by.is_none()
                && query.limit_clause.is_none()
        } else {
            false
        };
        if single {
            self.stored(statement, role)
        } else {
            Err(Stop::unsupported("anything but an expression in this place"))
        }
    }

    /// A view whose definition is not understood could show anything: these servers do not say which columns a
    /// view reads.
    pub(super) fn check_view_is_known(&self, name: &RelationName) -> Result<(), Stop> {
        let relation = self.relation(name)?;
        let told = self.naming.is_postgres()
            || relation.kind != RelationKind::View
            || mysql::is_system(&name.schema)
            || !relation.reads.is_empty()
            || self.view(name).is_some();
        if told {
            Ok(())
        } else {
            Err(Stop::unresolved("the definition of the view", name.to_string()))
        }
    }

    /// Every table of a database.
    pub(crate) fn database(&mut self, object: &ObjectName) -> Result<(), Stop> {
        let parts = self.naming.parts(object)?;
        let [wanted] = parts.as_slice() else {
            return Err(Stop::unsupported("a database name of several parts"));
        };
        if temporary::is_taken(wanted) {
            return Err(Stop::unsupported("a database that is called as temporary tables are"));
        }
        let catalog = self.catalog;
        for relation in &catalog.catalog().relations {
            if self.naming.same_table(&relation.name.schema, wanted) {
                self.spend(1)?;
                let kind = kind_name(relation.kind);
                self.facts.relation(&relation.name, kind, Access::Ddl, Via::Direct);
            }
        }
        Ok(())
    }

    /// A table that must exist.
    pub(crate) fn named_table(&mut self, object: &ObjectName, access: Access) -> Result<(), Stop> {
        let name = self.lookup(object)?;
        let kind = kind_name(self.relation(&name)?.kind);
        self.facts.relation(&name, kind, access, Via::Direct);
        Ok(())
    }

    /// A temporary table that is made or dropped, whether there is one by now or not.
    pub(crate) fn defined_temporary(&mut self, object: &ObjectName) -> Result<(), Stop> {
        let place = self.new_table(&self.naming.parts(object)?)?;
        let name = self.naming.temporary(&place.schema, &place.name);
        self.facts.relation(&name, self.kind_of(&name), Access::Ddl, Via::Direct);
        Ok(())
    }

    /// Whether a name stands for a temporary table of this session.
    ///
    /// # Errors
    /// Where nobody knows.
    pub(crate) fn is_temporary(&self, object: &ObjectName) -> Result<bool, Stop> {
        let place = self.new_table(&self.naming.parts(object)?)?;
        self.catalog.temporary_table(&place.schema, &place.name).map(|own| own.is_some())
    }

    /// A table that may exist, and whose rows are not touched.
    pub(crate) fn mentioned(&mut self, object: &ObjectName) {
        // Only the name is told; what it has is public to whoever may see the catalog.
        if let Ok(name) = self.lookup(object) {
            let kind = self.relation(&name).map_or("unknown", |relation| kind_name(relation.kind));
            self.facts.relation(&name, kind, Access::Ddl, Via::Direct);
        }
    }

    /// A table whose rows are read as they are.
    pub(crate) fn whole_table(&mut self, object: &ObjectName) -> Result<(), Stop> {
        let name = self.lookup(object)?;
        self.read_relation(&name, ColumnRole::Output)?;
        let sources = self.base_shape(&name)?.all_sources();
        self.record(&sources, ColumnRole::Output, ColumnMode::Direct);
        Ok(())
    }

    /// A table that gets rows from somewhere else, in these columns or in all.
    pub(crate) fn filled_table(
        &mut self,
        object: &ObjectName,
        columns: &[ObjectName],
        replaces: bool,
    ) -> Result<(), Stop> {
        let name = self.lookup(object)?;
        if columns.is_empty() {
            let sources = self.base_shape(&name)?.all_sources();
            self.record(&sources, ColumnRole::Assigned, ColumnMode::Direct);
        }
        for column in columns {
            self.inserted_column(&name, column)?;
        }
        self.write_relation(&name, if replaces { Reach::Both } else { Reach::Nothing })
    }

    /// A table that loses all rows.
    pub(crate) fn truncated(&mut self, object: &ObjectName) -> Result<(), Stop> {
        let name = self.lookup(object)?;
        self.named_table(object, Access::Ddl)?;
        self.write_relation(&name, Reach::Nothing)
    }

    /// A procedure that is called; its name is qualified.
    pub(crate) fn procedure(&mut self, object: &mut ObjectName) -> Result<(), Stop> {
        match names::idents(object)?.len() {
            1 | 2 => self.mysql_function(object),
            _ => Err(Stop::unsupported("a procedure name of more than two parts")),
        }
    }

    /// Writes down the table that a name can stand for.
    pub(crate) fn may_mean_table(&mut self, object: &ObjectName) -> Result<(), Stop> {
        self.spend(1)?;
        let Ok(parts) = self.naming.parts(object) else { return Ok(()) };
        let Ok(place) = self.new_table(&parts) else { return Ok(()) };
        // A lasting table refers to others that last.
        if let Some(name) = self.catalog.table(&place.schema, &place.name) {
            let relation = self.relation(&name)?;
            if relation.kind != RelationKind::Composite {
                let kind = kind_name(relation.kind);
                let known = name.to_string();
                if !self.facts.relations.iter().any(|used| used.id == known) {
                    self.facts.relation(&name, kind, Access::Ddl, Via::Direct);
                }
            }
        }
        Ok(())
    }

    /// Writes down the function that a called name can stand for, where it could do more than compute.
    pub(crate) fn may_mean_call(&mut self, object: &ObjectName) -> Result<(), Stop> {
        let parts = self.naming.parts_of_call(object)?;
        if let [name] = parts.as_slice() {
            let lower = name.to_ascii_lowercase();
            match mysql::function_class(&lower, self.naming.engine) {
                None | Some(FunctionClass::Pure) => {}
                Some(class) => self.facts.function(&lower, class),
            }
        }
        // A stored function, or nothing that is called.
        let mut copy = object.clone();
        if let Err(Stop::Unresolved { .. }) = self.mysql_function(&mut copy) {
            return Ok(());
        }
        Ok(())
    }
}
