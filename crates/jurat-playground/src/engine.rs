//! One connection to the SQLite file: runs statements that were translated, and says what came of them.

mod schema;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, Statement, types::Value};

pub(crate) use schema::{ForeignKey, Relation, RelationColumn, Schema};

use crate::{catalog, failure::Failure, functions, kind::Kind, tokens::Dialect};

const SHOP: &str = include_str!("shop.sql");

/// How long a statement may run: it is a practice database.
const STATEMENT_TIME_MAX: Duration = Duration::from_secs(30);

/// What an answer may hold, bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The file with the shop, which every session opens for itself.
#[derive(Debug)]
pub(crate) struct Database {
    file: PathBuf,
    written: Arc<AtomicU64>,
    sessions: AtomicI64,
}

impl Database {
    /// Makes the file in a directory and fills the shop.
    ///
    /// # Errors
    /// SQLite's, where the file cannot be written.
    pub(crate) fn create(dir: &Path) -> Result<Self, Failure> {
        let file = dir.join("playground.sqlite");
        let connection = Connection::open(&file)?;
        // Readers do not wait for the writer. Nothing of it is worth a wait for the disk.
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN")?;
        connection.execute_batch(SHOP)?;
        connection.execute_batch("COMMIT; ANALYZE")?;
        Ok(Self { file, written: Arc::default(), sessions: AtomicI64::new(100) })
    }

    /// Opens a session.
    ///
    /// # Errors
    /// SQLite's.
    pub(crate) fn open(&self, dialect: Dialect) -> Result<Engine, Failure> {
        let mut connection = Connection::open(&self.file)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON")?;
        let id = self.sessions.fetch_add(1, Ordering::Relaxed);
        functions::register(&connection, dialect, &self.written, id)?;
        catalog::attach(&connection, dialect)?;
        let written = Arc::clone(&self.written);
        connection.update_hook(Some(move |_action, database: &str, _table: &str, _row| {
            if database == "main" {
                written.fetch_add(1, Ordering::SeqCst);
            }
        }))?;
        Ok(Engine { connection, schema: Arc::default(), dialect, filled: None })
    }
}

/// A text for SQLite.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    /// With parameters `?1`, `?2` …
    pub(crate) sql: String,
    /// The same without parameters, where a view can be made of it: that is how SQLite tells types of
    /// expressions.
    pub(crate) as_view: Option<String>,
    /// Whether it reads `pg_catalog` or `information_schema`.
    pub(crate) reads_catalog: bool,
}

/// A column of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// `None` where SQLite cannot tell before it has run.
    pub(crate) kind: Option<Kind>,
    /// The table's number and the column's in it, where it is one as it is.
    pub(crate) origin: Option<(u32, i16)>,
    /// The names of the same.
    pub(crate) origin_names: Option<(String, String)>,
}

/// What came of a statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Value>>,
    /// How many rows a write has written.
    pub(crate) changes: usize,
    /// What MySQL calls the last insert id.
    pub(crate) last_id: i64,
}

/// A session's connection.
#[derive(Debug)]
pub(crate) struct Engine {
    connection: Connection,
    schema: Arc<Schema>,
    dialect: Dialect,
    /// The version of the schema that the catalog tables show.
    filled: Option<i64>,
}

impl Engine {
    /// What tables there are now.
    ///
    /// # Errors
    /// SQLite's.
    pub(crate) fn schema(&mut self) -> Result<Arc<Schema>, Failure> {
        let version = Schema::version(&self.connection)?;
        if self.schema.version != version {
            self.schema = Arc::new(Schema::read(&mut self.connection, version)?);
        }
        Ok(Arc::clone(&self.schema))
    }

    /// Runs statements of our own without an answer.
    ///
    /// # Errors
    /// SQLite's.
    pub(crate) fn command(&mut self, sql: &str) -> Result<(), Failure> {
        self.connection.execute_batch(sql).map_err(Failure::from)
    }

    /// Whether no transaction is open.
    pub(crate) fn is_idle(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// What columns an answer will have. Nothing runs.
    ///
    /// # Errors
    /// The statement cannot be prepared.
    pub(crate) fn describe(&mut self, query: &Query) -> Result<Vec<Column>, Failure> {
        self.fill_catalog(query)?;
        let schema = self.schema()?;
        let statement = self.connection.prepare(&query.sql)?;
        let mut columns = columns(&statement, &schema);
        drop(statement);
        self.kinds_by_view(query, &mut columns);
        Ok(columns)
    }

    /// Runs a statement with values for its parameters.
    ///
    /// # Errors
    /// SQLite's, or a bound was met.
    pub(crate) fn run(&mut self, query: &Query, values: &[Value]) -> Result<Outcome, Failure> {
        self.fill_catalog(query)?;
        let begun = Instant::now();
        self.connection
            .progress_handler(10_000, Some(move || begun.elapsed() > STATEMENT_TIME_MAX))?;
        let mut outcome = self.run_prepared(query, values)?;
        self.kinds_by_view(query, &mut outcome.columns);
        kinds_by_values(&mut outcome);
        Ok(outcome)
    }

    fn run_prepared(&mut self, query: &Query, values: &[Value]) -> Result<Outcome, Failure> {
        let schema = self.schema()?;
        let mut statement = self.connection.prepare(&query.sql)?;
        if statement.parameter_count() > values.len() {
            return Err(Failure::new("08P01", "a parameter has no value"));
        }
        for at in 0..statement.parameter_count() {
            let value = values.get(at).unwrap_or(&Value::Null);
            statement.raw_bind_parameter(at.saturating_add(1), value)?;
        }
        let width = statement.column_count();
        let mut outcome = Outcome { columns: columns(&statement, &schema), ..Outcome::default() };
        if width == 0 {
            outcome.changes = statement.raw_execute()?;
            outcome.last_id = self.connection.last_insert_rowid();
            return Ok(outcome);
        }
        let mut bytes = 0_usize;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let mut values = Vec::with_capacity(width);
            for at in 0..width {
                let value: Value = row.get(at)?;
                bytes = bytes.saturating_add(size(&value));
                values.push(value);
            }
            if bytes > ANSWER_BYTES_MAX {
                return Err(Failure::new("54000", "the answer is too large for the playground"));
            }
            outcome.rows.push(values);
        }
        outcome.changes = outcome.rows.len();
        Ok(outcome)
    }

    /// Makes a view of the statement and asks for the types of its columns.
    fn kinds_by_view(&self, query: &Query, columns: &mut [Column]) {
        let Some(text) = &query.as_view else { return };
        if columns.iter().all(|column| column.kind.is_some()) {
            return;
        }
        // A text that makes no view, for example with a name twice, leaves the types open.
        let made = format!("CREATE TEMP VIEW \"playground shape\" AS {text}");
        if self.connection.execute_batch(&made).is_err() {
            return;
        }
        let found = declared_types(&self.connection).unwrap_or_default();
        if let Err(error) = self.connection.execute_batch("DROP VIEW temp.\"playground shape\"") {
            tracing::debug!(%error, "the shape of an answer stayed");
        }
        for (column, declared) in columns.iter_mut().zip(found) {
            if column.kind.is_none() {
                column.kind = Kind::known(&declared);
            }
        }
    }

    fn fill_catalog(&mut self, query: &Query) -> Result<(), Failure> {
        if !query.reads_catalog {
            return Ok(());
        }
        let schema = self.schema()?;
        if self.filled != Some(schema.version) {
            catalog::fill(&self.connection, self.dialect, &schema)?;
            // A rollback would empty it again.
            self.filled = self.is_idle().then_some(schema.version);
        }
        Ok(())
    }
}

fn declared_types(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection
        .prepare("SELECT type FROM pragma_table_info('playground shape') ORDER BY cid")?;
    let types = statement.query_map([], |row| row.get::<_, String>(0))?;
    types.collect()
}

fn columns(statement: &Statement<'_>, schema: &Schema) -> Vec<Column> {
    let kinds = statement.columns().map(|column| column.decl_type().map(Kind::declared));
    let mut columns = Vec::new();
    for (metadata, kind) in statement.columns_with_metadata().zip(kinds) {
        let names = match (metadata.database_name(), metadata.table_name(), metadata.origin_name())
        {
            (Some("main"), Some(table), Some(column)) => {
                Some((table.to_owned(), column.to_owned()))
            }
            _ => None,
        };
        columns.push(Column {
            name: metadata.name().to_owned(),
            kind,
            origin: names.as_ref().and_then(|(table, column)| schema.place(table, column)),
            origin_names: names,
        });
    }
    columns
}

/// What SQLite could not tell before is what the first value is.
fn kinds_by_values(outcome: &mut Outcome) {
    for (at, column) in outcome.columns.iter_mut().enumerate() {
        if column.kind.is_some() {
            continue;
        }
        let first = outcome.rows.iter().filter_map(|row| row.get(at)).find(|v| **v != Value::Null);
        column.kind = first.map(|value| match value {
            Value::Integer(_) => Kind::Int8,
            Value::Real(_) => Kind::Float8,
            Value::Blob(_) => Kind::Bytea,
            Value::Text(_) | Value::Null => Kind::Text,
        });
    }
}

fn size(value: &Value) -> usize {
    let held = match value {
        Value::Null | Value::Integer(_) | Value::Real(_) => 0,
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
    };
    held.saturating_add(size_of::<Value>())
}
