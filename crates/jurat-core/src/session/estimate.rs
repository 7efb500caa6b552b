//! Statements that policies want an estimate of: asked for after they were let pass without one, judged again with it.

use std::{collections::BTreeMap, sync::Arc};

use jurat_types::{Effect, Estimate, EstimateBy, Intent, Obligation, RefusalCode};

use super::{Session, consent::Asking};
use crate::{
    Answered, Foreseen, Question, estimate, labels,
    prepared::{Verdict, VerdictKey},
    refusals,
};

/// What was asked for one message, and what is known.
#[derive(Debug, Default)]
pub(super) struct Estimates {
    wanted: Option<Question>,
    /// By the key of the question: the answer, and the question without literals.
    found: Vec<(String, Foreseen, String)>,
}

impl Estimates {
    pub(super) const fn has_to_ask(&self) -> bool {
        self.wanted.is_some()
    }
}

impl Session {
    /// What the database has to be asked before the last judgement can be made.
    pub fn take_question(&mut self) -> Option<Question> {
        self.consent.known().estimates.wanted.take()
    }

    /// Takes the answer; the judgements that follow use it.
    pub fn note_foreseen(&mut self, question: &Question, answered: Answered) {
        let foreseen = question.read(answered);
        let known = self.consent.known();
        let asked = (question.key().to_owned(), foreseen, question.redacted().to_owned());
        known.estimates.found.push(asked);
        // The whole message is judged anew.
        known.forget_spent();
    }

    /// Where policy wants an estimate and has not denied: judges again with it, or notes what has to be asked. Tells
    /// whether that comes first.
    pub(super) fn seek_estimate(
        &mut self,
        intent: &mut Intent,
        verdict: &mut Verdict,
        asking: &Asking<'_>,
    ) -> bool {
        let Some(request) = estimate::wanted(&verdict.decision) else { return false };
        let Some(sent) = self.would_send(verdict, asking, &intent.request_id) else {
            return false;
        };
        let beside = asking.beside(Vec::new());
        let key = estimate::key(&sent, request, &beside);
        let found = self.consent.known().estimates.found.iter().find(|(of, ..)| *of == key);
        let (foreseen, asked) = match found {
            Some((_, foreseen, asked)) => (foreseen.clone(), Some(asked.clone())),
            None => match Question::new(
                asking.statement(),
                &sent,
                request,
                (asking.bound_values(self.catalog.engine()), beside),
            ) {
                Ok(question) => {
                    self.consent.known().estimates.wanted = Some(question);
                    let refusal = refusals::not_carried_out(
                        RefusalCode::Denied,
                        asking.facts(),
                        ("an estimate has to be asked for", "Send it in smaller parts"),
                        &intent.request_id,
                    );
                    verdict.permitted = Err(Arc::new(refusal));
                    return true;
                }
                Err(why) => (Err(why.to_owned()), None),
            },
        };
        let by = match request.by {
            EstimateBy::Count => "count",
            EstimateBy::Explain => "explain",
        };
        if let Some(statement) = &mut intent.statement {
            let source = if foreseen.is_ok() { by } else { "failed" };
            let known = foreseen.as_ref().ok().copied();
            let (rows, total) = known.map_or((None, None), |(rows, total)| (Some(rows), total));
            statement.estimate = Estimate { rows, source: source.to_owned(), total };
        }
        self.judge_foreseen(intent, verdict, asking, asked);
        if let Err(why) = foreseen
            && !request.allow_failure
            && verdict.decision.effect != Effect::Deny
        {
            let why = format!("policy wants to know before how many rows it concerns, and {why}");
            let remedy = "Nothing ran. Make it simpler, or ask whoever owns the policies";
            let code = RefusalCode::Denied;
            let told = (why.as_str(), remedy);
            let refusal = refusals::not_carried_out(code, asking.facts(), told, &intent.request_id);
            verdict.permitted = Err(Arc::new(refusal));
            // Nobody is asked for consent to it.
            return true;
        }
        false
    }

    /// The text that would be sent; nothing where the statement is refused already.
    fn would_send(&self, verdict: &Verdict, asking: &Asking<'_>, id: &str) -> Option<Arc<str>> {
        match verdict.decision.effect {
            Effect::Deny => None,
            Effect::Allow | Effect::Rewrite => verdict.permitted.clone().ok(),
            Effect::RequireApproval => {
                let mut with = verdict.clone();
                let whole = self.text_with_consent(&mut with, asking.judged(), id);
                with.permitted.ok().filter(|_| whole)
            }
        }
    }

    /// The policies judge again, with the estimate before their eyes.
    fn judge_foreseen(
        &self,
        intent: &Intent,
        verdict: &mut Verdict,
        asking: &Asking<'_>,
        asked: Option<String>,
    ) {
        let policy = self.gate.policy.current();
        let facts = asking.facts();
        let surface = labels::surface(facts, policy.labels(), &self.catalog);
        let mut decision = policy.judge(intent, &surface);
        if let Some(asked) = asked {
            let tag = BTreeMap::from([("estimate.asked".to_owned(), asked.into())]);
            decision.obligations.push(Obligation::Tag(tag));
        }
        let permitted = self.enforce(&decision, asking.judged(), facts, &intent.request_id);
        let VerdictKey { freeze, protocol, by_name, .. } = verdict.key;
        let key = VerdictKey { revision: Arc::from(policy.revision()), freeze, protocol, by_name };
        *verdict = Verdict::new(key, Arc::new(decision), permitted, facts);
    }
}
