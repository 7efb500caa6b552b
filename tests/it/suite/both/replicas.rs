//! Promise: several replicas of Jurat over one store are one gate: what one asks for another answers, once; a
//! budget is one budget; and where the store is gone nothing passes that needs it (APPR-03, APPR-04, SIDE-11).

use crate::{
    harness::{
        PATIENCE, Protocol, Setup,
        both::{Answer, AnyShop, Session, Way, both},
        canary,
        cluster::{ADMIN, PASSWORD as STORE_PASSWORD, cluster},
        in_time,
        jurat::{Home, Jurat},
        record::Records,
        until,
    },
    suite::{
        approvals::{CHANGED, POLICY},
        freeze::admin,
        store::set_reachable,
    },
};

use super::approvals::{UPDATE, ask, id_in};

both!(
    appr_03_a_replica_that_is_killed_uses_nothing_twice,
    appr_03_of_a_hundred_retries_at_two_replicas_one_passes,
    appr_03_two_answers_at_once_are_one,
    side_11_a_budget_over_replicas_is_one_budget,
    the_holder_at_one_replica_wakes_when_another_approves_and_runs_once,
    what_one_replica_freezes_the_others_obey,
    without_the_store_nothing_passes_that_needs_it,
);

const SECTIONS: &str = "\n[store]\nurl = { file = \"store.url\" }\n[approvals]\nhold_max = \"300s\"\n\
    socket = \"approvers.sock\"\n\
    [[approvals.operator]]\nprincipal = \"dora\"\ntoken = { file = \"dora.token\" }\n\
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
    on: Protocol,
    a: AnyShop,
    b: Jurat,
    setup: Setup,
    store: String,
}

impl Replicas {
    async fn open(on: Protocol) -> Option<Self> {
        let cluster = cluster()?;
        let store = cluster.database().await;
        let port = cluster.port;
        let url = format!("postgres://{ADMIN}:{STORE_PASSWORD}@127.0.0.1:{port}/{store}\n");
        let setup = Setup {
            shipped: false,
            limits: SECTIONS,
            files: vec![("store.url", url)],
            ..on.setup()
        };
        let setup = setup
            .policy("consent.rego", on.write(POLICY))
            .policy("budget.rego", on.write(BUDGET))
            .policy("frozen.rego", FROZEN);
        let a = on.open(setup.clone()).await?;
        let (port, database) = a.behind();
        let b = Jurat::start(Home::new(&setup, port, database), &setup);
        Some(Self { on, a, b, setup, store })
    }

    async fn at_b(&self, user: &str) -> Session {
        self.on.log_in(self.b.port, user, "shop").await.expect("a session at the other replica")
    }

    async fn approve_at_b(&self, id: &str) -> Answer {
        self.at_b("dora").await.try_one(&format!("CALL jurat.approve('{id}')")).await
    }

    async fn set_reachable(&self, reachable: bool) {
        set_reachable(cluster().expect("it runs"), &self.store, reachable).await;
    }

    /// Ends both: each record verifies, and together they account for what the database ran.
    async fn close(mut self) -> [Records; 2] {
        self.a.jurat_mut().stop();
        self.b.stop();
        let homes = [&self.a.jurat().home, &self.b.home];
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
        let ran = self.a.witnessed().await;
        assert_eq!(Records(all).account_for(&ran), Ok(()));
        records
    }
}

/// The events of requests in a record, in order.
fn events(records: &Records) -> Vec<String> {
    let approvals = records.0.iter().filter(|record| record["type"] == "approval");
    approvals.map(|record| record["event"].as_str().unwrap().to_owned()).collect()
}

/// The last request that was made at a replica, once there are as many.
fn requested(jurat: &Jurat, count: usize) -> String {
    until("the request", || {
        let records = Records::read(&jurat.home.path("audit"));
        let made = records.0.iter().filter(|record| record["event"] == "requested");
        let made: Vec<String> =
            made.map(|record| record["id"].as_str().unwrap().to_owned()).collect();
        (made.len() == count).then(|| made.last().unwrap().clone())
    })
}

/// A statement whose client waits for its answer.
fn held(mut session: Session, text: &'static str) -> tokio::task::JoinHandle<Answer> {
    tokio::spawn(async move { session.run(text, Way::Text).await })
}

async fn the_holder_at_one_replica_wakes_when_another_approves_and_runs_once(on: Protocol) {
    let Some(replicas) = Replicas::open(on).await else { return };
    let holder = held(replicas.a.session("ana").await, UPDATE);
    let id = requested(replicas.a.jurat(), 1);
    assert_eq!(replicas.a.count(CHANGED).await, 0);
    let list = replicas.at_b("dora").await.value("SHOW jurat.approvals").await;
    assert!(list.contains(&id), "{list}");
    assert_eq!(replicas.approve_at_b(&id).await.sqlstate(), "00000");
    let answer = in_time("the holder", holder).await.unwrap().worked(UPDATE);
    assert_eq!(answer.affected, 1);
    assert_eq!(replicas.a.count(CHANGED).await, 1);
    // Neither of them has another run for the same yes.
    let again = held(replicas.at_b("ana").await, UPDATE);
    let other = requested(&replicas.b, 1);
    assert_ne!(other, id);
    replicas.a.session("dora").await.one(&format!("CALL jurat.deny('{other}', 'no')")).await;
    in_time("the other holder", again).await.unwrap().denied(UPDATE);
    let [a, b] = replicas.close().await;
    assert_eq!(events(&a), ["requested", "used", "denied"]);
    assert_eq!(events(&b)[..2], ["approved", "requested"]);
}

/// APPR-03: a hundred tries at two replicas, and one passes.
async fn appr_03_of_a_hundred_retries_at_two_replicas_one_passes(on: Protocol) {
    let Some(replicas) = Replicas::open(on).await else { return };
    let text = "UPDATE orders SET amount = amount + 1 WHERE id = 3";
    let cents = "SELECT CAST(amount * 100 AS @) FROM orders WHERE id = 3";
    let cents = &cents.replace('@', on.either("bigint", "SIGNED"));
    let mut wires = Vec::new();
    for _ in 0..10 {
        wires.push(replicas.a.session("bot").await);
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
                passed += u32::from(wire.try_one(text).await.sqlstate() == "00000");
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
async fn appr_03_two_answers_at_once_are_one(on: Protocol) {
    let Some(replicas) = Replicas::open(on).await else { return };
    let mut bot = replicas.a.session("bot").await;
    for n in 0..5 {
        let text = format!("UPDATE orders SET note = 'changed' WHERE id = {n}");
        let id = ask(&mut bot, &text).await;
        let mut dora = replicas.a.session("dora").await;
        let mut priya = replicas.at_b("priya").await;
        let yes = format!("CALL jurat.approve('{id}')");
        let no = format!("CALL jurat.deny('{id}', 'no')");
        let one = tokio::spawn(async move { dora.try_one(&yes).await });
        let other = tokio::spawn(async move { priya.try_one(&no).await });
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        let taken = |answer: &Answer| answer.failure.is_none();
        assert!(taken(&one) != taken(&other), "{one:?} {other:?}");
        assert_eq!(taken(&bot.try_one(&text).await), taken(&one));
    }
    replicas.close().await;
}

/// A grant outlives the replica at which it was given, and is not used twice by one that was killed.
async fn appr_03_a_replica_that_is_killed_uses_nothing_twice(on: Protocol) {
    let Some(mut replicas) = Replicas::open(on).await else { return };
    let mut bot = replicas.a.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    assert_eq!(replicas.approve_at_b(&id).await.sqlstate(), "00000");
    replicas.b.crash(&replicas.setup);
    let mut at_b = replicas.at_b("bot").await;
    assert_eq!(at_b.one(UPDATE).await.affected, 1);
    replicas.b.crash(&replicas.setup);
    assert_ne!(ask(&mut replicas.at_b("bot").await, UPDATE).await, id);
    assert_ne!(ask(&mut bot, UPDATE).await, id);
    assert_eq!(replicas.a.count(CHANGED).await, 1);
    replicas.close().await;
}

/// SIDE-11: what was changed through one replica is missing at the other.
async fn side_11_a_budget_over_replicas_is_one_budget(on: Protocol) {
    let Some(replicas) = Replicas::open(on).await else { return };
    let update = |from: u32, count: u32| {
        format!("UPDATE numbers SET n = -n WHERE n > {from} AND n <= {from} + {count}")
    };
    let (mut at_a, mut at_b) = (replicas.a.session("bot").await, replicas.at_b("bot").await);
    assert_eq!(at_a.one(&update(0, 60)).await.affected, 60);
    // What is too much is taken back, so asking changes nothing.
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let message =
            at_b.try_one(&update(1_000, 101)).await.failed("more than the budget").message;
        if message.contains("60 of 100") {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "not heard of: {message}");
    }
    assert!(at_b.try_one(&update(1_000, 41)).await.failure.is_some());
    assert_eq!(at_b.one(&update(1_000, 40)).await.affected, 40);
    assert_eq!(replicas.a.count("SELECT count(*) FROM numbers WHERE n < 0").await, 100);
    replicas.close().await;
}

/// APPR-04: without the store nobody is asked, no grant is used and no budget has room; the rest goes on, and all
/// of it comes back by itself.
async fn without_the_store_nothing_passes_that_needs_it(on: Protocol) {
    let Some(replicas) = Replicas::open(on).await else { return };
    let mut bot = replicas.a.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    assert_eq!(replicas.approve_at_b(&id).await.sqlstate(), "00000");
    replicas.set_reachable(false).await;
    let refused = bot.try_one(UPDATE).await.failed(UPDATE);
    assert_eq!(id_in(&refused), None, "nobody can be asked: {refused:?}");
    assert_eq!(bot.value("SELECT count(*) FROM orders").await, "100");
    let write = "UPDATE numbers SET n = -n WHERE n = 7";
    let deadline = std::time::Instant::now() + PATIENCE;
    while bot.try_one(write).await.failure.is_none() {
        assert!(std::time::Instant::now() < deadline, "budgets are counted without the store");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    assert_eq!(replicas.a.count(CHANGED).await, 0);
    replicas.set_reachable(true).await;
    assert_eq!(bot.one(UPDATE).await.affected, 1, "what was given was not lost");
    while bot.try_one(write).await.failure.is_some() {
        assert!(std::time::Instant::now() < deadline, "budgets do not come back");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    until("the log to tell", || replicas.a.jurat().log().contains("not heard now").then_some(()));
    replicas.close().await;
}

/// On connections that are open, too, and at both ends of it.
async fn what_one_replica_freezes_the_others_obey(on: Protocol) {
    let Some(replicas) = Replicas::open(on).await else { return };
    let mut ana = replicas.a.session("ana").await;
    let write = "INSERT INTO notes (body) VALUES ('x')";
    let freeze: &[&str] = &["freeze", "shop", "--until", "1h", "--reason", "release"];
    for (order, refused) in [(freeze, true), (&["unfreeze", "shop"], false)] {
        let (done, said) = admin(&replicas.b.home, "dora", order);
        assert!(done, "{order:?}: {said}");
        let start = std::time::Instant::now();
        while ana.try_one(write).await.failure.is_some() != refused {
            assert!(start.elapsed() < PATIENCE, "the other replica hears nothing of {order:?}");
        }
    }
    drop(ana);
    replicas.close().await;
}
