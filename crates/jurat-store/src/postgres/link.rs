//! Connections of a store to its server: a few for steps, made again where they are lost, and one that
//! listens for what other replicas tell.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};

use jurat_core::StoreError;
use ring::rand::SecureRandom as _;
use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Notify, Semaphore},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, config::SslMode};

use super::tls::Tls;

/// Connections for steps at once.
const CONNECTIONS_MAX: usize = 4;
/// How long reaching the server may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long after a failure the listening connection is made again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What every connection begins with. A step that has returned has happened for good, whatever the server's
/// own defaults are; and a replica that hangs locks nobody else out.
const SETTINGS: &str = "SET synchronous_commit = on; SET statement_timeout = '10s'; \
    SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '20s'; \
    SET search_path = pg_catalog; SET client_min_messages = warning";

/// The words for what has changed, in notifications.
pub(super) const APPROVALS: &str = "approvals";
pub(super) const BUDGETS: &str = "budgets";
pub(super) const FREEZES: &str = "freezes";

/// Where the database of a store is.
#[derive(Clone, Debug)]
pub struct PostgresSettings {
    /// Host, user, password and database.
    pub config: Config,
    /// How its certificate is checked; without it nothing is encrypted.
    pub tls: Option<Arc<ClientConfig>>,
}

/// The way to the server of one store.
#[derive(Debug)]
pub(super) struct Link {
    settings: PostgresSettings,
    idle: Mutex<Vec<Client>>,
    places: Semaphore,
    /// What this process is called among the replicas.
    replica: String,
    approvals: OnceLock<Arc<Notify>>,
    budgets: OnceLock<Arc<Notify>>,
    freezes: OnceLock<Arc<Notify>>,
}

impl Link {
    pub(super) fn new(mut settings: PostgresSettings) -> Result<Self, StoreError> {
        let mode = if settings.tls.is_some() { SslMode::Require } else { SslMode::Disable };
        settings.config.ssl_mode(mode).connect_timeout(CONNECT_TIMEOUT).application_name("jurat");
        let mut bytes = [0_u8; 8];
        ring::rand::SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_unspecified| StoreError("the system gives no randomness".to_owned()))?;
        Ok(Self {
            settings,
            idle: Mutex::default(),
            places: Semaphore::new(CONNECTIONS_MAX),
            replica: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            approvals: OnceLock::new(),
            budgets: OnceLock::new(),
            freezes: OnceLock::new(),
        })
    }

    pub(super) fn replica(&self) -> &str {
        &self.replica
    }

    /// What a notification says.
    pub(super) fn word(&self, what: &str) -> String {
        format!("{} {what}", self.replica)
    }

    /// `bell` rings when a request may have changed. The first one stays.
    pub(super) fn set_approvals_bell(&self, bell: Arc<Notify>) {
        drop(self.approvals.set(bell));
    }

    /// `bell` rings when another replica has taken something out of a budget. The first one stays.
    pub(super) fn set_budgets_bell(&self, bell: Arc<Notify>) {
        drop(self.budgets.set(bell));
    }

    /// `bell` rings when another replica has stopped writes or lets them go on. The first one stays.
    pub(super) fn set_freezes_bell(&self, bell: Arc<Notify>) {
        drop(self.freezes.set(bell));
    }

    /// One step: a transaction on a connection of its own.
    ///
    /// # Errors
    /// Where it was not done, or where nobody knows whether it was.
    pub(super) async fn step<T>(
        &self,
        work: impl AsyncFnOnce(&Client) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _place = self.places.acquire().await.map_err(|error| StoreError(error.to_string()))?;
        let client = self.begin().await?;
        let result = work(&client).await;
        // A connection that is not given back here is closed, which takes back what it has open.
        let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = client.batch_execute(end).await.map_err(failed);
        match (result, ended) {
            (result, Ok(())) => {
                self.idle().push(client);
                result
            }
            (Ok(_), Err(error)) | (Err(error), Err(_)) => Err(error),
        }
    }

    /// A connection with a transaction open. One that was lost is noticed here, where nothing is done yet.
    async fn begin(&self) -> Result<Client, StoreError> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
        loop {
            let idle = self.idle().pop();
            let Some(client) = idle else { break };
            if client.batch_execute(BEGIN).await.is_ok() {
                return Ok(client);
            }
        }
        let (client, _serving) = self.connect(Weak::new()).await?;
        client.batch_execute(BEGIN).await.map_err(failed)?;
        Ok(client)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection, and the task that serves it. What the server tells it is told to `told`.
    async fn connect(&self, told: Weak<Self>) -> Result<(Client, JoinHandle<()>), StoreError> {
        let config = &self.settings.config;
        let connecting = async {
            match &self.settings.tls {
                Some(tls) => {
                    let (client, connection) = config.connect(Tls(Arc::clone(tls))).await?;
                    Ok::<_, Error>((client, tokio::spawn(serve(connection, told))))
                }
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    Ok((client, tokio::spawn(serve(connection, told))))
                }
            }
        };
        let (client, serving) = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_late| StoreError("the server does not answer".to_owned()))?
            .map_err(failed)?;
        client.batch_execute(SETTINGS).await.map_err(failed)?;
        Ok((client, serving))
    }

    fn ring_approvals(&self) {
        if let Some(bell) = self.approvals.get() {
            bell.notify_waiters();
        }
    }

    /// One task waits for it, which may be busy just now.
    fn ring_budgets(&self) {
        if let Some(bell) = self.budgets.get() {
            bell.notify_one();
        }
    }

    /// As for budgets.
    fn ring_freezes(&self) {
        if let Some(bell) = self.freezes.get() {
            bell.notify_one();
        }
    }

    /// Rings for what another replica has done. What this one has done rings by itself.
    fn told(&self, word: &str) {
        let Some((replica, what)) = word.split_once(' ') else { return };
        if replica != self.replica {
            match what {
                APPROVALS => self.ring_approvals(),
                BUDGETS => self.ring_budgets(),
                FREEZES => self.ring_freezes(),
                _ => {}
            }
        }
    }
}

/// Listens to the other replicas for as long as the store is there. While the connection is lost, whoever
/// waits finds out by looking now and then.
pub(super) async fn listen(link: Weak<Link>) {
    while let Some(there) = link.upgrade() {
        let listening = async {
            let (client, serving) = there.connect(Weak::clone(&link)).await?;
            client.batch_execute("LISTEN jurat").await.map_err(failed)?;
            // What was told in the meantime was missed.
            there.ring_approvals();
            there.ring_budgets();
            there.ring_freezes();
            Ok::<_, StoreError>((client, serving))
        };
        let listening = listening.await;
        // Nothing keeps the store while it is listened to.
        drop(there);
        match listening {
            Ok((_client, serving)) => drop(serving.await),
            Err(error) => tracing::warn!(%error, "other replicas are not heard now"),
        }
        sleep(AGAIN_AFTER).await;
    }
}

/// Serves a connection until it ends.
async fn serve<S, T>(mut connection: Connection<S, T>, told: Weak<Link>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
        match message {
            Ok(AsyncMessage::Notification(note)) => {
                if let Some(link) = told.upgrade() {
                    link.told(note.payload());
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = %failed(error), "a connection to the store was lost");
                return;
            }
        }
    }
}

/// What went wrong, with the server's own words.
pub(super) fn failed(error: Error) -> StoreError {
    use std::error::Error as _;
    StoreError(match (error.as_db_error(), error.source()) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    })
}
