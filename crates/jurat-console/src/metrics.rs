//! Counters in the text format of Prometheus, and whether Jurat is ready. No name of a person, a statement or a table
//! is in a label.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    extract::{FromRequestParts as _, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jurat_core::{DatabaseStats, JUDGE_BOUNDS_NS, Right, Stats};

use crate::{Console, HookCounts, visitor::Caller};

/// States of sessions, so that a state without a session is 0 and not missing.
const STATES: [&str; 4] = ["held", "idle", "idle in transaction", "running"];

pub(crate) async fn ready(State(console): State<Arc<Console>>) -> Response {
    match console.admin.gate.audit.trouble() {
        None => "ready\n".into_response(),
        Some(error) => {
            tracing::warn!(%error, "not ready: the record takes nothing");
            (StatusCode::SERVICE_UNAVAILABLE, "the record takes nothing\n").into_response()
        }
    }
}

pub(crate) async fn metrics(State(console): State<Arc<Console>>, request: Request) -> Response {
    if !console.open_metrics {
        let (mut parts, _body) = request.into_parts();
        let caller = match Caller::from_request_parts(&mut parts, &console).await {
            Ok(Caller(caller)) => caller,
            Err(refused) => return refused,
        };
        if let Err(error) = console.admin.check(&caller, Right::See, None, None).await {
            return (StatusCode::FORBIDDEN, format!("{error}\n")).into_response();
        }
    }
    let stats = console.admin.counters().await;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, text(&stats, &console.hooks)).into_response()
}

/// One document of metrics, family by family.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _infallible = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _infallible = writeln!(self.0, "{name}{labels} {value}");
    }

    fn single(&mut self, (name, kind): (&str, &str), help: &str, value: impl std::fmt::Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn text(stats: &Stats, hooks: &HookCounts) -> String {
    let mut text = Text(String::new());
    text.family("jurat_build_info", "gauge", "The version.");
    text.sample("jurat_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.family("jurat_policy_info", "gauge", "The revision of the policies in force.");
    text.sample("jurat_policy_info", &[("revision", &stats.revision)], 1);
    let current = u8::from(stats.policies_current);
    let name = ("jurat_config_last_reload_successful", "gauge");
    text.single(name, "Whether the newest policies are in force.", current);
    judged(&mut text, &stats.databases);
    if let Some(pending) = stats.approvals_pending {
        let name = ("jurat_approvals_pending", "gauge");
        text.single(name, "Requests for approval that wait for an answer.", pending);
    }
    let name = ("jurat_audit_events_total", "counter");
    text.single(name, "Records in the log, over all starts.", stats.records);
    let name = ("jurat_audit_unsigned_events", "gauge");
    text.single(name, "Records that no checkpoint covers yet.", stats.records_unsigned);
    let healthy = u8::from(stats.record_trouble.is_none());
    let name = ("jurat_audit_healthy", "gauge");
    text.single(name, "Whether the log takes records; where it does not, nothing runs.", healthy);
    let (delivered, failed, lost, waiting) = hooks.now();
    text.family("jurat_webhook_deliveries_total", "counter", "Webhooks, by what became of them.");
    for (result, count) in [("delivered", delivered), ("failed", failed), ("lost", lost)] {
        text.sample("jurat_webhook_deliveries_total", &[("result", result)], count);
    }
    text.single(("jurat_webhook_queue", "gauge"), "Webhooks that wait.", waiting);
    text.0
}

fn judged(text: &mut Text, databases: &[DatabaseStats]) {
    let name = "jurat_statements_total";
    text.family(
        name,
        "counter",
        "Statements judged, by the class of the statement and the decision.",
    );
    for DatabaseStats { database, counted, .. } in databases {
        for (class, decision, count) in &counted.statements {
            let labels =
                [("database", database.as_str()), ("class", class), ("decision", decision)];
            text.sample(name, &labels, count);
        }
    }
    let name = "jurat_statement_duration_seconds";
    text.family(name, "histogram", "What Jurat takes for a statement, by phase.");
    for DatabaseStats { database, counted, .. } in databases {
        let labels = [("database", database.as_str()), ("phase", "judge")];
        let [one, two] = labels;
        for (bound, count) in JUDGE_BOUNDS_NS.iter().zip(counted.buckets) {
            let le = seconds(*bound);
            text.sample(&format!("{name}_bucket"), &[one, two, ("le", &le)], count);
        }
        text.sample(&format!("{name}_bucket"), &[one, two, ("le", "+Inf")], counted.judged);
        text.sample(&format!("{name}_sum"), &labels, seconds(counted.judge_ns));
        text.sample(&format!("{name}_count"), &labels, counted.judged);
    }
    text.family("jurat_sessions", "gauge", "Open sessions, by what they do.");
    for DatabaseStats { database, sessions, .. } in databases {
        for state in STATES {
            let count = sessions.get(state).copied().unwrap_or_default();
            text.sample("jurat_sessions", &[("database", database), ("state", state)], count);
        }
    }
}

/// Nanoseconds as seconds, without losing any.
fn seconds(ns: u64) -> String {
    const NS: u64 = 1_000_000_000;
    let text = format!("{}.{:09}", ns / NS, ns % NS);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use jurat_core::{CountedStatements, DatabaseStats, Stats};

    use super::{HookCounts, seconds, text};

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let counted = CountedStatements {
            statements: vec![("read", "allow", 2)],
            buckets: [0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2],
            judged: 2,
            judge_ns: 22_000,
        };
        let database =
            DatabaseStats { database: "a\"b".to_owned(), counted, sessions: [("idle", 1)].into() };
        let stats = Stats {
            databases: vec![database],
            approvals_pending: Some(3),
            revision: "sha256:1".to_owned(),
            ..Stats::default()
        };
        let text = text(&stats, &HookCounts::default());
        for line in [
            "# TYPE jurat_statements_total counter",
            r#"jurat_statements_total{database="a\"b",class="read",decision="allow"} 2"#,
            r#"jurat_statement_duration_seconds_bucket{database="a\"b",phase="judge",le="0.0000025"} 1"#,
            r#"jurat_statement_duration_seconds_bucket{database="a\"b",phase="judge",le="+Inf"} 2"#,
            r#"jurat_statement_duration_seconds_sum{database="a\"b",phase="judge"} 0.000022"#,
            r#"jurat_sessions{database="a\"b",state="running"} 0"#,
            r#"jurat_policy_info{revision="sha256:1"} 1"#,
            "jurat_approvals_pending 3",
            "jurat_config_last_reload_successful 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn seconds_are_exact() {
        assert_eq!(seconds(1_500_000_000), "1.5");
        assert_eq!(seconds(2_000_000_000), "2");
        assert_eq!(seconds(0), "0");
    }
}
