//! The right to run one statement once, and what became of it.
//!
//! INVARIANT(one-door-upstream): text reaches a database only out of a [`Permit`] or a [`Preparation`], or as a
//! [`Question`](crate::Question) that was made of a statement and only reads. They
//! have private fields and are made in this crate only, after a decision; a `Permit` also holds the
//! receipt of the record that says so. Neither can be made outside, copied, or used twice. This is
//! how a permit is used, and what does not compile:
//!
//! ```
//! fn once(permit: jurat_core::Permit) -> jurat_core::Running {
//!     let (_text, running) = permit.launch();
//!     running
//! }
//! ```
//! ```compile_fail
//! // A permit cannot be built from parts.
//! let permit = jurat_core::Permit { text: "DROP TABLE customers".into() };
//! ```
//! ```compile_fail
//! // A permit cannot be used twice.
//! fn twice(permit: jurat_core::Permit) {
//!     let first = permit.launch();
//!     let second = permit.launch();
//! }
//! ```
//! ```compile_fail
//! // A permit cannot be copied.
//! fn copy(permit: &jurat_core::Permit) -> jurat_core::Permit {
//!     permit.clone()
//! }
//! ```
//! ```compile_fail
//! // A receipt, without which there is no permit, comes from the log only.
//! let receipt = jurat_audit::Receipt { seq: 0 };
//! ```
//! ```compile_fail
//! // A draft is not a permit: it has to be settled (made durable) first.
//! fn send(draft: jurat_core::Draft) -> jurat_core::Running {
//!     draft.launch().1
//! }
//! ```

use std::{sync::Arc, time::Instant};

use jurat_audit::{AuditLog, Receipt};
use jurat_sql::SessionEffect;
use jurat_types::{Decision, Outcome, OutcomeRecord, Reason};

use crate::{InForce, Scans, gate::protects, prepared::JudgedStatement};

/// The right to run one statement once: judged, recorded, and durable where it has to be.
#[derive(Debug)]
#[must_use = "a permit that is not launched runs nothing"]
pub struct Permit {
    running: Running,
    text: Arc<str>,
    notices: Vec<Reason>,
    /// Whether the record must survive a power cut before the statement is sent.
    pub(crate) needs_sync: bool,
}

/// A judged and recorded statement whose record is not durable yet; see
/// [`Gate::settle`](crate::Gate::settle).
#[derive(Debug)]
#[must_use = "a draft has to be settled into a permit"]
pub struct Draft(
    /// As large as a draft, so that a list of drafts becomes a list of permits where it lies.
    pub(crate) Permit,
);

/// The right to prepare, but not to run, one judged text.
#[derive(Debug)]
pub struct Preparation {
    text: Arc<str>,
}

/// What a decision allows.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// The text to send.
    pub(crate) text: Arc<str>,
    /// Warnings that the client is told.
    pub(crate) notices: Vec<Reason>,
    /// The decision, for the masks and row filters that are in reach.
    pub(crate) decision: Arc<Decision>,
    /// Result columns that are looked through.
    pub(crate) scans: Option<Arc<Scans>>,
    /// Whether the record must survive a power cut before the statement is sent.
    pub(crate) needs_sync: bool,
    /// Limits that bear on it.
    pub(crate) in_force: Option<Arc<InForce>>,
}

impl Preparation {
    pub(crate) const fn new(text: Arc<str>) -> Self {
        Self { text }
    }

    /// The text to prepare.
    pub const fn text(&self) -> &Arc<str> {
        &self.text
    }
}

impl Permit {
    pub(crate) fn new(
        audit: Arc<AuditLog>,
        receipt: Receipt,
        decision_id: String,
        judged: Arc<JudgedStatement>,
        allowance: Allowance,
    ) -> Self {
        let Allowance { text, notices, decision, scans, needs_sync, in_force } = allowance;
        let running = Running {
            audit,
            receipt,
            decision_id,
            judged,
            decision,
            scans,
            in_force,
            made: Instant::now(),
            launched: false,
            finished: false,
        };
        Self { running, text, notices, needs_sync }
    }

    pub(crate) const fn receipt(&self) -> &Receipt {
        &self.running.receipt
    }

    /// Warnings that the client is told.
    pub fn notices(&self) -> &[Reason] {
        &self.notices
    }

    /// The text that the permit is for. Only [`Self::launch`] gives the right to send it.
    pub fn text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// The decision that this permit rests on.
    pub fn decision_id(&self) -> &str {
        &self.running.decision_id
    }

    /// Whether masked columns are in reach of the statement.
    pub fn protects(&self) -> bool {
        self.running.protects()
    }

    /// What kind of statement it is, as policies call it.
    pub fn kind(&self) -> &str {
        &self.running.judged.statement().facts().kind
    }

    /// The decision itself.
    pub const fn decision(&self) -> &Arc<Decision> {
        self.running.decision()
    }

    /// Which columns of its rows are looked through on their way to the client.
    pub const fn scans(&self) -> Option<&Arc<Scans>> {
        self.running.scans()
    }

    /// The limits that bear on the statement; nothing for most.
    pub fn limits(&self) -> Option<&InForce> {
        self.running.limits()
    }

    /// The statement.
    pub const fn judged(&self) -> &Arc<JudgedStatement> {
        &self.running.judged
    }

    /// Gives up the permit for the text to send and the handle that takes the outcome.
    pub fn launch(mut self) -> (Arc<str>, Running) {
        self.running.launched = true;
        (self.text, self.running)
    }
}

/// A statement that was sent. Dropped without an outcome, it records `unknown`; dropped before it was
/// sent, `skipped`.
#[derive(Debug)]
#[must_use = "a running statement has to be given its outcome"]
pub struct Running {
    audit: Arc<AuditLog>,
    receipt: Receipt,
    decision_id: String,
    judged: Arc<JudgedStatement>,
    decision: Arc<Decision>,
    scans: Option<Arc<Scans>>,
    in_force: Option<Arc<InForce>>,
    made: Instant,
    launched: bool,
    finished: bool,
}

/// How a statement ended, as the front-end saw it.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// Rows returned or changed.
    pub rows: Option<u64>,
    /// The command tag's words.
    pub command: Option<String>,
    /// The SQLSTATE of an error.
    pub sqlstate: Option<String>,
}

impl Running {
    /// What the session must know once the statement has run.
    pub fn effect(&self) -> &SessionEffect {
        self.judged.statement().effect()
    }

    /// Whether masked columns or filtered rows are in its reach, so that what the database says about it in words may
    /// hold their values: an error that quotes a row, a notice of a trigger.
    pub fn protects(&self) -> bool {
        protects(&self.decision)
    }

    /// The decision that it runs under.
    pub const fn decision(&self) -> &Arc<Decision> {
        &self.decision
    }

    /// Which columns of its rows are looked through on their way to the client.
    pub const fn scans(&self) -> Option<&Arc<Scans>> {
        self.scans.as_ref()
    }

    /// The limits that bear on it; nothing for most.
    pub fn limits(&self) -> Option<&InForce> {
        self.in_force.as_deref()
    }

    pub(crate) const fn in_force(&self) -> Option<&Arc<InForce>> {
        self.in_force.as_ref()
    }

    /// The decision that it runs under, by its id.
    pub fn decision_id(&self) -> &str {
        &self.decision_id
    }

    /// The judged statement, for names under which it is kept.
    pub const fn judged(&self) -> &Arc<JudgedStatement> {
        &self.judged
    }

    /// Records the outcome.
    pub fn finish(mut self, outcome: Outcome, ending: Ending) {
        self.record(outcome, ending);
    }

    fn record(&mut self, outcome: Outcome, ending: Ending) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let duration_us = u64::try_from(self.made.elapsed().as_micros()).unwrap_or(u64::MAX);
        let outcome = OutcomeRecord {
            decision_id: std::mem::take(&mut self.decision_id),
            outcome,
            rows: ending.rows,
            command: ending.command,
            sqlstate: ending.sqlstate,
            duration_us,
        };
        // The statement has already run, so there is nobody left to refuse: the next statement is
        // refused instead, because its own record cannot be written either.
        if let Err(error) = self.audit.append_outcome(&outcome) {
            tracing::error!(%error, "the outcome of a statement could not be recorded");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What never left is known not to have run.
        let outcome = if self.launched { Outcome::Unknown } else { Outcome::Skipped };
        self.record(outcome, Ending::default());
    }
}
