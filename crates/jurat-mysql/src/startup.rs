//! What is said before a client is let in: our greeting, its request for TLS, and its answer.

use std::sync::Arc;

use jurat_types::Claimed;
use jurat_wire::mysql::{
    capability::{Capabilities, Status},
    command::Command,
    encode::{self, server::UTF8MB4},
    error::{EncodeError, FrameError, ParseError},
    frame::{HEADER, Header, message, scan},
    handshake::{CHALLENGE, ClientHello, Fixed, Greeting, Response},
    value::{Attributes, to_str},
};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio_rustls::TlsAcceptor;

use crate::{
    collation,
    pipe::{Pipe, Stream, UnencryptedData},
    upstream::Profile,
};

/// What a client may send in one packet before it is let in, bytes: MySQL takes 64 KiB of attributes.
pub(crate) const PACKET_BYTES_MAX: usize = 72 << 10;

/// Attributes of a client that are kept, and the length of each, in characters.
const ATTRIBUTE_CHARACTERS_MAX: usize = 256;

/// The plugin that the greeting names. All drivers know it, and inside of TLS it carries a password or token
/// whole, which then needs no verifier but that of the users file.
pub(crate) const PLUGIN: &str = "caching_sha2_password";

/// What is offered whatever the database can do. Not offered: compression, query attributes (they stand in front
/// of the text of a query), optional metadata, and MariaDB's extensions.
const ALWAYS: Capabilities = Capabilities::MYSQL
    .with(Capabilities::LONG_FLAG)
    .with(Capabilities::CONNECT_WITH_DB)
    .with(Capabilities::ODBC)
    .with(Capabilities::PROTOCOL_41)
    .with(Capabilities::TRANSACTIONS)
    .with(Capabilities::SECURE_CONNECTION)
    .with(Capabilities::PLUGIN_AUTH)
    .with(Capabilities::CONNECT_ATTRS)
    .with(Capabilities::PLUGIN_AUTH_LENENC)
    .with(Capabilities::MULTI_STATEMENTS);

/// What is offered where the database can do it, because replies are passed on as they come.
const AS_UPSTREAM: Capabilities = crate::upstream::OF_CLIENT
    .with(crate::upstream::OF_CLIENT_WHERE_OFFERED)
    .with(Capabilities::SESSION_TRACK);

/// What a client asks for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) user: String,
    /// The schema to begin in; empty for none.
    pub(crate) schema: String,
    pub(crate) claimed: Claimed,
    /// What both sides can do.
    pub(crate) capabilities: Capabilities,
    pub(crate) collation: u8,
    /// The plugin that [`Self::auth`] is for.
    pub(crate) plugin: Vec<u8>,
    /// The challenge of the greeting.
    pub(crate) challenge: Challenge,
    /// The answer to the challenge.
    pub(crate) auth: jurat_types::Secret<Vec<u8>>,
    /// The client has logged in before over this connection, and may have been given another challenge since the
    /// greeting.
    pub(crate) again: bool,
}

/// A client whose first packet was read.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) pipe: Box<Pipe>,
    pub(crate) request: Box<Request>,
    /// Whether the connection is encrypted.
    pub(crate) tls: bool,
    /// The number of the next packet.
    pub(crate) sequence: u8,
}

/// A challenge: random bytes that never come twice.
pub(crate) type Challenge = [u8; CHALLENGE];

/// Why a connection ended before anybody was asked to prove anything. The text is for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArrivalError {
    /// The client left or the network failed.
    #[error("the client left")]
    Io(#[from] std::io::Error),
    /// The packets cannot be cut.
    #[error("the first packet cannot be cut")]
    Frame(#[from] FrameError),
    /// The first packet cannot be read.
    #[error("the first packet cannot be read")]
    Packet(#[from] ParseError),
    /// The greeting cannot be written.
    #[error("the greeting cannot be written")]
    Greeting(#[from] EncodeError),
    /// A second request for TLS.
    #[error("a request for TLS inside of TLS")]
    Negotiation,
    /// The client wants something else inside of TLS than it wanted in clear.
    #[error("the capabilities inside of TLS are not those of the request for it")]
    Changed,
    /// Data in clear behind a request for TLS.
    #[error(transparent)]
    Unencrypted(#[from] UnencryptedData),
    /// The TLS handshake failed.
    #[error("the TLS handshake failed")]
    Tls(#[source] std::io::Error),
    /// The system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
}

/// Greets a client, and reads up to and including its answer.
///
/// `connection` is the number that the client is told, `profile` what is known about the database.
///
/// # Errors
/// [`ArrivalError`]; the connection is to be closed. The caller limits the time.
pub(crate) async fn arrive(
    stream: Box<dyn Stream>,
    tls: Option<&Arc<rustls::ServerConfig>>,
    connection: u32,
    profile: &Profile,
) -> Result<Arrival, ArrivalError> {
    let mut pipe = Pipe::new(stream);
    let challenge = challenge().ok_or(ArrivalError::Random)?;
    let offered = offered(profile, tls.is_some());
    let mut sequence = 0;
    let greeting = Greeting {
        version: profile.version.as_bytes(),
        connection,
        challenge: challenge.to_vec(),
        capabilities: offered,
        collation: UTF8MB4,
        status: Status::AUTOCOMMIT,
        plugin: PLUGIN.as_bytes(),
    };
    encode::packet(pipe.out(), &mut sequence, |out| greeting.put(out))?;
    let payload = packet(&mut pipe, &mut sequence).await?;
    let (pipe, request, tls) = match ClientHello::parse(&payload, offered)? {
        ClientHello::Response(response) => {
            (pipe, Request::new(&response, offered, challenge)?, false)
        }
        ClientHello::Ssl(asked) => {
            // It was offered, or it would not be read as one.
            let config = tls.ok_or(ArrivalError::Negotiation)?;
            let mut pipe = accept_tls(pipe, config).await?;
            let payload = packet(&mut pipe, &mut sequence).await?;
            let request = inside(&payload, offered, asked, challenge)?;
            (pipe, request, true)
        }
    };
    let (pipe, request) = (Box::new(pipe), Box::new(request));
    Ok(Arrival { pipe, request, tls, sequence })
}

/// The answer inside of TLS. Somebody on the way could have changed what was said in clear.
fn inside(
    payload: &[u8],
    offered: Capabilities,
    asked: Fixed,
    challenge: Challenge,
) -> Result<Request, ArrivalError> {
    // MariaDB Connector/J does not ask for TLS once more inside of it.
    let same = |claimed: Capabilities| {
        claimed.with(Capabilities::SSL) == asked.claimed.with(Capabilities::SSL)
    };
    match ClientHello::parse(payload, offered)? {
        ClientHello::Ssl(_) => Err(ArrivalError::Negotiation),
        ClientHello::Response(response) if !same(response.fixed.claimed) => {
            Err(ArrivalError::Changed)
        }
        ClientHello::Response(response) => Request::new(&response, offered, challenge),
    }
}

/// What clients of a database are offered.
pub(crate) fn offered(profile: &Profile, tls: bool) -> Capabilities {
    let offered = ALWAYS.with(AS_UPSTREAM.and(profile.capabilities));
    if tls { offered.with(Capabilities::SSL) } else { offered }
}

impl Request {
    fn new(
        response: &Response<'_>,
        offered: Capabilities,
        challenge: Challenge,
    ) -> Result<Self, ArrivalError> {
        let mut capabilities = response.fixed.claimed.and(offered);
        // Whoever sends several statements takes several results (as the server has it).
        if capabilities.contains(Capabilities::MULTI_STATEMENTS) {
            capabilities = capabilities.with(Capabilities::MULTI_RESULTS.and(offered));
        }
        Ok(Self {
            user: to_str(response.user)?.to_owned(),
            schema: to_str(response.schema.unwrap_or_default())?.to_owned(),
            claimed: response.attributes.map(claimed).unwrap_or_default(),
            capabilities,
            collation: response.fixed.collation,
            plugin: response.plugin.unwrap_or(b"mysql_native_password").to_vec(),
            challenge,
            auth: jurat_types::Secret::new(response.auth.0.expose().to_vec()),
            again: false,
        })
    }

    /// What the client asks for that logs in anew; what it does not say again stays as it was.
    ///
    /// # Errors
    /// [`ParseError`] for a command that is not `COM_CHANGE_USER`, or whose names are not UTF-8.
    pub(crate) fn anew(&mut self, payload: &[u8]) -> Result<(), ParseError> {
        let Command::ChangeUser(change) = Command::parse(payload, self.capabilities)? else {
            return Err(ParseError::InvalidSelector { field: "command", value: 0 });
        };
        to_str(change.user)?.clone_into(&mut self.user);
        to_str(change.schema)?.clone_into(&mut self.schema);
        if let Some(collation) = change.collation {
            self.collation = collation::narrow(collation);
        }
        if let Some(attributes) = change.attributes {
            self.claimed = claimed(attributes);
        }
        self.plugin = change.plugin.unwrap_or(b"mysql_native_password").to_vec();
        self.auth = jurat_types::Secret::new(change.auth.expose().to_vec());
        self.again = true;
        Ok(())
    }
}

/// What a client says about itself.
fn claimed(attributes: Attributes<'_>) -> Claimed {
    let attribute = |name: &str| {
        let value = attributes.value(name)?;
        let text = String::from_utf8_lossy(value.get(..ATTRIBUTE_CHARACTERS_MAX).unwrap_or(value));
        (!text.is_empty()).then(|| text.into_owned())
    };
    Claimed {
        application: attribute("program_name").or_else(|| attribute("_client_name")),
        purpose: attribute("jurat.purpose"),
        ticket: attribute("jurat.ticket"),
        trace: attribute("jurat.trace"),
    }
}

/// Fresh random bytes. Some drivers take a challenge for a string, so it has no NUL byte; `$` is a separator
/// in what MySQL keeps of `caching_sha2_password`.
pub(crate) fn challenge() -> Option<Challenge> {
    let random = SystemRandom::new();
    let mut challenge = Challenge::default();
    for place in &mut challenge {
        let mut byte = [0];
        while matches!(byte, [0 | b'$' | 0x80..]) {
            random.fill(&mut byte).ok()?;
        }
        [*place] = byte;
    }
    Some(challenge)
}

async fn accept_tls(pipe: Pipe, config: &Arc<rustls::ServerConfig>) -> Result<Pipe, ArrivalError> {
    // Nothing was read behind the request, so whatever came in clear behind it is read as TLS, which it is
    // not (the class of CVE-2021-23214). A server says nothing in between, so drivers may send the beginning
    // of TLS in the same segment.
    let stream = pipe.into_stream()?;
    let acceptor = TlsAcceptor::from(Arc::clone(config));
    let stream = acceptor.accept(stream).await.map_err(ArrivalError::Tls)?;
    Ok(Pipe::new(Box::new(stream)))
}

/// Sends what is to be sent and waits for exactly one packet. What comes behind it is not read.
pub(crate) async fn packet(pipe: &mut Pipe, sequence: &mut u8) -> Result<Vec<u8>, ArrivalError> {
    pipe.drain().await?;
    loop {
        if let Some(message) = message(&pipe.inbox, *sequence, PACKET_BYTES_MAX)? {
            let (payload, consumed) = (message.payload.into_owned(), message.consumed);
            *sequence = message.sequence.wrapping_add(1);
            pipe.consume(consumed);
            return Ok(payload);
        }
        let wanted = scan(&pipe.inbox).map_or(HEADER, Header::whole_len);
        // A packet of full length would be continued, but is too long already.
        pipe.fill_exactly(wanted.max(pipe.inbox.len().saturating_add(1))).await?;
    }
}

#[cfg(test)]
mod tests;
