//! Values on PostgreSQL's wire: text and binary, both ways.

use bytes::{BufMut as _, BytesMut};
use pgwire::{
    api::{
        Type,
        portal::{Format, Portal},
        results::{FieldFormat, FieldInfo},
    },
    messages::data::DataRow,
};
use rusqlite::types::Value;

use crate::{engine::Column, failure::Failure, functions::hex, kind::Kind, time};

/// PostgreSQL's number for a type.
pub(super) const fn wire_type(kind: Kind) -> Type {
    match kind {
        Kind::Bool => Type::BOOL,
        Kind::Int2 => Type::INT2,
        Kind::Int4 => Type::INT4,
        Kind::Int8 => Type::INT8,
        Kind::Float8 => Type::FLOAT8,
        Kind::Numeric => Type::NUMERIC,
        Kind::Text => Type::TEXT,
        Kind::Varchar => Type::VARCHAR,
        Kind::Bytea => Type::BYTEA,
        Kind::Date => Type::DATE,
        Kind::Timestamp => Type::TIMESTAMP,
        Kind::Timestamptz => Type::TIMESTAMPTZ,
        Kind::Json => Type::JSON,
        Kind::Uuid => Type::UUID,
    }
}

/// The type of a number that a client names in Parse; text where it is another.
fn kind_of(wire: &Type) -> Kind {
    const KINDS: &[Kind] = &[
        Kind::Bool,
        Kind::Int2,
        Kind::Int4,
        Kind::Int8,
        Kind::Float8,
        Kind::Numeric,
        Kind::Bytea,
        Kind::Date,
        Kind::Timestamp,
        Kind::Timestamptz,
    ];
    KINDS.iter().copied().find(|kind| wire_type(*kind) == *wire).unwrap_or(Kind::Text)
}

/// The columns of an answer as the protocol describes them.
///
/// # Errors
/// The client asks for another number of formats than there are columns.
pub(super) fn fields(columns: &[Column], format: &Format) -> Result<Vec<FieldInfo>, Failure> {
    if let Format::Individual(codes) = format
        && codes.len() != columns.len()
    {
        let said = format!(
            "bind message has {} result formats but query has {} columns",
            codes.len(),
            columns.len()
        );
        return Err(Failure::new("08P01", said));
    }
    let field = |(at, column): (usize, &Column)| {
        let (table, number) = column.origin.unzip();
        let table = table.and_then(|table| i32::try_from(table).ok());
        let wire = wire_type(column.kind.unwrap_or(Kind::Text));
        FieldInfo::new(column.name.clone(), table, number, wire, format.format_for(at))
            .with_type_size(-1)
    };
    Ok(columns.iter().enumerate().map(field).collect())
}

/// One row.
///
/// # Errors
/// A value cannot be written in the format that the client asks for.
pub(super) fn row(
    values: &[Value],
    columns: &[Column],
    format: &Format,
) -> Result<DataRow, Failure> {
    let mut data = BytesMut::new();
    let mut count = 0_i16;
    for (at, (value, column)) in values.iter().zip(columns).enumerate() {
        count = count.saturating_add(1);
        let kind = column.kind.unwrap_or(Kind::Text);
        let written = if format.format_for(at) == FieldFormat::Binary {
            binary(value, kind)?
        } else {
            text(value, kind).map(String::into_bytes)
        };
        match written {
            None => data.put_i32(-1),
            Some(bytes) => {
                let length = i32::try_from(bytes.len())
                    .map_err(|_error| Failure::new("54000", "a value is too long"))?;
                data.put_i32(length);
                data.put_slice(&bytes);
            }
        }
    }
    Ok(DataRow::new(data, count))
}

fn text(value: &Value, kind: Kind) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Integer(number) if kind == Kind::Bool => {
            Some(if *number == 0 { "f" } else { "t" }.to_owned())
        }
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()),
        Value::Blob(bytes) => Some(format!("\\x{}", hex(bytes))),
    }
}

fn binary(value: &Value, kind: Kind) -> Result<Option<Vec<u8>>, Failure> {
    let wrong = || Failure::unsupported(format_args!("a binary {kind:?} of this value"));
    let integer = || match value {
        Value::Integer(number) => Ok(*number),
        Value::Null | Value::Real(_) | Value::Text(_) | Value::Blob(_) => Err(wrong()),
    };
    if *value == Value::Null {
        return Ok(None);
    }
    let bytes = match kind {
        Kind::Bool => vec![u8::from(integer()? != 0)],
        Kind::Int2 => i16::try_from(integer()?).map_err(|_e| wrong())?.to_be_bytes().to_vec(),
        Kind::Int4 => i32::try_from(integer()?).map_err(|_e| wrong())?.to_be_bytes().to_vec(),
        Kind::Int8 => integer()?.to_be_bytes().to_vec(),
        Kind::Float8 => match value {
            Value::Real(number) => number.to_be_bytes().to_vec(),
            #[expect(clippy::cast_precision_loss, reason = "what a cast to double precision does")]
            Value::Integer(number) => (*number as f64).to_be_bytes().to_vec(),
            Value::Null | Value::Text(_) | Value::Blob(_) => return Err(wrong()),
        },
        Kind::Timestamp | Kind::Timestamptz => {
            let point = time::read(&text(value, kind).unwrap_or_default())?;
            time::microseconds(point).to_be_bytes().to_vec()
        }
        Kind::Date => {
            let point = time::read(&text(value, kind).unwrap_or_default())?;
            let days = time::microseconds(point).div_euclid(MICROSECONDS_OF_A_DAY);
            i32::try_from(days).map_err(|_e| wrong())?.to_be_bytes().to_vec()
        }
        Kind::Bytea => match value {
            Value::Blob(bytes) => bytes.clone(),
            Value::Null | Value::Integer(_) | Value::Real(_) | Value::Text(_) => {
                return Err(wrong());
            }
        },
        Kind::Text | Kind::Varchar | Kind::Json => {
            text(value, kind).unwrap_or_default().into_bytes()
        }
        Kind::Numeric | Kind::Uuid => return Err(wrong()),
    };
    Ok(Some(bytes))
}

const MICROSECONDS_OF_A_DAY: i64 = 86_400_000_000;

/// The values that a client has bound, for the types of the statement or those that it named itself.
///
/// # Errors
/// A value that cannot be read.
pub(super) fn values<S: Clone>(portal: &Portal<S>, kinds: &[Kind]) -> Result<Vec<Value>, Failure> {
    if let Format::Individual(codes) = &portal.parameter_format
        && codes.len() != portal.parameters.len()
    {
        return Err(Failure::new(
            "08P01",
            "bind message has another number of formats than parameters",
        ));
    }
    if portal.parameters.len() != kinds.len() {
        let (given, wanted) = (portal.parameters.len(), kinds.len());
        let said = format!(
            "bind message supplies {given} parameters, but prepared statement requires {wanted}"
        );
        return Err(Failure::new("08P01", said));
    }
    let mut values = Vec::with_capacity(kinds.len());
    for (at, (bytes, inferred)) in portal.parameters.iter().zip(kinds).enumerate() {
        let named = portal.statement.parameter_types.get(at).and_then(Option::as_ref);
        let named = named.filter(|wire| **wire != Type::UNKNOWN).map(kind_of);
        let kind = named.unwrap_or(*inferred);
        values.push(match bytes {
            None => Value::Null,
            Some(bytes) if portal.parameter_format.is_binary(at) => read_binary(bytes, kind)?,
            Some(bytes) => read_text(bytes, kind)?,
        });
    }
    Ok(values)
}

fn read_text(bytes: &[u8], kind: Kind) -> Result<Value, Failure> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_error| Failure::new("22P02", "invalid byte sequence for encoding \"UTF8\""))?;
    let wrong =
        || Failure::new("22P02", format!("invalid input syntax for a parameter: \"{text}\""));
    Ok(match kind {
        Kind::Int2 | Kind::Int4 | Kind::Int8 => {
            Value::Integer(text.trim().parse().map_err(|_error| wrong())?)
        }
        Kind::Float8 => Value::Real(text.trim().parse().map_err(|_error| wrong())?),
        Kind::Bool => match text.trim().to_ascii_lowercase().as_str() {
            "t" | "true" | "1" | "on" | "yes" => Value::Integer(1),
            "f" | "false" | "0" | "off" | "no" => Value::Integer(0),
            _ => return Err(wrong()),
        },
        Kind::Date => Value::Text(time::write_date(time::read(text)?)),
        Kind::Timestamp => Value::Text(time::write(time::read(text)?)),
        Kind::Timestamptz => Value::Text(format!("{}+00", time::write(time::read(text)?))),
        Kind::Numeric | Kind::Text | Kind::Varchar | Kind::Bytea | Kind::Json | Kind::Uuid => {
            Value::Text(text.to_owned())
        }
    })
}

fn read_binary(bytes: &[u8], kind: Kind) -> Result<Value, Failure> {
    let wrong = || Failure::new("08P01", "incorrect binary data format in bind parameter");
    let long = || bytes.try_into().map(i64::from_be_bytes).map_err(|_error| wrong());
    let point = |micros: i64| time::from_microseconds(micros).map(time::write).ok_or_else(wrong);
    Ok(match kind {
        Kind::Bool => Value::Integer(i64::from(bytes.first().copied().unwrap_or(0) != 0)),
        Kind::Int2 => {
            Value::Integer(bytes.try_into().map(i16::from_be_bytes).map_err(|_e| wrong())?.into())
        }
        Kind::Int4 => {
            Value::Integer(bytes.try_into().map(i32::from_be_bytes).map_err(|_e| wrong())?.into())
        }
        Kind::Int8 => Value::Integer(long()?),
        Kind::Float8 => {
            Value::Real(bytes.try_into().map(f64::from_be_bytes).map_err(|_e| wrong())?)
        }
        Kind::Timestamp => Value::Text(point(long()?)?),
        Kind::Timestamptz => Value::Text(format!("{}+00", point(long()?)?)),
        Kind::Date => {
            let days = bytes.try_into().map(i32::from_be_bytes).map_err(|_e| wrong())?;
            let micros = i64::from(days).saturating_mul(MICROSECONDS_OF_A_DAY);
            Value::Text(time::from_microseconds(micros).map(time::write_date).ok_or_else(wrong)?)
        }
        Kind::Bytea => Value::Blob(bytes.to_vec()),
        Kind::Text | Kind::Varchar | Kind::Json => read_text(bytes, kind)?,
        Kind::Numeric | Kind::Uuid => {
            return Err(Failure::unsupported(format_args!("a binary parameter of type {kind:?}")));
        }
    })
}
