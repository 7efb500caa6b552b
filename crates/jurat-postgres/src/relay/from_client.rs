//! What the client sends: judged, and only then forwarded.

use std::{collections::VecDeque, sync::Arc};

use jurat_core::{
    InForce, JudgedStatement, Permit, Prepared, Running, Session, SessionEffect, refusal,
};
use jurat_types::{Refusal, RefusalCode, StatementFacts};
use jurat_wire::postgres::{
    backend::TransactionStatus,
    encode::backend as encode,
    frame::{Frame, Piece},
    frontend::{Bind, Frontend, parse_frontend},
    value::Target,
};

use super::{End, OUTBOX_BYTES_MAX, Relay, guard::may_commit, hold::bound};
use crate::{
    inbox::Inbox,
    names::{Named, Names},
    queue::{Execution, Expect},
    report::Text,
    respond,
    upstream::{CallMessage, CopyPiece, Harmless, PILL_PREFIX, PINNED},
};

const TOO_MANY: (&str, &str) =
    ("the session keeps too many names", "Deallocate or close some, or keep shorter texts");

impl Relay {
    /// Handles every complete message of the client that may be handled now.
    pub(super) async fn take_from_client(&mut self) -> Result<(), End> {
        while !self.client.inbox.is_empty() {
            // Taken out, so that messages can be handled where they lie.
            let mut inbox = std::mem::take(&mut self.client.inbox);
            let taken = self.take_messages(&mut inbox).await;
            let ahead = std::mem::replace(&mut self.client.inbox, inbox);
            taken?;
            if ahead.is_empty() {
                break;
            }
            // It came while a statement waited for consent.
            self.client.inbox.append(&ahead);
        }
        if self.script.is_some() {
            self.continue_script().await?;
            return self.hold.take_end().map_or(Ok(()), Err);
        }
        Ok(())
    }

    async fn take_messages(&mut self, inbox: &mut Inbox) -> Result<(), End> {
        while self.upstream.pending() < OUTBOX_BYTES_MAX && !self.client_must_wait() {
            let Some(piece) = self.client_scanner.next(inbox)? else { return Ok(()) };
            match piece {
                Piece::Frame(frame) if frame.tag != b'd' => {
                    if self.own_must_wait(&frame)? {
                        return Ok(());
                    }
                    let done = self.cycles_done;
                    let looks_up = !self.skipping && !self.copy.takes_rows();
                    if looks_up && self.names.any_unsettled(done) {
                        let next = parse_frontend(frame.tag, frame.body)?;
                        if uses_unsettled_name(&next, &self.names, done) {
                            self.awaits_name = true;
                            return Ok(());
                        }
                    }
                    if self.guard.is_engaged() && !self.copy.takes_rows() {
                        let next = parse_frontend(frame.tag, frame.body)?;
                        let may_commit = !self.skipping && may_commit(&next, &self.names);
                        if may_commit && self.guard.waits() {
                            self.upstream.flush();
                            return Ok(());
                        }
                    }
                    self.handle(&frame).await?;
                    if let Some(end) = self.hold.take_end() {
                        return Err(end);
                    }
                }
                data @ (Piece::Frame(_) | Piece::StreamStart { .. } | Piece::StreamPart { .. }) => {
                    if self.copy.takes(&data)
                        && let Some(piece) = CopyPiece::new(&data)
                    {
                        self.upstream.copy(&piece);
                    }
                }
            }
            let length = piece.bytes().len();
            inbox.consume(length);
        }
        Ok(())
    }

    /// Whether the next message has to wait for replies first.
    pub(super) fn client_must_wait(&self) -> bool {
        let too_much_to_tell = self.client.pending() >= OUTBOX_BYTES_MAX;
        if self.copy.takes_rows() {
            return too_much_to_tell;
        }
        let full = self.queue.len() >= self.session.gate().limits.pipeline_max;
        full || too_much_to_tell
            || self.awaits_name
            || (self.own.is_waiting() && !self.queue.is_empty())
            || self.script.is_some()
            || self.guard.holds_client()
            || self.copy.is_awaited()
            || self.names_must_wait()
    }

    async fn handle(&mut self, frame: &Frame<'_>) -> Result<(), End> {
        let message = parse_frontend(frame.tag, frame.body)?;
        if self.copy.takes_rows() {
            return self.on_copy_message(&message, frame);
        }
        if self.skipping && !matches!(message, Frontend::Sync | Frontend::Terminate) {
            return Ok(());
        }
        if !(self.own.concerns(&message) && Box::pin(self.takes_own(&message)).await) {
            self.on_message(message, frame).await?;
        }
        match frame.tag {
            b'P' | b'B' | b'D' | b'E' | b'C' => self.cycle_open = true,
            b'S' | b'Q' | b'F' => {
                self.cycle_open = false;
                self.hold.cycle_ended();
            }
            _ => {}
        }
        Ok(())
    }

    async fn on_message(&mut self, message: Frontend<'_>, frame: &Frame<'_>) -> Result<(), End> {
        if matches!(message, Frontend::Bind(_) | Frontend::Close { .. } | Frontend::Describe { .. })
        {
            self.refresh_before_pipeline().await?;
        }
        match message {
            Frontend::Query { text } => self.on_query(text).await?,
            Frontend::Parse { name, text, parameter_types } => {
                let types: Vec<u32> = parameter_types.iter().collect();
                self.on_parse(name, text, types).await?;
            }
            Frontend::Bind(bind) => self.on_bind(&bind, frame),
            Frontend::Execute { portal, max_rows } => self.on_execute(portal, max_rows).await,
            Frontend::Describe { target, name } => {
                let masked_by = |named: Option<&Named>| named?.as_ref()?.masked_by();
                self.queue.push(match target {
                    Target::Statement => {
                        Expect::DescribeStatement(masked_by(self.names.statement(name)))
                    }
                    Target::Portal => Expect::DescribePortal(masked_by(self.names.portal(name))),
                });
                self.forward(frame);
            }
            Frontend::Close { target, name } => {
                let undo = match target {
                    Target::Statement => self.names.close_statement(name),
                    Target::Portal => self.names.close_portal(name),
                };
                self.queue.push(Expect::Close(undo));
                self.forward(frame);
            }
            Frontend::Flush => self.forward(frame),
            Frontend::Sync => self.on_sync(),
            Frontend::FunctionCall(_) => self.on_function_call(frame).await,
            // The server ignores these outside of a COPY: a client may have sent them before it knew
            // that its COPY was refused or had failed.
            Frontend::CopyData(_) | Frontend::CopyDone | Frontend::CopyFail { .. } => {}
            Frontend::Password(_) => {
                return Err(End::ClientProtocol("a password out of turn".to_owned()));
            }
            Frontend::Terminate => return Err(End::Terminated),
        }
        Ok(())
    }

    async fn on_query(&mut self, text: &[u8]) -> Result<(), End> {
        if let Some(words) = jurat_core::read_own_words(text) {
            return self.on_own_words(&words).await;
        }
        let statements = self.read_fresh(text).await?;
        if statements.is_empty() {
            if self.queue.is_empty() {
                encode::empty_query_response(self.client.out());
                encode::ready_for_query(self.client.out(), self.status);
            } else {
                self.names.forget_unnamed();
                self.send_query(Vec::new(), text);
            }
            return Ok(());
        }
        if self.keep_for_later(text, &statements) {
            return Ok(());
        }
        match self.judge_message(&statements).await {
            Ok(permits) => self.send_judged(permits, text),
            Err(refusal) => self.refuse_query(&refusal),
        }
        Ok(())
    }

    pub(super) async fn judge_message(
        &mut self,
        statements: &[Arc<JudgedStatement>],
    ) -> Result<Vec<Permit>, Refusal> {
        for judged in statements {
            self.refuse_excess(judged)?;
        }
        let judge = |session: &mut Session, names: &Names| {
            session.judge_message(statements, |effect| names.bound(effect))
        };
        match judge(&mut self.session, &self.names) {
            Err(refusal) => self.refused(refusal, judge).await,
            Ok(drafts) => self.settle(drafts).await,
        }
    }

    pub(super) fn send_query(&mut self, permits: Vec<Permit>, client_text: &[u8]) {
        let (sent, launched) = self.upstream.query(permits);
        let text = Text::new(client_text, sent);
        let mut executions = VecDeque::with_capacity(launched.len());
        for (statement, run) in launched {
            // The commands around it run nothing that is anybody's.
            let around = run.judged().statement().is_in_function();
            let beside = || Execution::of_nothing(text.clone());
            executions.extend(around.then(beside));
            executions.push_back(self.started(run, statement, text.clone()));
            executions.extend(around.then(beside));
        }
        self.queue.push(Expect::Query(executions));
        self.names.next_cycle();
    }

    /// Notes what a statement that was just sent does to the session.
    fn started(&mut self, run: Running, statement: Arc<str>, text: Text) -> Execution {
        let made = || self.session.declared(run.judged(), statement);
        let undo = self.names.apply(run.effect(), made);
        self.freshness.note(run.effect());
        self.own.note(run.effect());
        let awaits_copy = self.copy.started(&run);
        self.guard.started(&run);
        Execution { running: Some(run), undo, text, awaits_copy }
    }

    /// While nothing is under way and no transaction is open, a refusal is answered here and the
    /// database learns nothing of it. Otherwise the database is made to fail at this point.
    pub(super) fn refuse_query(&mut self, refusal: &Refusal) {
        self.hold.note_refusal(refusal);
        if self.queue.is_empty() && self.status == TransactionStatus::Idle {
            self.names.forget_unnamed();
            respond::error_and_ready(self.client.out(), refusal, self.status);
        } else {
            self.push_pill(refusal);
            self.push_sync();
        }
    }

    /// Refuses one message of the extended protocol; what follows is ignored until Sync.
    pub(super) fn refuse_extended(&mut self, refusal: &Refusal) {
        self.hold.note_refusal(refusal);
        self.push_pill(refusal);
        self.skipping = true;
    }

    fn push_pill(&mut self, refusal: &Refusal) {
        let mut reply = Vec::new();
        respond::error(&mut reply, refusal);
        let id = refusal.decision_id.as_deref().unwrap_or_else(|| self.session.id());
        self.upstream.pill(id);
        self.queue.push(Expect::Pill(reply));
    }

    pub(super) fn push_sync(&mut self) {
        self.upstream.sync();
        self.queue.push(Expect::Sync);
        self.names.next_cycle();
    }

    fn forward(&mut self, frame: &Frame<'_>) {
        if let Some(message) = Harmless::new(frame) {
            self.upstream.forward(&message);
        }
    }

    async fn on_parse(&mut self, name: &[u8], text: &[u8], types: Vec<u32>) -> Result<(), End> {
        if self.too_many_statements(text.len()) {
            self.refuse_extended(&limit("prepared statements"));
            return Ok(());
        }
        let statements = self.read_fresh(text).await?;
        let judged = match &*statements {
            [] => {
                self.upstream.prepare_empty(name, types);
                let undo = self.names.put_statement(name, None);
                self.queue.push(Expect::Parse { undo, text: Text::Own });
                return Ok(());
            }
            [judged] if !judged.statement().is_in_function() => judged,
            [first, ..] => {
                let why = (
                    "several statements cannot be prepared as one",
                    "Prepare them one by one, or send them as a simple query",
                );
                let mut refusal = self.session.refuse(first, RefusalCode::Unreadable, why);
                // The database refuses the same, in these words.
                "cannot insert multiple commands into a prepared statement"
                    .clone_into(&mut refusal.message);
                self.refuse_extended(&refusal);
                return Ok(());
            }
        };
        let prepared = match self.refuse_excess(judged) {
            Ok(()) => self.session.prepare(text, judged),
            Err(refusal) => Err(refusal),
        };
        match prepared {
            Ok((prepared, preparation)) => {
                let prepared =
                    if prepared.keeps_values() { prepared.with_types(&types) } else { prepared };
                self.upstream.prepare(name, &preparation, types);
                let undo = self.names.put_statement(name, Some(prepared));
                let text = Text::new(text, Arc::clone(preparation.text()));
                self.queue.push(Expect::Parse { undo, text });
            }
            Err(refusal) => self.refuse_extended(&refusal),
        }
        Ok(())
    }

    fn on_bind(&mut self, bind: &Bind<'_>, frame: &Frame<'_>) {
        if bind.portal.starts_with(PILL_PREFIX.as_bytes()) {
            self.refuse_extended(&own_prefix());
        } else if self.names.portals_len() >= self.session.gate().limits.portals_max {
            self.refuse_extended(&limit("portals"));
        } else if let Some(named) = self.names.statement(bind.statement).cloned() {
            let keeps = named.as_ref().is_some_and(Prepared::keeps_values);
            let named = if keeps { named.map(|n| n.with_values(bound(bind))) } else { named };
            let undo = self.names.put_portal(bind.portal, named, false);
            self.queue.push(Expect::Bind(undo));
            self.forward(frame);
        } else {
            self.refuse_extended(&unknown_statement(bind.statement));
        }
    }

    async fn on_execute(&mut self, portal: &[u8], max_rows: i32) {
        match self.names.portal(portal).cloned() {
            None => self.refuse_extended(&unknown_portal(portal)),
            Some(None) => {
                let running = self.upstream.execute(portal, max_rows, None);
                let execution = Execution { running, ..Execution::of_nothing(Text::Own) };
                self.queue.push(Expect::Execute(Box::new(execution)));
            }
            Some(Some(prepared)) => match self.judge_execute(&prepared).await {
                Ok(permit) => {
                    self.ask_origins(portal, &permit, prepared.looks_up().is_none());
                    if permit.limits().is_some_and(InForce::needs_statistics) {
                        self.count_before();
                    }
                    self.send_execute(portal, max_rows, permit);
                }
                Err(refusal) => self.refuse_extended(&refusal),
            },
        }
    }

    async fn judge_execute(&mut self, prepared: &Prepared) -> Result<Permit, Refusal> {
        let bound = prepared.looks_up().and_then(|effect| self.names.bound(effect));
        let judge = |session: &mut Session, _: &Names| {
            session.judge_prepared(prepared, bound.as_ref()).map(|draft| vec![draft])
        };
        let mut permits = match judge(&mut self.session, &self.names) {
            Err(refusal) => self.refused(refusal, judge).await?,
            Ok(drafts) => self.settle(drafts).await?,
        };
        permits.pop().ok_or_else(|| limit("permits"))
    }

    fn send_execute(&mut self, portal: &[u8], max_rows: i32, permit: Permit) {
        let text = permit.text();
        let Some(run) = self.upstream.execute(portal, max_rows, Some(permit)) else { return };
        // The text went out with Parse, and is not looked up again.
        let execution = self.started(run, text, Text::NotKept);
        let counted = run_counts(&execution);
        if execution.awaits_copy || counted {
            // The client waits for the answer, and may not have asked for it to be sent.
            self.upstream.flush();
        }
        self.queue.push(Expect::Execute(Box::new(execution)));
    }

    /// As a simple query, a call is a message cycle of its own.
    async fn on_function_call(&mut self, frame: &Frame<'_>) {
        let Some(call) = CallMessage::new(frame) else { return };
        match self.judge_function_call(&call).await {
            Ok(permit) => {
                let text = permit.text();
                let run = self.upstream.function_call(permit, &call);
                let execution = self.started(run, text, Text::NotKept);
                self.queue.push(Expect::FunctionCall(Some(Box::new(execution))));
                self.names.next_cycle();
            }
            Err(refusal) => self.refuse_query(&refusal),
        }
    }

    async fn judge_function_call(&mut self, call: &CallMessage<'_>) -> Result<Permit, Refusal> {
        let draft = self.session.judge_function_call(call.oid, call.arguments)?;
        let mut permits = self.settle(vec![draft]).await?;
        permits.pop().ok_or_else(|| limit("permits"))
    }

    /// Whether one more prepared statement of this length would be too many.
    fn too_many_statements(&self, bytes: usize) -> bool {
        let limits = &self.session.gate().limits;
        // A short text cannot exceed much, and adding all up for each would cost time.
        let long = bytes > limits.reading_cached_bytes_max;
        self.names.statements_len() >= limits.prepared_max
            || (long
                && self.names.statement_bytes().saturating_add(bytes) > limits.prepared_bytes_max)
    }

    /// Refuses what no policy can allow: another value for a pinned setting, and what would make the session
    /// keep too much.
    fn refuse_excess(&mut self, judged: &Arc<JudgedStatement>) -> Result<(), Refusal> {
        let facts = judged.statement().facts();
        // The database would report the new value, and the session would have to end.
        if facts.kind == "set" && facts.settings.iter().any(|name| changes_pinned(name, facts)) {
            return Err(self.session.refuse(judged, RefusalCode::NotSupported, PINNED_SETTING));
        }
        let bytes = facts.text.len();
        match judged.statement().effect() {
            SessionEffect::Prepare { .. } if self.too_many_statements(bytes) => {
                Err(self.session.refuse(judged, RefusalCode::LimitExceeded, TOO_MANY))
            }
            SessionEffect::DeclareCursor { .. }
                if self.names.portals_len() >= self.session.gate().limits.portals_max =>
            {
                Err(self.session.refuse(judged, RefusalCode::LimitExceeded, TOO_MANY))
            }
            SessionEffect::None
            | SessionEffect::SearchPathChanged
            | SessionEffect::CatalogChanged
            | SessionEffect::Prepare { .. }
            | SessionEffect::Execute { .. }
            | SessionEffect::Deallocate { .. }
            | SessionEffect::DeclareCursor { .. }
            | SessionEffect::Fetch { .. }
            | SessionEffect::CloseCursor { .. }
            | SessionEffect::DiscardAll
            | SessionEffect::Transaction
            | SessionEffect::ClientFile { .. }
            | SessionEffect::CopyIn
            | SessionEffect::CopyOut => Ok(()),
        }
    }
}

/// Whether the statement is answered before the client's next message is taken.
fn run_counts(execution: &Execution) -> bool {
    let limits = execution.running.as_ref().and_then(Running::limits);
    limits.is_some_and(InForce::needs_statistics)
}

const PINNED_SETTING: (&str, &str) = (
    "client_encoding is always UTF8 and standard_conforming_strings always on, because they decide what a text says",
    "Leave it as it is",
);

fn changes_pinned(name: &str, facts: &StatementFacts) -> bool {
    PINNED.iter().any(|(pinned, _)| *pinned == name)
        && !facts.settings_kept.iter().any(|kept| kept == name)
}

/// Whether a message may name something that an earlier, unanswered cycle has made, where there is such
/// a name at all. What it will stand for is known only with the answer.
fn uses_unsettled_name(message: &Frontend<'_>, names: &Names, done: u64) -> bool {
    match message {
        Frontend::Bind(bind) => names.statement_unsettled(bind.statement, done),
        Frontend::Execute { portal, .. } => {
            let looks_up =
                names.portal(portal).and_then(Option::as_ref).and_then(Prepared::looks_up);
            names.portal_unsettled(portal, done) || looks_up.is_some()
        }
        // An EXECUTE or FETCH may be in it.
        Frontend::Query { .. } => true,
        Frontend::Close { .. }
        | Frontend::CopyData(_)
        | Frontend::CopyDone
        | Frontend::CopyFail { .. }
        | Frontend::Describe { .. }
        | Frontend::Flush
        | Frontend::FunctionCall(_)
        | Frontend::Parse { .. }
        | Frontend::Password(_)
        | Frontend::Sync
        | Frontend::Terminate => false,
    }
}

pub(super) fn limit(what: &str) -> Refusal {
    refusal(
        RefusalCode::LimitExceeded,
        format!(
            "jurat refused the request: the session has too many {what} [JRT-LIMIT]. Close some"
        ),
        None,
    )
}

/// In the database's own words, which drivers look for.
fn unknown_statement(name: &[u8]) -> Refusal {
    let why = if name.is_empty() {
        "unnamed prepared statement does not exist".to_owned()
    } else {
        format!("prepared statement \"{}\" does not exist", String::from_utf8_lossy(name))
    };
    refusal(RefusalCode::UnknownName, why, None)
}

/// As [`unknown_statement`].
fn unknown_portal(name: &[u8]) -> Refusal {
    let name = String::from_utf8_lossy(name);
    refusal(RefusalCode::UnknownCursor, format!("portal \"{name}\" does not exist"), None)
}

fn own_prefix() -> Refusal {
    refusal(
        RefusalCode::NotSupported,
        "jurat refused the request: portal names may not begin like those of jurat [JRT-UNSUPPORTED]",
        None,
    )
}
