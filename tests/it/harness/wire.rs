//! The protocol by hand: messages in any order, also wrong ones, and every byte that comes back.

use std::fmt;

use jurat_wire::postgres::{encode::frontend as encode, frame::scan, value::Target};
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::in_time;

/// No test receives longer messages.
const BODY_MAX: usize = 64 << 20;

/// A connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    /// Every byte that was received.
    pub(crate) received: Vec<u8>,
    /// How many of them were read as messages.
    read: usize,
    /// What is sent with the next [`Wire::send`].
    out: Vec<u8>,
    /// Process number and secret that cancel what runs here.
    pub(crate) cancel_key: Vec<u8>,
    /// The body of NegotiateProtocolVersion, where one came.
    pub(crate) negotiated: Vec<u8>,
}

/// A message of the server.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) tag: u8,
    pub(crate) body: Vec<u8>,
}

/// What came back up to some point.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply(pub(crate) Vec<Message>);

/// An ErrorResponse or a NoticeResponse.
#[derive(Clone, Debug)]
pub(crate) struct Report(Vec<(u8, String)>);

impl Wire {
    /// Connects and says nothing.
    pub(crate) async fn dial(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            received: Vec::new(),
            read: 0,
            out: Vec::new(),
            cancel_key: Vec::new(),
            negotiated: Vec::new(),
        }
    }

    /// Logs in without TLS.
    pub(crate) async fn log_in(port: u16, user: &str, password: &str, database: &str) -> Self {
        let parameters = [("user", user), ("database", database)];
        match Self::try_log_in(port, password, &parameters).await {
            Ok(wire) => wire,
            Err(report) => panic!("no session: {report}"),
        }
    }

    /// Logs in with start-up parameters; the server's refusal is the error.
    pub(crate) async fn try_log_in(
        port: u16,
        password: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Self, Report> {
        Self::try_log_in_speaking(port, 0, password, parameters).await
    }

    /// Logs in with a minor version of protocol 3.
    pub(crate) async fn try_log_in_speaking(
        port: u16,
        minor: u16,
        password: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Self, Report> {
        let mut wire = Self::dial(port).await;
        encode::startup(&mut wire.out, minor, parameters).unwrap();
        wire.send().await;
        wire.finish_login(password).await
    }

    /// Logs in with parameters of which the server does not know all: it says so first.
    pub(crate) async fn try_log_in_after_negotiation(
        port: u16,
        password: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Self, Report> {
        let mut wire = Self::dial(port).await;
        encode::startup(&mut wire.out, 0, parameters).unwrap();
        wire.send().await;
        let first = wire.message().await.expect("an answer to the start-up message");
        assert_eq!(first.tag, b'v', "{first:?}");
        wire.finish_login(password).await
    }

    async fn finish_login(mut self, password: &str) -> Result<Self, Report> {
        self.prove(password).await?;
        loop {
            let message = self.message().await.expect("a message before the end of the login");
            match message.tag {
                b'E' => return Err(message.report()),
                b'K' => self.cancel_key = message.body,
                b'Z' => return Ok(self),
                _ => {}
            }
        }
    }

    async fn prove(&mut self, password: &str) -> Result<(), Report> {
        let mut scram = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
        loop {
            let message = self.message().await.expect("a message before the end of authentication");
            match (message.tag, message.body.get(..4)) {
                (b'v', _) => self.negotiated = message.body,
                (b'R', Some([0, 0, 0, 0])) => return Ok(()),
                (b'R', Some([0, 0, 0, 10])) => {
                    let first = Some(scram.message());
                    encode::sasl_initial_response(&mut self.out, SCRAM_SHA_256, first).unwrap();
                }
                (b'R', Some([0, 0, 0, 11])) => {
                    scram.update(&message.body[4..]).unwrap();
                    encode::sasl_response(&mut self.out, scram.message()).unwrap();
                }
                (b'R', Some([0, 0, 0, 12])) => scram.finish(&message.body[4..]).unwrap(),
                (b'E', _) => return Err(message.report()),
                other => panic!("{other:?} during authentication"),
            }
            self.send().await;
        }
    }

    /// Adds a simple query to what is sent next.
    pub(crate) fn query(&mut self, text: &str) -> &mut Self {
        encode::query(&mut self.out, text.as_bytes()).unwrap();
        self
    }

    /// Adds Parse.
    pub(crate) fn parse(&mut self, name: &str, text: &str) -> &mut Self {
        encode::parse(&mut self.out, name.as_bytes(), text.as_bytes(), []).unwrap();
        self
    }

    /// Adds Bind without parameters, for results in text.
    pub(crate) fn bind(&mut self, portal: &str, statement: &str) -> &mut Self {
        self.bind_as(portal, statement, 0)
    }

    /// Adds Bind without parameters, for results in text (0) or binary (1).
    pub(crate) fn bind_as(&mut self, portal: &str, statement: &str, format: u8) -> &mut Self {
        let body =
            [portal.as_bytes(), b"\0", statement.as_bytes(), &[0, 0, 0, 0, 0, 0, 1, 0, format]];
        self.raw(b'B', &body.concat())
    }

    /// Adds Bind of the unnamed statement with these texts as values; `None` is NULL.
    pub(crate) fn bind_texts(&mut self, values: &[Option<&str>]) -> &mut Self {
        let mut body = vec![0; 4];
        body.extend_from_slice(&u16::try_from(values.len()).unwrap().to_be_bytes());
        for value in values {
            let length = value.map_or(-1, |value| i32::try_from(value.len()).unwrap());
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(value.unwrap_or_default().as_bytes());
        }
        body.extend_from_slice(&[0, 0]);
        self.raw(b'B', &body)
    }

    /// Adds Describe of a portal.
    pub(crate) fn describe_portal(&mut self, name: &str) -> &mut Self {
        encode::describe(&mut self.out, Target::Portal, name.as_bytes()).unwrap();
        self
    }

    /// Adds Describe of a prepared statement.
    pub(crate) fn describe_statement(&mut self, name: &str) -> &mut Self {
        encode::describe(&mut self.out, Target::Statement, name.as_bytes()).unwrap();
        self
    }

    /// Adds Close of a prepared statement.
    pub(crate) fn close_statement(&mut self, name: &str) -> &mut Self {
        encode::close(&mut self.out, Target::Statement, name.as_bytes()).unwrap();
        self
    }

    /// Adds Execute for all rows.
    pub(crate) fn execute(&mut self, portal: &str) -> &mut Self {
        self.execute_some(portal, 0)
    }

    /// Adds Execute for at most so many rows.
    pub(crate) fn execute_some(&mut self, portal: &str, max_rows: i32) -> &mut Self {
        encode::execute(&mut self.out, portal.as_bytes(), max_rows).unwrap();
        self
    }

    /// Adds Sync.
    pub(crate) fn sync(&mut self) -> &mut Self {
        encode::sync(&mut self.out);
        self
    }

    /// Adds CopyData.
    pub(crate) fn copy_data(&mut self, data: &[u8]) -> &mut Self {
        self.raw(b'd', data)
    }

    /// Adds CopyDone.
    pub(crate) fn copy_done(&mut self) -> &mut Self {
        self.raw(b'c', b"")
    }

    /// Adds CopyFail.
    pub(crate) fn copy_fail(&mut self) -> &mut Self {
        self.raw(b'f', b"no more\0")
    }

    /// Adds a message as it stands.
    pub(crate) fn raw(&mut self, tag: u8, body: &[u8]) -> &mut Self {
        let length = u32::try_from(body.len() + 4).unwrap();
        self.bytes(&[&[tag], &length.to_be_bytes()[..], body].concat())
    }

    /// Adds bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    /// Sends what was added, in one write.
    pub(crate) async fn send(&mut self) {
        let out = std::mem::take(&mut self.out);
        // A server that has closed the connection already is seen by what is read.
        if let Err(error) = self.stream.write_all(&out).await {
            eprintln!("not sent: {error}");
        }
    }

    /// Sends what was added and takes everything up to the next ReadyForQuery or the end.
    pub(crate) async fn answer(&mut self) -> Reply {
        self.send().await;
        self.reply().await
    }

    /// Takes everything up to the next ReadyForQuery or the end.
    pub(crate) async fn reply(&mut self) -> Reply {
        self.reply_until(b'Z').await
    }

    /// Sends what was added and takes everything up to a message with that tag or the end.
    pub(crate) async fn answer_until(&mut self, tag: u8) -> Reply {
        self.send().await;
        self.reply_until(tag).await
    }

    async fn reply_until(&mut self, tag: u8) -> Reply {
        let mut reply = Reply::default();
        while let Some(message) = self.message().await {
            let last = message.tag == tag;
            reply.0.push(message);
            if last {
                break;
            }
        }
        reply
    }

    /// One statement in the simple protocol.
    pub(crate) async fn run(&mut self, text: &str) -> Reply {
        self.query(text).answer().await
    }

    /// One statement in the extended protocol, with results in text (0) or binary (1).
    pub(crate) async fn run_extended(&mut self, text: &str, format: u8) -> Reply {
        self.parse("", text).bind_as("", "", format).describe_portal("").execute("").sync();
        self.answer().await
    }

    /// The next message; nothing when the server has closed the connection.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        loop {
            let unread = &self.received[self.read..];
            if let Some(header) = scan(unread, BODY_MAX).unwrap()
                && let Some(whole) = unread.get(..header.whole_len())
            {
                let message = Message { tag: header.tag, body: whole[5..].to_vec() };
                self.read += header.whole_len();
                return Some(message);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// Forgets what was received and taken.
    pub(crate) fn forget(&mut self) {
        self.received.drain(..self.read);
        self.read = 0;
    }

    /// Whether the server closes the connection without another message.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.message().await.is_none()
    }

    /// Whether the server has closed the connection by now, with a moment's patience.
    pub(crate) async fn is_closed_now(&mut self) -> bool {
        let moment = std::time::Duration::from_millis(200);
        tokio::time::timeout(moment, self.stream.read(&mut [0]))
            .await
            .is_ok_and(|read| matches!(read, Ok(0) | Err(_)))
    }

    /// Takes some bytes as they are, for what is said before messages begin.
    pub(crate) async fn some_bytes(&mut self) -> Vec<u8> {
        if !self.more().await {
            return Vec::new();
        }
        let bytes = self.received[self.read..].to_vec();
        self.read = self.received.len();
        bytes
    }

    async fn more(&mut self) -> bool {
        let mut buffer = vec![0; 64 << 10];
        let read = in_time("an answer", self.stream.read(&mut buffer)).await;
        // A connection that is reset is closed as well.
        let length = read.unwrap_or(0);
        self.received.extend_from_slice(&buffer[..length]);
        length > 0
    }

    /// Sends no more, and listens on.
    pub(crate) async fn end_sending(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Ends the connection without saying so.
    pub(crate) fn hang_up(self) {
        drop(self.stream);
    }

    /// The bare connection, for a TLS handshake.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }
}

impl Message {
    pub(crate) fn report(&self) -> Report {
        let texts = self.body.split(|byte| *byte == 0).filter(|text| !text.is_empty());
        Report(
            texts.map(|text| (text[0], String::from_utf8_lossy(&text[1..]).into_owned())).collect(),
        )
    }

    /// The values of a DataRow, as text.
    fn values(&self) -> Vec<Option<String>> {
        let mut rest = &self.body[2..];
        let mut values = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
                values.push(None);
                rest = after;
                continue;
            };
            values.push(Some(String::from_utf8_lossy(&after[..length]).into_owned()));
            rest = &after[length..];
        }
        values
    }
}

impl Reply {
    /// The bodies of all CopyData, one after the other.
    pub(crate) fn copied(&self) -> Vec<u8> {
        let data = self.0.iter().filter(|message| message.tag == b'd');
        data.flat_map(|message| message.body.clone()).collect()
    }

    /// The tags in order, runs of rows as one: `T D C Z`.
    pub(crate) fn tags(&self) -> String {
        let mut tags = String::new();
        for message in &self.0 {
            let tag = char::from(message.tag);
            if matches!(tag, 'D' | 'd') && tags.ends_with(&format!("{tag} ")) {
                continue;
            }
            match tag {
                'Z' => tags.push_str(&format!("Z{} ", char::from(message.body[0]))),
                _ => tags.push_str(&format!("{tag} ")),
            }
        }
        tags.trim_end().to_owned()
    }

    /// The tags without reports of settings, which a server may send between any two messages.
    pub(crate) fn tags_but_settings(&self) -> String {
        self.tags().split(' ').filter(|tag| *tag != "S").collect::<Vec<_>>().join(" ")
    }

    /// The first error.
    pub(crate) fn error(&self) -> Option<Report> {
        self.0.iter().find(|message| message.tag == b'E').map(Message::report)
    }

    /// The SQLSTATE of the first error, or `00000`.
    pub(crate) fn sqlstate(&self) -> String {
        self.error().map_or_else(|| "00000".to_owned(), |report| report.code().to_owned())
    }

    /// The first notice.
    pub(crate) fn notice(&self) -> Option<Report> {
        self.0.iter().find(|message| message.tag == b'N').map(Message::report)
    }

    /// The words of the last CommandComplete.
    pub(crate) fn tag(&self) -> String {
        let last = self.0.iter().rev().find(|message| message.tag == b'C');
        let words = last.map(|message| message.body.strip_suffix(b"\0").unwrap_or_default());
        String::from_utf8_lossy(words.unwrap_or_default()).into_owned()
    }

    /// The rows as text.
    pub(crate) fn rows(&self) -> Vec<Vec<Option<String>>> {
        self.0.iter().filter(|message| message.tag == b'D').map(Message::values).collect()
    }

    /// The first value of the first row.
    pub(crate) fn value(&self) -> String {
        match self.rows().first().and_then(|row| row.first().cloned()) {
            Some(Some(value)) => value,
            other => panic!("{other:?} instead of a value in {self:?}"),
        }
    }
}

impl Report {
    pub(crate) fn field(&self, letter: u8) -> Option<&str> {
        self.0.iter().find(|(of, _)| *of == letter).map(|(_, text)| text.as_str())
    }

    pub(crate) fn severity(&self) -> &str {
        self.field(b'V').unwrap_or_default()
    }

    pub(crate) fn code(&self) -> &str {
        self.field(b'C').unwrap_or_default()
    }

    pub(crate) fn message(&self) -> &str {
        self.field(b'M').unwrap_or_default()
    }

    pub(crate) fn detail(&self) -> &str {
        self.field(b'D').unwrap_or_default()
    }

    pub(crate) fn hint(&self) -> &str {
        self.field(b'H').unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.severity(), self.code(), self.message())
    }
}
