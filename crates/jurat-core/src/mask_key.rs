//! The secret behind `hash` and `tokenize`: without it nobody can try out values until one fits.
//!
//! Policies and records never hold it. A policy may name a domain (`salt`), so that equal values in two
//! domains do not look equal.

use jurat_types::{ColumnMask, MaskMethod};
use ring::{hmac, rand};
use serde_json::Value;

/// The secret of an installation.
pub struct MaskKey(hmac::Key);

impl std::fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MaskKey(…)")
    }
}

impl MaskKey {
    /// A key from a secret that lasts, so that tokens stay the same over starts and replicas.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A key for this process only; `None` where the system gives no randomness.
    pub fn random() -> Option<Self> {
        hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new()).ok().map(Self)
    }

    /// The masks with their salts. EXPLAIN shows expressions, so a statement that is only explained gets
    /// another text of the same length: its plan is the same.
    pub(crate) fn salted(&self, masks: &[ColumnMask], explains: bool) -> Vec<ColumnMask> {
        masks
            .iter()
            .map(|mask| {
                let mut mask = mask.clone();
                if is_salted(mask.method) {
                    let domain = mask.params.get("salt").and_then(Value::as_str).unwrap_or("");
                    let salt = if explains { hidden() } else { self.salt(domain) };
                    mask.params.insert("salt".to_owned(), Value::String(salt));
                }
                mask
            })
            .collect()
    }

    fn salt(&self, domain: &str) -> String {
        let tag = hmac::sign(&self.0, domain.as_bytes());
        let digits = tag.as_ref().iter().map(|byte| format!("{byte:02x}"));
        format!("{}{}", jurat_sql::SALT_PREFIX, digits.collect::<String>())
    }
}

fn hidden() -> String {
    "*".repeat(jurat_sql::SALT_PREFIX.len() + 64)
}

/// Whether a method takes a salt.
pub(crate) const fn is_salted(method: MaskMethod) -> bool {
    match method {
        MaskMethod::Hash | MaskMethod::Tokenize => true,
        MaskMethod::Detect
        | MaskMethod::Partial
        | MaskMethod::DateTrunc
        | MaskMethod::Redact
        | MaskMethod::Null => false,
    }
}

#[cfg(test)]
mod tests {
    use super::MaskKey;

    #[test]
    fn a_salt_depends_on_the_key_and_on_the_domain() {
        let (one, two) = (MaskKey::new(b"one"), MaskKey::new(b"two"));
        assert_eq!(one.salt("a"), MaskKey::new(b"one").salt("a"));
        assert_ne!(one.salt("a"), one.salt("b"));
        assert_ne!(one.salt("a"), two.salt("a"));
        assert_eq!(format!("{one:?}"), "MaskKey(…)");
        assert_ne!(MaskKey::random().unwrap().salt(""), MaskKey::random().unwrap().salt(""));
    }
}
