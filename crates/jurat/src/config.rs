//! The configuration, resolved: everything in it is usable as it stands, and paths are absolute or
//! relative to where the program runs. What a person writes is in [`raw`]; the way from there to here,
//! with every check, is in [`resolve`].

mod raw;
mod resolve;
mod secret;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use jurat_core::{ApprovalOptions, Limits};
use jurat_identity::document::{Document, DocumentError};
use jurat_policy::PolicyOptions;
use jurat_types::Engine;

pub(crate) use raw::parse_duration;
pub(crate) use resolve::is_loopback;
pub(crate) use secret::SecretRef;

/// A configuration that cannot be wrong any more; what it names may still be missing.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Where it was read from.
    pub(crate) file: PathBuf,
    /// How long sessions may take to end after a signal.
    pub(crate) drain_timeout: Duration,
    /// Threads that sessions run on.
    pub(crate) workers: NonZeroUsize,
    /// What listeners show to clients.
    pub(crate) tls: Option<TlsFiles>,
    /// At least one.
    pub(crate) listeners: Vec<ListenerConfig>,
    /// At least one.
    pub(crate) databases: Vec<DatabaseConfig>,
    /// The users file.
    pub(crate) users_file: PathBuf,
    /// The policies.
    pub(crate) policy: PolicyConfig,
    /// The record.
    pub(crate) audit: AuditConfig,
    /// Where requests for approval are kept, and what replicas share.
    pub(crate) store: Option<StoreConfig>,
    /// Consent, where somebody can give it.
    pub(crate) approvals: Option<ApprovalsConfig>,
    /// Who looks after Jurat.
    pub(crate) admin: AdminConfig,
    /// Bounds of sessions.
    pub(crate) limits: Limits,
}

/// Certificate and key of the listeners.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: SecretRef,
}

/// Where clients connect to.
#[derive(Clone, Debug)]
pub(crate) struct ListenerConfig {
    pub(crate) name: String,
    pub(crate) protocol: Protocol,
    pub(crate) bind: SocketAddr,
    pub(crate) tls: ListenerTls,
}

/// What clients of a listener speak.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Protocol {
    Postgres,
    /// With the database whose server is shown in the greeting, which comes before a client says which
    /// one it wants.
    Mysql {
        shown: String,
    },
}

/// Encryption towards clients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ListenerTls {
    Disabled,
    Optional,
    Required,
}

/// A database that clients see.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseConfig {
    pub(crate) name: String,
    pub(crate) engine: Engine,
    pub(crate) environment: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) dbname: String,
    pub(crate) credential: Option<SecretRef>,
    pub(crate) tls: DatabaseTls,
}

/// Encryption towards a database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum DatabaseTls {
    Disable,
    Require,
    VerifyFull { ca: PathBuf },
}

/// The policies.
#[derive(Clone, Debug)]
pub(crate) struct PolicyConfig {
    pub(crate) dir: PathBuf,
    pub(crate) options: PolicyOptions,
    /// How often the directory is looked at; `None` for only at a signal.
    pub(crate) poll: Option<Duration>,
    /// What hash and tokenize masks are salted with.
    pub(crate) mask_salt: Option<SecretRef>,
}

/// Who looks after Jurat.
#[derive(Clone, Debug)]
pub(crate) struct AdminConfig {
    /// `group:NAME` or names of users.
    pub(crate) admins: Vec<String>,
    /// Where the console, the API and metrics are served.
    pub(crate) listen: Option<SocketAddr>,
    /// Where browsers find them.
    pub(crate) public_url: Option<String>,
    /// How long a login lasts without a visit, and at most.
    pub(crate) idle_max: Duration,
    pub(crate) login_max: Duration,
    /// Receivers of what becomes of requests for approval.
    pub(crate) webhooks: Vec<WebhookConfig>,
}

/// A receiver.
#[derive(Clone, Debug)]
pub(crate) struct WebhookConfig {
    pub(crate) name: String,
    pub(crate) url: WebhookUrl,
    pub(crate) format: jurat_console::Format,
    pub(crate) secret: Option<SecretRef>,
    /// All where it is empty.
    pub(crate) events: Vec<String>,
    pub(crate) ca: Option<PathBuf>,
}

/// Where a receiver is.
#[derive(Clone, Debug)]
pub(crate) enum WebhookUrl {
    Text(String),
    Secret(SecretRef),
}

/// Where requests for approval are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum StoreConfig {
    /// In a file of this machine.
    File(PathBuf),
    /// In a PostgreSQL database that replicas share, which counts budgets, too.
    Postgres {
        /// Where its URL is found.
        url: SecretRef,
        /// Encryption; nothing where it goes without saying, on this machine.
        tls: Option<DatabaseTls>,
    },
}

/// Consent.
#[derive(Clone, Debug)]
pub(crate) struct ApprovalsConfig {
    /// The socket of `jurat approvals`.
    pub(crate) socket: Option<PathBuf>,
    pub(crate) options: ApprovalOptions,
    /// Principals with the tokens that they answer with.
    pub(crate) operators: Vec<(String, SecretRef)>,
}

/// The record.
#[derive(Clone, Debug)]
pub(crate) struct AuditConfig {
    pub(crate) dir: PathBuf,
    pub(crate) key: SecretRef,
    /// How long a record may wait for a signed checkpoint.
    pub(crate) checkpoint: Option<Duration>,
    /// How often an idle log says that it is alive.
    pub(crate) heartbeat: Option<Duration>,
}

impl Config {
    /// Reads and resolves a configuration file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub(crate) fn load(file: &Path) -> Result<Self, DocumentError> {
        resolve::resolve(&Document::read(file)?, file)
    }

    /// The database of that name, or the only one.
    ///
    /// # Errors
    /// What to say where there is no such database or no name was given and there are several.
    pub(crate) fn database(&self, name: Option<&str>) -> Result<&DatabaseConfig, String> {
        let names = || self.databases.iter().map(|database| database.name.as_str());
        match (name, self.databases.as_slice()) {
            (Some(name), all) => {
                all.iter().find(|database| database.name == name).ok_or_else(|| {
                    let list: Vec<&str> = names().collect();
                    format!("no database `{name}` is configured; there is: {}", list.join(", "))
                })
            }
            (None, [only]) => Ok(only),
            (None, _) => {
                let list: Vec<&str> = names().collect();
                Err(format!("say which database with --database: {}", list.join(", ")))
            }
        }
    }
}

impl DatabaseConfig {
    /// Whether its server speaks MySQL's protocol.
    pub(crate) const fn speaks_mysql(&self) -> bool {
        !self.engine.is_postgres()
    }
}

impl AuditConfig {
    /// Where the public half of the key is, by the convention of `jurat audit keygen`.
    pub(crate) fn public_key_file(&self) -> Option<PathBuf> {
        match &self.key {
            SecretRef::File(file) => {
                let mut name = file.clone().into_os_string();
                name.push(".pub");
                Some(name.into())
            }
            SecretRef::Env(_) => None,
        }
    }
}

/// The JSON Schema of the configuration file, for editors.
pub(crate) fn schema() -> serde_json::Value {
    schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<raw::RawConfig>()
        .to_value()
}
