//! The judgement at the result stage: what a statement has changed, before it is committed.
//!
//! INVARIANT(counted-before-commit): where limits or policies ask for the rows of a write, it is committed only
//! after [`Session::judge_result`] has let it pass, and that judgement is recorded.

use std::sync::Arc;

use jurat_audit::ModelParts;
use jurat_policy::{PolicySet, Surface};
use jurat_types::{
    Actual, Decision, DecisionRecord, Effect, Intent, Limit, RecordBody, Refusal, RefusalCode,
    Stage,
};

use super::Session;
use crate::{
    Approval, BudgetError, BudgetKey, Counted, Exceeded, InForce, Passing, Question, Running,
    gate::{Timer, verdict_key},
    ids, labels,
    prepared::Verdict,
    refusals, refusals_limits,
    results::JudgedResult,
};

/// Why a statement must not be committed.
#[derive(Debug)]
pub struct Over {
    /// What the client is told, unless asking comes to something else.
    pub refusal: Refusal,
    /// What is asked for first, where somebody may consent to the number.
    pub asks: Option<Box<Approval>>,
    /// What the database is asked for its card.
    pub sampling: Option<Question>,
}

/// What becomes of what a statement has changed, should it pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lasts {
    /// The caller commits it.
    AtOnce,
    /// The client may commit it later, with a statement that is not judged yet: the record of that one, without
    /// which it is not sent, brings along all records before it.
    OnceCommitted,
}

impl Session {
    /// As [`Self::judge_counted`], where nobody can be asked.
    ///
    /// # Errors
    /// What the client is told.
    pub fn judge_result(&mut self, running: &Running, counted: Counted) -> Result<(), Refusal> {
        self.judge_counted(running, counted, Lasts::AtOnce).map_err(|over| over.refusal)
    }

    /// Judges and records what a statement has changed. Where it must not be committed, the caller takes it
    /// back. That it counts against budgets stays, should it be rolled back later. `lasts` says when the
    /// system must have the record.
    ///
    /// # Errors
    /// What the client is told, and what is asked for before.
    pub fn judge_counted(
        &mut self,
        running: &Running,
        counted: Counted,
        lasts: Lasts,
    ) -> Result<(), Box<Over>> {
        let Some(in_force) = running.in_force() else { return Ok(()) };
        let timer = Timer::start();
        let policy = self.gate.policy.current();
        let total = in_force.total(counted);
        let actual = in_force.actual(counted);
        let freeze = self.freeze_stamp();
        let known = self.results.find(in_force, &actual, (&policy, freeze)).cloned();
        let id = ids::new_id(self.gate.clock.now_ns());
        let (decision, intent) = match &known {
            Some(known) => (Arc::clone(&known.decision), None),
            None => {
                let (intent, surface) = self.result_intent((&id, &policy), in_force, &actual);
                (Arc::new(policy.judge(&intent, &surface)), Some(intent))
            }
        };
        let asks = asks_for(&decision, in_force, total, &id);
        let refused = self.refused_result(&decision, in_force, (total, asks.as_deref()), &id);
        if let (Some(known), None) = (&known, &refused)
            && self
                .gate
                .record_result(known, (running, in_force), (&id, &self.facts), (lasts, timer))
                .map_err(unasked)?
        {
            return Ok(());
        }
        let intent =
            intent.unwrap_or_else(|| self.result_intent((&id, &policy), in_force, &actual).0);
        let key = verdict_key((policy.revision(), freeze), jurat_types::Protocol::Simple, false);
        let revision = Arc::clone(&key.revision);
        let permitted = match &refused {
            None => Ok(crate::rewrite::Permitted::nothing()),
            Some(refusal) => Err(refusal.clone()),
        };
        let verdict = Verdict::new(key, decision, permitted, in_force.facts());
        let body = self.gate.decision_record(intent, &verdict, running.judged(), None, timer);
        let of = running.decision_id().to_owned();
        let body = DecisionRecord { result_of: Some(of), ..body };
        let parts = if refused.is_none() { ModelParts::of_result(&body) } else { None };
        match self.gate.audit.append(RecordBody::Decision(Box::new(body))) {
            Ok(receipt) => {
                if let Some(parts) = parts {
                    let (write, decision) = (Arc::clone(in_force), verdict.decision);
                    let model = Arc::new(parts.stands_at(&receipt));
                    let judged = JudgedResult { write, actual, revision, freeze, decision, model };
                    self.results.remember(judged, &policy);
                }
                let Some(refusal) = refused else { return Ok(()) };
                let sampling = asks.as_ref().and_then(|_asks| in_force.sampling().cloned());
                Err(Box::new(Over { refusal, asks, sampling }))
            }
            Err(error) => {
                tracing::error!(%error, "a judgement could not be recorded");
                Err(unasked(refusals::audit_unavailable()))
            }
        }
    }

    /// What is judged of a write that has changed as much as `actual` says.
    fn result_intent(
        &self,
        (id, policy): (&str, &PolicySet),
        in_force: &InForce,
        actual: &Actual,
    ) -> (Intent, Surface) {
        let mut intent = self.intent(Stage::Result, policy);
        id.clone_into(&mut intent.request_id);
        intent.approvals = in_force.approvals().to_vec();
        let mut facts = in_force.facts().clone();
        facts.actual = actual.clone();
        labels::join(&mut facts, policy.labels(), &self.catalog);
        let surface = labels::surface(&facts, policy.labels(), &self.catalog);
        intent.statement = Some(facts);
        (intent, surface)
    }

    /// Refuses a statement that has ended without a number of rows.
    pub fn refuse_uncounted(&self, running: &Running) -> Refusal {
        self.refuse_result(running, Exceeded::Uncounted, 0)
    }

    fn refused_result(
        &self,
        decision: &Decision,
        in_force: &InForce,
        (rows, asks): (Option<u64>, Option<&Approval>),
        id: &str,
    ) -> Option<Refusal> {
        let facts = in_force.facts();
        let Some(rows) = rows else {
            let why =
                "the database does not count what a transaction changes (track_counts is off)";
            return Some(refusals_limits::uncounted(in_force.rows_limit(), facts, why, id));
        };
        match decision.effect {
            Effect::Deny => return Some(refusals::denied(decision, facts, id)),
            Effect::RequireApproval => {
                let why = "policy asks for an approval of what it changed, and approvals cannot be given in this version";
                let remedy = "Nothing was changed. Ask whoever owns the policies for another way";
                let code = RefusalCode::NotSupported;
                return Some(refusals::not_carried_out(code, facts, (why, remedy), id));
            }
            Effect::Allow | Effect::Rewrite => {}
        }
        if let Some(limit) = over(decision, in_force, rows) {
            return Some(match asks {
                Some(asks) => {
                    // PostgreSQL has ended the transaction by then, in all but name.
                    let goes_on =
                        self.facts.in_transaction && !self.database.target.engine.is_postgres();
                    let rows = (rows, goes_on);
                    refusals_limits::rows_need_consent(limit, facts, rows, &asks.id, id)
                }
                None => refusals_limits::too_many_rows(limit, facts, rows, id),
            });
        }
        let budgets = in_force.budgets().iter();
        budgets
            .filter(|budget| rows > 0 && budget.kind == "rows_affected_per_window")
            .find_map(|budget| self.take_from(budget, rows).err().map(|error| (budget, error)))
            .map(|(budget, error)| {
                refusals_limits::over_budget(budget, error, facts, Some(rows), id)
            })
    }

    /// Records that a statement was refused while its result was on its way, and says so.
    pub fn refuse_result(&self, running: &Running, exceeded: Exceeded, so_far: u64) -> Refusal {
        let timer = Timer::start();
        let policy = self.gate.policy.current();
        let mut intent = self.intent(Stage::Result, &policy);
        let id = intent.request_id.clone();
        let limits = running.limits();
        let facts = limits.map_or_else(|| running.judged().facts(false), |limits| limits.facts());
        let limit = limits.and_then(|limits| limits.exceeded(exceeded, so_far));
        let refusal = refusals_limits::cut_off(limit, exceeded, facts, so_far, &id);
        let mut stated = facts.clone();
        if exceeded == Exceeded::Affected {
            stated.actual.rows = Some(so_far);
        }
        intent.statement = Some(stated);
        let key = verdict_key((policy.revision(), 0), jurat_types::Protocol::Simple, false);
        let decision = Arc::new(refusals::own_denial(policy.revision(), &refusal));
        let verdict = Verdict::new(key, decision, Err(refusal.clone()), facts);
        let body = self.gate.decision_record(intent, &verdict, running.judged(), None, timer);
        let of = running.decision_id().to_owned();
        let body = DecisionRecord { result_of: Some(of), ..body };
        match self.gate.audit.append(RecordBody::Decision(Box::new(body))) {
            Ok(_receipt) => refusal,
            Err(error) => {
                tracing::error!(%error, "a judgement could not be recorded");
                refusals::audit_unavailable()
            }
        }
    }

    /// Takes the statement itself out of its budgets, before it runs; and sees that something is left for the
    /// rows that it will change.
    pub(crate) fn within_budgets(&self, in_force: &InForce, id: &str) -> Result<(), Refusal> {
        for budget in in_force.budgets() {
            let amount = u64::from(budget.kind == "statements_per_window");
            self.take_from(budget, amount).map_err(|error| {
                refusals_limits::over_budget(budget, error, in_force.facts(), None, id)
            })?;
        }
        for (_, budget, _) in in_force.per_row() {
            self.take_from(budget, 0).map_err(|error| {
                refusals_limits::over_budget(budget, error, in_force.facts(), None, id)
            })?;
        }
        Ok(())
    }

    /// What is done with a row that makes it `rows` rows and `bytes` bytes; one that goes on is taken out of the budgets
    /// of protected values. What was taken stays taken, should the row not arrive.
    pub fn passing(&self, limits: &InForce, rows: u64, bytes: u64) -> Passing {
        let passing = limits.passing(rows, bytes);
        if passing != Passing::Forward {
            return passing;
        }
        let mut budgets = limits.per_row();
        let spent = budgets.find(|(_, budget, amount)| self.take_from(budget, *amount).is_err());
        spent.map_or(Passing::Forward, |(exceeded, ..)| Passing::Refuse(exceeded))
    }

    fn take_from(&self, budget: &Limit, amount: u64) -> Result<(), BudgetError> {
        let key = BudgetKey {
            principal: self.login.principal.id.clone(),
            database: self.database.target.name.clone(),
            kind: counted_as(budget),
            window_seconds: budget.window_seconds.unwrap_or(1),
        };
        let now_ns = self.gate.clock.now_ns();
        self.gate.budgets.take(&key, amount, budget.value, now_ns)
    }
}

/// What a budget counts: values with other labels are other ones.
fn counted_as(budget: &Limit) -> String {
    if budget.labels.is_empty() {
        budget.kind.clone()
    } else {
        format!("{} of {}", budget.kind, budget.labels.join(" "))
    }
}

/// A refusal that asking for consent does not come before.
fn unasked(refusal: Refusal) -> Box<Over> {
    Box::new(Over { refusal, asks: None, sampling: None })
}

/// The limit on rows that so many are more than.
fn over<'l>(decision: &'l Decision, in_force: &'l InForce, rows: u64) -> Option<&'l Limit> {
    let anew = decision.limits.iter().filter(|limit| limit.kind == "rows_affected");
    // One that nobody can lift speaks first.
    let mut all: Vec<&Limit> = in_force.rows_affected().chain(anew).collect();
    all.sort_by_key(|limit| limit.on_exceed == "approve");
    all.into_iter().find(|limit| in_force.exceeds(limit, rows))
}

/// What is asked for: consent to the exact number, where nothing else stands against it.
fn asks_for(
    decision: &Decision,
    in_force: &InForce,
    rows: Option<u64>,
    id: &str,
) -> Option<Box<Approval>> {
    let rows = rows.filter(|_| matches!(decision.effect, Effect::Allow | Effect::Rewrite))?;
    let mut asks = in_force.asks()?.clone();
    over(decision, in_force, rows).filter(|limit| limit.on_exceed == "approve")?;
    id.clone_into(&mut asks.decision_id);
    asks.max_rows = Some(rows);
    if let Some(statement) = &mut asks.intent.statement {
        statement.actual.rows = Some(rows);
    }
    Some(Box::new(asks))
}
