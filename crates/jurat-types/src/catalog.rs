//! A snapshot of what exists in one database: the objects that names are resolved against.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Engine, RelationName};

/// Everything that reading a statement needs to know about a database.
///
/// It is plain data: front-ends fill it from the server's own catalog, `jurat explain` from a file.
/// Look-ups are made over an index that `jurat-sql` builds from it.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Catalog {
    /// Which kind of server it comes from: it decides by which rules texts are read.
    #[serde(skip_serializing_if = "Engine::is_postgres")]
    pub engine: Engine,
    /// Whether the server compares names of databases and tables without regard to case
    /// (`lower_case_table_names` of MySQL and MariaDB).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub folds_table_names: bool,
    /// The server's version, for example `15.18`.
    pub server_version: String,
    /// Whether `pg_catalog` and `information_schema` are part of this snapshot. Where they are not,
    /// `jurat-sql` adds the ones it knows.
    pub has_system: bool,
    /// All schemas, also empty ones.
    pub schemas: Vec<String>,
    /// Tables, views and everything else that can stand in FROM.
    pub relations: Vec<Relation>,
    /// Functions, procedures and aggregates.
    pub functions: Vec<Function>,
    /// Foreign keys, because a write can cascade along them.
    pub foreign_keys: Vec<ForeignKey>,
    /// User triggers and other code on relations and types, because a write, a view or a cast runs it.
    pub triggers: Vec<Trigger>,
    /// Tables whose storage engine cannot take a change back (MyISAM, Aria, MEMORY, …); none on PostgreSQL.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub without_rollback: BTreeSet<RelationName>,
    /// Data types outside `pg_catalog`, as (schema, name).
    pub types: Vec<RelationName>,
    /// The schemas in which unqualified names of the views' definitions are looked up, in order: the
    /// server leaves out the schemas that the session which asks finds anyway.
    pub definition_path: Vec<String>,
}

/// One relation.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    /// Its name.
    pub name: RelationName,
    /// What it is.
    pub kind: RelationKind,
    /// Its columns in order; dropped and system columns are left out.
    pub columns: Vec<Column>,
    /// PostgreSQL's object id; 0 where the snapshot does not come from a server.
    #[serde(default)]
    pub oid: u32,
    /// For views and materialized views: every column of other relations that the definition reads,
    /// through other views down to tables.
    #[serde(default)]
    pub reads: Vec<ViewSource>,
    /// For views and materialized views: the query that they stand for, as `pg_get_viewdef` writes it.
    /// It is read, and never sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Partitioned or inherited parents: a child carries its parents' labels.
    #[serde(default)]
    pub parents: Vec<RelationName>,
}

/// A column read by a view's definition. `column` is `None` where the whole relation is read.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ViewSource {
    /// The relation that is read.
    pub relation: RelationName,
    /// The column that is read.
    pub column: Option<String>,
}

/// A column of a relation.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as `format_type` writes it, for example `character varying(255)`. It is spliced into
    /// casts, so it must come from the server or from a reviewed file, never from a client.
    pub data_type: String,
    /// PostgreSQL's attribute number; 0 where unknown.
    #[serde(default)]
    pub attnum: i16,
    /// Whether it is computed from other columns (GENERATED ALWAYS AS), so that COPY leaves it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub generated: bool,
    /// Whether it is part of the primary key, on which the other columns of the table depend.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub key: bool,
    /// For a column of a domain: the type that the domain is made of, written as `data_type`. That is what
    /// clients are told anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_type: Option<String>,
}

/// What a relation is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    /// A composite type's relation.
    Composite,
    /// A foreign table.
    ForeignTable,
    /// A materialized view.
    MaterializedView,
    /// A partitioned table.
    PartitionedTable,
    /// A sequence.
    Sequence,
    /// An ordinary table.
    Table,
    /// A view.
    View,
}

/// A function, procedure, aggregate or window function, one entry per name (not per signature).
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Schema and name.
    pub name: RelationName,
    /// Whether any overload is SECURITY DEFINER.
    #[serde(default)]
    pub security_definer: bool,
    /// Whether any overload does not come with the server. What is known of a name of `pg_catalog` does not
    /// hold for one that somebody has put there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub added: bool,
    /// The extension that all overloads belong to, where they belong to one and a superuser owns them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
}

/// A foreign key: a write to `referenced` can change rows of `referencing`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// The table with the constraint.
    pub referencing: RelationName,
    /// The table it points to.
    pub referenced: RelationName,
    /// Whether deletes cascade (CASCADE, SET NULL or SET DEFAULT).
    pub on_delete_writes: bool,
    /// Whether updates cascade (CASCADE, SET NULL or SET DEFAULT).
    pub on_update_writes: bool,
}

/// Code on a relation that runs without being called: a user trigger, a rule, or the function behind a
/// default, a generated column, a check, or an index.
///
/// A type outside `pg_catalog` can stand in place of the relation: casting to it then runs the function,
/// because it is a domain with a check or has a conversion of its own.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// The relation that the trigger is on.
    pub relation: RelationName,
    /// The trigger's name; `code` for what is no trigger and no rule.
    pub name: String,
    /// The function that it runs.
    pub function: RelationName,
}

impl Trigger {
    /// The name of what runs when the relation, a view, is read. The server calls the rule so that holds a
    /// view's definition.
    pub const DEFINITION: &'static str = "_RETURN";

    /// The name of what is no trigger and no rule.
    pub const CODE: &'static str = "code";
}
