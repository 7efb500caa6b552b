//! Tokens of the people who answer by `jurat approvals` and by the API.

use std::sync::Arc;

use jurat_console::Tokens;
use jurat_core::Authenticate as _;
use jurat_types::Principal;
use ring::{hmac, rand::SystemRandom};

use super::LiveUsers;
use crate::{
    config::SecretRef,
    exit::{Exit, Failure},
};

/// Shorter tokens could be guessed, bytes.
const TOKEN_BYTES_MIN: usize = 16;

/// Whose token is which. Only keyed digests are kept, so that comparing takes as long for any.
#[derive(Debug)]
pub(super) struct OperatorTokens {
    people: Arc<LiveUsers>,
    tokens: Vec<(String, hmac::Tag)>,
    key: hmac::Key,
}

impl OperatorTokens {
    /// Fetches the tokens of `operators`.
    ///
    /// # Errors
    /// Where one is not there or too short.
    pub(super) fn load(
        operators: &[(String, SecretRef)],
        people: Arc<LiveUsers>,
    ) -> Result<Self, Failure> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_unspecified| Failure::other("the system gives no randomness"))?;
        let tokens = operators
            .iter()
            .map(|(principal, token)| {
                let what = format!("the token of the operator `{principal}`");
                let token =
                    token.fetch().map_err(|error| Failure::because(Exit::Usage, &what, &error))?;
                let token = token.expose().trim();
                if token.len() < TOKEN_BYTES_MIN {
                    return Err(Failure::usage(format!(
                        "{what} is shorter than {TOKEN_BYTES_MIN} bytes"
                    )));
                }
                Ok((principal.clone(), hmac::sign(&key, token.as_bytes())))
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Self { people, tokens, key })
    }
}

impl Tokens for OperatorTokens {
    /// As the users file knows them now.
    fn principal(&self, token: &str) -> Option<Principal> {
        let fits =
            |tag: &hmac::Tag| hmac::verify(&self.key, token.as_bytes(), tag.as_ref()).is_ok();
        let (name, _) = self.tokens.iter().find(|(_, tag)| fits(tag))?;
        self.people.credential(name).principal
    }
}
