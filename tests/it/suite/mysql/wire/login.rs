//! Logging in: TLS, plugins, what a client says about itself.

use jurat_wire::mysql::{
    capability::Capabilities,
    encode,
    handshake::{Answer, Greeting},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{BASE, fixed};
use crate::harness::{MyShop, client::Tls, jurat::PASSWORD, mysql_wire::MyWire};

#[test]
fn myp_03_clear_text_behind_a_request_for_tls_ends_the_connection() {
    let Some(shop) = MyShop::usual() else { return };
    let (mut wire, _) = MyWire::connect(shop.jurat.port);
    let mut out = Vec::new();
    let mut sequence = 1;
    encode::packet(&mut out, &mut sequence, |out| {
        fixed(BASE.with(Capabilities::SSL)).put(out);
        Ok(())
    })
    .unwrap();
    // What would be read as the first thing said inside of TLS.
    out.extend_from_slice(b"\x20\0\0\x02smuggled");
    wire.send(&out);
    assert!(wire.is_closed());
    shop.close();
}

#[test]
fn myp_04_weaker_logins_are_not_taken() {
    let Some(shop) = MyShop::usual() else { return };
    for plugin in ["mysql_clear_password", "mysql_old_password", "sha256_password", "dialog", ""] {
        let (mut wire, greeting) = MyWire::connect(shop.jurat.port);
        let greeting = greeting[4..].to_vec();
        Greeting::parse(&greeting).unwrap();
        let answer = Answer {
            fixed: fixed(BASE),
            user: b"ana",
            auth: PASSWORD.as_bytes(),
            schema: Some(b"shop"),
            plugin: plugin.as_bytes(),
            attributes: &[],
        };
        let mut out = Vec::new();
        encode::packet(&mut out, &mut 1, |out| answer.put(out)).unwrap();
        // Another empty answer where another plugin is asked for, as often as it is.
        wire.send(&out);
        for sequence in 3..9_u8 {
            wire.send(&[0, 0, 0, sequence]);
        }
        let closed = wire.last_words();
        assert!(closed.is_none_or(|words| words.code != 0), "{plugin}");
        assert!(
            !String::from_utf8_lossy(&wire.received).contains("\0\0\0\x02\0\0\0\0"),
            "{plugin}"
        );
    }
    let records = shop.close();
    assert!(records.sessions("opened").is_empty());
}

/// What answered one challenge does not answer another.
#[test]
fn myp_04_a_recorded_answer_is_worth_nothing() {
    let Some(shop) = MyShop::usual() else { return };
    let mut out = Vec::new();
    let answer = Answer {
        fixed: fixed(BASE),
        user: b"ana",
        auth: &[7; 20],
        schema: Some(b"shop"),
        plugin: b"mysql_native_password",
        attributes: &[],
    };
    encode::packet(&mut out, &mut 1, |out| answer.put(out)).unwrap();
    for _ in 0..2 {
        let (mut wire, _) = MyWire::connect(shop.jurat.port);
        wire.send(&out);
        wire.send(&[20, 0, 0, 3]);
        wire.send(&[7; 20]);
        assert_eq!(wire.last_words().map_or(1045, |words| words.code), 1045);
    }
    shop.close();
}

/// Names and claims of a client are recorded as such, and are nobody's identity.
#[test]
fn myp_15_what_a_client_says_about_itself_is_a_claim() {
    let Some(shop) = MyShop::usual() else { return };
    let long = "x".repeat(60_000);
    let claims: [&[(&str, &str)]; 3] = [
        &[("program_name", "agent-7"), ("_user", "dora"), ("user", "dora")],
        &[("program_name", "first"), ("program_name", "second")],
        &[("program_name", "long"), ("more", &long)],
    ];
    for claims in claims {
        // It is let in as who it has proved to be, or turned away.
        let said = MyWire::log_in_claiming(shop.jurat.port, "ana", PASSWORD, claims);
        if let Ok(mut session) = said {
            session.error("DELETE FROM payments");
        }
    }
    let denials = shop.close().denials();
    assert!(!denials.is_empty());
    for denial in &denials {
        assert_eq!(denial["input"]["principal"]["id"], "ana");
        assert_eq!(denial["input"]["principal"]["kind"], "person");
    }
    assert_eq!(denials[0]["input"]["claimed"]["application"], "agent-7");
}

/// What a client claims inside of TLS must be what it claimed before.
#[tokio::test]
async fn myp_03_other_capabilities_inside_of_tls_end_the_connection() {
    let Some(shop) = MyShop::usual() else { return };
    let before = BASE.with(Capabilities::SSL);
    for inside in [before, before.with(Capabilities::MULTI_STATEMENTS)] {
        let said = log_in_encrypted(&shop, before, inside).await.unwrap_or_default();
        // The packet of success, or nothing but the end.
        assert_eq!(said.get(4) == Some(&0), inside == before, "{said:?}");
    }
    shop.close();
}

/// Logs in with these capabilities before and inside of TLS, and gives what is said at last.
async fn log_in_encrypted(
    shop: &MyShop,
    before: Capabilities,
    inside: Capabilities,
) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", shop.jurat.port)).await?;
    let mut heard = vec![0; 4096];
    assert_ne!(stream.read(&mut heard).await?, 0, "a greeting");
    let mut out = Vec::new();
    encode::packet(&mut out, &mut 1, |out| {
        fixed(before).put(out);
        Ok(())
    })
    .unwrap();
    stream.write_all(&out).await?;
    let mut stream = Tls::trusting(&shop.jurat.home.certificate).handshake(stream).await?;
    let answer = Answer {
        fixed: fixed(inside),
        user: b"ana",
        // An empty answer would mean that there is no password.
        auth: &[7; 32],
        schema: None,
        plugin: b"caching_sha2_password",
        attributes: &[],
    };
    out.clear();
    encode::packet(&mut out, &mut 2, |out| answer.put(out)).unwrap();
    stream.write_all(&out).await?;
    // The password itself is asked for.
    assert_ne!(stream.read(&mut heard).await?, 0, "a question");
    out.clear();
    encode::payload(&mut out, &mut 4, format!("{PASSWORD}\0").as_bytes());
    stream.write_all(&out).await?;
    let count = stream.read(&mut heard).await?;
    Ok(heard[..count].to_vec())
}
