//! Promise: Jurat serves the embedded playground as it serves a server, and an upstream that fails in the middle of
//! something is told to the client and to the record. These need nothing installed.

use jurat_playground::{
    DATABASE, Playground,
    fault::{Fault, FaultyRelay},
};
use tempfile::TempDir;

mod mysql;

use crate::harness::{
    Setup, Wire, cluster, in_time,
    jurat::{Home, Jurat, PASSWORD},
    record::Records,
};

/// The playground, a relay that fails on demand in front of it, and Jurat in front of both.
struct Stand {
    jurat: Jurat,
    relay: FaultyRelay,
    _playground: Playground,
    _dir: TempDir,
}

impl Stand {
    async fn new() -> Self {
        Self::over("postgres", Setup::default()).await
    }

    /// Over one of the protocols, as the configuration calls it.
    async fn over(protocol: &str, setup: Setup) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let playground = Playground::start(dir.path(), cluster::PASSWORD).await.unwrap();
        let address = if protocol == "postgres" { playground.postgres } else { playground.mysql };
        let relay = FaultyRelay::start(address).await.unwrap();
        let home = Home::new(&setup, relay.address.port(), DATABASE);
        // The playground knows one user, and it is not the one of the suite's servers.
        let configuration = std::fs::read_to_string(home.path("jurat.toml")).unwrap();
        let users =
            [cluster::UPSTREAM, jurat_playground::USER].map(|user| format!("{protocol}://{user}@"));
        assert!(configuration.contains(&users[0]));
        home.write("jurat.toml", &configuration.replace(&users[0], &users[1]));
        Self { jurat: Jurat::start(home, &setup), relay, _playground: playground, _dir: dir }
    }

    async fn wire(&self, user: &str) -> Wire {
        let mut wire = Wire::log_in(self.jurat.port, user, PASSWORD, "shop").await;
        // The first answer tells that everything that comes with a login has come.
        assert_eq!(wire.run("SELECT 1").await.value(), "1");
        wire
    }

    /// Ends Jurat, and what became of the statement with this in its text.
    fn outcome(mut self, text: &str) -> String {
        self.jurat.stop();
        let verified = self.jurat.home.verify();
        assert!(verified.status.success(), "jurat audit verify: {verified:?}");
        let records = Records::read(&self.jurat.home.path("audit"));
        let outcome = records.outcome(&records.decision_on(text)).expect("an outcome");
        outcome["outcome"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_playground_is_served_like_a_server() {
    let stand = Stand::new().await;
    let mut ana = stand.wire("ana").await;
    let customers = "SELECT id, email, card, created_at FROM customers WHERE id <= 2 ORDER BY id";
    for reply in [ana.run(customers).await, ana.run_extended(customers, 0).await] {
        let shown = format!("{:?}", reply.rows());
        assert_eq!(reply.rows().len(), 2, "{shown}");
        assert!(shown.contains("2024-01-01 00:37:00+00") && !shown.contains("berg"), "{shown}");
    }
    // What it says of itself comes through.
    assert!(ana.run("SHOW server_version").await.value().contains("playground"));
    // As psql 15 asks for \\dt.
    let tables = "SELECT n.nspname as \"Schema\", c.relname as \"Name\", \
                  pg_catalog.pg_get_userbyid(c.relowner) as \"Owner\" FROM pg_catalog.pg_class c \
                  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                  LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam WHERE c.relkind IN ('r','p','') \
                  AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast' \
                  AND n.nspname <> 'information_schema' AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1,2";
    assert_eq!(ana.run(tables).await.rows().len(), 4);
    let mut shopd = stand.wire("shopd").await;
    assert_eq!(shopd.run("BEGIN").await.tag(), "BEGIN");
    assert_eq!(shopd.run("UPDATE orders SET status = 'x' WHERE id = 1").await.tag(), "UPDATE 1");
    assert_eq!(shopd.run("SELECT 1 FROM nowhere").await.sqlstate(), "42P01");
    assert_eq!(shopd.run("SELECT 1").await.sqlstate(), "25P02");
    assert_eq!(shopd.run("ROLLBACK").await.tag(), "ROLLBACK");
    assert_eq!(shopd.run("SELECT status FROM orders WHERE id = 1").await.value(), "paid");
    // A denial in the middle of a pipeline takes the pipeline back, in the playground too.
    shopd.parse("", "UPDATE orders SET status = 'y' WHERE id = 1").bind("", "").execute("");
    shopd.parse("", "DELETE FROM orders").bind("", "").execute("").sync();
    shopd.send().await;
    assert_eq!(shopd.reply().await.sqlstate(), "42501");
    assert_eq!(shopd.run("SELECT status FROM orders WHERE id = 1").await.value(), "paid");
    assert_eq!(stand.outcome("SHOW server_version"), "done");
}

#[tokio::test]
async fn an_upstream_that_dies_in_the_middle_of_a_result_is_told_and_recorded_as_unknown() {
    let stand = Stand::new().await;
    let mut wire = stand.wire("shopd").await;
    stand.relay.set(Fault::CutAfterBytes(100_000));
    let reply = in_time("the end", wire.run("SELECT id, amount_cents FROM payments")).await;
    let error = reply.error().expect("an error behind the rows");
    assert_eq!((error.severity(), error.code()), ("FATAL", "57P01"), "{error}");
    let rows = reply.rows().len();
    assert!((1..40_000).contains(&rows), "{rows} rows came before");
    assert!(wire.is_closed().await);
    assert_eq!(stand.outcome("FROM payments"), "unknown");
}

#[tokio::test]
async fn an_upstream_that_dies_before_it_confirms_a_write_leaves_it_unknown() {
    let stand = Stand::new().await;
    let mut wire = stand.wire("shopd").await;
    stand.relay.set(Fault::CutAfterBytes(0));
    let reply = in_time("the end", wire.run("UPDATE orders SET status = 'x' WHERE id = 1")).await;
    assert_eq!(reply.sqlstate(), "57P01");
    assert!(reply.rows().is_empty() && wire.is_closed().await);
    // The next session is served, and shows what Jurat could not know: that it was written.
    stand.relay.set(Fault::None);
    let mut next = stand.wire("shopd").await;
    assert_eq!(next.run("SELECT status FROM orders WHERE id = 1").await.value(), "x");
    assert_eq!(stand.outcome("UPDATE orders SET status ="), "unknown");
}

#[tokio::test]
async fn an_upstream_that_breaks_the_protocol_ends_the_session_and_leaves_the_outcome_unknown() {
    let stand = Stand::new().await;
    let mut wire = stand.wire("shopd").await;
    // A message of no known kind, in place of the answer.
    stand.relay.set(Fault::Instead(b"!\0\0\0\x04".to_vec()));
    let reply = in_time("the end", wire.run("SELECT count(*) FROM order_items")).await;
    let error = reply.error().expect("an error before the end");
    assert_eq!(error.severity(), "FATAL", "{error}");
    assert!(reply.rows().is_empty() && wire.is_closed().await);
    assert_eq!(stand.outcome("FROM order_items"), "unknown");
}

#[tokio::test]
async fn an_upstream_that_is_slow_is_waited_for() {
    let stand = Stand::new().await;
    let mut wire = stand.wire("shopd").await;
    stand.relay.set(Fault::Delay(std::time::Duration::from_millis(20)));
    assert_eq!(wire.run("SELECT count(*) FROM order_items").await.value(), "60000");
    assert_eq!(wire.run_extended("SELECT count(*) FROM orders", 0).await.value(), "30000");
    stand.relay.set(Fault::None);
    assert_eq!(stand.outcome("FROM order_items"), "done");
}
