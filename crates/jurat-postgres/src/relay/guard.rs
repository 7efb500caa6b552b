//! The row guard: a write on which limits bear is committed only once its rows were counted and judged.
//!
//! Nothing is added to other statements. A simple query outside of a transaction gets a block of Jurat's own
//! around it, whose beginning travels with it; its command tag waits for the COMMIT. In the extended protocol
//! the client's Sync, which commits, waits for the answer. In a transaction of the client's own a refusal aborts
//! the transaction, as an error of the statement would.

use std::sync::Arc;

use jurat_core::{
    Counted, Ending, InForce, JudgedStatement, Lasts, Over, Permit, Prepared, Running,
    SessionEffect, Statement, refusal,
};
use jurat_types::{Outcome, Refusal, RefusalCode, StatementClass};
use jurat_wire::postgres::{
    backend::TransactionStatus, encode::backend::command_complete, frame::Frame, frontend::Frontend,
};

use super::{End, Relay};
use crate::{
    names::Names,
    queue::{Execution, Expect},
    respond,
};

mod rows;
mod statistics;
mod time;

pub(super) use rows::Row;
pub(super) use time::until;

const COMMIT: &str = "/* jurat */ COMMIT";
const ROLLBACK: &str = "/* jurat */ ROLLBACK";

/// Where the session stands with statements on which limits bear.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// Statements under way on which limits bear.
    limited: usize,
    /// Those of them that are not committed before they were judged.
    unverified: usize,
    /// The client's Sync waits for them.
    sync_waits: bool,
    /// The client's next message waits for them.
    message_waits: bool,
    /// A message that is sent once everything before it was answered.
    pending: Option<(Vec<Permit>, Vec<u8>)>,
    /// A message of Jurat's own before a simple query has failed, and the query was ignored.
    own_failed: bool,
    bracket: Option<Bracket>,
    swallowing: Option<Until>,
    /// Of the statement that is answered now, what was sent of its result.
    rows: u64,
    bytes: u64,
    /// Its further rows are left out.
    truncated: bool,
    /// The row that passes in pieces is left out.
    drops_row: bool,
    statistics: statistics::Reading,
    clock: time::Deadlines,
}

/// What the database says is not passed on, because the client was told already that its statement is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Until {
    /// Until the database was made to fail.
    Pill,
    /// Until it is ready for the next query.
    Ready,
}

/// A block of Jurat's own around one simple query.
#[derive(Debug, Default)]
struct Bracket {
    stage: Stage,
    /// The command tag of the last statement, which the client gets once it is committed.
    held: Vec<u8>,
    /// The statements that ran, with what is recorded of them once they are committed.
    ran: Vec<(Running, Ending)>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Stage {
    #[default]
    Beginning,
    Running,
    Refused,
    Committing,
    RollingBack,
}

impl Guard {
    /// Whether the client's next message has to wait.
    pub(super) const fn holds_client(&self) -> bool {
        self.sync_waits
            || self.message_waits
            || self.pending.is_some()
            || self.bracket.is_some()
            || self.statistics.is_under_way()
    }

    /// Whether anything has to be done here for what the database says.
    pub(super) const fn is_engaged(&self) -> bool {
        self.limited > 0 || self.swallowing.is_some() || self.own_failed || self.holds_client()
    }

    /// Whether the client is not told what comes with this tag. Asides are about the session.
    pub(super) const fn swallows(&self, tag: u8) -> bool {
        match self.swallowing {
            None => false,
            Some(_) if matches!(tag, b'N' | b'S' | b'A') => false,
            Some(Until::Ready) => tag != b'Z',
            Some(Until::Pill) => true,
        }
    }

    /// Lets the client's next message wait for the judgement of what runs. Tells whether there is anything to
    /// wait for.
    pub(super) const fn waits(&mut self) -> bool {
        self.message_waits = self.unverified > 0;
        self.message_waits
    }

    /// Notes a statement that was sent.
    pub(super) fn started(&mut self, run: &Running) {
        if let Some(limits) = run.limits() {
            self.limited = self.limited.saturating_add(1);
            self.clock.started(limits.timeout_ms());
            if limits.may_be_refused_late() {
                self.unverified = self.unverified.saturating_add(1);
            }
        }
    }

    /// Notes that a statement has ended, or will not run.
    pub(super) fn ended(&mut self, execution: &Execution) {
        if let Some(limits) = execution.running.as_ref().and_then(Running::limits) {
            self.limited = self.limited.saturating_sub(1);
            self.clock.ended(limits.timeout_ms());
            if limits.may_be_refused_late() {
                self.unverified = self.unverified.saturating_sub(1);
            }
            self.rows = 0;
            self.bytes = 0;
            self.truncated = false;
            self.statistics.ended();
        }
    }
}

impl Relay {
    /// Sends the statements of a simple query that were permitted; inside a block where they may have to be
    /// taken back.
    pub(super) fn send_judged(&mut self, permits: Vec<Permit>, text: &[u8]) {
        let in_function = |permit: &Permit| permit.judged().statement().is_in_function();
        let several = permits.len() > 1 || permits.iter().any(in_function);
        let late = |limits: &InForce| limits.may_be_refused_late() && (several || limits.writes());
        if !permits.iter().filter_map(Permit::limits).any(late) {
            self.names.forget_unnamed();
            self.send_query(permits, text);
            return;
        }
        let statistics = permits.iter().filter_map(Permit::limits).any(InForce::needs_statistics);
        let apart = |permit: &Permit| statistics || may_end_a_block(permit.judged());
        if self.cycle_open || (several && permits.iter().any(apart)) {
            drop(permits);
            self.refuse_query(&cannot_be_guarded());
            return;
        }
        self.guard.pending = Some((permits, text.to_vec()));
        self.send_pending();
    }

    /// Begins with the message that waited for what came before it.
    fn send_pending(&mut self) {
        if !self.queue.is_empty() {
            return;
        }
        let Some((permits, text)) = self.guard.pending.take() else { return };
        if self.status == TransactionStatus::Idle {
            // Should it fail, the database ignores the query behind it.
            let left = self.upstream.begin_block();
            self.queue.push(Expect::OwnSteps { left, counts: false });
            self.guard.bracket = Some(Bracket::default());
        } else {
            self.guard.message_waits = true;
        }
        self.send_in_block(permits, &text);
    }

    /// Sends statements into an open transaction.
    pub(super) fn send_in_block(&mut self, permits: Vec<Permit>, text: &[u8]) {
        let limits = |permit: &Permit| permit.limits().is_some_and(InForce::needs_statistics);
        if self.status != TransactionStatus::Failed && permits.iter().any(limits) {
            self.count_before();
        }
        self.names.forget_unnamed();
        self.send_query(permits, text);
    }

    /// The client's Sync, which commits: it waits until what ran before it was judged.
    pub(super) fn on_sync(&mut self) {
        if self.guard.unverified > 0 {
            self.upstream.flush();
            self.guard.sync_waits = true;
        } else {
            self.skipping = false;
            self.push_sync();
        }
    }

    /// Goes on once everything was judged.
    pub(super) fn settle_guard(&mut self) {
        if self.guard.unverified == 0 {
            self.guard.message_waits = false;
            if std::mem::take(&mut self.guard.sync_waits) {
                self.skipping = false;
                self.push_sync();
            }
        }
        if std::mem::take(&mut self.guard.own_failed) {
            // The database ignores everything up to the next Sync, and the client has none to send.
            self.skipping = false;
            self.push_sync();
        }
        if self.guard.pending.is_some() {
            self.send_pending();
        }
    }

    /// A statement on which limits may bear has ended. Tells whether the client is told so by `frame`.
    pub(super) fn guarded_end(&mut self, frame: &Frame<'_>, ending: Ending) -> Result<bool, End> {
        if self.counts_behind(frame, &ending)? {
            return Ok(false);
        }
        let stays = self.may_stay(&ending);
        let command = ending.command.as_deref();
        let counts_sent = matches!(command, Some("SELECT" | "FETCH"));
        let truncated = (self.guard.truncated && counts_sent).then_some(self.guard.rows);
        let tag = command.filter(|_| counts_sent).zip(truncated);
        let tag = tag.map(|(command, rows)| format!("{command} {rows}"));
        if stays {
            self.tally(&ending);
        }
        let execution = self.take_execution(frame.tag)?;
        self.note_end(stays, execution, ending);
        Ok(stays && !self.keeps_tag(frame, tag.as_deref()))
    }

    fn take_execution(&mut self, tag: u8) -> Result<Execution, End> {
        let execution = match self.queue.front() {
            Some(Expect::Execute(_)) => match self.queue.pop() {
                Some(Expect::Execute(execution)) => Some(*execution),
                Some(_) | None => None,
            },
            Some(Expect::Query(executions)) if tag != b's' => executions.pop_front(),
            Some(_) | None => None,
        };
        execution.ok_or_else(|| super::from_upstream::out_of_turn(tag))
    }

    /// Judges a statement that has ended; tells whether it may stay.
    fn may_stay(&mut self, ending: &Ending) -> bool {
        if self.guard.swallowing.is_some() {
            return false;
        }
        let lasts = self.lasts();
        let running = self.queue.running().and_then(|execution| execution.running.as_ref());
        let Some(running) = running.filter(|r| r.limits().is_some_and(InForce::checks_rows)) else {
            return true;
        };
        let judged = match ending.rows {
            Some(rows) => {
                self.session.judge_counted(running, Counted { rows, in_all: None }, lasts)
            }
            // A portion of a portal, or a tag without a number.
            None => {
                let refusal = self.session.refuse_uncounted(running);
                Err(Box::new(Over { refusal, asks: None, sampling: None }))
            }
        };
        judged.map_err(|over| self.refuse_ran(*over)).is_ok()
    }

    /// When the record of what has ended has to be with the system. Nothing can end a transaction of the client's
    /// before its next message is judged, unless a message that was judged waits already.
    fn lasts(&self) -> Lasts {
        let in_block = self.status == TransactionStatus::InTransaction
            && self.guard.bracket.is_none()
            && self.guard.pending.is_none()
            && !self.script_has_own_block();
        if in_block && self.queue.ends_here() { Lasts::OnceCommitted } else { Lasts::AtOnce }
    }

    /// Tells the client that what has run is refused, and sees to it that it is taken back.
    fn refuse_ran(&mut self, over: Over) {
        let id = over.refusal.decision_id.clone();
        if over.asks.is_some() {
            self.hold.tell_later(over);
        } else {
            respond::error(self.client.out(), &over.refusal);
        }
        self.script_failed();
        // The answer to a simple query goes on; that of one whose statistics were read is over.
        let over = self.guard.statistics.was_simple();
        let simple = over || matches!(self.queue.front(), Some(Expect::Query(_)));
        if over && (self.guard.bracket.is_some() || self.script_has_own_block()) {
            return;
        }
        if let Some(bracket) = &mut self.guard.bracket {
            bracket.stage = Stage::Refused;
            for (running, ending) in bracket.ran.drain(..) {
                running.finish(Outcome::RolledBack, ending);
            }
            self.guard.swallowing = Some(Until::Ready);
        } else if self.script_has_own_block() || (simple && self.status == TransactionStatus::Idle)
        {
            self.guard.swallowing = Some(Until::Ready);
        } else {
            self.upstream.pill(id.as_deref().unwrap_or_else(|| self.session.id()));
            self.queue.push(Expect::Pill(Vec::new()));
            self.guard.swallowing = Some(Until::Pill);
            if simple {
                self.push_sync();
            } else if !self.guard.sync_waits {
                self.skipping = true;
            }
        }
    }

    /// An answer to a message of Jurat's own that travels with those of the client. Tells whether it was one.
    pub(super) fn takes_own_step(&mut self, frame: &Frame<'_>) -> Result<bool, End> {
        let Some(Expect::OwnSteps { left, counts }) = self.queue.front() else { return Ok(false) };
        let counts = *counts;
        match frame.tag {
            b'1' | b'2' | b'3' | b'C' => *left = left.saturating_sub(1),
            b'D' if counts => self.guard.statistics.take(frame)?,
            _ => return Ok(false),
        }
        if !matches!(self.queue.front(), Some(Expect::OwnSteps { left: 0, .. })) {
            return Ok(true);
        }
        self.queue.pop();
        if counts {
            self.counted()?;
        } else if let Some(bracket) = &mut self.guard.bracket {
            bracket.stage = Stage::Running;
        }
        Ok(true)
    }

    /// Takes a statement that has ended off the guard, and notes what is recorded of it.
    fn note_end(&mut self, stays: bool, execution: Execution, ending: Ending) {
        self.copy.ended(&execution);
        self.guard.ended(&execution);
        let Some(running) = execution.running else { return };
        self.guarded |= running.protects();
        if !stays {
            let sqlstate = Some("42501".to_owned());
            running.finish(Outcome::RolledBack, Ending { sqlstate, ..ending });
        } else if let Some(bracket) = &mut self.guard.bracket {
            bracket.ran.push((running, ending));
        } else {
            self.ended.push(running, ending);
        }
    }

    /// Keeps the last tag of a query inside a block of Jurat's own until that is committed. `tag` stands for one
    /// that counts rows which were left out.
    fn keeps_tag(&mut self, frame: &Frame<'_>, tag: Option<&str>) -> bool {
        let mut told = Vec::new();
        match tag {
            Some(tag) => respond::write(command_complete(&mut told, tag)),
            None => told.extend_from_slice(frame.whole),
        }
        let last = matches!(self.queue.front(), Some(Expect::Query(left)) if left.is_empty());
        let holds = |bracket: &&mut Bracket| last && bracket.stage == Stage::Running;
        if let Some(bracket) = self.guard.bracket.as_mut().filter(holds) {
            bracket.held = told;
            return true;
        }
        if tag.is_some() {
            self.client.out().extend_from_slice(&told);
        }
        tag.is_some()
    }

    /// The database is ready for the next query: the next step of a block of Jurat's own. Tells whether the
    /// client is not told.
    pub(super) fn bracket_goes_on(&mut self) -> bool {
        if self.guard.swallowing == Some(Until::Ready) {
            self.guard.swallowing = None;
        }
        if self.counts_behind_query() {
            return true;
        }
        let Some(mut bracket) = self.guard.bracket.take() else { return false };
        match (bracket.stage, self.status) {
            (Stage::Running, TransactionStatus::InTransaction) => {
                bracket.stage = Stage::Committing;
                self.push_own(COMMIT);
            }
            (Stage::Running | Stage::Refused, TransactionStatus::Failed)
            | (Stage::Refused, TransactionStatus::InTransaction) => {
                bracket.stage = Stage::RollingBack;
                let ran = std::mem::take(&mut bracket.ran);
                for (running, ending) in ran {
                    running.finish(Outcome::RolledBack, ending);
                }
                self.push_own(ROLLBACK);
            }
            (_, _) => {
                self.client.out().extend_from_slice(&bracket.held);
                for (running, ending) in bracket.ran.drain(..) {
                    self.ended.push(running, ending);
                }
                return false;
            }
        }
        self.guard.bracket = Some(bracket);
        true
    }

    /// Commits or takes back what ran in a block of Jurat's own.
    fn end_bracket(&mut self, stays: bool, tag: Vec<u8>) {
        let Some(mut bracket) = self.guard.bracket.take() else { return };
        if stays {
            bracket.stage = Stage::Committing;
            bracket.held = tag;
            self.push_own(COMMIT);
        } else {
            bracket.stage = Stage::RollingBack;
            self.push_own(ROLLBACK);
        }
        self.guard.bracket = Some(bracket);
    }

    /// An error: what waits for a COMMIT was not committed, and a pill that was skipped makes nobody fail.
    pub(super) fn guard_failed(&mut self, sqlstate: Option<&String>) {
        if let Some(bracket) = &mut self.guard.bracket
            && bracket.stage == Stage::Committing
        {
            bracket.held.clear();
            for (running, ending) in bracket.ran.drain(..) {
                running.finish(Outcome::Failed, Ending { sqlstate: sqlstate.cloned(), ..ending });
            }
        }
        if matches!(self.queue.front(), Some(Expect::OwnSteps { .. })) {
            self.guard.own_failed = self.own_step_failed(sqlstate);
        }
        let simple = matches!(self.queue.front(), Some(Expect::Query(_)));
        if self.guard.swallowing == Some(Until::Pill) && !simple {
            self.guard.swallowing = None;
        }
    }

    /// Whether a message of several statements has to be sent one by one, because one of them may end the
    /// transaction of one that is counted.
    pub(super) fn must_be_split(&self, statements: &[Arc<JudgedStatement>]) -> bool {
        statements.len() > 1
            && (statements.iter().any(|judged| may_end_a_block(judged))
                && self.session.may_be_refused_late(statements)
                || self.session.needs_statistics(statements))
    }
}

/// Whether the transaction of the statements before may end with it. Of an opaque one nothing is known.
fn may_end_a_block(judged: &JudgedStatement) -> bool {
    let effect = judged.statement().effect();
    matches!(judged.statement(), Statement::Opaque(_))
        || matches!(effect, SessionEffect::Transaction)
}

/// Whether a portal certainly leaves the transaction open that it runs in.
fn runs_inside(prepared: &Prepared) -> bool {
    let facts = prepared.statement().facts();
    matches!(prepared.statement(), Statement::Parsed(_))
        && matches!(facts.class, StatementClass::Read | StatementClass::Write)
        && !matches!(facts.kind.as_str(), "call" | "do")
        && prepared.looks_up().is_none()
}

/// Whether the client's next message has to wait until what runs was judged: it may end the transaction.
pub(super) fn may_commit(next: &Frontend<'_>, names: &Names) -> bool {
    match next {
        Frontend::Execute { portal, .. } => {
            let portal = names.portal(portal).and_then(Option::as_ref);
            portal.is_some_and(|prepared| !runs_inside(prepared))
        }
        Frontend::FunctionCall(_) | Frontend::Query { .. } => true,
        Frontend::Bind(_)
        | Frontend::Close { .. }
        | Frontend::CopyData(_)
        | Frontend::CopyDone
        | Frontend::CopyFail { .. }
        | Frontend::Describe { .. }
        | Frontend::Flush
        | Frontend::Parse { .. }
        | Frontend::Password(_)
        | Frontend::Sync
        | Frontend::Terminate => false,
    }
}

fn cannot_be_guarded() -> Refusal {
    refusal(
        RefusalCode::NotSupported,
        "jurat refused the message: its rows are counted before they are committed, and another statement in it \
         may commit them [JRT-ROWS]. Send the statements one by one",
        Some(
            "End an open pipeline with Sync first, and send BEGIN and COMMIT as messages of their own",
        ),
    )
}
