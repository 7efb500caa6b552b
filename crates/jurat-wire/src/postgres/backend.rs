//! The messages that a server sends.

pub mod authentication;
pub mod command;
pub mod report;
pub mod rows;

use super::cursor::Cursor;
use super::error::ParseError;
use super::frame::Kind;
use super::value::{Format, Formats, Oids, Secret, Values, read_cancel_key};
use authentication::Authentication;
use command::CommandComplete;
use report::ReportFields;
use rows::RowDescription;

/// One message of a server. Texts are bytes in the encoding of the client, without their NUL byte.
#[derive(Clone, Copy, Debug)]
pub enum Backend<'a> {
    /// A step of the authentication.
    Authentication(Authentication<'a>),
    /// What a client needs to cancel.
    BackendKeyData {
        /// The process number.
        process_id: u32,
        /// The key, 4 to 256 bytes.
        secret: Secret<'a>,
    },
    /// Bind succeeded.
    BindComplete,
    /// Close succeeded.
    CloseComplete,
    /// A statement ended.
    CommandComplete(CommandComplete<'a>),
    /// The server sends and takes rows of a COPY (replication).
    CopyBothResponse(CopyResponse<'a>),
    /// A piece of the rows of a COPY.
    CopyData(&'a [u8]),
    /// The end of the rows of a COPY.
    CopyDone,
    /// The server takes rows of a COPY.
    CopyInResponse(CopyResponse<'a>),
    /// The server sends rows of a COPY.
    CopyOutResponse(CopyResponse<'a>),
    /// A row.
    DataRow(Values<'a>),
    /// An empty statement ended.
    EmptyQueryResponse,
    /// Something failed.
    ErrorResponse(ReportFields<'a>),
    /// The result of a FunctionCall; `None` is NULL.
    FunctionCallResponse(FunctionResult<'a>),
    /// The server does not speak the requested minor version or does not know some options.
    NegotiateProtocolVersion(NegotiateProtocolVersion<'a>),
    /// What was described returns no rows.
    NoData,
    /// A warning or a remark; may come at any time.
    NoticeResponse(ReportFields<'a>),
    /// A NOTIFY; may come at any time.
    NotificationResponse {
        /// The process that notifies.
        process_id: u32,
        /// The channel.
        channel: &'a [u8],
        /// What it says.
        payload: &'a [u8],
    },
    /// The types of the parameters of a prepared statement.
    ParameterDescription(Oids<'a>),
    /// A setting has this value now; may come at any time.
    ParameterStatus {
        /// The setting.
        name: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// Parse succeeded.
    ParseComplete,
    /// The row limit of Execute was reached; the portal can go on.
    PortalSuspended,
    /// The server waits for the next statement.
    ReadyForQuery(TransactionStatus),
    /// The columns of the rows that follow.
    RowDescription(RowDescription<'a>),
}

/// The tag of a message of a server.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BackendTag {
    /// `R`
    Authentication,
    /// `K`
    BackendKeyData,
    /// `2`
    BindComplete,
    /// `3`
    CloseComplete,
    /// `C`
    CommandComplete,
    /// `W`
    CopyBothResponse,
    /// `d`
    CopyData,
    /// `c`
    CopyDone,
    /// `G`
    CopyInResponse,
    /// `H`
    CopyOutResponse,
    /// `D`
    DataRow,
    /// `I`
    EmptyQueryResponse,
    /// `E`
    ErrorResponse,
    /// `V`
    FunctionCallResponse,
    /// `v`
    NegotiateProtocolVersion,
    /// `n`
    NoData,
    /// `N`
    NoticeResponse,
    /// `A`
    NotificationResponse,
    /// `t`
    ParameterDescription,
    /// `S`
    ParameterStatus,
    /// `1`
    ParseComplete,
    /// `s`
    PortalSuspended,
    /// `Z`
    ReadyForQuery,
    /// `T`
    RowDescription,
    /// No server message begins with this byte.
    Unknown(u8),
}

impl BackendTag {
    /// The tag that this byte stands for.
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            b'R' => Self::Authentication,
            b'K' => Self::BackendKeyData,
            b'2' => Self::BindComplete,
            b'3' => Self::CloseComplete,
            b'C' => Self::CommandComplete,
            b'W' => Self::CopyBothResponse,
            b'd' => Self::CopyData,
            b'c' => Self::CopyDone,
            b'G' => Self::CopyInResponse,
            b'H' => Self::CopyOutResponse,
            b'D' => Self::DataRow,
            b'I' => Self::EmptyQueryResponse,
            b'E' => Self::ErrorResponse,
            b'V' => Self::FunctionCallResponse,
            b'v' => Self::NegotiateProtocolVersion,
            b'n' => Self::NoData,
            b'N' => Self::NoticeResponse,
            b'A' => Self::NotificationResponse,
            b't' => Self::ParameterDescription,
            b'S' => Self::ParameterStatus,
            b'1' => Self::ParseComplete,
            b's' => Self::PortalSuspended,
            b'Z' => Self::ReadyForQuery,
            b'T' => Self::RowDescription,
            other => Self::Unknown(other),
        }
    }

    /// Whether the message may come at any time and answers no request.
    pub const fn is_asynchronous(self) -> bool {
        matches!(self, Self::NoticeResponse | Self::NotificationResponse | Self::ParameterStatus)
    }

    /// How long the message may be; nothing for an unknown one. A server is trusted to send long
    /// texts, not to send them in messages that hold a status of one byte.
    pub(super) const fn kind(self) -> Option<Kind> {
        Some(match self {
            Self::CopyData | Self::DataRow => Kind::Row,
            Self::BindComplete
            | Self::CloseComplete
            | Self::CopyDone
            | Self::EmptyQueryResponse
            | Self::NoData
            | Self::ParseComplete
            | Self::PortalSuspended => Kind::Small(0),
            Self::ReadyForQuery => Kind::Small(1),
            Self::BackendKeyData => Kind::Small(260),
            Self::Authentication
            | Self::CommandComplete
            | Self::CopyBothResponse
            | Self::CopyInResponse
            | Self::CopyOutResponse
            | Self::ErrorResponse
            | Self::FunctionCallResponse
            | Self::NegotiateProtocolVersion
            | Self::NoticeResponse
            | Self::NotificationResponse
            | Self::ParameterDescription
            | Self::ParameterStatus
            | Self::RowDescription => Kind::Large,
            Self::Unknown(_) => return None,
        })
    }
}

/// Where the session stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TransactionStatus {
    /// In a transaction that failed and only takes its end (`E`).
    Failed,
    /// In no transaction (`I`).
    Idle,
    /// In a transaction (`T`).
    InTransaction,
}

impl TransactionStatus {
    /// The byte that stands for it in ReadyForQuery.
    pub const fn as_byte(self) -> u8 {
        match self {
            Self::Failed => b'E',
            Self::Idle => b'I',
            Self::InTransaction => b'T',
        }
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        match cursor.u8("transaction status")? {
            b'E' => Ok(Self::Failed),
            b'I' => Ok(Self::Idle),
            b'T' => Ok(Self::InTransaction),
            value => Err(ParseError::InvalidSelector { field: "transaction status", value }),
        }
    }
}

/// How the rows of a COPY are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CopyResponse<'a> {
    /// The format of the whole.
    pub format: Format,
    /// The formats of the columns, one a column.
    pub columns: Formats<'a>,
}

impl<'a> CopyResponse<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let format = Format::from_code(i16::from(cursor.u8("format")?))?;
        Ok(Self { format, columns: Formats::read(cursor, "column formats")? })
    }
}

/// The result of a FunctionCall. The `Debug` form does not show it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct FunctionResult<'a> {
    /// The value; `None` is NULL.
    pub value: Option<&'a [u8]>,
}

impl std::fmt::Debug for FunctionResult<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("FunctionResult(..)")
    }
}

/// The answer of a server that speaks an older minor version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NegotiateProtocolVersion<'a> {
    /// The newest version that the server speaks: PostgreSQL sends major and minor as in a start-up
    /// message (`0x00030002` is 3.2), although its documentation calls the field a minor version.
    pub newest: u32,
    count: usize,
    names: &'a [u8],
}

impl<'a> NegotiateProtocolVersion<'a> {
    /// The names of the options (`_pq_.…`) that the server does not know.
    pub fn unrecognized(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut cursor = Cursor::new(self.names);
        std::iter::from_fn(move || cursor.string("option name").ok())
    }

    /// How many options the server does not know.
    pub const fn unrecognized_len(&self) -> usize {
        self.count
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let newest = cursor.u32("newest version")?;
        let length = cursor.i32("option count")?;
        let count = usize::try_from(length)
            .map_err(|_negative| ParseError::InvalidLength { field: "option count", length })?;
        let names = cursor.rest();
        // Each name takes at least its NUL byte, so a count that lies ends with the message.
        for _ in 0..count {
            cursor.string("option name")?;
        }
        Ok(Self { newest, count, names })
    }
}

/// Reads the body of the message that begins with `tag`.
///
/// # Errors
/// [`ParseError::UnknownTag`] when no server message begins with the tag; another [`ParseError`]
/// when the body is not exactly one message of its kind.
pub fn parse_backend(tag: u8, body: &[u8]) -> Result<Backend<'_>, ParseError> {
    let mut cursor = Cursor::new(body);
    let message = match BackendTag::from_byte(tag) {
        BackendTag::Authentication => Backend::Authentication(Authentication::read(&mut cursor)?),
        BackendTag::BackendKeyData => {
            let process_id = cursor.u32("process number")?;
            return Ok(Backend::BackendKeyData { process_id, secret: read_cancel_key(cursor)? });
        }
        BackendTag::BindComplete => Backend::BindComplete,
        BackendTag::CloseComplete => Backend::CloseComplete,
        BackendTag::CommandComplete => {
            Backend::CommandComplete(CommandComplete { tag: cursor.string("command tag")? })
        }
        BackendTag::CopyBothResponse => Backend::CopyBothResponse(CopyResponse::read(&mut cursor)?),
        BackendTag::CopyData => return Ok(Backend::CopyData(body)),
        BackendTag::CopyDone => Backend::CopyDone,
        BackendTag::CopyInResponse => Backend::CopyInResponse(CopyResponse::read(&mut cursor)?),
        BackendTag::CopyOutResponse => Backend::CopyOutResponse(CopyResponse::read(&mut cursor)?),
        BackendTag::DataRow => Backend::DataRow(Values::read(&mut cursor, "column")?),
        BackendTag::EmptyQueryResponse => Backend::EmptyQueryResponse,
        BackendTag::ErrorResponse => Backend::ErrorResponse(ReportFields::read(&mut cursor)?),
        BackendTag::FunctionCallResponse => {
            Backend::FunctionCallResponse(FunctionResult { value: cursor.value("result")? })
        }
        BackendTag::NegotiateProtocolVersion => {
            Backend::NegotiateProtocolVersion(NegotiateProtocolVersion::read(&mut cursor)?)
        }
        BackendTag::NoData => Backend::NoData,
        BackendTag::NoticeResponse => Backend::NoticeResponse(ReportFields::read(&mut cursor)?),
        BackendTag::NotificationResponse => Backend::NotificationResponse {
            process_id: cursor.u32("process number")?,
            channel: cursor.string("channel")?,
            payload: cursor.string("payload")?,
        },
        BackendTag::ParameterDescription => {
            Backend::ParameterDescription(Oids::read(&mut cursor, "parameter types")?)
        }
        BackendTag::ParameterStatus => Backend::ParameterStatus {
            name: cursor.string("setting name")?,
            value: cursor.string("setting value")?,
        },
        BackendTag::ParseComplete => Backend::ParseComplete,
        BackendTag::PortalSuspended => Backend::PortalSuspended,
        BackendTag::ReadyForQuery => Backend::ReadyForQuery(TransactionStatus::read(&mut cursor)?),
        BackendTag::RowDescription => Backend::RowDescription(RowDescription::read(&mut cursor)?),
        BackendTag::Unknown(tag) => return Err(ParseError::UnknownTag(tag)),
    };
    cursor.finish()?;
    Ok(message)
}
