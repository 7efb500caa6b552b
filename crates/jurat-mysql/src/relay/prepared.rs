//! Prepared statements by their numbers, which are the server's own.

use std::sync::Arc;

use jurat_core::{Permit, Prepared, Session, SessionEffect};
use jurat_types::{Refusal, RefusalCode};
use jurat_wire::mysql::{
    command::execute::{CursorType, Execute},
    result::ReplyKind,
};

use super::{End, Relay, reply::Answer};
use crate::{
    names::{Cursor, Numbered, Statements},
    respond,
    upstream::{Execution, Harmless},
};

const SEVERAL: (&str, &str) = (
    "several statements cannot be prepared as one",
    "Prepare them one by one, or send them as a query",
);

impl Relay {
    pub(super) async fn on_prepare(&mut self, text: &[u8]) -> Result<(), End> {
        // A driver that pipelines must not run an older statement in place of one that was refused.
        self.statements.forget_last();
        let limits = &self.session.gate().limits;
        if self.statements.len() >= limits.prepared_max
            || self.statements.text_bytes().saturating_add(text.len()) > limits.prepared_bytes_max
        {
            let why = "jurat refused the statement: the session keeps too many prepared statements \
                       [JRT-LIMIT]. Close some";
            self.say((1461, "42000"), why);
            return Ok(());
        }
        if let Some(words) = jurat_core::read_own_words(text) {
            self.prepare_own(words);
            return Ok(());
        }
        let statements = self.read_fresh(text).await?;
        let judged = match &*statements {
            [] => {
                self.say(respond::EMPTY_QUERY, "Query was empty");
                return Ok(());
            }
            [first, ..] if self.is_latin1(text) => {
                self.refuse_latin1(first);
                return Ok(());
            }
            // Its number is one of Jurat's, which the server knows nothing of.
            [judged] if judged.statement().facts().kind == "kill" => {
                self.say(
                    respond::NOT_PREPARED,
                    "jurat does not carry KILL as a prepared statement [JRT-UNSUPPORTED]",
                );
                return Ok(());
            }
            // The servers do not prepare it either.
            [judged] if matches!(judged.statement().effect(), SessionEffect::ClientFile { .. }) => {
                self.say(
                    respond::NOT_PREPARED,
                    "jurat does not carry LOAD DATA LOCAL as a prepared statement [JRT-UNSUPPORTED]",
                );
                return Ok(());
            }
            [judged] => judged,
            [first, ..] => {
                let refusal = self.session.refuse(first, RefusalCode::Unreadable, SEVERAL);
                self.refuse(&refusal);
                return Ok(());
            }
        };
        match self.session.prepare(text, judged) {
            Ok((prepared, preparation)) => {
                self.upstream.prepare(&preparation);
                self.follow_prepare(prepared).await
            }
            Err(refusal) => {
                self.refuse(&refusal);
                Ok(())
            }
        }
    }

    pub(super) async fn on_execute(
        &mut self,
        execute: &Execute<'_>,
        payload: &[u8],
    ) -> Result<(), End> {
        if let Some(words) = self.statements.own(execute.statement).cloned() {
            return self.on_own_words(&words, true).await;
        }
        let Some(number) = self.known(execute.statement, "mysqld_stmt_execute") else {
            return Ok(());
        };
        // What it means depends on names that are up to date.
        self.refresh_names().await?;
        let Some(statement) = self.statements.get_mut(number) else { return Ok(()) };
        let long = &statement.long;
        let is_long = |at: usize| u16::try_from(at).is_ok_and(|at| long.contains(&at));
        let mut values = None;
        let bound = execute.bind(statement.parameters, statement.types.as_deref(), is_long);
        let refused = statement.long_refused;
        match bound {
            Ok(bound) if !refused => {
                if let Some(types) = bound.new_types {
                    statement.types = Some(types);
                }
                if statement.prepared.keeps_values() {
                    let types = statement.types.as_deref().unwrap_or_default();
                    values = super::hold::bound(&bound.values, types);
                }
            }
            Ok(_) | Err(_) => {
                statement.forget_long();
                self.upstream.reset_statement(number).await?;
                self.say(respond::WRONG_ARGUMENTS, "Incorrect arguments to mysqld_stmt_execute");
                return Ok(());
            }
        }
        // An execution closes the cursor of the one before, and uses up the pieces.
        statement.forget_long();
        let prepared = statement.prepared.clone();
        let prepared = match values {
            Some(values) => prepared.with_values(values),
            None => prepared,
        };
        if let Some(cursor) = statement.cursor.take() {
            cursor.finish();
        }
        match self.judge_execute(&prepared).await {
            Ok(permit) => self.run_prepared(permit, number, execute, payload).await,
            Err(refusal) => {
                self.refuse(&refusal);
                Ok(())
            }
        }
    }

    async fn run_prepared(
        &mut self,
        permit: Permit,
        number: u32,
        execute: &Execute<'_>,
        payload: &[u8],
    ) -> Result<(), End> {
        if self.answers_itself(&permit, true, false) {
            return Ok(());
        }
        self.hold.forget_told();
        let Some(execution) = Execution::new(payload) else { return Ok(()) };
        let text = permit.text();
        self.begin_guard(&permit).await?;
        let run = self.upstream.execute(permit, &execution);
        self.begun().await?;
        let judged = Arc::clone(run.judged());
        let effect = judged.statement().effect();
        let defines = self.note_effect(&judged);
        let cursor = execute.cursor == CursorType::ReadOnly;
        let answer = self.follow_execute(cursor, run).await?;
        match answer {
            Answer::Done => {
                let made = || self.session.declared(&judged, text);
                self.statements.apply(effect, made);
                if defines {
                    self.session.database().note_definition();
                }
            }
            Answer::Waiting(running) => {
                if let Some(statement) = self.statements.get_mut(number) {
                    statement.cursor = Some(Cursor { running: *running, rows: 0 });
                }
            }
            Answer::Failed => {}
        }
        Ok(())
    }

    async fn judge_execute(&mut self, prepared: &Prepared) -> Result<Permit, Refusal> {
        let bound = prepared.looks_up().and_then(|effect| self.statements.bound(effect));
        let judged = self.session.judge_prepared(prepared, bound.as_ref());
        let mut permits = match judged.map(|draft| vec![draft]) {
            Ok(drafts) => self.settle(drafts).await?,
            Err(refusal) => {
                let judge = |session: &mut Session, _: &Statements| {
                    session.judge_prepared(prepared, bound.as_ref()).map(|draft| vec![draft])
                };
                self.refused(refusal, judge).await?
            }
        };
        permits.pop().ok_or_else(|| {
            jurat_core::refusal(RefusalCode::LimitExceeded, "jurat: no permit [JRT-LIMIT]", None)
        })
    }

    pub(super) async fn on_fetch(&mut self, said: u32, payload: &[u8]) -> Result<(), End> {
        let Some(number) = self.known(said, "mysqld_stmt_fetch") else { return Ok(()) };
        let cursor = self.statements.get_mut(number).and_then(|statement| statement.cursor.take());
        let Some(Cursor { running, rows: before }) = cursor else {
            self.say(respond::NO_CURSOR, &format!("The statement ({number}) has no open cursor."));
            return Ok(());
        };
        let Some(command) = Harmless::new(payload) else { return Ok(()) };
        self.upstream.forward(&command);
        let limited = running.limits().is_some();
        let (running, rows) = self.follow_fetch(running, before).await?;
        if running.is_none() && limited {
            // Where the rest is refused, the server still keeps it.
            self.upstream.reset_statement(number).await?;
        }
        if let Some(running) = running
            && let Some(statement) = self.statements.get_mut(number)
        {
            statement.cursor = Some(Cursor { running, rows });
        }
        Ok(())
    }

    pub(super) async fn on_statement_reset(
        &mut self,
        said: u32,
        payload: &[u8],
    ) -> Result<(), End> {
        if self.statements.own(said).is_some() {
            self.ok();
            return Ok(());
        }
        let Some(number) = self.known(said, "mysqld_stmt_reset") else { return Ok(()) };
        if let Some(statement) = self.statements.get_mut(number) {
            statement.forget_long();
            if let Some(cursor) = statement.cursor.take() {
                cursor.finish();
            }
        }
        self.pass_on(payload, ReplyKind::Simple).await
    }

    /// There is no answer, also where there is nothing to close.
    pub(super) fn on_close(&mut self, said: u32) {
        if self.statements.remove_own(said) {
            return;
        }
        if let Some(number) = self.statements.number(said)
            && let Some(statement) = self.statements.remove(number)
        {
            if let Some(cursor) = statement.cursor {
                cursor.finish();
            }
            self.upstream.close_statement(number);
        }
    }

    /// There is no answer: what is wrong is told when the statement is executed.
    pub(super) fn on_long_data(&mut self, said: u32, parameter: u16, bytes: usize, payload: &[u8]) {
        let max = self.session.gate().limits.message_bytes_max;
        let Some(number) = self.statements.number(said) else { return };
        let Some(statement) = self.statements.get_mut(number) else { return };
        statement.long_bytes = statement.long_bytes.saturating_add(bytes);
        if usize::from(parameter) >= statement.parameters || statement.long_bytes > max {
            statement.long_refused = true;
            return;
        }
        statement.long.insert(parameter);
        if !statement.long_refused
            && let Some(command) = Harmless::new(payload)
        {
            self.upstream.forward(&command);
        }
    }

    /// The number of a statement that is there; otherwise the client is told as the server would.
    fn known(&mut self, said: u32, command: &str) -> Option<u32> {
        let number = self.statements.number(said);
        if number.is_none() {
            let words = format!("Unknown prepared statement handler ({said}) given to {command}");
            self.say(respond::UNKNOWN_STATEMENT, &words);
        }
        number
    }

    /// Keeps a statement that the server has prepared.
    pub(super) fn keep_prepared(&mut self, number: u32, parameters: u16, prepared: Prepared) {
        self.statements.put(number, Numbered::new(prepared, usize::from(parameters)));
    }
}
