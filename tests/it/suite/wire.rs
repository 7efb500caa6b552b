//! Threat: the wire itself. The rows WIRE-01 to WIRE-28 of the catalogue of attacks, one test each, with what
//! PostgreSQL does shown first where it has an answer.

mod cancel;
mod frames;
mod login;
mod negotiation;
mod start_up;
pub(super) mod upstream;

/// The sources of the modules above.
const SOURCES: [&str; 6] = [
    include_str!("wire/cancel.rs"),
    include_str!("wire/frames.rs"),
    include_str!("wire/login.rs"),
    include_str!("wire/negotiation.rs"),
    include_str!("wire/start_up.rs"),
    include_str!("wire/upstream.rs"),
];

#[test]
fn every_row_of_the_catalogue_has_its_test() {
    assert_eq!(super::missing_rows("wire", 28, &SOURCES), Vec::<String>::new());
}

/// The request for TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// The request for encryption by GSSAPI.
const GSS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];
/// The parameters of an ordinary start-up.
const ANA: &[u8] = b"user\0ana\0database\0shop\0\0";

/// A start-up message: protocol 3.0 and the parameters as they stand.
fn start_up(parameters: &[u8]) -> Vec<u8> {
    start_up_as([0, 3, 0, 0], parameters)
}

/// A start-up message of another version.
fn start_up_as(version: [u8; 4], parameters: &[u8]) -> Vec<u8> {
    let length = u32::try_from(parameters.len() + 8).unwrap();
    [&length.to_be_bytes()[..], &version, parameters].concat()
}

/// Everything up to the end of the connection.
async fn all_bytes(wire: &mut crate::harness::Wire) -> Vec<u8> {
    let mut heard = Vec::new();
    loop {
        match wire.some_bytes().await {
            bytes if bytes.is_empty() => return heard,
            bytes => heard.extend(bytes),
        }
    }
}
