//! Hashes as lower-case hexadecimal text.

use crate::tree::Hash;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends the 64 digits of a hash.
pub(crate) fn push(out: &mut Vec<u8>, hash: &Hash) {
    for byte in hash {
        for nibble in [byte >> 4, byte & 15] {
            out.extend(DIGITS.get(usize::from(nibble)));
        }
    }
}

/// Whether `text` is exactly the 64 lower-case digits of `hash`.
pub(crate) fn is(text: &str, hash: &Hash) -> bool {
    let mut digits = Vec::with_capacity(64);
    push(&mut digits, hash);
    text.as_bytes() == digits
}
