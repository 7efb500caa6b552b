//! Verifiers for MySQL's challenges, which are hashes without a salt: `mysql_sha2` of `caching_sha2_password` and
//! `mysql_native` of `mysql_native_password`. Who reads one can try passwords against it quickly, and who reads
//! `mysql_native` and a recorded login can log in. Inside of TLS neither is needed.

use ring::digest;

use crate::PasswordError;

/// What is wrong with a verifier. It never quotes the verifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum MysqlVerifierError {
    /// `mysql_native` is not what MySQL keeps.
    #[error("`mysql_native` is `*` and 40 hexadecimal digits, as MySQL keeps it in `mysql.user`")]
    Native,
    /// `mysql_sha2` is not what `jurat hash` writes.
    #[error("`mysql_sha2` is 64 hexadecimal digits; make one with `jurat hash --mysql`")]
    Sha2,
}

/// Makes the value of `mysql_sha2`: SHA-256 of the SHA-256 of the password, in hexadecimal digits.
///
/// # Errors
/// [`PasswordError`] where no client could log in with the password.
pub fn make_mysql_verifier(password: &str) -> Result<String, PasswordError> {
    if password.is_empty() {
        return Err(PasswordError::Empty);
    }
    if password.contains('\0') {
        return Err(PasswordError::Nul);
    }
    let once = digest::digest(&digest::SHA256, password.as_bytes());
    let twice = digest::digest(&digest::SHA256, once.as_ref());
    Ok(twice.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Reads the value of `mysql_sha2`.
pub(crate) fn read_sha2(text: &str) -> Result<[u8; 32], MysqlVerifierError> {
    read_hex(text).ok_or(MysqlVerifierError::Sha2)
}

/// Reads the value of `mysql_native`.
pub(crate) fn read_native(text: &str) -> Result<[u8; 20], MysqlVerifierError> {
    text.strip_prefix('*').and_then(read_hex).ok_or(MysqlVerifierError::Native)
}

fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N.checked_mul(2)? || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (place, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *place = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{MysqlVerifierError, make_mysql_verifier, read_native, read_sha2};
    use crate::PasswordError;

    #[test]
    fn what_jurat_hash_writes_is_read_again() {
        let verifier = make_mysql_verifier("demo").unwrap();
        assert_eq!(verifier, "175939018983abcaa4029ba81e61adbaa63f3fabe38bed84a9edd03bea587ade");
        assert!(read_sha2(&verifier).is_ok());
        assert_eq!(make_mysql_verifier(""), Err(PasswordError::Empty));
        assert_eq!(make_mysql_verifier("a\0b"), Err(PasswordError::Nul));
    }

    /// `SELECT PASSWORD('demo')` of MariaDB.
    #[test]
    fn the_native_form_is_what_the_server_keeps() {
        let native = read_native("*C142FB215B6E05B7C134B1A653AD4B455157FD79").unwrap();
        assert_eq!((native[0], native[19]), (0xc1, 0x79));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "*",
            "C142FB215B6E05B7C134B1A653AD4B455157FD79",
            "*C142FB215B6E05B7C134B1A653AD4B455157FDZZ",
        ] {
            assert_eq!(read_native(text), Err(MysqlVerifierError::Native), "{text}");
        }
        for text in [String::new(), "0".repeat(63), "0".repeat(65), format!("+{}", "0".repeat(63))]
        {
            assert_eq!(read_sha2(&text), Err(MysqlVerifierError::Sha2), "{text}");
        }
    }
}
