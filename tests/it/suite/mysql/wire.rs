//! Threat: bytes that the protocol does not have. The tests are named after the rows of the catalogue of attacks
//! (MYP) in docs/mysql.md.

use jurat_wire::mysql::{
    capability::Capabilities,
    command::CommandCode,
    encode,
    handshake::{Answer, Fixed, Greeting},
};

use crate::harness::{MyShop, Setup, canary, jurat::PASSWORD, mysql_wire::MyWire};

/// A whole text is judged, also where a packet ends in the middle of it.
#[test]
fn myp_01_a_text_in_several_packets_is_one_text() {
    let setup = Setup {
        limits: "message_bytes_max = 40000000\nstatement_bytes_max = 40000000",
        ..Setup::mariadb()
    };
    let Some(shop) = MyShop::open(setup) else { return };
    let mut session = shop.wire("ana");
    // What is dangerous begins behind the first full packet.
    let mut text = b"SELECT 1 /*".to_vec();
    text.resize((1 << 24) - 20, b' ');
    text.extend_from_slice(b"*/; DELETE FROM payments");
    session.command(CommandCode::Query, &text);
    let kind = jurat_wire::mysql::result::ReplyKind::Statement { cursor: false };
    assert!(session.reply(kind, false).is_err());
    assert_eq!(shop.count("SELECT COUNT(*) FROM payments"), 100);
    // A packet out of order ends the session.
    let mut torn = shop.wire("ana");
    torn.send(&[9, 0, 0, 3]);
    torn.send(b"\x03SELECT 1");
    assert_eq!(torn.last_words().map(|words| words.code), Some(1835));
    // More than is taken is refused before it is waited for.
    let mut long = shop.wire("ana");
    for number in 0..3 {
        long.send(&[0xff, 0xff, 0xff, number]);
        long.send(&vec![b'x'; 0xff_ffff]);
    }
    assert!(long.last_words().is_some_and(|words| words.code == 1835));
    shop.close();
}

#[test]
fn myp_02_a_length_that_lies_ends_the_session() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let statement = session.prepare("SELECT ?").unwrap();
    // A text parameter that says that it is 2^64 - 1 bytes long.
    let mut body = statement.number.to_le_bytes().to_vec();
    body.extend_from_slice(&[0, 1, 0, 0, 0, 0, 1, 0xfd, 0, 0xfe]);
    body.extend_from_slice(&u64::MAX.to_le_bytes());
    session.command(CommandCode::StmtExecute, &body);
    let kind = jurat_wire::mysql::result::ReplyKind::Statement { cursor: false };
    assert_eq!(session.reply(kind, true).unwrap_err().code, 1210);
    assert_eq!(session.one("SELECT 1").value(), "1");
    // A command that ends inside of a field.
    session.command(CommandCode::StmtFetch, &[1]);
    assert_eq!(session.last_words().map(|words| words.code), Some(1835));
    shop.close();
}

/// The beginning of an answer to the greeting.
fn fixed(claimed: Capabilities) -> Fixed {
    Fixed { claimed, max_packet: 1 << 24, collation: 45 }
}

const BASE: Capabilities = Capabilities::MYSQL
    .with(Capabilities::PROTOCOL_41)
    .with(Capabilities::SECURE_CONNECTION)
    .with(Capabilities::PLUGIN_AUTH);

#[test]
fn myp_03_clear_text_behind_a_request_for_tls_ends_the_connection() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut wire, _) = MyWire::connect(shop.jurat.port);
    let mut out = Vec::new();
    let mut sequence = 1;
    encode::packet(&mut out, &mut sequence, |out| {
        fixed(BASE.with(Capabilities::SSL)).put(out);
        Ok(())
    })
    .unwrap();
    // What would be read as the first thing said inside of TLS.
    out.extend_from_slice(b"\x20\0\0\x02smuggled");
    wire.send(&out);
    assert!(wire.is_closed());
    shop.close();
}

#[test]
fn myp_04_weaker_logins_are_not_taken() {
    let Some(shop) = MyShop::usual() else { return };
    for plugin in ["mysql_clear_password", "mysql_old_password", "sha256_password", "dialog", ""] {
        let (mut wire, greeting) = MyWire::connect(shop.jurat.port);
        let greeting = greeting[4..].to_vec();
        Greeting::parse(&greeting).unwrap();
        let answer = Answer {
            fixed: fixed(BASE),
            user: b"ana",
            auth: PASSWORD.as_bytes(),
            schema: Some(b"shop"),
            plugin: plugin.as_bytes(),
            attributes: &[],
        };
        let mut out = Vec::new();
        encode::packet(&mut out, &mut 1, |out| answer.put(out)).unwrap();
        // Another empty answer where another plugin is asked for, as often as it is.
        wire.send(&out);
        for sequence in 3..9_u8 {
            wire.send(&[0, 0, 0, sequence]);
        }
        let closed = wire.last_words();
        assert!(closed.is_none_or(|words| words.code != 0), "{plugin}");
        assert!(
            !String::from_utf8_lossy(&wire.received).contains("\0\0\0\x02\0\0\0\0"),
            "{plugin}"
        );
    }
    let records = shop.close();
    assert!(records.sessions("opened").is_empty());
}

/// What answered one challenge does not answer another.
#[test]
fn myp_04_a_recorded_answer_is_worth_nothing() {
    let Some(shop) = MyShop::usual() else { return };
    let mut out = Vec::new();
    let answer = Answer {
        fixed: fixed(BASE),
        user: b"ana",
        auth: &[7; 20],
        schema: Some(b"shop"),
        plugin: b"mysql_native_password",
        attributes: &[],
    };
    encode::packet(&mut out, &mut 1, |out| answer.put(out)).unwrap();
    for _ in 0..2 {
        let (mut wire, _) = MyWire::connect(shop.jurat.port);
        wire.send(&out);
        wire.send(&[20, 0, 0, 3]);
        wire.send(&[7; 20]);
        assert_eq!(wire.last_words().map_or(1045, |words| words.code), 1045);
    }
    shop.close();
}

#[test]
fn myp_07_myp_08_myp_11_commands_that_are_not_carried_are_refused() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let mut direct = shop.direct_wire();
    // Directly, the columns of a table come without a statement.
    direct.command(CommandCode::FieldList, b"customers\0%");
    assert_eq!(
        direct.reply(jurat_wire::mysql::result::ReplyKind::FieldList, false).unwrap()[0]
            .columns
            .len(),
        6
    );
    let carried =
        [0x01, 0x02, 0x03, 0x0c, 0x0e, 0x11, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1f];
    for code in (0..=0xff_u8).filter(|code| !carried.contains(code)) {
        let body: &[u8] = if code == 0x04 { b"customers\0%" } else { b"" };
        let error = session.simple(CommandCode::from_byte(code), body).unwrap_err();
        assert_eq!((error.code, error.sqlstate.as_str()), (1047, "08S01"), "{code:#x}");
    }
    // Somebody else's session.
    let number = direct.connection.to_le_bytes();
    assert_eq!(session.simple(CommandCode::ProcessKill, &number).unwrap_err().code, 1094);
    shop.close();
}

#[test]
fn myp_09_executions_that_do_not_fit_run_nothing() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let statement = session.prepare("INSERT INTO notes (body) VALUES (?)").unwrap();
    let kind = jurat_wire::mysql::result::ReplyKind::Statement { cursor: false };
    // No types were ever sent.
    let mut body = statement.number.to_le_bytes().to_vec();
    body.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 1, b'x']);
    session.command(CommandCode::StmtExecute, &body);
    assert_eq!(session.reply(kind, true).unwrap_err().code, 1210);
    // Fewer and more values than parameters.
    for values in [&[][..], &[Some("a"), Some("b")]] {
        assert_eq!(session.execute(statement, values).unwrap_err().code, 1210);
    }
    // Types stay for the next execution.
    session.execute(statement, &[Some("a")]).unwrap();
    session.command(CommandCode::StmtExecute, &body);
    assert_eq!(session.reply(kind, true).unwrap()[0].affected, 1);
    // A million pieces are bounded.
    let piece = [&statement.number.to_le_bytes()[..], &[0, 0], &[b'x'; 60_000][..]].concat();
    for _ in 0..400 {
        session.command(CommandCode::StmtSendLongData, &piece);
    }
    assert_eq!(session.execute(statement, &[Some("a")]).unwrap_err().code, 1210);
    assert_eq!(shop.count("SELECT COUNT(*) FROM notes"), 2);
    shop.close();
}

#[test]
fn myp_12_no_file_of_the_client_is_asked_for() {
    let Some(shop) = MyShop::usual() else { return };
    let text = "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE notes (body)";
    assert!(shop.direct().with("--local-infile=1").run(text).status.success(), "it works directly");
    let refused = shop.cli("ana").with("--local-infile=1").error(text);
    assert!(refused.contains("jurat denied"), "{refused}");
    assert_eq!(shop.count("SELECT COUNT(*) FROM notes"), 0);
    shop.close();
}

#[test]
fn myp_13_myp_16_what_is_not_understood_is_not_offered() {
    let Some(shop) = MyShop::usual() else { return };
    let (_, greeting) = MyWire::connect(shop.jurat.port);
    let greeting = greeting[4..].to_vec();
    let offered = Greeting::parse(&greeting).unwrap().capabilities;
    for (name, flag) in [
        ("compression", Capabilities::COMPRESS),
        ("zstd", Capabilities::ZSTD),
        ("files of the client", Capabilities::LOCAL_FILES),
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
    let kind = jurat_wire::mysql::result::ReplyKind::Statement { cursor: false };
    session.reply(kind, false).ok();
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}

/// Commands that are sent without waiting are answered one by one, in order.
#[test]
fn commands_may_be_sent_ahead() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    for number in 0..50 {
        session.command(CommandCode::Query, format!("SELECT {number}").as_bytes());
    }
    session.command(CommandCode::Query, b"DELETE FROM payments");
    session.command(CommandCode::Query, b"SELECT 'last'");
    let kind = jurat_wire::mysql::result::ReplyKind::Statement { cursor: false };
    for number in 0..50 {
        assert_eq!(session.reply(kind, false).unwrap()[0].value(), number.to_string());
    }
    assert_eq!(session.reply(kind, false).unwrap_err().code, 1142);
    assert_eq!(session.reply(kind, false).unwrap()[0].value(), "last");
    shop.close();
}
