//! What the client asks: judged, and only then sent.

use std::sync::Arc;

use jurat_core::{Draft, JudgedStatement, Permit, Session};
use jurat_types::{Effect, Refusal, RefusalCode};
use jurat_wire::mysql::{
    capability::Status,
    command::{Command, CommandCode},
    encode::server as encode,
    response::OkPacket,
    result::ReplyKind,
};

use super::{End, Relay, reply::Answer};
use crate::{cancel, names::Statements, respond, upstream::Harmless};

const SEVERAL: (&str, &str) = (
    "the text holds several statements, which the client has not asked to be allowed",
    "Send them one by one, or connect with multiple statements allowed",
);

/// What the server would read as text of latin1, Jurat would take for bytes.
const LATIN1: (&str, &str) = (
    "the text is not valid UTF-8",
    "Connect with the character set utf8mb4, or send such values as parameters",
);

impl Relay {
    pub(super) async fn handle(&mut self, payload: &[u8]) -> Result<(), End> {
        match Command::parse(payload, self.capabilities)? {
            Command::Query { text } => self.on_query(text).await,
            Command::InitDb { schema } => self.on_init_db(schema).await,
            Command::StmtPrepare { text } => self.on_prepare(text).await,
            Command::StmtExecute(execute) => self.on_execute(&execute, payload).await,
            Command::StmtFetch { statement, .. } => self.on_fetch(statement, payload).await,
            Command::StmtReset { statement } => self.on_statement_reset(statement, payload).await,
            Command::StmtClose { statement } => {
                self.on_close(statement);
                Ok(())
            }
            Command::StmtSendLongData { statement, parameter, data } => {
                self.on_long_data(statement, parameter, data.len(), payload);
                Ok(())
            }
            Command::Ping => self.pass_on(payload, ReplyKind::Simple).await,
            Command::ResetConnection => self.on_reset().await,
            Command::SetOption { multi_statements } => {
                // Each statement is sent on its own, so the server need not know.
                self.multi_statements = multi_statements;
                self.end_of_rows();
                Ok(())
            }
            Command::ProcessKill { connection } => {
                self.on_kill(cancel::Kill { connection: u64::from(connection), query_only: false })
                    .await
            }
            Command::Quit => Err(End::Terminated),
            // Another session of another user, perhaps: it begins where every session begins.
            Command::ChangeUser(_) => Err(End::Anew(payload.to_vec())),
            Command::FieldList { .. } => {
                self.unknown(CommandCode::FieldList);
                Ok(())
            }
            Command::Statistics => {
                self.unknown(CommandCode::Statistics);
                Ok(())
            }
            Command::Other(code) => {
                self.unknown(code);
                Ok(())
            }
        }
    }

    /// Whether a text is one of a character set that is not read.
    pub(super) fn is_latin1(&self, text: &[u8]) -> bool {
        self.latin1 && std::str::from_utf8(text).is_err()
    }

    pub(super) fn refuse_latin1(&mut self, first: &Arc<JudgedStatement>) {
        let refusal = self.session.refuse(first, RefusalCode::Unreadable, LATIN1);
        self.refuse(&refusal);
    }

    fn unknown(&mut self, code: CommandCode) {
        let why = format!("jurat does not carry {} [JRT-UNSUPPORTED]", code.name());
        self.say(respond::UNKNOWN_COMMAND, &why);
    }

    /// Answers with an error that rests on no decision.
    pub(super) fn say(&mut self, number: respond::Number, words: &str) {
        respond::words(self.client.out(), &mut self.sequence, number, words);
    }

    /// Answers with success.
    pub(super) fn ok(&mut self) {
        self.ok_before(false);
    }

    /// Answers with success; `more` says that further results of the message come behind it.
    pub(super) fn ok_before(&mut self, more: bool) {
        let status = if more { self.status.with(Status::MORE_RESULTS) } else { self.status };
        let ok = OkPacket { status, ..OkPacket::default() };
        let (out, capabilities) = (self.client.out(), self.capabilities);
        respond::write(encode::ok(out, &mut self.sequence, &ok, capabilities));
    }

    fn end_of_rows(&mut self) {
        let end = OkPacket { status: self.status, ..OkPacket::default() };
        let (out, capabilities) = (self.client.out(), self.capabilities);
        respond::write(encode::rows_end(out, &mut self.sequence, &end, capabilities));
    }

    /// Forwards a command that holds no text and runs no statement, and its answer.
    pub(super) async fn pass_on(&mut self, payload: &[u8], kind: ReplyKind) -> Result<(), End> {
        let Some(command) = Harmless::new(payload) else { return Ok(()) };
        self.upstream.forward(&command);
        self.follow(kind, None, false).await.map(drop)
    }

    async fn on_query(&mut self, text: &[u8]) -> Result<(), End> {
        if let Some(kill) = cancel::parse(text) {
            return self.on_kill(kill).await;
        }
        if let Some(words) = jurat_core::read_own_words(text) {
            return self.on_own_words(&words, false).await;
        }
        let statements = self.read_fresh(text).await?;
        match &*statements {
            [] => self.say(respond::EMPTY_QUERY, "Query was empty"),
            [first, ..] if self.is_latin1(text) => self.refuse_latin1(&Arc::clone(first)),
            [first, _, ..] if !self.multi_statements => {
                let refusal = self.session.refuse(first, RefusalCode::Unreadable, SEVERAL);
                self.refuse(&refusal);
            }
            all if all.len() > 1 && jurat_core::depends_on_earlier(all) => {
                return self.on_script(text, all.len()).await;
            }
            all => match self.judge_message(all).await {
                Ok(permits) => return self.run_all(permits).await.map(drop),
                Err(refusal) => self.refuse(&refusal),
            },
        }
        Ok(())
    }

    /// A text in which one statement changes what the names of a later one mean, such as `CREATE TABLE t …;
    /// INSERT INTO t …`. The server runs such a text one by one, too, and each statement stands for itself, so it is
    /// read again before each. A denial that can be foreseen refuses the text before anything of it has run.
    async fn on_script(&mut self, text: &[u8], count: usize) -> Result<(), End> {
        let statements = self.session.read(text);
        for judged in statements.iter() {
            // What is denied as names are now, and not for a name that the text itself may make.
            let foreseen = judged.unresolved().is_empty() && judged.looks_up().is_none();
            // Consent is looked for when it is this statement's turn.
            let denied = |session: &mut Session| {
                let explained = session.explain(judged);
                let asks = explained.decision.effect == Effect::RequireApproval;
                explained.outcome.is_err() && !asks
            };
            if foreseen && denied(&mut self.session) {
                match self.judge_message(std::slice::from_ref(judged)).await {
                    Err(refusal) => self.refuse(&refusal),
                    // Policy has changed in between: nothing has run, and the client may try again.
                    Ok(permits) => {
                        drop(permits);
                        self.say((1105, "HY000"), "jurat: the policies changed; send it again");
                    }
                }
                return Ok(());
            }
        }
        for index in 0..count {
            let statements = self.read_fresh(text).await?;
            let Some(judged) = statements.get(index).filter(|_| statements.len() == count) else {
                self.say(
                    (1105, "HY000"),
                    "jurat: the text came to mean something else; send it again",
                );
                return Ok(());
            };
            match self.judge_message(std::slice::from_ref(judged)).await {
                Ok(permits) => {
                    if self.run_some(permits, index.saturating_add(1) < count).await?
                        == Answer::Failed
                    {
                        return Ok(());
                    }
                }
                Err(refusal) => {
                    self.refuse(&refusal);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    pub(super) async fn judge_message(
        &mut self,
        statements: &[Arc<JudgedStatement>],
    ) -> Result<Vec<Permit>, Refusal> {
        let names = &self.statements;
        match self.session.judge_message(statements, |effect| names.bound(effect)) {
            Ok(drafts) => self.settle(drafts).await,
            Err(refusal) => {
                let judge = |session: &mut Session, names: &Statements| {
                    session.judge_message(statements, |effect| names.bound(effect))
                };
                self.refused(refusal, judge).await
            }
        }
    }

    pub(super) async fn settle(&mut self, drafts: Vec<Draft>) -> Result<Vec<Permit>, Refusal> {
        let gate = Arc::clone(self.session.gate());
        gate.settle(drafts).await
    }

    /// Sends the statements of one message, each once the one before was answered.
    async fn run_all(&mut self, permits: Vec<Permit>) -> Result<Answer, End> {
        self.run_some(permits, false).await
    }

    /// The same; `more` says that further statements of the message come behind them.
    async fn run_some(&mut self, permits: Vec<Permit>, more: bool) -> Result<Answer, End> {
        let mut permits = permits.into_iter().peekable();
        while let Some(permit) = permits.next() {
            let more = more || permits.peek().is_some();
            if self.answers_itself(&permit, false, more) {
                continue;
            }
            if permit.kind() == "kill" {
                // It was judged and does not run on the server, which is what its record then says.
                let text = permit.text();
                drop(permit);
                if !self.kill_among(&text, more).await? {
                    return Ok(Answer::Failed);
                }
                continue;
            }
            self.hold.forget_told();
            self.begin_guard(&permit).await?;
            let (text, run) = self.upstream.query(permit);
            self.begun().await?;
            let judged = Arc::clone(run.judged());
            let effect = judged.statement().effect();
            let defines = self.note_effect(&judged);
            if self.follow(ReplyKind::Statement { cursor: false }, Some(run), more).await?
                == Answer::Failed
            {
                // What is left of the message does not run: its permits record that.
                return Ok(Answer::Failed);
            }
            let made = || self.session.declared(&judged, text);
            self.statements.apply(effect, made);
            if defines {
                self.session.database().note_definition();
            }
        }
        Ok(Answer::Done)
    }

    /// The command is a statement in another form, and judged as one.
    async fn on_init_db(&mut self, schema: &[u8]) -> Result<(), End> {
        let Ok(schema) = std::str::from_utf8(schema) else {
            self.say(respond::UNKNOWN_DATABASE, "Unknown database");
            return Ok(());
        };
        let text = format!("USE `{}`", schema.replace('`', "``"));
        let statements = self.read_fresh(text.as_bytes()).await?;
        match self.judge_message(&statements).await {
            Ok(permits) => self.run_all(permits).await.map(drop),
            Err(refusal) => {
                self.refuse(&refusal);
                Ok(())
            }
        }
    }

    /// The session begins anew: what it had prepared is gone, and its settings are those that texts are read by.
    async fn on_reset(&mut self) -> Result<(), End> {
        self.upstream.reset().await?;
        self.statements.forget_all();
        self.guarded = false;
        self.forget_temporary();
        self.freshness.note_all();
        self.note_status(Status::AUTOCOMMIT)?;
        self.status_stale = true;
        self.ok();
        Ok(())
    }
}
