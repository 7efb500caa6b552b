//! The gate between clients and databases, without a socket and without a protocol.
//!
//! The walk of one statement:
//!
//! ```text
//! front-end ─ Session::read ──► what the text says (jurat-sql)
//!           ─ Session::judge ─► intent ─► decision (jurat-policy) ─► record (jurat-audit) ─► Draft
//!           ─ Gate::settle ───► Permit, once the record is as durable as the statement needs
//!           ─ Permit::launch ─► the text to send and a Running, which takes the outcome
//! ```
//!
//! Every "no" on the way is a [`Refusal`](jurat_types::Refusal): the only thing a client is told.

mod admin;
mod approvals;
mod authenticate;
mod budget;
pub mod card;
mod clock;
mod counters;
mod database;
mod detect;
mod estimate;
mod freeze;
mod gate;
mod grant;
mod ids;
mod labels;
mod limits;
mod limits_in_force;
mod live;
mod mask_key;
mod outbox;
mod own_words;
mod permit;
mod prepared;
mod readings;
mod refusals;
mod refusals_limits;
mod results;
mod rewrite;
mod sample;
mod session;
mod shapes;
mod unsynced;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use admin::{
    Admin, AdminError, ApprovalAnswer, DatabaseStats, Freezes, PackageView, PoliciesView, Reload,
    Reloaded, Right, SessionView, Stats,
};
pub use approvals::{
    Answer, ApprovalEvent, ApprovalOptions, Approvals, DecideError, Requester, Waiting,
    approval_events, seek_consent,
};
pub use authenticate::{Authenticate, Credential};
pub use budget::{BudgetError, BudgetKey, Budgets, InMemory as InMemoryBudgets, Taken};
pub use clock::{Clock, SystemClock};
pub use counters::{Counted as CountedStatements, JUDGE_BOUNDS_NS};
pub use database::{Database, RefreshClaim};
pub use detect::{Detectors, Scans};
pub use estimate::{Answered, Foreseen, Question};
pub use freeze::{Freeze, StoredFreezes};
pub use gate::Gate;
pub use grant::{
    Approval, ApprovalStore, Asked, Caps, Spending, State as ApprovalState, StoreError, Vote,
    VoteError, read_id as read_approval_id,
};
pub use limits::Limits;
pub use limits_in_force::{Counted, Exceeded, InForce, Passing};
pub use live::{Live, LiveState};
pub use mask_key::MaskKey;
pub use outbox::{Next as NextMessage, Outbox, Outgoing};
pub use own_words::{
    OwnAnswer, OwnTemplate, OwnWords, begins as begins_own_words, literal, read as read_own_words,
};
pub use permit::{Draft, Ending, Permit, Preparation, Running};
pub use prepared::{JudgedStatement, Prepared};
pub use refusals::plain as refusal;
pub use sample::Sample;
pub use session::{Bound, Explanation, Lasts, Login, Over, Session, depends_on_earlier};
pub use unsynced::{Block, Unsynced};

/// What front-ends need of the reading: they never see a tree.
pub use jurat_sql::{
    CatalogIndex, MYSQL_TRACKED, Origins, SearchPath, SessionEffect, Statement, TemporaryTables,
    client_position,
};
