//! Promise: over a limit that consent can lift, the write runs, is counted and taken back, and consent is asked for
//! with the exact number; the next run may change as many rows and not one more (APPR-02, SIDE-12).

use serde_json::Value;

use crate::harness::{Setup, Shop, Wire, wire::Reply};

pub(in crate::suite) const POLICY: &str = r#"package jurat.own
allow contains "everything"
limits contains {"id": "own.rows", "kind": "rows_affected", "value": 100, "on_exceed": "approve"}
limits contains {"id": "own.most", "kind": "rows_affected", "value": 5000} if input.principal.id == "shopd"
"#;

pub(in crate::suite) const SECTION: &str =
    "\n[approvals]\nstore = \"approvals.db\"\napprovers = [\"group:dba\"]\nhold_max = \"300s\"\n";
const UPDATE: &str = "UPDATE numbers SET n = -n WHERE n BETWEEN 1 AND 500";
const CHANGED: &str = "SELECT count(*) FROM numbers WHERE n < 0";

fn setup() -> Setup {
    Setup { shipped: false, limits: SECTION, ..Setup::default() }.policy("own.rego", POLICY)
}

/// The request that a refusal names, with the exact number of rows.
fn asked(reply: &Reply) -> (String, u64) {
    let error = reply.error().unwrap_or_else(|| panic!("no refusal: {reply:?}"));
    let detail: Value = serde_json::from_str(error.detail()).unwrap();
    assert_eq!((error.code(), &detail["code"]), ("42501", &"JRT-HOLD".into()), "{error}");
    let id = detail["approval"].as_str().unwrap().to_owned();
    assert!(error.message().contains(&id), "{error}");
    (id, detail["rows"].as_u64().unwrap_or_default())
}

async fn answer(shop: &Shop, what: &str, id: &str) {
    let reply = shop.wire("dora").await.run(&format!("CALL jurat.{what}('{id}')")).await;
    assert_eq!(reply.sqlstate(), "00000", "{reply:?}");
}

async fn run(wire: &mut Wire, way: &str, text: &str) -> Reply {
    match way {
        "extended" => wire.run_extended(text, 0).await,
        "in a transaction" => {
            assert_eq!(wire.run("BEGIN").await.tag(), "BEGIN");
            let reply = wire.run(text).await;
            let end = if reply.error().is_some() { "ROLLBACK" } else { "COMMIT" };
            assert_eq!(wire.run(end).await.tag(), end);
            reply
        }
        _ => wire.run(text).await,
    }
}

#[tokio::test]
async fn the_exact_number_is_on_the_card_and_consent_is_to_exactly_that() {
    for (way, text) in [
        ("simple", UPDATE.to_owned()),
        ("extended", UPDATE.to_owned()),
        ("in a transaction", UPDATE.to_owned()),
        ("returning", format!("{UPDATE} RETURNING n")),
    ] {
        let Some(shop) = Shop::open(setup()).await else { return };
        let mut bot = shop.wire("bot").await;
        let (id, rows) = asked(&run(&mut bot, way, &text).await);
        assert_eq!((rows, shop.count(CHANGED).await), (500, 0), "{way}");
        // It waits, and is not run again only to be counted.
        assert_eq!(asked(&run(&mut bot, way, &text).await).0, id, "{way}");
        let card = format!("CALL jurat.show_approval('{id}')");
        let card = format!("{:?}", shop.wire("dora").await.run(&card).await.rows());
        assert!(card.contains("500, and not one more"), "{way}: {card}");
        answer(&shop, "approve", &id).await;
        let reply = run(&mut bot, way, &text).await;
        assert_eq!((reply.tag().as_str(), reply.sqlstate().as_str()), ("UPDATE 500", "00000"));
        assert_eq!(shop.count(CHANGED).await, 500, "{way}");
        shop.count("WITH back AS (UPDATE numbers SET n = -n WHERE n < 0 RETURNING 1) SELECT count(*) FROM back").await;
        assert_ne!(asked(&run(&mut bot, way, &text).await).0, id, "{way}: one yes is for one run");
        assert_eq!(shop.count(CHANGED).await, 0, "{way}");
        let records = shop.close().await;
        let used = records.0.iter().find(|record| record["event"] == "used").unwrap();
        let by = records.decisions().into_iter().find(|d| d["decision_id"] == used["decision_id"]);
        assert_eq!(by.unwrap()["input"]["approvals"][0]["max_rows"], 500);
    }
}

/// APPR-02, SIDE-12: what was 500 rows when it was approved is more when it runs.
#[tokio::test]
async fn appr_02_more_rows_than_were_approved_are_not_changed() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let text = "UPDATE numbers SET n = n - 1000000 WHERE n <= 500";
    let direct = shop.direct_wire().await.run(text).await;
    assert_eq!(direct.tag(), "UPDATE 500");
    let mut bot = shop.wire("bot").await;
    let (id, rows) = asked(&bot.run(text).await);
    assert_eq!(rows, 500);
    answer(&shop, "approve", &id).await;
    let more = "INSERT INTO numbers SELECT -n FROM generate_series(1, 20000) n";
    shop.inspector().await.batch_execute(more).await.unwrap();
    let (again, rows) = asked(&bot.run(text).await);
    assert_ne!(again, id);
    assert_eq!(rows, 20_500);
    assert_eq!(shop.count("SELECT count(*) FROM numbers WHERE n < -100000").await, 0);
    // Fewer than were approved are fine.
    answer(&shop, "approve", &again).await;
    shop.inspector().await.batch_execute("DELETE FROM numbers WHERE n < 0").await.unwrap();
    assert_eq!(bot.run(text).await.tag(), "UPDATE 500");
    shop.close().await;
}

/// SIDE-12: what the planner expects decides nothing.
#[tokio::test]
async fn side_12_an_estimate_that_lies_changes_nothing() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let text = "UPDATE numbers SET n = -n WHERE n % 7 = n % 14 AND (n * 3) % 2 = 0 AND n < 60000";
    let direct = shop.direct().await;
    let plan = direct.query_one(&format!("EXPLAIN (FORMAT JSON) {text}"), &[]).await.unwrap();
    let plan: Value = plan.get(0);
    let expected = plan[0]["Plan"]["Plans"][0]["Plan Rows"].as_u64().unwrap();
    let really = direct.execute(text, &[]).await.unwrap();
    assert!(expected < 100 && really > 10_000, "{expected} {really}");
    let (_, rows) = asked(&shop.wire("bot").await.run(text).await);
    assert_eq!((rows, shop.count(CHANGED).await), (really, 0));
    shop.close().await;
}

#[tokio::test]
async fn a_no_is_told_without_running_and_other_limits_stand() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    let (id, _) = asked(&bot.run(UPDATE).await);
    answer(&shop, "deny", &id).await;
    let told = bot.run(UPDATE).await;
    assert!(told.error().unwrap().detail().contains("JRT-REJECTED"), "{told:?}");
    // Below the limit nobody is asked, and what consent cannot lift is refused.
    assert_eq!(
        bot.run("UPDATE numbers SET n = -n WHERE n BETWEEN 1 AND 100").await.tag(),
        "UPDATE 100"
    );
    let mut service = shop.wire("shopd").await;
    let denied = service.run("UPDATE numbers SET n = -n WHERE n BETWEEN 1001 AND 9000").await;
    let error = denied.error().unwrap();
    assert!(error.detail().contains("JRT-ROWS"), "{error}");
    assert!(error.message().contains("the limit is 5000"), "{error}");
    let between =
        asked(&service.run("UPDATE numbers SET n = -n WHERE n BETWEEN 1001 AND 2000").await);
    assert_eq!(between.1, 1000);
    assert_eq!(shop.count(CHANGED).await, 100);
    shop.close().await;
}

/// Bound values are a part of what is approved.
#[tokio::test]
async fn other_values_need_another_yes() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let bot = shop.connect("bot").await;
    let statement =
        bot.prepare("UPDATE numbers SET n = -n WHERE n BETWEEN 1 AND $1").await.unwrap();
    let run = async |most: i32| bot.execute(&statement, &[&most]).await;
    let id = async |most: i32| {
        let error = run(most).await.unwrap_err();
        let detail = error.as_db_error().unwrap().detail().unwrap().to_owned();
        let detail: Value = serde_json::from_str(&detail).unwrap();
        detail["approval"].as_str().unwrap().to_owned()
    };
    let first = id(500).await;
    answer(&shop, "approve", &first).await;
    assert_ne!(id(400).await, first, "fewer rows, and not what was asked for");
    assert_eq!(run(500).await.unwrap(), 500);
    shop.close().await;
}

/// APPR-03: one yes to a number of rows is for one run, whether the others come in the same message, behind a savepoint
/// that is given up, or at the same time.
#[tokio::test]
async fn appr_03_consent_to_rows_is_used_once() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let text = "UPDATE numbers SET n = n WHERE n BETWEEN 1 AND 500";
    let mut bot = shop.wire("bot").await;
    let (id, _) = asked(&bot.run(text).await);
    answer(&shop, "approve", &id).await;
    // In one message the second is over, and so the first is taken back with it: the yes is used up.
    let (again, _) = asked(&bot.run(&format!("{text}; {text}")).await);
    assert_ne!(again, id);
    answer(&shop, "approve", &again).await;
    bot.run("BEGIN").await;
    bot.run("SAVEPOINT a").await;
    assert_eq!(bot.run(text).await.tag(), "UPDATE 500");
    bot.run("ROLLBACK TO a").await;
    let (third, _) = asked(&bot.run(text).await);
    assert_ne!(third, again);
    bot.run("ROLLBACK").await;
    answer(&shop, "approve", &third).await;
    let mut sessions = Vec::new();
    for _ in 0..20 {
        sessions.push(shop.wire("bot").await);
    }
    let runs = sessions
        .into_iter()
        .map(|mut wire| tokio::spawn(async move { wire.run(text).await.tag() == "UPDATE 500" }));
    let mut passed = 0;
    for run in runs.collect::<Vec<_>>() {
        passed += usize::from(run.await.unwrap());
    }
    assert_eq!(passed, 1);
    shop.close().await;
}
