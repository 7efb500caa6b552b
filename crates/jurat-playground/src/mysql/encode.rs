//! Values on MySQL's wire.

use std::io;

use opensrv_mysql::{
    Column as WireColumn, ColumnFlags, ColumnType, ParamValue, RowWriter, ValueInner,
};
use rusqlite::types::Value;
use tokio::io::AsyncWrite;

use crate::{engine::Column, kind::Kind, time};

/// The columns of an answer as the protocol describes them; a column whose values are not what was declared
/// is told as text.
pub(super) fn columns(columns: &[Column], rows: &[Vec<Value>]) -> Vec<WireColumn> {
    let told = |(at, column): (usize, &Column)| {
        let kind = column.kind.unwrap_or(Kind::Text);
        let fits = rows.iter().filter_map(|row| row.get(at)).all(|value| fits(value, kind));
        let (table, _) = column.origin_names.clone().unwrap_or_default();
        WireColumn {
            table,
            column: column.name.clone(),
            coltype: wire_type(if fits { kind } else { Kind::Text }),
            colflags: ColumnFlags::empty(),
        }
    };
    columns.iter().enumerate().map(told).collect()
}

/// A parameter, of which MySQL tells nothing either.
pub(super) fn parameter() -> WireColumn {
    WireColumn {
        table: String::new(),
        column: "?".to_owned(),
        coltype: ColumnType::MYSQL_TYPE_VAR_STRING,
        colflags: ColumnFlags::empty(),
    }
}

const fn wire_type(kind: Kind) -> ColumnType {
    match kind {
        Kind::Bool | Kind::Int2 | Kind::Int4 => ColumnType::MYSQL_TYPE_LONG,
        Kind::Int8 => ColumnType::MYSQL_TYPE_LONGLONG,
        Kind::Float8 => ColumnType::MYSQL_TYPE_DOUBLE,
        Kind::Date => ColumnType::MYSQL_TYPE_DATE,
        Kind::Timestamp | Kind::Timestamptz => ColumnType::MYSQL_TYPE_DATETIME,
        Kind::Bytea => ColumnType::MYSQL_TYPE_BLOB,
        Kind::Numeric | Kind::Text | Kind::Varchar | Kind::Json | Kind::Uuid => {
            ColumnType::MYSQL_TYPE_VAR_STRING
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

/// Writes one value of a row whose columns come from [`columns`].
///
/// # Errors
/// The connection broke.
pub(super) fn write<W: AsyncWrite + Unpin>(
    writer: &mut RowWriter<'_, W>,
    value: &Value,
    column: &WireColumn,
) -> io::Result<()> {
    let point = || match value {
        Value::Text(text) => time::read(text).map_err(io::Error::other),
        Value::Null | Value::Integer(_) | Value::Real(_) | Value::Blob(_) => {
            Err(io::Error::other("no point in time"))
        }
    };
    match (value, column.coltype) {
        (Value::Null, _) => writer.write_col(None::<i64>),
        (Value::Integer(number), ColumnType::MYSQL_TYPE_LONG) => {
            writer.write_col(i32::try_from(*number).map_err(io::Error::other)?)
        }
        (Value::Integer(number), ColumnType::MYSQL_TYPE_LONGLONG) => writer.write_col(*number),
        (Value::Real(number), ColumnType::MYSQL_TYPE_DOUBLE) => writer.write_col(*number),
        (_, ColumnType::MYSQL_TYPE_DATE) => writer.write_col(point()?.date()),
        (_, ColumnType::MYSQL_TYPE_DATETIME) => writer.write_col(point()?),
        (Value::Integer(number), _) => writer.write_col(number.to_string()),
        (Value::Real(number), _) => writer.write_col(number.to_string()),
        (Value::Text(text), _) => writer.write_col(text.as_str()),
        (Value::Blob(bytes), _) => writer.write_col(bytes.as_slice()),
    }
}

/// What a client has bound.
pub(super) fn value(given: &ParamValue<'_>) -> Value {
    match given.value.into_inner() {
        ValueInner::NULL => Value::Null,
        ValueInner::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_not_text) => Value::Blob(bytes.to_vec()),
        },
        ValueInner::Int(number) => Value::Integer(number),
        ValueInner::UInt(number) => i64::try_from(number)
            .map_or_else(|_large| Value::Text(number.to_string()), Value::Integer),
        ValueInner::Double(number) => Value::Real(number),
        ValueInner::Date(bytes) => Value::Text(date(bytes)),
        ValueInner::Datetime(bytes) => {
            let clock = |at: usize| bytes.get(at).copied().unwrap_or(0);
            Value::Text(format!(
                "{} {:02}:{:02}:{:02}+00",
                date(bytes),
                clock(4),
                clock(5),
                clock(6)
            ))
        }
        ValueInner::Time(bytes) => {
            let clock = |at: usize| bytes.get(at).copied().unwrap_or(0);
            Value::Text(format!("{:02}:{:02}:{:02}", clock(5), clock(6), clock(7)))
        }
    }
}

/// Year in two bytes, little end first, month, day.
fn date(bytes: &[u8]) -> String {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let year = u16::from_le_bytes([byte(0), byte(1)]);
    format!("{year:04}-{:02}-{:02}", byte(2), byte(3))
}
