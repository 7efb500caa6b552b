//! Promise: several replicas of Jurat over one store are one gate: what one asks for another answers, once; a
//! budget is one budget; and where the store is gone nothing passes that needs it (APPR-03, APPR-04, SIDE-11).

use crate::harness::{
    Setup, Shop, Wire, canary,
    cluster::{ADMIN, PASSWORD as STORE_PASSWORD, cluster},
    in_time,
    jurat::{Home, Jurat, PASSWORD},
    record::Records,
    until,
    wire::Reply,
};

use super::{
    approvals::{CHANGED, POLICY, UPDATE, ask, code_in, noticed},
    store::set_reachable,
};

const SECTIONS: &str = "\n[store]\nurl = { file = \"store.url\" }\n[approvals]\nhold_max = \"300s\"\n\
    [admin]\nadmins = [\"dora\"]\n";

/// Nothing is written where somebody has said so.
const FROZEN: &str = r#"package jurat.frozen
deny contains {"id": "frozen", "msg": "it is frozen"} if {
    input.session.freeze != null
    input.statement.class == "write"
}
"#;

/// Writes of orders want approval, others have a budget.
const BUDGET: &str = r#"package jurat.budget
limits contains {"id": "budget.rows", "kind": "rows_affected_per_window", "value": 100, "window": "1h"} if {
    some relation in input.statement.relations
    relation.id == "public.numbers"
}
"#;

/// Two Jurats in front of one database and over one store.
struct Replicas {
    a: Shop,
    b: Jurat,
    setup: Setup,
    store: String,
}

impl Replicas {
    async fn open() -> Option<Self> {
        let cluster = cluster()?;
        let store = cluster.database().await;
        let port = cluster.port;
        let url = format!("postgres://{ADMIN}:{STORE_PASSWORD}@127.0.0.1:{port}/{store}\n");
        let setup = Setup {
            shipped: false,
            limits: SECTIONS,
            files: vec![("store.url", url)],
            ..Setup::default()
        };
        let setup = setup
            .policy("consent.rego", POLICY)
            .policy("budget.rego", BUDGET)
            .policy("frozen.rego", FROZEN);
        let a = Shop::open(setup.clone()).await?;
        let b = Jurat::start(Home::new(&setup, port, &a.database), &setup);
        Some(Self { a, b, setup, store })
    }

    async fn at_b(&self, user: &str) -> Wire {
        Wire::log_in(self.b.port, user, PASSWORD, "shop").await
    }

    async fn approve_at_b(&self, id: &str) -> Reply {
        self.at_b("dora").await.run(&format!("CALL jurat.approve('{id}')")).await
    }

    async fn set_reachable(&self, reachable: bool) {
        set_reachable(self.a.cluster, &self.store, reachable).await;
    }

    /// Ends both: each record verifies, and together they account for what the database ran.
    async fn close(mut self) -> [Records; 2] {
        self.a.jurat.stop();
        self.b.stop();
        let homes = [&self.a.jurat.home, &self.b.home];
        let records = homes.map(|home| {
            let verified = home.verify();
            assert!(verified.status.success(), "jurat audit verify: {verified:?}");
            for place in ["audit", "stderr.log"] {
                assert_eq!(canary::find_below(&home.path(place)), None);
            }
            Records::read(&home.path("audit"))
        });
        let mut all: Vec<_> = records.iter().flat_map(|records| records.0.clone()).collect();
        all.sort_by_key(|record| record["timestamp"].as_str().unwrap_or_default().to_owned());
        let ran = self.a.cluster.witnessed(std::slice::from_ref(&self.a.database)).await;
        assert_eq!(Records(all).account_for(&ran), Ok(()));
        records
    }
}

/// The events of requests in a record, in order.
fn events(records: &Records) -> Vec<String> {
    let approvals = records.0.iter().filter(|record| record["type"] == "approval");
    approvals.map(|record| record["event"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_holder_at_one_replica_wakes_when_another_approves_and_runs_once() {
    let Some(replicas) = Replicas::open().await else { return };
    let mut ana = replicas.a.wire("ana").await;
    ana.query(UPDATE).send().await;
    let id = noticed(&mut ana).await;
    assert_eq!(replicas.a.count(CHANGED).await, 0);
    let list = replicas.at_b("dora").await.run("SHOW jurat.approvals").await;
    assert!(list.value().contains(&id), "{list:?}");
    assert_eq!(replicas.approve_at_b(&id).await.sqlstate(), "00000");
    let reply = in_time("the holder", ana.answer()).await;
    assert_eq!(reply.tag(), "UPDATE 1");
    assert_eq!(replicas.a.count(CHANGED).await, 1);
    // Neither of them has another run for the same yes.
    let mut again = replicas.at_b("ana").await;
    again.query(UPDATE).send().await;
    assert_ne!(noticed(&mut again).await, id);
    again.hang_up();
    let [a, b] = replicas.close().await;
    assert_eq!(events(&a), ["requested", "used"]);
    assert_eq!(events(&b)[..2], ["approved", "requested"]);
}

/// APPR-03: a hundred tries at two replicas, and one passes.
#[tokio::test]
async fn appr_03_of_a_hundred_retries_at_two_replicas_one_passes() {
    let Some(replicas) = Replicas::open().await else { return };
    let text = "UPDATE orders SET amount = amount + 1 WHERE id = 3";
    let cents = "SELECT (amount * 100)::bigint FROM orders WHERE id = 3";
    let mut wires = Vec::new();
    for _ in 0..10 {
        wires.push(replicas.a.wire("bot").await);
        wires.push(replicas.at_b("bot").await);
    }
    let id = ask(&mut wires[0], text).await;
    assert_eq!(ask(&mut wires[1], text).await, id, "one request, wherever it is asked");
    assert_eq!(replicas.approve_at_b(&id).await.sqlstate(), "00000");
    let before = replicas.a.count(cents).await;
    let runs = wires.into_iter().map(|mut wire| {
        tokio::spawn(async move {
            let mut passed = 0;
            for _ in 0..5 {
                passed += u32::from(wire.run(text).await.sqlstate() == "00000");
            }
            passed
        })
    });
    let mut passed = 0;
    for run in runs.collect::<Vec<_>>() {
        passed += run.await.unwrap();
    }
    assert_eq!((passed, replicas.a.count(cents).await - before), (1, 100));
    replicas.close().await;
}

/// Two people answer at once at two replicas: one answer counts, the other is void or too late.
#[tokio::test]
async fn appr_03_two_answers_at_once_are_one() {
    let Some(replicas) = Replicas::open().await else { return };
    let mut bot = replicas.a.wire("bot").await;
    for n in 0..5 {
        let text = format!("UPDATE orders SET note = 'changed' WHERE id = {n}");
        let id = ask(&mut bot, &text).await;
        let mut dora = replicas.a.wire("dora").await;
        let mut priya = replicas.at_b("priya").await;
        let yes = format!("CALL jurat.approve('{id}')");
        let no = format!("CALL jurat.deny('{id}', 'no')");
        let (one, other) = tokio::join!(dora.run(&yes), priya.run(&no));
        let taken = |reply: &Reply| reply.sqlstate() == "00000";
        assert!(taken(&one) != taken(&other), "{one:?} {other:?}");
        assert_eq!(taken(&bot.run(&text).await), taken(&one));
    }
    replicas.close().await;
}

/// A grant outlives the replica at which it was given, and is not used twice by one that was killed.
#[tokio::test]
async fn appr_03_a_replica_that_is_killed_uses_nothing_twice() {
    let Some(mut replicas) = Replicas::open().await else { return };
    let mut bot = replicas.a.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    assert_eq!(replicas.approve_at_b(&id).await.sqlstate(), "00000");
    replicas.b.crash(&replicas.setup);
    let mut at_b = replicas.at_b("bot").await;
    assert_eq!(at_b.run(UPDATE).await.tag(), "UPDATE 1");
    replicas.b.crash(&replicas.setup);
    assert_ne!(ask(&mut replicas.at_b("bot").await, UPDATE).await, id);
    assert_ne!(ask(&mut bot, UPDATE).await, id);
    assert_eq!(replicas.a.count(CHANGED).await, 1);
    replicas.close().await;
}

/// SIDE-11: what was changed through one replica is missing at the other.
#[tokio::test]
async fn side_11_a_budget_over_replicas_is_one_budget() {
    let Some(replicas) = Replicas::open().await else { return };
    let update = |from: u32, count: u32| {
        format!("UPDATE numbers SET n = -n WHERE n > {from} AND n <= {from} + {count}")
    };
    let (mut at_a, mut at_b) = (replicas.a.wire("bot").await, replicas.at_b("bot").await);
    assert_eq!(at_a.run(&update(0, 60)).await.tag(), "UPDATE 60");
    // What is too much is taken back, so asking changes nothing.
    let deadline = std::time::Instant::now() + crate::harness::PATIENCE;
    loop {
        let refused = at_b.run(&update(1_000, 101)).await;
        let message = refused.error().expect("more than the budget").message().to_owned();
        if message.contains("60 of 100") {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "not heard of: {message}");
    }
    assert!(at_b.run(&update(1_000, 41)).await.error().is_some());
    assert_eq!(at_b.run(&update(1_000, 40)).await.tag(), "UPDATE 40");
    assert_eq!(replicas.a.count("SELECT count(*) FROM numbers WHERE n < 0").await, 100);
    replicas.close().await;
}

/// APPR-04: without the store nobody is asked, no grant is used and no budget has room; the rest goes on, and all
/// of it comes back by itself.
#[tokio::test]
async fn without_the_store_nothing_passes_that_needs_it() {
    let Some(replicas) = Replicas::open().await else { return };
    let mut bot = replicas.a.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    assert_eq!(replicas.approve_at_b(&id).await.sqlstate(), "00000");
    replicas.set_reachable(false).await;
    let refused = bot.run(UPDATE).await;
    assert_ne!((refused.sqlstate().as_str(), code_in(&refused).as_str()), ("00000", "JRT-HOLD"));
    assert!(refused.error().is_some(), "{refused:?}");
    assert_eq!(bot.run("SELECT count(*) FROM orders").await.value(), "100");
    let write = "UPDATE numbers SET n = -n WHERE n = 7";
    let deadline = std::time::Instant::now() + crate::harness::PATIENCE;
    while bot.run(write).await.error().is_none() {
        assert!(std::time::Instant::now() < deadline, "budgets are counted without the store");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    assert_eq!(replicas.a.count(CHANGED).await, 0);
    replicas.set_reachable(true).await;
    assert_eq!(bot.run(UPDATE).await.tag(), "UPDATE 1", "what was given was not lost");
    while bot.run(write).await.error().is_some() {
        assert!(std::time::Instant::now() < deadline, "budgets do not come back");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    until("the log to tell", || replicas.a.jurat.log().contains("not heard now").then_some(()));
    replicas.close().await;
}

/// On connections that are open, too, and at both ends of it.
#[tokio::test]
async fn what_one_replica_freezes_the_others_obey() {
    let Some(replicas) = Replicas::open().await else { return };
    let mut ana = replicas.a.wire("ana").await;
    let mut dora = Wire::log_in(replicas.b.port, "dora", PASSWORD, "jurat").await;
    let write = "INSERT INTO notes (body) VALUES ('x')";
    for (order, code) in
        [("FREEZE shop UNTIL '1h' REASON 'release'", "42501"), ("UNFREEZE shop", "00000")]
    {
        let done = dora.run(order).await;
        assert_eq!(done.sqlstate(), "00000", "{order}: {done:?}");
        let obeyed = async { while ana.run(write).await.sqlstate() != code {} };
        in_time("the other replica", obeyed).await;
    }
    drop((ana, dora));
    replicas.close().await;
}
