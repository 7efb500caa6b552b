//! What a revision decides, end to end, and what is refused before it may decide.

use std::{path::Path, sync::Arc, time::Duration};

use jurat_types::{Decision, Effect, Intent, MaskMethod, Reason, ReasonKind};

use crate::{
    PackageMode, PolicyOptions, PolicySet, Surface, corpus,
    testing::{directory, load, options, select, statement, surface},
};

const ALLOW: &str = "package jurat.p\n\nallow contains \"all\"\n";

fn judge(rules: &str) -> Decision {
    load(&format!("{ALLOW}{rules}\n")).unwrap().judge(&select(), &surface())
}

fn first(decision: &Decision) -> &Reason {
    decision.reasons.first().unwrap()
}

#[test]
fn the_strictest_effect_wins() {
    let mask = r#"masks contains {"column": "*.email", "method": "null"}"#;
    let filter = r#"row_filters contains {"relation": "public.customers", "predicate": "true"}"#;
    let approval = r#"approvals contains {"approvers": ["group:dba"]}"#;
    let approvable = r#"deny contains {"msg": "no", "approvable": true}"#;
    let deny = r#"deny contains "no""#;
    for (rules, expected) in [
        (vec![], Effect::Allow),
        (vec![r#"warn contains "careful""#], Effect::Allow),
        (vec![r#"limits contains {"kind": "timeout_ms", "value": 1}"#], Effect::Allow),
        (vec![r#"obligations contains {"kind": "record_text"}"#], Effect::Allow),
        (vec![mask], Effect::Rewrite),
        (vec![filter], Effect::Rewrite),
        (vec![mask, approval], Effect::RequireApproval),
        (vec![mask, approvable], Effect::RequireApproval),
        (vec![mask, approval, deny], Effect::Deny),
        (vec![approvable, deny], Effect::Deny),
        (vec![r#"violation contains {"msg": "no"}"#], Effect::Deny),
    ] {
        assert_eq!(judge(&rules.join("\n")).effect, expected, "{rules:?}");
    }
}

#[test]
fn filters_of_other_relations_are_no_part_of_the_decision() {
    let rules = r#"
        row_filters contains {"id": "one", "relation": "public.customers", "predicate": "true"}
        row_filters contains {"id": "two", "relation": "public.other", "predicate": "true"}
    "#;
    let decision = judge(rules);
    let ids: Vec<_> = decision.row_filters.iter().map(|filter| &*filter.id).collect();
    assert_eq!(ids, ["one"]);
    assert!(decision.reasons.iter().all(|reason| reason.id != "two"));
    // A name without a schema would never be found.
    let decision = judge(r#"row_filters contains {"relation": "b", "predicate": "true"}"#);
    assert_eq!(decision.effect, Effect::Deny);
}

#[test]
fn a_mask_of_a_whole_is_a_mask_of_its_partitions() {
    let mut surface = surface();
    for column in &mut surface.columns {
        column.also = vec![format!("public.everyone.{}", column.column.column)];
    }
    let rules = r#"masks contains {"column": "public.everyone.email", "method": "null"}"#;
    let decision = load(&format!("{ALLOW}{rules}\n")).unwrap().judge(&select(), &surface);
    assert_eq!(decision.masks[0].column.to_string(), "public.customers.email");
}

#[test]
fn nothing_allowed_means_denied() {
    let rules = [
        "allow contains \"never\" if input.stage == \"no\"",
        "masks contains {\"column\": \"*.email\", \"method\": \"null\"}",
        "approvals contains {\"approvers\": [\"group:dba\"]}",
    ];
    for rule in rules {
        let decision =
            load(&format!("package jurat.p\n{rule}")).unwrap().judge(&select(), &surface());
        assert_eq!(decision.effect, Effect::Deny, "{rule}");
        assert_eq!(first(&decision).id, "default_deny", "{rule}");
        assert_eq!(first(&decision).kind, ReasonKind::Deny, "{rule}");
        assert_eq!(decision.errors, Vec::<String>::new(), "{rule}");
    }
}

#[test]
fn an_approvable_denial_alone_asks_for_approval() {
    let decision = judge(r#"deny contains {"id": "big", "msg": "Too big", "approvable": true}"#);
    assert_eq!(decision.effect, Effect::RequireApproval);
    assert_eq!(decision.approvals.first().unwrap().id, "big");
    let decision = judge(
        r#"deny contains {"id": "big", "msg": "Too big", "approvable": true}
approvals contains {"id": "ask", "msg": "Ask", "approvers": ["group:dba"], "min": 2, "ttl": "1h"}"#,
    );
    let ids: Vec<_> = decision.approvals.iter().map(|request| request.id.as_str()).collect();
    assert_eq!(ids, ["ask"]);
}

const OBLIGATIONS: &str = "its kind is not one of estimate, record_text, tag";

#[test]
fn malformed_elements_deny() {
    for (element, wrong) in [
        ("allow contains 1", "it is neither a text nor an object"),
        ("allow contains {}", "it has no msg"),
        ("deny contains \"\"", "it is an empty text"),
        ("deny contains {\"id\": \"x\"}", "it has no msg"),
        ("deny contains {\"msg\": 1}", "its msg is not a text"),
        (
            "deny contains {\"msg\": \"x\", \"approvable\": \"yes\"}",
            "its approvable is not true or false",
        ),
        (
            "deny contains {\"msg\": \"x\", \"severity\": \"bad\"}",
            "its severity is not one of low, medium, high, critical",
        ),
        ("warn contains []", "it is neither a text nor an object"),
        ("masks contains \"x\"", "it is not an object"),
        (
            "masks contains {\"column\": \"a.b.c\", \"method\": \"blur\"}",
            "its method is not one of null, redact, hash, tokenize, date_trunc, partial, detect",
        ),
        ("masks contains {\"column\": \"a.b.c\"}", "it has no method"),
        ("masks contains {\"method\": \"null\"}", "its column is neither a text nor a label"),
        (
            "masks contains {\"column\": {\"lable\": \"x\"}, \"method\": \"null\"}",
            "its column is not {\"label\": text}",
        ),
        (
            "masks contains {\"column\": \"a.b.c\", \"metod\": \"x\", \"method\": \"null\"}",
            "it has the unknown key metod",
        ),
        (
            "masks contains {\"column\": \"a.b.c\", \"method\": \"partial\", \"params\": {\"keep_lst\": 4}}",
            "its parameter keep_lst does not fit its method",
        ),
        (
            "masks contains {\"column\": \"a.b.c\", \"method\": \"partial\", \"params\": {\"keep_last\": -1}}",
            "its parameter keep_last does not fit its method",
        ),
        (
            "masks contains {\"column\": \"a.b.c\", \"method\": \"date_trunc\"}",
            "date_trunc needs the parameter to",
        ),
        ("row_filters contains {\"predicate\": \"true\"}", "it has no relation"),
        ("row_filters contains {\"relation\": \"a.b\"}", "it has no predicate"),
        (
            "limits contains {\"kind\": \"rows\", \"value\": 1}",
            "its kind is not one of bytes_returned, protected_values_per_window, rows_affected, rows_affected_per_window, rows_returned, statements_per_window, timeout_ms",
        ),
        (
            "limits contains {\"kind\": \"timeout_ms\", \"value\": -1}",
            "its value is not a whole number from 0 on",
        ),
        (
            "limits contains {\"kind\": \"timeout_ms\", \"value\": 1.5}",
            "its value is not a whole number from 0 on",
        ),
        (
            "limits contains {\"kind\": \"timeout_ms\", \"value\": 1, \"on_exceed\": \"ignore\"}",
            "its on_exceed is not one of deny, approve, truncate",
        ),
        (
            "approvals contains {\"approvers\": []}",
            "its approvers are not a list of texts with at least one",
        ),
        (
            "approvals contains {\"approvers\": [\"a\"], \"min\": 0}",
            "its min is not a whole number from 1 on",
        ),
        (
            "approvals contains {\"approvers\": [\"a\"], \"ttl\": \"soon\"}",
            "its ttl is not a duration like 30m",
        ),
        (
            "approvals contains {\"approvers\": [\"a\"], \"mode\": \"wait\"}",
            "its mode is not one of auto, hold, retry",
        ),
        ("obligations contains {\"kind\": \"call_mother\"}", OBLIGATIONS),
        ("obligations contains {\"kind\": \"notify\"}", OBLIGATIONS),
    ] {
        let decision = judge(element);
        assert_eq!(decision.effect, Effect::Deny, "{element}");
        assert_eq!(first(&decision).kind, ReasonKind::Error, "{element}");
        assert_eq!(first(&decision).code.as_deref(), Some("policy_invalid"), "{element}");
        let rule = element.split(' ').next().unwrap();
        let expected = format!("data.jurat.p.{rule} has a malformed element: {wrong}");
        assert_eq!(decision.errors, [expected], "{element}");
    }
}

#[test]
fn what_conftest_and_gatekeeper_write_is_understood() {
    let decision = judge(r#"violation contains {"msg": "no", "details": {"a": 1}}"#);
    assert_eq!(first(&decision).details, Some(serde_json::json!({"a": 1})));
    let decision = judge(r#"deny contains {"msg": "no", "team": "data"}"#);
    assert_eq!(first(&decision).details, Some(serde_json::json!({"team": "data"})));
    assert_eq!(first(&decision).id, "p.deny");
}

#[test]
fn limits_take_the_minimum_and_the_strictest_consequence() {
    let decision = judge(
        r#"limits contains {"id": "a", "kind": "rows_returned", "value": 10, "on_exceed": "truncate"}
limits contains {"id": "b", "kind": "rows_returned", "value": 50, "on_exceed": "deny"}
limits contains {"id": "c", "kind": "timeout_ms", "value": 5}"#,
    );
    let limits: Vec<_> = decision
        .limits
        .iter()
        .map(|limit| {
            (limit.kind.as_str(), limit.value, limit.on_exceed.as_str(), limit.id.as_str())
        })
        .collect();
    assert_eq!(limits, [("rows_returned", 10, "deny", "a"), ("timeout_ms", 5, "deny", "c")]);
}

/// Asked about from ten rows on, and refused from a hundred on.
#[test]
fn a_limit_that_consent_lifts_stands_beside_one_that_it_does_not() {
    let decision = judge(
        r#"limits contains {"id": "a", "kind": "rows_affected", "value": 10, "on_exceed": "approve"}
limits contains {"id": "b", "kind": "rows_affected", "value": 20, "on_exceed": "approve"}
limits contains {"id": "c", "kind": "rows_affected", "value": 100}"#,
    );
    let limits: Vec<_> = decision
        .limits
        .iter()
        .map(|limit| (limit.value, limit.on_exceed.as_str(), limit.id.as_str()))
        .collect();
    assert_eq!(limits, [(100, "deny", "c"), (10, "approve", "a")]);
}

#[test]
fn masks_go_over_the_surface_and_the_strictest_wins() {
    let partial = |keep: &str| {
        format!(
            r#"masks contains {{"column": "*.email", "method": "partial", "params": {{{keep}}}}}"#
        )
    };
    let null = r#"masks contains {"column": {"label": "pii.*"}, "method": "null"}"#.to_owned();
    let hash = r#"masks contains {"column": "public.customers.*", "method": "hash"}"#.to_owned();
    let date = |to: &str| {
        format!(
            r#"masks contains {{"column": "*.email", "method": "date_trunc", "params": {{"to": "{to}"}}}}"#
        )
    };
    for (rules, expected) in [
        (vec![partial(r#""keep_last": 4"#)], r#"email partial {"keep_last":4}"#),
        (
            vec![partial(r#""keep_last": 4"#), partial(r#""keep_last": 2"#)],
            r#"email partial {"keep_last":2}"#,
        ),
        (vec![partial(r#""keep_last": 4"#), partial(r#""keep_first": 2"#)], "email redact {}"),
        (
            vec![
                partial(r#""keep_domain": true"#),
                partial(r#""keep_domain": true, "keep_first": 1"#),
            ],
            r#"email partial {"keep_domain":true}"#,
        ),
        (vec![date("month"), date("year")], r#"email date_trunc {"to":"year"}"#),
        (vec![date("month"), partial(r#""keep_last": 4"#)], r#"email date_trunc {"to":"month"}"#),
        (vec![null.clone()], "email null {}, name null {}"),
        (vec![null, hash.clone()], "card hash {}, email null {}, id hash {}, name null {}"),
        (vec![hash], "card hash {}, email hash {}, id hash {}, name hash {}"),
        (
            vec![r#"masks contains {"column": "public.other.email", "method": "null"}"#.to_owned()],
            "",
        ),
    ] {
        let decision = judge(&rules.join("\n"));
        let masks: Vec<_> = decision
            .masks
            .iter()
            .map(|mask| {
                let method = serde_json::to_value(mask.method).unwrap();
                let params = serde_json::to_string(&mask.params).unwrap();
                format!("{} {} {params}", mask.column.column, method.as_str().unwrap())
            })
            .collect();
        assert_eq!(masks.join(", "), expected, "{rules:?}");
    }
}

#[test]
fn a_mask_that_covers_nothing_is_no_reason() {
    let decision = judge(r#"masks contains {"column": {"label": "secret.*"}, "method": "null"}"#);
    assert_eq!(decision.effect, Effect::Allow);
    assert!(decision.reasons.iter().all(|reason| reason.kind == ReasonKind::Allow));
}

#[test]
fn a_package_can_be_warned_about_or_rehearsed() {
    let policy = format!(
        "{ALLOW}deny contains \"no\"\napprovals contains {{\"approvers\": [\"a\"]}}\nmasks contains {{\"column\": \"*.email\", \"method\": \"null\"}}\n"
    );
    let dir =
        directory(&[("p.rego", &policy), ("q.rego", "package jurat.q\nallow contains \"q\"")]);
    for (name, mode, effect, kinds) in [
        ("p", PackageMode::Enforce, Effect::Deny, "deny approval mask allow allow"),
        ("data.jurat.p", PackageMode::Warn, Effect::Rewrite, "mask warn warn allow allow"),
        ("jurat.p", PackageMode::Dryrun, Effect::Allow, "allow dry_run dry_run dry_run dry_run"),
    ] {
        let modes = [(name.to_owned(), mode)].into();
        let set = PolicySet::load(dir.path(), &PolicyOptions { modes, ..options() }).unwrap();
        let decision = set.judge(&select(), &surface());
        assert_eq!(decision.effect, effect, "{mode:?}");
        let found: Vec<_> = decision
            .reasons
            .iter()
            .map(|reason| serde_json::to_value(reason.kind).unwrap().as_str().unwrap().to_owned())
            .collect();
        assert_eq!(found.join(" "), kinds, "{mode:?}");
    }
}

#[test]
fn a_rehearsed_allowance_allows_nothing() {
    let dir = directory(&[("p.rego", ALLOW)]);
    let modes = [("p".to_owned(), PackageMode::Dryrun)].into();
    let set = PolicySet::load(dir.path(), &PolicyOptions { modes, ..options() }).unwrap();
    assert_eq!(set.judge(&select(), &Surface::default()).effect, Effect::Deny);
}

#[test]
fn denials_come_first_and_the_gravest_of_them_leads() {
    let decision = judge(
        r#"deny contains {"id": "a", "msg": "a", "severity": "low"}
deny contains {"id": "b", "msg": "b", "severity": "critical"}
warn contains "w""#,
    );
    let ids: Vec<_> = decision.reasons.iter().map(|reason| reason.id.as_str()).collect();
    assert_eq!(ids, ["b", "a", "p.warn", "all"]);
}

#[test]
fn reasons_say_which_rule_it_was() {
    let policy = r#"# METADATA
# title: About the package
package jurat.p

allow contains "all"

# METADATA
# title: First
# custom:
#   id: p.first
#   severity: high
#   controls: ["SOC2:CC6.1", "NIST:AC-3"]
deny contains {"id": "p.first", "msg": "first"}

# METADATA
# title: By its literal
deny contains {
	"id": "p.second",
	"msg": "second",
}

deny contains "third"
"#;
    let decision = load(policy).unwrap().judge(&select(), &Surface::default());
    let shown: Vec<_> = decision
        .reasons
        .iter()
        .filter(|reason| reason.kind == ReasonKind::Deny)
        .map(|reason| {
            let at = reason.location.clone().unwrap();
            let title = reason.title.clone().unwrap_or_default();
            format!("{} {}:{} {title} {}", reason.msg, at.file, at.row, reason.controls.join("+"))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "third jurat/p.rego:13 First SOC2:CC6.1+NIST:AC-3",
            "first jurat/p.rego:13 First SOC2:CC6.1+NIST:AC-3",
            "second jurat/p.rego:17 By its literal ",
        ]
    );
    assert_eq!(decision.reasons.first().unwrap().severity.as_deref(), Some("high"));
}

#[test]
fn a_policy_that_loops_is_a_denial() {
    let rules = "n := numbers.range(1, 300)
deny contains \"slow\" if { some a in n; some b in n; some c in n; some d in n; [a, b, c, d] == [] }";
    let dir = directory(&[("p.rego", &format!("{ALLOW}{rules}"))]);
    let time_limit = Duration::from_millis(50);
    let few = PolicyOptions { instructions_max: 5_000, ..options() };
    let short = PolicyOptions { time_limit, instructions_max: u64::MAX, ..options() };
    for (options, message) in [
        (short, "the policies took longer than 50 ms"),
        (few, "the policies took more than 5000 instructions"),
    ] {
        let set = PolicySet::load(dir.path(), &options).unwrap();
        let decision = set.judge(&select(), &Surface::default());
        assert_eq!(decision.effect, Effect::Deny);
        assert_eq!(decision.errors, [message]);
        assert_eq!(first(&decision).code.as_deref(), Some("policy_timeout"));
        assert_eq!(first(&decision).kind, ReasonKind::Error);
    }
}

#[test]
fn a_policy_that_fails_is_a_denial_that_says_where() {
    for rules in [
        // Built-ins, which the register machine would take for undefined.
        "deny contains \"x\" if {\n\tto_number(input.statement.text) > 1\n}",
        "warn contains \"x\" if {\n\tnot to_number(input.statement.text)\n}",
        "deny contains \"x\" if {\n\tlower(input.claimed.ticket) == \"a\"\n}",
        "deny contains \"x\" if {\n\tcount([y | some z in [1]; y := lower(z)]) > 7\n}",
        // What it has instructions for, left to the interpreter.
        "deny contains \"x\" if {\n\t1 / count(input.approvals) > 1\n}",
        "deny contains \"x\" if {\n\tinput.statement.text + 1 > 1\n}",
        "deny contains \"x\" if {\n\t{k: v | some k in [1]; some v in [1, 2]}\n}",
        "deny contains \"x\" if two == 3\ntwo := 1 if input.stage\ntwo := 2 if input.stage",
        "deny contains \"x\" if f(1) == 3\n\nf(x) := y if some y in [x, 2]",
    ] {
        let decision = judge(rules);
        assert_eq!(decision.effect, Effect::Deny, "{rules}");
        let [error] = decision.errors.as_slice() else { panic!("{rules}: {:?}", decision.errors) };
        let place = error.strip_prefix("a policy could not be evaluated at jurat/p.rego:").unwrap();
        assert!(["4", "5", "6"].contains(&place), "{rules}: {error}");
        assert_eq!(first(&decision).code.as_deref(), Some("policy_error"), "{rules}");
    }
}

#[test]
fn null_compares_as_rego_orders_it() {
    for (condition, effect) in [
        ("input.claimed.ticket > 100", Effect::Allow),
        ("input.claimed.ticket < 100", Effect::Deny),
        ("not input.claimed.ticket > 100", Effect::Deny),
        ("input.claimed.ticket", Effect::Deny),
        ("input.claimed.nosuch", Effect::Allow),
        ("input.statement.kind > 3", Effect::Deny),
    ] {
        assert_eq!(
            judge(&format!("deny contains \"x\" if {condition}")).effect,
            effect,
            "{condition}"
        );
    }
}

#[test]
fn rules_run_in_the_interpreter_where_the_machine_cannot() {
    // A partial object with a constant key is something the register machine does not compile.
    let set = load(&format!(
        "{ALLOW}o[\"k\"] := 1 if input.stage == \"statement\"\ndeny contains \"no\" if o.k == 1\nwarn contains \"w\""
    ))
    .unwrap();
    assert!(
        set.interpreted().iter().any(|note| note.starts_with("data.jurat.p.deny ")),
        "{:?}",
        set.interpreted()
    );
    let decision = set.judge(&select(), &Surface::default());
    let kinds: Vec<_> = decision.reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!(kinds, [ReasonKind::Deny, ReasonKind::Warn, ReasonKind::Allow]);
}

#[test]
fn many_threads_judge_at_once() {
    let set = Arc::new(
        load(&format!("{ALLOW}deny contains \"no\" if input.statement.kind == \"delete\""))
            .unwrap(),
    );
    let threads: Vec<_> = (0..8)
        .map(|turn| {
            let set = Arc::clone(&set);
            std::thread::spawn(move || {
                let kind = if turn % 2 == 0 { "delete" } else { "select" };
                let intent = statement(|facts| facts.kind = kind.to_owned());
                (0..20).all(|_| {
                    let expected = if turn % 2 == 0 { Effect::Deny } else { Effect::Allow };
                    set.judge(&intent, &Surface::default()).effect == expected
                })
            })
        })
        .collect();
    for thread in threads {
        assert!(thread.join().unwrap());
    }
}

fn shipped() -> PolicySet {
    let rego = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rego");
    PolicySet::load(&rego, &options()).unwrap()
}

#[test]
fn the_shipped_policies_run_in_the_machine_and_explain_themselves() {
    let set = shipped();
    assert_eq!(set.interpreted(), Vec::<String>::new());
    assert!(set.volatile(), "several statements in one message are counted");
    assert!(!set.volatile_when_prepared());
    assert!(!set.reads_text(), "literals make no difference");
    for rule in set.rules() {
        let id = rule.id.as_deref().unwrap_or("none");
        let package = rule.package.strip_prefix("data.jurat.").unwrap();
        assert!(id.starts_with(package), "{id} in {package}");
        assert!(rule.title.is_some(), "{id} has no title");
        assert!(!rule.controls.is_empty(), "{id} has no controls");
        assert!(rule.rule == "allow" || rule.severity.is_some(), "{id} has no severity");
    }
}

#[test]
fn the_shipped_policies_decide() {
    let set = shipped();
    for intent in corpus::intents() {
        let decision = set.judge(&intent, &surface());
        assert_eq!(decision.errors, Vec::<String>::new());
    }
    let mut intent = statement(|facts| {
        facts.functions = [].into();
        facts.relations = facts.relations.iter().take(1).cloned().collect();
    });
    let decision = set.judge(&intent, &surface());
    assert_eq!(decision.effect, Effect::Rewrite, "{decision:?}");
    let methods: Vec<_> = decision.masks.iter().map(|mask| mask.method).collect();
    assert_eq!(methods, [MaskMethod::Partial; 3]);
    let drop: fn(&mut Intent) = |intent| {
        let facts = intent.statement.as_mut().unwrap();
        facts.kind = "drop_table".to_owned();
        facts.class = jurat_types::StatementClass::Ddl;
        std::sync::Arc::make_mut(&mut facts.relations).first_mut().unwrap().access =
            jurat_types::Access::Ddl;
    };
    drop(&mut intent);
    intent.target.environment = "production".to_owned();
    let decision = set.judge(&intent, &surface());
    assert_eq!(decision.effect, Effect::Deny);
    assert_eq!(first(&decision).msg, "DROP TABLE public.customers in production");
    assert_eq!(
        first(&decision).location.as_ref().unwrap().file,
        "jurat/guardrails/ddl_in_production.rego"
    );
}

#[test]
fn printing_and_tracing_change_nothing() {
    let decision = judge(
        "deny contains \"x\" if { print(\"kind\", input.statement.kind); trace(\"t\"); true }\nwarn contains \"y\" if { print(input.nosuch); 1 + 1 == 2 }",
    );
    let kinds: Vec<_> = decision.reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!(kinds, [ReasonKind::Deny, ReasonKind::Warn, ReasonKind::Allow]);
}
