//! Names in statements that are read by their words (`raw.rs`).

use jurat_types::{Access, FunctionClass, Via};
use sqlparser::ast::{Ident, ObjectName};

use super::relation::kind_name;
use super::{Stop, Walker};
use crate::catalog_index::SYSTEM_SCHEMA;
use crate::names;

impl Walker<'_> {
    /// A relation whose definition changes, or that is looked after.
    pub(crate) fn defined(&mut self, name: &ObjectName) -> Result<(), Stop> {
        self.define_existing(name).map(|_| ())
    }

    /// A relation that is made.
    pub(crate) fn defined_new(&mut self, name: &ObjectName, temporary: bool) -> Result<(), Stop> {
        self.define_new(name, temporary).map(|_| ())
    }

    /// An index. Snapshots have none.
    pub(crate) fn defined_index(&mut self, name: &ObjectName) -> Result<(), Stop> {
        let name = self.creation_name(name, false)?;
        self.facts.relation(&name, "index", Access::Ddl, Via::Direct);
        Ok(())
    }

    /// A function that a trigger runs, known or not.
    pub(crate) fn must_mean_function(&mut self, name: &ObjectName) -> Result<(), Stop> {
        if let Err(Stop::Unresolved { .. }) = self.function_name(&mut name.clone(), &[]) {
            let id =
                names::idents(name)?.iter().map(names::label).collect::<Result<Vec<_>, _>>()?;
            self.facts.function(&id.join("."), FunctionClass::Unknown);
        }
        Ok(())
    }

    /// A setting that changes.
    pub(crate) fn set_setting(&mut self, name: &str) {
        self.setting(name);
    }

    /// Writes down all that a dotted name can stand for: a relation, a column of one, a function.
    ///
    /// Functions of PostgreSQL itself count where they are called, or could do more than compute: many of
    /// their names are words of the grammar, too.
    pub(crate) fn may_mean(&mut self, name: &ObjectName, called: bool) -> Result<(), Stop> {
        self.spend(1)?;
        let idents = names::idents(name)?;
        for length in 1..=idents.len().min(2) {
            let prefix: Vec<Ident> = idents.iter().take(length).cloned().collect();
            if let Ok(relation) = self.lookup(&ObjectName::from(prefix)) {
                let kind = kind_name(self.relation(&relation)?.kind);
                let known = relation.to_string();
                if !self.facts.relations.iter().any(|used| used.id == known) {
                    self.facts.relation(&relation, kind, Access::Ddl, Via::Direct);
                }
            }
        }
        let parts: Vec<String> = idents.iter().map(names::label).collect::<Result<_, _>>()?;
        let (schema, function) = match parts.as_slice() {
            [function] => (None, function),
            [schema, function] => (Some(schema), function),
            _ => return Ok(()),
        };
        for known in self.catalog.function_schemas(function) {
            if schema.is_none_or(|schema| schema == known) {
                let id = format!("{known}.{function}");
                self.facts.function(&id, self.catalog.user_function_class(&id));
            }
        }
        let of_system = schema.is_none_or(|schema| schema == SYSTEM_SCHEMA);
        if of_system && self.catalog.has_system_function(function) {
            let class = self.catalog.system_function_class(function);
            let computes = matches!(
                class,
                FunctionClass::Pure | FunctionClass::Catalog | FunctionClass::Volatile
            );
            if called || !computes {
                self.facts.function(&format!("{SYSTEM_SCHEMA}.{function}"), class);
            }
        }
        Ok(())
    }
}
