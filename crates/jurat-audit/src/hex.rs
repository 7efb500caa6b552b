//! Hashes as lower-case hexadecimal text.

use crate::tree::Hash;

/// Appends the 64 digits of a hash.
pub(crate) fn push(out: &mut Vec<u8>, hash: &Hash) {
    let mut digits = [0_u8; 64];
    let ((eights, _), (fours, _)) = (digits.as_chunks_mut::<8>(), hash.as_chunks::<4>());
    for (eight, four) in eights.iter_mut().zip(fours) {
        *eight = digits_of(*four);
    }
    out.extend_from_slice(&digits);
}

/// The digits of four bytes, all at once.
const fn digits_of(bytes: [u8; 4]) -> [u8; 8] {
    // Each half of a byte goes into a byte of its own.
    let mut halves = u32::from_be_bytes(bytes) as u64;
    halves = (halves | (halves << 16)) & 0x0000_ffff_0000_ffff;
    halves = (halves | (halves << 8)) & 0x00ff_00ff_00ff_00ff;
    halves = (halves | (halves << 4)) & 0x0f0f_0f0f_0f0f_0f0f;
    // With 6 added, those from 10 on have the bit for 16; letters stand 39 behind where digits would go on.
    let letters = ((halves + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
    (halves + 0x3030_3030_3030_3030 + letters * 39).to_be_bytes()
}

/// Whether `text` is exactly the 64 lower-case digits of `hash`.
pub(crate) fn is(text: &str, hash: &Hash) -> bool {
    let mut digits = Vec::with_capacity(64);
    push(&mut digits, hash);
    text.as_bytes() == digits
}

#[cfg(test)]
mod tests {
    #[test]
    fn digits_are_those_that_the_standard_library_writes() {
        for start in (0..=255_u8).step_by(4) {
            let bytes = [start, start + 1, start + 2, start + 3];
            let expected: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(super::digits_of(bytes), expected.as_bytes());
        }
    }
}
