//! Promise: a store in PostgreSQL does what one in a file does, and heals when its server comes back.

use std::{sync::Arc, time::Duration};

use jurat_core::{ApprovalStore, BudgetError, BudgetKey, Budgets as _, Freeze, SystemClock};
use jurat_store::{PostgresSettings, PostgresStore};
use tokio::sync::Notify;
use tokio_postgres::Client;

use crate::{
    harness::{
        cluster::{ADMIN, Cluster, cluster},
        until,
    },
    store_suite::{Place, every_case},
};

/// A database of the test's own.
pub(super) struct InDatabase {
    cluster: &'static Cluster,
    pub(super) name: String,
}

impl InDatabase {
    /// Nothing where there is no PostgreSQL.
    fn new() -> Option<Self> {
        let cluster = cluster()?;
        let name = wait(async { cluster.database().await });
        Some(Self { cluster, name })
    }

    fn open_postgres(&self) -> PostgresStore {
        let config = self.cluster.config(ADMIN, &self.name);
        PostgresStore::open(PostgresSettings { config, tls: None }).unwrap()
    }

    async fn admin(&self, database: &str) -> Client {
        self.cluster.connect(ADMIN, database).await
    }
}

impl Place for InDatabase {
    fn open(&self) -> Box<dyn ApprovalStore> {
        Box::new(self.open_postgres())
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

every_case!(InDatabase::new());

/// Lets nobody into a database, or everybody again; who is in it is thrown out.
pub(super) async fn set_reachable(cluster: &Cluster, database: &str, reachable: bool) {
    let admin = cluster.connect(ADMIN, "postgres").await;
    let change = format!("ALTER DATABASE {database} ALLOW_CONNECTIONS {reachable}");
    admin.batch_execute(&change).await.unwrap();
    if !reachable {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        admin.query(end, &[&database]).await.unwrap();
    }
}

#[test]
fn what_a_newer_program_has_made_is_left_alone() {
    let Some(place) = InDatabase::new() else { return };
    drop(place.open());
    wait(async {
        let admin = place.admin(&place.name).await;
        admin.batch_execute("UPDATE jurat.version SET version = 99").await.unwrap();
    });
    let config = place.cluster.config(ADMIN, &place.name);
    let error = PostgresStore::open(PostgresSettings { config, tls: None }).unwrap_err();
    assert!(error.to_string().contains("newer"), "{error}");
}

/// Owning the schema is enough, and a schema of the same name that somebody else owns is not used.
#[test]
fn a_role_that_owns_the_schema_needs_no_more() {
    let Some(place) = InDatabase::new() else { return };
    let role = format!("{}_store", place.name);
    let open = || {
        let mut config = place.cluster.config(&role, &place.name);
        config.password("pass");
        PostgresStore::open(PostgresSettings { config, tls: None })
    };
    wait(async {
        let admin = place.admin(&place.name).await;
        let make = format!("CREATE ROLE {role} LOGIN PASSWORD 'pass'; CREATE SCHEMA jurat");
        admin.batch_execute(&make).await.unwrap();
    });
    let error = open().unwrap_err();
    assert!(error.to_string().contains("permission denied for schema jurat"), "{error}");
    wait(async {
        let admin = place.admin(&place.name).await;
        admin.batch_execute(&format!("ALTER SCHEMA jurat OWNER TO {role}")).await.unwrap();
    });
    assert_eq!(open().unwrap().list(true, 10).unwrap(), []);
}

#[test]
fn a_store_that_is_gone_is_an_error_and_heals() {
    let Some(place) = InDatabase::new() else { return };
    let store = place.open_postgres();
    assert_eq!(store.list(true, 10).unwrap(), []);
    wait(set_reachable(place.cluster, &place.name, false));
    assert!(store.list(true, 10).is_err());
    wait(set_reachable(place.cluster, &place.name, true));
    assert_eq!(store.list(true, 10).unwrap(), []);
}

fn key(principal: &str) -> BudgetKey {
    BudgetKey {
        principal: principal.to_owned(),
        database: "shop".to_owned(),
        kind: "rows_affected_per_window".to_owned(),
        window_seconds: 3_600,
    }
}

/// SIDE-11 over replicas: none is less strict than one alone, and what one takes the others soon know; also
/// one that starts later.
#[test]
fn what_one_replica_takes_the_others_know() {
    let Some(place) = InDatabase::new() else { return };
    let stores = [place.open_postgres(), place.open_postgres()];
    let clock = || Arc::new(SystemClock);
    let [a, b] = [0, 1].map(|at: usize| stores[at].budgets(clock()).unwrap());
    // Within one step of the window, so that nothing of it leaves while the test runs.
    let now_ns = jurat_core::Clock::now_ns(&SystemClock);
    let take = |from: &dyn jurat_core::Budgets, amount| from.take(&key("bot"), amount, 100, now_ns);
    assert_eq!(take(&*a, 60), Ok(()));
    assert_eq!(take(&*a, 41), Err(BudgetError::Spent { spent: 60, bound: 100 }));
    let heard = Err(BudgetError::Spent { spent: 60, bound: 100 });
    // More than there ever is, so that asking takes nothing.
    until("the other replica to hear of it", || (take(&*b, 101) == heard).then_some(()));
    assert_eq!(take(&*b, 41), heard);
    assert_eq!(take(&*b, 40), Ok(()));
    until("the first to hear of that", || take(&*a, 0).err());
    assert_eq!(b.take(&key("ana"), 100, 100, now_ns), Ok(()), "others have budgets of their own");
    until("what was taken to be told", || {
        let third = place.open_postgres().budgets(clock()).unwrap();
        (take(&*third, 1) == Err(BudgetError::Spent { spent: 100, bound: 100 })).then_some(())
    });
}

/// What one replica freezes the others are told of, and no replica of what it has done itself.
#[test]
fn what_one_replica_freezes_the_others_are_told() {
    let Some(place) = InDatabase::new() else { return };
    let [one, other] = [place.open_postgres(), place.open_postgres()];
    let [bell, others] = [Arc::new(Notify::new()), Arc::new(Notify::new())];
    one.ring_freezes(Arc::clone(&bell));
    other.ring_freezes(Arc::clone(&others));
    let freeze = |reason: &str| {
        let (database, reason, by) = ("shop".to_owned(), reason.to_owned(), "dora".to_owned());
        Freeze { database, reason, by, until_ns: None }
    };
    let rung = |bell: &Notify, within: u64| {
        wait(async {
            tokio::time::timeout(Duration::from_millis(within), bell.notified()).await.is_ok()
        })
    };
    until("the replica to listen", || {
        other.freeze(&freeze("release")).unwrap();
        rung(&bell, 100).then_some(())
    });
    // What was told before it listened may ring once more.
    while rung(&bell, 200) || rung(&others, 200) {}
    other.unfreeze("shop").unwrap();
    assert!(rung(&bell, 30_000), "it ends");
    other.freeze(&freeze("incident")).unwrap();
    assert!(rung(&bell, 30_000), "it begins");
    other.unfreeze("nothing").unwrap();
    assert!(!rung(&bell, 200) && !rung(&others, 200));
}
