"""The goals that Jurat is measured against, and the table that says which are met. docs/performance.md explains them."""

# part: (figure, words, unit, digits, must, aim); a goal with "≥" is met from there upwards, the others up to there. A row
# without goals is there to be read beside the others.
GOALS = {"postgres": [
    ("added p50, new text", "one client, first sight of a text: added p50 over HAProxy", "µs", 0, "≤ 50", "≤ 30"),
    ("added p50, new shape", "the same, and no text of that shape was seen either", "µs", 0, None, None),
    ("added p50, seen text", "one client, seen text: added p50 over HAProxy", "µs", 0, "≤ 20", "≤ 10"),
    ("added p50, prepared", "one client, prepared: added p50 over HAProxy", "µs", 0, "≤ 20", "≤ 10"),
    ("throughput, new text", "eight clients, simple, first sight: throughput of PgBouncer", "", 2, "≥ 0.60", "≥ 0.85"),
    ("throughput, new shape", "the same, new shapes", "", 2, None, None),
    ("throughput, seen text", "eight clients, simple, seen text: throughput of PgBouncer", "", 2, "≥ 0.60", "≥ 0.85"),
    ("throughput, extended", "eight clients, extended, parsed each time: throughput of PgBouncer", "", 2, "≥ 0.60", "≥ 0.85"),
    ("throughput, prepared", "eight clients, prepared: throughput of PgBouncer", "", 2, "≥ 0.70", "≥ 0.95"),
    ("cpu, new text", "CPU per statement at eight clients, first sight", "µs", 1, "≤ 60", "≤ 40"),
    ("cpu, new shape", "the same, new shapes", "µs", 1, None, None),
    ("cpu, seen text", "CPU per statement at eight clients, seen text", "µs", 1, "≤ 30", "≤ 24"),
    ("cpu, prepared", "CPU per statement at eight clients, prepared", "µs", 1, "≤ 30", "≤ 24"),
    ("judgement, seen text", "policy work on a cache hit", "µs", 1, "≤ 3", "≤ 1"),
    ("idle session", "memory per idle connection", "KiB", 1, "≤ 24", "≤ 12"),
    ("idle session after work", "memory per idle connection that has worked", "KiB", 1, "≤ 24", "≤ 12"),
    ("stream", "unmasked stream: bytes a second of HAProxy", "", 2, "≥ 0.85", "≥ 0.95"),
    ("masked stream", "masked stream of 1,000,000 rows: bytes a second of the same SQL sent directly", "", 2, "≥ 0.80", "≥ 0.95"),
    ("streaming session", "memory while streaming, per connection", "KiB", 0, "≤ 1024", "≤ 256"),
], "mysql": [
    ("mysql, point select, text", "MariaDB, eight clients, point select as text: throughput of HAProxy", "", 2, "≥ 0.70", "≥ 0.85"),
    ("mysql, read only, text", "the same, read-only transactions of 16 statements", "", 2, "≥ 0.70", "≥ 0.85"),
    ("mysql, point select, prepared", "MariaDB, eight clients, point select prepared: throughput of HAProxy", "", 2, "≥ 0.85", "≥ 0.95"),
    ("mysql, read only, prepared", "the same, read-only transactions of 16 statements", "", 2, "≥ 0.85", "≥ 0.95"),
], "tpcb": [
    ("tpcb, simple", "TPC-B, eight clients, limit in force: throughput of HAProxy", "", 2, "≥ 0.60", "≥ 0.80"),
    ("tpcb, prepared", "the same, prepared statements", "", 2, "≥ 0.60", "≥ 0.80"),
    ("tpcb, single write", "the same, one UPDATE without a transaction around it", "", 2, None, None),
    ("turns, write", "round trips that the limit adds to a single-statement write", "", 0, "≤ 1", "≤ 1"),
    ("turns, read", "round trips that it adds to a read", "", 0, "≤ 0", "≤ 0"),
    ("turns, tpcb", "round trips that it adds to a transaction of TPC-B", "", 0, "≤ 0", "≤ 0"),
]}


def number(value, digits=0):
    return "–" if value is None else f"{value:.{digits}f}"


def reached(goal, value):
    sign, bound = goal.split()
    return value >= float(bound) if sign == "≥" else value <= float(bound)


def verdict(must, aim, value):
    """What a row says at its end: the higher goal that is met, or that none is."""
    if must is None:
        return ""
    if value is None:
        return "not measured"
    return "aim" if reached(aim, value) else "must" if reached(must, value) else "**missed**"


def table(figures, parts):
    lines = ["| figure | must | aim | measured | met |", "|---|---|---|---|---|"]
    for name, words, unit, digits, must, aim in (goal for part in parts for goal in GOALS[part]):
        value = figures.get(name)
        with_unit = lambda text: "–" if text in (None, "–") else f"{text} {unit}".rstrip()
        lines.append(f"| {words} | {with_unit(must)} | {with_unit(aim)} | {with_unit(number(value, digits))} "
                     f"| {verdict(must, aim, value)} |")
    return "\n".join(lines) + "\n"
