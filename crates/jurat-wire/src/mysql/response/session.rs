//! What an OK packet tells of changes of the session (`session_track_…` of the server).

use crate::mysql::cursor::Cursor;
use crate::mysql::error::ParseError;

/// The changes of the session that one statement made, in order.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Changes<'a> {
    /// The entries as they came.
    pub raw: &'a [u8],
}

/// One change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change<'a> {
    /// Kinds that Jurat does not look into: transaction state and characteristics, global
    /// transaction numbers, and kinds of later servers.
    Other {
        /// The number of the kind.
        kind: u8,
    },
    /// The default schema; empty when there is none.
    Schema(&'a [u8]),
    /// Something changed.
    State,
    /// A variable that is tracked.
    Variable {
        /// Its name.
        name: &'a [u8],
        /// Its new value.
        value: &'a [u8],
    },
}

impl<'a> Changes<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let raw = cursor.bytes("session changes")?;
        let mut entries = Cursor::new(raw);
        while !entries.is_empty() {
            let kind = entries.u8("kind of change")?;
            read_change(kind, entries.bytes("change")?, &mut |_| ())?;
        }
        Ok(Self { raw })
    }

    /// Calls `see` for each change, in order.
    pub fn each(&self, mut see: impl FnMut(Change<'a>)) {
        let mut entries = Cursor::new(self.raw);
        // The entries were read once, so what ends this early cannot be.
        while let (Ok(kind), Ok(body)) = (entries.u8("kind"), entries.bytes("change")) {
            if read_change(kind, body, &mut see).is_err() {
                return;
            }
        }
    }
}

fn read_change<'a>(
    kind: u8,
    body: &'a [u8],
    see: &mut impl FnMut(Change<'a>),
) -> Result<(), ParseError> {
    let mut cursor = Cursor::new(body);
    match kind {
        0 => {
            // MySQL sends one variable an entry; MariaDB's documentation allows several.
            while !cursor.is_empty() {
                let name = cursor.bytes("variable name")?;
                see(Change::Variable { name, value: cursor.bytes("variable value")? });
            }
        }
        1 => {
            see(Change::Schema(cursor.bytes("schema")?));
            cursor.finish()?;
        }
        2 => see(Change::State),
        kind => see(Change::Other { kind }),
    }
    Ok(())
}
