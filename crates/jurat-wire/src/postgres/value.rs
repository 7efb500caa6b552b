//! The pieces that several messages share: formats, values, type numbers, and secrets.
//!
//! The lists are checked in full when their message is parsed and read again when they are
//! iterated, so that a message with 65,535 values costs no allocation.

use std::fmt;

use super::cursor::Cursor;
use super::error::ParseError;

/// Text from the wire as UTF-8.
///
/// # Errors
/// [`ParseError::InvalidUtf8`] when it is not; the client may then use another encoding.
pub fn to_str(text: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(text).map_err(|_position| ParseError::InvalidUtf8)
}

/// Whether a message speaks about a prepared statement or a portal.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Target {
    /// A portal (`P`).
    Portal,
    /// A prepared statement (`S`).
    Statement,
}

impl Target {
    /// The byte that stands for it in Describe and Close.
    pub const fn as_byte(self) -> u8 {
        match self {
            Self::Portal => b'P',
            Self::Statement => b'S',
        }
    }

    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        match cursor.u8("target")? {
            b'P' => Ok(Self::Portal),
            b'S' => Ok(Self::Statement),
            value => Err(ParseError::InvalidSelector { field: "target", value }),
        }
    }
}

/// How a value is written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// The binary form of the type (1).
    Binary,
    /// The text form of the type (0).
    Text,
}

impl Format {
    pub(super) const fn from_code(code: i16) -> Result<Self, ParseError> {
        match code {
            0 => Ok(Self::Text),
            1 => Ok(Self::Binary),
            other => Err(ParseError::InvalidFormat(other)),
        }
    }
}

/// A list of format codes. None stands for all text, one for all values alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Formats<'a> {
    codes: &'a [u8],
}

impl<'a> Formats<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>, field: &'static str) -> Result<Self, ParseError> {
        let count = cursor.u16(field)?;
        let codes = cursor.take(usize::from(count).saturating_mul(2), field)?;
        let mut check = Cursor::new(codes);
        while !check.is_empty() {
            Format::from_code(check.i16(field)?)?;
        }
        Ok(Self { codes })
    }

    /// The format of the value at this position, counted from zero; nothing when the list has
    /// several codes and none at that position.
    pub fn of(&self, position: usize) -> Option<Format> {
        match self.len() {
            0 => Some(Format::Text),
            1 => self.iter().next(),
            _ => self.iter().nth(position),
        }
    }

    /// The codes as they were sent.
    pub fn iter(&self) -> impl Iterator<Item = Format> + use<'a> {
        self.codes.chunks_exact(2).map_while(|code| {
            let code = code.first_chunk::<2>()?;
            Format::from_code(i16::from_be_bytes(*code)).ok()
        })
    }

    /// How many codes were sent.
    pub const fn len(&self) -> usize {
        self.codes.len() >> 1
    }

    /// Whether no code was sent.
    pub const fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The rule of Bind and FunctionCall: no code, one code, or one code a value.
    pub(super) fn check_count(&self, values: usize) -> Result<(), ParseError> {
        let formats = self.len();
        if formats <= 1 || formats == values {
            Ok(())
        } else {
            Err(ParseError::FormatCount { formats, values })
        }
    }
}

/// A list of values, each present or NULL: parameters of Bind, arguments of FunctionCall, columns
/// of DataRow. The `Debug` form shows how many there are and never what they hold.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Values<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl<'a> Values<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>, field: &'static str) -> Result<Self, ParseError> {
        let count = usize::from(cursor.u16(field)?);
        let start = cursor.rest();
        for _ in 0..count {
            cursor.value(field)?;
        }
        let length = start.len().saturating_sub(cursor.rest().len());
        let bytes = Cursor::new(start).take(length, field)?;
        Ok(Self { count, bytes })
    }

    /// The values in order; `None` is NULL.
    pub fn iter(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        let mut cursor = Cursor::new(self.bytes);
        std::iter::from_fn(
            move || {
                if cursor.is_empty() { None } else { cursor.value("value").ok() }
            },
        )
    }

    /// How many values there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no value.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Values").field("count", &self.count).finish_non_exhaustive()
    }
}

/// A list of object numbers of types (`pg_type.oid`); 0 leaves a type to the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Oids<'a> {
    bytes: &'a [u8],
}

impl<'a> Oids<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>, field: &'static str) -> Result<Self, ParseError> {
        let count = cursor.u16(field)?;
        Ok(Self { bytes: cursor.take(usize::from(count).saturating_mul(4), field)? })
    }

    /// The numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.bytes
            .chunks_exact(4)
            .map_while(|oid| oid.first_chunk().copied().map(u32::from_be_bytes))
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.bytes.len() >> 2
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Bytes that must not reach a log: passwords, tokens, cancel keys. The `Debug` form hides them.
///
/// There is no comparison on purpose: keys have to be compared in constant time by the caller.
#[derive(Clone, Copy)]
pub struct Secret<'a>(&'a [u8]);

impl<'a> Secret<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves.
    pub const fn expose(&self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// A cancel key: 4 bytes in protocol 3.0, up to 256 since 3.2.
pub(super) fn read_cancel_key<'a>(cursor: Cursor<'a>) -> Result<Secret<'a>, ParseError> {
    let key = cursor.rest();
    if (4..=256).contains(&key.len()) {
        Ok(Secret::new(key))
    } else {
        let length = i32::try_from(key.len()).unwrap_or(i32::MAX);
        Err(ParseError::InvalidLength { field: "cancel key", length })
    }
}
