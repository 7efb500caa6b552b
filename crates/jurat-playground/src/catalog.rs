//! The catalogs that clients read: tables in memory, named as each database names its own, and filled from
//! SQLite's schema when a statement reads one.

mod mysql;
mod postgres;

use rusqlite::{Connection, params_from_iter, types::Value};

use crate::{engine::Schema, tokens::Dialect};

/// A catalog table: its schema, its name, its columns with their types, and where its rows come from.
struct CatalogTable {
    schema: &'static str,
    name: &'static str,
    columns: &'static str,
    rows: fn(&Schema) -> Vec<Vec<Value>>,
}

/// Gives a session the empty tables, beside the shop's file and in memory.
///
/// # Errors
/// SQLite's.
pub(crate) fn attach(connection: &Connection, dialect: Dialect) -> rusqlite::Result<()> {
    for schema in schemas(dialect) {
        connection.execute_batch(&format!("ATTACH ':memory:' AS {schema}"))?;
    }
    for CatalogTable { schema, name, columns, .. } in tables(dialect) {
        connection.execute_batch(&format!("CREATE TABLE {schema}.{name} ({columns})"))?;
    }
    Ok(())
}

/// Fills them anew.
///
/// # Errors
/// SQLite's.
pub(crate) fn fill(
    connection: &Connection,
    dialect: Dialect,
    shop: &Schema,
) -> rusqlite::Result<()> {
    for CatalogTable { schema, name, rows, .. } in tables(dialect) {
        connection.execute(&format!("DELETE FROM {schema}.{name}"), [])?;
        let rows = rows(shop);
        let Some(first) = rows.first() else { continue };
        let places = vec!["?"; first.len()].join(", ");
        let sql = format!("INSERT INTO {schema}.{name} VALUES ({places})");
        let mut statement = connection.prepare(&sql)?;
        for row in &rows {
            statement.execute(params_from_iter(row))?;
        }
    }
    Ok(())
}

const fn schemas(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Postgres => &["pg_catalog", "information_schema"],
        Dialect::MySql => &["information_schema"],
    }
}

const fn tables(dialect: Dialect) -> &'static [CatalogTable] {
    match dialect {
        Dialect::Postgres => postgres::TABLES,
        Dialect::MySql => mysql::TABLES,
    }
}

/// A relation of a catalog that the playground has: schema, name, and columns with their types.
pub(crate) type SystemRelation = (&'static str, &'static str, Vec<(&'static str, &'static str)>);

/// The relations of a catalog that the playground has.
pub(crate) fn system_relations(dialect: Dialect) -> impl Iterator<Item = SystemRelation> {
    tables(dialect).iter().map(|table| {
        let columns = table.columns.split(',').filter_map(|column| column.trim().split_once(' '));
        (table.schema, table.name, columns.collect())
    })
}

/// A value of a row.
fn value(value: impl Into<Value>) -> Value {
    value.into()
}

/// A text of a row.
fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

/// The place of a column or a relation, from 1.
fn place(index: usize) -> Value {
    Value::Integer(i64::try_from(index.saturating_add(1)).unwrap_or(i64::MAX))
}

/// The words that `information_schema` uses.
const fn yes_or_no(yes: bool) -> &'static str {
    if yes { "YES" } else { "NO" }
}
