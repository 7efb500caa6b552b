//! Reading rows and bound values.

use std::fmt;

use super::column_type::{ColumnType, Layout};
use super::cursor::{Cursor, NULL};
use super::encode::put_bytes;
use super::error::ParseError;

/// One value of a binary row, or one that was bound to a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Bytes: strings in the character set of the connection, decimal numbers as text, and the like.
    Bytes(&'a [u8]),
    /// A date, with a time of day or without.
    Date(Date),
    /// A double.
    Double(f64),
    /// A float.
    Float(f32),
    /// A signed integer.
    Int(i64),
    /// NULL.
    Null,
    /// A length of time.
    Time(Time),
    /// An unsigned integer.
    UInt(u64),
}

/// A date, with a time of day or without. No field is checked against a calendar: a server may send,
/// and takes, `0000-00-00`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Date {
    /// The year.
    pub year: u16,
    /// The month from 1.
    pub month: u8,
    /// The day from 1.
    pub day: u8,
    /// The time of day: hour, minute, second and microsecond; `None` when none was sent.
    pub time: Option<(u8, u8, u8, u32)>,
}

/// A length of time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Time {
    /// Whether it is below zero.
    pub negative: bool,
    /// Days.
    pub days: u32,
    /// Hours.
    pub hours: u8,
    /// Minutes.
    pub minutes: u8,
    /// Seconds.
    pub seconds: u8,
    /// Microseconds.
    pub micros: u32,
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)?;
        let Some((hour, minute, second, micros)) = self.time else { return Ok(()) };
        write!(formatter, " {hour:02}:{minute:02}:{second:02}")?;
        if micros == 0 { Ok(()) } else { write!(formatter, ".{micros:06}") }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let hours = u64::from(self.days).saturating_mul(24).saturating_add(u64::from(self.hours));
        write!(formatter, "{sign}{hours:02}:{:02}:{:02}", self.minutes, self.seconds)?;
        if self.micros == 0 { Ok(()) } else { write!(formatter, ".{:06}", self.micros) }
    }
}

/// Reads one value.
pub(super) fn read_value<'a>(
    cursor: &mut Cursor<'a>,
    kind: ColumnType,
    unsigned: bool,
) -> Result<Value<'a>, ParseError> {
    const FIELD: &str = "value";
    Ok(match kind.layout() {
        Layout::Bytes => Value::Bytes(cursor.bytes(FIELD)?),
        Layout::Date => Value::Date(read_date(cursor)?),
        Layout::Double => Value::Double(f64::from_le_bytes(cursor.array(FIELD)?)),
        Layout::Float => Value::Float(f32::from_le_bytes(cursor.array(FIELD)?)),
        Layout::Integer(width) => read_integer(cursor.take(width, FIELD)?, unsigned),
        Layout::Null => Value::Null,
        Layout::Time => Value::Time(read_time(cursor)?),
    })
}

/// An integer of up to eight bytes.
fn read_integer<'a>(bytes: &[u8], unsigned: bool) -> Value<'a> {
    let negative = !unsigned && bytes.last().is_some_and(|byte| *byte & 0x80 != 0);
    let mut wide = if negative { [0xff; 8] } else { [0; 8] };
    for (place, byte) in wide.iter_mut().zip(bytes) {
        *place = *byte;
    }
    if unsigned {
        Value::UInt(u64::from_le_bytes(wide))
    } else {
        Value::Int(i64::from_le_bytes(wide))
    }
}

fn read_date(cursor: &mut Cursor<'_>) -> Result<Date, ParseError> {
    const FIELD: &str = "date";
    let length = cursor.u8(FIELD)?;
    if !matches!(length, 0 | 4 | 7 | 11) {
        return Err(ParseError::InvalidLength { field: FIELD, length: u64::from(length) });
    }
    let mut date = Date::default();
    if length >= 4 {
        date.year = cursor.u16(FIELD)?;
        date.month = cursor.u8(FIELD)?;
        date.day = cursor.u8(FIELD)?;
    }
    if length >= 7 {
        let [hour, minute, second] = cursor.array(FIELD)?;
        let micros = if length == 11 { cursor.u32(FIELD)? } else { 0 };
        date.time = Some((hour, minute, second, micros));
    }
    Ok(date)
}

fn read_time(cursor: &mut Cursor<'_>) -> Result<Time, ParseError> {
    const FIELD: &str = "time";
    let length = cursor.u8(FIELD)?;
    if !matches!(length, 0 | 8 | 12) {
        return Err(ParseError::InvalidLength { field: FIELD, length: u64::from(length) });
    }
    let mut time = Time::default();
    if length >= 8 {
        time.negative = cursor.u8(FIELD)? != 0;
        time.days = cursor.u32(FIELD)?;
        [time.hours, time.minutes, time.seconds] = cursor.array(FIELD)?;
    }
    if length == 12 {
        time.micros = cursor.u32(FIELD)?;
    }
    Ok(time)
}

/// The values of a text row; `None` is NULL. Ends early where the row breaks the layout: use
/// [`check_text_row`] where that matters.
pub fn text_values(row: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut cursor = Cursor::new(row);
    std::iter::from_fn(move || if cursor.is_empty() { None } else { cursor.value("value").ok() })
}

/// Checks that a text row has exactly `columns` values.
///
/// # Errors
/// [`ParseError`] otherwise.
pub fn check_text_row(row: &[u8], columns: usize) -> Result<(), ParseError> {
    let mut cursor = Cursor::new(row);
    for _ in 0..columns {
        cursor.value("value")?;
    }
    cursor.finish()
}

/// The values of a binary row whose columns have these types and signs (`true` for unsigned).
///
/// # Errors
/// [`ParseError`] when the row does not have exactly these columns.
pub fn binary_values<'a>(
    row: &'a [u8],
    columns: &[(ColumnType, bool)],
) -> Result<Vec<Value<'a>>, ParseError> {
    let mut cursor = Cursor::new(row);
    let first = cursor.u8("row")?;
    if first != 0 {
        return Err(ParseError::Unexpected { first });
    }
    // The bitmap of a row leaves its two lowest bits unused.
    let bitmap = cursor.take(columns.len().saturating_add(9) >> 3, "null bitmap")?;
    let mut values = Vec::new();
    for (index, (kind, unsigned)) in columns.iter().enumerate() {
        let null = bit(bitmap, index.saturating_add(2));
        values.push(if null { Value::Null } else { read_value(&mut cursor, *kind, *unsigned)? });
    }
    cursor.finish()?;
    Ok(values)
}

/// A text row of exactly `columns` values with some of them replaced: `replace` is given the place and the bytes
/// of each value that is not NULL, and says what stands there instead.
///
/// # Errors
/// [`ParseError`] when the row does not have exactly these columns.
pub fn replace_text(
    row: &[u8],
    columns: usize,
    mut replace: impl FnMut(usize, &[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, ParseError> {
    let mut cursor = Cursor::new(row);
    let mut out = Vec::with_capacity(row.len());
    for at in 0..columns {
        match cursor.value("value")? {
            None => out.push(NULL),
            Some(value) => put_bytes(&mut out, replace(at, value).as_deref().unwrap_or(value)),
        }
    }
    cursor.finish()?;
    Ok(out)
}

/// The same for a binary row whose columns have these types and signs; only values that are bytes are replaced.
///
/// # Errors
/// As [`replace_text`].
pub fn replace_binary(
    row: &[u8],
    columns: &[(ColumnType, bool)],
    mut replace: impl FnMut(usize, &[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, ParseError> {
    let mut cursor = Cursor::new(row);
    let first = cursor.u8("row")?;
    if first != 0 {
        return Err(ParseError::Unexpected { first });
    }
    let bitmap = cursor.take(columns.len().saturating_add(9) >> 3, "null bitmap")?;
    let mut out = Vec::with_capacity(row.len());
    out.push(0);
    out.extend_from_slice(bitmap);
    for (at, (kind, unsigned)) in columns.iter().enumerate() {
        if bit(bitmap, at.saturating_add(2)) {
            continue;
        }
        let before = cursor.rest();
        let value = read_value(&mut cursor, *kind, *unsigned)?;
        if let Value::Bytes(value) = value {
            put_bytes(&mut out, replace(at, value).as_deref().unwrap_or(value));
        } else {
            let read = before.len().saturating_sub(cursor.rest().len());
            out.extend_from_slice(before.get(..read).unwrap_or_default());
        }
    }
    cursor.finish()?;
    Ok(out)
}

/// Whether a bit is set, the lowest of the first byte being number 0.
pub(super) fn bit(bitmap: &[u8], index: usize) -> bool {
    bitmap.get(index >> 3).is_some_and(|byte| byte & (1 << (index & 7)) != 0)
}
