//! The databases behind Jurat in the demo, one for each protocol: a throw-away PostgreSQL and a throw-away MariaDB
//! where their programs are installed, and the embedded playground in the place of what is not.

use std::path::Path;

use jurat_playground::Playground;
use jurat_types::Secret;

use super::{
    client::{Client, Failed, Protocol},
    cluster::Cluster,
    mariadb,
    place::random_password,
    print::Printer,
    programs,
    seed::{self, Shop},
};
use crate::exit::{Exit, Failure};

/// What `--upstream` asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Wanted {
    /// For each protocol a real server that is found, or else the playground
    #[default]
    Auto,
    /// SQLite behind both protocols; needs nothing installed
    Playground,
    /// A throw-away PostgreSQL; needs its programs
    Postgres,
    /// A throw-away MariaDB; needs its programs
    Mariadb,
}

/// A database with the shop in it.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) protocol: Protocol,
    /// What it is, for people.
    pub(super) is: String,
    /// Its port on 127.0.0.1.
    pub(super) port: u16,
    pub(super) shop: Shop,
    /// A query for one value that differs after any write to the customers.
    pub(super) state: &'static str,
    /// Ends with this.
    server: Server,
}

#[derive(Debug)]
enum Server {
    Postgres { _cluster: Cluster },
    Mariadb { _server: mariadb::Server },
    Playground { _playground: Playground },
}

/// Whether any row changed in any column, and whether any was so much as written again.
const POSTGRES_STATE: &str =
    "SELECT md5(string_agg(c::text || c.xmin::text, ',' ORDER BY id)) FROM customers AS c";

/// The same; MariaDB counts how often it was asked to write a row again.
const MARIADB_STATE: &str = "SELECT concat(count(*), ' ', sum(crc32(concat_ws(',', id, name, email, phone, card, \
                             tier, created_at))), ' ', (SELECT VARIABLE_VALUE FROM \
                             information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'HANDLER_UPDATE')) \
                             FROM customers";

/// The same; the playground counts the rows that were written.
const PLAYGROUND_STATE_MYSQL: &str = "SELECT md5(concat(group_concat(concat(id, name, email, phone, card, tier, created_at) \
                                      ORDER BY id), playground_rows_written())) FROM customers";

/// The same in the words of the other protocol.
const PLAYGROUND_STATE: &str = "SELECT md5(string_agg(concat(id, name, email, phone, card, tier, created_at), ',' \
                                ORDER BY id) || playground_rows_written()) FROM customers";

impl Upstream {
    /// Starts the databases that are wanted below `base`, fills them, and says which they are.
    ///
    /// # Errors
    /// What is missing, or what a database said.
    pub(super) async fn start(
        wanted: Wanted,
        base: &Path,
        printer: Printer,
    ) -> Result<Vec<Self>, Failure> {
        match wanted {
            Wanted::Playground => {
                Self::playground(&[Protocol::Postgres, Protocol::Mysql], base, printer).await
            }
            Wanted::Postgres => Ok(vec![Self::postgres(base, printer).await?]),
            Wanted::Mariadb => Ok(vec![Self::mariadb(base, printer).await?]),
            Wanted::Auto => {
                let (mut found, mut missing) = (Vec::new(), Vec::new());
                for (protocol, started) in [
                    (Protocol::Postgres, Self::postgres(base, printer).await),
                    (Protocol::Mysql, Self::mariadb(base, printer).await),
                ] {
                    match started {
                        Ok(upstream) => found.push(upstream),
                        Err(failure) => {
                            let product = match protocol {
                                Protocol::Postgres => "PostgreSQL",
                                Protocol::Mysql => "MariaDB",
                            };
                            printer.opening(&if failure.exit == Exit::Unreachable {
                                format!("no {product} is installed, which the demo would prefer")
                            } else {
                                format!("no {product}: {failure}")
                            })?;
                            missing.push(protocol);
                        }
                    }
                }
                if !missing.is_empty() {
                    found.extend(Self::playground(&missing, base, printer).await?);
                }
                found.sort_by_key(|upstream| upstream.protocol);
                Ok(found)
            }
        }
    }

    async fn postgres(base: &Path, printer: Printer) -> Result<Self, Failure> {
        let programs = programs::Postgres::find()?;
        let is = format!("PostgreSQL {}", programs.version);
        printer.opening(&format!(
            "starting {is} ({}) in a temporary directory, and filling a shop",
            programs.bin.display()
        ))?;
        let cluster = Cluster::start(&programs, base).await?;
        let shop = Shop::new()?;
        seed::postgres(&cluster, &shop).await?;
        let (protocol, port, state) = (Protocol::Postgres, cluster.port, POSTGRES_STATE);
        let server = Server::Postgres { _cluster: cluster };
        Ok(Self { protocol, is, port, shop, state, server })
    }

    async fn mariadb(base: &Path, printer: Printer) -> Result<Self, Failure> {
        let programs = programs::Mariadb::find()?;
        let is = format!("MariaDB {}", programs.version);
        printer.opening(&format!(
            "starting {is} ({}) in a temporary directory, and filling a shop",
            programs.server.display()
        ))?;
        let shop = Shop::new()?;
        let server = mariadb::Server::start(&programs, base, &shop).await?;
        seed::mariadb(&server, &shop).await?;
        let (protocol, port, state) = (Protocol::Mysql, server.port, MARIADB_STATE);
        let server = Server::Mariadb { _server: server };
        Ok(Self { protocol, is, port, shop, state, server })
    }

    /// A playground for each of the protocols, so that each has a shop of its own.
    async fn playground(
        protocols: &[Protocol],
        base: &Path,
        printer: Printer,
    ) -> Result<Vec<Self>, Failure> {
        let behind: Vec<String> = protocols.iter().map(|p| format!("{p}'s")).collect();
        let protocol = if behind.len() == 1 { "protocol" } else { "protocols" };
        printer.opening(&format!(
            "using the playground: SQLite inside this program, behind {} {protocol}; for practice only",
            behind.join(" and ")
        ))?;
        let mut started = Vec::new();
        for protocol in protocols {
            started.push(Self::one_playground(*protocol, base).await?);
        }
        Ok(started)
    }

    async fn one_playground(protocol: Protocol, base: &Path) -> Result<Self, Failure> {
        let wrong = |error: std::io::Error| {
            Failure::because(Exit::Failure, "the playground does not start", &error)
        };
        let dir = base.join(format!("playground-{protocol}"));
        std::fs::create_dir(&dir).map_err(wrong)?;
        let password = Secret::new(random_password()?);
        let playground = Playground::start(&dir, password.expose()).await.map_err(wrong)?;
        let (address, state) = match protocol {
            Protocol::Postgres => (playground.postgres, PLAYGROUND_STATE),
            Protocol::Mysql => (playground.mysql, PLAYGROUND_STATE_MYSQL),
        };
        let shop =
            Shop { database: jurat_playground::DATABASE, owner: jurat_playground::USER, password };
        let (is, port) = ("the playground".to_owned(), address.port());
        Ok(Self {
            protocol,
            is,
            port,
            shop,
            state,
            server: Server::Playground { _playground: playground },
        })
    }

    /// Connects to the database itself, past Jurat, as the shop's owner.
    ///
    /// # Errors
    /// What the server or the system said.
    pub(super) async fn connect(&self) -> Result<Client, Failed> {
        let Shop { database, owner, password } = &self.shop;
        Client::connect(self.protocol, self.port, owner, password.expose(), database).await
    }

    /// The name under which Jurat serves it. Clients connect to that, and `jurat admin freeze` takes it.
    pub(super) const fn name(&self) -> &'static str {
        match self.protocol {
            Protocol::Postgres => "shop",
            Protocol::Mysql => "shop_mysql",
        }
    }

    /// What the configuration calls it.
    pub(super) const fn engine(&self) -> &'static str {
        match (self.protocol, &self.server) {
            (Protocol::Postgres, _) => "postgres",
            (Protocol::Mysql, Server::Playground { .. }) => "mysql",
            (Protocol::Mysql, Server::Postgres { .. } | Server::Mariadb { .. }) => "mariadb",
        }
    }
}

/// A database, and the port at which Jurat serves it.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) upstream: Upstream,
    pub(super) port: u16,
}
