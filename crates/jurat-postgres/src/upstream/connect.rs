//! From an address to an established session with the database: TLS, start-up, authentication.

use std::{io, sync::Arc, time::Duration};

use jurat_wire::postgres::{
    backend::{Backend, TransactionStatus, parse_backend},
    encode::frontend as encode,
    frame::scan,
};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Upstream, UpstreamDatabase, UpstreamTls};
use crate::{
    login::{Login, Trust},
    pipe::{Pipe, Stream},
};

/// What a server may send in one message before it has let us in, bytes.
const START_UP_MESSAGE_MAX: usize = 64 << 10;

/// Settings that a server may report before it is ready; PostgreSQL 18 reports 15.
const PARAMETERS_MAX: usize = 200;

/// Settings that change how SQL text is cut into tokens. They are fixed for every session, and a
/// session whose server reports another value is ended.
pub(crate) const PINNED: [(&str, &str); 3] = [
    ("client_encoding", "UTF8"),
    ("standard_conforming_strings", "on"),
    ("backslash_quote", "safe_encoding"),
];

/// Why a database cannot be reached. The text is for the operator's log, not for clients.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The server does not authenticate us, or not itself.
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
    #[error("the server refused with SQLSTATE {code}: {message}")]
    Refused {
        /// The SQLSTATE.
        code: String,
        /// The server's words.
        message: String,
    },
    /// TLS is configured and the server has none, or its certificate is not accepted.
    #[error("no TLS with the server: {0}")]
    Tls(String),
}

/// A connection that the database has let in.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) upstream: Upstream,
    /// ParameterStatus messages as they came, for the client.
    pub(crate) parameters: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) cancel: CancelKey,
}

/// What cancels the running statement of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct CancelKey {
    pub(crate) process_id: u32,
    pub(crate) secret: Vec<u8>,
}

/// Connects and logs in with the client's harmless `settings` on top of the pinned ones.
///
/// # Errors
/// [`UpstreamError`]; it may name hosts and roles, so it goes to the log only.
pub(crate) async fn connect(
    target: &UpstreamDatabase,
    settings: &[(String, String)],
    limit: Duration,
) -> Result<Connected, UpstreamError> {
    let login = async {
        let (mut pipe, trust) = open(target).await?;
        let mut parameters = vec![("user", target.user.as_str()), ("database", &target.dbname)];
        parameters.extend(settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        parameters.extend(PINNED);
        encode::startup(pipe.out(), 0, &parameters)
            .map_err(|error| UpstreamError::Protocol(error.to_string()))?;
        authenticate(&mut pipe, target, trust).await?;
        ready(pipe).await
    };
    tokio::time::timeout(limit, login).await.map_err(|_elapsed| UpstreamError::Timeout(limit))?
}

/// Asks the server to cancel what a connection runs; waits until it has taken note, as libpq does.
///
/// # Errors
/// [`UpstreamError`] when it cannot be reached.
pub(crate) async fn cancel(
    target: &UpstreamDatabase,
    key: &CancelKey,
    limit: Duration,
) -> Result<(), UpstreamError> {
    let ask = async {
        let (mut pipe, _trust) = open(target).await?;
        encode::cancel_request(pipe.out(), key.process_id, &key.secret)
            .map_err(|error| UpstreamError::Protocol(error.to_string()))?;
        pipe.drain().await.map_err(io_error("sending the cancel request"))?;
        match pipe.fill().await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            Err(error) => Err(io_error("waiting for the cancel request")(error)),
            Ok(()) => Err(UpstreamError::Protocol("an answer to a cancel request".to_owned())),
        }
    };
    tokio::time::timeout(limit, ask).await.map_err(|_elapsed| UpstreamError::Timeout(limit))?
}

async fn open(target: &UpstreamDatabase) -> Result<(Pipe, Trust), UpstreamError> {
    let tcp = TcpStream::connect((target.host.as_str(), target.port))
        .await
        .map_err(io_error("connecting"))?;
    tcp.set_nodelay(true).map_err(io_error("setting TCP_NODELAY"))?;
    let (config, verified) = match &target.tls {
        UpstreamTls::Disable => {
            return Ok((Pipe::new(Box::new(tcp)), Trust::default()));
        }
        UpstreamTls::Require(config) => (Arc::clone(config), false),
        UpstreamTls::VerifyFull(config) => (Arc::clone(config), true),
    };
    let mut pipe = Pipe::new(Box::new(tcp));
    pipe.out().extend_from_slice(&encode::ssl_request());
    pipe.drain().await.map_err(io_error("asking for TLS"))?;
    pipe.fill().await.map_err(io_error("asking for TLS"))?;
    // Exactly one byte answers; more would be data that an attacker put in front of TLS
    // (CVE-2021-23222).
    if *pipe.inbox != *b"S" {
        return Err(UpstreamError::Tls(
            "the server answered `no` or more than one byte".to_owned(),
        ));
    }
    pipe.consume(1);
    let stream = pipe.into_stream().map_err(|error| UpstreamError::Tls(error.to_string()))?;
    wrap_in_tls(stream, config, &target.host, verified).await
}

async fn wrap_in_tls(
    stream: Box<dyn Stream>,
    config: Arc<rustls::ClientConfig>,
    host: &str,
    verified: bool,
) -> Result<(Pipe, Trust), UpstreamError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| UpstreamError::Tls(error.to_string()))?;
    let stream = TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|error| UpstreamError::Tls(error.to_string()))?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let end_point = certificate.and_then(|certificate| end_point(certificate));
    let trust = Trust { verified, end_point };
    Ok((Pipe::new(Box::new(stream)), trust))
}

/// `tls-server-end-point` (RFC 5929): the hash of the certificate with the hash of its signature,
/// SHA-256 where that is MD5 or SHA-1. Only SHA-256 certificates are bound to; PostgreSQL accepts a
/// client that does not bind.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
    const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let has = |oid: &[u8]| certificate.windows(oid.len()).any(|window| window == oid);
    (has(SHA256_WITH_RSA) || has(ECDSA_WITH_SHA256))
        .then(|| ring::digest::digest(&ring::digest::SHA256, certificate).as_ref().to_vec())
}

async fn authenticate(
    pipe: &mut Pipe,
    target: &UpstreamDatabase,
    trust: Trust,
) -> Result<(), UpstreamError> {
    let password = target.password.as_ref().map(|password| password.expose().as_bytes());
    let mut login = Login::new(&target.user, password, trust);
    loop {
        let (tag, body) = message(pipe).await?;
        let Backend::Authentication(asked) = parse(tag, &body)? else {
            return Err(unexpected(tag));
        };
        let step = login.step(&asked, pipe.out());
        if step.map_err(|error| UpstreamError::Authentication(error.to_string()))? {
            return Ok(());
        }
    }
}

async fn ready(mut pipe: Pipe) -> Result<Connected, UpstreamError> {
    let mut parameters = Vec::new();
    let mut cancel = CancelKey::default();
    loop {
        let (tag, body) = message(&mut pipe).await?;
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the arm is the refusal: a message that is not named here is out of turn"
        )]
        match parse(tag, &body)? {
            Backend::ParameterStatus { .. } if parameters.len() >= PARAMETERS_MAX => {
                let what = "it reports more settings than a server has".to_owned();
                return Err(UpstreamError::Protocol(what));
            }
            Backend::ParameterStatus { name, value } => {
                parameters.push((name.to_vec(), value.to_vec()));
            }
            Backend::BackendKeyData { process_id, secret } => {
                cancel = CancelKey { process_id, secret: secret.expose().to_vec() };
            }
            Backend::NoticeResponse(_) => {}
            Backend::ReadyForQuery(TransactionStatus::Idle) => break,
            _ => return Err(unexpected(tag)),
        }
    }
    check_pinned(&parameters)?;
    Ok(Connected { upstream: Upstream { pipe }, parameters, cancel })
}

fn check_pinned(parameters: &[(Vec<u8>, Vec<u8>)]) -> Result<(), UpstreamError> {
    for (name, value) in parameters {
        if let Some(pinned) = violated_pin(name, value) {
            let what = format!("it does not take the setting {pinned} that Jurat needs");
            return Err(UpstreamError::Protocol(what));
        }
    }
    Ok(())
}

/// The pinned setting that this report contradicts.
pub(crate) fn violated_pin(name: &[u8], value: &[u8]) -> Option<&'static str> {
    PINNED
        .iter()
        .find(|(pinned, wanted)| {
            name.eq_ignore_ascii_case(pinned.as_bytes()) && value != wanted.as_bytes()
        })
        .map(|(pinned, _)| *pinned)
}

/// The next message whole; an error of the server becomes an error here.
async fn message(pipe: &mut Pipe) -> Result<(u8, Vec<u8>), UpstreamError> {
    pipe.drain().await.map_err(io_error("sending to the server"))?;
    loop {
        let header = scan(&pipe.inbox, START_UP_MESSAGE_MAX)
            .map_err(|error| UpstreamError::Protocol(error.to_string()))?;
        if let Some(header) = header
            && let Some(body) =
                pipe.inbox.get(jurat_wire::postgres::frame::FRAME_HEADER..header.whole_len())
        {
            let body = body.to_vec();
            pipe.consume(header.whole_len());
            if let Backend::ErrorResponse(fields) = parse(header.tag, &body)? {
                return Err(refused(&fields));
            }
            return Ok((header.tag, body));
        }
        pipe.fill().await.map_err(io_error("waiting for the server"))?;
    }
}

pub(crate) fn refused(
    fields: &jurat_wire::postgres::backend::report::ReportFields<'_>,
) -> UpstreamError {
    UpstreamError::Refused {
        code: fields.code().unwrap_or("?????").to_owned(),
        message: String::from_utf8_lossy(fields.message().unwrap_or_default()).into_owned(),
    }
}

fn parse(tag: u8, body: &[u8]) -> Result<Backend<'_>, UpstreamError> {
    parse_backend(tag, body).map_err(|error| UpstreamError::Protocol(error.to_string()))
}

fn unexpected(tag: u8) -> UpstreamError {
    UpstreamError::Protocol(format!("message `{}` came out of turn", tag.escape_ascii()))
}

fn io_error(doing: &'static str) -> impl Fn(io::Error) -> UpstreamError {
    move |source| UpstreamError::Io { doing, source }
}
