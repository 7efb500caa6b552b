//! Listeners of both protocols, each with everything that its sessions need.

use std::{collections::BTreeMap, sync::Arc};

use jurat_core::{Admin, Authenticate, Gate};
use jurat_postgres::Workers;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::UpstreamDatabase;
use crate::{
    config::{Config, ListenerConfig, ListenerTls, Protocol},
    exit::{Exit, Failure},
};

/// A listener of one of the protocols.
#[derive(Clone, Debug)]
pub(super) enum Listener {
    Mysql(Arc<jurat_mysql::Listener>),
    Postgres(Arc<jurat_postgres::Listener>),
}

/// What all listeners share.
pub(super) struct Shared<'a> {
    pub(super) gate: Arc<Gate>,
    pub(super) authenticate: Arc<dyn Authenticate>,
    pub(super) databases: &'a BTreeMap<String, UpstreamDatabase>,
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
    pub(super) workers: Arc<Workers>,
    pub(super) admin: Arc<Admin>,
}

impl Listener {
    /// A listener as the configuration has it. It has the databases that speak its protocol.
    ///
    /// # Errors
    /// Where the database that it shows is not there, which the configuration has checked.
    pub(super) fn new(config: &ListenerConfig, shared: &Shared<'_>) -> Result<Self, Failure> {
        let name = config.name.clone();
        let (gate, authenticate) = (Arc::clone(&shared.gate), Arc::clone(&shared.authenticate));
        let tls = if config.tls == ListenerTls::Disabled { None } else { shared.tls.clone() };
        let tls_required = config.tls == ListenerTls::Required;
        let workers = Arc::clone(&shared.workers);
        let databases = shared.databases.iter();
        match &config.protocol {
            Protocol::Postgres => {
                let databases = databases.filter_map(|(name, database)| match database {
                    UpstreamDatabase::Postgres(database) => {
                        Some((name.clone(), Arc::clone(database)))
                    }
                    UpstreamDatabase::Mysql(_) => None,
                });
                Ok(Self::Postgres(Arc::new(jurat_postgres::Listener {
                    name,
                    gate,
                    authenticate,
                    databases: databases.collect(),
                    tls,
                    tls_required,
                    workers,
                    console: Arc::clone(&shared.admin),
                })))
            }
            Protocol::Mysql { shown } => {
                let databases: BTreeMap<_, _> = databases
                    .filter_map(|(name, database)| match database {
                        UpstreamDatabase::Mysql(database) => {
                            Some((name.clone(), Arc::clone(database)))
                        }
                        UpstreamDatabase::Postgres(_) => None,
                    })
                    .collect();
                let shown = databases.get(shown).cloned().ok_or_else(|| {
                    Failure::usage(format!("listener `{name}` shows no database of its protocol"))
                })?;
                Ok(Self::Mysql(Arc::new(jurat_mysql::Listener {
                    name,
                    gate,
                    authenticate,
                    databases,
                    shown,
                    tls,
                    tls_required,
                    seats: Arc::new(Seats(workers)),
                })))
            }
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Mysql(listener) => &listener.name,
            Self::Postgres(listener) => &listener.name,
        }
    }

    /// Serves until `shutdown`; returns once every session has ended.
    pub(super) async fn serve(self, socket: TcpListener, shutdown: CancellationToken) {
        match self {
            Self::Mysql(listener) => jurat_mysql::serve(socket, listener, shutdown).await,
            Self::Postgres(listener) => jurat_postgres::serve(socket, listener, shutdown).await,
        }
    }
}

/// The threads of both protocols are the same ones.
#[derive(Debug)]
struct Seats(Arc<Workers>);

impl jurat_mysql::Seats for Seats {
    fn seat(&self) -> Option<(tokio::runtime::Handle, Box<dyn Send>)> {
        let (handle, seat) = self.0.seat()?;
        Some((handle, Box::new(seat)))
    }
}

/// Certificate and key of the listeners.
pub(super) fn load_tls(config: &Config) -> Result<Option<Arc<rustls::ServerConfig>>, Failure> {
    let Some(files) = &config.tls else { return Ok(None) };
    let cert = std::fs::read(&files.cert).map_err(|error| {
        Failure::usage(format!("the certificate {} cannot be read: {error}", files.cert.display()))
    })?;
    let key = files
        .key
        .fetch()
        .map_err(|error| Failure::because(Exit::Usage, "the key of [tls]", &error))?;
    jurat_postgres::server_config(&cert, key.expose().as_bytes())
        .map(|server| Some(Arc::new(server)))
        .map_err(|error| Failure::because(Exit::Usage, "[tls] cannot be used", &error))
}
