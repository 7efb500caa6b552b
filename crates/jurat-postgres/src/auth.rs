//! Letting a client prove who it is.

use jurat_core::{Authenticate, Credential};
use jurat_types::Principal;
use jurat_wire::postgres::{
    encode::backend as encode,
    frame::{FRAME_HEADER, scan},
};

use crate::{
    pipe::Pipe,
    respond::write,
    scram::{self, MECHANISM, ScramError},
};

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
    /// The client has not proved that it knows the password, or there is no such user.
    #[error(transparent)]
    Scram(#[from] ScramError),
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
    let Credential { scram_verifier, principal, .. } = users.credential(user);
    write(encode::authentication_sasl(pipe.out(), &[MECHANISM]));

    let body = sasl_message(pipe).await?;
    let (challenge, challenged) = scram::challenge(scram_verifier.expose(), &body)?;
    write(encode::authentication_sasl_continue(pipe.out(), challenge.as_bytes()));

    let body = sasl_message(pipe).await?;
    let proof = challenged.prove(&body)?;
    // An unknown user has been taken through the whole exchange, so that neither the answers nor
    // their number tell whether the name exists.
    let principal = principal.ok_or(ScramError::Wrong)?;
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
