//! Connections to a server that is played: what it is asked for, and what it is left for.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jurat_core::Database;
use jurat_types::{Engine, Secret, Target};
use jurat_wire::mysql::{
    capability::{Capabilities, Status},
    command::Command,
    encode::{self, server},
    frame::message,
    handshake::{ClientHello, Greeting},
    response::OkPacket,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{OF_CLIENT, PIN, PINNED, UpstreamError, Wanted, connect, forbidden_mode};
use crate::upstream::{OWN, UpstreamDatabase, UpstreamTls};

/// How the played server behaves.
#[derive(Clone, Copy)]
struct Play {
    capabilities: Capabilities,
    character_set: &'static str,
    modes: &'static str,
    /// What comes right behind the greeting, in the same write.
    behind_greeting: &'static [u8],
}

const PLAY: Play = Play {
    capabilities: Capabilities::from_halves(0xdfff_ffff, 0),
    character_set: "utf8mb4",
    modes: "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",
    behind_greeting: b"",
};

async fn read(stream: &mut TcpStream, sequence: u8) -> Option<Vec<u8>> {
    let mut inbox = Vec::new();
    loop {
        if let Some(read) = message(&inbox, sequence, 1 << 20).unwrap() {
            assert_eq!(read.consumed, inbox.len(), "one packet at a time");
            return Some(read.payload.into_owned());
        }
        if stream.read_buf(&mut inbox).await.unwrap() == 0 {
            return None;
        }
    }
}

/// Plays a server for one connection; returns the client's answer as it was read and the texts that it sent.
async fn play(listener: TcpListener, play: Play) -> (String, Vec<String>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let greeting = Greeting {
        version: b"8.4.0",
        connection: 77,
        challenge: vec![b'x'; 20],
        capabilities: play.capabilities,
        collation: 255,
        status: Status::AUTOCOMMIT,
        plugin: b"mysql_native_password",
    };
    let mut out = Vec::new();
    encode::packet(&mut out, &mut 0, |out| greeting.put(out)).unwrap();
    out.extend_from_slice(play.behind_greeting);
    stream.write_all(&out).await.unwrap();
    let mut texts = Vec::new();
    let Some(answer) = read(&mut stream, 1).await else { return (String::new(), texts) };
    let Ok(ClientHello::Response(response)) = ClientHello::parse(&answer, play.capabilities) else {
        return ("TLS".to_owned(), texts);
    };
    let capabilities = response.fixed.claimed;
    let told = format!(
        "{} in {:?}, collation {}",
        String::from_utf8_lossy(response.user),
        response.schema.map(String::from_utf8_lossy),
        response.fixed.collation
    );
    let ok = OkPacket { status: Status::AUTOCOMMIT, ..OkPacket::default() };
    let mut out = Vec::new();
    server::ok(&mut out, &mut 2, &ok, capabilities).unwrap();
    stream.write_all(&out).await.unwrap();
    while let Some(command) = read(&mut stream, 0).await {
        let Ok(Command::Query { text }) = Command::parse(&command, capabilities) else { break };
        let text = text.strip_prefix(OWN.as_bytes()).expect("every text says whose it is");
        texts.push(String::from_utf8_lossy(text).into_owned());
        let mut out = Vec::new();
        if text == PINNED.as_bytes() {
            let set = Some(play.character_set.as_bytes());
            let rows = [vec![set, set, Some(play.modes.as_bytes())]];
            let columns = ["client", "connection", "mode"];
            server::text_result(&mut out, &mut 1, &columns, &rows, capabilities, &ok).unwrap();
        } else {
            server::ok(&mut out, &mut 1, &ok, capabilities).unwrap();
        }
        stream.write_all(&out).await.unwrap();
    }
    (told, texts)
}

struct Seen {
    result: Result<Capabilities, UpstreamError>,
    told: String,
    texts: Vec<String>,
}

fn meet(server: Play, wanted: Wanted<'_>, tls: UpstreamTls) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = UpstreamDatabase {
            database: Arc::new(Database::new(Target {
                name: "shop".to_owned(),
                engine: Engine::Mysql,
                version: String::new(),
                database: "shop".to_owned(),
                environment: String::new(),
                labels: BTreeMap::new(),
                upstream_user: "jurat".to_owned(),
            })),
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().unwrap().port(),
            user: "jurat".to_owned(),
            password: Some(Secret::new("secret".to_owned())),
            dbname: "shop".to_owned(),
            tls,
        };
        let played = tokio::spawn(play(listener, server));
        let connected = connect(&target, wanted, Duration::from_secs(20)).await;
        let result = match connected {
            Ok(connected) => {
                assert_eq!(connected.upstream.connection(), 77);
                assert_eq!(connected.profile.version, "8.4.0");
                let capabilities = connected.upstream.capabilities();
                connected.upstream.terminate().await;
                Ok(capabilities)
            }
            Err(error) => Err(error),
        };
        let (told, texts) = played.await.unwrap();
        Seen { result, told, texts }
    })
}

/// Replies are passed on as they come, so both connections must agree on how they are written.
#[test]
fn what_changes_replies_is_the_clients() {
    let dangerous = Capabilities::COMPRESS
        .with(Capabilities::ZSTD)
        .with(Capabilities::QUERY_ATTRIBUTES)
        .with(Capabilities::OPTIONAL_RESULTSET_METADATA)
        .with(Capabilities::IGNORE_SPACE)
        .with(Capabilities::MULTI_STATEMENTS);
    for of_client in [
        Capabilities::NONE,
        Capabilities::DEPRECATE_EOF,
        Capabilities::FOUND_ROWS.with(Capabilities::MULTI_RESULTS),
        OF_CLIENT,
    ] {
        let wanted = Wanted { capabilities: of_client.with(dangerous), ..Wanted::default() };
        let seen = meet(PLAY, wanted, UpstreamTls::Disable);
        let capabilities = seen.result.unwrap();
        assert_eq!(capabilities.and(OF_CLIENT), of_client);
        assert!(!capabilities.intersects(dangerous), "{capabilities:?}");
        assert!(capabilities.contains(Capabilities::SESSION_TRACK), "{capabilities:?}");
        assert_eq!(seen.told, "jurat in Some(\"shop\"), collation 45");
        assert_eq!(seen.texts, [PIN, PINNED]);
    }
}

/// A server without files of clients refuses the statements that need one, and is an upstream for all others.
#[test]
fn files_of_the_client_are_agreed_on_where_the_server_takes_any() {
    let files = Capabilities::LOCAL_FILES;
    for (asks, offers) in [(true, true), (true, false), (false, true)] {
        let server = if offers { PLAY.capabilities } else { PLAY.capabilities.without(files) };
        let capabilities = if asks { files } else { Capabilities::NONE };
        let wanted = Wanted { capabilities, ..Wanted::default() };
        let seen = meet(Play { capabilities: server, ..PLAY }, wanted, UpstreamTls::Disable);
        assert_eq!(seen.result.unwrap().contains(files), asks && offers, "{asks} {offers}");
    }
}

#[test]
fn a_server_that_cannot_do_what_the_client_was_promised_is_no_upstream() {
    for missing in [Capabilities::DEPRECATE_EOF, Capabilities::MULTI_RESULTS] {
        let server = Play { capabilities: PLAY.capabilities.without(missing), ..PLAY };
        let wanted = Wanted { capabilities: OF_CLIENT, ..Wanted::default() };
        let seen = meet(server, wanted, UpstreamTls::Disable);
        assert!(matches!(seen.result, Err(UpstreamError::Protocol(_))), "{:?}", seen.result);
        assert_eq!(seen.told, "", "nothing was said to it");
        let seen = meet(server, Wanted::default(), UpstreamTls::Disable);
        assert!(seen.result.is_ok(), "without the client's wish it is");
    }
}

#[test]
fn a_session_in_which_text_means_something_else_is_none() {
    for (character_set, modes) in [
        ("gbk", PLAY.modes),
        ("latin1", PLAY.modes),
        ("utf8mb4", "STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES"),
        ("utf8mb4", "ANSI_QUOTES"),
    ] {
        let seen =
            meet(Play { character_set, modes, ..PLAY }, Wanted::default(), UpstreamTls::Disable);
        assert!(matches!(seen.result, Err(UpstreamError::Protocol(_))), "{character_set} {modes}");
    }
    assert_eq!(forbidden_mode("STRICT_TRANS_TABLES,ansi_quotes"), Some("ANSI_QUOTES"));
    assert_eq!(forbidden_mode("NO_ENGINE_SUBSTITUTION"), None);
    assert!(PIN.contains(jurat_core::MYSQL_TRACKED), "what clients are left to add to");
    // Every mode that is refused is taken out first.
    for mode in super::FORBIDDEN_MODES {
        assert!(PIN.contains(&format!("',{mode},'")), "{mode}");
    }
}

#[test]
fn a_client_in_latin1_has_its_results_so() {
    let wanted = Wanted { collation: 8, ..Wanted::default() };
    let seen = meet(PLAY, wanted, UpstreamTls::Disable);
    assert!(seen.result.is_ok());
    assert_eq!(seen.texts, [PIN, super::LATIN1_RESULTS, PINNED]);
    assert_eq!(seen.told, "jurat in Some(\"shop\"), collation 45", "its text is read as UTF-8");
}

/// TLS that is configured is not negotiable, and nothing that came in clear counts inside of it.
#[test]
fn tls_is_not_given_up() {
    let config = || Arc::new(crate::tls::client_config(None, false).unwrap());
    let without = Play { capabilities: PLAY.capabilities.without(Capabilities::SSL), ..PLAY };
    for tls in [UpstreamTls::Require(config()), UpstreamTls::VerifyFull(config())] {
        let seen = meet(without, Wanted::default(), tls.clone());
        assert!(matches!(seen.result, Err(UpstreamError::Tls(_))), "{:?}", seen.result);
        assert_eq!(seen.told, "", "nothing was said to it");
        let early = Play { behind_greeting: b"\x07\0\0\x02\0\0\0\x02\0\0\0", ..PLAY };
        let seen = meet(early, Wanted::default(), tls);
        assert!(matches!(seen.result, Err(UpstreamError::Tls(_))), "{:?}", seen.result);
    }
}
