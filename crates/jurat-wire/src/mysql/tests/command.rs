//! Commands as drivers send them, and as only an attacker would.

use super::check_exact;
use crate::mysql::capability::Capabilities;
use crate::mysql::column_type::ColumnType;
use crate::mysql::command::execute::{Bound, BoundValue, CursorType, Execute, ParameterType};
use crate::mysql::command::{Command, CommandCode};
use crate::mysql::error::ParseError;
use crate::mysql::row::{Date, Time, Value};

const CAPABILITIES: Capabilities = Capabilities::PROTOCOL_41
    .with(Capabilities::SECURE_CONNECTION)
    .with(Capabilities::PLUGIN_AUTH)
    .with(Capabilities::CONNECT_ATTRS);

fn parse(payload: &[u8]) -> Result<Command<'_>, ParseError> {
    Command::parse(payload, CAPABILITIES)
}

#[test]
fn commands_are_read() {
    for (payload, expected) in [
        (&b"\x03SELECT 1"[..], "Query { text: [83, 69, 76, 69, 67, 84, 32, 49] }"),
        (b"\x02shop", "InitDb { schema: [115, 104, 111, 112] }"),
        (b"\x16SELECT ?", "StmtPrepare { text: [83, 69, 76, 69, 67, 84, 32, 63] }"),
        (b"\x04t\0%", "FieldList { table: [116], pattern: [37] }"),
        (
            b"\x18\x07\0\0\0\x01\0abc",
            "StmtSendLongData { statement: 7, parameter: 1, data: [97, 98, 99] }",
        ),
        (b"\x1c\x07\0\0\0\x0a\0\0\0", "StmtFetch { statement: 7, rows: 10 }"),
        (b"\x19\x07\0\0\0", "StmtClose { statement: 7 }"),
        (b"\x1a\x07\0\0\0", "StmtReset { statement: 7 }"),
        (b"\x0c\x07\0\0\0", "ProcessKill { connection: 7 }"),
        (b"\x1b\0\0", "SetOption { multi_statements: true }"),
        (b"\x1b\x01\0", "SetOption { multi_statements: false }"),
        (b"\x01", "Quit"),
        (b"\x0e", "Ping"),
        (b"\x09", "Statistics"),
        (b"\x1f", "ResetConnection"),
    ] {
        assert_eq!(format!("{:?}", parse(payload).unwrap()), expected);
    }
    for fixed in [
        &b"\x19\x07\0\0\0"[..],
        b"\x1a\x07\0\0\0",
        b"\x1c\x07\0\0\0\x0a\0\0\0",
        b"\x1b\0\0",
        b"\x0e",
    ] {
        check_exact("command", fixed, |payload| parse(payload).map(|_| ()));
    }
    assert!(parse(b"").is_err());
    assert!(parse(b"\x1b\x02\0").is_err());
    assert!(parse(b"\x04users").is_err());
}

/// Text behind query attributes is not where it is looked for, so such a session is never agreed on.
#[test]
fn a_query_is_not_read_where_attributes_could_stand_before_it() {
    let capabilities = CAPABILITIES.with(Capabilities::QUERY_ATTRIBUTES);
    assert!(Command::parse(b"\x03\0\x01SELECT 1", capabilities).is_err());
}

/// MYP-11: every byte is some command, and its own.
#[test]
fn every_first_byte_is_a_command_or_unknown() {
    let mut known = 0;
    for byte in 0..=255 {
        let code = CommandCode::from_byte(byte);
        assert_eq!(code.as_byte(), byte);
        if !matches!(code, CommandCode::Unknown(_)) {
            known += 1;
            assert!(code.name().starts_with("COM_"), "{code:?}");
        }
    }
    assert_eq!(known, 36);
    assert_eq!(CommandCode::from_byte(0xfa).name(), "COM_STMT_BULK_EXECUTE");
    assert!(matches!(parse(&[0x12, 1, 2]), Ok(Command::Other(CommandCode::BinlogDump))));
    assert!(matches!(parse(&[0x77]), Ok(Command::Other(CommandCode::Unknown(0x77)))));
}

#[test]
fn a_change_of_the_user_is_read_in_the_forms_that_clients_send() {
    let whole = b"\x11ana\0\x02zzshop\0\x2d\0mysql_native_password\0\x04\x01a\x01b";
    for (name, payload, expected) in [
        ("new", &whole[..], (Some(45), true, true)),
        ("without attributes", &whole[..37], (Some(45), true, false)),
        ("without a plugin", &whole[..15], (Some(45), false, false)),
        ("old", &whole[..13], (None, false, false)),
    ] {
        let Ok(Command::ChangeUser(change)) = parse(payload) else { panic!("{name}") };
        assert_eq!((change.user, change.schema), (&b"ana"[..], &b"shop"[..]), "{name}");
        assert_eq!(change.auth.expose(), b"zz", "{name}");
        let found = (change.collation, change.plugin.is_some(), change.attributes.is_some());
        assert_eq!(found, expected, "{name}");
        assert!(!format!("{change:?}").contains("122"), "no password is printed");
    }
    assert!(parse(&[whole, &b"x"[..]].concat()).is_err());
    assert!(parse(b"\x11ana\0\xffzz").is_err());
    let unannounced = CAPABILITIES.without(Capabilities::CONNECT_ATTRS);
    let Ok(Command::ChangeUser(change)) = Command::parse(whole, unannounced) else { panic!() };
    assert!(change.attributes.is_none());
}

fn execute(body: &[u8]) -> Execute<'_> {
    match parse(body) {
        Ok(Command::StmtExecute(execute)) => execute,
        other => panic!("{other:?}"),
    }
}

const HEAD: &[u8] = b"\x17\x07\0\0\0\0\x01\0\0\0";

fn with(rest: &[&[u8]]) -> Vec<u8> {
    [HEAD, &rest.concat()].concat()
}

#[test]
fn bound_values_are_read_by_their_types() {
    let types: &[u8] = &[
        0x01, 0x80, 0x02, 0, 0x03, 0, 0x08, 0x80, 0x04, 0, 0x05, 0, 0xfd, 0, 0x0c, 0, 0x0a, 0,
        0x0b, 0, 0x06, 0, 0xfc, 0,
    ];
    let payload = with(&[
        // The last but one is of the type NULL, the last is NULL by the bitmap.
        &[0, 0b1000, 1],
        types,
        &[255],
        &[0xfe, 0xff],
        &[1, 0, 0, 0],
        &[255; 8],
        &1.5_f32.to_le_bytes(),
        &(-2.5_f64).to_le_bytes(),
        b"\x05it's\n",
        &[11, 0xe4, 7, 1, 2, 3, 4, 5, 6, 0, 0, 0],
        &[4, 0xe4, 7, 12, 31],
        &[8, 1, 1, 0, 0, 0, 2, 3, 4],
    ]);
    let execute = execute(&payload);
    assert_eq!((execute.statement, execute.cursor), (7, CursorType::None));
    let Bound { new_types, values } = execute.bind(12, None, |_| false).unwrap();
    let date = Date { year: 2020, month: 1, day: 2, time: Some((3, 4, 5, 6)) };
    let time = Time { negative: true, days: 1, hours: 2, minutes: 3, seconds: 4, micros: 0 };
    let expected = [
        Value::UInt(255),
        Value::Int(-2),
        Value::Int(1),
        Value::UInt(u64::MAX),
        Value::Float(1.5),
        Value::Double(-2.5),
        Value::Bytes(b"it's\n"),
        Value::Date(date),
        Value::Date(Date { year: 2020, month: 12, day: 31, time: None }),
        Value::Time(time),
        Value::Null,
        Value::Null,
    ];
    assert_eq!(values, expected.map(BoundValue::Value));
    assert_eq!(date.to_string(), "2020-01-02 03:04:05.000006");
    assert_eq!(time.to_string(), "-26:03:04");
    assert_eq!(new_types.unwrap()[0], ParameterType { kind: ColumnType::Tiny, unsigned: true });
    for end in HEAD.len()..payload.len() {
        let short = self::execute(&payload[..end]).bind(12, None, |_| false);
        assert!(short.is_err(), "{end} of {} bytes", payload.len());
    }
    let long = [payload.as_slice(), &[0]].concat();
    let bound = self::execute(&long).bind(12, None, |_| false);
    assert_eq!(bound, Err(ParseError::TrailingBytes(1)));
}

/// MYP-09: types of an earlier execution, of another count, and of none.
#[test]
fn types_are_remembered_and_never_guessed() {
    let payload = with(&[&[0, 0, 5]]);
    let tiny = ParameterType { kind: ColumnType::Tiny, unsigned: false };
    let bound = execute(&payload).bind(1, Some(&[tiny]), |_| false).unwrap();
    assert_eq!(bound.values, [BoundValue::Value(Value::Int(5))]);
    assert_eq!(bound.new_types, None);
    for remembered in [None, Some(&[tiny, tiny][..])] {
        let bound = execute(&payload).bind(1, remembered, |_| false);
        assert_eq!(bound, Err(ParseError::TypesUnknown));
    }
    // What was sent in pieces is not among the values.
    let payload = with(&[&[0, 1, 0xfc, 0, 1, 0], &[9]]);
    let bound = execute(&payload).bind(2, None, |index| index == 0).unwrap();
    assert_eq!(bound.values, [BoundValue::LongData, BoundValue::Value(Value::Int(9))]);
    let bound = execute(&payload).bind(2, None, |_| false);
    assert!(bound.is_err());
}

#[test]
fn malformed_executions_are_refused() {
    for (name, payload, count) in [
        ("an unknown type", with(&[&[0, 1, 200, 0, 1]]), 1),
        ("an unknown sign", with(&[&[0, 1, 1, 1, 1]]), 1),
        ("an unknown flag", with(&[&[0, 2, 1, 0, 1]]), 1),
        ("a text of 2^64 - 1 bytes", with(&[&[0, 1, 0xfd, 0, 0xfe], &[255; 8]]), 1),
        ("a text that is NULL", with(&[&[0, 1, 0xfd, 0, 0xfb]]), 1),
        ("a date of 5 bytes", with(&[&[0, 1, 0x0c, 0, 5, 1, 1, 1, 1, 1]]), 1),
        ("a time of 7 bytes", with(&[&[0, 1, 0x0b, 0, 7, 1, 1, 1, 1, 1, 1, 1]]), 1),
        ("no types for 65535 parameters", with(&[&[0; 8192], &[1]]), 65_535),
        ("values without parameters", with(&[&[0, 1, 1, 0, 1]]), 0),
    ] {
        assert!(execute(&payload).bind(count, None, |_| false).is_err(), "{name}");
    }
    assert!(execute(HEAD).bind(0, None, |_| false).is_ok());
    // Two iterations, a scrollable cursor, and the flag of query attributes.
    assert!(parse(b"\x17\x07\0\0\0\0\x02\0\0\0").is_err());
    assert!(parse(b"\x17\x07\0\0\0\x04\x01\0\0\0").is_err());
    assert!(parse(b"\x17\x07\0\0\0\x08\x01\0\0\0").is_err());
}
