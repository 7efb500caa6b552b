//! From an address to an established session with the database: TLS, handshake, authentication, pinned settings.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use jurat_wire::mysql::{
    capability::Capabilities,
    encode::{self, command},
    error::{FrameError, ParseError},
    frame::{Limits, Scanner, message},
    handshake::{Answer, Fixed, Greeting},
    response::ErrPacket,
    result::{Event, Reply, ReplyKind},
    row::text_values,
};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{
    OWN, Upstream, UpstreamDatabase, UpstreamTls,
    login::{Login, Step, Trust},
};
use crate::{
    collation,
    pipe::{Pipe, Stream},
};

/// What a server may send in one packet before the session begins, bytes.
const START_UP_PACKET_MAX: usize = 64 << 10;

/// The longest packet that we take; a server has its own limit as well.
const PACKET_BYTES_MAX: u32 = 1 << 30;

/// Capabilities that every connection to a database has. No compression, no query attributes and no optional
/// metadata; several statements in one text are cut apart here, so the server never
/// needs to take them.
const ALWAYS: Capabilities = Capabilities::MYSQL
    .with(Capabilities::LONG_FLAG)
    .with(Capabilities::PROTOCOL_41)
    .with(Capabilities::TRANSACTIONS)
    .with(Capabilities::SECURE_CONNECTION)
    .with(Capabilities::PLUGIN_AUTH);

/// Capabilities that a connection has where the server has them.
const WHERE_OFFERED: Capabilities = Capabilities::PLUGIN_AUTH_LENENC
    .with(Capabilities::CONNECT_ATTRS)
    .with(Capabilities::SESSION_TRACK);

/// Capabilities that change how replies are written, or what they mean. They are the client's.
pub(crate) const OF_CLIENT: Capabilities = Capabilities::FOUND_ROWS
    .with(Capabilities::INTERACTIVE)
    .with(Capabilities::MULTI_RESULTS)
    .with(Capabilities::PS_MULTI_RESULTS)
    .with(Capabilities::DEPRECATE_EOF);

/// Capabilities that are the client's where the server has them. What it lacks, it refuses in its own words.
pub(crate) const OF_CLIENT_WHERE_OFFERED: Capabilities = Capabilities::LOCAL_FILES;

/// Fixes what changes how SQL text is cut into tokens, and asks the server to tell of changes. Modes that stand
/// for several others are taken out with them.
const PIN: &str = "SET character_set_client = utf8mb4, character_set_results = utf8mb4, \
    collation_connection = IF(@@collation_connection LIKE 'utf8mb4%', @@collation_connection, \
    'utf8mb4_general_ci'), session_track_schema = ON, session_track_system_variables = \
    'autocommit,character_set_client,character_set_connection,character_set_results,collation_connection,\
    sql_mode,time_zone', sql_mode = TRIM(BOTH ',' FROM REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(\
    REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(CONCAT(',', @@sql_mode, ','), ',ANSI_QUOTES,', ','), \
    ',NO_BACKSLASH_ESCAPES,', ','), ',PIPES_AS_CONCAT,', ','), ',IGNORE_SPACE,', ','), \
    ',HIGH_NOT_PRECEDENCE,', ','), ',ANSI,', ','), ',ORACLE,', ','), ',MSSQL,', ','), ',DB2,', ','), \
    ',MAXDB,', ','), ',POSTGRESQL,', ','), ',MYSQL323,', ','), ',MYSQL40,', ','), \
    ',EMPTY_STRING_IS_NULL,', ','))";

/// Lets a client that began in latin1 have its results so. Text that it sends is read as UTF-8 in any case.
const LATIN1_RESULTS: &str = "SET character_set_results = latin1";

/// Reads back what was pinned.
const PINNED: &str = "SELECT @@character_set_client, @@character_set_connection, @@sql_mode";

/// Modes in which text means something else, or that bring one such.
pub(crate) const FORBIDDEN_MODES: [&str; 14] = [
    "ANSI",
    "ANSI_QUOTES",
    "DB2",
    "EMPTY_STRING_IS_NULL",
    "HIGH_NOT_PRECEDENCE",
    "IGNORE_SPACE",
    "MAXDB",
    "MSSQL",
    "MYSQL323",
    "MYSQL40",
    "NO_BACKSLASH_ESCAPES",
    "ORACLE",
    "PIPES_AS_CONCAT",
    "POSTGRESQL",
];

/// Why a database cannot be reached. The text is for the operator's log, not for clients.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The server does not authenticate us.
    #[error("the login fails: {0}")]
    Authentication(String),
    /// It took too long.
    #[error("the server did not answer within {0:?}")]
    Timeout(Duration),
    /// The catalog could not be read.
    #[error("the catalog cannot be read: {0}")]
    Catalog(String),
    /// The connection failed.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The server answered something that the protocol does not have at this point.
    #[error("the server broke the protocol: {0}")]
    Protocol(String),
    /// The server refused.
    #[error("the server refused with error {code} ({sqlstate}): {message}")]
    Refused {
        /// MySQL's number of the error.
        code: u16,
        /// The SQLSTATE.
        sqlstate: String,
        /// The server's words.
        message: String,
    },
    /// TLS is configured and the server has none, or its certificate is not accepted.
    #[error("no TLS with the server: {0}")]
    Tls(String),
}

impl From<FrameError> for UpstreamError {
    fn from(error: FrameError) -> Self {
        Self::Protocol(error.to_string())
    }
}

impl From<ParseError> for UpstreamError {
    fn from(error: ParseError) -> Self {
        Self::Protocol(error.to_string())
    }
}

/// What a client asks of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The client's capabilities, of which [`OF_CLIENT`] are taken over.
    pub(crate) capabilities: Capabilities,
    /// The client's collation.
    pub(crate) collation: u8,
    /// The schema to begin in; `None` for that of the configuration.
    pub(crate) schema: Option<&'a str>,
}

impl Default for Wanted<'_> {
    /// For connections of Jurat's own.
    fn default() -> Self {
        Self { capabilities: Capabilities::NONE, collation: encode::server::UTF8MB4, schema: None }
    }
}

/// What the server says about itself in its greeting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Profile {
    /// Its version, with the prefix that MariaDB may put in front.
    pub(crate) version: String,
    /// What it can do.
    pub(crate) capabilities: Capabilities,
}

/// A connection that the database has let in.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) upstream: Upstream,
    pub(crate) profile: Profile,
}

/// Connects and logs in, and pins the settings that a session must have.
///
/// # Errors
/// [`UpstreamError`]; it may name hosts and accounts, so it goes to the log only.
pub(crate) async fn connect(
    target: &UpstreamDatabase,
    wanted: Wanted<'_>,
    limit: Duration,
) -> Result<Connected, UpstreamError> {
    let login = async {
        let (mut connected, _) = log_in(target, wanted).await?;
        pin(&mut connected.upstream, collation::is_latin1(wanted.collation)).await?;
        Ok(connected)
    };
    tokio::time::timeout(limit, login).await.map_err(|_elapsed| UpstreamError::Timeout(limit))?
}

/// Asks the server to end what another connection runs, but not the connection.
///
/// # Errors
/// [`UpstreamError`] when it cannot be reached or refuses.
pub(crate) async fn cancel(
    target: &UpstreamDatabase,
    connection: u32,
    limit: Duration,
) -> Result<(), UpstreamError> {
    let ask = async {
        let (mut connected, _) = log_in(target, Wanted::default()).await?;
        let upstream = &mut connected.upstream;
        let text = format!("{OWN}KILL QUERY {connection}");
        command::query(upstream.pipe.out(), text.as_bytes());
        let answer = reply(upstream).await;
        connected.upstream.terminate().await;
        answer.map(|_rows| ())
    };
    tokio::time::timeout(limit, ask).await.map_err(|_elapsed| UpstreamError::Timeout(limit))?
}

async fn log_in(
    target: &UpstreamDatabase,
    wanted: Wanted<'_>,
) -> Result<(Connected, Trust), UpstreamError> {
    let tcp = TcpStream::connect((target.host.as_str(), target.port))
        .await
        .map_err(io_error("connecting"))?;
    tcp.set_nodelay(true).map_err(io_error("setting TCP_NODELAY"))?;
    let mut pipe = Pipe::new(Box::new(tcp));
    let mut sequence = 0;
    let payload = packet(&mut pipe, &mut sequence).await?;
    let greeting = Greeting::parse(&payload)?;
    let profile = Profile {
        version: String::from_utf8_lossy(greeting.version).into_owned(),
        capabilities: greeting.capabilities,
    };
    let schema = wanted.schema.unwrap_or(&target.dbname);
    let schema = (!schema.is_empty()).then_some(schema.as_bytes());
    let mut fixed = fixed(&greeting, wanted)?;
    if schema.is_some() {
        // Already in the request for TLS: MariaDB reads what follows inside by the flags of the request.
        fixed.claimed = fixed.claimed.with(Capabilities::CONNECT_WITH_DB);
    }
    let (mut pipe, trust) = encrypt(pipe, target, &greeting, fixed, &mut sequence).await?;
    let password = target.password.as_ref().map(|password| password.expose().as_bytes());
    let mut login = Login::new(password.unwrap_or_default(), trust);
    let (plugin, auth) = login.begin(greeting.plugin, &greeting.challenge);
    let answer = Answer {
        fixed: Fixed { claimed: with_tls(fixed.claimed, &target.tls), ..fixed },
        user: target.user.as_bytes(),
        auth: &auth,
        schema,
        plugin: &plugin,
        attributes: &[("_client_name", "jurat"), ("program_name", "jurat")],
    };
    encode::packet(pipe.out(), &mut sequence, |out| answer.put(out))
        .map_err(|error| UpstreamError::Protocol(error.to_string()))?;
    authenticate(&mut pipe, &mut login, &mut sequence, fixed.claimed).await?;
    let (capabilities, connection) = (fixed.claimed, greeting.connection);
    let upstream = Upstream { pipe, capabilities, connection, in_file: false };
    Ok((Connected { upstream, profile }, trust))
}

/// The capabilities of the connection. What a client's replies are to look like is no matter of taste: a
/// server that cannot do it is no upstream for that client.
fn fixed(greeting: &Greeting<'_>, wanted: Wanted<'_>) -> Result<Fixed, UpstreamError> {
    let needed = ALWAYS.without(Capabilities::MYSQL).with(wanted.capabilities.and(OF_CLIENT));
    if !greeting.capabilities.contains(needed) {
        return Err(UpstreamError::Protocol(format!(
            "it lacks capabilities that the session needs: {:?} of {needed:?}",
            needed.without(greeting.capabilities)
        )));
    }
    let claimed = ALWAYS
        .with(greeting.capabilities.and(WHERE_OFFERED))
        .with(wanted.capabilities.and(OF_CLIENT))
        .with(wanted.capabilities.and(OF_CLIENT_WHERE_OFFERED).and(greeting.capabilities));
    let mariadb = greeting.version.windows(7).any(|part| part == b"MariaDB");
    let collation = collation::upstream(wanted.collation, mariadb);
    Ok(Fixed { claimed, max_packet: PACKET_BYTES_MAX, collation })
}

const fn with_tls(capabilities: Capabilities, tls: &UpstreamTls) -> Capabilities {
    match tls {
        UpstreamTls::Disable => capabilities,
        UpstreamTls::Require(_) | UpstreamTls::VerifyFull(_) => {
            capabilities.with(Capabilities::SSL)
        }
    }
}

/// Puts TLS around the connection, where it is configured.
async fn encrypt(
    mut pipe: Pipe,
    target: &UpstreamDatabase,
    greeting: &Greeting<'_>,
    fixed: Fixed,
    sequence: &mut u8,
) -> Result<(Pipe, Trust), UpstreamError> {
    let local = target.host == "localhost"
        || target.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let (config, verified) = match &target.tls {
        UpstreamTls::Disable => {
            return Ok((pipe, Trust { encrypted: false, trusted: local }));
        }
        UpstreamTls::Require(config) => (Arc::clone(config), false),
        UpstreamTls::VerifyFull(config) => (Arc::clone(config), true),
    };
    if !greeting.capabilities.contains(Capabilities::SSL) {
        return Err(UpstreamError::Tls("the server offers none".to_owned()));
    }
    let request = Fixed { claimed: with_tls(fixed.claimed, &target.tls), ..fixed };
    encode::packet(pipe.out(), sequence, |out| {
        request.put(out);
        Ok(())
    })
    .map_err(|error| UpstreamError::Protocol(error.to_string()))?;
    pipe.drain().await.map_err(io_error("asking for TLS"))?;
    // Bytes that are here already came in clear, and would be taken for what is said inside of TLS.
    let stream = pipe.into_stream().map_err(|error| UpstreamError::Tls(error.to_string()))?;
    let pipe = wrap_in_tls(stream, config, &target.host).await?;
    Ok((pipe, Trust { encrypted: true, trusted: verified || local }))
}

async fn wrap_in_tls(
    stream: Box<dyn Stream>,
    config: Arc<rustls::ClientConfig>,
    host: &str,
) -> Result<Pipe, UpstreamError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| UpstreamError::Tls(error.to_string()))?;
    let stream = TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|error| UpstreamError::Tls(error.to_string()))?;
    Ok(Pipe::new(Box::new(stream)))
}

async fn authenticate(
    pipe: &mut Pipe,
    login: &mut Login<'_>,
    sequence: &mut u8,
    capabilities: Capabilities,
) -> Result<(), UpstreamError> {
    loop {
        let payload = packet(pipe, sequence).await?;
        let step = login
            .step(&payload, capabilities)
            .map_err(|error| UpstreamError::Authentication(error.to_string()))?;
        match step {
            Step::Done => return Ok(()),
            Step::Refused(error) => return Err(refused(&error)),
            Step::Send(answer) => encode::payload(pipe.out(), sequence, &answer),
            Step::Wait => {}
        }
    }
}

/// The payload of the next packet; an error of the server becomes an error here.
async fn packet(pipe: &mut Pipe, sequence: &mut u8) -> Result<Vec<u8>, UpstreamError> {
    pipe.drain().await.map_err(io_error("sending to the server"))?;
    loop {
        if let Some(message) = message(&pipe.inbox, *sequence, START_UP_PACKET_MAX)? {
            let (payload, consumed) = (message.payload.into_owned(), message.consumed);
            *sequence = message.sequence.wrapping_add(1);
            pipe.consume(consumed);
            if payload.first() == Some(&0xff) {
                return Err(refused(&ErrPacket::parse(&payload)?));
            }
            return Ok(payload);
        }
        pipe.fill().await.map_err(io_error("waiting for the server"))?;
    }
}

/// Pins the settings of a session and checks that they hold.
pub(super) async fn pin(upstream: &mut Upstream, latin1: bool) -> Result<(), UpstreamError> {
    upstream.ask(PIN);
    reply(upstream).await?;
    if latin1 {
        upstream.ask(LATIN1_RESULTS);
        reply(upstream).await?;
    }
    upstream.ask(PINNED);
    let rows = reply(upstream).await?;
    let [row] = rows.as_slice() else {
        return Err(UpstreamError::Protocol("it does not tell its settings".to_owned()));
    };
    let [client, connection, mode] = row.as_slice() else {
        return Err(UpstreamError::Protocol("it does not tell its settings".to_owned()));
    };
    if client != "utf8mb4" || connection != "utf8mb4" {
        return Err(UpstreamError::Protocol(
            "it does not take the character set utf8mb4".to_owned(),
        ));
    }
    match forbidden_mode(mode) {
        Some(mode) => {
            Err(UpstreamError::Protocol(format!("it does not leave the sql_mode {mode}")))
        }
        None => Ok(()),
    }
}

/// The first mode of a `sql_mode` in which text would mean something else.
pub(crate) fn forbidden_mode(modes: &str) -> Option<&'static str> {
    modes.split(',').find_map(|mode| {
        FORBIDDEN_MODES.into_iter().find(|forbidden| forbidden.eq_ignore_ascii_case(mode.trim()))
    })
}

/// The rows of a small answer to a question of our own; NULL is the empty text.
async fn reply(upstream: &mut Upstream) -> Result<Vec<Vec<String>>, UpstreamError> {
    upstream.drain().await.map_err(io_error("asking the server"))?;
    let limits = Limits { payload_max: START_UP_PACKET_MAX, stream_above: None };
    let mut scanner = Scanner::new(1, limits);
    let mut reply = Reply::new(ReplyKind::Statement { cursor: false }, upstream.capabilities());
    let mut rows = Vec::new();
    while !reply.is_done() {
        let Some(piece) = scanner.next(upstream.inbox())? else {
            upstream.fill().await.map_err(io_error("waiting for the server"))?;
            continue;
        };
        let consumed = piece.bytes().len();
        match reply.next(&piece)? {
            Some(Event::Err(error)) => return Err(refused(&error)),
            Some(Event::Row { payload, .. }) => rows.push(
                text_values(payload)
                    .map(|value| String::from_utf8_lossy(value.unwrap_or_default()).into_owned())
                    .collect(),
            ),
            _ => {}
        }
        upstream.consume(consumed);
    }
    Ok(rows)
}

pub(crate) fn refused(error: &ErrPacket<'_>) -> UpstreamError {
    UpstreamError::Refused {
        code: error.code,
        sqlstate: error.sqlstate().to_owned(),
        message: String::from_utf8_lossy(error.message).into_owned(),
    }
}

fn io_error(doing: &'static str) -> impl Fn(io::Error) -> UpstreamError {
    move |source| UpstreamError::Io { doing, source }
}

#[cfg(test)]
mod tests;
