//! The start-up message: its length, its parameters, its version, and what stands in front of it.

use super::{ANA, SSL_REQUEST, all_bytes, start_up, start_up_as};
use crate::harness::{Setup, Shop, Wire, client, cluster, in_time, jurat::PASSWORD, sqlstate};

/// A session that must not notice anything.
async fn neighbor(shop: &Shop) -> Wire {
    let mut wire = shop.wire("ana").await;
    assert_eq!(wire.run("SELECT 1").await.value(), "1");
    wire
}

/// Sends a packet; no password is asked for, nothing but an error comes, and the connection ends.
async fn is_turned_away(port: u16, what: &str, packet: &[u8]) {
    let mut wire = Wire::dial(port).await;
    wire.bytes(packet).send().await;
    let reply = wire.reply().await;
    assert!(["", "E"].contains(&reply.tags().as_str()), "{what}: {}", reply.tags());
}

/// CVE-2026-107348: a declared length is not believed, and nothing is kept for it.
#[tokio::test]
async fn wire_08_start_up_lengths() {
    let Some(shop) = Shop::usual().await else { return };
    let mut other = neighbor(&shop).await;
    let packets: [(&str, Vec<u8>); 11] = [
        ("length 0", vec![0, 0, 0, 0, 0, 3, 0, 0]),
        ("length 4", vec![0, 0, 0, 4, 0, 3, 0, 0]),
        ("length 7", vec![0, 0, 0, 7, 0, 3, 0, 0]),
        ("length 10,001", [&10_001_u32.to_be_bytes()[..], &[0, 3, 0, 0], &[b'x'; 9_993]].concat()),
        ("length 20,000", [&20_000_u32.to_be_bytes()[..], &[0, 3, 0, 0], &[b'x'; 19_992]].concat()),
        ("length 2^31-1", vec![0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0]),
        ("length 2^31", vec![0x80, 0, 0, 0, 0, 3, 0, 0]),
        ("length -1", vec![0xff, 0xff, 0xff, 0xff, 0, 3, 0, 0]),
        ("a tagged message", b"Q\0\0\0\x0dSELECT 1\0".to_vec()),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_vec()),
        ("another database's greeting", vec![0x4a, 0, 0, 0, 0x0a, b'8', b'.', b'0', 0]),
    ];
    for (what, packet) in &packets {
        is_turned_away(shop.cluster.port, what, packet).await;
        is_turned_away(shop.jurat.port, what, packet).await;
    }
    assert_eq!(other.run("SELECT 2").await.value(), "2");
    drop(other);
    shop.close().await;

    // A trickle is cut off when the time for the login is over, however long the packet is said to be.
    let setup = Setup { limits: "login_timeout = \"1s\"", ..Setup::default() };
    let shop = Shop::open(setup).await.unwrap();
    let mut wire = Wire::dial(shop.jurat.port).await;
    wire.bytes(&9_000_u32.to_be_bytes()).bytes(&[0, 3, 0, 0]).send().await;
    let trickle = async {
        let (mut read, mut write) = wire.into_stream().into_split();
        let feed = tokio::spawn(async move {
            while tokio::io::AsyncWriteExt::write_all(&mut write, b"x").await.is_ok() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
        let mut heard = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut read, &mut heard).await.ok();
        feed.abort();
        heard
    };
    assert_eq!(in_time("the trickle", trickle).await, b"");
    shop.jurat.logged("no start-up message in time");
    shop.close().await;
}

/// PostgreSQL takes the last of two values, others take the first: what is read in two ways is refused.
#[tokio::test]
async fn wire_16_parameters_that_can_be_read_in_two_ways() {
    let Some(shop) = Shop::usual().await else { return };
    let twin = shop.twin.as_str();
    let doubled = [("user", "nobody"), ("user", cluster::UPSTREAM), ("database", twin)];
    let mut direct =
        Wire::try_log_in(shop.cluster.port, cluster::PASSWORD, &doubled).await.unwrap();
    assert_eq!(direct.run("SELECT current_user").await.value(), cluster::UPSTREAM);

    for parameters in [
        [("user", "dora"), ("user", "ana"), ("database", "shop")],
        [("user", "ana"), ("user", "dora"), ("database", "shop")],
        [("user", "ana"), ("database", "other"), ("database", "shop")],
        [("user", "ana"), ("database", "shop"), ("database", "other")],
    ] {
        let refused = Wire::try_log_in(shop.jurat.port, PASSWORD, &parameters).await.unwrap_err();
        assert_eq!((refused.severity(), refused.code()), ("FATAL", "0A000"), "{refused}");
    }
    for odd in ["", " ana", "ANA", "ana ", "ana;dora", "ana\"", &"a".repeat(5_000)] {
        let parameters = [("user", odd), ("database", "shop")];
        let refused = Wire::try_log_in(shop.jurat.port, PASSWORD, &parameters).await.unwrap_err();
        assert_eq!((refused.severity(), refused.code()), ("FATAL", "28P01"), "{odd:?}: {refused}");
    }
    for (what, parameters) in [
        ("no end of the list", &b"user\0ana\0"[..]),
        ("a name without a value", b"user\0ana\0database\0"),
        ("no end of a value", b"user\0ana"),
        ("bytes behind the end", b"user\0ana\0\0database\0shop\0\0"),
        ("not UTF-8", b"user\0an\xff\0\0"),
        ("nothing", b""),
    ] {
        is_turned_away(shop.jurat.port, what, &start_up(parameters)).await;
        // PostgreSQL knows no encoding yet, so bytes that are not UTF-8 are a name to it.
        if what != "not UTF-8" {
            is_turned_away(shop.cluster.port, what, &start_up(parameters)).await;
        }
    }
    shop.close().await;
}

/// Settings that change how text is read, or who runs it, are refused wherever they stand. PostgreSQL takes
/// them (CVE-2025-12819, CVE-2026-107349 in another proxy).
#[tokio::test]
async fn wire_18_settings_at_start_up() {
    let Some(shop) = Shop::usual().await else { return };
    let direct = |name: &'static str, value: &'static str| {
        let parameters =
            [("user", cluster::UPSTREAM), ("database", shop.twin.as_str()), (name, value)];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let port = shop.cluster.port;
        async move {
            let parameters = parameters.each_ref().map(|(n, v)| (n.as_str(), v.as_str()));
            Wire::try_log_in(port, cluster::PASSWORD, &parameters).await.unwrap()
        }
    };
    for (name, value, setting, taken) in [
        ("standard_conforming_strings", "off", "standard_conforming_strings", "off"),
        ("options", "-c client_encoding=SJIS", "client_encoding", "SJIS"),
        ("options", "--search_path=evil", "search_path", "evil"),
        ("options", "-c role=postgres", "role", "postgres"),
    ] {
        let mut wire = direct(name, value).await;
        assert_eq!(wire.run(&format!("SHOW {setting}")).await.value(), taken);
    }

    for (name, value) in [
        ("standard_conforming_strings", "off"),
        ("Standard_Conforming_Strings", "off"),
        ("client_encoding", "SJIS"),
        ("backslash_quote", "on"),
        ("row_security", "off"),
        ("session_preload_libraries", "x"),
        ("role", "postgres"),
        ("session_authorization", "postgres"),
        ("options", "-c standard_conforming_strings=off"),
        ("options", "--standard-conforming-strings=off"),
        ("options", "-cstandard_conforming_strings=off"),
        ("options", "-c client_encoding=SJIS"),
        ("options", "-c session_preload_libraries=x"),
        ("options", "-c row_security=off"),
        ("options", "-c geqo=off -c role=postgres"),
        ("options", "-c geqo=off\t-c\trole=postgres"),
        ("options", "-c\\ role=postgres"),
        ("options", "-c geqo\\=off -c ro\\le=postgres"),
        ("options", "-c="),
        ("options", "-c"),
        ("options", "--"),
        ("options", "-"),
        ("options", "-W 10"),
    ] {
        let parameters = [("user", "ana"), ("database", "shop"), (name, value)];
        let Err(refused) = Wire::try_log_in(shop.jurat.port, PASSWORD, &parameters).await else {
            panic!("{name}={value} was let in");
        };
        assert_eq!((refused.severity(), refused.code()), ("FATAL", "0A000"), "{name}={value}");
    }
    let long = format!("user\0ana\0database\0shop\0options\0{}\0\0", " -c geqo=off".repeat(9_000));
    is_turned_away(shop.jurat.port, "100 KB of options", &start_up(long.as_bytes())).await;

    // A search path is let through, and names mean what it makes them mean.
    let parameters = [("user", "ana"), ("database", "shop"), ("options", "--search_path=archive")];
    let mut wire = Wire::try_log_in(shop.jurat.port, PASSWORD, &parameters).await.unwrap();
    assert_eq!(wire.run("SELECT count(*) FROM customers").await.value(), "1");
    assert_ne!(wire.run("SELECT email FROM customers").await.value(), "archived1@old.example");
    let records = shop.close().await;
    let decision = records.decision_on("email");
    let relation = &decision["input"]["statement"]["relations"][0]["id"];
    assert_eq!(relation, "archive.customers");
}

/// A walsender runs SQL besides: in the mode `database` a plain SELECT works, and no policy would see it.
#[tokio::test]
async fn wire_19_replication_by_any_spelling() {
    let Some(shop) = Shop::usual().await else { return };
    let spellings =
        ["true", "on", "1", "yes", "t", "tr", "y", "TRUE", "database", "DataBase", "x", ""];
    for spelling in spellings {
        let parameters = [("user", "ana"), ("database", "shop"), ("replication", spelling)];
        let refused = Wire::try_log_in(shop.jurat.port, PASSWORD, &parameters).await.unwrap_err();
        assert_eq!(refused.severity(), "FATAL", "{spelling}");
        assert!(["28000", "0A000"].contains(&refused.code()), "{spelling}: {refused}");
        let capital = [("user", "ana"), ("database", "shop"), ("Replication", spelling)];
        let refused = Wire::try_log_in(shop.jurat.port, PASSWORD, &capital).await.unwrap_err();
        assert!(["28000", "0A000"].contains(&refused.code()), "{spelling}: {refused}");
    }
    let parameters = [
        ("user", cluster::UPSTREAM),
        ("database", shop.twin.as_str()),
        ("replication", "database"),
    ];
    let mut direct =
        Wire::try_log_in(shop.cluster.port, cluster::PASSWORD, &parameters).await.unwrap();
    assert_eq!(direct.run("IDENTIFY_SYSTEM").await.tags(), "T D C ZI");
    assert!(direct.run("SELECT email FROM customers").await.value().contains("canary"));
    // Who asks for none gets a session.
    let parameters = [("user", "ana"), ("database", "shop"), ("replication", "off")];
    let mut wire = Wire::try_log_in(shop.jurat.port, PASSWORD, &parameters).await.unwrap();
    assert_eq!(wire.run("IDENTIFY_SYSTEM").await.sqlstate(), "42601");
    shop.close().await;
}

#[tokio::test]
async fn wire_20_versions_of_the_protocol() {
    let Some(shop) = Shop::usual().await else { return };
    for port in [shop.cluster.port, shop.jurat.port] {
        for version in [[0, 2, 0, 0], [0, 1, 0, 0], [0, 4, 0, 0], [4, 210, 0, 0]] {
            // The database answers old versions in an old form, so the bytes are looked at as they are.
            let mut wire = Wire::dial(port).await;
            wire.bytes(&start_up_as(version, ANA)).send().await;
            let heard = all_bytes(&mut wire).await;
            assert!(heard.is_empty() || heard[0] == b'E', "{version:?}: {heard:?}");
        }
        // A newer minor version and an unknown option are negotiated down before anything else is said.
        let parameters = [&ANA[..ANA.len() - 1], b"_pq_.not_there\0on\0\0"].concat();
        let mut wire = Wire::dial(port).await;
        wire.bytes(&start_up_as([0, 3, 0, 99], &parameters)).send().await;
        let answer = wire.message().await.unwrap();
        assert_eq!(answer.tag, b'v');
        let newest = answer.body[3];
        assert!(newest < 99);
        assert_eq!(answer.body[4..8], [0, 0, 0, 1]);
        assert_eq!(&answer.body[8..], b"_pq_.not_there\0");
        assert_eq!(wire.message().await.unwrap().tag, b'R');
        // The version that was answered is spoken without a word.
        let mut wire = Wire::dial(port).await;
        wire.bytes(&start_up_as([0, 3, 0, newest], ANA)).send().await;
        assert_eq!(wire.message().await.unwrap().tag, b'R');
    }
    // What a server does not know is no setting either: it is not passed on.
    let parameters = [("user", "ana"), ("database", "shop"), ("_pq_.role", "postgres")];
    Wire::try_log_in_after_negotiation(shop.jurat.port, PASSWORD, &parameters).await.unwrap();
    // Keys of cancel requests have 4 to 256 bytes since version 3.2; a longer one is no packet.
    for (length, what) in [(4, "short"), (32, "usual"), (256, "longest"), (257, "too long")] {
        let size = u32::try_from(12 + length).unwrap();
        let packet =
            [&size.to_be_bytes()[..], &[4, 210, 22, 46, 0, 0, 0, 1], &vec![7; length]].concat();
        is_turned_away(shop.jurat.port, what, &packet).await;
    }
    shop.close().await;
}

/// Client certificates and the PROXY protocol are not there, so nothing is believed for their sake: who it is
/// was proved by SCRAM, and a header in front of the start-up message is not one.
#[tokio::test]
async fn wire_28_identity_from_anything_but_the_login() {
    let Some(shop) = Shop::usual().await else { return };
    let v1 = b"PROXY TCP4 10.0.0.1 10.0.0.2 1111 5432\r\n".to_vec();
    let v2 =
        [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &[10, 0, 0, 1, 10, 0, 0, 2, 4, 87, 21, 56]]
            .concat();
    for header in [&v1, &v2] {
        let packet = [header.as_slice(), &start_up(ANA)].concat();
        is_turned_away(shop.jurat.port, "a PROXY header", &packet).await;
        let twice = [header.as_slice(), header, &start_up(ANA)].concat();
        is_turned_away(shop.jurat.port, "two PROXY headers", &twice).await;
        // Behind a request for TLS it is clear text, and is not read.
        let mut wire = Wire::dial(shop.jurat.port).await;
        wire.bytes(&SSL_REQUEST).send().await;
        assert_eq!(wire.some_bytes().await, b"S");
        wire.bytes(header).bytes(&start_up(ANA)).send().await;
        let heard = all_bytes(&mut wire).await;
        assert!(!String::from_utf8_lossy(&heard).contains("SCRAM"), "{heard:?}");
    }
    // The name that TLS was opened for says nothing about the database: `127.0.0.1` here, as always.
    let config = client::config(shop.jurat.port, "ana", PASSWORD, "127.0.0.1");
    let certificate = &shop.jurat.home.certificate;
    let error = client::connect_tls(&config, certificate).await.unwrap_err();
    assert_eq!(sqlstate(&error), "3D000");
    shop.close().await;
}
