//! What the database answers: passed on as the bytes that came, unless something in it must not pass or says
//! something else for the client than for Jurat.

use jurat_core::{Ending, Origins, Prepared, Running};
use jurat_types::Outcome;
use jurat_wire::mysql::{
    capability::{Capabilities, Status},
    column_type::ColumnType,
    encode::server as encode,
    frame::{self, Limits, Piece, Scanner},
    response::{EofPacket, ErrPacket, OkPacket, session::Change},
    result::{Event, Reply, ReplyKind},
};

use super::{
    End, OUTBOX_BYTES_MAX, Relay, detect, guard::Guarding, local_file::Asked, origins::Checked,
};
use crate::{collation, report, respond, upstream::forbidden_mode};

/// Rows longer than this pass in pieces, bytes.
const STREAM_ABOVE_BYTES: usize = 16 << 10;

/// How a command ended.
#[derive(Debug)]
pub(super) enum Answer {
    Done,
    Failed,
    /// Its rows wait in a cursor.
    Waiting(Box<Running>),
}

impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// The reply that is followed.
pub(super) struct Following {
    reply: Reply,
    scanner: Scanner,
    pub(super) run: Option<Running>,
    /// Further results of the same message come behind it.
    pub(super) more: bool,
    /// What the result columns are checked against.
    checked: Option<Checked>,
    /// The place of the next column.
    column: usize,
    columns: usize,
    /// Rows that were returned and rows that were changed.
    pub(super) rows: u64,
    changed: u64,
    failed: bool,
    /// The rows wait in a cursor.
    waits: bool,
    /// Rows come in the binary form, as they do for prepared statements.
    binary: bool,
    /// The types of the columns of rows that are looked through.
    layout: Vec<(ColumnType, bool)>,
    /// A statement that is being prepared.
    prepared: Option<Prepared>,
    /// A file of the client's that the server asks for.
    pub(super) file: Asked,
    /// Limits at work on it.
    pub(super) guard: Option<Box<Guarding>>,
}

impl Following {
    /// Rows that were returned, where there are any, or else changed.
    pub(super) const fn counted(&self) -> u64 {
        if self.columns > 0 { self.rows } else { self.changed }
    }

    /// Whether rows come next and nobody looks at them: no limit is at work, and no text is looked for in them.
    fn rows_pass_unseen(&self) -> bool {
        self.reply.is_in_rows()
            && self.guard.is_none()
            && self.run.as_ref().is_none_or(|run| run.scans().is_none())
    }

    /// The number that the next packet of this exchange has.
    pub(super) const fn next_of_server(&self) -> u8 {
        self.scanner.sequence()
    }

    /// The file has passed, and what the server says of it comes next.
    pub(super) const fn file_is_over(&mut self, sequence: u8) {
        self.file = Asked::Before;
        self.scanner.restart(sequence);
    }

    pub(super) fn protects(&self) -> bool {
        self.run.as_ref().is_some_and(Running::protects)
            || self.prepared.as_ref().is_some_and(|prepared| prepared.masked_by().is_some())
    }
}

impl Relay {
    /// Passes the reply to a command on.
    pub(super) async fn follow(
        &mut self,
        kind: ReplyKind,
        run: Option<Running>,
        more: bool,
    ) -> Result<Answer, End> {
        let checked = run.as_ref().and_then(|run| self.checked(run));
        let mut following = self.following(kind, run, checked);
        following.more = more;
        self.pass_statement(following).await
    }

    /// Passes the reply to the execution of a prepared statement on.
    pub(super) async fn follow_execute(
        &mut self,
        cursor: bool,
        run: Running,
    ) -> Result<Answer, End> {
        let checked = self.checked(&run);
        let mut following = self.following(ReplyKind::Statement { cursor }, Some(run), checked);
        following.binary = true;
        self.pass_statement(following).await
    }

    async fn pass_statement(&mut self, mut following: Following) -> Result<Answer, End> {
        self.pass_reply(&mut following).await?;
        match following.guard.take() {
            None => Ok(self.finish(following)),
            Some(guard) => Box::pin(self.settle_guarded(following, guard)).await,
        }
    }

    /// Passes on what the database says of a statement that it prepares, and keeps it.
    pub(super) async fn follow_prepare(&mut self, prepared: Prepared) -> Result<(), End> {
        let masked = prepared.masked_by();
        let catalog = self.session.catalog();
        // No row comes of this: what may is checked before it runs.
        let checked = masked.map(|decision| Checked::all(Origins::new(&decision.masks, &catalog)));
        let mut following = self.following(ReplyKind::Prepare, None, checked);
        following.prepared = Some(prepared);
        self.pass_reply(&mut following).await
    }

    /// Passes rows of a cursor on. Gives back what still runs, and how many rows came so far.
    pub(super) async fn follow_fetch(
        &mut self,
        running: Running,
        before: u64,
    ) -> Result<(Option<Running>, u64), End> {
        let mut following = self.following(ReplyKind::Fetch, Some(running), None);
        following.binary = true;
        following.rows = before;
        following.columns = usize::MAX;
        self.pass_reply(&mut following).await?;
        let refused = following.guard.as_ref().is_some_and(|guard| guard.is_refused());
        if refused || following.failed || self.status.contains(Status::LAST_ROW_SENT) {
            self.finish(following);
            return Ok((None, 0));
        }
        let rows = following.rows;
        Ok((following.run.take(), rows))
    }

    fn following(
        &mut self,
        kind: ReplyKind,
        run: Option<Running>,
        checked: Option<Checked>,
    ) -> Following {
        let guard = run.as_ref().and_then(|run| self.guarding(run));
        // Numbers in the headers of a row that passes in pieces are not changed, so they have to be right.
        let aligned = self.sequence == 1;
        let scans = run.as_ref().is_some_and(|run| run.scans().is_some());
        let limits = Limits {
            payload_max: self.session.gate().limits.upstream_message_bytes_max,
            stream_above: (aligned && !scans && guard.is_none()).then_some(STREAM_ABOVE_BYTES),
        };
        Following {
            reply: Reply::new(kind, self.upstream.capabilities()),
            scanner: Scanner::new(1, limits),
            run,
            more: false,
            checked,
            column: 0,
            columns: 0,
            rows: 0,
            changed: 0,
            failed: false,
            waits: false,
            binary: false,
            layout: Vec::new(),
            prepared: None,
            file: Asked::Never,
            guard,
        }
    }

    async fn pass_reply(&mut self, following: &mut Following) -> Result<(), End> {
        while !following.reply.is_done() || following.scanner.mid_payload() {
            if self.client.pending() >= OUTBOX_BYTES_MAX {
                self.relieve_client().await?;
            }
            if following.file == Asked::Now {
                Box::pin(self.pass_file(following)).await?;
            } else if !self.take_piece(following)? {
                self.wait_in_time(following).await?;
            }
        }
        if !self.upstream.inbox().is_empty() {
            return Err(End::UpstreamProtocol("more came than the answer".to_owned()));
        }
        Ok(())
    }

    /// Takes the next packet of the reply, if it is there.
    fn take_piece(&mut self, following: &mut Following) -> Result<bool, End> {
        let inbox = self.upstream.take_inbox();
        let result = self.handle_piece(following, &inbox);
        let consumed = match &result {
            Ok(Some(consumed)) => *consumed,
            Ok(None) | Err(_) => 0,
        };
        self.upstream.give_back(inbox, consumed);
        // A piece that was not taken was not passed on either, and does not keep the client from being told why.
        if result.is_ok() {
            self.mid_row = following.scanner.mid_payload();
        }
        result.map(|consumed| consumed.is_some())
    }

    fn handle_piece(
        &mut self,
        following: &mut Following,
        inbox: &[u8],
    ) -> Result<Option<usize>, End> {
        if following.rows_pass_unseen() {
            let (bytes, rows) = following.scanner.rows(inbox);
            if rows > 0 {
                following.rows = following.rows.saturating_add(rows);
                self.forward(bytes);
                return Ok(Some(bytes.len()));
            }
        }
        let piece = following.scanner.next(inbox).map_err(|error| End::upstream(&error))?;
        let Some(piece) = piece else { return Ok(None) };
        let bytes = piece.bytes();
        let event = following.reply.next(&piece).map_err(|error| End::upstream(&error))?;
        match event {
            // More of a long row.
            None => {
                self.client.out().extend_from_slice(bytes);
                if matches!(piece, Piece::Part { .. }) {
                    self.sequence = following.scanner.sequence();
                }
            }
            Some(Event::Row { payload, whole }) => {
                if following.guard.is_none() {
                    following.rows = following.rows.saturating_add(1);
                } else if !self.row_passes(following, payload.len()) {
                    return Ok(Some(bytes.len()));
                }
                self.pass_row(following, payload, whole, bytes)?;
            }
            Some(Event::ColumnCount(count)) => {
                following.columns = count;
                following.column = 0;
                following.layout.clear();
                self.forward(bytes);
            }
            Some(Event::Column(definition)) => {
                // A program of the server's own can have set that, and servers do not tell of it.
                if !collation::has_ascii(definition.collation) {
                    return Err(End::SettingChanged("character_set_results"));
                }
                if let Some(checked) = &following.checked
                    && let Some(column) = checked.exposed(following.column, &definition)
                {
                    return Err(self.alarm(following.run.take(), &column));
                }
                following.column = following.column.saturating_add(1);
                if following.run.as_ref().is_some_and(|run| run.scans().is_some()) {
                    following.layout.push(definition.layout());
                }
                self.forward(bytes);
            }
            Some(Event::DefinitionsEnd(end)) => {
                // With a cursor, and without the newer form of ends, the reply ends here.
                following.waits = end.status.contains(Status::CURSOR_EXISTS);
                self.pass_definitions_end(following, end, bytes)?;
            }
            Some(Event::Parameter(_)) => self.forward(bytes),
            Some(Event::Prepared(prepared)) => {
                if let Some(statement) = &following.prepared {
                    let (number, count) = (prepared.statement, prepared.parameters);
                    self.keep_prepared(number, count, statement.clone());
                }
                self.forward(bytes);
            }
            Some(Event::Ok(ok)) => self.pass_ok(following, &ok, bytes)?,
            Some(Event::RowsEnd(ok)) => self.pass_rows_end(following, &ok, bytes)?,
            Some(Event::Err(error)) => self.pass_error(following, &error, bytes),
            Some(Event::Text(_)) => self.forward(bytes),
            Some(Event::LocalInfile { file }) if following.may_ask_for(file) => {
                following.file = Asked::Now;
                self.forward(bytes);
            }
            Some(Event::LocalInfile { .. }) => {
                return Err(End::UpstreamProtocol("it asks for a file of the client".to_owned()));
            }
        }
        Ok(Some(bytes.len()))
    }

    fn pass_definitions_end(
        &mut self,
        following: &Following,
        end: EofPacket,
        bytes: &[u8],
    ) -> Result<(), End> {
        let Some(guard) = following.guard.as_ref().filter(|guard| guard.has_bracket()) else {
            self.note_status(end.status)?;
            self.forward(bytes);
            return Ok(());
        };
        let end = EofPacket { status: guard.shown(end.status), ..end };
        self.note_status(end.status)?;
        respond::write(encode::eof(self.client.out(), &mut self.sequence, end));
        Ok(())
    }

    /// Passes packets on as they came, with the numbers that come next for the client.
    fn forward(&mut self, bytes: &[u8]) {
        let out = self.client.out();
        let start = out.len();
        out.extend_from_slice(bytes);
        frame::renumber(out.get_mut(start..).unwrap_or_default(), &mut self.sequence);
    }

    fn pass_row(
        &mut self,
        following: &Following,
        payload: &[u8],
        whole: bool,
        bytes: &[u8],
    ) -> Result<(), End> {
        let scans = following.run.as_ref().and_then(Running::scans);
        let Some(scans) = scans else {
            if whole {
                self.forward(bytes);
            } else {
                self.client.out().extend_from_slice(bytes);
                self.sequence = following.scanner.sequence();
            }
            return Ok(());
        };
        let layout = following.binary.then_some(following.layout.as_slice());
        let row = detect::rewritten(scans, payload, layout)?;
        jurat_wire::mysql::encode::payload(self.client.out(), &mut self.sequence, &row);
        Ok(())
    }

    fn pass_ok(
        &mut self,
        following: &mut Following,
        ok: &OkPacket<'_>,
        bytes: &[u8],
    ) -> Result<(), End> {
        following.changed = following.changed.saturating_add(ok.affected_rows);
        if self.holds_end(following, ok, false)? {
            return Ok(());
        }
        self.note_changes(ok)?;
        self.note_status(ok.status)?;
        let last = following.more && following.reply.is_done();
        if !last && !following.protects() && !self.tells_changes_alone() {
            self.forward(bytes);
            return Ok(());
        }
        let told = told(ok, last, following.protects());
        let (out, capabilities) = (self.client.out(), self.capabilities);
        respond::write(encode::ok(out, &mut self.sequence, &told, capabilities));
        Ok(())
    }

    fn pass_rows_end(
        &mut self,
        following: &mut Following,
        ok: &OkPacket<'_>,
        bytes: &[u8],
    ) -> Result<(), End> {
        if self.holds_end(following, ok, true)? {
            return Ok(());
        }
        self.note_changes(ok)?;
        self.note_status(ok.status)?;
        let truncated = following.guard.as_ref().is_some_and(|guard| guard.is_truncated());
        following.waits = ok.status.contains(Status::CURSOR_EXISTS)
            && !ok.status.contains(Status::LAST_ROW_SENT)
            && following.rows == 0;
        let last = following.more && following.reply.is_done();
        if !last && !following.protects() && !self.tells_changes_alone() && !truncated {
            self.forward(bytes);
            return Ok(());
        }
        let mut told = told(ok, last, following.protects());
        if truncated {
            self.hold.note_truncated();
            told.warnings = told.warnings.saturating_add(1);
        }
        let (out, capabilities) = (self.client.out(), self.capabilities);
        respond::write(encode::rows_end(out, &mut self.sequence, &told, capabilities));
        Ok(())
    }

    fn pass_error(&mut self, following: &mut Following, error: &ErrPacket<'_>, bytes: &[u8]) {
        following.failed = true;
        self.status_stale = true;
        if self.holds_error(following, error) {
            return;
        }
        if following.prepared.is_some() {
            self.statements.forget_last();
        }
        if following.protects() {
            report::withheld(self.client.out(), &mut self.sequence, error);
        } else {
            self.forward(bytes);
        }
        if let Some(run) = following.run.take() {
            self.note_warnings(&run);
            let ending = Ending {
                sqlstate: Some(error.sqlstate().to_owned()),
                command: Some(command(&run)),
                ..Ending::default()
            };
            run.finish(Outcome::Failed, ending);
        }
    }

    pub(super) fn finish(&mut self, following: Following) -> Answer {
        if following.failed {
            return Answer::Failed;
        }
        let rows = following.counted();
        let Some(run) = following.run else { return Answer::Done };
        self.note_warnings(&run);
        if following.waits {
            return Answer::Waiting(Box::new(run));
        }
        let returned = following.columns > 0;
        if returned {
            self.session.count_rows(rows, 0);
        } else {
            self.session.count_rows(0, rows);
        }
        let ending = Ending { rows: Some(rows), command: Some(command(&run)), sqlstate: None };
        self.ended.push((run, ending));
        Answer::Done
    }

    /// The default database is asked for again where the server says that it is another one.
    ///
    /// # Errors
    /// The end of the session where texts would mean something else from now on.
    pub(super) fn note_changes(&mut self, ok: &OkPacket<'_>) -> Result<(), End> {
        let freshness = &mut self.freshness;
        let mut changed = None;
        ok.changes.each(|change| match change {
            Change::Schema(_) => freshness.note_schema(),
            Change::Variable { name, value } => changed = changed.or(rereads(name, value)),
            Change::Other { .. } | Change::State => {}
        });
        if ok.status.contains(Status::DB_DROPPED) {
            freshness.note_schema();
        }
        changed.map_or(Ok(()), |setting| Err(End::SettingChanged(setting)))
    }

    /// The server tells of changes, and the client has not asked for it, which is another form of packet.
    fn tells_changes_alone(&self) -> bool {
        let track = Capabilities::SESSION_TRACK;
        self.upstream.capabilities().contains(track) && !self.capabilities.contains(track)
    }
}

/// The setting, where its new value makes texts mean something else.
fn rereads(name: &[u8], value: &[u8]) -> Option<&'static str> {
    let value = String::from_utf8_lossy(value).to_ascii_lowercase();
    match name {
        b"sql_mode" => forbidden_mode(&value).map(|_mode| "sql_mode"),
        b"character_set_client" => (!is_utf8(&value)).then_some("character_set_client"),
        b"character_set_connection" => (!is_utf8(&value)).then_some("character_set_connection"),
        _ => None,
    }
}

/// A character set in which a text is what it is in UTF-8.
fn is_utf8(name: &str) -> bool {
    matches!(name, "utf8" | "utf8mb3" | "utf8mb4")
}

/// The end of a result as the client is told it.
pub(super) fn told<'a>(ok: &OkPacket<'a>, more: bool, withhold: bool) -> OkPacket<'a> {
    let status = if more { ok.status.with(Status::MORE_RESULTS) } else { ok.status };
    let info = if withhold { b"".as_slice() } else { ok.info };
    OkPacket { status, info, ..*ok }
}

/// The command as the record calls it.
pub(super) fn command(run: &Running) -> String {
    run.judged().statement().facts().kind.replace('_', " ").to_uppercase()
}
