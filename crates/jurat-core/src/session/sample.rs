//! What is asked of the database for the card of a request, once every rule that denies has spoken.
//!
//! The query is judged as if each of those had written it who may see the card: who asks, and everybody whom the rules
//! name as approvers. All of their masks and filters are put into it, and where one of them may not read, nobody sees
//! rows.

use std::{sync::Arc, time::Duration};

use jurat_sql::{Sampled, Statement};
use jurat_types::{Decision, Effect, Intent, Principal, PrincipalKind, StatementFacts};

use super::{Session, consent::Asking};
use crate::{
    JudgedStatement, Question, Sample, estimate, grant::Approval, labels, prepared::ReadStatement,
    rewrite,
};

/// Columns that a card shows.
const COLUMNS_MAX: usize = 12;

/// Approvers for whom a query is judged.
const VIEWERS_MAX: usize = 16;

/// How long it may take where no rule says how long an estimate may.
const TIMEOUT: Duration = Duration::from_secs(2);

impl Session {
    /// The question for the rows on the card of `asked`; puts into it what is known without one.
    pub(super) fn sampling(
        &self,
        asked: &mut Approval,
        intent: &Intent,
        decision: &Decision,
        asking: &Asking<'_>,
        sent: &str,
    ) -> Option<Question> {
        let approvals = self.gate.approvals.as_ref()?;
        let rows = approvals.options.sample_rows;
        let Statement::Parsed(parsed) = asking.statement() else { return None };
        let table = parsed.table_written().filter(|_| rows > 0)?;
        let policy = self.gate.policy.current();
        let surface = labels::surface(asking.facts(), policy.labels(), &self.catalog);
        let relation = self.catalog.relation(&table)?;
        let mut sample = Sample::default();
        for column in &relation.columns {
            let of = surface
                .columns
                .iter()
                .find(|known| known.column.relation == table && known.column.column == column.name);
            let why = match of {
                Some(known) if !known.labels.is_empty() => Some(known.labels.join(", ")),
                Some(_) if column.generated => Some("computed".to_owned()),
                Some(_) if sample.columns.len() >= COLUMNS_MAX => Some("too many".to_owned()),
                Some(_) => None,
                None => Some("unknown".to_owned()),
            };
            match why {
                Some(why) => sample.withheld.push((column.name.clone(), why)),
                None => sample.columns.push(column.name.clone()),
            }
        }
        if sample.columns.is_empty() {
            asked.sample = Some(sample);
            return None;
        }
        let values = asking.bound_values(self.catalog.engine());
        let viewers = viewers(asked, &approvals.options.approvers, &intent.principal);
        let question = parsed
            .ask_sample(sent, (&sample.columns, rows), values)
            .map_err(str::to_owned)
            .and_then(|sampled| self.masked_for(viewers, intent, sampled))
            .map(|(text, redacted, parameters)| {
                let timeout = estimate::wanted(decision)
                    .map_or(TIMEOUT, |request| Duration::from_millis(request.timeout_ms));
                let beside = asking.beside(parameters);
                Question::for_sample((text, redacted), (sample.clone(), rows), timeout, beside)
            });
        match question {
            Ok(question) => Some(question),
            Err(why) => {
                sample.failed = Some(why);
                asked.sample = Some(sample);
                None
            }
        }
    }

    /// The query with the masks and filters of all who may see the answer.
    fn masked_for(
        &self,
        viewers: Vec<Principal>,
        intent: &Intent,
        sampled: Sampled,
    ) -> Result<(String, String, Vec<usize>), String> {
        if viewers.len() > VIEWERS_MAX {
            return Err("too many people may see them".to_owned());
        }
        let policy = self.gate.policy.current();
        let Sampled { statement, parameters } = sampled;
        let redacted = statement.redacted().to_owned();
        let judged = JudgedStatement::new(Arc::new(ReadStatement::new(statement)));
        let mut facts: StatementFacts = judged.facts(false).clone();
        labels::join(&mut facts, policy.labels(), &self.catalog);
        let surface = labels::surface(&facts, policy.labels(), &self.catalog);
        let mut whole: Option<Decision> = None;
        for principal in viewers {
            let approvals = Vec::new();
            let statement = Some(facts.clone());
            let intent = Intent { principal, approvals, statement, ..intent.clone() };
            let decision = policy.judge(&intent, &surface);
            if !matches!(decision.effect, Effect::Allow | Effect::Rewrite) {
                return Err("not everybody who may see this request may read them".to_owned());
            }
            match &mut whole {
                None => whole = Some(decision),
                Some(whole) => add(whole, decision),
            }
        }
        let decision = whole.ok_or("nobody may see them")?;
        let how = (&decision, &self.gate.mask_key);
        let permitted = rewrite::permitted_text(&judged, &facts, how, &intent.request_id)
            .map_err(|_refused| "policy hides what they are chosen by".to_owned())?;
        if permitted.scans.is_some() {
            return Err("they would have to be looked through".to_owned());
        }
        Ok((permitted.text.to_string(), redacted, parameters))
    }
}

/// Masks and filters of both; of two masks of a column the stricter one.
fn add(whole: &mut Decision, other: Decision) {
    for mask in other.masks {
        match whole.masks.iter_mut().find(|known| known.column == mask.column) {
            Some(known) => {
                let predicates = known.predicates.max(mask.predicates);
                if mask.method > known.method {
                    *known = mask;
                }
                known.predicates = predicates;
            }
            None => whole.masks.push(mask),
        }
    }
    for filter in other.row_filters {
        if !whole.row_filters.contains(&filter) {
            whole.row_filters.push(filter);
        }
    }
}

/// Who asks, and whoever may answer: of a group that a rule names nothing else is known.
fn viewers(asked: &Approval, usual: &[String], requester: &Principal) -> Vec<Principal> {
    let mut names: Vec<&String> = Vec::new();
    for request in &asked.requests {
        let own = &request.approvers;
        names.extend(if own.is_empty() { usual } else { own.as_slice() });
    }
    names.sort();
    names.dedup();
    let people = names.into_iter().map(|name| {
        let group = name.strip_prefix("group:");
        let own = name.strip_prefix("user:").unwrap_or(name);
        Principal {
            id: if group.is_some() { String::new() } else { own.to_owned() },
            kind: PrincipalKind::Person,
            groups: group.map(str::to_owned).into_iter().collect(),
            attributes: std::collections::BTreeMap::new(),
            on_behalf_of: None,
            delegation: Vec::new(),
            ..requester.clone()
        }
    });
    std::iter::once(requester.clone()).chain(people).collect()
}
