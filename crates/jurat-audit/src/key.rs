//! Ed25519 keys in the text formats of Go's `golang.org/x/mod/sumdb/note`, so that other tools can
//! check our signatures.
//!
//! Private: `PRIVATE+KEY+<name>+<hash>+<base64(0x01 || seed)>`.
//! Public: `<name>+<hash>+<base64(0x01 || public key)>`.
//! The hash is the first four bytes, in hexadecimal, of `SHA-256(name || "\n" || 0x01 || public key)`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{self, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::tree::sha256;

/// The byte that stands for Ed25519 in a signed note's key.
const ED25519: u8 = 1;
const PRIVATE_PREFIX: &str = "PRIVATE+KEY+";

/// The key that signs checkpoints.
pub struct SigningKey {
    seed: [u8; 32],
    pair: Ed25519KeyPair,
    public: VerifyingKey,
}

/// The key that checks them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifyingKey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

/// Why a key is not usable.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text does not have the parts of a key.
    #[error("the key does not have the form `{expected}`")]
    Form {
        /// The form.
        expected: &'static str,
    },
    /// The name is empty or holds a space, a control character or a plus sign.
    #[error("the key's name is empty or holds a space, a control character or `+`")]
    Name,
    /// The key is not 32 bytes of Ed25519.
    #[error("the key does not hold 32 bytes of Ed25519")]
    Bytes,
    /// The hash in the text is not the hash of the key.
    #[error("the key's hash does not match the key")]
    Hash,
    /// The system gave no randomness.
    #[error("the system gave no random bytes")]
    Random,
}

impl SigningKey {
    /// Makes a new key. The name is also the origin line of the log: best a host name and a path
    /// that belong to whoever runs it, for example `db.acme.io/audit`.
    ///
    /// # Errors
    /// [`KeyError::Name`] and [`KeyError::Random`].
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|ring::error::Unspecified| KeyError::Random)?;
        Self::from_seed(name, seed)
    }

    /// Makes the key of a seed, which must come from a source of randomness.
    ///
    /// # Errors
    /// [`KeyError::Name`], and [`KeyError::Bytes`] where no key can be made of the seed.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
            .map_err(|ring::error::KeyRejected { .. }| KeyError::Bytes)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_short: _| KeyError::Bytes)?;
        let public = VerifyingKey::new(name, public)?;
        Ok(Self { seed, pair, public })
    }

    /// Reads a private key; white space around it is ignored.
    ///
    /// # Errors
    /// Every [`KeyError`] but `Random`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let form = KeyError::Form { expected: "PRIVATE+KEY+<name>+<hash>+<base64>" };
        let Some(rest) = text.trim().strip_prefix(PRIVATE_PREFIX) else { return Err(form) };
        let Some((name, hash, seed)) = split(rest) else { return Err(form) };
        let key = Self::from_seed(name, decode(seed)?)?;
        if key.public.hex_id() == hash { Ok(key) } else { Err(KeyError::Hash) }
    }

    /// The private key as text: a secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        let VerifyingKey { name, .. } = &self.public;
        format!("{PRIVATE_PREFIX}{name}+{}+{}", self.public.hex_id(), encode(&self.seed))
    }

    /// The public half.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

/// Prints the public half only.
impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl VerifyingKey {
    fn new(name: &str, public: [u8; 32]) -> Result<Self, KeyError> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.contains(bad) {
            return Err(KeyError::Name);
        }
        let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[ED25519], &public]);
        Ok(Self { name: name.to_owned(), id: [a, b, c, d], public })
    }

    /// Reads a public key; white space around it is ignored.
    ///
    /// # Errors
    /// Every [`KeyError`] but `Random`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let Some((name, hash, public)) = split(text.trim()) else {
            return Err(KeyError::Form { expected: "<name>+<hash>+<base64>" });
        };
        let key = Self::new(name, decode(public)?)?;
        if key.hex_id() == hash { Ok(key) } else { Err(KeyError::Hash) }
    }

    /// The public key as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}+{}+{}", self.name, self.hex_id(), encode(&self.public))
    }

    /// The key's name, which is the origin of its log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of the key's hash.
    pub(crate) fn id(&self) -> [u8; 4] {
        self.id
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&signature::ED25519, self.public).verify(message, signature).is_ok()
    }

    fn hex_id(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id))
    }
}

/// Splits at the first two plus signs; base64 may hold more of them.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_once('+')?;
    let (hash, key) = rest.split_once('+')?;
    Some((name, hash, key))
}

fn decode(text: &str) -> Result<[u8; 32], KeyError> {
    let bytes = STANDARD.decode(text).map_err(|_position| KeyError::Bytes)?;
    match bytes.split_first() {
        Some((&ED25519, key)) => key.try_into().map_err(|_length: _| KeyError::Bytes),
        Some(_) | None => Err(KeyError::Bytes),
    }
}

fn encode(key: &[u8; 32]) -> String {
    STANDARD.encode([&[ED25519], key.as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::{KeyError, SigningKey, VerifyingKey};

    /// The key pair in the documentation of Go's package `note`.
    const GO_PRIVATE: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const GO_PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn go_keys_are_read_and_written() {
        let private = SigningKey::parse(GO_PRIVATE).unwrap();
        let public = VerifyingKey::parse(GO_PUBLIC).unwrap();
        assert_eq!(private.verifying_key(), &public);
        assert_eq!(private.to_text(), GO_PRIVATE);
        assert_eq!(public.to_text(), GO_PUBLIC);
        assert!(public.verify(b"text", &private.sign(b"text")));
        assert!(!public.verify(b"texT", &private.sign(b"text")));
        assert!(!format!("{private:?}").contains("AYEKFALVFGy"));
    }

    #[test]
    fn new_keys_differ_and_survive_the_text() {
        let key = SigningKey::generate("db.acme.io/audit").unwrap();
        let again = SigningKey::parse(&format!(" {}\n", key.to_text())).unwrap();
        assert_eq!(again.verifying_key(), key.verifying_key());
        let other = SigningKey::generate("db.acme.io/audit").unwrap();
        assert_ne!(other.verifying_key(), key.verifying_key());
    }

    #[test]
    fn bad_keys_are_refused() {
        for (text, expected) in [
            ("", "form"),
            ("PeterNeumann+c74f20a3", "form"),
            ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "hash"),
            ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "name"),
            ("PeterNeumann+c74f20a3+AhpcAQ==", "32 bytes"),
            ("PeterNeumann+c74f20a3+AhpcAQ", "32 bytes"),
        ] {
            let error = VerifyingKey::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(matches!(SigningKey::parse(GO_PUBLIC), Err(KeyError::Form { .. })));
        assert!(matches!(SigningKey::generate("a b"), Err(KeyError::Name)));
    }
}
