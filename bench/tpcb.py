"""The rows with the row guard on: TPC-B as pgbench has it, a write of one statement, and the round trips that are added.

A limit on changed rows is in force for the account, from the shipped policies with data of ours. It is shown to be before
anything is measured: a write over it is refused.
"""

import collections
import json
import socket
import threading

from postgres import pgbench
from rounds import compared, interleaved, ratio, throughput_table
from stage import PASSWORD, N_ROWS, Stage, Target, free_port, say, start_haproxy, start_jurat, start_postgres
from wire import Client, Failed

NEEDS = ("initdb", "postgres", "psql", "pgbench", "haproxy")
N_CLIENTS = 8
SCALE = 10  # branches, more than clients, so that they seldom wait for each other's rows
ROWS_MAX = 1000
BOUNDS = json.dumps({"bounds": [{"id": "bench", "kinds": ["service"], "rows_affected": ROWS_MAX}]})
WRITE = f"\\set aid random(1, {N_ROWS * SCALE})\nUPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;\n"
CELLS = {"simple": ("-b", "tpcb-like", "-M", "simple"), "prepared": ("-b", "tpcb-like", "-M", "prepared"),
         "single write": ("-f", "write.sql", "-M", "simple")}
TITLES = {"simple": "TPC-B, simple", "prepared": "TPC-B, prepared", "single write": "one UPDATE a transaction, simple"}
REPEATS = 20


def run(options, figures):
    """Measures everything of this part, fills `figures`, and returns the tables."""
    stage = Stage()
    try:
        stage.write("write.sql", WRITE)
        port = start_postgres(stage, scale=SCALE, durable=True)
        jurat = start_jurat(stage, port, options.jurat, data={"data.json": BOUNDS})
        prove_limit(jurat)
        targets = [Target("direct", port, "app", None), start_haproxy(stage, port), jurat]
        cells = {}
        for name, what in CELLS.items():
            title = f"{TITLES[name]}, {N_CLIENTS} clients, limit in force"
            say(f"measuring {title}")
            once = lambda target: pgbench(stage, target, what, N_CLIENTS, options.seconds)
            samples = cells[title] = interleaved(targets, options.rounds, once)
            figures[f"tpcb, {name}"] = compared(samples, "jurat", "haproxy", "tps", ratio)
    finally:
        stage.end()
    turns = added_turns(options, figures)
    tables = {title: throughput_table(samples, "transaction") for title, samples in cells.items()}
    tables["round trips to PostgreSQL for one statement"] = turns_table(turns)
    return tables, {"cells": cells, "turns": turns}


def prove_limit(jurat):
    """Ends the run where the limit is not in force."""
    client = Client(jurat.port, jurat.user, PASSWORD)
    try:
        client.simple(f"UPDATE pgbench_accounts SET abalance = abalance WHERE aid <= {ROWS_MAX + 1}")
    except Failed as refused:
        if "JRT-ROWS" not in str(refused) and f"the limit is {ROWS_MAX}" not in str(refused):
            raise
    else:
        raise SystemExit("a write over the limit passed: nothing would be measured")
    finally:
        client.close()


def tpcb(client, key):
    """pgbench's tpcb-like script."""
    for text in ("BEGIN", f"UPDATE pgbench_accounts SET abalance = abalance + 5 WHERE aid = {key}",
                 f"SELECT abalance FROM pgbench_accounts WHERE aid = {key}",
                 "UPDATE pgbench_tellers SET tbalance = tbalance + 5 WHERE tid = 1",
                 "UPDATE pgbench_branches SET bbalance = bbalance + 5 WHERE bid = 1",
                 f"INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, {key}, 5, CURRENT_TIMESTAMP)", "END"):
        client.simple(text)


READ = "SELECT abalance FROM pgbench_accounts WHERE aid = "
UPDATE = "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = "
TURNS = {  # name: what the client does, with a key
    "read, simple": lambda client, key: client.simple(f"{READ}{key}"),
    "read, extended": lambda client, key: client.extended(f"{READ}$1", key),
    "write, simple": lambda client, key: client.simple(f"{UPDATE}{key}"),
    "write, extended": lambda client, key: client.extended(f"{UPDATE}$1", key),
    "a transaction of TPC-B": tpcb,
}


def added_turns(options, figures):
    """How often Jurat waits for PostgreSQL, for each of TURNS: without a proxy, with a limit on writes, and how many the
    second has more. Counted by a relay of ours in front of PostgreSQL."""
    counts = {}
    stage = Stage()
    try:
        tap = Tap(start_postgres(stage))
        jurat = start_jurat(stage, tap.port, options.jurat, quiet=True, data={"data.json": BOUNDS})
        for name, (port, user) in {"direct": (tap.port, "app"), "jurat": (jurat.port, jurat.user)}.items():
            client = Client(port, user, PASSWORD)
            for title, send in TURNS.items():
                send(client, 1)  # learning what names mean is not part of it
                seen = []
                for key in range(2, REPEATS + 2):
                    before = tap.turns
                    send(client, key)
                    seen.append(tap.turns - before)
                counts.setdefault(title, {})[name] = collections.Counter(seen).most_common(1)[0][0]
            client.close()
    finally:
        stage.end()
    added = {title: count["jurat"] - count["direct"] for title, count in counts.items()}
    figures["turns, read"] = max(added["read, simple"], added["read, extended"])
    figures["turns, write"] = max(added["write, simple"], added["write, extended"])
    figures["turns, tpcb"] = added["a transaction of TPC-B"]
    return counts


def turns_table(counts):
    lines = ["| what the client sends | direct | Jurat, limit in force | added |", "|---|---|---|---|"]
    for title, count in counts.items():
        lines.append(f"| {title} | {count['direct']} | {count['jurat']} | {count['jurat'] - count['direct']} |")
    return "\n".join(lines) + "\n"


class Tap:
    """A relay that counts round trips: how often something goes to the server after the server has spoken."""

    def __init__(self, server_port):
        self.turns, self.server_port, self.port = 0, server_port, free_port()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.server_port))
            state = {"answered": True}
            for source, target, asks in ((client, server, True), (server, client, False)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._copy, args=(source, target, asks, state), daemon=True).start()

    def _copy(self, source, target, asks, state):
        try:
            while chunk := source.recv(65536):
                if asks and state["answered"]:
                    self.turns += 1
                state["answered"] = not asks
                target.sendall(chunk)
        except OSError:
            pass  # one side has left
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
