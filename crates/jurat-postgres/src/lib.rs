//! The PostgreSQL front-end and upstream.
//!
//! A session is a relay of messages (PostgreSQL documentation, "Frontend/Backend Protocol"): our own
//! framer and strict parsers on everything from outside, the statements judged by the gate, the rest
//! forwarded as the bytes it came in. From accept to end:
//!
//! ```text
//! listen ─► startup ─► parameters ─► auth ─► Session::open ─► upstream/connect ─► relay
//!                                                                                  ├ from_client
//!                                                                                  ├ from_upstream
//!                                                                                  └ refresh
//! ```

mod auth;
mod cancel;
mod catalog;
mod console;
#[cfg(test)]
mod corpus;
mod inbox;
mod internal;
mod listen;
mod login;
mod names;
mod parameters;
mod pipe;
mod queue;
mod relay;
mod report;
mod respond;
mod scram;
mod startup;
mod tls;
mod upstream;
mod workers;

pub use listen::{Listener, serve};
pub use tls::{TlsError, client_config, server_config};
pub use upstream::{UpstreamDatabase, UpstreamError, UpstreamTls};
pub use workers::{Seat, Workers};

/// Logs in to a database and reads its catalog, for `jurat catalog dump` and `jurat check`.
///
/// # Errors
/// [`UpstreamError`]; it may name hosts and roles, so it is for operators.
pub async fn read_catalog(
    target: &UpstreamDatabase,
    limits: &jurat_core::Limits,
) -> Result<jurat_types::Catalog, UpstreamError> {
    let connected = upstream::connect(target, &[], limits.connect_timeout).await?;
    let mut upstream = connected.upstream;
    let catalog = internal::read_catalog(&mut upstream, &mut Vec::new()).await;
    upstream.terminate().await;
    catalog
}
