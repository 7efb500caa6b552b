"""How much of honest SQL is read, and whether what is read agrees with the servers themselves.

    coverage.py check    the committed corpora: nothing may be opaque but what exceptions.toml lists with its reason,
                         and nothing may be missing from what was read (`make test`)
    coverage.py table    the same, PostgreSQL's regression SQL and that of MariaDB, as the tables of
                         docs/sql-coverage.md (`make coverage`)
    coverage.py mariadb  a part of MariaDB's regression SQL: how much has to be read, and nothing that the server
                         opens may be missing from what was read (`make test`)

A statement is read by `jurat explain --batch`, so by what a session uses, and judged by the policies that ship.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SEPARATOR = "\n;\n"
PEOPLE = {
    "staging": "an analyst, staging",
    "production": "an analyst, production",
}

Entry = collections.namedtuple("Entry", "corpus file text")


def explain(lines, environment, catalog=None, engine="postgres"):
    """One answer for each line, as `jurat explain --batch` gives them."""
    protocol = "postgres" if engine == "postgres" else "mysql"
    with tempfile.TemporaryDirectory(prefix="jurat-coverage-") as home:
        home = pathlib.Path(home)
        (home / "jurat.toml").write_text(f"""
version = 1
[[listener]]
name = "one"
protocol = "{protocol}"
bind = "127.0.0.1:0"
[[database]]
name = "shop"
engine = "{engine}"
environment = "{environment}"
upstream = "{protocol}://app@127.0.0.1:1/shop"
credential = {{ file = "password" }}
[identity]
users_file = "{ROOT}/examples/quickstart/users.toml"
[policy]
dir = "{ROOT}/rego"
[audit]
dir = "audit"
key = {{ file = "audit.key" }}
""")
        (home / "password").write_text("unused\n")
        (home / "lines").write_text("".join(json.dumps(line) + "\n" for line in lines))
        command = [os.environ["JURAT_TEST_BIN"], "explain", "-c", home / "jurat.toml", "--as", "ana"]
        if catalog:
            command += ["--catalog", catalog]
        said = subprocess.run(
            [*command, "--batch", home / "lines"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return [json.loads(line)["statements"] for line in said.stdout.splitlines()]


def statements(file):
    return [text.strip() for text in file.read_text().split(SEPARATOR) if text.strip()]


def corpora():
    for file in sorted((HERE / "corpus").glob("*/*.sql")):
        catalog = file.with_suffix(".catalog.json")
        if not catalog.exists():
            catalog = file.parent / "catalog.json"
        yield file.parent.name, file, catalog, statements(file)


def read_corpora(environment):
    for corpus, file, catalog, texts in corpora():
        answers = explain([{"sql": text} for text in texts], environment, catalog)
        for text, answer in zip(texts, answers, strict=True):
            yield Entry(corpus, file.stem, text), answer


def read_goldens():
    """The texts of the goldens of jurat-sql, which are meant to be difficult."""
    home = ROOT / "crates/jurat-sql/testdata"
    texts = []
    for file in sorted((home / "postgres").glob("*.md")):
        texts += [block.split("\n```")[0] for block in file.read_text().split("```sql\n")[1:]]
    yield from zip(texts, explain([{"sql": text} for text in texts], "staging", home / "catalog.json"), strict=True)


def is_opaque(answer):
    return not answer or any(not one["intent"]["statement"]["parsed"] for one in answer)


def reason(answer):
    return next(one["intent"]["statement"]["unparsed_reason"] for one in answer if not one["intent"]["statement"]["parsed"])


def is_denied(answer):
    return any(one["refusal"] for one in answer)


def check():
    import oracle

    listed = {(e["file"], e["text"].strip()): e["why"] for e in tomllib.loads((HERE / "exceptions.toml").read_text()).get("exception", [])}
    wrong, count, used = [], 0, set()
    for entry, answer in read_corpora("staging"):
        count += 1
        key = (f"{entry.corpus}/{entry.file}", entry.text)
        if is_opaque(answer):
            if key in listed:
                used.add(key)
            else:
                wrong.append(f"{key[0]}: not read: {reason(answer)}\n{entry.text}\n")
            continue
        wrong += [f"{key[0]}: {miss}\n{entry.text}\n" for miss in oracle.misses(entry.text, answer)]
    for text, answer in read_goldens():
        count += 1
        wrong += [f"golden: {miss}\n{text}\n" for miss in oracle.misses(text, answer)]
    wrong += [f"{file}: is read now, so take it out of exceptions.toml\n{text}\n" for file, text in set(listed) - used]
    print("\n".join(wrong))
    print(f"{count} statements, {len(wrong)} findings, {len(listed)} exceptions, pglast {oracle.VERSION}")
    return bool(wrong)


def main(arguments):
    if arguments == ["check"]:
        return check()
    if arguments[:1] == ["mariadb"]:
        import mariadb_table

        return mariadb_table.check(arguments[1:])
    if arguments[:1] == ["table"]:
        import table

        return table.write(arguments[1:])
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
