//! SCRAM-SHA-256 verifiers in the form that PostgreSQL keeps in `pg_authid.rolpassword`:
//! `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>` (RFC 5802, RFC 7677).

use std::num::NonZeroU32;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    digest, hmac, pbkdf2,
    rand::{SecureRandom as _, SystemRandom},
};

/// RFC 7677 asks for at least this many.
const ITERATIONS_MIN: u32 = 4_096;
/// More would keep a client busy for seconds at each login; it is a typing error.
const ITERATIONS_MAX: u32 = 10_000_000;
/// Both keys are SHA-256 values.
const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
const SALT_BYTES_MIN: usize = 8;
const SALT_BYTES_MAX: usize = 64;

/// Why no verifier was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PasswordError {
    /// The password is empty.
    #[error("the password is empty")]
    Empty,
    /// The password holds a NUL byte, which no PostgreSQL client can send.
    #[error("the password holds a NUL byte")]
    Nul,
}

/// What is wrong with a verifier. It never quotes the verifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VerifierError {
    /// It is not a SCRAM-SHA-256 verifier at all.
    #[error(
        "not a verifier of the form `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`; \
         make one with `jurat hash`"
    )]
    Form,
    /// The number of iterations is no number or out of bounds.
    #[error("the iterations of a verifier must be {ITERATIONS_MIN} to {ITERATIONS_MAX}")]
    Iterations,
    /// The salt is not base64 or has an unusual length.
    #[error("the salt of a verifier must be {SALT_BYTES_MIN} to {SALT_BYTES_MAX} bytes in base64")]
    Salt,
    /// A key is not 32 bytes in base64.
    #[error("the keys of a verifier must be {KEY_BYTES} bytes each in base64")]
    Keys,
}

/// Makes the verifier of a password: SASLprep, a random salt of 16 bytes, 4,096 iterations.
///
/// # Errors
/// [`PasswordError`] where no client could log in with the password.
pub fn make_verifier(password: &str) -> Result<String, PasswordError> {
    if password.is_empty() {
        return Err(PasswordError::Empty);
    }
    if password.contains('\0') {
        return Err(PasswordError::Nul);
    }
    Ok(postgres_protocol::password::scram_sha_256(password.as_bytes()))
}

/// Checks a verifier's form and returns its number of iterations.
///
/// # Errors
/// What is wrong with it.
pub fn check_verifier(verifier: &str) -> Result<u32, VerifierError> {
    let parts = verifier.strip_prefix("SCRAM-SHA-256$").and_then(|rest| {
        let (cost, keys) = rest.split_once('$')?;
        Some((cost.split_once(':')?, keys.split_once(':')?))
    });
    let Some(((iterations, salt), (stored, server))) = parts else {
        return Err(VerifierError::Form);
    };
    let iterations = iterations
        .parse()
        .ok()
        .filter(|count| (ITERATIONS_MIN..=ITERATIONS_MAX).contains(count))
        .ok_or(VerifierError::Iterations)?;
    let length = |text: &str| STANDARD.decode(text).ok().map(|bytes| bytes.len());
    if !length(salt).is_some_and(|bytes| (SALT_BYTES_MIN..=SALT_BYTES_MAX).contains(&bytes)) {
        return Err(VerifierError::Salt);
    }
    if length(stored) != Some(KEY_BYTES) || length(server) != Some(KEY_BYTES) {
        return Err(VerifierError::Keys);
    }
    Ok(iterations)
}

/// Whether a password is the one that a verifier was made of. Hashes it as often as the verifier says.
pub(crate) fn fits(verifier: &str, password: &[u8]) -> bool {
    let Some((iterations, salt, stored)) = parts(verifier) else { return false };
    let password = match std::str::from_utf8(password).map(stringprep::saslprep) {
        Ok(Ok(prepared)) => prepared.into_owned().into_bytes(),
        // What has no prepared form is taken as it is (as PostgreSQL does, and `make_verifier`).
        Ok(Err(_)) | Err(_) => password.to_vec(),
    };
    let mut salted = [0; KEY_BYTES];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, &password, &mut salted);
    let client_key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &salted), b"Client Key");
    let found = digest::digest(&digest::SHA256, client_key.as_ref());
    stored.len() == found.as_ref().len()
        && stored.iter().zip(found.as_ref()).fold(0, |all, (one, two)| all | (one ^ two)) == 0
}

/// Iterations, salt and stored key of a verifier.
fn parts(verifier: &str) -> Option<(NonZeroU32, Vec<u8>, Vec<u8>)> {
    let (cost, keys) = verifier.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
    let (iterations, salt) = cost.split_once(':')?;
    let (stored, _server) = keys.split_once(':')?;
    let iterations = iterations.parse().ok()?;
    Some((iterations, STANDARD.decode(salt).ok()?, STANDARD.decode(stored).ok()?))
}

/// Makes up verifiers for names that do not exist.
///
/// A client learns salt and iterations before it proves anything. Were the salt of an unknown name
/// drawn anew each time, asking twice would tell which names exist; derived from the name under a
/// secret key it is as constant as a real one.
#[derive(Clone, Debug)]
pub(crate) struct Decoy {
    key: hmac::Key,
}

impl Decoy {
    /// A decoy with a fresh random key; `None` where the system gives no random bytes.
    pub(crate) fn new() -> Option<Self> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).ok()?;
        Some(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key) })
    }

    /// The made-up verifier of `name`: the same for the same name as long as this decoy lives. No
    /// password fits, because its stored key is no hash of anything known.
    pub(crate) fn verifier(&self, name: &str, iterations: u32) -> String {
        let derive = |purpose: &str| {
            hmac::sign(&self.key, format!("{purpose}\0{name}").as_bytes()).as_ref().to_vec()
        };
        let mut salt = derive("salt");
        salt.truncate(SALT_BYTES);
        let [salt, stored, server] =
            [salt, derive("stored"), derive("server")].map(|bytes| STANDARD.encode(bytes));
        format!("SCRAM-SHA-256${iterations}:{salt}${stored}:{server}")
    }
}

/// The iterations of a made-up verifier where no real one says how many are usual.
pub(crate) const USUAL_ITERATIONS: u32 = ITERATIONS_MIN;

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use ring::{digest, hmac, pbkdf2};

    use super::{Decoy, PasswordError, VerifierError, check_verifier, fits, make_verifier};

    /// Computes the stored key of RFC 5802 section 3 by other means than the code under test.
    fn stored_key(password: &str, salt: &[u8], iterations: u32) -> String {
        let mut salted = [0; 32];
        let count = std::num::NonZeroU32::new(iterations).unwrap();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, count, salt, password.as_bytes(), &mut salted);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
        let client_key = hmac::sign(&key, b"Client Key");
        STANDARD.encode(digest::digest(&digest::SHA256, client_key.as_ref()))
    }

    #[test]
    fn a_verifier_proves_its_password_and_no_other() {
        let verifier = make_verifier("demo").unwrap();
        assert_eq!(check_verifier(&verifier), Ok(4_096));
        let fields: Vec<&str> = verifier.split(['$', ':']).collect();
        let salt = STANDARD.decode(fields[2]).unwrap();
        assert_eq!(stored_key("demo", &salt, 4_096), fields[3]);
        assert_ne!(stored_key("Demo", &salt, 4_096), fields[3]);
        assert_ne!(make_verifier("demo").unwrap(), verifier, "every verifier has its own salt");
    }

    /// The example of RFC 7677 section 3, as PostgreSQL stores it.
    #[test]
    fn the_example_of_the_rfc_has_the_right_form() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let stored = stored_key("pencil", &salt, 4_096);
        assert_eq!(stored, "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=");
    }

    #[test]
    fn a_password_sent_in_clear_is_checked_against_the_verifier() {
        // A soft hyphen and a wide letter have another prepared form, a control character has none.
        for password in ["demo", "s\u{ad}ecret", "\u{ff21}bc", "a\u{7}b"] {
            let verifier = make_verifier(password).unwrap();
            assert!(fits(&verifier, password.as_bytes()), "{password:?}");
            assert!(!fits(&verifier, b"other"), "{password:?}");
            assert!(!fits(&verifier, b""), "{password:?}");
        }
        assert!(fits(&make_verifier("Abc").unwrap(), "\u{ff21}bc".as_bytes()));
        assert!(!fits("", b""));
        assert!(!fits(&Decoy::new().unwrap().verifier("eve", 4_096), b"demo"));
    }

    #[test]
    fn passwords_that_nobody_can_send_are_refused() {
        assert_eq!(make_verifier(""), Err(PasswordError::Empty));
        assert_eq!(make_verifier("a\0b"), Err(PasswordError::Nul));
    }

    #[test]
    fn malformed_verifiers_are_refused() {
        let key = STANDARD.encode([1; 32]);
        let salt = STANDARD.encode([2; 16]);
        for (verifier, expected) in [
            (String::new(), VerifierError::Form),
            ("demo".to_owned(), VerifierError::Form),
            ("md5a6343a68d964ca596d9752250d54bb8a".to_owned(), VerifierError::Form),
            (format!("SCRAM-SHA-256$4096:{salt}${key}"), VerifierError::Form),
            (format!("SCRAM-SHA-256$1:{salt}${key}:{key}"), VerifierError::Iterations),
            (format!("SCRAM-SHA-256$-1:{salt}${key}:{key}"), VerifierError::Iterations),
            (format!("SCRAM-SHA-256$99999999999:{salt}${key}:{key}"), VerifierError::Iterations),
            (format!("SCRAM-SHA-256$4096:?${key}:{key}"), VerifierError::Salt),
            (format!("SCRAM-SHA-256$4096:AAAA${key}:{key}"), VerifierError::Salt),
            (format!("SCRAM-SHA-256$4096:{salt}${salt}:{key}"), VerifierError::Keys),
            (format!("SCRAM-SHA-256$4096:{salt}${key}:{key}:{key}"), VerifierError::Keys),
        ] {
            assert_eq!(check_verifier(&verifier), Err(expected), "{verifier}");
        }
    }

    #[test]
    fn a_made_up_verifier_is_stable_and_looks_real() {
        let decoy = Decoy::new().unwrap();
        let eve = decoy.verifier("eve", 4_096);
        assert_eq!(check_verifier(&eve), Ok(4_096));
        assert_eq!(eve, decoy.verifier("eve", 4_096));
        assert_ne!(eve, decoy.verifier("mallory", 4_096));
        assert_ne!(eve, Decoy::new().unwrap().verifier("eve", 4_096));
        assert_eq!(eve.len(), make_verifier("demo").unwrap().len());
    }
}
