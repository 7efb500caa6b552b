"""mysqlclient, which is MariaDB's C library in Python: what its users expect. The contract is in tests/it/suite/drivers.rs."""

import datetime
import decimal

import MySQLdb
import MySQLdb.cursors

import contract
import dbapi


class Cases(dbapi.Cases):
    driver = MySQLdb

    def connect(self, **more):
        usual = {
            "host": contract.HOST,
            "port": contract.PORT,
            "user": contract.USER,
            "password": contract.PASSWORD,
            "database": contract.DATABASE,
            "charset": "utf8mb4",
        }
        if contract.TLS:
            usual |= {"ssl": {"ca": contract.CA}, "ssl_mode": "VERIFY_CA"}
        return MySQLdb.connect(**(usual | more))

    def case_tls_verifies_the_certificate(self):
        with self.using() as connection:
            assert self.one(connection, "SELECT 1") == 1
        try:
            self.connect(ssl={"ca": contract.FOREIGN_CA})
        except MySQLdb.OperationalError as error:
            assert error.args[0] == 2026, error
        else:
            raise AssertionError("a certificate of somebody else")

    def case_types_in_text(self):
        given = (
            1, -(2**63), 2**64 - 1, decimal.Decimal("12345678901234567890.0123456789"), 1.5, "naïve — 'quoted' \\ \n", None,
            datetime.date(2026, 2, 28), datetime.datetime(2026, 2, 28, 12, 0, 0, 5), datetime.timedelta(hours=-1, seconds=-2),
        )
        with self.using() as connection:
            [row] = self.rows(connection, "SELECT " + ", ".join(["%s"] * len(given)), given)
            assert row[:7] == given[:7], row
            assert [str(value) for value in row[7:9]] == ["2026-02-28", "2026-02-28 12:00:00.000005"], row
            [row] = self.rows(connection, "SELECT x'00ff', JSON_OBJECT('k', 1), DATE '2026-02-28', CAST('-01:00:02' AS TIME)")
            assert row == (b"\x00\xff", '{"k": 1}', given[7], given[9]), row

    def case_several_statements(self):
        with self.using() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT 1; SELECT 2; SELECT 3")
            seen = [cursor.fetchall()]
            while cursor.nextset():
                seen.append(cursor.fetchall())
            assert seen == [((1,),), ((2,),), ((3,),)], seen
            cursor.close()

    def case_cursors(self):
        with self.using(cursorclass=MySQLdb.cursors.SSDictCursor) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT n FROM numbers ORDER BY n")
            assert sum(1 for _ in cursor) == 200000
            cursor.close()
        with self.using() as connection:
            cursor = connection.cursor()
            many = cursor.executemany("INSERT INTO notes (body) VALUES (%s)", [("a",), ("b",), ("c",)])
            assert (many, cursor.lastrowid > 0) == (3, True)
            assert cursor.execute("DELETE FROM notes WHERE id > %s", (0,)) == 3
            cursor.close()

    def case_the_connection(self):
        with self.using(init_command="SET time_zone = '+02:00'") as connection:
            connection.ping()
            assert self.one(connection, "SELECT @@time_zone") == "+02:00"
            connection.select_db("archive")
            assert self.one(connection, "SELECT DATABASE()") == "archive"
            assert connection.thread_id() > 0 and "MariaDB" in connection.get_server_info()
            assert connection.warning_count() == 0
            connection.set_character_set("utf8mb4")

    def case_change_user(self):
        with self.using() as connection:
            self.rows(connection, "SET @left = 7")
            connection.change_user(contract.USER, contract.PASSWORD, contract.DATABASE)
            assert self.one(connection, "SELECT @left") is None
            assert self.notes(connection) == 0
            try:
                connection.change_user(contract.USER, "wrong", contract.DATABASE)
            except MySQLdb.OperationalError as error:
                assert error.args[0] == 1045, error
            else:
                raise AssertionError("a wrong password")


if __name__ == "__main__":
    dbapi.main(".".join(map(str, MySQLdb.version_info[:3])), Cases())
