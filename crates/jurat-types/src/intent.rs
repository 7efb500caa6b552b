//! The policy `input`: what a statement is about to do, version v1.
//!
//! Every key is always present, `null` where it does not apply, so that `not input.x.y` is never true
//! by accident.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Principal, Target};

/// The version of the intent document.
pub const VERSION: &str = "v1";

/// The document that a policy judges.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Intent {
    /// Always [`VERSION`].
    pub version: String,
    /// Which of the three judgements this is.
    pub stage: Stage,
    /// A UUIDv7, new for every judgement.
    pub request_id: String,
    /// When, injected so that every decision can be replayed.
    pub time: TimeFacts,
    /// Who asks.
    pub principal: Principal,
    /// What the client says about itself; never identity.
    pub claimed: Claimed,
    /// The connection.
    pub session: SessionFacts,
    /// The database.
    pub target: Target,
    /// The statement; `null` at the session stage.
    pub statement: Option<StatementFacts>,
    /// Grants that apply to this statement: `id`, `rules`, `approvers`, `approved_ns`, `expires_ns`, `max_rows`.
    /// At the stage `approval`, what is asked: `id`, `requester`, `rules`, `reason`.
    pub approvals: Vec<serde_json::Value>,
    /// Which policies judge.
    pub policy: PolicyRef,
}

/// Which judgement an intent is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Somebody wants to look at or change what Jurat does: `principal` is who, `approvals[0].action` what, and
    /// `session` and `target` are those concerned. Only the rules `may_administer` are looked at.
    Admin,
    /// Somebody wants to consent to a statement, or to say no to it: `principal` is the approver, all else
    /// is as it was asked. Only the rules `may_approve` are looked at.
    Approval,
    /// A write has run inside its transaction and nothing is committed.
    Result,
    /// Once, at login.
    Session,
    /// Before anything runs.
    Statement,
}

/// The moment of the judgement.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct TimeFacts {
    /// Nanoseconds since the Unix epoch.
    pub now_ns: i64,
    /// The same in RFC 3339, UTC.
    pub rfc3339: String,
    /// `Monday` to `Sunday`.
    pub weekday: String,
    /// 0 to 23.
    pub hour: u32,
    /// The time zone of `weekday` and `hour`; always `UTC` in v1.
    pub tz: String,
}

/// What the client says about itself.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Claimed {
    /// `application_name`.
    pub application: Option<String>,
    /// Why the client says it connects (`jurat.purpose`).
    pub purpose: Option<String>,
    /// A ticket (`jurat.ticket`).
    pub ticket: Option<String>,
    /// A W3C trace context.
    pub trace: Option<String>,
}

/// The connection.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct SessionFacts {
    /// A UUIDv7.
    pub id: String,
    /// The client's IP address and port.
    pub client_addr: String,
    /// Whether the client's connection is encrypted.
    pub tls: bool,
    /// When the session began, nanoseconds since the Unix epoch.
    pub started_ns: i64,
    /// Whether a transaction block is open.
    pub in_transaction: bool,
    /// Whether the listener is read-only for this session.
    pub read_only: bool,
    /// Running totals of this session.
    pub totals: SessionTotals,
    /// That the writes of the database are stopped, where they are (`jurat admin freeze`).
    pub freeze: Option<FreezeFacts>,
    /// Whether it asks to be a replication connection, which copies everything past every statement.
    pub replication: Option<Replication>,
}

/// Writes of a database are stopped. What that means is for policies to say; those that ship deny them.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct FreezeFacts {
    /// Why.
    pub reason: String,
    /// Who has stopped them.
    pub by: String,
    /// When it ends by itself, RFC 3339 in UTC; `null` where somebody has to end it.
    pub until: Option<String>,
}

/// What a replication connection is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replication {
    /// The changes of one database (`replication=database`); it also takes statements.
    Logical,
    /// The files of the whole cluster (`replication=true`).
    Physical,
}

/// Running totals of a session.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct SessionTotals {
    /// Statements judged.
    pub statements: u64,
    /// Rows returned.
    pub rows_read: u64,
    /// Rows changed.
    pub rows_written: u64,
    /// Statements denied.
    pub denied: u64,
}

/// Which policies judge.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PolicyRef {
    /// The revision, for example `sha256:…`.
    pub revision: String,
}

/// What a statement is about to do.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct StatementFacts {
    /// Whether the statement was understood. Where not, the lists below are empty and mean nothing.
    pub parsed: bool,
    /// Why it was not understood.
    pub unparsed_reason: Option<String>,
    /// The way it came.
    pub protocol: Protocol,
    /// Its place in a message of several statements, from 0.
    pub index: usize,
    /// How many statements the message has.
    pub count: usize,
    /// `select`, `insert`, `create_table`, …, or `unparsed`.
    pub kind: String,
    /// The family of `kind`.
    pub class: StatementClass,
    /// The canonical text that would run (the client's text where `parsed` is false).
    pub text: String,
    /// The SHA-256 (hex, 16 digits) of the text with its literals taken out.
    pub fingerprint: String,
    /// The SHA-256 (hex) of `text`.
    pub sha256: String,
    /// Whether an UPDATE or DELETE has a WHERE clause; `false` for other kinds without one.
    pub has_where: bool,
    /// Whether that WHERE clause cannot exclude a row (`WHERE true`, `1 = 1`).
    pub where_always_true: bool,
    /// A literal LIMIT of the outermost query.
    pub limit: Option<u64>,
    /// Whether a write returns rows.
    pub returning: bool,
    /// Whether running it runs the statement inside (`false` for EXPLAIN without ANALYZE).
    pub executes: bool,
    /// Whether a WITH clause holds a write.
    pub data_modifying_cte: bool,
    /// Whether it builds SQL at run time (DO, EXECUTE of unknown text, dynamic SQL functions).
    pub dynamic_sql: bool,
    /// Relations that it touches, each once per access and route.
    pub relations: Arc<[RelationUse]>,
    /// Columns that it touches, each once per role and mode.
    pub columns: Arc<[ColumnUse]>,
    /// The columns of its result, in order, with the columns that each is made of. Behind one that is
    /// named `*` there may be any number, as of a function in FROM.
    pub outputs: Arc<[OutputColumn]>,
    /// Functions that it calls, each once.
    pub functions: Arc<[FunctionUse]>,
    /// Names of settings that it changes or reads (SET, SHOW, RESET, `set_config`, `current_setting`).
    /// `(computed)` stands for one that `set_config` changes and the text does not name.
    pub settings: Vec<String>,
    /// Those of `settings` that it only sets to the value that every session has anyway, for example
    /// `client_encoding` to UTF8.
    pub settings_kept: Vec<String>,
    /// Names that could not be resolved.
    pub unresolved: Vec<String>,
    /// Bound parameters.
    pub parameters: Parameters,
    /// Rows foreseen.
    pub estimate: Estimate,
    /// Rows done; filled at the result stage.
    pub actual: Actual,
}

/// The way a statement came.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// COPY data.
    Copy,
    /// The extended query protocol.
    Extended,
    /// The function-call sub-protocol.
    FunctionCall,
    /// SQL-level PREPARE and EXECUTE, and MySQL's prepared statements.
    Prepared,
    /// The simple query protocol.
    Simple,
}

/// The family of a statement.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementClass {
    /// Server administration: VACUUM, CHECKPOINT, ALTER SYSTEM, …
    Admin,
    /// Rights: GRANT, REVOKE, CREATE ROLE, …
    Dcl,
    /// Definitions: CREATE, ALTER, DROP, TRUNCATE, COMMENT, …
    Ddl,
    /// Reads only.
    Read,
    /// Session state: SET, SHOW, DISCARD, DEALLOCATE, LISTEN, …
    Session,
    /// BEGIN, COMMIT, ROLLBACK, SAVEPOINT, …
    Transaction,
    /// Not understood.
    Unknown,
    /// Changes rows.
    Write,
}

/// A relation that a statement touches.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct RelationUse {
    /// `schema.name`.
    pub id: String,
    /// The schema.
    pub schema: String,
    /// The name.
    pub name: String,
    /// What it is: `table`, `view`, …; `unknown` for one that does not exist yet.
    pub kind: String,
    /// What is done to it.
    pub access: Access,
    /// How the statement gets there.
    pub via: Via,
    /// Labels from `data.jurat.catalog`.
    pub labels: Vec<String>,
}

/// What is done to a relation.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Its definition changes.
    Ddl,
    /// Its rows are read.
    Read,
    /// Its rows change.
    Write,
}

/// How a statement reaches a relation.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// Along a foreign key.
    Cascade,
    /// Inside a WITH query.
    Cte,
    /// Named in the statement.
    Direct,
    /// By a trigger.
    Trigger,
    /// Through a view.
    View,
}

/// A column that a statement touches.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ColumnUse {
    /// `schema.relation.column`.
    pub id: String,
    /// `schema.relation`.
    pub relation: String,
    /// The column's name.
    pub name: String,
    /// What the column is used for.
    pub role: ColumnRole,
    /// Whether its value is used as it is.
    pub mode: ColumnMode,
    /// `view` where a view's definition uses it, else `direct`.
    pub via: Via,
    /// Labels from `data.jurat.catalog`.
    pub labels: Vec<String>,
}

/// What a column is used for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnRole {
    /// Part of the arguments of a function in FROM, or of another place that is not a result.
    Argument,
    /// Written by INSERT, UPDATE or MERGE.
    Assigned,
    /// Compared with the other rows of a result: DISTINCT, UNION, INTERSECT, EXCEPT; in GROUP BY beside the
    /// primary key of its table.
    Distinct,
    /// GROUP BY, DISTINCT ON, PARTITION BY, DISTINCT inside an aggregate.
    Group,
    /// ON or USING.
    Join,
    /// ORDER BY.
    Order,
    /// Part of a result column.
    Output,
    /// WHERE, HAVING, FILTER, a CASE condition, LIMIT.
    Predicate,
    /// Part of a RETURNING column.
    Returned,
    /// Read to compute a value that is written.
    Source,
}

/// Whether a column's value is used as it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnMode {
    /// Inside an expression.
    Derived,
    /// Bare.
    Direct,
    /// As part of its whole row.
    WholeRow,
}

/// A column of a result.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct OutputColumn {
    /// Its name; `?column?` where the server makes none up that is known.
    pub name: String,
    /// How its value comes about.
    pub mode: OutputMode,
    /// The columns that it is made of, as `schema.relation.column`; behind a view also the view's sources.
    pub columns: Vec<String>,
}

/// How the value of a result column comes about.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputMode {
    /// It is made of no column.
    Constant,
    /// It is computed from its columns.
    Derived,
    /// It is its column's value.
    Direct,
    /// A function that is not known takes part, so it can be made of anything.
    Opaque,
    /// It is a row.
    WholeRow,
}

/// A function that a statement calls.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct FunctionUse {
    /// `schema.name`.
    pub id: String,
    /// What it can do.
    pub class: FunctionClass,
    /// Labels from `data.jurat.catalog`.
    pub labels: Vec<String>,
}

/// What a function can do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FunctionClass {
    /// Controls the server: terminate backends, reload, rotate logs, advisory locks, …
    Admin,
    /// Reads the system catalog only.
    Catalog,
    /// Runs SQL given as text.
    DynamicSql,
    /// Reads or writes files or large objects.
    File,
    /// Talks to the network.
    Network,
    /// Depends on its arguments only.
    Pure,
    /// Reads or changes settings.
    Settings,
    /// Not on the allow-list; also every user function that is not declared.
    Unknown,
    /// Depends on time, randomness, sequences or session state.
    Volatile,
}

/// Bound parameters.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Parameters {
    /// How many.
    pub count: usize,
    /// Their values, where they are known.
    pub values: Vec<serde_json::Value>,
}

/// Rows foreseen. It is never evidence.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Estimate {
    /// How many.
    pub rows: Option<u64>,
    /// `none`, `explain` or `count`; `failed` where it was asked for and there is none.
    pub source: String,
    /// All rows of the table that it writes, where the share was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// Rows done.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Actual {
    /// By the statement itself.
    pub rows: Option<u64>,
    /// By cascades.
    pub cascaded: Option<u64>,
}
