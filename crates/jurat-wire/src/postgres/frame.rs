//! Cutting a stream of bytes into messages by their headers, before anything is known about bodies.
//!
//! A message is one tag byte, a length of four bytes that counts itself, and a body. [`scan`] reads
//! one header, [`Frames`] walks over the complete messages of a buffer, and [`Scanner`] also lets
//! long rows pass in pieces, so that one row of a gigabyte needs no buffer of a gigabyte.

use super::backend::BackendTag;
use super::error::FrameError;
use super::frontend::FrontendTag;

/// The length of a header in bytes: the tag and the length field.
pub const FRAME_HEADER: usize = 5;

/// The length in bytes of the length field, which counts itself.
const LENGTH_FIELD: u32 = 4;

/// The header of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// What kind of message follows.
    pub tag: u8,
    /// The length of the body in bytes, without tag and length field.
    pub body_len: usize,
}

impl Header {
    /// The length of the whole message in bytes.
    pub const fn whole_len(self) -> usize {
        self.body_len.saturating_add(FRAME_HEADER)
    }
}

/// Reads the header at the beginning of `buf`; nothing when fewer than five bytes are there.
///
/// `max_body` is in bytes. A length is refused from its header alone, before any of the body is
/// waited for. Lengths above `i32::MAX`, which are negative to PostgreSQL, are always refused.
///
/// # Errors
/// [`FrameError::TooShort`] for a length below 4, [`FrameError::TooLong`] above `max_body`.
pub fn scan(buf: &[u8], max_body: usize) -> Result<Option<Header>, FrameError> {
    let Some(&[tag, a, b, c, d]) = buf.first_chunk::<FRAME_HEADER>() else {
        return Ok(None);
    };
    let declared = u32::from_be_bytes([a, b, c, d]);
    let body = declared.checked_sub(LENGTH_FIELD).ok_or(FrameError::TooShort { tag, declared })?;
    let too_long = FrameError::TooLong { tag, declared, max: max_body };
    let signed = i32::try_from(body.saturating_add(LENGTH_FIELD));
    match (signed, usize::try_from(body)) {
        (Ok(_), Ok(body_len)) if body_len <= max_body => Ok(Some(Header { tag, body_len })),
        _ => Err(too_long),
    }
}

/// One complete message in a buffer.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Frame<'a> {
    /// What kind of message it is.
    pub tag: u8,
    /// The body, without tag and length field.
    pub body: &'a [u8],
    /// The message with its header: the bytes to forward.
    pub whole: &'a [u8],
}

impl std::fmt::Debug for Frame<'_> {
    /// Shows no content: it may be a password or a row.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Frame({} {})", self.tag.escape_ascii(), self.body.len())
    }
}

impl<'a> Frame<'a> {
    /// The message that `header` announces at the beginning of `buf`, once all of it is there.
    fn cut(buf: &'a [u8], header: Header) -> Option<Self> {
        let whole = buf.get(..header.whole_len())?;
        Some(Self { tag: header.tag, body: whole.get(FRAME_HEADER..)?, whole })
    }
}

/// The complete messages of a buffer, one after the other.
///
/// Ends before an incomplete message; after an error it yields nothing more.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: &'a [u8],
    max_body: usize,
    consumed: usize,
    broken: bool,
}

impl<'a> Frames<'a> {
    /// Walks over `buf`; bodies above `max_body` bytes are an error.
    pub const fn new(buf: &'a [u8], max_body: usize) -> Self {
        Self { rest: buf, max_body, consumed: 0, broken: false }
    }

    /// How many bytes the messages that were yielded so far take: what may be cut off the buffer.
    pub const fn consumed(&self) -> usize {
        self.consumed
    }

    fn cut(&mut self) -> Result<Option<Frame<'a>>, FrameError> {
        let Some(header) = scan(self.rest, self.max_body)? else { return Ok(None) };
        let Some(frame) = Frame::cut(self.rest, header) else { return Ok(None) };
        self.rest = self.rest.get(frame.whole.len()..).unwrap_or_default();
        self.consumed = self.consumed.saturating_add(frame.whole.len());
        Ok(Some(frame))
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let cut = self.cut();
        self.broken = cut.is_err();
        cut.transpose()
    }
}

/// Who sends the stream, which says what tags it may hold and how long each message may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sender {
    /// A server.
    Backend,
    /// A client.
    Frontend,
}

/// The limits of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The longest body, in bytes, of a message that has to be buffered whole. Messages that
    /// PostgreSQL itself keeps small have its smaller limit as well.
    pub body_max: usize,
    /// DataRow and CopyData with a body longer than this many bytes pass in pieces and may be as
    /// long as the protocol can express; `None` buffers them whole under `body_max`.
    pub stream_above: Option<usize>,
}

/// A step of a [`Scanner`]. Its [`Piece::bytes`] are to be cut off the buffer before the next step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Piece<'a> {
    /// A complete message.
    Frame(Frame<'a>),
    /// The header of a long message and as much of its body as is there.
    StreamStart {
        /// The header.
        header: Header,
        /// The header's bytes and the beginning of the body.
        bytes: &'a [u8],
    },
    /// More of a long message.
    StreamPart {
        /// What kind of message it is.
        tag: u8,
        /// The next bytes of the body; never empty.
        bytes: &'a [u8],
        /// Whether the message ends here.
        last: bool,
    },
}

impl<'a> Piece<'a> {
    /// The bytes to forward and to cut off the buffer.
    pub const fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Frame(frame) => frame.whole,
            Self::StreamStart { bytes, .. } | Self::StreamPart { bytes, .. } => bytes,
        }
    }

    /// What kind of message this is, or is part of.
    pub const fn tag(&self) -> u8 {
        match self {
            Self::Frame(frame) => frame.tag,
            Self::StreamStart { header, .. } => header.tag,
            Self::StreamPart { tag, .. } => *tag,
        }
    }
}

/// Cuts one direction of a connection into messages and, for long rows, pieces of messages.
///
/// An unknown tag and a length that is out of range are errors as soon as the header is there.
/// After an error every further step fails with the same error.
#[derive(Clone, Debug)]
pub struct Scanner {
    sender: Sender,
    limits: Limits,
    passing: Option<Header>,
    broken: Option<FrameError>,
}

impl Scanner {
    /// A scanner at a message boundary.
    pub const fn new(sender: Sender, limits: Limits) -> Self {
        Self { sender, limits, passing: None, broken: None }
    }

    /// The next step over the unconsumed bytes; nothing when more bytes are needed.
    ///
    /// # Errors
    /// [`FrameError`] when the stream cannot be cut; the connection has to be closed.
    pub fn next<'a>(&mut self, buf: &'a [u8]) -> Result<Option<Piece<'a>>, FrameError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let step = match self.passing {
            Some(remaining) => Ok(self.pass(remaining, buf)),
            None => self.cut(buf),
        };
        self.broken = step.as_ref().err().copied();
        step
    }

    /// Whether the stream stands inside of a message that passes in pieces. Nothing may be inserted
    /// into the stream until its last piece was written.
    pub const fn mid_message(&self) -> bool {
        self.passing.is_some()
    }

    fn cut<'a>(&mut self, buf: &'a [u8]) -> Result<Option<Piece<'a>>, FrameError> {
        let Some(tag) = buf.first().copied() else { return Ok(None) };
        let kind = self.kind(tag)?;
        let max = match (kind, self.limits.stream_above) {
            (Kind::Row, Some(_)) => usize::MAX,
            (Kind::Large | Kind::Row, _) => self.limits.body_max,
            (Kind::Small(max), _) => max.min(self.limits.body_max),
        };
        let Some(header) = scan(buf, max)? else { return Ok(None) };
        if let Some(frame) = Frame::cut(buf, header) {
            return Ok(Some(Piece::Frame(frame)));
        }
        let streams = kind == Kind::Row
            && self.limits.stream_above.is_some_and(|above| header.body_len > above);
        if !streams {
            return Ok(None);
        }
        let body_len = header.whole_len().saturating_sub(buf.len());
        self.passing = Some(Header { tag, body_len });
        Ok(Some(Piece::StreamStart { header, bytes: buf }))
    }

    fn pass<'a>(&mut self, remaining: Header, buf: &'a [u8]) -> Option<Piece<'a>> {
        let bytes = buf.get(..remaining.body_len).unwrap_or(buf);
        if bytes.is_empty() {
            return None;
        }
        let body_len = remaining.body_len.saturating_sub(bytes.len());
        self.passing = (body_len > 0).then_some(Header { tag: remaining.tag, body_len });
        Some(Piece::StreamPart { tag: remaining.tag, bytes, last: body_len == 0 })
    }

    fn kind(&self, tag: u8) -> Result<Kind, FrameError> {
        let kind = match self.sender {
            Sender::Backend => BackendTag::from_byte(tag).kind(),
            Sender::Frontend => FrontendTag::from_byte(tag).map(FrontendTag::kind),
        };
        kind.ok_or(FrameError::UnknownTag(tag))
    }
}

/// How a kind of message is limited.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Holds what a user wrote or a table has, so only the configured limit applies.
    Large,
    /// A row, which may pass in pieces.
    Row,
    /// At most this many bytes of body.
    Small(usize),
}

/// The largest body of the messages that hold only names and numbers: PostgreSQL takes 10,000 bytes
/// with the length field (`PQ_SMALL_MESSAGE_LIMIT` in `src/include/libpq/libpq.h`).
pub(super) const SMALL_BODY_MAX: usize = 9_996;

/// The largest body of an authentication message (`PG_MAX_AUTH_TOKEN_LENGTH` in
/// `src/include/libpq/auth.h`, less the length field), large enough for tokens.
pub(super) const AUTH_BODY_MAX: usize = 65_531;
