//! Throw-away MariaDB or MySQL servers: unprivileged, on a free port, each with the fixture. Which of the two it is
//! holds for the whole run (see [`Kind`]); the command line client is MariaDB's in both cases.
//!
//! A relation of MySQL has the name of its database in front, and policies know it by that name. So a test has a
//! server of its own, where the database is called `shop`: a copy of the files of one that was made once for the
//! run, which starts in less than a second. It logs every statement that it runs. That log is written by nobody
//! of ours, so it can witness against Jurat. As with PostgreSQL, a small shell ends the server and removes it
//! when this process ends for whatever reason.

use std::{
    collections::{HashMap, HashSet},
    env, fs,
    io::Write as _,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

mod kind;

pub(crate) use kind::Kind;
use kind::Program;

use super::{
    cluster::{Owner, PASSWORD, UPSTREAM, Witnessed, free_port, self_signed, unprivileged},
    tiers, until,
};

/// The user of the tests themselves, without a password: the server listens on loopback only.
pub(crate) const ADMIN: &str = "root";

/// The server programs, and the files of a server that has the fixture.
#[derive(Debug)]
struct Template {
    kind: Kind,
    base: PathBuf,
    /// Of the command line client.
    bin: PathBuf,
    /// The program that is the server, and the folder of its files.
    server: Program,
    owner: Option<Owner>,
    /// What all servers show to clients that want TLS.
    certificate: String,
    servers: AtomicU32,
    _keeper: Child,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) port: u16,
    template: &'static Template,
    /// Its standard input keeps the server alive.
    _keeper: Child,
}

/// Nothing, and a word about it, where there are no server programs.
fn template() -> Option<&'static Template> {
    static TEMPLATE: OnceLock<Option<Template>> = OnceLock::new();
    TEMPLATE
        .get_or_init(|| {
            let found = find_bin();
            if found.is_none() {
                tiers::missing("mariadb", "run scripts/ensure-mariadb");
            }
            found.map(|bin| Template::make(Kind::of_this_run(), &bin))
        })
        .as_ref()
}

/// The directory that `scripts/ensure-mariadb` prints.
fn find_bin() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    let usual = cache.map(|cache| cache.join("jurat/mariadb/bin"));
    let said = env::var_os("JURAT_TEST_MARIADB_BIN").map(PathBuf::from);
    said.or(usual).filter(|dir| dir.join("mariadbd").exists() && dir.join("mariadb").exists())
}

impl Template {
    fn make(kind: Kind, found: &Path) -> Self {
        let base = tempfile::Builder::new().prefix("jurat-e2e-my-").tempdir().unwrap().keep();
        fs::set_permissions(&base, fs::Permissions::from_mode(0o755)).unwrap();
        let owner = (fs::metadata(&base).unwrap().uid() == 0).then(unprivileged);
        if let Some((uid, gid)) = owner {
            chown(&base, Some(uid), Some(gid)).unwrap();
        }
        // Whatever ends this process ends the shell, which then removes the files.
        let keeper = Command::new("/bin/sh")
            .args(["-c", "cat >/dev/null; sleep 2; rm -rf \"$1\"", "keeper"])
            .arg(&base)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let bin = found.to_path_buf();
        let server = Program::reachable(kind, &bin, &base, owner);
        let (certificate, key) = self_signed();
        for (name, text) in [("server.crt", &certificate), ("server.key", &key)] {
            fs::write(base.join(name), text).unwrap();
        }
        let servers = AtomicU32::new(0);
        let template =
            Self { kind, base, bin, server, owner, certificate, servers, _keeper: keeper };
        template.bootstrap();
        template.fill();
        template
    }

    /// Makes the system tables, and the users of Jurat and of the tests.
    fn bootstrap(&self) {
        let data = self.base.join("template");
        self.command("/bin/mkdir").arg(&data).status().unwrap();
        let mut command = self.server_command(&data);
        fs::write(self.base.join("users.sql"), self.kind.users()).unwrap();
        let made = match self.kind {
            Kind::Mariadb => {
                let file = self.base.join("bootstrap.sql");
                fs::write(&file, self.server.system_tables() + &self.kind.users()).unwrap();
                command
                    .args(["--bootstrap", "--skip-networking"])
                    .stdin(fs::File::open(&file).unwrap())
                    .output()
            }
            Kind::Mysql => command.arg("--initialize-insecure").output(),
        };
        let made = made.unwrap();
        assert!(made.status.success(), "{:?} makes no system tables: {made:?}", self.kind);
    }

    /// Runs the fixture and ends the server again, so that its files can be copied.
    fn fill(&self) {
        let (mut keeper, port) = self.launch("template");
        let seeded = self.cli(port, ADMIN, "").run(include_str!("fixture.mariadb.sql"));
        assert!(seeded.status.success(), "fixture: {seeded:?}");
        let version = self.cli(port, ADMIN, "").run("SELECT VERSION()");
        let version = String::from_utf8(version.stdout).unwrap();
        tiers::met(self.kind.tier(), version.split('-').next().unwrap());
        let stopped = self.cli(port, ADMIN, "").run("SHUTDOWN");
        assert!(stopped.status.success(), "{stopped:?}");
        drop(keeper.stdin.take());
        keeper.wait().unwrap();
    }

    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(&self.base).env("LC_ALL", "C");
        if let Some((uid, gid)) = self.owner {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn server_command(&self, data: &Path) -> Command {
        let mut command = self.command(&self.server.path);
        let place = |name: &str, path: &Path| format!("--{name}={}", path.display());
        if self.kind == Kind::Mariadb {
            let share = fs::canonicalize(self.server.share()).unwrap();
            command
                .arg("--no-defaults")
                .arg(place("lc-messages-dir", &share))
                .arg(place("character-sets-dir", &share.join("charsets")));
        }
        command
            .arg(place("datadir", data))
            // A server that starts deletes what others have in a folder for temporary files that it shares with them.
            .arg(place("tmpdir", data))
            .args(self.kind.settings());
        command
    }

    /// Starts a server on these files; gives what keeps it and its port.
    fn launch(&self, name: &str) -> (Child, u16) {
        let port = free_port();
        let server = self.server_command(&self.base.join(name));
        let mut command = self.command("/bin/sh");
        let keeper = command
            .args(["-c", KEEPER, "keeper"])
            .arg(self.base.join(name))
            .arg(server.get_program())
            .args(server.get_args())
            .args(["--bind-address=127.0.0.1", &format!("--port={port}")])
            .arg(format!("--ssl-cert={}", self.base.join("server.crt").display()))
            .arg(format!("--ssl-key={}", self.base.join("server.key").display()))
            .args([format!("--socket={name}.sock"), format!("--pid-file={name}.pid")])
            .args(self.kind.first_start(name == "template", &self.base))
            .args(["--general-log=1", "--log-output=TABLE", "--default-time-zone=+00:00"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let cli = self.cli(port, ADMIN, "");
        until("the server to start", || cli.run("SELECT 1").status.success().then_some(()));
        if self.kind == Kind::Mysql {
            // Whoever has logged in once can answer a challenge from then on, also without TLS.
            self.cli(port, UPSTREAM, PASSWORD).run("");
        }
        (keeper, port)
    }

    /// The command line client of the server's own package.
    pub(crate) fn cli(&self, port: u16, user: &str, password: &str) -> Cli {
        Cli {
            program: self.bin.join("mariadb"),
            arguments: vec![
                "--no-defaults".to_owned(),
                "--host=127.0.0.1".to_owned(),
                format!("--port={port}"),
                format!("--user={user}"),
                format!("--password={password}"),
            ],
        }
    }
}

/// Ends the server when standard input closes, and removes its files but for those of the template.
const KEEPER: &str = r#"
data=$1
shift
"$@" >"$data.out" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -TERM "$server" 2>/dev/null
wait "$server"
case $data in */template) ;; *) rm -rf "$data" "$data".* ;; esac
"#;

impl Server {
    /// A new server with the fixture; nothing where there are no server programs.
    pub(crate) fn start() -> Option<Self> {
        let template = template()?;
        let name = format!("data-{}", template.servers.fetch_add(1, Ordering::Relaxed));
        let copied = template
            .command("/bin/cp")
            .args(["-R", "template", &name])
            .status()
            .is_ok_and(|status| status.success());
        assert!(copied, "the files of the template cannot be copied");
        let (keeper, port) = template.launch(&name);
        Some(Self { port, template, _keeper: keeper })
    }

    /// Which server it is.
    pub(crate) const fn kind(&self) -> Kind {
        self.template.kind
    }

    /// The program that is the server.
    pub(crate) fn program(&self) -> &Path {
        &self.template.server.path
    }

    /// The certificate of the server, PEM.
    pub(crate) fn certificate(&self) -> &str {
        &self.template.certificate
    }

    /// The command line client, at this server or at Jurat in front of it.
    pub(crate) fn cli(&self, port: u16, user: &str, password: &str) -> Cli {
        self.template.cli(port, user, password)
    }

    /// The same, past Jurat, as the user that Jurat has.
    pub(crate) fn direct(&self) -> Cli {
        self.cli(self.port, UPSTREAM, PASSWORD)
    }

    /// The same, as somebody whose statements are not taken for Jurat's.
    pub(crate) fn admin(&self) -> Cli {
        self.cli(self.port, ADMIN, "")
    }

    /// What the server says it ran for Jurat, in order.
    ///
    /// # Panics
    /// Where something other than statements came, which nothing accounts for.
    pub(crate) fn witnessed(&self) -> Vec<Witnessed> {
        let query = format!(
            "SELECT thread_id, command_type, DATE_FORMAT(event_time, '%Y-%m-%d %H:%i:%s.%f'), \
             HEX(argument) FROM mysql.general_log WHERE user_host LIKE '{UPSTREAM}[%'"
        );
        let log = self.admin().rows(&query);
        let mut prepared: Vec<(String, String)> = Vec::new();
        let mut witnessed = Vec::new();
        // Threads whose last statement was an EXECUTE in SQL: what it runs is told once more behind it.
        let mut executing: HashSet<String> = HashSet::new();
        // MySQL leaves out what a PREPARE in SQL prepares, and tells it behind: the names by thread.
        let mut preparing: HashMap<String, String> = HashMap::new();
        for line in log {
            let [thread, command, at, argument] = line.as_slice() else { panic!("{line:?}") };
            let text = from_hex(argument);
            match command.as_str() {
                "Query" => {
                    executing.remove(thread);
                    if text.starts_with("EXECUTE ") {
                        executing.insert(thread.clone());
                    }
                    let left_out = text
                        .strip_prefix("PREPARE ")
                        .and_then(|rest| rest.strip_suffix(" FROM ..."));
                    if let Some(name) = left_out {
                        preparing.insert(thread.clone(), name.to_owned());
                        continue;
                    }
                    witnessed.push(Witnessed { text, at: at.clone() });
                }
                "Execute" if executing.remove(thread) => {}
                "Prepare" => {
                    if let Some(name) = preparing.remove(thread) {
                        let quoted = text.replace('\\', "\\\\").replace('\'', "''");
                        let text = format!("PREPARE `{name}` FROM '{quoted}'");
                        witnessed.push(Witnessed { text, at: at.clone() });
                    }
                    prepared.push((thread.clone(), text));
                }
                // The log shows what was bound in place of the question marks.
                "Execute" => {
                    let candidates = prepared.iter().rev().filter(|(of, _)| of == thread);
                    let mut fitting = candidates.filter(|(_, prepared)| fits(prepared, &text));
                    let (_, text) =
                        fitting.next().unwrap_or_else(|| panic!("ran unprepared: {text}"));
                    witnessed.push(Witnessed { text: text.clone(), at: at.clone() });
                }
                "Close stmt" | "Reset stmt" | "Long Data" | "Fetch" | "Ping" | "Quit"
                | "Connect" | "Set option" | "Reset connection" => {}
                other => panic!("nothing accounts for {other} {text}"),
            }
        }
        witnessed
    }
}

/// Whether `ran` is `prepared` with values in place of its question marks.
fn fits(prepared: &str, ran: &str) -> bool {
    let mut parts = prepared.split('?');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = ran.strip_prefix(first) else { return false };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    prepared.ends_with('?') || rest.is_empty()
}

fn from_hex(text: &str) -> String {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    String::from_utf8((0..text.len()).step_by(2).map(byte).collect()).unwrap()
}

/// The command line client, which is how most people and most scripts use such a server.
#[derive(Clone, Debug)]
pub(crate) struct Cli {
    program: PathBuf,
    arguments: Vec<String>,
}

impl Cli {
    /// With one more argument.
    pub(crate) fn with(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Runs statements in the database `shop` to their end.
    pub(crate) fn run(&self, text: &str) -> Output {
        self.run_in("shop", text)
    }

    pub(crate) fn run_in(&self, database: &str, text: &str) -> Output {
        let mut command = self.command();
        command.args(["--batch", "--skip-column-names", "-e", text]);
        if !text.is_empty() && !database.is_empty() {
            command.arg(database);
        }
        command.output().unwrap()
    }

    /// The rows of a statement that must work.
    pub(crate) fn rows(&self, text: &str) -> Vec<Vec<String>> {
        let ran = self.run(text);
        assert!(ran.status.success(), "{text}: {}", String::from_utf8_lossy(&ran.stderr));
        let lines = String::from_utf8(ran.stdout).unwrap();
        lines.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }

    /// What the server says about a statement that must not work.
    pub(crate) fn error(&self, text: &str) -> String {
        let ran = self.run(text);
        assert!(!ran.status.success(), "{text}: {}", String::from_utf8_lossy(&ran.stdout));
        String::from_utf8(ran.stderr).unwrap()
    }

    /// What the program says that writes dumps; nothing with MySQL's own server, which comes without one.
    pub(crate) fn dump(&self, arguments: &[&str]) -> Option<Output> {
        let program = self.program.with_file_name("mariadb-dump");
        if Kind::of_this_run() == Kind::Mysql {
            return None;
        }
        if !program.exists() {
            tiers::missing("mariadb", "run scripts/ensure-mariadb, which brings mariadb-dump");
            return None;
        }
        Some(Command::new(program).args(&self.arguments).args(arguments).output().unwrap())
    }

    /// Runs a script in the database `shop`, as the client does with a file of SQL.
    pub(crate) fn load(&self, script: &[u8]) -> Output {
        let mut command = self.command();
        let mut child = command
            .arg("shop")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        // A client that has stopped at an error takes no more, and says why.
        let _taken = input.write_all(script);
        drop(input);
        child.wait_with_output().unwrap()
    }

    /// The client, to be started otherwise.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        command
    }
}

#[test]
fn a_run_is_matched_with_what_was_prepared() {
    assert!(fits("SELECT ? + ?", "SELECT 1 + 'a'"));
    assert!(fits("SELECT 1", "SELECT 1"));
    assert!(!fits("SELECT 1", "SELECT 12"));
    assert!(!fits("SELECT ? FROM a", "SELECT 1 FROM b"));
}
