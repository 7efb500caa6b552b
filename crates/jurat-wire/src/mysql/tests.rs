//! Tests of the parsers against bytes as MySQL, MariaDB and their drivers write them, and against
//! bytes that only an attacker would write.

mod frame;

/// A packet with its header.
fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let [a, b, c, ..] = payload.len().to_le_bytes();
    [&[a, b, c, sequence], payload].concat()
}
