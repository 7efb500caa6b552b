//! Letting a client prove who it is.
//!
//! Inside of TLS, `caching_sha2_password` is always told that the server does not know the hash: the client then
//! sends the password, or a token, which is checked against the verifier of the users file. A client that
//! begins with another plugin is asked for this one, unless it has answered that one's challenge rightly. Without TLS only challenges are answered, against verifiers
//! that are configured for it. What is asked never depends on whether the user exists.

use std::sync::Arc;

use jurat_core::{Authenticate, Credential};
use jurat_types::{AuthMethod, Principal};
use jurat_wire::mysql::{
    auth::{FAST_SUCCESS, FULL_AUTHENTICATION, put_more, put_switch},
    encode,
    error::EncodeError,
};
use ring::digest::{self, Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use crate::{
    pipe::Pipe,
    startup::{Arrival, ArrivalError, Challenge, PLUGIN, Request, challenge, packet},
};

/// The older plugin, which some drivers begin with.
const NATIVE: &[u8] = b"mysql_native_password";

/// The plugin that sends the password at once. It is never asked for, and without TLS it is not looked at.
const CLEAR: &[u8] = b"mysql_clear_password";

/// Why a client was not let in. The client is told one sentence for all of them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// What the client sent is not an answer to what it was asked, or it left.
    #[error("the login broke off")]
    Broken(#[from] ArrivalError),
    /// The client has not proved that it knows the password, or there is no such user.
    #[error("wrong password or unknown user")]
    Wrong,
    /// Without TLS the password cannot be asked for, and no challenge was answered rightly.
    #[error("wrong password or unknown user, or the user has no verifier for logins without TLS")]
    NoTls,
    /// A question cannot be written.
    #[error("a question cannot be written")]
    Encode(#[from] EncodeError),
}

/// Lets a client prove that it knows the password of the user that it names.
///
/// # Errors
/// [`AuthError`]; nothing about the cause may be told to the client.
pub(crate) async fn authenticate(
    arrival: &mut Arrival,
    users: &Arc<dyn Authenticate>,
) -> Result<Principal, AuthError> {
    let Arrival { pipe, request, tls, sequence } = arrival;
    let challenge = &request.challenge;
    let credential = users.credential(&request.user);
    let first = request.auth.expose();
    let mut caching = request.plugin == PLUGIN.as_bytes();
    if caching && sha2_fits(&credential, challenge, first) {
        return fast(pipe, sequence, credential);
    }
    if request.plugin == NATIVE && native_fits(&credential, challenge, first) {
        return challenged(credential);
    }
    if *tls && request.plugin == CLEAR && !first.is_empty() {
        return check(request, users, first.clone()).await;
    }
    // The answer to a challenge that another plugin was asked for is worth nothing, and so the challenge is
    // another one. A client that logs in anew may have answered another challenge than ours.
    if !caching || request.again {
        let (answer, challenge) = switch(pipe, sequence).await?;
        if sha2_fits(&credential, &challenge, &answer) {
            return fast(pipe, sequence, credential);
        }
        // The empty answer stands for the empty password, which nobody has.
        caching = !answer.is_empty();
    } else {
        caching = !first.is_empty();
    }
    match (*tls, caching) {
        (true, true) => full(pipe, sequence, request, users).await,
        (true, false) => Err(AuthError::Wrong),
        (false, _) => Err(AuthError::NoTls),
    }
}

/// Tells the client that its answer was right.
fn fast(
    pipe: &mut Pipe,
    sequence: &mut u8,
    credential: Credential,
) -> Result<Principal, AuthError> {
    say(pipe, sequence, FAST_SUCCESS)?;
    challenged(credential)
}

fn challenged(credential: Credential) -> Result<Principal, AuthError> {
    let mut principal = credential.principal.ok_or(AuthError::Wrong)?;
    principal.auth.method = AuthMethod::Challenge;
    Ok(principal)
}

/// Asks for the password itself. Only inside of TLS.
async fn full(
    pipe: &mut Pipe,
    sequence: &mut u8,
    request: &Request,
    users: &Arc<dyn Authenticate>,
) -> Result<Principal, AuthError> {
    say(pipe, sequence, FULL_AUTHENTICATION)?;
    let password = packet(pipe, sequence).await?;
    check(request, users, password).await
}

async fn check(
    request: &Request,
    users: &Arc<dyn Authenticate>,
    mut password: Vec<u8>,
) -> Result<Principal, AuthError> {
    // A NUL byte ends the password.
    if password.pop() != Some(0) || password.is_empty() || password.contains(&0) {
        return Err(AuthError::Wrong);
    }
    let (users, user) = (Arc::clone(users), request.user.clone());
    // Thousands of rounds of hashing, during which the other sessions of this thread must not wait.
    let checked = tokio::task::spawn_blocking(move || users.check_password(&user, &password)).await;
    checked.ok().flatten().ok_or(AuthError::Wrong)
}

/// Asks a client that began with another plugin to use ours; returns its answer and what it answers.
async fn switch(pipe: &mut Pipe, sequence: &mut u8) -> Result<(Vec<u8>, Challenge), AuthError> {
    let challenge = challenge().ok_or(ArrivalError::Random)?;
    encode::packet(pipe.out(), sequence, |out| put_switch(out, PLUGIN.as_bytes(), &challenge))?;
    Ok((packet(pipe, sequence).await?, challenge))
}

fn say(pipe: &mut Pipe, sequence: &mut u8, byte: u8) -> Result<(), EncodeError> {
    encode::packet(pipe.out(), sequence, |out| {
        put_more(out, &[byte]);
        Ok(())
    })
}

/// Whether `answer` is that of `caching_sha2_password`: XOR of SHA-256 of the password, and SHA-256 of the
/// verifier and the challenge. Whoever knows the former has its hash in the verifier.
fn sha2_fits(credential: &Credential, challenge: &Challenge, answer: &[u8]) -> bool {
    let Some(verifier) = credential.mysql_sha2.as_ref() else { return false };
    let verifier = verifier.expose();
    let mask = hash(&SHA256, &[verifier, challenge]);
    answers(&SHA256, &mask, answer, verifier)
}

/// Whether `answer` is that of `mysql_native_password`: the same with SHA-1, and the challenge in front.
fn native_fits(credential: &Credential, challenge: &Challenge, answer: &[u8]) -> bool {
    let Some(verifier) = credential.mysql_native.as_ref() else { return false };
    let verifier = verifier.expose();
    let mask = hash(&SHA1_FOR_LEGACY_USE_ONLY, &[challenge, verifier]);
    answers(&SHA1_FOR_LEGACY_USE_ONLY, &mask, answer, verifier)
}

fn answers(algorithm: &'static Algorithm, mask: &[u8], answer: &[u8], verifier: &[u8]) -> bool {
    let once: Vec<u8> = answer.iter().zip(mask).map(|(one, two)| one ^ two).collect();
    let twice = hash(algorithm, &[&once]);
    let differs =
        twice.iter().zip(verifier).fold(0, |differs, (one, two)| differs | (one ^ two)) != 0;
    answer.len() == mask.len() && twice.len() == verifier.len() && !differs
}

fn hash(algorithm: &'static Algorithm, parts: &[&[u8]]) -> Vec<u8> {
    let mut context = digest::Context::new(algorithm);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests;
