//! Consent: asking for it, giving it, and using it once.
//!
//! INVARIANT(grant-used-once): a grant is marked as used in its store, for good, before its statement is
//! sent. INVARIANT(no-self-approval): nobody who has a part in a request may answer it.

use std::{sync::Arc, time::Duration};

use jurat_audit::AuditLog;
use jurat_policy::PolicyHandle;
use jurat_types::{ApprovalRecord, Intent, Principal, PrincipalKind, RecordBody, Refusal, Stage};
use serde_json::json;
use tokio::sync::{Notify, broadcast, futures::Notified};

use crate::{
    Authenticate, Clock,
    grant::{
        self, Approval, ApprovalStore, Asked, Caps, Spending, State, StoreError, Vote, VoteError,
    },
    refusals,
};

mod requester;
mod wait;
mod words;

pub use requester::{Requester, seek_consent};
use wait::Waited;
pub use wait::Waiting;

/// What can be set about approvals.
#[derive(Clone, Debug)]
pub struct ApprovalOptions {
    /// How many requests may wait.
    pub caps: Caps,
    /// Who may approve where a rule names nobody: `group:NAME` or the id of a principal.
    pub approvers: Vec<String>,
    /// How long a connection waits for an answer at most.
    pub hold_max: Duration,
    /// How long one waits that has a transaction open, and with it locks; zero for not at all.
    pub hold_in_transaction_max: Duration,
    /// How many of the rows that a statement concerns its card shows; zero for none.
    pub sample_rows: u32,
}

/// Everything that gives and takes consent, shared by all sessions of a process.
#[derive(Debug)]
pub struct Approvals {
    /// Where requests are kept.
    pub store: Arc<dyn ApprovalStore>,
    /// What can be set.
    pub options: ApprovalOptions,
    /// Who people are, now.
    pub people: Arc<dyn Authenticate>,
    /// Who may approve what.
    pub policy: Arc<PolicyHandle>,
    /// The record.
    pub audit: Arc<AuditLog>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Wakes whoever waits, at each change. The store rings it, too, where it hears of other processes.
    pub changed: Arc<Notify>,
    /// Tells whoever listens what became of requests, once it is recorded. Who is too slow misses some.
    pub events: broadcast::Sender<ApprovalEvent>,
}

/// Something has become of a request.
#[derive(Clone, Debug)]
pub struct ApprovalEvent {
    /// `requested`, `approved`, `denied`, `used`, `expired` or `canceled`.
    pub event: &'static str,
    /// The request as it was then.
    pub approval: Arc<Approval>,
    /// Who answered.
    pub by: Option<String>,
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: i64,
}

/// Events that wait for a listener that is slow.
const EVENTS_MAX: usize = 256;

/// A channel for what becomes of requests.
pub fn approval_events() -> broadcast::Sender<ApprovalEvent> {
    broadcast::Sender::new(EVENTS_MAX)
}

/// What becomes of a statement that needs consent.
#[derive(Debug)]
pub enum Answer {
    /// Consent was given; it has to be used.
    Granted(Box<Approval>),
    /// Nobody has answered yet.
    Waiting {
        /// The request.
        approval: Box<Approval>,
        /// Whether it was made just now.
        new: bool,
    },
}

/// Why an answer of an approver is not taken.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// There is no such request.
    #[error("there is no request {0}")]
    Unknown(String),
    /// It comes too late, or twice.
    #[error("{0}: {1}")]
    Vote(String, VoteError),
    /// The person may not answer this request.
    #[error("{who} may not answer {id}: {why}")]
    NoRight {
        /// Who.
        who: String,
        /// The request.
        id: String,
        /// Why not.
        why: String,
    },
    /// The answer cannot be recorded, so it is not taken.
    #[error("the answer cannot be recorded, so it is not taken")]
    Unrecorded,
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Approvals {
    /// Looks for consent to what `new` describes, and asks for it where there is none.
    ///
    /// # Errors
    /// What the client is told: consent was denied, or cannot be asked for.
    pub async fn ask(self: &Arc<Self>, new: Approval) -> Result<Answer, Refusal> {
        let this = Arc::clone(self);
        blocking(move || this.ask_now(&new)).await.unwrap_or_else(|| Err(refusals::no_store()))
    }

    fn ask_now(&self, new: &Approval) -> Result<Answer, Refusal> {
        let asked = self
            .store
            .ask(new, self.options.caps, self.clock.now_ns())
            .map_err(|error| unusable(&error))?;
        match asked {
            Asked::New(approval) => {
                self.record("requested", &approval, None)
                    .map_err(|_logged| refusals::no_store())?;
                self.changed.notify_waiters();
                Ok(Answer::Waiting { approval, new: true })
            }
            Asked::Known(mut approval) => {
                // The words are about this run.
                approval.decision_id.clone_from(&new.decision_id);
                self.known(approval)
            }
            Asked::Full { own } => Err(words::full(new, own)),
        }
    }

    /// Looks for consent with a digest, and asks nobody.
    ///
    /// # Errors
    /// What the client is told: it was asked for and not given yet, it was denied, or nobody can know.
    pub async fn look(self: &Arc<Self>, digest: &str) -> Result<Option<Box<Approval>>, Refusal> {
        let (this, digest) = (Arc::clone(self), digest.to_owned());
        let looked = blocking(move || {
            let found = this.store.find(&digest, this.clock.now_ns());
            let Some(found) = found.map_err(|error| unusable(&error))? else { return Ok(None) };
            match this.known(Box::new(found))? {
                Answer::Granted(grant) => Ok(Some(grant)),
                Answer::Waiting { approval, new } => Err(words::waiting(&approval, new)),
            }
        });
        looked.await.unwrap_or_else(|| Err(refusals::no_store()))
    }

    /// Whether nobody was asked for what has this digest. An error is told when it is asked for.
    async fn is_new(self: &Arc<Self>, digest: &str) -> bool {
        let (this, digest) = (Arc::clone(self), digest.to_owned());
        let found = blocking(move || this.store.find(&digest, this.clock.now_ns()));
        matches!(found.await, Some(Ok(None)))
    }

    fn known(&self, approval: Box<Approval>) -> Result<Answer, Refusal> {
        match approval.state {
            State::Approved => match self.still_right(&approval) {
                Ok(()) => Ok(Answer::Granted(approval)),
                Err(why) => {
                    // Whoever consented could not do so now, so the consent is no more.
                    self.cancel_now(&approval.id, &why);
                    Err(words::void(&approval, &why))
                }
            },
            State::Denied => Err(words::rejected(&approval)),
            State::Pending | State::Canceled | State::Expired | State::Used => {
                Ok(Answer::Waiting { approval, new: false })
            }
        }
    }

    /// What a client is told whose statement waits for consent.
    pub fn waiting(&self, approval: &Approval, new: bool) -> Refusal {
        words::waiting(approval, new)
    }

    /// What a client is told whose connection has waited long enough.
    pub fn unanswered(&self, approval: &Approval) -> Refusal {
        words::unanswered(approval)
    }

    /// What a client is told that gave up waiting.
    pub fn given_up(&self, approval: &Approval) -> Refusal {
        words::given_up(approval)
    }

    /// What a client is told whose request has ended without consent while it waited.
    pub fn ended(&self, approval: &Approval) -> Refusal {
        words::ended(approval)
    }

    /// Uses grants for statements that are about to run, all or none.
    ///
    /// # Errors
    /// What the client is told where they are not there any more; nothing may run then.
    pub async fn spend(self: &Arc<Self>, spendings: Vec<Spending>) -> Result<(), Refusal> {
        let this = Arc::clone(self);
        blocking(move || this.spend_now(&spendings))
            .await
            .unwrap_or_else(|| Err(refusals::no_store()))
    }

    fn spend_now(&self, spendings: &[Spending]) -> Result<(), Refusal> {
        let spent = self.store.spend(spendings, self.clock.now_ns());
        if !spent.map_err(|error| unusable(&error))? {
            return Err(words::gone(spendings));
        }
        for spending in spendings {
            // The grant is used in any case; the decision record names it, too.
            if let Ok(Some(approval)) = self.store.get(&spending.id)
                && self.record("used", &approval, None).is_err()
            {
                return Err(refusals::audit_unavailable());
            }
        }
        Ok(())
    }

    /// Takes a person's answer. `approver` was authenticated by the channel `via`.
    ///
    /// # Errors
    /// Why it is not taken.
    pub async fn decide(
        self: &Arc<Self>,
        id: &str,
        approver: Principal,
        (yes, reason): (bool, Option<String>),
        via: &'static str,
    ) -> Result<Approval, DecideError> {
        let (this, id) = (Arc::clone(self), id.to_owned());
        blocking(move || this.decide_now(&id, &approver, (yes, reason), via))
            .await
            .unwrap_or_else(|| Err(StoreError("a task was lost".to_owned()).into()))
    }

    fn decide_now(
        &self,
        id: &str,
        approver: &Principal,
        (yes, reason): (bool, Option<String>),
        via: &'static str,
    ) -> Result<Approval, DecideError> {
        let found = self.store.get(id)?;
        let mut approval = found.ok_or_else(|| DecideError::Unknown(id.to_owned()))?;
        let no_right =
            |why| DecideError::NoRight { who: approver.id.clone(), id: id.to_owned(), why };
        let rules = self.rules_for(&approval, approver).map_err(no_right)?;
        let at_ns = self.clock.now_ns();
        let vote = Vote { by: approver.id.clone(), yes, rules, reason, at_ns, via: via.to_owned() };
        let refused = |error| DecideError::Vote(id.to_owned(), error);
        // What cannot count is refused before it is recorded.
        approval.vote(&vote).map_err(refused)?;
        let event = if yes { "approved" } else { "denied" };
        self.record(event, &approval, Some(&vote)).map_err(|_logged| DecideError::Unrecorded)?;
        let mut voted = Ok(());
        let changed = self.store.change(id, &mut |approval| {
            voted = approval.vote(&vote);
            voted.is_ok()
        });
        let lost = changed.as_ref().map_or(true, Option::is_none) || voted.is_err();
        if lost && self.record("void", &approval, Some(&vote)).is_err() {
            return Err(DecideError::Unrecorded);
        }
        let changed = changed?.ok_or_else(|| DecideError::Unknown(id.to_owned()))?;
        voted.map_err(refused)?;
        self.changed.notify_waiters();
        Ok(changed)
    }

    /// The rules of a request for which a person may answer.
    fn rules_for(&self, approval: &Approval, approver: &Principal) -> Result<Vec<String>, String> {
        let rules = self.rules_by_name(approval, approver)?;
        match self.policy.current().may_approve(&approver_intent(approval, approver)) {
            Ok(None | Some(true)) => Ok(rules),
            Ok(Some(false)) => Err("a rule may_approve says no".to_owned()),
            Err(error) => {
                tracing::error!(error, "a rule may_approve failed");
                Err("a rule may_approve failed".to_owned())
            }
        }
    }

    /// The rules of a request that name a person, or a group of theirs, as an approver.
    fn rules_by_name(
        &self,
        approval: &Approval,
        approver: &Principal,
    ) -> Result<Vec<String>, String> {
        if approver.kind != PrincipalKind::Person {
            return Err("only people approve".to_owned());
        }
        let own = approver.on_behalf_of.is_some() || !approver.delegation.is_empty();
        if own {
            return Err("only people who act for themselves approve".to_owned());
        }
        if approval.chain().any(|id| grant::same_person(id, &approver.id)) {
            return Err(
                "nobody approves what they ask for, or what is asked on their behalf".to_owned()
            );
        }
        let named = |names: &[String]| is_named(approver, names);
        let rules: Vec<String> = approval
            .requests
            .iter()
            .filter(|request| match request.approvers.as_slice() {
                [] => named(&self.options.approvers),
                names => named(names),
            })
            .map(|request| request.id.clone())
            .collect();
        if rules.is_empty() {
            return Err("they are not among the approvers that policy names".to_owned());
        }
        Ok(rules)
    }

    /// Whether those who consented may still do so: rights are looked at when a grant is used, too.
    fn still_right(&self, approval: &Approval) -> Result<(), String> {
        let mut votes = Vec::with_capacity(approval.votes.len());
        for vote in &approval.votes {
            if let Some(person) = self.people.credential(&vote.by).principal
                && let Ok(rules) = self.rules_for(approval, &person)
            {
                votes.push(Vote { rules, ..vote.clone() });
            }
        }
        if approval.has_enough(&votes) {
            Ok(())
        } else {
            Err("somebody who approved it may not do so any more".to_owned())
        }
    }

    /// A request as it stands.
    ///
    /// # Errors
    /// Where the store cannot be used.
    pub async fn get(self: &Arc<Self>, id: &str) -> Result<Option<Approval>, StoreError> {
        let (this, id) = (Arc::clone(self), id.to_owned());
        blocking(move || {
            let mut found = this.store.get(&id)?;
            if let Some(approval) = &mut found {
                approval.age(this.clock.now_ns());
            }
            Ok(found)
        })
        .await
        .unwrap_or_else(|| Err(StoreError("a task was lost".to_owned())))
    }

    /// The newest requests; only those that wait for something, where `open`.
    ///
    /// # Errors
    /// Where the store cannot be used.
    pub async fn list(self: &Arc<Self>, open: bool) -> Result<Vec<Approval>, StoreError> {
        const SHOWN_MAX: usize = 500;
        let this = Arc::clone(self);
        blocking(move || this.store.list(open, SHOWN_MAX))
            .await
            .unwrap_or_else(|| Err(StoreError("a task was lost".to_owned())))
    }

    /// Whether somebody may answer a request now, as far as it is known before they do.
    pub async fn may_answer(self: &Arc<Self>, approval: &Approval, who: &Principal) -> bool {
        let answered = |vote: &Vote| grant::same_person(&vote.by, &who.id);
        if approval.state != State::Pending || approval.votes.iter().any(answered) {
            return false;
        }
        let (this, approval, who) = (Arc::clone(self), approval.clone(), who.clone());
        blocking(move || this.rules_for(&approval, &who).is_ok()).await.unwrap_or(false)
    }

    /// Whether a request is somebody's business: their own, or one that they may answer.
    pub fn may_see(&self, approval: &Approval, who: &Principal) -> bool {
        approval.chain().any(|id| grant::same_person(id, &who.id))
            || self.rules_by_name(approval, who).is_ok()
    }

    /// Puts the requester's own words to a request that waits. `None` where it is not one of `requester`.
    ///
    /// # Errors
    /// Where the store cannot be used.
    pub async fn explain(
        self: &Arc<Self>,
        id: &str,
        requester: &str,
        why: &str,
    ) -> Result<Option<Approval>, StoreError> {
        let this = Arc::clone(self);
        let (id, requester, why) = (id.to_owned(), requester.to_owned(), why.to_owned());
        blocking(move || {
            let mut own = false;
            let changed = this.store.change(&id, &mut |approval| {
                own = approval.intent.principal.id == requester;
                let waits = own && approval.state == State::Pending;
                if waits {
                    approval.why = Some(why.clone());
                }
                waits
            })?;
            this.changed.notify_waiters();
            Ok(changed.filter(|_| own))
        })
        .await
        .unwrap_or_else(|| Err(StoreError("a task was lost".to_owned())))
    }

    /// Gives up a request, for the reason that is recorded.
    pub async fn cancel(self: &Arc<Self>, id: &str, why: &str) {
        let (this, id, why) = (Arc::clone(self), id.to_owned(), why.to_owned());
        if blocking(move || this.cancel_now(&id, &why)).await.is_none() {
            tracing::error!("a request for approval could not be canceled");
        }
    }

    fn cancel_now(&self, id: &str, why: &str) {
        let now_ns = self.clock.now_ns();
        let mut canceled = false;
        let result = self.store.change(id, &mut |approval| {
            canceled = approval.cancel(now_ns);
            canceled
        });
        match result {
            Ok(Some(approval)) if canceled => {
                let reason = Some(why.to_owned());
                let recorded = self.append("canceled", &approval, (None, None, reason));
                tracing::debug!(ok = recorded.is_ok(), id, "a request for approval was canceled");
                self.changed.notify_waiters();
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, id, "a request could not be canceled"),
        }
    }

    /// Ends what is over and records that. It may wait for the disk.
    pub fn expire(&self) {
        match self.store.expire(self.clock.now_ns()) {
            Ok(ended) => {
                for approval in &ended {
                    if self.record("expired", approval, None).is_err() {
                        tracing::error!(id = approval.id, "an expiry could not be recorded");
                    }
                }
                if !ended.is_empty() {
                    self.changed.notify_waiters();
                }
            }
            Err(error) => tracing::error!(%error, "requests for approval could not be looked at"),
        }
    }

    /// Ends with the next change of any request. Ask for it before looking.
    pub fn next_change(&self) -> Notified<'_> {
        self.changed.notified()
    }

    fn record(
        &self,
        event: &'static str,
        approval: &Approval,
        vote: Option<&Vote>,
    ) -> Result<(), ()> {
        let by = vote.map(|vote| vote.by.clone());
        let via = vote.map(|vote| vote.via.clone());
        let reason = vote.and_then(|vote| vote.reason.clone());
        self.append(event, approval, (by, via, reason))
    }

    /// Appends a record; an error is in the log of the process then.
    fn append(
        &self,
        event: &'static str,
        approval: &Approval,
        (by, via, reason): (Option<String>, Option<String>, Option<String>),
    ) -> Result<(), ()> {
        let used = approval.used_by.as_ref().filter(|_| event == "used");
        let record = ApprovalRecord {
            event: event.to_owned(),
            id: approval.id.clone(),
            digest: approval.digest.clone(),
            decision_id: used.unwrap_or(&approval.decision_id).clone(),
            requester: approval.intent.principal.id.clone(),
            target: approval.intent.target.name.clone(),
            rules: approval.rules(),
            by,
            via,
            reason,
            expires_ns: approval.expires_ns,
        };
        let by = record.by.clone();
        self.audit.append(RecordBody::Approval(Box::new(record))).map(drop).map_err(|error| {
            tracing::error!(%error, event, "what became of an approval could not be recorded");
        })?;
        // An answer that came too late is in the record, and changed nothing.
        if event != "void" && self.events.receiver_count() > 0 {
            let approval = Arc::new(approval.clone());
            // Whoever listened may have left.
            drop(self.events.send(ApprovalEvent {
                event,
                approval,
                by,
                at_ns: self.clock.now_ns(),
            }));
        }
        Ok(())
    }
}

/// Whether a list of names has a principal, or a group of theirs.
pub(crate) fn is_named(who: &Principal, names: &[String]) -> bool {
    names.iter().any(|name| match name.strip_prefix("group:") {
        Some(group) => who.groups.iter().any(|own| own == group),
        None => name.strip_prefix("user:").unwrap_or(name) == who.id,
    })
}

/// The policy input about an approver: all else is as it was asked.
fn approver_intent(approval: &Approval, approver: &Principal) -> Intent {
    let mut intent = approval.intent.clone();
    let requester = std::mem::replace(&mut intent.principal, approver.clone());
    intent.stage = Stage::Approval;
    intent.approvals = vec![json!({
        "id": approval.id,
        "requester": requester,
        "rules": approval.rules(),
        "reason": approval.why,
        "max_rows": approval.max_rows,
    })];
    intent
}

/// A grant as policies see it.
pub(crate) fn for_policy(approval: &Approval) -> serde_json::Value {
    let yes = || approval.votes.iter().filter(|vote| vote.yes);
    json!({
        "id": approval.id,
        "rules": approval.rules(),
        "approvers": yes().map(|vote| vote.by.as_str()).collect::<Vec<_>>(),
        "approved_ns": yes().map(|vote| vote.at_ns).max(),
        "expires_ns": approval.expires_ns,
        "max_rows": approval.max_rows,
    })
}

fn unusable(error: &StoreError) -> Refusal {
    tracing::error!(%error, "nothing that needs approval can run");
    refusals::no_store()
}

/// Runs something that waits for the disk beside the sessions; `None` where it was lost.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
