//! What can be asked of Jurat over MySQL's protocol: SQL about it, and the details of an error.

use jurat_wire::mysql::command::CommandCode;
use serde_json::Value;

use super::{UPDATE, ask, detail, events, setup};
use crate::harness::{MyShop, MyWire, Setup, mysql_wire::MyResult};

/// As a query, and prepared.
fn both(wire: &mut MyWire, text: &str) -> [MyResult; 2] {
    let query = wire.one(text);
    let statement = wire.prepare(text).unwrap();
    let prepared = wire.execute(statement, &[]).unwrap().remove(0);
    [query, prepared]
}

#[test]
fn own_words_are_answered_as_query_and_prepared() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut bot = shop.wire("bot");
    for result in both(&mut bot, "SHOW jurat.whoami") {
        let who: Value = serde_json::from_str(result.value()).unwrap();
        assert_eq!((&who["id"], &who["kind"]), (&"bot".into(), &"agent".into()));
    }
    let id = ask(&mut bot, UPDATE);
    for result in both(&mut bot, "SHOW jurat.last_decision") {
        let detail: Value = serde_json::from_str(result.value()).unwrap();
        assert_eq!(detail["approval"], id.as_str());
    }
    for result in both(&mut bot, &format!("CALL jurat.request_approval('{id}', 'a ticket')")) {
        assert!(result.info.contains(&id), "{result:?}");
    }
    let card = shop.wire("dora").one(&format!("CALL jurat.show_approval('{id}')"));
    assert!(format!("{:?}", card.rows).contains("a ticket"), "{card:?}");
    for result in both(&mut shop.wire("dora"), "SHOW jurat.approvals") {
        assert!(result.value().contains(&id), "{result:?}");
    }
    // Nobody answers their own requests, and nobody else's business is anybody's.
    assert_eq!(bot.error(&format!("CALL jurat.approve('{id}')")).sqlstate, "42000");
    let error = shop.wire("shopd").error(&format!("CALL jurat.show_approval('{id}')"));
    assert!(error.message.contains("no such request"), "{error:?}");
    assert_eq!(events(&shop, &id), "requested");
    // A number of Jurat's own is closed like any other.
    let statement = bot.prepare("SHOW jurat.whoami").unwrap();
    bot.command(CommandCode::StmtClose, &statement.number.to_le_bytes());
    assert_eq!(bot.execute(statement, &[]).unwrap_err().code, 1243);
    shop.close();
}

/// Nothing is smuggled in behind it, and what only looks like it is judged.
#[test]
fn only_a_text_that_is_nothing_else_is_taken() {
    let Some(shop) = MyShop::open(setup()) else { return };
    let mut bot = shop.wire("bot");
    for text in [
        "SHOW jurat.whoami; SELECT 1",
        "/* x */ SHOW jurat.whoami",
        "CALL jurat.approve(CONCAT('AP', '-1'))",
        "CALL jurat.wipe()",
    ] {
        assert!(bot.query(text).is_err(), "{text}");
    }
    shop.close();
}

#[test]
fn show_warnings_has_the_details_of_an_error_of_jurats() {
    let Some(shop) = MyShop::usual() else { return };
    let mut ana = shop.wire("ana");
    let error = ana.error("DELETE FROM payments");
    let told = detail(&mut ana);
    assert_eq!(told["code"], "JRT-DENY");
    assert!(error.message.contains(told["decision_id"].as_str().unwrap()));
    // It stays until another statement runs, in every form.
    assert_eq!(ana.one("SHOW COUNT(*) WARNINGS").value(), "2");
    assert_eq!(ana.one("SHOW ERRORS").rows.len(), 1);
    let statement = ana.prepare("SHOW WARNINGS").unwrap();
    let prepared = ana.execute(statement, &[]).unwrap().remove(0);
    assert_eq!(prepared.rows[0][2].as_deref(), Some(error.message.as_str()));
    assert_eq!(ana.one("SELECT 1").value(), "1");
    assert_eq!(ana.one("SHOW WARNINGS").rows.len(), 0);
    // The command line client shows them behind the error.
    let said = shop.cli("ana").run("DELETE FROM payments; SHOW WARNINGS");
    assert!(!said.status.success());
    shop.close();
}

/// A result that was cut says so in its count of warnings, and there.
#[test]
fn a_result_that_was_cut_says_so() {
    let policy = "package jurat.own\nlimits contains {\"id\": \"test.returned\", \"kind\": \"rows_returned\", \
                  \"value\": 10, \"on_exceed\": \"truncate\"}\n";
    let Some(shop) = MyShop::open(Setup::mariadb().policy("limits.rego", policy)) else { return };
    let mut ana = shop.wire("ana");
    let result = ana.one("SELECT id FROM orders");
    assert_eq!((result.rows.len(), result.warnings), (10, 1));
    let warning = ana.one("SHOW WARNINGS").rows.remove(0);
    assert_eq!(warning[0].as_deref(), Some("Warning"));
    assert!(warning[2].as_deref().unwrap().contains("not complete"), "{warning:?}");
    shop.close();
}
