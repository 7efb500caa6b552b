//! One record of the log as one line for a person.

use std::fmt;

use jurat_types::{
    ApprovalRecord, DecisionRecord, Effect, Outcome, OutcomeRecord, ReasonKind, Record, RecordBody,
    SessionRecord, SystemRecord,
};

/// What is shown of a statement's text.
const TEXT_CHARS_MAX: usize = 100;
/// What is shown of an id: its last digits are the random ones.
const ID_CHARS: usize = 8;

/// Prints one record.
pub(super) struct Line<'a>(pub(super) &'a Record);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { seq, timestamp, body, .. } = self.0;
        // To the second, as a person reads it.
        let time = timestamp.get(..19).unwrap_or(timestamp);
        write!(f, "{seq:>6} {time} ")?;
        match body {
            RecordBody::Decision(decision) => write_decision(f, decision),
            RecordBody::Run(run) => {
                write!(f, "run      {} of record {}", short(&run.decision_id), run.of)
            }
            RecordBody::Outcome(outcome) => write_outcome(f, outcome),
            RecordBody::Outcomes(several) => {
                write!(f, "ended    {} statements", several.outcomes.len())
            }
            RecordBody::Session(session) => write_session(f, session),
            RecordBody::Approval(approval) => write_approval(f, approval),
            RecordBody::System(system) => write_system(f, system),
        }
    }
}

fn write_approval(f: &mut fmt::Formatter<'_>, record: &ApprovalRecord) -> fmt::Result {
    let ApprovalRecord { event, id, requester, target, rules, .. } = record;
    write!(f, "{event:<8} {id} of {requester}@{target} [{}]", rules.join(", "))?;
    if let Some(by) = &record.by {
        write!(f, " by {by}")?;
    }
    match &record.reason {
        Some(reason) => write!(f, ": {}", one_line(reason)),
        None => Ok(()),
    }
}

fn write_decision(f: &mut fmt::Formatter<'_>, record: &DecisionRecord) -> fmt::Result {
    let effect = match record.result.effect {
        Effect::Allow => "allow",
        Effect::Rewrite => "rewrite",
        Effect::RequireApproval => "approval",
        Effect::Deny => "deny",
    };
    let who = &record.input.principal.id;
    let place = &record.input.target.name;
    write!(f, "{effect:<8} {} {who}@{place}", short(&record.decision_id))?;
    let mut rules: Vec<&str> = record
        .result
        .reasons
        .iter()
        .filter(|reason| {
            matches!(reason.kind, ReasonKind::Deny | ReasonKind::Error | ReasonKind::Approval)
        })
        .map(|reason| reason.id.as_str())
        .collect();
    rules.dedup();
    if !rules.is_empty() {
        write!(f, " [{}]", rules.join(", "))?;
    }
    match &record.input.statement {
        Some(statement) => write!(f, "  {}", one_line(&statement.text))?,
        None => return Ok(()),
    }
    write_result(f, record)
}

/// What was counted, and whose rows they are, in the judgement of a result.
fn write_result(f: &mut fmt::Formatter<'_>, record: &DecisionRecord) -> fmt::Result {
    let actual = record.input.statement.as_ref().map(|statement| &statement.actual);
    if let Some(rows) = actual.and_then(|actual| actual.rows) {
        write!(f, "  {rows} rows")?;
    }
    if let Some(cascaded) = actual.and_then(|actual| actual.cascaded) {
        write!(f, " and {cascaded} more")?;
    }
    match &record.result_of {
        Some(of) => write!(f, " of {}", short(of)),
        None => Ok(()),
    }
}

fn write_outcome(f: &mut fmt::Formatter<'_>, record: &OutcomeRecord) -> fmt::Result {
    let outcome = match record.outcome {
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::RolledBack => "rolled back",
        Outcome::Skipped => "skipped",
        Outcome::Unknown => "unknown",
    };
    write!(f, "{outcome:<8} {}", short(&record.decision_id))?;
    if let Some(command) = &record.command {
        write!(f, " {command}")?;
    }
    if let Some(rows) = record.rows {
        write!(f, " {rows} rows")?;
    }
    if let Some(sqlstate) = &record.sqlstate {
        write!(f, " SQLSTATE {sqlstate}")?;
    }
    write!(f, " {} us", record.duration_us)
}

fn write_session(f: &mut fmt::Formatter<'_>, record: &SessionRecord) -> fmt::Result {
    let who = record
        .principal
        .as_ref()
        .map(|principal| principal.id.as_str())
        .or(record.claimed_user.as_deref())
        .unwrap_or("?");
    write!(f, "{:<8} session of {who} from {}", record.event, record.client_addr)?;
    match &record.reason {
        Some(reason) => write!(f, ": {}", one_line(reason)),
        None => Ok(()),
    }
}

fn write_system(f: &mut fmt::Formatter<'_>, record: &SystemRecord) -> fmt::Result {
    write!(f, "{:<8}", record.event)?;
    record.details.iter().try_for_each(|(key, value)| write!(f, " {key}={value}"))
}

fn short(id: &str) -> &str {
    let cut = id.char_indices().rev().nth(ID_CHARS - 1).map_or(0, |(at, _)| at);
    id.get(cut..).unwrap_or(id)
}

/// White space folded and the rest cut off. What a client wrote must not move the terminal's cursor.
fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let folded = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if folded.chars().count() <= TEXT_CHARS_MAX {
        return folded;
    }
    let cut: String = folded.chars().take(TEXT_CHARS_MAX).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::{one_line, short};

    #[test]
    fn a_text_stays_on_its_line() {
        assert_eq!(one_line("SELECT\n\t1,\u{1b}[2J 2"), "SELECT 1, [2J 2");
        assert_eq!(one_line(&"x".repeat(101)), format!("{}…", "x".repeat(100)));
    }

    #[test]
    fn an_id_is_known_by_its_end() {
        assert_eq!(short("0191-aaaabbbbcccc"), "bbbbcccc");
        assert_eq!(short("ab"), "ab");
    }
}
