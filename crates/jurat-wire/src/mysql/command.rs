//! What a client asks once a session exists.

pub mod execute;

use super::capability::Capabilities;
use super::cursor::Cursor;
use super::error::ParseError;
use super::value::{Attributes, Secret};
use execute::Execute;

/// One command of a client, with the fields that Jurat looks at. Names and texts are bytes in the
/// character set of the connection.
#[derive(Clone, Debug)]
pub enum Command<'a> {
    /// Log in as somebody else on the same connection.
    ChangeUser(ChangeUser<'a>),
    /// The columns of a table.
    FieldList {
        /// The table.
        table: &'a [u8],
        /// A pattern of column names.
        pattern: &'a [u8],
    },
    /// Change the default schema.
    InitDb {
        /// The schema.
        schema: &'a [u8],
    },
    /// A command whose fields are not read, because it is refused or has none that matter.
    Other(CommandCode),
    /// Is the server there?
    Ping,
    /// End a statement or connection of somebody.
    ProcessKill {
        /// The number of the connection.
        connection: u32,
    },
    /// Run statements.
    Query {
        /// The SQL text.
        text: &'a [u8],
    },
    /// End the session.
    Quit,
    /// Begin the session anew.
    ResetConnection,
    /// Allow or forbid several statements in one text.
    SetOption {
        /// Whether they are allowed.
        multi_statements: bool,
    },
    /// A line of text about the server.
    Statistics,
    /// Forget a prepared statement; there is no reply.
    StmtClose {
        /// The number of the statement.
        statement: u32,
    },
    /// Run a prepared statement.
    StmtExecute(Execute<'a>),
    /// Rows of a cursor.
    StmtFetch {
        /// The number of the statement.
        statement: u32,
        /// How many rows.
        rows: u32,
    },
    /// Prepare a statement.
    StmtPrepare {
        /// The SQL text.
        text: &'a [u8],
    },
    /// Close the cursor of a prepared statement and forget its long data.
    StmtReset {
        /// The number of the statement.
        statement: u32,
    },
    /// A piece of a long parameter; there is no reply.
    StmtSendLongData {
        /// The number of the statement.
        statement: u32,
        /// The number of the parameter, from 0.
        parameter: u16,
        /// The piece.
        data: &'a [u8],
    },
}

/// The fields of `COM_CHANGE_USER`.
#[derive(Clone, Debug)]
pub struct ChangeUser<'a> {
    /// Who the client says it is.
    pub user: &'a [u8],
    /// The answer to the challenge.
    pub auth: Secret<'a>,
    /// The schema to begin in; empty for none.
    pub schema: &'a [u8],
    /// The number of the collation, if it was sent.
    pub collation: Option<u16>,
    /// The authentication plugin, if it was sent.
    pub plugin: Option<&'a [u8]>,
    /// What the client says about itself.
    pub attributes: Option<Attributes<'a>>,
}

impl<'a> Command<'a> {
    /// Reads the payload of a command. `capabilities` are those of the session, in which
    /// [`Capabilities::QUERY_ATTRIBUTES`] must not be: the text of a query would not be where it is
    /// looked for.
    ///
    /// # Errors
    /// [`ParseError`] when the payload is empty or not exactly one command of its kind.
    pub fn parse(payload: &'a [u8], capabilities: Capabilities) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(payload);
        let code = CommandCode::from_byte(cursor.u8("command")?);
        let command = match code {
            CommandCode::ChangeUser => {
                let change = ChangeUser::read(&mut cursor, capabilities)?;
                // Drivers send attributes that they have not announced (mysql_async), which servers leave unread.
                if !capabilities.contains(Capabilities::CONNECT_ATTRS) {
                    return Ok(Self::ChangeUser(change));
                }
                Self::ChangeUser(change)
            }
            CommandCode::FieldList => {
                let table = cursor.string("table")?;
                return Ok(Self::FieldList { table, pattern: cursor.rest() });
            }
            CommandCode::InitDb => return Ok(Self::InitDb { schema: cursor.rest() }),
            CommandCode::Query if capabilities.contains(Capabilities::QUERY_ATTRIBUTES) => {
                return Err(ParseError::InvalidSelector { field: "query attributes", value: 1 });
            }
            CommandCode::Query => return Ok(Self::Query { text: cursor.rest() }),
            CommandCode::StmtPrepare => return Ok(Self::StmtPrepare { text: cursor.rest() }),
            CommandCode::StmtExecute => return Execute::read(cursor).map(Self::StmtExecute),
            CommandCode::StmtSendLongData => {
                let statement = cursor.u32("statement")?;
                let parameter = cursor.u16("parameter")?;
                return Ok(Self::StmtSendLongData { statement, parameter, data: cursor.rest() });
            }
            CommandCode::Ping => Self::Ping,
            CommandCode::ProcessKill => {
                Self::ProcessKill { connection: cursor.u32("connection number")? }
            }
            CommandCode::Quit => Self::Quit,
            CommandCode::ResetConnection => Self::ResetConnection,
            CommandCode::SetOption => match cursor.u16("option")? {
                0 => Self::SetOption { multi_statements: true },
                1 => Self::SetOption { multi_statements: false },
                value => {
                    let value = u32::from(value);
                    return Err(ParseError::InvalidSelector { field: "option", value });
                }
            },
            CommandCode::Statistics => Self::Statistics,
            CommandCode::StmtClose => Self::StmtClose { statement: cursor.u32("statement")? },
            CommandCode::StmtFetch => Self::StmtFetch {
                statement: cursor.u32("statement")?,
                rows: cursor.u32("row count")?,
            },
            CommandCode::StmtReset => Self::StmtReset { statement: cursor.u32("statement")? },
            CommandCode::BinlogDump
            | CommandCode::BinlogDumpGtid
            | CommandCode::Clone
            | CommandCode::Connect
            | CommandCode::ConnectOut
            | CommandCode::CreateDb
            | CommandCode::Daemon
            | CommandCode::Debug
            | CommandCode::DelayedInsert
            | CommandCode::DropDb
            | CommandCode::Multi
            | CommandCode::ProcessInfo
            | CommandCode::Refresh
            | CommandCode::RegisterSlave
            | CommandCode::Shutdown
            | CommandCode::Sleep
            | CommandCode::StmtBulkExecute
            | CommandCode::SubscribeGroupReplicationStream
            | CommandCode::TableDump
            | CommandCode::Time
            | CommandCode::Unknown(_) => return Ok(Self::Other(code)),
        };
        cursor.finish()?;
        Ok(command)
    }

    /// Which command it is.
    pub const fn code(&self) -> CommandCode {
        match self {
            Self::ChangeUser(_) => CommandCode::ChangeUser,
            Self::FieldList { .. } => CommandCode::FieldList,
            Self::InitDb { .. } => CommandCode::InitDb,
            Self::Other(code) => *code,
            Self::Ping => CommandCode::Ping,
            Self::ProcessKill { .. } => CommandCode::ProcessKill,
            Self::Query { .. } => CommandCode::Query,
            Self::Quit => CommandCode::Quit,
            Self::ResetConnection => CommandCode::ResetConnection,
            Self::SetOption { .. } => CommandCode::SetOption,
            Self::Statistics => CommandCode::Statistics,
            Self::StmtClose { .. } => CommandCode::StmtClose,
            Self::StmtExecute(_) => CommandCode::StmtExecute,
            Self::StmtFetch { .. } => CommandCode::StmtFetch,
            Self::StmtPrepare { .. } => CommandCode::StmtPrepare,
            Self::StmtReset { .. } => CommandCode::StmtReset,
            Self::StmtSendLongData { .. } => CommandCode::StmtSendLongData,
        }
    }
}

impl<'a> ChangeUser<'a> {
    fn read(cursor: &mut Cursor<'a>, capabilities: Capabilities) -> Result<Self, ParseError> {
        let user = cursor.string("user name")?;
        let auth = if capabilities.contains(Capabilities::SECURE_CONNECTION) {
            let length = cursor.u8("authentication")?;
            cursor.take(usize::from(length), "authentication")?
        } else {
            cursor.string("authentication")?
        };
        let schema = cursor.string("schema")?;
        let mut change = Self {
            user,
            auth: Secret::new(auth),
            schema,
            collation: None,
            plugin: None,
            attributes: None,
        };
        // Old clients end here, and some behind the collation.
        if cursor.is_empty() {
            return Ok(change);
        }
        change.collation = Some(cursor.u16("collation")?);
        if capabilities.contains(Capabilities::PLUGIN_AUTH) && !cursor.is_empty() {
            change.plugin = Some(cursor.string("plugin name")?);
        }
        if capabilities.contains(Capabilities::CONNECT_ATTRS) && !cursor.is_empty() {
            change.attributes = Some(Attributes::read(cursor)?);
        }
        Ok(change)
    }
}

/// The first byte of a command (`enum_server_command` in `include/my_command.h`, and MariaDB's own).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "the names are MySQL's own")]
pub enum CommandCode {
    BinlogDump,
    BinlogDumpGtid,
    ChangeUser,
    Clone,
    Connect,
    ConnectOut,
    CreateDb,
    Daemon,
    Debug,
    DelayedInsert,
    DropDb,
    FieldList,
    InitDb,
    Multi,
    Ping,
    ProcessInfo,
    ProcessKill,
    Query,
    Quit,
    Refresh,
    RegisterSlave,
    ResetConnection,
    SetOption,
    Shutdown,
    Sleep,
    Statistics,
    StmtBulkExecute,
    StmtClose,
    StmtExecute,
    StmtFetch,
    StmtPrepare,
    StmtReset,
    StmtSendLongData,
    SubscribeGroupReplicationStream,
    TableDump,
    Time,
    /// A byte that no command begins with.
    Unknown(u8),
}

/// Commands, their bytes, and the names that MySQL gives them.
const CODES: [(u8, CommandCode, &str); 36] = [
    (0x00, CommandCode::Sleep, "COM_SLEEP"),
    (0x01, CommandCode::Quit, "COM_QUIT"),
    (0x02, CommandCode::InitDb, "COM_INIT_DB"),
    (0x03, CommandCode::Query, "COM_QUERY"),
    (0x04, CommandCode::FieldList, "COM_FIELD_LIST"),
    (0x05, CommandCode::CreateDb, "COM_CREATE_DB"),
    (0x06, CommandCode::DropDb, "COM_DROP_DB"),
    (0x07, CommandCode::Refresh, "COM_REFRESH"),
    (0x08, CommandCode::Shutdown, "COM_SHUTDOWN"),
    (0x09, CommandCode::Statistics, "COM_STATISTICS"),
    (0x0a, CommandCode::ProcessInfo, "COM_PROCESS_INFO"),
    (0x0b, CommandCode::Connect, "COM_CONNECT"),
    (0x0c, CommandCode::ProcessKill, "COM_PROCESS_KILL"),
    (0x0d, CommandCode::Debug, "COM_DEBUG"),
    (0x0e, CommandCode::Ping, "COM_PING"),
    (0x0f, CommandCode::Time, "COM_TIME"),
    (0x10, CommandCode::DelayedInsert, "COM_DELAYED_INSERT"),
    (0x11, CommandCode::ChangeUser, "COM_CHANGE_USER"),
    (0x12, CommandCode::BinlogDump, "COM_BINLOG_DUMP"),
    (0x13, CommandCode::TableDump, "COM_TABLE_DUMP"),
    (0x14, CommandCode::ConnectOut, "COM_CONNECT_OUT"),
    (0x15, CommandCode::RegisterSlave, "COM_REGISTER_SLAVE"),
    (0x16, CommandCode::StmtPrepare, "COM_STMT_PREPARE"),
    (0x17, CommandCode::StmtExecute, "COM_STMT_EXECUTE"),
    (0x18, CommandCode::StmtSendLongData, "COM_STMT_SEND_LONG_DATA"),
    (0x19, CommandCode::StmtClose, "COM_STMT_CLOSE"),
    (0x1a, CommandCode::StmtReset, "COM_STMT_RESET"),
    (0x1b, CommandCode::SetOption, "COM_SET_OPTION"),
    (0x1c, CommandCode::StmtFetch, "COM_STMT_FETCH"),
    (0x1d, CommandCode::Daemon, "COM_DAEMON"),
    (0x1e, CommandCode::BinlogDumpGtid, "COM_BINLOG_DUMP_GTID"),
    (0x1f, CommandCode::ResetConnection, "COM_RESET_CONNECTION"),
    (0x20, CommandCode::Clone, "COM_CLONE"),
    (0x21, CommandCode::SubscribeGroupReplicationStream, "COM_SUBSCRIBE_GROUP_REPLICATION_STREAM"),
    (0xfa, CommandCode::StmtBulkExecute, "COM_STMT_BULK_EXECUTE"),
    (0xfe, CommandCode::Multi, "COM_MULTI"),
];

impl CommandCode {
    /// The command that begins with this byte.
    pub fn from_byte(byte: u8) -> Self {
        CODES
            .iter()
            .find(|(code, ..)| *code == byte)
            .map_or(Self::Unknown(byte), |(_, code, _)| *code)
    }

    /// The byte that the command begins with.
    pub fn as_byte(self) -> u8 {
        if let Self::Unknown(byte) = self {
            return byte;
        }
        CODES.iter().find(|(_, code, _)| *code == self).map_or(0, |(byte, ..)| *byte)
    }

    /// MySQL's name of the command.
    pub fn name(self) -> &'static str {
        CODES.iter().find(|(_, code, _)| *code == self).map_or("unknown command", |(.., name)| name)
    }
}
