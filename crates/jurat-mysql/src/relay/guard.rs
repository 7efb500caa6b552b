//! The row guard: a write on which limits bear is committed only once its rows were counted and judged.
//!
//! Nothing is added to other statements. Where each statement is its own transaction, the write gets one of
//! Jurat's own, whose beginning travels with it; in a transaction of the client's it gets a savepoint. What the
//! server says of it waits for the judgement.

use jurat_core::{
    Counted, Ending, Exceeded, InForce, Lasts, Passing, Permit, Running, SessionEffect,
};
use jurat_types::Outcome;
use jurat_wire::mysql::{
    capability::Status,
    encode::server as encode,
    response::{ErrPacket, OkPacket, session::Changes},
};
use tokio::time::{Instant, timeout_at};

use super::{
    End, Relay, estimate,
    reply::{Answer, Following, command, told},
};
use crate::{
    respond,
    upstream::{self, UpstreamError},
};

/// `START TRANSACTION` would do the same and release the client's `LOCK TABLES` besides. Its end commits, so that
/// one round trip does; it says nothing of `completion_type`, which could let COMMIT close the session.
const BEGIN: &str = "SET autocommit = 0";
const COMMIT: &str = "SET autocommit = 1";
const ROLLBACK: &str = "ROLLBACK AND NO CHAIN NO RELEASE";
/// One of the same name is put in its place by the next statement, so nothing has to release it.
const SAVEPOINT: &str = "SAVEPOINT `jurat row guard`";
const BACK_TO_SAVEPOINT: &str = "ROLLBACK TO SAVEPOINT `jurat row guard`";
/// Asks for the state of the session.
const STATE: &str = "DO 0";

/// What the server says of a statement that was ended for its time: ER_QUERY_INTERRUPTED, and the numbers of
/// time-outs of MariaDB and MySQL.
const INTERRUPTED: [u16; 3] = [1317, 1969, 3024];

/// What is around a statement, so that it can be taken back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Bracket {
    /// A transaction of Jurat's own.
    Own,
    /// A savepoint in the transaction of the client.
    Savepoint,
}

/// Limits at work on one reply.
#[derive(Debug, Default)]
pub(super) struct Guarding {
    bracket: Option<Bracket>,
    /// Bytes of rows so far.
    bytes: u64,
    /// Further rows are left out.
    truncated: bool,
    /// How many were.
    left_out: u64,
    /// The client was told that the statement is refused, and what still comes is not passed on.
    refused: bool,
    /// When the statement has to be done.
    deadline: Option<Instant>,
    /// It was not done by then.
    timed_out: bool,
    held: Option<Held>,
}

/// The end of a reply, which the client gets once the statement is committed.
#[derive(Debug)]
struct Held {
    rows_end: bool,
    affected_rows: u64,
    last_insert_id: u64,
    status: Status,
    warnings: u16,
    info: Vec<u8>,
    changes: Vec<u8>,
}

impl Held {
    fn new(ok: &OkPacket<'_>, rows_end: bool) -> Self {
        let OkPacket { affected_rows, last_insert_id, status, warnings, info, changes } = *ok;
        let (info, changes) = (info.to_vec(), changes.raw.to_vec());
        Self { rows_end, affected_rows, last_insert_id, status, warnings, info, changes }
    }

    fn packet(&self, status: Status) -> OkPacket<'_> {
        OkPacket {
            affected_rows: self.affected_rows,
            last_insert_id: self.last_insert_id,
            status,
            warnings: self.warnings,
            info: &self.info,
            changes: Changes { raw: &self.changes },
        }
    }
}

impl Bracket {
    /// The state of the session as the client would see it without the bracket.
    const fn shown(self, status: Status) -> Status {
        match self {
            Self::Savepoint => status,
            Self::Own => status
                .without(Status::IN_TRANS)
                .without(Status::IN_TRANS_READONLY)
                .with(Status::AUTOCOMMIT),
        }
    }
}

impl Guarding {
    /// The state of the session that the client is told.
    pub(super) const fn shown(&self, status: Status) -> Status {
        match self.bracket {
            Some(bracket) => bracket.shown(status),
            None => status,
        }
    }

    pub(super) const fn has_bracket(&self) -> bool {
        self.bracket.is_some()
    }

    pub(super) const fn is_refused(&self) -> bool {
        self.refused
    }

    pub(super) const fn is_truncated(&self) -> bool {
        self.truncated
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

impl Relay {
    /// Sends what a statement needs before it so that it can be taken back; nothing for most. The answer is read
    /// by [`Self::begun`].
    pub(super) async fn begin_guard(&mut self, permit: &Permit) -> Result<(), End> {
        let late = |limits: &InForce| limits.can_be_undone() && limits.may_be_refused_late();
        // Of half a file nothing stays, whatever the server does where a connection ends in the middle.
        let effect = permit.judged().statement().effect();
        let breaks = matches!(effect, SessionEffect::ClientFile { .. });
        if !breaks && !permit.limits().is_some_and(late) {
            self.bracket = None;
            return Ok(());
        }
        if self.status_stale {
            // An error does not say whether the server has ended the transaction with it.
            self.upstream.ask(STATE);
            let status = self.upstream.answered().await?;
            self.note_status(status)?;
        }
        let apart =
            self.status.contains(Status::AUTOCOMMIT) && !self.status.contains(Status::IN_TRANS);
        let (bracket, text) =
            if apart { (Bracket::Own, BEGIN) } else { (Bracket::Savepoint, SAVEPOINT) };
        self.upstream.ask(text);
        self.bracket = Some(bracket);
        Ok(())
    }

    /// Reads the answer to what was sent before the statement.
    ///
    /// # Errors
    /// Where there is nothing to take the statement back to: the session ends, and with it a transaction.
    pub(super) async fn begun(&mut self) -> Result<(), End> {
        let Some(bracket) = self.bracket else { return Ok(()) };
        let status = self.upstream.answered().await?;
        let open = status.contains(Status::IN_TRANS) || !status.contains(Status::AUTOCOMMIT);
        if !open {
            let why = format!("no transaction is open for the row guard ({bracket:?})");
            return Err(End::UpstreamProtocol(why));
        }
        Ok(())
    }

    /// How the limits of a statement are kept while its reply comes.
    pub(super) fn guarding(&mut self, run: &Running) -> Option<Box<Guarding>> {
        let (limits, bracket) = (run.limits(), self.bracket.take());
        if limits.is_none() && bracket.is_none() {
            return None;
        }
        // A time that is out of range is never up.
        let deadline = limits
            .and_then(InForce::timeout_ms)
            .and_then(|ms| Instant::now().checked_add(std::time::Duration::from_millis(ms)));
        Some(Box::new(Guarding { bracket, deadline, ..Guarding::default() }))
    }

    /// Whether a row of so many bytes goes on to the client.
    pub(super) fn row_passes(&mut self, following: &mut Following, bytes: usize) -> bool {
        let Some(guard) = &mut following.guard else { return true };
        if guard.refused {
            return false;
        }
        if guard.truncated {
            guard.left_out = guard.left_out.saturating_add(1);
            return false;
        }
        following.rows = following.rows.saturating_add(1);
        let Some(limits) = following.run.as_ref().and_then(Running::limits) else { return true };
        if !limits.counts_returned() {
            return true;
        }
        guard.bytes = guard.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        match self.session.passing(limits, following.rows, guard.bytes) {
            Passing::Forward => true,
            Passing::Withhold => false,
            Passing::Truncate => {
                guard.truncated = true;
                guard.left_out = 1;
                following.rows = following.rows.saturating_sub(1);
                false
            }
            Passing::Refuse(exceeded) => {
                self.cut_off(following, exceeded);
                false
            }
        }
    }

    /// Refuses a statement whose reply is on its way. What still comes of it is not passed on.
    fn cut_off(&mut self, following: &mut Following, exceeded: Exceeded) {
        let Some(run) = following.run.take() else { return };
        if let Some(guard) = &mut following.guard {
            guard.refused = true;
        }
        let refusal = self.session.refuse_result(&run, exceeded, following.rows);
        self.refuse(&refusal);
        self.note_warnings(&run);
        taken_back(run, None);
    }

    /// The end of a result. Tells whether it is not passed on, or not yet.
    pub(super) fn holds_end(
        &mut self,
        following: &mut Following,
        ok: &OkPacket<'_>,
        rows_end: bool,
    ) -> Result<bool, End> {
        let Some(guard) = &mut following.guard else { return Ok(false) };
        if !guard.refused && guard.bracket.is_none() {
            return Ok(false);
        }
        if guard.bracket.is_some() && ok.status.contains(Status::CURSOR_EXISTS) {
            let why = "the rows of a write wait in a cursor".to_owned();
            return Err(End::UpstreamProtocol(why));
        }
        let shown = guard.shown(ok.status);
        if !guard.refused {
            guard.held = Some(Held::new(ok, rows_end));
        }
        self.note_changes(ok)?;
        self.note_status(shown)?;
        Ok(true)
    }

    /// A server's error for a statement on which limits bear. Tells whether the client is told something else.
    pub(super) fn holds_error(&mut self, following: &mut Following, error: &ErrPacket<'_>) -> bool {
        let Some(guard) = &following.guard else { return false };
        if guard.refused {
            return true;
        }
        if !guard.timed_out || !INTERRUPTED.contains(&error.code) {
            return false;
        }
        following.rows = 0;
        self.cut_off(following, Exceeded::Time);
        true
    }

    /// Waits for more of a reply, and not longer than the statement may run.
    pub(super) async fn wait_in_time(&mut self, following: &mut Following) -> Result<(), End> {
        let deadline = following.guard.as_ref().and_then(|guard| guard.deadline());
        let Some(deadline) = deadline else { return self.wait_for_reply().await };
        // Boxed, because every session has room for this future and few have a deadline.
        match Box::pin(timeout_at(deadline, self.wait_for_reply())).await {
            Ok(moved) => moved,
            Err(_elapsed) => {
                self.out_of_time(following).await;
                Ok(())
            }
        }
    }

    /// The statement has run for as long as it may.
    pub(super) async fn out_of_time(&mut self, following: &mut Following) {
        if let Some(guard) = &mut following.guard {
            guard.deadline = None;
            guard.timed_out = true;
        }
        Box::pin(self.time_is_up()).await;
    }

    /// Ends the statement that runs. Nothing else is sent meanwhile, so that no other can be meant.
    async fn time_is_up(&mut self) {
        let limit = self.session.gate().limits.connect_timeout;
        let number = self.upstream.connection();
        if let Err(error) = upstream::cancel(&self.target, number, limit).await {
            let session = self.session.id();
            tracing::error!(session, %error, "a statement that ran too long could not be ended");
        }
    }

    /// Judges a statement whose reply is over, commits it or takes it back, and tells the client.
    pub(super) async fn settle_guarded(
        &mut self,
        mut following: Following,
        mut guard: Box<Guarding>,
    ) -> Result<Answer, End> {
        let Some(bracket) = guard.bracket else {
            return Ok(if guard.refused { Answer::Failed } else { self.finish(following) });
        };
        let held = guard.held.take();
        let (Some(held), Some(run), false) = (held, &following.run, guard.refused) else {
            // The server has undone what failed; of what was refused it knows nothing.
            if guard.refused || bracket == Bracket::Own {
                self.take_back(bracket).await?;
            }
            return Ok(Answer::Failed);
        };
        // Rows that were left out are rows that were changed.
        let rows = following.counted().saturating_add(guard.left_out);
        if run.limits().is_some_and(InForce::checks_rows)
            && let Err(mut over) =
                self.session.judge_counted(run, Counted { rows, in_all: None }, Lasts::AtOnce)
        {
            self.note_warnings(run);
            if let Some(run) = following.run.take() {
                taken_back(run, Some(rows));
            }
            self.take_back(bracket).await?;
            // Consent is asked for once nothing is locked for it any more.
            if let Some(question) = over.sampling.take() {
                let limit = self.session.gate().limits.connect_timeout;
                let answered = estimate::foresee(&self.target, &question, limit).await;
                over.note_sample(question, answered);
            }
            let refusal = over.ask(&self.session).await;
            self.refuse(&refusal);
            return Ok(Answer::Failed);
        }
        if bracket == Bracket::Own {
            self.upstream.ask(COMMIT);
            match self.upstream.answered().await {
                Ok(_status) => {}
                Err(UpstreamError::Refused { code, sqlstate, message }) => {
                    self.commit_failed(following, (code, sqlstate, &message)).await?;
                    return Ok(Answer::Failed);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let ok = held.packet(bracket.shown(held.status));
        let told = told(&ok, following.more, following.protects());
        let (out, capabilities) = (self.client.out(), self.capabilities);
        respond::write(match held.rows_end {
            true => encode::rows_end(out, &mut self.sequence, &told, capabilities),
            false => encode::ok(out, &mut self.sequence, &told, capabilities),
        });
        Ok(self.finish(following))
    }

    /// The server could not commit, as in a cluster where another node was faster.
    async fn commit_failed(
        &mut self,
        mut following: Following,
        (code, sqlstate, message): (u16, String, &str),
    ) -> Result<(), End> {
        let words = if following.protects() { "the database could not commit" } else { message };
        let (out, sequence) = (self.client.out(), &mut self.sequence);
        respond::write(encode::err(out, sequence, code, &sqlstate, words.as_bytes()));
        if let Some(run) = following.run.take() {
            let command = Some(command(&run));
            let ending = Ending { sqlstate: Some(sqlstate), command, rows: None };
            run.finish(Outcome::Failed, ending);
        }
        self.take_back(Bracket::Own).await
    }

    /// Undoes what a statement has done.
    ///
    /// # Errors
    /// Where that fails the session ends, which makes the server undo the whole transaction.
    async fn take_back(&mut self, bracket: Bracket) -> Result<(), End> {
        let steps: &[&'static str] = match bracket {
            Bracket::Own => &[ROLLBACK, COMMIT],
            Bracket::Savepoint => &[BACK_TO_SAVEPOINT],
        };
        // One by one: what begins the next transaction commits this one, should it still be there.
        for step in steps {
            self.upstream.ask(step);
            let status = self.upstream.answered().await?;
            self.note_status(bracket.shown(status))?;
        }
        Ok(())
    }
}

/// Records that a statement ran and was undone.
fn taken_back(run: Running, rows: Option<u64>) {
    let command = Some(command(&run));
    let sqlstate = Some("42000".to_owned());
    run.finish(Outcome::RolledBack, Ending { rows, command, sqlstate });
}
