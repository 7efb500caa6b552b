//! Promise: over a limit that consent can lift, the write runs, is counted and taken back, and consent is asked for
//! with the exact number; the next run may change as many rows and not one more (APPR-02, SIDE-12), as in front of
//! PostgreSQL (suite/guard/consent), by the same policy.

use serde_json::Value;

use super::run;
use crate::{
    harness::{MyError, MyShop, MyWire, Setup},
    suite::guard::consent::{POLICY, SECTION},
};

const UPDATE: &str = "UPDATE numbers SET n = -n WHERE n BETWEEN 1 AND 500";
const CHANGED: &str = "SELECT COUNT(*) FROM shop.numbers WHERE n < 0";
/// The same rows as the update, by somebody who does not wait for locks.
const TOUCH: &str =
    "SET innodb_lock_wait_timeout = 1; UPDATE shop.numbers SET n = n WHERE n BETWEEN 1 AND 500";

fn setup() -> Setup {
    Setup { shipped: false, limits: SECTION, ..Setup::mariadb() }.policy("own.rego", POLICY)
}

/// The request that a refusal names, with the exact number of rows.
fn asked(wire: &mut MyWire, error: &MyError) -> (String, u64) {
    assert_eq!((error.code, error.sqlstate.as_str()), (1142, "42000"), "{error:?}");
    let detail: Value = serde_json::from_str(wire.one("SHOW jurat.last_decision").value()).unwrap();
    assert_eq!(detail["code"], "JRT-HOLD", "{detail}");
    let id = detail["approval"].as_str().unwrap().to_owned();
    assert!(error.message.contains(&id), "{error:?}");
    assert!(detail["approve"].as_str().unwrap().contains(&id), "{detail}");
    (id, detail["rows"].as_u64().unwrap_or_default())
}

fn ask(wire: &mut MyWire, text: &str) -> (String, u64) {
    let error = wire.error(text);
    asked(wire, &error)
}

fn answer(shop: &MyShop, what: &str, id: &str) {
    shop.wire("dora").one(&format!("CALL jurat.{what}('{id}')"));
}

/// Runs a text as a query, prepared, or in a transaction of its own.
fn run_in(wire: &mut MyWire, way: &str, text: &str) -> Result<u64, MyError> {
    if way != "in a transaction" {
        return run(wire, text, way == "prepared");
    }
    wire.one("START TRANSACTION");
    let result = run(wire, text, false);
    wire.one(if result.is_ok() { "COMMIT" } else { "ROLLBACK" });
    result
}

#[test]
fn the_exact_number_is_on_the_card_and_consent_is_to_exactly_that() {
    let Some(shop) = MyShop::open(setup()) else { return };
    for way in ["query", "prepared", "in a transaction"] {
        let mut bot = shop.wire("bot");
        let error = run_in(&mut bot, way, UPDATE).unwrap_err();
        let (id, rows) = asked(&mut bot, &error);
        assert_eq!((rows, shop.count(CHANGED)), (500, 0), "{way}");
        // It waits, and is not run again only to be counted.
        let error = run_in(&mut bot, way, UPDATE).unwrap_err();
        assert_eq!(asked(&mut bot, &error), (id.clone(), 0), "{way}");
        let card = shop.wire("dora").one(&format!("CALL jurat.show_approval('{id}')"));
        let card = format!("{:?}", card.rows);
        assert!(card.contains("500, and not one more"), "{way}: {card}");
        answer(&shop, "approve", &id);
        assert_eq!(run_in(&mut bot, way, UPDATE), Ok(500), "{way}");
        assert_eq!(shop.count(CHANGED), 500, "{way}");
        shop.inspector().rows("UPDATE shop.numbers SET n = -n WHERE n < 0");
        let error = run_in(&mut bot, way, UPDATE).unwrap_err();
        let (again, _) = asked(&mut bot, &error);
        assert_ne!(again, id, "{way}: one yes is for one run");
        assert_eq!(shop.count(CHANGED), 0, "{way}");
        // The next way asks anew.
        answer(&shop, "approve", &again);
        assert_eq!(run_in(&mut bot, way, UPDATE), Ok(500), "{way}");
        shop.inspector().rows("UPDATE shop.numbers SET n = -n WHERE n < 0");
    }
    let records = shop.close();
    let used: Vec<_> = records.0.iter().filter(|record| record["event"] == "used").collect();
    assert_eq!(used.len(), 6);
    for used in used {
        let by = records.decisions().into_iter().find(|d| d["decision_id"] == used["decision_id"]);
        let by = by.unwrap();
        assert_eq!(by["input"]["approvals"][0]["max_rows"], 500);
        assert_eq!(records.outcome(&by).unwrap()["outcome"], "done");
    }
}

/// While somebody thinks about it nobody else waits. In a transaction that goes on the server keeps the locks of the
/// run that was counted, where anything else ran in it before, and the client is told to end it.
#[test]
fn nothing_is_locked_while_it_waits_for_an_answer() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let touch = || shop.inspector().run(TOUCH).status.success();
    let mut bot = shop.wire("bot");
    let (id, _) = ask(&mut bot, UPDATE);
    assert!(touch());
    // The next runs are refused without one.
    bot.one("START TRANSACTION");
    assert_eq!(ask(&mut bot, UPDATE).0, id);
    assert!(touch());
    bot.one("COMMIT");
    answer(&shop, "deny", &id);
    bot.one("START TRANSACTION");
    bot.one("INSERT INTO notes (body) VALUES ('before it')");
    let error = bot.error("UPDATE numbers SET n = -n WHERE n BETWEEN 1 AND 400");
    assert!(error.message.contains("End the transaction, which keeps locks"), "{error:?}");
    assert!(!touch());
    bot.one("ROLLBACK");
    assert!(touch());
    shop.close();
}

/// The transaction of the client is as it was before the statement that was taken back.
#[test]
fn in_a_transaction_the_rest_of_it_stays() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut bot = shop.wire("bot");
    bot.one("START TRANSACTION");
    bot.one("INSERT INTO notes (body) VALUES ('kept')");
    let (id, _) = ask(&mut bot, UPDATE);
    assert_eq!(bot.one("SELECT COUNT(*) FROM numbers WHERE n < 0").value(), "0");
    answer(&shop, "approve", &id);
    assert_eq!(bot.one(UPDATE).affected, 500);
    assert_eq!(shop.count(CHANGED), 0, "nobody has committed it");
    bot.one("COMMIT");
    assert_eq!(shop.count(CHANGED), 500);
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.notes"), 1);
    shop.close();
}

/// APPR-02, SIDE-12: what was 500 rows when it was approved is more when it runs.
#[test]
fn appr_02_more_rows_than_were_approved_are_not_changed() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let text = "UPDATE numbers SET n = n - 1000000 WHERE n <= 500";
    assert_eq!(shop.direct_wire().one(text).affected, 500);
    let mut bot = shop.wire("bot");
    let (id, rows) = ask(&mut bot, text);
    assert_eq!(rows, 500);
    answer(&shop, "approve", &id);
    let more = "INSERT INTO shop.numbers SELECT -n FROM shop.numbers WHERE n <= 20000";
    shop.inspector().rows(more);
    let (again, rows) = ask(&mut bot, text);
    assert_ne!(again, id);
    assert_eq!(rows, 20_500);
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.numbers WHERE n < -100000"), 0);
    // Fewer than were approved are fine.
    answer(&shop, "approve", &again);
    shop.inspector().rows("DELETE FROM shop.numbers WHERE n < 0");
    assert_eq!(bot.one(text).affected, 500);
    shop.close();
}

/// SIDE-12: what the planner expects decides nothing.
#[test]
fn side_12_an_estimate_that_lies_changes_nothing() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let text = "UPDATE numbers SET n = n + 1000000 WHERE n IN (SELECT b.n FROM (SELECT n FROM numbers) b \
                WHERE b.n * b.n < 1000000)";
    let really = shop.direct_wire().one(text).affected;
    assert_eq!(really, 999);
    let (_, rows) = ask(&mut shop.wire("bot"), text);
    assert_eq!(
        (rows, shop.count("SELECT COUNT(*) FROM shop.numbers WHERE n > 1000000")),
        (really, 0)
    );
    shop.close();
}

#[test]
fn a_no_is_told_without_running_and_other_limits_stand() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut bot = shop.wire("bot");
    let (id, _) = ask(&mut bot, UPDATE);
    answer(&shop, "deny", &id);
    let told = bot.error(UPDATE);
    assert!(told.message.contains(&format!("dora denied {id}")), "{told:?}");
    assert!(bot.one("SHOW jurat.last_decision").value().contains("JRT-REJECTED"));
    // Below the limit nobody is asked, and what consent cannot lift is refused.
    assert_eq!(bot.one("UPDATE numbers SET n = -n WHERE n BETWEEN 1 AND 100").affected, 100);
    let mut service = shop.wire("shopd");
    let denied = service.error("UPDATE numbers SET n = -n WHERE n BETWEEN 1001 AND 9000");
    assert!(denied.message.contains("the limit is 5000"), "{denied:?}");
    assert_eq!(
        ask(&mut service, "UPDATE numbers SET n = -n WHERE n BETWEEN 1001 AND 2000").1,
        1000
    );
    assert_eq!(shop.count(CHANGED), 100);
    shop.close();
}

/// Bound values are a part of what is approved.
#[test]
fn other_values_need_another_yes() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut bot = shop.wire("bot");
    let statement = bot.prepare("UPDATE numbers SET n = -n WHERE n BETWEEN 1 AND ?").unwrap();
    let mut id = |most: &str| {
        let error = bot.execute(statement, &[Some(most)]).unwrap_err();
        asked(&mut bot, &error).0
    };
    let first = id("500");
    answer(&shop, "approve", &first);
    assert_ne!(id("400"), first, "fewer rows, and not what was asked for");
    assert_eq!(bot.execute(statement, &[Some("500")]).unwrap()[0].affected, 500);
    shop.close();
}

/// APPR-03: many sessions want to use one yes.
#[test]
fn appr_03_of_many_parallel_runs_exactly_one_passes() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let text = "UPDATE orders JOIN numbers ON orders.id = numbers.n SET orders.amount = orders.amount + 1, \
                numbers.n = numbers.n + 1000000 WHERE numbers.n <= 100";
    let (id, rows) = ask(&mut shop.wire("bot"), text);
    assert_eq!(rows, 200);
    answer(&shop, "approve", &id);
    let passed: usize = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..10)
            .map(|_| {
                scope.spawn(|| {
                    let mut wire = shop.wire("bot");
                    (0..5).filter(|_| wire.query(text).is_ok_and(|r| r[0].affected > 0)).count()
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    assert_eq!(passed, 1);
    assert_eq!(shop.count("SELECT ROUND(amount * 100) FROM shop.orders WHERE id = 3"), 475);
    shop.close();
}

/// Each statement of a text is its own transaction, and each yes is for one of them.
#[test]
fn in_a_text_of_several_each_has_its_own_number() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut bot = shop.wire("bot");
    let both = format!("INSERT INTO notes (body) VALUES ('first'); {UPDATE}; {UPDATE}");
    let (id, rows) = ask(&mut bot, &both);
    assert_eq!((rows, shop.count("SELECT COUNT(*) FROM shop.notes")), (500, 1));
    answer(&shop, "approve", &id);
    // The second of them finds nothing to change.
    let results = bot.query(&both).unwrap();
    let affected: Vec<u64> = results.iter().map(|result| result.affected).collect();
    assert_eq!(affected, [1, 500, 0]);
    assert_eq!(shop.count(CHANGED), 500);
    shop.close();
}
