//! The packets that a client sends before messages have tags: requests for encryption, requests to
//! cancel, and the start-up message.

use super::cursor::Cursor;
use super::error::{ParseError, StartupError};
use super::value::{Secret, read_cancel_key, to_str};

/// The request code of CancelRequest.
pub const CANCEL_REQUEST: u32 = 80_877_102;
/// The request code of SSLRequest.
pub const SSL_REQUEST: u32 = 80_877_103;
/// The request code of GSSENCRequest.
pub const GSSENC_REQUEST: u32 = 80_877_104;
/// The shortest packet in bytes: a length and a code.
pub const STARTUP_LEN_MIN: usize = 8;
/// The longest packet in bytes (`MAX_STARTUP_PACKET_LENGTH` in `src/include/libpq/pqcomm.h`).
pub const STARTUP_LEN_MAX: usize = 10_000;

/// The major version under which requests hide from servers that do not know them.
const REQUEST_MAJOR: u16 = 1234;

/// The first packet of a connection.
#[derive(Clone, Debug)]
pub enum Startup<'a> {
    /// Cancel what another session runs; the connection is used for nothing else.
    Cancel {
        /// The process number from BackendKeyData.
        process_id: u32,
        /// The key from BackendKeyData, 4 to 256 bytes.
        secret: Secret<'a>,
    },
    /// Ask for GSSAPI encryption.
    GssEnc,
    /// Ask for TLS.
    Ssl,
    /// Start a session.
    Startup(StartupMessage<'a>),
}

/// The start-up message of protocol 3.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StartupMessage<'a> {
    /// The requested major version; always 3.
    pub major: u16,
    /// The requested minor version.
    pub minor: u16,
    /// Names and values in the order they were sent, duplicates kept. No name is empty.
    pub parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> StartupMessage<'a> {
    /// The first value of the parameter `name`.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    /// The first name that was sent twice. PostgreSQL lets the last one win; a proxy that reads the
    /// first one would take the client for somebody else, so the caller should refuse.
    pub fn duplicate(&self) -> Option<&'a str> {
        let mut names: Vec<&str> = self.parameters.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.iter().zip(names.iter().skip(1)).find(|(one, two)| one == two).map(|(name, _)| *name)
    }
}

/// The length in bytes of the packet at the beginning of `buf`, its length field included; nothing
/// when fewer than four bytes are there.
///
/// # Errors
/// [`StartupError::Length`] when it is outside of [`STARTUP_LEN_MIN`] to [`STARTUP_LEN_MAX`].
pub fn parse_startup_len(buf: &[u8]) -> Result<Option<usize>, StartupError> {
    let Some(length) = buf.first_chunk().copied().map(u32::from_be_bytes) else {
        return Ok(None);
    };
    match usize::try_from(length) {
        Ok(bytes) if (STARTUP_LEN_MIN..=STARTUP_LEN_MAX).contains(&bytes) => Ok(Some(bytes)),
        _ => Err(StartupError::Length(length)),
    }
}

/// Reads one complete packet, its length field included and no byte more.
///
/// # Errors
/// [`StartupError`] when the length field is not the length of `packet` or the body does not follow
/// the layout; [`StartupError::UnsupportedVersion`] without looking at the body.
pub fn parse_startup(packet: &[u8]) -> Result<Startup<'_>, StartupError> {
    let mut cursor = Cursor::new(packet);
    let Some(declared) = parse_startup_len(packet)? else {
        return Err(ParseError::Truncated { field: "packet length" }.into());
    };
    cursor.u32("packet length")?;
    let mut cursor = match packet.len().checked_sub(declared) {
        Some(0) => cursor,
        Some(more) => return Err(ParseError::TrailingBytes(more).into()),
        None => return Err(ParseError::Truncated { field: "packet" }.into()),
    };
    let major = cursor.u16("protocol version")?;
    let minor = cursor.u16("protocol version")?;
    match major {
        REQUEST_MAJOR => parse_request(minor, cursor),
        3 => Ok(Startup::Startup(StartupMessage { major, minor, parameters: parameters(cursor)? })),
        _ => Err(StartupError::UnsupportedVersion { major, minor }),
    }
}

fn parse_request(minor: u16, mut cursor: Cursor<'_>) -> Result<Startup<'_>, StartupError> {
    let code = (u32::from(REQUEST_MAJOR) << 16) | u32::from(minor);
    match code {
        CANCEL_REQUEST => {
            let process_id = cursor.u32("process number")?;
            Ok(Startup::Cancel { process_id, secret: read_cancel_key(cursor)? })
        }
        GSSENC_REQUEST => {
            cursor.finish()?;
            Ok(Startup::GssEnc)
        }
        SSL_REQUEST => {
            cursor.finish()?;
            Ok(Startup::Ssl)
        }
        _ => Err(StartupError::UnknownRequest(code)),
    }
}

fn parameters(mut cursor: Cursor<'_>) -> Result<Vec<(&str, &str)>, ParseError> {
    let mut parameters = Vec::new();
    loop {
        let name = to_str(cursor.string("parameter name")?)?;
        if name.is_empty() {
            cursor.finish()?;
            return Ok(parameters);
        }
        parameters.push((name, to_str(cursor.string("parameter value")?)?));
    }
}
