//! Who is it: the users file with SCRAM verifiers.
//!
//! [`Users`] implements the core's [`Authenticate`](jurat_core::Authenticate) port over a TOML file,
//! [`make_verifier`] and [`make_mysql_verifier`] make what stands in it, and [`document`] reads TOML strictly, with errors that
//! name the place and the nearest key; the binary reads its configuration through it too.

pub mod document;
mod mysql;
mod users;
mod verifier;

pub use mysql::make_mysql_verifier;
pub use users::{Users, UsersError};
pub use verifier::{PasswordError, VerifierError, check_verifier, make_verifier};
