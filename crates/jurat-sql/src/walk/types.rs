//! Data types: each must be PostgreSQL's own or stand in the catalog.

use jurat_types::{RelationName, Trigger};
use sqlparser::ast::{ArrayElemTypeDef, CastKind, DataType, ObjectName};

use super::{Stop, Walker};
use crate::catalog_index::SYSTEM_SCHEMA;
use crate::mask::RewriteError;
use crate::names;

/// Types of `pg_catalog` that the parser has no variant for, sorted. Types that the server makes for
/// each relation are in the catalog.
/// Source: `select typname from pg_type` of PostgreSQL 15.
const SYSTEM_TYPES: &[&str] = &[
    "aclitem",
    "any",
    "anyarray",
    "anyelement",
    "bit",
    "bool",
    "box",
    "bpchar",
    "bytea",
    "char",
    "cid",
    "cidr",
    "circle",
    "cstring",
    "date",
    "datemultirange",
    "daterange",
    "event_trigger",
    "float4",
    "float8",
    "inet",
    "int2",
    "int2vector",
    "int4",
    "int4multirange",
    "int4range",
    "int8",
    "int8multirange",
    "int8range",
    "internal",
    "interval",
    "json",
    "jsonb",
    "jsonpath",
    "language_handler",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "numeric",
    "nummultirange",
    "numrange",
    "oid",
    "oidvector",
    "path",
    "pg_lsn",
    "pg_node_tree",
    "pg_snapshot",
    "point",
    "polygon",
    "record",
    "refcursor",
    "regclass",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
    "text",
    "tid",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "trigger",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "txid_snapshot",
    "uuid",
    "varbit",
    "varchar",
    "void",
    "xid",
    "xid8",
    "xml",
];

/// Pseudo-types of column definitions; they name a sequence's owner, not a type.
const SERIAL_TYPES: &[&str] =
    &["bigserial", "serial", "serial2", "serial4", "serial8", "smallserial"];

/// Domains of `information_schema`, which its views use.
const INFORMATION_TYPES: &[&str] =
    &["cardinal_number", "character_data", "sql_identifier", "time_stamp", "yes_or_no"];

impl Walker<'_> {
    pub(super) fn cast_kind(kind: &CastKind) -> Result<(), Stop> {
        match kind {
            CastKind::Cast | CastKind::DoubleColon => Ok(()),
            CastKind::TryCast | CastKind::SafeCast => {
                Err(Stop::unsupported("a cast that PostgreSQL does not have"))
            }
        }
    }

    /// Checks a type and qualifies the name of one that is not PostgreSQL's own.
    #[expect(clippy::too_many_lines, reason = "one arm per variant is what makes it exhaustive")]
    pub(super) fn data_type(&mut self, data_type: &mut DataType) -> Result<(), Stop> {
        self.spend(1)?;
        if !self.naming.is_postgres() {
            // Users cannot add types; what is none is refused by the server.
            return Ok(());
        }
        match data_type {
            DataType::Character(_)
            | DataType::Char(_)
            | DataType::CharacterVarying(_)
            | DataType::CharVarying(_)
            | DataType::Varchar(_)
            | DataType::Uuid
            | DataType::Numeric(_)
            | DataType::Decimal(_)
            | DataType::Dec(_)
            | DataType::Float(_)
            | DataType::Int2(_)
            | DataType::SmallInt(_)
            | DataType::Int(_)
            | DataType::Int4(_)
            | DataType::Int8(_)
            | DataType::Integer(_)
            | DataType::BigInt(_)
            | DataType::Float4
            | DataType::Real
            | DataType::Float8
            | DataType::DoublePrecision
            | DataType::Bool
            | DataType::Boolean
            | DataType::Date
            | DataType::Time(..)
            | DataType::Timestamp(..)
            | DataType::Interval { .. }
            | DataType::JSON
            | DataType::JSONB
            | DataType::Regclass
            | DataType::Text
            | DataType::Bytea
            | DataType::Bit(_)
            | DataType::BitVarying(_)
            | DataType::VarBit(_)
            | DataType::Trigger
            | DataType::GeometricType(_)
            | DataType::TsVector
            | DataType::TsQuery => Ok(()),
            DataType::Custom(name, _) => self.named_type(name),
            DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => self.data_type(element),
            DataType::Array(
                ArrayElemTypeDef::None
                | ArrayElemTypeDef::AngleBracket(_)
                | ArrayElemTypeDef::Parenthesis(_)
                | ArrayElemTypeDef::Qualified(..),
            )
            | DataType::Table(_)
            | DataType::NamedTable { .. }
            | DataType::Nvarchar(_)
            | DataType::CharacterLargeObject(_)
            | DataType::CharLargeObject(_)
            | DataType::Clob(_)
            | DataType::Binary(_)
            | DataType::Varbinary(_)
            | DataType::Blob(_)
            | DataType::TinyBlob
            | DataType::MediumBlob
            | DataType::LongBlob
            | DataType::Bytes(_)
            | DataType::DecimalUnsigned(_)
            | DataType::BigNumeric(_)
            | DataType::BigDecimal(_)
            | DataType::DecUnsigned(_)
            | DataType::FloatUnsigned(_)
            | DataType::TinyInt(_)
            | DataType::TinyIntUnsigned(_)
            | DataType::UTinyInt
            | DataType::Int2Unsigned(_)
            | DataType::SmallIntUnsigned(_)
            | DataType::USmallInt
            | DataType::MediumInt(_)
            | DataType::MediumIntUnsigned(_)
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Int128
            | DataType::Int256
            | DataType::IntUnsigned(_)
            | DataType::Int4Unsigned(_)
            | DataType::IntegerUnsigned(_)
            | DataType::HugeInt
            | DataType::UHugeInt
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64
            | DataType::UInt128
            | DataType::UInt256
            | DataType::BigIntUnsigned(_)
            | DataType::UBigInt
            | DataType::Int8Unsigned(_)
            | DataType::Signed
            | DataType::SignedInteger
            | DataType::Unsigned
            | DataType::UnsignedInteger
            | DataType::Float32
            | DataType::Float64
            | DataType::RealUnsigned
            | DataType::Double(_)
            | DataType::DoubleUnsigned(_)
            | DataType::DoublePrecisionUnsigned
            | DataType::Date32
            | DataType::Datetime(_)
            | DataType::Datetime64(..)
            | DataType::TimestampNtz(_)
            | DataType::TinyText
            | DataType::MediumText
            | DataType::LongText
            | DataType::String(_)
            | DataType::FixedString(_)
            | DataType::Map(..)
            | DataType::Tuple(_)
            | DataType::Nested(_)
            | DataType::Enum(..)
            | DataType::Set(_)
            | DataType::Struct(..)
            | DataType::Union(_)
            | DataType::Nullable(_)
            | DataType::LowCardinality(_)
            | DataType::Unspecified
            | DataType::AnyType => {
                Err(Stop::unsupported("a data type that PostgreSQL does not have"))
            }
        }
    }

    fn named_type(&mut self, object: &mut ObjectName) -> Result<(), Stop> {
        let parts = names::parts_of_label(object)?;
        match parts.as_slice() {
            [name] => {
                if is_system_type(name) || SERIAL_TYPES.contains(&name.as_str()) {
                    return Ok(());
                }
                for schema in self.search_path(name)? {
                    let full = RelationName::new(schema, name);
                    if self.catalog.has_type(&full) {
                        self.row_type(&full)?;
                        *object = names::qualified(&full);
                        return Ok(());
                    }
                }
                Err(Stop::unresolved("type", name))
            }
            [schema, name] => {
                let full = RelationName::new(schema, name);
                let known = (schema == SYSTEM_SCHEMA && is_system_type(name))
                    || (schema == "information_schema"
                        && INFORMATION_TYPES.contains(&name.as_str()))
                    || self.catalog.has_type(&full);
                if known {
                    self.row_type(&full)
                } else {
                    Err(Stop::unresolved("type", full.to_string()))
                }
            }
            _ => Err(Stop::unsupported("a type name of more than two parts")),
        }
    }

    /// What a cast to a type of this name runs, and whether it may stand there. A masked row is not of its
    /// table's row type any more, and a cast would make it look like one.
    fn row_type(&mut self, name: &RelationName) -> Result<(), Stop> {
        let catalog = self.catalog;
        for code in catalog.triggers(name).filter(|code| code.name == Trigger::CODE) {
            let id = code.function.to_string();
            self.facts.function(&id, self.catalog.user_function_class(&id));
        }
        match self.masks {
            Some(masks) if masks.concerns(name, self.catalog) => {
                Err(Stop::Mask(RewriteError::RowType { relation: name.to_string() }))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a type is PostgreSQL's own. The type of its arrays has a `_` in front.
fn is_system_type(name: &str) -> bool {
    let element = name.strip_prefix('_').unwrap_or(name);
    SYSTEM_TYPES.binary_search(&element).is_ok()
}

#[cfg(test)]
mod tests {
    use super::SYSTEM_TYPES;

    #[test]
    fn the_list_is_sorted_because_it_is_searched_by_halves() {
        assert!(SYSTEM_TYPES.is_sorted());
    }
}
