//! The login: who it is is said once, and SCRAM is done to its end.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{ANA, start_up};
use crate::harness::{Shop, Wire};

/// A connection that was asked to prove that it is ana.
async fn asked(shop: &Shop) -> Wire {
    let mut wire = Wire::dial(shop.jurat.port).await;
    wire.bytes(&start_up(ANA)).send().await;
    assert_eq!(wire.message().await.unwrap().tag, b'R');
    wire
}

/// SASLInitialResponse.
fn initial(mechanism: &str, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [mechanism.as_bytes(), b"\0", &length, data].concat()
}

/// CVE-2026-107350 in another proxy: a second start-up message changed who had been proved. Here it is no
/// message at any point.
#[tokio::test]
async fn wire_17_a_second_start_up_message() {
    let Some(shop) = Shop::usual().await else { return };
    let dora = start_up(b"user\0dora\0database\0shop\0\0");
    // Right behind the first, in place of the first answer, and in place of the second.
    let mut wire = Wire::dial(shop.jurat.port).await;
    wire.bytes(&start_up(ANA)).bytes(&dora);
    let reply = wire.answer().await;
    assert!(["R", "R E"].contains(&reply.tags().as_str()), "{}", reply.tags());
    let mut wire = asked(&shop).await;
    assert!(["", "E"].contains(&wire.bytes(&dora).answer().await.tags().as_str()));
    let mut wire = asked(&shop).await;
    wire.raw(b'p', &initial("SCRAM-SHA-256", b"n,,n=,r=abcdefgh")).send().await;
    assert_eq!(wire.message().await.unwrap().body[..4], [0, 0, 0, 11]);
    assert!(["", "E"].contains(&wire.bytes(&dora).answer().await.tags().as_str()));
    // A statement in place of a proof.
    let mut wire = asked(&shop).await;
    assert!(["", "E"].contains(&wire.query("SELECT 1").answer().await.tags().as_str()));
    // Behind the login it is a message without a tag, which ends the session, as the database does.
    for mut wire in [shop.direct_wire().await, shop.wire("ana").await] {
        let reply = wire.bytes(&dora).answer().await;
        assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("E", "08P01"));
    }
    let records = shop.close().await;
    let known = |record: &serde_json::Value| record["principal"]["id"] == "ana";
    assert!(records.sessions("opened").iter().all(known));
}

/// What a client says last, for the nonce that it was given.
type Final<'f> = &'f dyn Fn(&str) -> String;

/// What has no proof in it is one failed login, and costs no more than one.
#[tokio::test]
async fn wire_25_sasl_messages_that_lie() {
    let Some(shop) = Shop::usual().await else { return };
    for (what, body) in [
        ("length 2^32-1", b"SCRAM-SHA-256\0\xff\xff\xff\xff".to_vec()),
        ("length 2^31-1", b"SCRAM-SHA-256\0\x7f\xff\xff\xffn,,".to_vec()),
        ("an unknown mechanism", initial("PLAIN", b"\0ana\0correct horse")),
        (
            "a mechanism that was not offered",
            initial("SCRAM-SHA-256-PLUS", b"p=tls-unique,,n=,r=a"),
        ),
        ("a binding without the mechanism", initial("SCRAM-SHA-256", b"p=tls-unique,,n=,r=abc")),
        ("no nonce", initial("SCRAM-SHA-256", b"n,,n=")),
        ("no header", initial("SCRAM-SHA-256", b"n=,r=abc")),
        ("an extension that must be understood", initial("SCRAM-SHA-256", b"n,,m=x,n=,r=abc")),
        ("not UTF-8", initial("SCRAM-SHA-256", b"n,,n=\xff,r=abc")),
        ("nothing", Vec::new()),
        ("a password in clear", b"correct horse\0".to_vec()),
    ] {
        let mut wire = asked(&shop).await;
        let reply = wire.raw(b'p', &body).answer().await;
        assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("E", "28P01"), "{what}");
    }
    // A message that is longer than any of SASL ends it from its header.
    let mut wire = asked(&shop).await;
    let reply = wire.bytes(&[b'p', 0x7f, 0xff, 0xff, 0xff]).answer().await;
    assert!(!reply.tags().contains('Z') && !reply.tags().contains('R'), "{}", reply.tags());

    let proof = STANDARD.encode([0; 32]);
    let finals: [(&str, Final<'_>); 9] = [
        ("a wrong proof", &|nonce| format!("c=biws,r={nonce},p={proof}")),
        ("no binding", &|nonce| format!("r={nonce},p={proof}")),
        ("no nonce", &|_| format!("c=biws,p={proof}")),
        ("no proof", &|nonce| format!("c=biws,r={nonce}")),
        ("another nonce", &|nonce| format!("c=biws,r=x{nonce},p={proof}")),
        ("only the client's nonce", &|_| format!("c=biws,r=abcdefgh,p={proof}")),
        ("another header than before", &|nonce| format!("c=eSws,r={nonce},p={proof}")),
        ("a short proof", &|nonce| format!("c=biws,r={nonce},p=AA==")),
        ("nothing", &|_| String::new()),
    ];
    for (what, last) in finals {
        let mut wire = asked(&shop).await;
        wire.raw(b'p', &initial("SCRAM-SHA-256", b"n,,n=,r=abcdefgh")).send().await;
        let challenge = wire.message().await.unwrap();
        let challenge = String::from_utf8(challenge.body[4..].to_vec()).unwrap();
        let nonce = challenge.split(',').next().unwrap().strip_prefix("r=").unwrap();
        assert!(nonce.starts_with("abcdefgh") && nonce.len() > 20, "{challenge}");
        let reply = wire.raw(b'p', last(nonce).as_bytes()).answer().await;
        assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("E", "28P01"), "{what}");
    }
    let records = shop.close().await;
    assert_eq!(records.sessions("opened").len(), 0);
    assert!(records.sessions("refused").len() >= 20, "every failed login is on record");
}
