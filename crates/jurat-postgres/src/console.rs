//! The SQL admin console: a database `jurat` that is not there, for psql and whatever else speaks the simple
//! protocol.
//!
//! A client logs in as to any database, and policy decides whether it gets in: the session intent has the target
//! `jurat`. What it says is then a thin layer over the admin port, which decides what the person may do and
//! records it. Nothing of it reaches a database.

use std::{collections::BTreeMap, io, sync::Arc};

use jurat_core::{
    Admin, AdminError, ApprovalAnswer, Database, DecideError, Session, card, refusal,
};
use jurat_types::{Engine, Principal, Refusal, RefusalCode, Target};
use jurat_wire::postgres::{
    backend::TransactionStatus,
    encode::backend as encode,
    frame::{FRAME_HEADER, scan},
    frontend::{Frontend, parse_frontend},
    value::Format,
};
use tokio_util::sync::CancellationToken;

use crate::{
    pipe::Pipe,
    respond::{self, write},
};
use words::Words;

mod words;

/// The name of the database that is not there.
pub(crate) const NAME: &str = "jurat";
/// A message, bytes.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// What a person says about something, characters.
const REASON_CHARS_MAX: usize = 500;
/// The way that an action comes, for the record.
const VIA: &str = "sql";

/// What can be said, with what it does.
const HELP: [(&str, &str); 11] = [
    ("SHOW SESSIONS", "your sessions; everybody's for those who look after jurat"),
    ("SHOW APPROVALS", "requests that wait, your own and those that you may answer"),
    ("SHOW APPROVAL 'AP-…'", "the card of one of them"),
    ("APPROVE 'AP-…' ['reason']", "says yes to it"),
    ("DENY 'AP-…' 'reason'", "says no to it"),
    ("SHOW POLICIES", "the packages in force and their revision"),
    ("RELOAD", "reads policies and users again"),
    ("KILL 'session' ['reason']", "ends a session"),
    ("FREEZE database UNTIL '2h' REASON 'why'", "stops writes for that long; UNFREEZE database"),
    ("SHOW FREEZES", "databases whose writes are stopped"),
    ("SHOW STATS", "counters of each database"),
];

/// Why a console ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    /// The client said good-bye.
    #[error("the client ended the session")]
    Terminated,
    /// The client left without saying so.
    #[error("the client left")]
    Gone(#[from] io::Error),
    /// The client sent something that the protocol does not have.
    #[error("the client broke the protocol: {0}")]
    Protocol(String),
    /// Jurat is shutting down.
    #[error("jurat is shutting down")]
    Shutdown,
}

/// The database that policies see as the target of a console.
pub(crate) fn database() -> Arc<Database> {
    Arc::new(Database::new(Target {
        name: NAME.to_owned(),
        engine: Engine::Postgres,
        version: String::new(),
        database: NAME.to_owned(),
        environment: NAME.to_owned(),
        labels: BTreeMap::new(),
        upstream_user: String::new(),
    }))
}

/// A console that somebody has logged in to.
pub(crate) struct Console {
    pub(crate) pipe: Pipe,
    pub(crate) session: Session,
    pub(crate) admin: Arc<Admin>,
    /// Messages are ignored until the next Sync.
    pub(crate) skipping: bool,
}

/// What is answered: names of columns, and rows.
struct Table {
    names: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    tag: &'static str,
}

impl Table {
    fn of(names: &[&'static str], rows: Vec<Vec<String>>) -> Self {
        Self { names: names.to_vec(), rows, tag: "SHOW" }
    }

    /// What was done, in a line.
    fn done(tag: &'static str, line: String) -> Self {
        Self { names: vec!["done"], rows: vec![vec![line]], tag }
    }
}

impl Console {
    /// Serves until one side ends.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) -> End {
        self.greet();
        let end = tokio::select! {
            biased;
            () = shutdown.cancelled() => End::Shutdown,
            end = self.serve() => end,
        };
        if !matches!(end, End::Terminated | End::Gone(_)) {
            let said = format!("jurat closed the session: {end} [JRT-PROTOCOL]");
            let told = refusal(RefusalCode::ProtocolViolation, said, None);
            respond::fatal(self.pipe.out(), &told, "57P01");
        }
        self.session.close(&end.to_string());
        self.pipe.close().await;
        end
    }

    fn greet(&mut self) {
        let who = self.session.principal().id.clone();
        let out = self.pipe.out();
        encode::authentication_ok(out);
        for (name, value) in [
            ("server_version", "18.0 (jurat console)"),
            ("server_encoding", "UTF8"),
            ("client_encoding", "UTF8"),
            ("DateStyle", "ISO, YMD"),
            ("integer_datetimes", "on"),
            ("standard_conforming_strings", "on"),
            ("session_authorization", &who),
        ] {
            write(encode::parameter_status(out, name.as_bytes(), value.as_bytes()));
        }
        encode::ready_for_query(out, TransactionStatus::Idle);
    }

    async fn serve(&mut self) -> End {
        loop {
            match self.message().await {
                Ok(Some((tag, body))) => {
                    if let Err(end) = self.take(tag, &body).await {
                        return end;
                    }
                }
                Ok(None) => return End::Protocol("a message is too long".to_owned()),
                Err(error) => return End::Gone(error),
            }
        }
    }

    async fn message(&mut self) -> io::Result<Option<(u8, Vec<u8>)>> {
        self.pipe.drain().await?;
        loop {
            match scan(&self.pipe.inbox, MESSAGE_BYTES_MAX) {
                Err(_too_long) => return Ok(None),
                Ok(Some(header)) => {
                    if let Some(body) = self.pipe.inbox.get(FRAME_HEADER..header.whole_len()) {
                        let message = (header.tag, body.to_vec());
                        self.pipe.consume(header.whole_len());
                        return Ok(Some(message));
                    }
                }
                Ok(None) => {}
            }
            self.pipe.fill().await?;
        }
    }

    async fn take(&mut self, tag: u8, body: &[u8]) -> Result<(), End> {
        let message =
            parse_frontend(tag, body).map_err(|error| End::Protocol(error.to_string()))?;
        match message {
            Frontend::Terminate => return Err(End::Terminated),
            Frontend::Sync => {
                self.skipping = false;
                encode::ready_for_query(self.pipe.out(), TransactionStatus::Idle);
            }
            Frontend::Query { text } if !self.skipping => {
                let text = String::from_utf8_lossy(text).into_owned();
                self.query(&text).await;
            }
            Frontend::Flush => {}
            Frontend::Bind(_)
            | Frontend::Close { .. }
            | Frontend::CopyData(_)
            | Frontend::CopyDone
            | Frontend::CopyFail { .. }
            | Frontend::Describe { .. }
            | Frontend::Execute { .. }
            | Frontend::FunctionCall(_)
            | Frontend::Parse { .. }
            | Frontend::Password(_)
            | Frontend::Query { .. } => {
                if !std::mem::replace(&mut self.skipping, true) {
                    respond::error(self.pipe.out(), &only_simple());
                }
            }
        }
        Ok(())
    }

    async fn query(&mut self, text: &str) {
        let answer = match words::read(text) {
            Some(Words::Nothing) => {
                encode::empty_query_response(self.pipe.out());
                encode::ready_for_query(self.pipe.out(), TransactionStatus::Idle);
                return;
            }
            Some(words) => {
                let (admin, who) = (Arc::clone(&self.admin), self.session.principal().clone());
                Desk { admin, who }.answer(words).await.map_err(|error| told(&error))
            }
            None => Err(not_understood()),
        };
        let out = self.pipe.out();
        match answer {
            Ok(Table { names, rows, tag }) => {
                write(encode::text_row_description(out, &names, Format::Text));
                for row in rows {
                    // Much of it was written by clients.
                    let row: Vec<String> = row.iter().map(|value| card::plain(value)).collect();
                    let values: Vec<_> = row.iter().map(|value| Some(value.as_bytes())).collect();
                    write(encode::data_row(out, &values));
                }
                write(encode::command_complete(out, tag));
            }
            Err(refusal) => respond::error(out, &refusal),
        }
        encode::ready_for_query(out, TransactionStatus::Idle);
    }
}

/// Who asks, and the port that answers.
struct Desk {
    admin: Arc<Admin>,
    who: Principal,
}

impl Desk {
    async fn answer(&self, words: Words) -> Result<Table, AdminError> {
        let (admin, who) = (&self.admin, &self.who);
        let by = (who, VIA);
        match words {
            Words::Nothing | Words::Help => {
                let rows = HELP.iter().map(|(say, does)| vec![(*say).into(), (*does).into()]);
                Ok(Table::of(&["say", "what it does"], rows.collect()))
            }
            Words::Sessions => Ok(self.sessions().await),
            Words::Approvals => {
                let list = admin.approvals(who, true).await?;
                let rows = list.iter().map(|one| vec![one.id.clone(), card::line(one)]);
                Ok(Table::of(&["id", "request"], rows.collect()))
            }
            Words::Approval { id } => {
                let one = admin.approval(who, &id).await?;
                let rows = card::lines(&one).into_iter().map(|line| vec![line]);
                Ok(Table::of(&["approval"], rows.collect()))
            }
            Words::Policies => self.policies(who).await,
            Words::Stats => self.stats(who).await,
            Words::Freezes => {
                let until = |at: Option<i64>| at.map(jurat_types::rfc3339).unwrap_or_default();
                let rows = admin.frozen().into_iter();
                let rows = rows.map(|f| vec![f.database, until(f.until_ns), f.by, f.reason]);
                Ok(Table::of(&["database", "until", "by", "reason"], rows.collect()))
            }
            Words::Answer { id, yes, reason } => {
                let answer = ApprovalAnswer { id, yes, reason: reason.as_deref().map(short) };
                let one = admin.answer(who.clone(), answer, VIA).await?;
                let tag = if yes { "APPROVE" } else { "DENY" };
                Ok(Table::done(tag, format!("{} is {}", one.id, one.state.as_str())))
            }
            Words::Reload => {
                let done = admin.reload(by).await?;
                if let Some(error) = done.errors.first() {
                    return Err(AdminError::Failed(error.clone()));
                }
                Ok(Table::done("RELOAD", format!("policies {} are in force", done.revision)))
            }
            Words::Kill { id, reason } => {
                let reason = reason.as_deref().map(short);
                let ended = admin.kill(by, &id, reason.as_deref()).await?;
                let line = format!("the session {} of {} ends", ended.id, ended.principal);
                Ok(Table::done("KILL", line))
            }
            Words::Freeze { database, seconds, reason } => {
                let now_ns = admin.gate.clock.now_ns();
                let until_ns = now_ns.saturating_add(seconds.saturating_mul(1_000_000_000));
                let what = (database.as_str(), short(&reason));
                let done = admin.freeze(by, (what.0, &what.1), Some(until_ns)).await?;
                let until = jurat_types::rfc3339(until_ns);
                Ok(Table::done("FREEZE", format!("writes to {} stop until {until}", done.database)))
            }
            Words::Unfreeze { database } => {
                let stopped = admin.unfreeze(by, &database).await?;
                let line = if stopped { "go on" } else { "were not stopped" };
                Ok(Table::done("UNFREEZE", format!("writes to {database} {line}")))
            }
        }
    }

    async fn sessions(&self) -> Table {
        let views = self.admin.sessions(&self.who).await;
        let rows = views.into_iter().map(|view| {
            vec![
                view.id,
                view.principal,
                view.on_behalf_of.unwrap_or_default(),
                view.database,
                view.client_addr,
                view.since,
                view.state.as_str().to_owned(),
                view.totals.statements.to_string(),
                view.statement.unwrap_or_default(),
            ]
        });
        let names = [
            "id",
            "principal",
            "on_behalf_of",
            "database",
            "client",
            "since",
            "state",
            "statements",
            "statement",
        ];
        Table::of(&names, rows.collect())
    }

    async fn policies(&self, who: &Principal) -> Result<Table, AdminError> {
        let view = self.admin.policies(who).await?;
        let mut rows: Vec<Vec<String>> = Vec::new();
        let stale = view.stale.map_or_else(|| "in force".to_owned(), |why| format!("stale: {why}"));
        rows.push(vec!["(revision)".to_owned(), view.revision, stale]);
        for one in view.packages {
            let mode = format!("{:?}", one.mode).to_lowercase();
            rows.push(vec![one.package, format!("{} rules", one.rules), mode]);
        }
        Ok(Table::of(&["package", "rules", "state"], rows))
    }

    async fn stats(&self, who: &Principal) -> Result<Table, AdminError> {
        let stats = self.admin.stats(who).await?;
        let mut rows = Vec::new();
        let mut row = |database: &str, what: &str, value: String| {
            rows.push(vec![database.to_owned(), what.to_owned(), value]);
        };
        row("", "policy_revision", stats.revision);
        row("", "policies_current", stats.policies_current.to_string());
        if let Some(pending) = stats.approvals_pending {
            row("", "approvals_pending", pending.to_string());
        }
        for one in stats.databases {
            for (state, count) in &one.sessions {
                row(&one.database, &format!("sessions {state}"), count.to_string());
            }
            for (class, effect, count) in one.counted.statements {
                row(&one.database, &format!("{class} {effect}"), count.to_string());
            }
        }
        Ok(Table::of(&["database", "counter", "value"], rows))
    }
}

fn short(text: &str) -> String {
    text.chars().take(REASON_CHARS_MAX).collect()
}

fn told(error: &AdminError) -> Refusal {
    let (code, mark) = match error {
        AdminError::NoRight { .. }
        | AdminError::Answer(DecideError::NoRight { .. } | DecideError::Vote(..)) => {
            (RefusalCode::Denied, "JRT-DENY")
        }
        AdminError::Unknown(_) | AdminError::Answer(DecideError::Unknown(_)) => {
            (RefusalCode::UnknownObject, "JRT-OBJECT")
        }
        AdminError::NotConfigured(_) | AdminError::Failed(_) => {
            (RefusalCode::NotSupported, "JRT-UNSUPPORTED")
        }
        AdminError::Unrecorded
        | AdminError::Store(_)
        | AdminError::Answer(DecideError::Unrecorded | DecideError::Store(_)) => {
            (RefusalCode::AuditUnavailable, "JRT-AUDIT")
        }
    };
    refusal(code, format!("jurat did not do it: {error} [{mark}]"), None)
}

fn not_understood() -> Refusal {
    refusal(
        RefusalCode::NotSupported,
        "jurat does not understand this: here is its console and no database, so \\d, \\l and SELECT find nothing \
         [JRT-UNSUPPORTED]. HELP lists what can be said; connect to another database for its tables",
        Some("HELP;"),
    )
}

fn only_simple() -> Refusal {
    refusal(
        RefusalCode::NotSupported,
        "the console of jurat speaks the simple protocol only, as psql does [JRT-UNSUPPORTED]",
        None,
    )
}
