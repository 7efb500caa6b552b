//! Temporary tables of one session on MySQL and MariaDB. They stand in front of the tables of the same name.
//!
//! Statements about them, and policies, know them under a database of their own, as on PostgreSQL: `t` of `shop` is
//! `pg_temp_shop.t`. No database that clients name may be called like that.

use std::collections::BTreeMap;

use jurat_types::{Column, Relation, RelationKind, RelationName};

/// How the names of their databases begin.
const PREFIX: &str = "pg_temp_";

/// How many a session may have before it is told that there are too many.
const TABLES_MAX: usize = 1000;

/// The temporary tables of one session.
#[derive(Clone, Debug, Default)]
pub struct TemporaryTables {
    /// By the names that statements have for them; nothing where it is not known what a table is.
    tables: BTreeMap<RelationName, Option<Relation>>,
    /// There are more than are kept.
    too_many: bool,
}

impl TemporaryTables {
    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && !self.too_many
    }

    /// A table is there, with these columns; without them it is one that no statement may use. The name is that of
    /// an intent.
    pub fn put(&mut self, name: RelationName, columns: Option<Vec<Column>>) {
        if self.tables.len() >= TABLES_MAX && !self.tables.contains_key(&name) {
            self.too_many = true;
            return;
        }
        let table = columns.map(|columns| Relation {
            name: name.clone(),
            kind: RelationKind::Table,
            columns,
            oid: 0,
            reads: Vec::new(),
            definition: None,
            parents: Vec::new(),
        });
        self.tables.insert(name, table);
    }

    /// A table is not there, or not any more. The name is that of an intent.
    pub fn remove(&mut self, name: &RelationName) {
        self.tables.remove(name);
    }

    /// What the server calls a temporary table of an intent: its database and its name. `None` for any other
    /// relation.
    pub fn on_server<'n>(schema: &'n str, name: &'n str) -> Option<(&'n str, &'n str)> {
        schema.strip_prefix(PREFIX).map(|database| (database, name))
    }

    /// The table of a name, nothing inside where it may not be used.
    pub(crate) fn get(&self, name: &RelationName) -> Option<Option<&Relation>> {
        self.tables.get(name).map(Option::as_ref)
    }

    /// Whether it is not known which tables there are.
    pub(crate) const fn too_many(&self) -> bool {
        self.too_many
    }
}

/// The name that statements have for a temporary table.
pub(crate) fn named(database: &str, name: &str) -> RelationName {
    RelationName::new(format!("{PREFIX}{database}"), name)
}

/// The database that the server knows, for that of a relation.
pub(crate) fn database_of(schema: &str) -> &str {
    schema.strip_prefix(PREFIX).unwrap_or(schema)
}

/// Whether a database is called as temporary tables are, so that its tables would pass for some.
pub(crate) fn is_taken(database: &str) -> bool {
    database.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

#[cfg(test)]
mod tests {
    use jurat_types::RelationName;

    use super::{TABLES_MAX, TemporaryTables, is_taken};

    #[test]
    fn a_session_that_has_too_many_is_not_taken_for_one_that_has_fewer() {
        let mut tables = TemporaryTables::default();
        let name = |n: usize| RelationName::new("pg_temp_shop", format!("t{n}"));
        (0..TABLES_MAX).for_each(|n| tables.put(name(n), None));
        tables.put(name(0), None);
        assert!(!tables.too_many());
        tables.put(name(TABLES_MAX), None);
        assert!(tables.too_many());
        (0..TABLES_MAX).for_each(|n| tables.remove(&name(n)));
        assert!(!tables.is_empty());
    }

    #[test]
    fn a_database_that_is_called_like_them_is_known_in_any_case() {
        for (name, taken) in [("pg_temp_shop", true), ("PG_Temp_x", true), ("pg_temporal", false)] {
            assert_eq!(is_taken(name), taken, "{name}");
        }
    }
}
