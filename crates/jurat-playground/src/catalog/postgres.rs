//! `pg_catalog` and `information_schema` as PostgreSQL has them, as far as `psql`'s lists of relations and
//! common tools read them.

use rusqlite::types::Value;

use super::{CatalogTable, place, text, value, yes_or_no};
use crate::{engine::Schema, kind, kind::Kind};

/// The numbers of the schemas; the first is PostgreSQL's own for it.
const PG_CATALOG: i64 = 11;
const PUBLIC: i64 = 2200;
const INFORMATION_SCHEMA: i64 = 13000;
/// The number of the one role.
const OWNER: i64 = 10;

pub(super) const TABLES: &[CatalogTable] = &[
    CatalogTable {
        schema: "pg_catalog",
        name: "pg_namespace",
        columns: "oid oid, nspname text, nspowner oid",
        rows: |_| {
            [
                (PG_CATALOG, "pg_catalog"),
                (PUBLIC, "public"),
                (INFORMATION_SCHEMA, "information_schema"),
            ]
            .into_iter()
            .map(|(oid, name)| vec![value(oid), text(name), value(OWNER)])
            .collect()
        },
    },
    CatalogTable {
        schema: "pg_catalog",
        name: "pg_class",
        columns: "oid oid, relname text, relnamespace oid, relkind text, relowner oid, relam oid, \
                  reltuples real, relnatts smallint, relpersistence text, relhasindex boolean, \
                  relhasrules boolean, relhastriggers boolean, relrowsecurity boolean, \
                  relispartition boolean, relchecks smallint, reloftype oid, reltablespace oid",
        rows: classes,
    },
    CatalogTable {
        schema: "pg_catalog",
        name: "pg_attribute",
        columns: "attrelid oid, attname text, atttypid oid, attnum smallint, atttypmod integer, \
                  attnotnull boolean, atthasdef boolean, attisdropped boolean, attidentity text, \
                  attgenerated text",
        rows: attributes,
    },
    CatalogTable {
        schema: "pg_catalog",
        name: "pg_type",
        columns: "oid oid, typname text, typnamespace oid, typtype text, typrelid oid, typelem oid",
        rows: types,
    },
    CatalogTable {
        schema: "pg_catalog",
        name: "pg_am",
        columns: "oid oid, amname text",
        rows: |_| vec![vec![value(2_i64), text("heap")]],
    },
    CatalogTable {
        schema: "pg_catalog",
        name: "pg_roles",
        columns: "oid oid, rolname text, rolsuper boolean, rolcanlogin boolean",
        rows: |_| vec![vec![value(OWNER), text(crate::USER), value(false), value(true)]],
    },
    CatalogTable {
        schema: "pg_catalog",
        name: "pg_database",
        columns: "oid oid, datname text, datdba oid, encoding integer, datallowconn boolean",
        rows: |_| {
            vec![vec![value(5_i64), text(crate::DATABASE), value(OWNER), value(6_i64), value(true)]]
        },
    },
    CatalogTable {
        schema: "pg_catalog",
        name: "pg_tables",
        columns: "schemaname text, tablename text, tableowner text",
        rows: |schema| listed(schema, false),
    },
    CatalogTable {
        schema: "pg_catalog",
        name: "pg_views",
        columns: "schemaname text, viewname text, viewowner text",
        rows: |schema| listed(schema, true),
    },
    CatalogTable {
        schema: "pg_catalog",
        name: "pg_description",
        columns: "objoid oid, classoid oid, objsubid integer, description text",
        rows: |_| Vec::new(),
    },
    CatalogTable {
        schema: "information_schema",
        name: "schemata",
        columns: "catalog_name text, schema_name text, schema_owner text",
        rows: |_| {
            ["information_schema", "pg_catalog", "public"]
                .into_iter()
                .map(|name| vec![text(crate::DATABASE), text(name), text(crate::USER)])
                .collect()
        },
    },
    CatalogTable {
        schema: "information_schema",
        name: "tables",
        columns: "table_catalog text, table_schema text, table_name text, table_type text",
        rows: tables,
    },
    CatalogTable {
        schema: "information_schema",
        name: "columns",
        columns: "table_catalog text, table_schema text, table_name text, column_name text, \
                  ordinal_position integer, column_default text, is_nullable text, data_type text",
        rows: columns,
    },
    CatalogTable {
        schema: "information_schema",
        name: "key_column_usage",
        columns: "constraint_schema text, constraint_name text, table_schema text, table_name text, \
                  column_name text, ordinal_position integer",
        rows: keys,
    },
];

fn classes(schema: &Schema) -> Vec<Vec<Value>> {
    let row = |relation: &crate::engine::Relation| {
        let kind = if relation.is_view() { "v" } else { "r" };
        let columns = i64::try_from(relation.columns.len()).unwrap_or(i64::MAX);
        vec![
            value(i64::from(relation.number)),
            text(&relation.name),
            value(PUBLIC),
            text(kind),
            value(OWNER),
            value(if relation.is_view() { 0_i64 } else { 2 }),
            value(-1.0),
            value(columns),
            text("p"),
            value(false),
            value(false),
            value(false),
            value(false),
            value(false),
            value(0_i64),
            value(0_i64),
            value(0_i64),
        ]
    };
    schema.relations.iter().map(row).collect()
}

fn attributes(schema: &Schema) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for relation in &schema.relations {
        for (index, column) in relation.columns.iter().enumerate() {
            rows.push(vec![
                value(i64::from(relation.number)),
                text(&column.name),
                value(number(column.kind)),
                place(index),
                value(-1_i64),
                value(column.not_null),
                value(column.default.is_some()),
                value(false),
                text(""),
                text(""),
            ]);
        }
    }
    rows
}

/// Each type with its number and name.
const TYPES: &[(Kind, i64, &str)] = &[
    (Kind::Bool, 16, "bool"),
    (Kind::Bytea, 17, "bytea"),
    (Kind::Int8, 20, "int8"),
    (Kind::Int2, 21, "int2"),
    (Kind::Int4, 23, "int4"),
    (Kind::Text, 25, "text"),
    (Kind::Json, 114, "json"),
    (Kind::Float8, 701, "float8"),
    (Kind::Varchar, 1043, "varchar"),
    (Kind::Date, 1082, "date"),
    (Kind::Timestamp, 1114, "timestamp"),
    (Kind::Timestamptz, 1184, "timestamptz"),
    (Kind::Numeric, 1700, "numeric"),
    (Kind::Uuid, 2950, "uuid"),
];

fn number(kind: Kind) -> i64 {
    TYPES.iter().find(|(known, ..)| *known == kind).map_or(25, |(_, number, _)| *number)
}

fn types(_schema: &Schema) -> Vec<Vec<Value>> {
    let row = |(_, number, name): &(Kind, i64, &str)| {
        vec![value(*number), text(*name), value(PG_CATALOG), text("b"), value(0_i64), value(0_i64)]
    };
    TYPES.iter().map(row).collect()
}

fn listed(schema: &Schema, views: bool) -> Vec<Vec<Value>> {
    let wanted = schema.relations.iter().filter(|relation| relation.is_view() == views);
    wanted.map(|found| vec![text("public"), text(&found.name), text(crate::USER)]).collect()
}

fn tables(schema: &Schema) -> Vec<Vec<Value>> {
    let row = |relation: &crate::engine::Relation| {
        let kind = if relation.is_view() { "VIEW" } else { "BASE TABLE" };
        vec![text(crate::DATABASE), text("public"), text(&relation.name), text(kind)]
    };
    schema.relations.iter().map(row).collect()
}

fn columns(schema: &Schema) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for relation in &schema.relations {
        for (index, column) in relation.columns.iter().enumerate() {
            rows.push(vec![
                text(crate::DATABASE),
                text("public"),
                text(&relation.name),
                text(&column.name),
                place(index),
                column.default.as_deref().map_or(Value::Null, text),
                text(yes_or_no(!column.not_null && column.key.is_none())),
                text(kind::postgres_name(&column.declared)),
            ]);
        }
    }
    rows
}

fn keys(schema: &Schema) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for relation in &schema.relations {
        for (index, column) in relation.primary_key().into_iter().enumerate() {
            rows.push(vec![
                text("public"),
                text(format!("{}_pkey", relation.name)),
                text("public"),
                text(&relation.name),
                text(&column.name),
                place(index),
            ]);
        }
    }
    rows
}
