//! Which packet may come next in the reply to a command, and where the reply ends.

use std::borrow::Cow;

use super::capability::{Capabilities, Status};
use super::cursor::Cursor;
use super::error::ParseError;
use super::frame::{PACKET_MAX, Piece};
use super::response::{ColumnDefinition, EofPacket, ErrPacket, OkPacket, PrepareOk};

/// The most columns that a server sends (`MAX_FIELDS` is 4096).
const COLUMNS_MAX: u64 = 65_535;

/// What command a reply is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReplyKind {
    /// A query, or the execution of a prepared statement; `cursor` when the rows may wait in a cursor.
    Statement {
        /// Whether a cursor was asked for.
        cursor: bool,
    },
    /// `COM_STMT_PREPARE`.
    Prepare,
    /// `COM_STMT_FETCH`.
    Fetch,
    /// `COM_FIELD_LIST`.
    FieldList,
    /// `COM_STATISTICS`.
    Statistics,
    /// Commands that are answered by success or failure alone.
    Simple,
}

/// A packet of a reply.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A column of the rows, or of the statement that was prepared.
    Column(ColumnDefinition<'a>),
    /// So many column definitions follow, and then rows.
    ColumnCount(usize),
    /// The end of definitions, where such a packet is sent.
    DefinitionsEnd(EofPacket),
    /// Failure; the reply ends.
    Err(ErrPacket<'a>),
    /// The server asks for a file of the client. The client's packets come next, and then another
    /// packet of the reply.
    LocalInfile {
        /// The name of the file as the server asks for it.
        file: &'a [u8],
    },
    /// Success without rows.
    Ok(OkPacket<'a>),
    /// A parameter of the statement that was prepared.
    Parameter(ColumnDefinition<'a>),
    /// A statement was prepared.
    Prepared(PrepareOk),
    /// A row, or its beginning when it passes in pieces.
    Row {
        /// The payload, or what is there of it.
        payload: &'a [u8],
        /// Whether it is all there.
        whole: bool,
    },
    /// The end of rows: an EOF packet, or an OK packet in its place.
    RowsEnd(OkPacket<'a>),
    /// A line of text.
    Text(&'a [u8]),
}

/// Where a reply stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// The first packet of a result.
    First,
    /// Definitions of parameters; so many are left.
    Parameters { left: u16, columns: u16 },
    /// The packet behind the definitions of parameters.
    ParametersEnd { columns: u16 },
    /// Definitions of columns; so many are left.
    Columns { left: usize },
    /// The packet behind the definitions of columns.
    ColumnsEnd,
    /// Rows or their end.
    Rows,
    /// Definitions of `COM_FIELD_LIST` or their end.
    FieldList,
    /// The reply is over.
    Done,
}

/// Follows the reply to one command.
#[derive(Clone, Debug)]
pub struct Reply {
    kind: ReplyKind,
    capabilities: Capabilities,
    state: State,
}

impl Reply {
    /// At the beginning of the reply to a command of this kind.
    pub const fn new(kind: ReplyKind, capabilities: Capabilities) -> Self {
        let state = match kind {
            ReplyKind::Fetch => State::Rows,
            ReplyKind::FieldList => State::FieldList,
            ReplyKind::Prepare
            | ReplyKind::Simple
            | ReplyKind::Statement { .. }
            | ReplyKind::Statistics => State::First,
        };
        Self { kind, capabilities, state }
    }

    /// Whether the reply is over: the server waits for the next command.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether a row or the end of rows comes next.
    pub fn is_in_rows(&self) -> bool {
        self.state == State::Rows
    }

    /// Takes the next piece that a [`Scanner`](super::frame::Scanner) cuts. Nothing is returned for
    /// further parts of a long row.
    ///
    /// # Errors
    /// [`ParseError`] when the packet is malformed or may not come now. The connection has to be
    /// closed: nobody knows any more what the packets mean.
    pub fn next<'a>(&mut self, piece: &'a Piece<'a>) -> Result<Option<Event<'a>>, ParseError> {
        match piece {
            Piece::Part { .. } if self.state == State::Rows => Ok(None),
            Piece::Part { .. } => Err(ParseError::Truncated { field: "reply" }),
            Piece::Start { payload, first_len, .. } => {
                self.take(payload, *first_len, false).map(Some)
            }
            Piece::Whole { payload, first_len, .. } => {
                let payload = match payload {
                    Cow::Borrowed(payload) => payload,
                    Cow::Owned(payload) => payload.as_slice(),
                };
                self.take(payload, *first_len, true).map(Some)
            }
        }
    }

    /// Takes a payload whose first packet has `first_len` bytes of it; `whole` says whether all of it
    /// is in `payload`.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub fn take<'a>(
        &mut self,
        payload: &'a [u8],
        first_len: usize,
        whole: bool,
    ) -> Result<Event<'a>, ParseError> {
        let first = payload.first().copied().ok_or(ParseError::Truncated { field: "packet" })?;
        let unexpected = ParseError::Unexpected { first };
        if self.state == State::Rows && !self.ends_rows(first, first_len) && first != 0xff {
            return Ok(Event::Row { payload, whole });
        }
        if !whole || self.state == State::Done {
            return Err(unexpected);
        }
        if first == 0xff {
            self.state = State::Done;
            return ErrPacket::parse(payload).map(Event::Err);
        }
        match self.state {
            State::First => self.first(payload, first),
            State::Parameters { left, columns } => {
                let left = left.saturating_sub(1);
                self.state = if left > 0 {
                    State::Parameters { left, columns }
                } else if self.has_eof() {
                    State::ParametersEnd { columns }
                } else {
                    Self::prepared_columns(columns)
                };
                self.definition(payload).map(Event::Parameter)
            }
            State::ParametersEnd { columns } => {
                self.state = Self::prepared_columns(columns);
                EofPacket::parse(payload).map(Event::DefinitionsEnd)
            }
            State::Columns { left } => {
                let left = left.saturating_sub(1);
                self.state = if left > 0 {
                    State::Columns { left }
                } else if self.has_eof() {
                    State::ColumnsEnd
                } else {
                    self.after_columns()
                };
                self.definition(payload).map(Event::Column)
            }
            State::ColumnsEnd => self.columns_end(payload),
            State::FieldList if first != 0xfe => {
                ColumnDefinition::parse(payload, self.capabilities, true).map(Event::Column)
            }
            State::FieldList | State::Rows => self.rows_end(payload),
            State::Done => Err(unexpected),
        }
    }

    fn has_eof(&self) -> bool {
        !self.capabilities.contains(Capabilities::DEPRECATE_EOF)
    }

    /// Whether a packet among rows is their end: 0xFE also begins the length of a value of 16 MiB, in a
    /// packet that is long accordingly.
    fn ends_rows(&self, first: u8, first_len: usize) -> bool {
        first == 0xfe && first_len < if self.has_eof() { 9 } else { PACKET_MAX }
    }

    fn first<'a>(&mut self, payload: &'a [u8], first: u8) -> Result<Event<'a>, ParseError> {
        match (self.kind, first) {
            (ReplyKind::Statistics, _) => {
                self.state = State::Done;
                Ok(Event::Text(payload))
            }
            (ReplyKind::Prepare, 0x00) => {
                let prepared = PrepareOk::parse(payload)?;
                self.state = match prepared.parameters {
                    0 => Self::prepared_columns(prepared.columns),
                    left => State::Parameters { left, columns: prepared.columns },
                };
                Ok(Event::Prepared(prepared))
            }
            (ReplyKind::Statement { .. } | ReplyKind::Simple, 0x00) => {
                let ok = OkPacket::parse(payload, self.capabilities)?;
                self.after_result(ok.status);
                Ok(Event::Ok(ok))
            }
            // Commands without a result of their own are ended as rows are.
            (ReplyKind::Simple, 0xfe) => self.rows_end(payload),
            (ReplyKind::Statement { .. }, 0xfb)
                if self.capabilities.contains(Capabilities::LOCAL_FILES) =>
            {
                Ok(Event::LocalInfile { file: payload.get(1..).unwrap_or_default() })
            }
            (ReplyKind::Statement { .. }, 0x01..=0xfa | 0xfc..=0xfe) => {
                self.column_count(payload).map(Event::ColumnCount)
            }
            _ => Err(ParseError::Unexpected { first }),
        }
    }

    fn column_count(&mut self, payload: &[u8]) -> Result<usize, ParseError> {
        let mut cursor = Cursor::new(payload);
        let length = cursor.integer("column count")?;
        cursor.finish()?;
        let invalid = ParseError::InvalidLength { field: "column count", length };
        let left = usize::try_from(length).map_err(|_overflow| invalid)?;
        if left == 0 || length > COLUMNS_MAX {
            return Err(invalid);
        }
        self.state = State::Columns { left };
        Ok(left)
    }

    fn definition<'a>(&self, payload: &'a [u8]) -> Result<ColumnDefinition<'a>, ParseError> {
        ColumnDefinition::parse(payload, self.capabilities, false)
    }

    const fn prepared_columns(columns: u16) -> State {
        match columns {
            0 => State::Done,
            left => State::Columns { left: left as usize },
        }
    }

    fn after_columns(&self) -> State {
        if self.kind == ReplyKind::Prepare { State::Done } else { State::Rows }
    }

    fn columns_end<'a>(&mut self, payload: &'a [u8]) -> Result<Event<'a>, ParseError> {
        let end = EofPacket::parse(payload)?;
        let waits = self.kind == ReplyKind::Statement { cursor: true }
            && end.status.contains(Status::CURSOR_EXISTS);
        self.state = self.after_columns();
        if waits {
            // The rows stay in the cursor, so nothing more follows this.
            self.after_result(end.status);
        }
        Ok(Event::DefinitionsEnd(end))
    }

    fn rows_end<'a>(&mut self, payload: &'a [u8]) -> Result<Event<'a>, ParseError> {
        let end = if self.has_eof() {
            let EofPacket { warnings, status } = EofPacket::parse(payload)?;
            OkPacket { warnings, status, ..OkPacket::default() }
        } else {
            OkPacket::parse(payload, self.capabilities)?
        };
        self.after_result(end.status);
        Ok(Event::RowsEnd(end))
    }

    fn after_result(&mut self, status: Status) {
        let more = matches!(self.kind, ReplyKind::Statement { .. })
            && status.contains(Status::MORE_RESULTS);
        self.state = if more { State::First } else { State::Done };
    }
}
