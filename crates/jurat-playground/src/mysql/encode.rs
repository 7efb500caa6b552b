//! Values on MySQL's wire.

use chrono::{Datelike as _, NaiveDateTime, Timelike as _};
use jurat_wire::mysql::{
    capability::{Capabilities, Status},
    column_type::ColumnType,
    encode::{payload, put_bytes, server},
    error::EncodeError,
    response::{ColumnDefinition, OkPacket},
    row::Value as Bound,
};
use rusqlite::types::Value;

use crate::{
    engine::{Column, Outcome},
    kind::Kind,
    time,
};

/// The number of the collation of what is no text.
const BINARY: u16 = 63;

/// The values that a client has sent in pieces.
pub(super) fn of_bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::Text(text.to_owned()),
        Err(_not_text) => Value::Blob(bytes.to_vec()),
    }
}

/// What a client has bound.
pub(super) fn value(bound: &Bound<'_>) -> Value {
    match bound {
        Bound::Bytes(bytes) => of_bytes(bytes),
        Bound::Date(date) if date.time.is_some() => Value::Text(format!("{date}+00")),
        Bound::Date(date) => Value::Text(date.to_string()),
        Bound::Double(number) => Value::Real(*number),
        Bound::Float(number) => Value::Real(f64::from(*number)),
        Bound::Int(number) => Value::Integer(*number),
        Bound::Null => Value::Null,
        Bound::Time(time) => Value::Text(time.to_string()),
        Bound::UInt(number) => i64::try_from(*number)
            .map_or_else(|_large| Value::Text(number.to_string()), Value::Integer),
    }
}

/// Appends what came of a statement: rows in text or binary form, or the number of rows that it changed.
///
/// # Errors
/// None that these packets can have; the signature is that of the others.
pub(super) fn result(
    out: &mut Vec<u8>,
    sequence: &mut u8,
    outcome: &Outcome,
    binary: bool,
    (capabilities, status): (Capabilities, Status),
) -> Result<(), EncodeError> {
    let Outcome { columns, rows, .. } = outcome;
    let mut end = OkPacket { status, ..OkPacket::default() };
    if columns.is_empty() {
        end.affected_rows = u64::try_from(outcome.changes).unwrap_or(u64::MAX);
        end.last_insert_id = u64::try_from(outcome.last_id).unwrap_or(0);
        return server::ok(out, sequence, &end, capabilities);
    }
    let mut count = Vec::new();
    // A length is written as any other number of this form.
    put_count(&mut count, columns.len());
    payload(out, sequence, &count);
    definitions(out, sequence, columns, rows, capabilities)?;
    server::definitions_end(out, sequence, status, capabilities)?;
    let kinds = kinds(columns, rows);
    for row in rows {
        if binary {
            payload(out, sequence, &binary_row(row, &kinds));
        } else {
            let texts: Vec<Option<Vec<u8>>> =
                row.iter().zip(&kinds).map(|(value, kind)| text(value, *kind)).collect();
            let texts: Vec<Option<&[u8]>> = texts.iter().map(Option::as_deref).collect();
            server::text_row(out, sequence, &texts);
        }
    }
    server::rows_end(out, sequence, &end, capabilities)
}

/// Appends the definitions of columns. Each names the table and the column that it comes from, where it is one as
/// it is: SQLite tells that through views and subqueries.
///
/// # Errors
/// None that these packets can have; the signature is that of the others.
pub(super) fn definitions(
    out: &mut Vec<u8>,
    sequence: &mut u8,
    columns: &[Column],
    rows: &[Vec<Value>],
    capabilities: Capabilities,
) -> Result<(), EncodeError> {
    for (column, kind) in columns.iter().zip(kinds(columns, rows)) {
        let (schema, table, origin) = match &column.origin_names {
            Some((table, origin)) => (crate::DATABASE, table.as_str(), origin.as_str()),
            None => ("", "", ""),
        };
        let bytes = kind != ColumnType::VarString;
        let definition = ColumnDefinition {
            schema: schema.as_bytes(),
            table: table.as_bytes(),
            org_table: table.as_bytes(),
            org_name: origin.as_bytes(),
            kind,
            collation: if bytes { BINARY } else { u16::from(server::UTF8MB4) },
            ..server::text_column(&column.name)
        };
        server::column(out, sequence, &definition, capabilities, false)?;
    }
    Ok(())
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    match u8::try_from(count) {
        Ok(count @ 0..=0xfa) => out.push(count),
        // SQLite has at most 2000 columns.
        Ok(_) | Err(_) => {
            let [low, high, ..] = count.to_le_bytes();
            out.extend_from_slice(&[0xfc, low, high]);
        }
    }
}

/// The types that clients are told; a column whose values are not what was declared is told as text.
fn kinds(columns: &[Column], rows: &[Vec<Value>]) -> Vec<ColumnType> {
    let told = |(at, column): (usize, &Column)| {
        let kind = column.kind.unwrap_or(Kind::Text);
        let fits = rows.iter().filter_map(|row| row.get(at)).all(|value| fits(value, kind));
        wire_type(if fits { kind } else { Kind::Text })
    };
    columns.iter().enumerate().map(told).collect()
}

const fn wire_type(kind: Kind) -> ColumnType {
    match kind {
        Kind::Bool | Kind::Int2 | Kind::Int4 => ColumnType::Long,
        Kind::Int8 => ColumnType::LongLong,
        Kind::Float8 => ColumnType::Double,
        Kind::Date => ColumnType::Date,
        Kind::Timestamp | Kind::Timestamptz => ColumnType::DateTime,
        Kind::Bytea => ColumnType::Blob,
        Kind::Numeric | Kind::Text | Kind::Varchar | Kind::Json | Kind::Uuid => {
            ColumnType::VarString
        }
    }
}

fn fits(value: &Value, kind: Kind) -> bool {
    match (value, kind) {
        (Value::Null, _) => true,
        (Value::Integer(number), Kind::Bool | Kind::Int2 | Kind::Int4) => {
            i32::try_from(*number).is_ok()
        }
        (Value::Integer(_), Kind::Int8) | (Value::Real(_), Kind::Float8) => true,
        (Value::Text(text), Kind::Date | Kind::Timestamp | Kind::Timestamptz) => {
            time::read(text).is_ok()
        }
        (
            Value::Integer(_) | Value::Real(_) | Value::Text(_) | Value::Blob(_),
            Kind::Numeric | Kind::Text | Kind::Varchar | Kind::Json | Kind::Uuid | Kind::Bytea,
        ) => true,
        (
            Value::Integer(_) | Value::Real(_) | Value::Text(_) | Value::Blob(_),
            Kind::Bool
            | Kind::Int2
            | Kind::Int4
            | Kind::Int8
            | Kind::Float8
            | Kind::Date
            | Kind::Timestamp
            | Kind::Timestamptz,
        ) => false,
    }
}

/// A point in time that [`fits`] has read before.
fn point(text: &str) -> NaiveDateTime {
    time::read(text).unwrap_or_default()
}

/// A value of a text row; `None` is NULL.
fn text(value: &Value, kind: ColumnType) -> Option<Vec<u8>> {
    Some(match value {
        Value::Null => return None,
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Real(number) => number.to_string().into_bytes(),
        Value::Text(text) if kind == ColumnType::Date => time::write_date(point(text)).into_bytes(),
        Value::Text(text) if kind == ColumnType::DateTime => time::write(point(text)).into_bytes(),
        Value::Text(text) => text.clone().into_bytes(),
        Value::Blob(bytes) => bytes.clone(),
    })
}

/// The payload of a binary row.
fn binary_row(row: &[Value], kinds: &[ColumnType]) -> Vec<u8> {
    // Two bits in front of those of the columns are reserved.
    let mut nulls = vec![0_u8; row.len().saturating_add(9) >> 3];
    for (at, _) in row.iter().enumerate().filter(|(_, value)| **value == Value::Null) {
        let place = at.saturating_add(2);
        if let Some(byte) = nulls.get_mut(place >> 3) {
            *byte |= 1 << (place & 7);
        }
    }
    let mut out = vec![0];
    out.extend_from_slice(&nulls);
    for (value, kind) in row.iter().zip(kinds) {
        match (value, kind) {
            (Value::Null, _) => {}
            (Value::Integer(number), ColumnType::Long) => {
                out.extend_from_slice(&i32::try_from(*number).unwrap_or_default().to_le_bytes());
            }
            (Value::Integer(number), ColumnType::LongLong) => {
                out.extend_from_slice(&number.to_le_bytes());
            }
            (Value::Real(number), ColumnType::Double) => {
                out.extend_from_slice(&number.to_le_bytes());
            }
            (Value::Text(text), ColumnType::Date) => put_point(&mut out, point(text), false),
            (Value::Text(text), ColumnType::DateTime) => put_point(&mut out, point(text), true),
            (value, kind) => put_bytes(&mut out, &text(value, *kind).unwrap_or_default()),
        }
    }
    out
}

/// A length, and then year, month and day, and where it is asked for the time of day.
fn put_point(out: &mut Vec<u8>, point: NaiveDateTime, with_time: bool) {
    let byte = |number: u32| u8::try_from(number).unwrap_or_default();
    let year = u16::try_from(point.year()).unwrap_or_default();
    let micros = point.nanosecond() / 1000;
    out.push(match (with_time, micros) {
        (false, _) => 4,
        (true, 0) => 7,
        (true, _) => 11,
    });
    out.extend_from_slice(&year.to_le_bytes());
    out.extend_from_slice(&[byte(point.month()), byte(point.day())]);
    if with_time {
        out.extend_from_slice(&[byte(point.hour()), byte(point.minute()), byte(point.second())]);
        if micros > 0 {
            out.extend_from_slice(&micros.to_le_bytes());
        }
    }
}
