//! An embedded practice database: SQLite with the shop of the demo in it, which speaks the protocols of
//! PostgreSQL and of MySQL on loopback. Jurat reaches it through its ordinary code, as it reaches a server.
//!
//! It is there so that `jurat demo` runs where no database is installed, and so that tests of the wire
//! have an upstream that starts in a moment and fails on demand. It is no database to keep data in, it says
//! so itself, and it listens on loopback only. `docs/playground.md` says what it can.

mod catalog;
mod engine;
mod failure;
pub mod fault;
mod functions;
mod kind;
mod matching;
mod mysql;
mod postgres;
mod time;
mod tokens;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
};

use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::{net::TcpListener, task::JoinHandle};

use engine::Database;

/// The one database.
pub const DATABASE: &str = "shop";
/// The one user.
pub const USER: &str = "shop_app";

/// What the server calls itself to clients of PostgreSQL. The number says whose catalog queries it answers.
const SERVER_VERSION_POSTGRES: &str = "15.0 (Jurat playground, SQLite)";
/// What `version()` says.
const VERSION_POSTGRES: &str =
    "PostgreSQL 15.0 (Jurat playground: SQLite behind PostgreSQL's protocol)";
/// What the server calls itself to clients of MySQL, and what `version()` says there.
const VERSION_MYSQL: &str = "8.0.30-jurat-playground-sqlite";
/// What a client is told at the login.
const NOTICE: &str = "this is Jurat's playground: SQLite behind a database's protocol, for practice and for \
                      nothing else";

/// A running playground. Dropping it ends its sessions.
#[derive(Debug)]
pub struct Playground {
    /// Where it speaks PostgreSQL's protocol.
    pub postgres: SocketAddr,
    /// Where it speaks MySQL's.
    pub mysql: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Playground {
    /// Makes the shop in a directory that exists, and serves it on free ports of 127.0.0.1. There is no way to
    /// have it listen elsewhere.
    ///
    /// `password` is that of [`USER`]. Whoever calls removes the directory.
    ///
    /// # Errors
    /// The file cannot be made, or no port is free.
    pub async fn start(dir: &Path, password: &str) -> io::Result<Self> {
        let dir = dir.to_owned();
        let made = tokio::task::spawn_blocking(move || Database::create(&dir)).await?;
        let database = Arc::new(made.map_err(io::Error::other)?);
        let postgres = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mysql = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (postgres_at, mysql_at) = (postgres.local_addr()?, mysql.local_addr()?);
        let accepting = tokio::spawn(accept(postgres, mysql, database, Arc::from(password)));
        Ok(Self { postgres: postgres_at, mysql: mysql_at, accepting })
    }
}

impl Drop for Playground {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    postgres: TcpListener,
    mysql: TcpListener,
    database: Arc<Database>,
    password: Arc<str>,
) {
    let mut last_id = 0_u32;
    // Sessions end with the set, and that with this task.
    let mut sessions = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            Ok((socket, _)) = postgres.accept() => {
                let (database, password) = (Arc::clone(&database), Arc::clone(&password));
                sessions.spawn(postgres::serve(socket, database, password));
            }
            Ok((socket, _)) = mysql.accept() => {
                let (database, password) = (Arc::clone(&database), Arc::clone(&password));
                last_id = last_id.wrapping_add(1);
                sessions.spawn(mysql::serve(socket, database, password, last_id));
            }
            Some(ended) = sessions.join_next() => {
                if let Ok(Err(error)) = ended {
                    tracing::debug!(%error, "a session of the playground ended");
                }
            }
        }
    }
}

/// Bytes that nobody can guess.
fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_unspecified| io::Error::other("the system gave no random bytes"))?;
    Ok(bytes)
}
