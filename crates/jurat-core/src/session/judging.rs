//! Judgements of one session: remembered where nothing they depend on can have changed, made anew where
//! not, recorded always.

use std::{borrow::Cow, sync::Arc};

use jurat_audit::DecisionModel;
use jurat_policy::{PolicySet, Surface};
use jurat_sql::{SessionEffect, Statement};
use jurat_types::{
    Decision, Effect, Intent, PredicateMode, Protocol, Refusal, RefusalCode, Stage, StatementClass,
    StatementFacts,
};

use super::{Session, consent::Asking};
use crate::{
    Draft, InForce, JudgedStatement, Prepared,
    gate::{Timer, verdict_key},
    labels,
    mask_key::is_salted,
    prepared::{Verdict, VerdictKey},
    refusals,
    rewrite::Permitted,
    shapes::Shape,
};

impl Session {
    pub(super) fn prepared(
        &self,
        source: &[u8],
        judged: &Arc<JudgedStatement>,
        sent: &Arc<str>,
    ) -> Prepared {
        Prepared::parsed(Arc::clone(judged), Arc::clone(sent), Arc::from(source), self.epoch)
    }

    /// What was prepared is read again once names mean something else; the text that the database
    /// has stays, and the comparison with it decides whether it may still run.
    pub(super) fn up_to_date<'a>(&mut self, prepared: &'a Prepared) -> Cow<'a, Prepared> {
        if let Some((source, epoch)) = &prepared.source
            && *epoch != self.epoch
            && let [judged] = &*self.read(source)
        {
            let source = Some((Arc::clone(source), self.epoch));
            let judged = Arc::clone(judged);
            return Cow::Owned(Prepared { judged, source, ..prepared.clone() });
        }
        Cow::Borrowed(prepared)
    }

    pub(super) fn judge_own(&mut self, judged: &Arc<JudgedStatement>) -> Result<Draft, Refusal> {
        let timer = Timer::start();
        if let Some(verdict) = self.recall(judged, Protocol::Simple, false)
            && let Some(result) = self.run_again(&verdict, judged, false, timer)
        {
            return result;
        }
        let (mut intent, mut verdict) = self.verdict(judged, Protocol::Simple, false);
        let asking = Asking::own(judged);
        if !self.seek_estimate(&mut intent, &mut verdict, &asking) {
            self.seek_consent(&mut intent, &mut verdict, &asking);
        }
        self.finish(intent, &verdict, judged, None, timer)
    }

    /// The verdict on a statement that was judged in this session before, or on one that differs from
    /// such a statement in its literals only. Nothing where policy has to be asked.
    pub(super) fn recall(
        &self,
        judged: &Arc<JudgedStatement>,
        protocol: Protocol,
        by_name: bool,
    ) -> Option<Verdict> {
        let policy = self.gate.policy.current();
        let under = (policy.revision(), self.freeze_stamp());
        if let Some(verdict) = judged.remembered(under, protocol, by_name) {
            return Some(verdict);
        }
        let facts = judged.facts(by_name);
        let shape = self.shapes.find(facts, (protocol, by_name), under)?;
        // A decision that cannot be carried out on this text is made anew, with an id for its words.
        let permitted = self.enforce(&shape.decision, judged, facts, "").ok()?;
        let revision = Arc::clone(&shape.revision);
        let key = VerdictKey { revision, freeze: shape.freeze, protocol, by_name };
        let mut verdict = Verdict::new(key, Arc::clone(&shape.decision), Ok(permitted), facts);
        verdict.model = Some(Arc::clone(&shape.model));
        judged.remember(&verdict);
        Some(verdict)
    }

    /// As [`crate::Gate::enforce`].
    pub(super) fn enforce(
        &self,
        decision: &Decision,
        judged: &JudgedStatement,
        facts: &StatementFacts,
        decision_id: &str,
    ) -> Result<Permitted, Refusal> {
        let read = (judged, &*self.catalog);
        self.gate.enforce(decision, read, facts, decision_id)
    }

    /// Records one more run, where the record can be made from an earlier one.
    pub(super) fn run_again(
        &mut self,
        verdict: &Verdict,
        judged: &Arc<JudgedStatement>,
        by_name: bool,
        timer: Timer,
    ) -> Option<Result<Draft, Refusal>> {
        let anew = |in_force: &InForce| in_force.has_budgets() || in_force.liftable().is_some();
        if verdict.in_force.as_deref().is_some_and(anew) {
            // What is left of a budget, and what was consented to, differs from run to run.
            return None;
        }
        let facts = judged.facts(by_name);
        let judge_ns = timer.elapsed_ns();
        let result = self.gate.record_run(verdict, judged, (facts, &self.facts), judge_ns)?;
        self.count_statement((judged, facts.class), verdict, result.is_err(), judge_ns);
        Some(result)
    }

    /// One more statement was judged; `denied` where it does not run.
    fn count_statement(
        &mut self,
        (judged, class): (&Arc<JudgedStatement>, StatementClass),
        verdict: &Verdict,
        denied: bool,
        judge_ns: u64,
    ) {
        let totals = &mut self.facts.totals;
        totals.statements = totals.statements.saturating_add(1);
        if denied {
            totals.denied = totals.denied.saturating_add(1);
        }
        let decided = verdict.decision.effect;
        let effect =
            if denied && decided != Effect::RequireApproval { Effect::Deny } else { decided };
        self.live.set_totals(totals);
        self.live.set_last(judged);
        self.database.counters.count(class, effect, judge_ns);
    }

    /// An EXECUTE or FETCH is judged as what it names; what is sent is its own text.
    pub(super) fn judge_bound(
        &mut self,
        judged: &Arc<JudgedStatement>,
        bound: Option<&Prepared>,
        prepared_text: Option<&Arc<str>>,
    ) -> Result<Draft, Refusal> {
        let (Some(bound), Statement::Parsed(parsed)) = (bound, judged.statement()) else {
            return Err(self.refuse_unknown(judged));
        };
        let timer = Timer::start();
        let bound = &self.up_to_date(bound);
        let (mut intent, mut verdict) =
            self.verdict(&bound.judged, Protocol::Prepared, bound.by_name);
        let asking = Asking::bound(bound, parsed.text());
        if !self.seek_estimate(&mut intent, &mut verdict, &asking) {
            self.seek_consent(&mut intent, &mut verdict, &asking);
        }
        require_same_text(&mut verdict, bound, &intent.request_id);
        if judged.statement().facts().kind == "explain" {
            require_plain(&mut verdict, bound, &intent.request_id);
        }
        let own_text = prepared_text.map_or_else(|| Arc::from(parsed.text()), Arc::clone);
        let send = verdict.permitted.is_ok().then_some(own_text);
        self.finish(intent, &verdict, judged, send, timer)
    }

    /// There is nothing behind the name. The record says so in Jurat's words; the client is told in the
    /// database's own, which drivers look for.
    fn refuse_unknown(&mut self, judged: &Arc<JudgedStatement>) -> Refusal {
        let (code, words) = match judged.looks_up() {
            Some(SessionEffect::Fetch { name }) => {
                (RefusalCode::UnknownCursor, format!("cursor \"{name}\" does not exist"))
            }
            Some(SessionEffect::Execute { name }) => {
                (RefusalCode::UnknownName, format!("prepared statement \"{name}\" does not exist"))
            }
            _ => return self.refuse(judged, RefusalCode::UnknownName, UNKNOWN_NAME),
        };
        let mut refusal = self.refuse(judged, code, UNKNOWN_NAME);
        refusal.message = words;
        refusal
    }

    pub(super) fn finish(
        &mut self,
        intent: Intent,
        verdict: &Verdict,
        judged: &Arc<JudgedStatement>,
        send: Option<Arc<str>>,
        timer: Timer,
    ) -> Result<Draft, Refusal> {
        if let Err(refusal) = &verdict.permitted
            && self.wants_a_look()
        {
            return Err((**refusal).clone());
        }
        let VerdictKey { freeze, protocol, by_name, .. } = verdict.key;
        let class = judged.facts(by_name).class;
        let over = match &verdict.in_force {
            Some(in_force) if verdict.permitted.is_ok() => {
                self.within_budgets(in_force, &intent.request_id).err()
            }
            Some(_) | None => None,
        };
        if let Some(refusal) = over {
            let refused = Verdict { permitted: Err(Arc::new(refusal)), ..verdict.clone() };
            let result = self.gate.record((intent, false), &refused, judged, None, timer);
            self.count_statement((judged, class), verdict, true, timer.elapsed_ns());
            return result.map(|(draft, _model)| draft);
        }
        // What a name stands for is recorded with the text of the statement that names it, so that record
        // is no model for the next one.
        let facts = judged.facts(by_name);
        let own = send.is_none() && intent.statement.as_ref().is_some_and(|s| s.text == facts.text);
        // A run with consent is no model for one without, nor is one with an estimate.
        let foreseen = intent.statement.as_ref().is_some_and(|s| s.estimate.source != "none");
        let own = own && intent.approvals.is_empty() && !foreseen;
        let under = (&*verdict.key.revision, freeze);
        let again = own && judged.remembered(under, protocol, by_name).is_some();
        let result = self.gate.record((intent, again), verdict, judged, send, timer);
        self.count_statement((judged, class), verdict, result.is_err(), timer.elapsed_ns());
        let (draft, model) = result?;
        if let Some(model) = model {
            self.remember_run(verdict, judged, model);
        }
        Ok(draft)
    }

    pub(super) fn remember_run(
        &mut self,
        verdict: &Verdict,
        judged: &Arc<JudgedStatement>,
        model: Arc<DecisionModel>,
    ) {
        let VerdictKey { revision, freeze, protocol, by_name } = &verdict.key;
        let remembered = Verdict { model: Some(Arc::clone(&model)), ..verdict.clone() };
        judged.remember(&remembered);
        let policy = self.gate.policy.current();
        if *policy.revision() == **revision && !policy.reads_text() {
            let read = self.readings.of_shape(judged.read(), *by_name);
            if cannot_tell_sessions_apart(&policy) {
                read.note_decided(&self.standing, verdict);
            }
            let known = read.carried_out(&verdict.decision, *by_name);
            let decision = known.map_or_else(|| Arc::clone(&verdict.decision), |one| one.decision);
            let revision = Arc::clone(revision);
            let way = (*protocol, *by_name);
            self.shapes.remember(Shape { read, way, revision, freeze: *freeze, decision, model });
        }
    }

    pub(super) fn finish_refused(
        &mut self,
        intent: Intent,
        verdict: &Verdict,
        judged: &Arc<JudgedStatement>,
        timer: Timer,
    ) -> Refusal {
        match self.finish(intent, verdict, judged, None, timer) {
            Err(refusal) => refusal,
            // A verdict that permits no text gives no draft.
            Ok(_draft) => refusals::audit_unavailable(),
        }
    }

    /// Judges `judged` in this session, or remembers the judgement where nothing it depends on can
    /// have changed.
    pub(super) fn verdict(
        &self,
        judged: &Arc<JudgedStatement>,
        protocol: Protocol,
        by_name: bool,
    ) -> (Intent, Verdict) {
        let policy = self.gate.policy.current();
        // Before the intent: see there.
        let under = (policy.revision(), self.freeze_stamp());
        let mut intent = self.intent(Stage::Statement, &policy);
        let mut facts = judged.facts(by_name).clone();
        facts.protocol = protocol;
        labels::join(&mut facts, policy.labels(), &self.catalog);
        if let Some(verdict) = judged.remembered(under, protocol, by_name) {
            intent.statement = Some(facts);
            return (intent, verdict);
        }
        let key = verdict_key(under, protocol, by_name);
        let shared = cannot_tell_sessions_apart(&policy);
        let decided = if shared { self.decided(judged, &policy, &key) } else { None };
        let surface = match decided {
            Some(_) => Surface::default(),
            None => labels::surface(&facts, policy.labels(), &self.catalog),
        };
        intent.statement = Some(facts);
        let decision = decided.unwrap_or_else(|| Arc::new(policy.judge(&intent, &surface)));
        let verdict = match judged.read().carried_out(&decision, by_name) {
            Some(known) => Verdict::from((key, known)),
            None => {
                let facts = judged.facts(by_name);
                let permitted = self.enforce(&decision, judged, facts, &intent.request_id);
                let verdict = Verdict::new(key, decision, permitted, facts);
                judged.read().note_carried_out(&verdict);
                verdict
            }
        };
        if shared {
            judged.read().note_decided(&self.standing, &verdict);
        }
        // The place in the message and the protocol belong to the statement and the key, so only what
        // differs between two runs of one statement forbids remembering.
        if !policy.volatile_when_prepared() {
            judged.remember(&verdict);
        }
        (intent, verdict)
    }

    /// What a decision depends on that may change while the policies stay; see [`crate::freeze::Frozen::stamp`].
    pub(super) fn freeze_stamp(&self) -> u64 {
        self.database.frozen.stamp()
    }

    /// What policies decided on the statement, or on one of the same shape, in a session that they cannot
    /// tell from this one.
    fn decided(
        &self,
        judged: &JudgedStatement,
        policy: &PolicySet,
        key: &VerdictKey,
    ) -> Option<Arc<Decision>> {
        judged.read().decided(&self.standing, key).or_else(|| {
            let by_shape = !policy.reads_text();
            let alike = by_shape.then(|| self.readings.alike(judged.read(), key.by_name)).flatten();
            alike?.decided(&self.standing, key)
        })
    }
}

/// Whether two sessions of the same standing have the same decisions.
fn cannot_tell_sessions_apart(policy: &PolicySet) -> bool {
    !policy.volatile_when_prepared() && !policy.reads_session()
}

/// `EXPLAIN EXECUTE` shows the text that was prepared, masks and their salts included, and what the server
/// knows of how often a value occurs or a row is hidden.
fn require_plain(verdict: &mut Verdict, prepared: &Prepared, decision_id: &str) {
    let masks = &verdict.decision.masks;
    let why = if masks.iter().any(|mask| is_salted(mask.method)) {
        "EXPLAIN would show the salt of a mask"
    } else if masks.iter().any(|mask| mask.predicates == PredicateMode::Equality) {
        "EXPLAIN would tell how often a masked value occurs"
    } else if !verdict.decision.row_filters.is_empty() {
        "EXPLAIN would count rows that a filter hides"
    } else {
        return;
    };
    let refusal = refusals::not_carried_out(
        RefusalCode::Denied,
        prepared.judged.facts(prepared.by_name),
        (why, "Leave EXPLAIN out"),
        decision_id,
    );
    verdict.permitted = Err(Arc::new(refusal));
}

const STALE: (&str, &str) = (
    "the policies, or what its names mean, changed since it was prepared",
    "Prepare the statement again",
);

/// What the database says when a statement has to be prepared again. Drivers look for these words, and
/// prepare it again by themselves.
const STALE_WORDS: &str = "cached plan must not change result type";

const UNKNOWN_NAME: (&str, &str) =
    ("no statement or cursor of that name was made in this session", "Prepare or declare it first");

/// A text that was prepared under other policies must not run under these.
pub(super) fn require_same_text(verdict: &mut Verdict, prepared: &Prepared, decision_id: &str) {
    if verdict.permitted.as_ref().is_ok_and(|text| *text != prepared.sent) {
        let mut refusal = refusals::not_carried_out(
            RefusalCode::PreparedStale,
            prepared.judged.facts(prepared.by_name),
            STALE,
            decision_id,
        );
        STALE_WORDS.clone_into(&mut refusal.message);
        verdict.permitted = Err(Arc::new(refusal));
    }
}
