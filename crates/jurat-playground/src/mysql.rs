//! MySQL's protocol, with the packets of `jurat-wire`. It is for loopback only: there is no TLS.

mod connection;
mod encode;
mod session;
mod translate;
mod variables;

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use jurat_wire::mysql::{
    auth,
    capability::{Capabilities, Status},
    command::{
        Command,
        execute::{BoundValue, Execute, ParameterType},
    },
    encode::{packet as encode_packet, payload as encode_payload, server},
    error::{EncodeError, ParseError},
    handshake::{ClientHello, Greeting},
    response::{OkPacket, PrepareOk},
};
use ring::digest;
use rusqlite::types::Value;
use tokio::net::TcpStream;

use crate::{
    engine::{Column, Database, Outcome},
    failure::Failure,
    tokens::Dialect,
};
use connection::Connection;
use session::{Session, Statement};

/// What the server can do. Clients are told nothing of changes of a session, and no text holds several
/// statements. Every row that a write matches counts as changed, whether a client asks for that or not.
const CAPABILITIES: Capabilities = Capabilities::MYSQL
    .with(Capabilities::FOUND_ROWS)
    .with(Capabilities::LONG_FLAG)
    .with(Capabilities::CONNECT_WITH_DB)
    .with(Capabilities::PROTOCOL_41)
    .with(Capabilities::INTERACTIVE)
    .with(Capabilities::TRANSACTIONS)
    .with(Capabilities::SECURE_CONNECTION)
    .with(Capabilities::MULTI_RESULTS)
    .with(Capabilities::PS_MULTI_RESULTS)
    .with(Capabilities::PLUGIN_AUTH)
    .with(Capabilities::CONNECT_ATTRS)
    .with(Capabilities::PLUGIN_AUTH_LENENC)
    .with(Capabilities::DEPRECATE_EOF);

const PLUGIN: &[u8] = b"mysql_native_password";

/// Prepared statements of one session.
const STATEMENTS_MAX: usize = 1000;

/// What the values of a statement that were sent in pieces may take, bytes.
const LONG_DATA_MAX: usize = 64 << 20;

/// Serves one connection to its end.
///
/// # Errors
/// The connection broke, the client did not keep to the protocol, or no session can be opened.
pub(crate) async fn serve(
    socket: TcpStream,
    database: Arc<Database>,
    password: Arc<str>,
    id: u32,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut connection = Connection::new(socket);
    let Some(capabilities) = log_in(&mut connection, &password, id).await? else { return Ok(()) };
    let opened = tokio::task::spawn_blocking(move || database.open(Dialect::MySql)).await?;
    let engine = opened.map_err(io::Error::other)?;
    let session = Arc::new(Mutex::new(Session::new(engine)));
    let mut server =
        Server { session, capabilities, statements: HashMap::new(), last_statement: 0 };
    while let Some(payload) = connection.command().await? {
        let command = Command::parse(&payload, capabilities).map_err(io::Error::other)?;
        if matches!(command, Command::Quit) {
            break;
        }
        server.answer(command, &mut connection).await?;
        connection.flush().await?;
    }
    Ok(())
}

/// Greets, and lets the one user in; gives what both sides can do, or nothing for somebody else.
async fn log_in(
    connection: &mut Connection,
    password: &str,
    id: u32,
) -> io::Result<Option<Capabilities>> {
    // Printable, as MySQL's own: a zero would end it early.
    let salt = crate::random::<20>()?.map(|byte| b'A' + byte % 26);
    let greeting = Greeting {
        version: crate::VERSION_MYSQL.as_bytes(),
        connection: id,
        challenge: salt.to_vec(),
        capabilities: CAPABILITIES,
        collation: server::UTF8MB4,
        status: Status::AUTOCOMMIT,
        plugin: PLUGIN,
    };
    connection.send(|out, sequence| encode_packet(out, sequence, |out| greeting.put(out)))?;
    connection.flush().await?;
    let Some(payload) = connection.packet().await? else { return Ok(None) };
    let hello = ClientHello::parse(&payload, CAPABILITIES).map_err(io::Error::other)?;
    let ClientHello::Response(response) = hello else {
        return Err(io::Error::other("TLS was asked for, and not offered"));
    };
    let capabilities = response.fixed.claimed.and(CAPABILITIES);
    let mut proof = response.auth.0.expose().to_vec();
    if response.plugin.is_some_and(|plugin| plugin != PLUGIN) {
        connection.send(|out, sequence| {
            encode_packet(out, sequence, |out| auth::put_switch(out, PLUGIN, &salt))
        })?;
        connection.flush().await?;
        let Some(answer) = connection.packet().await? else { return Ok(None) };
        proof = answer;
    }
    let known = response.user == crate::USER.as_bytes() && proof == native_proof(password, &salt);
    let schema = response.schema.is_none_or(is_there);
    let refused = match (known, schema) {
        (true, true) => None,
        (true, false) => Some((1049, "42000", "Unknown database")),
        (false, _) => Some((1045, "28000", "Access denied")),
    };
    connection.send(|out, sequence| match refused {
        None => server::ok(out, sequence, &done(Status::AUTOCOMMIT), capabilities),
        Some((code, state, said)) => server::err(out, sequence, code, state, said.as_bytes()),
    })?;
    connection.flush().await?;
    Ok(refused.is_none().then_some(capabilities))
}

/// Whether a database is one of those that there are.
fn is_there(name: &[u8]) -> bool {
    name == crate::DATABASE.as_bytes() || name == b"information_schema"
}

/// What `mysql_native_password` proves: SHA1(password) XOR SHA1(salt, SHA1(SHA1(password))).
fn native_proof(password: &str, salt: &[u8]) -> Vec<u8> {
    let sha1 = |bytes: &[u8]| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let once = sha1(password.as_bytes());
    let twice = sha1(once.as_ref());
    let salted = sha1(&[salt, twice.as_ref()].concat());
    once.as_ref().iter().zip(salted.as_ref()).map(|(a, b)| a ^ b).collect()
}

fn done(status: Status) -> OkPacket<'static> {
    OkPacket { status, ..OkPacket::default() }
}

struct Server {
    session: Arc<Mutex<Session>>,
    capabilities: Capabilities,
    statements: HashMap<u32, Prepared>,
    last_statement: u32,
}

/// A prepared statement.
struct Prepared {
    statement: Arc<Statement>,
    /// What the last execution that said so bound.
    types: Option<Vec<ParameterType>>,
    /// Values that were sent in pieces.
    long: HashMap<usize, Vec<u8>>,
}

/// What a command comes to.
enum Reply {
    Ok,
    Nothing,
    Text(&'static [u8]),
    Result { outcome: Outcome, binary: bool },
    Prepared { id: u32, parameters: usize, columns: Vec<Column> },
}

impl Server {
    async fn answer(
        &mut self,
        command: Command<'_>,
        connection: &mut Connection,
    ) -> io::Result<()> {
        let reply = self.run(command).await?;
        let status = self.with(|session| status(session)).await?;
        let capabilities = self.capabilities;
        connection.send(|out, sequence| match reply {
            Ok(Reply::Nothing) => Ok(()),
            Ok(Reply::Ok) => server::ok(out, sequence, &done(status), capabilities),
            Ok(Reply::Text(text)) => {
                encode_payload(out, sequence, text);
                Ok(())
            }
            Ok(Reply::Result { outcome, binary }) => {
                encode::result(out, sequence, &outcome, binary, (capabilities, status))
            }
            Ok(Reply::Prepared { id, parameters, columns }) => {
                prepared(out, sequence, (id, parameters, &columns), (capabilities, status))
            }
            Err(failure) => server::err(
                out,
                sequence,
                failure.errno,
                failure.mysql_state(),
                failure.message.as_bytes(),
            ),
        })
    }

    async fn run(&mut self, command: Command<'_>) -> io::Result<Result<Reply, Failure>> {
        Ok(match command {
            Command::Ping | Command::SetOption { .. } | Command::Quit => Ok(Reply::Ok),
            Command::Statistics => Ok(Reply::Text(b"Jurat playground")),
            Command::ResetConnection => {
                self.statements.clear();
                self.with(Session::reset).await?.map(|()| Reply::Ok)
            }
            Command::InitDb { schema } if is_there(schema) => Ok(Reply::Ok),
            Command::InitDb { schema } => Err(unknown_database(&String::from_utf8_lossy(schema))),
            Command::Query { text } => self.query(text).await?,
            Command::StmtPrepare { text } => self.prepare(text).await?,
            Command::StmtExecute(execute) => self.execute(&execute).await?,
            Command::StmtClose { statement } => {
                self.statements.remove(&statement);
                Ok(Reply::Nothing)
            }
            Command::StmtReset { statement } => match self.statements.get_mut(&statement) {
                Some(prepared) => {
                    prepared.long.clear();
                    Ok(Reply::Ok)
                }
                None => Err(unknown_statement()),
            },
            Command::StmtSendLongData { statement, parameter, data } => {
                self.keep(statement, parameter, data)?;
                Ok(Reply::Nothing)
            }
            Command::ChangeUser(_)
            | Command::FieldList { .. }
            | Command::Other(_)
            | Command::ProcessKill { .. }
            | Command::StmtFetch { .. } => Err(Failure::unsupported("this command")),
        })
    }

    async fn query(&self, text: &[u8]) -> io::Result<Result<Reply, Failure>> {
        let text = match utf8(text) {
            Ok(text) => text,
            Err(failure) => return Ok(Err(failure)),
        };
        let ran = move |session: &mut Session| {
            let statement = session.read(&text)?;
            session.execute(&statement, &[])
        };
        Ok(self.with(ran).await?.map(|outcome| Reply::Result { outcome, binary: false }))
    }

    async fn prepare(&mut self, text: &[u8]) -> io::Result<Result<Reply, Failure>> {
        if self.statements.len() >= STATEMENTS_MAX {
            let said = "Can't create more than max_prepared_stmt_count statements";
            return Ok(Err(Failure::of_mysql(1461, said)));
        }
        let text = match utf8(text) {
            Ok(text) => text,
            Err(failure) => return Ok(Err(failure)),
        };
        let read = self.with(move |session| session.read(&text)).await?;
        Ok(read.map(|statement| {
            self.last_statement = self.last_statement.wrapping_add(1);
            let (id, parameters) = (self.last_statement, statement.parameters);
            let columns = statement.columns.clone();
            let statement = Arc::new(statement);
            self.statements.insert(id, Prepared { statement, types: None, long: HashMap::new() });
            Reply::Prepared { id, parameters, columns }
        }))
    }

    async fn execute(&mut self, execute: &Execute<'_>) -> io::Result<Result<Reply, Failure>> {
        let Some(prepared) = self.statements.get_mut(&execute.statement) else {
            return Ok(Err(unknown_statement()));
        };
        let values = match prepared.values(execute) {
            Ok(values) => values,
            Err(error) => return Ok(Err(Failure::new("08P01", error.to_string()))),
        };
        let statement = Arc::clone(&prepared.statement);
        let ran = self.with(move |session| session.execute(&statement, &values)).await?;
        Ok(ran.map(|outcome| Reply::Result { outcome, binary: true }))
    }

    fn keep(&mut self, statement: u32, parameter: u16, data: &[u8]) -> io::Result<()> {
        let Some(prepared) = self.statements.get_mut(&statement) else { return Ok(()) };
        let held: usize = prepared.long.values().map(Vec::len).sum();
        if held.saturating_add(data.len()) > LONG_DATA_MAX {
            return Err(io::Error::other("a value is too long for the playground"));
        }
        prepared.long.entry(usize::from(parameter)).or_default().extend_from_slice(data);
        Ok(())
    }

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
}

impl Prepared {
    /// What an execution binds; values in pieces are used up.
    fn values(&mut self, execute: &Execute<'_>) -> Result<Vec<Value>, ParseError> {
        let mut long = std::mem::take(&mut self.long);
        let sent_long = |at: usize| long.contains_key(&at);
        let bound = execute.bind(self.statement.parameters, self.types.as_deref(), sent_long)?;
        let values = bound.values.iter().enumerate().map(|(at, value)| match value {
            BoundValue::LongData => encode::of_bytes(&long.remove(&at).unwrap_or_default()),
            BoundValue::Value(value) => encode::value(value),
        });
        let values = values.collect();
        if bound.new_types.is_some() {
            self.types = bound.new_types;
        }
        Ok(values)
    }
}

fn prepared(
    out: &mut Vec<u8>,
    sequence: &mut u8,
    (id, parameters, columns): (u32, usize, &[Column]),
    (capabilities, status): (Capabilities, Status),
) -> Result<(), EncodeError> {
    let count = |field, count: usize| {
        u16::try_from(count).map_err(|_overflow| EncodeError::TooLong { field, bytes: count })
    };
    let ok = PrepareOk {
        statement: id,
        columns: count("columns", columns.len())?,
        parameters: count("parameters", parameters)?,
        warnings: 0,
    };
    server::prepare_ok(out, sequence, &ok);
    for _ in 0..parameters {
        server::column(out, sequence, &server::text_column("?"), capabilities, false)?;
    }
    if parameters > 0 {
        server::definitions_end(out, sequence, status, capabilities)?;
    }
    encode::definitions(out, sequence, columns, &[], capabilities)?;
    if columns.is_empty() {
        return Ok(());
    }
    server::definitions_end(out, sequence, status, capabilities)
}

fn status(session: &Session) -> Status {
    let (open, autocommit) = session.status();
    let flag = |set: bool, flag: Status| if set { flag } else { Status::default() };
    flag(open, Status::IN_TRANS).with(flag(autocommit, Status::AUTOCOMMIT))
}

fn utf8(text: &[u8]) -> Result<String, Failure> {
    let text = std::str::from_utf8(text);
    text.map(str::to_owned).map_err(|_invalid| Failure::new("42601", "the text is not UTF-8"))
}

fn unknown_database(name: &str) -> Failure {
    Failure::new("3D000", format!("Unknown database '{name}'"))
}

fn unknown_statement() -> Failure {
    Failure::of_mysql(1243, "Unknown prepared statement handler")
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
