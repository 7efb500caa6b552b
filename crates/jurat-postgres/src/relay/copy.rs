//! COPY: rows of the client on their way in, and rows of the database on their way out.
//!
//! Whether the database takes rows is known only when it says so, and until then the same bytes of the
//! client mean something else: rows behind a COPY that failed are ignored, and a query among them runs.
//! So nothing of the client is handled between a statement that may ask for rows and the answer to it.
//! What the client has sent ahead waits in the network.

use jurat_core::{Running, SessionEffect, Statement};
use jurat_wire::postgres::{
    frame::{Frame, Piece},
    frontend::Frontend,
};

use super::{End, Relay};
use crate::{queue::Execution, upstream::CopyPiece};

/// Where the session stands with COPY.
#[derive(Debug, Default)]
pub(super) struct Copy {
    state: State,
    /// Statements under way that may ask for rows and have not done so.
    awaited: usize,
    /// Whether the long CopyData that the client is sending goes to the database.
    passing: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    /// No rows are copied.
    #[default]
    None,
    /// The database takes rows of the client, which has not ended them yet.
    In,
    /// The database sends rows.
    Out,
}

impl Copy {
    /// Whether the database takes rows of the client now.
    pub(super) fn takes_rows(&self) -> bool {
        self.state == State::In
    }

    /// Whether the database may send rows of a COPY now.
    pub(super) fn sends_rows(&self) -> bool {
        self.state == State::Out
    }

    /// Whether a statement under way may still ask for rows.
    pub(super) const fn is_awaited(&self) -> bool {
        self.awaited > 0
    }

    /// Whether CopyData of the client goes to the database. A long one that was begun is brought to its
    /// end, whatever the database says meanwhile: it reads as many bytes as it was promised.
    pub(super) fn takes(&mut self, data: &Piece<'_>) -> bool {
        if !matches!(data, Piece::StreamPart { .. }) {
            self.passing = self.takes_rows();
        }
        self.passing
    }

    /// Notes a statement that was sent; tells whether it may ask for rows. Of an opaque one nothing is
    /// known.
    pub(super) fn started(&mut self, run: &Running) -> bool {
        let may_ask = match run.judged().statement() {
            Statement::Parsed(_) => matches!(run.effect(), SessionEffect::CopyIn),
            Statement::Opaque(_) => true,
        };
        self.awaited = self.awaited.saturating_add(usize::from(may_ask));
        may_ask
    }

    /// Notes that a statement has ended, or will not run.
    pub(super) const fn ended(&mut self, execution: &Execution) {
        self.state = State::None;
        if execution.awaits_copy {
            self.awaited = self.awaited.saturating_sub(1);
        }
    }
}

impl Relay {
    /// A message other than CopyData while the database takes rows of the client.
    ///
    /// # Errors
    /// On anything that has no place there. The database itself loses track of the messages then and ends
    /// the session, and the rows are not kept.
    pub(super) fn on_copy_message(
        &mut self,
        message: &Frontend<'_>,
        frame: &Frame<'_>,
    ) -> Result<(), End> {
        match message {
            Frontend::CopyDone | Frontend::CopyFail { .. } => {
                if let Some(piece) = CopyPiece::new(&Piece::Frame(*frame)) {
                    self.upstream.copy(&piece);
                }
                self.copy.state = State::None;
                Ok(())
            }
            // The database ignores them among the rows, and answers nothing.
            Frontend::Flush | Frontend::Sync => Ok(()),
            Frontend::Terminate => Err(End::Terminated),
            Frontend::Bind(_)
            | Frontend::Close { .. }
            | Frontend::CopyData(_)
            | Frontend::Describe { .. }
            | Frontend::Execute { .. }
            | Frontend::FunctionCall(_)
            | Frontend::Password(_)
            | Frontend::Parse { .. }
            | Frontend::Query { .. } => Err(End::ClientProtocol(format!(
                "unexpected message type 0x{:02X} during COPY from stdin",
                frame.tag
            ))),
        }
    }

    /// The database asks for rows, or will send some: only the statement that is answered now may have
    /// made it do so.
    pub(super) fn on_copy_begins(&mut self, incoming: bool) -> Option<()> {
        let execution = self.queue.running()?;
        let run = execution.running.as_ref()?;
        let expected = match run.judged().statement() {
            Statement::Parsed(_) if incoming => matches!(run.effect(), SessionEffect::CopyIn),
            Statement::Parsed(_) => matches!(run.effect(), SessionEffect::CopyOut),
            Statement::Opaque(_) => true,
        };
        if !expected || self.copy.state != State::None {
            return None;
        }
        if std::mem::take(&mut execution.awaits_copy) {
            self.copy.awaited = self.copy.awaited.saturating_sub(1);
        }
        self.copy.state = if incoming { State::In } else { State::Out };
        Some(())
    }

    /// Whether the statement that is answered now takes rows in.
    pub(super) fn copies_in(&mut self) -> bool {
        let execution = self.queue.running();
        let run = execution.and_then(|execution| execution.running.as_ref());
        run.is_some_and(|run| matches!(run.effect(), SessionEffect::CopyIn))
    }

    /// The database has sent all rows.
    pub(super) fn on_copy_sent(&mut self) -> Option<()> {
        let sending = self.copy.sends_rows();
        self.copy.state = State::None;
        sending.then_some(())
    }
}
