//! A throw-away PostgreSQL server: made in a temporary directory, never run as root, and ended
//! whatever happens.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use jurat_types::Secret;
use tokio_postgres::{Client, NoTls};

use super::{
    place::{Place, free_port, random_password},
    programs::Postgres,
};
use crate::{exit::Failure, output};

/// The role that owns the cluster. Jurat never logs in as it.
pub(super) const SUPERUSER: &str = "postgres";
/// How long a server may take to start.
pub(super) const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a server that starts is asked whether it is there.
pub(super) const START_POLL: Duration = Duration::from_millis(50);
/// How often a port may turn out to be taken between finding and using it.
pub(super) const ATTEMPTS: u32 = 3;

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Cluster {
    place: Place,
    /// The directory of PostgreSQL's programs.
    bin: PathBuf,
    server: Child,
    pub(super) port: u16,
    pub(super) password: Secret<String>,
}

impl Cluster {
    /// Makes a cluster below `base` and starts its server on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// Where a program fails; the message has the end of its log.
    pub(super) async fn start(programs: &Postgres, base: &Path) -> Result<Self, Failure> {
        let place = Place::prepare(base, "postgres")?;
        let password = Secret::new(random_password()?);
        let bin = &programs.bin;
        make_cluster(&place, bin, &password)?;
        let mut attempt = 1;
        loop {
            let port = free_port()?;
            let server = spawn_server(&place, bin, port)?;
            let mut cluster = Self {
                place: place.clone(),
                bin: bin.clone(),
                server,
                port,
                password: password.clone(),
            };
            match cluster.wait_until_ready().await {
                Ok(()) => return Ok(cluster),
                Err(failure) if attempt == ATTEMPTS => return Err(failure),
                Err(_) => attempt += 1,
            }
        }
    }

    /// Connects to the server itself, past Jurat.
    ///
    /// # Errors
    /// What the server or the system said.
    pub(super) async fn connect(
        &self,
        user: &str,
        password: &Secret<String>,
        database: &str,
    ) -> Result<Client, tokio_postgres::Error> {
        connect(self.port, user, password.expose(), database).await
    }

    async fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            let error = match self.connect(SUPERUSER, &self.password, "postgres").await {
                Ok(_client) => return Ok(()),
                Err(error) => error,
            };
            let ended = self.server.try_wait().ok().flatten().is_some();
            if ended || begun.elapsed() > START_TIMEOUT {
                let log = self.place.end_of_log();
                return Err(Failure::other(format!("PostgreSQL did not start: {error}\n{log}")));
            }
            tokio::time::sleep(START_POLL).await;
        }
    }
}

/// Ends the server in order, and by force where that fails.
impl Drop for Cluster {
    fn drop(&mut self) {
        if self.server.try_wait().ok().flatten().is_some() {
            return;
        }
        let stopped = command(&self.place, &self.bin, "pg_ctl")
            .arg("-D")
            .arg(data(&self.place))
            .args(["-m", "fast", "-w", "-t", "15", "stop"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !stopped && let Err(error) = self.server.kill() {
            output::complain(format_args!(
                "the server with process id {} could not be ended: {error}",
                self.server.id()
            ));
        }
        // Reaps the process; there is nothing to do about a failure.
        drop(self.server.wait());
    }
}

/// One of PostgreSQL's programs.
fn command(place: &Place, bin: &Path, program: &str) -> Command {
    place.command(&bin.join(program))
}

fn data(place: &Place) -> PathBuf {
    place.home.join("data")
}

fn make_cluster(place: &Place, bin: &Path, password: &Secret<String>) -> Result<(), Failure> {
    let file = place.home.join("password");
    let wrong = |error: std::io::Error| {
        Failure::other(format!("{} cannot be written: {error}", file.display()))
    };
    fs::write(&file, password.expose()).map_err(wrong)?;
    place.give(&file)?;
    let output = command(place, bin, "initdb")
        .arg("-D")
        .arg(data(place))
        .arg("--pwfile")
        .arg(&file)
        .args(["-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"])
        .output()
        .map_err(|error| Failure::other(format!("initdb cannot be run: {error}")))?;
    fs::remove_file(&file).map_err(wrong)?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::other(format!("initdb failed: {words}")))
}

fn spawn_server(place: &Place, bin: &Path, port: u16) -> Result<Child, Failure> {
    let mut command = command(place, bin, "postgres");
    command.arg("-D").arg(data(place)).arg("-p").arg(port.to_string());
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        // Nothing of it is worth a wait for the disk.
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=off",
        "shared_buffers=32MB",
        "max_connections=50",
    ] {
        command.args(["-c", setting]);
    }
    place.spawn(command)
}

/// Connects to a port of 127.0.0.1. The connection is carried on until the client is dropped.
///
/// # Errors
/// What the other side or the system said.
pub(super) async fn connect(
    port: u16,
    user: &str,
    password: &str,
    database: &str,
) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::Config::new()
        .host("127.0.0.1")
        .port(port)
        .user(user)
        .password(password)
        .dbname(database)
        .application_name("jurat demo")
        .connect_timeout(Duration::from_secs(10))
        .connect(NoTls)
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection of the demo ended");
        }
    });
    Ok(client)
}
