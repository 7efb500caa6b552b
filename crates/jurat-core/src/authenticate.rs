//! Port: from a name to the credential that proves it, and to the principal behind it.

use jurat_types::{Principal, Secret};

/// Knows who may log in.
pub trait Authenticate: Send + Sync + std::fmt::Debug {
    /// The credential of `user`. An unknown user gets a credential that no password fits, so that an
    /// answer does not tell which names exist.
    fn credential(&self, user: &str) -> Credential;
}

/// What a client must prove, and who it is once it has.
#[derive(Clone, Debug)]
pub struct Credential {
    /// A SCRAM-SHA-256 verifier in the form of `pg_authid.rolpassword`.
    pub scram_verifier: Secret<String>,
    /// `None` for an unknown user: the exchange is carried out and then fails.
    pub principal: Option<Principal>,
}
