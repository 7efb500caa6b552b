"""The two places that a suite connects to: a throw-away PostgreSQL, and a Jurat in front of it that allows everything."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

# The suites log in as this role with this password, directly and through Jurat. It is a superuser because the suites
# create roles, kill sessions and read server files; so whatever is refused on the way, Jurat refused it.
ROLE, PASSWORD, DATABASE = "suite", "suite-pass", "suite"

# Databases that the suites connect to. Jurat carries those that it is told of; asyncpg's suite makes the last one itself.
DATABASES = (DATABASE, "postgres", "template1", "asyncpg_intro_test")

# Two-phase commit is in psycopg's suite, many sessions at once are in asyncpg's.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
max_prepared_transactions = 10
wal_level = logical
shared_buffers = '64MB'
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
timezone = 'UTC'
log_timezone = 'UTC'
"""

# What a client must not bring along, and the bounds that a suite goes over on purpose.
CONFIG = """
version = 1
[server]
drain_timeout = "1s"
[[listener]]
name = "pg"
protocol = "postgres"
bind = "127.0.0.1:{port}"
{databases}
[identity]
users_file = "users.toml"
[policy]
dir = "{policy}"
poll = "0"
time_limit_ms = 1000
[audit]
dir = "audit"
key = {{ file = "audit.key" }}
heartbeat = "0"
"""

DATABASE_ENTRY = """
[[database]]
name = "{name}"
engine = "postgres"
environment = "test"
upstream = "postgres://{role}@127.0.0.1:{port}/{name}"
credential = {{ file = "upstream.password" }}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stage:
    """A temporary directory with both servers, ended and removed together."""

    def __init__(self, pg_bin, jurat):
        self.pg_bin = Path(pg_bin)
        self.directory = Path(tempfile.mkdtemp(prefix="jurat-transparency-"))
        self.psql = shutil.which("psql") or self.pg_bin / "psql"
        self.running = []
        self.identity = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            names = [entry.pw_name for entry in pwd.getpwall()]
            user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._hand_over(self.directory)
        # The servers may run as a user who cannot look into the directory of whoever runs this.
        self.jurat = shutil.copy(jurat, self.directory / "jurat-program")
        self.policy = shutil.copytree(HERE / "policy", self.directory / "policy")
        self.direct_port, self.through_port = free_port(), free_port()

    def __enter__(self):
        try:
            self.start_database()
            self.restart_jurat()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            self._end(process)
        if os.environ.get("JURAT_TRANSPARENCY_KEEP"):
            print(f"kept {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def port(self, side):
        return self.direct_port if side == "direct" else self.through_port

    def fresh_database(self):
        """Both sides begin with the same empty database."""
        self.sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        self.sql(f"CREATE DATABASE {DATABASE}")

    def sql(self, text):
        self._run([self.psql, "-Xqtc", text, f"host=127.0.0.1 port={self.direct_port} user={ROLE} dbname=postgres"],
                  env={"PGPASSWORD": PASSWORD})

    def restart_jurat(self):
        for process in self.running[1:]:
            self._end(process)
        del self.running[1:]
        home = self.directory / "jurat"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        self._hand_over(home)
        self.configure(home)
        for path in home.iterdir():
            self._hand_over(path)
        self._start("jurat", [self.jurat, "run", "-c", home / "jurat.toml"], self.through_port)

    def configure(self, home):
        """Writes what Jurat reads."""
        verifier = self._run([self.jurat, "hash"], stdin=PASSWORD + "\n").strip()
        self._run([self.jurat, "audit", "keygen", "--out", home / "audit.key"])
        (home / "upstream.password").write_text(PASSWORD)
        (home / "users.toml").write_text(f'[[user]]\nname = "{ROLE}"\nkind = "service"\nscram = \'{verifier}\'\n')
        databases = "".join(DATABASE_ENTRY.format(name=name, role=ROLE, port=self.direct_port)
                            for name in DATABASES)
        (home / "jurat.toml").write_text(CONFIG.format(port=self.through_port, databases=databases, policy=self.policy))

    def start_database(self):
        data, secret = self.directory / "data", self.directory / "secret"
        secret.write_text(PASSWORD + "\n")
        self._hand_over(secret)
        self._run([self.pg_bin / "initdb", "-D", data, "-U", ROLE, "-A", "scram-sha-256", f"--pwfile={secret}",
                   "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"])
        with open(data / "postgresql.conf", "a") as settings:
            settings.write(SETTINGS + f"port = {self.direct_port}\n")
        self._start("postgres", [self.pg_bin / "postgres", "-D", data], self.direct_port)

    def _hand_over(self, path):
        if self.identity:
            os.chown(path, self.identity["user"], self.identity["group"])

    def _options(self, env=None):
        base = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "JURAT_"))}
        base["JURAT_LOG"] = os.environ.get("JURAT_LOG", "info")
        return dict(self.identity, cwd=self.directory, env={**base, **(env or {})})

    def _run(self, command, stdin="", env=None):
        done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=60,
                              **self._options(env))
        if done.returncode:
            raise SystemExit(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-800:]}")
        return done.stdout

    def _start(self, name, command, port):
        log_path = self.directory / f"{name}.log"
        with open(log_path, "a") as log:
            process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                       **self._options())
        self.running.append(process)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(0.2)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit(f"{name} did not start:\n{log_path.read_text()[-1500:]}")

    def _end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown: it does not wait for clients
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
