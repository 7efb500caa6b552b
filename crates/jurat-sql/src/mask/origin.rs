//! Where masked columns are in the database, so that a result can be asked whether it shows one as it is.
//!
//! This is the second line: the rewritten text should never select a masked column, and this would tell if it
//! did, because it was misread or because the database is not what the catalog says.

use jurat_types::{ColumnId, ColumnMask, MaskMethod};

use super::plan::family;
use crate::catalog_index::CatalogIndex;

/// The columns that no result of a statement may have as their origin.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Origins(Vec<Origin>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct Origin {
    oid: u32,
    attnum: i16,
    column: ColumnId,
    /// Whether it may come out where it is looked through.
    detected: bool,
}

impl Origins {
    /// The columns that `masks` hide, in the relations of the masks and in the parents and children of those.
    pub fn new(masks: &[ColumnMask], catalog: &CatalogIndex) -> Self {
        let mut origins = Vec::with_capacity(masks.len());
        for mask in masks {
            for name in family(&mask.column.relation, catalog) {
                let Some(relation) = catalog.relation(name) else { continue };
                let mut columns = relation.columns.iter();
                if let Some(column) = columns.find(|column| column.name == mask.column.column) {
                    let id = ColumnId::new(name.clone(), column.name.clone());
                    origins.push(Origin {
                        oid: relation.oid,
                        attnum: column.attnum,
                        column: id,
                        detected: mask.method == MaskMethod::Detect,
                    });
                }
            }
        }
        Self(origins)
    }

    /// The masked column that a result column is, given its table (`pg_class.oid`) and number
    /// (`pg_attribute.attnum`) as a RowDescription tells them: zeros for an expression, which every mask is.
    /// Source: <https://www.postgresql.org/docs/current/protocol-message-formats.html>.
    ///
    /// `looked_through` says that detectors look at the values on their way.
    pub fn exposed(&self, table_oid: u32, attnum: i16, looked_through: bool) -> Option<&ColumnId> {
        if table_oid == 0 {
            return None;
        }
        let mut hits =
            self.0.iter().filter(|origin| origin.oid == table_oid && origin.attnum == attnum);
        hits.find(|origin| !(origin.detected && looked_through)).map(|origin| &origin.column)
    }

    /// The same for MySQL and MariaDB, which tell the names of database, table and column: empty ones for an
    /// expression. Names are compared without regard to case, which is wrong on the safe side only.
    /// Source: MySQL internals documentation, `Protocol::ColumnDefinition41`.
    pub fn exposed_by_name(
        &self,
        (schema, table, column): (&[u8], &[u8], &[u8]),
        looked_through: bool,
    ) -> Option<&ColumnId> {
        if table.is_empty() || column.is_empty() {
            return None;
        }
        let same = |name: &str, said: &[u8]| name.as_bytes().eq_ignore_ascii_case(said);
        let mut hits = self.0.iter().filter(|origin| {
            let ColumnId { relation, column: name } = &origin.column;
            let database = crate::temporary::database_of(&relation.schema);
            same(database, schema) && same(&relation.name, table) && same(name, column)
        });
        hits.find(|origin| !(origin.detected && looked_through)).map(|origin| &origin.column)
    }
}

#[cfg(test)]
mod tests {
    use jurat_types::{
        Catalog, Column, ColumnId, ColumnMask, MaskMethod, Relation, RelationKind, RelationName,
    };

    use super::Origins;
    use crate::CatalogIndex;

    fn relation(name: &str, oid: u32, columns: &[(&str, i16)], parent: Option<&str>) -> Relation {
        let column = |(name, attnum): &(&str, i16)| Column {
            name: (*name).to_owned(),
            data_type: "text".to_owned(),
            attnum: *attnum,
            generated: false,
            key: false,
            base_type: None,
        };
        Relation {
            name: RelationName::new("public", name),
            kind: RelationKind::Table,
            columns: columns.iter().map(column).collect(),
            oid,
            reads: Vec::new(),
            definition: None,
            parents: parent.map(|parent| RelationName::new("public", parent)).into_iter().collect(),
        }
    }

    #[test]
    fn a_masked_column_is_known_by_its_number_also_in_a_child() {
        let catalog = CatalogIndex::new(Catalog {
            relations: vec![
                relation("customers", 100, &[("id", 1), ("email", 3)], None),
                relation("archived", 200, &[("id", 1), ("email", 7)], Some("customers")),
                relation("orders", 300, &[("id", 1), ("email", 3)], None),
            ],
            ..Catalog::default()
        });
        let mask = ColumnMask {
            column: ColumnId::new(RelationName::new("public", "customers"), "email"),
            ids: Vec::new(),
            method: MaskMethod::Null,
            params: Default::default(),
            predicates: Default::default(),
        };
        let origins = Origins::new(std::slice::from_ref(&mask), &catalog);
        let exposed = |oid, attnum| origins.exposed(oid, attnum, true).map(ToString::to_string);
        assert_eq!(exposed(100, 3).as_deref(), Some("public.customers.email"));
        assert_eq!(exposed(200, 7).as_deref(), Some("public.archived.email"));
        for (oid, attnum) in [(100, 1), (200, 3), (300, 3), (0, 0), (0, 3)] {
            assert_eq!(exposed(oid, attnum), None, "{oid} {attnum}");
        }
        assert_eq!(Origins::default().exposed(100, 3, false), None);
        let detect = ColumnMask { method: MaskMethod::Detect, ..mask };
        let origins = Origins::new(&[detect], &catalog);
        assert_eq!(origins.exposed(100, 3, true), None);
        assert!(origins.exposed(100, 3, false).is_some());
    }
}
