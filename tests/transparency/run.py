"""Runs the drivers' own test suites directly and through Jurat, and says where the outcomes differ.

    scripts/transparency                        all suites
    scripts/transparency psycopg -k test_copy   one suite, some tests (then nothing is said about the rest)

Each difference has to stand in expected.toml with its reason, and each entry there has to be a difference.
docs/transparency.md explains them.
"""

import argparse
import json
import re
import sys
import tomllib
from pathlib import Path

from stage import Stage
from stage_mysql import MyStage
from suites import OF_MYSQL, SUITES

HERE = Path(__file__).resolve().parent


def main():
    options = arguments()
    options.reports.mkdir(parents=True, exist_ok=True)
    expected = tomllib.loads((HERE / "expected.toml").read_text())
    wrong = 0
    suites = options.suite or SUITES
    for kind, programs in ((Stage, options.pg_bin), (MyStage, options.mariadb_bin)):
        chosen = [suite for suite in suites if (suite in OF_MYSQL) == (kind is MyStage)]
        if chosen:
            with kind(programs, options.jurat) as stage:
                wrong += sum(both(stage, suite, options, expected) for suite in chosen)
    sys.exit(1 if wrong else 0)


def both(stage, suite, options, expected):
    """Runs a suite on both sides; returns how many differences are not as expected."""
    outcomes = {}
    for side in options.side:
        print(f"{suite}, {side} …", file=sys.stderr, flush=True)
        outcomes[side] = run(stage, suite, side, options)
    return compare(suite, outcomes, expected, partial=bool(options.k)) if len(outcomes) == 2 else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", nargs="*", choices=[*SUITES, []])
    parser.add_argument("-k", help="only the tests whose names match")
    parser.add_argument("--side", action="append", choices=["direct", "through"])
    parser.add_argument("--kept-direct", action="store_true", help="take the direct outcomes of the last run")
    parser.add_argument("--pg-bin", required=True)
    parser.add_argument("--mariadb-bin", required=True)
    parser.add_argument("--jurat", required=True)
    parser.add_argument("--python", required=True, help="a Python with requirements.txt")
    parser.add_argument("--node", type=Path, required=True, help="a directory with node-postgres and its tests")
    parser.add_argument("--node-mysql", type=Path, required=True, help="a directory with what mysql2 and its tests need")
    parser.add_argument("--suites", type=Path, required=True, help="a directory with the suites' repositories")
    parser.add_argument("--reports", type=Path, required=True)
    options = parser.parse_args()
    options.side = options.side or ["direct", "through"]
    return options


def run(stage, suite, side, options):
    report = options.reports.resolve() / f"{suite}-{side}.xml"
    kept = report.with_suffix(".json")
    if side == "direct" and options.kept_direct and kept.exists():
        return {name: tuple(outcome) for name, outcome in json.loads(kept.read_text()).items()}
    stage.fresh_database()
    stage.restart_jurat()
    report.unlink(missing_ok=True)
    outcomes = SUITES[suite](options, stage.port(side), report, options.k)
    if not options.k:
        kept.write_text(json.dumps(outcomes, indent=0))
    return outcomes


def compare(suite, outcomes, expected, partial):
    """Prints the table; returns how many differences are not as expected."""
    sometimes = [cause for cause, entry in expected.items() if entry.get("sometimes")]
    expected = {pattern: cause for cause, entry in expected.items() for pattern in entry.get(suite, [])}
    direct, through = outcomes["direct"], outcomes["through"]
    names = sorted(name for name in direct.keys() | through.keys() if not partial or name in through)
    differing = [name for name in names if direct.get(name, ("missing",))[0] != through.get(name, ("missing",))[0]]
    for side, results in outcomes.items():
        counts = {kind: sum(1 for outcome, _ in results.values() if outcome == kind) for kind in ("passed", "failed", "skipped")}
        print(f"{suite:14} {side:8} " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    print(f"{suite:14} {len(differing)} tests differ")
    wrong = 0
    used, causes = set(), {}
    for name in differing:
        pattern = next((pattern for pattern in expected if matches(pattern, name)), None)
        used.add(pattern)
        if pattern is None:
            wrong += 1
            before, after = direct.get(name, ("missing", "")), through.get(name, ("missing", ""))
            why = " ".join((after[1] or before[1]).split())[:300]
            print(f"  NEW  {name}: {before[0]} directly, {after[0]} through Jurat: {why}")
        else:
            causes[expected[pattern]] = causes.get(expected[pattern], 0) + 1
    for cause, count in sorted(causes.items()):
        print(f"  {count:4} by {cause}")
    for pattern in expected.keys() - used:
        if not partial and expected[pattern] not in sometimes:
            wrong += 1
            print(f"  GONE {pattern}: expected to differ, and does not: take it out of expected.toml")
    return wrong


def matches(pattern, name):
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


if __name__ == "__main__":
    main()
