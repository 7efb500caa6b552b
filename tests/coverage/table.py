"""The table of docs/sql-coverage.md."""

import collections
import datetime
import json
import os
import pathlib
import sys
import tempfile

import mariadb_table
import oracle
import regression
from coverage import PEOPLE, ROOT, explain, is_denied, is_opaque, read_corpora, reason
from tally import Tally

DOCUMENT = ROOT / "docs/sql-coverage.md"
BEGIN, END = "<!-- The tables below are written by `make coverage`. -->\n", "<!-- The end of the tables. -->\n"
MARIADB_BEGIN = "<!-- The table of MariaDB below is written by `make coverage`, too. -->\n"
MARIADB_END = "<!-- The end of the table of MariaDB. -->\n"
TITLES = {
    "introspection": "(a) what tools ask about a database",
    "application": "(b) what applications send",
    "benchmark": "(c) queries after public benchmarks",
}
QUERIES = ["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"]


def tallies():
    """Of the committed corpora: by (corpus, file)."""
    found = collections.defaultdict(Tally)
    for environment in PEOPLE:
        for entry, answer in read_corpora(environment):
            for key in ((entry.corpus, entry.file), (entry.corpus, "all")):
                tally = found[key]
                tally.denied[environment] += is_denied(answer)
                if environment == next(iter(PEOPLE)):
                    tally.n += 1
                    tally.opaque += is_opaque(answer)
                    tally.misses += 0 if is_opaque(answer) else len(list(oracle.misses(entry.text, answer)))
    return found


def corpora_table():
    found = tallies()
    yield "| Statements of | how many | not read | read | denied, staging | denied, production |"
    yield "|---|---|---|---|---|---|"
    for corpus, title in TITLES.items():
        files = sorted(file for known, file in found if known == corpus and file != "all")
        for file in ["all", *files]:
            tally = found[(corpus, file)]
            name = f"**{title}**" if file == "all" else file
            denied = " | ".join(tally.share(tally.denied[environment]) for environment in PEOPLE)
            yield f"| {name} | {tally.n} | {tally.opaque} | {tally.share(tally.n - tally.opaque)} | {denied} |"


def regression_table(lines, findings):
    """Of the regression SQL: by the node of the server's tree."""
    found = collections.defaultdict(Tally)
    reasons = collections.Counter()
    plain = [{key: line[key] for key in ("sql", "catalog", "search_path")} for line in lines]
    for line, answer in zip(lines, explain(plain, "staging"), strict=True):
        text = line["sql"]
        if line["code"] in regression.MEANINGLESS or not oracle.is_grammatical(text):
            continue
        nodes = oracle.trees(text)
        if len(nodes) != 1:
            continue
        node = next(iter(nodes[0]))
        tally = found[node]
        tally.n += 1
        if is_opaque(answer):
            tally.opaque += 1
            why = reason(answer) if answer else "nothing was read"
            reasons[(node in QUERIES, why)] += 1
            findings.write(f"opaque {node}: {why}\n{text}\n\n")
        else:
            for miss in oracle.misses(text, answer):
                tally.misses += 1
                findings.write(f"miss {node}: {miss}\n{text}\n\n")
    yield "| (d) Statements of PostgreSQL's regression SQL | how many | not read | read | missing in what is read |"
    yield "|---|---|---|---|---|"
    for title, nodes in (("queries and writes", QUERIES), ("everything else", sorted(set(found) - set(QUERIES)))):
        whole = Tally()
        for node in nodes:
            whole.n += found[node].n
            whole.opaque += found[node].opaque
            whole.misses += found[node].misses
        yield f"| **{title}** | {whole.n} | {whole.opaque} | {whole.share(whole.n - whole.opaque)} | {whole.misses} |"
        many = [node for node in nodes if found[node].n >= 50]
        for node in sorted(many, key=lambda node: -found[node].n):
            tally = found[node]
            yield f"| {node} | {tally.n} | {tally.opaque} | {tally.share(tally.n - tally.opaque)} | {tally.misses} |"
    for is_query, title in ((True, "queries and writes"), (False, "everything else")):
        yield f"\nWhy {title} of (d) are not read, the ten most frequent reasons:\n"
        most = [item for item in reasons.most_common() if item[0][0] == is_query][:10]
        yield from (f"- {count} × {why}" for (_, why), count in most)


def lines_of_regression(arguments):
    if arguments:
        file = pathlib.Path(arguments[0])
    else:
        file = pathlib.Path(tempfile.mkdtemp(prefix="jurat-coverage-")) / "regression"
        with open(file, "w") as out:
            regression.entries(out)
    with open(file) as lines:
        return [json.loads(line) for line in lines]


def between(document, marks, text):
    """A document with the text between two marks exchanged."""
    begin, end = marks
    before, _, rest = document.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{text}\n{end}{after}"


def write(arguments):
    """Writes the tables. The arguments are files of regression.py and mariadb.py that exist already; with `mariadb` in front
    only the table of MariaDB is written."""
    findings = pathlib.Path(tempfile.gettempdir()) / "jurat-coverage-findings.txt"
    document = DOCUMENT.read_text()
    today = datetime.date.today()
    only = arguments[:1] == ["mariadb"]
    with open(findings, "w") as out:
        if not only:
            text = "\n".join([*corpora_table(), "", *regression_table(lines_of_regression(arguments), out)]) + "\n"
            print(text)
            document = between(document, (BEGIN, END), f"Measured {today} with pglast {oracle.VERSION}.\n\n{text}")
        text = "\n".join(mariadb_table.table(arguments[1:], out)) + "\n"
        print(text)
        document = between(document, (MARIADB_BEGIN, MARIADB_END), f"Measured {today} with MariaDB {mariadb_table.VERSION}.\n\n{text}")
    print(f"every statement that is not read, and what is missing: {findings}", file=sys.stderr)
    DOCUMENT.write_text(document)
    return 0
