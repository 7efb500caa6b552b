//! Threat: the policies or the configuration are wrong or missing. What is met while judging is in `both::policies`.

use crate::harness::{
    Setup,
    jurat::{Home, command},
};

/// What `jurat run` says to a home that it must not take, and its exit code.
fn refused(setup: &Setup, change: impl FnOnce(&Home)) -> (String, Option<i32>) {
    let home = Home::new(setup, 1, "nothing");
    change(&home);
    let output = home.refused();
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

/// Whether the policies load.
pub(super) fn taken(setup: &Setup) -> bool {
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
