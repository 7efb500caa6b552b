"""How much of what MariaDB's regression tests send is read: the table of docs/sql-coverage.md, and the floor under it."""

import collections
import json
import pathlib
import tempfile

import mariadb
import mariadb_oracle as oracle
from coverage import explain, is_opaque, reason
from tally import Tally

# Of queries and writes that the server runs, this share has to be read (`coverage.py mariadb`, over the files of mariadb.FEW).
FLOOR = 0.95

VERSION = "10.11"


def lines_of(arguments, files):
    """The statements of a file of mariadb.py that exists already, or of one that is made now."""
    if arguments:
        file = pathlib.Path(arguments[0])
    else:
        file = pathlib.Path(tempfile.mkdtemp(prefix="jurat-coverage-")) / "mariadb"
        with open(file, "w") as out:
            mariadb.entries(out, files)
    with open(file) as lines:
        return [json.loads(line) for line in lines]


def read(lines):
    """Each statement that the server ran without an error, with its answer."""
    lines = [line for line in lines if line["code"] is None]
    plain, before = [], None
    for line in lines:
        # A catalog counts from its line on.
        same = line["catalog"] == before
        before = line["catalog"]
        plain.append({"sql": line["sql"], "search_path": line["search_path"]} | ({} if same else {"catalog": before}))
    yield from zip(lines, explain(plain, "staging", engine="mariadb"), strict=True)


class Found:
    """What came of all statements."""

    def __init__(self, lines, findings):
        self.kinds = collections.defaultdict(Tally)
        self.reasons = collections.Counter()
        self.missing = []
        for line, answer in read(lines):
            word = oracle.first_word(line["sql"])
            tally = self.kinds[word]
            tally.n += 1
            if is_opaque(answer):
                tally.opaque += 1
                why = reason(answer) if answer else "nothing was read"
                self.reasons[(word in oracle.QUERIES, why)] += 1
                findings.write(f"opaque {word} {line['file']}: {why}\n{line['sql']}\n\n")
                continue
            for miss in oracle.misses(line, answer):
                tally.misses += 1
                self.missing.append(f"{line['file']}: {miss}\n{line['sql']}\n")
                findings.write(f"miss {word} {line['file']}: {miss}\n{line['sql']}\n\n")

    def whole(self, words):
        whole = Tally()
        for word in words:
            whole.n += self.kinds[word].n
            whole.opaque += self.kinds[word].opaque
            whole.misses += self.kinds[word].misses
        return whole


def table(arguments, findings):
    found = Found(lines_of(arguments, mariadb.FILES), findings)
    others = sorted(set(found.kinds) - set(oracle.QUERIES))
    yield "| (e) Statements of MariaDB's regression tests | how many | not read | read | missing in what is read |"
    yield "|---|---|---|---|---|"
    for title, words in (("queries and writes", oracle.QUERIES), ("everything else", others)):
        for word in [None, *sorted(words, key=lambda word: -found.kinds[word].n)]:
            tally = found.kinds[word] if word else found.whole(words)
            if word is None or (word and tally.n >= 50):
                yield f"| {word.upper() if word else f'**{title}**'} | {tally.n} | {tally.opaque} | {tally.share(tally.n - tally.opaque)} | {tally.misses} |"
    for is_query, title in ((True, "queries and writes"), (False, "everything else")):
        yield f"\nWhy {title} of (e) are not read, the ten most frequent reasons:\n"
        most = [item for item in found.reasons.most_common() if item[0][0] == is_query][:10]
        yield from (f"- {count} × {why}" for (_, why), count in most)


def check(arguments):
    """The floor: what has to be read of a few files, and that nothing is missing in what is read."""
    with open(pathlib.Path(tempfile.gettempdir()) / "jurat-mariadb-findings.txt", "w") as findings:
        found = Found(lines_of(arguments, mariadb.FEW), findings)
    whole = found.whole(oracle.QUERIES)
    share = (whole.n - whole.opaque) / whole.n if whole.n else 0
    print("\n".join(found.missing))
    for (is_query, why), count in found.reasons.most_common(12):
        if is_query and share < FLOOR:
            print(f"{count} × {why}")
    print(f"{whole.n} queries and writes of MariaDB's tests, {whole.share(whole.n - whole.opaque)} read, {len(found.missing)} findings")
    return bool(found.missing) or share < FLOOR or whole.n < 1000
