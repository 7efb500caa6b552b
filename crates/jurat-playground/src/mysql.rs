//! MySQL's protocol, through `opensrv-mysql`'s server, which takes what a client sends on trust: it is for loopback only.

mod encode;
mod session;
mod translate;
mod variables;

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use opensrv_mysql::{
    AsyncMysqlIntermediary, AsyncMysqlShim, ErrorKind, InitWriter, IntermediaryOptions, OkResponse,
    ParamParser, QueryResultWriter, StatementMetaWriter, StatusFlags,
};
use ring::digest;
use rusqlite::types::Value;
use tokio::{io::AsyncWrite, net::TcpStream};

use crate::{
    engine::{Database, Outcome},
    failure::Failure,
    tokens::Dialect,
};
use session::{Session, Statement};

/// Prepared statements of one session.
const STATEMENTS_MAX: usize = 1000;

/// Serves one connection to its end.
///
/// # Errors
/// The connection broke, or no session can be opened.
pub(crate) async fn serve(
    socket: TcpStream,
    database: Arc<Database>,
    password: Arc<str>,
    id: u32,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let opened = tokio::task::spawn_blocking(move || database.open(Dialect::MySql)).await?;
    let engine = opened.map_err(io::Error::other)?;
    // Printable, as MySQL's own: a zero would end it early.
    let salt = crate::random::<20>()?.map(|byte| b'A' + byte % 26);
    let session = Arc::new(Mutex::new(Session::new(engine)));
    let shim = Shim { session, password, salt, id, statements: HashMap::new(), last_statement: 0 };
    let (reader, writer) = socket.into_split();
    let options = IntermediaryOptions::default();
    AsyncMysqlIntermediary::run_with_options(shim, reader, writer, &options).await
}

struct Shim {
    session: Arc<Mutex<Session>>,
    password: Arc<str>,
    salt: [u8; 20],
    id: u32,
    statements: HashMap<u32, Arc<Statement>>,
    last_statement: u32,
}

impl Shim {
    /// Does something with the session where it may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> T + Send + 'static,
    ) -> io::Result<T> {
        let session = Arc::clone(&self.session);
        let done = tokio::task::spawn_blocking(move || {
            work(&mut session.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await.map_err(io::Error::other)
    }

    async fn execute(
        &self,
        statement: Arc<Statement>,
        values: Vec<Value>,
    ) -> io::Result<Result<(Outcome, StatusFlags), Failure>> {
        self.with(move |session| {
            let outcome = session.execute(&statement, &values)?;
            Ok((outcome, status(session)))
        })
        .await
    }
}

fn status(session: &Session) -> StatusFlags {
    let (open, autocommit) = session.status();
    let mut flags = StatusFlags::empty();
    flags.set(StatusFlags::SERVER_STATUS_IN_TRANS, open);
    flags.set(StatusFlags::SERVER_STATUS_AUTOCOMMIT, autocommit);
    flags
}

/// The number for a failure; all of them are numbers that the library knows.
fn kind(failure: &Failure) -> ErrorKind {
    ErrorKind::from(failure.errno)
}

async fn answer<W: AsyncWrite + Send + Unpin>(
    results: QueryResultWriter<'_, W>,
    ran: Result<(Outcome, StatusFlags), Failure>,
) -> io::Result<()> {
    let (outcome, status_flags) = match ran {
        Ok(ran) => ran,
        Err(failure) => return results.error(kind(&failure), failure.message.as_bytes()).await,
    };
    if outcome.columns.is_empty() {
        let ok = OkResponse {
            affected_rows: u64::try_from(outcome.changes).unwrap_or(u64::MAX),
            last_insert_id: u64::try_from(outcome.last_id).unwrap_or(0),
            status_flags,
            ..OkResponse::default()
        };
        return results.completed(ok).await;
    }
    let columns = encode::columns(&outcome.columns, &outcome.rows);
    let mut writer = results.start(&columns).await?;
    for row in &outcome.rows {
        for (value, column) in row.iter().zip(&columns) {
            encode::write(&mut writer, value, column)?;
        }
        writer.end_row().await?;
    }
    writer.finish().await
}

/// What `mysql_native_password` proves: SHA1(password) XOR SHA1(salt, SHA1(SHA1(password))).
fn native_proof(password: &str, salt: &[u8]) -> Vec<u8> {
    let sha1 = |bytes: &[u8]| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let once = sha1(password.as_bytes());
    let twice = sha1(once.as_ref());
    let salted = sha1(&[salt, twice.as_ref()].concat());
    once.as_ref().iter().zip(salted.as_ref()).map(|(a, b)| a ^ b).collect()
}

#[async_trait]
impl<W: AsyncWrite + Send + Unpin> AsyncMysqlShim<W> for Shim {
    type Error = io::Error;

    fn version(&self) -> String {
        crate::VERSION_MYSQL.to_owned()
    }

    fn connect_id(&self) -> u32 {
        self.id
    }

    fn salt(&self) -> [u8; 20] {
        self.salt
    }

    async fn authenticate(&self, _plugin: &str, user: &[u8], salt: &[u8], proof: &[u8]) -> bool {
        user == crate::USER.as_bytes() && proof == native_proof(&self.password, salt)
    }

    async fn on_prepare<'a>(
        &'a mut self,
        query: &'a str,
        info: StatementMetaWriter<'a, W>,
    ) -> io::Result<()> {
        if self.statements.len() >= STATEMENTS_MAX {
            let said = b"Can't create more than max_prepared_stmt_count statements";
            return info
                .error(ErrorKind::ER_MAX_PREPARED_STMT_COUNT_REACHED, said.as_slice())
                .await;
        }
        let text = query.to_owned();
        let statement = match self.with(move |session| session.read(&text)).await? {
            Ok(statement) => statement,
            Err(failure) => return info.error(kind(&failure), failure.message.as_bytes()).await,
        };
        self.last_statement = self.last_statement.wrapping_add(1);
        let parameters = vec![encode::parameter(); statement.parameters];
        let columns = encode::columns(&statement.columns, &[]);
        self.statements.insert(self.last_statement, Arc::new(statement));
        info.reply(self.last_statement, &parameters, &columns).await
    }

    async fn on_execute<'a>(
        &'a mut self,
        id: u32,
        params: ParamParser<'a>,
        results: QueryResultWriter<'a, W>,
    ) -> io::Result<()> {
        let values = params.into_iter().map(|given| encode::value(&given)).collect();
        let Some(statement) = self.statements.get(&id).cloned() else {
            let said = b"Unknown prepared statement handler";
            return results.error(ErrorKind::ER_UNKNOWN_STMT_HANDLER, said.as_slice()).await;
        };
        let ran = self.execute(statement, values).await?;
        answer(results, ran).await
    }

    async fn on_close<'a>(&'a mut self, statement: u32)
    where
        W: 'async_trait,
    {
        self.statements.remove(&statement);
    }

    async fn on_query<'a>(
        &'a mut self,
        query: &'a str,
        results: QueryResultWriter<'a, W>,
    ) -> io::Result<()> {
        let text = query.to_owned();
        let ran = match self.with(move |session| session.read(&text)).await? {
            Ok(statement) => self.execute(Arc::new(statement), Vec::new()).await?,
            Err(failure) => Err(failure),
        };
        answer(results, ran).await
    }

    async fn on_init<'a>(&'a mut self, name: &'a str, writer: InitWriter<'a, W>) -> io::Result<()> {
        if name == crate::DATABASE || name == "information_schema" {
            return writer.ok().await;
        }
        let said = format!("Unknown database '{name}'");
        writer.error(ErrorKind::ER_BAD_DB_ERROR, said.as_bytes()).await
    }
}

#[cfg(test)]
mod tests {
    use super::native_proof;
    use crate::functions::hex;

    #[test]
    fn the_proof_is_the_one_that_the_protocol_has() {
        // Computed with another implementation: Python's hashlib, by the formula of the protocol's documentation.
        let proof = native_proof("secret", b"ABCDEFGHIJKLMNOPQRST");
        assert_eq!(hex(&proof), "28441590674285e7d03cae7af237504797f70e91");
    }
}
