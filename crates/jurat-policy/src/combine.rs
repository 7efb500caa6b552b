//! The combination: deny > require approval > rewrite > allow, the same for every policy.

use std::collections::{BTreeMap, BTreeSet};

use jurat_types::{
    ApprovalRequest, ColumnId, ColumnMask, Decision, Effect, Limit, Obligation, PolicyRef, Reason,
    ReasonKind, RowFilter,
};
use serde_json::Value;

use crate::{
    PackageMode, Surface,
    element::{self, Acts, DecisionRule, Says},
    mask,
    rule_index::RuleIndex,
};

/// What one decision rule of one package said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) package: String,
    pub(crate) rule: DecisionRule,
    pub(crate) elements: Vec<Value>,
}

/// What the combination needs to know besides.
pub(crate) struct Context<'a> {
    pub(crate) root: &'a str,
    pub(crate) revision: &'a str,
    pub(crate) modes: &'a BTreeMap<String, PackageMode>,
    pub(crate) index: &'a RuleIndex,
    pub(crate) surface: &'a Surface,
    /// The rules whose request for approval was granted for this very statement.
    pub(crate) granted: &'a BTreeSet<String>,
}

/// Combines everything that was said into one decision.
pub(crate) fn combine(said: &[Said], context: &Context<'_>) -> Decision {
    let mut tally = Tally::default();
    for each in said {
        for value in &each.elements {
            tally.element(each, value, context);
        }
    }
    tally.decide(context)
}

/// The decision where judging itself failed.
pub(crate) fn failure(code: &str, message: &str, context: &Context<'_>) -> Decision {
    let mut tally = Tally::default();
    tally.reasons.push(Reason {
        code: Some(code.to_owned()),
        remedy: Some("Tell whoever maintains the policies; nothing ran".to_owned()),
        ..reason(ReasonKind::Error, code, context.root, message)
    });
    tally.errors.push(message.to_owned());
    tally.decide(context)
}

type LimitKey = (String, Option<u64>, bool, Vec<String>);

#[derive(Default)]
struct Tally {
    reasons: Vec<Reason>,
    masks: BTreeMap<ColumnId, ColumnMask>,
    row_filters: Vec<RowFilter>,
    /// By kind, window, labels, and whether consent lifts them: those with another one of these are other limits.
    limits: BTreeMap<LimitKey, Limit>,
    approvals: Vec<ApprovalRequest>,
    obligations: Vec<Obligation>,
    errors: Vec<String>,
    allowed: bool,
}

/// The name of a package below the root, and how far its rules reach.
pub(crate) fn mode_of<'a>(
    package: &'a str,
    root: &str,
    modes: &BTreeMap<String, PackageMode>,
) -> (&'a str, PackageMode) {
    let short = package.strip_prefix("data.").unwrap_or(package);
    let below = short.strip_prefix(root).and_then(|rest| rest.strip_prefix('.')).unwrap_or(short);
    let mode = [package, short, below].into_iter().find_map(|name| modes.get(name)).copied();
    (below, mode.unwrap_or_default())
}

impl Tally {
    fn element(&mut self, said: &Said, value: &Value, context: &Context<'_>) {
        let (below, mode) = mode_of(&said.package, context.root, context.modes);
        let (mut says, mut acts) = match element::read(said.rule, value) {
            Ok(read) => read,
            Err(wrong) => {
                self.malformed(said, below, mode, &wrong, context);
                return;
            }
        };
        // A mask or filter of something that the statement does not come near is no reason for anything.
        match &acts {
            Acts::Mask(request) if !mask::covers_any(request, &context.surface.columns) => return,
            Acts::RowFilter(filter) if !context.surface.relations.contains(&filter.relation) => {
                return;
            }
            Acts::Allow
            | Acts::Approval(_)
            | Acts::Deny
            | Acts::Limit(_)
            | Acts::Mask(_)
            | Acts::Obligation(_)
            | Acts::RowFilter(_)
            | Acts::Warn => {}
        }
        let id = says.id.clone().unwrap_or_else(|| format!("{below}.{}", said.rule.name()));
        name(&mut acts, &id);
        if mode == PackageMode::Warn && matches!(acts, Acts::Approval(_)) {
            says.msg.get_or_insert_with(|| "An approval would be needed".to_owned());
        }
        let kind = effective_kind(&acts, mode);
        self.reasons.push(explained(kind, &id, said, &says, context));
        if kind == kind_of(&acts) {
            self.apply(acts, &id, context);
        }
    }

    fn apply(&mut self, acts: Acts, id: &str, context: &Context<'_>) {
        match acts {
            Acts::Allow => self.allowed = true,
            Acts::Deny | Acts::Warn => {}
            Acts::Mask(request) => {
                mask::add(&mut self.masks, &request, id, &context.surface.columns);
            }
            Acts::RowFilter(filter) => self.row_filters.push(filter),
            Acts::Limit(new) => {
                let lifted = new.kind == "rows_affected" && new.on_exceed == "approve";
                let key = (new.kind.clone(), new.window_seconds, lifted, new.labels.clone());
                match self.limits.get_mut(&key) {
                    Some(old) => *old = stricter(old, new),
                    None => {
                        self.limits.insert(key, new);
                    }
                }
            }
            Acts::Approval(request) => self.approvals.push(request),
            Acts::Obligation(obligation) => self.obligations.push(obligation),
        }
    }

    fn malformed(
        &mut self,
        said: &Said,
        below: &str,
        mode: PackageMode,
        wrong: &str,
        context: &Context<'_>,
    ) {
        let rule = said.rule.name();
        let message = format!("{}.{rule} has a malformed element: {wrong}", said.package);
        let kind = match mode {
            PackageMode::Dryrun => ReasonKind::DryRun,
            PackageMode::Enforce | PackageMode::Warn => {
                self.errors.push(message.clone());
                ReasonKind::Error
            }
        };
        let says = Says {
            msg: Some(message),
            code: Some("policy_invalid".to_owned()),
            remedy: Some("Tell whoever maintains the policies; nothing ran".to_owned()),
            ..Says::default()
        };
        self.reasons.push(explained(kind, &format!("{below}.{rule}"), said, &says, context));
    }

    /// What was granted is asked for no longer. It stays among the reasons: it is why the statement passes.
    fn lift(&mut self, granted: &BTreeSet<String>) {
        self.approvals.retain(|request| !granted.contains(&request.id));
        for reason in &mut self.reasons {
            if reason.kind == ReasonKind::Deny && reason.approvable && granted.contains(&reason.id)
            {
                reason.kind = ReasonKind::Approval;
            }
        }
    }

    fn decide(mut self, context: &Context<'_>) -> Decision {
        if !context.granted.is_empty() {
            self.lift(context.granted);
        }
        let denials = || self.reasons.iter().filter(|reason| reason.kind == ReasonKind::Deny);
        let approvable: Vec<Reason> = denials().filter(|r| r.approvable).cloned().collect();
        let refused = denials().any(|reason| !reason.approvable) || !self.errors.is_empty();
        let effect = if refused || !self.allowed {
            if !refused && approvable.is_empty() {
                self.reasons.push(default_deny(context));
            }
            Effect::Deny
        } else if !approvable.is_empty() || !self.approvals.is_empty() {
            if self.approvals.is_empty() {
                self.approvals.extend(approvable.iter().map(request));
            }
            Effect::RequireApproval
        } else if !self.masks.is_empty() || !self.row_filters.is_empty() {
            Effect::Rewrite
        } else {
            Effect::Allow
        };
        self.reasons.sort_by(|a, b| order(a).cmp(&order(b)));
        // A session keeps its decisions.
        self.reasons.shrink_to_fit();
        Decision {
            effect,
            reasons: self.reasons,
            masks: self.masks.into_values().collect(),
            row_filters: self.row_filters,
            limits: self.limits.into_values().collect(),
            approvals: self.approvals,
            obligations: self.obligations,
            policy: PolicyRef { revision: context.revision.to_owned() },
            errors: self.errors,
        }
    }
}

/// What two limits of one kind and window come to: the minimum, the strictest consequence, and rows are
/// counted as either asks for.
fn stricter(old: &Limit, new: Limit) -> Limit {
    let rank = |limit: &Limit| element::strictness(&limit.on_exceed);
    let on_exceed = if rank(old) >= rank(&new) { &old.on_exceed } else { &new.on_exceed }.clone();
    Limit {
        id: if new.value < old.value { new.id } else { old.id.clone() },
        value: old.value.min(new.value),
        on_exceed,
        window_seconds: old.window_seconds,
        cascades: old.cascades || new.cascades,
        uncounted: old.uncounted && new.uncounted,
        labels: new.labels,
        kind: new.kind,
    }
}

/// Denials first, and of these the gravest: the first line is what a client reads.
fn order(reason: &Reason) -> (ReasonKind, u8, &str, &str, &str) {
    let severity = match reason.severity.as_deref() {
        Some("critical") => 0,
        Some("high") => 1,
        Some("medium") => 2,
        Some(_) | None => 3,
    };
    (reason.kind, severity, &reason.package, &reason.id, &reason.msg)
}

fn kind_of(acts: &Acts) -> ReasonKind {
    match acts {
        Acts::Allow => ReasonKind::Allow,
        Acts::Approval(_) => ReasonKind::Approval,
        Acts::Deny => ReasonKind::Deny,
        Acts::Limit(_) => ReasonKind::Limit,
        Acts::Mask(_) => ReasonKind::Mask,
        // An obligation is met without the client noticing; it stands with the allowances.
        Acts::Obligation(_) => ReasonKind::Allow,
        Acts::RowFilter(_) => ReasonKind::RowFilter,
        Acts::Warn => ReasonKind::Warn,
    }
}

fn effective_kind(acts: &Acts, mode: PackageMode) -> ReasonKind {
    match mode {
        PackageMode::Dryrun => ReasonKind::DryRun,
        PackageMode::Warn => match acts {
            Acts::Deny | Acts::Approval(_) => ReasonKind::Warn,
            Acts::Allow
            | Acts::Limit(_)
            | Acts::Mask(_)
            | Acts::Obligation(_)
            | Acts::RowFilter(_)
            | Acts::Warn => kind_of(acts),
        },
        PackageMode::Enforce => kind_of(acts),
    }
}

/// Puts the element's id into what it does, where the element itself has none.
fn name(acts: &mut Acts, id: &str) {
    match acts {
        Acts::Approval(request) => request.id = id.to_owned(),
        Acts::Limit(limit) => limit.id = id.to_owned(),
        Acts::RowFilter(filter) => filter.id = id.to_owned(),
        Acts::Allow | Acts::Deny | Acts::Mask(_) | Acts::Obligation(_) | Acts::Warn => {}
    }
}

fn explained(
    kind: ReasonKind,
    id: &str,
    said: &Said,
    says: &Says,
    context: &Context<'_>,
) -> Reason {
    let entry = context.index.find(&said.package, said.rule, says.id.as_deref());
    let title = entry.and_then(|entry| entry.title.clone());
    let msg = says.msg.clone().or_else(|| title.clone()).unwrap_or_else(|| id.to_owned());
    Reason {
        code: says.code.clone(),
        severity: says.severity.clone().or_else(|| entry.and_then(|e| e.severity.clone())),
        remedy: says.remedy.clone(),
        title,
        controls: entry.map(|entry| entry.controls.clone()).unwrap_or_default(),
        location: entry.map(|entry| entry.location.clone()),
        approvable: says.approvable,
        details: says.details.clone(),
        ..reason(kind, id, &said.package, &msg)
    }
}

fn reason(kind: ReasonKind, id: &str, package: &str, msg: &str) -> Reason {
    Reason {
        kind,
        id: id.to_owned(),
        package: package.to_owned(),
        msg: msg.to_owned(),
        code: None,
        severity: None,
        remedy: None,
        title: None,
        controls: Vec::new(),
        location: None,
        approvable: false,
        details: None,
    }
}

fn default_deny(context: &Context<'_>) -> Reason {
    Reason {
        code: Some("default_deny".to_owned()),
        remedy: Some("Ask for a rule that allows it, or use another account".to_owned()),
        ..reason(
            ReasonKind::Deny,
            "default_deny",
            &format!("data.{}", context.root),
            "No policy allows this",
        )
    }
}

/// The request that an approvable denial makes where no rule asks for approval itself. Who may
/// consent is then decided by the policy that judges approvers.
fn request(reason: &Reason) -> ApprovalRequest {
    ApprovalRequest {
        id: reason.id.clone(),
        msg: reason.msg.clone(),
        approvers: Vec::new(),
        min: 1,
        ttl: "30m".to_owned(),
        mode: "auto".to_owned(),
    }
}
