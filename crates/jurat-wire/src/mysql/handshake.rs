//! What both sides say before a session exists: the server's greeting, the client's request for TLS,
//! and the client's answer.

use super::capability::{Capabilities, Status};
use super::cursor::Cursor;
use super::error::{EncodeError, ParseError};
use super::value::{Attributes, Secret};
use crate::mysql::encode::{put_integer, put_string};

/// The version of the handshake.
const PROTOCOL_VERSION: u8 = 10;

/// The length in bytes of a challenge, without the NUL byte that ends it.
pub const CHALLENGE: usize = 20;

/// The length in bytes of the part that SSLRequest and the client's answer share.
const FIXED_PART: usize = 32;

/// The greeting of a server (`Protocol::HandshakeV10`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Greeting<'a> {
    /// The version of the server. MariaDB may put `5.5.5-` in front.
    pub version: &'a [u8],
    /// The number of the connection, as `KILL` takes it.
    pub connection: u32,
    /// The challenge of the authentication plugin, without the NUL byte behind it.
    pub challenge: Vec<u8>,
    /// What the server can do.
    pub capabilities: Capabilities,
    /// The number of the server's default collation, its lower byte.
    pub collation: u8,
    /// The state of the session.
    pub status: Status,
    /// The name of the authentication plugin; empty when the server has none.
    pub plugin: &'a [u8],
}

impl<'a> Greeting<'a> {
    /// Reads a greeting.
    ///
    /// # Errors
    /// [`ParseError`]: also for a server that speaks another version.
    pub fn parse(payload: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(payload);
        let protocol = cursor.u8("protocol version")?;
        if protocol != PROTOCOL_VERSION {
            return Err(ParseError::UnsupportedVersion(protocol));
        }
        let version = cursor.string("server version")?;
        let connection = cursor.u32("connection number")?;
        let mut challenge = cursor.take(8, "challenge")?.to_vec();
        cursor.u8("filler")?;
        let low = cursor.u16("capabilities")?;
        let collation = cursor.u8("collation")?;
        let status = Status(cursor.u16("status")?);
        let high = cursor.u16("capabilities")?;
        let challenge_len = cursor.u8("challenge length")?;
        cursor.take(6, "filler")?;
        let extended = cursor.u32("extended capabilities")?;
        let mysql = (u32::from(high) << 16) | u32::from(low);
        let mut capabilities = Capabilities::from_halves(mysql, 0);
        if !capabilities.contains(Capabilities::MYSQL) {
            capabilities = Capabilities::from_halves(mysql, extended);
        }
        if !capabilities.contains(Capabilities::PROTOCOL_41) {
            return Err(ParseError::UnsupportedVersion(protocol));
        }
        if capabilities.contains(Capabilities::SECURE_CONNECTION) {
            let rest = usize::from(challenge_len).saturating_sub(8).max(13);
            let second = cursor.take(rest, "challenge")?;
            challenge.extend_from_slice(second.strip_suffix(&[0]).unwrap_or(second));
        }
        let plugin = if capabilities.contains(Capabilities::PLUGIN_AUTH) {
            cursor.string("plugin name")?
        } else {
            b""
        };
        cursor.finish()?;
        Ok(Self { version, connection, challenge, capabilities, collation, status, plugin })
    }

    /// Writes the payload of a greeting. It always has a challenge of [`CHALLENGE`] bytes and a plugin.
    ///
    /// # Errors
    /// [`EncodeError`] for a NUL byte in a string or the challenge, and for a challenge of another length.
    pub fn put(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let challenge = &self.challenge;
        let split = challenge.split_first_chunk::<8>().filter(|_| challenge.len() == CHALLENGE);
        let (first, second) =
            split.ok_or(EncodeError::TooLong { field: "challenge", bytes: challenge.len() })?;
        if challenge.contains(&0) {
            return Err(EncodeError::EmbeddedNul { field: "challenge" });
        }
        let capabilities = self.capabilities.with(
            Capabilities::PROTOCOL_41
                .with(Capabilities::SECURE_CONNECTION)
                .with(Capabilities::PLUGIN_AUTH),
        );
        let [a, b, c, d] = capabilities.mysql().to_le_bytes();
        out.push(PROTOCOL_VERSION);
        put_string(out, self.version, "server version")?;
        out.extend_from_slice(&self.connection.to_le_bytes());
        out.extend_from_slice(first);
        out.extend_from_slice(&[0, a, b, self.collation]);
        out.extend_from_slice(&self.status.0.to_le_bytes());
        // The length counts the NUL byte behind the challenge.
        out.extend_from_slice(&[c, d, 21]);
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&extended(capabilities).to_le_bytes());
        put_string(out, second, "challenge")?;
        put_string(out, self.plugin, "plugin name")
    }
}

/// MariaDB's flags, which only travel without MySQL's lowest one.
const fn extended(capabilities: Capabilities) -> u32 {
    if capabilities.contains(Capabilities::MYSQL) { 0 } else { capabilities.mariadb() }
}

/// The first packet of a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ClientHello<'a> {
    /// The answer to the greeting.
    Response(Response<'a>),
    /// Ask for TLS; the answer follows inside of it.
    Ssl(Fixed),
}

/// What a request for TLS and the answer to the greeting both begin with. What a client says in clear
/// and then inside of TLS must be the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fixed {
    /// What the client says that it wants, whether the server offered it or not.
    pub claimed: Capabilities,
    /// The longest packet that the client takes, in bytes; zero leaves it to the server.
    pub max_packet: u32,
    /// The number of the collation that the client wants, its lower byte.
    pub collation: u8,
}

impl Fixed {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let mysql = cursor.u32("capabilities")?;
        let max_packet = cursor.u32("packet size")?;
        let collation = cursor.u8("collation")?;
        cursor.take(19, "filler")?;
        let extended = cursor.u32("extended capabilities")?;
        let mut claimed = Capabilities::from_halves(mysql, 0);
        if !claimed.contains(Capabilities::MYSQL) {
            claimed = Capabilities::from_halves(mysql, extended);
        }
        if claimed.contains(Capabilities::PROTOCOL_41) {
            Ok(Self { claimed, max_packet, collation })
        } else {
            Err(ParseError::UnsupportedVersion(9))
        }
    }

    /// Writes the payload of SSLRequest, or the beginning of an answer.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.claimed.mysql().to_le_bytes());
        out.extend_from_slice(&self.max_packet.to_le_bytes());
        out.push(self.collation);
        out.extend_from_slice(&[0; 19]);
        out.extend_from_slice(&extended(self.claimed).to_le_bytes());
    }
}

/// The answer of a client to the greeting (`Protocol::HandshakeResponse41`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response<'a> {
    /// What it shares with a request for TLS.
    pub fixed: Fixed,
    /// Who the client says it is.
    pub user: &'a [u8],
    /// The answer to the challenge.
    pub auth: SecretBytes<'a>,
    /// The schema to begin in; `None` when none is named.
    pub schema: Option<&'a [u8]>,
    /// The authentication plugin that the answer is for; `None` when the client names none.
    pub plugin: Option<&'a [u8]>,
    /// What the client says about itself.
    pub attributes: Option<Attributes<'a>>,
}

/// Secret bytes that can be compared in tests; the `Debug` form does not show them.
#[derive(Clone, Copy)]
pub struct SecretBytes<'a>(pub Secret<'a>);

impl PartialEq for SecretBytes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

impl Eq for SecretBytes<'_> {}

impl std::fmt::Debug for SecretBytes<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<'a> ClientHello<'a> {
    /// Reads the first packet of a client, or the first inside of TLS.
    ///
    /// `offered` is what the greeting offered. A server reads the fields that a flag stands for only
    /// where it offered the flag itself, and drivers write them only then, whatever flags they set.
    ///
    /// # Errors
    /// [`ParseError`]: also for clients of protocols before 4.1.
    pub fn parse(payload: &'a [u8], offered: Capabilities) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(payload);
        let fixed = Fixed::read(&mut cursor)?;
        let both = fixed.claimed.and(offered);
        if payload.len() == FIXED_PART && both.contains(Capabilities::SSL) {
            return Ok(Self::Ssl(fixed));
        }
        let user = cursor.string("user name")?;
        let auth = if both.contains(Capabilities::PLUGIN_AUTH_LENENC) {
            cursor.bytes("authentication")?
        } else if both.contains(Capabilities::SECURE_CONNECTION) {
            let length = cursor.u8("authentication")?;
            cursor.take(usize::from(length), "authentication")?
        } else {
            cursor.string("authentication")?
        };
        let schema = both
            .contains(Capabilities::CONNECT_WITH_DB)
            .then(|| cursor.string("schema"))
            .transpose()?
            .filter(|schema| !schema.is_empty());
        let plugin = both
            .contains(Capabilities::PLUGIN_AUTH)
            .then(|| cursor.string("plugin name"))
            .transpose()?;
        let attributes = both
            .contains(Capabilities::CONNECT_ATTRS)
            .then(|| Attributes::read(&mut cursor))
            .transpose()?;
        if both.contains(Capabilities::ZSTD) {
            cursor.u8("compression level")?;
        }
        cursor.finish()?;
        let auth = SecretBytes(Secret::new(auth));
        Ok(Self::Response(Response { fixed, user, auth, schema, plugin, attributes }))
    }
}

/// What Jurat answers to the greeting of a database.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Capabilities, packet size and collation. [`Capabilities::CONNECT_WITH_DB`] is set or cleared by
    /// whether there is a schema.
    pub fixed: Fixed,
    /// Who logs in.
    pub user: &'a [u8],
    /// The answer to the challenge.
    pub auth: &'a [u8],
    /// The schema to begin in.
    pub schema: Option<&'a [u8]>,
    /// The authentication plugin that the answer is for.
    pub plugin: &'a [u8],
    /// What Jurat says about itself.
    pub attributes: &'a [(&'a str, &'a str)],
}

impl Answer<'_> {
    /// Writes the payload.
    ///
    /// # Errors
    /// [`EncodeError`] for a NUL byte in a string, or an answer that is too long for its field.
    pub fn put(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let claimed = match self.schema {
            Some(_) => self.fixed.claimed.with(Capabilities::CONNECT_WITH_DB),
            None => self.fixed.claimed.without(Capabilities::CONNECT_WITH_DB),
        };
        Fixed { claimed, ..self.fixed }.put(out);
        put_string(out, self.user, "user name")?;
        if claimed.contains(Capabilities::PLUGIN_AUTH_LENENC) {
            put_integer(out, self.auth.len());
        } else {
            let too_long = EncodeError::TooLong { field: "authentication", bytes: self.auth.len() };
            out.push(u8::try_from(self.auth.len()).map_err(|_overflow| too_long)?);
        }
        out.extend_from_slice(self.auth);
        if let Some(schema) = self.schema {
            put_string(out, schema, "schema")?;
        }
        if claimed.contains(Capabilities::PLUGIN_AUTH) {
            put_string(out, self.plugin, "plugin name")?;
        }
        if claimed.contains(Capabilities::CONNECT_ATTRS) {
            let mut pairs = Vec::new();
            for text in self.attributes.iter().flat_map(|(name, value)| [name, value]) {
                put_integer(&mut pairs, text.len());
                pairs.extend_from_slice(text.as_bytes());
            }
            put_integer(out, pairs.len());
            out.extend_from_slice(&pairs);
        }
        Ok(())
    }
}
