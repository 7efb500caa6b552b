//! Fills the shop, and makes the role that Jurat logs in as: it owns the shop and nothing else.

use jurat_types::Secret;

use super::cluster::{Cluster, SUPERUSER, random_password};
use crate::exit::{Exit, Failure};

const SQL: &str = include_str!("seed.sql");

/// The database and the role that owns it.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) database: &'static str,
    pub(super) owner: &'static str,
    pub(super) password: Secret<String>,
}

/// Makes role, database and rows.
///
/// # Errors
/// What the server said.
pub(super) async fn shop(cluster: &Cluster) -> Result<Shop, Failure> {
    let shop =
        Shop { database: "shop", owner: "shop_app", password: Secret::new(random_password()?) };
    fill(cluster, &shop)
        .await
        .map_err(|error| Failure::because(Exit::Failure, "the shop cannot be filled", &error))?;
    Ok(shop)
}

async fn fill(cluster: &Cluster, shop: &Shop) -> Result<(), tokio_postgres::Error> {
    let Shop { database, owner, password } = shop;
    let admin = cluster.connect(SUPERUSER, &cluster.password, "postgres").await?;
    // The names are constants and the password is hexadecimal, so nothing needs quoting.
    let role = format!("CREATE ROLE {owner} LOGIN PASSWORD '{}'", password.expose());
    admin.batch_execute(&role).await?;
    admin.batch_execute(&format!("CREATE DATABASE {database} OWNER {owner}")).await?;
    cluster.connect(owner, password, database).await?.batch_execute(SQL).await
}
