//! The MySQL and MariaDB front-end and upstream.
//!
//! A session is a relay of commands and their replies (MySQL internals documentation, "Client/Server Protocol"): our
//! own framer and strict parsers on everything from outside, the statements judged by the gate, the rest forwarded
//! as the bytes it came in. From accept to end:
//!
//! ```text
//! listen ─► startup ─► auth ─► Session::open ─► upstream/connect ─► relay
//!                                                                   ├ commands, prepared
//!                                                                   ├ reply
//!                                                                   └ refresh
//! ```

mod auth;
mod cancel;
pub mod catalog;
mod collation;
mod internal;
mod listen;
mod names;
mod pipe;
mod relay;
mod report;
mod respond;
mod startup;
mod tls;
mod upstream;

pub use listen::{Listener, Seats, serve};
pub use tls::{TlsError, client_config, server_config};
pub use upstream::{UpstreamDatabase, UpstreamError, UpstreamTls};

/// Logs in to a database and reads its catalog, for `jurat catalog dump` and `jurat check`.
///
/// # Errors
/// [`UpstreamError`]; it may name hosts and accounts, so it is for operators.
pub async fn read_catalog(
    target: &UpstreamDatabase,
    limits: &jurat_core::Limits,
) -> Result<jurat_types::Catalog, UpstreamError> {
    let connected =
        upstream::connect(target, upstream::Wanted::default(), limits.connect_timeout).await?;
    let mut upstream = connected.upstream;
    let catalog = internal::read_catalog(&mut upstream).await;
    upstream.terminate().await;
    catalog
}
