//! The greeting, and the ways in which a login ends.

use jurat_wire::mysql::{capability::Capabilities, handshake::Greeting};

use super::client::{Client, Cutting, EOF, Login, NO_EOF};
use super::server::{SALT, Server, proof};

#[test]
fn the_greeting_says_what_the_server_was_told_to_say() {
    let server = Server::start(None);
    let (_client, bytes) = Client::connect(&server, EOF, Cutting::Steps);
    let greeting = Greeting::parse(&bytes).unwrap();
    assert_eq!(greeting.version, b"8.0.99-opensrv");
    assert_eq!(greeting.connection, 0xfedc_ba98);
    assert_eq!(greeting.challenge, SALT);
    assert_eq!(greeting.plugin, b"mysql_native_password");
    assert!(greeting.capabilities.contains(NO_EOF.without(Capabilities::MYSQL)));
    assert!(!greeting.capabilities.contains(Capabilities::SSL));
}

#[test]
fn logins_end_as_the_server_decides() {
    let server = Server::start(None);
    let native = "mysql_native_password";
    let good = proof(SALT);
    for capabilities in [EOF, NO_EOF] {
        for (user, plugin, auth, schema, expected) in [
            ("zoë", native, &good[..], None, Login::Done { switched: false }),
            ("zoë", native, &good, Some("shop"), Login::Done { switched: false }),
            ("zoë", "caching_sha2_password", b"", None, Login::Done { switched: true }),
            ("zoë", "caching_sha2_password", b"", Some("shop"), Login::Done { switched: true }),
            ("zoë", native, b"something else", None, Login::Failed { code: 1698 }),
            ("zoe", native, &good, None, Login::Failed { code: 1698 }),
            ("zoë", native, &good, Some("elsewhere"), Login::Failed { code: 1049 }),
        ] {
            let (mut client, _) = Client::connect(&server, capabilities, Cutting::Steps);
            let login = client.log_in(user, plugin, auth, schema);
            assert_eq!(login, expected, "{user} {plugin} {schema:?} {capabilities:?}");
        }
    }
}
