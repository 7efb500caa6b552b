//! Before anything is said: requests for encryption, TLS, and what is sent in clear beside it.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{ANA, GSS_REQUEST, SSL_REQUEST, all_bytes, start_up};
use crate::harness::{Setup, Shop, Wire, client, in_time};

/// A TLS handshake at once on a connection, with this certificate trusted and these protocol names (ALPN).
async fn handshake(
    stream: TcpStream,
    certificate: &str,
    protocols: &[&[u8]],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// What comes back inside TLS for a start-up message: the tag of the first message, or nothing.
async fn first_tag(
    stream: std::io::Result<tokio_rustls::client::TlsStream<TcpStream>>,
) -> Option<u8> {
    let mut stream = stream.ok()?;
    stream.write_all(&start_up(ANA)).await.ok()?;
    let mut tag = [0];
    in_time("an answer inside TLS", stream.read_exact(&mut tag)).await.ok()?;
    Some(tag[0])
}

/// CVE-2021-23214: a start-up message in clear in the same segment as the request for TLS must never count as
/// said inside TLS.
#[tokio::test]
async fn wire_01_clear_text_behind_a_request_for_tls() {
    let Some(shop) = Shop::usual().await else { return };
    for port in [shop.cluster.port, shop.jurat.port] {
        let mut wire = Wire::dial(port).await;
        wire.bytes(&SSL_REQUEST).bytes(&start_up(ANA)).send().await;
        // PostgreSQL looks for it after the handshake, which this client has no mind to begin.
        if port == shop.cluster.port {
            wire.end_sending().await;
        }
        let heard = all_bytes(&mut wire).await;
        assert!(!String::from_utf8_lossy(&heard).contains("SCRAM"), "{heard:?}");
    }
    shop.jurat.logged("unencrypted data after the request for TLS");
    shop.close().await;
}

#[tokio::test]
async fn wire_03_clear_text_in_place_of_the_handshake() {
    let Some(shop) = Shop::usual().await else { return };
    for port in [shop.cluster.port, shop.jurat.port] {
        let mut wire = Wire::dial(port).await;
        wire.bytes(&SSL_REQUEST).send().await;
        assert_eq!(wire.some_bytes().await, b"S");
        wire.bytes(&start_up(ANA)).send().await;
        let heard = all_bytes(&mut wire).await;
        assert!(!String::from_utf8_lossy(&heard).contains("SCRAM"), "{heard:?}");
    }
    // Nothing at all in place of the handshake ends with the time for the login.
    shop.close().await;
    let setup = Setup { limits: "login_timeout = \"1s\"", ..Setup::default() };
    let shop = Shop::open(setup).await.unwrap();
    let mut wire = Wire::dial(shop.jurat.port).await;
    wire.bytes(&SSL_REQUEST).send().await;
    assert_eq!(wire.some_bytes().await, b"S");
    assert_eq!(all_bytes(&mut wire).await, b"");
    shop.close().await;
}

#[tokio::test]
async fn wire_04_a_second_request_for_tls() {
    let Some(shop) = Shop::usual().await else { return };
    // Inside TLS there is nothing more to ask for.
    for (port, certificate) in [
        (shop.cluster.port, &shop.cluster.certificate),
        (shop.jurat.port, &shop.jurat.home.certificate),
    ] {
        let mut wire = Wire::dial(port).await;
        wire.bytes(&SSL_REQUEST).send().await;
        assert_eq!(wire.some_bytes().await, b"S");
        let mut inside = handshake(wire.into_stream(), certificate, &[]).await.unwrap();
        inside.write_all(&SSL_REQUEST).await.unwrap();
        let mut heard = Vec::new();
        // The end may come without the farewell of TLS, which is an error here and an end all the same.
        in_time("the end", inside.read_to_end(&mut heard)).await.ok();
        assert!(!heard.starts_with(b"S") && !heard.starts_with(b"N"), "{heard:?}");
    }
    shop.close().await;

    // A listener without TLS says no once, however often it is asked.
    let setup = Setup { listener: "tls = \"disabled\"", ..Setup::default() };
    let shop = Shop::open(setup).await.unwrap();
    let mut wire = Wire::dial(shop.jurat.port).await;
    wire.bytes(&SSL_REQUEST).send().await;
    assert_eq!(wire.some_bytes().await, b"N");
    wire.bytes(&SSL_REQUEST.repeat(1_000)).send().await;
    assert_eq!(all_bytes(&mut wire).await, b"");
    // Having been told no, a client may go on in clear.
    let mut wire = Wire::dial(shop.jurat.port).await;
    wire.bytes(&SSL_REQUEST).send().await;
    assert_eq!(wire.some_bytes().await, b"N");
    wire.bytes(&start_up(ANA)).send().await;
    assert_eq!(wire.message().await.unwrap().tag, b'R');
    shop.close().await;
}

#[tokio::test]
async fn wire_05_requests_for_gssapi() {
    let setup = Setup { listener: "tls = \"required\"", ..Setup::default() };
    let Some(shop) = Shop::open(setup).await else { return };
    // GSSAPI is not there, TLS is taken after that.
    let mut wire = Wire::dial(shop.jurat.port).await;
    wire.bytes(&GSS_REQUEST).send().await;
    assert_eq!(wire.some_bytes().await, b"N");
    wire.bytes(&SSL_REQUEST).send().await;
    assert_eq!(wire.some_bytes().await, b"S");
    let certificate = &shop.jurat.home.certificate;
    let inside = handshake(wire.into_stream(), certificate, &[b"postgresql"]).await;
    assert_eq!(first_tag(inside).await, Some(b'R'));

    // The no to GSSAPI is no leave to go on in clear where TLS is required.
    let mut wire = Wire::dial(shop.jurat.port).await;
    wire.bytes(&GSS_REQUEST).send().await;
    assert_eq!(wire.some_bytes().await, b"N");
    let reply = wire.bytes(&start_up(ANA)).answer().await;
    assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("E", "28000"));

    let mut wire = Wire::dial(shop.jurat.port).await;
    wire.bytes(&GSS_REQUEST).send().await;
    assert_eq!(wire.some_bytes().await, b"N");
    wire.bytes(&GSS_REQUEST).send().await;
    assert_eq!(all_bytes(&mut wire).await, b"", "asked twice and answered twice");
    shop.close().await;
}

#[tokio::test]
async fn wire_06_no_password_is_asked_for_in_clear_where_tls_is_required() {
    let setup = Setup { listener: "tls = \"required\"", ..Setup::default() };
    let Some(shop) = Shop::open(setup).await else { return };
    let mut wire = Wire::dial(shop.jurat.port).await;
    let reply = wire.bytes(&start_up(ANA)).answer().await;
    assert_eq!((reply.tags().as_str(), reply.sqlstate().as_str()), ("E", "28000"));
    assert_eq!(reply.error().unwrap().severity(), "FATAL");
    let certificate = &shop.jurat.home.certificate;
    let session = client::connect_tls(&shop.config("ana"), certificate).await.unwrap();
    session.query_one("SELECT 1", &[]).await.unwrap();
    drop(session);
    shop.close().await;
}

/// ALPACA: a TLS connection that was meant for another protocol must not be taken for one of PostgreSQL's.
#[tokio::test]
async fn wire_07_tls_at_once_needs_the_name_of_the_protocol() {
    let Some(shop) = Shop::usual().await else { return };
    let mut servers = vec![(shop.jurat.port, &shop.jurat.home.certificate)];
    // PostgreSQL has it since version 17.
    if shop.cluster.major >= 17 {
        servers.push((shop.cluster.port, &shop.cluster.certificate));
    }
    for (port, certificate) in servers {
        for (protocols, tag) in [
            (&[b"postgresql" as &[u8]][..], Some(b'R')),
            (&[b"http/1.1", b"postgresql"], Some(b'R')),
            (&[], None),
            (&[b"http/1.1"], None),
            (&[b"postgres"], None),
        ] {
            let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let answer = first_tag(handshake(stream, certificate, protocols).await).await;
            assert_eq!(answer, tag, "{protocols:?} on port {port}");

            // After a request for TLS the name may be left out, for older clients, but not be another.
            let mut wire = Wire::dial(port).await;
            wire.bytes(&SSL_REQUEST).send().await;
            assert_eq!(wire.some_bytes().await, b"S");
            let inside = handshake(wire.into_stream(), certificate, protocols).await;
            let wanted = if protocols.is_empty() { Some(b'R') } else { tag };
            assert_eq!(first_tag(inside).await, wanted, "{protocols:?} on port {port}, asked for");
        }
    }
    shop.close().await;

    // A listener without a certificate closes.
    let setup = Setup { listener: "tls = \"disabled\"", ..Setup::default() };
    let shop = Shop::open(setup).await.unwrap();
    let stream = TcpStream::connect(("127.0.0.1", shop.jurat.port)).await.unwrap();
    let certificate = &shop.jurat.home.certificate;
    assert!(handshake(stream, certificate, &[b"postgresql"]).await.is_err());
    shop.close().await;
}
