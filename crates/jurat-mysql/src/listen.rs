//! Accepting clients: bounded, timed, each in a task of its own.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jurat_core::{Authenticate, Gate, LiveState, Login, Session, Waiting, refusal};
use jurat_types::{Principal, Refusal, RefusalCode, SessionRecord};
use jurat_wire::mysql::{capability::Status, encode::server as encode, response::OkPacket};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    auth::{self, AuthError},
    cancel::{self, Registration, Registry},
    collation::{CharacterSet, character_set, is_latin1},
    internal,
    pipe::Pipe,
    relay::{Anew, End, Ended, Parts, Relay},
    respond,
    startup::{Arrival, arrive},
    upstream::{self, Connected, Profile, UpstreamDatabase, UpstreamError, Wanted},
};

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
    /// The one whose server is shown in the greeting, which comes before a client says what it wants. Clients
    /// that name no database are connected to its server.
    pub shown: Arc<UpstreamDatabase>,
    /// The certificate, where the listener has one.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Whether a client without TLS is turned away.
    pub tls_required: bool,
    /// The threads that sessions run on.
    pub seats: Arc<dyn Seats>,
}

/// Port: threads that sessions run on.
pub trait Seats: Send + Sync + std::fmt::Debug {
    /// A thread with few sessions, and what counts one more there for as long as it is kept; none once they were
    /// stopped.
    fn seat(&self) -> Option<(Handle, Box<dyn Send>)>;
}

struct Shared {
    listener: Arc<Listener>,
    registry: Arc<Registry>,
    shutdown: CancellationToken,
    sessions: Arc<Semaphore>,
    unauthenticated: Arc<Semaphore>,
    /// What is known about the server that is shown.
    profile: RwLock<Option<Profile>>,
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
        profile: RwLock::new(None),
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
    let (handle, seat) = shared.listener.seats.seat().ok_or(io::ErrorKind::Unsupported)?;
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
    let Ok(slot) = Arc::clone(&shared.sessions).try_acquire_owned() else {
        tracing::warn!(client = %address, "too many sessions");
        let words = "jurat refused the session: there are too many sessions [JRT-LIMIT]";
        return Box::pin(turn_away(stream, respond::TOO_MANY, words)).await;
    };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(client = %address, %error, "TCP_NODELAY could not be set");
    }
    let profile = match Box::pin(profile(&shared)).await {
        Ok(profile) => profile,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "the database that is shown cannot be reached");
            let words = "jurat refused the session: the database behind it cannot be reached \
                         [JRT-UPSTREAM]. Try again later";
            return Box::pin(turn_away(stream, respond::SHUTDOWN, words)).await;
        }
    };
    let Some(registration) = shared.registry.reserve() else {
        tracing::error!("the operating system gives no random numbers");
        return;
    };
    let limit = shared.listener.gate.limits.login_timeout;
    let arrival =
        arrive(Box::new(stream), shared.listener.tls.as_ref(), registration.number, &profile);
    // A task is as large as the largest state of its future: what only the login needs is boxed, so that an
    // idle session does not carry it.
    match tokio::time::timeout(limit, Box::pin(arrival)).await {
        Err(_elapsed) => tracing::info!(client = %address, "no answer to the greeting in time"),
        Ok(Err(error)) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::info!(client = %address, %error, cause, "connection refused");
        }
        Ok(Ok(arrival)) => {
            let arrived = Arrived { arrival, address, registration };
            Box::pin(session(&shared, arrived, (waiting, slot))).await;
        }
    }
}

/// What is known about the server that is shown; it is asked where nothing is known yet.
async fn profile(shared: &Shared) -> Result<Profile, UpstreamError> {
    let known = shared.profile.read().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(profile) = known {
        return Ok(profile);
    }
    let limit = shared.listener.gate.limits.connect_timeout;
    let connected = upstream::connect(&shared.listener.shown, Wanted::default(), limit).await?;
    connected.upstream.terminate().await;
    remember(shared, &connected.profile);
    Ok(connected.profile)
}

/// A server may have become another one since it was asked.
fn remember(shared: &Shared, profile: &Profile) {
    let mut known = shared.profile.write().unwrap_or_else(PoisonError::into_inner);
    if known.as_ref() != Some(profile) {
        *known = Some(profile.clone());
    }
}

struct Arrived {
    arrival: Arrival,
    address: SocketAddr,
    registration: Registration,
}

async fn session(
    shared: &Arc<Shared>,
    arrived: Arrived,
    (waiting, slot): (OwnedSemaphorePermit, OwnedSemaphorePermit),
) {
    let mut waiting = Some(waiting);
    let mut next = Some(arrived);
    while let Some(mut arrived) = next.take() {
        let limit = shared.listener.gate.limits.login_timeout;
        let login = tokio::time::timeout(limit, Box::pin(admit(shared, &mut arrived))).await;
        let admitted = match login {
            Err(_elapsed) => Err(Rejected::Silent("the login took too long".to_owned())),
            Ok(result) => result,
        };
        drop(waiting.take());
        match admitted {
            Ok(admitted) => next = Box::pin(relay(shared, arrived, admitted)).await,
            Err(rejected) => Box::pin(reject(arrived, rejected)).await,
        }
    }
    drop(slot);
}

/// Serves a client that was let in. Gives it back where it logs in anew over the same connection, which is a session of
/// its own, with a connection to the database of its own.
async fn relay(shared: &Arc<Shared>, arrived: Arrived, admitted: Admitted) -> Option<Arrived> {
    let Arrived { arrival, address, registration } = arrived;
    let Arrival { pipe, mut request, tls, .. } = arrival;
    let Admitted { upstream, session, killed, database, consent } = admitted;
    let id = session.id().to_owned();
    let (live, number) = (Arc::clone(session.live()), upstream.connection());
    tracing::info!(session = %id, client = %address, "session opened");
    let relay = Relay::new(Parts {
        client: *pipe,
        upstream,
        session,
        capabilities: request.capabilities,
        latin1: is_latin1(request.collation),
        registry: Arc::clone(&shared.registry),
        target: Arc::clone(&database),
        waiting: consent,
    });
    let Ended { end, anew } = relay.run(shared.shutdown.clone(), killed).await;
    let cause = std::error::Error::source(&end).map(ToString::to_string);
    tracing::info!(session = %id, %end, cause, "session closed");
    let limit = shared.listener.gate.limits.connect_timeout;
    // A client that has left reads no answer, and these servers do not look at a connection while they compute.
    let left = matches!(end, End::ClientGone(_) | End::ClientProtocol(_));
    let abandoned = left && live.state() == LiveState::Running;
    if (live.killed_by().is_some() || abandoned)
        && let Err(error) = Box::pin(upstream::cancel(&database, number, limit)).await
    {
        // Often it has ended by itself meanwhile, and its connection with it.
        tracing::info!(session = %id, %error, "what an ended session ran was not ended");
    }
    let Anew { client, sequence, payload } = anew?;
    registration.clear();
    if let Err(error) = request.anew(&payload) {
        tracing::info!(client = %address, %error, "login failed");
        return None;
    }
    let arrival = Arrival { pipe: Box::new(client), request, tls, sequence };
    Some(Arrived { arrival, address, registration })
}

/// Tells a client that it is not let in, where there is something to tell.
async fn reject(arrived: Arrived, rejected: Rejected) {
    let Arrived { arrival, address, .. } = arrived;
    match rejected {
        Rejected::Silent(why) => {
            tracing::info!(client = %address, %why, "login failed");
        }
        Rejected::Told(refusal, number) => {
            tracing::info!(client = %address, message = %refusal.message, "login refused");
            let (mut pipe, mut sequence) = (*arrival.pipe, arrival.sequence);
            respond::error_as(pipe.out(), &mut sequence, &refusal, number);
            pipe.close().await;
        }
    }
}

struct Admitted {
    upstream: upstream::Upstream,
    session: Session,
    /// Ends the session at once.
    killed: CancellationToken,
    database: Arc<UpstreamDatabase>,
    /// Whether it waits for consent.
    consent: Arc<Waiting>,
}

enum Rejected {
    /// Nothing more is said to the client.
    Silent(String),
    /// The client is told, with this number.
    Told(Refusal, respond::Number),
}

async fn admit(shared: &Arc<Shared>, arrived: &mut Arrived) -> Result<Admitted, Rejected> {
    let listener = &shared.listener;
    if listener.tls_required && !arrived.arrival.tls {
        let why = "jurat refused the session: TLS is required [JRT-AUTH]. Connect with TLS";
        return Err(told(RefusalCode::AuthenticationFailed, why, respond::TLS_REQUIRED));
    }
    let principal = prove(listener, arrived).await?;
    if character_set(arrived.arrival.request.collation) == CharacterSet::Other {
        record_refused(listener, arrived, Some(&principal), "another character set than UTF-8");
        let why = "jurat refused the session: text is read as UTF-8 [JRT-UNSUPPORTED]. Connect with the character \
                   set utf8mb4";
        return Err(told(RefusalCode::NotSupported, why, respond::UNKNOWN_CHARACTER_SET));
    }
    let (target, schema) = choose(listener, arrived, &principal)?;
    let request = &arrived.arrival.request;
    let login = Login {
        principal: principal.clone(),
        claimed: request.claimed.clone(),
        client_addr: arrived.address.to_string(),
        tls: arrived.arrival.tls,
        replication: None,
    };
    let gate = Arc::clone(&listener.gate);
    let mut session =
        Session::open(gate, Arc::clone(&target.database), login).map_err(|refusal| {
            let number = if refusal.code == RefusalCode::AuditUnavailable {
                respond::number(&refusal)
            } else {
                respond::LOGIN_DENIED
            };
            Rejected::Told(refusal, number)
        })?;
    let wanted =
        Wanted { capabilities: request.capabilities, collation: request.collation, schema };
    let limit = listener.gate.limits.connect_timeout;
    let connected = upstream::connect(&target, wanted, limit).await;
    let Connected { mut upstream, profile } =
        connected.map_err(|error| unreachable_database(&mut session, &error))?;
    if Arc::ptr_eq(&target, &listener.shown) {
        remember(shared, &profile);
    }
    load_names(&mut upstream, &mut session)
        .await
        .map_err(|error| unreachable_database(&mut session, &error))?;
    let killed = session.live().end();
    let consent = Arc::<Waiting>::default();
    arrived.registration.set(cancel::Target {
        session_id: session.id().to_owned(),
        principal: principal.id,
        database: Arc::clone(&target),
        connection: upstream.connection(),
        end: killed.clone(),
        waiting: Arc::clone(&consent),
    });
    let ok = OkPacket { status: Status::AUTOCOMMIT, ..OkPacket::default() };
    let Arrival { pipe, request, sequence, .. } = &mut arrived.arrival;
    respond::write(encode::ok(pipe.out(), sequence, &ok, request.capabilities));
    Ok(Admitted { upstream, session, killed, database: target, consent })
}

/// The database that a client asks for by its name in the configuration, and the schema to begin in. A client
/// that names none begins in none, on the server that it was shown.
fn choose(
    listener: &Listener,
    arrived: &Arrived,
    principal: &Principal,
) -> Result<(Arc<UpstreamDatabase>, Option<&'static str>), Rejected> {
    let name = &arrived.arrival.request.schema;
    if name.is_empty() {
        return Ok((Arc::clone(&listener.shown), Some("")));
    }
    if let Some(target) = listener.databases.get(name) {
        return Ok((Arc::clone(target), None));
    }
    record_refused(listener, arrived, Some(principal), "database is not configured in jurat");
    let name: String = name.chars().take(63).collect();
    let message = format!("Unknown database '{name}': it is not configured in jurat [JRT-OBJECT]");
    Err(told(RefusalCode::UnknownObject, &message, respond::UNKNOWN_DATABASE))
}

async fn prove(listener: &Listener, arrived: &mut Arrived) -> Result<Principal, Rejected> {
    match auth::authenticate(&mut arrived.arrival, &listener.authenticate).await {
        Ok(principal) => Ok(principal),
        Err(AuthError::Broken(error)) => Err(Rejected::Silent(error.to_string())),
        Err(error @ (AuthError::Wrong | AuthError::NoTls | AuthError::Encode(_))) => {
            tracing::info!(client = %arrived.address, %error, "authentication failed");
            record_refused(listener, arrived, None, &error.to_string());
            // MySQL's own words: drivers and people know them.
            let name: String = arrived.arrival.request.user.chars().take(63).collect();
            let host = arrived.address.ip();
            let message = format!("Access denied for user '{name}'@'{host}' (using password: YES)");
            Err(told(RefusalCode::AuthenticationFailed, &message, respond::LOGIN_DENIED))
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
        claimed_user: Some(arrived.arrival.request.user.chars().take(63).collect()),
        reason: Some(reason.to_owned()),
    };
    // The session is refused in any case.
    if let Err(refusal) = listener.gate.record_session(record) {
        tracing::error!(message = %refusal.message, "a refused session could not be recorded");
    }
}

fn unreachable_database(session: &mut Session, error: &UpstreamError) -> Rejected {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(session = session.id(), %error, cause, "the database cannot be used");
    session.close("the database cannot be used");
    let message = format!(
        "jurat refused the session: the database behind it cannot be reached or read [JRT-UPSTREAM, \
         session {}]. Try again later",
        session.id()
    );
    told(RefusalCode::UpstreamUnavailable, &message, respond::SHUTDOWN)
}

/// Reads what names mean: the default database of this session, and the catalog where no other session of the
/// database has read one.
async fn load_names(
    upstream: &mut upstream::Upstream,
    session: &mut Session,
) -> Result<(), UpstreamError> {
    let path = internal::read_search_path(upstream).await?;
    let catalog = match session.database().catalog() {
        Some(catalog) => catalog,
        None => {
            let catalog = internal::read_index(upstream).await?;
            let now_ns = session.gate().clock.now_ns();
            session.database().publish(catalog, now_ns)
        }
    };
    session.set_names(catalog, path);
    Ok(())
}

/// Tells a client that there is no session for it, in place of the greeting.
async fn turn_away(stream: TcpStream, number: respond::Number, words: &str) {
    let mut pipe = Pipe::new(Box::new(stream));
    let mut sequence = 0;
    respond::words(pipe.out(), &mut sequence, number, words);
    pipe.close().await;
}

fn told(code: RefusalCode, message: &str, number: respond::Number) -> Rejected {
    Rejected::Told(refusal(code, message, None), number)
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
