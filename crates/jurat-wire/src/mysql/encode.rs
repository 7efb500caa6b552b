//! Writing packets.
//!
//! Each function appends one payload, in as many packets as it takes, to `out`, and leaves `sequence`
//! at the number after them. On an error `out` is as it was before, so that no half packet can reach a
//! peer. A length that does not fit its field is an error and never a smaller number.

pub mod command;
pub mod server;

use super::error::EncodeError;
use super::frame::{HEADER, PACKET_MAX};

/// Appends a payload that `write` writes.
///
/// # Errors
/// That of `write`.
pub fn packet(
    out: &mut Vec<u8>,
    sequence: &mut u8,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER]);
    if let Err(error) = write(out) {
        out.truncate(start);
        return Err(error);
    }
    let len = out.len().saturating_sub(start).saturating_sub(HEADER);
    if len < PACKET_MAX {
        let header = header(len, *sequence);
        if let Some(place) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
            *place = header;
        }
        *sequence = sequence.wrapping_add(1);
        return Ok(());
    }
    let written = out.split_off(start);
    payload(out, sequence, written.get(HEADER..).unwrap_or_default());
    Ok(())
}

/// Appends a payload. One that fills its last packet is followed by an empty packet.
pub fn payload(out: &mut Vec<u8>, sequence: &mut u8, payload: &[u8]) {
    let mut rest = payload;
    loop {
        let part = rest.get(..PACKET_MAX).unwrap_or(rest);
        out.extend_from_slice(&header(part.len(), *sequence));
        out.extend_from_slice(part);
        *sequence = sequence.wrapping_add(1);
        rest = rest.get(part.len()..).unwrap_or_default();
        if part.len() < PACKET_MAX {
            return;
        }
    }
}

/// The header of a packet of at most [`PACKET_MAX`] bytes.
fn header(len: usize, sequence: u8) -> [u8; HEADER] {
    let [a, b, c, ..] = len.to_le_bytes();
    [a, b, c, sequence]
}

/// Appends a string with the NUL byte that ends it.
pub(super) fn put_string(
    out: &mut Vec<u8>,
    text: &[u8],
    field: &'static str,
) -> Result<(), EncodeError> {
    if text.contains(&0) {
        return Err(EncodeError::EmbeddedNul { field });
    }
    out.extend_from_slice(text);
    out.push(0);
    Ok(())
}

/// Appends a length-encoded integer.
pub(super) fn put_u64(out: &mut Vec<u8>, number: u64) {
    let [a, b, c, ..] = number.to_le_bytes();
    match number {
        0..=0xfa => out.push(a),
        0xfb..=0xffff => out.extend_from_slice(&[0xfc, a, b]),
        0x1_0000..=0xff_ffff => out.extend_from_slice(&[0xfd, a, b, c]),
        _ => {
            out.push(0xfe);
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

/// Appends a length as a length-encoded integer.
pub(super) fn put_integer(out: &mut Vec<u8>, length: usize) {
    // No machine has lengths above 64 bits.
    put_u64(out, u64::try_from(length).unwrap_or(u64::MAX));
}

/// Appends bytes behind their length.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_integer(out, bytes.len());
    out.extend_from_slice(bytes);
}
