//! The gate: judge, record, and only then permit.
//!
//! INVARIANT(nothing-runs-unrecorded): a permit is made in one place, after an append that succeeded.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use jurat_audit::{AppendError, AuditLog, DecisionModel, DecisionRun, ModelParts, Receipt};
use jurat_policy::PolicyHandle;
use jurat_sql::CatalogIndex;
use jurat_types::{
    Decision, DecisionRecord, Effect, Intent, JUDGE_TIMER, Obligation, RecordBody, Refusal,
    RefusalCode, SessionFacts, SessionRecord, StatementClass, StatementFacts,
};
use ring::digest;

use crate::{
    Approvals, Budgets, Clock, Draft, InForce, JudgedStatement, Lasts, Limits, MaskKey, Permit,
    Running, ids,
    limits_in_force::protected,
    permit::Allowance,
    prepared::{Verdict, VerdictKey},
    refusals,
    results::JudgedResult,
    rewrite::Permitted,
};

/// The policy enforcement point, shared by all sessions of a process.
#[derive(Debug)]
pub struct Gate {
    /// The policies, swapped as a whole on reload.
    pub policy: Arc<PolicyHandle>,
    /// The record.
    pub audit: Arc<AuditLog>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What principals have used up of their budgets.
    pub budgets: Arc<dyn Budgets>,
    /// Bounds.
    pub limits: Limits,
    /// What `hash` and `tokenize` are salted with.
    pub mask_key: MaskKey,
    /// Who consents to what, where that is configured.
    pub approvals: Option<Arc<Approvals>>,
    /// Labels of this instance, found in each decision record.
    pub labels: BTreeMap<String, String>,
}

const NOT_CONFIGURED: (&str, &str) = (
    "policy asks for an approval, and nobody can give any here",
    "Whoever runs jurat sets up approvals (docs/approvals.md)",
);

/// What a judgement took, for the record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer(Instant);

impl Timer {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed_ns(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn metrics(self) -> BTreeMap<String, u64> {
        BTreeMap::from([(JUDGE_TIMER.to_owned(), self.elapsed_ns())])
    }
}

impl Gate {
    /// Waits until the records of all `drafts` are as durable as their statements need: a write, a
    /// definition or a change of rights survives a power cut, a read survives a crash of Jurat.
    ///
    /// # Errors
    /// A refusal when the record cannot be made durable. The drafts are then gone, each with an
    /// outcome of its own in the record.
    pub async fn settle(&self, drafts: Vec<Draft>) -> Result<Vec<Permit>, Refusal> {
        if let Err(error) = self.stored(&drafts).await {
            tracing::error!(%error, "the record could not be made durable");
            return Err(refusals::audit_unavailable());
        }
        Ok(drafts.into_iter().map(|draft| draft.0).collect())
    }

    /// Records are written and made durable in order, so the last one speaks for all.
    async fn stored(&self, drafts: &[Draft]) -> Result<(), AppendError> {
        if let Some(draft) = drafts.iter().rev().find(|draft| draft.0.needs_sync) {
            self.audit.durable(draft.0.receipt()).await?;
        }
        match drafts.last() {
            Some(draft) => self.audit.written(draft.0.receipt()).await,
            None => Ok(()),
        }
    }

    /// Records something about a session.
    ///
    /// # Errors
    /// A refusal when the record cannot be written.
    pub fn record_session(&self, record: SessionRecord) -> Result<(), Refusal> {
        match self.audit.append(RecordBody::Session(Box::new(record))) {
            Ok(_receipt) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "a session could not be recorded");
                Err(refusals::audit_unavailable())
            }
        }
    }

    /// From a decision to the text that it permits, or to why nothing may run.
    pub(crate) fn enforce(
        &self,
        decision: &Decision,
        (judged, catalog): (&JudgedStatement, &CatalogIndex),
        facts: &StatementFacts,
        decision_id: &str,
    ) -> Result<Permitted, Refusal> {
        match decision.effect {
            Effect::Deny => Err(refusals::denied(decision, facts, decision_id)),
            Effect::RequireApproval => {
                let (code, why) = match self.approvals {
                    Some(_) => (RefusalCode::ApprovalRequired, refusals::ASK),
                    None => (RefusalCode::Denied, NOT_CONFIGURED),
                };
                Err(refusals::not_carried_out(code, facts, why, decision_id))
            }
            Effect::Allow | Effect::Rewrite => {
                let policy = self.policy.current();
                let known = (policy.reads_actual(), catalog.catalog());
                let protected =
                    protected::per_row(decision, judged, facts, (policy.labels(), catalog));
                let in_force = InForce::new(decision, facts, known, protected, decision_id)?;
                let protection = (decision, &self.mask_key);
                let mut permitted =
                    crate::rewrite::permitted_text(judged, facts, protection, decision_id)?;
                permitted.in_force = in_force.map(Arc::new);
                Ok(permitted)
            }
        }
    }

    /// Records a denial, or records a judgement and makes a draft of it. With `again`, what the records of
    /// further runs can refer to is given back too.
    pub(crate) fn record(
        &self,
        (intent, again): (Intent, bool),
        verdict: &Verdict,
        judged: &Arc<JudgedStatement>,
        send: Option<Arc<str>>,
        timer: Timer,
    ) -> Result<(Draft, Option<Arc<DecisionModel>>), Refusal> {
        let class = intent.statement.as_ref().map(|statement| statement.class);
        let decision_id = intent.request_id.clone();
        let text = send.map_or_else(|| verdict.permitted.clone(), Ok);
        let sent_sha256 = text.as_ref().ok().map(|text| sha256_hex(text.as_bytes()));
        let body = self.decision_record(intent, verdict, judged, sent_sha256, timer);
        let parts = if again && text.is_ok() { ModelParts::of(&body) } else { None };
        let body = RecordBody::Decision(Box::new(body));
        let append = if text.is_ok() { AuditLog::append_later } else { AuditLog::append };
        let receipt = append(&self.audit, body).map_err(unrecorded)?;
        let text = text.map_err(|refusal| with_id(&refusal, &decision_id))?;
        let model = parts.map(|parts| Arc::new(parts.stands_at(&receipt)));
        let draft = self.draft((receipt, decision_id), verdict, judged, text, class);
        Ok((draft, model))
    }

    /// Records one more run under a verdict that is known, and makes a draft of it. Nothing where no record
    /// of it can be referred to.
    pub(crate) fn record_run(
        &self,
        verdict: &Verdict,
        judged: &Arc<JudgedStatement>,
        (facts, session): (&StatementFacts, &SessionFacts),
        judge_ns: u64,
    ) -> Option<Result<Draft, Refusal>> {
        let model = verdict.model.as_ref()?;
        let text = Arc::clone(verdict.permitted.as_ref().ok()?);
        let now_ns = self.clock.now_ns();
        let decision_id = ids::new_id(now_ns);
        let whole = records_text(&verdict.decision);
        let run = DecisionRun {
            decision_id: &decision_id,
            now_ns,
            in_transaction: session.in_transaction,
            totals: session.totals,
            text: if whole { &facts.text } else { judged.statement().redacted() },
            sha256: &facts.sha256,
            sent_sha256: verdict.sent_sha256.as_deref()?,
            judge_ns,
            result_of: None,
        };
        let receipt = self.audit.append_run(model, &run).map_err(unrecorded).transpose()?;
        Some(receipt.map(|receipt| {
            self.draft((receipt, decision_id), verdict, judged, text, Some(facts.class))
        }))
    }

    /// Records that what a statement has changed passes by a judgement that is known. Tells whether the record
    /// could be made from the earlier one.
    pub(crate) fn record_result(
        &self,
        known: &JudgedResult,
        (running, in_force): (&Running, &InForce),
        (id, session): (&str, &SessionFacts),
        (lasts, timer): (Lasts, Timer),
    ) -> Result<bool, Refusal> {
        let facts = in_force.facts();
        let whole = records_text(&known.decision);
        let run = DecisionRun {
            decision_id: id,
            now_ns: self.clock.now_ns(),
            in_transaction: session.in_transaction,
            totals: session.totals,
            text: if whole { &facts.text } else { running.judged().statement().redacted() },
            sha256: &facts.sha256,
            sent_sha256: "",
            judge_ns: timer.elapsed_ns(),
            result_of: Some(running.decision_id()),
        };
        let receipt = match lasts {
            Lasts::AtOnce => self.audit.append_run_now(&known.model, &run),
            Lasts::OnceCommitted => self.audit.append_run(&known.model, &run),
        };
        Ok(receipt.map_err(unrecorded)?.is_some())
    }

    fn draft(
        &self,
        (receipt, decision_id): (Receipt, String),
        verdict: &Verdict,
        judged: &Arc<JudgedStatement>,
        text: Arc<str>,
        class: Option<StatementClass>,
    ) -> Draft {
        let notices =
            verdict.decision.reasons.iter().filter(|r| refusals::is_warning(r)).cloned().collect();
        let audit = Arc::clone(&self.audit);
        let allowance = Allowance {
            text,
            notices,
            decision: Arc::clone(&verdict.decision),
            scans: verdict.scans.clone(),
            needs_sync: class.is_none_or(needs_sync),
            in_force: verdict.in_force.clone(),
        };
        Draft(Permit::new(audit, receipt, decision_id, Arc::clone(judged), allowance))
    }

    pub(crate) fn decision_record(
        &self,
        mut intent: Intent,
        verdict: &Verdict,
        judged: &JudgedStatement,
        sent_sha256: Option<String>,
        timer: Timer,
    ) -> DecisionRecord {
        let decision = &*verdict.decision;
        let mut masked = Vec::new();
        if let Some(statement) = &mut intent.statement
            && !records_text(decision)
        {
            judged.statement().redacted().clone_into(&mut statement.text);
            masked.push("/input/statement/text".to_owned());
        }
        let mut labels = self.labels.clone();
        for obligation in &decision.obligations {
            match obligation {
                Obligation::Estimate(_) | Obligation::RecordText => {}
                Obligation::Tag(tags) => {
                    labels.extend(tags.iter().map(|(key, value)| (key.clone(), plain_text(value))));
                }
            }
        }
        let revision = BTreeMap::from([("revision".to_owned(), decision.policy.revision.clone())]);
        DecisionRecord {
            labels,
            decision_id: intent.request_id.clone(),
            bundles: BTreeMap::from([("jurat".to_owned(), revision)]),
            path: "jurat".to_owned(),
            requested_by: intent.session.client_addr.clone(),
            input: intent,
            result: effective(verdict),
            masked,
            metrics: timer.metrics(),
            sent_sha256,
            mode: "enforce".to_owned(),
            result_of: None,
        }
    }
}

/// Whether the client sees less than there is.
pub(crate) const fn protects(decision: &Decision) -> bool {
    !decision.masks.is_empty() || !decision.row_filters.is_empty()
}

/// The decision as it was carried out: one that could not be carried out is recorded as a denial.
fn effective(verdict: &Verdict) -> Decision {
    let mut decision = (*verdict.decision).clone();
    if let Err(refusal) = &verdict.permitted
        && decision.effect != Effect::Deny
        && !(decision.effect == Effect::RequireApproval
            && refusal.code == RefusalCode::ApprovalRequired)
    {
        decision.effect = Effect::Deny;
        decision.reasons.insert(0, refusals::own_reason(refusal));
    }
    decision
}

/// Whether the record of a statement must survive a power cut before the statement runs.
const fn needs_sync(class: StatementClass) -> bool {
    match class {
        StatementClass::Write
        | StatementClass::Ddl
        | StatementClass::Dcl
        | StatementClass::Admin
        | StatementClass::Unknown => true,
        StatementClass::Read | StatementClass::Session | StatementClass::Transaction => false,
    }
}

fn with_id(refusal: &Refusal, decision_id: &str) -> Refusal {
    let mut refusal = refusal.clone();
    if refusal.decision_id.as_deref() != Some(decision_id) {
        // A remembered refusal was worded for an earlier run: this run has an id of its own.
        if let Some(old) = refusal.decision_id.take() {
            refusal.message = refusal.message.replace(&old, decision_id);
            refusal.hint = refusal.hint.map(|hint| hint.replace(&old, decision_id));
        }
        if let Some(detail) = refusal.detail.as_object_mut() {
            detail.insert("decision_id".to_owned(), decision_id.into());
        }
        refusal.decision_id = Some(decision_id.to_owned());
    }
    refusal
}

/// Whether policy wants the text with its literals in the record.
fn records_text(decision: &Decision) -> bool {
    decision.obligations.iter().any(|obligation| matches!(obligation, Obligation::RecordText))
}

fn unrecorded(error: AppendError) -> Refusal {
    tracing::error!(%error, "a decision could not be recorded");
    refusals::audit_unavailable()
}

fn plain_text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}

pub(crate) fn verdict_key(
    (revision, freeze): (&str, u64),
    protocol: jurat_types::Protocol,
    by_name: bool,
) -> VerdictKey {
    VerdictKey { revision: Arc::from(revision), freeze, protocol, by_name }
}
