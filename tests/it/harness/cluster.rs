//! One throw-away PostgreSQL for the whole run: SCRAM and TLS on, unprivileged, on a free port.
//!
//! It logs every statement that it runs, as JSON. That log is written by nobody of ours, so it can witness
//! against Jurat. The server is a child of a small shell that waits for its standard input to close, which
//! happens when this process ends for whatever reason; the shell then stops the server and removes it.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use serde_json::Value;
use tokio_postgres::NoTls;

use super::{tiers, until};

/// The superuser of the tests themselves.
pub(crate) const ADMIN: &str = "postgres";
/// The role that Jurat uses. It is a superuser on purpose: whatever is refused, Jurat refused it.
pub(crate) const UPSTREAM: &str = "app";
/// The password of both.
pub(crate) const PASSWORD: &str = "upstream-pass";

/// PostgreSQL's log, relative to the data directory; the server itself appends `.json`.
const LOG: &str = "log/witness.json";

const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = '64MB'
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
ssl = on
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_destination = 'jsonlog'
log_directory = 'log'
log_filename = 'witness.log'
log_rotation_age = 0
log_rotation_size = 0
log_statement = 'all'
";

/// The running server.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) port: u16,
    pub(crate) bin: PathBuf,
    /// The major version.
    pub(crate) major: u32,
    /// The certificate that it shows, PEM.
    pub(crate) certificate: String,
    data: PathBuf,
    databases: AtomicU32,
    /// Its standard input keeps the server alive.
    _keeper: Child,
}

/// The server of this run; nothing, and a word about it, where there are no server programs.
pub(crate) fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    CLUSTER
        .get_or_init(|| {
            let Some(bin) = find_bin() else {
                tiers::missing("postgres", "install the server programs of PostgreSQL 15 or newer");
                return None;
            };
            // Set-up uses a runtime of its own, which may not be started inside a test's.
            Some(std::thread::spawn(move || Cluster::start(bin)).join().unwrap())
        })
        .as_ref()
}

/// The server programs: where the variable says, else on the PATH, else where distributions put them.
fn find_bin() -> Option<PathBuf> {
    let complete = |dir: &PathBuf| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    if let Some(dir) = env::var_os("JURAT_TEST_PG_BIN") {
        return Some(PathBuf::from(dir)).filter(complete);
    }
    let on_path = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let mut packaged: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    packaged.sort();
    packaged.reverse();
    on_path.into_iter().chain(packaged).find(complete)
}

/// A user and a group.
pub(crate) type Owner = (u32, u32);

/// The unprivileged user to run as where this process is root, which PostgreSQL and MariaDB refuse to be.
pub(crate) fn unprivileged() -> Owner {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let ids = |wanted: &str| {
        let mut fields =
            users.lines().find(|line| line.split(':').next() == Some(wanted))?.split(':');
        Some((fields.nth(2)?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    ids("postgres").or_else(|| ids("nobody")).expect("a user to run a server as")
}

/// The server programs where the server's user may run them: where they are, or copied. A cache folder below
/// the home of root is closed to everybody else.
fn reachable(bin: PathBuf, base: &Path, command: &impl Fn(&Path) -> Command) -> PathBuf {
    if command(&bin.join("postgres"))
        .arg("--version")
        .output()
        .is_ok_and(|out| out.status.success())
    {
        return bin;
    }
    let copy = base.join("server");
    let copied = Command::new("cp").arg("-R").arg(bin.parent().unwrap()).arg(&copy).status();
    assert!(copied.unwrap().success(), "{} cannot be copied", bin.display());
    copy.join("bin")
}

/// The major version of the server programs.
fn major(bin: &Path) -> u32 {
    let said = Command::new(bin.join("postgres")).arg("--version").output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    let number = said.trim_start_matches("postgres (PostgreSQL) ");
    number.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A self-signed certificate for the loopback address: certificate and key, PEM.
pub(crate) fn self_signed() -> (String, String) {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

impl Cluster {
    fn start(bin: PathBuf) -> Self {
        let base = tempfile::Builder::new().prefix("jurat-e2e-pg-").tempdir().unwrap().keep();
        fs::set_permissions(&base, fs::Permissions::from_mode(0o700)).unwrap();
        let owner = (fs::metadata(&base).unwrap().uid() == 0).then(unprivileged);
        let give = |path: &Path| {
            if let Some((uid, gid)) = owner {
                chown(path, Some(uid), Some(gid)).unwrap();
            }
        };
        let command = |program: &Path| {
            let mut command = Command::new(program);
            command.current_dir(&base).env("LC_ALL", "C");
            if let Some((uid, gid)) = owner {
                command.uid(uid).gid(gid);
            }
            command
        };
        give(&base);
        let bin = reachable(bin, &base, &command);
        let password_file = base.join("password");
        fs::write(&password_file, PASSWORD).unwrap();
        give(&password_file);
        let data = base.join("data");
        let made = command(&bin.join("initdb"))
            .args(["--no-sync", "--encoding=UTF8", "--no-locale", "--auth=scram-sha-256"])
            .args(["-U", ADMIN, "--pwfile", "password", "-D", "data"])
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));

        let (certificate, key) = self_signed();
        for (name, text) in [("server.crt", &certificate), ("server.key", &key)] {
            let path = data.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            give(&path);
        }
        let port = free_port();
        let settings = data.join("postgresql.auto.conf");
        fs::write(&settings, format!("{SETTINGS}port = {port}\n")).unwrap();
        give(&settings);

        // A process group of its own: Ctrl-C ends the tests, and only then the server.
        let keeper = command(Path::new("/bin/sh"))
            .args(["-c", KEEPER, "keeper"])
            .arg(bin.join("postgres"))
            .arg(&base)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let cluster = Self {
            port,
            major: major(&bin),
            bin,
            certificate,
            data,
            databases: AtomicU32::new(0),
            _keeper: keeper,
        };
        until("PostgreSQL to start", || {
            let state = fs::read_to_string(cluster.data.join("postmaster.pid")).ok()?;
            state.lines().nth(7).is_some_and(|line| line.trim() == "ready").then_some(())
        });
        cluster.seed();
        cluster
    }

    fn seed(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let admin = self.connect(ADMIN, "postgres").await;
            admin
                .batch_execute(&format!(
                    "CREATE ROLE {UPSTREAM} LOGIN SUPERUSER PASSWORD '{PASSWORD}'"
                ))
                .await
                .unwrap();
            admin
                .batch_execute(&format!("CREATE DATABASE fixture OWNER {UPSTREAM}"))
                .await
                .unwrap();
            let app = self.connect(UPSTREAM, "fixture").await;
            app.batch_execute(include_str!("fixture.sql")).await.unwrap();
            app.batch_execute("ANALYZE").await.unwrap();
            let version: String = admin.query_one("SHOW server_version", &[]).await.unwrap().get(0);
            tiers::met("postgres", &version);
        });
    }

    /// A direct connection, past Jurat.
    pub(crate) async fn connect(&self, user: &str, database: &str) -> tokio_postgres::Client {
        let (client, connection) = self.config(user, database).connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// How to connect directly.
    pub(crate) fn config(&self, user: &str, database: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).user(user).password(PASSWORD).dbname(database);
        config
    }

    /// A new copy of the fixture, and its name.
    pub(crate) async fn database(&self) -> String {
        let name = format!("shop_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let admin = self.connect(ADMIN, "postgres").await;
        admin
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE fixture OWNER {UPSTREAM}"))
            .await
            .unwrap();
        name
    }

    /// What PostgreSQL says it ran in these databases for Jurat, in order.
    pub(crate) async fn witnessed(&self, databases: &[String]) -> Vec<Witnessed> {
        // The log is written by a process of its own. Each backend hands over what it runs before it
        // runs it, so once this mark is in the log everything before it is as well.
        let admin = self.connect(ADMIN, "postgres").await;
        let mark = format!("SELECT 'mark {}'", self.databases.fetch_add(1, Ordering::Relaxed));
        admin.simple_query(&mark).await.unwrap();
        let lines = until("the mark in PostgreSQL's log", || {
            let text = fs::read_to_string(self.data.join(LOG)).ok()?;
            text.contains(&mark).then_some(text)
        });
        lines
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|line| line["user"] == UPSTREAM)
            .filter(|line| databases.iter().any(|database| line["dbname"] == **database))
            .filter_map(|line| Witnessed::read(&line))
            .collect()
    }
}

/// Keeps the server until standard input closes, then stops and removes it.
const KEEPER: &str = r#"
"$1" -D "$2/data" >"$2/server.out" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -INT "$server"
wait "$server"
rm -rf "$2"
"#;

/// A statement that PostgreSQL ran.
#[derive(Clone, Debug)]
pub(crate) struct Witnessed {
    pub(crate) text: String,
    /// `2026-11-22 14:30:00.123`, UTC.
    pub(crate) at: String,
}

impl Witnessed {
    fn read(line: &Value) -> Option<Self> {
        let message = line["message"].as_str()?;
        // What Jurat asks for itself has a name of its own.
        if message.starts_with("execute jurat's own question/") {
            return None;
        }
        let text = if let Some(text) = message.strip_prefix("statement: ") {
            text.to_owned()
        } else if let Some(call) = message.strip_prefix("fastpath function call: ") {
            // `"name" (OID number)`
            format!("function call {}", call.rsplit_once("(OID ")?.1.trim_end_matches(')'))
        } else {
            message.strip_prefix("execute ")?.split_once(": ")?.1.to_owned()
        };
        let at = line["timestamp"].as_str()?.trim_end_matches(" UTC").to_owned();
        Some(Self { text, at })
    }
}
