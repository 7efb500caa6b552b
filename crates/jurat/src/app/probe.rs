//! A look at each database when serving begins: nothing waits for it, but whoever reads the log learns
//! of a wrong password or address before the first client does.

use jurat_core::Limits;

use super::UpstreamDatabase;

/// Logs in, reads the catalog, and says in the log what came of it.
pub(super) async fn probe(database: UpstreamDatabase, limits: Limits) {
    let name = database.name();
    match database.read_catalog(&limits).await {
        Ok(catalog) => tracing::info!(
            database = name,
            version = catalog.server_version,
            relations = catalog.relations.len(),
            "database reached"
        ),
        Err(error) => {
            tracing::warn!(database = name, error, "database not reached");
        }
    }
}
