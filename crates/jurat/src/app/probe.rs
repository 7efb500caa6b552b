//! A look at each database when serving begins: nothing waits for it, but whoever reads the log learns
//! of a wrong password or address before the first client does.

use std::sync::Arc;

use jurat_core::Limits;
use jurat_postgres::UpstreamDatabase;

use crate::exit::chain;

/// Logs in, reads the catalog, and says in the log what came of it.
pub(super) async fn probe(database: Arc<UpstreamDatabase>, limits: Limits) {
    let name = &database.database.target.name;
    match jurat_postgres::read_catalog(&database, &limits).await {
        Ok(catalog) => tracing::info!(
            database = name,
            version = catalog.server_version,
            relations = catalog.relations.len(),
            "database reached"
        ),
        Err(error) => {
            tracing::warn!(database = name, error = chain(&error), "database not reached");
        }
    }
}
