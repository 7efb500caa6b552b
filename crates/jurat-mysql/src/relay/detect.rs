//! Rows with columns that are looked through: each such row is written anew, with what detectors found in it
//! replaced.

use std::borrow::Cow;

use jurat_core::Scans;
use jurat_wire::mysql::{column_type::ColumnType, row};

use super::End;

/// A row that has to be looked through may be this long, bytes.
const ROW_BYTES_MAX: usize = 1 << 20;

/// The row with the finds in its marked columns replaced. `layout` are the types of the columns of a row in the
/// binary form; a row in text form has none.
///
/// # Errors
/// Where the row is longer than may be looked through, or is not the row that was planned for: the session
/// ends, and the row is not sent.
pub(super) fn rewritten(
    scans: &Scans,
    payload: &[u8],
    layout: Option<&[(ColumnType, bool)]>,
) -> Result<Vec<u8>, End> {
    if payload.len() > ROW_BYTES_MAX {
        return Err(End::RowTooLong);
    }
    let replace = |at: usize, value: &[u8]| -> Option<Vec<u8>> {
        match scans.of(at)?.scan(value) {
            Cow::Borrowed(_) => None,
            Cow::Owned(replaced) => Some(replaced),
        }
    };
    let result = match layout {
        Some(layout) if layout.len() == scans.columns() => {
            row::replace_binary(payload, layout, replace)
        }
        None => row::replace_text(payload, scans.columns(), replace),
        Some(_) => return Err(wrong()),
    };
    result.map_err(|_malformed| wrong())
}

fn wrong() -> End {
    End::UpstreamProtocol("a row is not the one that was asked for".to_owned())
}
