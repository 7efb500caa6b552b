//! The end-to-end suite: real clients, the real binary, a real PostgreSQL.
//!
//! - [`harness`] starts what a test needs and holds the two oracles: no protected value leaves, and every
//!   statement that ran was judged and recorded before.
//! - [`generate`] makes statements that nobody thought of.
//! - [`suite`] has one module a promise or a threat; each says which in its first line.

mod generate;
mod harness;
/// What every store has to do, as `jurat-store` has it.
#[path = "../../crates/jurat-store/src/store_suite.rs"]
mod store_suite;
mod suite;
