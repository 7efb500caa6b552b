//! Single packets of a server.

use super::{check_exact, is_truncation};
use crate::mysql::auth::{AuthReply, put_more, put_switch};
use crate::mysql::capability::{Capabilities, Status};
use crate::mysql::column_type::ColumnType;
use crate::mysql::error::ParseError;
use crate::mysql::response::session::Change;
use crate::mysql::response::{ColumnDefinition, EofPacket, ErrPacket, OkPacket, PrepareOk};

const TRACKS: Capabilities = Capabilities::PROTOCOL_41.with(Capabilities::SESSION_TRACK);

/// The answer of MariaDB to `USE shop` and `SET sql_mode = ''`, put together.
const CHANGED: &[u8] =
    b"\0\x01\xfc\x00\x01\x02\x40\0\0\0\x15\x01\x05\x04shop\0\x0a\x08sql_mode\0\x02\x00";

#[test]
fn success_tells_of_changes_of_the_session() {
    let ok = OkPacket::parse(CHANGED, TRACKS).unwrap();
    assert_eq!((ok.affected_rows, ok.last_insert_id, ok.warnings), (1, 256, 0));
    assert!(ok.status.contains(Status::AUTOCOMMIT) && !ok.status.contains(Status::IN_TRANS));
    let mut changes = Vec::new();
    ok.changes.each(|change| changes.push(change));
    assert_eq!(
        changes,
        [
            Change::Schema(b"shop"),
            Change::Variable { name: b"sql_mode", value: b"" },
            Change::State,
        ]
    );
    // The text for people may be left out when there is nothing behind it.
    let bare = b"\0\0\0\x02\0\0\0";
    assert_eq!(OkPacket::parse(bare, TRACKS).unwrap().info, b"");
    check_exact("changes", CHANGED, |payload| match OkPacket::parse(payload, TRACKS) {
        // It ends where the text for people could be left out, and then lacks the changes.
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    });
}

/// The words have a length in any session, as both servers write them.
#[test]
fn words_for_people_stand_behind_their_length() {
    let text = b"\0\x02\0\x02\0\x01\0\x0fRows matched: 2";
    for capabilities in [Capabilities::PROTOCOL_41, TRACKS] {
        let ok = OkPacket::parse(text, capabilities).unwrap();
        assert_eq!((ok.info, ok.warnings), (&b"Rows matched: 2"[..], 1));
        let unmeasured = b"\0\x02\0\x02\0\x01\0Rows matched: 2";
        assert!(OkPacket::parse(unmeasured, capabilities).is_err());
    }
}

#[test]
fn changes_that_do_not_add_up_are_refused() {
    let with = |changes: &[u8]| [&b"\0\0\0\x02\x40\0\0\0"[..], changes].concat();
    assert!(OkPacket::parse(&with(b"\x04\x01\x02\x01x"), TRACKS).is_ok());
    // Kinds that are not looked into, and of servers to come.
    assert!(OkPacket::parse(&with(b"\x0a\x03\x01x\x05\x01y\x77\x02zz"), TRACKS).is_ok());
    for (name, changes) in [
        ("an entry beyond the list", &b"\x04\x01\x03\x01x"[..]),
        ("a name beyond the entry", b"\x04\x01\x02\x02x"),
        ("a schema that ends before its entry", b"\x05\x01\x03\x01xy"),
        ("a variable without a value", b"\x04\0\x02\x01x"),
        ("a list beyond the packet", b"\x05\x01\x02\x01x"),
        ("a list of 2^64 - 1 bytes", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff"),
        ("no list", b""),
    ] {
        assert!(OkPacket::parse(&with(changes), TRACKS).is_err(), "{name}");
    }
}

#[test]
fn failures_have_a_number_and_a_state() {
    let error = ErrPacket::parse(b"\xff\x28\x04#42000You have an error").unwrap();
    assert_eq!((error.code, error.sqlstate()), (1064, "42000"));
    assert_eq!(error.message, b"You have an error");
    // Before the login there is none, and a message may begin as one would.
    let early = ErrPacket::parse(b"\xff\x10\x04Too many connections").unwrap();
    assert_eq!((early.code, early.sqlstate(), early.sqlstate.is_some()), (1040, "HY000", false));
    assert_eq!(ErrPacket::parse(b"\xff\x10\x04#400").unwrap().message, b"#400");
    assert_eq!(ErrPacket::parse(b"\xff\x10\x04#\xff\xff\xff\xff\xff").unwrap().sqlstate(), "HY000");
    assert!(ErrPacket::parse(b"\xff\x10").is_err());
    assert!(ErrPacket::parse(b"\0\x10\x04").is_err());
}

#[test]
fn ends_and_prepared_statements_are_read_exactly() {
    let eof = b"\xfe\x01\0\x22\0";
    assert_eq!(EofPacket::parse(eof).unwrap(), EofPacket { warnings: 1, status: Status(0x22) });
    check_exact("EOF", eof, |payload| EofPacket::parse(payload).map(|_| ()));
    let prepared = b"\0\x07\0\0\0\x02\0\x01\0\0\x05\0";
    let expected = PrepareOk { statement: 7, columns: 2, parameters: 1, warnings: 5 };
    assert_eq!(PrepareOk::parse(prepared), Ok(expected));
    check_exact("prepared", prepared, |payload| PrepareOk::parse(payload).map(|_| ()));
}

const COLUMN: &[u8] = b"\x03def\x04shop\x01x\x01t\x02bb\x01b\x0c\x2d\0\x50\0\0\0\xfd\x20\0\x1f\0\0";

#[test]
fn a_column_names_its_origin() {
    let column = ColumnDefinition::parse(COLUMN, Capabilities::PROTOCOL_41, false).unwrap();
    assert_eq!(
        (column.schema, column.table, column.org_table),
        (&b"shop"[..], &b"x"[..], &b"t"[..])
    );
    assert_eq!((column.name, column.org_name), (&b"bb"[..], &b"b"[..]));
    assert_eq!((column.collation, column.length, column.decimals), (45, 80, 31));
    assert_eq!(column.layout(), (ColumnType::VarString, true));
    check_exact("column", COLUMN, |payload| {
        ColumnDefinition::parse(payload, Capabilities::PROTOCOL_41, false).map(|_| ())
    });
    // The default value, which may be NULL, only in the reply to COM_FIELD_LIST.
    for (default, expected) in [(&b"\x01z"[..], Some(&b"z"[..])), (b"\xfb", None)] {
        let listed = [COLUMN, default].concat();
        let column = ColumnDefinition::parse(&listed, Capabilities::PROTOCOL_41, true).unwrap();
        assert_eq!(column.default, expected);
        assert!(ColumnDefinition::parse(&listed, Capabilities::PROTOCOL_41, false).is_err());
    }
    let mut unknown = COLUMN.to_vec();
    *unknown.iter_mut().find(|byte| **byte == 0xfd).unwrap() = 200;
    assert!(matches!(
        ColumnDefinition::parse(&unknown, Capabilities::PROTOCOL_41, false),
        Err(ParseError::InvalidSelector { field: "type", value: 200 })
    ));
}

#[test]
fn packets_of_a_login_are_told_apart() {
    let parse = |payload: &'static [u8]| AuthReply::parse(payload, Capabilities::PROTOCOL_41);
    assert!(matches!(parse(b"\0\0\0\x02\0\0\0"), Ok(AuthReply::Ok(_))));
    assert!(matches!(parse(b"\xff\x15\x04#28000no"), Ok(AuthReply::Err(_))));
    let Ok(AuthReply::More(data)) = parse(b"\x01\x04") else { panic!("not more data") };
    assert_eq!(data.expose(), [4]);
    let switch = b"\xfemysql_native_password\0abcdefghijklmnopqrst\0";
    let Ok(AuthReply::Switch { plugin, challenge }) = parse(switch) else { panic!("no switch") };
    assert_eq!((plugin, challenge), (&b"mysql_native_password"[..], &switch[23..]));
    let mut out = Vec::new();
    put_switch(&mut out, plugin, &challenge[..20]).unwrap();
    assert_eq!(out, switch);
    assert!(put_switch(&mut Vec::new(), b"x", b"a\0b").is_err());
    let mut out = Vec::new();
    put_more(&mut out, &[3]);
    assert_eq!(out, b"\x01\x03");
    // The single byte of a server before 4.1, which asks for the password in its old, broken hash.
    assert!(is_truncation(parse(b"\xfe").unwrap_err()));
    assert!(parse(b"").is_err());
    assert!(parse(b"\x02").is_err());
}
