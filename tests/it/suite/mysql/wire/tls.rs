//! The other side before a session begins: how it proves who it is, and servers that are not the database. The client is
//! told that the database cannot be used, and no password is told to a stranger.

use jurat_wire::mysql::encode;

use crate::{
    harness::{
        MyShop, MyWire, Setup, cluster,
        jurat::PASSWORD,
        mariadb::Server,
        rogue::{Conduct, Rogue},
    },
    suite::wire::upstream::certificate,
};

const VERIFIED: &str = "tls = { mode = \"verify-full\", ca = \"policy/server.crt\" }";
const REQUIRED: &str = "tls = { mode = \"require\" }";

/// What a real server says first, with or without the offer of TLS.
fn greeting(server: &Server, tls: bool) -> Vec<u8> {
    let mut payload = MyWire::connect(server.port).1[4..].to_vec();
    // Behind the version, the number of the connection, half of the challenge and a zero are the lower capabilities.
    let capabilities = payload.iter().position(|byte| *byte == 0).unwrap() + 1 + 4 + 8 + 1;
    assert_eq!(payload[capabilities + 1] & 0x08, 0x08, "it offers TLS");
    if !tls {
        payload[capabilities + 1] &= !0x08;
    }
    packet(0, &payload)
}

fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let (mut out, mut sequence) = (Vec::new(), sequence);
    encode::payload(&mut out, &mut sequence, payload);
    out
}

/// A shop in front of a real server, with rogues beside it under these names.
fn shop_beside(server: Server, setup: Setup, rogues: &[(&'static str, &Rogue)]) -> MyShop {
    let databases =
        rogues.iter().map(|(name, rogue)| (*name, rogue.port, "shop".to_owned())).collect();
    let limits = "connect_timeout = \"2s\"";
    MyShop::in_front(server, Setup { databases, limits, ..setup })
}

/// A login fails because of the database, and one at a real database works.
fn is_refused(shop: &MyShop, name: &str, what: &str) {
    let told = MyWire::log_in(shop.jurat.port, "ana", PASSWORD, Some(name)).unwrap_err();
    assert_eq!(told.sqlstate, "08S01", "{what}: {told:?}");
    assert!(told.message.contains("JRT-UPSTREAM"), "{what}: {told:?}");
}

#[test]
fn the_database_is_reached_with_a_verified_certificate() {
    for (tls, encrypted) in [(VERIFIED, true), (REQUIRED, true), ("", false)] {
        let Some(server) = Server::start() else { return };
        let setup = Setup { upstream: tls.to_owned(), ..Setup::mariadb() }
            .policy("server.crt", server.certificate().to_owned());
        let shop = MyShop::in_front(server, setup);
        let mut session = shop.wire("ana");
        let cipher = session.one("SHOW SESSION STATUS LIKE 'Ssl_cipher'").rows[0][1].clone();
        assert_eq!(cipher.is_some_and(|cipher| !cipher.is_empty()), encrypted, "{tls}");
        assert_eq!(session.one("SELECT COUNT(*) FROM orders").value(), "100");
        drop(session);
        shop.close();
    }
}

/// There is no way back to less than what is configured.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_of_the_database() {
    let Some(server) = Server::start() else { return };
    let other = certificate(&["127.0.0.1"], false).0;
    for (what, (own, config), trusted, taken) in [
        ("the right one", certificate(&["127.0.0.1"], false), None, true),
        ("one for another host", certificate(&["other.example", "127.0.0.2"], false), None, false),
        ("one that has ended", certificate(&["127.0.0.1"], true), None, false),
        ("one that nobody signed", certificate(&["127.0.0.1"], false), Some(other), false),
    ] {
        let greeting = greeting(&server, true);
        let rogue =
            Rogue::new(Conduct::Greets { greeting, shows: Some(config), says: vec![] }).await;
        let setup = Setup {
            upstream_port: Some(rogue.port),
            upstream: VERIFIED.to_owned(),
            limits: "connect_timeout = \"2s\"",
            ..Setup::mariadb()
        };
        let setup = setup.policy("server.crt", trusted.unwrap_or(own));
        let Some(shop) = MyShop::open(setup) else { return };
        is_refused(&shop, "shop", what);
        assert_eq!(rogue.encrypted() > 0, taken, "{what}");
        shop.close();
    }
    // A server that does not offer TLS is told nothing at all.
    for mode in [VERIFIED, REQUIRED] {
        let greeting = greeting(&server, false);
        let rogue = Rogue::new(Conduct::Greets { greeting, shows: None, says: vec![] }).await;
        let setup = Setup {
            upstream_port: Some(rogue.port),
            upstream: mode.to_owned(),
            limits: "connect_timeout = \"2s\"",
            ..Setup::mariadb()
        };
        let setup = setup.policy("server.crt", server.certificate().to_owned());
        let Some(shop) = MyShop::open(setup) else { return };
        is_refused(&shop, "shop", "no TLS");
        assert_eq!(rogue.heard(), b"", "{mode}");
        shop.close();
    }
}

/// Whoever only listens at the database's address learns nothing and is not believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_the_database_is_not_believed() {
    let Some(server) = Server::start() else { return };
    let greeting = greeting(&server, false);
    let first =
        |bytes: &[u8]| Conduct::Greets { greeting: bytes.to_vec(), shows: None, says: vec![] };
    let then = |payload: &[u8]| Conduct::Greets {
        greeting: greeting.clone(),
        shows: None,
        says: vec![packet(2, payload)],
    };
    let cases = [
        ("another protocol", first(b"220 mail.example ESMTP\r\n")),
        ("nothing", first(b"")),
        ("an older protocol", first(&packet(0, b"\x095.0.1\0\x01\0\0\0challenge"))),
        ("a newer protocol", first(&packet(0, b"\x0b99.0.1\0\x01\0\0\0challenge"))),
        ("a greeting that stops", first(&greeting[..40])),
        ("a greeting of 16 MiB", first(b"\xff\xff\xff\0\x0a")),
        ("a greeting out of order", first(&packet(3, &greeting[4..]))),
        ("an error in place of a greeting", first(&packet(0, b"\xff\x10\x04Too many"))),
        ("the oldest way to log in", then(b"\xfe")),
        ("an unknown way to log in", then(b"\xfedialog\0Password: \0")),
        ("a challenge that is too short", then(b"\xfemysql_native_password\0short\0")),
        ("more than was asked for", then(b"\x01\x07")),
        ("a row", then(b"\x05hello")),
        ("a request for a file", then(b"\xfb/etc/passwd")),
        ("success that stops", then(b"\0\xfc")),
        ("an error that stops", then(b"\xff")),
    ];
    const NAMES: [&str; 16] = [
        "r00", "r01", "r02", "r03", "r04", "r05", "r06", "r07", "r08", "r09", "r10", "r11", "r12",
        "r13", "r14", "r15",
    ];
    let mut rogues = Vec::new();
    for (_, conduct) in &cases {
        rogues.push(Rogue::new(conduct.clone()).await);
    }
    let named: Vec<_> = NAMES.into_iter().zip(&rogues).collect();
    let shop = shop_beside(server, Setup::mariadb(), &named);
    for (((what, _), name), rogue) in cases.iter().zip(NAMES).zip(&rogues) {
        is_refused(&shop, name, what);
        let heard = String::from_utf8_lossy(&rogue.heard()).into_owned();
        assert!(!heard.contains(cluster::PASSWORD), "{what}: {heard}");
        assert!(!heard.contains("passwd") && !heard.contains("root:"), "{what}: {heard}");
    }
    assert_eq!(shop.wire("ana").one("SELECT 1").value(), "1");
    shop.close();
}
