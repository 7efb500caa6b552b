//! The errors of this module: one enum an operation.
//!
//! No message quotes bytes from the wire: an error may be shown to a client or written to a log,
//! and the bytes may be a password or a row.

use thiserror::Error;

/// Why the stream can no longer be cut into messages. The connection has to be closed: nobody knows
/// where the next message begins.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum FrameError {
    /// The declared length is larger than this kind of message may be.
    #[error("message `{}` declares {declared} bytes, above {max}", tag.escape_ascii())]
    TooLong {
        /// The tag byte of the message.
        tag: u8,
        /// The declared length in bytes, the length field included, read as unsigned.
        declared: u32,
        /// The largest body in bytes that is taken, the length field not included.
        max: usize,
    },
    /// The declared length is smaller than the length field itself.
    #[error("message `{}` declares {declared} bytes, below 4", tag.escape_ascii())]
    TooShort {
        /// The tag byte of the message.
        tag: u8,
        /// The declared length in bytes, the length field included.
        declared: u32,
    },
    /// No message of this sender begins with this byte.
    #[error("unknown message type `{}`", .0.escape_ascii())]
    UnknownTag(u8),
}

/// Why the first packet of a connection cannot be read. The connection has to be closed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum StartupError {
    /// The declared length is outside of 8 to 10,000 bytes.
    #[error("start-up packet declares {0} bytes, which is outside of 8 to 10000")]
    Length(u32),
    /// The body does not follow the layout of its kind of packet.
    #[error("malformed start-up packet")]
    Malformed(#[from] ParseError),
    /// The packet is a request of a kind that is not known (a major version of 1234).
    #[error("unknown start-up request code {0}")]
    UnknownRequest(u32),
    /// The client speaks another major version of the protocol than 3. PostgreSQL answers 0A000.
    #[error("unsupported protocol version {major}.{minor}")]
    UnsupportedVersion {
        /// The requested major version.
        major: u16,
        /// The requested minor version.
        minor: u16,
    },
}

/// Why the body of one message cannot be read. PostgreSQL answers most of these with 08P01.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ParseError {
    /// The number of format codes is not zero, one, or the number of values.
    #[error("{formats} format codes for {values} values")]
    FormatCount {
        /// How many format codes were sent.
        formats: usize,
        /// How many values were sent.
        values: usize,
    },
    /// A format code is neither 0 (text) nor 1 (binary).
    #[error("unknown format code {0}")]
    InvalidFormat(i16),
    /// A length is negative without being the -1 that stands for NULL, or outside of its range.
    #[error("invalid length {length} of the {field}")]
    InvalidLength {
        /// What the length belongs to.
        field: &'static str,
        /// The length as it was declared.
        length: i32,
    },
    /// A byte that selects a variant (`S`/`P` of Describe, the status of ReadyForQuery) is unknown.
    #[error("invalid {field} `{}`", value.escape_ascii())]
    InvalidSelector {
        /// What the byte selects.
        field: &'static str,
        /// The byte.
        value: u8,
    },
    /// A string that has to be UTF-8 is not.
    #[error("text is not UTF-8")]
    InvalidUtf8,
    /// A string is not ended by a NUL byte inside the message.
    #[error("the {field} has no terminator")]
    MissingTerminator {
        /// Which string.
        field: &'static str,
    },
    /// Bytes are left over behind the last field.
    #[error("{0} bytes are left over behind the last field")]
    TrailingBytes(usize),
    /// The message ends inside a field.
    #[error("the message ends inside the {field}")]
    Truncated {
        /// Which field.
        field: &'static str,
    },
    /// No message of this sender begins with this byte.
    #[error("unknown message type `{}`", .0.escape_ascii())]
    UnknownTag(u8),
}

/// Why a message cannot be written. The output is left as it was before the call.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum EncodeError {
    /// A string holds a NUL byte, which would end it early and turn its rest into other fields.
    #[error("the {field} holds a NUL byte")]
    EmbeddedNul {
        /// Which string.
        field: &'static str,
    },
    /// A string is empty where the empty string would end a list early.
    #[error("the {field} is empty")]
    Empty {
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
    /// A count does not fit its field.
    #[error("{count} are too many for the {field}")]
    TooMany {
        /// What there is too much of.
        field: &'static str,
        /// How many there are.
        count: usize,
    },
}
