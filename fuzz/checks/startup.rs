//! The first packet of a connection: what parses as a start-up message is written again and must be
//! the same bytes.

use jurat_wire::postgres::encode::frontend as encode;
use jurat_wire::postgres::startup::{Startup, parse_startup, parse_startup_len};

/// Checks one input.
pub(crate) fn check(data: &[u8]) {
    let Ok(startup) = parse_startup(data) else { return };
    assert_eq!(parse_startup_len(data), Ok(Some(data.len())));
    let mut out = Vec::new();
    match startup {
        Startup::Startup(message) => {
            encode::startup(&mut out, message.minor, &message.parameters).expect("was read");
            let distinct: std::collections::BTreeSet<_> =
                message.parameters.iter().map(|(name, _)| name).collect();
            assert_eq!(message.duplicate().is_some(), distinct.len() < message.parameters.len());
        }
        Startup::Cancel { process_id, secret } => {
            encode::cancel_request(&mut out, process_id, secret.expose()).expect("was read");
        }
        Startup::Ssl => out.extend_from_slice(&encode::ssl_request()),
        Startup::GssEnc => return,
    }
    assert_eq!(out, data);
}
