//! A person's connection waits for the answer, and keeps nobody else waiting.

use jurat_wire::mysql::{command::CommandCode, result::ReplyKind};

use super::{CHANGED, SECTION, UPDATE, approve, events, setup};
use crate::harness::{
    MyError, MyShop, MyWire,
    mysql_wire::{MyResult, execution},
    until,
};

/// The request of `who` that waits, once it does.
fn waiting(shop: &MyShop) -> String {
    let mut dora = shop.wire("dora");
    until("the request", || {
        let open = dora.one("SHOW jurat.approvals").rows;
        let line = open.first()?[0].clone().unwrap();
        line.split_whitespace().find(|word| word.starts_with("AP-")).map(str::to_owned)
    })
}

/// Sends it, and gives back the request.
fn held(shop: &MyShop, wire: &mut MyWire, text: &str) -> String {
    wire.command(CommandCode::Query, text.as_bytes());
    waiting(shop)
}

fn answer(wire: &mut MyWire) -> Result<Vec<MyResult>, MyError> {
    wire.reply(ReplyKind::Statement { cursor: false }, false)
}

#[test]
fn a_person_waits_without_a_lock_and_then_it_runs() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut ana = shop.wire("ana");
    let id = held(&shop, &mut ana, UPDATE);
    assert_eq!(shop.count("SELECT COUNT(*) FROM information_schema.innodb_trx"), 0);
    assert_eq!(shop.count(CHANGED), 0);
    approve(&shop, "dora", &id).unwrap();
    assert_eq!(answer(&mut ana).unwrap()[0].affected, 1);
    assert_eq!(shop.count(CHANGED), 1);
    assert_eq!(events(&shop, &id), "requested approved used");

    // A prepared statement waits when it is executed.
    let statement = ana.prepare("UPDATE orders SET note = 'prepared' WHERE id = 2").unwrap();
    ana.command(CommandCode::StmtExecute, &execution(statement.number, 0, &[]));
    let id = waiting(&shop);
    approve(&shop, "priya", &id).unwrap();
    assert_eq!(answer(&mut ana).unwrap()[0].affected, 1);
    shop.close();
}

#[test]
fn a_no_ends_the_wait() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut ana = shop.wire("ana");
    let id = held(&shop, &mut ana, UPDATE);
    shop.wire("dora").one(&format!("CALL jurat.deny('{id}', 'no')"));
    let error = answer(&mut ana).unwrap_err();
    assert!(error.message.contains("JRT-REJECTED") || error.message.contains("no"), "{error:?}");
    assert_eq!(super::detail(&mut ana)["code"], "JRT-REJECTED");
    assert_eq!(ana.one("SELECT 1").value(), "1", "the session lives on");
    assert_eq!(shop.count(CHANGED), 0);
    shop.close();
}

/// APPR-09: who has canceled cannot be approved afterwards.
#[test]
fn kill_query_ends_the_wait_and_the_request() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut ana = shop.wire("ana");
    let id = held(&shop, &mut ana, UPDATE);
    let kill = format!("KILL QUERY {}", ana.connection);
    assert_eq!(shop.wire("shopd").error(&kill).code, 1094, "of somebody else");
    shop.wire("ana").one(&kill);
    let error = answer(&mut ana).unwrap_err();
    assert_eq!((error.code, error.sqlstate.as_str()), (1317, "70100"), "{error:?}");
    assert_eq!(ana.one("SELECT 1").value(), "1", "the session lives on");
    assert!(approve(&shop, "dora", &id).is_err());
    assert_eq!(events(&shop, &id), "requested canceled");
    assert_eq!(shop.count(CHANGED), 0);
    shop.close();
}

#[test]
fn who_leaves_withdraws_the_request() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut ana = shop.wire("ana");
    let id = held(&shop, &mut ana, UPDATE);
    drop(ana);
    until("the request to be withdrawn", || {
        (events(&shop, &id) == "requested canceled").then_some(())
    });
    assert!(approve(&shop, "dora", &id).is_err());
    // A session that is killed is one that has left.
    let mut ana = shop.wire("ana");
    let id = held(&shop, &mut ana, UPDATE);
    shop.wire("ana").one(&format!("KILL {}", ana.connection));
    until("the request to be withdrawn", || {
        (events(&shop, &id) == "requested canceled").then_some(())
    });
    assert_eq!(shop.count(CHANGED), 0);
    shop.close();
}

#[test]
fn nobody_waits_for_ever_and_the_request_stays() {
    let mut setup = setup();
    setup.limits = SECTION.replace("[approvals]\n", "[approvals]\nhold_max = \"200ms\"\n").leak();
    let Some(shop) = MyShop::open(setup) else { return };
    let mut ana = shop.wire("ana");
    let error = ana.error(UPDATE);
    assert_eq!((error.code, error.sqlstate.as_str()), (1317, "70100"), "{error:?}");
    let id = super::detail(&mut ana)["approval"].as_str().unwrap().to_owned();
    approve(&shop, "dora", &id).unwrap();
    assert_eq!(ana.one(UPDATE).affected, 1);
    shop.close();
}

/// What a client has sent ahead is handled after the answer, in order.
#[test]
fn what_was_sent_ahead_comes_after() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut ana = shop.wire("ana");
    ana.command(CommandCode::Query, UPDATE.as_bytes());
    ana.command(CommandCode::Query, b"SELECT note FROM orders WHERE id = 1");
    let long = format!("SELECT LENGTH('{}')", "x".repeat(50_000));
    ana.command(CommandCode::Query, long.as_bytes());
    let id = waiting(&shop);
    approve(&shop, "dora", &id).unwrap();
    assert_eq!(answer(&mut ana).unwrap()[0].affected, 1);
    assert_eq!(answer(&mut ana).unwrap()[0].value(), "changed");
    assert_eq!(answer(&mut ana).unwrap()[0].value(), "50000");
    shop.close();
}
