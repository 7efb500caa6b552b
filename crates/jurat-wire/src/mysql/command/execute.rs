//! `COM_STMT_EXECUTE` and the values that it binds.

use crate::mysql::column_type::ColumnType;
use crate::mysql::cursor::Cursor;
use crate::mysql::error::ParseError;
use crate::mysql::row::{Value, bit, read_value};

/// `COM_STMT_EXECUTE` up to its values, which only the number of parameters makes readable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Execute<'a> {
    /// The number of the statement. MariaDB's drivers send `u32::MAX` for the one prepared last.
    pub statement: u32,
    /// Whether and how a cursor is opened.
    pub cursor: CursorType,
    values: Values<'a>,
}

/// The bytes behind the fixed part, which are not shown: they are data.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Values<'a>(&'a [u8]);

impl std::fmt::Debug for Values<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} bytes", self.0.len())
    }
}

/// Whether and how a cursor is opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CursorType {
    /// None: all rows come with the reply.
    None,
    /// For reading; rows come with `COM_STMT_FETCH`.
    ReadOnly,
}

/// The type of a parameter as a client sends it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ParameterType {
    /// The type.
    pub kind: ColumnType,
    /// Whether integers have no sign.
    pub unsigned: bool,
}

/// The values of one execution.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound<'a> {
    /// The types to remember for executions that send none; `None` when these were remembered.
    pub new_types: Option<Vec<ParameterType>>,
    /// One value a parameter.
    pub values: Vec<BoundValue<'a>>,
}

/// What one parameter is bound to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BoundValue<'a> {
    /// What was sent in pieces before.
    LongData,
    /// A value.
    Value(Value<'a>),
}

impl<'a> Execute<'a> {
    pub(super) fn read(mut cursor: Cursor<'a>) -> Result<Self, ParseError> {
        let statement = cursor.u32("statement")?;
        let cursor_type = match cursor.u8("cursor type")? {
            0 => CursorType::None,
            1 => CursorType::ReadOnly,
            // For update, scrollable, and the count of parameters that query attributes bring.
            value => {
                let value = u32::from(value);
                return Err(ParseError::InvalidSelector { field: "cursor type", value });
            }
        };
        let iterations = cursor.u32("iteration count")?;
        if iterations != 1 {
            let field = "iteration count";
            return Err(ParseError::InvalidSelector { field, value: iterations });
        }
        Ok(Self { statement, cursor: cursor_type, values: Values(cursor.rest()) })
    }

    /// Reads the values for a statement with `count` parameters.
    ///
    /// `remembered` are the types that an earlier execution of the statement sent. `sent_long` says
    /// of a parameter, from 0, whether pieces of it were sent before, in which case its value is not
    /// here.
    ///
    /// # Errors
    /// [`ParseError`] when the values are not exactly those of so many parameters;
    /// [`ParseError::TypesUnknown`] when no types are known.
    pub fn bind(
        &self,
        count: usize,
        remembered: Option<&[ParameterType]>,
        sent_long: impl Fn(usize) -> bool,
    ) -> Result<Bound<'a>, ParseError> {
        let mut cursor = Cursor::new(self.values.0);
        let mut values = Vec::new();
        if count == 0 {
            finish_without_parameters(cursor)?;
            return Ok(Bound { new_types: None, values });
        }
        let bitmap = cursor.take(count.saturating_add(7) >> 3, "null bitmap")?;
        let new_types = match cursor.u8("types flag")? {
            0 => None,
            1 => Some(read_types(&mut cursor, count)?),
            value => {
                let value = u32::from(value);
                return Err(ParseError::InvalidSelector { field: "types flag", value });
            }
        };
        let types = new_types.as_deref().or(remembered).unwrap_or_default();
        if types.len() != count {
            return Err(ParseError::TypesUnknown);
        }
        for (index, kind) in types.iter().enumerate() {
            values.push(if sent_long(index) {
                BoundValue::LongData
            } else if bit(bitmap, index) {
                BoundValue::Value(Value::Null)
            } else {
                BoundValue::Value(read_value(&mut cursor, kind.kind, kind.unsigned)?)
            });
        }
        cursor.finish()?;
        Ok(Bound { new_types, values })
    }
}

/// Some drivers send the types flag, of no types, without any parameter.
fn finish_without_parameters(mut cursor: Cursor<'_>) -> Result<(), ParseError> {
    if !cursor.is_empty() {
        let value = u32::from(cursor.u8("types flag")?);
        if value > 1 {
            return Err(ParseError::InvalidSelector { field: "types flag", value });
        }
    }
    cursor.finish()
}

fn read_types(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<ParameterType>, ParseError> {
    const UNSIGNED: u8 = 0x80;
    let mut types = Vec::new();
    let mut declared = Cursor::new(cursor.take(count.saturating_mul(2), "types")?);
    while !declared.is_empty() {
        let kind = ColumnType::from_byte(declared.u8("type")?)?;
        let unsigned = match declared.u8("sign")? {
            0 => false,
            UNSIGNED => true,
            value => {
                let value = u32::from(value);
                return Err(ParseError::InvalidSelector { field: "sign", value });
            }
        };
        types.push(ParameterType { kind, unsigned });
    }
    Ok(types)
}
