//! A test's own database with Jurat in front of it, and the oracles that every test ends with.

use tokio_postgres::{Client, Config, Error};

use super::{
    Setup, Wire, canary, client,
    cluster::{self, Cluster, cluster},
    jurat::{Home, Jurat, PASSWORD},
    record::Records,
};

/// A database that nobody else uses, behind Jurat, and a copy of it that is reached directly.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) cluster: &'static Cluster,
    /// The database behind Jurat, as PostgreSQL calls it. Clients call it `shop`.
    pub(crate) database: String,
    /// The same database once more, to show what a statement does when Jurat is not there.
    pub(crate) twin: String,
    pub(crate) jurat: Jurat,
    /// All databases behind this Jurat, as PostgreSQL calls them.
    behind: Vec<String>,
}

impl Shop {
    /// A shop with the policies that ship, in production. Nothing where there is no PostgreSQL.
    pub(crate) async fn usual() -> Option<Self> {
        Self::open(Setup::default()).await
    }

    pub(crate) async fn open(setup: Setup) -> Option<Self> {
        let cluster = cluster()?;
        let database = cluster.database().await;
        let twin = cluster.database().await;
        for name in [&database, &twin] {
            // As somebody whose statements are not taken for Jurat's.
            let session = cluster.connect(cluster::ADMIN, name).await;
            session.batch_execute(setup.objects).await.unwrap();
        }
        let home = Home::new(&setup, cluster.port, &database);
        let jurat = Jurat::start(home, &setup);
        let others = setup.databases.into_iter().map(|(_, _, name)| name);
        let behind = others.chain([database.clone()]).collect();
        Some(Self { cluster, database, twin, jurat, behind })
    }

    /// How to log in through Jurat.
    pub(crate) fn config(&self, user: &str) -> Config {
        client::config(self.jurat.port, user, PASSWORD, "shop")
    }

    /// A session through Jurat.
    pub(crate) async fn connect(&self, user: &str) -> Client {
        client::connect(&self.config(user)).await.unwrap_or_else(|error| self.explain(&error))
    }

    /// A session through Jurat by hand.
    pub(crate) async fn wire(&self, user: &str) -> Wire {
        Wire::log_in(self.jurat.port, user, PASSWORD, "shop").await
    }

    /// A session past Jurat, in the twin.
    pub(crate) async fn direct(&self) -> Client {
        self.cluster.connect(cluster::UPSTREAM, &self.twin).await
    }

    /// A session past Jurat by hand, in the twin.
    pub(crate) async fn direct_wire(&self) -> Wire {
        Wire::log_in(self.cluster.port, cluster::UPSTREAM, cluster::PASSWORD, &self.twin).await
    }

    /// A session past Jurat in the database behind it, to look at what became of it.
    pub(crate) async fn inspector(&self) -> Client {
        self.cluster.connect(cluster::ADMIN, &self.database).await
    }

    /// One number out of the database behind Jurat.
    pub(crate) async fn count(&self, query: &str) -> i64 {
        self.inspector().await.query_one(query, &[]).await.unwrap().get(0)
    }

    /// The record so far.
    pub(crate) fn records(&self) -> Records {
        Records::read(&self.jurat.home.path("audit"))
    }

    /// Ends everything in order and asks the oracles: the record verifies, it accounts for everything
    /// that PostgreSQL ran, and neither it nor the log holds a protected value.
    pub(crate) async fn close(mut self) -> Records {
        self.jurat.stop();
        let verified = self.jurat.home.verify();
        assert!(verified.status.success(), "jurat audit verify: {verified:?}");
        let records = self.records();
        let accounted = records.account_for(&self.cluster.witnessed(&self.behind).await);
        assert_eq!(accounted, Ok(()));
        for place in ["audit", "stderr.log"] {
            assert_eq!(canary::find_below(&self.jurat.home.path(place)), None);
        }
        records
    }

    fn explain(&self, error: &Error) -> ! {
        panic!("no session through Jurat: {error:?}\n{}", self.jurat.log())
    }
}
