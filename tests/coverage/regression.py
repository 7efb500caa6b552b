"""PostgreSQL's own regression SQL, with what existed when each statement ran.

The files are run twice. psql runs them first, because they are full of its commands, and the server's log says what
it was sent. Those statements are then run again, one at a time, and before each the catalog is asked for whatever has
one of the names in its text.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import psycopg
from psycopg import pq

from server import Server

SQL = pathlib.Path(os.environ["JURAT_REGRESSION_SQL"]) if "JURAT_REGRESSION_SQL" in os.environ else None

# What stops the server, or waits for others.
LEFT_OUT = {"infinite_recurse", "stats", "largeobject_1", "tablespace", "advisory_lock"}
SECONDS = 60

# Errors that say that the statement means nothing here: a name is unknown, or the grammar does not have it.
MEANINGLESS = {"42601", "42P01", "42703", "42883", "42704", "3F000", "42P02", "26000", "34000", "42P10", "42702", "42725"}

OBJECTS = """
SELECT pg_catalog.json_build_object(
  'path', pg_catalog.current_schemas(true),
  'relations', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', pg_catalog.json_build_object('schema', n.nspname, 'name', c.relname), 'kind', c.relkind,
      'columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', a.attname, 'data_type',
          pg_catalog.format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped)))
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE c.relname OPERATOR(pg_catalog.=) ANY ({names}) AND c.relkind::pg_catalog.text OPERATOR(pg_catalog.<>) ALL ('{{i,I,t}}')
      AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{{pg_catalog,information_schema,pg_toast}}')),
  'functions', (SELECT pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_object('schema', n.nspname, 'name', p.proname))
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
    WHERE p.proname OPERATOR(pg_catalog.=) ANY ({names}) AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog'),
  'types', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', n.nspname, 'name', t.typname))
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
    WHERE t.typname OPERATOR(pg_catalog.=) ANY ({names}) AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog'),
  'schemas', (SELECT pg_catalog.json_agg(n.nspname) FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) ANY ({names})))
"""
KINDS = {"r": "table", "p": "partitioned_table", "v": "view", "m": "materialized_view", "f": "foreign_table", "S": "sequence", "c": "composite"}
WORD = re.compile(r'"((?:[^"]|"")+)"|([A-Za-z_\u0080-\uffff][\w$]*)')


def schedule():
    for line in (SQL / "parallel_schedule").read_text().splitlines():
        if line.startswith("test:"):
            yield from (name for name in line.split()[1:] if name not in LEFT_OUT)


def sent(server, home):
    """What psql sends for every file: (session, text)."""
    data = home / "regress"
    shutil.copytree(SQL, data)
    subprocess.run(["chmod", "-R", "a+rX", data], check=True)
    server.psql("postgres", "-c", "CREATE DATABASE regression TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    for setting in ("bytea_output TO 'hex'", "timezone TO 'PST8PDT'", "datestyle TO 'Postgres, MDY'", "intervalstyle TO 'postgres_verbose'"):
        server.psql("postgres", "-c", f"ALTER DATABASE regression SET {setting}")
    environment = server.environment("regression") | {"PG_ABS_SRCDIR": str(data), "PG_LIBDIR": "/nowhere", "PG_DLSUFFIX": ".so", "PG_ABS_BUILDDIR": str(data)}
    for name in schedule():
        command = [server.bin / "psql", "-X", "-q", "-a", "-f", data / "sql" / f"{name}.sql"]
        try:
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            print(f"{name} takes too long", file=sys.stderr)
    return list(server.sessions("regression"))


class Replay:
    """The same statements in a database of their own."""

    def __init__(self, server):
        server.psql("postgres", "-c", "DROP DATABASE regression WITH (FORCE)")
        server.psql("postgres", "-c", "CREATE DATABASE regression TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
        self.where = " ".join(f"{key[2:].lower().replace('database', 'dbname')}={value}" for key, value in server.environment("regression").items() if key in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD"))
        self.session = None
        self.connection = None
        self.last = {}

    def run(self, session, text):
        """The statement's surroundings, and the error code that the server answers with."""
        if session != self.session or self.connection.status != pq.ConnStatus.OK:
            if self.connection:
                self.connection.finish()
            self.connection = pq.PGconn.connect(self.where.encode())
            self.connection.exec_(b"SET statement_timeout = '10s'")
            self.session = session
        around = self.surroundings(text)
        return around, self.send(text)

    def surroundings(self, text):
        names = set()
        for quoted, plain in WORD.findall(text):
            names.add(quoted.replace('""', '"') if quoted else plain.lower())
        names = sorted(name for name in names if len(name) < 64)[:500]
        array = "ARRAY[" + ",".join("'" + name.replace("'", "''").replace("\\", "\\\\") + "'" for name in names) + "]::pg_catalog.name[]"
        if self.connection.transaction_status == pq.TransactionStatus.INERROR:
            return self.last
        result = self.connection.exec_(OBJECTS.replace("{{", "{").replace("}}", "}").replace("{names}", array).encode())
        if result.status != pq.ExecStatus.TUPLES_OK:
            return self.last
        found = json.loads(result.get_value(0, 0))
        found["relations"] = [r | {"kind": KINDS[r["kind"]], "columns": r["columns"] or []} for r in found["relations"] or []]
        self.last = {
            "catalog": {
                "server_version": "15",
                "schemas": found["schemas"] or [],
                "relations": found["relations"],
                "functions": [{"name": name} for name in found["functions"] or []],
                "types": found["types"] or [],
            },
            "search_path": found["path"] or ["pg_catalog"],
        }
        return self.last

    def send(self, text):
        connection = self.connection
        connection.send_query(text.encode())
        code = None
        while (result := connection.get_result()) is not None:
            if result.status == pq.ExecStatus.COPY_IN:
                connection.put_copy_end(b"no data here")
            elif result.status == pq.ExecStatus.COPY_OUT:
                while connection.get_copy_data(0)[0] > 0:
                    pass
            elif result.status == pq.ExecStatus.FATAL_ERROR:
                state = result.error_field(pq.DiagnosticField.SQLSTATE)
                code = state.decode() if state else "08000"
        return code


def entries(out):
    """Writes a line for each distinct statement: the text, what existed, the server's error code."""
    seen, count = set(), 0
    with tempfile.TemporaryDirectory(prefix="jurat-regression-") as home:
        home = pathlib.Path(home)
        server = Server(home)
        try:
            statements = sent(server, home)
            print(f"{len(statements)} statements were sent", file=sys.stderr)
            replay = Replay(server)
            for session, text in statements:
                try:
                    around, code = replay.run(session, text)
                except (psycopg.Error, UnicodeError) as error:
                    print(f"{error}: {text[:80]}", file=sys.stderr)
                    continue
                if text not in seen and around:
                    seen.add(text)
                    count += 1
                    out.write(json.dumps({"sql": text, "code": code} | around) + "\n")
        finally:
            server.stop()
    print(f"{count} distinct statements", file=sys.stderr)


if __name__ == "__main__":
    with open(sys.argv[1], "w") as out:
        entries(out)
