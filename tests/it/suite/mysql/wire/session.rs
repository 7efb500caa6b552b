//! What both connections have agreed on: capabilities, character sets, the form of replies.

use jurat_wire::mysql::{capability::Capabilities, command::CommandCode};

use super::{BASE, STATEMENT, offered};
use crate::harness::{
    MyShop, canary,
    cluster::{PASSWORD as UPSTREAM_PASSWORD, UPSTREAM},
    jurat::PASSWORD,
    mysql_wire::MyWire,
};

/// A character set in which a letter ends in the byte of a backslash would end a literal elsewhere.
#[test]
fn myp_14_only_utf8_is_spoken() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    for text in [
        "SET NAMES gbk",
        "SET NAMES 'sjis'",
        "SET character_set_client = big5",
        "SET CHARACTER SET gbk",
        "SET @@session.character_set_client = 'gbk'",
        "SET character_set_connection = gbk",
    ] {
        session.error(text);
    }
    assert_eq!(session.one("SELECT @@character_set_client").value(), "utf8mb4");
    // 0xBF 0x5C is one letter of gbk, and a backslash of UTF-8 behind a byte that is none.
    session.command(CommandCode::Query, b"SELECT '\xbf\\' , email FROM customers -- '");
    session.reply(STATEMENT, false).ok();
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}

#[test]
fn myp_14_a_client_begins_in_no_other_character_set() {
    let Some(shop) = MyShop::usual() else { return };
    // big5, sjis, gbk, ucs2, utf16, utf32, gb18030.
    for collation in [1, 13, 28, 35, 54, 60, 248] {
        let said = MyWire::log_in_reading(shop.jurat.port, "ana", PASSWORD, collation);
        assert_eq!(said.unwrap_err().code, 1115, "{collation}");
    }
    // A literal says its own character set, and is still the literal that was judged.
    let mut session = shop.wire("ana");
    for text in [
        "SELECT _gbk'\\', email FROM customers -- '",
        "SELECT _gbk x'bf5c', email FROM customers ORDER BY id LIMIT 1",
        "SELECT _utf16 x'0061', email FROM customers ORDER BY id LIMIT 1",
        "SELECT CONVERT(email USING utf16) FROM customers",
    ] {
        session.query(text).ok();
    }
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}

#[test]
fn myp_16_what_is_not_understood_is_not_offered() {
    let Some(shop) = MyShop::usual() else { return };
    let (_, greeting) = MyWire::connect(shop.jurat.port);
    let offered = offered(&greeting);
    for (name, flag) in [
        ("compression", Capabilities::COMPRESS),
        ("zstd", Capabilities::ZSTD),
        ("query attributes", Capabilities::QUERY_ATTRIBUTES),
        ("optional metadata", Capabilities::OPTIONAL_RESULTSET_METADATA),
        ("spaces before brackets", Capabilities::IGNORE_SPACE),
        ("bulk executions", Capabilities::MARIADB_BULK),
        ("cached metadata", Capabilities::MARIADB_CACHE_METADATA),
    ] {
        assert!(!offered.contains(flag), "{name}");
    }
    // A client that claims all of it gets what was offered.
    let all = Capabilities::from_halves(!Capabilities::SSL.mysql(), 0)
        .without(Capabilities::CONNECT_ATTRS)
        .without(Capabilities::ZSTD);
    let mut session =
        MyWire::log_in_with(shop.jurat.port, "ana", PASSWORD, Some("shop"), all).unwrap();
    assert_eq!(
        session.one("SELECT email FROM customers WHERE id = 1").value(),
        "c***@leak.example"
    );
    shop.close();
}

/// Whether a client counts rows that were found or that were changed, and which end of rows it wants, is as it is
/// directly.
#[test]
fn myp_16_replies_have_the_form_that_the_client_asked_for() {
    let Some(shop) = MyShop::usual() else { return };
    let usual = BASE.with(Capabilities::TRANSACTIONS).with(Capabilities::MULTI_RESULTS);
    for flags in [
        Capabilities::NONE,
        Capabilities::FOUND_ROWS,
        Capabilities::DEPRECATE_EOF,
        Capabilities::SESSION_TRACK,
        Capabilities::INTERACTIVE.with(Capabilities::DEPRECATE_EOF),
    ] {
        let capabilities = usual.with(flags);
        let log_in = |port, user, password: &str| {
            MyWire::log_in_with(port, user, password, Some("shop"), capabilities).unwrap()
        };
        let mut session = log_in(shop.jurat.port, "shopd", PASSWORD);
        let mut direct = log_in(shop.twin().port, UPSTREAM, UPSTREAM_PASSWORD);
        for text in [
            "UPDATE orders SET note = note WHERE id < 4",
            "UPDATE orders SET note = 'same' WHERE id = 4",
            "UPDATE orders SET note = 'same' WHERE id = 4",
            "SELECT id FROM orders WHERE id < 4 ORDER BY id",
            "DO 1",
        ] {
            assert_eq!(session.query(text), direct.query(text), "{flags:?}: {text}");
        }
        let [ours, theirs] = [&mut session, &mut direct].map(|wire| {
            let statement = wire.prepare("SELECT id, note FROM orders WHERE id < 9").unwrap();
            wire.execute(statement, &[]).unwrap()
        });
        assert_eq!(ours, theirs, "{flags:?}");
    }
    shop.close();
}
