//! The description of the columns of a result.

use crate::postgres::cursor::Cursor;
use crate::postgres::error::ParseError;
use crate::postgres::value::Format;

/// The columns of a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RowDescription<'a> {
    count: usize,
    fields: &'a [u8],
}

/// One column of a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Field<'a> {
    /// Its name, in the encoding of the client.
    pub name: &'a [u8],
    /// The table that it is a column of (`pg_class.oid`); 0 for an expression.
    pub table_oid: u32,
    /// Which column of that table (`pg_attribute.attnum`, negative for a system column); 0 for an
    /// expression.
    pub attnum: i16,
    /// Its type (`pg_type.oid`).
    pub type_oid: u32,
    /// The length of the type in bytes; negative for types of variable length.
    pub typlen: i16,
    /// The modifier of the type, such as the 20 of `varchar(20)`; -1 for none.
    pub typmod: i32,
    /// How its values are written. In the answer to a Describe of a statement it is not known yet
    /// and always text.
    pub format: Format,
}

impl<'a> RowDescription<'a> {
    /// The columns in order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.fields);
        let mut left = self.count;
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            Field::read(&mut cursor).ok()
        })
    }

    /// How many columns there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no column, as in `SELECT FROM t`.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let count = usize::from(cursor.u16("column count")?);
        let fields = cursor.rest();
        for _ in 0..count {
            Field::read(cursor)?;
        }
        Ok(Self { count, fields })
    }
}

impl<'a> Field<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        Ok(Self {
            name: cursor.string("column name")?,
            table_oid: cursor.u32("table number")?,
            attnum: cursor.i16("column number")?,
            type_oid: cursor.u32("type number")?,
            typlen: cursor.i16("type length")?,
            typmod: cursor.i32("type modifier")?,
            format: Format::from_code(cursor.i16("column format")?)?,
        })
    }
}
