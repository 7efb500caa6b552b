#!/usr/bin/env python3
"""Compares Jurat with no proxy, HAProxy and PgBouncer in one interleaved run; prints Markdown tables.

    make bench                              the whole comparison, about three minutes
    bench/compare.py --rounds 1             a quick look
    bench/compare.py --no-jurat             the surroundings alone

It starts everything it needs (PostgreSQL, the proxies that are installed, Jurat with the policies of rego/ and the
audit log) on free loopback ports below one temporary directory, as an unprivileged user when started by root, and
ends what it started by process id. Standard library only. docs/performance.md explains the method and the cells.
"""

import argparse
import glob
import json
import os
import pwd
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "bench"
N_ROWS = 100_000
# What pgbench sends. A new literal makes a new text in the simple protocol; a fixed one is a text seen before.
NEW_TEXT = f"\\set aid random(1, {N_ROWS})\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n"
SAME_TEXT = "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;\n"
CELLS = [  # name, pgbench protocol, script
    ("simple, new text", "simple", "new.sql"),
    ("simple, same text", "simple", "same.sql"),
    ("extended", "extended", "new.sql"),
    ("prepared", "prepared", "new.sql"),
]


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def program(name):
    """The path of a PostgreSQL program or of a proxy; None where it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    beside = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return found or (beside[-1] if beside else None)


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
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root, and the rest has no need to
            names = [entry.pw_name for entry in pwd.getpwall()]
            user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.directory, user.pw_uid, user.pw_gid)

    def write(self, name, text, mode=0o644):
        path = self.directory / name
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
        """Runs to the end and returns stdout; a failure ends the comparison with the program's own words."""
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
        deadline = time.monotonic() + 30
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
    """Somewhere to connect to; `pid` is the process whose time counts, None for the database itself."""

    def __init__(self, name, port, user, pid):
        self.name, self.port, self.user, self.pid = name, port, user, pid

    def cpu_ns(self):
        """Time on a processor of the threads that live now. All targets keep their threads."""
        total = 0
        for path in glob.glob(f"/proc/{self.pid}/task/*/schedstat"):
            try:
                total += int(Path(path).read_text().split()[0])
            except (OSError, ValueError, IndexError):
                pass
        return total


def start_postgres(stage):
    port = free_port()
    data = stage.directory / "data"
    secret = stage.write("owner.pw", PASSWORD + "\n", 0o600)
    stage.run([program("initdb"), "-D", data, "-U", "owner", "-A", "scram-sha-256", f"--pwfile={secret}",
               "--no-sync", "-E", "UTF8", "--locale=C"])
    settings = dict(listen_addresses="127.0.0.1", port=port, unix_socket_directories="", fsync="off",
                    synchronous_commit="off", full_page_writes="off", shared_buffers="128MB", jit="off", autovacuum="off")
    with open(data / "postgresql.conf", "a") as conf:
        conf.writelines(f"{key} = '{value}'\n" for key, value in settings.items())
    stage.start("postgres", [program("postgres"), "-D", data], port)
    psql = [program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", port]
    for _ in range(50):  # the port answers a moment before the server accepts logins
        probe = subprocess.run([str(w) for w in psql + ["-U", "owner", "-d", "postgres", "-c", "SELECT 1"]],
                               capture_output=True, **stage.options({}))
        if probe.returncode == 0:
            break
        time.sleep(0.1)
    for statement in (f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'", "CREATE DATABASE bench OWNER app"):
        stage.run(psql + ["-U", "owner", "-d", "postgres", "-c", statement])
    stage.run([program("pgbench"), "-q", "-i", "-h", "127.0.0.1", "-p", port, "-U", "app", "bench"])
    return port


def start_haproxy(stage, postgres_port):
    port = free_port()
    conf = stage.write("haproxy.cfg", f"""
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen relay
  bind 127.0.0.1:{port}
  server postgres 127.0.0.1:{postgres_port}
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
default_pool_size = 50
ignore_startup_parameters = extra_float_digits
""", 0o600)
    return Target("pgbouncer", port, "app", stage.start("pgbouncer", [program("pgbouncer"), conf], port))


def start_jurat(stage, postgres_port, binary):
    """Jurat as it is shipped: the policies of rego/, the audit log, SCRAM on both sides."""
    port = free_port()
    # Copied, because the unprivileged user may not be able to read the place of the checkout.
    jurat = stage.directory / "jurat"
    shutil.copyfile(binary, jurat)
    stage.hand_over(jurat, 0o755)
    shutil.copytree(ROOT / "rego", stage.directory / "rego")
    verifier = stage.run([jurat, "hash"], stdin=PASSWORD + "\n").strip()
    stage.run([jurat, "audit", "keygen", "--out", stage.directory / "audit.key"])
    stage.write("users.toml", f'[[user]]\nname = "bench"\nkind = "service"\ngroups = ["app"]\nscram = "{verifier}"\n', 0o600)
    conf = stage.write("jurat.toml", f"""
version = 1

[[listener]]
name = "pg"
protocol = "postgres"
bind = "127.0.0.1:{port}"

[[database]]
name = "bench"
engine = "postgres"
environment = "staging"
upstream = "postgres://app@127.0.0.1:{postgres_port}/bench"
credential = {{ env = "BENCH_DB_PASSWORD" }}
tls = {{ mode = "disable" }}

[identity]
users_file = "users.toml"

[policy]
dir = "rego"

[audit]
dir = "audit"
key = {{ file = "audit.key" }}
""")
    pid = stage.start("jurat", [jurat, "run", "-c", conf], port, BENCH_DB_PASSWORD=PASSWORD)
    return Target("jurat", port, "bench", pid)


def measure(stage, target, protocol, script, n_clients, seconds):
    """One run of pgbench: transactions a second, latencies in µs, the target's processor time for each statement."""
    log_prefix = stage.directory / "latency"
    command = [program("pgbench"), "-n", "-h", "127.0.0.1", "-p", target.port, "-U", target.user, "-M", protocol,
               "-f", stage.directory / script, "-c", n_clients, "-j", min(n_clients, 2), "-T", seconds,
               "-l", "--log-prefix", log_prefix, "bench"]
    cpu_before = target.cpu_ns() if target.pid else 0
    out = stage.run(command, timeout=seconds + 60)
    cpu = target.cpu_ns() - cpu_before if target.pid else None
    n_done = int(re.search(r"transactions actually processed: (\d+)", out).group(1))
    failed = re.search(r"number of failed transactions: (\d+)", out)
    if n_done == 0 or (failed and failed.group(1) != "0"):
        raise SystemExit(f"statements failed through {target.name}:\n{out[-800:]}")
    latencies = []
    for path in glob.glob(f"{log_prefix}.*"):
        with open(path) as lines:
            latencies.extend(int(line.split()[2]) for line in lines)
        os.unlink(path)
    latencies.sort()
    at = lambda share: latencies[min(len(latencies) - 1, int(share * len(latencies)))]
    return {"tps": float(re.search(r"tps = ([\d.]+)", out).group(1)), "p50": at(0.50), "p99": at(0.99),
            "cpu_us": cpu / 1000 / n_done if cpu is not None else None}


def measure_cell(stage, targets, cell, n_clients, options):
    """Runs A B A C A …, `rounds` times; each run of a proxy is compared with the direct runs on either side of it."""
    _, protocol, script = cell
    direct, proxies = targets[0], targets[1:]
    once = lambda target: measure(stage, target, protocol, script, n_clients, options.seconds)
    samples = {target.name: [] for target in targets}
    for number in range(options.rounds):
        # Another order each round, so that no proxy always runs after the same neighbor.
        turn = number % max(1, len(proxies))
        before = once(direct)
        samples[direct.name].append(compared(before, before, before))
        for proxy in proxies[turn:] + proxies[:turn]:
            sample, after = once(proxy), once(direct)
            samples[proxy.name].append(compared(sample, before, after))
            samples[direct.name].append(compared(after, after, after))
            before = after
    return {name: {key: median(run[key] for run in runs) for key in runs[0]} for name, runs in samples.items()}


def compared(sample, before, after):
    return {**sample, "ratio": sample["tps"] * 2 / (before["tps"] + after["tps"]),
            "added_p50": sample["p50"] - (before["p50"] + after["p50"]) / 2,
            "added_p99": sample["p99"] - (before["p99"] + after["p99"]) / 2}


def median(values):
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def table(title, figures):
    """One cell as Markdown; the last column says what lies between a target and HAProxy."""
    relay = figures.get("haproxy")
    number = lambda value, digits=0: "–" if value is None else f"{value:.{digits}f}"
    lines = [f"### {title}", "", "| target | tps | of direct | p50 µs | added p50 | added p99 | CPU µs/statement | tps of HAProxy |",
             "|---|---|---|---|---|---|---|---|"]
    for name, f in figures.items():
        of_relay = f["tps"] / relay["tps"] if relay else None
        lines.append(f"| {name} | {number(f['tps'])} | {number(f['ratio'], 2)} | {number(f['p50'])} | {number(f['added_p50'])} "
                     f"| {number(f['added_p99'])} | {number(f['cpu_us'], 1)} | {number(of_relay, 2)} |")
    return "\n".join(lines) + "\n"


def surroundings(options):
    version = lambda name, *flags: subprocess.run([program(name), *flags], capture_output=True, text=True).stdout.split("\n")[0]
    parts = [version("postgres", "--version")]
    parts += [version("haproxy", "-v")] if program("haproxy") else ["HAProxy not installed"]
    parts += [version("pgbouncer", "--version")] if program("pgbouncer") else ["PgBouncer not installed"]
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return (f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors ({model.group(1) if model else 'unknown'}), "
            f"load {os.getloadavg()[0]:.1f} at the start. {'; '.join(parts)}. "
            f"{options.rounds} rounds of {options.seconds} s, medians.\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target_dir = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    parser.add_argument("--jurat", default=Path(target_dir) / "release" / "jurat", help="the binary (default: the release build)")
    parser.add_argument("--no-jurat", action="store_true", help="leave Jurat out")
    parser.add_argument("--clients", default="1,8", help="numbers of clients (default: 1,8)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds for each cell (default: 3)")
    parser.add_argument("--seconds", type=int, default=1, help="seconds of each run (default: 1)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    for needed in ("initdb", "postgres", "psql", "pgbench"):
        if not program(needed):
            raise SystemExit(f"{needed} not found: scripts/ensure-postgres installs it or says how")

    # An interrupt by whatever runs us must end what we started too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    stage = Stage()
    try:
        stage.write("new.sql", NEW_TEXT)
        stage.write("same.sql", SAME_TEXT)
        port = start_postgres(stage)
        targets = [Target("direct", port, "app", None)]
        if program("haproxy"):
            targets.append(start_haproxy(stage, port))
        if program("pgbouncer"):
            targets.append(start_pgbouncer(stage, port))
        if not options.no_jurat:
            targets.append(start_jurat(stage, port, options.jurat))
        print(surroundings(options), flush=True)
        figures = {}
        for n_clients in (int(word) for word in options.clients.split(",")):
            for cell in CELLS:
                title = f"{cell[0]}, {n_clients} client{'s' if n_clients > 1 else ''}"
                say(f"measuring {title}")
                figures[title] = measure_cell(stage, targets, cell, n_clients, options)
                print(table(title, figures[title]), flush=True)
        log_bytes = sum(path.stat().st_size for path in stage.directory.glob("audit/**/*") if path.is_file())
        if log_bytes:
            print(f"The audit log grew to {log_bytes / 1e6:.0f} MB in the run.")
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1))
    finally:
        stage.end()


if __name__ == "__main__":
    main()
