//! The connection to the database, and the one door to it.
//!
//! INVARIANT(one-door-upstream): SQL text leaves through [`Upstream::query`] and [`Upstream::execute`], which
//! take permits, as does [`Upstream::function_call`], [`Upstream::prepare`], which takes a preparation and runs nothing, and
//! [`Upstream::ask`], [`Upstream::bracket`], [`Upstream::begin_block`] and [`Upstream::count_changes`], which send constants of this crate;
//! [`Upstream::foresee`] takes a question, which only reads. The pipe is private to this file.

use std::{sync::Arc, task::Context, task::Poll};

use jurat_core::{Database, Permit, Preparation, Question, Running};
use jurat_types::Secret;
use jurat_wire::postgres::{
    encode::frontend as encode,
    error::EncodeError,
    frame::{Frame, Piece},
    frontend::{Frontend, parse_frontend},
    value::Target,
};

use crate::{inbox::Inbox, pipe::Pipe, relay::unbound, respond::write};

mod connect;

pub use connect::UpstreamError;
pub(crate) use connect::{CancelKey, Connected, PINNED, cancel, connect, violated_pin};

/// A database that sessions can be connected to, and how to get there.
#[derive(Debug)]
pub struct UpstreamDatabase {
    /// What policies are told about it, and its catalog.
    pub database: Arc<Database>,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The role that Jurat logs in as; clients never hold its credential.
    pub user: String,
    /// That role's password.
    pub password: Option<Secret<String>>,
    /// The database's name on that server.
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
}

impl Upstream {
    /// Sends the statements of one message, in order, as one simple query; returns its text, and each
    /// statement's own.
    pub(crate) fn query(&mut self, permits: Vec<Permit>) -> (Arc<str>, Vec<(Arc<str>, Running)>) {
        let mut launched = Vec::with_capacity(permits.len());
        launched.extend(permits.into_iter().map(Permit::launch));
        let text = match launched.as_slice() {
            [(only, _)] => Arc::clone(only),
            several => {
                let texts: Vec<&str> = several.iter().map(|(text, _)| &**text).collect();
                Arc::from(texts.join(";\n"))
            }
        };
        write(encode::query(self.pipe.out(), text.as_bytes()));
        (text, launched)
    }

    /// Prepares a judged text; nothing runs.
    pub(crate) fn prepare(
        &mut self,
        name: &[u8],
        preparation: &Preparation,
        parameter_types: impl IntoIterator<Item = u32>,
    ) {
        let text = preparation.text().as_bytes();
        write(encode::parse(self.pipe.out(), name, text, parameter_types));
    }

    /// Prepares the empty text.
    pub(crate) fn prepare_empty(&mut self, name: &[u8], types: impl IntoIterator<Item = u32>) {
        write(encode::parse(self.pipe.out(), name, b"", types));
    }

    /// Runs a portal once. Its text went out when it was prepared; `None` is the empty text.
    pub(crate) fn execute(
        &mut self,
        portal: &[u8],
        max_rows: i32,
        permit: Option<Permit>,
    ) -> Option<Running> {
        write(encode::execute(self.pipe.out(), portal, max_rows));
        permit.map(|permit| permit.launch().1)
    }

    /// Asks what columns a portal has; nothing runs.
    pub(crate) fn describe_portal(&mut self, portal: &[u8]) {
        write(encode::describe(self.pipe.out(), Target::Portal, portal));
    }

    /// Forwards a call of a function that was permitted.
    pub(crate) fn function_call(&mut self, permit: Permit, call: &CallMessage<'_>) -> Running {
        self.pipe.out().extend_from_slice(call.whole);
        permit.launch().1
    }

    /// Forwards a message that holds no SQL text and runs nothing.
    pub(crate) fn forward(&mut self, message: &Harmless<'_>) {
        self.pipe.out().extend_from_slice(message.0);
    }

    /// Forwards rows of the client for a COPY that was permitted, or their end.
    pub(crate) fn copy(&mut self, piece: &CopyPiece<'_>) {
        self.pipe.out().extend_from_slice(piece.0);
    }

    /// Sends Flush.
    pub(crate) fn flush(&mut self) {
        encode::flush(self.pipe.out());
    }

    /// Sends Sync.
    pub(crate) fn sync(&mut self) {
        encode::sync(self.pipe.out());
    }

    /// Makes the database fail at this point of the pipeline: it runs a portal that cannot exist,
    /// because clients may not use the prefix.
    pub(crate) fn pill(&mut self, id: &str) {
        let portal = format!("{PILL_PREFIX}{id}");
        write(encode::execute(self.pipe.out(), portal.as_bytes(), 0));
    }

    /// Begins or ends a block of Jurat's own around the statements of one message. Only constants of this
    /// crate fit.
    pub(crate) fn bracket(&mut self, text: &'static str) {
        write(encode::query(self.pipe.out(), text.as_bytes()));
    }

    /// Begins a block of Jurat's own around the query that is sent next. Gives back how many answers come.
    ///
    /// Unlike one of [`Self::bracket`], a block that could not be begun makes the database ignore the query.
    pub(crate) fn begin_block(&mut self) -> u8 {
        self.own_steps("/* jurat */ BEGIN")
    }

    /// Asks how many rows the transaction has changed so far, without ending it. Gives back how many answers
    /// come besides the row with the number.
    pub(crate) fn count_changes(&mut self) -> u8 {
        self.own_steps(COUNT_CHANGES)
    }

    /// Asks for an estimate, in a transaction that only reads and does not last.
    ///
    /// # Errors
    /// Where the values that belong to it are not known, or it is too long.
    pub(crate) fn foresee(&mut self, question: &Question) -> Result<(), UpstreamError> {
        let unknown = || UpstreamError::Protocol("a question lacks its values".to_owned());
        let values = question.bound().map_or(Some(Vec::new()), unbound).ok_or_else(unknown)?;
        let (places, types): (Vec<usize>, Vec<u32>) = question.parameters().unzip();
        let values: Option<Vec<_>> = places.iter().map(|at| values.get(*at).copied()).collect();
        let values = values.ok_or_else(unknown)?;
        let ms = question.timeout().as_millis();
        self.steps("/* jurat */ BEGIN TRANSACTION READ ONLY");
        self.steps(&format!("/* jurat */ SET LOCAL statement_timeout = {ms}"));
        let text = format!("/* jurat */ {}", question.text());
        self.steps_with(text.as_bytes(), &types, &values)
            .map_err(|error| UpstreamError::Protocol(error.to_string()))?;
        self.steps("/* jurat */ ROLLBACK");
        encode::sync(self.pipe.out());
        Ok(())
    }

    fn own_steps(&mut self, text: &'static str) -> u8 {
        self.steps(text);
        5
    }

    fn steps(&mut self, text: &str) {
        write(self.steps_with(text.as_bytes(), &[], &[]));
    }

    fn steps_with(
        &mut self,
        text: &[u8],
        types: &[u32],
        values: &[(bool, Option<&[u8]>)],
    ) -> Result<(), EncodeError> {
        let out = self.pipe.out();
        encode::close(out, Target::Statement, INTERNAL_NAME)?;
        encode::parse(out, INTERNAL_NAME, text, types.iter().copied())?;
        encode::bind_values(out, INTERNAL_NAME, INTERNAL_NAME, values)?;
        encode::execute(out, INTERNAL_NAME, 0)?;
        encode::close(out, Target::Portal, INTERNAL_NAME)
    }

    /// Asks something for Jurat's own use: statements that each end a line with `;`. Only constants of this
    /// crate fit.
    ///
    /// The extended protocol is used, because a simple query would take the client's unnamed statement and
    /// portal away. Closing a statement that is not there is no error, so what an error left behind goes
    /// with the next question.
    pub(crate) fn ask(&mut self, text: &'static str) {
        let out = self.pipe.out();
        for statement in text.split(";\n").filter(|statement| !statement.trim().is_empty()) {
            write(encode::close(out, Target::Statement, INTERNAL_NAME));
            write(encode::parse(out, INTERNAL_NAME, statement.as_bytes(), []));
            write(encode::bind(out, INTERNAL_NAME, INTERNAL_NAME));
            write(encode::execute(out, INTERNAL_NAME, 0));
            write(encode::close(out, Target::Portal, INTERNAL_NAME));
        }
        write(encode::close(out, Target::Statement, INTERNAL_NAME));
        encode::sync(out);
    }

    /// Says good-bye and closes.
    pub(crate) async fn terminate(mut self) {
        encode::terminate(self.pipe.out());
        self.pipe.close().await;
    }

    /// What the database has sent and is not handled yet. It may be taken out to be handled where it lies, and has to
    /// be put back before more is read.
    pub(crate) const fn inbox(&mut self) -> &mut Inbox {
        &mut self.pipe.inbox
    }

    pub(crate) fn consume(&mut self, bytes: usize) {
        self.pipe.consume(bytes);
    }

    pub(crate) const fn pending(&self) -> usize {
        self.pipe.pending()
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

/// What Jurat's own statement and portal are called. A client that takes the name for its own makes the
/// names of its own session unreadable, and no other's.
const INTERNAL_NAME: &[u8] = b"jurat's own question";

/// Rows that the transaction has changed so far, from its own statistics; NULL where the server keeps none. Every
/// name has its schema, because the client's search path holds. The pieces of a long value are no rows of anybody's.
const COUNT_CHANGES: &str = "/* jurat */ SELECT CASE WHEN pg_catalog.current_setting('track_counts') \
    OPERATOR(pg_catalog.=) 'on' THEN (SELECT coalesce(pg_catalog.sum(n_tup_ins OPERATOR(pg_catalog.+) n_tup_upd \
    OPERATOR(pg_catalog.+) n_tup_del), 0) FROM pg_catalog.pg_stat_xact_all_tables \
    WHERE schemaname OPERATOR(pg_catalog.!~) '^pg_toast') END";

/// Names that begin so belong to Jurat.
pub(crate) const PILL_PREFIX: &str = "jurat refused ";

/// A call of a function by its number, with the bytes that it was read from.
#[derive(Debug)]
pub(crate) struct CallMessage<'a> {
    whole: &'a [u8],
    pub(crate) oid: u32,
    pub(crate) arguments: usize,
}

impl<'a> CallMessage<'a> {
    /// `None` for a message of any other kind.
    pub(crate) fn new(frame: &Frame<'a>) -> Option<Self> {
        match parse_frontend(frame.tag, frame.body) {
            Ok(Frontend::FunctionCall(call)) => {
                Some(Self { whole: frame.whole, oid: call.oid, arguments: call.arguments.len() })
            }
            _ => None,
        }
    }
}

/// Rows of the client for a COPY, or their end: CopyData, whole or in pieces, CopyDone, CopyFail.
/// Outside of a COPY the server ignores them.
#[derive(Debug)]
pub(crate) struct CopyPiece<'a>(&'a [u8]);

impl<'a> CopyPiece<'a> {
    /// `None` for a message of any other kind.
    pub(crate) fn new(piece: &Piece<'a>) -> Option<Self> {
        matches!(piece.tag(), b'd' | b'c' | b'f').then_some(Self(piece.bytes()))
    }
}

/// A message of the client that holds no SQL text and runs nothing: Bind, Describe, Close, Flush.
/// It is forwarded as the very bytes that were parsed.
#[derive(Debug)]
pub(crate) struct Harmless<'a>(&'a [u8]);

impl<'a> Harmless<'a> {
    /// `None` for a message of any other kind.
    pub(crate) fn new(frame: &Frame<'a>) -> Option<Self> {
        matches!(frame.tag, b'B' | b'D' | b'C' | b'H').then_some(Self(frame.whole))
    }
}
