"""What a measurement stands on: a throw-away PostgreSQL or MariaDB (mysql.py), the two relays, and Jurat, each started and ended here.

Everything is on free loopback ports below one temporary directory, as an unprivileged user when started by root, and is
ended by process id. Standard library only.
"""

import glob
import hashlib
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "bench"
N_ROWS = 100_000  # of pgbench_accounts
SESSIONS_MAX = 600  # that PostgreSQL and each relay must carry
# What is labeled, so that the policies that ship have something to mask. It costs the other statements the look-ups that
# labels cost everywhere.
LABELS = ('{"public.people.email": ["pii.email"], "public.people.phone": ["pii.phone"], '
          '"public.members.email": ["pii.email"]}')


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def end_on_signals():
    """An interrupt by whatever runs us must end what we started too: it becomes an exception."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def program(name):
    """The path of a program; None where it is not installed. PostgreSQL's own comes before Debian's wrapper around it."""
    beside = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda path: float(path.split("/")[4]))
    return (beside[-1] if beside else None) or shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def need(*names):
    for name in names:
        if not program(name):
            raise SystemExit(f"{name} not found: `make bench` and `make instructions` install what they need or say how")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stage:
    """The temporary directory, the user that owns it, and the processes that were started."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="jurat-bench-"))
        self.running = []
        self.identity = {}
        # Hundreds of sessions need two descriptors each in a relay.
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root, and the rest has no need to
            names = [entry.pw_name for entry in pwd.getpwall()]
            user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.directory, user.pw_uid, user.pw_gid)

    def write(self, name, text, mode=0o644):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.hand_over(path, mode)
        return path

    def hand_over(self, path, mode):
        os.chmod(path, mode)
        if self.identity:
            os.chown(path, self.identity["user"], self.identity["group"])

    def options(self, env):
        # Nothing of the caller's PG* settings may leak into a run.
        base = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        base.update({"HOME": str(self.directory), "PGPASSWORD": PASSWORD, "PGSSLMODE": "disable", "PGGSSENCMODE": "disable"})
        return dict(self.identity, cwd=self.directory, env={**base, **env})

    def run(self, command, stdin="", timeout=60, **env):
        """Runs to the end and returns stdout; a failure ends the measurement with the program's own words."""
        done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True,
                              timeout=timeout, **self.options(env))
        if done.returncode:
            raise SystemExit(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-800:]}")
        return done.stdout

    def start(self, name, command, port, **env):
        """Starts a server and waits until its port answers; returns its process id."""
        with open(self.directory / f"{name}.log", "w") as log:
            process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL, **self.options(env))
        self.running.append(process)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(0.2)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return process.pid
            time.sleep(0.05)
        raise SystemExit(f"{name} did not start:\n{(self.directory / f'{name}.log').read_text()[-1500:]}")

    def end(self):
        for process in reversed(self.running):
            if process.poll() is None:
                # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


class Target:
    """Somewhere to connect to; `pid` is the process whose time and memory count, None for the database itself."""

    def __init__(self, name, port, user, pid):
        self.name, self.port, self.user, self.pid = name, port, user, pid

    def cpu_ns(self):
        """Time on a processor, user and kernel, of all threads. The scheduler's own counters are finer than the ticks of
        /proc/PID/stat, which are 10 ms; they know the threads that live, and all targets keep their threads."""
        total = 0
        for path in glob.glob(f"/proc/{self.pid}/task/*/schedstat"):
            try:
                total += int(Path(path).read_text().split()[0])
            except (OSError, ValueError, IndexError):
                pass
        return total

    def memory_kib(self, field="Pss"):
        """Resident memory; Pss counts a page that is shared between processes in parts."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1])
        raise SystemExit(f"no {field} of {self.name}")

    def rss_kib(self):
        """Resident memory from the cheap counter, for looking many times a second."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() // 1024


def start_postgres(stage, tables=(), scale=1, durable=False):
    """A cluster with pgbench's tables (100,000 accounts times `scale`), a table with labeled columns, and what `tables`
    says; returns the port. What is committed is on disk where it is `durable`."""
    port = free_port()
    data = stage.directory / "data"
    secret = stage.write("owner.pw", PASSWORD + "\n", 0o600)
    stage.run([program("initdb"), "-D", data, "-U", "owner", "-A", "scram-sha-256", f"--pwfile={secret}",
               "--no-sync", "-E", "UTF8", "--locale=C"])
    synced = "on" if durable else "off"
    settings = dict(listen_addresses="127.0.0.1", port=port, unix_socket_directories="", fsync=synced, synchronous_commit=synced,
                    full_page_writes=synced, shared_buffers="256MB", jit="off", autovacuum="off", max_connections=SESSIONS_MAX + 20,
                    max_parallel_workers_per_gather=0)
    with open(data / "postgresql.conf", "a") as conf:
        conf.writelines(f"{key} = '{value}'\n" for key, value in settings.items())
    stage.start("postgres", [program("postgres"), "-D", data], port)
    psql = [program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", port]
    for _ in range(100):  # the port answers a moment before the server accepts logins
        probe = subprocess.run([str(w) for w in psql + ["-U", "owner", "-d", "postgres", "-c", "SELECT 1"]],
                               capture_output=True, **stage.options({}))
        if probe.returncode == 0:
            break
        time.sleep(0.1)
    for statement in (f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'", "CREATE DATABASE bench OWNER app"):
        stage.run(psql + ["-U", "owner", "-d", "postgres", "-c", statement])
    stage.run([program("pgbench"), "-q", "-i", "-s", scale, "-h", "127.0.0.1", "-p", port, "-U", "app", "bench"])
    people = ("CREATE TABLE people AS SELECT g AS id, 'p' || g || '@example.com' AS email, '+49 ' || g AS phone "
              "FROM generate_series(1, 1000) g; ALTER TABLE people ADD PRIMARY KEY (id)")
    for statement in (people, *tables):
        stage.run(psql + ["-U", "app", "-d", "bench", "-c", statement], timeout=120)
    return port


def start_haproxy(stage, server_port):
    port = free_port()
    conf = stage.write("haproxy.cfg", f"""
global
  maxconn {SESSIONS_MAX}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen relay
  bind 127.0.0.1:{port}
  server database 127.0.0.1:{server_port}
""")
    return Target("haproxy", port, "app", stage.start("haproxy", [program("haproxy"), "-db", "-f", conf], port))


def start_pgbouncer(stage, postgres_port):
    port = free_port()
    users = stage.write("pgbouncer.users", f'"app" "{PASSWORD}"\n', 0o600)
    conf = stage.write("pgbouncer.ini", f"""
[databases]
bench = host=127.0.0.1 port={postgres_port} dbname=bench
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = session
default_pool_size = {SESSIONS_MAX}
max_client_conn = {SESSIONS_MAX}
ignore_startup_parameters = extra_float_digits
""", 0o600)
    return Target("pgbouncer", port, "app", stage.start("pgbouncer", [program("pgbouncer"), conf], port))


def start_jurat(stage, server_port, binary, before=(), quiet=False, engine="postgres", data=None, **env):
    """Jurat as it is shipped: the policies of rego/, the audit log, SCRAM on both sides. `before` are words in front of
    the command. `quiet` switches off what happens by the clock, so that a count is of statements only. `data` is put
    into the policy directory: names of files below rego/jurat/ and their texts."""
    port = free_port()
    protocol = "postgres" if engine == "postgres" else "mysql"
    # Copied, because the unprivileged user may not be able to read the place of the checkout.
    jurat = stage.directory / "jurat"
    if not jurat.exists():
        shutil.copyfile(binary, jurat)
        stage.hand_over(jurat, 0o755)
    shutil.copytree(ROOT / "rego", stage.directory / "rego", dirs_exist_ok=True)
    for name, text in {"catalog/data.json": LABELS, **(data or {})}.items():
        stage.write(f"rego/jurat/{name}", text)
    verifier = stage.run([jurat, "hash"], stdin=PASSWORD + "\n").strip()
    sha2 = hashlib.sha256(hashlib.sha256(PASSWORD.encode()).digest()).hexdigest()
    stage.run([jurat, "audit", "keygen", "--out", stage.directory / "audit.key"])
    stage.write("users.toml", f'[[user]]\nname = "bench"\nkind = "service"\ngroups = ["app"]\nscram = "{verifier}"\n'
                f'mysql_sha2 = "{sha2}"\n', 0o600)
    conf = stage.write("jurat.toml", f"""
version = 1

[[listener]]
name = "bench"
protocol = "{protocol}"
bind = "127.0.0.1:{port}"

[[database]]
name = "bench"
engine = "{engine}"
environment = "staging"
upstream = "{protocol}://app@127.0.0.1:{server_port}/bench"
credential = {{ env = "BENCH_DB_PASSWORD" }}
tls = {{ mode = "disable" }}

[identity]
users_file = "users.toml"

[policy]
dir = "rego"
# A machine that is shared may take the processor away in the middle of a judgement; that is no error of a policy.
time_limit_ms = 1000
{'poll = "0"' if quiet else ''}

[audit]
dir = "audit"
key = {{ file = "audit.key" }}
{'checkpoint = "0"' if quiet else ''}
{'heartbeat = "0"' if quiet else ''}

[limits]
{'catalog_age_max = "1h"' if quiet else ''}
""")
    pid = stage.start("jurat", [*before, jurat, "run", "-c", conf], port, BENCH_DB_PASSWORD=PASSWORD, **env)
    return Target("jurat", port, "bench", pid)
