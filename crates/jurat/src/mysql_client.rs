//! A small client of MySQL's protocol: a login with a challenge, queries, and a prepared statement with one value.
//! A driver would bring a second set of everything that `jurat-wire` has already.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use jurat_wire::mysql::{
    auth::{AuthReply, FAST_SUCCESS},
    capability::Capabilities,
    column_type::ColumnType,
    command::CommandCode,
    encode::{self, command},
    frame::message,
    handshake::{Answer, Fixed, Greeting},
    response::ErrPacket,
    result::{Event, Reply, ReplyKind},
    row::{Value, binary_values, text_values},
};
use ring::digest;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The longest packet that is taken, bytes: nothing that is asked is near it.
const PACKET_BYTES_MAX: usize = 16 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What this client can do: what most drivers can. Rows end with an EOF packet.
const CAPABILITIES: Capabilities = Capabilities::MYSQL
    .with(Capabilities::LONG_FLAG)
    .with(Capabilities::PROTOCOL_41)
    .with(Capabilities::TRANSACTIONS)
    .with(Capabilities::SECURE_CONNECTION)
    .with(Capabilities::PLUGIN_AUTH);

/// Rows as text, as a command line client would show them.
pub(crate) type Rows = Vec<Vec<String>>;

/// Why there is no result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Failed {
    /// An error that came over the protocol.
    Told {
        sqlstate: String,
        /// Number or SQLSTATE and the words, as a command line client shows them.
        line: String,
        hint: Option<String>,
        /// Whether it is a refusal of Jurat's, and no other failure.
        refusal: bool,
    },
    /// No answer that could be read.
    Broken(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told { line, .. } => f.write_str(line),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    inbox: Vec<u8>,
}

impl Connection {
    /// Connects to a port of 127.0.0.1 and logs in.
    ///
    /// # Errors
    /// What the other side or the system said.
    pub(crate) async fn open(
        port: u16,
        user: &str,
        password: &str,
        database: &str,
    ) -> Result<Self, Failed> {
        Self::open_as(None, (Ipv4Addr::LOCALHOST, port).into(), (user, password), database).await
    }

    /// The same at any address, as a program that says its name.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) async fn open_as(
        program: Option<&str>,
        address: SocketAddr,
        login: (&str, &str),
        database: &str,
    ) -> Result<Self, Failed> {
        let opened = async {
            let stream = TcpStream::connect(address).await.map_err(broken)?;
            stream.set_nodelay(true).map_err(broken)?;
            let mut connection = Self { stream, inbox: Vec::new() };
            connection.log_in(program, login, database).await?;
            Ok(connection)
        };
        tokio::time::timeout(CONNECT_TIMEOUT, opened).await.map_err(broken)?
    }

    async fn log_in(
        &mut self,
        program: Option<&str>,
        (user, password): (&str, &str),
        database: &str,
    ) -> Result<(), Failed> {
        let mut sequence = 0;
        let payload = self.packet(&mut sequence).await?;
        if payload.first() == Some(&0xff) {
            return Err(told(&ErrPacket::parse(&payload).map_err(broken)?));
        }
        let greeting = Greeting::parse(&payload).map_err(broken)?;
        let auth = proof(greeting.plugin, password, &greeting.challenge)?;
        let attributes: Vec<(&str, &str)> =
            program.map(|program| ("program_name", program)).into_iter().collect();
        let claimed = match program {
            Some(_) => CAPABILITIES.with(Capabilities::CONNECT_ATTRS),
            None => CAPABILITIES,
        };
        let answer = Answer {
            fixed: Fixed { claimed, max_packet: 1 << 24, collation: encode::server::UTF8MB4 },
            user: user.as_bytes(),
            auth: &auth,
            schema: Some(database.as_bytes()),
            plugin: greeting.plugin,
            attributes: &attributes,
        };
        let mut out = Vec::new();
        encode::packet(&mut out, &mut sequence, |out| answer.put(out)).map_err(broken)?;
        loop {
            self.stream.write_all(&out).await.map_err(broken)?;
            out.clear();
            let payload = self.packet(&mut sequence).await?;
            match AuthReply::parse(&payload, CAPABILITIES).map_err(broken)? {
                AuthReply::Ok(_) => return Ok(()),
                AuthReply::Err(error) => return Err(told(&error)),
                AuthReply::More(data) if data.expose() == [FAST_SUCCESS] => {}
                // The password itself is nothing to send without TLS.
                AuthReply::More(_) => return Err(broken("the password itself is asked for")),
                AuthReply::Switch { plugin, challenge } => {
                    let challenge = challenge.strip_suffix(&[0]).unwrap_or(challenge);
                    let auth = proof(plugin, password, challenge)?;
                    encode::payload(&mut out, &mut sequence, &auth);
                }
            }
        }
    }

    /// Runs a statement: its rows, and how many rows it changed.
    ///
    /// # Errors
    /// What the other side said, or that it cannot be read.
    pub(crate) async fn query(&mut self, sql: &str) -> Result<(Rows, u64), Failed> {
        let mut rows = Vec::new();
        let affected = self
            .each_row(sql, |values| {
                rows.push(values.map(|value| value.map_or_else(null, lossy)).collect());
            })
            .await?;
        Ok((rows, affected))
    }

    /// Runs a statement and shows the values of each row; gives how many rows it changed.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub(crate) async fn each_row(
        &mut self,
        sql: &str,
        mut see: impl FnMut(&mut dyn Iterator<Item = Option<&[u8]>>),
    ) -> Result<u64, Failed> {
        let mut out = Vec::new();
        command::query(&mut out, sql.as_bytes());
        self.send(&out).await?;
        let mut affected = 0;
        let kind = ReplyKind::Statement { cursor: false };
        self.reply(kind, |event| {
            if let Event::Row { payload, .. } = event {
                see(&mut text_values(payload));
            } else if let Event::Ok(ok) = event {
                affected = ok.affected_rows;
            }
            Ok(())
        })
        .await?;
        Ok(affected)
    }

    /// Prepares a statement with one parameter, runs it with an integer, and closes it.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub(crate) async fn prepared(&mut self, sql: &str, value: i32) -> Result<Rows, Failed> {
        let mut out = Vec::new();
        command::prepare(&mut out, sql.as_bytes());
        self.send(&out).await?;
        let mut statement = None;
        self.reply(ReplyKind::Prepare, |event| {
            if let Event::Prepared(prepared) = event {
                statement = Some(prepared.statement);
            }
            Ok(())
        })
        .await?;
        let statement = statement.ok_or_else(|| broken("nothing was prepared"))?;
        out.clear();
        command::forward(&mut out, &execution(statement, value));
        self.send(&out).await?;
        let (mut rows, mut columns) = (Vec::new(), Vec::new());
        self.reply(ReplyKind::Statement { cursor: false }, |event| {
            if let Event::Row { payload, .. } = event {
                let values = binary_values(payload, &columns).map_err(broken)?;
                rows.push(values.into_iter().map(shown).collect());
            } else if let Event::Column(column) = event {
                columns.push(column.layout());
            }
            Ok(())
        })
        .await?;
        out.clear();
        command::close(&mut out, statement);
        self.send(&out).await?;
        Ok(rows)
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        self.stream.write_all(bytes).await.map_err(broken)
    }

    /// Reads a reply to its end and shows each packet of it.
    async fn reply(
        &mut self,
        kind: ReplyKind,
        mut see: impl FnMut(Event<'_>) -> Result<(), Failed>,
    ) -> Result<(), Failed> {
        let mut reply = Reply::new(kind, CAPABILITIES);
        let mut sequence = 1;
        while !reply.is_done() {
            let payload = self.packet(&mut sequence).await?;
            let event = reply.take(&payload, payload.len(), true).map_err(broken)?;
            if let Event::Err(error) = event {
                return Err(told(&error));
            }
            see(event)?;
        }
        Ok(())
    }

    /// The payload of the next packet.
    async fn packet(&mut self, sequence: &mut u8) -> Result<Vec<u8>, Failed> {
        loop {
            if let Some(found) =
                message(&self.inbox, *sequence, PACKET_BYTES_MAX).map_err(broken)?
            {
                let (payload, consumed) = (found.payload.into_owned(), found.consumed);
                *sequence = found.sequence.wrapping_add(1);
                self.inbox.drain(..consumed);
                return Ok(payload);
            }
            let read = self.stream.read_buf(&mut self.inbox).await.map_err(broken)?;
            if read == 0 {
                return Err(broken(io::Error::from(io::ErrorKind::UnexpectedEof)));
            }
        }
    }
}

/// `COM_STMT_EXECUTE` without a cursor, and with one signed integer of four bytes.
fn execution(statement: u32, value: i32) -> Vec<u8> {
    let mut out = vec![CommandCode::StmtExecute.as_byte()];
    out.extend_from_slice(&statement.to_le_bytes());
    // No cursor; once; no value is NULL; types follow.
    out.extend_from_slice(&[0, 1, 0, 0, 0, 0, 1, ColumnType::Long.as_byte(), 0]);
    out.extend_from_slice(&value.to_le_bytes());
    out
}

/// What answers a server's challenge.
fn proof(plugin: &[u8], password: &str, challenge: &[u8]) -> Result<Vec<u8>, Failed> {
    let hash = |algorithm, parts: &[&[u8]]| digest::digest(algorithm, &parts.concat());
    let password = password.as_bytes();
    let (once, salted) = match plugin {
        b"mysql_native_password" => {
            let sha1 = &digest::SHA1_FOR_LEGACY_USE_ONLY;
            let once = hash(sha1, &[password]);
            (once, hash(sha1, &[challenge, hash(sha1, &[once.as_ref()]).as_ref()]))
        }
        b"caching_sha2_password" => {
            let sha256 = &digest::SHA256;
            let once = hash(sha256, &[password]);
            (once, hash(sha256, &[hash(sha256, &[once.as_ref()]).as_ref(), challenge]))
        }
        other => return Err(broken(format!("the login wants {}", lossy(other)))),
    };
    Ok(once.as_ref().iter().zip(salted.as_ref()).map(|(a, b)| a ^ b).collect())
}

fn shown(value: Value<'_>) -> String {
    match value {
        Value::Bytes(bytes) => lossy(bytes),
        Value::Date(date) => date.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Null => null(),
        Value::Time(time) => time.to_string(),
        Value::UInt(number) => number.to_string(),
    }
}

fn null() -> String {
    "NULL".to_owned()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn told(error: &ErrPacket<'_>) -> Failed {
    let message = lossy(error.message);
    // The number alone does not say who refuses: a server has the same for a lack of its own privileges.
    let refusal = error.sqlstate() == "42000" && message.starts_with("jurat ");
    let line = format!("ERROR {} ({}): {message}", error.code, error.sqlstate());
    Failed::Told { sqlstate: error.sqlstate().to_owned(), line, hint: None, refusal }
}

fn broken(why: impl std::fmt::Display) -> Failed {
    Failed::Broken(why.to_string())
}
