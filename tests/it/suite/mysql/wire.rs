//! Threat: the wire itself. The rows MYP-01 to MYP-16 of the catalogue of attacks, one test each at least, with what
//! the server does shown first where it has an answer.

use jurat_wire::mysql::{
    capability::Capabilities,
    handshake::{Fixed, Greeting},
    result::ReplyKind,
};

mod commands;
mod frames;
mod login;
mod session;
mod tls;
mod upstream;

/// The sources of the modules above, and the one beside them that logs in.
const SOURCES: [&str; 6] = [
    include_str!("login.rs"),
    include_str!("wire/commands.rs"),
    include_str!("wire/frames.rs"),
    include_str!("wire/login.rs"),
    include_str!("wire/session.rs"),
    include_str!("wire/upstream.rs"),
];

#[test]
fn every_row_of_the_catalogue_has_its_test() {
    assert_eq!(crate::suite::missing_rows("myp", 16, &SOURCES), Vec::<String>::new());
}

/// The reply to a statement that runs at once.
const STATEMENT: ReplyKind = ReplyKind::Statement { cursor: false };

const BASE: Capabilities = Capabilities::MYSQL
    .with(Capabilities::PROTOCOL_41)
    .with(Capabilities::SECURE_CONNECTION)
    .with(Capabilities::PLUGIN_AUTH);

/// The beginning of an answer to the greeting.
fn fixed(claimed: Capabilities) -> Fixed {
    Fixed { claimed, max_packet: 1 << 24, collation: 45 }
}

/// The capabilities that a greeting offers.
fn offered(greeting: &[u8]) -> Capabilities {
    Greeting::parse(&greeting[4..]).unwrap().capabilities
}
