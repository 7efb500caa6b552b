//! Threat: texts at the edge of what can be read. Those that the server reads otherwise are in `catalogue`.

use crate::harness::{MyShop, Setup, canary};

/// Texts at the edge of what can be read are answered, and the session goes on.
#[test]
fn nothing_that_a_client_writes_ends_the_session() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    let wide = format!("SELECT {}1", "1+".repeat(200_000));
    let list = format!("SELECT id FROM orders WHERE id IN ({}1)", "1,".repeat(100_000));
    for text in [
        "",
        ";",
        ";;",
        "/**/",
        "-- x",
        "#",
        "'",
        "\"",
        "`",
        "/*",
        "/*!",
        "SELECT",
        "SELECT '\\",
        "\\",
        "@",
        "@@",
        "SELECT \u{0}",
        "\u{feff}SELECT 1",
        "SELECT 1\u{3000}",
        "DELIMITER //",
        "\\g",
        "{d '2020-01-01'}",
        &deep,
        &wide,
        &list,
    ] {
        session.query(text).ok();
        assert_eq!(
            session.one("SELECT 1").value(),
            "1",
            "{}",
            text.chars().take(40).collect::<String>()
        );
    }
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}

const FREE_TEXT: &str = r#"package jurat.free
allow contains {"id": "everything"}
masks contains {
    "id": "free.text",
    "column": "shop.notes.body",
    "method": "detect",
    "params": {"kinds": ["email"]},
    "predicates": "masked",
} if input.statement
"#;

/// A program of the server's own sets the character set of results, after which no detector would find anything. Servers do
/// not tell of it.
#[test]
fn results_that_cannot_be_looked_through_are_not_sent() {
    let setup = Setup { shipped: false, ..Setup::mariadb() };
    let Some(shop) = MyShop::open(setup.policy("free.rego", FREE_TEXT)) else { return };
    let insert = "INSERT INTO notes (id, body) VALUES (777, 'to canary1@leak.example')";
    let asked = "SELECT body FROM notes WHERE id = 777";
    let settings = ["character_set_results = utf16", "character_set_results = ucs2", "NAMES gbk"];
    for server in [shop.inspector(), shop.twin().admin()] {
        server.rows(insert);
        for (at, set) in settings.iter().enumerate() {
            server.rows(&format!(
                "DELIMITER //\nCREATE PROCEDURE shop.quiet{at}() BEGIN \
                 SET session_track_system_variables = ''; SET {set}; END//"
            ));
        }
    }
    assert_eq!(shop.wire("dora").one(asked).value(), "to [email]");
    for (at, set) in settings.iter().enumerate() {
        let call = format!("CALL quiet{at}()");
        let mut direct = shop.direct_wire();
        direct.one(&call);
        let there = direct.one(asked).value().replace('\0', "");
        assert_eq!(there, "to canary1@leak.example", "{set}");

        let mut session = shop.wire("dora");
        session.one(&call);
        let told = session.query(asked).unwrap_err();
        assert!(told.message.contains("character_set_results was changed"), "{set}: {told:?}");
        session.received.retain(|byte| *byte != 0);
        assert_eq!(canary::find(&session.received), None, "{set}");
    }
    shop.close();
}
