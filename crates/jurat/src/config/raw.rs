//! The configuration as a person writes it. Unknown keys are refused everywhere; a place is kept with
//! each value that is checked later, so that the check can name it.

use std::{
    collections::BTreeMap, fmt, net::SocketAddr, num::NonZeroUsize, path::PathBuf, time::Duration,
};

use schemars::JsonSchema;
use serde::{
    Deserialize,
    de::{self, Visitor},
};
use toml::Spanned;

use super::secret::{RawSecret, SecretRef};

/// Jurat's configuration file
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawConfig {
    /// Version of this format: 1
    #[schemars(with = "u32")]
    pub(crate) version: Spanned<u32>,
    #[serde(default)]
    pub(crate) server: RawServer,
    pub(crate) tls: Option<RawTls>,
    #[serde(default)]
    pub(crate) listener: Vec<RawListener>,
    #[serde(default)]
    pub(crate) database: Vec<RawDatabase>,
    pub(crate) identity: RawIdentity,
    pub(crate) policy: RawPolicy,
    pub(crate) audit: RawAudit,
    pub(crate) store: Option<RawStore>,
    pub(crate) approvals: Option<RawApprovals>,
    #[serde(default)]
    pub(crate) admin: RawAdmin,
    #[serde(default)]
    pub(crate) webhook: Vec<RawWebhook>,
    #[serde(default)]
    pub(crate) limits: RawLimits,
}

/// The process
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawServer {
    /// How long sessions may take to end after a signal
    #[schemars(with = "Option<String>")]
    pub(crate) drain_timeout: Option<RawDuration>,
    /// Threads that sessions run on; half of the processors where nothing is said
    pub(crate) workers: Option<NonZeroUsize>,
}

/// What listeners show to clients
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTls {
    /// Certificate chain, PEM
    pub(crate) cert: PathBuf,
    /// Private key, PEM
    #[schemars(with = "RawSecret")]
    pub(crate) key: SecretRef,
}

/// Where clients connect to
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawListener {
    #[schemars(with = "String")]
    pub(crate) name: Spanned<String>,
    pub(crate) protocol: RawProtocol,
    /// Only for the protocol `mysql`: the database whose server is shown to clients before they say which
    /// one they want; the first one of that protocol where nothing is said
    #[schemars(with = "Option<String>")]
    pub(crate) database: Option<Spanned<String>>,
    /// Address and port
    pub(crate) bind: SocketAddr,
    /// Whether clients must encrypt; `required` unless the address is loopback
    #[schemars(with = "Option<RawListenerTls>")]
    pub(crate) tls: Option<Spanned<RawListenerTls>>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawProtocol {
    Mysql,
    Postgres,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawEngine {
    Mariadb,
    Mysql,
    Postgres,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawListenerTls {
    Required,
    Optional,
    Disabled,
}

/// A database that clients see, and what stands behind it
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDatabase {
    /// The name that clients connect to
    #[schemars(with = "String")]
    pub(crate) name: Spanned<String>,
    pub(crate) engine: RawEngine,
    /// For example `production`; policies read it
    pub(crate) environment: String,
    /// Free labels; policies read them
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    /// `postgres://user@host:port/database` or `mysql://user@host:port/database`, without a password
    #[schemars(with = "String")]
    pub(crate) upstream: Spanned<String>,
    /// The password of the upstream user
    #[schemars(with = "Option<RawSecret>")]
    pub(crate) credential: Option<SecretRef>,
    /// `verify-full` unless the host is loopback
    #[schemars(with = "Option<RawDatabaseTls>")]
    pub(crate) tls: Option<Spanned<RawDatabaseTls>>,
}

/// Encryption towards a database
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDatabaseTls {
    pub(crate) mode: RawTlsMode,
    /// Certificates that may sign the server's, PEM
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Clone, Copy, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawTlsMode {
    Disable,
    Require,
    VerifyFull,
}

/// Who may log in
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawIdentity {
    pub(crate) users_file: PathBuf,
}

/// The policies
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPolicy {
    /// Directory with `*.rego` and data files
    pub(crate) dir: PathBuf,
    /// What one judgement may take, milliseconds
    #[schemars(with = "Option<u64>")]
    pub(crate) time_limit_ms: Option<Spanned<u64>>,
    /// How often the directory is looked at for changes; "0" for never
    #[schemars(with = "Option<String>")]
    pub(crate) poll: Option<RawDuration>,
    /// What hash and tokenize masks are salted with; a new one for each start where nothing is said
    #[schemars(with = "Option<RawSecret>")]
    pub(crate) mask_salt: Option<SecretRef>,
    /// Enforcement per package
    #[serde(default)]
    pub(crate) modes: BTreeMap<String, RawMode>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawMode {
    Enforce,
    Warn,
    Dryrun,
}

/// The record
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAudit {
    pub(crate) dir: PathBuf,
    /// The key that signs, as `jurat audit keygen` makes it
    #[schemars(with = "RawSecret")]
    pub(crate) key: SecretRef,
    /// How long a record may wait for a signed checkpoint; "0" leaves it to their number
    #[schemars(with = "Option<String>")]
    pub(crate) checkpoint: Option<RawDuration>,
    /// How often the log says that it is alive; "0" for never
    #[schemars(with = "Option<String>")]
    pub(crate) heartbeat: Option<RawDuration>,
}

/// A PostgreSQL database that several replicas share: for requests for approval, and for budgets
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStore {
    /// Where `postgres://user:password@host:port/database` is found
    #[schemars(with = "RawSecret")]
    pub(crate) url: SecretRef,
    /// `verify-full` unless the host is loopback
    #[schemars(with = "Option<RawDatabaseTls>")]
    pub(crate) tls: Option<Spanned<RawDatabaseTls>>,
}

/// Consent to single statements; without this section nobody can give any
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawApprovals {
    /// The file that requests are kept in (SQLite), where there is no section `[store]`
    #[schemars(with = "Option<PathBuf>")]
    pub(crate) store: Option<Spanned<PathBuf>>,
    /// The socket that `jurat approvals` connects to; a file, for its owner only
    pub(crate) socket: Option<PathBuf>,
    /// Who may approve where a rule names nobody: `group:NAME` or a user's name
    pub(crate) approvers: Option<Vec<String>>,
    /// How long a connection waits for an answer at most; "0" refuses at once
    #[schemars(with = "Option<String>")]
    pub(crate) hold_max: Option<RawDuration>,
    /// How long one waits that has a transaction open, and with it locks; "0" unless said
    #[schemars(with = "Option<String>")]
    pub(crate) hold_in_transaction_max: Option<RawDuration>,
    /// How many of the rows that a statement concerns the card of a request shows, 5 unless said; 0 for none
    pub(crate) sample_rows: Option<u32>,
    /// Requests that may wait
    pub(crate) pending_max: Option<usize>,
    /// Requests of one principal that may wait
    pub(crate) pending_per_principal_max: Option<usize>,
    /// People who answer with `jurat approvals`
    #[serde(default)]
    pub(crate) operator: Vec<RawOperator>,
}

/// Somebody who answers with `jurat approvals`
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOperator {
    /// A name of the users file
    pub(crate) principal: String,
    /// What proves who it is, at least 16 bytes
    #[schemars(with = "RawSecret")]
    pub(crate) token: SecretRef,
}

/// Looking after Jurat
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAdmin {
    /// Who sees sessions, ends them, and reloads policies: `group:NAME` or a user's name; `group:admins` where
    /// nothing is said
    pub(crate) admins: Option<Vec<String>>,
    /// Address and port of the console, the API and metrics; nothing is served where nothing is said. Elsewhere than
    /// on loopback it needs a section `[tls]` and `public_url`
    #[schemars(with = "Option<SocketAddr>")]
    pub(crate) listen: Option<Spanned<SocketAddr>>,
    /// Where browsers find the console, for example `https://jurat.example.com`; links in webhooks lead there
    #[schemars(with = "Option<String>")]
    pub(crate) public_url: Option<Spanned<String>>,
    /// How long a login to the console lasts without a visit
    #[schemars(with = "Option<String>")]
    pub(crate) idle_max: Option<RawDuration>,
    /// How long a login to the console lasts
    #[schemars(with = "Option<String>")]
    pub(crate) login_max: Option<RawDuration>,
}

/// A receiver of what becomes of requests for approval
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawWebhook {
    /// What the log calls it
    #[schemars(with = "String")]
    pub(crate) name: Spanned<String>,
    /// `https://…`, or a secret that holds it; without TLS only to this machine
    pub(crate) url: RawUrl,
    /// `generic` unless said
    pub(crate) format: Option<RawFormat>,
    /// What signs (Standard Webhooks): `whsec_…`, several with spaces between them; needed for `generic`
    #[schemars(with = "Option<RawSecret>")]
    pub(crate) secret: Option<SecretRef>,
    /// `approval.requested`, `.approved`, `.denied`, `.used`, `.expired`, `.canceled`; all where nothing is said
    #[serde(default)]
    pub(crate) events: Vec<RawEvent>,
    /// Further certificates that may sign that of the receiver, PEM
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawUrl {
    Text(String),
    Secret(#[schemars(with = "RawSecret")] SecretRef),
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawFormat {
    Generic,
    Slack,
    Teams,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
pub(crate) enum RawEvent {
    #[serde(rename = "approval.approved")]
    Approved,
    #[serde(rename = "approval.canceled")]
    Canceled,
    #[serde(rename = "approval.denied")]
    Denied,
    #[serde(rename = "approval.expired")]
    Expired,
    #[serde(rename = "approval.requested")]
    Requested,
    #[serde(rename = "approval.used")]
    Used,
}

/// Bounds of sessions; each has a default
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLimits {
    pub(crate) sessions_max: Option<usize>,
    pub(crate) unauthenticated_max: Option<usize>,
    #[schemars(with = "Option<String>")]
    pub(crate) login_timeout: Option<RawDuration>,
    #[schemars(with = "Option<String>")]
    pub(crate) connect_timeout: Option<RawDuration>,
    pub(crate) message_bytes_max: Option<usize>,
    pub(crate) upstream_message_bytes_max: Option<usize>,
    /// A file of `LOAD DATA LOCAL`, bytes.
    pub(crate) client_file_bytes_max: Option<usize>,
    /// How long such a file may wait for the client.
    #[schemars(with = "Option<String>")]
    pub(crate) client_file_pause_max: Option<RawDuration>,
    pub(crate) prepared_max: Option<usize>,
    /// Their long texts together, bytes.
    pub(crate) prepared_bytes_max: Option<usize>,
    pub(crate) portals_max: Option<usize>,
    pub(crate) pipeline_max: Option<usize>,
    pub(crate) readings_cached_max: Option<usize>,
    #[schemars(with = "Option<String>")]
    pub(crate) catalog_age_max: Option<RawDuration>,
    pub(crate) statement_bytes_max: Option<usize>,
    pub(crate) statement_tokens_max: Option<usize>,
    pub(crate) statements_max: Option<usize>,
    pub(crate) nesting_max: Option<usize>,
}

/// A span of time, as [`parse_duration`] reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawDuration(pub(crate) Duration);

impl RawDuration {
    /// `None` for zero, which switches something off.
    pub(crate) fn unless_zero(self) -> Option<Duration> {
        (!self.0.is_zero()).then_some(self.0)
    }
}

impl<'de> Deserialize<'de> for RawDuration {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DurationText)
    }
}

struct DurationText;

impl Visitor<'_> for DurationText {
    type Value = RawDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a span of time such as \"250ms\", \"30s\", \"5m\", \"1h\" or \"0\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawDuration, E> {
        parse_duration(text)
            .map(RawDuration)
            .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// Reads a span of time: a whole number and `ms`, `s`, `m` or `h`; or `0`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let millis_per_unit = match text.strip_prefix(digits).unwrap_or_default() {
        "" if digits == "0" => 0,
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let millis = digits.parse::<u64>().ok()?.checked_mul(millis_per_unit)?;
    Some(Duration::from_millis(millis))
}
