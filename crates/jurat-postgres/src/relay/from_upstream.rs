//! What the database answers: matched with what was asked, and forwarded.

use jurat_core::{Ending, Running};
use jurat_types::Outcome;
use jurat_wire::postgres::{
    backend::{Backend, BackendTag, TransactionStatus, parse_backend, report::ReportFields},
    frame::{Frame, Piece},
};

use super::{
    End, Relay,
    copy::Copy,
    detect::{Row, look_through, row_scans},
    guard,
};
use crate::{
    inbox::Inbox,
    queue::{Execution, Expect, Queue},
    report::{self, Text},
    upstream::violated_pin,
};

impl Relay {
    /// Handles every message, and every piece of a long row, that has come.
    pub(super) fn take_from_upstream(&mut self) -> Result<(), End> {
        if self.upstream.inbox().is_empty() {
            return Ok(());
        }
        // Taken out, so that messages can be handled where they lie.
        let mut inbox = std::mem::take(self.upstream.inbox());
        let taken = self.take_answers(&mut inbox);
        *self.upstream.inbox() = inbox;
        taken
    }

    fn take_answers(&mut self, inbox: &mut Inbox) -> Result<(), End> {
        while !self.hold.has_to_ask() {
            let piece = match self.upstream_scanner.next(inbox) {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => return Err(End::UpstreamProtocol(error.to_string())),
            };
            let length = piece.bytes().len();
            if self.guard.is_engaged() && matches!(piece.tag(), b'D' | b'd') {
                let row = guard::Row {
                    tag: piece.tag(),
                    bytes: piece.bytes(),
                    whole: match &piece {
                        Piece::StreamStart { header, .. } => header.body_len,
                        Piece::Frame(_) | Piece::StreamPart { .. } => length,
                    },
                    goes_on: matches!(piece, Piece::StreamPart { .. }),
                };
                match piece {
                    Piece::Frame(frame) if self.takes_own_step(&frame)? => {}
                    Piece::Frame(_) | Piece::StreamStart { .. } | Piece::StreamPart { .. } => {
                        self.take_guarded_row(row)?;
                    }
                }
                inbox.consume(length);
                self.tell_deferred();
                continue;
            }
            match piece {
                Piece::Frame(frame) if matches!(frame.tag, b'D' | b'd') => {
                    if !may_come(frame.tag, &self.queue, &self.copy) {
                        return Err(out_of_turn(frame.tag));
                    }
                    match row_scans(&mut self.queue, frame.tag) {
                        None => self.client.out().extend_from_slice(frame.whole),
                        Some(scans) => {
                            let row = Row { piece: frame.whole, more: false };
                            look_through(&scans, &mut self.held, &row, self.client.out())?;
                        }
                    }
                }
                Piece::Frame(frame) => {
                    let quiet = self.guard.swallows(frame.tag).then(|| self.client.out().len());
                    self.answer(&frame)?;
                    if let Some(told) = quiet {
                        self.client.out().truncate(told);
                    }
                }
                Piece::StreamStart { bytes, .. } | Piece::StreamPart { bytes, .. } => {
                    if !may_come(piece.tag(), &self.queue, &self.copy) {
                        return Err(out_of_turn(piece.tag()));
                    }
                    match row_scans(&mut self.queue, piece.tag()) {
                        None => self.client.out().extend_from_slice(bytes),
                        Some(scans) => {
                            let row =
                                Row { piece: bytes, more: self.upstream_scanner.mid_message() };
                            look_through(&scans, &mut self.held, &row, self.client.out())?;
                        }
                    }
                }
            }
            inbox.consume(length);
            self.tell_deferred();
        }
        if self.guard.is_engaged() {
            self.settle_guard();
        }
        Ok(())
    }

    fn tell_deferred(&mut self) {
        if !self.deferred.is_empty() && !self.upstream_scanner.mid_message() {
            let deferred = std::mem::take(&mut self.deferred);
            self.client.out().extend_from_slice(&deferred);
        }
    }

    fn answer(&mut self, frame: &Frame<'_>) -> Result<(), End> {
        let message = parse_backend(frame.tag, frame.body)
            .map_err(|error| End::UpstreamProtocol(error.to_string()))?;
        if self.guard.is_engaged() && self.takes_own_step(frame)? {
            return Ok(());
        }
        match message {
            Backend::NoticeResponse(notice) => {
                if !self.passes_on(&notice) {
                    return Ok(());
                }
            }
            Backend::NotificationResponse { .. } => {}
            Backend::ParameterStatus { name, value } => {
                if let Some(pinned) = violated_pin(name, value) {
                    return Err(End::SettingChanged(pinned));
                }
                // No statement that reads masked columns sets anything, unless a function does it.
                if self.protects() {
                    return Ok(());
                }
            }
            Backend::ErrorResponse(fields) => return self.on_error(&fields, frame),
            Backend::ParseComplete => self.pop(frame.tag, |e| matches!(e, Expect::Parse { .. }))?,
            Backend::BindComplete => self.pop(frame.tag, |e| matches!(e, Expect::Bind(_)))?,
            Backend::CloseComplete => self.pop(frame.tag, |e| matches!(e, Expect::Close(_)))?,
            Backend::ParameterDescription(_) => {
                if !matches!(self.queue.front(), Some(Expect::DescribeStatement(_))) {
                    return Err(out_of_turn(frame.tag));
                }
            }
            Backend::RowDescription(row) => {
                if self.take_origins(Some(&row))? {
                    return Ok(());
                }
                self.check_described(&row)?;
                self.on_description(frame.tag)?;
            }
            Backend::NoData => {
                if self.take_origins(None)? {
                    return Ok(());
                }
                self.on_description(frame.tag)?;
            }
            Backend::CommandComplete(_) if matches!(self.queue.front(), Some(Expect::Own)) => {
                return Ok(());
            }
            Backend::CommandComplete(command) => {
                let ending = Ending {
                    rows: command.rows(),
                    command: Some(command.command().to_owned()),
                    sqlstate: None,
                };
                if !self.ended_well(frame, ending)? {
                    return Ok(());
                }
            }
            Backend::EmptyQueryResponse | Backend::PortalSuspended => {
                if !self.ended_well(frame, Ending::default())? {
                    return Ok(());
                }
            }
            Backend::ReadyForQuery(status) => {
                self.on_ready(status)?;
                if (self.guard.is_engaged() && self.bracket_goes_on()) || self.script_goes_on() {
                    return Ok(());
                }
            }
            Backend::FunctionCallResponse(_) => {
                self.function_returned().ok_or_else(|| out_of_turn(frame.tag))?;
            }
            Backend::CopyInResponse(_) => {
                self.on_copy_begins(true).ok_or_else(|| out_of_turn(frame.tag))?;
            }
            Backend::CopyOutResponse(_) => {
                self.on_copy_begins(false).ok_or_else(|| out_of_turn(frame.tag))?;
            }
            Backend::CopyDone => self.on_copy_sent().ok_or_else(|| out_of_turn(frame.tag))?,
            Backend::Authentication(_)
            | Backend::BackendKeyData { .. }
            | Backend::CopyBothResponse(_)
            | Backend::CopyData(_)
            | Backend::DataRow(_)
            | Backend::NegotiateProtocolVersion(_) => return Err(out_of_turn(frame.tag)),
        }
        self.client.out().extend_from_slice(frame.whole);
        Ok(())
    }

    fn pop(&mut self, tag: u8, is: impl Fn(&Expect) -> bool) -> Result<(), End> {
        match self.queue.front() {
            Some(expect) if is(expect) => {
                self.queue.pop();
                Ok(())
            }
            _ => Err(out_of_turn(tag)),
        }
    }

    fn on_description(&mut self, tag: u8) -> Result<(), End> {
        match self.queue.front() {
            Some(Expect::DescribeStatement(_) | Expect::DescribePortal(_)) => {
                self.queue.pop();
                Ok(())
            }
            Some(Expect::Query(_)) if tag == b'T' => Ok(()),
            _ => Err(out_of_turn(tag)),
        }
    }

    /// Tells whether the client is told so.
    fn ended_well(&mut self, frame: &Frame<'_>, ending: Ending) -> Result<bool, End> {
        if self.guard.is_engaged() {
            return self.guarded_end(frame, ending);
        }
        self.tally(&ending);
        self.statement_ended(frame.tag, ending)?;
        Ok(true)
    }

    fn function_returned(&mut self) -> Option<()> {
        let Some(Expect::FunctionCall(expected)) = self.queue.front() else { return None };
        let execution = expected.take()?;
        self.guard.ended(&execution);
        finish(execution.running, Outcome::Done, Ending::default());
        Some(())
    }

    fn statement_ended(&mut self, tag: u8, ending: Ending) -> Result<(), End> {
        let running = self.queue.running().and_then(|execution| execution.running.as_ref());
        self.guarded |= running.is_some_and(Running::protects);
        match self.queue.front() {
            Some(Expect::Execute(_)) => {
                if let Some(Expect::Execute(execution)) = self.queue.pop() {
                    self.copy.ended(&execution);
                    if let Some(running) = execution.running {
                        self.ended.push(running, ending);
                    }
                }
                Ok(())
            }
            Some(Expect::Query(executions)) if tag != b's' => {
                if let Some(execution) = executions.pop_front() {
                    self.copy.ended(&execution);
                    if let Some(running) = execution.running {
                        self.ended.push(running, ending);
                    }
                }
                Ok(())
            }
            _ => Err(out_of_turn(tag)),
        }
    }

    fn on_error(&mut self, fields: &ReportFields<'_>, frame: &Frame<'_>) -> Result<(), End> {
        self.ended.record();
        let sqlstate = fields.code().map(str::to_owned);
        let ending = Ending { sqlstate, ..Ending::default() };
        let protects = self.protects();
        if fields.is_fatal() {
            report::forward(
                self.client.out(),
                fields,
                frame.whole,
                &report::Care { protects, text: Text::NotKept },
            );
            if let Some(running) = self.queue.running().and_then(|e| e.running.take()) {
                running.finish(Outcome::Failed, ending);
            }
            return Err(End::UpstreamFatal);
        }
        let text = match self.queue.front() {
            // Without a statement it is the end of the transaction that failed.
            Some(Expect::Query(executions)) => {
                executions.front().map_or(Text::Own, |execution| execution.text.clone())
            }
            Some(Expect::Parse { text, .. }) => text.clone(),
            Some(Expect::Bind(_) | Expect::Execute(_)) => Text::NotKept,
            Some(
                Expect::Close(_)
                | Expect::DescribeStatement(_)
                | Expect::DescribePortal(_)
                | Expect::OwnDescribe(_)
                | Expect::FunctionCall(_)
                | Expect::Own
                | Expect::OwnSteps { .. }
                | Expect::Sync
                | Expect::Pill(_),
            ) => Text::Own,
            None => return Err(out_of_turn(frame.tag)),
        };
        if let Some(Expect::Pill(reply)) = self.queue.front() {
            let reply = std::mem::take(reply);
            self.client.out().extend_from_slice(&reply);
        } else if !self.tells_time_is_up(fields.code()) {
            let care = report::Care { protects, text };
            report::forward(self.client.out(), fields, frame.whole, &care);
        }
        self.script_failed();
        if self.guard.is_engaged() {
            self.guard_failed(ending.sqlstate.as_ref());
        }
        self.unwind(ending);
        Ok(())
    }

    /// After an error: in the simple protocol the rest of the message is not run, in the extended
    /// protocol everything up to the next Sync is ignored.
    fn unwind(&mut self, ending: Ending) {
        match self.queue.front() {
            Some(Expect::Query(executions)) => {
                let failed = std::mem::take(executions);
                let mut ending = Some(ending);
                let mut undone = Vec::new();
                for execution in failed {
                    self.copy.ended(&execution);
                    self.guard.ended(&execution);
                    match ending.take() {
                        Some(ending) => finish(execution.running, Outcome::Failed, ending),
                        None => finish(execution.running, Outcome::Skipped, Ending::default()),
                    }
                    undone.push(execution.undo);
                }
                undone.into_iter().rev().for_each(|undo| self.names.undo(undo));
            }
            Some(Expect::FunctionCall(expected)) => {
                if let Some(execution) = expected.take() {
                    self.guard.ended(&execution);
                    finish(execution.running, Outcome::Failed, ending);
                }
            }
            // A deferred constraint failed at the end of an implicit transaction.
            Some(Expect::Sync | Expect::Own) | None => {}
            Some(_) => {
                let (dropped, synced) = self.queue.drop_until_sync();
                self.skipping = self.skipping || !synced;
                let newest_first = dropped.len();
                for (position, expect) in dropped.into_iter().enumerate() {
                    let first = position + 1 == newest_first;
                    self.drop_expected(expect, if first { Some(ending.clone()) } else { None });
                }
            }
        }
    }

    fn drop_expected(&mut self, expect: Expect, failed: Option<Ending>) {
        match expect {
            Expect::Parse { undo, .. } | Expect::Bind(undo) | Expect::Close(undo) => {
                self.names.undo(undo);
            }
            Expect::Execute(execution) => {
                self.copy.ended(&execution);
                self.guard.ended(&execution);
                let Execution { running, undo, .. } = *execution;
                match failed {
                    Some(ending) => finish(running, Outcome::Failed, ending),
                    None => finish(running, Outcome::Skipped, Ending::default()),
                }
                self.names.undo(undo);
            }
            Expect::DescribeStatement(_)
            | Expect::DescribePortal(_)
            | Expect::OwnDescribe(_)
            | Expect::OwnSteps { .. }
            | Expect::Pill(_) => {}
            // The server ignores a simple query too while it waits for Sync: its cycle is over.
            Expect::Query(executions) => {
                self.cycles_done = self.cycles_done.saturating_add(1);
                for execution in executions.into_iter().rev() {
                    self.copy.ended(&execution);
                    self.guard.ended(&execution);
                    finish(execution.running, Outcome::Skipped, Ending::default());
                    self.names.undo(execution.undo);
                }
            }
            Expect::FunctionCall(execution) => {
                self.cycles_done = self.cycles_done.saturating_add(1);
                if let Some(execution) = execution {
                    self.guard.ended(&execution);
                    finish(execution.running, Outcome::Skipped, Ending::default());
                }
            }
            Expect::Sync | Expect::Own => {}
        }
    }

    fn on_ready(&mut self, status: TransactionStatus) -> Result<(), End> {
        match self.queue.front() {
            Some(Expect::Query(_) | Expect::FunctionCall(_) | Expect::Own | Expect::Sync) => {
                self.queue.pop();
            }
            _ => return Err(out_of_turn(b'Z')),
        }
        self.cycles_done = self.cycles_done.saturating_add(1);
        self.awaits_name = false;
        if self.freshness.cycle_ended(status) {
            self.session.database().note_definition();
        }
        self.status = status;
        self.guarded &= status != TransactionStatus::Idle;
        self.session.set_in_transaction(status != TransactionStatus::Idle);
        if self.queue.is_empty() {
            self.unsynced.all_answered();
        }
        if status == TransactionStatus::Idle {
            self.names.transaction_ended(self.cycles_done);
        }
        Ok(())
    }

    pub(super) fn tally(&mut self, ending: &Ending) {
        let rows = ending.rows.unwrap_or_default();
        match ending.command.as_deref() {
            Some("SELECT" | "FETCH") => self.session.count_rows(rows, 0),
            Some("COPY") if self.copies_in() => self.session.count_rows(0, rows),
            Some("COPY") => self.session.count_rows(rows, 0),
            Some("INSERT" | "UPDATE" | "DELETE" | "MERGE") => self.session.count_rows(0, rows),
            _ => {}
        }
    }
}

/// Whether a row of a result (`D`) or data of a COPY (`d`) may come now.
pub(super) fn may_come(tag: u8, queue: &Queue, copy: &Copy) -> bool {
    if tag == b'D' { queue.take_row().is_some() && !copy.sends_rows() } else { copy.sends_rows() }
}

fn finish(running: Option<Running>, outcome: Outcome, ending: Ending) {
    if let Some(running) = running {
        running.finish(outcome, ending);
    }
}

pub(super) fn out_of_turn(tag: u8) -> End {
    let known = !matches!(BackendTag::from_byte(tag), BackendTag::Unknown(_));
    let what = if known { "came out of turn" } else { "is not known" };
    End::UpstreamProtocol(format!("message `{}` {what}", tag.escape_ascii()))
}
