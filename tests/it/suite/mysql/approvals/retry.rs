//! Agents and services are refused at once, and the same statement passes once when it is approved.

use jurat_wire::mysql::command::CommandCode;

use super::{CHANGED, UPDATE, approve, ask, events, id_in, setup};
use crate::harness::MyShop;

#[test]
fn an_approved_statement_runs_once() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut bot = shop.wire("bot");
    let id = ask(&mut bot, UPDATE);
    assert_eq!(ask(&mut bot, UPDATE), id, "the same question is the same request");
    assert_eq!(shop.count(CHANGED), 0);
    assert_eq!(approve(&shop, "dora", &id).unwrap(), format!("jurat: {id} is approved"));
    // Written in another way, and by another session of the same principal, it is the same statement.
    let mut other = shop.wire("bot");
    let same = "update  orders set note = 'changed'  where id=1 -- now";
    assert_eq!(other.one(same).affected, 1);
    assert_eq!(shop.count(CHANGED), 1);
    // One yes is for one run.
    assert_ne!(ask(&mut bot, UPDATE), id);
    assert_eq!(events(&shop, &id), "requested approved used");
    let records = shop.close();
    let allowed = records.decisions().into_iter().find(|d| {
        d["result"]["effect"] == "allow" && d["input"]["approvals"][0]["id"] == id.as_str()
    });
    let allowed = allowed.expect("the decision names the grant");
    assert_eq!(allowed["input"]["approvals"][0]["approvers"][0], "dora");
    assert_eq!(records.outcome(&allowed).unwrap()["outcome"], "done");
}

/// APPR-01.
#[test]
fn what_is_not_exactly_the_same_is_another_request() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut bot = shop.wire("bot");
    let id = ask(&mut bot, UPDATE);
    approve(&shop, "dora", &id).unwrap();
    for other in [
        "UPDATE orders SET note = 'changed' WHERE id = 2",
        "UPDATE orders SET note = 'other' WHERE id = 1",
        "DELETE FROM orders WHERE id = 1",
    ] {
        assert_ne!(ask(&mut bot, other), id, "{other}");
    }
    assert_ne!(ask(&mut shop.wire("shopd"), UPDATE), id, "another principal");
    assert_eq!(shop.count(CHANGED), 0);
    assert_eq!(bot.one(UPDATE).affected, 1);
    shop.close();
}

/// APPR-01: bound values are a part of the statement.
#[test]
fn other_bound_values_are_another_request() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut bot = shop.wire("bot");
    let statement = bot.prepare("UPDATE orders SET note = ? WHERE id = ?").unwrap();
    let mut asked = |note: &str, id: &str| {
        let error = bot.execute(statement, &[Some(note), Some(id)]).unwrap_err();
        id_in(&mut bot, &error, "JRT-HOLD")
    };
    let seven = asked("changed", "7");
    let card = shop.wire("dora").one(&format!("CALL jurat.show_approval('{seven}')"));
    let card = format!("{:?}", card.rows);
    assert!(card.contains("'changed'") && card.contains("'7'"), "{card}");
    approve(&shop, "dora", &seven).unwrap();
    assert_ne!(asked("changed", "8"), seven);
    let run = bot.execute(statement, &[Some("changed"), Some("7")]).unwrap();
    assert_eq!(run[0].affected, 1);
    let again = bot.execute(statement, &[Some("changed"), Some("7")]).unwrap_err();
    assert_ne!(id_in(&mut bot, &again, "JRT-HOLD"), seven);
    assert_eq!(shop.count(CHANGED), 1);
    shop.close();
}

#[test]
fn a_no_is_told_and_stays_a_no() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut bot = shop.wire("bot");
    let id = ask(&mut bot, UPDATE);
    shop.wire("dora").one(&format!("CALL jurat.deny('{id}', 'not on a Friday')"));
    let error = bot.error(UPDATE);
    assert!(error.message.contains("not on a Friday"), "{error:?}");
    assert_eq!(id_in(&mut bot, &error, "JRT-REJECTED"), id);
    assert!(approve(&shop, "priya", &id).is_err(), "too late");
    assert_eq!(events(&shop, &id), "requested denied");
    assert_eq!(shop.count(CHANGED), 0);
    shop.close();
}

/// APPR-03: many sessions want to use one yes.
#[test]
fn of_a_hundred_parallel_retries_exactly_one_passes() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let text = "UPDATE orders SET amount = amount + 1 WHERE id = 3";
    let id = ask(&mut shop.wire("bot"), text);
    approve(&shop, "dora", &id).unwrap();
    let passed: usize = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..10)
            .map(|_| {
                scope.spawn(|| {
                    let mut wire = shop.wire("bot");
                    (0..10).filter(|_| wire.query(text).is_ok()).count()
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    assert_eq!(passed, 1);
    assert_eq!(shop.count("SELECT ROUND(amount * 100) FROM shop.orders WHERE id = 3"), 475);
    shop.close();
}

/// Inside of a transaction nothing waits, and the transaction goes on.
#[test]
fn inside_a_transaction_nothing_waits() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut ana = shop.wire("ana");
    ana.one("START TRANSACTION");
    let id = ask(&mut ana, UPDATE);
    approve(&shop, "dora", &id).unwrap();
    assert_eq!(ana.one(UPDATE).affected, 1);
    ana.one("COMMIT");
    assert_eq!(shop.count(CHANGED), 1);
    shop.close();
}

/// A text of several statements passes where each of them is approved, as a whole or not at all.
#[test]
fn each_statement_of_a_text_needs_its_own() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut bot = shop.wire("bot");
    let both = format!("{UPDATE}; DELETE FROM orders WHERE id = 100");
    let first = ask(&mut bot, &both);
    approve(&shop, "dora", &first).unwrap();
    let second = ask(&mut bot, &both);
    assert_ne!(first, second);
    assert_eq!(events(&shop, &first), "requested approved", "what did not run was not used");
    approve(&shop, "dora", &second).unwrap();
    assert_eq!(bot.query(&both).unwrap().len(), 2);
    assert_eq!(events(&shop, &first), "requested approved used");
    assert_eq!(shop.count("SELECT COUNT(*) FROM shop.orders WHERE id = 100"), 0);
    shop.close();
}

/// Values that nobody has seen cannot be approved.
#[test]
fn what_nobody_can_read_cannot_be_approved() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut bot = shop.wire("bot");
    let error =
        bot.error(&format!("UPDATE orders SET note = '{}' WHERE id = 1", "x".repeat(40_000)));
    assert!(error.message.contains("too long for a person to read"), "{error:?}");
    let statement = bot.prepare("UPDATE orders SET note = ? WHERE id = ?").unwrap();
    let piece = [&statement.number.to_le_bytes()[..], &[0, 0], b"changed"].concat();
    bot.command(CommandCode::StmtSendLongData, &piece);
    let error = bot.execute(statement, &[None, Some("7")]).unwrap_err();
    assert!(error.message.contains("values that were bound are not known"), "{error:?}");
    assert_eq!(shop.count(CHANGED), 0);
    shop.close();
}
