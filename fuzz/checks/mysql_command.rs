//! A stream of commands of a MySQL client: what parses is what was sent, the values of an execution are as many as
//! was said, and cutting the stream in two gives the same commands.
//!
//! Input: a byte that says how many parameters statements have, eight bytes of capabilities, packets.

use jurat_wire::mysql::capability::Capabilities;
use jurat_wire::mysql::command::execute::{BoundValue, Execute, ParameterType};
use jurat_wire::mysql::command::{Command, CommandCode};
use jurat_wire::mysql::encode::{self, command};
use jurat_wire::mysql::frame::message;

const PAYLOAD_MAX: usize = 1 << 20;

/// Checks one input.
pub(crate) fn check(data: &[u8]) {
    let Some((&[count, a, b, c, d, e, f, g, h], stream)) = data.split_first_chunk::<9>() else {
        return;
    };
    let halves = [[a, b, c, d], [e, f, g, h]].map(u32::from_le_bytes);
    let capabilities = Capabilities::from_halves(halves[0], halves[1]);
    let mut rest = stream;
    let mut types = None;
    while let Ok(Some(read)) = message(rest, 0, PAYLOAD_MAX) {
        for at in [1, 3, 4, 5, read.consumed.saturating_sub(1)] {
            let short = rest.get(..at.min(read.consumed.saturating_sub(1))).unwrap_or_default();
            assert_eq!(message(short, 0, PAYLOAD_MAX), Ok(None), "nothing before all is there");
        }
        if let Ok(command) = Command::parse(&read.payload, capabilities) {
            assert_eq!(Some(&command.code().as_byte()), read.payload.first());
            compare(&command, &read.payload);
            if let Command::StmtExecute(execute) = &command {
                bind(execute, usize::from(count), &mut types);
            }
        }
        rest = rest.get(read.consumed..).unwrap_or_default();
    }
}

/// The command written from its fields is the command that was read.
fn compare(command: &Command<'_>, payload: &[u8]) {
    let (mut out, mut whole) = (Vec::new(), Vec::new());
    match command {
        Command::InitDb { schema } => command::init_db(&mut out, schema),
        Command::Ping => command::ping(&mut out),
        Command::ProcessKill { connection } => command::process_kill(&mut out, *connection),
        Command::Query { text } => command::query(&mut out, text),
        Command::Quit => command::quit(&mut out),
        Command::ResetConnection => command::reset_connection(&mut out),
        Command::SetOption { multi_statements } => command::set_option(&mut out, *multi_statements),
        Command::Statistics => command::statistics(&mut out),
        Command::StmtClose { statement } => command::close(&mut out, *statement),
        Command::StmtFetch { statement, rows } => command::fetch(&mut out, *statement, *rows),
        Command::StmtPrepare { text } => command::prepare(&mut out, text),
        Command::StmtReset { statement } => command::reset(&mut out, *statement),
        Command::ChangeUser(change) => {
            assert!(change.user.len() + change.auth.expose().len() < payload.len());
            return;
        }
        Command::Other(CommandCode::Unknown(byte)) => {
            assert_eq!(CommandCode::from_byte(*byte), CommandCode::Unknown(*byte));
            return;
        }
        Command::FieldList { .. }
        | Command::Other(_)
        | Command::StmtExecute(_)
        | Command::StmtSendLongData { .. } => return,
    }
    encode::payload(&mut whole, &mut 0, payload);
    assert_eq!(out, whole);
}

fn bind(execute: &Execute<'_>, count: usize, types: &mut Option<Vec<ParameterType>>) {
    for long in [false, true] {
        let sent_long = |index: usize| long && index.is_multiple_of(2);
        let Ok(bound) = execute.bind(count, types.as_deref(), sent_long) else { continue };
        assert_eq!(bound.values.len(), count);
        let longs = bound.values.iter().filter(|value| **value == BoundValue::LongData).count();
        assert_eq!(longs, if long { count.div_ceil(2) } else { 0 });
        if let Some(new) = bound.new_types {
            assert_eq!(new.len(), count);
            *types = Some(new);
        }
    }
}
