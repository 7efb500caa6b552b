//! The wiring: from a configuration to a running proxy. `jurat run` and `jurat demo` share it, so that
//! the demo shows the product and not a look-alike.

mod admin;
mod approvals;
mod databases;
mod http;
mod listeners;
mod probe;
mod reload;
mod store;
mod tokens;
mod users;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use jurat_audit::{AuditLog, AuditOptions, SigningKey};
use jurat_console::{HookCounts, Hooks, Tokens};
use jurat_core::{Admin, Authenticate, Clock, Freezes, Gate, MaskKey, StoredFreezes, SystemClock};
use jurat_policy::PolicyHandle;
use jurat_postgres::Workers;
use jurat_types::{RecordBody, SystemRecord};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use admin::Socket;
use http::Http;
use tokens::OperatorTokens;

use crate::{
    config::{AuditConfig, Config},
    exit::{Exit, Failure, chain},
};

pub(crate) use admin::{AdminAction, AdminItem, AdminReply, AdminRequest};
pub(crate) use databases::{UpstreamDatabase, target, upstream};
use listeners::Listener;
pub(crate) use reload::Reloader;
pub(crate) use users::LiveUsers;

/// A proxy that is ready to listen: everything is loaded and the record is open.
#[derive(Debug)]
pub(crate) struct App {
    config: Config,
    gate: Arc<Gate>,
    users: Arc<LiveUsers>,
    databases: BTreeMap<String, UpstreamDatabase>,
    listeners: Vec<(SocketAddr, Listener)>,
    workers: Arc<Workers>,
    admin: Arc<Admin>,
    freezes: Option<Arc<StoredFreezes>>,
    tokens: Arc<OperatorTokens>,
    hooks: Option<Hooks>,
    hook_counts: Arc<HookCounts>,
    http_tls: Option<Arc<rustls::ServerConfig>>,
}

/// A proxy whose sockets are open.
#[derive(Debug)]
pub(crate) struct Bound {
    app: App,
    sockets: Vec<(TcpListener, Listener)>,
    socket: Option<Arc<Socket>>,
    http: Option<Http>,
}

impl App {
    /// Loads everything that the configuration names and opens the record. Nothing listens yet.
    ///
    /// # Errors
    /// The first thing that cannot be used.
    pub(crate) fn open(config: Config) -> Result<Self, Failure> {
        let users = Arc::new(LiveUsers::load(&config.users_file)?);
        let policy = Arc::new(load_policies(&config)?);
        let tls = listeners::load_tls(&config)?;
        let databases = config
            .databases
            .iter()
            .map(|database| Ok((database.name.clone(), upstream(database)?)))
            .collect::<Result<BTreeMap<_, _>, Failure>>()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let audit = Arc::new(open_audit(&config.audit, Arc::clone(&clock))?);
        let stores = store::open(config.store.as_ref(), Arc::clone(&clock))?;
        let approvals =
            config.approvals.as_ref().zip(stores.approvals).map(|(approvals, store)| {
                let people: Arc<dyn Authenticate> = Arc::<LiveUsers>::clone(&users);
                let judges = (people, Arc::clone(&policy));
                approvals::new(approvals, store, judges, Arc::clone(&audit), Arc::clone(&clock))
            });
        let gate = Arc::new(Gate {
            policy,
            audit,
            approvals,
            clock,
            budgets: stores.budgets,
            limits: config.limits.clone(),
            mask_key: mask_key(config.policy.mask_salt.as_ref())?,
            labels: BTreeMap::from([
                ("app".to_owned(), "jurat".to_owned()),
                ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ]),
        });
        let workers = Workers::start(config.workers.get())
            .map_err(|error| Failure::other(format!("no threads can be started: {error}")))?;
        let workers = Arc::new(workers);
        let cores: Vec<_> =
            databases.values().map(|database| Arc::clone(database.core())).collect();
        let freezes = gate.approvals.as_ref().map(|approvals| {
            let (store, clock) = (Arc::clone(&approvals.store), Arc::clone(&gate.clock));
            Arc::new(StoredFreezes::new(store, cores.clone(), clock))
        });
        if let Some(freezes) = &freezes {
            freezes.refresh().map_err(|error| {
                Failure::because(Exit::Usage, "whether databases are frozen is not known", &error)
            })?;
        }
        let admin = Arc::new(Admin {
            gate: Arc::clone(&gate),
            databases: cores,
            admins: config.admin.admins.clone(),
            reload: Arc::new(Reloader::new(Arc::clone(&gate), Arc::clone(&users))),
            freezes: freezes.clone().map(|freezes| freezes as Arc<dyn Freezes>),
        });
        let shared = listeners::Shared {
            gate: Arc::clone(&gate),
            authenticate: Arc::<LiveUsers>::clone(&users),
            databases: &databases,
            tls,
            workers: Arc::clone(&workers),
            admin: Arc::clone(&admin),
        };
        let listeners = config
            .listeners
            .iter()
            .map(|listener| Ok((listener.bind, Listener::new(listener, &shared)?)))
            .collect::<Result<Vec<_>, Failure>>()?;
        let operators = config.approvals.as_ref().map(|approvals| approvals.operators.as_slice());
        let tokens = OperatorTokens::load(operators.unwrap_or_default(), Arc::clone(&users))?;
        let hook_counts = Arc::new(HookCounts::default());
        let hooks = http::hooks(&config.admin, &admin, Arc::clone(&hook_counts))?;
        let app = Self {
            http_tls: http::load_tls(&config)?,
            tokens: Arc::new(tokens),
            config,
            gate,
            users,
            databases,
            listeners,
            workers,
            admin,
            freezes,
            hooks,
            hook_counts,
        };
        app.record_start()?;
        Ok(app)
    }

    /// Opens the sockets.
    ///
    /// # Errors
    /// Where an address is taken or not ours; the record says that nothing was served.
    pub(crate) async fn bind(self) -> Result<Bound, Failure> {
        let mut sockets = Vec::with_capacity(self.listeners.len());
        for (address, listener) in &self.listeners {
            match TcpListener::bind(address).await {
                Ok(socket) => sockets.push((socket, listener.clone())),
                Err(error) => {
                    self.close("an address cannot be listened on", true).await;
                    return Err(Failure::other(format!(
                        "listener `{}` cannot listen on {address}: {error}",
                        listener.name()
                    )));
                }
            }
        }
        let socket = match self.open_socket() {
            Ok(socket) => socket.map(Arc::new),
            Err(failure) => {
                self.close("the socket of approvers cannot be listened on", true).await;
                return Err(failure);
            }
        };
        let who: (Arc<dyn Authenticate>, Arc<dyn Tokens>) =
            (Arc::<LiveUsers>::clone(&self.users), Arc::<OperatorTokens>::clone(&self.tokens));
        let (counts, tls) = (Arc::clone(&self.hook_counts), self.http_tls.clone());
        let http = Http::open(&self.config.admin, Arc::clone(&self.admin), who, counts, tls).await;
        match http {
            Ok(http) => Ok(Bound { app: self, sockets, socket, http }),
            Err(failure) => {
                self.close("the admin port cannot be listened on", true).await;
                Err(failure)
            }
        }
    }

    fn open_socket(&self) -> Result<Option<Socket>, Failure> {
        match &self.config.approvals {
            Some(config) => Socket::open(config, Arc::clone(&self.admin), Arc::clone(&self.tokens)),
            None => Ok(None),
        }
    }

    /// What reloads policies and users, for signals and for polling.
    pub(crate) fn reloader(&self) -> Reloader {
        Reloader::new(Arc::clone(&self.gate), Arc::clone(&self.users))
    }

    fn record_start(&self) -> Result<(), Failure> {
        let state = self.gate.policy.state();
        let names = |listener: &(SocketAddr, Listener)| json!({"name": listener.1.name(), "bind": listener.0.to_string()});
        let record = system(
            "started",
            [
                ("version", json!(env!("CARGO_PKG_VERSION"))),
                ("listeners", self.listeners.iter().map(names).collect()),
                ("databases", self.config.databases.iter().map(|d| json!(d.name)).collect()),
                ("policy_revision", json!(state.revision)),
            ],
        );
        match self.gate.audit.append(record) {
            Ok(_receipt) => Ok(()),
            Err(error) => {
                Err(Failure::because(Exit::Failure, "the start cannot be recorded", &error))
            }
        }
    }

    /// Ends the threads of sessions, so that what they still have to record comes before the end.
    async fn end_sessions(&self) {
        let workers = Arc::clone(&self.workers);
        if let Err(error) = tokio::task::spawn_blocking(move || workers.stop()).await {
            tracing::error!(%error, "the threads of sessions did not end well");
        }
    }

    /// Writes the last record and the last checkpoint.
    async fn close(&self, reason: &str, drained: bool) {
        let gate = Arc::clone(&self.gate);
        let details = [("reason", json!(reason)), ("drained", json!(drained))];
        let record = system("stopped", details);
        let closing = tokio::task::spawn_blocking(move || {
            gate.audit.append(record).map(drop)?;
            gate.audit.close()
        });
        match closing.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(error = chain(&error), "the record could not be closed");
            }
            Err(error) => tracing::error!(%error, "the record could not be closed"),
        }
    }
}

impl Bound {
    /// Where it listens: the listener's name and the address, with the port that the system gave.
    pub(crate) fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.sockets
            .iter()
            .filter_map(|(socket, listener)| {
                Some((listener.name().to_owned(), socket.local_addr().ok()?))
            })
            .collect()
    }

    /// Where the console is served, where it is.
    pub(crate) fn admin_address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(|http| http.address)
    }

    /// What reloads policies and users, for signals and for polling.
    pub(crate) fn reloader(&self) -> Reloader {
        self.app.reloader()
    }

    /// The open record.
    pub(crate) fn audit(&self) -> Arc<AuditLog> {
        Arc::clone(&self.app.gate.audit)
    }

    /// Serves until `shutdown`, then lets sessions end within the configured time, and closes the
    /// record.
    ///
    /// # Errors
    /// Where a listener ended by itself; everything else is then ended in order, too.
    pub(crate) async fn serve(self, shutdown: CancellationToken) -> Result<(), Failure> {
        let Self { mut app, sockets, socket, http } = self;
        let mut serving = JoinSet::new();
        for (socket, listener) in sockets {
            serving.spawn(listener.serve(socket, shutdown.clone()));
        }
        let mut chores = JoinSet::new();
        for database in app.databases.values() {
            chores.spawn(probe::probe(database.clone(), app.config.limits.clone()));
        }
        if let Some(every) = app.config.policy.poll {
            let reloader = app.reloader();
            chores.spawn(repeat(every, move || reloader.policies()));
        }
        if let Some(every) = app.config.audit.heartbeat {
            let gate = Arc::clone(&app.gate);
            chores.spawn(repeat(every, move || heartbeat(&gate)));
        }
        if let Some(socket) = socket {
            chores.spawn(socket.serve(shutdown.clone()));
        }
        if let Some(http) = http {
            chores.spawn(http.serve(shutdown.clone()));
        }
        if let Some(hooks) = app.hooks.take() {
            chores.spawn(http::tell(hooks, Arc::clone(&app.admin)));
        }
        if let Some(approvals) = app.gate.approvals.clone() {
            chores.spawn(repeat(approvals::EXPIRE_EVERY, move || approvals.expire()));
        }
        if let Some(freezes) = app.freezes.clone() {
            chores.spawn(approvals::keep_frozen(freezes));
        }
        // Listeners end at the same signal, so it is looked at first.
        let reason = tokio::select! {
            biased;
            () = shutdown.cancelled() => "signal",
            _ended = serving.join_next() => "a listener ended by itself",
        };
        shutdown.cancel();
        tracing::info!(reason, timeout = ?app.config.drain_timeout, "ending: waiting for sessions");
        let drained = async { while serving.join_next().await.is_some() {} };
        let in_time = tokio::time::timeout(app.config.drain_timeout, drained).await.is_ok();
        if !in_time {
            tracing::warn!("sessions did not end in time and are cut off");
        }
        serving.shutdown().await;
        chores.shutdown().await;
        app.end_sessions().await;
        app.close(reason, in_time).await;
        tracing::info!("ended");
        if reason == "signal" { Ok(()) } else { Err(Failure::other(reason)) }
    }
}

/// Does something that may wait for the disk, again and again.
async fn repeat(every: Duration, chore: impl Fn() + Clone + Send + 'static) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first tick comes at once, and everything has just been loaded.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if let Err(error) = tokio::task::spawn_blocking(chore.clone()).await {
            tracing::error!(%error, "a regular task failed");
        }
    }
}

fn heartbeat(gate: &Gate) {
    if let Err(error) = gate.audit.heartbeat().map(drop) {
        tracing::error!(error = chain(&error), "the record does not take a heartbeat");
    }
}

/// A record about Jurat itself.
pub(crate) fn system<const N: usize>(event: &str, details: [(&str, Value); N]) -> RecordBody {
    RecordBody::System(SystemRecord {
        event: event.to_owned(),
        details: details.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
    })
}

/// Loads the policies of a configuration.
///
/// # Errors
/// Findings, where they are wrong.
fn load_policies(config: &Config) -> Result<PolicyHandle, Failure> {
    let policy = &config.policy;
    PolicyHandle::new(policy.dir.clone(), policy.options.clone()).map_err(|error| {
        let what = format!("the policies in {} cannot be used", policy.dir.display());
        Failure::because(Exit::Findings, what, &error)
    })
}

/// The secret behind hashes and tokens.
///
/// # Errors
/// Where the one that is configured is not there or too short to be one.
fn mask_key(salt: Option<&crate::config::SecretRef>) -> Result<MaskKey, Failure> {
    const BYTES_MIN: usize = 16;
    let what = "the mask_salt of [policy]";
    match salt {
        Some(salt) => {
            let secret =
                salt.fetch().map_err(|error| Failure::because(Exit::Usage, what, &error))?;
            if secret.expose().len() < BYTES_MIN {
                return Err(Failure::usage(format!("{what} is shorter than {BYTES_MIN} bytes")));
            }
            Ok(MaskKey::new(secret.expose().as_bytes()))
        }
        None => MaskKey::random()
            .ok_or_else(|| Failure::other("the system gives no randomness".to_owned())),
    }
}

/// Opens the record, and says how to make its key where there is none.
fn open_audit(config: &AuditConfig, clock: Arc<dyn Clock>) -> Result<AuditLog, Failure> {
    let key = config.key.fetch().map_err(|error| {
        let hint = match &config.key {
            crate::config::SecretRef::File(file) => {
                format!("make one with `jurat audit keygen --out {}`", file.display())
            }
            crate::config::SecretRef::Env(_) => "make one with `jurat audit keygen`".to_owned(),
        };
        Failure::usage(format!("the key that signs the record: {}; {hint}", chain(&error)))
    })?;
    let key = SigningKey::parse(key.expose()).map_err(|error| {
        Failure::because(Exit::Usage, "the key that signs the record cannot be used", &error)
    })?;
    let options =
        AuditOptions { checkpoint_interval: config.checkpoint, ..AuditOptions::default() };
    AuditLog::open(&config.dir, key, options, wall_clock(clock)).map_err(|error| {
        let what = format!("the record in {} cannot be opened", config.dir.display());
        Failure::because(Exit::Failure, what, &error)
    })
}

/// The core's clock in the form that the record wants.
pub(crate) fn wall_clock(
    clock: Arc<dyn Clock>,
) -> impl Fn() -> std::time::SystemTime + Send + Sync + 'static {
    move || UNIX_EPOCH + Duration::from_nanos(u64::try_from(clock.now_ns()).unwrap_or_default())
}
