//! Fills the shop, as the role or account that Jurat logs in as: it owns the shop and nothing else.

use jurat_types::Secret;

use super::{
    client::Failed,
    cluster::{Cluster, SUPERUSER},
    mariadb::Server,
    place::random_password,
};
use crate::exit::{Exit, Failure};

const POSTGRES_SQL: &str = include_str!("seed.sql");
const MARIADB_SQL: &str = include_str!("seed.mariadb.sql");

/// The database and who owns it.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) database: &'static str,
    pub(super) owner: &'static str,
    pub(super) password: Secret<String>,
}

impl Shop {
    /// With a new password.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub(super) fn new() -> Result<Self, Failure> {
        let password = Secret::new(random_password()?);
        Ok(Self { database: "shop", owner: "shop_app", password })
    }
}

/// Makes role, database and rows.
///
/// # Errors
/// What the server said.
pub(super) async fn postgres(cluster: &Cluster, shop: &Shop) -> Result<(), Failure> {
    let filled = async {
        let Shop { database, owner, password } = shop;
        let admin = cluster.connect(SUPERUSER, &cluster.password, "postgres").await?;
        // The names are constants and the password is hexadecimal, so nothing needs quoting.
        let role = format!("CREATE ROLE {owner} LOGIN PASSWORD '{}'", password.expose());
        admin.batch_execute(&role).await?;
        admin.batch_execute(&format!("CREATE DATABASE {database} OWNER {owner}")).await?;
        cluster.connect(owner, password, database).await?.batch_execute(POSTGRES_SQL).await
    };
    filled.await.map_err(|error: tokio_postgres::Error| {
        Failure::because(Exit::Failure, "the shop cannot be filled", &error)
    })
}

/// Makes the rows.
///
/// # Errors
/// What the server said.
pub(super) async fn mariadb(server: &Server, shop: &Shop) -> Result<(), Failure> {
    let filled = async {
        let mut connection = server.connect(shop).await?;
        for statement in MARIADB_SQL.split_terminator(";\n") {
            connection.query(statement).await?;
        }
        Ok(())
    };
    filled
        .await
        .map_err(|error: Failed| Failure::other(format!("the shop cannot be filled: {error}")))
}
