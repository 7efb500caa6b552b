//! The messages that a client sends after start-up.

use super::cursor::Cursor;
use super::error::ParseError;
use super::frame::{AUTH_BODY_MAX, Kind, SMALL_BODY_MAX};
use super::value::{Format, Formats, Oids, Secret, Target, Values, to_str};

/// One message of a client. Names and texts are bytes in the encoding of the client, without their
/// NUL byte.
#[derive(Clone, Copy, Debug)]
pub enum Frontend<'a> {
    /// Bind parameters to a prepared statement.
    Bind(Bind<'a>),
    /// Forget a prepared statement or portal.
    Close {
        /// Which of the two.
        target: Target,
        /// Its name; empty for the unnamed one.
        name: &'a [u8],
    },
    /// A piece of the rows of a COPY.
    CopyData(&'a [u8]),
    /// The end of the rows of a COPY.
    CopyDone,
    /// Give up a COPY.
    CopyFail {
        /// Why.
        message: &'a [u8],
    },
    /// Ask for the columns and parameters of a prepared statement or portal.
    Describe {
        /// Which of the two.
        target: Target,
        /// Its name; empty for the unnamed one.
        name: &'a [u8],
    },
    /// Run a portal.
    Execute {
        /// Its name; empty for the unnamed one.
        portal: &'a [u8],
        /// The most rows to return; zero (and, to PostgreSQL, less) for all.
        max_rows: i32,
    },
    /// Send the replies that are ready.
    Flush,
    /// Call a function by its number.
    FunctionCall(FunctionCall<'a>),
    /// The answer to a request for authentication: a password, or a message of SASL. Which of them
    /// depends on what the server asked; see [`parse_password`] and [`SaslInitial::parse`].
    Password(Secret<'a>),
    /// Prepare a statement.
    Parse {
        /// Its name; empty for the unnamed one.
        name: &'a [u8],
        /// The SQL text.
        text: &'a [u8],
        /// The types of the first parameters, as far as the client sets them.
        parameter_types: Oids<'a>,
    },
    /// Run statements in the simple protocol.
    Query {
        /// The SQL text.
        text: &'a [u8],
    },
    /// End a pipeline.
    Sync,
    /// End the session.
    Terminate,
}

/// Parameters for a prepared statement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bind<'a> {
    /// The name of the portal to make; empty for the unnamed one.
    pub portal: &'a [u8],
    /// The name of the prepared statement; empty for the unnamed one.
    pub statement: &'a [u8],
    /// How the parameters are written: no code, one, or one a parameter.
    pub parameter_formats: Formats<'a>,
    /// The parameters.
    pub parameters: Values<'a>,
    /// How the result columns are wanted. The number of columns is not known here, so their count
    /// is checked by the server only.
    pub result_formats: Formats<'a>,
}

/// A call of a function by its number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FunctionCall<'a> {
    /// The function (`pg_proc.oid`).
    pub oid: u32,
    /// How the arguments are written: no code, one, or one an argument.
    pub argument_formats: Formats<'a>,
    /// The arguments.
    pub arguments: Values<'a>,
    /// How the result is wanted.
    pub result_format: Format,
}

/// The tag of a message of a client.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FrontendTag {
    /// `B`
    Bind,
    /// `C`
    Close,
    /// `d`
    CopyData,
    /// `c`
    CopyDone,
    /// `f`
    CopyFail,
    /// `D`
    Describe,
    /// `E`
    Execute,
    /// `H`
    Flush,
    /// `F`
    FunctionCall,
    /// `P`
    Parse,
    /// `p`
    Password,
    /// `Q`
    Query,
    /// `S`
    Sync,
    /// `X`
    Terminate,
}

impl FrontendTag {
    /// The tag that this byte stands for; nothing when no client message begins with it.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            b'B' => Self::Bind,
            b'C' => Self::Close,
            b'd' => Self::CopyData,
            b'c' => Self::CopyDone,
            b'f' => Self::CopyFail,
            b'D' => Self::Describe,
            b'E' => Self::Execute,
            b'H' => Self::Flush,
            b'F' => Self::FunctionCall,
            b'P' => Self::Parse,
            b'p' => Self::Password,
            b'Q' => Self::Query,
            b'S' => Self::Sync,
            b'X' => Self::Terminate,
            _ => return None,
        })
    }

    /// The limits that PostgreSQL sets (`SocketBackend` in `src/backend/tcop/postgres.c`).
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Bind | Self::FunctionCall | Self::Parse | Self::Query => Kind::Large,
            Self::CopyData => Kind::Row,
            Self::Password => Kind::Small(AUTH_BODY_MAX),
            Self::Close
            | Self::CopyDone
            | Self::CopyFail
            | Self::Describe
            | Self::Execute
            | Self::Flush
            | Self::Sync
            | Self::Terminate => Kind::Small(SMALL_BODY_MAX),
        }
    }
}

/// Reads the body of the message that begins with `tag`.
///
/// # Errors
/// [`ParseError::UnknownTag`] when no client message begins with the tag; another [`ParseError`]
/// when the body is not exactly one message of its kind.
pub fn parse_frontend(tag: u8, body: &[u8]) -> Result<Frontend<'_>, ParseError> {
    let tag = FrontendTag::from_byte(tag).ok_or(ParseError::UnknownTag(tag))?;
    let mut cursor = Cursor::new(body);
    let message = match tag {
        FrontendTag::Bind => Frontend::Bind(parse_bind(&mut cursor)?),
        FrontendTag::Close => {
            Frontend::Close { target: Target::read(&mut cursor)?, name: cursor.string("name")? }
        }
        FrontendTag::CopyData => return Ok(Frontend::CopyData(body)),
        FrontendTag::CopyDone => Frontend::CopyDone,
        FrontendTag::CopyFail => Frontend::CopyFail { message: cursor.string("message")? },
        FrontendTag::Describe => {
            Frontend::Describe { target: Target::read(&mut cursor)?, name: cursor.string("name")? }
        }
        FrontendTag::Execute => Frontend::Execute {
            portal: cursor.string("portal name")?,
            max_rows: cursor.i32("row limit")?,
        },
        FrontendTag::Flush => Frontend::Flush,
        FrontendTag::FunctionCall => Frontend::FunctionCall(parse_function_call(&mut cursor)?),
        FrontendTag::Parse => Frontend::Parse {
            name: cursor.string("statement name")?,
            text: cursor.string("statement text")?,
            parameter_types: Oids::read(&mut cursor, "parameter types")?,
        },
        FrontendTag::Password => return Ok(Frontend::Password(Secret::new(body))),
        FrontendTag::Query => Frontend::Query { text: cursor.string("statement text")? },
        FrontendTag::Sync => Frontend::Sync,
        FrontendTag::Terminate => Frontend::Terminate,
    };
    cursor.finish()?;
    Ok(message)
}

fn parse_bind<'a>(cursor: &mut Cursor<'a>) -> Result<Bind<'a>, ParseError> {
    let bind = Bind {
        portal: cursor.string("portal name")?,
        statement: cursor.string("statement name")?,
        parameter_formats: Formats::read(cursor, "parameter formats")?,
        parameters: Values::read(cursor, "parameter")?,
        result_formats: Formats::read(cursor, "result formats")?,
    };
    bind.parameter_formats.check_count(bind.parameters.len())?;
    Ok(bind)
}

fn parse_function_call<'a>(cursor: &mut Cursor<'a>) -> Result<FunctionCall<'a>, ParseError> {
    let call = FunctionCall {
        oid: cursor.u32("function number")?,
        argument_formats: Formats::read(cursor, "argument formats")?,
        arguments: Values::read(cursor, "argument")?,
        result_format: Format::from_code(cursor.i16("result format")?)?,
    };
    call.argument_formats.check_count(call.arguments.len())?;
    Ok(call)
}

/// Reads the body of a password message as a password: the text up to its NUL byte.
///
/// # Errors
/// [`ParseError`] when the NUL byte is missing or is not the last byte.
pub fn parse_password<'a>(body: &Secret<'a>) -> Result<Secret<'a>, ParseError> {
    let mut cursor = Cursor::new(body.expose());
    let password = cursor.string("password")?;
    cursor.finish()?;
    Ok(Secret::new(password))
}

/// The first message of a client in SASL. The later ones (SASLResponse) are their whole body.
#[derive(Clone, Copy, Debug)]
pub struct SaslInitial<'a> {
    /// The mechanism that the client chose.
    pub mechanism: &'a str,
    /// The data of the mechanism; nothing when the client sends none, unlike empty data.
    pub data: Option<Secret<'a>>,
}

impl<'a> SaslInitial<'a> {
    /// Reads the body of a password message as SASLInitialResponse.
    ///
    /// # Errors
    /// [`ParseError`] when the body is not exactly a name, a length and that many bytes.
    pub fn parse(body: &Secret<'a>) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(body.expose());
        let mechanism = to_str(cursor.string("mechanism")?)?;
        let data = cursor.value("mechanism data")?.map(Secret::new);
        cursor.finish()?;
        Ok(Self { mechanism, data })
    }
}
