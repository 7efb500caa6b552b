//! The command line as scripts see it: exit codes, messages, and the words of `explain`.

use std::{fs, path::Path};

use crate::command::{Server, jurat, jurat_in, jurat_with_input};

/// A configuration that is complete as far as `check` looks.
const CONFIG: &str = r#"version = 1
[[listener]]
name = "pg"
protocol = "postgres"
bind = "127.0.0.1:0"
[[database]]
name = "shop"
engine = "postgres"
environment = "production"
upstream = "postgres://app@127.0.0.1:1/shop"
credential = { env = "JURAT_TEST_NO_SUCH_VARIABLE" }
[identity]
users_file = "users.toml"
[policy]
dir = "rego"
[audit]
dir = "audit"
key = { file = "audit.key" }
"#;

const POLICY: &str = "package jurat.house\n\nallow contains {\"id\": \"house.all\"}\n";

/// A directory with a configuration, no users and one policy.
pub(crate) fn setting() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("rego")).unwrap();
    put(&dir, "jurat.toml", CONFIG);
    put(&dir, "users.toml", "");
    put(&dir, "rego/house.rego", POLICY);
    dir
}

fn put(dir: &tempfile::TempDir, name: &str, text: &str) {
    fs::write(dir.path().join(name), text).unwrap();
}

#[test]
fn a_usable_setting_passes_the_check() {
    let dir = setting();
    let run = jurat_in(dir.path(), &["check"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("ok      configuration jurat.toml: 1 listener"), "{run}");
    assert!(run.stdout.contains("1 rule in 1 file, sha256:"), "{run}");
    assert!(run.stdout.contains("jurat audit keygen --out audit.key"), "{run}");
    let run = jurat_in(dir.path(), &["check", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["ok"], true, "{run}");
}

#[test]
fn weak_encryption_is_worth_a_warning() {
    let dir = setting();
    let upstream = "\"postgres://app@db.internal/shop\"\ntls = { mode = \"disable\" }";
    let open = CONFIG
        .replace("\"postgres://app@127.0.0.1:1/shop\"", upstream)
        .replace("bind = \"127.0.0.1:0\"", "bind = \"0.0.0.0:0\"\ntls = \"disabled\"");
    put(&dir, "jurat.toml", &open);
    let run = jurat_in(dir.path(), &["check"]);
    assert_eq!(run.code, 0, "{run}");
    for expected in [
        "warning listener      `pg`: clients may connect to 0.0.0.0:0 without encryption",
        "warning database      `shop` on db.internal is reached without encryption",
    ] {
        assert!(run.stdout.contains(expected), "{run}");
    }
}

#[test]
fn a_wrong_configuration_is_named_with_place_and_nearest_key() {
    for (old, new, expected) in [
        (
            "environment",
            "enviroment",
            "jurat.toml:9:1: unknown key `enviroment`; did you mean `environment`?",
        ),
        (
            "{ file = \"audit.key\" }",
            "\"hunter2\"",
            "jurat.toml:18:7: a secret is never written here",
        ),
        ("version = 1", "version = ", "jurat.toml:1:"),
        ("bind = \"127.0.0.1:0\"", "bind = \"0.0.0.0:0\"", "needs a [tls] section"),
    ] {
        let dir = setting();
        put(&dir, "jurat.toml", &CONFIG.replacen(old, new, 1));
        for command in ["check", "run"] {
            let run = jurat_in(dir.path(), &[command]);
            assert_eq!(run.code, 2, "{run}");
            assert!(format!("{run}").contains(expected), "{run}");
            assert!(!format!("{run}").contains("hunter2"), "{run}");
        }
    }
}

#[test]
fn what_is_missing_is_named_before_anything_listens() {
    type Break = fn(&Path);
    let cases: [(&str, Break, i32, &str); 4] = [
        (
            "configuration",
            |dir| fs::remove_file(dir.join("jurat.toml")).unwrap(),
            2,
            "jurat.toml: cannot be read",
        ),
        (
            "users",
            |dir| fs::remove_file(dir.join("users.toml")).unwrap(),
            2,
            "users.toml: cannot be read",
        ),
        ("policies", |dir| fs::remove_dir_all(dir.join("rego")).unwrap(), 3, "rego"),
        (
            "secret",
            |_| {},
            2,
            "database `shop`: the environment variable JURAT_TEST_NO_SUCH_VARIABLE is not set",
        ),
    ];
    for (what, make_missing, code, expected) in cases {
        let dir = setting();
        make_missing(dir.path());
        let run = jurat_in(dir.path(), &["run"]);
        assert_eq!(run.code, code, "{what}: {run}");
        assert!(run.stderr.contains(expected), "{what}: {run}");
    }
}

#[test]
fn a_missing_key_says_how_to_make_one() {
    let dir = setting();
    put(
        &dir,
        "jurat.toml",
        &CONFIG.replace("credential = { env = \"JURAT_TEST_NO_SUCH_VARIABLE\" }\n", ""),
    );
    let run = jurat_in(dir.path(), &["run"]);
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("make one with `jurat audit keygen --out audit.key`"), "{run}");
}

#[test]
fn a_policy_that_does_not_compile_is_named_with_its_line() {
    let dir = setting();
    put(&dir, "rego/house.rego", "package jurat.house\n\nallow contains {\n");
    for command in [&["check"][..], &["check", "--policies", "rego"], &["run"]] {
        let dir_name = dir.path();
        let run = jurat_in(dir_name, command);
        // `run` fetches the secrets only after the policies have loaded.
        assert_eq!(run.code, 3, "{run}");
        assert!(format!("{run}").contains("house.rego:"), "{run}");
    }
}

#[test]
fn a_suspicious_policy_is_a_finding() {
    let dir = setting();
    let typo = "allow contains {\"id\": \"house.all\"} if input.principal.grups == [\"x\"]\n";
    put(&dir, "rego/house.rego", &format!("package jurat.house\n\n{typo}"));
    let run = jurat_in(dir.path(), &["check"]);
    assert_eq!(run.code, 3, "{run}");
    assert!(run.stdout.contains("grups"), "{run}");
}

#[test]
fn tests_of_policies_end_as_in_opa() {
    let dir = setting();
    let test = |name: &str, body: &str| {
        put(
            &dir,
            name,
            &format!("package jurat.house_test\n\nimport data.jurat.house\n\n{body}\n"),
        );
    };
    test("rego/house_test.rego", "test_allowed if count(house.allow) == 1");
    let run = jurat_in(dir.path(), &["test", "rego"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("PASS: 1/1"), "{run}");
    let run = jurat_in(dir.path(), &["test", "-v", "--format", "json", "rego"]);
    let results: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(results[0]["name"], "test_allowed", "{run}");
    let run = jurat_in(dir.path(), &["test", "rego", "-r", "no_such_test", "--fail-on-empty"]);
    assert_eq!(run.code, 1, "{run}");
    test("rego/house_test.rego", "test_denied if count(house.allow) == 0");
    let run = jurat_in(dir.path(), &["test", "rego"]);
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stdout.contains("FAIL: 1/1"), "{run}");
    put(&dir, "rego/house.rego", "package jurat.house\n\nallow contains {\n");
    assert_eq!(jurat_in(dir.path(), &["test", "rego"]).code, 1);
}

#[test]
fn a_hashed_password_is_a_usable_verifier() {
    let run = jurat_with_input(&["hash"], "correct horse\n");
    assert_eq!(run.code, 0, "{run}");
    let dir = setting();
    let user =
        format!("[[user]]\nname = \"ana\"\nkind = \"person\"\nscram = \"{}\"\n", run.stdout.trim());
    put(&dir, "users.toml", &user);
    let check = jurat_in(dir.path(), &["check"]);
    assert!(check.stdout.contains("users.toml: 1 user"), "{check}");
    assert_eq!(jurat_with_input(&["hash"], "\n").code, 2);
}

#[test]
fn a_key_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let make = || {
        jurat_in(dir.path(), &["audit", "keygen", "--name", "db.example.com/audit", "--out", "k"])
    };
    assert_eq!(make().code, 0);
    let private = fs::read_to_string(dir.path().join("k")).unwrap();
    let public = fs::read_to_string(dir.path().join("k.pub")).unwrap();
    assert!(private.starts_with("PRIVATE+KEY+db.example.com/audit+"), "{public}");
    assert!(public.starts_with("db.example.com/audit+"), "{public}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(dir.path().join("k")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600, "only its owner may read a private key");
    let again = make();
    assert_eq!(again.code, 2, "{again}");
    assert_eq!(
        fs::read_to_string(dir.path().join("k")).unwrap(),
        private,
        "it was not overwritten"
    );
}

/// Makes everything that `run` needs, with a database that is never reached.
fn make_runnable(dir: &tempfile::TempDir) {
    let credential = "credential = { env = \"JURAT_TEST_NO_SUCH_VARIABLE\" }\n";
    put(dir, "jurat.toml", &CONFIG.replace(credential, ""));
    assert_eq!(jurat_in(dir.path(), &["audit", "keygen", "--out", "audit.key"]).code, 0);
}

#[test]
fn a_record_verifies_until_a_byte_is_changed() {
    let dir = setting();
    make_runnable(&dir);
    assert!(!jurat_in(dir.path(), &["check"]).stdout.contains("warning record"));
    let mut server = Server::start(dir.path());
    server.wait_for("listening");
    assert_eq!(server.end(), Some(0), "TERM ends it in order");
    let run = jurat_in(dir.path(), &["audit", "verify"]);
    assert_eq!(run.code, 0, "{run}");
    let run = jurat_in(
        dir.path(),
        &["audit", "verify", "audit", "--key", "audit.key.pub", "--format", "json"],
    );
    let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&found["ok"], &found["records"]), (&true.into(), &2.into()), "{run}");
    let run = jurat_in(dir.path(), &["audit", "tail", "-n", "1"]);
    assert!(run.stdout.contains("stopped  drained=true reason=\"signal\""), "{run}");

    let segment = fs::read_dir(dir.path().join("audit"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| fs::read_to_string(path).is_ok_and(|text| text.contains("\"stopped\"")))
        .unwrap();
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(&segment, text.replace("\"stopped\"", "\"stoqped\"")).unwrap();
    let run = jurat_in(dir.path(), &["audit", "verify"]);
    assert_eq!(run.code, 7, "{run}");
    assert!(run.stderr.contains("record 1 "), "{run}");
    let run = jurat_in(dir.path(), &["audit", "verify", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&found["ok"], &found["record"]), (&false.into(), &1.into()), "{run}");
    let other = jurat_in(dir.path(), &["audit", "keygen", "--out", "other"]);
    assert_eq!(other.code, 0);
    let run = jurat_in(dir.path(), &["audit", "verify", "audit", "--key", "other.pub"]);
    assert_eq!(run.code, 7, "{run}");
}

#[test]
fn policies_and_users_are_reloaded_and_refused_while_it_runs() {
    let dir = setting();
    make_runnable(&dir);
    let mut server = Server::start(dir.path());
    server.wait_for("listening");
    put(&dir, "rego/house.rego", &POLICY.replace("house.all", "house.everything"));
    server.signal("HUP");
    server.wait_for("policies loaded");
    server.wait_for("users loaded");
    put(&dir, "rego/house.rego", "package jurat.house\n\nallow contains {\n");
    put(&dir, "users.toml", "[[usr]]");
    server.signal("HUP");
    server.wait_for("policies refused; the last good ones stay");
    server.wait_for("users refused; the last good ones stay");
    assert_eq!(server.end(), Some(0));
    let tail = jurat_in(dir.path(), &["audit", "tail"]).stdout;
    let events: Vec<&str> =
        tail.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    assert_eq!(
        events,
        [
            "started",
            "policy_loaded",
            "users_loaded",
            "policy_rejected",
            "users_rejected",
            "stopped"
        ],
        "{tail}"
    );
}

#[test]
fn a_changed_policy_is_found_without_a_signal() {
    let dir = setting();
    make_runnable(&dir);
    let config = fs::read_to_string(dir.path().join("jurat.toml")).unwrap();
    put(&dir, "jurat.toml", &config.replace("[audit]", "poll = \"20ms\"\n[audit]"));
    let mut server = Server::start(dir.path());
    server.wait_for("listening");
    put(&dir, "rego/house.rego", &POLICY.replace("house.all", "house.everything"));
    server.wait_for("policies loaded");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_record_has_one_writer() {
    let dir = setting();
    make_runnable(&dir);
    let mut server = Server::start(dir.path());
    server.wait_for("listening");
    let second = jurat_in(dir.path(), &["run"]);
    assert_eq!(second.code, 1, "{second}");
    assert!(second.stderr.contains("in use by another process"), "{second}");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn the_command_line_itself_is_checked() {
    for arguments in
        [&["rnu"][..], &["run", "--no-such-flag"], &["test"], &["audit", "verify", "--key", "k"]]
    {
        assert_eq!(jurat(arguments).code, 2, "{arguments:?}");
    }
    let version = jurat(&["version"]);
    assert_eq!(version.stdout, format!("jurat {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(jurat(&["--version"]).stdout, version.stdout);
    let schema: serde_json::Value =
        serde_json::from_str(&jurat(&["config", "schema"]).stdout).unwrap();
    assert_eq!(schema["additionalProperties"], false, "unknown keys are wrong in editors too");
}
