//! The errors of this module: one enum an operation.
//!
//! No message quotes bytes from the wire: an error may be shown to a client or written to a log,
//! and the bytes may be a password or a row.

use thiserror::Error;

/// Why the stream can no longer be cut into packets. The connection has to be closed: nobody knows
/// where the next packet begins, or whose it is.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum FrameError {
    /// The sequence number is not the next one of this exchange.
    #[error("a packet has the sequence number {found}, where {expected} is next")]
    Sequence {
        /// The number that is next.
        expected: u8,
        /// The number that came.
        found: u8,
    },
    /// The payload is longer than is taken.
    #[error("a payload of at least {declared} bytes, above {max}")]
    TooLong {
        /// The declared length in bytes, of all packets of the payload so far.
        declared: usize,
        /// The longest payload in bytes that is taken.
        max: usize,
    },
}

/// Why the payload of one packet cannot be read. MySQL answers most of these with 1835
/// (`ER_MALFORMED_PACKET`).
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ParseError {
    /// A byte or number that selects a variant is unknown.
    #[error("invalid {field} {value}")]
    InvalidSelector {
        /// What the number selects.
        field: &'static str,
        /// The number.
        value: u32,
    },
    /// A length or count is outside of what its field may hold.
    #[error("invalid length {length} of the {field}")]
    InvalidLength {
        /// What the length belongs to.
        field: &'static str,
        /// The length as it was declared.
        length: u64,
    },
    /// A string that has to be UTF-8 is not.
    #[error("text is not UTF-8")]
    InvalidUtf8,
    /// A string is not ended by a NUL byte inside the packet.
    #[error("the {field} has no terminator")]
    MissingTerminator {
        /// Which string.
        field: &'static str,
    },
    /// Bytes are left over behind the last field.
    #[error("{0} bytes are left over behind the last field")]
    TrailingBytes(usize),
    /// The packet ends inside a field.
    #[error("the packet ends inside the {field}")]
    Truncated {
        /// Which field.
        field: &'static str,
    },
    /// The types of the parameters were neither sent with this execution nor before.
    #[error("the types of the parameters were never sent")]
    TypesUnknown,
    /// A packet of this kind may not come at this point of a reply.
    #[error("a packet that begins with {first} came out of turn")]
    Unexpected {
        /// The first byte of the packet.
        first: u8,
    },
    /// The other side does not speak version 10 of the handshake, or not protocol 4.1.
    #[error("unsupported protocol version {0}")]
    UnsupportedVersion(u8),
}

/// Why a packet cannot be written. The output is left as it was before the call.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum EncodeError {
    /// A string holds a NUL byte, which would end it early and turn its rest into other fields.
    #[error("the {field} holds a NUL byte")]
    EmbeddedNul {
        /// Which string.
        field: &'static str,
    },
    /// An SQLSTATE is not five digits or upper-case letters.
    #[error("an SQLSTATE has five digits or upper-case letters")]
    InvalidSqlState,
    /// A length does not fit its field.
    #[error("{bytes} bytes are too long for the {field}")]
    TooLong {
        /// What is too long.
        field: &'static str,
        /// Its length in bytes.
        bytes: usize,
    },
}
