//! From what a person wrote to a configuration that cannot be wrong: defaults, checks, paths.

use std::{net::IpAddr, num::NonZeroUsize, ops::Range, path::Path, time::Duration};

use jurat_core::{ApprovalOptions, Caps, Limits};
use jurat_identity::document::{Document, DocumentError};
use jurat_policy::{PackageMode, PolicyOptions};
use jurat_types::Engine;
use tokio_postgres::config::Host;

use super::{
    ApprovalsConfig, AuditConfig, Config, DatabaseConfig, DatabaseTls, ListenerConfig, ListenerTls,
    PolicyConfig, Protocol, StoreConfig, TlsFiles,
    raw::{
        RawApprovals, RawAudit, RawConfig, RawDatabase, RawDatabaseTls, RawEngine, RawLimits,
        RawListener, RawListenerTls, RawMode, RawPolicy, RawProtocol, RawStore, RawTlsMode,
    },
};

mod admin;

const VERSION: u32 = 1;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_secs(5);
const CHECKPOINT: Duration = Duration::from_secs(1);
/// Proxies and clients give up silent connections after minutes.
const HOLD_MAX: Duration = Duration::from_secs(60);
/// What fits beside a statement on a card.
const SAMPLE_ROWS: u32 = 5;
const SAMPLE_ROWS_MAX: u32 = 20;
const PENDING_MAX: usize = 1_000;
const PENDING_PER_PRINCIPAL_MAX: usize = 20;
const HEARTBEAT: Duration = Duration::from_secs(60);

/// Reads and checks a document. Relative paths are taken from the directory of `file`.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub(crate) fn resolve(document: &Document, file: &Path) -> Result<Config, DocumentError> {
    let raw: RawConfig = document.parse()?;
    if *raw.version.get_ref() != VERSION {
        return Err(document.error(
            raw.version.span(),
            format!("this program reads version {VERSION} of the configuration"),
        ));
    }
    let base = file.parent().unwrap_or_else(|| Path::new(""));
    let has_tls = raw.tls.is_some();
    let databases = raw
        .database
        .into_iter()
        .map(|database| resolve_database(database, base, document))
        .collect::<Result<Vec<_>, _>>()?;
    let listeners = raw
        .listener
        .into_iter()
        .map(|listener| resolve_listener(listener, has_tls, &databases, document))
        .collect::<Result<Vec<_>, _>>()?;
    unique(&listeners, document, "listener")?;
    unique(&databases, document, "database")?;
    Ok(Config {
        file: file.to_path_buf(),
        workers: raw.server.workers.unwrap_or_else(half_of_the_processors),
        drain_timeout: raw.server.drain_timeout.map_or(DRAIN_TIMEOUT, |time| time.0),
        tls: raw
            .tls
            .map(|tls| TlsFiles { cert: base.join(tls.cert), key: tls.key.relative_to(base) }),
        listeners: listeners.into_iter().map(|(_, listener)| listener).collect(),
        databases: databases.into_iter().map(|(_, database)| database).collect(),
        users_file: base.join(raw.identity.users_file),
        policy: resolve_policy(raw.policy, base, document)?,
        audit: resolve_audit(raw.audit, base),
        store: resolve_store(raw.store, raw.approvals.as_ref(), base, document)?,
        approvals: raw.approvals.map(|approvals| resolve_approvals(approvals, base)),
        admin: admin::resolve(raw.admin, raw.webhook, (base, has_tls), document)?,
        limits: resolve_limits(&raw.limits),
    })
}

/// What is checked for being there once: where its name stands, and the thing itself.
type Placed<T> = ((String, Range<usize>), T);

/// There is at least one, each has a name, and no name is there twice.
fn unique<T>(items: &[Placed<T>], document: &Document, what: &str) -> Result<(), DocumentError> {
    if items.is_empty() {
        return Err(document.error(0..0, format!("there is no [[{what}]]")));
    }
    let mut seen = std::collections::BTreeSet::new();
    for ((name, place), _) in items {
        if name.is_empty() {
            return Err(document.error(place.clone(), format!("a {what} needs a name")));
        }
        if !seen.insert(name) {
            return Err(
                document.error(place.clone(), format!("the {what} `{name}` is there twice"))
            );
        }
    }
    Ok(())
}

fn resolve_listener(
    raw: RawListener,
    has_tls: bool,
    databases: &[Placed<DatabaseConfig>],
    document: &Document,
) -> Result<Placed<ListenerConfig>, DocumentError> {
    let protocol = resolve_protocol(&raw, databases, document)?;
    let place = raw.tls.as_ref().map_or_else(|| raw.name.span(), toml::Spanned::span);
    let tls = match (raw.tls.map(toml::Spanned::into_inner), raw.bind.ip().is_loopback()) {
        (Some(RawListenerTls::Disabled), _) => ListenerTls::Disabled,
        (Some(RawListenerTls::Optional), _) => ListenerTls::Optional,
        (Some(RawListenerTls::Required), _) | (None, false) => ListenerTls::Required,
        (None, true) if has_tls => ListenerTls::Optional,
        (None, true) => ListenerTls::Disabled,
    };
    if tls != ListenerTls::Disabled && !has_tls {
        return Err(document.error(
            place,
            format!(
                "clients of {} encrypt, which needs a [tls] section with `cert` and `key`; \
                 `tls = \"disabled\"` goes without",
                raw.bind
            ),
        ));
    }
    let name = raw.name.get_ref().clone();
    let placed = (name.clone(), raw.name.span());
    Ok((placed, ListenerConfig { name, protocol, bind: raw.bind, tls }))
}

/// What a listener speaks. The greeting of MySQL's protocol shows a server before a client has said which
/// database it wants, so such a listener needs one to show.
fn resolve_protocol(
    raw: &RawListener,
    databases: &[Placed<DatabaseConfig>],
    document: &Document,
) -> Result<Protocol, DocumentError> {
    let mut speaking =
        databases.iter().map(|(_, database)| database).filter(|database| database.speaks_mysql());
    match (raw.protocol, &raw.database) {
        (RawProtocol::Postgres, None) => Ok(Protocol::Postgres),
        (RawProtocol::Postgres, Some(database)) => Err(document.error(
            database.span(),
            "clients of PostgreSQL say which database they want before anything is shown to them",
        )),
        (RawProtocol::Mysql, None) => match speaking.next() {
            Some(first) => Ok(Protocol::Mysql { shown: first.name.clone() }),
            None => Err(document.error(
                raw.name.span(),
                "a listener of the protocol `mysql` needs a [[database]] with the engine `mysql` or \
                 `mariadb`",
            )),
        },
        (RawProtocol::Mysql, Some(name)) => {
            let shown = name.get_ref().clone();
            if speaking.any(|database| database.name == shown) {
                Ok(Protocol::Mysql { shown })
            } else {
                Err(document.error(
                    name.span(),
                    format!("there is no [[database]] `{shown}` with the engine `mysql` or `mariadb`"),
                ))
            }
        }
    }
}

fn resolve_database(
    raw: RawDatabase,
    base: &Path,
    document: &Document,
) -> Result<Placed<DatabaseConfig>, DocumentError> {
    let engine = match raw.engine {
        RawEngine::Mariadb => Engine::Mariadb,
        RawEngine::Mysql => Engine::Mysql,
        RawEngine::Postgres => Engine::Postgres,
    };
    let upstream = parse_upstream(raw.upstream.get_ref(), engine)
        .map_err(|message| document.error(raw.upstream.span(), message))?;
    let loopback = is_loopback(&upstream.host);
    let tls = match raw.tls {
        None if loopback => DatabaseTls::Disable,
        None => {
            return Err(document.error(
                raw.upstream.span(),
                "a database on another machine needs `tls = { mode = \"verify-full\", ca = \
                 \"path\" }`; the modes `require` and `disable` protect less",
            ));
        }
        Some(tls) => resolve_tls(tls, base, document)?,
    };
    let name = raw.name.get_ref().clone();
    let placed = (name.clone(), raw.name.span());
    let database = DatabaseConfig {
        name,
        engine,
        environment: raw.environment,
        labels: raw.labels,
        host: upstream.host,
        port: upstream.port,
        user: upstream.user,
        dbname: upstream.dbname,
        credential: raw.credential.map(|secret| secret.relative_to(base)),
        tls,
    };
    Ok((placed, database))
}

struct UpstreamUrl {
    host: String,
    port: u16,
    user: String,
    dbname: String,
}

/// Reads `postgres://user@host:port/database`, or the same with `mysql://` or `mariadb://`. The messages never
/// repeat the text: it may hold a password that should not be there.
fn parse_upstream(text: &str, engine: Engine) -> Result<UpstreamUrl, &'static str> {
    let (form, schemes, port_usual) = match engine {
        Engine::Postgres => (
            "an upstream has the form `postgres://user@host:port/database`",
            ["postgres://", "postgresql://"],
            5432,
        ),
        Engine::Mariadb | Engine::Mysql => (
            "an upstream has the form `mysql://user@host:port/database`",
            ["mysql://", "mariadb://"],
            3306,
        ),
    };
    let Some(rest) = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)) else {
        return Err(form);
    };
    if text.contains('?') {
        return Err("an upstream takes no options after `?`");
    }
    let url: tokio_postgres::Config =
        format!("postgres://{rest}").parse().map_err(|_unreadable| form)?;
    if url.get_password().is_some() {
        return Err(
            "no password is written here: name it with `credential = { env = \"VARIABLE\" }` or \
             `credential = { file = \"path\" }`",
        );
    }
    let ([Host::Tcp(host)], Some(user), Some(dbname)) =
        (url.get_hosts(), url.get_user(), url.get_dbname())
    else {
        return Err(form);
    };
    // The parser's own default is that of PostgreSQL, so what it found is looked for in the text.
    let said = rest.rsplit('@').next().and_then(|place| place.split('/').next());
    let says_port = said
        .is_some_and(|place| place.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with(':'));
    let port =
        if says_port { url.get_ports().first().copied().unwrap_or(port_usual) } else { port_usual };
    if host.is_empty() || user.is_empty() || dbname.is_empty() || port == 0 {
        return Err(form);
    }
    Ok(UpstreamUrl { host: host.clone(), port, user: user.to_owned(), dbname: dbname.to_owned() })
}

/// Encryption towards a server.
fn resolve_tls(
    tls: toml::Spanned<RawDatabaseTls>,
    base: &Path,
    document: &Document,
) -> Result<DatabaseTls, DocumentError> {
    let place = tls.span();
    let tls = tls.into_inner();
    match (tls.mode, tls.ca) {
        (RawTlsMode::VerifyFull, Some(ca)) => Ok(DatabaseTls::VerifyFull { ca: base.join(ca) }),
        (RawTlsMode::VerifyFull, None) => Err(document.error(
            place,
            "`verify-full` needs `ca`: a file with the certificates that may sign the server's",
        )),
        (RawTlsMode::Require | RawTlsMode::Disable, Some(_)) => {
            Err(document.error(place, "`ca` is only looked at in the mode `verify-full`"))
        }
        (RawTlsMode::Require, None) => Ok(DatabaseTls::Require),
        (RawTlsMode::Disable, None) => Ok(DatabaseTls::Disable),
    }
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn resolve_policy(
    raw: RawPolicy,
    base: &Path,
    document: &Document,
) -> Result<PolicyConfig, DocumentError> {
    let mut options = PolicyOptions::default();
    if let Some(limit) = raw.time_limit_ms {
        if *limit.get_ref() == 0 {
            return Err(document
                .error(limit.span(), "without time to judge, every statement would be denied"));
        }
        options.time_limit = Duration::from_millis(limit.into_inner());
    }
    options.modes = raw
        .modes
        .into_iter()
        .map(|(package, mode)| {
            let mode = match mode {
                RawMode::Enforce => PackageMode::Enforce,
                RawMode::Warn => PackageMode::Warn,
                RawMode::Dryrun => PackageMode::Dryrun,
            };
            (package, mode)
        })
        .collect();
    let poll = raw.poll.map_or(Some(POLL), super::raw::RawDuration::unless_zero);
    let mask_salt = raw.mask_salt.map(|salt| salt.relative_to(base));
    Ok(PolicyConfig { dir: base.join(raw.dir), options, poll, mask_salt })
}

fn resolve_audit(raw: RawAudit, base: &Path) -> AuditConfig {
    AuditConfig {
        dir: base.join(raw.dir),
        key: raw.key.relative_to(base),
        checkpoint: raw.checkpoint.map_or(Some(CHECKPOINT), super::raw::RawDuration::unless_zero),
        heartbeat: raw.heartbeat.map_or(Some(HEARTBEAT), super::raw::RawDuration::unless_zero),
    }
}

/// Where requests are kept: in one place.
fn resolve_store(
    raw: Option<RawStore>,
    approvals: Option<&RawApprovals>,
    base: &Path,
    document: &Document,
) -> Result<Option<StoreConfig>, DocumentError> {
    let file = approvals.and_then(|approvals| approvals.store.as_ref());
    match (raw, file) {
        (Some(_), Some(file)) => {
            Err(document.error(file.span(), "the section [store] says already where requests are"))
        }
        (Some(raw), None) => Ok(Some(StoreConfig::Postgres {
            url: raw.url.relative_to(base),
            tls: raw.tls.map(|tls| resolve_tls(tls, base, document)).transpose()?,
        })),
        (None, Some(file)) => Ok(Some(StoreConfig::File(base.join(file.get_ref())))),
        (None, None) if approvals.is_some() => Err(document.error(
            0..0,
            "[approvals] needs `store`, a file, or a section [store] with the `url` of a database",
        )),
        (None, None) => Ok(None),
    }
}

fn resolve_approvals(raw: RawApprovals, base: &Path) -> ApprovalsConfig {
    let hold_max = raw.hold_max.map_or(HOLD_MAX, |time| time.0);
    let hold_in_transaction_max = raw.hold_in_transaction_max.map_or(Duration::ZERO, |time| time.0);
    let caps = Caps {
        per_principal: raw.pending_per_principal_max.unwrap_or(PENDING_PER_PRINCIPAL_MAX),
        total: raw.pending_max.unwrap_or(PENDING_MAX),
    };
    let approvers = raw.approvers.unwrap_or_else(|| vec!["group:approvers".to_owned()]);
    let operators = raw.operator.into_iter();
    ApprovalsConfig {
        socket: raw.socket.map(|socket| base.join(socket)),
        options: ApprovalOptions {
            caps,
            approvers,
            hold_max,
            hold_in_transaction_max,
            sample_rows: raw.sample_rows.unwrap_or(SAMPLE_ROWS).min(SAMPLE_ROWS_MAX),
        },
        operators: operators.map(|one| (one.principal, one.token.relative_to(base))).collect(),
    }
}

fn resolve_limits(raw: &RawLimits) -> Limits {
    let usual = Limits::default();
    let mut read = usual.read.clone();
    read.bytes_max = raw.statement_bytes_max.unwrap_or(read.bytes_max);
    read.tokens_max = raw.statement_tokens_max.unwrap_or(read.tokens_max);
    read.statements_max = raw.statements_max.unwrap_or(read.statements_max);
    read.nesting_max = raw.nesting_max.unwrap_or(read.nesting_max);
    Limits {
        sessions_max: raw.sessions_max.unwrap_or(usual.sessions_max),
        unauthenticated_max: raw.unauthenticated_max.unwrap_or(usual.unauthenticated_max),
        login_timeout: raw.login_timeout.map_or(usual.login_timeout, |time| time.0),
        connect_timeout: raw.connect_timeout.map_or(usual.connect_timeout, |time| time.0),
        message_bytes_max: raw.message_bytes_max.unwrap_or(usual.message_bytes_max),
        upstream_message_bytes_max: raw
            .upstream_message_bytes_max
            .unwrap_or(usual.upstream_message_bytes_max),
        client_file_bytes_max: raw.client_file_bytes_max.unwrap_or(usual.client_file_bytes_max),
        client_file_pause_max: raw
            .client_file_pause_max
            .map_or(usual.client_file_pause_max, |time| time.0),
        prepared_max: raw.prepared_max.unwrap_or(usual.prepared_max),
        portals_max: raw.portals_max.unwrap_or(usual.portals_max),
        pipeline_max: raw.pipeline_max.unwrap_or(usual.pipeline_max),
        readings_cached_max: raw.readings_cached_max.unwrap_or(usual.readings_cached_max),
        reading_cached_bytes_max: usual.reading_cached_bytes_max,
        prepared_bytes_max: raw.prepared_bytes_max.unwrap_or(usual.prepared_bytes_max),
        catalog_age_max: raw.catalog_age_max.map_or(usual.catalog_age_max, |time| time.0),
        read,
    }
}

/// Half of them: databases and clients on the same machine need the rest, and few busy threads cost less for
/// each statement than many that sleep and wake (docs/performance.md).
fn half_of_the_processors() -> NonZeroUsize {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(processors / 2).unwrap_or(NonZeroUsize::MIN)
}
