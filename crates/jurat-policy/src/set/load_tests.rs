//! What is refused before it may decide, and what a directory means.

use jurat_types::Effect;

use crate::{
    LoadError, PolicyOptions, PolicySet, Surface,
    testing::{directory, load, load_files, options, select},
};

/// The codes with which loading fails.
fn refused(policy: &str) -> String {
    match load(policy) {
        Err(LoadError::Invalid(errors)) => {
            let codes: Vec<_> = errors.iter().map(|error| error.code.clone()).collect();
            codes.join(" ")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn recursion_is_refused_before_it_can_run() {
    for rules in [
        "f(x) := f(x + 1)",
        "f(x) := g(x)\ng(x) := f(x)",
        "a if b\nb if a",
        "a := data.jurat.p.a",
        "a if data.jurat.p[\"a\"]",
        "a := data.jurat",
        "a := [x | some x in data[y][z]; y == 1; z == 2]",
        "f(x) := [g(y) | some y in x]\ng(x) := count(f(x))",
        "a if not a",
        "a if { every x in [1] { x == 1; a } }",
        "a if { x := {y: 1 | some y in [a]}; x }",
    ] {
        let policy = format!("package jurat.p\n{rules}\nallow contains \"x\"");
        assert_eq!(refused(&policy), "rego_recursion_error", "{rules}");
    }
}

#[test]
fn names_that_hide_a_rule_are_no_recursion() {
    for rules in [
        "f(f) := lower(f)
allow contains \"x\" if f(\"A\") == \"a\"",
        "a := [b | b := 1]
b := 2 if a == [1]
allow contains \"x\" if b == 2",
        "a if { every b in [1] { b == 1 } }
b := 2 if a
allow contains \"x\" if b == 2",
    ] {
        let set = load(&format!("package jurat.p\n{rules}")).unwrap();
        assert_eq!(set.judge(&select(), &Surface::default()).effect, Effect::Allow, "{rules}");
    }
}

#[test]
fn long_chains_are_refused_and_allowed_ones_run() {
    let chain = |length: usize| {
        let mut policy = "package jurat.p\nf0(x) := x\nallow contains \"x\" if ".to_owned();
        policy.push_str(&format!("f{length}(1) == 1\n"));
        for at in 1..=length {
            policy.push_str(&format!(
                "f{at}(x) := y if {{ some z in [x]; y := [w | w := f{}(z)][0] }}\n",
                at - 1
            ));
        }
        policy
    };
    assert_eq!(
        load(&chain(45)).unwrap().judge(&select(), &Surface::default()).effect,
        Effect::Allow
    );
    assert!(refused(&chain(60)).starts_with("rego_compile_error"));
}

#[test]
fn built_ins_without_a_bound_or_a_reason_are_refused() {
    for (rule, code) in [
        ("allow contains \"x\" if http.send({})", "rego_compile_error"),
        ("allow contains \"x\" if not http.send({})", "rego_compile_error"),
        ("allow contains \"x\" if time.now_ns() > 0", "rego_compile_error"),
        ("allow contains \"x\" if rand.intn(\"a\", 3) > 0", "rego_compile_error"),
        ("allow contains \"x\" if opa.runtime()", "rego_compile_error"),
        ("allow contains \"x\" if bits.lsh(1, 1000000000) > 0", "rego_compile_error"),
        (
            "allow contains \"x\" if count(net.cidr_expand(\"10.0.0.0/8\")) > 0",
            "rego_compile_error",
        ),
        ("allow contains \"x\" if count(numbers.range(1, 50000000)) > 0", "rego_type_error"),
        ("allow contains \"x\" if count(numbers.range(1, input.time.hour)) > 0", "rego_type_error"),
        ("allow contains \"x\" if sprintf(\"%999999999d\", [1]) != \"\"", "rego_type_error"),
        ("allow contains \"x\" if sprintf(input.stage, [1]) != \"\"", "rego_type_error"),
        ("allow contains \"x\" if strings.render_template(\"\", {}) == \"\"", "rego_type_error"),
        ("allow contains \"x\" if nosuch(1)", "rego_type_error"),
        ("allow contains \"x\" if lower(\"a\", \"b\", \"c\")", "rego_type_error"),
        ("allow contains \"x\" if { input.stage == \"x\" with input as {} }", "rego_compile_error"),
        ("count(x) := x\nallow contains \"x\" if count(1) == 1", "rego_compile_error"),
        ("allow contains \"x\" if { x := data.jurat.p.nosuch.f(1); x }", "rego_type_error"),
    ] {
        assert_eq!(refused(&format!("package jurat.p\n{rule}")), code, "{rule}");
    }
    let set = load("package jurat.p\nallow contains \"x\" if count(numbers.range(1, 24)) == 24");
    assert_eq!(set.unwrap().judge(&select(), &Surface::default()).effect, Effect::Allow);
}

#[test]
fn policies_that_are_not_rego_are_refused() {
    for (policy, code) in [
        ("package jurat.p\nallow contains", "rego_parse_error"),
        ("package jurat.p\nallow { true }", "rego_parse_error"),
        ("package jurat.p\nallow contains \"x\" if y", "rego_compile_error"),
        ("package jurat.p\nallow := true", "rego_type_error"),
        ("package jurat.p\ndeny if true", "rego_type_error"),
        ("package jurat.p\ndeny(x) := x", "rego_type_error"),
        ("package jurat.p\ndeny.sub contains \"x\"", "rego_type_error"),
        ("package jurat_generated\nmachine := []", "rego_compile_error"),
        ("# METADATA\n# title: [\npackage jurat.p", "rego_parse_error"),
    ] {
        assert_eq!(refused(policy), code, "{policy}");
    }
}

#[test]
fn deep_sources_do_not_take_the_process_down() {
    for policy in [
        format!("package p\nx := {}1{}", "[".repeat(5_000), "]".repeat(5_000)),
        format!("package p\nx := {}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("package p\nx := {}1", "- ".repeat(5_000)),
        format!("package p\nx := 1{}", "\n+1".repeat(85_000)),
        format!("package p\nx := \"a\"{}", "\n|1".repeat(85_000)),
        format!("package p\nx if {{ y := {}1{} }}", "{".repeat(200), "}".repeat(200)),
        format!("package p\nx := count({}1{})", "count(".repeat(200), ")".repeat(200)),
    ] {
        assert_eq!(refused(&policy), "rego_parse_error");
    }
}

#[test]
fn without_policies_everything_is_denied() {
    for files in [vec![], vec![("elsewhere.rego", "package other\nallow contains \"x\"")]] {
        let decision = load_files(&files).unwrap().judge(&select(), &Surface::default());
        assert_eq!(decision.effect, Effect::Deny);
        assert_eq!(decision.errors, ["no policy is loaded below data.jurat"]);
    }
}

#[test]
fn the_root_is_configurable() {
    let dir = directory(&[("p.rego", "package acme.sql\nallow contains \"x\"")]);
    for (root, effect) in
        [("acme", Effect::Allow), ("acme.sql", Effect::Allow), ("jurat", Effect::Deny)]
    {
        let set =
            PolicySet::load(dir.path(), &PolicyOptions { root: root.to_owned(), ..options() });
        assert_eq!(set.unwrap().judge(&select(), &Surface::default()).effect, effect, "{root}");
    }
    let wrong = PolicyOptions { root: "acme..sql".to_owned(), ..options() };
    assert!(PolicySet::load(dir.path(), &wrong).is_err());
}

#[test]
fn packages_over_several_files_lose_nothing() {
    // regorus 0.14.1 loses the imports of the second file when the package is read as a whole.
    let files = [
        (
            "a.rego",
            "package jurat.p\nimport data.jurat.lib\nallow contains \"a\" if lib.yes\nallow contains \"no\" if lib.no",
        ),
        (
            "b.rego",
            "package jurat.p\nimport data.jurat.lib as l\ndeny contains \"b\" if l.yes\ndeny contains \"c\" if own\nown if l.both(1)",
        ),
        ("lib/a.rego", "package jurat.lib\nyes if input.stage == \"statement\"\nno if not yes"),
        (
            "lib/b.rego",
            "package jurat.lib\nimport data.jurat.third\nboth(x) if { yes; third.one == x }",
        ),
        ("third.rego", "package jurat.third\none := 1"),
        ("q.rego", "package jurat.q\nimport data.jurat.p\nwarn contains x if { some x in p.deny }"),
    ];
    let decision = load_files(&files).unwrap().judge(&select(), &Surface::default());
    let shown: Vec<_> =
        decision.reasons.iter().map(|r| format!("{} {}", r.package, r.msg)).collect();
    assert_eq!(
        shown,
        ["data.jurat.p b", "data.jurat.p c", "data.jurat.q b", "data.jurat.q c", "data.jurat.p a",]
    );
    let whole = [files.as_slice(), &[("r.rego", "package other\nx := data.jurat.p")]].concat();
    assert!(matches!(load_files(&whole), Err(LoadError::Invalid(errors)) if errors.len() == 1));
}

#[test]
fn data_is_placed_by_directory() {
    let files = [
        (
            "jurat/p.rego",
            "package jurat.p\nallow contains \"x\" if data.jurat.config.open\nallow contains \"y\" if data.top == 1",
        ),
        ("jurat/config/data.yaml", "open: true\n"),
        ("data.json", "{\"top\": 1}"),
        (
            "jurat/catalog/data.yml",
            "public.customers.email: [pii.email]\npublic.f(): [function.pure]\n",
        ),
        ("jurat/catalog/ignored.yaml", "- not data\n"),
        (".hidden/data.json", "not even JSON"),
    ];
    let set = load_files(&files).unwrap();
    assert_eq!(set.judge(&select(), &Surface::default()).reasons.len(), 2);
    assert_eq!(set.labels().of("public.customers.email"), ["pii.email"]);
    assert_eq!(set.labels().of("public.f()"), ["function.pure"]);
    assert_eq!(set.labels().of("public.nothing"), Vec::<String>::new());
    for (path, text) in [
        ("data.yaml", "top: 2\n"),
        ("jurat/catalog/data.json", "{\"public.t\": \"pii\"}"),
        ("jurat/catalog/data.json", "{\"public.t\": [1]}"),
        ("data.yaml", "- a list\n"),
        ("data.yaml", "a: [\n"),
        ("jurat/p/data.json", "{\"allow\": [\"x\"]}"),
    ] {
        let broken = [files.as_slice(), &[(path, text)]].concat();
        assert!(load_files(&broken).is_err(), "{path} {text}");
    }
}

#[test]
fn the_revision_is_of_names_and_contents() {
    let revision = |files: &[(&str, &str)]| load_files(files).unwrap().revision().to_owned();
    let one = revision(&[("a.rego", "package a"), ("b.rego", "package b")]);
    assert_eq!(one, revision(&[("b.rego", "package b"), ("a.rego", "package a")]));
    assert_eq!(
        one,
        revision(&[("a.rego", "package a"), ("b.rego", "package b"), ("a_test.rego", "x")])
    );
    assert_ne!(one, revision(&[("a.rego", "package a"), ("c.rego", "package b")]));
    assert_ne!(one, revision(&[("a.rego", "package a"), ("b.rego", "package b\n")]));
    assert_ne!(
        one,
        revision(&[("a.rego", "package a"), ("b.rego", "package b"), ("data.json", "{}")])
    );
    assert!(one.starts_with("sha256:") && one.len() == 71, "{one}");
}

#[test]
fn volatility_is_read_from_the_text() {
    for (rule, execution, message) in [
        ("x if input.statement.kind == \"select\"", false, false),
        ("x if input.principal.id == \"a\"", false, false),
        ("x if { s := input.statement; s.kind == \"a\" }", false, false),
        ("s := input.statement\nx if s.kind == \"a\"", false, false),
        ("x if input.time.hour > 8", true, false),
        ("x if input[\"time\"].hour > 8", true, false),
        ("x if { t := input.time; t.hour > 8 }", true, false),
        ("t := input.time\nx if t.hour > 8", true, false),
        ("x if input.session.totals.denied > 8", true, false),
        ("x if input.session.in_transaction", true, false),
        ("x if input.session == {}", true, false),
        ("x if input.session.tls", false, false),
        ("x if input.request_id == \"\"", true, false),
        ("x if count(input.statement.parameters.values) > 0", true, false),
        ("x if input.statement.count > 1", false, true),
        ("x if input.statement.index > 1", false, true),
        ("x if input.statement.protocol == \"simple\"", false, true),
        ("x if { s := input.statement; s.count > 1 }", false, true),
        ("x if { s := input.statement; s == {} }", true, true),
        ("x if count(input.statement) > 1", true, true),
        ("x if { some k; input[k] == 1 }", true, true),
        ("x if { some v in input; v == 1 }", true, true),
        ("x if { v := input; v == 1 }", true, true),
        ("f(i) if i.stage == \"a\"\nx if f(input)", true, true),
        ("x if json.marshal(input) == \"\"", true, true),
        ("x if { some s in [input.statement]; s.kind == \"a\" }", true, true),
        ("x if { every r in input.statement.relations { r.name == \"a\" } }", false, false),
    ] {
        let policy = format!("package jurat.p\n{rule}\nallow contains \"x\" if x");
        let set = load(&policy).unwrap();
        let found = (set.volatile(), set.volatile_when_prepared());
        assert_eq!(found, (execution || message, execution), "{rule}");
    }
}
