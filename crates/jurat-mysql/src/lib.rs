//! The MySQL and MariaDB front-end and upstream.

mod auth;
pub mod catalog;
mod collation;
mod pipe;
mod startup;
mod tls;
mod upstream;

pub use tls::{TlsError, client_config, server_config};
pub use upstream::{UpstreamDatabase, UpstreamError, UpstreamTls};
