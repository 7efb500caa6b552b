//! tokio-postgres as a client of Jurat, with and without TLS, and what its errors say.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Client, Config, Error,
    error::DbError,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};

/// What the server said about a failure.
pub(crate) fn fields(error: &Error) -> &DbError {
    error.as_db_error().unwrap_or_else(|| panic!("not an error of the server: {error:?}"))
}

/// The SQLSTATE of a failure.
pub(crate) fn sqlstate(error: &Error) -> &str {
    fields(error).code().code()
}

/// How to log in at an address on this machine.
pub(crate) fn config(port: u16, user: &str, password: &str, database: &str) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user(user).password(password).dbname(database);
    config
}

/// Logs in without TLS.
pub(crate) async fn connect(config: &Config) -> Result<Client, Error> {
    let mut config = config.clone();
    config.ssl_mode(tokio_postgres::config::SslMode::Disable);
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Logs in with TLS, and takes no server but one with `certificate` (PEM).
pub(crate) async fn connect_tls(config: &Config, certificate: &str) -> Result<Client, Error> {
    let mut config = config.clone();
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    let (client, connection) = config.connect(Tls::trusting(certificate)).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// TLS for tokio-postgres, through rustls.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    host: String,
}

impl Tls {
    pub(crate) fn trusting(certificate: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Self { config: Arc::new(config), host: String::new() }
    }

    /// The handshake on a connection that has already asked for TLS.
    pub(crate) async fn handshake<S: Plain>(&self, stream: S) -> io::Result<Encrypted<S>> {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&self.config));
        Ok(Encrypted(connector.connect(name, stream).await?))
    }
}

/// What TLS is put around.
pub(crate) trait Plain: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Plain for S {}

impl<S: Plain> MakeTlsConnect<S> for Tls {
    type Stream = Encrypted<S>;
    type TlsConnect = Self;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Self> {
        Ok(Self { config: Arc::clone(&self.config), host: host.to_owned() })
    }
}

impl<S: Plain> TlsConnect<S> for Tls {
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            assert_eq!(self.host, "127.0.0.1");
            self.handshake(stream).await
        })
    }
}

/// An encrypted connection.
pub(crate) struct Encrypted<S>(tokio_rustls::client::TlsStream<S>);

impl<S: Plain> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: Plain> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: Plain> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
