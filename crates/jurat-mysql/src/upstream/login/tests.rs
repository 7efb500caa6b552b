//! Logins at servers that are what they should be, and at some that are not.

use jurat_wire::mysql::{
    auth::{put_more, put_switch},
    capability::Capabilities,
};

use super::{Login, LoginError, Step, Trust};

const CHALLENGE: [u8; 20] = *b"abcdefghijklmnopqrst";
const PASSWORD: &[u8] = b"secret";
const OK: &[u8] = b"\0\0\0\x02\0\0\0";

const NATIVE: &str = "mysql_native_password";
const CACHING: &str = "caching_sha2_password";
const CLEAR: &str = "mysql_clear_password";

fn trust(encrypted: bool, trusted: bool) -> Trust {
    Trust { encrypted, trusted }
}

fn switch(plugin: &str, challenge: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_switch(&mut out, plugin.as_bytes(), challenge).unwrap();
    out
}

fn more(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_more(&mut out, data);
    out
}

/// Lets a login hear these packets behind a greeting; returns what was sent and how the last one was taken.
fn hears(
    trust: Trust,
    greeted: &str,
    packets: &[&[u8]],
) -> (Vec<Vec<u8>>, Result<&'static str, LoginError>) {
    let mut login = Login::new(PASSWORD, trust);
    let mut sent = vec![login.begin(greeted.as_bytes(), &CHALLENGE).1];
    let mut last = Ok("begun");
    for packet in packets {
        last = login.step(packet, Capabilities::PROTOCOL_41).map(|step| match step {
            Step::Done => "done",
            Step::Refused(_) => "refused",
            Step::Wait => "wait",
            Step::Send(answer) => {
                sent.push(answer);
                "sent"
            }
        });
        if last.is_err() {
            break;
        }
    }
    (sent, last)
}

/// Whether the password itself, or something that only hides it, was sent.
fn tells(sent: &[Vec<u8>]) -> bool {
    let masked: Vec<u8> = PASSWORD.iter().zip(CHALLENGE).map(|(one, two)| one ^ two).collect();
    sent.iter()
        .any(|answer| answer.windows(PASSWORD.len()).any(|part| part == PASSWORD || part == masked))
}

#[test]
fn challenges_are_answered_anywhere() {
    for trust in [trust(false, false), trust(true, false), trust(true, true)] {
        for (greeted, packets, lengths) in [
            (NATIVE, vec![OK.to_vec()], vec![20]),
            (CACHING, vec![more(&[3]), OK.to_vec()], vec![32]),
            (CACHING, vec![switch(NATIVE, &CHALLENGE), OK.to_vec()], vec![32, 20]),
            // An account may have a plugin that the greeting does not name, and its challenge another length.
            (NATIVE, vec![switch_raw("client_ed25519", &[0; 32]), OK.to_vec()], vec![20, 64]),
            ("unix_socket", vec![switch(NATIVE, &CHALLENGE), OK.to_vec()], vec![0, 20]),
        ] {
            let packets: Vec<&[u8]> = packets.iter().map(Vec::as_slice).collect();
            let (sent, last) = hears(trust, greeted, &packets);
            assert_eq!(last.unwrap(), "done", "{greeted}");
            let found: Vec<usize> = sent.iter().map(Vec::len).collect();
            assert_eq!(found, lengths, "{greeted}");
            assert!(!tells(&sent), "{greeted}");
        }
    }
}

/// A challenge that is not text and ends in a NUL byte is all of the challenge.
fn switch_raw(plugin: &str, challenge: &[u8]) -> Vec<u8> {
    [&[0xfe], plugin.as_bytes(), &[0], challenge].concat()
}

#[test]
fn the_password_goes_only_to_a_server_that_is_known() {
    let full = more(&[4]);
    let clear = switch(CLEAR, b"");
    for (name, trust, packet) in [
        ("full authentication without TLS", trust(false, false), &full),
        ("full authentication with TLS that proves nothing", trust(true, false), &full),
        ("the password in clear without TLS", trust(false, false), &clear),
        ("the password in clear with TLS that proves nothing", trust(true, false), &clear),
        ("sha256_password", trust(true, false), &switch("sha256_password", &CHALLENGE)),
    ] {
        let (sent, last) = hears(trust, CACHING, &[packet]);
        assert!(matches!(last, Err(LoginError::Untrusted(_))), "{name}: {last:?}");
        assert!(!tells(&sent), "{name}");
    }
    for packet in [&full, &clear] {
        let (sent, last) = hears(trust(true, true), CACHING, &[packet, OK]);
        assert_eq!(last.unwrap(), "done");
        assert!(tells(&sent), "a server whose certificate was checked is told");
    }
    // On this machine without TLS the server's key is asked for.
    let (sent, last) = hears(trust(false, true), CACHING, &[&full]);
    assert_eq!((last.unwrap(), sent[1].as_slice()), ("sent", &[2][..]));
    // The greeting alone does not make us send it either.
    let (sent, _) = hears(trust(true, false), CLEAR, &[]);
    assert!(!tells(&sent));
}

#[test]
fn servers_that_play_games_are_left() {
    let again = switch(NATIVE, &CHALLENGE);
    let (_, last) = hears(trust(true, true), NATIVE, &[again.as_slice(); 6]);
    assert!(matches!(last, Err(LoginError::Switches)), "{last:?}");
    for (name, packet) in [
        ("the broken hash of old servers", switch("mysql_old_password", b"abcdefgh")),
        ("a plugin that nobody knows", switch("auth_gssapi_client", b"x")),
        ("more data for a plugin that takes none", more(&[4])),
        ("a challenge that is too short", switch(NATIVE, b"short")),
        ("a row", vec![3, b'a', b'b', b'c']),
        ("nothing", Vec::new()),
    ] {
        let (sent, last) = hears(trust(true, true), NATIVE, &[&packet]);
        assert!(last.is_err(), "{name}: {last:?}");
        assert!(!tells(&sent), "{name}");
    }
    let (_, last) = hears(trust(true, true), NATIVE, &[b"\xff\x15\x04#28000no"]);
    assert_eq!(last.unwrap(), "refused");
}
