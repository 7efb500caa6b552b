//! A client of either protocol, as an application would have one. The steps of the tour are the same for both.

use std::fmt;

use tokio::sync::Mutex;
use tokio_postgres::{SimpleQueryMessage, error::SqlState};

use super::cluster;
use crate::exit::chain;
pub(super) use crate::mysql_client::{Connection, Failed, Rows};

/// What a client speaks.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Protocol {
    Postgres,
    Mysql,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL",
        })
    }
}

/// One connection.
#[derive(Debug)]
pub(super) enum Client {
    Postgres(tokio_postgres::Client),
    Mysql(Mutex<Connection>),
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(told) => Self::Told {
                sqlstate: told.code().code().to_owned(),
                line: format!("ERROR: {}: {}", told.code().code(), told.message()),
                // The first line says what to do next, too; where it is cut off, the hint has it whole.
                hint: told.hint().filter(|hint| !told.message().contains(hint)).map(str::to_owned),
                refusal: *told.code() == SqlState::INSUFFICIENT_PRIVILEGE,
            },
            None => Self::Broken(chain(&error)),
        }
    }
}

impl Client {
    /// Connects to a port of 127.0.0.1.
    ///
    /// # Errors
    /// What the other side or the system said.
    pub(super) async fn connect(
        protocol: Protocol,
        port: u16,
        user: &str,
        password: &str,
        database: &str,
    ) -> Result<Self, Failed> {
        Ok(match protocol {
            Protocol::Postgres => {
                Self::Postgres(cluster::connect(port, user, password, database).await?)
            }
            Protocol::Mysql => {
                Self::Mysql(Mutex::new(Connection::open(port, user, password, database).await?))
            }
        })
    }

    /// The rows of a statement.
    ///
    /// # Errors
    /// Where it fails, in one line.
    pub(super) async fn rows(&self, sql: &str) -> Result<Rows, String> {
        self.answer(sql).await.map(|(rows, _)| rows).map_err(|failed| failed.to_string())
    }

    /// How many rows a statement changes.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub(super) async fn affected(&self, sql: &str) -> Result<u64, String> {
        self.answer(sql).await.map(|(_, affected)| affected).map_err(|failed| failed.to_string())
    }

    /// The one value of the one row.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub(super) async fn one(&self, sql: &str) -> Result<String, String> {
        let value = self.rows(sql).await?.into_iter().flatten().next();
        value.ok_or_else(|| format!("no row came back: {sql}"))
    }

    /// Sends a statement that must be refused, and returns what the client is told.
    ///
    /// # Errors
    /// It was not refused.
    pub(super) async fn denied(&self, sql: &str) -> Result<Vec<String>, String> {
        match self.answer(sql).await {
            Ok(_) => Err(format!("it was not denied: {sql}")),
            Err(Failed::Told { line, hint, refusal: true, .. }) => {
                let hint = hint.map(|hint| format!("HINT:  {hint}"));
                Ok(std::iter::once(line).chain(hint).collect())
            }
            Err(failed) => Err(format!("it was not denied but failed: {failed}")),
        }
    }

    async fn answer(&self, sql: &str) -> Result<(Rows, u64), Failed> {
        let client = match self {
            Self::Postgres(client) => client,
            Self::Mysql(connection) => return connection.lock().await.query(sql).await,
        };
        let (mut rows, mut affected) = (Vec::new(), 0);
        for message in client.simple_query(sql).await? {
            if let SimpleQueryMessage::Row(row) = message {
                let value = |index| row.get(index).unwrap_or("NULL").to_owned();
                rows.push((0..row.len()).map(value).collect());
            } else if let SimpleQueryMessage::CommandComplete(count) = message {
                affected = count;
            }
        }
        Ok((rows, affected))
    }

    /// Runs a prepared statement whose one parameter is an integer, and whose columns are an integer, two
    /// texts and an integer.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub(super) async fn prepared(&self, sql: &str, id: i32) -> Result<Rows, String> {
        let rows = match self {
            Self::Postgres(client) => postgres_prepared(client, sql, id).await,
            Self::Mysql(connection) => connection.lock().await.prepared(sql, id).await,
        };
        rows.map_err(|failed| failed.to_string())
    }
}

async fn postgres_prepared(
    client: &tokio_postgres::Client,
    sql: &str,
    id: i32,
) -> Result<Rows, Failed> {
    let statement = client.prepare(sql).await?;
    let mut rows = Vec::new();
    for row in client.query(&statement, &[&id]).await? {
        rows.push(vec![
            row.try_get::<_, i32>(0)?.to_string(),
            row.try_get::<_, Option<String>>(1)?.unwrap_or_default(),
            row.try_get::<_, Option<String>>(2)?.unwrap_or_default(),
            row.try_get::<_, i32>(3)?.to_string(),
        ]);
    }
    Ok(rows)
}
