//! The documents of the API. They are part of its promise, so they are apart from what the core has in memory.

use jurat_core as core;
use jurat_types::{Principal, PrincipalKind, SessionTotals};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moment;

/// What a person says about something, characters.
const REASON_CHARS_MAX: usize = 500;

pub(super) fn short(text: &str) -> String {
    text.chars().take(REASON_CHARS_MAX).collect()
}

/// A request for approval. The statement and its values are as they were asked: what shows them to people must not
/// take them for markup or for characters that control a terminal.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Approval {
    /// For example `AP-7Q2M4KXD`
    id: String,
    /// `pending`, `approved`, `denied`, `used`, `expired` or `canceled`
    state: &'static str,
    /// Who asks
    principal: Principal,
    /// The database, as clients call it
    database: String,
    environment: String,
    /// What the client says it is for: a claim
    claimed_purpose: Option<String>,
    /// What the client says of a ticket: a claim
    claimed_ticket: Option<String>,
    /// What kind of statement
    kind: Option<String>,
    /// The statement that is bound
    statement: Option<String>,
    /// The text that runs it, where it is another one
    runs_by: Option<String>,
    /// Bound values
    values: Vec<String>,
    /// Relations that it touches
    relations: Vec<String>,
    /// The most rows that it may change, where that is bound
    max_rows: Option<u64>,
    /// Some of the rows that it concerns, where they were asked for
    sample: Option<Sample>,
    /// What rules ask for
    requests: Vec<Request>,
    /// Why the requester wants it, in the requester's words
    why: Option<String>,
    votes: Vec<Vote>,
    /// The decision that asked
    decision_id: String,
    /// The decision that used the approval
    used_by: Option<String>,
    /// SHA-256 of everything that is bound
    digest: String,
    /// The revision of the policies that asked
    policy_revision: String,
    /// RFC 3339
    created: String,
    /// RFC 3339: when the request ends; once it is approved, when the approval does
    expires: String,
}

/// Some of the rows that a statement concerns
#[derive(Debug, JsonSchema, Serialize)]
struct Sample {
    columns: Vec<String>,
    /// A value for each column, as a text that may be cut off; `null` is NULL
    rows: Vec<Vec<Option<String>>>,
    /// Columns that are not shown
    withheld: Vec<Withheld>,
    /// Why there are no rows, where the database could not be asked
    failed: Option<String>,
}

/// A column that is not shown
#[derive(Debug, JsonSchema, Serialize)]
struct Withheld {
    column: String,
    /// Its labels, or another reason
    why: String,
}

impl From<&core::Sample> for Sample {
    fn from(one: &core::Sample) -> Self {
        let withheld = one.withheld.iter();
        Self {
            columns: one.columns.clone(),
            rows: one.rows.clone(),
            withheld: withheld
                .map(|(column, why)| Withheld { column: column.clone(), why: why.clone() })
                .collect(),
            failed: one.failed.clone(),
        }
    }
}

/// What one rule asks for
#[derive(Debug, JsonSchema, Serialize)]
struct Request {
    rule: String,
    message: String,
    approvers: Vec<String>,
    /// How many of them
    min: u32,
}

/// An answer that was given
#[derive(Debug, JsonSchema, Serialize)]
struct Vote {
    by: String,
    yes: bool,
    reason: Option<String>,
    /// RFC 3339
    at: String,
    /// `cli`, `sql`, `console` or `api`
    via: String,
}

impl From<&core::Approval> for Approval {
    fn from(one: &core::Approval) -> Self {
        let intent = &one.intent;
        let statement = intent.statement.as_ref();
        let requests = one.requests.iter().map(|request| Request {
            rule: request.id.clone(),
            message: request.msg.clone(),
            approvers: request.approvers.clone(),
            min: request.min,
        });
        let votes = one.votes.iter().map(|vote| Vote {
            by: vote.by.clone(),
            yes: vote.yes,
            reason: vote.reason.clone(),
            at: moment(vote.at_ns),
            via: vote.via.clone(),
        });
        let relations = statement.map(|statement| &*statement.relations);
        Self {
            id: one.id.clone(),
            state: one.state.as_str(),
            principal: intent.principal.clone(),
            database: intent.target.name.clone(),
            environment: intent.target.environment.clone(),
            claimed_purpose: intent.claimed.purpose.clone(),
            claimed_ticket: intent.claimed.ticket.clone(),
            kind: statement.map(|statement| statement.kind.clone()),
            statement: statement.map(|statement| statement.text.clone()),
            runs_by: one.runs_by.clone(),
            values: one.values.clone(),
            relations: relations.unwrap_or_default().iter().map(|one| one.id.clone()).collect(),
            max_rows: one.max_rows,
            sample: one.sample.as_ref().map(Sample::from),
            requests: requests.collect(),
            why: one.why.clone(),
            votes: votes.collect(),
            decision_id: one.decision_id.clone(),
            used_by: one.used_by.clone(),
            digest: one.digest.clone(),
            policy_revision: intent.policy.revision.clone(),
            created: moment(one.created_ns),
            expires: moment(one.expires_ns),
        }
    }
}

/// An answer to a request
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// What to say about it; it is recorded, and the requester is told
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// The end of a session
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Kill {
    /// Why; it is recorded
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// A session
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Session {
    id: String,
    principal: String,
    kind: PrincipalKind,
    on_behalf_of: Option<String>,
    /// What the client calls itself: a claim
    application: Option<String>,
    database: String,
    client_addr: String,
    /// Whether the client's connection is encrypted
    tls: bool,
    /// RFC 3339
    since: String,
    /// `idle`, `idle in transaction`, `running` or `held`
    state: &'static str,
    /// The fingerprint of the statement that was judged last
    fingerprint: Option<String>,
    /// Its text without literals
    statement: Option<String>,
    totals: SessionTotals,
}

impl From<core::SessionView> for Session {
    fn from(view: core::SessionView) -> Self {
        Self {
            id: view.id,
            principal: view.principal,
            kind: view.kind,
            on_behalf_of: view.on_behalf_of,
            application: view.application,
            database: view.database,
            client_addr: view.client_addr,
            tls: view.tls,
            since: view.since,
            state: view.state.as_str(),
            fingerprint: view.fingerprint,
            statement: view.statement,
            totals: view.totals,
        }
    }
}

/// The policies in force
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Policies {
    revision: String,
    files: usize,
    rules: usize,
    /// Why the newest files are not in force
    stale: Option<String>,
    packages: Vec<Package>,
}

/// A package of policies
#[derive(Debug, JsonSchema, Serialize)]
struct Package {
    package: String,
    /// `enforce`, `warn` or `dryrun`
    mode: serde_json::Value,
    rules: usize,
}

impl From<core::PoliciesView> for Policies {
    fn from(view: core::PoliciesView) -> Self {
        let packages = view.packages.into_iter().map(|package| Package {
            package: package.package,
            mode: serde_json::to_value(package.mode).unwrap_or_default(),
            rules: package.rules,
        });
        Self {
            revision: view.revision,
            files: view.files,
            rules: view.rules,
            stale: view.stale,
            packages: packages.collect(),
        }
    }
}

/// What came of a reload
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Reloaded {
    /// The revision of the policies in force
    pub(super) revision: String,
    /// What is wrong with what is not in force
    pub(super) errors: Vec<String>,
}

/// A wish to stop writes to a database
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Freezing {
    pub(super) database: String,
    /// Why; clients are told
    pub(super) reason: String,
    /// For how long; until somebody lets them go on where nothing is said
    #[serde(default)]
    pub(super) seconds: Option<u64>,
}

/// A database whose writes are stopped
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Freeze {
    database: String,
    reason: String,
    by: String,
    /// RFC 3339
    until: Option<String>,
}

impl From<core::Freeze> for Freeze {
    fn from(freeze: core::Freeze) -> Self {
        Self {
            database: freeze.database,
            reason: freeze.reason,
            by: freeze.by,
            until: freeze.until_ns.map(moment),
        }
    }
}

/// Counters since the start
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Stats {
    databases: Vec<Database>,
    /// Requests that wait; nothing where approvals are not configured
    approvals_pending: Option<usize>,
    policy_revision: String,
    /// Whether the newest policies are in force
    policies_current: bool,
    /// Records in the log, over all starts
    records: u64,
    /// Why the log takes no records
    record_trouble: Option<String>,
}

/// Counters of one database
#[derive(Debug, JsonSchema, Serialize)]
struct Database {
    database: String,
    sessions: usize,
    /// Statements judged
    judged: u64,
    statements: Vec<Statements>,
}

/// Statements of one class with one decision
#[derive(Debug, JsonSchema, Serialize)]
struct Statements {
    class: &'static str,
    decision: &'static str,
    count: u64,
}

impl From<core::Stats> for Stats {
    fn from(stats: core::Stats) -> Self {
        let databases = stats.databases.into_iter().map(|database| Database {
            database: database.database,
            sessions: database.sessions.values().sum(),
            judged: database.counted.judged,
            statements: database
                .counted
                .statements
                .into_iter()
                .map(|(class, decision, count)| Statements { class, decision, count })
                .collect(),
        });
        Self {
            databases: databases.collect(),
            approvals_pending: stats.approvals_pending,
            policy_revision: stats.revision,
            policies_current: stats.policies_current,
            records: stats.records,
            record_trouble: stats.record_trouble,
        }
    }
}
