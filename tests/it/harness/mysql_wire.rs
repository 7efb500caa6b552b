//! MySQL's protocol by hand: what no driver would send, and every byte that comes back.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use jurat_wire::mysql::{
    capability::{Capabilities, Status},
    command::CommandCode,
    encode::{self, command},
    frame::{self, HEADER, Limits, Scanner},
    handshake::{Answer, Fixed, Greeting},
    response::{ErrPacket, OkPacket},
    result::{Event, Reply, ReplyKind},
    row::{Value, binary_values, text_values},
};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use super::PATIENCE;

/// What this client can do: what most drivers can.
const CAPABILITIES: Capabilities = Capabilities::MYSQL
    .with(Capabilities::LONG_FLAG)
    .with(Capabilities::PROTOCOL_41)
    .with(Capabilities::TRANSACTIONS)
    .with(Capabilities::SECURE_CONNECTION)
    .with(Capabilities::PLUGIN_AUTH)
    .with(Capabilities::MULTI_STATEMENTS)
    .with(Capabilities::MULTI_RESULTS)
    .with(Capabilities::PS_MULTI_RESULTS);

/// The same with files, which most drivers only send where they are told to.
pub(crate) const WITH_FILES: Capabilities = CAPABILITIES.with(Capabilities::LOCAL_FILES);

/// `utf8mb4_general_ci`, which both servers have.
const UTF8MB4: u8 = 45;

/// One connection.
#[derive(Debug)]
pub(crate) struct MyWire {
    stream: TcpStream,
    capabilities: Capabilities,
    inbox: Vec<u8>,
    /// Everything that came.
    pub(crate) received: Vec<u8>,
    /// The number that the greeting said.
    pub(crate) connection: u32,
    /// The numbers of the first packets of the replies that are awaited.
    replies: std::collections::VecDeque<u8>,
}

/// What the server said about a failure.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct MyError {
    pub(crate) code: u16,
    pub(crate) sqlstate: String,
    pub(crate) message: String,
}

/// One result of a command.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct MyResult {
    /// Names of the columns; empty without rows.
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
    pub(crate) affected: u64,
    pub(crate) warnings: u16,
    pub(crate) status: u16,
    pub(crate) info: String,
}

impl MyResult {
    /// The first value of the first row.
    pub(crate) fn value(&self) -> &str {
        self.rows[0][0].as_deref().unwrap()
    }
}

/// A prepared statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MyStatement {
    pub(crate) number: u32,
    pub(crate) parameters: u16,
}

impl MyWire {
    /// Logs in, without TLS.
    pub(crate) fn log_in(
        port: u16,
        user: &str,
        password: &str,
        database: Option<&str>,
    ) -> Result<Self, MyError> {
        Self::log_in_with(port, user, password, database, CAPABILITIES)
    }

    /// The same, with other capabilities.
    pub(crate) fn log_in_with(
        port: u16,
        user: &str,
        password: &str,
        database: Option<&str>,
        capabilities: Capabilities,
    ) -> Result<Self, MyError> {
        Self::log_in_as(port, (user, password), database, (capabilities, UTF8MB4), &[])
    }

    /// The same, in another collation.
    pub(crate) fn log_in_reading(
        port: u16,
        user: &str,
        password: &str,
        collation: u8,
    ) -> Result<Self, MyError> {
        Self::log_in_as(port, (user, password), Some("shop"), (CAPABILITIES, collation), &[])
    }

    /// The same, with words about the client.
    pub(crate) fn log_in_claiming(
        port: u16,
        user: &str,
        password: &str,
        claims: &[(&str, &str)],
    ) -> Result<Self, MyError> {
        let capabilities = CAPABILITIES.with(Capabilities::CONNECT_ATTRS);
        Self::log_in_as(port, (user, password), Some("shop"), (capabilities, UTF8MB4), claims)
    }

    fn log_in_as(
        port: u16,
        (user, password): (&str, &str),
        database: Option<&str>,
        (capabilities, collation): (Capabilities, u8),
        attributes: &[(&str, &str)],
    ) -> Result<Self, MyError> {
        let (mut wire, greeting) = Self::connect(port);
        let payload = greeting[HEADER..].to_vec();
        // Nobody is greeted who is not served.
        if payload.first() == Some(&0xff) {
            return Err(error(&ErrPacket::parse(&payload).unwrap()));
        }
        let greeting = Greeting::parse(&payload).unwrap();
        wire.connection = greeting.connection;
        let claimed = capabilities.and(
            greeting.capabilities.with(Capabilities::MYSQL).with(Capabilities::CONNECT_WITH_DB),
        );
        let auth = native(password.as_bytes(), &greeting.challenge);
        let answer = Answer {
            fixed: Fixed { claimed, max_packet: 1 << 24, collation },
            user: user.as_bytes(),
            auth: &auth,
            schema: database.map(str::as_bytes),
            plugin: b"mysql_native_password",
            attributes,
        };
        let (mut out, mut sequence) = (Vec::new(), 1);
        encode::packet(&mut out, &mut sequence, |out| answer.put(out)).unwrap();
        wire.send(&out);
        wire.capabilities = claimed;
        let payload = wire.packet(sequence);
        let payload = if payload.first() == Some(&0xfe) {
            // Another plugin: its name, and a challenge behind it.
            let challenge = payload.rsplitn(3, |byte| *byte == 0).nth(1).unwrap();
            let (mut out, mut next) = (Vec::new(), sequence + 1);
            encode::payload(&mut out, &mut next, &caching(password.as_bytes(), challenge));
            wire.send(&out);
            match wire.packet(next) {
                // The answer is right, and success comes in a packet of its own.
                fast if fast == [1, 3] => wire.packet(next + 1),
                payload => payload,
            }
        } else {
            payload
        };
        match payload.first() {
            Some(0xff) => Err(error(&ErrPacket::parse(&payload).unwrap())),
            Some(0x00) => Ok(wire),
            _ => panic!("unexpected answer to the login: {payload:?}"),
        }
    }

    /// Logs in anew over the same connection.
    pub(crate) fn change_user(&mut self, user: &str, password: &str) -> Result<(), MyError> {
        let body = format!("{user}\0\0shop\0\x2d\0mysql_native_password\0");
        self.command(CommandCode::ChangeUser, body.as_bytes());
        let mut payload = self.packet(1);
        // What answers the challenge of the greeting is worth nothing any more.
        assert_eq!(payload.first(), Some(&0xfe), "{payload:?}");
        let challenge = payload.rsplitn(3, |byte| *byte == 0).nth(1).unwrap();
        let (mut out, mut next) = (Vec::new(), 2);
        encode::payload(&mut out, &mut next, &caching(password.as_bytes(), challenge));
        self.send(&out);
        payload = self.packet(next);
        if payload == [1, jurat_wire::mysql::auth::FAST_SUCCESS] {
            payload = self.packet(next + 1);
        }
        match payload.first() {
            Some(0xff) => Err(error(&ErrPacket::parse(&payload).unwrap())),
            Some(0x00) => Ok(()),
            _ => panic!("unexpected answer to the login: {payload:?}"),
        }
    }

    /// A connection on which only the greeting has come, and its packet.
    pub(crate) fn connect(port: u16) -> (Self, Vec<u8>) {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut wire = Self {
            stream,
            capabilities: Capabilities::NONE,
            inbox: Vec::new(),
            received: Vec::new(),
            connection: 0,
            replies: std::collections::VecDeque::new(),
        };
        let payload = wire.packet(0);
        let mut whole = vec![0; HEADER];
        whole.extend_from_slice(&payload);
        (wire, whole)
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        // The other side may have closed already, which the next read tells.
        self.stream.write_all(bytes).ok();
    }

    /// Sends a command.
    pub(crate) fn command(&mut self, code: CommandCode, body: &[u8]) {
        let mut payload = vec![code.as_byte()];
        payload.extend_from_slice(body);
        let mut out = Vec::new();
        command::forward(&mut out, &payload);
        self.send(&out);
        let answered = !matches!(code, CommandCode::StmtClose | CommandCode::StmtSendLongData);
        if answered {
            let packets = payload.len() / 0xff_ffff + 1;
            self.replies.push_back(u8::try_from(packets).unwrap());
        }
    }

    /// Runs a text and gives all its results, or the error that ended them.
    pub(crate) fn query(&mut self, text: &str) -> Result<Vec<MyResult>, MyError> {
        self.command(CommandCode::Query, text.as_bytes());
        self.reply(ReplyKind::Statement { cursor: false }, false)
    }

    /// Waits for the server to ask for a file in answer to a text, perhaps behind other results. Gives the number
    /// that the file's first packet has.
    pub(crate) fn asked(&mut self, text: &str) -> u8 {
        self.command(CommandCode::Query, text.as_bytes());
        self.replies.clear();
        let mut sequence = 1;
        loop {
            let payload = self.packet(sequence);
            sequence += 1;
            match payload.first() {
                Some(0xfb) => return sequence,
                Some(0) => {}
                _ => panic!("{text}: {}", String::from_utf8_lossy(&payload)),
            }
        }
    }

    /// Sends such a file, in these pieces from this number on, to its end.
    pub(crate) fn send_file(
        &mut self,
        mut sequence: u8,
        pieces: &[&str],
    ) -> Result<MyResult, MyError> {
        let mut out = Vec::new();
        for piece in pieces.iter().copied().chain([""]) {
            encode::payload(&mut out, &mut sequence, piece.as_bytes());
        }
        self.send(&out);
        self.replies.push_back(sequence);
        self.reply(ReplyKind::Statement { cursor: false }, false)
            .map(|mut results| results.remove(0))
    }

    /// Runs a text that is answered by a request for a file.
    pub(crate) fn load(&mut self, text: &str, pieces: &[&str]) -> Result<MyResult, MyError> {
        let sequence = self.asked(text);
        self.send_file(sequence, pieces)
    }

    /// The only result of a text that must work.
    pub(crate) fn one(&mut self, text: &str) -> MyResult {
        let mut results = self.query(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(results.len(), 1, "{text}");
        results.remove(0)
    }

    /// What the server says about a text that must not work.
    pub(crate) fn error(&mut self, text: &str) -> MyError {
        match self.query(text) {
            Err(error) => error,
            Ok(results) => panic!("{text}: {results:?}"),
        }
    }

    /// A command that is answered by success or failure alone.
    pub(crate) fn simple(&mut self, code: CommandCode, body: &[u8]) -> Result<(), MyError> {
        self.command(code, body);
        self.reply(ReplyKind::Simple, false).map(drop)
    }

    pub(crate) fn prepare(&mut self, text: &str) -> Result<MyStatement, MyError> {
        self.command(CommandCode::StmtPrepare, text.as_bytes());
        let mut statement = None;
        self.follow(ReplyKind::Prepare, |event, _| {
            if let Event::Prepared(prepared) = event {
                statement = Some(MyStatement {
                    number: prepared.statement,
                    parameters: prepared.parameters,
                });
            }
        })?;
        Ok(statement.expect("a number came"))
    }

    /// Executes with these texts as parameters; `None` is NULL.
    pub(crate) fn execute(
        &mut self,
        statement: MyStatement,
        values: &[Option<&str>],
    ) -> Result<Vec<MyResult>, MyError> {
        self.command(CommandCode::StmtExecute, &execution(statement.number, 0, values));
        self.reply(ReplyKind::Statement { cursor: false }, true)
    }

    /// Executes with a cursor; no row comes.
    pub(crate) fn open_cursor(
        &mut self,
        statement: MyStatement,
        values: &[Option<&str>],
    ) -> Result<Vec<MyResult>, MyError> {
        self.command(CommandCode::StmtExecute, &execution(statement.number, 1, values));
        self.reply(ReplyKind::Statement { cursor: true }, true)
    }

    /// Rows of a cursor: how many came, and whether the last one did.
    pub(crate) fn fetch(
        &mut self,
        statement: MyStatement,
        rows: u32,
    ) -> Result<(usize, bool), MyError> {
        let body = [statement.number.to_le_bytes(), rows.to_le_bytes()].concat();
        self.command(CommandCode::StmtFetch, &body);
        let (mut count, mut last) = (0, false);
        self.follow(ReplyKind::Fetch, |event, _| match event {
            Event::Row { .. } => count += 1,
            Event::RowsEnd(end) => last = end.status.contains(Status::LAST_ROW_SENT),
            _ => {}
        })?;
        Ok((count, last))
    }

    /// Begins the session anew, as pools do.
    pub(crate) fn reset(&mut self) -> Result<(), MyError> {
        self.simple(CommandCode::ResetConnection, b"")
    }

    /// Forgets what was received.
    pub(crate) fn forget(&mut self) {
        self.received.clear();
    }

    /// The reply to a command that was sent.
    pub(crate) fn reply(
        &mut self,
        kind: ReplyKind,
        binary: bool,
    ) -> Result<Vec<MyResult>, MyError> {
        let mut results = vec![MyResult::default()];
        let mut layout = Vec::new();
        self.follow(kind, |event, _| {
            let result = results.last_mut().unwrap();
            match event {
                Event::ColumnCount(_) => layout.clear(),
                Event::Column(column) => {
                    result.columns.push(text(column.name));
                    layout.push(column.layout());
                }
                Event::Row { payload, .. } if binary => {
                    let values = binary_values(payload, &layout).unwrap();
                    result.rows.push(values.iter().map(shown).collect());
                }
                Event::Row { payload, .. } => {
                    result.rows.push(text_values(payload).map(|value| value.map(text)).collect());
                }
                Event::Ok(ok) | Event::RowsEnd(ok) => {
                    note(result, ok);
                    if ok.status.contains(Status::MORE_RESULTS) {
                        results.push(MyResult::default());
                    }
                }
                _ => {}
            }
        })?;
        Ok(results)
    }

    fn follow(
        &mut self,
        kind: ReplyKind,
        mut see: impl FnMut(&Event<'_>, u8),
    ) -> Result<(), MyError> {
        let mut reply = Reply::new(kind, self.capabilities);
        let first = self.replies.pop_front().expect("a command was sent");
        let mut scanner = Scanner::new(first, Limits { payload_max: 1 << 26, stream_above: None });
        while !reply.is_done() {
            let inbox = std::mem::take(&mut self.inbox);
            let consumed = match scanner.next(&inbox).expect("packets follow one another") {
                None => None,
                Some(piece) => {
                    let event = reply.next(&piece).expect("a packet that may come now");
                    match event {
                        Some(Event::Err(failed)) => {
                            let failed = error(&failed);
                            let consumed = piece.bytes().len();
                            self.inbox = inbox[consumed..].to_vec();
                            return Err(failed);
                        }
                        Some(event) => see(&event, scanner.sequence()),
                        None => {}
                    }
                    Some(piece.bytes().len())
                }
            };
            self.inbox = inbox[consumed.unwrap_or(0)..].to_vec();
            if consumed.is_none() {
                assert!(self.fill(), "the connection ended inside of a reply");
            }
        }
        Ok(())
    }

    /// The payload of the next packet.
    pub(crate) fn packet(&mut self, sequence: u8) -> Vec<u8> {
        loop {
            let found = frame::message(&self.inbox, sequence, 1 << 26).unwrap();
            if let Some(message) = found {
                let (payload, consumed) = (message.payload.into_owned(), message.consumed);
                self.inbox.drain(..consumed);
                return payload;
            }
            assert!(self.fill(), "the connection ended, and a packet was awaited");
        }
    }

    /// The next packet if one comes before the end, with whatever number it has.
    pub(crate) fn last_words(&mut self) -> Option<MyError> {
        while self.fill() {}
        let header = frame::scan(&self.inbox)?;
        let payload = self.inbox.get(HEADER..header.whole_len())?;
        ErrPacket::parse(payload).ok().map(|failed| error(&failed))
    }

    /// Whether the other side has closed the connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        while self.fill() {}
        true
    }

    /// Reads more; `false` at the end.
    fn fill(&mut self) -> bool {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.inbox.extend_from_slice(&buffer[..count]);
                self.received.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing comes: {error}"),
        }
    }
}

fn note(result: &mut MyResult, ok: &OkPacket<'_>) {
    result.affected = ok.affected_rows;
    result.warnings = ok.warnings;
    result.status = ok.status.0;
    result.info = text(ok.info);
}

/// The payload of an execution behind the command: all parameters are texts.
pub(crate) fn execution(number: u32, cursor: u8, values: &[Option<&str>]) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.push(cursor);
    body.extend_from_slice(&1_u32.to_le_bytes());
    if values.is_empty() {
        return body;
    }
    let mut nulls = vec![0_u8; values.len().div_ceil(8)];
    for (at, _) in values.iter().enumerate().filter(|(_, value)| value.is_none()) {
        nulls[at / 8] |= 1 << (at % 8);
    }
    body.extend_from_slice(&nulls);
    body.push(1);
    for _ in values {
        body.extend_from_slice(&[0xfd, 0]);
    }
    for value in values.iter().flatten() {
        body.push(u8::try_from(value.len()).expect("short values only"));
        body.extend_from_slice(value.as_bytes());
    }
    body
}

fn error(failed: &ErrPacket<'_>) -> MyError {
    MyError {
        code: failed.code,
        sqlstate: failed.sqlstate().to_owned(),
        message: text(failed.message),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn shown(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bytes(bytes) => text(bytes),
        Value::Date(date) => date.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Time(time) => time.to_string(),
        Value::UInt(number) => number.to_string(),
    })
}

/// The answer of `caching_sha2_password`: SHA-256 of the password, XOR SHA-256 of its double SHA-256 and the
/// challenge.
fn caching(password: &[u8], challenge: &[u8]) -> Vec<u8> {
    let sha2 = |bytes: &[u8]| digest(&SHA256, bytes).as_ref().to_vec();
    let once = sha2(password);
    let mask = sha2(&[&sha2(&once), challenge].concat());
    once.iter().zip(mask).map(|(one, two)| one ^ two).collect()
}

/// The answer of `mysql_native_password`: SHA-1 of the password, XOR SHA-1 of the challenge and its double SHA-1.
fn native(password: &[u8], challenge: &[u8]) -> Vec<u8> {
    let sha1 = |bytes: &[u8]| digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec();
    let once = sha1(password);
    let mask = sha1(&[challenge, &sha1(&once)].concat());
    once.iter().zip(mask).map(|(one, two)| one ^ two).collect()
}
