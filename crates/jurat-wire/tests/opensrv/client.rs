//! The client: sockets around the encoders and parsers of `jurat-wire`, which keeps what it is told.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use jurat_wire::mysql::{
    auth::AuthReply,
    capability::{Capabilities, Status},
    column_type::ColumnType,
    encode,
    frame::{HEADER, Limits, Piece, Scanner, message, scan},
    handshake::{Answer, Fixed, Greeting},
    result::{Event, Reply, ReplyKind},
};

use super::server::{Server, proof};

pub(crate) const EOF: Capabilities = Capabilities::MYSQL
    .with(Capabilities::PROTOCOL_41)
    .with(Capabilities::SECURE_CONNECTION)
    .with(Capabilities::PLUGIN_AUTH);
pub(crate) const NO_EOF: Capabilities =
    EOF.with(Capabilities::DEPRECATE_EOF).with(Capabilities::PLUGIN_AUTH_LENENC);

/// How a client finds rows in the stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cutting {
    /// One packet after the other.
    Steps,
    /// As many rows as there are at once.
    Runs,
}

/// A reply, read to the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    /// Name, type and sign of each column of the last result.
    pub(crate) columns: Vec<(String, ColumnType, bool)>,
    pub(crate) parameters: Vec<(ColumnType, bool)>,
    /// Statement, columns, parameters.
    pub(crate) prepared: Option<(u32, u16, u16)>,
    pub(crate) rows: Vec<Vec<u8>>,
    /// Changed rows, last number and state of each success.
    pub(crate) successes: Vec<(u64, u64, Status)>,
    /// The state at the end of each result's rows.
    pub(crate) ends: Vec<Status>,
    pub(crate) error: Option<(u16, String, String)>,
}

/// Reads one reply out of bytes.
pub(crate) struct Reading {
    cutting: Cutting,
    scanner: Scanner,
    reply: Reply,
    partial: Vec<u8>,
    pub(crate) told: Told,
}

impl Reading {
    pub(crate) fn new(kind: ReplyKind, capabilities: Capabilities, cutting: Cutting) -> Self {
        let limits = Limits { payload_max: 1 << 24, stream_above: Some(1 << 16) };
        Self {
            cutting,
            scanner: Scanner::new(1, limits),
            reply: Reply::new(kind, capabilities),
            partial: Vec::new(),
            told: Told::default(),
        }
    }

    /// Takes what is there and cuts it off; whether the reply is over.
    pub(crate) fn take(&mut self, inbox: &mut Vec<u8>) -> bool {
        while !self.reply.is_done() {
            if self.cutting == Cutting::Runs && self.reply.is_in_rows() {
                let run = self.scanner.rows(inbox);
                let length = run.0.len();
                let rows = cut(run.0);
                assert_eq!(u64::try_from(rows.len()).unwrap(), run.1);
                self.told.rows.extend(rows);
                inbox.drain(..length);
            }
            let Some(piece) = self.scanner.next(inbox).unwrap() else { return false };
            let length = piece.bytes().len();
            if let Some(event) = self.reply.next(&piece).unwrap() {
                note(&mut self.told, &mut self.partial, &event);
            } else if let Piece::Part { bytes, last } = piece {
                self.partial.extend_from_slice(bytes);
                if last {
                    self.told.rows.push(std::mem::take(&mut self.partial));
                }
            }
            inbox.drain(..length);
        }
        true
    }
}

fn cut(mut run: &[u8]) -> Vec<Vec<u8>> {
    let mut rows = Vec::new();
    while let Some(header) = scan(run) {
        rows.push(run[HEADER..header.whole_len()].to_vec());
        run = &run[header.whole_len()..];
    }
    rows
}

fn note(told: &mut Told, partial: &mut Vec<u8>, event: &Event<'_>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match event {
        Event::Column(column) => {
            assert_eq!((column.catalog, column.table), (&b"def"[..], &b"t"[..]));
            let (kind, unsigned) = column.layout();
            told.columns.push((text(column.name), kind, unsigned));
        }
        Event::ColumnCount(_) => told.columns.clear(),
        Event::DefinitionsEnd(_) => {}
        Event::Err(error) => {
            told.error = Some((error.code, error.sqlstate().to_owned(), text(error.message)));
        }
        Event::Ok(ok) => {
            told.successes.push((ok.affected_rows, ok.last_insert_id, ok.status));
        }
        Event::Parameter(parameter) => told.parameters.push(parameter.layout()),
        Event::Prepared(ok) => {
            told.prepared = Some((ok.statement, ok.columns, ok.parameters));
        }
        Event::Row { payload, whole: true } => told.rows.push(payload.to_vec()),
        Event::Row { payload, whole: false } => partial.extend_from_slice(payload),
        Event::RowsEnd(end) => told.ends.push(end.status),
        Event::LocalInfile { .. } | Event::Text(_) => panic!("nobody asked for {event:?}"),
    }
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    inbox: Vec<u8>,
    capabilities: Capabilities,
    cutting: Cutting,
}

/// What a login came to.
#[derive(Debug, PartialEq)]
pub(crate) enum Login {
    Done { switched: bool },
    Failed { code: u16 },
}

impl Client {
    /// Connects, and shows the greeting.
    pub(crate) fn connect(
        server: &Server,
        capabilities: Capabilities,
        cutting: Cutting,
    ) -> (Self, Vec<u8>) {
        let mut client =
            Self { stream: server.connect(), inbox: Vec::new(), capabilities, cutting };
        let greeting = client.packet(0);
        (client, greeting)
    }

    /// Connects and logs in.
    pub(crate) fn open(server: &Server, capabilities: Capabilities, cutting: Cutting) -> Self {
        let (mut client, greeting) = Self::connect(server, capabilities, cutting);
        let challenge = Greeting::parse(&greeting).unwrap().challenge;
        let login = client.log_in("zoë", "mysql_native_password", &proof(&challenge), None);
        assert_eq!(login, Login::Done { switched: false });
        client
    }

    pub(crate) fn log_in(
        &mut self,
        user: &str,
        plugin: &str,
        auth: &[u8],
        schema: Option<&str>,
    ) -> Login {
        let fixed = Fixed {
            claimed: self.capabilities,
            max_packet: 1 << 24,
            collation: encode::server::UTF8MB4,
        };
        let schema = schema.map(str::as_bytes);
        let (user, plugin) = (user.as_bytes(), plugin.as_bytes());
        let answer = Answer { fixed, user, auth, schema, plugin, attributes: &[] };
        let (mut out, mut sequence) = (Vec::new(), 1);
        encode::packet(&mut out, &mut sequence, |out| answer.put(out)).unwrap();
        self.send(&out);
        let reply = self.packet(sequence);
        let switched = match AuthReply::parse(&reply, self.capabilities).unwrap() {
            AuthReply::Ok(_) => return Login::Done { switched: false },
            AuthReply::Err(error) => return Login::Failed { code: error.code },
            AuthReply::More(_) => panic!("the plugin has one step"),
            AuthReply::Switch { plugin, challenge } => {
                assert_eq!(plugin, b"mysql_native_password");
                proof(challenge.strip_suffix(&[0]).unwrap())
            }
        };
        let (mut out, mut sequence) = (Vec::new(), sequence.wrapping_add(1));
        encode::payload(&mut out, &mut sequence, &switched);
        self.send(&out);
        let reply = self.packet(sequence);
        let last = AuthReply::parse(&reply, self.capabilities).unwrap();
        assert!(matches!(last, AuthReply::Ok(_)), "{last:?}");
        Login::Done { switched: true }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends a command and reads the reply; `None` when the server closes the connection instead or in the middle.
    pub(crate) fn ask(&mut self, command: &[u8], kind: ReplyKind) -> Option<Told> {
        self.send(command);
        let mut reading = Reading::new(kind, self.capabilities, self.cutting);
        while !reading.take(&mut self.inbox) {
            if !self.more() {
                return None;
            }
        }
        assert!(self.inbox.is_empty(), "nothing follows a reply");
        Some(reading.told)
    }

    /// Sends a command and gives back the bytes of the reply, which has so many.
    pub(crate) fn raw(&mut self, command: &[u8], length: usize) -> Vec<u8> {
        self.send(command);
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Whether the server has closed the connection and said nothing before.
    pub(crate) fn is_closed(&mut self) -> bool {
        !self.more() && self.inbox.is_empty()
    }

    fn more(&mut self) -> bool {
        let mut read = [0; 1 << 14];
        // A reset is an end, too: the server may close with bytes of ours unread.
        let length = self.stream.read(&mut read).or_else(|error| {
            if error.kind() == std::io::ErrorKind::ConnectionReset { Ok(0) } else { Err(error) }
        });
        let length = length.unwrap();
        self.inbox.extend_from_slice(&read[..length]);
        length > 0
    }

    fn packet(&mut self, sequence: u8) -> Vec<u8> {
        loop {
            if let Some(found) = message(&self.inbox, sequence, 1 << 16).unwrap() {
                let (payload, consumed) = (found.payload.to_vec(), found.consumed);
                self.inbox.drain(..consumed);
                return payload;
            }
            assert!(self.more(), "the server closed the connection");
        }
    }
}
