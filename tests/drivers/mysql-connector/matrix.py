"""MySQL Connector/Python, in pure Python and over its C extension: what its users expect of a connection.

MATRIX_PURE says which of the two. The contract is in tests/it/suite/drivers.rs.
"""

import os

PURE = os.environ["MATRIX_PURE"] == "1"
if not PURE:
    # Before Python's own ssl, because the extension brings a newer library of the same name.
    import _mysql_connector  # noqa: F401

import datetime
import decimal

import mysql.connector
from mysql.connector import errors, pooling

import contract
import dbapi
from contract import DENIED, OPEN


def usual(**more):
    options = {
        "host": contract.HOST,
        "port": contract.PORT,
        "user": contract.USER,
        "password": contract.PASSWORD,
        "database": contract.DATABASE,
        "use_pure": PURE,
        # The driver's own default is a collation of MySQL 8, which MariaDB does not have.
        "charset": "utf8mb4",
        "collation": "utf8mb4_general_ci",
    }
    if contract.TLS:
        options |= {"ssl_ca": contract.CA, "ssl_verify_cert": True}
    else:
        options |= {"ssl_disabled": True}
    return options | more


class Cases(dbapi.Cases):
    driver = errors

    def connect(self, **more):
        return mysql.connector.connect(**usual(**more))

    def number(self, error):
        return error.errno

    def case_tls_verifies_the_certificate(self):
        with self.using() as connection:
            assert self.one(connection, "SELECT 1") == 1
        try:
            self.connect(ssl_ca=contract.FOREIGN_CA, ssl_verify_cert=True, ssl_disabled=False)
        except errors.Error as error:
            assert error.errno in (2026, 2055), error
        else:
            raise AssertionError("a certificate of somebody else")

    def types(self, connection, **options):
        given = (
            1, -(2**63), 2**63 - 1, 1.5, "naïve — 'quoted' \\ \n", None, datetime.datetime(2026, 2, 28, 12, 0, 0, 5),
        )
        cursor = connection.cursor(**options)
        cursor.execute("SELECT " + ", ".join(["%s"] * len(given)), given)
        [row] = cursor.fetchall()
        assert row[:6] == given[:6], row
        assert str(row[6]) == "2026-02-28 12:00:00.000005", row
        cursor.execute(
            "SELECT x'00ff', DATE '2026-02-28', CAST('01:00:02' AS TIME), CAST(%s AS DECIMAL(30, 10))",
            ("12345678901234567890.0123456789",),
        )
        [row] = cursor.fetchall()
        span, number = datetime.timedelta(hours=1, seconds=2), decimal.Decimal("12345678901234567890.0123456789")
        assert (bytes(row[0]), *row[1:]) == (b"\x00\xff", datetime.date(2026, 2, 28), span, number), row
        cursor.close()

    def case_types_in_text(self):
        with self.using() as connection:
            self.types(connection)

    def case_types_in_binary(self):
        with self.using() as connection:
            self.types(connection, prepared=True)

    def case_prepared_statements(self):
        with self.using() as connection:
            cursor = connection.cursor(prepared=True)
            for number in range(1, 8):
                cursor.execute("SELECT note FROM orders WHERE id = ?", (number,))
                assert cursor.fetchall() == [(f"order {number}",)]
            cursor.executemany("INSERT INTO notes (body) VALUES (?)", [("a",), ("b",)])
            cursor.execute("DELETE FROM notes WHERE body < ?", ("c",))
            assert cursor.rowcount == 2
            cursor.close()

    def case_several_statements(self):
        with self.using() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT 1; SELECT 2; SELECT 3")
            seen = [cursor.fetchall()]
            while cursor.nextset():
                seen.append(cursor.fetchall())
            assert seen == [[(1,)], [(2,)], [(3,)]], seen
            cursor.close()

    def case_cursors(self):
        with self.using() as connection:
            cursor = connection.cursor(dictionary=True)
            cursor.execute("SELECT id, note FROM orders WHERE id = %(id)s", {"id": 7})
            assert cursor.fetchall() == [{"id": 7, "note": "order 7"}]
            cursor.close()
            cursor = connection.cursor(buffered=False)
            cursor.execute("SELECT n FROM numbers ORDER BY n LIMIT 20000")
            assert sum(1 for _ in cursor) == 20000
            cursor.close()

    def case_the_connection(self):
        with self.using(time_zone="+02:00", sql_mode="STRICT_ALL_TABLES") as connection:
            connection.ping(reconnect=False)
            assert self.one(connection, "SELECT @@time_zone") == "+02:00"
            assert "STRICT_ALL_TABLES" in self.one(connection, "SELECT @@sql_mode")
            connection.database = "archive"
            assert connection.database == "archive"
            assert connection.is_connected() and connection.connection_id > 0
            self.rows(connection, "SET @left = 7")
            connection.reset_session()
            assert self.one(connection, "SELECT @left") is None

    def case_change_user(self):
        with self.using() as connection:
            self.rows(connection, "SET @left = 7")
            connection.cmd_change_user(contract.USER, contract.PASSWORD, contract.DATABASE, 45)
            assert self.one(connection, "SELECT @left") is None
            assert self.notes(connection) == 0

    def case_pool(self):
        pool = pooling.MySQLConnectionPool(pool_size=2, pool_name=f"matrix{PURE}", **usual(autocommit=True))
        for number in range(6):
            connection = pool.get_connection()
            assert self.one(connection, "SELECT %s", (number,)) == number
            connection.close()

    def case_denial_of_a_prepared_statement(self):
        with self.using() as connection:
            self.rows(connection, "START TRANSACTION")
            cursor = connection.cursor(prepared=True)
            try:
                cursor.execute(DENIED)
            except errors.Error as error:
                assert self.refused(error)
                told = None
            else:
                told = OPEN
            cursor.close()
            connection.rollback()
            assert self.one(connection, "SELECT 1") == 1
            return told


if __name__ == "__main__":
    dbapi.main(f"{mysql.connector.__version__} ({'pure Python' if PURE else 'C extension'})", Cases())
