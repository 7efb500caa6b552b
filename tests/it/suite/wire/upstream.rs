//! The other side: a server that is not the database, or one that breaks the protocol. The client is told that
//! the database cannot be used (58000) or has gone away (57P01), no password is told to a stranger, and other
//! sessions go on.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::SSL_REQUEST;
use crate::harness::{
    Setup, Shop, Wire, client,
    cluster::{self, cluster},
    in_time,
    jurat::PASSWORD,
    rogue::{Conduct, Rogue},
    sqlstate, until,
};

/// A message of a server.
fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

/// A request for authentication.
fn authentication(code: u8, data: &[u8]) -> Vec<u8> {
    message(b'R', &[&[0, 0, 0, code], data].concat())
}

/// A Jurat whose database `shop` is the rogue, with these lines about it, and a real one beside it.
async fn shop_behind(rogue: &Rogue, upstream: &str, certificate: Option<String>) -> Option<Shop> {
    let cluster = cluster()?;
    let aside = cluster.database().await;
    let mut setup = Setup {
        upstream_port: Some(rogue.port),
        upstream: upstream.to_owned(),
        databases: vec![("aside", cluster.port, aside)],
        limits: "connect_timeout = \"2s\"",
        ..Setup::default()
    };
    if let Some(certificate) = certificate {
        setup = setup.policy("server.crt", certificate);
    }
    Shop::open(setup).await
}

/// The names under which clients reach many rogues behind one Jurat.
const NAMES: [&str; 20] = [
    "r00", "r01", "r02", "r03", "r04", "r05", "r06", "r07", "r08", "r09", "r10", "r11", "r12",
    "r13", "r14", "r15", "r16", "r17", "r18", "r19",
];

/// A Jurat in front of one rogue for each conduct, under the names of [`NAMES`], with a real database as `shop`.
async fn shop_before(conducts: Vec<Conduct>) -> Option<(Shop, Vec<Rogue>)> {
    let behind = cluster()?.database().await;
    let mut rogues = Vec::new();
    for conduct in conducts {
        rogues.push(Rogue::new(conduct).await);
    }
    let named = NAMES.iter().zip(&rogues);
    let databases = named.map(|(name, rogue)| (*name, rogue.port, behind.clone())).collect();
    let limits = "connect_timeout = \"2s\"";
    let shop = Shop::open(Setup { databases, limits, ..Setup::default() }).await?;
    Some((shop, rogues))
}

/// A login at `shop` fails because of the database, and one at the real database works.
async fn is_refused(shop: &Shop, what: &str) {
    let refused = in_time(what, client::connect(&shop.config("ana"))).await.unwrap_err();
    assert_eq!(sqlstate(&refused), "58000", "{what}: {refused:?}");
    let config = client::config(shop.jurat.port, "ana", PASSWORD, "aside");
    client::connect(&config).await.unwrap().query_one("SELECT 1", &[]).await.unwrap();
}

/// Nothing but the request for TLS was said, on any connection.
fn only_asked_for_tls(rogue: &Rogue) {
    let heard = rogue.heard();
    assert!(!heard.is_empty() && heard.chunks(8).all(|said| said == SSL_REQUEST), "{heard:?}");
}

/// CVE-2021-23222: what a server sends in clear behind its yes to TLS must not count as said inside TLS.
#[tokio::test]
async fn wire_02_clear_text_behind_the_answer_to_a_request_for_tls() {
    for extra in [&b"x"[..], b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"] {
        let rogue = Rogue::new(Conduct::Says(vec![[b"S", extra].concat()])).await;
        let tls = "tls = { mode = \"require\" }";
        let Some(shop) = shop_behind(&rogue, tls, None).await else { return };
        is_refused(&shop, "clear text behind S").await;
        only_asked_for_tls(&rogue);
        shop.close().await;
    }
}

/// Whoever only listens at the database's address learns nothing and is not believed.
#[tokio::test]
async fn wire_26_a_server_that_is_not_the_database() {
    let sasl = authentication(10, b"SCRAM-SHA-256\0\0");
    let continued = |text: &str| authentication(11, text.as_bytes());
    let done = [authentication(0, b""), message(b'Z', b"I")].concat();
    let proof = "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let challenge = continued("r=%Rmore,s=c2FsdHNhbHQ=,i=4096");
    let cases: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("a password in clear", vec![authentication(3, b""), done.clone()]),
        ("an MD5 hash", vec![authentication(5, b"salt"), done.clone()]),
        ("let in unasked", vec![done.clone()]),
        ("Kerberos", vec![authentication(2, b""), done.clone()]),
        ("let in without a proof", vec![sasl.clone(), challenge.clone(), done.clone()]),
        (
            "a wrong proof",
            vec![
                sasl.clone(),
                challenge,
                [authentication(12, proof.as_bytes()), done.clone()].concat(),
            ],
        ),
        ("2^31 iterations", vec![sasl.clone(), continued("r=%Rmore,s=c2FsdA==,i=2147483648")]),
        ("2^32-1 iterations", vec![sasl.clone(), continued("r=%Rmore,s=c2FsdA==,i=4294967295")]),
        ("another nonce", vec![sasl.clone(), continued("r=other,s=c2FsdA==,i=4096")]),
        ("no salt", vec![sasl.clone(), continued("r=%Rmore,i=4096")]),
        ("an unknown mechanism only", vec![authentication(10, b"PLAIN\0\0")]),
        ("an error without a SQLSTATE", vec![message(b'E', b"SFATAL\0Mno\0\0")]),
        ("an error without an end", vec![message(b'E', b"SFATAL")]),
        ("an error without fields", vec![message(b'E', b"\0")]),
        ("a message of 1 GiB", vec![vec![b'R', 0x40, 0, 0, 0]]),
        ("a message of length 3", vec![vec![b'R', 0, 0, 0, 3]]),
        ("a message of length -1", vec![vec![b'R', 0xff, 0xff, 0xff, 0xff]]),
        ("another protocol", vec![b"220 mail.example ESMTP\r\n".to_vec()]),
        ("ready before the login", vec![message(b'Z', b"I")]),
        ("a newer version than was asked for", vec![message(b'v', &[0, 3, 0, 2, 0, 0, 0, 0])]),
    ];
    let conducts = cases.iter().map(|(_, sayings)| Conduct::Says(sayings.clone())).collect();
    let Some((shop, rogues)) = shop_before(conducts).await else { return };
    for (((what, _), name), rogue) in cases.iter().zip(NAMES).zip(&rogues) {
        let config = client::config(shop.jurat.port, "ana", PASSWORD, name);
        let refused = in_time(what, client::connect(&config)).await.unwrap_err();
        assert_eq!(sqlstate(&refused), "58000", "{what}: {refused:?}");
        let heard = String::from_utf8_lossy(&rogue.heard()).into_owned();
        assert!(heard.contains(cluster::UPSTREAM), "{what}: it was never asked");
        assert!(!heard.contains(cluster::PASSWORD) && !heard.contains("md5"), "{what}: {heard}");
    }
    shop.connect("ana").await.query_one("SELECT 1", &[]).await.unwrap();
    shop.close().await;
}

/// Where no password is configured, whoever listens there is believed up to what the protocol allows.
#[tokio::test]
async fn wire_26_a_server_that_goes_wrong_behind_the_login() {
    let ok = authentication(0, b"");
    let setting = message(b'S', b"application_name\0x\0");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("settings without an end", setting.repeat(100_000)),
        ("a setting of 1 GiB", vec![b'S', 0x40, 0, 0, 0]),
        ("an encoding that is pinned", message(b'S', b"client_encoding\0SJIS\0")),
        ("a key of 1,000 bytes", message(b'K', &[0; 1_000])),
        ("ready in a transaction", message(b'Z', b"T")),
        ("ready in no known state", message(b'Z', b"x")),
        ("a row", message(b'D', b"\0\0")),
        ("a password once more", authentication(3, b"")),
        ("nothing", Vec::new()),
    ];
    let says = |(_, rest): &(&str, Vec<u8>)| Conduct::Says(vec![[&ok[..], rest].concat()]);
    let Some(behind) = cluster() else { return };
    let mut rogues = Vec::new();
    for conduct in cases.iter().map(says) {
        rogues.push(Rogue::new(conduct).await);
    }
    let database = behind.database().await;
    let named = NAMES.iter().zip(&rogues);
    let setup = Setup {
        databases: named.map(|(name, rogue)| (*name, rogue.port, database.clone())).collect(),
        limits: "connect_timeout = \"2s\"",
        credential: false,
        ..Setup::default()
    };
    let Some(shop) = Shop::open(setup).await else { return };
    for ((what, _), name) in cases.iter().zip(NAMES) {
        let config = client::config(shop.jurat.port, "ana", PASSWORD, name);
        let refused = in_time(what, client::connect(&config)).await.unwrap_err();
        assert_eq!(sqlstate(&refused), "58000", "{what}: {refused:?}");
    }
    shop.close().await;
}

/// A database that goes wrong in the middle of a session ends this session and no other. What it says about
/// rows is passed on as it comes: whose rows they are was decided by the text that was sent.
#[tokio::test]
async fn wire_26_a_database_that_breaks_the_protocol() {
    let Some(cluster) = cluster() else { return };
    let column = b"\0\x01id\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0";
    let described = message(b'T', column);
    let cases = [
        ("ready out of turn", message(b'Z', b"I").repeat(2), "ZI E"),
        ("ready in no known state", message(b'Z', b"x"), "E"),
        ("a request for a password", authentication(3, b""), "E"),
        ("keys", message(b'K', &[0; 8]), "E"),
        ("a COPY that nobody asked for", message(b'G', b"\0\0\0"), "E"),
        ("the result of a function call", message(b'V', &[0xff; 4]), "E"),
        ("an unknown tag", message(b'!', b""), "E"),
        ("a tag of the client", message(b'Q', b"SELECT 1\0"), "E"),
        ("length 3", vec![b'C', 0, 0, 0, 3], "E"),
        ("length -1", vec![b'C', 0xff, 0xff, 0xff, 0xff], "E"),
        ("a setting of 1 GiB", vec![b'S', 0x40, 0, 0, 0], "E"),
        ("an error without an end", message(b'E', b"SERROR"), "E"),
        ("an encoding that is pinned", message(b'S', b"client_encoding\0SJIS\0"), "E"),
        ("a row that stops", [&described[..], b"D\0\0\0\x0f\0\x01\0\0\0\x05a"].concat(), "T E"),
        (
            "a row that nobody described as long",
            { [&described[..], &message(b'D', b"\0\x02\0\0\0\x01a\0\0\0\x01b")].concat() },
            "T D E",
        ),
        (
            "a value of length -2",
            { [&described[..], &message(b'D', b"\0\x01\xff\xff\xff\xfe")].concat() },
            "T D E",
        ),
    ];
    let conduct = |(_, answer, _): &(&str, Vec<u8>, &str)| Conduct::Answers {
        port: cluster.port,
        text: b"mischief",
        answer: answer.clone(),
    };
    let conducts = cases.iter().map(conduct).collect();
    let Some((shop, _rogues)) = shop_before(conducts).await else { return };
    let mut neighbor = shop.wire("ana").await;
    for ((what, _, tags), name) in cases.iter().zip(NAMES) {
        let mut wire = Wire::log_in(shop.jurat.port, "ana", PASSWORD, name).await;
        assert_eq!(wire.run("SELECT 1").await.value(), "1");
        wire.query("SELECT id AS mischief FROM orders").send().await;
        let mut heard = crate::harness::wire::Reply::default();
        while let Some(message) = wire.message().await {
            heard.0.push(message);
        }
        assert_eq!(heard.tags(), *tags, "{what}");
        let error = heard.error().unwrap();
        assert_eq!((error.severity(), error.code()), ("FATAL", "57P01"), "{what}: {error}");
        let outcome = until("the outcome", || {
            let records = shop.records();
            records.outcome(&records.decision_on("mischief"))
        });
        assert_eq!(outcome["outcome"], "unknown", "{what}");
        assert_eq!(neighbor.run("SELECT 2").await.value(), "2");
    }
    drop(neighbor);
    shop.close().await;
}

/// A certificate for these names that has ended when `expired`, and the configuration that shows it.
pub(in crate::suite) fn certificate(names: &[&str], expired: bool) -> (String, Arc<ServerConfig>) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = rcgen::CertificateParams::new(names).unwrap();
    if expired {
        parameters.not_before = rcgen::date_time_ymd(2001, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2002, 1, 1);
    }
    let key = rcgen::KeyPair::generate().unwrap();
    let made = parameters.self_signed(&key).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(made.pem().as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    (made.pem(), Arc::new(config.unwrap()))
}

/// CVE-2020-25694 in another proxy: there is no way back to less than what is configured.
#[tokio::test]
async fn wire_27_certificates_of_the_database() {
    let verified = "tls = { mode = \"verify-full\", ca = \"policy/server.crt\" }";
    let (other, _) = certificate(&["127.0.0.1"], false);
    for (what, (own, config), trusted, taken) in [
        ("the right one", certificate(&["127.0.0.1"], false), None, true),
        ("one for another host", certificate(&["other.example", "127.0.0.2"], false), None, false),
        ("one that has ended", certificate(&["127.0.0.1"], true), None, false),
        ("one that nobody signed", certificate(&["127.0.0.1"], false), Some(other), false),
    ] {
        let rogue = Rogue::new(Conduct::Shows(config)).await;
        let trusted = trusted.unwrap_or(own);
        let Some(shop) = shop_behind(&rogue, verified, Some(trusted)).await else { return };
        is_refused(&shop, what).await;
        assert_eq!(rogue.encrypted() > 0, taken, "{what}");
        shop.close().await;
    }
    // A no to TLS ends it, and nothing is said in clear after it.
    for mode in [verified, "tls = { mode = \"require\" }"] {
        let rogue = Rogue::new(Conduct::Says(vec![b"N".to_vec()])).await;
        let trusted = certificate(&["127.0.0.1"], false).0;
        let Some(shop) = shop_behind(&rogue, mode, Some(trusted)).await else { return };
        is_refused(&shop, "no TLS").await;
        only_asked_for_tls(&rogue);
        shop.close().await;
    }
}
