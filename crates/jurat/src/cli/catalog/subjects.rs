//! What can be labeled in a catalog, and what has an entry already.

use std::collections::{BTreeSet, HashMap, HashSet};

use jurat_policy::Labels;
use jurat_types::{Catalog, Column, Engine, Relation, RelationKind, RelationName};

use super::names::{self, Suggestion};

/// Schemas that are PostgreSQL's own.
const POSTGRES_SCHEMAS: &[&str] = &["information_schema", "pg_catalog", "pg_toast"];
/// Databases that are MySQL's or MariaDB's own.
const MYSQL_SCHEMAS: &[&str] = &["information_schema", "mysql", "performance_schema", "sys"];

/// Something that should have a label and has no entry.
#[derive(Clone, Debug)]
pub(super) struct Unlabeled<'c> {
    pub(super) relation: &'c Relation,
    /// `None` for the relation as a whole.
    pub(super) column: Option<&'c Column>,
    pub(super) suggestion: Suggestion,
}

impl Unlabeled<'_> {
    pub(super) fn id(&self) -> String {
        id(&self.relation.name, self.column)
    }
}

pub(super) fn id(relation: &RelationName, column: Option<&Column>) -> String {
    match column {
        Some(column) => format!("{relation}.{}", column.name),
        None => relation.to_string(),
    }
}

/// The relations whose labels count where they are read: a view shows what the tables behind it are labeled
/// with, and a partition has its parent's labels.
pub(super) fn relations(catalog: &Catalog) -> impl Iterator<Item = &Relation> {
    catalog.relations.iter().filter(|relation| {
        let holds_rows = match relation.kind {
            RelationKind::Table
            | RelationKind::PartitionedTable
            | RelationKind::MaterializedView
            | RelationKind::ForeignTable => true,
            RelationKind::View | RelationKind::Sequence | RelationKind::Composite => false,
        };
        holds_rows && !is_system(catalog.engine, &relation.name.schema)
    })
}

/// The columns of a relation that no parent has.
pub(super) fn own_columns<'c>(
    relation: &'c Relation,
    catalog: &'c Catalog,
) -> impl Iterator<Item = &'c Column> {
    let parents: HashSet<&RelationName> = relation.parents.iter().collect();
    let inherited: HashSet<&str> = catalog
        .relations
        .iter()
        .filter(|other| !parents.is_empty() && parents.contains(&other.name))
        .flat_map(|parent| parent.columns.iter().map(|column| column.name.as_str()))
        .collect();
    relation.columns.iter().filter(move |column| !inherited.contains(column.name.as_str()))
}

/// Everything whose name or type suggests a label and that has no entry. An empty list is an entry, too:
/// somebody has looked.
pub(super) fn unlabeled<'c>(catalog: &'c Catalog, labels: &Labels) -> Vec<Unlabeled<'c>> {
    let entries = Entries::new(catalog, labels);
    let mut found = Vec::new();
    for relation in relations(catalog) {
        if let Some(suggestion) = names::relation(relation)
            && relation.parents.is_empty()
            && !entries.have(&relation.name.to_string())
        {
            found.push(Unlabeled { relation, column: None, suggestion });
        }
        for column in own_columns(relation, catalog) {
            if let Some(suggestion) = names::column(&relation.name, column)
                && !entries.have(&id(&relation.name, Some(column)))
            {
                found.push(Unlabeled { relation, column: Some(column), suggestion });
            }
        }
    }
    found.sort_by_key(Unlabeled::id);
    found
}

/// The ids that have an entry, also through a partition or child: its label counts where the parent is read.
#[derive(Debug)]
pub(super) struct Entries(BTreeSet<String>);

impl Entries {
    pub(super) fn new(catalog: &Catalog, labels: &Labels) -> Self {
        let mut ids: BTreeSet<String> = labels.iter().map(|(id, _)| id.to_owned()).collect();
        let parents: HashMap<&RelationName, &[RelationName]> = catalog
            .relations
            .iter()
            .map(|relation| (&relation.name, relation.parents.as_slice()))
            .collect();
        for relation in catalog.relations.iter().filter(|relation| !relation.parents.is_empty()) {
            let labeled: Vec<&Column> = relation
                .columns
                .iter()
                .filter(|column| ids.contains(&id(&relation.name, Some(column))))
                .collect();
            if labeled.is_empty() {
                continue;
            }
            let mut seen: HashSet<&RelationName> = HashSet::new();
            let mut waiting: Vec<&RelationName> = relation.parents.iter().collect();
            while let Some(parent) = waiting.pop() {
                if seen.insert(parent) {
                    ids.extend(labeled.iter().map(|column| id(parent, Some(column))));
                    waiting.extend(parents.get(parent).copied().unwrap_or_default());
                }
            }
        }
        Self(ids)
    }

    pub(super) fn have(&self, id: &str) -> bool {
        self.0.contains(id)
    }
}

/// Whether a schema is the server's own.
pub(super) fn is_system(engine: Engine, schema: &str) -> bool {
    if !engine.is_postgres() {
        // The server may have been told to keep names as they were written.
        return MYSQL_SCHEMAS.iter().any(|own| own.eq_ignore_ascii_case(schema));
    }
    POSTGRES_SCHEMAS.contains(&schema)
        || schema.starts_with("pg_temp")
        || schema.starts_with("pg_toast")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_of_the_server_are_those_of_its_kind() {
        for (engine, schema, own) in [
            (Engine::Postgres, "pg_catalog", true),
            (Engine::Postgres, "pg_temp_3", true),
            (Engine::Postgres, "mysql", false),
            (Engine::Postgres, "sys", false),
            (Engine::Mariadb, "mysql", true),
            (Engine::Mariadb, "INFORMATION_SCHEMA", true),
            (Engine::Mysql, "sys", true),
            (Engine::Mysql, "performance_schema", true),
            (Engine::Mysql, "pg_catalog", false),
            (Engine::Mysql, "shop", false),
        ] {
            assert_eq!(is_system(engine, schema), own, "{engine:?} {schema}");
        }
    }
}
