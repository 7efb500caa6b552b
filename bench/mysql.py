"""The rows over MariaDB: sysbench's point select and read-only transaction, as text and prepared, by eight clients.

sysbench is Debian's; `--db-ps-mode` decides whether it prepares its statements or sends each as a text with its values.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from rounds import compared, interleaved, ratio, throughput_table
from stage import PASSWORD, ROOT, Stage, Target, free_port, program, say, start_haproxy, start_jurat

NEEDS = ("haproxy", "sysbench")
N_CLIENTS = 8
TABLE_ROWS = 100_000
CELLS = {  # name: (script of sysbench, how it sends statements)
    "point select, text": ("oltp_point_select", "disable"),
    "point select, prepared": ("oltp_point_select", "auto"),
    "read only, text": ("oltp_read_only", "disable"),
    "read only, prepared": ("oltp_read_only", "auto"),
}
# The tables that a server cannot start without, in this order.
SYSTEM_TABLES = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql",
                 "maria_add_gis_sp_bootstrap.sql")
SETTINGS = ("--innodb-log-file-size=64M", "--innodb-buffer-pool-size=256M", "--innodb-flush-log-at-trx-commit=0",
            "--innodb-doublewrite=0", "--performance-schema=0", "--skip-name-resolve", "--character-set-server=utf8mb4",
            "--max-connections=100", "--skip-log-bin")


def run(options, figures):
    """Measures everything of this part, fills `figures`, and returns the tables."""
    stage = Stage()
    try:
        port = start_mariadb(stage)
        stage.run(sysbench(Target("direct", port, "app", None), "oltp_point_select", "disable", "prepare"), timeout=300)
        targets = [Target("direct", port, "app", None), start_haproxy(stage, port),
                   start_jurat(stage, port, options.jurat, engine="mariadb")]
        cells = {}
        for name in CELLS:
            title = f"MariaDB, {name}, {N_CLIENTS} clients"
            say(f"measuring {title}")
            measure(stage, targets[-1], name, 1)  # the first sight of a shape is another row's matter
            samples = cells[title] = interleaved(targets, options.rounds, lambda target: measure(stage, target, name, options.seconds))
            figures[f"mysql, {name}"] = compared(samples, "jurat", "haproxy", "tps", ratio)
    finally:
        stage.end()
    return {title: throughput_table(samples, "statement") for title, samples in cells.items()}, cells


def sysbench(target, script, mode, command, *more):
    return [program("sysbench"), script, "--mysql-host=127.0.0.1", f"--mysql-port={target.port}", f"--mysql-user={target.user}",
            f"--mysql-password={PASSWORD}", "--mysql-db=bench", "--mysql-ssl=off", "--tables=1", f"--table-size={TABLE_ROWS}",
            f"--db-ps-mode={mode}", *more, command]


def measure(stage, target, cell, seconds):
    """One run of sysbench: statements a second, the median latency of a transaction, the target's processor time for each
    statement."""
    script, mode = CELLS[cell]
    more = (f"--threads={N_CLIENTS}", f"--time={seconds}", "--percentile=50", "--rand-type=uniform")
    before = target.cpu_ns() if target.pid else 0
    out = stage.run(sysbench(target, script, mode, "run", *more), timeout=seconds + 60)
    cpu = target.cpu_ns() - before if target.pid else None
    queries, per_second = re.search(r"queries:\s+(\d+)\s+\(([\d.]+) per sec", out).groups()
    failed = re.search(r"ignored errors:\s+(\d+)", out).group(1)
    if int(queries) == 0 or int(failed):
        raise SystemExit(f"statements failed through {target.name}:\n{out[-800:]}")
    return {"tps": float(per_second), "p50": float(re.search(r"50th percentile:\s+([\d.]+)", out).group(1)) * 1000,
            "cpu_us": cpu / 1000 / int(queries) if cpu is not None else None}


def find_bin():
    """The directory that scripts/ensure-mariadb prints."""
    found = subprocess.run([ROOT / "scripts" / "ensure-mariadb"], capture_output=True, text=True, check=True)
    return Path(found.stdout.strip())


def version():
    said = subprocess.run([find_bin() / "mariadbd", "--version"], capture_output=True, text=True).stdout
    return "MariaDB " + re.search(r"Ver (\S+?)-MariaDB", said).group(1)


def start_mariadb(stage, tables=""):
    """A server with a database that the account `app` owns, and what `tables` makes; returns its port."""
    bin_ = reachable(stage, find_bin())
    share, data, port = (bin_ / "share").resolve(), stage.directory / "mariadb", free_port()
    stage.run(["mkdir", data])
    server = [bin_ / "mariadbd", "--no-defaults", f"--datadir={data}", f"--tmpdir={data}", f"--lc-messages-dir={share}",
              f"--character-sets-dir={share / 'charsets'}", *SETTINGS]
    script = "CREATE DATABASE mysql;\nUSE mysql;\n" + "".join((share / name).read_text() for name in SYSTEM_TABLES)
    script += (f"FLUSH PRIVILEGES;\nCREATE DATABASE bench CHARACTER SET utf8mb4;\nCREATE USER app@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
               f"GRANT ALL ON bench.* TO app@'127.0.0.1';\n{tables}\n")
    stage.run([*server, "--bootstrap", "--skip-networking"], stdin=script, timeout=120)
    stage.start("mariadb", [*server, "--bind-address=127.0.0.1", f"--port={port}", f"--socket={data}/socket"], port)
    return port


def reachable(stage, found):
    """The server's programs where the unprivileged user may run them: a folder below root's home is closed to it."""
    if not stage.identity:
        return found
    def put(source, target):
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)

    shutil.copytree(found.parent, stage.directory / "tree", symlinks=True, copy_function=put, ignore_dangling_symlinks=True)
    return stage.directory / "tree" / found.name
