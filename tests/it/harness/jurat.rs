//! The binary under test, with everything that it reads in a directory of its own.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;

use super::{cluster, mariadb, until};

/// The password of every user of the users file.
pub(crate) const PASSWORD: &str = "correct horse";

/// `SELECT PASSWORD('correct horse')` of MariaDB, whose older clients answer a challenge with it.
const NATIVE: &str = "*0E8F21E4240F5AD5A07D088F9C93890D13D78A4E";

/// `jurat hash --mysql` of it, for clients without TLS.
const SHA2: &str = "bf7ffba958c798f80e3cf8ebea1cbc781495cadb8880a7f2bbc73d530712b52d";

/// What a test wants that is not usual.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The kind of server behind it, and so what its listener speaks.
    pub(crate) engine: Engine,
    pub(crate) environment: &'static str,
    /// Whether the policies that ship are there.
    pub(crate) shipped: bool,
    /// Files that are put into the policy directory, over the shipped ones.
    pub(crate) policies: Vec<(&'static str, String)>,
    /// Further files beside the configuration.
    pub(crate) files: Vec<(&'static str, String)>,
    /// Objects that both databases have besides those of the fixture.
    pub(crate) objects: &'static str,
    /// More databases: the name that clients use, the upstream port, the upstream database.
    pub(crate) databases: Vec<(&'static str, u16, String)>,
    /// Where the database `shop` is reached, when not at the cluster itself.
    pub(crate) upstream_port: Option<u16>,
    /// Further lines of `[[database]]` for `shop`.
    pub(crate) upstream: String,
    /// Whether Jurat has a password for its databases.
    pub(crate) credential: bool,
    /// Further lines of `[[listener]]`.
    pub(crate) listener: &'static str,
    /// Further lines of `[policy]`.
    pub(crate) policy: &'static str,
    /// Lines of `[limits]`.
    pub(crate) limits: &'static str,
    /// A limit on the size of files that it writes, in blocks of 512 bytes.
    pub(crate) file_blocks_max: Option<u32>,
}

/// A kind of database server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Engine {
    Mariadb,
    Postgres,
}

impl Engine {
    /// The name of it in the configuration, that of its protocol, and what its relations are below.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Mariadb => (mariadb::Kind::of_this_run().tier(), "mysql", "shop"),
            Self::Postgres => ("postgres", "postgres", "public"),
        }
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            engine: Engine::Postgres,
            environment: "production",
            shipped: true,
            policies: Vec::new(),
            files: Vec::new(),
            objects: "",
            databases: Vec::new(),
            upstream_port: None,
            upstream: String::new(),
            credential: true,
            listener: "",
            policy: "",
            limits: "",
            file_blocks_max: None,
        }
    }
}

impl Setup {
    /// A database in which definitions may change.
    pub(crate) fn staging() -> Self {
        Self { environment: "staging", ..Self::default() }
    }

    /// In front of a MariaDB, or a MySQL where the run is on one, in production.
    pub(crate) fn mariadb() -> Self {
        Self { engine: Engine::Mariadb, ..Self::default() }
    }

    /// With one more policy file.
    pub(crate) fn policy(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.policies.push((name, text.into()));
        self
    }
}

/// What webhooks are signed with.
pub(crate) const HOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Which columns are protected, in the form of the catalog labels file.
pub(crate) const LABELS: &str = r#"{"jurat": {"catalog": {
  "public.customers.email": ["pii.email"],
  "public.customers.ssn": ["pii.ssn"],
  "public.customers.card": ["pci.card"],
  "archive.customers.email": ["pii.email"],
  "public.secrets": ["secret"],
  "public.secrets.token": ["secret"]
}}}"#;

/// Who may log in, and as what. All share one password.
const USERS: [(&str, &str); 5] = [
    ("ana", "kind = \"person\"\ngroups = [\"analyst\"]"),
    ("bot", "kind = \"agent\"\non_behalf_of = { id = \"ana\", groups = [\"analyst\"] }"),
    ("shopd", "kind = \"service\"\ngroups = [\"app\"]"),
    ("dora", "kind = \"person\"\ngroups = [\"dba\"]"),
    ("priya", "kind = \"person\"\ngroups = [\"pii_reader\"]"),
];

/// The binary: where the variable says, else built now, so that it is never older than the tests.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(binary) = env::var_os("JURAT_TEST_BIN") {
            return PathBuf::from(binary);
        }
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo).args(["build", "-q", "-p", "jurat"]).status().unwrap();
        assert!(built.success(), "the binary cannot be built");
        // Tests are in `deps`, binaries in the directory above.
        let deps = env::current_exe().unwrap();
        deps.ancestors().nth(2).unwrap().join("jurat")
    })
}

/// Runs a command of the binary to its end.
pub(crate) fn command(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(binary())
        .args(arguments)
        .env_remove("JURAT_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn verifier() -> &'static str {
    static VERIFIER: OnceLock<String> = OnceLock::new();
    VERIFIER.get_or_init(|| {
        let made = command(&["hash"], &format!("{PASSWORD}\n"));
        assert!(made.status.success(), "jurat hash: {made:?}");
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    })
}

/// A directory with everything that `jurat run` reads.
#[derive(Debug)]
pub(crate) struct Home {
    dir: TempDir,
    /// The certificate that listeners show, PEM.
    pub(crate) certificate: String,
}

impl Home {
    pub(crate) fn new(setup: &Setup, upstream_port: u16, database: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("jurat-e2e-").tempdir().unwrap();
        let (certificate, key) = cluster::self_signed();
        let home = Self { dir, certificate };
        home.write("tls.crt", &home.certificate);
        home.write("tls.key", &key);
        home.write("upstream.password", cluster::PASSWORD);
        home.write("mask.salt", "a salt that only the tests have");
        let users: String = USERS
            .iter()
            .map(|(name, rest)| {
                format!(
                    "[[user]]\nname = \"{name}\"\n{rest}\nscram = '{}'\nmysql_native = '{NATIVE}'\nmysql_sha2 = '{SHA2}'\n\n",
                    verifier()
                )
            })
            .collect();
        home.write("users.toml", &users);
        for (name, _) in USERS {
            home.write(&format!("{name}.token"), &format!("the token that only {name} has"));
        }
        home.write("hook.secret", HOOK_SECRET);
        fs::create_dir(home.path("policy")).unwrap();
        if setup.shipped {
            copy_policies(&shipped(), &home.path("policy"));
        }
        let (_, _, schema) = setup.engine.words();
        home.write("policy/data.json", &LABELS.replace("public.", &format!("{schema}.")));
        for (name, text) in &setup.policies {
            home.write(&format!("policy/{name}"), text);
        }
        for (name, text) in &setup.files {
            home.write(name, text);
        }
        home.write("jurat.toml", &configuration(setup, upstream_port, database));
        let key = home.path("audit.key");
        let made = command(&["audit", "keygen", "--out", key.to_str().unwrap()], "");
        assert!(made.status.success(), "jurat audit keygen: {made:?}");
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs `jurat run` to its end, for a configuration that must not be taken.
    pub(crate) fn refused(&self) -> Output {
        command(&["run", "-c", self.path("jurat.toml").to_str().unwrap()], "")
    }

    /// `jurat audit verify` over the record as it is now.
    pub(crate) fn verify(&self) -> Output {
        command(&["audit", "verify", "-c", self.path("jurat.toml").to_str().unwrap()], "")
    }
}

/// The policies of the repository.
fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rego")
}

fn copy_policies(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "schema" {
            fs::create_dir_all(to.join(&name)).unwrap();
            copy_policies(&path, &to.join(&name));
        } else if name.ends_with(".rego") && !name.ends_with("_test.rego") {
            fs::copy(&path, to.join(&name)).unwrap();
        }
    }
}

fn configuration(setup: &Setup, upstream_port: u16, database: &str) -> String {
    let environment = setup.environment;
    let (engine, protocol, _) = setup.engine.words();
    let credential =
        if setup.credential { "credential = { file = \"upstream.password\" }" } else { "" };
    let entry = |name: &str, port: u16, dbname: &str, more: &str| {
        format!(
            "[[database]]\nname = \"{name}\"\nengine = \"{engine}\"\nenvironment = \"{environment}\"\n\
             upstream = \"{protocol}://{}@127.0.0.1:{port}/{dbname}\"\n\
             {credential}\n{more}\n\n",
            cluster::UPSTREAM
        )
    };
    let mut databases =
        entry("shop", setup.upstream_port.unwrap_or(upstream_port), database, &setup.upstream);
    for (name, port, dbname) in &setup.databases {
        databases += &entry(name, *port, dbname, "");
    }
    // Nothing happens by the clock: what a test wants to happen it asks for. The time to judge is long, because
    // an unoptimized build on a machine with more work than processors may wait for its turn that long.
    format!(
        "version = 1\n\n\
         [server]\ndrain_timeout = \"5s\"\n\n\
         [tls]\ncert = \"tls.crt\"\nkey = {{ file = \"tls.key\" }}\n\n\
         [[listener]]\nname = \"it\"\nprotocol = \"{protocol}\"\nbind = \"127.0.0.1:0\"\n{}\n\n\
         {databases}\
         [identity]\nusers_file = \"users.toml\"\n\n\
         [policy]\ndir = \"policy\"\npoll = \"0\"\ntime_limit_ms = 5000\n{}\n\n\
         [audit]\ndir = \"audit\"\nkey = {{ file = \"audit.key\" }}\nheartbeat = \"0\"\n\n\
         [limits]\n{}\n",
        setup.listener, setup.policy, setup.limits
    )
}

/// A running Jurat.
#[derive(Debug)]
pub(crate) struct Jurat {
    pub(crate) home: Home,
    pub(crate) port: u16,
    child: Child,
}

impl Jurat {
    /// Starts it and waits until it listens.
    pub(crate) fn start(home: Home, setup: &Setup) -> Self {
        let child = spawn(&home, setup);
        let mut jurat = Self { home, port: 0, child };
        jurat.wait_until_it_listens();
        jurat
    }

    /// Kills it, as a power cut would, and starts it again in the same directory.
    pub(crate) fn crash(&mut self, setup: &Setup) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(&self.home, setup);
        self.wait_until_it_listens();
    }

    fn wait_until_it_listens(&mut self) {
        self.port = until("Jurat to listen", || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("jurat ended with {status}: {}", self.log());
            }
            self.log().lines().find_map(|line| listening_port(line, "it"))
        });
    }

    /// The port of another listener of the configuration.
    pub(crate) fn port_of(&self, listener: &str) -> u16 {
        until("the listener", || self.log().lines().find_map(|line| listening_port(line, listener)))
    }

    /// Everything that it has logged.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.home.path("stderr.log")).unwrap()).into_owned()
    }

    /// Waits until it has logged `text`.
    pub(crate) fn logged(&self, text: &str) {
        until(&format!("`{text}` in the log of Jurat"), || self.log().contains(text).then_some(()));
    }

    /// The port of the console, where one is configured.
    pub(crate) fn admin_port(&self) -> u16 {
        let address = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            let fields = &line["fields"];
            let served = fields["message"] == "the console is served";
            fields["address"].as_str().filter(|_| served)?.rsplit(':').next()?.parse().ok()
        };
        until("the console", || self.log().lines().find_map(address))
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to read policies and users again.
    pub(crate) fn reload(&self) {
        self.signal("-HUP");
    }

    /// Ends it in order, so that the record has its last checkpoint.
    pub(crate) fn stop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.signal("-TERM");
        }
        let status = until("Jurat to end", || self.child.try_wait().unwrap());
        assert!(status.success(), "jurat ended with {status}: {}", self.log());
    }
}

/// Starts the binary; its log begins anew.
fn spawn(home: &Home, setup: &Setup) -> Child {
    let log = fs::File::create(home.path("stderr.log")).unwrap();
    let mut command = match setup.file_blocks_max {
        // The signal of a file that grew too large would end it; without the signal the write
        // fails, as it does on a full disk.
        Some(blocks) => {
            let mut shell = Command::new("/bin/sh");
            let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
            shell.arg("-c").arg(script).arg(binary());
            shell
        }
        None => Command::new(binary()),
    };
    command
        .args(["run", "--log-format", "json", "-c"])
        .arg(home.path("jurat.toml"))
        .env_remove("JURAT_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// The port in the line of the log that says where a listener listens.
fn listening_port(line: &str, listener: &str) -> Option<u16> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let fields = &line["fields"];
    if fields["message"] != "listening" || fields["listener"] != listener {
        return None;
    }
    fields["address"].as_str()?.rsplit(':').next()?.parse().ok()
}

impl Drop for Jurat {
    fn drop(&mut self) {
        // It may have ended already, and nobody looks at its record any more.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
