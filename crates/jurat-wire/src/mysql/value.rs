//! The pieces that several packets share: secrets, text, and pairs of strings.

use super::cursor::Cursor;
use super::error::ParseError;

pub use crate::postgres::value::Secret;

/// Text from the wire as UTF-8.
///
/// # Errors
/// [`ParseError::InvalidUtf8`] when it is not.
pub fn to_str(text: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(text).map_err(|_position| ParseError::InvalidUtf8)
}

/// What a client says about itself: names and values in the order they were sent, duplicates kept.
/// They are claims and prove nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Attributes<'a> {
    pairs: &'a [u8],
}

impl<'a> Attributes<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let pairs = cursor.bytes("connection attributes")?;
        let mut check = Cursor::new(pairs);
        while !check.is_empty() {
            check.bytes("attribute name")?;
            check.bytes("attribute value")?;
        }
        Ok(Self { pairs })
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut cursor = Cursor::new(self.pairs);
        std::iter::from_fn(move || {
            let name = cursor.bytes("attribute name").ok()?;
            Some((name, cursor.bytes("attribute value").ok()?))
        })
    }

    /// The first value with this name.
    pub fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.iter().find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
    }
}
