//! The database behind Jurat in the demo: a throw-away PostgreSQL where its programs are installed, and the
//! embedded playground everywhere else.

use std::path::Path;

use jurat_playground::Playground;
use jurat_types::Secret;
use tokio_postgres::Client;

use super::{
    cluster::{self, Cluster, random_password},
    print::Printer,
    programs::Programs,
    seed::{self, Shop},
};
use crate::exit::{Exit, Failure};

/// What `--upstream` asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Wanted {
    /// A real server that is found, or else the playground
    #[default]
    Auto,
    /// SQLite behind PostgreSQL's protocol; needs nothing installed
    Playground,
    /// A throw-away PostgreSQL; needs its programs
    Postgres,
    /// A throw-away MariaDB; needs its programs
    Mariadb,
}

/// A database with the shop in it.
#[derive(Debug)]
pub(super) struct Upstream {
    /// Its port on 127.0.0.1.
    pub(super) port: u16,
    pub(super) shop: Shop,
    /// A query for one value that differs after any write to the customers.
    pub(super) state: &'static str,
    /// Ends with this.
    _server: Server,
}

#[derive(Debug)]
enum Server {
    Postgres { _cluster: Cluster },
    Playground { _playground: Playground },
}

/// Whether any row changed in any column, and whether any was so much as written again.
const POSTGRES_STATE: &str =
    "SELECT md5(string_agg(c::text || c.xmin::text, ',' ORDER BY id)) FROM customers AS c";

/// The same; the playground counts the rows that were written.
const PLAYGROUND_STATE: &str = "SELECT md5(string_agg(concat(id, name, email, phone, card, tier, created_at), ',' \
                                ORDER BY id) || playground_rows_written()) FROM customers";

impl Upstream {
    /// Starts the database that is wanted below `base`, fills it, and says which it is.
    ///
    /// # Errors
    /// What is missing, or what the database said.
    pub(super) async fn start(
        wanted: Wanted,
        base: &Path,
        printer: Printer,
    ) -> Result<Self, Failure> {
        match wanted {
            Wanted::Playground => Self::playground(base, printer).await,
            Wanted::Postgres => Self::postgres(&Programs::find()?, base, printer).await,
            Wanted::Mariadb => Err(Failure::new(
                Exit::Usage,
                "the tour goes over PostgreSQL's protocol only, so far: --upstream postgres or playground",
            )),
            Wanted::Auto => match Programs::find() {
                Ok(programs) => match Self::postgres(&programs, base, printer).await {
                    Ok(upstream) => Ok(upstream),
                    Err(failure) => {
                        printer.opening(&format!("no PostgreSQL: {failure}"))?;
                        Self::playground(base, printer).await
                    }
                },
                Err(_missing) => {
                    printer.opening("no PostgreSQL is installed, which the demo would prefer")?;
                    Self::playground(base, printer).await
                }
            },
        }
    }

    async fn postgres(programs: &Programs, base: &Path, printer: Printer) -> Result<Self, Failure> {
        printer.opening(&format!(
            "starting PostgreSQL {} ({}) in a temporary directory, and filling a shop",
            programs.version,
            programs.bin.display()
        ))?;
        let cluster = Cluster::start(programs, base).await?;
        let shop = seed::shop(&cluster).await?;
        let (port, state) = (cluster.port, POSTGRES_STATE);
        Ok(Self { port, shop, state, _server: Server::Postgres { _cluster: cluster } })
    }

    async fn playground(base: &Path, printer: Printer) -> Result<Self, Failure> {
        printer.opening(
            "using the playground: SQLite inside this program, behind PostgreSQL's protocol; for practice only",
        )?;
        let password = Secret::new(random_password()?);
        let started = Playground::start(base, password.expose()).await;
        let playground = started.map_err(|error| {
            Failure::because(Exit::Failure, "the playground does not start", &error)
        })?;
        let shop =
            Shop { database: jurat_playground::DATABASE, owner: jurat_playground::USER, password };
        let (port, state) = (playground.postgres.port(), PLAYGROUND_STATE);
        Ok(Self { port, shop, state, _server: Server::Playground { _playground: playground } })
    }

    /// Connects to the database itself, past Jurat, as the shop's owner.
    ///
    /// # Errors
    /// What the server or the system said.
    pub(super) async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let Shop { database, owner, password } = &self.shop;
        cluster::connect(self.port, owner, password.expose(), database).await
    }
}
