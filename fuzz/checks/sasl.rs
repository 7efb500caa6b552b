//! Both logins: a stranger who wants in, and a stranger who wants to be taken for the database. Neither
//! knows the password, so no input may succeed, and nothing that is sent may hold the password.
//!
//! The first byte says which. In what follows, `%R` stands for the nonce of the other side, which is drawn
//! anew each time; without it no input would get behind the check of the nonce.

use crate::{
    login::{Login, Trust},
    scram::challenge,
};
use jurat_wire::postgres::{
    backend::{Backend, authentication::Authentication, parse_backend},
    frame::Frames,
};

/// Of a password that no input can contain: its digest would have to be guessed.
const VERIFIER: &str = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$\
    ERERERERERERERERERERERERERERERERERERERERERE=:IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=";
const PASSWORD: &[u8] = b"a password that no input contains";

/// Checks one input.
pub(crate) fn check(data: &[u8]) {
    match data {
        [0, rest @ ..] => client(rest),
        [kind @ 1..=3, rest @ ..] => upstream(*kind, rest),
        _ => {}
    }
}

/// Two messages, the first with its length in one byte before it.
fn client(data: &[u8]) {
    let [length, data @ ..] = data else { return };
    let (first, last) = data.split_at(usize::from(*length).min(data.len()));
    let Ok((challenge, challenged)) = challenge(VERIFIER, first) else { return };
    let nonce = nonce(challenge.as_bytes());
    assert!(challenged.prove(&with_nonce(last, nonce)).is_err(), "let in");
}

/// A stream of the messages of a server.
fn upstream(kind: u8, data: &[u8]) {
    let trust = Trust { verified: kind == 2, end_point: (kind == 3).then(|| vec![7; 32]) };
    let verified = trust.verified;
    let mut login = Login::new("app", Some(PASSWORD), trust);
    let mut sent = Vec::new();
    for frame in Frames::new(data, 1 << 16) {
        let Ok(frame) = frame else { return };
        let nonce = nonce(&sent).to_vec();
        let body = with_nonce(frame.body, &nonce);
        let Ok(Backend::Authentication(asked)) = parse_backend(frame.tag, &body) else { return };
        // Hashing takes as long as the server asks for; a bound of the library is not what is tried here.
        if matches!(&asked, Authentication::SaslContinue(data) if iterations(data.expose()) > 5_000)
        {
            return;
        }
        match login.step(&asked, &mut sent) {
            Ok(done) => assert!(verified || !done, "taken for the database"),
            Err(_) => return,
        }
        let told = sent.windows(PASSWORD.len()).any(|window| window == PASSWORD);
        assert!(verified || !told, "the password was told");
    }
}

/// The text behind the last `r=`, up to a comma.
fn nonce(text: &[u8]) -> &[u8] {
    let Some(at) = text.windows(2).rposition(|window| window == b"r=") else { return &[] };
    let rest = &text[at + 2..];
    let end = rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len());
    &rest[..end]
}

fn with_nonce(text: &[u8], nonce: &[u8]) -> Vec<u8> {
    let Some(at) = text.windows(2).position(|window| window == b"%R") else { return text.to_vec() };
    [&text[..at], nonce, &text[at + 2..]].concat()
}

/// The number behind `i=`; the largest one when it does not fit.
fn iterations(text: &[u8]) -> u64 {
    let Some(at) = text.windows(2).rposition(|window| window == b"i=") else { return 0 };
    let digits = text[at + 2..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}
