//! Names of database objects, as parts and never as one dotted string.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// PostgreSQL cuts identifiers to `NAMEDATALEN - 1` bytes.
pub const IDENTIFIER_BYTES_MAX: usize = 63;

/// A relation's schema and name, exactly as the catalog stores them (already folded).
#[derive(
    Clone, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub struct RelationName {
    /// The schema (PostgreSQL) or database (MySQL).
    pub schema: String,
    /// The relation's own name.
    pub name: String,
}

impl RelationName {
    /// Makes a name from its parts.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

/// The `id` form used in intents and policies: `public.customers`.
impl fmt::Display for RelationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// A column of a relation.
#[derive(
    Clone, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub struct ColumnId {
    /// The relation that the column belongs to.
    pub relation: RelationName,
    /// The column's own name.
    pub column: String,
}

impl ColumnId {
    /// Makes a column name from its parts.
    pub fn new(relation: RelationName, column: impl Into<String>) -> Self {
        Self { relation, column: column.into() }
    }
}

/// The `id` form used in intents and policies: `public.customers.email`.
impl fmt::Display for ColumnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.relation, self.column)
    }
}

/// Folds an unquoted identifier as PostgreSQL does in a UTF-8 database: ASCII letters only.
pub fn fold_identifier(name: &str) -> String {
    name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{ColumnId, RelationName, fold_identifier};

    #[test]
    fn ids_are_written_with_dots() {
        let column = ColumnId::new(RelationName::new("public", "customers"), "email");
        assert_eq!(column.to_string(), "public.customers.email");
    }

    #[test]
    fn only_ascii_letters_fold() {
        assert_eq!(fold_identifier("ÉTÉ_Users"), "ÉtÉ_users");
    }
}
