//! The answer to an intent: one effect, the obligations that go with it, and the reasons.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ColumnId, PolicyRef};

/// What the policies decided, combined.
///
/// It is a contract (`result` in the record) and a superset of OPA's result. An [`Effect`] is matched
/// without a wildcard arm wherever it is acted on.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Decision {
    /// What happens.
    pub effect: Effect,
    /// Every rule that fired, denials first.
    pub reasons: Vec<Reason>,
    /// At most one mask per column: the strictest.
    pub masks: Vec<ColumnMask>,
    /// All apply (AND).
    pub row_filters: Vec<RowFilter>,
    /// The minimum per kind.
    pub limits: Vec<Limit>,
    /// All are needed.
    pub approvals: Vec<ApprovalRequest>,
    /// All are carried out, or the statement is refused.
    pub obligations: Vec<Obligation>,
    /// Which policies judged.
    pub policy: PolicyRef,
    /// What went wrong while judging; not empty means denied.
    pub errors: Vec<String>,
}

/// What happens to a statement. The order is the order of strictness.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It runs as it was judged.
    Allow,
    /// It runs with masks or row filters spliced in.
    Rewrite,
    /// It needs somebody's consent.
    RequireApproval,
    /// It does not run.
    Deny,
}

/// A rule that fired.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Reason {
    /// Which set the element came from.
    pub kind: ReasonKind,
    /// The element's id, for example `guardrails.drop_in_production`.
    pub id: String,
    /// The package that it came from, for example `data.jurat.guardrails`.
    pub package: String,
    /// What a person reads; no value from a statement.
    pub msg: String,
    /// The element's own code.
    pub code: Option<String>,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: Option<String>,
    /// What the client can do next.
    pub remedy: Option<String>,
    /// From the rule's METADATA.
    pub title: Option<String>,
    /// From the rule's METADATA: `custom.controls`.
    pub controls: Vec<String>,
    /// Where the rule is written.
    pub location: Option<SourceLocation>,
    /// Whether an approval may lift this denial.
    pub approvable: bool,
    /// Free details.
    pub details: Option<serde_json::Value>,
}

/// Which set a reason came from.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// A denial.
    Deny,
    /// The policies could not be evaluated or said something malformed.
    Error,
    /// A request for approval.
    Approval,
    /// A mask.
    Mask,
    /// A row filter.
    RowFilter,
    /// A limit.
    Limit,
    /// A warning: told to the client as a notice.
    Warn,
    /// An allowance.
    Allow,
    /// Said by a package that is only rehearsed (`dryrun`): recorded, without effect.
    DryRun,
}

/// A place in a policy file.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct SourceLocation {
    /// The file, relative to the policy directory.
    pub file: String,
    /// The line, from 1.
    pub row: u32,
}

/// How one column is masked.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ColumnMask {
    /// The column.
    pub column: ColumnId,
    /// The method.
    pub method: MaskMethod,
    /// The method's parameters, for example `{"keep_last": 4}`.
    pub params: BTreeMap<String, serde_json::Value>,
    /// What may be asked about the column in conditions, joins, groups and orders.
    #[serde(default)]
    pub predicates: PredicateMode,
    /// The rules that asked for it.
    pub ids: Vec<String>,
}

/// How a value is masked. The order is the order of strictness.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum MaskMethod {
    /// What detectors find in it is replaced; `kinds` says for what is looked.
    Detect,
    /// Some characters stay: `keep_first`, `keep_last`.
    Partial,
    /// Dates lose their precision: `to` is a `date_trunc` field.
    DateTrunc,
    /// Replaced by a stable token.
    Tokenize,
    /// Replaced by a salted hash.
    Hash,
    /// Replaced by a fixed text.
    Redact,
    /// Replaced by NULL.
    Null,
}

/// What detectors look for in free text: the `kinds` of [`MaskMethod::Detect`].
pub const DETECTORS: [&str; 12] = [
    "aws", "azure", "card", "email", "gcp", "github", "iban", "jwt", "phone", "slack", "ssn",
    "stripe",
];

/// What a statement may ask about a masked column. The order is the order of strictness.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Deserialize,
    Eq,
    Hash,
    JsonSchema,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PredicateMode {
    /// Whether its real value is one of those that the statement gives; nothing else.
    Equality,
    /// Anything, and the answer is about the masked value.
    Masked,
    /// Nothing.
    #[default]
    Deny,
}

/// A predicate that every row of a relation must meet.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct RowFilter {
    /// The rule that asked for it.
    pub id: String,
    /// `schema.relation`.
    pub relation: String,
    /// SQL that may name only that relation, with `$name` parameters.
    pub predicate: String,
    /// Values of the parameters.
    pub params: BTreeMap<String, serde_json::Value>,
}

/// An upper bound.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Limit {
    /// The rule that asked for it.
    pub id: String,
    /// `rows_returned`, `rows_affected`, `timeout_ms`, …
    pub kind: String,
    /// The bound.
    pub value: u64,
    /// `deny`, `approve` or `truncate`.
    pub on_exceed: String,
    /// The window of a kind that ends in `_per_window`, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_seconds: Option<u64>,
    /// Whether rows that foreign keys and triggers change count too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cascades: bool,
    /// Whether a statement passes whose rows cannot be counted before they are committed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub uncounted: bool,
    /// Globs over labels: of `protected_values_per_window`, which columns count; empty for every one with a label.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A consent that is needed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ApprovalRequest {
    /// The rule that asks.
    pub id: String,
    /// Why it asks.
    pub msg: String,
    /// Who may consent, for example `group:dba`.
    pub approvers: Vec<String>,
    /// How many must consent.
    pub min: u32,
    /// How long a consent lasts, for example `30m`.
    pub ttl: String,
    /// `hold`, `retry` or `auto`.
    pub mode: String,
}

/// Something that must be done besides.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "kind", content = "params", rename_all = "snake_case")]
pub enum Obligation {
    /// Ask the database how many rows the statement concerns, and judge again.
    Estimate(EstimateRequest),
    /// Record the statement's text with its literals.
    RecordText,
    /// Put a tag on the record.
    Tag(BTreeMap<String, serde_json::Value>),
}

/// How an estimate is asked for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct EstimateRequest {
    /// What the database is asked.
    pub by: EstimateBy,
    /// How long it may take, milliseconds.
    pub timeout_ms: u64,
    /// Whether the statement may run where there is no answer; policies then see the source `failed`.
    pub allow_failure: bool,
    /// Whether all rows of the table that it writes are counted, too, for the share of them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub share: bool,
}

/// What the database is asked. The order is the order of exactness.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum EstimateBy {
    /// The planner's guess.
    Explain,
    /// To count the rows that its condition holds for.
    Count,
}
