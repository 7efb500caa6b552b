//! Databases of both protocols, and how they are reached.

use std::{path::Path, sync::Arc};

use jurat_core::{Database, Limits};
use jurat_types::{Catalog, Secret, Target};

use crate::{
    config::{DatabaseConfig, DatabaseTls},
    exit::{Exit, Failure, chain},
};

/// A database that sessions can be connected to.
#[derive(Clone, Debug)]
pub(crate) enum UpstreamDatabase {
    Mysql(Arc<jurat_mysql::UpstreamDatabase>),
    Postgres(Arc<jurat_postgres::UpstreamDatabase>),
}

impl UpstreamDatabase {
    /// The name that clients connect to.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Mysql(database) => &database.database.target.name,
            Self::Postgres(database) => &database.database.target.name,
        }
    }

    /// What its sessions share.
    pub(crate) fn core(&self) -> &Arc<Database> {
        match self {
            Self::Mysql(database) => &database.database,
            Self::Postgres(database) => &database.database,
        }
    }

    /// Logs in and reads the catalog.
    ///
    /// # Errors
    /// Why it cannot be read, for operators.
    pub(crate) async fn read_catalog(&self, limits: &Limits) -> Result<Catalog, String> {
        match self {
            Self::Mysql(database) => {
                jurat_mysql::read_catalog(database, limits).await.map_err(|error| chain(&error))
            }
            Self::Postgres(database) => {
                jurat_postgres::read_catalog(database, limits).await.map_err(|error| chain(&error))
            }
        }
    }
}

/// A configured database as the front-end wants it.
///
/// # Errors
/// Where its secret or its certificates are not there.
pub(crate) fn upstream(config: &DatabaseConfig) -> Result<UpstreamDatabase, Failure> {
    if config.speaks_mysql() { mysql(config) } else { postgres(config) }
}

fn password(config: &DatabaseConfig) -> Result<Option<Secret<String>>, Failure> {
    let what = format!("database `{}`", config.name);
    config
        .credential
        .as_ref()
        .map(crate::config::SecretRef::fetch)
        .transpose()
        .map_err(|error| Failure::because(Exit::Usage, &what, &error))
}

/// The certificates that may sign a server's.
fn authorities(config: &DatabaseConfig, ca: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(ca).map_err(|error| {
        let name = &config.name;
        Failure::usage(format!("database `{name}`: {} cannot be read: {error}", ca.display()))
    })
}

fn postgres(config: &DatabaseConfig) -> Result<UpstreamDatabase, Failure> {
    use jurat_postgres::UpstreamTls;
    let what = format!("database `{}`", config.name);
    let client = |ca: Option<&[u8]>, verify| {
        jurat_postgres::client_config(ca, verify)
            .map(Arc::new)
            .map_err(|error| Failure::because(Exit::Usage, &what, &error))
    };
    let tls = match &config.tls {
        DatabaseTls::Disable => UpstreamTls::Disable,
        DatabaseTls::Require => UpstreamTls::Require(client(None, false)?),
        DatabaseTls::VerifyFull { ca } => {
            let pem = authorities(config, ca)?;
            UpstreamTls::VerifyFull(client(Some(&pem), true)?)
        }
    };
    Ok(UpstreamDatabase::Postgres(Arc::new(jurat_postgres::UpstreamDatabase {
        database: Arc::new(Database::new(target(config))),
        host: config.host.clone(),
        port: config.port,
        user: config.user.clone(),
        password: password(config)?,
        dbname: config.dbname.clone(),
        tls,
    })))
}

fn mysql(config: &DatabaseConfig) -> Result<UpstreamDatabase, Failure> {
    use jurat_mysql::UpstreamTls;
    let what = format!("database `{}`", config.name);
    let client = |ca: Option<&[u8]>, verify| {
        jurat_mysql::client_config(ca, verify)
            .map(Arc::new)
            .map_err(|error| Failure::because(Exit::Usage, &what, &error))
    };
    let tls = match &config.tls {
        DatabaseTls::Disable => UpstreamTls::Disable,
        DatabaseTls::Require => UpstreamTls::Require(client(None, false)?),
        DatabaseTls::VerifyFull { ca } => {
            let pem = authorities(config, ca)?;
            UpstreamTls::VerifyFull(client(Some(&pem), true)?)
        }
    };
    Ok(UpstreamDatabase::Mysql(Arc::new(jurat_mysql::UpstreamDatabase {
        database: Arc::new(Database::new(target(config))),
        host: config.host.clone(),
        port: config.port,
        user: config.user.clone(),
        password: password(config)?,
        dbname: config.dbname.clone(),
        tls,
    })))
}

/// What policies are told about a configured database. Its version is told by its catalog.
pub(crate) fn target(config: &DatabaseConfig) -> Target {
    Target {
        name: config.name.clone(),
        engine: config.engine,
        version: String::new(),
        database: config.dbname.clone(),
        environment: config.environment.clone(),
        labels: config.labels.clone(),
        upstream_user: config.user.clone(),
    }
}
