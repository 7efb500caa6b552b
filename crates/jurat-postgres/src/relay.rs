//! One session between a client and its database: both directions in one task.
//!
//! Each side is read only while the other side takes what was read before, so a slow reader holds up
//! its own session and nothing grows.

use std::{
    future::poll_fn,
    io,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use jurat_core::{Session, Unsynced, refusal};
use jurat_types::{Refusal, RefusalCode};
use jurat_wire::postgres::{
    backend::TransactionStatus,
    error::{FrameError, ParseError},
    frame::{Limits as FrameLimits, Scanner, Sender},
};
use tokio_util::sync::CancellationToken;

use crate::{cancel::Target, names::Names, pipe::Pipe, queue::Queue, respond, upstream::Upstream};

mod copy;
mod detect;
mod ended;
mod estimate;
mod from_client;
mod from_upstream;
mod guard;
mod guarded;
mod hold;
mod origins;
mod own_extended;
mod own_words;
mod refresh;
mod script;
mod settle;

pub(crate) use hold::unbound;

/// While this many bytes wait for one side, the other side is not read, bytes.
const OUTBOX_BYTES_MAX: usize = 64 << 10;

/// Rows, and data of COPY, longer than this pass in pieces, bytes.
const STREAM_ABOVE_BYTES: usize = 16 << 10;

/// One session.
#[derive(Debug)]
pub(crate) struct Relay {
    client: Pipe,
    upstream: Upstream,
    session: Session,
    queue: Queue,
    names: Names,
    client_scanner: Scanner,
    upstream_scanner: Scanner,
    status: TransactionStatus,
    /// Message cycles (Sync or Query) that were answered in full.
    cycles_done: u64,
    /// The client's messages are ignored until its next Sync, as the server itself does after an
    /// error in the extended protocol.
    skipping: bool,
    /// The client has sent messages of the extended protocol and no Sync behind them yet.
    cycle_open: bool,
    /// Messages for the client that must wait until a long row that passes in pieces has ended.
    deferred: Vec<u8>,
    /// The beginning of a row that is looked through as a whole.
    held: Vec<u8>,
    freshness: refresh::Freshness,
    /// Statements that ended well. Their outcomes are recorded behind the writing of the answers, so that the
    /// client does not wait for it.
    ended: ended::Ended,
    /// The client's next message uses a name that an unanswered cycle may still take back.
    awaits_name: bool,
    copy: copy::Copy,
    /// A message that is sent statement by statement.
    script: Option<script::Script>,
    /// The text whose origins were asked for last, and are not those of masked columns.
    origins_known: Option<Arc<str>>,
    guard: guard::Guard,
    /// Whether records of the open transaction may not be on stable storage.
    unsynced: Unsynced,
    /// What stops a statement that runs too long, and what is known of it to those who cancel.
    cancels: Arc<Target>,
    /// The open transaction has had masked columns in its reach.
    guarded: bool,
    /// What is known of a connection that waits for consent, and for SQL about it.
    hold: hold::Hold,
    /// Statements about Jurat that were prepared.
    own: own_extended::Own,
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    /// The client said good-bye.
    #[error("the client ended the session")]
    Terminated,
    /// The client left without saying so.
    #[error("the client left")]
    ClientGone(#[source] io::Error),
    /// The client sent something that the protocol does not have.
    #[error("the client broke the protocol: {0}")]
    ClientProtocol(String),
    /// The database ended the session and said why.
    #[error("the database ended the session")]
    UpstreamFatal,
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
    /// Somebody who may has ended it.
    #[error("the session was killed by {0}")]
    Killed(String),
    /// Jurat is shutting down.
    #[error("jurat is shutting down")]
    Shutdown,
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
    pub(crate) fn new(
        client: Pipe,
        upstream: Upstream,
        session: Session,
        cancels: Arc<Target>,
    ) -> Self {
        let limits = &session.gate().limits;
        let scanner = |sender, body_max| {
            Scanner::new(sender, FrameLimits { body_max, stream_above: Some(STREAM_ABOVE_BYTES) })
        };
        Self {
            client_scanner: scanner(Sender::Frontend, limits.message_bytes_max),
            upstream_scanner: scanner(Sender::Backend, limits.upstream_message_bytes_max),
            freshness: refresh::Freshness::new(session.gate().clock.now_ns()),
            client,
            upstream,
            session,
            queue: Queue::default(),
            names: Names::default(),
            status: TransactionStatus::Idle,
            cycles_done: 0,
            skipping: false,
            cycle_open: false,
            deferred: Vec::new(),
            held: Vec::new(),
            ended: ended::Ended::default(),
            awaits_name: false,
            copy: copy::Copy::default(),
            script: None,
            unsynced: Unsynced::default(),
            origins_known: None,
            guard: guard::Guard::default(),
            hold: hold::Hold::default(),
            own: own_extended::Own::default(),
            cancels,
            guarded: false,
        }
    }

    /// Relays until one side ends, and tells both.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) -> End {
        let live = Arc::clone(self.session.live());
        let killed = live.end();
        let end = tokio::select! {
            biased;
            end = self.relay(&shutdown) => end,
            () = killed.cancelled() => End::Killed(live.killed_by().unwrap_or_default()),
        };
        if let Some((refusal, code)) = farewell(&end)
            && !(matches!(end, End::Killed(_)) && self.upstream_scanner.mid_message())
        {
            respond::fatal(self.client.out(), &refusal, code);
        }
        self.ended.record();
        self.session.close(&end.to_string());
        // What is still expected goes first, so that its outcome is recorded as unknown before
        // anything else can fail.
        drop(self.queue);
        tokio::join!(self.client.close(), self.upstream.terminate());
        end
    }

    async fn relay(&mut self, shutdown: &CancellationToken) -> End {
        // One future for the whole session: making one takes a lock that all sessions share.
        let mut ending = pin!(shutdown.cancelled());
        loop {
            if let Err(end) = self.take_from_client().await {
                return end;
            }
            let waits = self.queue.is_empty();
            self.session.live().set_running(!waits);
            let idle = waits && self.status == TransactionStatus::Idle;
            let deadline = self.guard.deadline();
            let progress = tokio::select! {
                biased;
                () = guard::until(deadline) => {
                    self.time_is_up().await;
                    Ok(())
                }
                progress = self.progress() => progress,
                () = &mut ending, if idle => Err(End::Shutdown),
            };
            if let Err(end) = progress.and_then(|()| self.take_from_upstream()) {
                return end;
            }
            while self.hold.has_to_ask() {
                self.ask_for_rows().await;
                if let Err(end) = self.take_from_upstream() {
                    return end;
                }
            }
        }
    }

    /// Moves bytes in whatever direction they can move.
    async fn progress(&mut self) -> Result<(), End> {
        let client_wanted = self.wants_client_bytes();
        // Where nothing is under way, the client is the one to say something.
        let client_first = self.queue.is_empty();
        poll_fn(|cx| {
            let full = [self.upstream.pending(), self.client.pending()].map(is_full);
            self.hold.note_written(self.cycle_open && self.upstream.pending() > 0);
            self.upstream.write_some(cx).map_err(End::UpstreamGone)?;
            self.client.write_some(cx).map_err(End::ClientGone)?;
            // What was written is done with, unless the other side was held up by it.
            let mut moved = full != [self.upstream.pending(), self.client.pending()].map(is_full);
            // What has come from one side is handled before the other is asked, which costs a look each time.
            for client in [client_first, !client_first] {
                if moved {
                    break;
                }
                moved = if client {
                    client_wanted && self.read_client(cx)?
                } else {
                    !is_full(self.client.pending()) && self.read_upstream(cx)?
                };
            }
            // The answers are on their way, or the client does not take them now.
            self.ended.record();
            if moved { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    /// Reads what the client has sent; false where there is nothing yet.
    fn read_client(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        match self.client.poll_read(cx) {
            Poll::Ready(result) => ended(result).map(|()| true).map_err(End::ClientGone),
            Poll::Pending => Ok(false),
        }
    }

    /// The same for the database.
    fn read_upstream(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        match self.upstream.poll_read(cx) {
            Poll::Ready(result) => ended(result).map(|()| true).map_err(End::UpstreamGone),
            Poll::Pending => Ok(false),
        }
    }

    /// Whether the next thing to do needs more bytes of the client. While something else is waited
    /// for, its bytes stay in the network, which slows the client down and costs no memory here.
    fn wants_client_bytes(&self) -> bool {
        self.upstream.pending() < OUTBOX_BYTES_MAX && !self.client_must_wait()
    }

    /// Tells the client something outside the order of replies, which may be done between any two
    /// messages.
    fn tell(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.upstream_scanner.mid_message() {
            write(&mut self.deferred);
        } else {
            write(self.client.out());
        }
    }
}

/// Whether so much waits for one side that the other side is not read.
const fn is_full(pending: usize) -> bool {
    pending >= OUTBOX_BYTES_MAX
}

fn ended(result: io::Result<usize>) -> io::Result<()> {
    match result? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// What the client is told when the session ends for a reason that is not its own.
fn farewell(end: &End) -> Option<(Refusal, &'static str)> {
    match end {
        End::Terminated | End::ClientGone(_) | End::UpstreamFatal => None,
        End::ClientProtocol(why) => Some((
            refusal(
                RefusalCode::ProtocolViolation,
                format!("jurat closed the session: {why} [JRT-PROTOCOL]"),
                None,
            ),
            "08P01",
        )),
        // Class 57P tells pools that the connection is gone, which it is.
        End::UpstreamGone(_) | End::UpstreamProtocol(_) => Some((
            refusal(
                RefusalCode::UpstreamUnavailable,
                "jurat closed the session: the database went away. What was under way may or may \
                 not have been done [JRT-UPSTREAM]. Connect again",
                Some("Look at the outcome before you repeat a write"),
            ),
            "57P01",
        )),
        End::MaskedColumn(column) => Some((
            refusal(
                RefusalCode::Denied,
                format!(
                    "jurat closed the session: a result would have shown the masked column {column} \
                     [JRT-DENY]. The database is not what jurat knows of it"
                ),
                Some("Connect again; if it is repeated, tell whoever runs jurat"),
            ),
            origins::WITHHELD,
        )),
        End::SettingChanged(name) => Some((
            refusal(
                RefusalCode::NotSupported,
                format!(
                    "jurat closed the session: {name} was changed, and jurat reads UTF8 and the standard's \
                     strings only [JRT-UNSUPPORTED]. Connect again"
                ),
                None,
            ),
            "57P01",
        )),
        End::RowTooLong => Some((
            refusal(
                RefusalCode::NotSupported,
                "jurat closed the session: a row is too long to be looked through for what policy keeps back \
                 [JRT-UNSUPPORTED]. Connect again, and ask for a part of the marked column",
                Some("Rows with columns that detectors look through may have 1 MiB"),
            ),
            "57P01",
        )),
        End::Killed(_) => Some((
            refusal(
                RefusalCode::Denied,
                "jurat closed the session: an administrator ended it. What was under way may or may not have \
                 been done [JRT-DENY]. Connect again",
                Some("Look at the outcome before you repeat a write"),
            ),
            "57P01",
        )),
        End::Shutdown => Some((
            refusal(
                RefusalCode::UpstreamUnavailable,
                "jurat closed the session: it is shutting down [JRT-UPSTREAM]. Connect again",
                None,
            ),
            "57P01",
        )),
    }
}
