//! What people are shown of sessions, policies and counters.

use std::collections::BTreeMap;

use jurat_policy::PackageMode;
use jurat_types::{PrincipalKind, SessionTotals};
use serde::Serialize;

use crate::{CountedStatements, LiveState};

/// A session, for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionView {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub principal: String,
    /// Whether a person, a service or an agent.
    pub kind: PrincipalKind,
    /// On whose behalf it acts.
    pub on_behalf_of: Option<String>,
    /// What the client calls itself: a claim.
    pub application: Option<String>,
    /// The database, as clients call it.
    pub database: String,
    /// Where the client connects from.
    pub client_addr: String,
    /// Whether its connection is encrypted.
    pub tls: bool,
    /// When it began, RFC 3339.
    pub since: String,
    /// What it does.
    pub state: LiveState,
    /// The fingerprint of the statement that was judged last.
    pub fingerprint: Option<String>,
    /// Its text without literals. It is what a client wrote: show it with [`crate::card::plain`] only.
    pub statement: Option<String>,
    /// What it has done.
    pub totals: SessionTotals,
}

/// The policies, for people.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PoliciesView {
    /// The revision that judges.
    pub revision: String,
    /// How many files it has.
    pub files: usize,
    /// How many decision rules it has.
    pub rules: usize,
    /// Why the newest files are not in force, where they are not.
    pub stale: Option<String>,
    /// The packages, by name.
    pub packages: Vec<PackageView>,
}

/// A package of policies.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PackageView {
    /// Its full name.
    pub package: String,
    /// How far its rules reach.
    pub mode: PackageMode,
    /// How many decision rules it has.
    pub rules: usize,
}

/// Counters since the start, and what there is now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// The databases.
    pub databases: Vec<DatabaseStats>,
    /// Requests that wait for an answer; nothing where approvals are not configured.
    pub approvals_pending: Option<usize>,
    /// The revision of the policies in force.
    pub revision: String,
    /// Whether the newest policies are in force.
    pub policies_current: bool,
    /// How many records the log has.
    pub records: u64,
    /// How many of them no checkpoint covers yet.
    pub records_unsigned: u64,
    /// Why the log takes no records at present, where it does not.
    pub record_trouble: Option<String>,
}

/// Counters of one database.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DatabaseStats {
    /// Its name, as clients call it.
    pub database: String,
    /// Statements judged.
    pub counted: CountedStatements,
    /// Sessions by what they do.
    pub sessions: BTreeMap<&'static str, usize>,
}
