//! What a client says before it is let in: requests for encryption, a cancel, or a start-up message.

use std::sync::Arc;

use jurat_wire::postgres::{
    error::StartupError,
    startup::{Startup, parse_startup, parse_startup_len},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::{
    parameters::Request,
    pipe::{Pipe, UnencryptedData},
    tls::ALPN,
    upstream::CancelKey,
};

/// The first byte of a TLS record with a handshake: a client that begins with TLS at once
/// (`sslnegotiation=direct`).
const TLS_HANDSHAKE: u8 = 0x16;

/// A connection whose purpose is known.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A client that wants to cancel what another session runs.
    Cancel {
        /// Its connection, which is closed once the cancel was sent: clients wait for that.
        pipe: Box<Pipe>,
        /// The session that it means.
        key: CancelKey,
    },
    /// A client that wants a session.
    Session {
        /// Its connection.
        pipe: Box<Pipe>,
        /// What it asks for.
        request: Box<Request>,
        /// Whether the connection is encrypted.
        tls: bool,
    },
}

/// Why a connection ended before anything was known about it. The text is for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArrivalError {
    /// The client left or the network failed.
    #[error("the client left")]
    Io(#[from] std::io::Error),
    /// The first packet cannot be read.
    #[error("the start-up packet cannot be read")]
    Packet(#[from] StartupError),
    /// A second request for the same encryption, or one inside TLS.
    #[error("more requests for encryption than the protocol has")]
    Negotiation,
    /// Data in clear behind a request for TLS.
    #[error(transparent)]
    Unencrypted(#[from] UnencryptedData),
    /// The TLS handshake failed.
    #[error("the TLS handshake failed")]
    Tls(#[source] std::io::Error),
    /// TLS was begun directly without saying that it carries PostgreSQL.
    #[error("direct TLS without the protocol name `postgresql`")]
    NoAlpn,
    /// TLS was begun directly on a listener that has none.
    #[error("TLS on a listener without a certificate")]
    NoTls,
}

/// Reads up to and including the start-up message.
///
/// # Errors
/// [`ArrivalError`]; the connection is to be closed. The caller limits the time.
pub(crate) async fn arrive(
    tcp: TcpStream,
    tls: Option<&Arc<rustls::ServerConfig>>,
) -> Result<Arrival, ArrivalError> {
    let mut first = [0_u8];
    let direct = tcp.peek(&mut first).await? == 1 && first == [TLS_HANDSHAKE];
    let mut pipe = Pipe::new(Box::new(tcp));
    let mut encrypted = false;
    if direct {
        let config = tls.ok_or(ArrivalError::NoTls)?;
        pipe = accept_tls(pipe, config, true).await?;
        encrypted = true;
    }
    // Each may be asked for once, in any order.
    let (mut asked_gss, mut asked_tls) = (false, false);
    loop {
        let packet = packet(&mut pipe).await?;
        let (asked, offered) = match parse_startup(&packet)? {
            Startup::Cancel { process_id, secret } => {
                let secret = secret.expose().to_vec();
                let key = CancelKey { process_id, secret };
                return Ok(Arrival::Cancel { pipe: Box::new(pipe), key });
            }
            Startup::Startup(message) => {
                let request = Box::new(Request::new(&message));
                return Ok(Arrival::Session { pipe: Box::new(pipe), request, tls: encrypted });
            }
            Startup::GssEnc => (&mut asked_gss, None),
            Startup::Ssl => (&mut asked_tls, tls),
        };
        if std::mem::replace(asked, true) || encrypted {
            return Err(ArrivalError::Negotiation);
        }
        if let Some(config) = offered {
            // Nothing may be waiting behind the request: it came in clear and would be taken for
            // what is said inside TLS (CVE-2021-23214).
            if !pipe.inbox.is_empty() {
                return Err(UnencryptedData.into());
            }
            pipe.out().push(b'S');
            pipe.drain().await?;
            pipe = accept_tls(pipe, config, false).await?;
            encrypted = true;
        } else {
            if !pipe.inbox.is_empty() {
                return Err(UnencryptedData.into());
            }
            pipe.out().push(b'N');
            pipe.drain().await?;
        }
    }
}

async fn accept_tls(
    pipe: Pipe,
    config: &Arc<rustls::ServerConfig>,
    direct: bool,
) -> Result<Pipe, ArrivalError> {
    let stream = pipe.into_stream()?;
    let acceptor = TlsAcceptor::from(Arc::clone(config));
    let stream = acceptor.accept(stream).await.map_err(ArrivalError::Tls)?;
    if direct && stream.get_ref().1.alpn_protocol() != Some(ALPN) {
        return Err(ArrivalError::NoAlpn);
    }
    Ok(Pipe::new(Box::new(stream)))
}

/// Exactly one packet. What comes behind it stays in the inbox.
async fn packet(pipe: &mut Pipe) -> Result<Vec<u8>, ArrivalError> {
    loop {
        if let Some(length) = parse_startup_len(&pipe.inbox)?
            && let Some(packet) = pipe.inbox.get(..length)
        {
            let packet = packet.to_vec();
            pipe.consume(length);
            return Ok(packet);
        }
        pipe.fill().await?;
    }
}
