//! First packets as drivers send them, and as only an attacker would.

use std::sync::Arc;

use jurat_wire::mysql::{
    capability::Capabilities,
    encode,
    handshake::{Answer, Fixed, Greeting},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::{Arrival, ArrivalError, arrive, offered};
use crate::{tls, upstream::Profile};

fn profile() -> Profile {
    let capabilities = Capabilities::from_halves(u32::MAX, u32::MAX);
    Profile { version: "8.4.0".to_owned(), capabilities }
}

/// A driver's capabilities: all that is offered, and both kinds of compression, which are not.
fn claimed() -> Capabilities {
    offered(&profile(), true)
        .without(Capabilities::SSL)
        .with(Capabilities::COMPRESS)
        .with(Capabilities::ZSTD)
}

fn answer(sequence: u8, claimed: Capabilities) -> Vec<u8> {
    let fixed = Fixed { claimed, max_packet: 1 << 24, collation: 45 };
    let answer = Answer {
        fixed,
        user: b"ana",
        auth: &[1; 32],
        schema: Some(b"shop"),
        plugin: b"caching_sha2_password",
        attributes: &[("program_name", "report"), ("jurat.purpose", "support")],
    };
    let (mut out, mut sequence) = (Vec::new(), sequence);
    encode::packet(&mut out, &mut sequence, |out| answer.put(out)).unwrap();
    out
}

fn ssl_request(claimed: Capabilities) -> Vec<u8> {
    let fixed =
        Fixed { claimed: claimed.with(Capabilities::SSL), max_packet: 1 << 24, collation: 45 };
    let (mut out, mut sequence) = (Vec::new(), 1);
    encode::packet(&mut out, &mut sequence, |out| {
        fixed.put(out);
        Ok(())
    })
    .unwrap();
    out
}

/// Plays a client that sends these bytes in clear, and then perhaps these inside of TLS.
async fn play(mut stream: DuplexStream, clear: Vec<u8>, inside: Option<Vec<u8>>) {
    let mut header = vec![0; 4];
    stream.read_exact(&mut header).await.unwrap();
    let mut payload = vec![0; usize::from(header[0])];
    stream.read_exact(&mut payload).await.unwrap();
    let greeting = Greeting::parse(&payload).unwrap();
    assert_eq!((greeting.version, greeting.connection), (&b"8.4.0"[..], 7));
    stream.write_all(&clear).await.unwrap();
    let Some(inside) = inside else { return };
    let trusting = Arc::new(tls::client_config(None, false).unwrap());
    let name = "localhost".try_into().unwrap();
    let connector = tokio_rustls::TlsConnector::from(trusting);
    let Ok(mut stream) = connector.connect(name, stream).await else { return };
    // The server may have hung up already.
    stream.write_all(&inside).await.ok();
    stream.flush().await.ok();
    stream.read_to_end(&mut Vec::new()).await.ok();
}

/// What becomes of a client that sends these bytes in clear, and then perhaps these inside of TLS.
fn greet(clear: &[u8], inside: Option<&[u8]>) -> Result<Arrival, ArrivalError> {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let config = tls::server_config(cert.pem().as_bytes(), signing_key.serialize_pem().as_bytes());
    let server = Arc::new(config.unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(play(theirs, clear.to_vec(), inside.map(<[u8]>::to_vec)));
        arrive(Box::new(ours), Some(&server), 7, &profile()).await
    })
}

#[test]
fn a_driver_is_understood_with_and_without_tls() {
    for (clear, inside, tls) in [
        (answer(1, claimed()), None, false),
        (ssl_request(claimed()), Some(answer(2, claimed().with(Capabilities::SSL))), true),
    ] {
        let arrival = greet(&clear, inside.as_deref()).unwrap();
        assert_eq!(arrival.tls, tls);
        assert!(arrival.pipe.inbox.is_empty(), "nothing behind the answer is read");
        assert_eq!(arrival.sequence, if tls { 3 } else { 2 });
        let request = arrival.request;
        assert_eq!((request.user.as_str(), request.schema.as_str()), ("ana", "shop"));
        assert_eq!(request.claimed.application.as_deref(), Some("report"));
        assert_eq!(request.claimed.purpose.as_deref(), Some("support"));
        let refused = Capabilities::COMPRESS.with(Capabilities::ZSTD);
        assert!(!request.capabilities.intersects(refused), "what is not offered is not agreed on");
    }
}

/// MYP-03: what comes in clear behind the request for TLS is not read as if it came inside, and capabilities
/// do not change with it.
#[test]
fn what_was_said_in_clear_does_not_count_inside_of_tls() {
    let both = [ssl_request(claimed()), answer(2, claimed().with(Capabilities::SSL))].concat();
    assert!(matches!(greet(&both, None), Err(ArrivalError::Tls(_))));
    // The same, and then the TLS that was asked for.
    let inside = answer(2, claimed().with(Capabilities::SSL));
    assert!(matches!(greet(&both, Some(&inside)), Err(ArrivalError::Tls(_))));
    let one_byte = [ssl_request(claimed()), vec![0]].concat();
    assert!(matches!(greet(&one_byte, Some(&inside)), Err(ArrivalError::Tls(_))));
    for changed in [
        claimed().with(Capabilities::SSL).without(Capabilities::MULTI_STATEMENTS),
        claimed()
            .with(Capabilities::SSL)
            .with(Capabilities::FOUND_ROWS)
            .without(Capabilities::COMPRESS),
    ] {
        let inside = answer(2, changed);
        let arrival = greet(&ssl_request(claimed()), Some(&inside));
        assert!(matches!(arrival, Err(ArrivalError::Changed)), "{changed:?}: {arrival:?}");
    }
    // Whether TLS is asked for once more inside of it says nothing: MariaDB Connector/J leaves it out.
    for same in [claimed(), claimed().with(Capabilities::SSL)] {
        assert!(greet(&ssl_request(claimed()), Some(&answer(2, same))).is_ok(), "{same:?}");
    }
    let again = {
        let mut request = ssl_request(claimed());
        request[3] = 2;
        request
    };
    let arrival = greet(&ssl_request(claimed()), Some(&again));
    assert!(matches!(arrival, Err(ArrivalError::Negotiation)), "{arrival:?}");
}

#[test]
fn what_cannot_be_read_ends_the_connection() {
    for (name, bytes) in [
        ("a wrong sequence number", answer(2, claimed())),
        ("no packet at all", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("a client before 4.1", answer(1, claimed().without(Capabilities::PROTOCOL_41))),
        ("a packet of 16 MiB", vec![0xff, 0xff, 0xff, 1]),
        ("an empty packet", vec![0, 0, 0, 1]),
        ("a byte too many", {
            let mut bytes = answer(1, claimed());
            bytes[0] += 1;
            bytes.push(0);
            bytes
        }),
    ] {
        assert!(greet(&bytes, None).is_err(), "{name}");
    }
}

#[test]
fn challenges_are_random_and_can_be_carried_as_strings() {
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let challenge = super::challenge().unwrap();
        assert!(!challenge.iter().any(|byte| matches!(byte, 0 | b'$')), "{challenge:?}");
        assert!(seen.insert(challenge));
    }
}
