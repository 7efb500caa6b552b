//! Requests in a PostgreSQL database that several replicas of Jurat share.
//!
//! Each step is one transaction, which locks what it changes and waits for the disk of the server, whatever
//! the server's own settings are. A change tells all replicas (`NOTIFY`), so that a connection that waits for
//! consent at one of them wakes when it is given at another.
//!
//! The port is synchronous, and so are its callers, which wait on threads of their own; the sockets are
//! served by one thread of this store.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use jurat_core::{Approval, ApprovalStore, Asked, Caps, Clock, Freeze, Spending, StoreError};
use tokio::{runtime::Runtime, sync::Notify, time::timeout};
use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};

mod budgets;
mod link;
mod migrations;
mod outbox;
mod tls;

pub use budgets::SharedBudgets;
pub use link::PostgresSettings;

use link::{Link, failed};

/// How long a step may take, with reaching the server.
const STEP_TIMEOUT: Duration = Duration::from_secs(15);

/// Decided requests that are kept for looking at; the record keeps all of them.
const KEPT_MAX: i64 = 10_000;

/// What a step holds that looks at all requests: two that ask the same at once, at two replicas, are one.
const ASKING_LOCK: i64 = 0x6a75_7261_7402;

/// Requests in a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    link: Arc<Link>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl PostgresStore {
    /// Reaches the database and brings its tables up to date. It waits for the network.
    ///
    /// # Errors
    /// Where it cannot be used, or a newer program has made its tables.
    pub fn open(settings: PostgresSettings) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("jurat-store")
            .enable_all()
            .build()
            .map_err(|error| StoreError(error.to_string()))?;
        let link = Arc::new(Link::new(settings)?);
        let store = Self { link, runtime: Some(runtime) };
        store.step(async |client| migrations::run(client).await)?;
        store.spawn(link::listen(Arc::downgrade(&store.link)));
        Ok(store)
    }

    /// What all replicas together take out of budgets. It waits for the network.
    ///
    /// # Errors
    /// Where the store cannot be used.
    pub fn budgets(&self, clock: Arc<dyn Clock>) -> Result<Arc<SharedBudgets>, StoreError> {
        let budgets = Arc::new(SharedBudgets::new(clock));
        self.wait(budgets.exchange(&self.link))?;
        self.link.set_budgets_bell(budgets.bell());
        self.spawn(budgets::keep_in_step(Arc::downgrade(&self.link), Arc::downgrade(&budgets)));
        Ok(budgets)
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            drop(runtime.spawn(work));
        }
    }

    /// One step, done for good or not at all. The calling thread waits.
    fn step<T>(
        &self,
        work: impl AsyncFnOnce(&Client) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.wait(self.link.step(work))
    }

    fn wait<T>(&self, step: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let Some(runtime) = &self.runtime else { return Err(StoreError("it ends".to_owned())) };
        let step = async {
            timeout(STEP_TIMEOUT, step)
                .await
                .unwrap_or_else(|_late| Err(StoreError("the server does not answer".to_owned())))
        };
        let _timers_and_sockets = runtime.enter();
        wait_for(step)
    }
}

/// Waits for a future on this thread, which may belong to a runtime of its own: nothing is entered that must not be
/// entered twice. Sockets and timers are those of the store's thread, which wakes this one.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    struct Thread(std::thread::Thread);
    impl Wake for Thread {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Thread(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        // Waiting for it is not allowed everywhere.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl ApprovalStore for PostgresStore {
    fn ask(&self, new: &Approval, caps: Caps, now_ns: i64) -> Result<Asked, StoreError> {
        self.step(async |client| {
            lock_all(client).await?;
            if let Some(known) = find_same(client, &new.digest, now_ns).await? {
                return Ok(Asked::Known(Box::new(known)));
            }
            let requester = &new.intent.principal.id;
            let counts = client
                .query_typed(
                    "SELECT count(*) FILTER (WHERE requester = $1), count(*) FROM jurat.approvals \
                     WHERE state = 'pending' AND expires_ns > $2",
                    &[(requester, Type::TEXT), (&now_ns, Type::INT8)],
                )
                .await
                .map_err(failed)?;
            let count = |at| {
                let count = counts.first().and_then(|row| row.try_get::<_, i64>(at).ok());
                count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX)
            };
            if count(0) >= caps.per_principal {
                return Ok(Asked::Full { own: true });
            }
            if count(1) >= caps.total {
                return Ok(Asked::Full { own: false });
            }
            self.write(client, new).await?;
            Ok(Asked::New(Box::new(new.clone())))
        })
    }

    fn find(&self, digest: &str, now_ns: i64) -> Result<Option<Approval>, StoreError> {
        self.step(async |client| find_same(client, digest, now_ns).await)
    }

    fn change(
        &self,
        id: &str,
        change: &mut dyn FnMut(&mut Approval) -> bool,
    ) -> Result<Option<Approval>, StoreError> {
        self.step(async |client| {
            let Some(mut approval) = find_to_change(client, id).await? else { return Ok(None) };
            if change(&mut approval) {
                self.write(client, &approval).await?;
            }
            Ok(Some(approval))
        })
    }

    fn spend(&self, spendings: &[Spending], now_ns: i64) -> Result<bool, StoreError> {
        // In one order for all, so that two that want the same do not wait for each other.
        let mut spendings: Vec<&Spending> = spendings.iter().collect();
        spendings.sort_by(|one, other| one.id.cmp(&other.id));
        let mut there = true;
        let spent = self.step(async |client| {
            for Spending { id, digest, decision_id } in spendings {
                let found = find_to_change(client, id).await?;
                let used = found.filter(|_| there).and_then(|mut approval| {
                    approval.spend(digest, decision_id, now_ns).then_some(approval)
                });
                let Some(used) = used else {
                    there = false;
                    // The step is given up, so none of them is used.
                    return Err(StoreError("the grant is gone".to_owned()));
                };
                self.write(client, &used).await?;
            }
            Ok(())
        });
        if there { spent.map(|()| true) } else { Ok(false) }
    }

    fn get(&self, id: &str) -> Result<Option<Approval>, StoreError> {
        self.step(async |client| {
            let found = client
                .query_typed("SELECT body FROM jurat.approvals WHERE id = $1", &[(&id, Type::TEXT)])
                .await
                .map_err(failed)?;
            found.first().map(read).transpose()
        })
    }

    fn list(&self, open: bool, count: usize) -> Result<Vec<Approval>, StoreError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.step(async |client| {
            let found = client
                .query_typed(
                    "SELECT body FROM jurat.approvals WHERE NOT $1 OR state IN ('pending', 'approved') \
                     ORDER BY created_ns DESC, id LIMIT $2",
                    &[(&open, Type::BOOL), (&count, Type::INT8)],
                )
                .await
                .map_err(failed)?;
            found.iter().map(read).collect()
        })
    }

    fn expire(&self, now_ns: i64) -> Result<Vec<Approval>, StoreError> {
        self.step(async |client| {
            // What another replica ends just now is recorded there.
            let found = client
                .query_typed(
                    "SELECT body FROM jurat.approvals WHERE state IN ('pending', 'approved') \
                     AND expires_ns <= $1 FOR UPDATE SKIP LOCKED",
                    &[(&now_ns, Type::INT8)],
                )
                .await
                .map_err(failed)?;
            let mut over: Vec<Approval> = found.iter().map(read).collect::<Result<_, _>>()?;
            over.retain_mut(|approval| approval.age(now_ns));
            for approval in &over {
                self.write(client, approval).await?;
            }
            client
                .query_typed(
                    "DELETE FROM jurat.approvals WHERE state NOT IN ('pending', 'approved') \
                     AND expires_ns <= $1 AND created_ns < (SELECT created_ns FROM jurat.approvals \
                     ORDER BY created_ns DESC OFFSET $2 LIMIT 1)",
                    &[(&now_ns, Type::INT8), (&KEPT_MAX, Type::INT8)],
                )
                .await
                .map_err(failed)?;
            Ok(over)
        })
    }

    fn ring(&self, bell: Arc<Notify>) {
        self.link.set_approvals_bell(bell);
    }

    fn ring_freezes(&self, bell: Arc<Notify>) {
        self.link.set_freezes_bell(bell);
    }

    fn freezes(&self) -> Result<Vec<Freeze>, StoreError> {
        self.step(async |client| {
            let text = "SELECT body FROM jurat.freezes";
            let found = client.query_typed(text, &[]).await.map_err(failed)?;
            let read = |row: &Row| {
                let body: String = row.try_get(0).map_err(failed)?;
                serde_json::from_str(&body).map_err(|error| StoreError(error.to_string()))
            };
            found.iter().map(read).collect()
        })
    }

    fn freeze(&self, freeze: &Freeze) -> Result<(), StoreError> {
        let body = serde_json::to_string(freeze).map_err(|error| StoreError(error.to_string()))?;
        self.step(async |client| {
            let text = "INSERT INTO jurat.freezes (name, body) VALUES ($1, $2) \
                        ON CONFLICT (name) DO UPDATE SET body = $2 \
                        RETURNING pg_catalog.pg_notify('jurat', $3)";
            let values: [(&(dyn ToSql + Sync), Type); 3] = [
                (&freeze.database, Type::TEXT),
                (&body, Type::TEXT),
                (&self.link.word(link::FREEZES), Type::TEXT),
            ];
            client.query_typed(text, &values).await.map(drop).map_err(failed)
        })
    }

    fn unfreeze(&self, database: &str) -> Result<(), StoreError> {
        self.step(async |client| {
            let text = "DELETE FROM jurat.freezes WHERE name = $1 \
                        RETURNING pg_catalog.pg_notify('jurat', $2)";
            let word = self.link.word(link::FREEZES);
            let values: [(&(dyn ToSql + Sync), Type); 2] =
                [(&database, Type::TEXT), (&word, Type::TEXT)];
            client.query_typed(text, &values).await.map(drop).map_err(failed)
        })
    }
}

impl PostgresStore {
    /// Writes a request, and tells all replicas once that is committed.
    async fn write(&self, client: &Client, approval: &Approval) -> Result<(), StoreError> {
        let body =
            serde_json::to_string(approval).map_err(|error| StoreError(error.to_string()))?;
        let values: [(&(dyn ToSql + Sync), Type); 8] = [
            (&approval.id, Type::TEXT),
            (&approval.digest, Type::TEXT),
            (&approval.intent.principal.id, Type::TEXT),
            (&approval.state.as_str(), Type::TEXT),
            (&approval.created_ns, Type::INT8),
            (&approval.expires_ns, Type::INT8),
            (&body, Type::TEXT),
            (&self.link.word(link::APPROVALS), Type::TEXT),
        ];
        let written = client
            .query_typed(
                "INSERT INTO jurat.approvals AS a \
                 (id, digest, requester, state, created_ns, expires_ns, body) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) \
                 ON CONFLICT (id) DO UPDATE SET state = $4, expires_ns = $6, body = $7 \
                 WHERE a.digest = $2 AND a.requester = $3 \
                 RETURNING pg_catalog.pg_notify('jurat', $8)",
                &values,
            )
            .await
            .map_err(failed)?;
        if written.len() == 1 { Ok(()) } else { Err(StoreError("an id is taken".to_owned())) }
    }
}

/// Keeps all others from asking until the step is over.
async fn lock_all(client: &Client) -> Result<(), StoreError> {
    let lock = "SELECT pg_catalog.pg_advisory_xact_lock($1)";
    client.query_typed(lock, &[(&ASKING_LOCK, Type::INT8)]).await.map(drop).map_err(failed)
}

async fn find_same(
    client: &Client,
    digest: &str,
    now_ns: i64,
) -> Result<Option<Approval>, StoreError> {
    let found = client
        .query_typed(
            "SELECT body FROM jurat.approvals WHERE digest = $1 AND expires_ns > $2 \
             AND state IN ('pending', 'approved', 'denied') ORDER BY created_ns DESC LIMIT 1",
            &[(&digest, Type::TEXT), (&now_ns, Type::INT8)],
        )
        .await
        .map_err(failed)?;
    found.first().map(read).transpose()
}

/// A request that nobody else can change until the step is over.
async fn find_to_change(client: &Client, id: &str) -> Result<Option<Approval>, StoreError> {
    let text = "SELECT body FROM jurat.approvals WHERE id = $1 FOR UPDATE";
    let found = client.query_typed(text, &[(&id, Type::TEXT)]).await.map_err(failed)?;
    found.first().map(read).transpose()
}

fn read(row: &Row) -> Result<Approval, StoreError> {
    let body: &str = row.try_get(0).map_err(failed)?;
    serde_json::from_str(body).map_err(|error| StoreError(error.to_string()))
}
