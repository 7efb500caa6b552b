"""The same two places for MySQL's protocol: a throw-away MariaDB, and a Jurat in front of it that allows everything."""

import shutil
from pathlib import Path

from stage import PASSWORD, ROLE, Stage

# Databases that the suites connect to. Jurat carries those that it is told of.
DATABASES = ("test", "test1", "test2", "mysql")

CONFIG = """
version = 1
[server]
drain_timeout = "1s"
[tls]
cert = "tls.crt"
key = {{ file = "tls.key" }}
[[listener]]
name = "my"
protocol = "mysql"
bind = "127.0.0.1:{port}"
database = "test"
{databases}
[identity]
users_file = "users.toml"
[policy]
dir = "{policy}"
poll = "0"
time_limit_ms = 1000
[audit]
dir = "audit"
key = {{ file = "audit.key" }}
heartbeat = "0"
"""

DATABASE_ENTRY = """
[[database]]
name = "{name}"
engine = "mariadb"
environment = "test"
upstream = "mysql://{role}@127.0.0.1:{port}/{name}"
credential = {{ file = "upstream.password" }}
"""

SETTINGS = ["--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
            "--performance-schema=0", "--skip-name-resolve", "--character-set-server=utf8mb4", "--default-time-zone=+00:00",
            "--local-infile=1", "--max-connections=300"]


class MyStage(Stage):
    """A temporary directory with both servers, ended and removed together."""

    def __init__(self, mariadb_bin, jurat):
        super().__init__(mariadb_bin, jurat)
        self.socket = self.directory / "mariadb.sock"
        if self.identity:  # which may not look into the cache folder
            self.pg_bin = Path(shutil.copytree(self.pg_bin.parent, self.directory / "server", symlinks=True)) / "bin"

    def fresh_database(self):
        """Both sides begin with the same empty databases."""
        for name in DATABASES[:3]:
            self.sql(f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} CHARACTER SET utf8mb4")

    def sql(self, text):
        return self._run([self.pg_bin / "mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", "-N", "-e", text])

    def configure(self, home):
        self._run([self.jurat, "audit", "keygen", "--out", home / "audit.key"])
        certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                       "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", home / "tls.key", "-out", home / "tls.crt"]
        self._run(certificate)
        verifier = self._run([self.jurat, "hash"], stdin=PASSWORD + "\n").strip()
        sha2 = self._run([self.jurat, "hash", "--mysql"], stdin=PASSWORD + "\n").strip()
        native = self.sql(f"SELECT PASSWORD('{PASSWORD}')").strip()
        (home / "upstream.password").write_text(PASSWORD)
        (home / "users.toml").write_text(f'[[user]]\nname = "{ROLE}"\nkind = "service"\nscram = \'{verifier}\'\n'
                                         f"mysql_sha2 = '{sha2}'\nmysql_native = '{native}'\n")
        databases = "".join(DATABASE_ENTRY.format(name=name, role=ROLE, port=self.direct_port) for name in DATABASES)
        (home / "jurat.toml").write_text(CONFIG.format(port=self.through_port, databases=databases, policy=self.policy))

    def start_database(self):
        data, share = self.directory / "data", (self.pg_bin / "share").resolve()
        data.mkdir()
        self._hand_over(data)
        common = [self.pg_bin / "mariadbd", "--no-defaults", f"--datadir={data}", f"--tmpdir={data}",
                  f"--lc-messages-dir={share}", f"--character-sets-dir={share / 'charsets'}"]
        script = "CREATE DATABASE mysql;\nUSE mysql;\n"
        for part in ("mysql_system_tables", "mysql_performance_tables", "mysql_system_tables_data", "maria_add_gis_sp_bootstrap"):
            script += (share / f"{part}.sql").read_text()
        script += (f"FLUSH PRIVILEGES;\nCREATE USER {ROLE}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
                   f"GRANT ALL ON *.* TO {ROLE}@'127.0.0.1' WITH GRANT OPTION;\n")
        self._run([*common, "--bootstrap", "--skip-networking"], stdin=script)
        self._start("mariadb", [*common, *SETTINGS, "--bind-address=127.0.0.1", f"--port={self.direct_port}",
                                f"--socket={self.socket}", f"--pid-file={data}/pid"], self.direct_port)
        self.fresh_database()
