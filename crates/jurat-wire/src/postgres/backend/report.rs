//! The fields of an error or a notice of a server.

use crate::postgres::cursor::Cursor;
use crate::postgres::error::ParseError;
use crate::postgres::value::to_str;

/// The fields of ErrorResponse and NoticeResponse (PostgreSQL documentation, "Error and Notice
/// Message Fields"). Texts are in the encoding of the client and may hold values of the database.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct ReportFields<'a> {
    fields: &'a [u8],
}

impl<'a> ReportFields<'a> {
    /// The letter and the text of each field, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut cursor = Cursor::new(self.fields);
        std::iter::from_fn(move || {
            let letter = cursor.u8("field").ok().filter(|letter| *letter != 0)?;
            Some((letter, cursor.string("field").ok()?))
        })
    }

    /// The text of the first field with this letter.
    pub fn field(&self, letter: u8) -> Option<&'a [u8]> {
        self.iter().find(|(found, _)| *found == letter).map(|(_, text)| text)
    }

    /// The SQLSTATE; nothing when it is missing or is not five ASCII letters and digits.
    pub fn code(&self) -> Option<&'a str> {
        let code = self.field(b'C')?;
        let valid = code.len() == 5 && code.iter().all(u8::is_ascii_alphanumeric);
        valid.then(|| to_str(code).ok())?
    }

    /// The severity in English (`ERROR`, `FATAL`, …); a server before 9.6 sends only the
    /// translated one, which is returned then.
    pub fn severity(&self) -> Option<&'a [u8]> {
        self.field(b'V').or_else(|| self.field(b'S'))
    }

    /// Whether the server ends the session after this error.
    pub fn is_fatal(&self) -> bool {
        self.severity().is_some_and(|severity| severity == b"FATAL" || severity == b"PANIC")
    }

    /// The message itself.
    pub fn message(&self) -> Option<&'a [u8]> {
        self.field(b'M')
    }

    /// More about what went wrong.
    pub fn detail(&self) -> Option<&'a [u8]> {
        self.field(b'D')
    }

    /// What the user could do.
    pub fn hint(&self) -> Option<&'a [u8]> {
        self.field(b'H')
    }

    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let fields = cursor.rest();
        loop {
            match cursor.u8("field")? {
                0 => return Ok(Self { fields }),
                _ => cursor.string("field")?,
            };
        }
    }
}

impl std::fmt::Debug for ReportFields<'_> {
    /// Shows the SQLSTATE and no text, which may hold values of the database.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ReportFields").field("code", &self.code()).finish_non_exhaustive()
    }
}
