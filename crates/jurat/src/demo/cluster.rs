//! A throw-away PostgreSQL server: made in a temporary directory, never run as root, and ended
//! whatever happens.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use jurat_types::Secret;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio_postgres::{Client, NoTls};

use super::programs::Programs;
use crate::{exit::Failure, output};

/// The role that owns the cluster. Jurat never logs in as it.
pub(super) const SUPERUSER: &str = "postgres";
/// How long the server may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a port may turn out to be taken between finding and using it.
const ATTEMPTS: u32 = 3;
/// How much of the server's log is shown when it does not start.
const LOG_LINES_SHOWN: usize = 10;

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Cluster {
    place: Place,
    server: Child,
    pub(super) port: u16,
    pub(super) password: Secret<String>,
}

/// Where a cluster lives, and as whom its programs run.
#[derive(Clone, Debug)]
struct Place {
    bin: PathBuf,
    /// Holds the data directory and the log, and belongs to the account.
    home: PathBuf,
    /// `None` where we are not root and run the programs as ourselves.
    account: Option<Account>,
}

/// An account of the operating system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Cluster {
    /// Makes a cluster below `base` and starts its server on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// Where a program fails; the message has the end of its log.
    pub(super) async fn start(programs: &Programs, base: &Path) -> Result<Self, Failure> {
        let place = Place::prepare(programs, base)?;
        let password = Secret::new(random_password()?);
        place.make_cluster(&password)?;
        let mut attempt = 1;
        loop {
            let port = free_port()?;
            let server = place.spawn_server(port)?;
            let mut cluster =
                Self { place: place.clone(), server, port, password: password.clone() };
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
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Ends the server in order, and by force where that fails.
impl Drop for Cluster {
    fn drop(&mut self) {
        if self.server.try_wait().ok().flatten().is_some() {
            return;
        }
        let stopped = self
            .place
            .command("pg_ctl")
            .arg("-D")
            .arg(self.place.data())
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

impl Place {
    /// Makes the directory and gives it to the account that the server will run as.
    fn prepare(programs: &Programs, base: &Path) -> Result<Self, Failure> {
        let home = base.join("postgres");
        let wrong = |error: std::io::Error| {
            Failure::other(format!("{} cannot be prepared: {error}", home.display()))
        };
        fs::create_dir(&home).map_err(wrong)?;
        // What we make belongs to us, so its owner tells whether we are root.
        let root = fs::metadata(&home).map_err(wrong)?.uid() == 0;
        let account = if root {
            let account = unprivileged_account()?;
            // The account has to get through, and must see nothing else there.
            fs::set_permissions(base, fs::Permissions::from_mode(0o711)).map_err(wrong)?;
            std::os::unix::fs::chown(&home, Some(account.uid), Some(account.gid)).map_err(wrong)?;
            Some(account)
        } else {
            None
        };
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).map_err(wrong)?;
        Ok(Self { bin: programs.bin.clone(), home, account })
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn log(&self) -> PathBuf {
        self.home.join("server.log")
    }

    /// One of PostgreSQL's programs, as the account, in a process group of its own so that a Ctrl-C
    /// reaches Jurat first.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.current_dir(&self.home).env("LC_ALL", "C").stdin(Stdio::null()).process_group(0);
        if let Some(account) = self.account {
            command.uid(account.uid).gid(account.gid);
        }
        command
    }

    fn make_cluster(&self, password: &Secret<String>) -> Result<(), Failure> {
        let file = self.home.join("password");
        let wrong = |error: std::io::Error| {
            Failure::other(format!("{} cannot be written: {error}", file.display()))
        };
        fs::write(&file, password.expose()).map_err(wrong)?;
        if let Some(account) = self.account {
            std::os::unix::fs::chown(&file, Some(account.uid), Some(account.gid)).map_err(wrong)?;
        }
        let output = self
            .command("initdb")
            .arg("-D")
            .arg(self.data())
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

    fn spawn_server(&self, port: u16) -> Result<Child, Failure> {
        let log = fs::File::create(self.log())
            .map_err(|error| Failure::other(format!("no log for the server: {error}")))?;
        let errors = log
            .try_clone()
            .map_err(|error| Failure::other(format!("no log for the server: {error}")))?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).arg("-p").arg(port.to_string());
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
        command
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|error| Failure::other(format!("postgres cannot be run: {error}")))
    }

    fn end_of_log(&self) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let skipped = lines.len().saturating_sub(LOG_LINES_SHOWN);
        lines.into_iter().skip(skipped).collect::<Vec<_>>().join("\n")
    }
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

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| Failure::other(format!("no port is free: {error}")))
}

/// A password that nobody has to remember: 128 random bits.
pub(super) fn random_password() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_unspecified| Failure::other("the system gave no random bytes"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whom the server runs as where we are root: PostgreSQL refuses to run as root, and it is right.
fn unprivileged_account() -> Result<Account, Failure> {
    let accounts = fs::read_to_string("/etc/passwd")
        .map_err(|error| Failure::other(format!("/etc/passwd cannot be read: {error}")))?;
    find_account(&accounts).ok_or_else(|| {
        Failure::other("PostgreSQL must not run as root, and no other account was found")
    })
}

/// `postgres`, or else `nobody`, in a text of the form of `/etc/passwd`.
fn find_account(accounts: &str) -> Option<Account> {
    ["postgres", "nobody"].into_iter().find_map(|wanted| {
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            (name == wanted && uid != 0).then_some(Account { uid, gid })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Account, find_account};

    #[test]
    fn the_server_gets_an_account_without_rights() {
        let nobody = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(find_account(nobody), Some(Account { uid: 65534, gid: 65533 }));
        let both = format!("{nobody}postgres:x:101:102::/:/bin/sh");
        assert_eq!(find_account(&both), Some(Account { uid: 101, gid: 102 }));
        assert_eq!(find_account("root:x:0:0::/:/bin/sh\npostgres:x:0:0::/:/bin/sh"), None);
        assert_eq!(find_account("garbage\npostgres:x:"), None);
    }
}
