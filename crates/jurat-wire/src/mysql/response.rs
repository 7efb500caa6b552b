//! Single packets of a server once a session exists. Which of them may come when is in
//! [`result`](super::result).

pub mod session;

use super::capability::{Capabilities, Status};
use super::column_type::ColumnType;
use super::cursor::Cursor;
use super::error::ParseError;
use session::Changes;

/// Success (`OK_Packet`), or the end of rows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OkPacket<'a> {
    /// Rows that were changed, or found with [`Capabilities::FOUND_ROWS`].
    pub affected_rows: u64,
    /// The last number that was generated.
    pub last_insert_id: u64,
    /// The state of the session.
    pub status: Status,
    /// How many warnings there are.
    pub warnings: u16,
    /// Text for people.
    pub info: &'a [u8],
    /// Changes of the session.
    pub changes: Changes<'a>,
}

impl<'a> OkPacket<'a> {
    /// Reads an OK packet, whichever byte it begins with.
    ///
    /// # Errors
    /// [`ParseError`] when it is not exactly that.
    pub fn parse(payload: &'a [u8], capabilities: Capabilities) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(payload);
        let first = cursor.u8("packet")?;
        if !matches!(first, 0x00 | 0xfe) {
            return Err(ParseError::Unexpected { first });
        }
        let affected_rows = cursor.integer("affected rows")?;
        let last_insert_id = cursor.integer("last insert id")?;
        let status = Status(cursor.u16("status")?);
        let warnings = cursor.u16("warning count")?;
        let mut ok = Self { affected_rows, last_insert_id, status, warnings, ..Self::default() };
        // It has a length in any case, which the documentation says of sessions that track changes only
        // (`net_send_ok` in `sql/protocol.cc` of both servers).
        if !cursor.is_empty() {
            ok.info = cursor.bytes("information")?;
        }
        let tracks = capabilities.contains(Capabilities::SESSION_TRACK);
        if tracks && status.contains(Status::SESSION_STATE_CHANGED) {
            ok.changes = Changes::read(&mut cursor)?;
        }
        cursor.finish()?;
        Ok(ok)
    }
}

/// Failure (`ERR_Packet`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ErrPacket<'a> {
    /// MySQL's number of the error.
    pub code: u16,
    /// The SQLSTATE; servers send none before the login.
    pub sqlstate: Option<&'a [u8; 5]>,
    /// The text, which may hold data.
    pub message: &'a [u8],
}

impl<'a> ErrPacket<'a> {
    /// Reads an ERR packet.
    ///
    /// # Errors
    /// [`ParseError`] when it is not that.
    pub fn parse(payload: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(payload);
        let first = cursor.u8("packet")?;
        if first != 0xff {
            return Err(ParseError::Unexpected { first });
        }
        let code = cursor.u16("error number")?;
        let rest = cursor.rest();
        let marked = rest.strip_prefix(b"#").and_then(<[u8]>::split_first_chunk::<5>);
        Ok(match marked {
            Some((sqlstate, message)) => Self { code, sqlstate: Some(sqlstate), message },
            None => Self { code, sqlstate: None, message: rest },
        })
    }

    /// The SQLSTATE as text; `HY000` when the server sent none.
    pub fn sqlstate(&self) -> &'a str {
        self.sqlstate.and_then(|state| std::str::from_utf8(state).ok()).unwrap_or("HY000")
    }
}

/// The end of column definitions or rows (`EOF_Packet`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EofPacket {
    /// How many warnings there are.
    pub warnings: u16,
    /// The state of the session.
    pub status: Status,
}

impl EofPacket {
    /// Reads an EOF packet.
    ///
    /// # Errors
    /// [`ParseError`] when it is not exactly that.
    pub fn parse(payload: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(payload);
        let first = cursor.u8("packet")?;
        if first != 0xfe {
            return Err(ParseError::Unexpected { first });
        }
        let warnings = cursor.u16("warning count")?;
        let status = Status(cursor.u16("status")?);
        cursor.finish()?;
        Ok(Self { warnings, status })
    }
}

/// What a column of a result is (`Protocol::ColumnDefinition41`). Names are in the character set of
/// the connection; those of the origin are empty where the column is computed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ColumnDefinition<'a> {
    /// Always `def`.
    pub catalog: &'a [u8],
    /// The schema of the origin.
    pub schema: &'a [u8],
    /// The table as the statement names it.
    pub table: &'a [u8],
    /// The table of the origin.
    pub org_table: &'a [u8],
    /// The name of the result column.
    pub name: &'a [u8],
    /// The column of the origin.
    pub org_name: &'a [u8],
    /// MariaDB's extended type, with [`Capabilities::MARIADB_EXTENDED_METADATA`].
    pub extended: &'a [u8],
    /// The number of the collation; 63 stands for bytes.
    pub collation: u16,
    /// The longest value in bytes.
    pub length: u32,
    /// The type.
    pub kind: ColumnType,
    /// Flags ([`ColumnDefinition::UNSIGNED`] and others of `include/mysql_com.h`).
    pub flags: u16,
    /// Digits behind the decimal point.
    pub decimals: u8,
    /// The default value, in the reply to `COM_FIELD_LIST` only.
    pub default: Option<&'a [u8]>,
}

impl<'a> ColumnDefinition<'a> {
    /// The flag of integers without a sign.
    pub const UNSIGNED: u16 = 1 << 5;

    /// Reads a definition. `field_list` says that it belongs to the reply to `COM_FIELD_LIST`.
    ///
    /// # Errors
    /// [`ParseError`] when it is not exactly that.
    pub fn parse(
        payload: &'a [u8],
        capabilities: Capabilities,
        field_list: bool,
    ) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(payload);
        let catalog = cursor.bytes("catalog")?;
        let schema = cursor.bytes("schema")?;
        let table = cursor.bytes("table")?;
        let org_table = cursor.bytes("original table")?;
        let name = cursor.bytes("name")?;
        let org_name = cursor.bytes("original name")?;
        let extended = if capabilities.contains(Capabilities::MARIADB_EXTENDED_METADATA) {
            cursor.bytes("extended type")?
        } else {
            b""
        };
        let length = cursor.integer("length of the fixed part")?;
        if length != 12 {
            return Err(ParseError::InvalidLength { field: "fixed part", length });
        }
        let collation = cursor.u16("collation")?;
        let length = cursor.u32("column length")?;
        let kind = ColumnType::from_byte(cursor.u8("type")?)?;
        let flags = cursor.u16("flags")?;
        let decimals = cursor.u8("decimals")?;
        cursor.u16("filler")?;
        let default =
            if field_list && !cursor.is_empty() { cursor.value("default value")? } else { None };
        cursor.finish()?;
        Ok(Self {
            catalog,
            schema,
            table,
            org_table,
            name,
            org_name,
            extended,
            collation,
            length,
            kind,
            flags,
            decimals,
            default,
        })
    }

    /// Type and sign, as [`binary_values`](super::row::binary_values) takes them.
    pub const fn layout(&self) -> (ColumnType, bool) {
        (self.kind, self.flags & Self::UNSIGNED != 0)
    }
}

/// A statement was prepared (`COM_STMT_PREPARE_OK`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PrepareOk {
    /// The number of the statement.
    pub statement: u32,
    /// How many columns its result has.
    pub columns: u16,
    /// How many parameters it takes.
    pub parameters: u16,
    /// How many warnings there are.
    pub warnings: u16,
}

impl PrepareOk {
    /// Reads the packet.
    ///
    /// # Errors
    /// [`ParseError`] when it is not exactly that.
    pub fn parse(payload: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(payload);
        let first = cursor.u8("packet")?;
        if first != 0 {
            return Err(ParseError::Unexpected { first });
        }
        let statement = cursor.u32("statement")?;
        let columns = cursor.u16("column count")?;
        let parameters = cursor.u16("parameter count")?;
        cursor.u8("filler")?;
        let warnings = cursor.u16("warning count")?;
        cursor.finish()?;
        Ok(Self { statement, columns, parameters, warnings })
    }
}
