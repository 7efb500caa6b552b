//! Types of columns: SQLite keeps what was declared, and both protocols want a type of their own.

/// The type of a column, as far as clients are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Float8,
    Numeric,
    Text,
    Varchar,
    Bytea,
    Date,
    Timestamp,
    Timestamptz,
    Json,
    Uuid,
}

/// Declared names, without arguments, and what they mean. `INT`, `NUM` and `REAL` are what SQLite says of
/// an expression.
const NAMES: &[(&str, Kind, &str)] = &[
    ("bool", Kind::Bool, "boolean"),
    ("boolean", Kind::Bool, "boolean"),
    ("tinyint", Kind::Int2, "smallint"),
    ("smallint", Kind::Int2, "smallint"),
    ("int2", Kind::Int2, "smallint"),
    ("integer", Kind::Int4, "integer"),
    ("int4", Kind::Int4, "integer"),
    ("oid", Kind::Int8, "bigint"),
    ("int", Kind::Int8, "bigint"),
    ("bigint", Kind::Int8, "bigint"),
    ("int8", Kind::Int8, "bigint"),
    ("num", Kind::Int8, "bigint"),
    ("real", Kind::Float8, "double precision"),
    ("float", Kind::Float8, "double precision"),
    ("float8", Kind::Float8, "double precision"),
    ("double", Kind::Float8, "double precision"),
    ("double precision", Kind::Float8, "double precision"),
    ("numeric", Kind::Numeric, "numeric"),
    ("decimal", Kind::Numeric, "numeric"),
    ("text", Kind::Text, "text"),
    ("varchar", Kind::Varchar, "character varying"),
    ("character varying", Kind::Varchar, "character varying"),
    ("char", Kind::Varchar, "character"),
    ("character", Kind::Varchar, "character"),
    ("bytea", Kind::Bytea, "bytea"),
    ("blob", Kind::Bytea, "bytea"),
    ("date", Kind::Date, "date"),
    ("timestamp", Kind::Timestamp, "timestamp without time zone"),
    ("datetime", Kind::Timestamp, "timestamp without time zone"),
    ("timestamp without time zone", Kind::Timestamp, "timestamp without time zone"),
    ("timestamptz", Kind::Timestamptz, "timestamp with time zone"),
    ("timestamp with time zone", Kind::Timestamptz, "timestamp with time zone"),
    ("json", Kind::Json, "json"),
    ("jsonb", Kind::Json, "jsonb"),
    ("uuid", Kind::Uuid, "uuid"),
];

impl Kind {
    /// The type that a declaration names; text where it is not known.
    pub(crate) fn declared(name: &str) -> Self {
        Self::known(name).unwrap_or(Self::Text)
    }

    /// The type that a declaration names, where it is known.
    pub(crate) fn known(name: &str) -> Option<Self> {
        find(name).map(|(_, kind, _)| *kind)
    }

    /// How MySQL calls it in `information_schema.columns`.
    pub(crate) const fn mysql_name(self) -> &'static str {
        match self {
            Self::Bool => "tinyint",
            Self::Int2 => "smallint",
            Self::Int4 => "int",
            Self::Int8 => "bigint",
            Self::Float8 => "double",
            Self::Numeric => "decimal",
            Self::Text => "text",
            Self::Varchar => "varchar",
            Self::Bytea => "blob",
            Self::Date => "date",
            Self::Timestamp | Self::Timestamptz => "datetime",
            Self::Json => "json",
            Self::Uuid => "char",
        }
    }
}

/// A declared type as PostgreSQL's `format_type` writes it.
pub(crate) fn postgres_name(declared: &str) -> String {
    let arguments = declared.find('(').and_then(|at| declared.get(at..)).unwrap_or_default();
    find(declared).map_or_else(|| "text".to_owned(), |(_, _, name)| format!("{name}{arguments}"))
}

fn find(declared: &str) -> Option<&'static (&'static str, Kind, &'static str)> {
    let bare = declared.split('(').next().unwrap_or_default().trim().to_ascii_lowercase();
    NAMES.iter().find(|(name, ..)| *name == bare)
}

#[cfg(test)]
mod tests {
    use super::{Kind, postgres_name};

    #[test]
    fn declared_types_have_a_meaning_in_both_protocols() {
        assert_eq!(Kind::declared("integer"), Kind::Int4);
        assert_eq!(Kind::declared("VARCHAR(20)"), Kind::Varchar);
        assert_eq!(postgres_name("varchar(20)"), "character varying(20)");
        assert_eq!(postgres_name("timestamp with time zone"), "timestamp with time zone");
        assert_eq!(Kind::known("shape"), None);
    }
}
