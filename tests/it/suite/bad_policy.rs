//! Threat: the policies are wrong, missing, or do not end. Not knowing means no, and the client is told.

use std::time::Instant;

use crate::harness::{
    PATIENCE, Setup, Shop, Wire, client,
    jurat::{Home, PASSWORD, command},
    sqlstate,
};

/// Allows everything.
const OPEN: &str = "package jurat.open\nallow contains {\"id\": \"open.all\"} if input.stage in {\"session\", \"statement\"}\n";

fn alone(text: &str) -> Setup {
    Setup { shipped: false, ..Setup::default() }.policy("open.rego", text)
}

/// What `jurat run` says to a home that it must not take, and its exit code.
fn refused(setup: &Setup, change: impl FnOnce(&Home)) -> (String, Option<i32>) {
    let home = Home::new(setup, 1, "nothing");
    change(&home);
    let output = home.refused();
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

/// Whether the policies load.
fn taken(setup: &Setup) -> bool {
    let home = Home::new(setup, 1, "nothing");
    let config = home.path("jurat.toml");
    command(&["check", "-c", config.to_str().unwrap()], "").status.success()
}

#[test]
fn policies_that_do_not_compile_end_the_start_and_are_named() {
    for text in [
        "package jurat.broken\ndeny contains {",
        "package jurat.broken\ndeny contains x if { no_such_function(1) }",
        "package jurat.broken\ndeny contains y if { input.stage == x }",
        "deny = true",
    ] {
        let setup = Setup::default().policy("broken.rego", text);
        let (said, code) = refused(&setup, |_home| {});
        assert_eq!(code, Some(3), "{text}: {said}");
        assert!(said.contains("broken.rego"), "{text}: {said}");
    }
}

#[test]
fn configurations_that_are_wrong_end_the_start_with_the_place() {
    let change = |from: &'static str, to: &'static str| {
        move |home: &Home| {
            let path = home.path("jurat.toml");
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(from));
            home.write("jurat.toml", &text.replace(from, to));
        }
    };
    for (from, to, words) in [
        ("users_file", "user_file", "users_file"),
        ("[audit]", "[audits]", "audit"),
        ("127.0.0.1:0", "0.0.0.0", "jurat.toml:"),
        ("version = 1", "version = 2", "version"),
        ("users.toml", "missing.toml", "missing.toml"),
        ("audit.key", "missing.key", "missing.key"),
        ("upstream.password", "missing.password", "missing.password"),
        ("tls.crt", "missing.crt", "missing.crt"),
        ("app@", "app:secret-word@", "credential"),
    ] {
        let (said, code) = refused(&Setup::default(), change(from, to));
        assert_eq!(code, Some(2), "{to}: {said}");
        assert!(said.contains(words), "{to}: {said}");
        assert!(!said.contains("secret-word"), "{said}");
    }
}

#[test]
fn a_policy_directory_that_is_not_there_ends_the_start() {
    let (said, code) = refused(&Setup::default(), |home| {
        std::fs::remove_dir_all(home.path("policy")).unwrap();
    });
    assert!(matches!(code, Some(2 | 3)), "{code:?}: {said}");
    assert!(said.contains("policy"), "{said}");
}

#[tokio::test]
async fn nothing_is_allowed_where_no_policy_allows_it() {
    let sessions = "package jurat.open\nallow contains {\"id\": \"open.session\"} if input.stage == \"session\"\n";
    let Some(shop) = Shop::open(alone(sessions)).await else { return };
    let mut wire = shop.wire("ana").await;
    for text in ["SELECT 1", "BEGIN", "SHOW search_path", "DELETE FROM payments"] {
        for reply in [wire.run(text).await, wire.run_extended(text, 0).await] {
            assert_eq!(
                (reply.sqlstate().as_str(), reply.tags().as_str()),
                ("42501", "E ZI"),
                "{text}"
            );
            let message = reply.error().unwrap().message().to_owned();
            assert!(message.contains("No policy allows this"), "{message}");
        }
    }
    assert_eq!(shop.close().await.denials().len(), 8);
}

#[tokio::test]
async fn policies_that_say_nothing_let_nobody_in() {
    for text in ["package jurat.silent\n", "package somewhere.else\nallow contains \"all\"\n"] {
        // Either they are not taken at all, or nobody gets in.
        if !taken(&alone(text)) {
            continue;
        }
        let Some(shop) = Shop::open(alone(text)).await else { return };
        for user in ["ana", "dora", "priya"] {
            let error = client::connect(&shop.config(user)).await.unwrap_err();
            assert_eq!(sqlstate(&error), "28000", "{user}: {text}");
        }
        assert_eq!(shop.close().await.sessions("refused").len(), 3);
    }
}

#[tokio::test]
async fn a_policy_that_does_not_end_is_a_denial_and_other_sessions_go_on() {
    let endless = format!(
        "{OPEN}
deny contains {{\"id\": \"open.endless\", \"msg\": \"never said\"}} if {{
    some relation in input.statement.relations
    relation.id == \"public.notes\"
    some i in numbers.range(1, 10000)
    some j in numbers.range(1, 10000)
    some k in numbers.range(1, 10000)
    i + j + k < 0
}}
"
    );
    let Some(shop) = Shop::open(alone(&endless)).await else { return };
    let (mut wire, mut other) = (shop.wire("ana").await, shop.wire("ana").await);
    for text in ["SELECT * FROM notes", "DELETE FROM notes"] {
        let start = Instant::now();
        wire.query(text).send().await;
        assert_eq!(other.run("SELECT 1").await.value(), "1");
        let reply = wire.reply().await;
        assert!(["58000", "42501"].contains(&reply.sqlstate().as_str()), "{reply:?}");
        assert_eq!(reply.tags(), "E ZI");
        assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
    }
    assert_eq!(wire.run("SELECT 2").await.value(), "2");
    assert_eq!(shop.close().await.denials().len(), 2);
}

#[tokio::test]
async fn what_a_policy_says_wrongly_is_a_denial() {
    let mut judged = 0;
    for wrong in [
        // An element without an id, an unknown method, an unknown obligation, an unknown limit.
        "deny contains {\"message\": \"no id\"} if input.stage == \"statement\"",
        "masks contains {\"id\": \"m\", \"column\": \"*.*.*\", \"method\": \"blur\"} if input.stage == \"statement\"",
        "obligations contains {\"kind\": \"sing\"} if input.stage == \"statement\"",
        "limits contains {\"id\": \"l\", \"kind\": \"jokes\", \"value\": 1, \"on_exceed\": \"deny\"} if input.stage == \"statement\"",
        "deny contains 5 if input.stage == \"statement\"",
        "allow := 1 / 0",
    ] {
        let setup = alone(OPEN).policy("wrong.rego", format!("package jurat.wrong\n{wrong}\n"));
        // Some of these are found when the policies are loaded, the others when they judge.
        if !taken(&setup) {
            continue;
        }
        let Some(shop) = Shop::open(setup).await else { return };
        let parameters = [("user", "ana"), ("database", "shop")];
        if let Ok(mut wire) = Wire::try_log_in(shop.jurat.port, PASSWORD, &parameters).await {
            let reply = wire.run("SELECT note FROM orders").await;
            assert_ne!(reply.sqlstate(), "00000", "{wrong}: it ran");
            assert_eq!(reply.tags(), "E ZI", "{wrong}");
            judged += 1;
        }
        shop.close().await;
    }
    assert!(judged >= 4, "only {judged} were met while judging");
}
