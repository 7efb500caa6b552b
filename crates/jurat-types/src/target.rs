//! Where a statement goes: one configured database.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The database that a session is connected to, as policies see it.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Target {
    /// The name clients connect to.
    pub name: String,
    /// Which kind of server it is.
    pub engine: Engine,
    /// The server's version, as it says itself.
    pub version: String,
    /// The database's name on the upstream server.
    pub database: String,
    /// For example `production` or `staging`, from the configuration.
    pub environment: String,
    /// Free labels from the configuration.
    pub labels: BTreeMap<String, String>,
    /// The database role that Jurat uses upstream.
    pub upstream_user: String,
}

/// A kind of database server.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// MariaDB.
    Mariadb,
    /// MySQL.
    Mysql,
    /// PostgreSQL.
    #[default]
    Postgres,
}

impl Engine {
    /// Whether it is PostgreSQL, which a catalog snapshot need not say.
    pub const fn is_postgres(&self) -> bool {
        match self {
            Self::Postgres => true,
            Self::Mariadb | Self::Mysql => false,
        }
    }
}
