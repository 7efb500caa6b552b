"""A MariaDB of our own, which keeps a log of every statement in a table."""

import os
import pathlib
import subprocess
import time

import pymysql

from server import free_port

BIN = pathlib.Path(os.environ.get("JURAT_TEST_MARIADB_BIN", "/nowhere"))
SETTINGS = [
    "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--skip-name-resolve",
    "--default-time-zone=+03:00", "--max-connections=100", "--general-log=1", "--log-output=TABLE", "--event-scheduler=OFF",
    "--performance-schema=1", "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON",
]
SYSTEM = ("mysql_system_tables", "mysql_performance_tables", "mysql_system_tables_data", "maria_add_gis_sp_bootstrap")


class Server:
    """It listens on loopback, knows `root` without a password, and reads and writes files in its own folder only."""

    def __init__(self, home):
        self.home = home
        data, share = home / "data", (BIN / "share").resolve()
        data.mkdir()
        # Started by root it would refuse to run unless it is told that this is meant.
        user = ["--user=root"] if os.getuid() == 0 else []
        common = [BIN / "mariadbd", "--no-defaults", *user, f"--datadir={data}", f"--tmpdir={data}", f"--secure-file-priv={home}",
                  f"--lc-messages-dir={share}", f"--character-sets-dir={share / 'charsets'}"]
        script = "CREATE DATABASE mysql;\nUSE mysql;\n" + "".join((share / f"{part}.sql").read_text() for part in SYSTEM)
        script += "FLUSH PRIVILEGES;\nCREATE USER IF NOT EXISTS root@'127.0.0.1';\nGRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\nCREATE USER IF NOT EXISTS root@localhost;\nGRANT ALL ON *.* TO root@localhost WITH GRANT OPTION;\n"
        with open(home / "start.log", "w") as log:
            subprocess.run([*common, "--bootstrap", "--skip-networking"], input=script, text=True, check=True, stdout=log, stderr=log)
        self.port = free_port()
        self.socket = home / "socket"
        self.log = open(home / "server.log", "w")
        where = ["--bind-address=127.0.0.1", f"--port={self.port}", f"--socket={self.socket}", f"--pid-file={data}/pid"]
        self.process = subprocess.Popen([*common, *SETTINGS, *where], stdout=self.log, stderr=self.log)
        until = time.monotonic() + 60
        while True:
            try:
                self.connect().close()
                return
            except pymysql.err.OperationalError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def connect(self, database=None, **settings):
        settings = {"charset": "utf8mb4", "autocommit": None, "read_timeout": 30, **settings}
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", database=database, **settings)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
