//! SCRAM-SHA-256 with a client (RFC 5802, RFC 7677), against a verifier.

use jurat_core::{Authenticate, Credential};
use jurat_types::Principal;
use jurat_wire::postgres::{
    encode::backend as encode,
    frame::{FRAME_HEADER, scan},
    frontend::{Frontend, SaslInitial, parse_frontend},
};
use pgwire::api::auth::sasl::scram::{ScramSecret, ScramServerAuth};

use crate::{pipe::Pipe, respond::write};

/// The one mechanism that is offered.
const MECHANISM: &str = "SCRAM-SHA-256";

/// A SASL message is short; before a client is known it may not make us hold more, bytes.
const SASL_BYTES_MAX: usize = 4 << 10;

/// Why a client was not let in. The client is told one sentence for all of them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// The client left or the network failed.
    #[error("the client left")]
    Io(#[from] std::io::Error),
    /// What the client sent is not an answer to what it was asked.
    #[error("the client broke the protocol: {0}")]
    Protocol(String),
    /// The proof does not fit, or there is no such user.
    #[error("wrong password or unknown user")]
    Wrong,
    /// The verifier in the users file cannot be read.
    #[error("the verifier of the user cannot be read")]
    Verifier,
}

/// Lets a client prove that it knows the password of `user`.
///
/// # Errors
/// [`AuthError`]; nothing about the cause may be told to the client.
pub(crate) async fn authenticate(
    pipe: &mut Pipe,
    users: &dyn Authenticate,
    user: &str,
) -> Result<Principal, AuthError> {
    let Credential { scram_verifier, principal } = users.credential(user);
    let secret = parse_verifier(scram_verifier.expose()).ok_or(AuthError::Verifier)?;
    write(encode::authentication_sasl(pipe.out(), &[MECHANISM]));

    let body = sasl_message(pipe).await?;
    let broken =
        |error: jurat_wire::postgres::error::ParseError| AuthError::Protocol(error.to_string());
    let Frontend::Password(data) = parse_frontend(b'p', &body).map_err(broken)? else {
        return Err(AuthError::Protocol("not a SASL message".to_owned()));
    };
    let initial = SaslInitial::parse(&data).map_err(broken)?;
    if initial.mechanism != MECHANISM {
        return Err(AuthError::Protocol("a mechanism that was not offered".to_owned()));
    }
    let first = initial.data.map(|data| data.expose()).unwrap_or_default();
    let (challenge, exchange) = ScramServerAuth::new()
        .on_client_first_message_with_secret(first, secret)
        .map_err(|error| AuthError::Protocol(error.to_string()))?;
    write(encode::authentication_sasl_continue(pipe.out(), challenge.as_bytes()));

    let body = sasl_message(pipe).await?;
    let proof = exchange.on_client_final_message(&body).map_err(|_why| AuthError::Wrong)?;
    // An unknown user has been taken through the whole exchange, so that neither the answers nor
    // their number tell whether the name exists.
    let principal = principal.ok_or(AuthError::Wrong)?;
    write(encode::authentication_sasl_final(pipe.out(), proof.as_bytes()));
    Ok(principal)
}

async fn sasl_message(pipe: &mut Pipe) -> Result<Vec<u8>, AuthError> {
    pipe.drain().await?;
    loop {
        let header = scan(&pipe.inbox, SASL_BYTES_MAX)
            .map_err(|error| AuthError::Protocol(error.to_string()))?;
        if let Some(header) = header {
            // A second start-up message in place of a SASL message must not be taken for one
            // (CVE-2026-107350 in another proxy): only `p` is expected here.
            if header.tag != b'p' {
                return Err(AuthError::Protocol("not a SASL message".to_owned()));
            }
            if let Some(body) = pipe.inbox.get(FRAME_HEADER..header.whole_len()) {
                let body = body.to_vec();
                pipe.consume(header.whole_len());
                return Ok(body);
            }
        }
        pipe.fill().await?;
    }
}

/// `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`, as in `pg_authid.rolpassword`.
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
