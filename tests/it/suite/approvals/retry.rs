//! Agents and services are refused at once, and the same statement passes once when it is approved.

use super::{CHANGED, UPDATE, approve, ask, code_in, events, id_in, setup};
use crate::harness::{Shop, sqlstate};

#[tokio::test]
async fn an_approved_statement_runs_once() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    assert_eq!(ask(&mut bot, UPDATE).await, id, "the same question is the same request");
    assert_eq!(shop.count(CHANGED).await, 0);
    assert_eq!(approve(&shop, "dora", &id).await.sqlstate(), "00000");
    // Written in another way, and by another session of the same principal, it is the same statement.
    let mut other = shop.wire("bot").await;
    let same = "update  orders set note = 'changed'  where id=1 -- now";
    assert_eq!(other.run(same).await.tag(), "UPDATE 1");
    assert_eq!(shop.count(CHANGED).await, 1);
    // One yes is for one run.
    assert_ne!(ask(&mut bot, UPDATE).await, id);
    assert_eq!(events(&shop, &id), "requested approved used");
    let records = shop.close().await;
    let allowed = records.decisions().into_iter().find(|d| {
        d["result"]["effect"] == "allow" && d["input"]["approvals"][0]["id"] == id.as_str()
    });
    let allowed = allowed.expect("the decision names the grant");
    assert_eq!(allowed["input"]["approvals"][0]["approvers"][0], "dora");
    let used = records.0.iter().find(|r| r["event"] == "used").unwrap();
    assert_eq!(used["decision_id"], allowed["decision_id"]);
    assert_eq!(records.outcome(&allowed).unwrap()["outcome"], "done");
}

/// APPR-01.
#[tokio::test]
async fn appr_01_what_is_not_exactly_the_same_is_another_request() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    approve(&shop, "dora", &id).await;
    for other in [
        "UPDATE orders SET note = 'changed' WHERE id = 2",
        "UPDATE orders SET note = 'other' WHERE id = 1",
        "UPDATE orders SET note = 'changed' WHERE id = 1 RETURNING id",
        "DELETE FROM orders WHERE id = 1",
    ] {
        assert_ne!(ask(&mut bot, other).await, id, "{other}");
    }
    let mut service = shop.wire("shopd").await;
    assert_ne!(ask(&mut service, UPDATE).await, id, "another principal");
    assert_eq!(shop.count(CHANGED).await, 0);
    assert_eq!(bot.run(UPDATE).await.tag(), "UPDATE 1");
    shop.close().await;
}

/// APPR-01: bound values are a part of the statement.
#[tokio::test]
async fn appr_01_other_bound_values_are_another_request() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let bot = shop.connect("bot").await;
    let text = "UPDATE orders SET note = $1 WHERE id = $2";
    let statement = bot.prepare(text).await.unwrap();
    let run = async |note: &str, id: i32| bot.execute(&statement, &[&note, &id]).await;
    let asked = async |note: &str, id: i32| {
        let error = run(note, id).await.unwrap_err();
        assert_eq!(sqlstate(&error), "42501");
        let detail = error.as_db_error().unwrap().detail().unwrap().to_owned();
        let detail: serde_json::Value = serde_json::from_str(&detail).unwrap();
        detail["approval"].as_str().unwrap().to_owned()
    };
    let seven = asked("changed", 7).await;
    let card = shop.wire("dora").await.run(&format!("CALL jurat.show_approval('{seven}')")).await;
    let card = format!("{:?}", card.rows());
    assert!(card.contains("as text 'changed'") && card.contains("as a number 7"), "{card}");
    approve(&shop, "dora", &seven).await;
    assert_ne!(asked("changed", 8).await, seven);
    assert_eq!(run("changed", 7).await.unwrap(), 1);
    assert_ne!(asked("changed", 7).await, seven);
    assert_eq!(shop.count(CHANGED).await, 1);
    // EXECUTE of SQL has its values in its text.
    let mut bot = shop.wire("bot").await;
    let prepare = "PREPARE p (int) AS UPDATE orders SET note = 'by name' WHERE id = $1";
    if bot.run(prepare).await.sqlstate() != "00000" {
        let id = ask(&mut bot, prepare).await;
        approve(&shop, "dora", &id).await;
        assert_eq!(bot.run(prepare).await.sqlstate(), "00000");
    }
    let nine = ask(&mut bot, "EXECUTE p (9)").await;
    approve(&shop, "dora", &nine).await;
    assert_ne!(ask(&mut bot, "EXECUTE p (10)").await, nine);
    assert_eq!(bot.run("EXECUTE p (9)").await.tag(), "UPDATE 1");
    shop.close().await;
}

#[tokio::test]
async fn a_no_is_told_and_stays_a_no() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    let mut dora = shop.wire("dora").await;
    let no = dora.run(&format!("CALL jurat.deny('{id}', 'not on a Friday')")).await;
    assert_eq!(no.sqlstate(), "00000");
    let told = bot.run(UPDATE).await;
    assert_eq!((told.sqlstate().as_str(), code_in(&told).as_str()), ("42501", "JRT-REJECTED"));
    assert!(told.error().unwrap().message().contains("not on a Friday"), "{told:?}");
    assert_eq!(id_in(&told), id);
    assert_eq!(approve(&shop, "priya", &id).await.sqlstate(), "42501", "too late");
    assert_eq!(events(&shop, &id), "requested denied");
    assert_eq!(shop.count(CHANGED).await, 0);
    shop.close().await;
}

/// APPR-03: a hundred sessions want to use one yes.
#[tokio::test]
async fn appr_03_of_a_hundred_parallel_retries_exactly_one_passes() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let text = "UPDATE orders SET amount = amount + 1 WHERE id = 3";
    let mut wires = Vec::new();
    for _ in 0..20 {
        wires.push(shop.wire("bot").await);
    }
    let id = ask(&mut wires[0], text).await;
    approve(&shop, "dora", &id).await;
    let before = shop.count("SELECT (amount * 100)::bigint FROM orders WHERE id = 3").await;
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
    assert_eq!(passed, 1);
    let after = shop.count("SELECT (amount * 100)::bigint FROM orders WHERE id = 3").await;
    assert_eq!(after - before, 100);
    shop.close().await;
}

/// The policies that ship, where the installation names the rules that consent lifts.
#[tokio::test]
async fn the_shipped_policies_can_be_told_what_consent_lifts() {
    let data = r#"{"rules": ["agents.read_only", "guardrails.ddl_in_production"]}"#;
    let section =
        super::SECTION.replace("[approvals]\n", "[approvals]\napprovers = [\"group:dba\"]\n");
    let setup = crate::harness::Setup { limits: section.leak(), ..Default::default() };
    let Some(shop) = Shop::open(setup.policy("jurat/consent/data.json", data)).await else {
        return;
    };
    let mut bot = shop.wire("bot").await;
    for (text, tag) in
        [(UPDATE, "UPDATE 1"), ("CREATE TABLE public.fresh (id int)", "CREATE TABLE")]
    {
        let id = ask(&mut bot, text).await;
        approve(&shop, "dora", &id).await;
        assert_eq!(bot.run(text).await.tag(), tag, "{text}");
    }
    // What is not named stays a plain denial, whoever might consent.
    for text in ["UPDATE orders SET note = 'x'", "SELECT token FROM secrets"] {
        let reply = bot.run(text).await;
        assert_eq!((reply.sqlstate().as_str(), code_in(&reply).as_str()), ("42501", "JRT-DENY"));
    }
    assert_eq!(shop.count(CHANGED).await, 1);
    shop.close().await;
}

/// In a block of a transaction a refusal is an error like any other, and nothing waits.
#[tokio::test]
async fn inside_a_transaction_nothing_waits() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut ana = shop.wire("ana").await;
    ana.run("BEGIN").await;
    let id = ask(&mut ana, UPDATE).await;
    assert_eq!(ana.run("SELECT 1").await.sqlstate(), "25P02");
    ana.run("ROLLBACK").await;
    approve(&shop, "dora", &id).await;
    ana.run("BEGIN").await;
    assert_eq!(ana.run(UPDATE).await.tag(), "UPDATE 1");
    assert_eq!(ana.run("COMMIT").await.tag(), "COMMIT");
    assert_eq!(shop.count(CHANGED).await, 1);
    shop.close().await;
}

/// A message of several statements passes where each of them is approved, as a whole or not at all.
#[tokio::test]
async fn each_statement_of_a_message_needs_its_own() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    let both = format!("{UPDATE}; DELETE FROM orders WHERE id = 100");
    let first = ask(&mut bot, &both).await;
    approve(&shop, "dora", &first).await;
    let second = ask(&mut bot, &both).await;
    assert_ne!(first, second);
    assert_eq!(events(&shop, &first), "requested approved", "what did not run was not used");
    approve(&shop, "dora", &second).await;
    assert_eq!(bot.run(&both).await.sqlstate(), "00000");
    assert_eq!(events(&shop, &first), "requested approved used");
    assert_eq!(shop.count("SELECT count(*) FROM orders WHERE id = 100").await, 0);
    shop.close().await;
}

/// Rows that are not there yet, and values that nobody sees, cannot be approved.
#[tokio::test]
async fn what_nobody_can_read_cannot_be_approved() {
    let Some(shop) = Shop::open(setup()).await else { return };
    let mut bot = shop.wire("bot").await;
    let long = format!("UPDATE orders SET note = '{}' WHERE id = 1", "x".repeat(40_000));
    for text in ["COPY orders FROM STDIN", &long] {
        let reply = bot.run(text).await;
        assert_eq!((reply.sqlstate().as_str(), code_in(&reply).as_str()), ("42501", "JRT-DENY"));
    }
    shop.close().await;
}
