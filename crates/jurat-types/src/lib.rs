//! The vocabulary of Jurat and its JSON contracts.
//!
//! Nouns only: no tokio, no regorus, no sqlparser, no clock and no I/O. In reading order:
//! who asks ([`Principal`]), what is asked ([`Intent`]), over which objects ([`Catalog`]), what is
//! answered ([`Decision`]), what a client may be told ([`Refusal`]) and what is remembered
//! ([`Record`]). Only [`Intent`], [`Decision`] and [`Record`] are wire contracts; their schemas are
//! committed under `rego/schema/` and compared by a test.

mod catalog;
mod decision;
mod error_kind;
mod intent;
mod moment;
mod object_name;
mod principal;
mod record;
mod refusal;
mod schema;
mod secret;
mod target;

pub use catalog::{
    Catalog, Column, ForeignKey, Function, Relation, RelationKind, Trigger, ViewSource,
};
pub use decision::{
    ApprovalRequest, ColumnMask, DETECTORS, Decision, Effect, EstimateBy, EstimateRequest, Limit,
    MaskMethod, Obligation, PredicateMode, Reason, ReasonKind, RowFilter, SourceLocation,
};
pub use error_kind::ErrorKind;
pub use intent::{
    Access, Actual, Claimed, ColumnMode, ColumnRole, ColumnUse, Estimate, FreezeFacts,
    FunctionClass, FunctionUse, Intent, OutputColumn, OutputMode, Parameters, PolicyRef, Protocol,
    RelationUse, Replication, SessionFacts, SessionTotals, Stage, StatementClass, StatementFacts,
    TimeFacts, VERSION, Via,
};
pub use moment::{is_rfc3339, read_rfc3339, rfc3339, rfc3339_bytes};
pub use object_name::{ColumnId, IDENTIFIER_BYTES_MAX, RelationName, fold_identifier};
pub use principal::{Auth, AuthMethod, Delegator, Principal, PrincipalKind};
pub use record::{
    ApprovalRecord, DecisionRecord, JUDGE_TIMER, Outcome, OutcomeRecord, OutcomesRecord, Record,
    RecordBody, RunRecord, SessionRecord, SystemRecord,
};
pub use refusal::{Refusal, RefusalCode};
pub use schema::{decision_schema, intent_schema, record_schema};
pub use secret::Secret;
pub use target::{Engine, Target};
