//! Threat: texts at the edge of what can be read. Those that the server reads otherwise are in `catalogue`.

use crate::harness::{MyShop, canary};

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
