//! Statements that need somebody's consent, in one session.
//!
//! A judgement that asks for approval leaves behind what would be asked for. The front-end has it looked
//! for (see [`Approvals::ask`](crate::Approvals::ask)), lends what it was granted to the session, and has
//! the same judged again: with the grant before their eyes the policies must let it through. Nothing of this
//! costs a statement anything that needs no consent.

use std::sync::Arc;

use jurat_sql::{BoundValues, SearchPath, SessionEffect, Statement};
use jurat_types::{
    Effect, Engine, Estimate, Intent, Reason, ReasonKind, RefusalCode, RelationName, StatementFacts,
};
use ring::digest;
use serde_json::json;

use super::{Session, estimate::Estimates};
use crate::{
    InForce, JudgedStatement, Prepared, Question, Spending, approvals,
    estimate::Beside,
    grant::{self, Approval, State},
    labels,
    prepared::{Verdict, VerdictKey},
    refusals, rewrite,
};

mod rows;

/// A person reads what they consent to, so nothing longer is put before them, bytes.
const SHOWN_BYTES_MAX: usize = 32 << 10;

/// Where no rule says how long, nanoseconds.
const TTL_NS: i64 = 30 * 60 * 1_000_000_000;

/// What the session knows about consent.
#[derive(Debug, Default)]
pub(super) struct Consent(Option<Box<Known>>);

#[derive(Debug, Default)]
pub(super) struct Known {
    /// What the last judgement asks consent for.
    asked: Option<(Approval, Option<Question>)>,
    /// Grants that may be used now.
    lent: Vec<Approval>,
    /// What the drafts since then use of them.
    spent: Vec<Spending>,
    /// Consent over a limit on rows: what was looked for, by digest, and what was found.
    pub(super) rows: rows::Looked,
    /// What the database was asked before statements run.
    pub(super) estimates: Estimates,
}

impl Known {
    pub(super) fn forget_spent(&mut self) {
        self.spent.clear();
    }
}

impl Consent {
    pub(super) fn known(&mut self) -> &mut Known {
        self.0.get_or_insert_default()
    }
}

/// The values of a statement's parameters.
#[derive(Clone, Debug)]
pub struct Bound {
    /// Everything that decides what the values mean, in one form.
    pub bytes: Arc<[u8]>,
    /// Each as a person reads it.
    pub shown: Arc<[String]>,
}

/// What is about to run.
pub(super) struct Asking<'a> {
    judged: &'a Arc<JudgedStatement>,
    by_name: bool,
    /// The text that runs it, where it is another one.
    runs_by: Option<&'a str>,
    values: Values<'a>,
}

enum Values<'a> {
    /// Whatever there is stands in the text.
    InText,
    /// What was bound; `None` where it was not kept.
    Bound(&'a [u32], Option<&'a Bound>),
}

impl<'a> Asking<'a> {
    /// A statement as it is written.
    pub(super) const fn own(judged: &'a Arc<JudgedStatement>) -> Self {
        Self { judged, by_name: false, runs_by: None, values: Values::InText }
    }

    /// A run of a prepared statement.
    pub(super) fn run(prepared: &'a Prepared) -> Self {
        let (types, bound) = prepared
            .consent
            .as_ref()
            .map_or((&[][..], None), |consent| (&*consent.types, consent.bound.as_ref()));
        let values = Values::Bound(types, bound);
        Self { judged: &prepared.judged, by_name: prepared.by_name, runs_by: None, values }
    }

    /// What an EXECUTE or FETCH stands for; its own text has the values.
    pub(super) fn bound(prepared: &'a Prepared, text: &'a str) -> Self {
        let values = Values::InText;
        Self { judged: &prepared.judged, by_name: prepared.by_name, runs_by: Some(text), values }
    }

    pub(super) const fn judged(&self) -> &'a Arc<JudgedStatement> {
        self.judged
    }

    pub(super) fn statement(&self) -> &'a Statement {
        self.judged.statement()
    }

    /// Where the values of its parameters are, for a question about it.
    pub(super) fn bound_values(&self, engine: Engine) -> BoundValues<'a> {
        match &self.values {
            Values::Bound(_, Some(bound)) if engine.is_postgres() => {
                BoundValues::Beside(bound.shown.len())
            }
            Values::Bound(_, Some(bound)) => BoundValues::Written(&bound.shown),
            Values::InText | Values::Bound(_, None) => BoundValues::InText,
        }
    }

    /// What is sent beside a question that has those of its parameters.
    pub(super) fn beside(&self, parameters: Vec<usize>) -> Beside {
        match &self.values {
            Values::Bound(types, bound) => {
                Beside { bound: bound.cloned(), types: types.to_vec(), parameters }
            }
            Values::InText => Beside::default(),
        }
    }

    pub(super) fn facts(&self) -> &'a StatementFacts {
        self.judged.facts(self.by_name)
    }
}

impl Session {
    /// Whether the last judgement asks for consent.
    pub fn asks_consent(&self) -> bool {
        let asks = |known: &Known| {
            known.asked.is_some() || known.rows.wants_a_look() || known.estimates.has_to_ask()
        };
        self.consent.0.as_ref().is_some_and(|known| asks(known))
    }

    /// What the last judgement asks consent for, and what the database is asked for its card.
    pub fn take_asked(&mut self) -> Option<(Approval, Option<Question>)> {
        self.consent.0.as_mut()?.asked.take()
    }

    /// Lets the judgements that follow use a grant, once.
    pub fn lend(&mut self, grant: Approval) {
        let known = self.consent.known();
        known.lent.push(grant);
        // The whole message is judged anew.
        known.spent.clear();
    }

    /// What the drafts that were made since grants were lent use of them. From now on nothing is lent.
    pub fn take_spent(&mut self) -> Vec<Spending> {
        self.consent.0.take().map(|known| known.spent).unwrap_or_default()
    }

    /// Where a judgement asks for consent: takes what was lent for it, or notes what has to be asked.
    pub(super) fn seek_consent(
        &mut self,
        intent: &mut Intent,
        verdict: &mut Verdict,
        asking: &Asking<'_>,
    ) {
        if verdict.decision.effect != Effect::RequireApproval {
            // Nearly every statement ends here.
            if verdict.in_force.as_ref().is_some_and(|in_force| in_force.liftable().is_some()) {
                self.seek_rows(intent, verdict, asking);
            }
            return;
        }
        if self.gate.approvals.is_none() {
            return;
        }
        if let Err(why) = self.can_be_asked(asking) {
            let facts = asking.facts();
            let code = RefusalCode::Denied;
            let refusal = refusals::not_carried_out(code, facts, why, &intent.request_id);
            verdict.permitted = Err(Arc::new(refusal));
            return;
        }
        let whole = self.text_with_consent(verdict, asking.judged, &intent.request_id);
        let text = match (whole, &verdict.permitted) {
            (true, Ok(text)) => Arc::clone(text),
            // What could not run with consent is not asked for.
            _ => return,
        };
        let digest = self.digest(verdict, asking, &text);
        let known = self.consent.known();
        let spent = |id: &str| known.spent.iter().any(|spending| spending.id == id);
        let unchanged = *self.gate.policy.current().revision() == *verdict.key.revision;
        match known.lent.iter().find(|grant| grant.digest == digest && !spent(&grant.id)) {
            // Policies that have come since then judge without it.
            Some(grant) if unchanged => {
                let grant = grant.clone();
                self.judge_with(grant, intent, verdict, asking);
                self.seek_rows(intent, verdict, asking);
            }
            Some(_) | None => {
                let facts = asking.facts();
                let code = RefusalCode::ApprovalRequired;
                let id = &intent.request_id;
                let refusal = refusals::not_carried_out(code, facts, refusals::ASK, id);
                let asked = self.approval(digest, intent, verdict, asking).map(|mut asked| {
                    let decision = &verdict.decision;
                    let sampling = self.sampling(&mut asked, intent, decision, asking, &text);
                    (asked, sampling)
                });
                verdict.permitted = Err(Arc::new(refusal));
                self.consent.known().asked = asked;
            }
        }
    }

    /// The policies judge again, with the grant before their eyes.
    fn judge_with(
        &mut self,
        grant: Approval,
        intent: &mut Intent,
        verdict: &mut Verdict,
        asking: &Asking<'_>,
    ) {
        let policy = self.gate.policy.current();
        intent.approvals = vec![approvals::for_policy(&grant)];
        let facts = asking.facts();
        let surface = labels::surface(facts, policy.labels(), &self.catalog);
        let decision = policy.judge(intent, &surface);
        let mut permitted = self.enforce(&decision, asking.judged, facts, &intent.request_id);
        // What was consented to before it ran is consented to when its rows are counted.
        if let Ok(permitted) = &mut permitted
            && let Some(in_force) = permitted.in_force.take()
        {
            let with = InForce::clone(&in_force).with_approvals(intent.approvals.clone());
            permitted.in_force = Some(Arc::new(with));
        }
        let VerdictKey { freeze, protocol, by_name, .. } = verdict.key;
        let key = VerdictKey { revision: Arc::from(policy.revision()), freeze, protocol, by_name };
        *verdict = Verdict::new(key, Arc::new(decision), permitted, facts);
        if verdict.permitted.is_ok() {
            let spending = Spending {
                id: grant.id,
                digest: grant.digest,
                decision_id: intent.request_id.clone(),
            };
            self.consent.known().spent.push(spending);
        }
    }

    /// Where a verdict asks for consent: puts in the text that consent would let through, or why there is
    /// none. Tells whether the verdict is of that kind.
    pub(super) fn text_with_consent(
        &self,
        verdict: &mut Verdict,
        judged: &Arc<JudgedStatement>,
        decision_id: &str,
    ) -> bool {
        if verdict.decision.effect != Effect::RequireApproval || self.gate.approvals.is_none() {
            return false;
        }
        let VerdictKey { revision, freeze, protocol, by_name } = &verdict.key;
        let facts = judged.facts(*by_name);
        let how = (&*verdict.decision, &self.gate.mask_key);
        let permitted = rewrite::permitted_text(judged, facts, how, decision_id);
        let key = crate::gate::verdict_key((revision, *freeze), *protocol, *by_name);
        *verdict = Verdict::new(key, Arc::clone(&verdict.decision), permitted, facts);
        true
    }

    /// Whether a person could know what they consent to.
    fn can_be_asked(&self, asking: &Asking<'_>) -> Result<(), (&'static str, &'static str)> {
        let facts = asking.facts();
        let statement = asking.judged.statement();
        if matches!(statement.effect(), SessionEffect::ClientFile { .. } | SessionEffect::CopyIn) {
            return Err((
                "policy asks for an approval, and nobody can approve rows that are not there yet",
                "Send the rows with INSERT",
            ));
        }
        if matches!(facts.protocol, jurat_types::Protocol::FunctionCall) {
            return Err((
                "policy asks for an approval, and a call by number does not show its arguments",
                "Call the function with SELECT",
            ));
        }
        let own = asking.runs_by.map_or(0, str::len);
        let long = match &asking.values {
            Values::InText => 0,
            Values::Bound(_, Some(bound)) => bound.bytes.len(),
            Values::Bound(_, None) if facts.parameters.count == 0 && !self.may_bind(statement) => 0,
            Values::Bound(_, None) => {
                return Err((
                    "policy asks for an approval now, and the values that were bound are not known",
                    "Prepare the statement again",
                ));
            }
        };
        if facts.text.len().saturating_add(own).saturating_add(long) > SHOWN_BYTES_MAX {
            return Err((
                "policy asks for an approval, and it is too long for a person to read",
                "Send it in smaller parts",
            ));
        }
        Ok(())
    }

    /// Whether a statement may have parameters, where that is not known.
    fn may_bind(&self, statement: &Statement) -> bool {
        match statement {
            Statement::Parsed(parsed) => parsed.text().contains(['$', '?']),
            Statement::Opaque(_) => true,
        }
    }

    /// Everything that consent is bound to. A different byte in any of it is another request.
    fn digest(&self, verdict: &Verdict, asking: &Asking<'_>, sent: &str) -> String {
        let principal = &self.login.principal;
        let target = &self.database.target;
        let mut facts = asking.facts().clone();
        // The way that it comes, and what is foreseen, is not what was asked for.
        facts.protocol = jurat_types::Protocol::Simple;
        (facts.index, facts.count) = (0, 1);
        facts.estimate = Estimate::default();
        let (types, bound) = match &asking.values {
            Values::InText => (&[][..], None),
            Values::Bound(types, bound) => (*types, bound.map(|bound| &bound.bytes)),
        };
        let masked = verdict.decision.masks.is_empty().then_some(sent);
        let path = match &self.names.search_path {
            SearchPath::Known(path) => Some(path),
            SearchPath::Unknown => None,
        };
        let whole = json!({
            "version": 1,
            "principal": [principal.id, principal.kind, principal.auth.issuer],
            "on_behalf_of": principal.on_behalf_of.as_ref().map(|delegator| &delegator.id),
            "delegation": principal.delegation,
            "target": [target.name, target.database, target.upstream_user],
            "engine": target.engine,
            "policy": &*verdict.key.revision,
            "rules": requested(verdict),
            "limit": verdict.in_force.as_ref().and_then(|in_force| in_force.liftable()),
            "statement": facts,
            "definitions": self.definitions(&facts),
            // A salt differs from start to start, and the masks themselves come from the policy.
            "sent": masked,
            "runs_by": asking.runs_by,
            "search_path": path,
            "types": types,
            "values": bound,
        });
        let bytes = serde_json::to_vec(&whole).unwrap_or_default();
        let digest = digest::digest(&digest::SHA256, &bytes);
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What the views behind a statement say, in order: whoever consented has consented to these.
    fn definitions(&self, facts: &StatementFacts) -> Vec<&str> {
        let views = facts.relations.iter().filter(|used| used.kind.ends_with("view"));
        let relations = views.filter_map(|used| {
            self.catalog.relation(&RelationName::new(&*used.schema, &*used.name))
        });
        relations.filter_map(|relation| relation.definition.as_deref()).collect()
    }

    /// The request. `None` when the system has no randomness for its name.
    fn approval(
        &self,
        digest: String,
        intent: &Intent,
        verdict: &Verdict,
        asking: &Asking<'_>,
    ) -> Option<Approval> {
        let decision = &verdict.decision;
        let ttl_ns = decision.approvals.iter().filter_map(|request| ttl_ns(&request.ttl)).min();
        let ttl_ns = ttl_ns.unwrap_or(TTL_NS);
        let created_ns = intent.time.now_ns;
        let values = match &asking.values {
            Values::Bound(_, Some(bound)) => bound.shown.to_vec(),
            Values::InText | Values::Bound(_, None) => Vec::new(),
        };
        Some(Approval {
            id: grant::new_id()?,
            digest,
            state: State::Pending,
            decision_id: intent.request_id.clone(),
            created_ns,
            expires_ns: created_ns.saturating_add(ttl_ns),
            ttl_ns,
            intent: intent.clone(),
            runs_by: asking.runs_by.map(str::to_owned),
            values,
            requests: decision.approvals.clone(),
            lifts: decision.reasons.iter().filter(|r| is_lifted(r)).map(|r| r.id.clone()).collect(),
            max_rows: None,
            sample: None,
            why: None,
            votes: Vec::new(),
            used_by: None,
        })
    }
}

/// What is asked for: other approvers, or more of them, are another request.
fn requested(verdict: &Verdict) -> serde_json::Value {
    json!({
        "requests": verdict.decision.approvals,
        "lifts": verdict.decision.reasons.iter().filter(|r| is_lifted(r)).map(|r| &r.id).collect::<Vec<_>>(),
    })
}

fn is_lifted(reason: &Reason) -> bool {
    reason.kind == ReasonKind::Deny && reason.approvable
}

fn ttl_ns(text: &str) -> Option<i64> {
    let seconds = jurat_policy::seconds(text)?;
    i64::try_from(seconds).ok()?.checked_mul(1_000_000_000)
}
