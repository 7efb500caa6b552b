//! The one place where bytes of a packet become numbers and slices, each step checked against the
//! end of the packet.

use super::error::ParseError;

/// The first byte of a NULL in a text row, where a length would stand.
pub(super) const NULL: u8 = 0xfb;

/// What is left to read of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }

    /// Ends the reading; a packet must have no byte left.
    pub(super) const fn finish(self) -> Result<(), ParseError> {
        if self.rest.is_empty() { Ok(()) } else { Err(ParseError::TrailingBytes(self.rest.len())) }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// All that is left.
    pub(super) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn take(
        &mut self,
        count: usize,
        field: &'static str,
    ) -> Result<&'a [u8], ParseError> {
        let (head, tail) =
            self.rest.split_at_checked(count).ok_or(ParseError::Truncated { field })?;
        self.rest = tail;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], ParseError> {
        let (head, tail) =
            self.rest.split_first_chunk::<N>().ok_or(ParseError::Truncated { field })?;
        self.rest = tail;
        Ok(*head)
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, ParseError> {
        self.array(field).map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, ParseError> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, ParseError> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, field: &'static str) -> Result<u64, ParseError> {
        self.array(field).map(u64::from_le_bytes)
    }

    /// A string up to its NUL byte, which is consumed and not returned.
    pub(super) fn string(&mut self, field: &'static str) -> Result<&'a [u8], ParseError> {
        let end = self
            .rest
            .iter()
            .position(|byte| *byte == 0)
            .ok_or(ParseError::MissingTerminator { field })?;
        let text = self.take(end, field)?;
        self.u8(field)?;
        Ok(text)
    }

    /// A length-encoded integer. 0xFB (NULL) and 0xFF (an error packet) are not integers.
    pub(super) fn integer(&mut self, field: &'static str) -> Result<u64, ParseError> {
        match self.u8(field)? {
            small @ 0..=0xfa => Ok(u64::from(small)),
            0xfc => self.u16(field).map(u64::from),
            0xfd => {
                let [a, b, c] = self.array(field)?;
                Ok(u64::from(u32::from_le_bytes([a, b, c, 0])))
            }
            0xfe => self.u64(field),
            value @ (NULL | 0xff) => {
                Err(ParseError::InvalidSelector { field, value: u32::from(value) })
            }
        }
    }

    /// Bytes behind their length-encoded length.
    pub(super) fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], ParseError> {
        let length = self.integer(field)?;
        let count = usize::try_from(length).map_err(|_overflow| ParseError::Truncated { field })?;
        self.take(count, field)
    }

    /// Bytes behind their length-encoded length, or NULL.
    pub(super) fn value(&mut self, field: &'static str) -> Result<Option<&'a [u8]>, ParseError> {
        if self.peek() == Some(NULL) {
            self.u8(field)?;
            return Ok(None);
        }
        self.bytes(field).map(Some)
    }
}
