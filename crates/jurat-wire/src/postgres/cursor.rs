//! The one place where bytes of a message become numbers and slices, each step checked against the
//! end of the message.

use super::error::ParseError;

/// What is left to read of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    /// Ends the reading; a message must have no byte left.
    pub(super) const fn finish(self) -> Result<(), ParseError> {
        if self.rest.is_empty() { Ok(()) } else { Err(ParseError::TrailingBytes(self.rest.len())) }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
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

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ParseError> {
        let (head, tail) =
            self.rest.split_first_chunk::<N>().ok_or(ParseError::Truncated { field })?;
        self.rest = tail;
        Ok(*head)
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, ParseError> {
        self.array(field).map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, ParseError> {
        self.array(field).map(u16::from_be_bytes)
    }

    pub(super) fn i16(&mut self, field: &'static str) -> Result<i16, ParseError> {
        self.array(field).map(i16::from_be_bytes)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, ParseError> {
        self.array(field).map(u32::from_be_bytes)
    }

    pub(super) fn i32(&mut self, field: &'static str) -> Result<i32, ParseError> {
        self.array(field).map(i32::from_be_bytes)
    }

    pub(super) fn four(&mut self, field: &'static str) -> Result<[u8; 4], ParseError> {
        self.array(field)
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

    /// A value behind its signed length; a length of -1 stands for NULL.
    pub(super) fn value(&mut self, field: &'static str) -> Result<Option<&'a [u8]>, ParseError> {
        match self.i32(field)? {
            -1 => Ok(None),
            length => {
                let count = usize::try_from(length)
                    .map_err(|_negative| ParseError::InvalidLength { field, length })?;
                self.take(count, field).map(Some)
            }
        }
    }
}
