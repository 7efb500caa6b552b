//! Hashes as lower-case hexadecimal text.

use crate::tree::Hash;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends the 64 digits of a hash.
pub(crate) fn push(out: &mut Vec<u8>, hash: &Hash) {
    let mut digits = [0_u8; 64];
    let (pairs, _) = digits.as_chunks_mut::<2>();
    for ([high, low], byte) in pairs.iter_mut().zip(hash) {
        *high = digit(byte >> 4);
        *low = digit(byte & 15);
    }
    out.extend_from_slice(&digits);
}

fn digit(nibble: u8) -> u8 {
    DIGITS.get(usize::from(nibble)).copied().unwrap_or_default()
}

/// Whether `text` is exactly the 64 lower-case digits of `hash`.
pub(crate) fn is(text: &str, hash: &Hash) -> bool {
    let mut digits = Vec::with_capacity(64);
    push(&mut digits, hash);
    text.as_bytes() == digits
}
