//! Signatures per Standard Webhooks, version 1: HMAC-SHA256 over id, moment and body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;

/// How long a key is, bytes (Standard Webhooks, "Signature scheme").
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The keys that sign. There are several while a new one takes the place of an old one.
#[derive(Debug)]
pub struct Secrets(Vec<hmac::Key>);

/// Why a secret cannot be used. It is not repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the secret of a webhook is `whsec_` and {} to {} bytes in base64; several with spaces between them while they change",
    KEY_BYTES.start(), KEY_BYTES.end()
)]
pub struct SecretsError;

impl Secrets {
    /// Reads secrets with white space between them.
    ///
    /// # Errors
    /// Where one of them has another form, or there is none.
    pub fn parse(text: &str) -> Result<Self, SecretsError> {
        let keys = text.split_whitespace().map(|secret| {
            let coded = secret.strip_prefix("whsec_").ok_or(SecretsError)?;
            let key = STANDARD.decode(coded).map_err(|_invalid| SecretsError)?;
            if !KEY_BYTES.contains(&key.len()) {
                return Err(SecretsError);
            }
            Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(SecretsError) } else { Ok(Self(keys)) }
    }

    /// The value of the header `webhook-signature`.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut signed = format!("{id}.{seconds}.").into_bytes();
        signed.extend_from_slice(body);
        let signatures =
            self.0.iter().map(|key| ["v1,", &STANDARD.encode(hmac::sign(key, &signed))].concat());
        signatures.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::{Secrets, SecretsError};

    /// The example of the specification (standard-webhooks, libraries' tests).
    #[test]
    fn the_example_of_the_specification_has_its_signature() {
        let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature =
            secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_sign_twice() {
        let one = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let two = Secrets::parse(&format!("{one} {one}\n")).unwrap().sign("a", 1, b"");
        let (first, second) = two.split_once(' ').unwrap();
        assert_eq!(first, second);
    }

    #[test]
    fn a_secret_that_is_too_short_or_in_another_form_is_refused() {
        for text in
            ["", "secret", "whsec_", "whsec_AAAA", "whsec_?", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        {
            assert_eq!(Secrets::parse(text).map(|_| ()), Err(SecretsError), "{text}");
        }
    }
}
