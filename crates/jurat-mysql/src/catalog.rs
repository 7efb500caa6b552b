//! What exists on a MySQL or MariaDB server, read from its `information_schema`: the queries, and how
//! their rows become a [`Catalog`].
//!
//! The server shows what its account may see. It needs SHOW VIEW for the definitions of views (a view
//! without one is not understood, and refused where its columns matter) and TRIGGER for the triggers that a
//! write runs (a table without it has an unknown one).
//! Sources: MySQL 9 reference manual, chapter "INFORMATION_SCHEMA Tables"; MariaDB knowledge base,
//! "Information Schema Tables".

use std::collections::HashMap;

use jurat_types::{
    Catalog, Column, Engine, ForeignKey, Function, Relation, RelationKind, RelationName, Trigger,
};

mod rights;
pub(crate) mod temporary;

use rights::Rights;

/// The queries that fill a [`CatalogReader`], one text each, in the order of its `query_index`.
///
/// They read no user's table and change nothing in the session. Each has a LIMIT, because without one the
/// session's `sql_select_limit` holds; and nothing in them means something else under another `sql_mode`. The last
/// two cannot have one: that limit does not cut `SHOW GRANTS`, and a setting that is not told counts against the
/// account.
/// They are several statements without one snapshot, so a concurrent DDL statement can show in a later
/// answer and not in an earlier one; the reader drops what refers to a relation that it has not seen.
pub const CATALOG_QUERIES: [&str; 11] = [
    // 0: the server's version, whether it folds the names of databases and tables, and our account.
    "SELECT VERSION(), @@GLOBAL.lower_case_table_names, CURRENT_USER() LIMIT 18446744073709551615",
    // 1: databases.
    "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA LIMIT 18446744073709551615",
    // 2: relations.
    // The last column tells whether the storage engine takes changes back. A table that stands for others
    // (`ENGINE = MERGE`) is a view whose definition nobody shows: which tables its rows are of is not told here.
    "SELECT TABLE_SCHEMA, TABLE_NAME, CASE WHEN ENGINE = 'MRG_MyISAM' THEN 'VIEW' ELSE TABLE_TYPE END, COALESCE(TRANSACTIONS = 'YES', 0) \
     FROM information_schema.TABLES LEFT JOIN information_schema.ENGINES USING (ENGINE) \
     ORDER BY TABLE_SCHEMA, TABLE_NAME LIMIT 18446744073709551615",
    // 3: columns. Those that are INVISIBLE are no part of `*`, and are left out.
    "SELECT TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION, COLUMN_NAME, COLUMN_TYPE, \
     COALESCE(GENERATION_EXPRESSION, '') <> '', COLUMN_KEY = 'PRI' \
     FROM information_schema.COLUMNS WHERE EXTRA NOT LIKE '%INVISIBLE%' \
     ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION LIMIT 18446744073709551615",
    // 4: definitions of views. They are empty where the account may not see them.
    "SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS \
     LIMIT 18446744073709551615",
    // 5: stored functions and procedures, one row per name.
    "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, MAX(SECURITY_TYPE = 'DEFINER') \
     FROM information_schema.ROUTINES GROUP BY ROUTINE_SCHEMA, ROUTINE_NAME \
     LIMIT 18446744073709551615",
    // 6: foreign keys.
    "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME, \
     DELETE_RULE NOT IN ('NO ACTION', 'RESTRICT'), UPDATE_RULE NOT IN ('NO ACTION', 'RESTRICT') \
     FROM information_schema.REFERENTIAL_CONSTRAINTS LIMIT 18446744073709551615",
    // 7: triggers.
    "SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_SCHEMA, TRIGGER_NAME \
     FROM information_schema.TRIGGERS LIMIT 18446744073709551615",
    // 8: on what which account has the right that shows triggers.
    "SELECT GRANTEE, NULL, NULL FROM information_schema.USER_PRIVILEGES \
     WHERE PRIVILEGE_TYPE = 'TRIGGER' \
     UNION ALL SELECT GRANTEE, TABLE_SCHEMA, NULL FROM information_schema.SCHEMA_PRIVILEGES \
     WHERE PRIVILEGE_TYPE = 'TRIGGER' \
     UNION ALL SELECT GRANTEE, TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLE_PRIVILEGES \
     WHERE PRIVILEGE_TYPE = 'TRIGGER' LIMIT 18446744073709551615",
    // 9: on which databases a right on everything was taken back, which `information_schema` does not tell.
    "SHOW GRANTS",
    // 10: whether rights can be taken back so, which only MySQL has.
    "SHOW GLOBAL VARIABLES LIKE 'partial_revokes'",
];

/// Asks for the database in which unqualified names are looked up; [`parse_database`] reads its one value.
pub const DATABASE_QUERY: &str = "SELECT DATABASE() LIMIT 1";

/// How many columns each answer has, by query index.
const COLUMN_COUNTS: [usize; 11] = [3, 1, 4, 7, 3, 3, 6, 4, 3, 1, 2];

/// The rows of one snapshot may hold this many bytes (256 MiB); a server with 100,000 tables of 20
/// columns sends about half of that.
const SNAPSHOT_BYTES_MAX: usize = 256 << 20;

/// The database whose names the server compares without regard to case, whatever its settings are.
const INFORMATION_SCHEMA: &str = "information_schema";

/// A relation that MariaDB has and MySQL has not. A server's version can be configured to say anything.
const MARIADB_ONLY: &str = "system_variables";

/// Why a snapshot cannot be used.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum CatalogError {
    /// There is no such query.
    #[error("the catalog has no query {query}")]
    UnknownQuery {
        /// Its index.
        query: usize,
    },
    /// A row has a width that its query does not produce.
    #[error("catalog query {query} answered with {columns} columns")]
    RowWidth {
        /// The query's index.
        query: usize,
        /// The row's width.
        columns: usize,
    },
    /// A value is NULL, is not UTF-8, or cannot be read as what it should be.
    #[error("catalog query {query} answered with an unreadable value in column {column}")]
    Value {
        /// The query's index.
        query: usize,
        /// The column, from 0.
        column: usize,
    },
    /// The database that is in use cannot be read.
    #[error("the name of the database in use cannot be read")]
    Database,
    /// The rows are more than a snapshot may hold.
    #[error("the catalog is larger than {SNAPSHOT_BYTES_MAX} bytes")]
    TooLarge,
    /// The rows do not contain the server's version or its own relations, which every snapshot has.
    #[error("the catalog is incomplete")]
    Incomplete,
}

/// Takes the rows of [`CATALOG_QUERIES`] in the order in which they come, and makes a [`Catalog`].
#[derive(Debug, Default)]
pub struct CatalogReader {
    catalog: Catalog,
    /// Where a relation stands in `catalog.relations`.
    places: HashMap<RelationName, usize>,
    /// Whether the server keeps the case of names and compares them without it.
    lowers_names: bool,
    rights: Rights,
    bytes: usize,
}

impl CatalogReader {
    /// Makes a reader without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one row: the values in text format of the query with that index, from 0.
    ///
    /// # Errors
    /// Any error means that the answer is not the one that the query gives, or is too large. The
    /// snapshot is then of no use.
    pub fn row<V: AsRef<[u8]>>(
        &mut self,
        query_index: usize,
        columns: &[Option<V>],
    ) -> Result<(), CatalogError> {
        let expected = COLUMN_COUNTS.get(query_index);
        let expected = *expected.ok_or(CatalogError::UnknownQuery { query: query_index })?;
        if columns.len() != expected {
            return Err(CatalogError::RowWidth { query: query_index, columns: columns.len() });
        }
        let values: Vec<Option<&[u8]>> =
            columns.iter().map(|value| value.as_ref().map(AsRef::as_ref)).collect();
        let row_bytes: usize = values.iter().flatten().map(|value| value.len()).sum();
        self.bytes = self.bytes.saturating_add(row_bytes);
        if self.bytes > SNAPSHOT_BYTES_MAX {
            return Err(CatalogError::TooLarge);
        }
        let row = Row { query: query_index, columns: &values, lowers_names: self.lowers_names };
        match query_index {
            0 => self.server(&row)?,
            1 => {
                let schema = row.schema(0)?;
                self.catalog.schemas.push(schema);
            }
            2 => self.relation(&row)?,
            3 => self.column(&row)?,
            4 => self.definition(&row)?,
            5 => self.catalog.functions.push(Function {
                name: RelationName::new(row.schema(0)?, row.text(1)?),
                security_definer: row.boolean(2)?,
                added: false,
                extension: None,
            }),
            6 => self.catalog.foreign_keys.push(ForeignKey {
                referencing: row.name(0)?,
                referenced: row.name(2)?,
                on_delete_writes: row.boolean(4)?,
                on_update_writes: row.boolean(5)?,
            }),
            7 => self.catalog.triggers.push(Trigger {
                relation: row.name(0)?,
                name: row.text(3)?.to_owned(),
                // A trigger has its own code, so it stands for the function that it runs.
                function: RelationName::new(row.schema(2)?, row.text(3)?),
            }),
            8 => self.rights.granted(row.text(0)?, row.optional_text(1)?, row.optional_text(2)?),
            9 => self.rights.line(row.text(0)?),
            10 => self.rights.partial_revokes(row.text(1)?),
            _ => return Err(CatalogError::UnknownQuery { query: query_index }),
        }
        Ok(())
    }

    /// Ends the snapshot.
    ///
    /// The caller must have seen every answer of [`CATALOG_QUERIES`] end, because most of them may have no
    /// rows.
    ///
    /// # Errors
    /// [`CatalogError::Incomplete`].
    pub fn finish(mut self) -> Result<Catalog, CatalogError> {
        let has =
            |name: &str| self.places.contains_key(&RelationName::new(INFORMATION_SCHEMA, name));
        // Every account sees these, so without them rows are missing.
        if self.catalog.server_version.is_empty() || !has("columns") {
            return Err(CatalogError::Incomplete);
        }
        let says_mariadb = self.catalog.server_version.to_ascii_lowercase().contains("mariadb");
        self.catalog.engine =
            if says_mariadb || has(MARIADB_ONLY) { Engine::Mariadb } else { Engine::Mysql };
        self.catalog.has_system = true;
        let hidden = self.rights.complete(&mut self.catalog);
        if hidden > 0 {
            tracing::warn!(
                tables = hidden,
                "writes are refused on tables whose triggers the database does not show: its account needs \
                 the right TRIGGER, as by GRANT TRIGGER ON <database>.* TO <account>"
            );
        }
        Ok(self.catalog)
    }

    fn server(&mut self, row: &Row<'_>) -> Result<(), CatalogError> {
        self.catalog.server_version = row.text(0)?.to_owned();
        // 0: names are compared as they are; 1: they are stored in lower case; 2: they are stored as
        // written and compared in lower case.
        let folding = row.text(1)?;
        self.catalog.folds_table_names = match folding {
            "0" => false,
            "1" | "2" => true,
            _ => return Err(row.error(1)),
        };
        self.lowers_names = folding == "2";
        self.rights = Rights::of(row.text(2)?);
        Ok(())
    }

    fn relation(&mut self, row: &Row<'_>) -> Result<(), CatalogError> {
        let kind = match row.text(2)? {
            // Newer servers list those of the session that asks; nobody else has them, and each session keeps its own.
            "TEMPORARY" | "TEMPORARY SEQUENCE" => return Ok(()),
            "BASE TABLE" | "SYSTEM VERSIONED" => RelationKind::Table,
            "VIEW" | "SYSTEM VIEW" => RelationKind::View,
            "SEQUENCE" => RelationKind::Sequence,
            _ => return Err(row.error(2)),
        };
        let name = row.name(0)?;
        if self.places.contains_key(&name) {
            return Ok(());
        }
        self.places.insert(name.clone(), self.catalog.relations.len());
        if kind == RelationKind::Table && !row.boolean(3)? {
            self.catalog.without_rollback.insert(name.clone());
        }
        self.catalog.relations.push(Relation {
            name,
            kind,
            columns: Vec::new(),
            oid: 0,
            reads: Vec::new(),
            definition: None,
            parents: Vec::new(),
        });
        Ok(())
    }

    fn column(&mut self, row: &Row<'_>) -> Result<(), CatalogError> {
        let column = Column {
            attnum: row.number(2)?,
            name: row.text(3)?.to_owned(),
            data_type: row.text(4)?.to_owned(),
            generated: row.boolean(5)?,
            key: row.boolean(6)?,
            base_type: None,
        };
        if let Some(relation) = self.known(&row.name(0)?) {
            relation.columns.push(column);
        }
        Ok(())
    }

    fn definition(&mut self, row: &Row<'_>) -> Result<(), CatalogError> {
        let definition = row.optional_text(2)?.filter(|text| !text.is_empty()).map(str::to_owned);
        if let Some(relation) = self.known(&row.name(0)?) {
            relation.definition = definition;
        }
        Ok(())
    }

    /// A relation that an earlier answer listed.
    fn known(&mut self, name: &RelationName) -> Option<&mut Relation> {
        let place = *self.places.get(name)?;
        self.catalog.relations.get_mut(place)
    }
}

/// Reads the value of [`DATABASE_QUERY`]; `None` where no database is in use.
///
/// # Errors
/// [`CatalogError::Database`] for a value that is no name.
pub fn parse_database(value: Option<&[u8]>) -> Result<Option<String>, CatalogError> {
    match value.map(std::str::from_utf8) {
        None => Ok(None),
        Some(Ok(name)) if !name.is_empty() => Ok(Some(name.to_owned())),
        Some(Ok(_) | Err(_)) => Err(CatalogError::Database),
    }
}

/// One row of a known width.
#[derive(Clone, Copy)]
struct Row<'a> {
    query: usize,
    columns: &'a [Option<&'a [u8]>],
    lowers_names: bool,
}

impl<'a> Row<'a> {
    fn error(&self, column: usize) -> CatalogError {
        CatalogError::Value { query: self.query, column }
    }

    fn optional_text(&self, column: usize) -> Result<Option<&'a str>, CatalogError> {
        let value = self.columns.get(column).ok_or_else(|| self.error(column))?;
        match value.map(std::str::from_utf8) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => Err(self.error(column)),
        }
    }

    fn text(&self, column: usize) -> Result<&'a str, CatalogError> {
        self.optional_text(column)?.ok_or_else(|| self.error(column))
    }

    /// A database.
    fn schema(&self, column: usize) -> Result<String, CatalogError> {
        let schema = self.text(column)?;
        let lowered = self.lowers_names || schema.eq_ignore_ascii_case(INFORMATION_SCHEMA);
        Ok(if lowered { schema.to_lowercase() } else { schema.to_owned() })
    }

    /// A database and, in the next column, a relation in it: as statements name them under the server's
    /// rules for case.
    fn name(&self, column: usize) -> Result<RelationName, CatalogError> {
        let schema = self.schema(column)?;
        let name = self.text(column.saturating_add(1))?;
        let lowered = self.lowers_names || schema == INFORMATION_SCHEMA;
        let name = if lowered { name.to_lowercase() } else { name.to_owned() };
        Ok(RelationName::new(schema, name))
    }

    fn number<T: std::str::FromStr>(&self, column: usize) -> Result<T, CatalogError> {
        self.text(column)?.parse().ok().ok_or_else(|| self.error(column))
    }

    fn boolean(&self, column: usize) -> Result<bool, CatalogError> {
        match self.text(column)? {
            "1" => Ok(true),
            "0" => Ok(false),
            _ => Err(self.error(column)),
        }
    }
}

#[cfg(test)]
mod tests;
