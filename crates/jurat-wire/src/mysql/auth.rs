//! What is said between the client's answer and the end of a login.

use super::capability::Capabilities;
use super::cursor::Cursor;
use super::encode::put_string;
use super::error::{EncodeError, ParseError};
use super::response::{ErrPacket, OkPacket};
use super::value::Secret;

/// The first byte of AuthSwitchRequest.
const SWITCH: u8 = 0xfe;
/// The first byte of AuthMoreData.
const MORE: u8 = 0x01;

/// `caching_sha2_password`: the server knows the password's hash and the client has proved that it does.
pub const FAST_SUCCESS: u8 = 3;
/// `caching_sha2_password`: the server needs the password itself.
pub const FULL_AUTHENTICATION: u8 = 4;

/// A packet of a server during a login.
#[derive(Clone, Debug)]
pub enum AuthReply<'a> {
    /// The login is refused.
    Err(ErrPacket<'a>),
    /// The plugin sends more.
    More(Secret<'a>),
    /// The login succeeded.
    Ok(OkPacket<'a>),
    /// Another plugin shall be used.
    Switch {
        /// Its name.
        plugin: &'a [u8],
        /// Its challenge as it came. Plugins whose challenge is text end it with a NUL byte, and for
        /// others a NUL byte at the end is part of it.
        challenge: &'a [u8],
    },
}

impl<'a> AuthReply<'a> {
    /// Reads a packet. The request of servers before 4.1 to use their old passwords, which is a single
    /// byte, is an error.
    ///
    /// # Errors
    /// [`ParseError`] when the packet is none of a login.
    pub fn parse(payload: &'a [u8], capabilities: Capabilities) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(payload);
        match cursor.u8("authentication")? {
            0x00 => OkPacket::parse(payload, capabilities).map(Self::Ok),
            0xff => ErrPacket::parse(payload).map(Self::Err),
            MORE => Ok(Self::More(Secret::new(cursor.rest()))),
            SWITCH => {
                let plugin = cursor.string("plugin name")?;
                Ok(Self::Switch { plugin, challenge: cursor.rest() })
            }
            first => Err(ParseError::Unexpected { first }),
        }
    }
}

/// Writes the payload of a request to use another plugin.
///
/// # Errors
/// [`EncodeError::EmbeddedNul`] for a NUL byte in the name or the challenge.
pub fn put_switch(out: &mut Vec<u8>, plugin: &[u8], challenge: &[u8]) -> Result<(), EncodeError> {
    out.push(SWITCH);
    put_string(out, plugin, "plugin name")?;
    put_string(out, challenge, "challenge")
}

/// Writes the payload of what a plugin sends more.
pub fn put_more(out: &mut Vec<u8>, data: &[u8]) {
    out.push(MORE);
    out.extend_from_slice(data);
}
