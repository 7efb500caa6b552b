//! What `jurat run` would read: the demo writes it to disk and starts from there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jurat_audit::SigningKey;
use jurat_identity::{make_mysql_verifier, make_verifier};
use jurat_types::Secret;
use ring::digest;

use super::{
    PASSWORD,
    client::Protocol,
    place::random_password,
    seed::Shop,
    upstream::{Served, Upstream},
};
use crate::{
    cli,
    exit::{Exit, Failure},
};

/// The shipped policies: paths below `rego/`, and contents. `build.rs` writes the list.
const POLICIES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/policies.rs"));

/// What is labeled in the shop; the policies mask by label.
const LABELS: &str = include_str!("labels.yaml");

/// What the installation says about agents: a person may consent to a write of one that only reads, and one
/// may write by itself, within the bounds of the shipped policies.
const AGENTS: &[(&str, &str)] = &[
    ("jurat/consent/data.json", "{\"rules\": [\"agents.read_only\"]}\n"),
    ("jurat/writers/data.json", "{\"agents\": [\"clerk\", \"fixer\"]}\n"),
    ("acme/clerk.rego", CLERK),
];

/// More than a few rows of the clerk's need consent, to their exact number.
const CLERK: &str = r#"package jurat.acme.clerk

limits contains {"id": "acme.clerk", "kind": "rows_affected", "value": 50, "on_exceed": "approve"} if {
	input.stage == "statement"
	input.principal.id == "clerk"
}
"#;

/// Who is there.
const USERS: &[(&str, &str)] = &[
    ("ana", "kind = \"person\"\ngroups = [\"analyst\"]"),
    ("dan", "kind = \"person\"\ngroups = [\"admins\", \"dba\"]"),
    (
        "bot",
        "kind = \"agent\"\ngroups = [\"analyst\"]\n\
         on_behalf_of = { id = \"ana\", groups = [\"analyst\"] }",
    ),
    (
        "clerk",
        "kind = \"agent\"\ngroups = []\n\
         on_behalf_of = { id = \"ana\", groups = [\"analyst\"] }",
    ),
    (
        "fixer",
        "kind = \"agent\"\ngroups = []\n\
         on_behalf_of = { id = \"dan\", groups = [\"admins\", \"dba\"] }",
    ),
];

/// Where everything is.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) config: PathBuf,
    pub(super) audit: PathBuf,
    pub(super) public_key: PathBuf,
    /// What proves to be dan on the local socket.
    token: Secret<String>,
}

impl Files {
    /// The directory of the policies.
    pub(super) fn policies(&self) -> PathBuf {
        self.config.with_file_name("rego")
    }

    /// The socket of `jurat approvals` and `jurat admin`.
    pub(super) fn socket(&self) -> PathBuf {
        self.config.with_file_name("jurat.sock")
    }

    /// The file with dan's token.
    pub(super) fn token_file(&self) -> PathBuf {
        self.config.with_file_name("dan.token")
    }

    /// What is in it.
    pub(super) fn token(&self) -> String {
        self.token.expose().clone()
    }

    /// Writes configuration, users, policies and keys to the new directory `dir`.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub(super) fn write(dir: &Path, served: &[Served]) -> Result<Self, Failure> {
        let data = AGENTS.iter().copied().chain([("jurat/catalog/data.yaml", LABELS)]);
        for (name, content) in POLICIES.iter().copied().chain(data) {
            put(&dir.join("rego").join(name), content)?;
        }
        put(&dir.join("users.toml"), &users()?)?;
        let token = random_password()?;
        put(&dir.join("dan.token"), &token)?;
        for Served { upstream, .. } in served {
            put(&dir.join(password_file(upstream)), upstream.shop.password.expose())?;
        }
        let config = dir.join("jurat.toml");
        put(&config, &configuration(served))?;
        let key = SigningKey::generate("demo.jurat")
            .map_err(|error| Failure::because(Exit::Failure, "no key was made", &error))?;
        put(&dir.join("audit.key"), &key.to_text())?;
        let public_key = dir.join("audit.key.pub");
        put(&public_key, &key.verifying_key().to_text())?;
        Ok(Self { config, audit: dir.join("audit"), public_key, token: Secret::new(token) })
    }
}

fn users() -> Result<String, Failure> {
    let mut text = String::from("# Everybody's password is the one that `jurat demo` prints.\n");
    for (name, rest) in USERS {
        let verifier =
            make_verifier(PASSWORD).map_err(|error| Failure::other(error.to_string()))?;
        // The demo has no TLS, and clients of MySQL answer challenges there.
        let sha2 =
            make_mysql_verifier(PASSWORD).map_err(|error| Failure::other(error.to_string()))?;
        let native = native_verifier(PASSWORD);
        text.push_str(&format!(
            "\n[[user]]\nname = \"{name}\"\n{rest}\nscram = \"{verifier}\"\n\
             mysql_sha2 = \"{sha2}\"\nmysql_native = \"{native}\"\n"
        ));
    }
    Ok(text)
}

/// What `SELECT PASSWORD('…')` of MariaDB gives, for clients that know nothing newer.
fn native_verifier(password: &str) -> String {
    let sha1 = |bytes: &[u8]| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let twice = sha1(sha1(password.as_bytes()).as_ref());
    std::iter::once("*".to_owned())
        .chain(twice.as_ref().iter().map(|byte| format!("{byte:02X}")))
        .collect()
}

fn password_file(upstream: &Upstream) -> String {
    format!("{}.password", upstream.name())
}

fn configuration(served: &[Served]) -> String {
    let mut text = String::from("version = 1\n\n[server]\ndrain_timeout = \"2s\"\n");
    for Served { upstream, port } in served {
        let Shop { database, owner, .. } = &upstream.shop;
        let protocol = match upstream.protocol {
            Protocol::Postgres => "postgres",
            Protocol::Mysql => "mysql",
        };
        let (name, engine, upstream_port) = (upstream.name(), upstream.engine(), upstream.port);
        let password = password_file(upstream);
        text.push_str(&format!(
            r#"
[[listener]]
name = "{protocol}"
protocol = "{protocol}"
bind = "127.0.0.1:{port}"

[[database]]
name = "{name}"
engine = "{engine}"
environment = "production"
upstream = "{protocol}://{owner}@127.0.0.1:{upstream_port}/{database}"
credential = {{ file = "{password}" }}
"#
        ));
    }
    text.push_str(REST);
    text
}

/// What is the same for every database.
const REST: &str = r#"
[identity]
users_file = "users.toml"

[policy]
dir = "rego"

[approvals]
store = "approvals.db"
socket = "jurat.sock"
approvers = ["group:dba"]

[[approvals.operator]]
principal = "dan"
token = { file = "dan.token" }

[audit]
dir = "audit"
key = { file = "audit.key" }
heartbeat = "1h"
"#;

/// Writes a file that only we can read, and the directories above it.
fn put(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| {
            Failure::other(format!("{} cannot be made: {error}", parent.display()))
        })?;
    }
    cli::create_file(path, 0o600, text)
}
