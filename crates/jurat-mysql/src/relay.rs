//! One session between a client and its database: both directions in one task.
//!
//! A command is read, judged, sent, and answered in full before the next one is looked at, as the server
//! itself does. Each side is read only while the other side takes what was read before, so a slow reader
//! holds up its own session and nothing grows.

use std::{future::poll_fn, io, pin::pin, sync::Arc, task::Poll};

use jurat_core::{Ending, Running, Session, Waiting, refusal};
use jurat_types::{Outcome, Refusal, RefusalCode};
use jurat_wire::mysql::{
    capability::{Capabilities, Status},
    error::{FrameError, ParseError},
    frame,
};
use tokio_util::sync::CancellationToken;

use crate::{
    cancel::Registry,
    names::Statements,
    pipe::Pipe,
    respond,
    upstream::{Upstream, UpstreamDatabase},
};

mod commands;
mod detect;
mod estimate;
mod guard;
mod guarded;
mod hold;
mod kill;
mod local_file;
mod origins;
mod own_words;
mod prepared;
mod refresh;
mod reply;

/// While this many bytes wait for one side, the other side is not read, bytes.
const OUTBOX_BYTES_MAX: usize = 64 << 10;

/// Commands that a client sends while an earlier one is answered wait here, and no more of them, bytes.
const INBOX_BYTES_MAX: usize = 64 << 10;

/// One session.
#[derive(Debug)]
pub(crate) struct Relay {
    client: Pipe,
    upstream: Upstream,
    session: Session,
    statements: Statements,
    /// What both connections have agreed on, which is the same where the form of packets depends on it.
    capabilities: Capabilities,
    /// The state of the session as the server last reported it.
    status: Status,
    /// It may have changed since.
    status_stale: bool,
    /// What is around the statement that was sent last.
    bracket: Option<guard::Bracket>,
    /// The number of the next packet for the client.
    sequence: u8,
    /// A long row is being passed on in pieces, so that nothing may be said in between.
    mid_row: bool,
    /// The client may send several statements in one text.
    multi_statements: bool,
    freshness: refresh::Freshness,
    /// Statements that ended well. Their outcomes are recorded behind the writing of the answers, so that the
    /// client does not wait for it.
    ended: Vec<(Running, Ending)>,
    /// The server's list of warnings may hold masked values.
    guarded: bool,
    /// The client began in latin1: bytes that are not UTF-8 are text of it, and not strings of bytes.
    latin1: bool,
    /// Who may end whose statements.
    registry: Arc<Registry>,
    /// The database, for ending what runs there.
    target: Arc<UpstreamDatabase>,
    /// Lets another connection end the wait for consent.
    waiting: Arc<Waiting>,
    hold: hold::Hold,
}

/// What a session is made of once the client and Jurat have logged in.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) client: Pipe,
    pub(crate) upstream: Upstream,
    pub(crate) session: Session,
    /// What the client's connection has agreed on.
    pub(crate) capabilities: Capabilities,
    /// Whether the client began in latin1.
    pub(crate) latin1: bool,
    pub(crate) registry: Arc<Registry>,
    pub(crate) target: Arc<UpstreamDatabase>,
    pub(crate) waiting: Arc<Waiting>,
}

/// How a session ended, and what the client wants next.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) end: End,
    /// The client logs in anew over the same connection.
    pub(crate) anew: Option<Anew>,
}

/// A connection whose client logs in anew.
#[derive(Debug)]
pub(crate) struct Anew {
    pub(crate) client: Pipe,
    /// The number of the next packet.
    pub(crate) sequence: u8,
    /// `COM_CHANGE_USER`.
    pub(crate) payload: Vec<u8>,
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    /// The client logs in anew over the same connection, with this command.
    #[error("the client logged in anew")]
    Anew(Vec<u8>),
    /// The client said good-bye.
    #[error("the client ended the session")]
    Terminated,
    /// The client left without saying so.
    #[error("the client left")]
    ClientGone(#[source] io::Error),
    /// The client sent something that the protocol does not have.
    #[error("the client broke the protocol: {0}")]
    ClientProtocol(String),
    /// The database went away without a word.
    #[error("the database went away")]
    UpstreamGone(#[source] io::Error),
    /// The database sent something that the protocol does not have at this point.
    #[error("the database broke the protocol: {0}")]
    UpstreamProtocol(String),
    /// A result would have shown a masked column as it is.
    #[error("a result would have shown the masked column {0}")]
    MaskedColumn(String),
    /// A setting was changed that decides what a text says.
    #[error("the setting {0} was changed")]
    SettingChanged(&'static str),
    /// A row that has to be looked through is longer than is kept.
    #[error("a row with a marked column is too long to be looked through")]
    RowTooLong,
    /// A file of the client's is longer than may pass.
    #[error("a file of the client's is too long")]
    FileTooLong,
    /// A file of the client's did not go on in time.
    #[error("a file of the client's stopped in the middle")]
    FileStopped,
    /// The client has ended the session over another connection, or an administrator has.
    #[error("the session was killed")]
    Killed,
    /// Jurat is shutting down.
    #[error("jurat is shutting down")]
    Shutdown,
}

impl End {
    fn upstream(error: &impl std::fmt::Display) -> Self {
        Self::UpstreamProtocol(error.to_string())
    }
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> Self {
        Self::ClientProtocol(error.to_string())
    }
}

impl From<ParseError> for End {
    fn from(error: ParseError) -> Self {
        Self::ClientProtocol(error.to_string())
    }
}

impl Relay {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { client, upstream, session, capabilities, latin1, registry, target, waiting } =
            parts;
        Self {
            freshness: refresh::Freshness::new(session.gate().clock.now_ns()),
            multi_statements: capabilities.contains(Capabilities::MULTI_STATEMENTS),
            client,
            upstream,
            session,
            statements: Statements::default(),
            capabilities,
            status: Status::AUTOCOMMIT,
            // The server may begin sessions in another state.
            status_stale: true,
            bracket: None,
            sequence: 0,
            mid_row: false,
            ended: Vec::new(),
            guarded: false,
            latin1,
            registry,
            target,
            waiting,
            hold: hold::Hold::default(),
        }
    }

    /// Relays until one side ends, and tells both. A client that logs in anew keeps its connection.
    pub(crate) async fn run(
        mut self,
        shutdown: CancellationToken,
        killed: CancellationToken,
    ) -> Ended {
        let end = tokio::select! {
            biased;
            end = self.relay(&shutdown) => end,
            () = killed.cancelled() => End::Killed,
        };
        if let Some((refusal, error)) = farewell(&end)
            && !self.mid_row
        {
            respond::error_as(self.client.out(), &mut self.sequence, &refusal, error);
        }
        self.record_ended();
        self.session.close(&end.to_string());
        if let End::Anew(payload) = &end {
            let payload = payload.clone();
            self.upstream.terminate().await;
            let anew = Anew { client: self.client, sequence: self.sequence, payload };
            return Ended { end, anew: Some(anew) };
        }
        tokio::join!(self.client.close(), self.upstream.terminate());
        Ended { end, anew: None }
    }

    async fn relay(&mut self, shutdown: &CancellationToken) -> End {
        // One future for the whole session: making one takes a lock that all sessions share.
        let mut ending = pin!(shutdown.cancelled());
        loop {
            let (payload, sequence) = match self.take_command() {
                Ok(Some(command)) => command,
                Ok(None) => {
                    let idle = !self.status.contains(Status::IN_TRANS);
                    let progress = tokio::select! {
                        biased;
                        progress = self.wait_for_command() => progress,
                        () = &mut ending, if idle => Err(End::Shutdown),
                    };
                    match progress {
                        Ok(()) => continue,
                        Err(end) => return end,
                    }
                }
                Err(end) => return end,
            };
            // A client that always has a next command ready must not keep outcomes from being recorded.
            self.record_ended();
            self.sequence = sequence.wrapping_add(1);
            self.session.live().set_running(true);
            if let Err(end) = self.handle(&payload).await {
                return end;
            }
            if let Some(end) = self.hold.take_end() {
                return end;
            }
            self.session.live().set_running(false);
            // What the client sends unasked has to begin a new count.
            self.sequence = 0;
        }
    }

    /// The next command, and the number of its last packet.
    fn take_command(&mut self) -> Result<Option<(Vec<u8>, u8)>, End> {
        let max = self.session.gate().limits.message_bytes_max;
        let Some(message) = frame::message(&self.client.inbox, 0, max)? else { return Ok(None) };
        let (payload, sequence, consumed) =
            (message.payload.into_owned(), message.sequence, message.consumed);
        self.client.consume(consumed);
        Ok(Some((payload, sequence)))
    }

    /// Writes what is left of the last answer, and reads of the client. The database has nothing to say now:
    /// whatever it says ends the session.
    async fn wait_for_command(&mut self) -> Result<(), End> {
        poll_fn(|cx| {
            self.client.write_some(cx).map_err(End::ClientGone)?;
            self.upstream.write_some(cx).map_err(End::UpstreamGone)?;
            self.record_ended();
            if let Poll::Ready(result) = self.upstream.poll_read(cx) {
                let gone = result.and_then(|_count| Err(io::ErrorKind::UnexpectedEof.into()));
                return Poll::Ready(gone.map_err(End::UpstreamGone));
            }
            if let Poll::Ready(result) = self.client.poll_read(cx) {
                return Poll::Ready(ended(result).map_err(End::ClientGone));
            }
            Poll::Pending
        })
        .await
    }

    /// Moves bytes until more of the database is there. A client that leaves meanwhile is noticed.
    async fn wait_for_reply(&mut self) -> Result<(), End> {
        poll_fn(|cx| {
            self.upstream.write_some(cx).map_err(End::UpstreamGone)?;
            self.client.write_some(cx).map_err(End::ClientGone)?;
            if self.client.pending() < OUTBOX_BYTES_MAX
                && let Poll::Ready(result) = self.upstream.poll_read(cx)
            {
                return Poll::Ready(ended(result).map_err(End::UpstreamGone));
            }
            while self.client.inbox.len() < INBOX_BYTES_MAX {
                match self.client.poll_read(cx) {
                    Poll::Ready(result) => ended(result).map_err(End::ClientGone)?,
                    Poll::Pending => break,
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Writes as much as the client takes, while it must not take more than is kept for it.
    async fn relieve_client(&mut self) -> Result<(), End> {
        poll_fn(|cx| {
            self.client.write_some(cx).map_err(End::ClientGone)?;
            if self.client.pending() < OUTBOX_BYTES_MAX {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// Records the outcomes of statements that were answered.
    fn record_ended(&mut self) {
        for (running, ending) in self.ended.drain(..) {
            running.finish(Outcome::Done, ending);
        }
    }

    /// Answers with a refusal.
    fn refuse(&mut self, refusal: &Refusal) {
        self.hold.note_refusal(refusal);
        respond::error(self.client.out(), &mut self.sequence, refusal);
    }

    /// The server reported the state of the session.
    ///
    /// # Errors
    /// The end of the session where texts would mean something else from now on.
    fn note_status(&mut self, status: Status) -> Result<(), End> {
        if status.contains(Status::NO_BACKSLASH_ESCAPES) || status.contains(Status::ANSI_QUOTES) {
            return Err(End::SettingChanged("sql_mode"));
        }
        self.status = status;
        self.status_stale = false;
        self.session.set_in_transaction(status.contains(Status::IN_TRANS));
        Ok(())
    }
}

fn ended(result: io::Result<usize>) -> io::Result<()> {
    match result? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// What the client is told when the session ends for a reason that is not its own: the refusal, and the number and
/// SQLSTATE of MySQL.
fn farewell(end: &End) -> Option<(Refusal, respond::Number)> {
    let told = |code, message: String, hint| refusal(code, message, hint);
    match end {
        End::Anew(_) | End::Terminated | End::ClientGone(_) => None,
        End::ClientProtocol(why) => Some((
            told(
                RefusalCode::ProtocolViolation,
                format!("jurat closed the session: {why} [JRT-PROTOCOL]"),
                None,
            ),
            respond::MALFORMED,
        )),
        End::UpstreamGone(_) | End::UpstreamProtocol(_) => Some((
            told(
                RefusalCode::UpstreamUnavailable,
                "jurat closed the session: the database went away. What was under way may or may \
                 not have been done [JRT-UPSTREAM]. Connect again, and look at the outcome before you \
                 repeat a write"
                    .to_owned(),
                None,
            ),
            respond::SHUTDOWN,
        )),
        End::MaskedColumn(column) => Some((
            told(
                RefusalCode::Denied,
                format!(
                    "jurat closed the session: a result would have shown the masked column {column} \
                     [JRT-DENY]. The database is not what jurat knows of it"
                ),
                None,
            ),
            respond::COLUMN_DENIED,
        )),
        End::SettingChanged(name) => Some((
            told(
                RefusalCode::NotSupported,
                format!(
                    "jurat closed the session: {name} was changed, and jurat reads texts by the server's \
                     usual rules only [JRT-UNSUPPORTED]. Connect again"
                ),
                None,
            ),
            respond::SHUTDOWN,
        )),
        End::RowTooLong => Some((
            told(
                RefusalCode::NotSupported,
                "jurat closed the session: a row is too long to be looked through for what policy keeps back \
                 [JRT-UNSUPPORTED]. Connect again, and ask for a part of the marked column"
                    .to_owned(),
                None,
            ),
            respond::SHUTDOWN,
        )),
        End::FileTooLong => Some((
            told(
                RefusalCode::LimitExceeded,
                "jurat closed the session: the file is longer than it lets pass, and nothing of it was kept \
                 [JRT-LIMIT]. Load it in parts"
                    .to_owned(),
                None,
            ),
            respond::SHUTDOWN,
        )),
        End::FileStopped => Some((
            told(
                RefusalCode::LimitExceeded,
                "jurat closed the session: the file did not go on in time, and nothing of it was kept [JRT-LIMIT]"
                    .to_owned(),
                None,
            ),
            respond::SHUTDOWN,
        )),
        End::Killed => Some((
            told(RefusalCode::UpstreamUnavailable, "Connection was killed".to_owned(), None),
            respond::KILLED,
        )),
        End::Shutdown => Some((
            told(
                RefusalCode::UpstreamUnavailable,
                "jurat closed the session: it is shutting down [JRT-UPSTREAM]. Connect again".to_owned(),
                None,
            ),
            respond::SHUTDOWN,
        )),
    }
}
