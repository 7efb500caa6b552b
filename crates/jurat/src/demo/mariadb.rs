//! A throw-away MariaDB server: made in a temporary directory, never run as root, and ended
//! whatever happens.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Instant,
};

use super::{
    client::{Connection, Failed},
    cluster::{ATTEMPTS, START_POLL, START_TIMEOUT},
    place::{Place, free_port},
    programs::Mariadb,
    seed::Shop,
};
use crate::{exit::Failure, output};

/// The scripts of its package that make the system tables.
const SYSTEM_TABLES: [&str; 3] =
    ["mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"];

/// Small, and careless about a power cut: nothing of it is worth a wait for the disk.
const SETTINGS: [&str; 11] = [
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=16M",
    "--innodb-data-file-path=ibdata1:10M:autoextend",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=fsync",
    "--innodb-doublewrite=0",
    "--performance-schema=0",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--local-infile=0",
    "--default-time-zone=+00:00",
];

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Server {
    place: Place,
    server: Child,
    pub(super) port: u16,
}

impl Server {
    /// Makes a server's files below `base` and starts it on a free port of 127.0.0.1, with an empty database
    /// and its owner.
    ///
    /// # Errors
    /// Where a program fails; the message has the end of its log.
    pub(super) async fn start(
        programs: &Mariadb,
        base: &Path,
        shop: &Shop,
    ) -> Result<Self, Failure> {
        let place = Place::prepare(base, "mariadb")?;
        make_files(&place, programs, shop)?;
        let mut attempt = 1;
        loop {
            let port = free_port()?;
            let mut command = command(&place, programs);
            command.args(["--bind-address=127.0.0.1", &format!("--port={port}")]);
            command.args(["--socket=mariadb.sock", "--pid-file=mariadb.pid"]);
            let server = place.spawn(command)?;
            let mut server = Self { place: place.clone(), server, port };
            match server.wait_until_ready(shop).await {
                Ok(()) => return Ok(server),
                Err(failure) if attempt == ATTEMPTS => return Err(failure),
                Err(_) => attempt += 1,
            }
        }
    }

    async fn wait_until_ready(&mut self, shop: &Shop) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            let error = match self.connect(shop).await {
                Ok(_connection) => return Ok(()),
                Err(error) => error,
            };
            let ended = self.server.try_wait().ok().flatten().is_some();
            if ended || begun.elapsed() > START_TIMEOUT {
                let log = self.place.end_of_log();
                return Err(Failure::other(format!("MariaDB did not start: {error}\n{log}")));
            }
            tokio::time::sleep(START_POLL).await;
        }
    }

    /// Connects to the server itself, past Jurat.
    ///
    /// # Errors
    /// What the server or the system said.
    pub(super) async fn connect(&self, shop: &Shop) -> Result<Connection, Failed> {
        let Shop { database, owner, password } = shop;
        Connection::open(self.port, owner, password.expose(), database).await
    }
}

/// It has nothing to put in order: its files go with it.
impl Drop for Server {
    fn drop(&mut self) {
        if self.server.try_wait().ok().flatten().is_some() {
            return;
        }
        if let Err(error) = self.server.kill() {
            output::complain(format_args!(
                "the server with process id {} could not be ended: {error}",
                self.server.id()
            ));
        }
        // Reaps the process; there is nothing to do about a failure.
        drop(self.server.wait());
    }
}

fn data(place: &Place) -> PathBuf {
    place.home.join("data")
}

/// The server on its files. The settings of whatever MariaDB the machine runs otherwise are not read.
fn command(place: &Place, programs: &Mariadb) -> Command {
    let path = |name: &str, path: &Path| format!("--{name}={}", path.display());
    let mut command = place.command(&programs.server);
    command
        .arg("--no-defaults")
        .arg(path("lc-messages-dir", &programs.share))
        .arg(path("character-sets-dir", &programs.share.join("charsets")))
        .arg(path("datadir", &data(place)))
        .arg(path("tmpdir", &place.home))
        .args(SETTINGS);
    command
}

/// Makes the system tables, the database and its owner. The accounts that the package would make have no
/// passwords, so they are taken out again before the server listens anywhere.
fn make_files(place: &Place, programs: &Mariadb, shop: &Shop) -> Result<(), Failure> {
    let wrong =
        |error: std::io::Error| Failure::other(format!("MariaDB's files cannot be made: {error}"));
    let Shop { database, owner, password } = shop;
    let mut script = String::from("CREATE DATABASE mysql;\nUSE mysql;\n");
    for part in SYSTEM_TABLES {
        script.push_str(&fs::read_to_string(programs.share.join(part)).map_err(wrong)?);
    }
    // The names are constants and the password is hexadecimal, so nothing needs quoting.
    script.push_str(&format!(
        "\nDELETE FROM mysql.global_priv;\nFLUSH PRIVILEGES;\n\
         CREATE DATABASE {database} CHARACTER SET utf8mb4;\n\
         CREATE USER {owner}@'127.0.0.1' IDENTIFIED BY '{}';\n\
         GRANT ALL ON {database}.* TO {owner}@'127.0.0.1';\n",
        password.expose()
    ));
    let file = place.home.join("bootstrap.sql");
    fs::write(&file, script).map_err(wrong)?;
    fs::create_dir(data(place)).map_err(wrong)?;
    place.give(&data(place))?;
    let output = command(place, programs)
        .args(["--bootstrap", "--skip-networking"])
        .stdin(fs::File::open(&file).map_err(wrong)?)
        .output()
        .map_err(|error| {
            let server = programs.server.display();
            Failure::other(format!("{server} cannot be run, and not as root: {error}"))
        })?;
    fs::remove_file(&file).map_err(wrong)?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::other(format!("mariadbd --bootstrap failed: {words}")))
}
