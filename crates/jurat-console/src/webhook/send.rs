//! One try to deliver a message: a connection, a request, an answer, all within a time. No redirect is followed.

use std::{sync::Arc, time::Duration};

use axum::http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{HookError, Target};

/// How long a try may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is read of an answer, bytes.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// What sends.
#[derive(Clone)]
pub(super) struct Sender {
    tls: Option<TlsConnector>,
}

/// What a request says beside its body.
pub(super) struct Headers<'a> {
    pub(super) id: &'a str,
    pub(super) seconds: i64,
    pub(super) signature: Option<String>,
}

/// Why a try failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("no connection: {0}")]
    Connect(#[from] std::io::Error),
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be made: {0}")]
    Request(#[from] axum::http::Error),
    #[error("the answer was {0}")]
    Status(StatusCode),
    #[error("it took longer than {} seconds", PATIENCE.as_secs())]
    Time,
}

impl SendError {
    /// Whether another try would be in vain: the receiver is gone for good, or somewhere else.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Status(status) => *status == StatusCode::GONE || status.is_redirection(),
            Self::Request(_) => true,
            Self::Connect(_) | Self::Http(_) | Self::Time => false,
        }
    }
}

impl Sender {
    /// With `tls`, the certificates of the system are read; `ca` adds others.
    pub(super) fn new(tls: bool, ca: Option<&[u8]>) -> Result<Self, HookError> {
        if !tls {
            return Ok(Self { tls: None });
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let own = ca.map(|pem| CertificateDer::pem_slice_iter(pem).flatten().collect::<Vec<_>>());
        roots.add_parsable_certificates(own.unwrap_or_default());
        if roots.is_empty() {
            return Err(HookError::Certificates);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: Some(TlsConnector::from(Arc::new(config))) })
    }

    /// Sends a message once.
    pub(super) async fn send(
        &self,
        target: &Target,
        headers: Headers<'_>,
        body: &[u8],
    ) -> Result<(), SendError> {
        let mut request = Request::post(&target.path)
            .header(header::HOST, &target.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("jurat/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", headers.id)
            .header("webhook-timestamp", headers.seconds);
        if let Some(signature) = headers.signature {
            request = request.header("webhook-signature", signature);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body)))?;
        let sent = async {
            let stream = TcpStream::connect((target.host.as_str(), target.port)).await?;
            match &self.tls {
                Some(connector) if target.tls => {
                    let name = ServerName::try_from(target.host.clone())
                        .map_err(|error| std::io::Error::other(error.to_string()))?;
                    exchange(connector.connect(name, stream).await?, request).await
                }
                // A target without TLS is this machine: `Target::parse` takes no other.
                Some(_) | None => exchange(stream, request).await,
            }
        };
        tokio::time::timeout(PATIENCE, sent).await.map_err(|_elapsed| SendError::Time)?
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<(), SendError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        // What the receiver says is of no interest; reading it lets it finish.
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        tracing::trace!(read = body.is_ok(), "the answer to a webhook");
        if status.is_success() { Ok(()) } else { Err(SendError::Status(status)) }
    };
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        biased;
        answer = answer.as_mut() => answer,
        ended = connection.as_mut() => {
            ended?;
            answer.await
        }
    }
}
