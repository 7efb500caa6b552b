//! SCRAM-SHA-256 with a client (RFC 5802, RFC 7677) without a network: messages in, messages out.
//!
//! It uses nothing else of this crate: the fuzz target `sasl` takes this file and `login.rs` as they are.

use jurat_wire::postgres::{
    error::ParseError,
    frontend::{Frontend, SaslInitial, parse_frontend},
};
use pgwire::api::auth::sasl::scram::{
    ScramSecret, ScramServerAuth, ScramServerAuthWaitingForClientFinal,
};

/// The one mechanism that is offered.
pub(crate) const MECHANISM: &str = "SCRAM-SHA-256";

/// Why a client has not proved that it knows the password. The client is told one sentence for all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScramError {
    /// What the client sent is not an answer to what it was asked.
    #[error("the client broke the protocol: {0}")]
    Protocol(String),
    /// The proof does not fit.
    #[error("wrong password or unknown user")]
    Wrong,
    /// The verifier in the users file cannot be read.
    #[error("the verifier of the user cannot be read")]
    Verifier,
}

/// An exchange in which the client has been challenged.
#[derive(Debug)]
pub(crate) struct Challenged(ScramServerAuthWaitingForClientFinal);

/// Answers the body of SASLInitialResponse with a challenge, against a verifier as
/// `pg_authid.rolpassword` has it: `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`.
///
/// # Errors
/// [`ScramError`]; nothing about the cause may be told to the client.
pub(crate) fn challenge(verifier: &str, body: &[u8]) -> Result<(String, Challenged), ScramError> {
    let secret = parse_verifier(verifier).ok_or(ScramError::Verifier)?;
    let broken = |error: ParseError| ScramError::Protocol(error.to_string());
    let Frontend::Password(data) = parse_frontend(b'p', body).map_err(broken)? else {
        return Err(ScramError::Protocol("not a SASL message".to_owned()));
    };
    let initial = SaslInitial::parse(&data).map_err(broken)?;
    if initial.mechanism != MECHANISM {
        return Err(ScramError::Protocol("a mechanism that was not offered".to_owned()));
    }
    let first = initial.data.map(|data| data.expose()).unwrap_or_default();
    let (challenge, exchange) = ScramServerAuth::new()
        .on_client_first_message_with_secret(first, secret)
        .map_err(|error| ScramError::Protocol(error.to_string()))?;
    Ok((challenge, Challenged(exchange)))
}

impl Challenged {
    /// Takes the body of SASLResponse and returns what proves the verifier to the client.
    ///
    /// # Errors
    /// [`ScramError::Wrong`] unless the client knows the password.
    pub(crate) fn prove(&self, body: &[u8]) -> Result<String, ScramError> {
        self.0.on_client_final_message(body).map_err(|_why| ScramError::Wrong)
    }
}

fn parse_verifier(text: &str) -> Option<ScramSecret> {
    let rest = text.strip_prefix("SCRAM-SHA-256$")?;
    let (parameters, keys) = rest.split_once('$')?;
    let (iterations, salt) = parameters.split_once(':')?;
    let (stored_key, server_key) = keys.split_once(':')?;
    Some(ScramSecret::Verifier {
        salt: decode_base64(salt)?,
        iterations: iterations.parse().ok()?,
        stored_key: decode_base64(stored_key).filter(|key| key.len() == 32)?,
        server_key: decode_base64(server_key).filter(|key| key.len() == 32)?,
    })
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}
