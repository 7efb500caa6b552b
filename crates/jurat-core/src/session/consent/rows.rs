//! Consent to more rows than a limit that can be lifted.
//!
//! How many rows a statement changes is known once it has run. So it runs in its transaction, is counted and taken
//! back, and then consent is asked for with the exact number; the next run with that consent may change as many and not
//! one more. Before each run it is looked whether there is consent, or a request that waits.

use std::sync::Arc;

use jurat_types::{ApprovalRequest, Intent, Refusal, RefusalCode};

use super::{Asking, Session};
use crate::{Approval, InForce, Spending, approvals, prepared::Verdict, refusals};

/// The consent to something, nothing where nobody was asked, or what the client is told.
type Found = Result<Option<Box<Approval>>, Refusal>;

/// What was looked for in one message, by digest, and what was found.
#[derive(Debug, Default)]
pub(in crate::session) struct Looked {
    /// What has to be looked for.
    wanted: Option<String>,
    /// Digests with the consent to them, nothing, or what the client is told.
    found: Vec<(String, Found)>,
}

impl Looked {
    pub(in crate::session) const fn wants_a_look(&self) -> bool {
        self.wanted.is_some()
    }
}

impl Session {
    /// Whether the last judgement cannot be made before consent was looked for. It is not recorded then: the one that
    /// is made afterwards is.
    pub(in crate::session) fn wants_a_look(&self) -> bool {
        self.consent
            .0
            .as_ref()
            .is_some_and(|known| known.rows.wants_a_look() || known.estimates.has_to_ask())
    }

    /// The digest for which consent has to be looked for before the last judgement can be made.
    pub fn take_looked_for(&mut self) -> Option<String> {
        self.consent.0.as_mut()?.rows.wanted.take()
    }

    /// Takes what was found; the judgements that follow use it.
    pub fn note_found(&mut self, digest: String, found: Result<Option<Box<Approval>>, Refusal>) {
        let known = self.consent.known();
        known.rows.found.push((digest, found));
        // The whole message is judged anew.
        known.spent.clear();
    }

    /// Where a limit bears that consent can lift: takes the consent that there is, or notes what has to be looked for.
    /// Where nobody can be asked the limit is one like any other.
    pub(super) fn seek_rows(
        &mut self,
        intent: &mut Intent,
        verdict: &mut Verdict,
        asking: &Asking<'_>,
    ) {
        let Some(in_force) = &verdict.in_force else { return };
        // What an earlier run was remembered with is not about this one.
        let in_force = InForce::clone(in_force).without_consent();
        verdict.in_force = Some(Arc::new(in_force.clone()));
        let Ok(text) = verdict.permitted.clone() else { return };
        let able = self.gate.approvals.is_some();
        if !able || in_force.liftable().is_none() || self.can_be_asked(asking).is_err() {
            return;
        }
        let digest = self.digest(verdict, asking, &text);
        let known = self.consent.known();
        let found = known.rows.found.iter().find(|(of, _)| *of == digest);
        let Some(found) = found.map(|(_, found)| found.clone()) else {
            known.rows.wanted = Some(digest);
            let why = ("consent has to be looked for", "Send it in smaller parts");
            let code = RefusalCode::ApprovalRequired;
            let refusal = refusals::not_carried_out(code, asking.facts(), why, &intent.request_id);
            verdict.permitted = Err(Arc::new(refusal));
            return;
        };
        match found {
            Err(refusal) => verdict.permitted = Err(Arc::new(refusal)),
            Ok(grant) => {
                let used = |id: &str| known.spent.iter().any(|spending| spending.id == id);
                let mut with = in_force;
                if let Some(grant) = grant.filter(|grant| !used(&grant.id)) {
                    intent.approvals.push(approvals::for_policy(&grant));
                    let rows = grant.max_rows.unwrap_or_default();
                    with = with.with_approvals(intent.approvals.clone()).with_consented_rows(rows);
                    known.spent.push(Spending {
                        id: grant.id,
                        digest: grant.digest,
                        decision_id: intent.request_id.clone(),
                    });
                }
                // What goes over is asked for, with the number.
                if let Some(mut asks) = self.asks_for_rows(digest, intent, verdict, asking) {
                    let decision = &verdict.decision;
                    let sampling = self.sampling(&mut asks, intent, decision, asking, &text);
                    with = with.asking(asks, sampling);
                }
                verdict.in_force = Some(Arc::new(with));
            }
        }
    }

    fn asks_for_rows(
        &self,
        digest: String,
        intent: &Intent,
        verdict: &Verdict,
        asking: &Asking<'_>,
    ) -> Option<Approval> {
        let limit = verdict.in_force.as_ref()?.liftable()?;
        let mut asks = self.approval(digest, intent, verdict, asking)?;
        asks.requests = vec![ApprovalRequest {
            id: limit.id.clone(),
            msg: format!("more than {} rows need consent", limit.value),
            approvers: Vec::new(),
            min: 1,
            ttl: "30m".to_owned(),
            mode: "retry".to_owned(),
        }];
        asks.lifts = Vec::new();
        Some(asks)
    }
}
