//! Port: from a name to the credential that proves it, and to the principal behind it.

use jurat_types::{Principal, Secret};

/// Knows who may log in.
pub trait Authenticate: Send + Sync + std::fmt::Debug {
    /// The credential of `user`. An unknown user gets a credential that no password fits, so that an
    /// answer does not tell which names exist.
    fn credential(&self, user: &str) -> Credential;

    /// Who `user` is, where `password` is that user's: for protocols that carry the password itself
    /// inside of TLS. It takes as long for an unknown user, and takes a while: call it where waiting
    /// is allowed.
    fn check_password(&self, user: &str, password: &[u8]) -> Option<Principal>;
}

/// What a client must prove, and who it is once it has.
#[derive(Clone, Debug)]
pub struct Credential {
    /// A SCRAM-SHA-256 verifier in the form of `pg_authid.rolpassword`.
    pub scram_verifier: Secret<String>,
    /// SHA-256 of the SHA-256 of the password, against which `caching_sha2_password` of MySQL is
    /// answered without TLS; `None` where none is configured.
    pub mysql_sha2: Option<Secret<[u8; 32]>>,
    /// SHA-1 of the SHA-1 of the password, for `mysql_native_password`; `None` where none is
    /// configured.
    pub mysql_native: Option<Secret<[u8; 20]>>,
    /// `None` for an unknown user: the exchange is carried out and then fails.
    pub principal: Option<Principal>,
}
