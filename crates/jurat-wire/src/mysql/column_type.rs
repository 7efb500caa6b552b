//! The types of columns and parameters, by the numbers that they have on the wire.

use super::error::ParseError;

/// A type (`enum_field_types` in `include/field_types.h`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "the names are MySQL's own")]
pub enum ColumnType {
    Bit,
    Blob,
    Date,
    DateTime,
    DateTime2,
    Decimal,
    Double,
    Enum,
    Float,
    Geometry,
    Int24,
    Json,
    Long,
    LongBlob,
    LongLong,
    MediumBlob,
    NewDate,
    NewDecimal,
    Null,
    Set,
    Short,
    String,
    Time,
    Time2,
    Timestamp,
    Timestamp2,
    Tiny,
    TinyBlob,
    VarChar,
    VarString,
    Vector,
    Year,
}

/// How a value of a type is written in binary rows and parameters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Layout {
    /// Behind a length.
    Bytes,
    /// A date, with a time of day or without.
    Date,
    /// Eight bytes of floating point.
    Double,
    /// Four bytes of floating point.
    Float,
    /// An integer of so many bytes.
    Integer(usize),
    /// Nothing: NULL.
    Null,
    /// A length of time.
    Time,
}

/// Types and their numbers.
const NUMBERS: [(u8, ColumnType); 32] = [
    (0, ColumnType::Decimal),
    (1, ColumnType::Tiny),
    (2, ColumnType::Short),
    (3, ColumnType::Long),
    (4, ColumnType::Float),
    (5, ColumnType::Double),
    (6, ColumnType::Null),
    (7, ColumnType::Timestamp),
    (8, ColumnType::LongLong),
    (9, ColumnType::Int24),
    (10, ColumnType::Date),
    (11, ColumnType::Time),
    (12, ColumnType::DateTime),
    (13, ColumnType::Year),
    (14, ColumnType::NewDate),
    (15, ColumnType::VarChar),
    (16, ColumnType::Bit),
    (17, ColumnType::Timestamp2),
    (18, ColumnType::DateTime2),
    (19, ColumnType::Time2),
    (242, ColumnType::Vector),
    (245, ColumnType::Json),
    (246, ColumnType::NewDecimal),
    (247, ColumnType::Enum),
    (248, ColumnType::Set),
    (249, ColumnType::TinyBlob),
    (250, ColumnType::MediumBlob),
    (251, ColumnType::LongBlob),
    (252, ColumnType::Blob),
    (253, ColumnType::VarString),
    (254, ColumnType::String),
    (255, ColumnType::Geometry),
];

impl ColumnType {
    /// The type with this number.
    ///
    /// # Errors
    /// [`ParseError::InvalidSelector`] for a number that no server uses.
    pub fn from_byte(byte: u8) -> Result<Self, ParseError> {
        NUMBERS
            .iter()
            .find(|(number, _)| *number == byte)
            .map(|(_, kind)| *kind)
            .ok_or(ParseError::InvalidSelector { field: "type", value: u32::from(byte) })
    }

    /// The number of the type.
    pub fn as_byte(self) -> u8 {
        NUMBERS.iter().find(|(_, kind)| *kind == self).map_or(0, |(number, _)| *number)
    }

    /// How a value is written in binary rows and parameters.
    pub const fn layout(self) -> Layout {
        match self {
            Self::Tiny => Layout::Integer(1),
            Self::Short | Self::Year => Layout::Integer(2),
            Self::Long | Self::Int24 => Layout::Integer(4),
            Self::LongLong => Layout::Integer(8),
            Self::Float => Layout::Float,
            Self::Double => Layout::Double,
            Self::Null => Layout::Null,
            Self::Date | Self::DateTime | Self::Timestamp => Layout::Date,
            Self::Time => Layout::Time,
            Self::Bit
            | Self::Blob
            | Self::DateTime2
            | Self::Decimal
            | Self::Enum
            | Self::Geometry
            | Self::Json
            | Self::LongBlob
            | Self::MediumBlob
            | Self::NewDate
            | Self::NewDecimal
            | Self::Set
            | Self::String
            | Self::Time2
            | Self::Timestamp2
            | Self::TinyBlob
            | Self::VarChar
            | Self::VarString
            | Self::Vector => Layout::Bytes,
        }
    }
}
