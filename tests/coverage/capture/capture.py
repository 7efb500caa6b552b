"""Writes the corpora of captured statements: each tool works on a PostgreSQL that logs what it is sent.

Run by scripts/capture-corpora, by hand, when a tool or its version changes; the corpora are committed. A file of
a corpus is a list of statements with a line `;` between them, each as the server's log has it, without those that
differ from an earlier one in literals only. Beside it stands what existed in the database when the tool was done.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import pglast

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from server import Server  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CORPUS = HERE.parent / "corpus"
JURAT = os.environ["JURAT_TEST_BIN"]

# The file that a tool's statements go to, with the program that makes them. A program is told where the
# database is in the variables that libpq knows.
TOOLS = {
    "introspection/psql": ["bash", HERE / "psql.sh"],
    "introspection/pg_dump": ["bash", HERE / "pg_dump.sh"],
    "introspection/pgjdbc": ["java", "-cp", "{jdbc}", HERE / "Metadata.java"],
    "introspection/sqlalchemy": [sys.executable, HERE / "sqlalchemy_inspect.py"],
    "introspection/django": [sys.executable, HERE / "django_inspect.py"],
    "introspection/typeorm": ["node", HERE / "typeorm_inspect.js"],
    "introspection/sequelize": ["node", HERE / "sequelize_inspect.js"],
    "introspection/drizzle": ["node", HERE / "drizzle_inspect.js"],
    "introspection/prisma": ["node", HERE / "prisma_inspect.js"],
    "application/sqlalchemy": [sys.executable, HERE / "sqlalchemy_app.py"],
    "application/django": [sys.executable, HERE / "django_app.py"],
    "application/typeorm": ["node", HERE / "typeorm_app.js"],
    "application/sequelize": ["node", HERE / "sequelize_app.js"],
    "application/drizzle": ["node", HERE / "drizzle_app.js"],
    "application/knex": ["node", HERE / "knex_app.js"],
    "application/prisma": ["node", HERE / "prisma_app.js"],
}


def environment(server, database):
    return server.environment(database) | {"PYTHONPATH": str(ROOT / "tests/drivers/django")}


def distinct(texts):
    """Without repetitions, literals not looked at."""
    seen = set()
    for text in texts:
        try:
            # A message around one INSERT is one statement to Jurat.
            whole = text.startswith("CREATE OR REPLACE FUNCTION pg_temp.testfunc(")
            parts = [text] if whole else pglast.split(text, with_parser=True)
        except pglast.parser.ParseError:
            # Tools probe: what the server does not understand is no honest statement.
            continue
        for part in parts:
            mark = pglast.fingerprint(part)
            if mark not in seen:
                seen.add(mark)
                yield part.strip()


def catalog(server, database, home):
    """The snapshot that Jurat takes; PostgreSQL's own relations are known to it."""
    home.mkdir(exist_ok=True)
    (home / "password").write_text("unused\n")
    (home / "password").chmod(0o600)
    for name in ("users.toml", "rego"):
        if not (home / name).exists():
            (home / name).symlink_to(ROOT / "examples/quickstart" / name)
    (home / "jurat.toml").write_text(f"""
version = 1
[[listener]]
name = "pg"
protocol = "postgres"
bind = "127.0.0.1:0"
[[database]]
name = "shop"
engine = "postgres"
environment = "staging"
upstream = "postgres://postgres@127.0.0.1:{server.port}/{database}"
credential = {{ file = "password" }}
[identity]
users_file = "users.toml"
[policy]
dir = "rego"
[audit]
dir = "audit"
key = {{ file = "audit.key" }}
""")
    said = subprocess.run([JURAT, "catalog", "dump", "-c", home / "jurat.toml"], check=True, stdout=subprocess.PIPE)
    found = json.loads(said.stdout)
    own = lambda name: name["schema"] not in ("pg_catalog", "information_schema", "pg_toast")
    found["has_system"] = False
    found["schemas"] = [name for name in found["schemas"] if own({"schema": name})]
    found["relations"] = [relation for relation in found["relations"] if own(relation["name"])]
    found["functions"] = [function for function in found["functions"] if own(function["name"])]
    found["types"] = [name for name in found["types"] if own(name)]
    for relation in found["relations"]:
        relation["oid"] = 0
    return found


def prepared(corpus):
    """The queries and writes of a corpus, each under PREPARE, which checks all but runs nothing."""
    texts = [text.strip() for text in corpus.split("\n;\n")]
    checked = [text for text in texts if text.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH")]
    return ";".join(f"PREPARE q{number} AS {text}" for number, text in enumerate(checked))


def compact(found):
    """JSON with an object a line, so that a change can be reviewed."""
    lines = []
    for key, value in found.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            items = ",\n".join("    " + json.dumps(item) for item in value)
            lines.append(f"  {json.dumps(key)}: [\n{items}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(wanted):
    with tempfile.TemporaryDirectory(prefix="jurat-capture-") as home:
        home = pathlib.Path(home)
        server = Server(home)
        try:
            server.psql("postgres", "-c", "CREATE DATABASE fixture")
            server.psql("fixture", "-f", ROOT / "tests/it/harness/fixture.sql")
            if not wanted or "benchmark" in wanted:
                # These statements are written and not captured; the server only says that they are right.
                server.psql("postgres", "-c", "CREATE DATABASE benchmark")
                server.psql("benchmark", "-f", HERE / "benchmark.sql")
                for file in sorted((CORPUS / "benchmark").glob("*.sql")):
                    server.psql("benchmark", "-c", prepared(file.read_text()))
                found = catalog(server, "benchmark", home / "jurat")
                (CORPUS / "benchmark" / "catalog.json").write_text(compact(found))
            for name, command in TOOLS.items():
                if wanted and not any(word in name for word in wanted):
                    continue
                database = name.replace("/", "_")
                server.psql("postgres", "-c", f"CREATE DATABASE {database} TEMPLATE fixture")
                command = [str(word).format(jdbc=os.environ.get("JURAT_TEST_JDBC", "")) for word in command]
                subprocess.run(command, env=environment(server, database), check=True, stdout=subprocess.DEVNULL)
                time.sleep(0.5)
                texts = list(distinct(server.statements(database)))
                file = CORPUS / f"{name}.sql"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text("\n;\n".join(texts) + "\n")
                file.with_suffix(".catalog.json").write_text(compact(catalog(server, database, home / "jurat")))
                print(f"{name}: {len(texts)} statements")
        finally:
            server.stop()


main(sys.argv[1:])
