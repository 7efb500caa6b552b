#!/usr/bin/env python3
"""Counts the instructions that Jurat executes for one statement, and compares them with bench/instructions.toml.

    make instructions                       count and compare; fails where a count grew by more than the slack
    make bless-instructions                 count and write the file; the difference belongs into the commit's message

Times on a shared machine cannot fail a build, instruction counts can: they hardly depend on what else runs. The release
build runs under valgrind's callgrind with one worker thread, in front of a real PostgreSQL, with the policies that ship and
the audit log. All threads of Jurat count, the kernel does not. One session sends the statements one by one, and the counter
is set to zero before them and read after them, so starting and logging in do not count.

Hashing is counted apart: valgrind shows programs a processor without the instructions for SHA-256, which makes it look
thirty times as dear as it is.
"""

import argparse
import os
import platform
import re
import sys
import time
from pathlib import Path

import mysql_wire
from mysql import start_mariadb
from stage import PASSWORD, ROOT, Stage, end_on_signals, need, program, say, start_jurat, start_postgres
from tpcb import BOUNDS, UPDATE, tpcb
from wire import Client

COMMITTED = ROOT / "bench" / "instructions.toml"
SLACK = {"work": 0.10, "hashing": 0.25}  # hashing depends on the kind of processor
HASHING = "sha256_block_data_order"
BY_KEY = "SELECT abalance FROM pgbench_accounts WHERE aid = $1"
WARM_UP = 20

# name: (statements, what the client does; `n` is a number that no earlier statement had)
CASES = {
    "seen-text": (200, lambda client, n: client.simple("SELECT abalance FROM pgbench_accounts WHERE aid = 4711")),
    "prepared": (200, lambda client, n: client.execute("by_key", n)),
    "extended": (200, lambda client, n: client.extended(BY_KEY, n)),
    "new-text": (100, lambda client, n: client.simple(f"SELECT abalance FROM pgbench_accounts WHERE aid = {n}")),
    "new-shape": (50, lambda client, n: client.simple(f"SELECT abalance AS c{n} FROM pgbench_accounts WHERE aid = {n}")),
    "seen-masked": (200, lambda client, n: client.simple("SELECT email, phone FROM people WHERE id = 7")),
    "new-masked": (50, lambda client, n: client.simple(f"SELECT email, phone AS c{n} FROM people WHERE id = {n}")),
}


# The same over MySQL's protocol, in front of MariaDB; `key` is the prepared statement.
MYSQL_BY_KEY = "SELECT c FROM numbers WHERE id = ?"
MYSQL_TABLE = ("CREATE TABLE bench.numbers (id INT PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL);\n"
               "INSERT INTO bench.numbers SELECT seq, seq, REPEAT('c', 119) FROM seq_1_to_2000;")
MYSQL_CASES = {
    "mysql-seen-text": (200, lambda client, n: client.simple("SELECT c FROM numbers WHERE id = 471")),
    "mysql-prepared": (200, lambda client, n: client.execute(client.key, 471)),
    "mysql-transaction": (50, lambda client, n: transaction(client, n)),
    "mysql-text-transaction": (50, lambda client, n: text_transaction(client, n)),
}


# A limit on changed rows is in force here, so each write is judged again once its rows are counted.
GUARDED_CASES = {
    "guarded-transaction": (50, lambda client, n: tpcb(client, n)),
    "guarded-write": (100, lambda client, n: client.simple(f"{UPDATE}{n}")),
}


def transaction(client, n):
    """Sixteen statements, as sysbench's read-only transaction has them: BEGIN, keys, ranges, COMMIT."""
    client.simple("BEGIN")
    for step in range(10):
        client.execute(client.key, (n + step) % 2000)
    for select, tail in (("c", ""), ("SUM(k)", ""), ("c", " ORDER BY c"), ("DISTINCT c", " ORDER BY c")):
        client.simple(f"SELECT {select} FROM numbers WHERE id BETWEEN 400 AND 499{tail}")
    client.simple("COMMIT")


def text_transaction(client, n):
    """The same as texts, each of them new, as sysbench has them without prepared statements."""
    client.simple("BEGIN")
    for step in range(10):
        client.simple(f"SELECT c FROM numbers WHERE id={(n * 10 + step) % 2000}")
    low = n % 1900
    for select, tail in (("c", ""), ("SUM(k)", ""), ("c", " ORDER BY c"), ("DISTINCT c", " ORDER BY c")):
        client.simple(f"SELECT {select} FROM numbers WHERE id BETWEEN {low} AND {low + 99}{tail}")
    client.simple("COMMIT")


def control(stage, pid, *words):
    stage.run([program("vgdb"), f"--vgdb-prefix={stage.directory}/vgdb", f"--pid={pid}", *words], timeout=120)


def dumped(paths):
    """Instructions for the work and for hashing in dumps of callgrind: the costs of the functions themselves."""
    counts = {"work": 0, "hashing": 0}
    for path in paths:
        kind, of_a_call = "work", False
        with open(path) as lines:
            for line in lines:
                if line.startswith("fn="):
                    kind = "hashing" if HASHING in line else "work"
                elif line.startswith("calls="):
                    of_a_call = True  # the next line is what the called function cost
                elif line[:1].isdigit() or line[:1] in "+-*":
                    if not of_a_call:
                        counts[kind] += int(line.split()[1])
                    of_a_call = False
    return counts


def count(stage, jurat, client, cases, keep):
    """Instructions for one statement of each case."""
    counts, number = {}, 1000
    for name, (n_statements, send) in cases.items():
        for step in range(WARM_UP + n_statements):
            if step == WARM_UP:
                time.sleep(0.3)  # for what the other threads still have to do
                control(stage, jurat.pid, "zero")
            number += 1
            send(client, number)
        time.sleep(0.3)
        control(stage, jurat.pid, "dump", name)
        dumps = [path for path in stage.directory.glob("callgrind.out.*") if path.stat().st_size]
        counts[name] = {kind: total // n_statements for kind, total in dumped(dumps).items()}
        for path in dumps:
            if keep:
                path.rename(keep / f"{name}.{path.name}")
            else:
                path.unlink()
    return counts


def counted(options, start, engine, cases, data=None):
    """Counts the cases of one protocol, on a stage of their own; `data` is for the policies."""
    stage = Stage()
    try:
        port = start(stage)
        say(f"starting Jurat under callgrind, in front of {engine}")
        valgrind = [program("valgrind"), "--tool=callgrind", "--compress-strings=no", "--separate-threads=yes",
                    f"--vgdb-prefix={stage.directory}/vgdb", f"--callgrind-out-file={stage.directory}/callgrind.out"]
        jurat = start_jurat(stage, port, options.jurat, before=valgrind, quiet=True, engine=engine, data=data, TOKIO_WORKER_THREADS="1")
        if engine == "postgres":
            client = Client(jurat.port, jurat.user, PASSWORD)
            client.prepare("by_key", BY_KEY)
        else:
            client = mysql_wire.Client(jurat.port, jurat.user, PASSWORD)
            client.key = client.prepare(MYSQL_BY_KEY)
        counts = count(stage, jurat, client, cases, options.keep)
        client.close()
        return counts
    finally:
        stage.end()


def read_committed():
    """The tables of the file: a name in brackets, then a count for each kind."""
    counts, current = {}, None
    for line in COMMITTED.read_text().splitlines():
        if match := re.fullmatch(r"\[([a-z-]+)\]", line):
            current = counts.setdefault(match.group(1), {})
        elif match := re.fullmatch(r"(work|hashing) = ([\d_]+)", line):
            current[match.group(1)] = int(match.group(2).replace("_", ""))
    return counts


def write_committed(counts):
    lines = ["# Instructions for one statement, by `make bless-instructions`; `make instructions` compares. See bench/instructions.py."]
    for name, kinds in counts.items():
        lines += ["", f"[{name}]", *(f"{kind} = {value:_}" for kind, value in kinds.items())]
    COMMITTED.write_text("\n".join(lines) + "\n")


def compare(counts, committed):
    """Prints the table; returns what grew too much."""
    grown, lower = [], []
    print("| statement | work | committed | change | hashing | committed | change |\n|---|---|---|---|---|---|---|")
    for name, kinds in counts.items():
        row = []
        for kind, value in kinds.items():
            before = committed.get(name, {}).get(kind)
            change = (value - before) / before if before else None
            row += [f"{value:,}", f"{before:,}" if before else "–", f"{change:+.1%}" if before else "–"]
            if change is None or change > SLACK[kind]:
                grown.append(f"{name}, {kind}: {value:,} instructions, {before or 0:,} committed")
            elif change < -SLACK[kind]:
                lower.append(name)
        print(f"| {name} | " + " | ".join(row) + " |")
    if lower:
        print(f"\nLower than committed: {', '.join(dict.fromkeys(lower))}. `make bless-instructions` keeps the gain.")
    return grown


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    built = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "jurat"
    parser.add_argument("--jurat", type=Path, default=built, help="the binary (default: the release build)")
    parser.add_argument("--bless", action="store_true", help="write the counts instead of comparing them")
    parser.add_argument("--keep", type=Path, help="an existing directory for the dumps, to be read with callgrind_annotate")
    parser.add_argument("--only", choices=("postgres", "mysql"), help="this protocol alone, compared and never written")
    options = parser.parse_args()
    need("initdb", "postgres", "psql", "pgbench", "valgrind", "vgdb")
    if not options.jurat.exists():
        raise SystemExit(f"{options.jurat} not found: cargo build --release -p jurat")

    end_on_signals()
    counts, committed = {}, read_committed()
    # Where nothing of a protocol was blessed yet there is nothing to compare with.
    with_mysql = options.bless or options.only == "mysql" or any(name in committed for name in MYSQL_CASES)
    if options.only != "mysql":
        counts.update(counted(options, start_postgres, "postgres", CASES))
        counts.update(counted(options, start_postgres, "postgres", GUARDED_CASES, {"data.json": BOUNDS}))
    if with_mysql and options.only != "postgres":
        counts.update(counted(options, lambda stage: start_mariadb(stage, MYSQL_TABLE), "mariadb", MYSQL_CASES))
    if options.bless and not options.only:
        write_committed(counts)
    grown = compare(counts, read_committed())
    if grown and platform.machine() != "x86_64":
        print("\nNot compared: the committed counts are of x86_64.")
    elif grown:
        raise SystemExit("\ngrew by more than the slack, or not committed yet:\n  " + "\n  ".join(grown)
                         + "\nMake it cheaper, or say why in the commit and run `make bless-instructions`.")


if __name__ == "__main__":
    main()
