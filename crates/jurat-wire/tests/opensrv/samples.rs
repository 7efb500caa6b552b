//! The values that pass: each with what the server is given, and what a client has to read as text and in binary.

use std::{io, time::Duration};

use chrono::{NaiveDate, NaiveDateTime};
use jurat_wire::mysql::{
    column_type::ColumnType,
    row::{Date, Time, Value},
};
use opensrv_mysql::{Column, ColumnFlags, ToMysqlValue};

/// A value as `opensrv-mysql` takes it; it encodes each of them itself.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    Bytes(Vec<u8>),
    Date(NaiveDate),
    DateTime(NaiveDateTime),
    Double(f64),
    Float(f32),
    Int(isize),
    Null,
    Time(Duration),
    UInt(usize),
}

/// One column with one value.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) kind: ColumnType,
    pub(crate) unsigned: bool,
    pub(crate) given: Given,
    pub(crate) text: Vec<u8>,
    pub(crate) value: Value<'static>,
}

impl ToMysqlValue for Given {
    fn to_mysql_text<W: io::Write>(&self, out: &mut W) -> io::Result<()> {
        match self {
            Self::Bytes(value) => value.to_mysql_text(out),
            Self::Date(value) => value.to_mysql_text(out),
            Self::DateTime(value) => value.to_mysql_text(out),
            Self::Double(value) => value.to_mysql_text(out),
            Self::Float(value) => value.to_mysql_text(out),
            Self::Int(value) => value.to_mysql_text(out),
            Self::Null => None::<u8>.to_mysql_text(out),
            Self::Time(value) => value.to_mysql_text(out),
            Self::UInt(value) => value.to_mysql_text(out),
        }
    }

    fn to_mysql_bin<W: io::Write>(&self, out: &mut W, column: &Column) -> io::Result<()> {
        match self {
            Self::Bytes(value) => value.to_mysql_bin(out, column),
            Self::Date(value) => value.to_mysql_bin(out, column),
            Self::DateTime(value) => value.to_mysql_bin(out, column),
            Self::Double(value) => value.to_mysql_bin(out, column),
            Self::Float(value) => value.to_mysql_bin(out, column),
            Self::Int(value) => value.to_mysql_bin(out, column),
            Self::Null => Err(io::Error::other("NULL has no bytes")),
            Self::Time(value) => value.to_mysql_bin(out, column),
            Self::UInt(value) => value.to_mysql_bin(out, column),
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// A column of the server with this place, type and sign.
pub(crate) fn column(place: usize, kind: ColumnType, unsigned: bool) -> Column {
    let colflags = if unsigned { ColumnFlags::UNSIGNED_FLAG } else { ColumnFlags::empty() };
    let coltype = kind.as_byte().try_into().unwrap();
    Column { table: "t".to_owned(), column: format!("c{place}"), coltype, colflags }
}

/// Every type that `opensrv-mysql` writes, at the edges of its range.
pub(crate) fn samples() -> Vec<Sample> {
    [integers(), times(), bytes()].concat()
}

fn integers() -> Vec<Sample> {
    let signed = [
        (ColumnType::Tiny, -0x80),
        (ColumnType::Tiny, 0x7f),
        (ColumnType::Short, -0x8000),
        (ColumnType::Int24, -0x80_0000),
        (ColumnType::Long, -0x8000_0000),
        (ColumnType::Long, 0x7fff_ffff),
        (ColumnType::LongLong, i64::MIN),
        (ColumnType::LongLong, -1),
    ]
    .map(|(kind, number)| Sample {
        kind,
        unsigned: false,
        given: Given::Int(number.try_into().unwrap()),
        text: number.to_string().into_bytes(),
        value: Value::Int(number),
    });
    let unsigned = [
        (ColumnType::Tiny, 0xff),
        (ColumnType::Short, 0xffff),
        (ColumnType::Year, 2026),
        (ColumnType::Int24, 0xff_ffff),
        (ColumnType::Long, 0xffff_ffff),
        (ColumnType::LongLong, 0),
        (ColumnType::LongLong, u64::MAX),
    ]
    .map(|(kind, number)| Sample {
        kind,
        unsigned: true,
        given: Given::UInt(number.try_into().unwrap()),
        text: number.to_string().into_bytes(),
        value: Value::UInt(number),
    });
    [&signed[..], &unsigned].concat()
}

fn times() -> Vec<Sample> {
    let day = NaiveDate::from_ymd_opt(2026, 2, 28).unwrap();
    let second = day.and_hms_opt(23, 59, 58).unwrap();
    let micro = day.and_hms_micro_opt(0, 0, 0, 7).unwrap();
    let date = |time| Value::Date(Date { year: 2026, month: 2, day: 28, time });
    let span = |days, hours, micros| {
        Value::Time(Time { negative: false, days, hours, minutes: 3, seconds: 4, micros })
    };
    let long = Duration::from_secs(34 * 86_400 + 2 * 3600 + 184);
    [
        (ColumnType::Float, Given::Float(-1.5), "-1.5", Value::Float(-1.5)),
        (ColumnType::Double, Given::Double(0.1), "0.1", Value::Double(0.1)),
        (ColumnType::Date, Given::Date(day), "2026-02-28", date(None)),
        (
            ColumnType::DateTime,
            Given::DateTime(second),
            "2026-02-28 23:59:58",
            date(Some((23, 59, 58, 0))),
        ),
        (
            ColumnType::Timestamp,
            Given::DateTime(micro),
            "2026-02-28 00:00:00.000007",
            date(Some((0, 0, 0, 7))),
        ),
        (ColumnType::Time, Given::Time(Duration::ZERO), "00:00:00", Value::Time(Time::default())),
        (ColumnType::Time, Given::Time(long), "818:03:04", span(34, 2, 0)),
        (
            ColumnType::Time,
            Given::Time(Duration::from_micros(184_000_009)),
            "00:03:04.000009",
            span(0, 0, 9),
        ),
    ]
    .map(|(kind, given, text, value)| Sample {
        kind,
        unsigned: false,
        given,
        text: text.as_bytes().to_vec(),
        value,
    })
    .to_vec()
}

/// The lengths stand on both sides of each form that a length has in a packet, below 16 MiB.
fn bytes() -> Vec<Sample> {
    [
        (ColumnType::Decimal, b"1.50".to_vec()),
        (ColumnType::NewDecimal, b"-12345678901234567890.123456789".to_vec()),
        (ColumnType::VarChar, "Zürich".as_bytes().to_vec()),
        (ColumnType::VarString, Vec::new()),
        (ColumnType::String, b"\xfb\xfe\xff\0".to_vec()),
        (ColumnType::Enum, b"red".to_vec()),
        (ColumnType::Set, b"red,blue".to_vec()),
        (ColumnType::Bit, b"\x01\xff".to_vec()),
        (ColumnType::Json, br#"{"a": [1, null]}"#.to_vec()),
        (ColumnType::Geometry, vec![0; 25]),
        (ColumnType::TinyBlob, long(250)),
        (ColumnType::TinyBlob, long(251)),
        (ColumnType::Blob, long(0xffff)),
        (ColumnType::MediumBlob, long(0x1_0000)),
        (ColumnType::LongBlob, long(300_000)),
    ]
    .map(|(kind, text)| {
        let value = Value::Bytes(text.clone().leak());
        Sample { kind, unsigned: false, given: Given::Bytes(text.clone()), text, value }
    })
    .to_vec()
}

/// So many bytes, none of which stands where its neighbors could.
fn long(length: usize) -> Vec<u8> {
    (0_u8..=250).cycle().take(length).collect()
}
