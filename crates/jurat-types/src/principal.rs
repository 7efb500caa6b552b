//! Who asks: the authenticated subject of a session.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The authenticated subject. What a client merely says about itself is in
/// [`Claimed`](crate::Claimed) and never here.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Principal {
    /// The name the principal authenticated under, for example `ana@acme.io`.
    pub id: String,
    /// Whether a person, a service or an AI agent is asking.
    pub kind: PrincipalKind,
    /// Groups from the users file or the identity provider.
    pub groups: Vec<String>,
    /// Free attributes from the users file or the identity provider.
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// How the principal proved who it is.
    pub auth: Auth,
    /// For an agent: the human it acts for (RFC 8693 `sub`).
    pub on_behalf_of: Option<Delegator>,
    /// The delegation chain, outermost actor first (RFC 8693 `act`).
    pub delegation: Vec<String>,
}

/// What kind of subject a principal is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// An AI agent.
    Agent,
    /// A human being.
    Person,
    /// A program that is not an AI agent.
    Service,
}

/// How a principal proved who it is.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Auth {
    /// The mechanism.
    pub method: AuthMethod,
    /// The issuer of the token, where there is one.
    pub issuer: Option<String>,
    /// Whether several factors were checked.
    pub mfa: bool,
}

/// Authentication mechanism.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A challenge of MySQL, answered with a hash of the password.
    Challenge,
    /// A client certificate.
    Mtls,
    /// OpenID Connect.
    Oidc,
    /// A password sent inside TLS.
    Password,
    /// SCRAM-SHA-256 (RFC 7677).
    Scram,
    /// A bearer token.
    Token,
}

/// The human that an agent acts for.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Delegator {
    /// The human's name.
    pub id: String,
    /// The human's groups.
    pub groups: Vec<String>,
}
