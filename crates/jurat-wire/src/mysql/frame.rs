//! Cutting a stream of bytes into packets by their headers, before anything is known about payloads.
//!
//! A packet is a length of three bytes, a sequence number, and a part of a payload. A packet that is
//! full (2²⁴ − 1 bytes) is continued by the next one, which may be empty. Each command begins to
//! count at 0 and its reply goes on counting.
//!
//! [`message`] waits for a whole payload: for commands and all that has to be understood.
//! [`Scanner`] also lets long rows pass in pieces, so that a row of a gigabyte needs no such buffer.

use std::borrow::Cow;
use std::fmt;

use super::error::FrameError;

/// The length of a header in bytes.
pub const HEADER: usize = 4;

/// The longest part of a payload in one packet, in bytes. A packet of this length is continued.
pub const PACKET_MAX: usize = 0xff_ffff;

/// The header of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// How many bytes of payload follow.
    pub len: usize,
    /// The sequence number.
    pub sequence: u8,
}

impl Header {
    /// The length of the whole packet in bytes.
    pub const fn whole_len(self) -> usize {
        self.len.saturating_add(HEADER)
    }

    /// Whether the next packet continues the payload.
    pub const fn continues(self) -> bool {
        self.len == PACKET_MAX
    }
}

/// Reads the header at the beginning of `buf`; nothing when fewer than four bytes are there.
pub fn scan(buf: &[u8]) -> Option<Header> {
    let &[a, b, c, sequence] = buf.first_chunk::<HEADER>()?;
    let len = usize::try_from(u32::from_le_bytes([a, b, c, 0])).ok()?;
    Some(Header { len, sequence })
}

/// One whole payload.
#[derive(Clone, Eq, PartialEq)]
pub struct Message<'a> {
    /// The payload: borrowed when it came in one packet.
    pub payload: Cow<'a, [u8]>,
    /// How many bytes its packets take: what is to be cut off the buffer.
    pub consumed: usize,
    /// The sequence number of its last packet.
    pub sequence: u8,
}

impl fmt::Debug for Message<'_> {
    /// Shows no content: it may be a password or a row.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Message({}, {} bytes)", self.sequence, self.payload.len())
    }
}

/// The whole payload at the beginning of `buf`; nothing when more bytes are needed.
///
/// `sequence` is the number that its first packet must have. `max` is in bytes; a payload above it is
/// refused as soon as the headers say so, before any of it is waited for.
///
/// # Errors
/// [`FrameError`]; the connection has to be closed.
pub fn message(buf: &[u8], sequence: u8, max: usize) -> Result<Option<Message<'_>>, FrameError> {
    let (mut rest, mut expected) = (buf, sequence);
    let (mut consumed, mut declared, mut complete) = (0_usize, 0_usize, true);
    loop {
        let Some(header) = scan(rest) else { return Ok(None) };
        if header.sequence != expected {
            return Err(FrameError::Sequence { expected, found: header.sequence });
        }
        declared = declared.saturating_add(header.len);
        if declared > max {
            return Err(FrameError::TooLong { declared, max });
        }
        let Some(tail) = rest.get(header.whole_len()..) else { return Ok(None) };
        consumed = consumed.saturating_add(header.whole_len());
        rest = tail;
        if !header.continues() {
            break;
        }
        complete = false;
        expected = expected.wrapping_add(1);
    }
    let packets = buf.get(..consumed).unwrap_or_default();
    let payload = if complete {
        Cow::Borrowed(packets.get(HEADER..).unwrap_or_default())
    } else {
        Cow::Owned(join(packets, declared))
    };
    Ok(Some(Message { payload, consumed, sequence: expected }))
}

/// The payload of packets that are all there; `len` is its length, which was counted.
fn join(mut packets: &[u8], len: usize) -> Vec<u8> {
    let mut payload = Vec::with_capacity(len);
    while let Some(header) = scan(packets) {
        payload.extend_from_slice(packets.get(HEADER..header.whole_len()).unwrap_or_default());
        packets = packets.get(header.whole_len()..).unwrap_or_default();
    }
    payload
}

/// The limits of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The longest payload, in bytes, that is buffered whole.
    pub payload_max: usize,
    /// Payloads longer than this many bytes pass in pieces and may be as long as the protocol can
    /// express; `None` buffers them whole under `payload_max`.
    pub stream_above: Option<usize>,
}

/// A step of a [`Scanner`]. Its [`Piece::bytes`] are to be cut off the buffer before the next step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Piece<'a> {
    /// A complete payload.
    Whole {
        /// The payload.
        payload: Cow<'a, [u8]>,
        /// The length of its first packet, by which the end of rows is told from a row.
        first_len: usize,
        /// Its packets as they came.
        bytes: &'a [u8],
    },
    /// The first header of a long payload and at least one byte of it.
    Start {
        /// What is there of the first packet's payload; never empty.
        payload: &'a [u8],
        /// The length of the first packet.
        first_len: usize,
        /// The header and what is there of the payload.
        bytes: &'a [u8],
    },
    /// More of a long payload, with the headers of its further packets.
    Part {
        /// The next bytes; never empty.
        bytes: &'a [u8],
        /// Whether the payload ends here.
        last: bool,
    },
}

impl<'a> Piece<'a> {
    /// The bytes to forward and to cut off the buffer.
    pub const fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Whole { bytes, .. } | Self::Start { bytes, .. } | Self::Part { bytes, .. } => {
                bytes
            }
        }
    }
}

/// Cuts one direction of a connection into payloads and, for long ones, pieces of payloads, and
/// checks the sequence numbers. After an error every further step fails with the same error.
#[derive(Clone, Debug)]
pub struct Scanner {
    limits: Limits,
    sequence: u8,
    passing: Option<Passing>,
    broken: Option<FrameError>,
}

/// Whether a payload with this first byte is none that may pass in pieces: an error, or the end of rows, which is
/// shorter than any row that begins with the same byte.
const fn must_be_whole(first: u8, len: usize) -> bool {
    first == 0xff || (first == 0xfe && len < PACKET_MAX)
}

/// What is left of the packet that passes.
#[derive(Clone, Copy, Debug)]
struct Passing {
    left: usize,
    continues: bool,
}

impl Scanner {
    /// A scanner at the beginning of an exchange whose next packet has the number `sequence`.
    pub const fn new(sequence: u8, limits: Limits) -> Self {
        Self { limits, sequence, passing: None, broken: None }
    }

    /// The number that the next packet must have.
    pub const fn sequence(&self) -> u8 {
        self.sequence
    }

    /// Begins an exchange whose next packet has the number `sequence`. Not to be called inside of a
    /// payload that passes in pieces.
    pub const fn restart(&mut self, sequence: u8) {
        self.sequence = sequence;
    }

    /// Changes from which length on payloads pass in pieces, for those that have not begun. Of a reply only rows
    /// may: all else has to be understood whole.
    pub const fn stream_above(&mut self, above: Option<usize>) {
        self.limits.stream_above = above;
    }

    /// Whether the stream stands inside of a payload that passes in pieces. Nothing may be inserted
    /// into the stream until its last piece was written.
    pub const fn mid_payload(&self) -> bool {
        self.passing.is_some()
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
            Some(passing) => self.pass(passing, buf),
            None => self.cut(buf),
        };
        self.broken = step.as_ref().err().copied();
        step
    }

    /// Rows at the beginning of `buf` that can pass on in one piece, and how many they are. It stops in front of
    /// whatever may be something else, be wrong or be long, which [`Self::next`] then takes. Only to be called where
    /// [`Reply::is_in_rows`](super::result::Reply::is_in_rows) says so.
    pub fn rows<'a>(&mut self, buf: &'a [u8]) -> (&'a [u8], u64) {
        let (mut end, mut rows, mut rest) = (0_usize, 0_u64, buf);
        while self.passing.is_none()
            && self.broken.is_none()
            && let Some(header) = scan(rest)
            && header.sequence == self.sequence
            && header.len <= self.limits.payload_max
            && !header.continues()
            // What begins so is a row, and it is not empty.
            && let Some(0..0xfe) = rest.get(HEADER)
            && header.len > 0
            && let Some(tail) = rest.get(header.whole_len()..)
        {
            self.sequence = self.sequence.wrapping_add(1);
            (end, rows, rest) =
                (end.saturating_add(header.whole_len()), rows.saturating_add(1), tail);
        }
        (buf.get(..end).unwrap_or_default(), rows)
    }

    fn cut<'a>(&mut self, buf: &'a [u8]) -> Result<Option<Piece<'a>>, FrameError> {
        let Some(header) = scan(buf) else { return Ok(None) };
        let long = self.limits.stream_above.is_some_and(|above| header.len > above);
        // What a payload is, its first byte says.
        let Some(first) = buf.get(HEADER).copied().or((!long).then_some(0)) else {
            self.check(header)?;
            return Ok(None);
        };
        let streams = long && !must_be_whole(first, header.len);
        if !streams || (!header.continues() && buf.len() >= header.whole_len()) {
            let max = if streams { usize::MAX } else { self.limits.payload_max };
            let Some(whole) = message(buf, self.sequence, max)? else { return Ok(None) };
            self.sequence = whole.sequence.wrapping_add(1);
            let bytes = buf.get(..whole.consumed).unwrap_or_default();
            return Ok(Some(Piece::Whole { payload: whole.payload, first_len: header.len, bytes }));
        }
        self.advance(header)?;
        let bytes = buf.get(..header.whole_len()).unwrap_or(buf);
        let payload = bytes.get(HEADER..).unwrap_or_default();
        let left = header.len.saturating_sub(payload.len());
        self.passing = Some(Passing { left, continues: header.continues() });
        Ok(Some(Piece::Start { payload, first_len: header.len, bytes }))
    }

    fn pass<'a>(
        &mut self,
        passing: Passing,
        buf: &'a [u8],
    ) -> Result<Option<Piece<'a>>, FrameError> {
        if buf.is_empty() {
            return Ok(None);
        }
        if passing.left > 0 {
            let bytes = buf.get(..passing.left).unwrap_or(buf);
            let left = passing.left.saturating_sub(bytes.len());
            return Ok(Some(self.part(bytes, left, passing.continues)));
        }
        let Some(header) = scan(buf) else { return Ok(None) };
        self.advance(header)?;
        let bytes = buf.get(..header.whole_len()).unwrap_or(buf);
        let left = header.whole_len().saturating_sub(bytes.len());
        Ok(Some(self.part(bytes, left, header.continues())))
    }

    const fn part<'a>(&mut self, bytes: &'a [u8], left: usize, continues: bool) -> Piece<'a> {
        let last = left == 0 && !continues;
        self.passing = if last { None } else { Some(Passing { left, continues }) };
        Piece::Part { bytes, last }
    }

    const fn advance(&mut self, header: Header) -> Result<(), FrameError> {
        let checked = self.check(header);
        self.sequence = self.sequence.wrapping_add(1);
        checked
    }

    const fn check(&self, header: Header) -> Result<(), FrameError> {
        let (expected, found) = (self.sequence, header.sequence);
        if found == expected { Ok(()) } else { Err(FrameError::Sequence { expected, found }) }
    }
}

/// Gives the packets of `packets` new sequence numbers from `sequence` on, which is left at the number
/// after them: what is needed when a packet of a reply is inserted or left out.
///
/// `packets` must hold whole packets; a rest that is none is left alone.
pub fn renumber(packets: &mut [u8], sequence: &mut u8) {
    let mut rest = packets;
    while let Some(header) = scan(rest) {
        if let Some(place) = rest.get_mut(3) {
            *place = *sequence;
        }
        *sequence = sequence.wrapping_add(1);
        let Some(tail) = rest.get_mut(header.whole_len()..) else { return };
        rest = tail;
    }
}
