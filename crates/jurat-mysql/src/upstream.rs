//! The connection to the database, and the one door to it.
//!
//! INVARIANT(one-door-upstream): SQL text leaves through [`Upstream::query`] and [`Upstream::execute`], which
//! take permits, through [`Upstream::prepare`], which takes a preparation and runs nothing, through
//! [`Upstream::foresee`], which takes a question that only reads, through [`Upstream::ask`], which takes constants of
//! this crate, and through [`Upstream::ask_definition`], which asks what one table is. The pipe is private to this file and to what
//! connects it.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use jurat_core::{Database, Permit, Preparation, Question, Running};
use jurat_types::Secret;
use jurat_wire::mysql::{
    capability::Capabilities, command::CommandCode, encode::command as encode,
};

use crate::pipe::Pipe;

mod carry;
mod connect;
mod login;

pub use connect::UpstreamError;
pub(crate) use connect::{
    Connected, OF_CLIENT, OF_CLIENT_WHERE_OFFERED, Profile, Wanted, cancel, connect,
    forbidden_mode, refused,
};

/// A database that sessions can be connected to, and how to get there.
#[derive(Debug)]
pub struct UpstreamDatabase {
    /// What policies are told about it, and its catalog.
    pub database: Arc<Database>,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The account that Jurat logs in as; clients never hold its credential.
    pub user: String,
    /// That account's password.
    pub password: Option<Secret<String>>,
    /// The schema to begin in, by its name on that server.
    pub dbname: String,
    /// Encryption.
    pub tls: UpstreamTls,
}

/// Encryption towards a database.
#[derive(Clone, Debug)]
pub enum UpstreamTls {
    /// None: for loopback and private networks only.
    Disable,
    /// Encrypted; the certificate is not checked.
    Require(Arc<rustls::ClientConfig>),
    /// Encrypted; certificate and host name are checked.
    VerifyFull(Arc<rustls::ClientConfig>),
}

/// An established connection to a database.
#[derive(Debug)]
pub(crate) struct Upstream {
    pipe: Pipe,
    capabilities: Capabilities,
    connection: u32,
    /// The server waits for more of a file of the client's, and takes whatever comes for it.
    in_file: bool,
}

impl Upstream {
    /// What both ends agreed on: how replies are written.
    pub(crate) const fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The number of the connection on the server, as `KILL` takes it there.
    pub(crate) const fn connection(&self) -> u32 {
        self.connection
    }

    /// Runs one statement as `COM_QUERY`; returns its text.
    pub(crate) fn query(&mut self, permit: Permit) -> (Arc<str>, Running) {
        let (text, running) = permit.launch();
        encode::query(self.pipe.out(), text.as_bytes());
        (text, running)
    }

    /// Prepares a judged text; nothing runs.
    pub(crate) fn prepare(&mut self, preparation: &Preparation) {
        encode::prepare(self.pipe.out(), preparation.text().as_bytes());
    }

    /// Runs a prepared statement once. Its text went out when it was prepared.
    pub(crate) fn execute(&mut self, permit: Permit, execution: &Execution<'_>) -> Running {
        encode::forward(self.pipe.out(), execution.0);
        permit.launch().1
    }

    /// Forwards a command that holds no SQL text and runs nothing.
    pub(crate) fn forward(&mut self, command: &Harmless<'_>) {
        encode::forward(self.pipe.out(), command.0);
    }

    /// Closes a prepared statement; there is no reply.
    pub(crate) fn close_statement(&mut self, statement: u32) {
        encode::close(self.pipe.out(), statement);
    }

    /// Asks something for Jurat's own use: one statement. Only constants of this crate fit.
    pub(crate) fn ask(&mut self, text: &'static str) {
        encode::query(self.pipe.out(), format!("{OWN}{text}").as_bytes());
    }

    /// Asks for an estimate.
    pub(crate) fn foresee(&mut self, question: &Question) {
        encode::query(self.pipe.out(), format!("{OWN}{}", question.text()).as_bytes());
    }

    /// Asks what a table is, for Jurat's own use. Its name is a name there, whatever is in it.
    pub(crate) fn ask_definition(&mut self, database: &str, table: &str) {
        let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
        let text = format!("{OWN}SHOW CREATE TABLE {}.{}", quoted(database), quoted(table));
        encode::query(self.pipe.out(), text.as_bytes());
    }

    /// Packets of a file of the client's come next, and no command may.
    pub(crate) const fn begin_file(&mut self) {
        self.in_file = true;
    }

    /// Where such packets go: the rows of a statement whose permit was used, and no SQL.
    pub(crate) const fn file(&mut self) -> &mut Vec<u8> {
        self.pipe.out()
    }

    pub(crate) const fn end_file(&mut self) {
        self.in_file = false;
    }

    /// Whether the server has taken everything that it was sent.
    pub(crate) const fn is_drained(&self) -> bool {
        self.pipe.is_drained()
    }

    /// Says good-bye and closes.
    pub(crate) async fn terminate(mut self) {
        if !self.in_file {
            encode::quit(self.pipe.out());
        }
        self.pipe.close().await;
    }

    pub(crate) fn inbox(&self) -> &[u8] {
        &self.pipe.inbox
    }

    pub(crate) fn consume(&mut self, bytes: usize) {
        self.pipe.consume(bytes);
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<usize>> {
        self.pipe.poll_read(cx)
    }

    pub(crate) fn write_some(&mut self, cx: &mut Context<'_>) -> std::io::Result<()> {
        self.pipe.write_some(cx)
    }

    pub(crate) async fn drain(&mut self) -> std::io::Result<()> {
        self.pipe.drain().await
    }

    pub(crate) async fn fill(&mut self) -> std::io::Result<()> {
        self.pipe.fill().await
    }
}

/// How Jurat's own questions begin, so that the server's log tells them from what clients run.
const OWN: &str = "/* jurat */ ";

/// The payload of `COM_STMT_EXECUTE`, forwarded as the very bytes that were parsed.
#[derive(Debug)]
pub(crate) struct Execution<'a>(&'a [u8]);

impl<'a> Execution<'a> {
    /// `None` for a command of any other kind.
    pub(crate) fn new(payload: &'a [u8]) -> Option<Self> {
        (code(payload)? == CommandCode::StmtExecute).then_some(Self(payload))
    }
}

/// The payload of a command that holds no SQL text and runs nothing: what belongs to prepared statements and
/// cursors, and `COM_PING`.
#[derive(Debug)]
pub(crate) struct Harmless<'a>(&'a [u8]);

impl<'a> Harmless<'a> {
    /// `None` for a command of any other kind.
    pub(crate) fn new(payload: &'a [u8]) -> Option<Self> {
        let harmless = matches!(
            code(payload)?,
            CommandCode::Ping
                | CommandCode::StmtClose
                | CommandCode::StmtFetch
                | CommandCode::StmtReset
                | CommandCode::StmtSendLongData
        );
        harmless.then_some(Self(payload))
    }
}

fn code(payload: &[u8]) -> Option<CommandCode> {
    payload.first().copied().map(CommandCode::from_byte)
}
