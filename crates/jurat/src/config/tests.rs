//! What a configuration may say, what it then means, and what each mistake is answered with.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use jurat_identity::document::{Document, DocumentError};
use jurat_policy::PackageMode;

use super::{Config, DatabaseTls, ListenerTls, SecretRef, StoreConfig, resolve};

/// The least that works; tests put things into its lines. The numbers of its lines are in the errors.
const LEAST: &str = r#"version = 1
[[listener]]
name = "pg"
protocol = "postgres"
bind = "127.0.0.1:15432"
[[database]]
name = "shop"
engine = "postgres"
environment = "production"
upstream = "postgres://app@localhost/shop"
[identity]
users_file = "users.toml"
[policy]
dir = "rego"
[audit]
dir = "audit"
key = { file = "audit.key" }
"#;

fn parse(text: &str) -> Result<Config, DocumentError> {
    let file = Path::new("etc/jurat.toml");
    resolve::resolve(&Document::new(file, text.to_owned()), file)
}

/// [`LEAST`] with one text replaced by another.
fn with(old: &str, new: &str) -> Result<Config, DocumentError> {
    let text = LEAST.replacen(old, new, 1);
    // A text that is not there would make the test pass for another reason.
    parse(if text == LEAST { "" } else { &text })
}

#[test]
fn the_least_configuration_has_safe_defaults() {
    let config = parse(LEAST).unwrap();
    assert_eq!(config.users_file, PathBuf::from("etc/users.toml"));
    assert_eq!(config.policy.dir, PathBuf::from("etc/rego"));
    assert_eq!(config.policy.poll, Some(Duration::from_secs(5)));
    assert_eq!(config.audit.key, SecretRef::File("etc/audit.key".into()));
    assert_eq!(config.audit.public_key_file(), Some("etc/audit.key.pub".into()));
    assert_eq!(config.drain_timeout, Duration::from_secs(30));
    assert_eq!(config.listeners[0].tls, ListenerTls::Disabled, "loopback without [tls]");
    let shop = &config.databases[0];
    assert_eq!((shop.host.as_str(), shop.port), ("localhost", 5432));
    assert_eq!((shop.user.as_str(), shop.dbname.as_str()), ("app", "shop"));
    assert_eq!(shop.tls, DatabaseTls::Disable, "loopback");
    assert_eq!(config.limits.sessions_max, jurat_core::Limits::default().sessions_max);
}

#[test]
fn everything_can_be_said() {
    let text = r#"
        version = 1
        [server]
        drain_timeout = "5m"
        workers = 3
        [tls]
        cert = "/etc/tls.crt"
        key = { env = "TLS_KEY" }
        [[listener]]
        name = "public"
        protocol = "postgres"
        bind = "0.0.0.0:5432"
        [[listener]]
        name = "local"
        protocol = "postgres"
        bind = "[::1]:5432"
        tls = "disabled"
        [[database]]
        name = "shop"
        engine = "postgres"
        environment = "staging"
        labels = { team = "payments" }
        upstream = "postgres://app%40x@db.internal:6543/shop"
        credential = { env = "SHOP" }
        tls = { mode = "verify-full", ca = "ca.pem" }
        [identity]
        users_file = "/etc/users.toml"
        [policy]
        dir = "rego"
        time_limit_ms = 20
        poll = "0"
        modes = { guardrails = "warn" }
        [audit]
        dir = "audit"
        key = { env = "AUDIT" }
        checkpoint = "250ms"
        heartbeat = "1h"
        [limits]
        sessions_max = 7
        login_timeout = "3s"
        statement_bytes_max = 1000
    "#;
    let config = parse(text).unwrap();
    let tls: Vec<ListenerTls> = config.listeners.iter().map(|listener| listener.tls).collect();
    assert_eq!(tls, [ListenerTls::Required, ListenerTls::Disabled]);
    let shop = &config.databases[0];
    assert_eq!((shop.host.as_str(), shop.port), ("db.internal", 6543));
    assert_eq!(shop.user, "app@x");
    assert_eq!(shop.credential, Some(SecretRef::Env("SHOP".to_owned())));
    assert_eq!(shop.tls, DatabaseTls::VerifyFull { ca: "etc/ca.pem".into() });
    assert_eq!(shop.labels["team"], "payments");
    assert_eq!(config.policy.options.time_limit, Duration::from_millis(20));
    assert_eq!(config.policy.poll, None);
    assert_eq!(config.policy.options.modes["guardrails"], PackageMode::Warn);
    assert_eq!(config.audit.public_key_file(), None);
    assert_eq!(config.audit.checkpoint, Some(Duration::from_millis(250)));
    assert_eq!(config.audit.heartbeat, Some(Duration::from_secs(3600)));
    assert_eq!(config.limits.sessions_max, 7);
    assert_eq!(config.limits.login_timeout, Duration::from_secs(3));
    assert_eq!(config.limits.read.bytes_max, 1000);
}

#[test]
fn every_mistake_is_named_with_its_place() {
    for (old, new, expected) in [
        ("version = 1", "version = 2", "1:11: this program reads version 1 of the configuration"),
        (
            "users_file",
            "user_file",
            "12:1: unknown key `user_file`; did you mean `users_file`? \
          (known here: users_file)",
        ),
        ("[policy]", "[polcy]", "13:2: unknown key `polcy`; did you mean `policy`?"),
        ("dir = \"rego\"", "", "13:1: missing field `dir`"),
        ("\"127.0.0.1:15432\"", "\"127.0.0.1\"", "5:8: an address and a port belong here"),
        (
            "\"127.0.0.1:15432\"",
            "\"0.0.0.0:15432\"",
            "3:8: clients of 0.0.0.0:15432 encrypt, which needs a [tls] section",
        ),
        (
            "15432\"",
            "15432\"\ntls = \"requird\"",
            "6:7: unknown value `requird`; did you mean `required`? (known here: required, \
             optional, disabled)",
        ),
        ("protocol = \"postgres\"", "protocol = \"oracle\"", "4:12: unknown value `oracle`"),
        (
            "protocol = \"postgres\"",
            "protocol = \"mysql\"",
            "3:8: a listener of the protocol `mysql` needs a [[database]] with the engine `mysql` or `mariadb`",
        ),
        (
            "protocol = \"postgres\"",
            "protocol = \"postgres\"\ndatabase = \"shop\"",
            "5:12: clients of PostgreSQL say which database they want",
        ),
        (
            "engine = \"postgres\"",
            "engine = \"mysql\"",
            "10:12: an upstream has the form `mysql://user@host",
        ),
        ("[[listener]]", "[[database]]", "5:1: unknown key `bind`"),
        (
            "[identity]",
            "[[listener]]\nname = \"pg\"\nprotocol = \"postgres\"\nbind = \"127.0.0.1:1\"\n\
             [identity]",
            "12:8: the listener `pg` is there twice",
        ),
        (
            "app@localhost",
            "app@db.internal",
            "10:12: a database on another machine needs `tls = { mode = \"verify-full\"",
        ),
        (
            "localhost/shop\"",
            "localhost/shop\"\ntls = { mode = \"verify-full\" }",
            "11:7: `verify-full` needs `ca`",
        ),
        (
            "localhost/shop\"",
            "localhost/shop\"\ntls = { mode = \"disable\", ca = \"x\" }",
            "11:7: `ca` is only looked at",
        ),
        ("postgres://app@", "mysql://app@", "10:12: an upstream has the form"),
        ("app@localhost", "localhost", "10:12: an upstream has the form"),
        ("localhost/shop", "localhost", "10:12: an upstream has the form"),
        ("localhost/shop", "localhost/shop?sslmode=disable", "10:12: an upstream takes no options"),
        ("[audit]", "time_limit_ms = 0\n[audit]", "15:17: without time to judge"),
        (
            "[audit]",
            "poll = \"5 s\"\n[audit]",
            "15:8: invalid value: string \"5 s\", expected a span of time such as",
        ),
        ("[audit]", "poll = \"99999999999999999999h\"\n[audit]", "15:8: invalid value"),
        ("[audit]", "modes = { a = \"of\" }\n[audit]", "15:15: unknown value `of`"),
        ("[audit]", "[limits]\nsession_max = 1\n[audit]", "did you mean `sessions_max`?"),
        (
            "{ file = \"audit.key\" }",
            "{ fil = \"x\" }",
            "17:9: unknown key `fil`; did you mean \
          `file`? (known here: env, file)",
        ),
        ("{ file = \"audit.key\" }", "{}", "17:7: name a secret with either `env` or `file`"),
        ("{ file = \"audit.key\" }", "{ file = \"x\", env = \"y\" }", "17:7: name a secret"),
    ] {
        let error = with(old, new).unwrap_err().to_string();
        let place = error.strip_prefix("etc/jurat.toml:").unwrap_or_default();
        assert!(place.contains(expected), "{old} → {new}:\n  {error}\n  {expected}");
    }
}

#[test]
fn a_listener_of_mysql_shows_one_of_its_databases() {
    let mysql = LEAST.replace("postgres", "mysql").replace("mysql://app@", "mariadb://app@");
    let config = parse(&mysql).unwrap();
    let shop = &config.databases[0];
    assert_eq!((shop.engine, shop.port), (jurat_types::Engine::Mysql, 3306));
    assert_eq!(config.listeners[0].protocol, super::Protocol::Mysql { shown: "shop".to_owned() });
    let named = mysql.replace("bind =", "database = \"crm\"\nbind =");
    let error = parse(&named).unwrap_err().to_string();
    assert!(error.contains("5:12: there is no [[database]] `crm` with the engine"), "{error}");
    let port = mysql.replace("localhost/shop", "[::1]:3307/shop");
    assert_eq!(parse(&port).unwrap().databases[0].port, 3307);
}

#[test]
fn the_console_and_webhooks_are_encrypted_or_stay_here() {
    let with = |more: &str| parse(&[LEAST, more].concat());
    let least = parse(LEAST).unwrap().admin;
    assert_eq!((least.listen, least.admins), (None, vec!["group:admins".to_owned()]));
    let tls = "[tls]\ncert = \"c\"\nkey = { file = \"k\" }\n";
    let everywhere = "[admin]\nlisten = \"0.0.0.0:8443\"\n";
    let url = "public_url = \"https://jurat.example.com\"\n";
    let hook =
        |url: &str, more: &str| format!("[[webhook]]\nname = \"a\"\nurl = \"{url}\"\n{more}\n");
    let secret = "secret = { env = \"S\" }";
    for (text, works) in [
        ("[admin]\nlisten = \"127.0.0.1:8080\"\n".to_owned(), true),
        (everywhere.to_owned(), false),
        ([tls, everywhere].concat(), false),
        ([everywhere, url].concat(), false),
        ([tls, everywhere, url].concat(), true),
        ("[admin]\npublic_url = \"jurat.example.com\"\n".to_owned(), false),
        ("[admin]\npublic_url = \"https://jurat.example.com/path\"\n".to_owned(), false),
        (hook("https://ops.example.com/hook", secret), true),
        (hook("https://ops.example.com/hook", ""), false),
        (hook("https://ops.example.com/hook", "format = \"slack\""), true),
        (hook("http://ops.example.com/hook", secret), false),
        (hook("http://127.0.0.1:9/hook", secret), true),
        (hook("https://ops.example.com/", "secret = \"whsec_x\""), false),
        (
            hook("https://ops.example.com/", &[secret, "\nevents = [\"approval.other\"]"].concat()),
            false,
        ),
        (hook("https://a.example/", secret).repeat(2), false),
    ] {
        assert_eq!(with(&text).is_ok(), works, "{text}: {:?}", with(&text).err());
    }
}

#[test]
fn requests_are_kept_in_one_place() {
    let store =
        |text: &str| with("[audit]", &format!("{text}\n[audit]")).map(|config| config.store);
    let shared = "[store]\nurl = { env = \"STORE\" }\n[approvals]\n";
    let url = SecretRef::Env("STORE".to_owned());
    assert_eq!(store("").unwrap(), None);
    assert_eq!(store(shared).unwrap(), Some(StoreConfig::Postgres { url, tls: None }));
    let file = store("[approvals]\nstore = \"a.db\"\n").unwrap();
    assert!(matches!(file, Some(StoreConfig::File(file)) if file.ends_with("a.db")));
    let error = |text: &str| store(text).unwrap_err().to_string();
    assert!(error("[approvals]\n").contains("needs `store`"));
    assert!(error(&format!("{shared}store = \"a.db\"\n")).contains("says already"));
    assert!(error("[store]\nurl = \"postgres://a:b@c/d\"\n").contains("never written here"));
}

#[test]
fn a_secret_that_is_written_out_is_refused_and_not_repeated() {
    const LITERAL: &str = "a secret is never written here: name it with { env = \"VARIABLE\" } or \
                           { file = \"path\" }";
    for (old, new, expected) in [
        ("{ file = \"audit.key\" }", "\"hunter2\"", LITERAL),
        ("{ file = \"audit.key\" }", "77112233", LITERAL),
        ("localhost/shop\"", "localhost/shop\"\ncredential = \"hunter2\"", LITERAL),
        ("app@", "app:hunter2@", "no password is written here"),
        ("postgres://app@", "app:hunter2@", "an upstream has the form"),
    ] {
        let error = with(old, new).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("77112233"), "{text}");
    }
}

#[test]
fn one_database_needs_no_name() {
    let one = parse(LEAST).unwrap();
    assert_eq!(one.database(None).unwrap().name, "shop");
    assert_eq!(
        one.database(Some("shp")).unwrap_err(),
        "no database `shp` is configured; there is: shop"
    );
    let two = with(
        "[identity]",
        "[[database]]\nname = \"crm\"\nengine = \"postgres\"\nenvironment = \"test\"\n\
         upstream = \"postgres://app@127.0.0.1/crm\"\n[identity]",
    )
    .unwrap();
    assert_eq!(two.database(None).unwrap_err(), "say which database with --database: shop, crm");
    assert_eq!(two.database(Some("crm")).unwrap().environment, "test");
}

#[test]
fn a_secret_is_fetched_from_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, "hunter2\n").unwrap();
    assert_eq!(SecretRef::File(file).fetch().unwrap().expose(), "hunter2");
    let missing = SecretRef::File("no-such-file".into()).fetch().unwrap_err();
    assert_eq!(missing.to_string(), "no-such-file cannot be read");
    let unset = SecretRef::Env("JURAT_NO_SUCH_VARIABLE".to_owned()).fetch().unwrap_err();
    assert_eq!(unset.to_string(), "the environment variable JURAT_NO_SUCH_VARIABLE is not set");
}

#[test]
fn the_schema_knows_every_section() {
    let schema = super::schema();
    let sections: Vec<&str> =
        schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        sections,
        [
            "version",
            "server",
            "tls",
            "listener",
            "database",
            "identity",
            "policy",
            "audit",
            "store",
            "approvals",
            "admin",
            "webhook",
            "limits"
        ]
    );
}
