//! What tables, views and keys the SQLite file has: the source of every catalog that the playground shows.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{
    Connection,
    hooks::{AuthAction, AuthContext, Authorization},
};

use crate::{failure::Failure, kind::Kind};

/// Numbers of relations begin behind PostgreSQL's own (`FirstNormalObjectId`).
const FIRST_NUMBER: u32 = 16384;

/// All of it, at one version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    pub(crate) version: i64,
    pub(crate) relations: Vec<Relation>,
    /// Table and name of each.
    pub(crate) triggers: Vec<(String, String)>,
}

/// A table or a view.
#[derive(Clone, Debug, Default)]
pub(crate) struct Relation {
    pub(crate) name: String,
    pub(crate) number: u32,
    /// The SELECT of a view.
    pub(crate) definition: Option<String>,
    pub(crate) columns: Vec<RelationColumn>,
    pub(crate) foreign_keys: Vec<ForeignKey>,
    pub(crate) indexes: Vec<Index>,
    /// What a view reads, itself and through others: table and column; no column where it only counts rows.
    pub(crate) reads: BTreeSet<(String, String)>,
}

/// A column; its position is its place in the list, from 1.
#[derive(Clone, Debug)]
pub(crate) struct RelationColumn {
    pub(crate) name: String,
    pub(crate) declared: String,
    pub(crate) kind: Kind,
    pub(crate) not_null: bool,
    pub(crate) default: Option<String>,
    /// The position in the primary key, from 1.
    pub(crate) key: Option<i64>,
}

/// One column of a foreign key.
#[derive(Clone, Debug)]
pub(crate) struct ForeignKey {
    pub(crate) number: i64,
    pub(crate) column: String,
    pub(crate) table: String,
    pub(crate) referenced: String,
    pub(crate) on_update: String,
    pub(crate) on_delete: String,
}

/// An index that somebody made.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) unique: bool,
    pub(crate) columns: Vec<String>,
}

impl Schema {
    /// SQLite counts the changes.
    ///
    /// # Errors
    /// SQLite's.
    pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
        // 0 is an empty file, which the shop is not, so the default is never taken for read.
        connection.query_row("PRAGMA main.schema_version", [], |row| row.get(0))
    }

    /// Reads everything.
    ///
    /// # Errors
    /// SQLite's.
    pub(crate) fn read(connection: &mut Connection, version: i64) -> Result<Self, Failure> {
        let mut schema = Self { version, ..Self::default() };
        for (row, kind, name, table, sql) in objects(connection)? {
            if kind == "trigger" {
                schema.triggers.push((table, name));
                continue;
            }
            let mut relation = Relation {
                number: FIRST_NUMBER.saturating_add(u32::try_from(row).unwrap_or(0)),
                columns: columns(connection, &name)?,
                ..Relation::default()
            };
            if kind == "view" {
                relation.definition = Some(definition(&sql));
                relation.reads = reads(connection, &name)?;
            } else {
                relation.foreign_keys = foreign_keys(connection, &name)?;
                relation.indexes = indexes(connection, &name)?;
            }
            relation.name = name;
            schema.relations.push(relation);
        }
        Ok(schema)
    }

    /// The relation of that name.
    pub(crate) fn relation(&self, name: &str) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.name == name)
    }

    /// The numbers of a relation and of a column in it.
    pub(crate) fn place(&self, table: &str, column: &str) -> Option<(u32, i16)> {
        let relation = self.relation(table)?;
        let at = relation.columns.iter().position(|found| found.name == column)?;
        Some((relation.number, i16::try_from(at.saturating_add(1)).ok()?))
    }

    /// The type of a column that some relation has under this name; one of those in `named` is preferred.
    pub(crate) fn kind_of(&self, column: &str, named: &[String]) -> Option<Kind> {
        let find = |relation: &Relation| {
            relation.columns.iter().find(|found| found.name == column).map(|found| found.kind)
        };
        let first = self.relations.iter().filter(|relation| named.contains(&relation.name));
        first.chain(&self.relations).find_map(find)
    }
}

impl Relation {
    /// Whether it is a view.
    pub(crate) const fn is_view(&self) -> bool {
        self.definition.is_some()
    }

    /// The columns of the primary key, in its order.
    pub(crate) fn primary_key(&self) -> Vec<&RelationColumn> {
        let mut columns: Vec<_> =
            self.columns.iter().filter(|column| column.key.is_some()).collect();
        columns.sort_by_key(|column| column.key);
        columns
    }
}

type Object = (i64, String, String, String, String);

fn objects(connection: &Connection) -> rusqlite::Result<Vec<Object>> {
    let mut statement = connection.prepare(
        "SELECT rowid, type, name, tbl_name, coalesce(sql, '') FROM main.sqlite_master \
         WHERE type IN ('table', 'view', 'trigger') AND substr(name, 1, 7) <> 'sqlite_' \
         ORDER BY rowid",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
    })?;
    rows.collect()
}

fn columns(connection: &Connection, name: &str) -> rusqlite::Result<Vec<RelationColumn>> {
    let mut statement = connection.prepare(
        "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info(?1, 'main') ORDER BY cid",
    )?;
    let rows = statement.query_map([name], |row| {
        let declared: String = row.get(1)?;
        // SQLite keeps the spaces of the text that it was told.
        let declared =
            declared.replace(" (", "(").replace("( ", "(").replace(" )", ")").replace(" ,", ",");
        let key: i64 = row.get(4)?;
        Ok(RelationColumn {
            name: row.get(0)?,
            kind: Kind::declared(&declared),
            declared,
            not_null: row.get(2)?,
            default: row.get(3)?,
            key: (key > 0).then_some(key),
        })
    })?;
    rows.collect()
}

fn foreign_keys(connection: &Connection, name: &str) -> rusqlite::Result<Vec<ForeignKey>> {
    let mut statement = connection.prepare(
        "SELECT id, \"from\", \"table\", coalesce(\"to\", \"from\"), on_update, on_delete \
         FROM pragma_foreign_key_list(?1, 'main') ORDER BY id, seq",
    )?;
    let rows = statement.query_map([name], |row| {
        Ok(ForeignKey {
            number: row.get(0)?,
            column: row.get(1)?,
            table: row.get(2)?,
            referenced: row.get(3)?,
            on_update: row.get(4)?,
            on_delete: row.get(5)?,
        })
    })?;
    rows.collect()
}

fn indexes(connection: &Connection, name: &str) -> rusqlite::Result<Vec<Index>> {
    let mut statement = connection.prepare(
        "SELECT l.name, l.\"unique\", i.name FROM pragma_index_list(?1, 'main') AS l \
         JOIN pragma_index_info(l.name, 'main') AS i WHERE l.origin <> 'pk' ORDER BY l.seq, i.seqno",
    )?;
    let rows = statement.query_map([name], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?, row.get::<_, Option<String>>(2)?))
    })?;
    let mut indexes: Vec<Index> = Vec::new();
    for row in rows {
        let (name, unique, column) = row?;
        let known = indexes.iter().position(|index| index.name == name);
        let column = column.unwrap_or_default();
        match known.and_then(|at| indexes.get_mut(at)) {
            Some(index) => index.columns.push(column),
            None => indexes.push(Index { name, unique, columns: vec![column] }),
        }
    }
    Ok(indexes)
}

/// What stands behind AS in `CREATE VIEW x AS SELECT …`.
fn definition(sql: &str) -> String {
    let at = sql.to_ascii_uppercase().find(" AS").map_or(0, |at| at.saturating_add(3));
    sql.get(at..).unwrap_or(sql).trim().to_owned()
}

/// SQLite names each column that it would read while it prepares a statement.
fn reads(connection: &mut Connection, view: &str) -> Result<BTreeSet<(String, String)>, Failure> {
    let found: Arc<Mutex<BTreeSet<(String, String)>>> = Arc::default();
    let seen = Arc::clone(&found);
    connection.authorizer(Some(move |context: AuthContext<'_>| {
        if let AuthAction::Read { table_name, column_name } = context.action
            && context.database_name == Some("main")
        {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert((table_name.to_owned(), column_name.to_owned()));
        }
        Authorization::Allow
    }))?;
    let sql = format!("SELECT * FROM main.\"{}\"", view.replace('"', "\"\""));
    let prepared = connection.prepare(&sql).map(drop);
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    prepared?;
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner).clone();
    found.retain(|(table, _)| table != view);
    Ok(found)
}
