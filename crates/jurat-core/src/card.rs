//! What an approver reads before answering: who, on whose behalf, where, what, and why policy asks.
//!
//! Everything that a requester could have written is shown so that it can move no cursor, hide nothing, and
//! pass for nothing else: control characters, writing directions and invisible characters are spelled out.

use std::fmt::Write as _;

use jurat_types::{PrincipalKind, RelationUse, StatementFacts, Via};

use crate::grant::Approval;

/// Spaces in a row that are shown as they are.
const SPACES_MAX: usize = 16;

/// The request on one line, without the statement.
pub fn line(approval: &Approval) -> String {
    let intent = &approval.intent;
    let kind = intent.statement.as_ref().map_or("", |statement| statement.kind.as_str());
    let rules: Vec<String> = approval.rules().iter().map(|rule| plain(rule)).collect();
    format!(
        "{} {:<8} {} {}@{} [{}] until {}",
        approval.id,
        approval.state.as_str(),
        plain(&kind.replace('_', " ").to_uppercase()),
        plain(&intent.principal.id),
        plain(&intent.target.name),
        rules.join(", "),
        moment(approval.expires_ns),
    )
}

/// The card, line by line.
pub fn lines(approval: &Approval) -> Vec<String> {
    rows(approval).into_iter().map(|(name, value)| format!("{name:<13} {value}")).collect()
}

/// The card: names and what they stand for, in the order in which it is read.
pub fn rows(approval: &Approval) -> Vec<(String, String)> {
    let intent = &approval.intent;
    let mut rows = Vec::new();
    let mut row = |name: &str, value: &str| rows.push((name.to_owned(), plain(value)));
    row("request", &approval.id);
    row("state", approval.state.as_str());
    let principal = &intent.principal;
    let kind = match principal.kind {
        PrincipalKind::Agent => "an AI agent",
        PrincipalKind::Person => "a person",
        PrincipalKind::Service => "a service",
    };
    row("who", &format!("{}, {kind}, of {}", principal.id, listed(&principal.groups)));
    if let Some(delegator) = &principal.on_behalf_of {
        row("on behalf of", &delegator.id);
    }
    if !principal.delegation.is_empty() {
        row("delegated by", &principal.delegation.join(", "));
    }
    let target = &intent.target;
    row("where", &format!("{} ({}), {}", target.name, target.database, target.environment));
    let claims = [
        ("purpose", &intent.claimed.purpose),
        ("ticket", &intent.claimed.ticket),
        ("application", &intent.claimed.application),
    ];
    for (name, claim) in claims {
        if let Some(claim) = claim {
            row(name, &format!("{claim} (claimed, not proved)"));
        }
    }
    if let Some(statement) = &intent.statement {
        row("does", &statement.kind.replace('_', " ").to_uppercase());
        for relation in statement.relations.iter() {
            let access = serde_json::to_value(relation.access).unwrap_or_default();
            let access = access.as_str().unwrap_or("?");
            row("on", &format!("{} ({access}{})", relation.id, reached(relation)));
        }
        row("statement", &statement.text);
    }
    if let Some(text) = &approval.runs_by {
        row("run by", text);
    }
    for (at, value) in approval.values.iter().enumerate() {
        row(&format!("${}", at.saturating_add(1)), value);
    }
    if let Some(rows) = approval.max_rows {
        row("rows", &format!("{rows}, and not one more"));
    }
    if let Some(foreseen) = intent.statement.as_ref().and_then(|s| foreseen(s, approval.max_rows)) {
        row("foreseen", &foreseen);
    }
    if let Some(sample) = &approval.sample {
        for (name, value) in sample.lines() {
            row(name, &value);
        }
    }
    for request in &approval.requests {
        row("asked by", &format!("{}: {}", request.id, request.msg));
        let from = listed(&request.approvers);
        row("needs", &format!("{} of {from}", request.min));
    }
    if let Some(why) = &approval.why {
        row("why", &format!("{why} (the requester's words)"));
    }
    for vote in &approval.votes {
        let said = if vote.yes { "approved" } else { "denied" };
        let reason = vote.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
        row(said, &format!("by {} at {}{reason}", vote.by, moment(vote.at_ns)));
    }
    if let Some(used) = &approval.used_by {
        row("used by", used);
    }
    row("asked at", &moment(approval.created_ns));
    row("ends", &moment(approval.expires_ns));
    row("policy", &intent.policy.revision);
    row("digest", &approval.digest);
    rows
}

/// How a statement comes to a relation that it does not name, and what is part of that.
fn reached(relation: &RelationUse) -> String {
    let how = match relation.via {
        Via::Cascade => ", along a foreign key",
        Via::Trigger => ", by a trigger",
        Via::View => ", through a view",
        Via::Cte | Via::Direct => "",
    };
    let partitions =
        if relation.kind == "partitioned_table" { ", with its partitions" } else { "" };
    [how, partitions].concat()
}

/// How many rows it concerns, by what was asked before it ran, and which share of the table that is.
fn foreseen(statement: &StatementFacts, exact: Option<u64>) -> Option<String> {
    let estimate = &statement.estimate;
    let Some(rows) = exact.or(estimate.rows) else {
        return (estimate.source == "failed").then(|| "nobody knows how many rows".to_owned());
    };
    let said = if exact.is_some() || estimate.source == "count" { "" } else { "about " };
    match estimate.total {
        Some(total) => {
            // A table may have lost rows since its own were counted.
            let percent = rows.saturating_mul(100).checked_div(total).unwrap_or(100).min(100);
            let (rows, total) = (grouped(rows), grouped(total));
            Some(format!("{said}{rows} of {total} rows, {percent} %"))
        }
        None if exact.is_some() || estimate.rows.is_none() => None,
        None => Some(format!("{said}{} rows", grouped(rows))),
    }
}

/// `20,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len().saturating_add(digits.len() / 3));
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nobody that is named".to_owned() } else { names.join(", ") }
}

fn moment(ns: i64) -> String {
    jurat_types::TimeFacts::utc(ns).rfc3339
}

/// A text in which every character shows what it is.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut spaces = 0_usize;
    for c in text.chars() {
        if c == ' ' {
            spaces = spaces.saturating_add(1);
            continue;
        }
        put_spaces(&mut out, &mut spaces);
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push('\\'),
            c if c.is_control() || is_tricky(c) => {
                // Writing to a String cannot fail.
                let _infallible = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    put_spaces(&mut out, &mut spaces);
    out
}

fn put_spaces(out: &mut String, spaces: &mut usize) {
    match std::mem::take(spaces) {
        many if many > SPACES_MAX => {
            let _infallible = write!(out, "[{many} spaces]");
        }
        few => out.extend(std::iter::repeat_n(' ', few)),
    }
}

/// Characters that are not seen, or that change how others are seen (Unicode, "Default Ignorable Code Points",
/// "Bidi Control", separators).
const fn is_tricky(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{1680}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3000}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{e000}'..='\u{f8ff}'
    )
}

#[cfg(test)]
mod tests {
    use super::{grouped, plain};

    #[test]
    fn digits_stand_in_groups() {
        for (number, shown) in
            [(0, "0"), (999, "999"), (20_000, "20,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), shown);
        }
    }

    #[test]
    fn what_a_requester_writes_moves_no_cursor_and_hides_nothing() {
        for (text, shown) in [
            ("DELETE FROM t", "DELETE FROM t"),
            ("SELECT 1\u{1b}[2K\rDROP", "SELECT 1\\u{1b}[2K\\u{d}DROP"),
            ("\u{1b}]8;;http://x\u{7}y", "\\u{1b}]8;;http://x\\u{7}y"),
            ("a\nb\tc", "a\\nb\\tc"),
            ("ab\u{202e}cd\u{200b}", "ab\\u{202e}cd\\u{200b}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("größe ≤ 10 日本", "größe ≤ 10 日本"),
        ] {
            assert_eq!(plain(text), shown);
        }
        let hidden = format!("SELECT 1{}; DROP TABLE t", " ".repeat(10_000));
        assert_eq!(plain(&hidden), "SELECT 1[10000 spaces]; DROP TABLE t");
    }
}
