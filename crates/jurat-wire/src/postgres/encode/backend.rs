//! Writing what a server sends, for the connection to the client.

use super::{message, put_count, put_item, put_string, put_u16, put_u32, put_value};
use crate::postgres::backend::TransactionStatus;
use crate::postgres::error::EncodeError;
use crate::postgres::value::Format;

/// An error or a notice to send. Texts are UTF-8.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Report<'a> {
    /// How bad it is.
    pub severity: Severity,
    /// The SQLSTATE: five digits or upper-case letters.
    pub code: &'a str,
    /// The message itself, one line.
    pub message: &'a str,
    /// More about what went wrong.
    pub detail: Option<&'a str>,
    /// What the user could do.
    pub hint: Option<&'a str>,
    /// The schema of the object that it is about.
    pub schema: Option<&'a str>,
    /// The table that it is about.
    pub table: Option<&'a str>,
    /// The column that it is about.
    pub column: Option<&'a str>,
    /// The routine of the server's source that reports it.
    pub routine: Option<&'a str>,
}

impl<'a> Report<'a> {
    /// A report without the optional fields.
    pub const fn new(severity: Severity, code: &'a str, message: &'a str) -> Self {
        Self {
            severity,
            code,
            message,
            detail: None,
            hint: None,
            schema: None,
            table: None,
            column: None,
            routine: None,
        }
    }

    fn put(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let letters = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
        if self.code.len() != 5 || !self.code.bytes().all(letters) {
            return Err(EncodeError::InvalidSqlState);
        }
        let fields = [
            (b'S', Some(self.severity.as_str()), "severity"),
            (b'V', Some(self.severity.as_str()), "severity"),
            (b'C', Some(self.code), "SQLSTATE"),
            (b'M', Some(self.message), "message text"),
            (b'D', self.detail, "detail"),
            (b'H', self.hint, "hint"),
            (b's', self.schema, "schema name"),
            (b't', self.table, "table name"),
            (b'c', self.column, "column name"),
            (b'R', self.routine, "routine name"),
        ];
        for (letter, text, field) in fields {
            if let Some(text) = text {
                out.push(letter);
                put_string(out, text.as_bytes(), field)?;
            }
        }
        out.push(0);
        Ok(())
    }
}

/// How bad a report is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Severity {
    /// The statement failed.
    Error,
    /// The session ends.
    Fatal,
    /// A remark that was asked for.
    Info,
    /// A remark.
    Notice,
    /// A remark that something is probably wrong.
    Warning,
}

impl Severity {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Info => "INFO",
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
        }
    }
}

/// ErrorResponse.
///
/// # Errors
/// [`EncodeError`] for an invalid SQLSTATE, a NUL byte, or a message that is too long.
pub fn error_response(out: &mut Vec<u8>, report: &Report<'_>) -> Result<(), EncodeError> {
    message(out, b'E', |out| report.put(out))
}

/// NoticeResponse, which may be sent between any two messages.
///
/// # Errors
/// [`EncodeError`] for an invalid SQLSTATE, a NUL byte, or a message that is too long.
pub fn notice_response(out: &mut Vec<u8>, report: &Report<'_>) -> Result<(), EncodeError> {
    message(out, b'N', |out| report.put(out))
}

/// AuthenticationOk.
pub fn authentication_ok(out: &mut Vec<u8>) {
    out.extend_from_slice(b"R\0\0\0\x08\0\0\0\0");
}

/// AuthenticationCleartextPassword.
pub fn authentication_cleartext(out: &mut Vec<u8>) {
    out.extend_from_slice(b"R\0\0\0\x08\0\0\0\x03");
}

/// AuthenticationSASL with the mechanisms in order of preference.
///
/// # Errors
/// [`EncodeError`] for an empty name, a NUL byte, or a message that is too long.
pub fn authentication_sasl(out: &mut Vec<u8>, mechanisms: &[&str]) -> Result<(), EncodeError> {
    message(out, b'R', |out| {
        put_u32(out, 10);
        for mechanism in mechanisms {
            put_item(out, mechanism, "mechanism")?;
        }
        out.push(0);
        Ok(())
    })
}

/// AuthenticationSASLContinue.
///
/// # Errors
/// [`EncodeError::TooLong`] when the message is too long.
pub fn authentication_sasl_continue(out: &mut Vec<u8>, data: &[u8]) -> Result<(), EncodeError> {
    authentication_data(out, 11, data)
}

/// AuthenticationSASLFinal.
///
/// # Errors
/// [`EncodeError::TooLong`] when the message is too long.
pub fn authentication_sasl_final(out: &mut Vec<u8>, data: &[u8]) -> Result<(), EncodeError> {
    authentication_data(out, 12, data)
}

fn authentication_data(out: &mut Vec<u8>, code: u32, data: &[u8]) -> Result<(), EncodeError> {
    message(out, b'R', |out| {
        put_u32(out, code);
        out.extend_from_slice(data);
        Ok(())
    })
}

/// ParameterStatus.
///
/// # Errors
/// [`EncodeError`] for a NUL byte or a message that is too long.
pub fn parameter_status(out: &mut Vec<u8>, name: &[u8], value: &[u8]) -> Result<(), EncodeError> {
    message(out, b'S', |out| {
        put_string(out, name, "setting name")?;
        put_string(out, value, "setting value")
    })
}

/// BackendKeyData; the key has 4 bytes in protocol 3.0 and up to 256 since 3.2.
///
/// # Errors
/// [`EncodeError::TooLong`] for a key above 256 bytes.
pub fn backend_key_data(out: &mut Vec<u8>, process_id: u32, key: &[u8]) -> Result<(), EncodeError> {
    if key.len() > 256 {
        return Err(EncodeError::TooLong { field: "cancel key", bytes: key.len() });
    }
    message(out, b'K', |out| {
        put_u32(out, process_id);
        out.extend_from_slice(key);
        Ok(())
    })
}

/// NegotiateProtocolVersion: the newest version that is spoken, and the options that are not known.
///
/// # Errors
/// [`EncodeError`] for a NUL byte or a message that is too long.
pub fn negotiate_protocol_version(
    out: &mut Vec<u8>,
    major: u16,
    minor: u16,
    unrecognized: &[&str],
) -> Result<(), EncodeError> {
    message(out, b'v', |out| {
        // PostgreSQL and libpq use the whole version here, in the form of the start-up message.
        put_u16(out, major);
        put_u16(out, minor);
        let count = unrecognized.len();
        let long = i32::try_from(count)
            .map_err(|_overflow| EncodeError::TooMany { field: "option names", count })?;
        out.extend_from_slice(&long.to_be_bytes());
        unrecognized.iter().try_for_each(|name| put_string(out, name.as_bytes(), "option name"))
    })
}

/// ReadyForQuery.
pub fn ready_for_query(out: &mut Vec<u8>, status: TransactionStatus) {
    out.extend_from_slice(b"Z\0\0\0\x05");
    out.push(status.as_byte());
}

/// CommandComplete with a tag such as `SELECT 5`.
///
/// # Errors
/// [`EncodeError`] for a NUL byte or a message that is too long.
pub fn command_complete(out: &mut Vec<u8>, tag: &str) -> Result<(), EncodeError> {
    message(out, b'C', |out| put_string(out, tag.as_bytes(), "command tag"))
}

/// ParseComplete.
pub fn parse_complete(out: &mut Vec<u8>) {
    out.extend_from_slice(b"1\0\0\0\x04");
}

/// BindComplete.
pub fn bind_complete(out: &mut Vec<u8>) {
    out.extend_from_slice(b"2\0\0\0\x04");
}

/// CloseComplete.
pub fn close_complete(out: &mut Vec<u8>) {
    out.extend_from_slice(b"3\0\0\0\x04");
}

/// EmptyQueryResponse.
pub fn empty_query_response(out: &mut Vec<u8>) {
    out.extend_from_slice(b"I\0\0\0\x04");
}

/// NoData.
pub fn no_data(out: &mut Vec<u8>) {
    out.extend_from_slice(b"n\0\0\0\x04");
}

/// PortalSuspended.
pub fn portal_suspended(out: &mut Vec<u8>) {
    out.extend_from_slice(b"s\0\0\0\x04");
}

/// The number of the type `text` (`pg_type.oid`).
const TEXT_OID: u32 = 25;

/// ParameterDescription: the types of parameters (`pg_type.oid`).
///
/// # Errors
/// [`EncodeError`] for more than 32,767 parameters.
pub fn parameter_description(out: &mut Vec<u8>, types: &[u32]) -> Result<(), EncodeError> {
    message(out, b't', |out| {
        put_count(out, types.len(), "parameters")?;
        types.iter().for_each(|oid| put_u32(out, *oid));
        Ok(())
    })
}

/// RowDescription of columns of type `text` that belong to no table. Their binary form is their text form.
///
/// # Errors
/// [`EncodeError`] for a NUL byte or more than 32,767 columns.
pub fn text_row_description(
    out: &mut Vec<u8>,
    names: &[&str],
    format: Format,
) -> Result<(), EncodeError> {
    message(out, b'T', |out| {
        put_count(out, names.len(), "columns")?;
        for name in names {
            put_string(out, name.as_bytes(), "column name")?;
            put_u32(out, 0);
            put_u16(out, 0);
            put_u32(out, TEXT_OID);
            out.extend_from_slice(&(-1_i16).to_be_bytes());
            out.extend_from_slice(&(-1_i32).to_be_bytes());
            put_u16(out, u16::from(format == Format::Binary));
        }
        Ok(())
    })
}

/// DataRow; `None` is NULL.
///
/// # Errors
/// [`EncodeError`] for a row that is too long or has more than 32,767 values.
pub fn data_row(out: &mut Vec<u8>, values: &[Option<&[u8]>]) -> Result<(), EncodeError> {
    message(out, b'D', |out| {
        put_count(out, values.len(), "values")?;
        values.iter().try_for_each(|value| put_value(out, *value, "value"))
    })
}
