//! What the relay needs of the connection besides sending: the bytes that came, and small commands of Jurat's
//! own whose answers the client is not told.

use bytes::BytesMut;
use jurat_wire::mysql::{
    capability::Status,
    encode::command as encode,
    frame::{Limits, Scanner},
    result::{Event, Reply, ReplyKind},
};

use super::{Upstream, UpstreamError, connect};

/// The answer to such a command is this long at most, bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;

impl Upstream {
    /// Takes the bytes that came, to be given back once they were looked at.
    pub(crate) fn take_inbox(&mut self) -> BytesMut {
        std::mem::take(&mut self.pipe.inbox)
    }

    /// Gives them back, without the first of them.
    pub(crate) fn give_back(&mut self, inbox: BytesMut, consumed: usize) {
        self.pipe.inbox = inbox;
        self.pipe.consume(consumed);
    }

    /// Begins the session anew, and pins the settings that it must have.
    ///
    /// # Errors
    /// [`UpstreamError`]; what the session is then is not known.
    pub(crate) async fn reset(&mut self) -> Result<(), UpstreamError> {
        encode::reset_connection(self.pipe.out());
        self.answered().await?;
        connect::pin(self, false).await
    }

    /// Forgets the pieces of parameters that a prepared statement was sent.
    ///
    /// # Errors
    /// As [`Self::reset`].
    pub(crate) async fn reset_statement(&mut self, statement: u32) -> Result<(), UpstreamError> {
        encode::reset(self.pipe.out(), statement);
        self.answered().await.map(drop)
    }

    /// Waits for the answer to a command that is answered by success or failure alone. Gives back the state of
    /// the session.
    ///
    /// # Errors
    /// As [`Self::reset`].
    pub(crate) async fn answered(&mut self) -> Result<Status, UpstreamError> {
        let io = |source| UpstreamError::Io { doing: "waiting for the server", source };
        self.drain().await.map_err(io)?;
        let limits = Limits { payload_max: ANSWER_BYTES_MAX, stream_above: None };
        let mut scanner = Scanner::new(1, limits);
        let mut reply = Reply::new(ReplyKind::Simple, self.capabilities());
        let mut status = Status::default();
        let mut failed = None;
        while !reply.is_done() {
            let Some(piece) = scanner.next(self.inbox())? else {
                self.fill().await.map_err(io)?;
                continue;
            };
            let consumed = piece.bytes().len();
            match reply.next(&piece)? {
                Some(Event::Err(error)) => failed = Some(connect::refused(&error)),
                Some(Event::Ok(ok)) => status = ok.status,
                Some(
                    Event::Column(_)
                    | Event::ColumnCount(_)
                    | Event::DefinitionsEnd(_)
                    | Event::LocalInfile { .. }
                    | Event::Parameter(_)
                    | Event::Prepared(_)
                    | Event::Row { .. }
                    | Event::RowsEnd(_)
                    | Event::Text(_),
                )
                | None => {}
            }
            self.consume(consumed);
        }
        failed.map_or(Ok(status), Err)
    }
}
