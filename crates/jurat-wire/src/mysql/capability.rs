//! What the two ends of a connection can do, and the status flags of a server.

use std::fmt;

/// A set of capability flags. The lower half is MySQL's (`include/mysql_com.h`), the upper half is
/// MariaDB's extension, which travels in bytes that MySQL leaves zero.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// MySQL's old flag for long passwords. A MariaDB server or client that leaves it out says that
    /// it sends [`Self::mariadb`] (`CLIENT_MYSQL`).
    pub const MYSQL: Self = Self(1);
    /// Affected rows are found rows.
    pub const FOUND_ROWS: Self = Self(1 << 1);
    /// Column definitions with all flags.
    pub const LONG_FLAG: Self = Self(1 << 2);
    /// The handshake names a schema.
    pub const CONNECT_WITH_DB: Self = Self(1 << 3);
    /// `database.table.column` is not allowed.
    pub const NO_SCHEMA: Self = Self(1 << 4);
    /// Compression with zlib.
    pub const COMPRESS: Self = Self(1 << 5);
    /// A client of ODBC; no effect.
    pub const ODBC: Self = Self(1 << 6);
    /// `LOAD DATA LOCAL`.
    pub const LOCAL_FILES: Self = Self(1 << 7);
    /// Spaces before `(` are ignored, which makes function names reserved.
    pub const IGNORE_SPACE: Self = Self(1 << 8);
    /// Protocol 4.1.
    pub const PROTOCOL_41: Self = Self(1 << 9);
    /// `interactive_timeout` holds rather than `wait_timeout`.
    pub const INTERACTIVE: Self = Self(1 << 10);
    /// TLS.
    pub const SSL: Self = Self(1 << 11);
    /// The client ignores SIGPIPE; no effect.
    pub const IGNORE_SIGPIPE: Self = Self(1 << 12);
    /// Status flags in OK packets.
    pub const TRANSACTIONS: Self = Self(1 << 13);
    /// An old flag; no effect.
    pub const RESERVED: Self = Self(1 << 14);
    /// The password is answered by a scramble of 20 bytes.
    pub const SECURE_CONNECTION: Self = Self(1 << 15);
    /// Several statements in one text.
    pub const MULTI_STATEMENTS: Self = Self(1 << 16);
    /// Several results of one text.
    pub const MULTI_RESULTS: Self = Self(1 << 17);
    /// Several results of one prepared statement.
    pub const PS_MULTI_RESULTS: Self = Self(1 << 18);
    /// Authentication by named plugins.
    pub const PLUGIN_AUTH: Self = Self(1 << 19);
    /// The client says what it is, in pairs of strings.
    pub const CONNECT_ATTRS: Self = Self(1 << 20);
    /// The answer to the challenge may be longer than 255 bytes.
    pub const PLUGIN_AUTH_LENENC: Self = Self(1 << 21);
    /// The client can change an expired password.
    pub const EXPIRED_PASSWORDS: Self = Self(1 << 22);
    /// OK packets tell of changes of the session.
    pub const SESSION_TRACK: Self = Self(1 << 23);
    /// An OK packet ends rows, and nothing ends column definitions.
    pub const DEPRECATE_EOF: Self = Self(1 << 24);
    /// Column definitions may be left out.
    pub const OPTIONAL_RESULTSET_METADATA: Self = Self(1 << 25);
    /// Compression with zstd.
    pub const ZSTD: Self = Self(1 << 26);
    /// Commands carry named values in front of their text.
    pub const QUERY_ATTRIBUTES: Self = Self(1 << 27);
    /// More than one factor of authentication.
    pub const MULTI_FACTOR: Self = Self(1 << 28);
    /// An internal flag of MySQL's client library.
    pub const CAPABILITY_EXTENSION: Self = Self(1 << 29);
    /// The server's certificate is checked; a flag for the client's own use.
    pub const SSL_VERIFY_SERVER_CERT: Self = Self(1 << 30);
    /// Options of a failed connection are kept; a flag for the client's own use.
    pub const REMEMBER_OPTIONS: Self = Self(1 << 31);
    /// MariaDB: reports of progress inside of error packets.
    pub const MARIADB_PROGRESS: Self = Self(1 << 32);
    /// MariaDB: `COM_MULTI`.
    pub const MARIADB_COM_MULTI: Self = Self(1 << 33);
    /// MariaDB: bulk execution.
    pub const MARIADB_BULK: Self = Self(1 << 34);
    /// MariaDB: column definitions with extended types.
    pub const MARIADB_EXTENDED_METADATA: Self = Self(1 << 35);
    /// MariaDB: column definitions may be left out.
    pub const MARIADB_CACHE_METADATA: Self = Self(1 << 36);
    /// MariaDB: a result for each row of a bulk execution.
    pub const MARIADB_BULK_RESULTS: Self = Self(1 << 37);

    /// No capability.
    pub const NONE: Self = Self(0);

    /// MySQL's flags and MariaDB's.
    pub const fn from_halves(mysql: u32, mariadb: u32) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (mysql.to_le_bytes(), mariadb.to_le_bytes());
        Self(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }

    /// MySQL's flags.
    pub const fn mysql(self) -> u32 {
        let [a, b, c, d, ..] = self.0.to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// MariaDB's flags.
    pub const fn mariadb(self) -> u32 {
        let [_, _, _, _, e, f, g, h] = self.0.to_le_bytes();
        u32::from_le_bytes([e, f, g, h])
    }

    /// Whether all of `flags` are in this set.
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Whether one of `flags` is in this set.
    pub const fn intersects(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }

    /// This set with `flags`.
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// This set without `flags`.
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }

    /// What is in both sets.
    pub const fn and(self, flags: Self) -> Self {
        Self(self.0 & flags.0)
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Capabilities({:#x})", self.0)
    }
}

/// The status flags of a server (`SERVER_STATUS_…` in `include/mysql_com.h`).
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Status(pub u16);

impl Status {
    /// In a transaction.
    pub const IN_TRANS: Self = Self(1);
    /// Each statement is its own transaction.
    pub const AUTOCOMMIT: Self = Self(1 << 1);
    /// Another result follows.
    pub const MORE_RESULTS: Self = Self(1 << 3);
    /// No suitable index was used.
    pub const NO_GOOD_INDEX: Self = Self(1 << 4);
    /// No index was used.
    pub const NO_INDEX: Self = Self(1 << 5);
    /// The rows wait in a cursor.
    pub const CURSOR_EXISTS: Self = Self(1 << 6);
    /// The last row of a cursor was sent.
    pub const LAST_ROW_SENT: Self = Self(1 << 7);
    /// A schema was dropped.
    pub const DB_DROPPED: Self = Self(1 << 8);
    /// A backslash in a literal is a backslash.
    pub const NO_BACKSLASH_ESCAPES: Self = Self(1 << 9);
    /// The columns of a prepared statement have changed.
    pub const METADATA_CHANGED: Self = Self(1 << 10);
    /// The statement was slow.
    pub const QUERY_WAS_SLOW: Self = Self(1 << 11);
    /// The result holds the output parameters of a procedure.
    pub const PS_OUT_PARAMS: Self = Self(1 << 12);
    /// The transaction may only read.
    pub const IN_TRANS_READONLY: Self = Self(1 << 13);
    /// The packet tells of changes of the session.
    pub const SESSION_STATE_CHANGED: Self = Self(1 << 14);
    /// MariaDB: the rows are in the ANSI_QUOTES mode.
    pub const ANSI_QUOTES: Self = Self(1 << 15);

    /// Whether all of `flags` are set.
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These flags and `flags`.
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// These flags without `flags`.
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Status({:#x})", self.0)
    }
}
