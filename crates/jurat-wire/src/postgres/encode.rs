//! Writing messages.
//!
//! Each function appends one message to `out`. On an error `out` is as it was before, so that no
//! half message can reach a peer. A length that does not fit its field is an error and never a
//! smaller number: a wrapped length would turn the rest of a text into further messages.

pub mod backend;
pub mod frontend;

use super::error::EncodeError;

/// Appends one message with a tag; `write` appends the body.
fn message(
    out: &mut Vec<u8>,
    tag: u8,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.push(tag);
    let written = sized(out, write);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Appends a length that counts itself, and what `write` appends.
fn sized(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let written = write(out).and_then(|()| {
        let bytes = out.len().saturating_sub(start);
        let too_long = EncodeError::TooLong { field: "message", bytes };
        let length = i32::try_from(bytes).map_err(|_overflow| too_long)?;
        let place = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut).ok_or(too_long)?;
        *place = length.to_be_bytes();
        Ok(())
    });
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn put_string(out: &mut Vec<u8>, text: &[u8], field: &'static str) -> Result<(), EncodeError> {
    if text.contains(&0) {
        return Err(EncodeError::EmbeddedNul { field });
    }
    out.extend_from_slice(text);
    out.push(0);
    Ok(())
}

/// Appends a string of a list that the empty string ends.
fn put_item(out: &mut Vec<u8>, text: &str, field: &'static str) -> Result<(), EncodeError> {
    if text.is_empty() {
        return Err(EncodeError::Empty { field });
    }
    put_string(out, text.as_bytes(), field)
}

fn put_u16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_be_bytes());
}

fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// Appends a count as drivers read it, signed, so at most 32,767.
fn put_count(out: &mut Vec<u8>, count: usize, field: &'static str) -> Result<(), EncodeError> {
    let short = i16::try_from(count).map_err(|_overflow| EncodeError::TooMany { field, count })?;
    out.extend_from_slice(&short.to_be_bytes());
    Ok(())
}

/// Appends a value behind its length; `None` is NULL.
fn put_value(
    out: &mut Vec<u8>,
    value: Option<&[u8]>,
    field: &'static str,
) -> Result<(), EncodeError> {
    let Some(value) = value else {
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        return Ok(());
    };
    let length = i32::try_from(value.len())
        .map_err(|_overflow| EncodeError::TooLong { field, bytes: value.len() })?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value);
    Ok(())
}
