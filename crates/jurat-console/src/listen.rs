//! Accepting browsers and programs: bounded, timed, each connection in a task of its own.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{extract::Request, http::StatusCode, response::IntoResponse as _};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service as _;

use crate::{Console, router};

/// Connections at once. People and collectors of metrics need few.
const CONNECTIONS_MAX: usize = 256;
/// How long a client may take for TLS, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a request may take from its head to the head of the answer.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// The head of a request, bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Serves until `shutdown`; returns once the requests under way are answered, which the caller bounds.
pub async fn serve(
    tcp: TcpListener,
    console: Arc<Console>,
    tls: Option<Arc<rustls::ServerConfig>>,
    shutdown: CancellationToken,
) {
    let router = router::router(console, shutdown.clone());
    let acceptor = tls.map(TlsAcceptor::from);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = tcp.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match (accepted, Arc::clone(&places).try_acquire_owned()) {
            (Ok((stream, address)), Ok(place)) => {
                let (router, acceptor) = (router.clone(), acceptor.clone());
                let shutdown = shutdown.clone();
                tasks.spawn(async move {
                    connection(stream, address, (acceptor, router), shutdown).await;
                    drop(place);
                });
            }
            (Ok(_), Err(_full)) => tracing::warn!("too many connections to the admin port"),
            (Err(error), _) => {
                tracing::warn!(%error, "the admin port does not accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(tcp);
    tasks.close();
    tasks.wait().await;
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    (acceptor, router): (Option<TlsAcceptor>, axum::Router),
    shutdown: CancellationToken,
) {
    match acceptor {
        None => requests(stream, address, router, shutdown).await,
        Some(acceptor) => match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => requests(stream, address, router, shutdown).await,
            Ok(Err(error)) => tracing::debug!(client = %address, %error, "no TLS"),
            Err(_elapsed) => tracing::debug!(client = %address, "no TLS in time"),
        },
    }
}

async fn requests(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    address: SocketAddr,
    router: axum::Router,
    shutdown: CancellationToken,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(address));
        let mut router = router.clone();
        async move {
            // A client that sends its request drop by drop is not waited for. What an answer streams comes later.
            let answer = tokio::time::timeout(ANSWER_MAX, router.call(request)).await;
            Ok::<_, Infallible>(match answer {
                Ok(Ok(answer)) => answer,
                Ok(Err(never)) => match never {},
                Err(_elapsed) => StatusCode::REQUEST_TIMEOUT.into_response(),
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(client = %address, %error, "a connection to the admin port ended");
    }
}
