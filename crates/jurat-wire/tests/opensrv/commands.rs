//! Commands: what is bound to parameters is read by both sides as the same, and what has no rows is answered.

use jurat_wire::mysql::{
    capability::Status,
    column_type::{ColumnType, Layout},
    command::{
        Command,
        execute::{BoundValue, ParameterType},
    },
    encode::{command, put_bytes},
    result::ReplyKind,
    row::{Value, binary_values},
};

use super::client::{Client, Cutting, EOF, NO_EOF};
use super::samples::{Sample, samples};
use super::server::{ECHO, Server};

const STATEMENT: ReplyKind = ReplyKind::Statement { cursor: false };

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

fn prepare(client: &mut Client) {
    let told = client.ask(&written(|out| command::prepare(out, b"echo")), ReplyKind::Prepare);
    let told = told.unwrap();
    let count = u16::try_from(samples().len()).unwrap();
    assert_eq!(told.prepared, Some((ECHO, 0, count)));
    let expected: Vec<_> = samples().iter().map(|sample| (sample.kind, sample.unsigned)).collect();
    assert_eq!(told.parameters, expected);
}

/// The payload of an execution that binds each sample unless `null` says otherwise of its place.
/// Values in pieces (`COM_STMT_SEND_LONG_DATA`) are left to the real servers: opensrv-mysql does not survive them.
fn execution(samples: &[Sample], null: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut bitmap = vec![0_u8; samples.len().div_ceil(8)];
    let (mut types, mut values) = (Vec::new(), Vec::new());
    for (place, sample) in samples.iter().enumerate() {
        types.extend([sample.kind.as_byte(), if sample.unsigned { 0x80 } else { 0 }]);
        if null(place) {
            bitmap[place / 8] |= 1 << (place % 8);
        } else {
            put(&mut values, sample);
        }
    }
    let head = [&[0x17][..], &ECHO.to_le_bytes(), &[0, 1, 0, 0, 0]].concat();
    [&head[..], &bitmap, &[1], &types, &values].concat()
}

/// A value as the documentation of the protocol lays it out, by neither implementation.
fn put(out: &mut Vec<u8>, sample: &Sample) {
    match sample.value {
        Value::Bytes(bytes) => put_bytes(out, bytes),
        Value::Int(number) => put_integer(out, sample.kind, number.to_le_bytes()),
        Value::UInt(number) => put_integer(out, sample.kind, number.to_le_bytes()),
        Value::Float(number) => out.extend(number.to_le_bytes()),
        Value::Double(number) => out.extend(number.to_le_bytes()),
        Value::Null => {}
        Value::Date(date) => {
            out.push(match date.time {
                None => 4,
                Some((.., 0)) => 7,
                Some(_) => 11,
            });
            out.extend(date.year.to_le_bytes());
            out.extend([date.month, date.day]);
            if let Some((hour, minute, second, micros)) = date.time {
                out.extend([hour, minute, second]);
                if micros != 0 {
                    out.extend(micros.to_le_bytes());
                }
            }
        }
        Value::Time(time) if time == Default::default() => out.push(0),
        Value::Time(time) => {
            out.extend([if time.micros == 0 { 8 } else { 12 }, u8::from(time.negative)]);
            out.extend(time.days.to_le_bytes());
            out.extend([time.hours, time.minutes, time.seconds]);
            if time.micros != 0 {
                out.extend(time.micros.to_le_bytes());
            }
        }
    }
}

fn put_integer(out: &mut Vec<u8>, kind: ColumnType, bytes: [u8; 8]) {
    let Layout::Integer(width) = kind.layout() else { panic!("{kind:?} is no integer") };
    out.extend_from_slice(&bytes[..width]);
}

/// What this crate reads in an execution, as a proxy does.
fn bound(payload: &[u8], count: usize) -> (Vec<ParameterType>, Vec<Value<'_>>) {
    let Command::StmtExecute(execute) = Command::parse(payload, EOF).unwrap() else {
        panic!("no execution")
    };
    assert_eq!(execute.statement, ECHO);
    let bound = execute.bind(count, None, |_| false).unwrap();
    let values = bound.values.into_iter().map(|value| match value {
        BoundValue::Value(value) => value,
        BoundValue::LongData => panic!("nothing was sent before"),
    });
    (bound.new_types.unwrap(), values.collect())
}

#[test]
fn parameters_of_every_type_are_read_by_both_as_the_same() {
    let server = Server::start(None);
    let samples = samples();
    for capabilities in [EOF, NO_EOF] {
        let mut client = Client::open(&server, capabilities, Cutting::Runs);
        prepare(&mut client);
        for null in [|_| false, |_| true, |place: usize| place.is_multiple_of(2)] {
            let payload = execution(&samples, null);
            let (types, ours) = bound(&payload, samples.len());
            let told = client.ask(&written(|out| command::forward(out, &payload)), STATEMENT);
            let told = told.unwrap();
            let layouts: Vec<_> =
                told.columns.iter().map(|(_, kind, sign)| (*kind, *sign)).collect();
            let theirs = binary_values(&told.rows[0], &layouts).unwrap();
            for (place, sample) in samples.iter().enumerate() {
                let expected = if null(place) { Value::Null } else { sample.value };
                let read = (types[place].kind, layouts[place].0);
                assert_eq!(read, (sample.kind, sample.kind), "{place}");
                assert!(ours[place] == expected, "ours: {:?} at {place}", sample.kind);
                assert!(theirs[place] == expected, "theirs: {:?} at {place}", sample.kind);
            }
        }
    }
}

#[test]
fn commands_without_rows_are_answered() {
    let server = Server::start(None);
    let error = |code, state: &str, text: &str| Some((code, state.to_owned(), text.to_owned()));
    let plain = vec![(0, 0, Status::default())];
    let changed = vec![(300, 70_000, Status::IN_TRANS.with(Status::AUTOCOMMIT))];
    for capabilities in [EOF, NO_EOF] {
        let mut client = Client::open(&server, capabilities, Cutting::Runs);
        for (command, kind, successes, error) in [
            (written(command::ping), ReplyKind::Simple, plain.clone(), None),
            (written(|out| command::init_db(out, b"shop")), ReplyKind::Simple, plain.clone(), None),
            (
                written(|out| command::init_db(out, b"elsewhere")),
                ReplyKind::Simple,
                Vec::new(),
                error(1049, "42000", "elsewhere"),
            ),
            (written(|out| command::query(out, b"changed")), STATEMENT, changed.clone(), None),
            (
                written(|out| command::query(out, "nö".as_bytes())),
                STATEMENT,
                Vec::new(),
                error(1064, "42000", "nö"),
            ),
            (
                written(|out| command::prepare(out, b"no")),
                ReplyKind::Prepare,
                Vec::new(),
                error(1064, "42000", "not to be prepared"),
            ),
        ] {
            let told = client.ask(&command, kind).unwrap();
            assert_eq!((told.successes, told.error), (successes, error), "{command:?}");
        }
        client.send(&written(command::quit));
        assert!(client.is_closed(), "COM_QUIT ends the connection without a reply");
    }
}
