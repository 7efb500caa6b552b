"""The rows over PostgreSQL: one statement at a time by pgbench, large results, and what sessions keep in memory."""

import glob
import os
import re
import statistics
import time

import goals
import memory
from rounds import compared, difference, interleaved, middle, ratio
from stage import PASSWORD, N_ROWS, Stage, Target, program, say, start_haproxy, start_jurat, start_pgbouncer, start_postgres
from wire import Client

# A number that no earlier statement had makes a text new; as a column's name it makes the statement's shape new as well.
ONCE = "\\set once random(1, 2000000000)\n"
KEY = f"\\set aid random(1, {N_ROWS})\n"
SCRIPTS = {
    "shape.sql": f"{KEY}{ONCE}SELECT abalance AS c:once FROM pgbench_accounts WHERE aid = :aid;\n",
    "new.sql": f"{KEY}{ONCE}SELECT abalance FROM pgbench_accounts WHERE aid = :aid AND filler <> ':once';\n",
    "same.sql": "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;\n",
    "key.sql": f"{KEY}SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n",
}
CELLS = {  # name: (pgbench protocol, script)
    "new shape": ("simple", "shape.sql"),
    "new text": ("simple", "new.sql"),
    "seen text": ("simple", "same.sql"),
    "extended": ("extended", "key.sql"),
    "prepared": ("prepared", "key.sql"),
}
STREAM_ROWS = 1_500_000
STREAM_TABLE = (f"CREATE TABLE wide AS SELECT g AS id, repeat(md5(g::text), 3) || 'abcd' AS payload "
                f"FROM generate_series(1, {STREAM_ROWS}) g")
STREAM_QUERY = "SELECT id, payload FROM wide"
MASKED_TABLE = ("CREATE TABLE members AS SELECT g AS id, 'p' || g || '@example.com' AS email, md5(g::text) AS note "
                "FROM generate_series(1, 1000000) g")
MASKED_QUERY = "SELECT id, email, note FROM members"


NEEDS = ("initdb", "postgres", "psql", "pgbench", "haproxy", "pgbouncer")


def run(options, figures):
    """Measures everything of this part, fills `figures`, and returns the tables."""
    stage = Stage()
    try:
        for name, text in SCRIPTS.items():
            stage.write(name, text)
        port = start_postgres(stage, [STREAM_TABLE, MASKED_TABLE])
        starts = {"haproxy": start_haproxy, "pgbouncer": start_pgbouncer,
                  "jurat": lambda stage, port: start_jurat(stage, port, options.jurat)}
        targets = [Target("direct", port, "app", None), *(start(stage, port) for start in starts.values())]
        cells = statements(stage, targets, options, figures)
        streams = large_results(stage, targets, options, figures)
        say(f"measuring {options.sessions} idle sessions, and memory while streaming")
        kept = {name: kept_by(start, port, options.sessions) for name, start in starts.items()}
        figures["idle session"] = kept["jurat"]["idle_kib"]
        figures["idle session after work"] = kept["jurat"]["worked_kib"]
        figures["streaming session"] = kept["jurat"]["stream_kib"]
        log_mb = sum(path.stat().st_size for path in stage.directory.glob("audit/**/*") if path.is_file()) / 1e6
    finally:
        stage.end()
    tables = {title: statements_table(samples) for title, samples in cells.items()}
    tables[f"one result of {middle(streams, 'direct', 'mb'):.0f} MB, 1 client"] = stream_table(streams)
    tables["memory"] = f"{memory.table(kept)}\nThe audit log grew to {log_mb:.0f} MB.\n"
    return tables, {"cells": cells, "streams": streams, "memory": kept}


def large_results(stage, targets, options, figures):
    """The streams, plain and masked."""
    say("measuring streams")
    stream(targets[0])  # the first reader of a table pays for all later ones
    streams = interleaved(targets, options.rounds, stream)
    figures["stream"] = compared(streams, "jurat", "haproxy", "mb_per_s", ratio)
    queries = {"direct": masked_sql(stage, targets[-1]), "jurat": MASKED_QUERY}
    both = [target for target in targets if target.name in queries]
    masked = interleaved(both, options.rounds, lambda target: stream(target, queries[target.name]))
    figures["masked stream"] = compared(masked, "jurat", "direct", "mb_per_s", ratio)
    return streams


def measure(stage, target, cell, n_clients, seconds):
    """One run of pgbench: transactions a second, latencies in µs, the target's processor time for each statement."""
    protocol, script = CELLS[cell]
    return pgbench(stage, target, ["-M", protocol, "-f", stage.directory / script], n_clients, seconds)


def pgbench(stage, target, what, n_clients, seconds):
    """The same of any script of pgbench."""
    prefix = stage.directory / "latency"
    command = [program("pgbench"), "-n", "-h", "127.0.0.1", "-p", target.port, "-U", target.user, *what,
               "-c", n_clients, "-j", min(n_clients, 2), "-T", seconds,
               "-l", "--log-prefix", prefix, "bench"]
    before = target.cpu_ns() if target.pid else 0
    out = stage.run(command, timeout=seconds + 60)
    cpu = target.cpu_ns() - before if target.pid else None
    n_done = int(re.search(r"transactions actually processed: (\d+)", out).group(1))
    failed = re.search(r"number of failed transactions: (\d+)", out)
    if n_done == 0 or (failed and failed.group(1) != "0"):
        raise SystemExit(f"statements failed through {target.name}:\n{out[-800:]}")
    latencies = []
    for path in glob.glob(f"{prefix}.*"):
        with open(path) as lines:
            latencies.extend(int(line.split()[2]) for line in lines)
        os.unlink(path)
    latencies.sort()
    at = lambda share: latencies[min(len(latencies) - 1, int(share * len(latencies)))]
    return {"tps": float(re.search(r"tps = ([\d.]+)", out).group(1)), "p50": at(0.50), "p99": at(0.99),
            "cpu_us": cpu / 1000 / n_done if cpu is not None else None}


def masked_sql(stage, jurat):
    """The query that Jurat makes of MASKED_QUERY, as PostgreSQL's plan shows it."""
    plan = stage.run([program("psql"), "-X", "-A", "-t", "-h", "127.0.0.1", "-p", jurat.port, "-U", jurat.user, "-d", "bench", "-c",
                      f"EXPLAIN (VERBOSE, COSTS OFF) {MASKED_QUERY}"])
    output = next(line for line in plan.splitlines() if line.strip().startswith("Output: ")).split("Output: ", 1)[1]
    if "CASE" not in output:
        raise SystemExit(f"nothing is masked in: {plan}")
    return f"SELECT {output} FROM members"


def stream(target, query=STREAM_QUERY):
    """One large result, read by one client: bytes a second, and processor time for each megabyte."""
    client = Client(target.port, target.user, PASSWORD)
    before, started = (target.cpu_ns() if target.pid else 0), time.monotonic()
    n_bytes = client.stream(query)
    seconds = time.monotonic() - started
    cpu = (target.cpu_ns() - before) / 1000 / (n_bytes / 1e6) if target.pid else None
    client.close()
    return {"mb_per_s": n_bytes / 1e6 / seconds, "cpu_us_per_mb": cpu, "mb": n_bytes / 1e6}


def judgement_us(stage):
    """The metric `timer_jurat_judge_ns` of the newest decision records: Jurat's own clock around the judgement of a
    statement, from the text's reading to the record's making. Nothing where the records do not have it."""
    segments = sorted(stage.directory.glob("audit/**/*.jsonl"), key=lambda path: path.stat().st_mtime)
    if not segments:
        return None
    with open(segments[-1], "rb") as log:
        log.seek(max(0, segments[-1].stat().st_size - (4 << 20)))
        tail = log.read()
    times = [int(number) for number in re.findall(rb'"(?:timer_jurat_judge|judge)_ns":\s*(\d+)', tail)]
    return statistics.median(times) / 1000 if times else None


def statements_table(samples):
    relay = samples.get("haproxy")
    lines = ["| target | tps | of direct | p50 µs | p50 over direct | p50 over HAProxy | p99 over direct | CPU µs/statement |",
             "|---|---|---|---|---|---|---|---|"]
    for name in samples:
        over_relay = compared(samples, name, "haproxy", "p50", difference) if relay and name not in ("direct", "haproxy") else None
        row = [goals.number(middle(samples, name, "tps")), goals.number(compared(samples, name, "direct", "tps", ratio), 2),
               goals.number(middle(samples, name, "p50")),
               goals.number(compared(samples, name, "direct", "p50", difference)), goals.number(over_relay),
               goals.number(compared(samples, name, "direct", "p99", difference)), goals.number(middle(samples, name, "cpu_us"), 1)]
        lines.append(f"| {name} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def stream_table(samples):
    lines = ["| target | MB/s | of HAProxy | CPU µs/MB |", "|---|---|---|---|"]
    for name in samples:
        row = [goals.number(middle(samples, name, "mb_per_s")), goals.number(compared(samples, name, "haproxy", "mb_per_s", ratio), 2),
               goals.number(middle(samples, name, "cpu_us_per_mb"))]
        lines.append(f"| {name} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def at_eight(rounds):
    """Throughput at eight clients varies less than latency at one, so fewer rounds do."""
    return max(1, rounds * 3 // 5)


def kept_by(start, port, sessions):
    """What sessions cost a proxy in memory. Each figure is from a process that has done nothing before, because memory
    that was freed and kept would hide what comes next."""
    kept = {}
    for measured in (lambda target: memory.idle(target, sessions), lambda target: memory.streaming(target, STREAM_QUERY)):
        stage = Stage()
        try:
            kept.update(measured(start(stage, port)))
        finally:
            stage.end()
    return kept


def statements(stage, targets, options, figures):
    """All runs of pgbench; fills `figures` and returns the samples of each cell."""
    cells = {}
    for n_clients, names in ((1, ["new shape", "new text", "seen text", "prepared"]),
                             (8, ["new shape", "new text", "seen text", "extended", "prepared"])):
        for name in names:
            title = f"{name}, {n_clients} client{'s' if n_clients > 1 else ''}"
            say(f"measuring {title}")
            once = lambda target: measure(stage, target, name, n_clients, options.seconds)
            rounds = options.rounds if n_clients == 1 else at_eight(options.rounds)
            samples = cells[title] = interleaved(targets, rounds, once)
            if n_clients == 1:
                figures[f"added p50, {name}"] = compared(samples, "jurat", "haproxy", "p50", difference)
            else:
                figures[f"throughput, {name}"] = compared(samples, "jurat", "pgbouncer", "tps", ratio)
                figures[f"cpu, {name}"] = middle(samples, "jurat", "cpu_us")
            if (name, n_clients) == ("seen text", 1):
                figures["judgement, seen text"] = judgement_us(stage)
    return cells
