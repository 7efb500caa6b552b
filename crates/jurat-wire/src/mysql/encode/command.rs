//! Commands to a server. Each begins a new count of packets.

use crate::mysql::command::CommandCode;

use super::payload;

/// Appends a command whose fields are `body`.
fn command(out: &mut Vec<u8>, code: CommandCode, body: &[u8]) {
    let mut whole = Vec::with_capacity(body.len().saturating_add(1));
    whole.push(code.as_byte());
    whole.extend_from_slice(body);
    payload(out, &mut 0, &whole);
}

/// Appends `COM_QUERY`, for a session without query attributes.
pub fn query(out: &mut Vec<u8>, text: &[u8]) {
    command(out, CommandCode::Query, text);
}

/// Appends `COM_STMT_PREPARE`.
pub fn prepare(out: &mut Vec<u8>, text: &[u8]) {
    command(out, CommandCode::StmtPrepare, text);
}

/// Appends `COM_INIT_DB`.
pub fn init_db(out: &mut Vec<u8>, schema: &[u8]) {
    command(out, CommandCode::InitDb, schema);
}

/// Appends `COM_STMT_CLOSE`, which has no reply.
pub fn close(out: &mut Vec<u8>, statement: u32) {
    command(out, CommandCode::StmtClose, &statement.to_le_bytes());
}

/// Appends `COM_STMT_RESET`.
pub fn reset(out: &mut Vec<u8>, statement: u32) {
    command(out, CommandCode::StmtReset, &statement.to_le_bytes());
}

/// Appends `COM_STMT_FETCH`.
pub fn fetch(out: &mut Vec<u8>, statement: u32, rows: u32) {
    let body = [statement.to_le_bytes(), rows.to_le_bytes()].concat();
    command(out, CommandCode::StmtFetch, &body);
}

/// Appends `COM_SET_OPTION`.
pub fn set_option(out: &mut Vec<u8>, multi_statements: bool) {
    command(out, CommandCode::SetOption, &[u8::from(!multi_statements), 0]);
}

/// Appends `COM_PROCESS_KILL`.
pub fn process_kill(out: &mut Vec<u8>, connection: u32) {
    command(out, CommandCode::ProcessKill, &connection.to_le_bytes());
}

/// Appends `COM_PING`.
pub fn ping(out: &mut Vec<u8>) {
    command(out, CommandCode::Ping, b"");
}

/// Appends `COM_RESET_CONNECTION`.
pub fn reset_connection(out: &mut Vec<u8>) {
    command(out, CommandCode::ResetConnection, b"");
}

/// Appends `COM_STATISTICS`.
pub fn statistics(out: &mut Vec<u8>) {
    command(out, CommandCode::Statistics, b"");
}

/// Appends `COM_QUIT`, which has no reply.
pub fn quit(out: &mut Vec<u8>) {
    command(out, CommandCode::Quit, b"");
}

/// Appends the payload of a command as a client sent it, in packets of its own.
pub fn forward(out: &mut Vec<u8>, command: &[u8]) {
    payload(out, &mut 0, command);
}
