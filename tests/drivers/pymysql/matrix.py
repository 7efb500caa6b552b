"""PyMySQL: what its users expect of a connection. The contract is in tests/it/suite/drivers.rs."""

import datetime
import decimal
import json
import threading
import time

import pymysql
import pymysql.cursors
from pymysql.constants import CLIENT

import contract
from contract import DENIED, OPEN


def connect(**more):
    usual = {
        "host": contract.HOST,
        "port": contract.PORT,
        "user": contract.USER,
        "password": contract.PASSWORD,
        "database": contract.DATABASE,
        "charset": "utf8mb4",
        "autocommit": True,
    }
    if contract.TLS:
        usual |= {"ssl_ca": contract.CA, "ssl_verify_cert": True, "ssl_verify_identity": False}
    return pymysql.connect(**(usual | more))


def rows(connection, query, arguments=None):
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return cursor.fetchall()


def refused(error):
    number, message = error.args
    assert number == 1142, error
    assert "jurat denied DELETE on shop.payments" in message and "[rule " in message and " id " in message, message
    return True


def case_tls_verifies_the_certificate():
    with connect() as connection:
        assert rows(connection, "SELECT 1") == ((1,),)
    try:
        connect(ssl_ca=contract.FOREIGN_CA)
    except pymysql.err.OperationalError as error:
        assert "CERTIFICATE_VERIFY_FAILED" in str(error), error
    else:
        raise AssertionError("a certificate of somebody else")


def case_types():
    with connect() as connection:
        values = (
            1, -(2**63), 2**64 - 1, decimal.Decimal("12345678901234567890.0123456789"), 1.5, "naïve — 'quoted' \\ \n", None,
            datetime.date(2026, 2, 28), datetime.datetime(2026, 2, 28, 12, 0, 0, 5), datetime.timedelta(hours=-1, seconds=-2),
        )
        query = "SELECT " + ", ".join(["%s"] * len(values))
        [row] = rows(connection, query, values)
        assert row[:4] == (1, -(2**63), 2**64 - 1, values[3]), row
        assert row[4:7] == (1.5, values[5], None), row
        assert [str(value) for value in row[7:9]] == ["2026-02-28", "2026-02-28 12:00:00.000005"], row
        assert rows(connection, "SELECT x'00ff', JSON_OBJECT('k', 1)") == ((b"\x00\xff", '{"k": 1}'),)


def case_cursors():
    with connect() as connection:
        with connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute("SELECT id, note FROM orders WHERE id = %s", (7,))
            assert cursor.fetchone() == {"id": 7, "note": "order 7"}
        with connection.cursor(pymysql.cursors.SSCursor) as cursor:
            cursor.execute("SELECT n FROM numbers ORDER BY n")
            assert sum(1 for _ in cursor) == 200000
        with connection.cursor() as cursor:
            many = cursor.executemany("INSERT INTO notes (body) VALUES (%s)", [("a",), ("b",), ("c",)])
            assert (many, cursor.lastrowid > 0) == (3, True)
            assert cursor.execute("DELETE FROM notes WHERE id > %s", (0,)) == 3


def case_transactions():
    with connect(autocommit=False) as connection, connect() as other:
        connection.begin()
        rows(connection, "INSERT INTO notes (body) VALUES ('gone')")
        assert rows(other, "SELECT COUNT(*) FROM notes WHERE body = 'gone'") == ((0,),)
        connection.rollback()
        rows(connection, "INSERT INTO notes (body) VALUES ('kept')")
        connection.commit()
        assert rows(other, "SELECT COUNT(*) FROM notes WHERE body = 'kept'") == ((1,),)
        rows(connection, "DELETE FROM notes WHERE body = 'kept'")
        connection.commit()


def case_several_results():
    with connect(client_flag=CLIENT.MULTI_STATEMENTS) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1; SELECT 2; SELECT 3")
        seen = [cursor.fetchall()]
        while cursor.nextset():
            seen.append(cursor.fetchall())
        assert seen == [((1,),), ((2,),), ((3,),)], seen


def case_the_connection():
    with connect() as connection:
        connection.ping(reconnect=False)
        connection.select_db("archive")
        assert rows(connection, "SELECT DATABASE()") == (("archive",),)
        connection.select_db("shop")
        assert connection.thread_id() > 0 and "MariaDB" in connection.get_server_info()
        assert connection.show_warnings() == ()
    with connect(init_command="SET time_zone = '+02:00'") as connection:
        assert rows(connection, "SELECT @@time_zone") == (("+02:00",),)
    with connect(cursorclass=pymysql.cursors.DictCursor, read_timeout=30, conv=None) as connection:
        assert rows(connection, "SELECT 1 AS one") == [{"one": 1}]


def case_kill():
    with connect() as connection, connect() as other:
        told = []

        def sleep():
            try:
                rows(connection, "SELECT SLEEP(60) FROM numbers")
            except pymysql.err.OperationalError as error:
                told.append(error.args[0])

        sleeper = threading.Thread(target=sleep)
        sleeper.start()
        # What is not running yet cannot be ended, so it is asked again until it was.
        while sleeper.is_alive():
            rows(other, f"KILL QUERY {connection.thread_id()}")
            time.sleep(0.02)
        sleeper.join()
        assert told == [1317], told
        assert rows(connection, "SELECT 1") == ((1,),)


def case_errors_keep_their_class():
    with connect() as connection:
        for query, kind, number in [
            ("INSERT INTO numbers VALUES (1)", pymysql.err.IntegrityError, 1062),
            ("INSERT INTO orders VALUES (1000, 999, 1, 'x')", pymysql.err.IntegrityError, 1452),
            ("SELECT * FROM no_such_table", pymysql.err.ProgrammingError, 1146),
            ("SELECT no_such_column FROM orders", pymysql.err.OperationalError, 1054),
            ("SELECT FROM", pymysql.err.ProgrammingError, 1064),
        ]:
            try:
                rows(connection, query)
            except kind as error:
                assert error.args[0] == number, error
            else:
                raise AssertionError(query)


def case_json_and_long_values():
    with connect() as connection:
        text = json.dumps({"k": ["ü" * 1000] * 100})
        rows(connection, "INSERT INTO notes (body) VALUES (LEFT(%s, 60000))", (text,))
        assert rows(connection, "SELECT LENGTH(body) > 1000 FROM notes")[0] == (1,)
        rows(connection, "DELETE FROM notes WHERE id > 0")


def case_denial_when_idle():
    with connect() as connection:
        try:
            connection.begin()
            rows(connection, DENIED)
        except pymysql.err.OperationalError as error:
            assert refused(error)
            assert rows(connection, "SELECT 1") == ((1,),)
            return None
        connection.rollback()
        return OPEN


def case_denial_in_a_transaction():
    with connect(autocommit=False) as connection:
        connection.begin()
        rows(connection, "INSERT INTO notes (body) VALUES ('x')")
        try:
            rows(connection, DENIED)
        except pymysql.err.OperationalError as error:
            assert refused(error)
            # The transaction goes on, as it does after any error of the server.
            assert rows(connection, "SELECT COUNT(*) FROM notes") == ((1,),)
            connection.rollback()
            return None
        connection.rollback()
        return OPEN


def case_masked_column():
    with connect() as connection:
        [[email]] = rows(connection, "SELECT email FROM customers WHERE id = %s", (7,))
        return contract.check_mask(email)


if __name__ == "__main__":
    contract.main(pymysql.__version__, globals())
