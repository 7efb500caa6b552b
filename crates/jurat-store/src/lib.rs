//! Requests for consent and budgets at rest: [`SqliteStore`], in a file of its own, and [`PostgresStore`], in a
//! database that several replicas share.
//!
//! What may happen to a request is decided in `jurat-core`; a store makes each step one transaction that
//! has happened for good when it returns, whatever becomes of the process then.

mod postgres;
mod sqlite;

pub use postgres::{PostgresSettings, PostgresStore, SharedBudgets};
pub use sqlite::SqliteStore;

#[cfg(test)]
mod store_suite;
#[cfg(test)]
mod tests;
