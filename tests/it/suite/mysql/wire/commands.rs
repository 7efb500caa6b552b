//! Commands: those that are carried, and those that are not.

use jurat_wire::mysql::{command::CommandCode, result::ReplyKind};

use super::STATEMENT;
use crate::harness::{MyShop, canary};

#[test]
fn myp_05_several_statements_are_judged_before_any_runs() {
    let Some(shop) = MyShop::usual() else { return };
    let text = "INSERT INTO notes (body) VALUES ('ran'); DELETE FROM payments";
    let mut direct = shop.direct_wire();
    assert_eq!(direct.query(text).unwrap().len(), 2, "it works directly");
    assert_eq!(direct.one("SELECT COUNT(*) FROM payments").value(), "0");
    let mut session = shop.wire("ana");
    assert_eq!(session.error(text).code, 1142);
    // Whether the client may send several is the client's choice, and changes nothing else.
    session.simple(CommandCode::SetOption, &[1, 0]).unwrap();
    assert_eq!(session.error(text).code, 1064);
    session.simple(CommandCode::SetOption, &[0, 0]).unwrap();
    assert_eq!(session.error(text).code, 1142);
    assert_eq!(session.prepare(text).unwrap_err().code, 1064);
    assert_eq!(shop.count("SELECT COUNT(*) FROM notes"), 0);
    assert_eq!(shop.count("SELECT COUNT(*) FROM payments"), 100);
    shop.close();
}

#[test]
fn myp_06_a_name_means_what_it_means_in_the_database_in_use() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    let (attack, archived) = ("SELECT * FROM user", "SELECT email FROM customers");
    for by_command in [true, false] {
        for wire in [&mut session, &mut direct] {
            if by_command {
                wire.simple(CommandCode::InitDb, b"mysql").ok();
            } else {
                wire.query("USE mysql").ok();
            }
        }
        assert!(!direct.one(attack).rows.is_empty(), "it works directly");
        session.error(attack);
        for wire in [&mut session, &mut direct] {
            wire.query("USE archive").unwrap();
        }
        assert_eq!(direct.one(archived).value(), "archived1@old.example");
        assert_ne!(session.one(archived).value(), "archived1@old.example");
    }
    assert_eq!(canary::find(&session.received), None);
    shop.close();
}

#[test]
fn myp_07_the_columns_of_a_table_are_not_listed_without_a_statement() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    direct.command(CommandCode::FieldList, b"customers\0%");
    // MySQL has given it up since.
    if let Ok(listed) = direct.reply(ReplyKind::FieldList, false) {
        assert_eq!(listed[0].columns.len(), 6);
    }
    let error = session.simple(CommandCode::FieldList, b"customers\0%").unwrap_err();
    assert_eq!((error.code, error.sqlstate.as_str()), (1047, "08S01"));
    assert_eq!(session.one("SELECT 1").value(), "1");
    shop.close();
}

#[test]
fn myp_09_executions_that_do_not_fit_run_nothing() {
    let Some(shop) = MyShop::usual() else { return };
    let mut session = shop.wire("ana");
    let statement = session.prepare("INSERT INTO notes (body) VALUES (?)").unwrap();
    // No types were ever sent.
    let mut body = statement.number.to_le_bytes().to_vec();
    body.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 1, b'x']);
    session.command(CommandCode::StmtExecute, &body);
    assert_eq!(session.reply(STATEMENT, true).unwrap_err().code, 1210);
    // Fewer and more values than parameters.
    for values in [&[][..], &[Some("a"), Some("b")]] {
        assert_eq!(session.execute(statement, values).unwrap_err().code, 1210);
    }
    // Types stay for the next execution.
    session.execute(statement, &[Some("a")]).unwrap();
    session.command(CommandCode::StmtExecute, &body);
    assert_eq!(session.reply(STATEMENT, true).unwrap()[0].affected, 1);
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
fn myp_10_rows_of_a_cursor_are_masked_and_counted() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    for wire in [&mut session, &mut direct] {
        let statement = wire.prepare("SELECT id, email FROM customers ORDER BY id").unwrap();
        wire.open_cursor(statement, &[]).unwrap();
        assert_eq!(wire.fetch(statement, 15).unwrap(), (15, false));
        assert_eq!(wire.fetch(statement, 15).unwrap(), (5, true));
    }
    assert!(canary::find(&direct.received).is_some(), "it works directly");
    assert_eq!(canary::find(&session.received), None);
    let records = shop.close();
    let outcome = records.outcome(&records.decision_on("customers")).unwrap();
    assert_eq!(outcome["rows"], 20);
}

#[test]
fn myp_11_commands_that_are_not_carried_are_refused() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut session, mut direct) = (shop.wire("ana"), shop.direct_wire());
    // Directly, the server tells about everybody's work.
    direct.send(&[1, 0, 0, 0, 0x09]);
    assert!(String::from_utf8_lossy(&direct.packet(1)).contains("Questions"));
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
    assert_eq!(session.error(&format!("KILL {}", direct.connection)).code, 1094);
    assert_eq!(session.one("SELECT 1").value(), "1");
    shop.close();
}
