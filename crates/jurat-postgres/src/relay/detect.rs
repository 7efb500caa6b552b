//! Rows with columns that are looked through: each such row is written anew, with what detectors found in it
//! replaced.
//!
//! A row is looked through as a whole, so one that comes in pieces is kept until its end, up to a bound.

use std::{borrow::Cow, sync::Arc};

use jurat_core::{Running, Scans};

use super::End;
use crate::queue::Queue;

/// A row that has to be looked through may be this long, bytes.
const ROW_BYTES_MAX: usize = 1 << 20;

/// Bytes of a DataRow before its values: the tag, the length and the number of columns.
const ROW_HEAD: usize = 7;

/// A row, or a piece of one.
pub(super) struct Row<'r> {
    pub(super) piece: &'r [u8],
    /// Whether more of it follows.
    pub(super) more: bool,
}

/// What the rows that come now are looked through for; data of a COPY (`d`) never is.
pub(super) fn row_scans(queue: &mut Queue, tag: u8) -> Option<Arc<Scans>> {
    if tag != b'D' {
        return None;
    }
    let execution = queue.running()?;
    execution.running.as_ref().and_then(Running::scans).cloned()
}

/// Takes a row, or a piece of one, and sends the whole on once it is there.
///
/// # Errors
/// Where the row is longer than may be kept, or is not the row that was planned for: the session ends, and
/// the row is not sent.
pub(super) fn look_through(
    scans: &Scans,
    held: &mut Vec<u8>,
    row: &Row<'_>,
    out: &mut Vec<u8>,
) -> Result<(), End> {
    if held.len().saturating_add(row.piece.len()) > ROW_BYTES_MAX {
        return Err(End::RowTooLong);
    }
    if held.is_empty() && !row.more {
        return rewrite(scans, row.piece, out);
    }
    held.extend_from_slice(row.piece);
    if row.more {
        return Ok(());
    }
    let whole = std::mem::take(held);
    rewrite(scans, &whole, out)
}

/// Writes a DataRow with the finds in its marked columns replaced.
fn rewrite(scans: &Scans, row: &[u8], out: &mut Vec<u8>) -> Result<(), End> {
    let wrong = || End::UpstreamProtocol("a row is not the one that was asked for".to_owned());
    let Some((head, mut rest)) = row.split_at_checked(ROW_HEAD) else { return Err(wrong()) };
    let count = head.last_chunk::<2>().map(|count| usize::from(u16::from_be_bytes(*count)));
    if count != Some(scans.columns()) {
        return Err(wrong());
    }
    let start = out.len();
    out.extend_from_slice(head);
    for position in 0..scans.columns() {
        let Some((length, values)) = rest.split_first_chunk::<4>() else { return Err(wrong()) };
        let length = i32::from_be_bytes(*length);
        let Ok(length) = usize::try_from(length) else {
            // NULL.
            out.extend_from_slice(&length.to_be_bytes());
            rest = values;
            continue;
        };
        let Some((value, behind)) = values.split_at_checked(length) else { return Err(wrong()) };
        let value = match scans.of(position) {
            Some(detectors) => detectors.scan(value),
            None => Cow::Borrowed(value),
        };
        let length = i32::try_from(value.len()).map_err(|_too_long| End::RowTooLong)?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&value);
        rest = behind;
    }
    if !rest.is_empty() {
        return Err(wrong());
    }
    let length = out.len().saturating_sub(start).saturating_sub(1);
    let length = u32::try_from(length).map_err(|_too_long| End::RowTooLong)?;
    let place = start.saturating_add(1);
    if let Some(place) = out.get_mut(place..place.saturating_add(4)) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}
