//! The MySQL and MariaDB front-end and upstream.

pub mod catalog;
mod collation;
mod pipe;
mod tls;
mod upstream;

pub use tls::{TlsError, client_config, server_config};
pub use upstream::{UpstreamDatabase, UpstreamError, UpstreamTls};
