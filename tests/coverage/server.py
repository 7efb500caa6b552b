"""A PostgreSQL of our own that logs every statement that it is sent."""

import json
import os
import pathlib
import shutil
import socket
import subprocess

BIN = pathlib.Path(os.environ.get("JURAT_TEST_PG_BIN", "/nowhere"))

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
autovacuum = off
logging_collector = on
log_destination = 'jsonlog'
log_directory = 'log'
log_filename = 'all.log'
log_rotation_size = 0
log_statement = 'all'
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A PostgreSQL of our own, run by an unprivileged user where we are root."""

    bin = BIN

    def __init__(self, home):
        self.data = home / "data"
        self.user = None
        if os.getuid() == 0:
            home.chmod(0o755)
            self.user = "postgres"
            self.data.mkdir()
            shutil.chown(self.data, self.user, self.user)
        password = home / "unused"
        password.write_text("unused\n")
        how = ["-U", "postgres", "-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        self.run("initdb", "-D", self.data, *how)
        self.port = free_port()
        with open(self.data / "postgresql.conf", "a") as settings:
            settings.write(SETTINGS + f"port = {self.port}\n")
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.data / "start.log", "start")

    def run(self, program, *arguments):
        subprocess.run(
            [BIN / program, *arguments], user=self.user, check=True, cwd="/", stdout=subprocess.DEVNULL
        )

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def environment(self, database):
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres", "PGDATABASE": database}
        return os.environ | where | {"PGPASSWORD": "unused"}

    def psql(self, database, *arguments):
        command = [BIN / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments]
        subprocess.run(command, env=self.environment(database), check=True, stdout=subprocess.DEVNULL)

    def statements(self, database):
        """What clients sent to a database, in order."""
        return (text for _, text in self.sessions(database))

    def sessions(self, database):
        """What clients sent to a database, in order, with the session that each was sent in."""
        with open(self.data / "log" / "all.json", errors="replace") as log:
            for line in log:
                entry = json.loads(line)
                kind, _, text = entry.get("message", "").partition(": ")
                sent = kind == "statement" or kind.startswith(("execute ", "parse "))
                if sent and entry.get("dbname") == database:
                    yield entry["session_id"], text
