//! Requests for consent at rest: [`SqliteStore`], in a file of its own.
//!
//! What may happen to a request is decided in `jurat-core`; a store makes each step one transaction that
//! has happened for good when it returns, whatever becomes of the process then.

mod sqlite;

pub use sqlite::SqliteStore;

#[cfg(test)]
mod suite;
