"""What a session costs a proxy in memory: idle, after it has worked, and while a large result passes through it."""

import threading
import time

import goals
from stage import PASSWORD
from wire import Client

N_STREAMS = 4


def idle(target, sessions):
    """KiB for each session of `target`: after login and one statement, and again after a little work."""
    # What a process needs once (the catalog, the first reading) is not what a session costs.
    warm = Client(target.port, target.user, PASSWORD)
    work(warm, 0)
    warm.close()
    time.sleep(1)
    before = target.memory_kib()
    clients = []
    try:
        for _ in range(sessions):
            client = Client(target.port, target.user, PASSWORD)
            client.simple("SELECT 1")
            clients.append(client)
        time.sleep(1)
        quiet = target.memory_kib()
        for number, client in enumerate(clients):
            work(client, number)
        time.sleep(1)
        worked = target.memory_kib()
    finally:
        for client in clients:
            client.close()
    return {"before_kib": before, "idle_kib": (quiet - before) / sessions, "worked_kib": (worked - before) / sessions}


def work(client, number):
    """What a session of an application does before it waits in a pool: a transaction, a prepared statement, and (where
    there are labels and policies) a statement that is masked."""
    client.simple("BEGIN")
    client.simple(f"SELECT abalance FROM pgbench_accounts WHERE aid = {number + 1}")
    client.simple(f"UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = {number + 1}")
    client.simple("COMMIT")
    client.prepare("by_id", "SELECT bid, abalance FROM pgbench_accounts WHERE aid = $1")
    client.execute("by_id", number + 1)
    client.simple(f"SELECT email, phone FROM people WHERE id = {number + 1}")


def streaming(target, query):
    """KiB for each session while one slow and several fast readers take a large result: the highest that was seen, above
    what the same sessions needed before."""
    clients = [Client(target.port, target.user, PASSWORD) for _ in range(N_STREAMS)]
    slow = Client(target.port, target.user, PASSWORD, receive_bytes=4096)
    for client in (*clients, slow):
        client.simple(f"{query} LIMIT 1")  # judging a statement costs memory too, but that is not streaming
    before = highest = target.rss_kib()
    errors = []

    def read(client, pause=None):
        try:
            client.stream(query, pause)
        except Exception as error:  # the slow one is cut off by us at the end
            errors.append((client, error))

    fast = [threading.Thread(target=read, args=(client,), daemon=True) for client in clients]
    lagging = threading.Thread(target=read, args=(slow, lambda: time.sleep(0.02)), daemon=True)
    for thread in (lagging, *fast):
        thread.start()
    while any(thread.is_alive() for thread in fast):
        highest = max(highest, target.rss_kib())
        time.sleep(0.005)
    for client in (slow, *clients):
        client.socket.close()
    unexpected = [error for client, error in errors if client is not slow]
    if unexpected:
        raise SystemExit(f"a stream through {target.name} failed: {unexpected[0]}")
    return {"stream_kib": max(0, highest - before) / (N_STREAMS + 1)}


def table(figures):
    lines = ["| target | process KiB before | KiB per idle session | after work | while streaming |", "|---|---|---|---|---|"]
    for name, figure in figures.items():
        lines.append(f"| {name} | {goals.number(figure['before_kib'])} | {goals.number(figure['idle_kib'], 1)} "
                     f"| {goals.number(figure['worked_kib'], 1)} | {goals.number(figure['stream_kib'])} |")
    return "\n".join(lines) + "\n"
