//! The same over MySQL's protocol.

use jurat_playground::fault::Fault;
use jurat_wire::mysql::command::CommandCode;

use super::Stand;
use crate::harness::{MyWire, Setup, jurat::PASSWORD};

/// The client waits where it stands, so the playground needs a thread of its own.
impl Stand {
    async fn over_mysql() -> Self {
        Self::over("mysql", Setup::mariadb()).await
    }

    fn my_wire(&self, user: &str) -> MyWire {
        MyWire::log_in(self.jurat.port, user, PASSWORD, Some("shop")).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_playground_is_served_like_a_server() {
    let stand = Stand::over_mysql().await;
    let mut ana = stand.my_wire("ana");
    let customers = "SELECT id, email, card, created_at FROM customers WHERE id <= 2 ORDER BY id";
    let statement = ana.prepare(customers).unwrap();
    for result in [ana.one(customers), ana.execute(statement, &[]).unwrap().remove(0)] {
        let shown = format!("{:?}", result.rows);
        assert_eq!(result.rows.len(), 2, "{shown}");
        assert!(shown.contains("2024-01-01 00:37:00") && !shown.contains("berg"), "{shown}");
    }
    // What is masked is not to be guessed at.
    assert_eq!(ana.error("SELECT id FROM customers WHERE email LIKE 'ben%'").code, 1142);
    assert!(ana.one("SELECT VERSION()").value().contains("playground"));
    let tables =
        ana.one("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'");
    assert_eq!(tables.rows.len(), 5);
    assert_eq!(ana.one("SELECT total_cents FROM open_orders ORDER BY id LIMIT 1").rows.len(), 1);
    let mut shopd = stand.my_wire("shopd");
    shopd.one("START TRANSACTION");
    assert_eq!(shopd.one("UPDATE orders SET status = 'x' WHERE id = 1").affected, 1);
    // An error leaves the transaction open, as a denial does.
    assert_eq!(shopd.error("SELECT 1 FROM nowhere").code, 1146);
    assert_eq!(shopd.error("DELETE FROM orders").code, 1142);
    assert_eq!(shopd.one("SELECT status FROM orders WHERE id = 1").value(), "x");
    shopd.one("ROLLBACK");
    assert_eq!(shopd.one("SELECT status FROM orders WHERE id = 1").value(), "paid");
    assert_eq!(stand.outcome("SELECT VERSION()"), "done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_begins_anew_has_nothing_open_and_its_masks() {
    let stand = Stand::over_mysql().await;
    let mut shopd = stand.my_wire("shopd");
    shopd.one("START TRANSACTION");
    shopd.one("UPDATE orders SET status = 'x' WHERE id = 1");
    shopd.simple(CommandCode::ResetConnection, &[]).unwrap();
    assert_eq!(shopd.one("SELECT status FROM orders WHERE id = 1").value(), "paid");
    assert_eq!(shopd.one("SELECT @@autocommit").value(), "1");
    let mut ana = stand.my_wire("ana");
    ana.simple(CommandCode::ResetConnection, &[]).unwrap();
    assert!(!ana.one("SELECT email FROM customers WHERE id = 1").value().contains("berg"));
    assert_eq!(stand.outcome("SELECT email"), "done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_dies_in_the_middle_of_a_result_is_recorded_as_unknown() {
    let stand = Stand::over_mysql().await;
    let mut wire = stand.my_wire("shopd");
    stand.relay.set(Fault::CutAfterBytes(100_000));
    let error = wire.query("SELECT id, amount_cents FROM payments").unwrap_err();
    assert_eq!(error.sqlstate, "08S01", "{error:?}");
    assert!(wire.is_closed());
    assert_eq!(stand.outcome("FROM payments"), "unknown");
}
