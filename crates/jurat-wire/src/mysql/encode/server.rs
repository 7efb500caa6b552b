//! Packets of a server.

use crate::mysql::capability::{Capabilities, Status};
use crate::mysql::column_type::ColumnType;
use crate::mysql::cursor::NULL;
use crate::mysql::error::EncodeError;
use crate::mysql::response::{ColumnDefinition, EofPacket, OkPacket, PrepareOk};

use super::{packet, payload, put_bytes, put_integer, put_u64};

/// The number of the collation `utf8mb4_general_ci`, which MySQL and MariaDB both have.
pub const UTF8MB4: u8 = 45;

/// Appends success. Without [`Capabilities::SESSION_TRACK`] the changes of the session are left out.
///
/// # Errors
/// None that this packet can have; the signature is that of the others.
pub fn ok(
    out: &mut Vec<u8>,
    sequence: &mut u8,
    ok: &OkPacket<'_>,
    capabilities: Capabilities,
) -> Result<(), EncodeError> {
    packet(out, sequence, |out| {
        put_ok(out, 0x00, ok, capabilities);
        Ok(())
    })
}

/// Appends the end of rows: an OK packet with another first byte, or an EOF packet.
///
/// # Errors
/// None that this packet can have; the signature is that of the others.
pub fn rows_end(
    out: &mut Vec<u8>,
    sequence: &mut u8,
    end: &OkPacket<'_>,
    capabilities: Capabilities,
) -> Result<(), EncodeError> {
    if !capabilities.contains(Capabilities::DEPRECATE_EOF) {
        let status = end.status.without(Status::SESSION_STATE_CHANGED);
        return eof(out, sequence, EofPacket { warnings: end.warnings, status });
    }
    packet(out, sequence, |out| {
        put_ok(out, 0xfe, end, capabilities);
        Ok(())
    })
}

fn put_ok(out: &mut Vec<u8>, first: u8, ok: &OkPacket<'_>, capabilities: Capabilities) {
    let tracks = capabilities.contains(Capabilities::SESSION_TRACK);
    let changed = tracks && !ok.changes.raw.is_empty();
    let bare = ok.status.without(Status::SESSION_STATE_CHANGED);
    let status = if changed { bare.with(Status::SESSION_STATE_CHANGED) } else { bare };
    out.push(first);
    put_u64(out, ok.affected_rows);
    put_u64(out, ok.last_insert_id);
    out.extend_from_slice(&status.0.to_le_bytes());
    out.extend_from_slice(&ok.warnings.to_le_bytes());
    // It has a length also where changes are not tracked (`net_send_ok` in `sql/protocol.cc`).
    if changed || !ok.info.is_empty() {
        put_bytes(out, ok.info);
    }
    if changed {
        put_bytes(out, ok.changes.raw);
    }
}

/// Appends the end of definitions or rows.
///
/// # Errors
/// None that this packet can have; the signature is that of the others.
pub fn eof(out: &mut Vec<u8>, sequence: &mut u8, eof: EofPacket) -> Result<(), EncodeError> {
    packet(out, sequence, |out| {
        out.push(0xfe);
        out.extend_from_slice(&eof.warnings.to_le_bytes());
        out.extend_from_slice(&eof.status.0.to_le_bytes());
        Ok(())
    })
}

/// Appends failure.
///
/// # Errors
/// [`EncodeError::InvalidSqlState`].
pub fn err(
    out: &mut Vec<u8>,
    sequence: &mut u8,
    code: u16,
    sqlstate: &str,
    message: &[u8],
) -> Result<(), EncodeError> {
    let valid = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    if sqlstate.len() != 5 || !sqlstate.bytes().all(valid) {
        return Err(EncodeError::InvalidSqlState);
    }
    packet(out, sequence, |out| {
        out.push(0xff);
        out.extend_from_slice(&code.to_le_bytes());
        out.push(b'#');
        out.extend_from_slice(sqlstate.as_bytes());
        out.extend_from_slice(message);
        Ok(())
    })
}

/// Appends the definition of a column.
///
/// # Errors
/// None that this packet can have; the signature is that of the others.
pub fn column(
    out: &mut Vec<u8>,
    sequence: &mut u8,
    column: &ColumnDefinition<'_>,
    capabilities: Capabilities,
    field_list: bool,
) -> Result<(), EncodeError> {
    packet(out, sequence, |out| {
        for name in [
            column.catalog,
            column.schema,
            column.table,
            column.org_table,
            column.name,
            column.org_name,
        ] {
            put_bytes(out, name);
        }
        if capabilities.contains(Capabilities::MARIADB_EXTENDED_METADATA) {
            put_bytes(out, column.extended);
        }
        out.push(12);
        out.extend_from_slice(&column.collation.to_le_bytes());
        out.extend_from_slice(&column.length.to_le_bytes());
        out.push(column.kind.as_byte());
        out.extend_from_slice(&column.flags.to_le_bytes());
        out.extend_from_slice(&[column.decimals, 0, 0]);
        if field_list {
            put_value(out, column.default);
        }
        Ok(())
    })
}

fn put_value(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        Some(value) => put_bytes(out, value),
        None => out.push(NULL),
    }
}

/// Appends one row in text form; `None` is NULL.
pub fn text_row(out: &mut Vec<u8>, sequence: &mut u8, values: &[Option<&[u8]>]) {
    let mut row = Vec::new();
    for value in values {
        put_value(&mut row, *value);
    }
    payload(out, sequence, &row);
}

/// Appends one row of text columns in the binary form of prepared statements; `None` is NULL.
fn binary_row(out: &mut Vec<u8>, sequence: &mut u8, values: &[Option<&[u8]>]) {
    // Two bits in front of those of the columns are reserved.
    let mut nulls = vec![0_u8; values.len().saturating_add(9) >> 3];
    for (at, _) in values.iter().enumerate().filter(|(_, value)| value.is_none()) {
        let place = at.saturating_add(2);
        if let Some(byte) = nulls.get_mut(place >> 3) {
            *byte |= 1 << (place & 7);
        }
    }
    let mut row = vec![0];
    row.extend_from_slice(&nulls);
    for value in values.iter().flatten() {
        put_bytes(&mut row, value);
    }
    payload(out, sequence, &row);
}

/// Appends that a statement was prepared; definitions of parameters and columns come behind it.
pub fn prepare_ok(out: &mut Vec<u8>, sequence: &mut u8, ok: &PrepareOk) {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&ok.statement.to_le_bytes());
    bytes.extend_from_slice(&ok.columns.to_le_bytes());
    bytes.extend_from_slice(&ok.parameters.to_le_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&ok.warnings.to_le_bytes());
    payload(out, sequence, &bytes);
}

/// Appends the end of definitions, where such a packet is sent.
///
/// # Errors
/// None that this packet can have; the signature is that of the others.
pub fn definitions_end(
    out: &mut Vec<u8>,
    sequence: &mut u8,
    status: Status,
    capabilities: Capabilities,
) -> Result<(), EncodeError> {
    if capabilities.contains(Capabilities::DEPRECATE_EOF) {
        return Ok(());
    }
    eof(out, sequence, EofPacket { warnings: 0, status })
}

/// Appends a whole result of text columns in the binary form of prepared statements.
///
/// # Errors
/// None that these packets can have; the signature is that of the others.
pub fn binary_result(
    out: &mut Vec<u8>,
    sequence: &mut u8,
    columns: &[&str],
    rows: &[Vec<Option<&[u8]>>],
    capabilities: Capabilities,
    end: &OkPacket<'_>,
) -> Result<(), EncodeError> {
    head(out, sequence, columns, (capabilities, end.status))?;
    for row in rows {
        binary_row(out, sequence, row);
    }
    rows_end(out, sequence, end, capabilities)
}

/// The definitions of text columns.
fn head(
    out: &mut Vec<u8>,
    sequence: &mut u8,
    columns: &[&str],
    (capabilities, status): (Capabilities, Status),
) -> Result<(), EncodeError> {
    let mut count = Vec::new();
    put_integer(&mut count, columns.len());
    payload(out, sequence, &count);
    for name in columns {
        column(out, sequence, &text_column(name), capabilities, false)?;
    }
    definitions_end(out, sequence, status, capabilities)
}

/// Appends a whole result of text columns: a small answer of Jurat's own.
///
/// # Errors
/// None that these packets can have; the signature is that of the others.
pub fn text_result(
    out: &mut Vec<u8>,
    sequence: &mut u8,
    columns: &[&str],
    rows: &[Vec<Option<&[u8]>>],
    capabilities: Capabilities,
    end: &OkPacket<'_>,
) -> Result<(), EncodeError> {
    head(out, sequence, columns, (capabilities, end.status))?;
    for row in rows {
        text_row(out, sequence, row);
    }
    rows_end(out, sequence, end, capabilities)
}

/// The definition of a text column that comes from no table.
pub fn text_column(name: &str) -> ColumnDefinition<'_> {
    ColumnDefinition {
        catalog: b"def",
        schema: b"",
        table: b"",
        org_table: b"",
        name: name.as_bytes(),
        org_name: b"",
        extended: b"",
        collation: u16::from(UTF8MB4),
        length: 1024,
        kind: ColumnType::VarString,
        flags: 0,
        decimals: 31,
        default: None,
    }
}
