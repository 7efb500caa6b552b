#!/usr/bin/env python3
"""Measures Jurat against no proxy, HAProxy and PgBouncer in interleaved runs, and prints goals and figures as Markdown.

    make bench                              the whole table, about ten minutes
    bench/compare.py --only mysql           one part: postgres, mysql or tpcb; may be given twice
    bench/compare.py --quick                a smoke test: everything once, figures that mean little
    bench/compare.py --realtime             as root, on a machine where others work: what is measured goes before them
    bench/compare.py --jurat PATH           another binary than the one that `make bench` builds

It starts everything it needs and ends it again; see stage.py. A goal that is missed is a figure, not an error.
docs/performance.md explains the method, the rows and the goals.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import goals
import mysql
import postgres
import tpcb
from stage import ROOT, end_on_signals, need, program

PARTS = {"postgres": postgres, "mysql": mysql, "tpcb": tpcb}


def surroundings(options):
    def version(name, *flags):
        said = subprocess.run([program(name), *flags], capture_output=True, text=True).stdout.split("\n")[0]
        return said.split(" 20")[0]

    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    programs = [version("postgres", "--version"), version("haproxy", "-v"), version("pgbouncer", "--version")]
    if "mysql" in options.only:
        programs += [mysql.version(), version("sysbench", "--version")]
    rounds = f"{options.rounds} rounds of {options.seconds} s; medians."
    realtime = " Realtime priority for all that is measured." if options.realtime else ""
    return (f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors ({model.group(1) if model else 'unknown'}) shared by clients, "
            f"proxy and server, load {os.getloadavg()[0]:.1f}. {'; '.join(filter(None, programs))}. {rounds}{realtime}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    built = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "dist" / "jurat"
    parser.add_argument("--jurat", type=Path, default=built, help="the binary (default: what users install, target/dist)")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part alone (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each cell (default: 5)")
    parser.add_argument("--seconds", type=int, default=1, help="seconds of each run (default: 1)")
    parser.add_argument("--sessions", type=int, default=500, help="idle sessions (default: 500)")
    parser.add_argument("--quick", action="store_true", help="one round and few sessions, to see that everything runs")
    parser.add_argument("--realtime", action="store_true", help="run everything with a realtime priority (needs root)")
    parser.add_argument("--json", type=Path, help="also write the samples here")
    options = parser.parse_args()
    options.only = options.only or list(PARTS)
    if options.quick:
        options.rounds, options.sessions = 1, 50
    need(*(name for part in options.only for name in PARTS[part].NEEDS))
    if not options.jurat.exists():
        raise SystemExit(f"{options.jurat} not found: cargo build --profile dist -p jurat")

    end_on_signals()
    if options.realtime:  # inherited by everything that is started: clients, proxies and server alike
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    started = time.monotonic()
    figures, tables, samples = {}, {}, {}
    for part in options.only:
        made, samples[part] = PARTS[part].run(options, figures)
        tables.update(made)
    print(surroundings(options))
    print(goals.table(figures, options.only))
    for title, table in tables.items():
        print(f"#### {title}\n\n{table}")
    print(f"The run took {time.monotonic() - started:.0f} s.", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"figures": figures, **samples}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
