//! A session with a running Jurat as any client has one, in the protocol of the database behind it.

use std::{net::SocketAddr, time::Duration};

use jurat_types::Engine;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage, config::SslMode};

use crate::{
    exit::chain,
    mysql_client::{Connection, Failed},
};

/// How long a statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);
/// What the record has as the name of the application.
const PROGRAM: &str = "jurat catalog scan";

/// The values of rows; `None` for NULL.
pub(super) type Rows = Vec<Vec<Option<Vec<u8>>>>;

/// Why there are no rows. The words of an error may hold a value, so they are dropped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Unanswered {
    /// The statement did not run, and others may.
    Refused { code: String },
    /// The session is over.
    Ended,
}

/// A session over either protocol.
#[derive(Debug)]
pub(super) enum Session {
    Postgres(Client),
    Mysql(Box<Connection>),
}

impl Session {
    /// Logs in with a name and a password, without TLS.
    ///
    /// # Errors
    /// What the other side or the system said.
    pub(super) async fn open(
        engine: Engine,
        address: SocketAddr,
        (user, password): (&str, &str),
        database: &str,
    ) -> Result<Self, String> {
        if !engine.is_postgres() {
            return Connection::open_as(Some(PROGRAM), address, (user, password), database)
                .await
                .map(|connection| Self::Mysql(Box::new(connection)))
                .map_err(|failed| failed.to_string());
        }
        let (client, connection) = tokio_postgres::Config::new()
            .host(address.ip().to_string())
            .port(address.port())
            .user(user)
            .password(password)
            .dbname(database)
            .application_name(PROGRAM)
            .ssl_mode(SslMode::Disable)
            .connect_timeout(Duration::from_secs(10))
            .connect(NoTls)
            .await
            .map_err(|error| chain(&error))?;
        // Its end is noticed at the next statement. Its words are dropped: they may hold a value.
        tokio::spawn(async move { connection.await.is_ok() });
        Ok(Self::Postgres(client))
    }

    /// The rows of a statement.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub(super) async fn rows(&mut self, text: &str) -> Result<Rows, Unanswered> {
        let answer = async {
            match self {
                Self::Postgres(client) => postgres(client, text).await,
                Self::Mysql(connection) => mysql(connection, text).await,
            }
        };
        tokio::time::timeout(STATEMENT_TIMEOUT, answer).await.unwrap_or(Err(Unanswered::Ended))
    }
}

async fn postgres(client: &Client, text: &str) -> Result<Rows, Unanswered> {
    let answer = client.simple_query(text).await.map_err(|error| match error.code() {
        Some(code) if !client.is_closed() => Unanswered::Refused { code: code.code().to_owned() },
        Some(_) | None => Unanswered::Ended,
    })?;
    let rows = answer.iter().filter_map(|message| {
        let SimpleQueryMessage::Row(row) = message else { return None };
        let value = |place| row.get(place).map(|value: &str| value.as_bytes().to_vec());
        Some((0..row.len()).map(value).collect())
    });
    Ok(rows.collect())
}

async fn mysql(connection: &mut Connection, text: &str) -> Result<Rows, Unanswered> {
    let mut rows = Rows::new();
    let see = |values: &mut dyn Iterator<Item = Option<&[u8]>>| {
        rows.push(values.map(|value| value.map(<[u8]>::to_vec)).collect());
    };
    match connection.each_row(text, see).await {
        Ok(_affected) => Ok(rows),
        Err(Failed::Told { sqlstate, .. }) => Err(Unanswered::Refused { code: sqlstate }),
        Err(Failed::Broken(_)) => Err(Unanswered::Ended),
    }
}
