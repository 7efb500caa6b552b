//! A statement together with its judgements: what decisions let run of it in all sessions, and the last one in its own.

use std::sync::{Arc, Mutex, PoisonError};

use jurat_audit::DecisionModel;
use jurat_sql::{SessionEffect, Statement};
use jurat_types::{Decision, Principal, Protocol, Refusal, Replication, StatementFacts};

use crate::{Bound, InForce, Scans, gate::sha256_hex, rewrite::Permitted};

/// A statement that was read, and the last verdict on it in one session.
#[derive(Debug)]
pub struct JudgedStatement {
    read: Arc<ReadStatement>,
    last: Mutex<Option<Verdict>>,
}

/// A statement that was read, for every session in which its names mean the same, and what decisions let run of
/// it. The decisions of sessions whose principals have the same rights are mostly equal.
#[derive(Debug)]
pub(crate) struct ReadStatement {
    statement: Statement,
    carried_out: Mutex<Vec<CarriedOut>>,
    decided: Mutex<Vec<Decided>>,
}

/// Decisions that are kept with a statement; then they begin anew.
const DECISIONS_MAX: usize = 4;

/// Standings of which a statement knows the decision; then they begin anew.
const STANDINGS_MAX: usize = 16;

/// All that policies can tell one session from another by, where they do not read its id, its address, when
/// it began, or what changes while it lasts.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Standing {
    pub(crate) principal: Principal,
    pub(crate) tls: bool,
    pub(crate) read_only: bool,
    pub(crate) replication: Option<Replication>,
}

/// A decision and what it permits.
#[derive(Clone, Debug)]
pub(crate) struct CarriedOut {
    pub(crate) decision: Arc<Decision>,
    pub(crate) by_name: bool,
    pub(crate) permitted: Permitted,
    /// The SHA-256 (hex) of the permitted text.
    pub(crate) sent_sha256: Arc<str>,
}

/// What was decided for one standing.
#[derive(Debug)]
struct Decided {
    standing: Arc<Standing>,
    key: VerdictKey,
    decision: Arc<Decision>,
}

impl ReadStatement {
    pub(crate) const fn new(statement: Statement) -> Self {
        Self { statement, carried_out: Mutex::new(Vec::new()), decided: Mutex::new(Vec::new()) }
    }

    /// As [`JudgedStatement::facts`].
    pub(crate) fn facts(&self, by_name: bool) -> &StatementFacts {
        match self.statement.effect() {
            SessionEffect::Prepare { statement, .. }
            | SessionEffect::DeclareCursor { statement, .. }
                if by_name =>
            {
                statement.facts()
            }
            SessionEffect::None
            | SessionEffect::SearchPathChanged
            | SessionEffect::CatalogChanged
            | SessionEffect::Prepare { .. }
            | SessionEffect::Execute { .. }
            | SessionEffect::Deallocate { .. }
            | SessionEffect::DeclareCursor { .. }
            | SessionEffect::Fetch { .. }
            | SessionEffect::CloseCursor { .. }
            | SessionEffect::DiscardAll
            | SessionEffect::Transaction
            | SessionEffect::ClientFile { .. }
            | SessionEffect::CopyIn
            | SessionEffect::CopyOut => self.statement.facts(),
        }
    }

    /// What an equal decision has permitted before. The decision names its policies, and they and the
    /// statement are all that the text and the limits depend on.
    pub(crate) fn carried_out(&self, decision: &Decision, by_name: bool) -> Option<CarriedOut> {
        let known = self.carried_out.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|one| one.by_name == by_name && *one.decision == *decision).cloned()
    }

    /// The decision on it, or on what it stands for, in a session of the same standing.
    pub(crate) fn decided(&self, standing: &Standing, key: &VerdictKey) -> Option<Arc<Decision>> {
        let known = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|one| one.key == *key && *one.standing == *standing);
        found.map(|one| Arc::clone(&one.decision))
    }

    /// Keeps whom the decision of a verdict was made for. A decision that cannot be carried out is made anew for
    /// everybody, because it may be one that failed.
    pub(crate) fn note_decided(&self, standing: &Arc<Standing>, verdict: &Verdict) {
        if verdict.permitted.is_err() || self.decided(standing, &verdict.key).is_some() {
            return;
        }
        let mut known = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= STANDINGS_MAX {
            known.clear();
        }
        known.push(Decided {
            standing: Arc::clone(standing),
            key: verdict.key.clone(),
            decision: Arc::clone(&verdict.decision),
        });
    }

    /// Keeps what the decision of a verdict permits. The caller has looked that it is not known.
    pub(crate) fn note_carried_out(&self, verdict: &Verdict) {
        let by_name = verdict.key.by_name;
        let (Ok(text), Some(sent_sha256)) = (&verdict.permitted, &verdict.sent_sha256) else {
            return;
        };
        let mut known = self.carried_out.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= DECISIONS_MAX {
            known.clear();
        }
        known.push(CarriedOut {
            decision: Arc::clone(&verdict.decision),
            by_name,
            permitted: Permitted {
                text: Arc::clone(text),
                scans: verdict.scans.clone(),
                in_force: verdict.in_force.clone(),
            },
            sent_sha256: Arc::clone(sent_sha256),
        });
    }
}

/// A statement under a name (protocol or SQL level), with the text the database has for it.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) judged: Arc<JudgedStatement>,
    pub(crate) sent: Arc<str>,
    /// Whether a PREPARE or DECLARE made it, so that what runs is the statement inside.
    pub(crate) by_name: bool,
    /// The text and what names meant when it was read: once they mean something else, the text is read
    /// again. Nothing for a cursor, whose plan is made once.
    pub(crate) source: Option<(Arc<[u8]>, u64)>,
    /// What running it needs for consent, where it may need any.
    pub(crate) consent: Option<Box<ForConsent>>,
}

/// What consent is bound to beside the statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct ForConsent {
    /// The types that the client set for its parameters.
    pub(crate) types: Vec<u32>,
    /// The values, once they are bound.
    pub(crate) bound: Option<Bound>,
}

impl Prepared {
    /// What a PREPARE or DECLARE that ran with the text `sent` put under its name. The text that was
    /// sent is the one to read again, because a message may hold others beside it.
    pub(crate) fn declared(judged: Arc<JudgedStatement>, sent: Arc<str>, epoch: u64) -> Self {
        let planned_again = matches!(judged.statement().effect(), SessionEffect::Prepare { .. });
        let source = planned_again.then(|| (Arc::from(sent.as_bytes()), epoch));
        Self { judged, sent, by_name: true, source, consent: None }
    }

    pub(crate) const fn parsed(
        judged: Arc<JudgedStatement>,
        sent: Arc<str>,
        source: Arc<[u8]>,
        epoch: u64,
    ) -> Self {
        Self { judged, sent, by_name: false, source: Some((source, epoch)), consent: None }
    }

    /// Whether the values that are bound have to be kept, because consent may be needed for them. It is
    /// known when a statement is prepared.
    pub const fn keeps_values(&self) -> bool {
        self.consent.is_some()
    }

    /// The same with the types that the client set for its parameters.
    #[must_use]
    pub fn with_types(mut self, types: &[u32]) -> Self {
        if let Some(consent) = &mut self.consent {
            types.clone_into(&mut consent.types);
        }
        self
    }

    /// The same with the values that were bound.
    #[must_use]
    pub fn with_values(mut self, bound: Bound) -> Self {
        if let Some(consent) = &mut self.consent {
            consent.bound = Some(bound);
        }
        self
    }

    /// Whether it is a cursor that outlives its transaction. The text is the canonical one, so the words
    /// stand in front of FOR in one spelling.
    pub fn holds(&self) -> bool {
        self.by_name
            && self.sent.split(" FOR ").next().is_some_and(|head| head.contains(" WITH HOLD"))
    }

    /// How long its text is, bytes.
    pub fn text_bytes(&self) -> usize {
        self.sent.len()
    }

    /// The name that running it looks up, for EXECUTE and FETCH.
    pub fn looks_up(&self) -> Option<&SessionEffect> {
        if self.by_name { None } else { self.judged.looks_up() }
    }

    /// The statement.
    pub fn statement(&self) -> &Statement {
        self.judged.statement()
    }

    /// The decision that it was last given, where that has masks.
    pub fn masked_by(&self) -> Option<Arc<Decision>> {
        let last = self.judged.last.lock().unwrap_or_else(PoisonError::into_inner);
        let decision = &last.as_ref()?.decision;
        (!decision.masks.is_empty()).then(|| Arc::clone(decision))
    }
}

impl JudgedStatement {
    pub(crate) const fn new(read: Arc<ReadStatement>) -> Self {
        Self { read, last: Mutex::new(None) }
    }

    /// The statement.
    pub fn statement(&self) -> &Statement {
        &self.read.statement
    }

    /// The facts of what runs: for a PREPARE or DECLARE that is run by its name, those of the
    /// statement inside.
    pub(crate) fn facts(&self, by_name: bool) -> &StatementFacts {
        self.read.facts(by_name)
    }

    /// What sessions share of it.
    pub(crate) const fn read(&self) -> &Arc<ReadStatement> {
        &self.read
    }

    /// Names in the statement that mean nothing in the catalog it was read against.
    pub fn unresolved(&self) -> &[String] {
        &self.statement().facts().unresolved
    }

    /// The effect that names another statement, for EXECUTE and FETCH.
    pub fn looks_up(&self) -> Option<&SessionEffect> {
        let effect = self.statement().effect();
        matches!(effect, SessionEffect::Execute { .. } | SessionEffect::Fetch { .. })
            .then_some(effect)
    }

    pub(crate) fn remembered(
        &self,
        (revision, freeze): (&str, u64),
        protocol: Protocol,
        by_name: bool,
    ) -> Option<Verdict> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |key: &VerdictKey| {
            (key.freeze, key.protocol, key.by_name) == (freeze, protocol, by_name)
                && *key.revision == *revision
        };
        last.as_ref().filter(|verdict| same(&verdict.key)).cloned()
    }

    #[cfg(test)]
    pub(crate) fn last(&self) -> Option<Verdict> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn remember(&self, verdict: &Verdict) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict.clone());
        self.statement().release();
    }
}

/// A decision and the text that it permits.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) key: VerdictKey,
    pub(crate) decision: Arc<Decision>,
    /// The text to send, or why the decision cannot be carried out.
    pub(crate) permitted: Result<Arc<str>, Arc<Refusal>>,
    /// Result columns that are looked through.
    pub(crate) scans: Option<Arc<Scans>>,
    /// Limits that bear on the statement.
    pub(crate) in_force: Option<Arc<InForce>>,
    /// The SHA-256 (hex) of the permitted text.
    pub(crate) sent_sha256: Option<Arc<str>>,
    /// What the record of the next run is made from.
    pub(crate) model: Option<Arc<DecisionModel>>,
}

impl Verdict {
    /// A verdict that no record was made of yet.
    pub(crate) fn new(
        key: VerdictKey,
        decision: Arc<Decision>,
        permitted: Result<Permitted, Refusal>,
        facts: &StatementFacts,
    ) -> Self {
        let scans = permitted.as_ref().ok().and_then(|permitted| permitted.scans.clone());
        let in_force = permitted.as_ref().ok().and_then(|permitted| permitted.in_force.clone());
        let permitted = permitted.map(|permitted| permitted.text);
        let sent_sha256 = permitted.as_ref().ok().map(|text| sent_digest(text, facts));
        Self {
            key,
            decision,
            permitted: permitted.map_err(Arc::new),
            scans,
            in_force,
            sent_sha256,
            model: None,
        }
    }
}

impl From<(VerdictKey, CarriedOut)> for Verdict {
    /// The verdict of a decision that was carried out on the statement before.
    fn from((key, known): (VerdictKey, CarriedOut)) -> Self {
        let CarriedOut { decision, by_name: _, permitted, sent_sha256 } = known;
        let Permitted { text, scans, in_force } = permitted;
        let (permitted, sent_sha256) = (Ok(text), Some(sent_sha256));
        Self { key, decision, permitted, scans, in_force, sent_sha256, model: None }
    }
}

/// The digest of a text that is mostly the one that was judged.
fn sent_digest(text: &str, facts: &StatementFacts) -> Arc<str> {
    if text == facts.text {
        return Arc::from(&*facts.sha256);
    }
    Arc::from(sha256_hex(text.as_bytes()))
}

/// What a verdict depends on besides the statement, the session and the volatile parts of the input.
/// A policy that reads a volatile part is judged anew each time instead.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct VerdictKey {
    pub(crate) revision: Arc<str>,
    /// Stands for the freeze of the database: policies and records tell it.
    pub(crate) freeze: u64,
    pub(crate) protocol: Protocol,
    pub(crate) by_name: bool,
}
