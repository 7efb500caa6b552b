//! Logins over a pair of connected ends. The client's side is computed by `mysql_common`, so that both sides
//! cannot be wrong in the same way.

use std::sync::Arc;

use jurat_core::{Authenticate, Credential};
use jurat_types::{Auth, AuthMethod, Principal, PrincipalKind, Secret};
use jurat_wire::mysql::{auth::AuthReply, capability::Capabilities, encode, frame::message};
use mysql_common::{
    auth::plugins::{AuthProc, ChallengeResponsePlugin as _, Context},
    packets::AuthPlugin,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::{AuthError, authenticate};
use crate::{
    pipe::Pipe,
    startup::{Arrival, Challenge, Request, challenge},
};

const PASSWORD: &str = "demo";

/// Knows `ana`, whose password is `demo`, and perhaps verifiers of hers.
#[derive(Debug)]
struct Users {
    sha2: bool,
    native: bool,
}

fn ana() -> Principal {
    Principal {
        id: "ana".to_owned(),
        kind: PrincipalKind::Person,
        groups: Vec::new(),
        attributes: std::collections::BTreeMap::new(),
        auth: Auth { method: AuthMethod::Scram, issuer: None, mfa: false },
        on_behalf_of: None,
        delegation: Vec::new(),
    }
}

impl Authenticate for Users {
    fn credential(&self, user: &str) -> Credential {
        use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
        let known = user == "ana";
        let twice = |algorithm: &'static _| {
            let once = digest(algorithm, PASSWORD.as_bytes());
            digest(algorithm, once.as_ref()).as_ref().to_vec()
        };
        let sha2 = (known && self.sha2).then(|| twice(&SHA256).try_into().unwrap());
        let native =
            (known && self.native).then(|| twice(&SHA1_FOR_LEGACY_USE_ONLY).try_into().unwrap());
        Credential {
            scram_verifier: Secret::new(String::new()),
            mysql_sha2: sha2.map(Secret::new),
            mysql_native: native.map(Secret::new),
            principal: known.then(ana),
        }
    }

    fn check_password(&self, user: &str, password: &[u8]) -> Option<Principal> {
        (user == "ana" && password == PASSWORD.as_bytes()).then(ana)
    }
}

/// What a driver knows while it logs in.
struct Driver {
    password: &'static str,
    challenge: Vec<u8>,
}

impl Context for &Driver {
    fn pass(&self) -> &[u8] {
        self.password.as_bytes()
    }
    fn is_ipc_transport(&self) -> bool {
        false
    }
    fn is_tls_transport(&self) -> bool {
        true
    }
    fn scramble(&self) -> &[u8] {
        &self.challenge
    }
    fn server_key_pem(&self) -> Option<&[u8]> {
        None
    }
}

/// Plays a driver to its end: every packet of ours is answered as it would. Returns what was asked.
async fn drive(mut stream: DuplexStream, mut plugin: AuthProc, mut driver: Driver) -> Vec<String> {
    let (mut inbox, mut sequence, mut seen) = (Vec::new(), 2_u8, Vec::new());
    loop {
        let read = message(&inbox, sequence, 1 << 16).unwrap();
        let Some(read) = read else {
            if stream.read_buf(&mut inbox).await.unwrap() == 0 {
                return seen;
            }
            continue;
        };
        let (payload, consumed) = (read.payload.to_vec(), read.consumed);
        sequence = read.sequence.wrapping_add(1);
        inbox.drain(..consumed);
        let answer = match AuthReply::parse(&payload, Capabilities::PROTOCOL_41).unwrap() {
            AuthReply::Switch { plugin: name, challenge } => {
                seen.push(format!("switch {}", String::from_utf8_lossy(name)));
                plugin = AuthProc::init(&AuthPlugin::from_bytes(name)).unwrap();
                driver.challenge = challenge[..20].to_vec();
                let challenge = driver.challenge.clone();
                plugin.run(&driver, &challenge).unwrap()
            }
            AuthReply::More(data) => {
                seen.push(format!("more {:?}", data.expose()));
                plugin.run(&driver, data.expose()).unwrap()
            }
            other @ (AuthReply::Ok(_) | AuthReply::Err(_)) => panic!("{other:?}"),
        };
        if let Some(answer) = answer.data() {
            let mut out = Vec::new();
            encode::payload(&mut out, &mut sequence, answer);
            stream.write_all(&out).await.unwrap();
        }
    }
}

fn request(user: &str, plugin: &str, challenge: Challenge, auth: Vec<u8>) -> Box<Request> {
    Box::new(Request {
        user: user.to_owned(),
        schema: String::new(),
        claimed: jurat_types::Claimed::default(),
        capabilities: Capabilities::PROTOCOL_41,
        collation: 45,
        plugin: plugin.as_bytes().to_vec(),
        challenge,
        auth: Secret::new(auth),
        again: false,
    })
}

/// Logs a driver in; returns how that ended and what it was asked.
fn log_in(
    users: Users,
    tls: bool,
    (user, password): (&str, &'static str),
    plugin: &str,
) -> (Result<AuthMethod, AuthError>, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let challenge: Challenge = challenge().unwrap();
        let driver = Driver { password, challenge: challenge.to_vec() };
        let mut procedure = AuthProc::init(&AuthPlugin::from_bytes(plugin.as_bytes())).unwrap();
        let first = procedure.run(&driver, &challenge).unwrap();
        let auth = first.data().unwrap_or_default().to_vec();
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let client = tokio::spawn(drive(theirs, procedure, driver));
        let mut arrival = Arrival {
            pipe: Box::new(Pipe::new(Box::new(ours))),
            request: request(user, plugin, challenge, auth),
            tls,
            sequence: 2,
        };
        let users: Arc<dyn Authenticate> = Arc::new(users);
        let done = authenticate(&mut arrival, &users).await;
        arrival.pipe.drain().await.unwrap();
        drop(arrival);
        (done.map(|principal| principal.auth.method), client.await.unwrap())
    })
}

const CACHING: &str = "caching_sha2_password";
const NATIVE: &str = "mysql_native_password";
const SWITCH: &str = "switch caching_sha2_password";

#[test]
fn inside_of_tls_the_password_is_enough() {
    let ana = ("ana", PASSWORD);
    for (plugin, users, method, asked) in [
        (CACHING, (false, false), AuthMethod::Scram, vec!["more [4]"]),
        (NATIVE, (false, false), AuthMethod::Scram, vec![SWITCH, "more [4]"]),
        ("mysql_clear_password", (false, false), AuthMethod::Scram, vec![]),
        (CACHING, (true, false), AuthMethod::Challenge, vec!["more [3]"]),
        (NATIVE, (true, false), AuthMethod::Challenge, vec![SWITCH, "more [3]"]),
        (NATIVE, (false, true), AuthMethod::Challenge, vec![]),
    ] {
        let (sha2, native) = users;
        let (done, seen) = log_in(Users { sha2, native }, true, ana, plugin);
        assert_eq!(done.unwrap(), method, "{plugin} {users:?}");
        assert_eq!(seen, asked, "{plugin} {users:?}");
    }
}

#[test]
fn without_tls_only_a_configured_verifier_lets_in() {
    let ana = ("ana", PASSWORD);
    for (plugin, users, expected, asked) in [
        (CACHING, (true, false), true, vec!["more [3]"]),
        (NATIVE, (true, false), true, vec![SWITCH, "more [3]"]),
        (NATIVE, (false, true), true, vec![]),
        (CACHING, (false, false), false, vec![]),
        (CACHING, (false, true), false, vec![]),
        (NATIVE, (false, false), false, vec![SWITCH]),
        // The password came in clear, and is not even looked at.
        ("mysql_clear_password", (true, true), true, vec![SWITCH, "more [3]"]),
        ("mysql_clear_password", (false, false), false, vec![SWITCH]),
    ] {
        let (sha2, native) = users;
        let (done, seen) = log_in(Users { sha2, native }, false, ana, plugin);
        assert_eq!(done.is_ok(), expected, "{plugin} {users:?}");
        assert_eq!(seen, asked, "{plugin} {users:?}");
    }
}

/// What is asked of a name that does not exist is what is asked of one that does.
#[test]
fn a_wrong_password_and_an_unknown_user_look_the_same() {
    for tls in [true, false] {
        for plugin in [CACHING, NATIVE, "mysql_clear_password"] {
            for verifiers in [false, true] {
                let users = || Users { sha2: verifiers, native: verifiers };
                let wrong = log_in(users(), tls, ("ana", "wrong"), plugin);
                let unknown = log_in(users(), tls, ("eve", PASSWORD), plugin);
                assert!(wrong.0.is_err() && unknown.0.is_err(), "{tls} {plugin}");
                assert_eq!(wrong.1, unknown.1, "{tls} {plugin}");
                // The empty password is nobody's.
                let empty = log_in(users(), tls, ("ana", ""), plugin);
                assert!(empty.0.is_err(), "{tls} {plugin}");
            }
        }
    }
}

#[test]
fn a_recorded_answer_does_not_fit_another_challenge() {
    let users = Users { sha2: true, native: true };
    let credential = users.credential("ana");
    let recorded = challenge().unwrap();
    let driver = Driver { password: PASSWORD, challenge: recorded.to_vec() };
    for (plugin, fits) in [
        (AuthPlugin::CachingSha2Password, super::sha2_fits as fn(&_, &_, &_) -> bool),
        (AuthPlugin::MysqlNativePassword, super::native_fits),
    ] {
        let mut procedure = AuthProc::init(&plugin).unwrap();
        let answer = procedure.run(&driver, &recorded).unwrap().data().unwrap().to_vec();
        assert!(fits(&credential, &recorded, &answer), "{plugin:?}");
        assert!(!fits(&credential, &challenge().unwrap(), &answer), "{plugin:?}");
        assert!(!fits(&credential, &recorded, &[]), "{plugin:?}");
        assert!(!fits(&credential, &recorded, &answer[1..]), "{plugin:?}");
        let longer = [answer.as_slice(), &[0]].concat();
        assert!(!fits(&credential, &recorded, &longer), "{plugin:?}");
    }
}
