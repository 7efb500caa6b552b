//! Writing what a client sends, for the connection to the upstream server.

use super::{message, put_item, put_string, put_u16, put_u32, put_value, sized};
use crate::postgres::error::EncodeError;
use crate::postgres::startup::{CANCEL_REQUEST, SSL_REQUEST, STARTUP_LEN_MAX};
use crate::postgres::value::Target;

/// SSLRequest, complete.
pub fn ssl_request() -> [u8; 8] {
    let [a, b, c, d] = SSL_REQUEST.to_be_bytes();
    [0, 0, 0, 8, a, b, c, d]
}

/// The start-up message of protocol 3.`minor` with `parameters` in order.
///
/// # Errors
/// [`EncodeError`] for an empty name, a NUL byte, or a packet above 10,000 bytes, which every
/// server refuses.
pub fn startup(
    out: &mut Vec<u8>,
    minor: u16,
    parameters: &[(&str, &str)],
) -> Result<(), EncodeError> {
    let start = out.len();
    sized(out, |out| {
        put_u16(out, 3);
        put_u16(out, minor);
        for (name, value) in parameters {
            put_item(out, name, "parameter name")?;
            put_string(out, value.as_bytes(), "parameter value")?;
        }
        out.push(0);
        Ok(())
    })?;
    let bytes = out.len().saturating_sub(start);
    if bytes > STARTUP_LEN_MAX {
        out.truncate(start);
        return Err(EncodeError::TooLong { field: "start-up message", bytes });
    }
    Ok(())
}

/// CancelRequest with the process number and key of BackendKeyData.
///
/// # Errors
/// [`EncodeError::TooLong`] for a key above 256 bytes, the most that protocol 3.2 has.
pub fn cancel_request(out: &mut Vec<u8>, process_id: u32, key: &[u8]) -> Result<(), EncodeError> {
    if key.len() > 256 {
        return Err(EncodeError::TooLong { field: "cancel key", bytes: key.len() });
    }
    sized(out, |out| {
        put_u32(out, CANCEL_REQUEST);
        put_u32(out, process_id);
        out.extend_from_slice(key);
        Ok(())
    })
}

/// PasswordMessage: the password in clear text or its MD5 form.
///
/// # Errors
/// [`EncodeError`] for a NUL byte or a message that is too long.
pub fn password(out: &mut Vec<u8>, password: &[u8]) -> Result<(), EncodeError> {
    message(out, b'p', |out| put_string(out, password, "password"))
}

/// SASLInitialResponse; `data` of `None` says that the mechanism sends none.
///
/// # Errors
/// [`EncodeError`] for a NUL byte in the mechanism or a message that is too long.
pub fn sasl_initial_response(
    out: &mut Vec<u8>,
    mechanism: &str,
    data: Option<&[u8]>,
) -> Result<(), EncodeError> {
    message(out, b'p', |out| {
        put_item(out, mechanism, "mechanism")?;
        put_value(out, data, "mechanism data")
    })
}

/// SASLResponse.
///
/// # Errors
/// [`EncodeError::TooLong`] when the message is too long.
pub fn sasl_response(out: &mut Vec<u8>, data: &[u8]) -> Result<(), EncodeError> {
    message(out, b'p', |out| {
        out.extend_from_slice(data);
        Ok(())
    })
}

/// Query.
///
/// # Errors
/// [`EncodeError`] for a NUL byte or a message that is too long.
pub fn query(out: &mut Vec<u8>, text: &[u8]) -> Result<(), EncodeError> {
    message(out, b'Q', |out| put_string(out, text, "statement text"))
}

/// Parse with the types of its first parameters.
///
/// # Errors
/// [`EncodeError`] for a NUL byte, a message that is too long, or more than 65,535 types.
pub fn parse(
    out: &mut Vec<u8>,
    name: &[u8],
    text: &[u8],
    parameter_types: impl IntoIterator<Item = u32>,
) -> Result<(), EncodeError> {
    message(out, b'P', |out| {
        put_string(out, name, "statement name")?;
        put_string(out, text, "statement text")?;
        let types: Vec<[u8; 4]> = parameter_types.into_iter().map(u32::to_be_bytes).collect();
        // Unlike the counts of a server, this one is read as unsigned, and Parse is rewritten for
        // clients that may have sent as many.
        let count = u16::try_from(types.len()).map_err(|_overflow| EncodeError::TooMany {
            field: "parameter types",
            count: types.len(),
        })?;
        put_u16(out, count);
        out.extend_from_slice(types.as_flattened());
        Ok(())
    })
}

/// Bind without parameters, for results in text format.
///
/// # Errors
/// [`EncodeError`] for a NUL byte or a message that is too long.
pub fn bind(out: &mut Vec<u8>, portal: &[u8], statement: &[u8]) -> Result<(), EncodeError> {
    message(out, b'B', |out| {
        put_string(out, portal, "portal name")?;
        put_string(out, statement, "statement name")?;
        // No formats of parameters, no parameters, no formats of results.
        out.extend_from_slice(&[0; 6]);
        Ok(())
    })
}

/// Bind with values, each with whether it is in binary format, for results in text format.
///
/// # Errors
/// [`EncodeError`] for a NUL byte, a value or message that is too long, or too many values.
pub fn bind_values(
    out: &mut Vec<u8>,
    portal: &[u8],
    statement: &[u8],
    values: &[(bool, Option<&[u8]>)],
) -> Result<(), EncodeError> {
    message(out, b'B', |out| {
        put_string(out, portal, "portal name")?;
        put_string(out, statement, "statement name")?;
        let too_many = EncodeError::TooMany { field: "values", count: values.len() };
        let count = u16::try_from(values.len()).map_err(|_overflow| too_many)?;
        put_u16(out, count);
        for (binary, _) in values {
            put_u16(out, u16::from(*binary));
        }
        put_u16(out, count);
        for (_, value) in values {
            match value {
                None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
                Some(value) => {
                    let too_long = EncodeError::TooLong { field: "value", bytes: value.len() };
                    let length = i32::try_from(value.len()).map_err(|_overflow| too_long)?;
                    out.extend_from_slice(&length.to_be_bytes());
                    out.extend_from_slice(value);
                }
            }
        }
        // No formats of results.
        put_u16(out, 0);
        Ok(())
    })
}

/// Execute; `max_rows` of 0 for all rows.
///
/// # Errors
/// [`EncodeError`] for a NUL byte or a message that is too long.
pub fn execute(out: &mut Vec<u8>, portal: &[u8], max_rows: i32) -> Result<(), EncodeError> {
    message(out, b'E', |out| {
        put_string(out, portal, "portal name")?;
        out.extend_from_slice(&max_rows.to_be_bytes());
        Ok(())
    })
}

/// Describe.
///
/// # Errors
/// [`EncodeError`] for a NUL byte or a message that is too long.
pub fn describe(out: &mut Vec<u8>, target: Target, name: &[u8]) -> Result<(), EncodeError> {
    targeted(out, b'D', target, name)
}

/// Close.
///
/// # Errors
/// [`EncodeError`] for a NUL byte or a message that is too long.
pub fn close(out: &mut Vec<u8>, target: Target, name: &[u8]) -> Result<(), EncodeError> {
    targeted(out, b'C', target, name)
}

fn targeted(out: &mut Vec<u8>, tag: u8, target: Target, name: &[u8]) -> Result<(), EncodeError> {
    message(out, tag, |out| {
        out.push(target.as_byte());
        put_string(out, name, "name")
    })
}

/// CopyFail.
///
/// # Errors
/// [`EncodeError`] for a NUL byte or a message that is too long.
pub fn copy_fail(out: &mut Vec<u8>, reason: &[u8]) -> Result<(), EncodeError> {
    message(out, b'f', |out| put_string(out, reason, "reason"))
}

/// Sync.
pub fn sync(out: &mut Vec<u8>) {
    out.extend_from_slice(b"S\0\0\0\x04");
}

/// Flush.
pub fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"H\0\0\0\x04");
}

/// Terminate.
pub fn terminate(out: &mut Vec<u8>) {
    out.extend_from_slice(b"X\0\0\0\x04");
}
