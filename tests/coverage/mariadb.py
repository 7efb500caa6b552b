"""The SQL of MariaDB's own regression tests, with what existed when each statement ran and what the server locked for it.

Each file is run twice. mysqltest runs it first, because it is full of its commands, and the server's log says what it
was sent. Those statements are then run again, one at a time, and what exists is asked for before each. A query or a write runs
in a transaction of its own then, so that its locks on tables are still there to be looked at when it is over: every
table, view and sequence that the server has opened for it has one.
"""

import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import pymysql

from mariadb_server import Server

TESTS = pathlib.Path(os.environ["JURAT_MARIADB_TESTS"]) if "JURAT_MARIADB_TESTS" in os.environ else None

# Files about queries, writes, and what they are made of. The others are about the server.
FILES = """
select subselect join join_outer join_nested union except intersect cte_nonrecursive cte_recursive win win_percentile derived
func_str func_math func_time func_json func_group func_gconcat func_if func_in func_like func_misc group_by group_min_max having
order_by limit fetch_first null case cast insert insert_update insert_returning replace_returning update update_use_source
multi_update delete delete_returning temp_table user_var table_value_constr brackets precedence parser keywords comments default
type_time view ps create partition partition_explicit_prune information_schema variables set_statement fulltext gis
""".split()

# The part that a test of the repository runs: a minute, and every kind of statement.
FEW = """
brackets cte_nonrecursive delete delete_returning func_if func_like group_by having insert_returning insert_update join_nested multi_update
replace_returning select table_value_constr union update update_use_source user_var
""".split()

SECONDS = 40

# Errors that say that the statement means nothing here, or nothing in a session that Jurat would have.
MODES = ("ANSI_QUOTES", "PIPES_AS_CONCAT", "NO_BACKSLASH_ESCAPES", "IGNORE_SPACE", "HIGH_NOT_PRECEDENCE", "EMPTY_STRING_IS_NULL", "ORACLE")
# What ends the server or stands in the way of all others.
NEVER = re.compile(r"\s*(SHUTDOWN|KILL|FLUSH\s+TABLES\s+WITH|BACKUP|INSTALL|UNINSTALL|CHANGE\s+MASTER|START\s+SLAVE)\b", re.I)
# What the server logs of the inside of stored programs, with the values of their variables.
INSIDE = re.compile(r"\bNAME_CONST\(", re.I)
QUERY = re.compile(r"[\s(]*(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|VALUES)\b", re.I)
CHANGES_NOTHING = re.compile(r"[\s(]*(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|VALUES|SHOW|EXPLAIN|DESC|DESCRIBE|ANALYZE|SET|COMMIT|ROLLBACK|BEGIN|DO|HELP)\b", re.I)
TEMPORARY = re.compile(r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?TEMPORARY\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:`?\w+`?\.)?`?(\w+)`?", re.I)
LITERAL = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\b\d[\d.]*(?:e[+-]?\d+)?\b""", re.I | re.S)
LOCKS = re.compile(r"\s*(LOCK|UNLOCK)\s+TABLES?\b", re.I)
SYSTEM = ("mysql", "information_schema", "performance_schema", "sys")
OWN = "NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys', 'mtr')"


def rows(connection, text):
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall()


class Run:
    """One server, and the files one after another."""

    def __init__(self, home):
        self.home = home
        self.server = Server(home)
        self.admin = self.server.connect(autocommit=True)
        rows(self.admin, "SET SESSION sql_log_off = 1, lock_wait_timeout = 5")
        self.globals = dict(rows(self.admin, "SHOW GLOBAL VARIABLES"))

    def clean(self):
        """As the server was in the beginning, as far as tests change it."""
        for (name,) in rows(self.admin, f"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME {OWN}"):
            try:
                rows(self.admin, f"DROP DATABASE `{name}`")
            except pymysql.Error:
                # Files that a test has written into the folder of the database stand in the way.
                shutil.rmtree(self.home / "data" / name, ignore_errors=True)
                rows(self.admin, f"DROP DATABASE IF EXISTS `{name}`")
        rows(self.admin, "CREATE DATABASE test CHARACTER SET latin1")
        rows(self.admin, "TRUNCATE mysql.general_log")
        for name, value in rows(self.admin, "SHOW GLOBAL VARIABLES"):
            was = self.globals.get(name)
            if value != was and was is not None and not name.startswith(("gtid", "wsrep", "innodb")):
                try:
                    rows(self.admin, f"SET GLOBAL {name} = {was if was.isdigit() else self.admin.escape(was)}")
                except pymysql.Error:
                    continue

    def sent(self, name):
        """What mysqltest sends for a file: (session, text)."""
        tests = TESTS / "mysql-test"
        variables = {
            "MYSQL_TEST_DIR": tests, "MYSQLTEST_VARDIR": self.home, "MYSQL_TMP_DIR": self.home, "MASTER_MYPORT": self.server.port,
            "MASTER_MYSOCK": self.server.socket, "USE_RUNNING_SERVER": 1, "DEFAULT_MASTER_PORT": self.server.port,
        }
        command = [TESTS / "bin/mysqltest", "--no-defaults", "--silent", "--continue-on-error", f"--basedir={tests}", "--host=127.0.0.1",
                   f"--port={self.server.port}", f"--socket={self.server.socket}", "--user=root", "--database=test", f"--logdir={self.home}", f"--tmpdir={self.home}",
                   f"--test-file={tests / 'main' / name}.test", f"--result-file={self.home / 'result'}", "--record"]
        try:
            environment = os.environ | {key: str(value) for key, value in variables.items()}
            subprocess.run(command, cwd=tests, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            print(f"{name} takes too long", file=sys.stderr)
        said = rows(self.admin, "SELECT thread_id, CAST(argument AS BINARY) FROM mysql.general_log WHERE command_type = 'Query' LIMIT 8000")
        for session, text in said:
            try:
                yield session, text.decode()
            except UnicodeDecodeError:
                continue

    def file(self, name):
        self.clean()
        statements = list(self.sent(name))
        # A session that is open still would hold what is dropped now.
        for number, in rows(self.admin, "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'root' AND ID <> CONNECTION_ID()"):
            try:
                rows(self.admin, f"KILL {number}")
            except pymysql.Error:
                continue
        self.clean()
        replay = Replay(self)
        try:
            yield from replay.all(statements)
        finally:
            replay.close()


class Replay:
    """The same statements, one at a time, in sessions as they were."""

    def __init__(self, run):
        self.server, self.admin = run.server, run.admin
        self.sessions = {}
        self.catalog = None

    def close(self):
        for session in self.sessions.values():
            session.close()

    def all(self, statements):
        until = time.monotonic() + 3 * SECONDS
        for number, text in statements:
            if NEVER.match(text) or INSIDE.search(text):
                continue
            if time.monotonic() > until:
                print("the rest of it takes too long", file=sys.stderr)
                return
            session = self.sessions.get(number)
            try:
                if session is None or not session.connection.open:
                    session = self.sessions[number] = ReplaySession(self.server, self.admin)
                found = session.run(text, self.what_exists())
            except (pymysql.Error, UnicodeError, OSError, TypeError) as error:
                print(f"{error}: {text[:80]!r}", file=sys.stderr)
                self.sessions.pop(number, None)
                continue
            if not CHANGES_NOTHING.match(text):
                self.catalog = None
            if found:
                yield found

    def what_exists(self):
        self.catalog = self.catalog or catalog(self.admin)
        return self.catalog


class ReplaySession:
    def __init__(self, server, admin):
        self.admin = admin
        self.connection = server.connect("test")
        self.temporary = set()
        self.locked = False
        rows(self.connection, "SET max_statement_time = 3, lock_wait_timeout = 1, innodb_lock_wait_timeout = 1, sql_log_off = 1")
        ((number,),) = rows(self.connection, "SELECT CONNECTION_ID()")
        ((self.thread,),) = rows(admin, f"SELECT THREAD_ID FROM performance_schema.threads WHERE PROCESSLIST_ID = {number}")

    def close(self):
        if self.connection.open:
            self.connection.close()

    def run(self, text, exists):
        """What is to be known about a statement, or nothing where no session of Jurat's could have sent it."""
        state = "SELECT @@in_transaction, @@autocommit, DATABASE(), @@sql_mode, @@character_set_client"
        ((inside, autocommit, *said),) = rows(self.connection, state)
        # Where a test has asked for results without a character set, they are bytes.
        database, modes, sent = (word.decode() if isinstance(word, bytes) else word for word in said)
        around = self.surroundings(text, exists, database)
        bracket = bool(QUERY.match(text)) and not inside and autocommit and not self.locked
        if bracket:
            rows(self.connection, "START TRANSACTION")
        code = self.send(text)
        locks = None
        if bracket:
            look = f"SELECT DISTINCT OBJECT_SCHEMA, OBJECT_NAME FROM performance_schema.metadata_locks WHERE OBJECT_TYPE = 'TABLE' AND OWNER_THREAD_ID = {self.thread}"
            locks = [list(row) for row in rows(self.admin, look)]
            rows(self.connection, "COMMIT")
        if code is None:
            if made := TEMPORARY.match(text):
                self.temporary.add(made[1])
            if locking := LOCKS.match(text):
                self.locked = locking[1].upper() == "LOCK"
        if any(mode in modes for mode in MODES) or not sent.startswith("utf8"):
            return None
        return {"sql": text, "code": code, "locks": locks, "database": database} | around

    def surroundings(self, text, exists, database):
        if not self.temporary:
            return {"catalog": exists, "search_path": [database] if database else []}
        mine = []
        for name in sorted(self.temporary):
            if name.lower() in text.lower():
                try:
                    columns = rows(self.connection, f"SHOW COLUMNS FROM `{name}`")
                except pymysql.Error:
                    continue
                mine.append(relation(database, name, "table", [(column[0], column[1]) for column in columns]))
        names = [one["name"] for one in mine]
        others = [one for one in exists["relations"] if one["name"] not in names]
        return {"catalog": exists | {"relations": others + mine}, "search_path": [database] if database else []}

    def send(self, text):
        try:
            self.connection.query(text.encode())
            # A procedure answers with several results.
            while self.connection._result.has_next:
                self.connection.next_result()
        except (pymysql.err.OperationalError, pymysql.err.InterfaceError) as error:
            if error.args and error.args[0] in (0, 2006, 2013):
                raise
            return error.args[0] if error.args else 1105
        except pymysql.Error as error:
            return error.args[0] if error.args else 1105
        except (UnicodeError, ValueError):
            # The client cannot read a row; the server has taken the statement.
            return None
        return None


def relation(schema, name, kind, columns):
    return {"name": {"schema": schema, "name": name}, "kind": kind, "columns": [{"name": column, "data_type": data_type} for column, data_type in columns]}


def catalog(admin):
    """What exists outside of the server's own databases, as `jurat catalog dump` tells it."""
    kinds = {"BASE TABLE": "table", "SYSTEM VERSIONED": "table", "VIEW": "view", "SEQUENCE": "sequence"}
    relations = {}
    for schema, name, kind in rows(admin, f"SELECT TABLE_SCHEMA, TABLE_NAME, CASE WHEN ENGINE = 'MRG_MyISAM' THEN 'VIEW' ELSE TABLE_TYPE END FROM information_schema.TABLES WHERE TABLE_SCHEMA {OWN}"):
        if kind in kinds:
            relations[(schema, name)] = relation(schema, name, kinds[kind], [])
    for schema, name, column, data_type, key in rows(admin, f"SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, COLUMN_KEY = 'PRI' FROM information_schema.COLUMNS WHERE TABLE_SCHEMA {OWN} AND EXTRA NOT LIKE '%INVISIBLE%' ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION"):
        if (schema, name) in relations:
            relations[(schema, name)]["columns"].append({"name": column, "data_type": data_type, "key": bool(key)})
    for schema, name, definition in rows(admin, f"SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA {OWN}"):
        if (schema, name) in relations and definition:
            relations[(schema, name)]["definition"] = definition
    functions = rows(admin, f"SELECT DISTINCT ROUTINE_SCHEMA, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA {OWN}")
    triggers = rows(admin, f"SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_SCHEMA, TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA {OWN}")
    keys = rows(admin, f"SELECT CONSTRAINT_SCHEMA, TABLE_NAME, UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME, DELETE_RULE NOT IN ('NO ACTION', 'RESTRICT'), UPDATE_RULE NOT IN ('NO ACTION', 'RESTRICT') FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA {OWN}")
    schemas = rows(admin, f"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME {OWN}")
    name = lambda schema, name: {"schema": schema, "name": name}
    return {
        "engine": "mariadb",
        "server_version": "10.11.14-MariaDB",
        "schemas": [schema for (schema,) in schemas],
        "relations": list(relations.values()),
        "functions": [{"name": name(*row)} for row in functions],
        "triggers": [{"relation": name(*row[:2]), "name": row[3], "function": name(*row[2:])} for row in triggers],
        "foreign_keys": [{"referencing": name(*row[:2]), "referenced": name(*row[2:4]), "on_delete_writes": bool(row[4]), "on_update_writes": bool(row[5])} for row in keys],
    }


def shape(text):
    """A statement without its literals and its case: thousands of INSERTs into one table count once."""
    return " ".join(LITERAL.sub("?", text).lower().split())


def entries(out, wanted):
    """Writes a line for each distinct statement: the text, what existed, the server's error, its locks."""
    seen = set()
    with tempfile.TemporaryDirectory(prefix="jurat-mariadb-") as home:
        run = Run(pathlib.Path(home))
        try:
            for name in wanted:
                if not (TESTS / "mysql-test/main" / f"{name}.test").exists():
                    print(f"there is no {name}", file=sys.stderr)
                    continue
                start, before = time.monotonic(), len(seen)
                for found in run.file(name):
                    key = (found["code"] is None, shape(found["sql"]))
                    if key not in seen:
                        seen.add(key)
                        out.write(json.dumps(found | {"file": name}) + "\n")
                print(f"{name}: {len(seen) - before} statements, {time.monotonic() - start:.1f} s", file=sys.stderr)
        finally:
            run.server.stop()
    print(f"{len(seen)} distinct statements", file=sys.stderr)


if __name__ == "__main__":
    with open(sys.argv[1], "w") as out:
        entries(out, sys.argv[2:] or FILES)
