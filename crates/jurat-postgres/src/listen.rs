//! Accepting clients: bounded, timed, each in a task of its own.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};

use jurat_core::{Admin, Authenticate, Database, Gate, Login, Session, refusal};
use jurat_types::{Principal, Refusal, RefusalCode, SessionRecord};
use jurat_wire::postgres::encode::backend as encode;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    auth::{self, AuthError},
    cancel::{self, Found, Registry},
    console::{self, Console},
    internal,
    parameters::Request,
    pipe::Pipe,
    relay::Relay,
    respond::{self, write},
    startup::{Arrival, arrive},
    upstream::{self, CancelKey, Connected, UpstreamDatabase},
    workers::Workers,
};

/// The newest minor version of protocol 3 that is spoken. What it adds to 3.0 is longer cancel keys, and
/// those are ours, so the database behind may speak another.
const MINOR_MAX: u16 = 2;

/// Everything that the sessions of one listener need.
#[derive(Debug)]
pub struct Listener {
    /// Its name in the configuration.
    pub name: String,
    /// What judges and records.
    pub gate: Arc<Gate>,
    /// Who may log in.
    pub authenticate: Arc<dyn Authenticate>,
    /// The databases by the name that clients connect to.
    pub databases: BTreeMap<String, Arc<UpstreamDatabase>>,
    /// The certificate, where the listener has one.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Whether a client without TLS is turned away.
    pub tls_required: bool,
    /// The threads that sessions run on.
    pub workers: Arc<Workers>,
    /// What clients of the database `jurat` see and do, where no database is called so.
    pub console: Arc<Admin>,
}

struct Shared {
    listener: Arc<Listener>,
    registry: Arc<Registry>,
    shutdown: CancellationToken,
    sessions: Arc<Semaphore>,
    unauthenticated: Arc<Semaphore>,
}

/// Serves until `shutdown`; returns once every session has ended. A session in the middle of
/// something goes on until it is idle; the caller limits how long that may take.
pub async fn serve(tcp: TcpListener, listener: Arc<Listener>, shutdown: CancellationToken) {
    let limits = &listener.gate.limits;
    let shared = Arc::new(Shared {
        registry: Arc::new(Registry::default()),
        sessions: Arc::new(Semaphore::new(limits.sessions_max)),
        unauthenticated: Arc::new(Semaphore::new(limits.unauthenticated_max)),
        shutdown: shutdown.clone(),
        listener,
    });
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = tcp.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, address)) => {
                if let Err(error) = seat(&tasks, &shared, stream, address) {
                    tracing::warn!(%error, client = %address, "a connection was given up");
                }
            }
            Err(error) => {
                // Out of file descriptors, most likely: waiting lets sessions end.
                tracing::warn!(%error, listener = %shared.listener.name, "accept failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(tcp);
    tasks.close();
    tasks.wait().await;
}

/// Gives a connection to the thread that it stays on.
fn seat(
    tasks: &TaskTracker,
    shared: &Arc<Shared>,
    stream: TcpStream,
    address: SocketAddr,
) -> io::Result<()> {
    let (handle, seat) = shared.listener.workers.seat().ok_or(io::ErrorKind::Unsupported)?;
    // The socket is watched by the thread that accepted it until it is taken over.
    let stream = stream.into_std()?;
    let shared = Arc::clone(shared);
    tasks.spawn_on(
        async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => connection(shared, stream, address).await,
                Err(error) => {
                    tracing::warn!(%error, client = %address, "a connection was given up");
                }
            }
            drop(seat);
        },
        &handle,
    );
    Ok(())
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, address: SocketAddr) {
    let Ok(waiting) = Arc::clone(&shared.unauthenticated).try_acquire_owned() else {
        tracing::warn!(client = %address, "too many clients that have not authenticated");
        return;
    };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(client = %address, %error, "TCP_NODELAY could not be set");
    }
    let limit = shared.listener.gate.limits.login_timeout;
    let arrival = arrive(stream, shared.listener.tls.as_ref());
    // A task is as large as the largest state of its future: what only the login needs is boxed, so that an
    // idle session does not carry it.
    match tokio::time::timeout(limit, Box::pin(arrival)).await {
        Err(_elapsed) => tracing::info!(client = %address, "no start-up message in time"),
        Ok(Err(error)) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::info!(client = %address, %error, cause, "connection refused");
        }
        Ok(Ok(Arrival::Cancel { pipe, key })) => {
            Box::pin(cancel(&shared, address, &key)).await;
            // In order: libpq takes TLS that ends without a word for a cancel that failed.
            Box::pin(pipe.close()).await;
        }
        Ok(Ok(Arrival::Session { pipe, request, tls })) => {
            // A cancel request needs no place, or a full house could not be told to stop anything.
            let Ok(slot) = Arc::clone(&shared.sessions).try_acquire_owned() else {
                tracing::warn!(client = %address, "too many sessions");
                return Box::pin(turn_away(*pipe)).await;
            };
            let arrived = Arrived { pipe: *pipe, request, tls, address };
            Box::pin(session(&shared, arrived, (waiting, slot))).await;
        }
    }
}

struct Arrived {
    pipe: Pipe,
    request: Box<Request>,
    tls: bool,
    address: SocketAddr,
}

async fn session(
    shared: &Arc<Shared>,
    mut arrived: Arrived,
    (waiting, slot): (OwnedSemaphorePermit, OwnedSemaphorePermit),
) {
    let limits = &shared.listener.gate.limits;
    let login =
        tokio::time::timeout(limits.login_timeout, Box::pin(admit(shared, &mut arrived))).await;
    let admitted = match login {
        Err(_elapsed) => Err(Rejected::Silent("the login took too long".to_owned())),
        Ok(result) => result,
    };
    drop(waiting);
    match admitted {
        Ok(Admission::Console(session)) => {
            let id = session.id().to_owned();
            tracing::info!(session = %id, client = %arrived.address, "console opened");
            let admin = Arc::clone(&shared.listener.console);
            let console = Console { pipe: arrived.pipe, session: *session, admin, skipping: false };
            let end = Box::pin(console.run(shared.shutdown.clone())).await;
            tracing::info!(session = %id, %end, "console closed");
        }
        Ok(Admission::Session(admitted)) => {
            let Admitted { relay_parts: (upstream, session, cancels), registration } = *admitted;
            let id = session.id().to_owned();
            tracing::info!(session = %id, client = %arrived.address, "session opened");
            let stop = Arc::clone(&cancels);
            let live = Arc::clone(session.live());
            let limit = limits.connect_timeout;
            let relay = Relay::new(arrived.pipe, upstream, session, cancels);
            let end = Box::pin(relay.run(shared.shutdown.clone())).await;
            let cause = std::error::Error::source(&end).map(ToString::to_string);
            tracing::info!(session = %id, %end, cause, "session closed");
            drop(registration);
            if live.killed_by().is_some() {
                Box::pin(stop_upstream(&id, &stop, limit)).await;
            }
        }
        Err(Rejected::Silent(why)) => {
            tracing::info!(client = %arrived.address, %why, "login failed");
        }
        Err(Rejected::Told(refusal, code)) => {
            tracing::info!(client = %arrived.address, message = %refusal.message, "login refused");
            respond::fatal(arrived.pipe.out(), &refusal, code);
            Box::pin(arrived.pipe.close()).await;
        }
    }
    drop(slot);
}

/// Stops what the database runs for a session that was killed: it would go on until it has something to say. A
/// request to cancel that overtakes its statement stops nothing, so it is repeated; one that comes too late does no harm.
async fn stop_upstream(id: &str, stop: &cancel::Target, limit: Duration) {
    for pause in [0, 1, 3] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        if let Err(error) = upstream::cancel(&stop.database, &stop.key, limit).await {
            tracing::warn!(session = %id, %error, "what a killed session ran could not be ended");
        }
    }
}

struct Admitted {
    relay_parts: (upstream::Upstream, Session, Arc<cancel::Target>),
    registration: crate::cancel::Registration,
}

enum Admission {
    /// To a database.
    Session(Box<Admitted>),
    /// To the console.
    Console(Box<Session>),
}

enum Rejected {
    /// Nothing more is said to the client.
    Silent(String),
    /// The client is told, with this SQLSTATE.
    Told(Refusal, &'static str),
}

async fn admit(shared: &Arc<Shared>, arrived: &mut Arrived) -> Result<Admission, Rejected> {
    let listener = &shared.listener;
    if listener.tls_required && !arrived.tls {
        let why =
            "jurat refused the session: TLS is required [JRT-AUTH]. Connect with sslmode=require";
        return Err(told(RefusalCode::AuthenticationFailed, why, "28000"));
    }
    negotiate_version(arrived);
    let principal = prove(listener, arrived).await?;
    if let Some(refusal) = arrived.request.refused.take() {
        record_refused(listener, arrived, Some(&principal), &refusal.message);
        return Err(Rejected::Told(refusal, "0A000"));
    }
    let wanted = listener.databases.get(&arrived.request.database).cloned();
    let Some(target) = wanted else {
        if arrived.request.database == console::NAME {
            let session = open_session(listener, arrived, console::database(), principal)?;
            return Ok(Admission::Console(Box::new(session)));
        }
        let why = "database is not configured in jurat".to_owned();
        record_refused(listener, arrived, Some(&principal), &why);
        let name: String = arrived.request.database.chars().take(63).collect();
        let message = format!("database \"{name}\" is not configured in jurat [JRT-OBJECT]");
        return Err(told(RefusalCode::UnknownObject, &message, "3D000"));
    };
    let mut session = open_session(listener, arrived, Arc::clone(&target.database), principal)?;
    let limit = listener.gate.limits.connect_timeout;
    let connected = upstream::connect(&target, &arrived.request.settings, limit).await;
    let Connected { mut upstream, parameters, cancel } =
        connected.map_err(|error| unreachable_database(&mut session, &error))?;
    let asides = load_names(&mut upstream, &mut session)
        .await
        .map_err(|error| unreachable_database(&mut session, &error))?;
    let cancels = Arc::new(cancel::Target {
        session_id: session.id().to_owned(),
        database: target,
        key: cancel,
        waiting: jurat_core::Waiting::default(),
    });
    let key_bytes = cancel::key_bytes(arrived.request.minor);
    let registration =
        shared.registry.register(Arc::clone(&cancels), key_bytes).ok_or_else(|| {
            Rejected::Silent("the operating system gives no random numbers".to_owned())
        })?;
    let out = arrived.pipe.out();
    encode::authentication_ok(out);
    for (name, value) in &parameters {
        write(encode::parameter_status(out, name, value));
    }
    write(encode::backend_key_data(out, registration.key.process_id, &registration.key.secret));
    out.extend_from_slice(&asides);
    encode::ready_for_query(out, jurat_wire::postgres::backend::TransactionStatus::Idle);
    let admitted = Admitted { relay_parts: (upstream, session, cancels), registration };
    Ok(Admission::Session(Box::new(admitted)))
}

/// Asks policy whether somebody gets in.
fn open_session(
    listener: &Listener,
    arrived: &Arrived,
    database: Arc<Database>,
    principal: Principal,
) -> Result<Session, Rejected> {
    let login = Login {
        principal,
        claimed: arrived.request.claimed.clone(),
        client_addr: arrived.address.to_string(),
        tls: arrived.tls,
        replication: arrived.request.replication,
    };
    let gate = Arc::clone(&listener.gate);
    let mut session = Session::open(gate, database, login).map_err(|refusal| {
        let code = if refusal.code == RefusalCode::AuditUnavailable { "58000" } else { "28000" };
        Rejected::Told(refusal, code)
    })?;
    if arrived.request.replication.is_some() {
        session.close("replication is not carried");
        let why = "jurat refused the session: replication is not carried [JRT-UNSUPPORTED]";
        return Err(told(RefusalCode::NotSupported, why, "0A000"));
    }
    Ok(session)
}

/// A newer minor version or unknown options of the protocol are answered with what is spoken here.
fn negotiate_version(arrived: &mut Arrived) {
    let options: Vec<&str> = arrived.request.unknown_options.iter().map(String::as_str).collect();
    let spoken = arrived.request.minor.min(MINOR_MAX);
    if arrived.request.minor > spoken || !options.is_empty() {
        let out = arrived.pipe.out();
        write(encode::negotiate_protocol_version(out, 3, spoken, &options));
    }
    arrived.request.minor = spoken;
}

async fn prove(listener: &Listener, arrived: &mut Arrived) -> Result<Principal, Rejected> {
    let users = listener.authenticate.as_ref();
    match auth::authenticate(&mut arrived.pipe, users, &arrived.request.user).await {
        Ok(principal) => Ok(principal),
        Err(AuthError::Io(error)) => Err(Rejected::Silent(error.to_string())),
        Err(error @ (AuthError::Protocol(_) | AuthError::Scram(_))) => {
            tracing::info!(client = %arrived.address, %error, "authentication failed");
            record_refused(listener, arrived, None, &error.to_string());
            // PostgreSQL's own words: drivers and people know them.
            let name: String = arrived.request.user.chars().take(63).collect();
            let message = format!("password authentication failed for user \"{name}\"");
            Err(told(RefusalCode::AuthenticationFailed, &message, "28P01"))
        }
    }
}

fn record_refused(
    listener: &Listener,
    arrived: &Arrived,
    principal: Option<&Principal>,
    reason: &str,
) {
    let record = SessionRecord {
        event: "refused".to_owned(),
        session_id: String::new(),
        client_addr: arrived.address.to_string(),
        principal: principal.cloned(),
        target: None,
        claimed_user: Some(arrived.request.user.chars().take(63).collect()),
        reason: Some(reason.to_owned()),
    };
    // The session is refused in any case.
    if let Err(refusal) = listener.gate.record_session(record) {
        tracing::error!(message = %refusal.message, "a refused session could not be recorded");
    }
}

fn unreachable_database(session: &mut Session, error: &upstream::UpstreamError) -> Rejected {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(session = session.id(), %error, cause, "the database cannot be used");
    session.close("the database cannot be used");
    let message = format!(
        "jurat refused the session: the database behind it cannot be reached or read [JRT-UPSTREAM, \
         session {}]. Try again later",
        session.id()
    );
    told(RefusalCode::UpstreamUnavailable, &message, "58000")
}

/// The first session of a database reads its catalog; later ones share it.
async fn load_names(
    upstream: &mut upstream::Upstream,
    session: &mut Session,
) -> Result<Vec<u8>, upstream::UpstreamError> {
    let mut asides = Vec::new();
    let path = internal::begin_session(upstream, &mut asides).await?;
    let catalog = match session.database().catalog() {
        Some(catalog) => catalog,
        None => {
            let catalog = internal::read_index(upstream, &mut asides).await?;
            let now_ns = session.gate().clock.now_ns();
            session.database().publish(catalog, now_ns)
        }
    };
    session.set_names(catalog, path);
    Ok(asides)
}

/// Passes a request to cancel on, if its key is that of a session. It is never answered.
async fn cancel(shared: &Shared, address: SocketAddr, key: &CancelKey) {
    let gate = &shared.listener.gate;
    let record = |event: &str, session_id: &str, reason: Option<&str>| {
        gate.record_session(SessionRecord {
            event: event.to_owned(),
            session_id: session_id.to_owned(),
            client_addr: address.to_string(),
            principal: None,
            target: None,
            claimed_user: None,
            reason: reason.map(str::to_owned),
        })
    };
    let target = match shared.registry.find(address.ip(), key) {
        Found::Session(target) => target,
        Found::TooMany => return,
        Found::Nobody { last } => {
            tracing::info!(client = %address, last, "a cancel request with an unknown key");
            let reason = if last {
                "no session has the key; further requests from the address are not looked at for a while"
            } else {
                "no session has the key"
            };
            if let Err(refusal) = record("cancel_refused", "", Some(reason)) {
                tracing::error!(message = %refusal.message, "a cancel request could not be recorded");
            }
            return;
        }
    };
    // Nothing happens unrecorded, and so a statement goes on whose end cannot be recorded.
    if let Err(refusal) = record("cancel_requested", &target.session_id, None) {
        tracing::error!(message = %refusal.message, "a cancel request could not be recorded");
        return;
    }
    if target.waiting.cancel() {
        return tracing::info!(client = %address, "a wait for consent was canceled");
    }
    let limit = gate.limits.connect_timeout;
    match upstream::cancel(&target.database, &target.key, limit).await {
        Ok(()) => tracing::info!(client = %address, "a running statement was canceled"),
        Err(error) => tracing::warn!(client = %address, %error, "a cancel request failed"),
    }
}

async fn turn_away(mut pipe: Pipe) {
    let refusal = refusal(
        RefusalCode::LimitExceeded,
        "jurat refused the session: there are too many sessions [JRT-LIMIT]. Try again later",
        None,
    );
    respond::fatal(pipe.out(), &refusal, "53300");
    pipe.close().await;
}

fn told(code: RefusalCode, message: &str, sqlstate: &'static str) -> Rejected {
    Rejected::Told(refusal(code, message, None), sqlstate)
}

#[cfg(test)]
mod tests {
    fn future_of<A, B, C, F>(_: impl FnOnce(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_session_does_not_carry_the_memory_of_its_login() {
        let bytes = future_of(super::connection) + future_of(super::session);
        assert!(bytes < 3 << 10, "{bytes} bytes");
    }
}
