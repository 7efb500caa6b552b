"""psycopg 3: what its users expect of a connection. The contract is in tests/it/suite/drivers.rs."""

import asyncio
import datetime
import decimal
import ipaddress
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg import errors, sql
from psycopg.types.json import Json, Jsonb
from psycopg.types.range import Range

import contract
from contract import DENIED, OPEN

NOTES = "SELECT count(*) FROM notes"
VERIFIED = {"sslmode": "verify-full", "sslrootcert": contract.CA}


def options(**more):
    usual = {
        "host": contract.HOST,
        "port": contract.PORT,
        "user": contract.USER,
        "password": contract.PASSWORD,
        "dbname": contract.DATABASE,
        "autocommit": True,
    }
    return usual | (VERIFIED if contract.TLS else {"sslmode": "disable"}) | more


def connect(**more):
    return psycopg.connect(**options(**more))


def value(conn, query, *arguments):
    return conn.execute(query, *arguments).fetchone()[0]


def refused(error):
    return contract.is_refusal(error.diag.message_primary, error.diag.message_detail)


def case_tls_verifies_the_certificate():
    with connect(**VERIFIED) as conn:
        assert conn.pgconn.ssl_in_use
        assert value(conn, "SELECT 1") == 1
    try:
        connect(**(VERIFIED | {"sslrootcert": contract.FOREIGN_CA}))
    except psycopg.OperationalError as error:
        assert "certificate verify failed" in str(error), error
    else:
        raise AssertionError("connected to a server with a certificate that is not trusted")


def check_types(binary):
    utc = datetime.timezone.utc
    values = {
        "int2": -(2**15),
        "int4": 2**31 - 1,
        "int8": -(2**63),
        "numeric": decimal.Decimal("12345678901234567890.0123456789"),
        "float4": 0.5,
        "float8": 1e300,
        "text": "naïve 💡 'quoted' \\ \n",
        "varchar": "",
        "bytea": bytes(range(256)),
        "bool": True,
        "uuid": uuid.UUID("0123456789abcdef0123456789abcdef"),
        "date": datetime.date(2026, 2, 28),
        "time": datetime.time(23, 59, 59, 999999),
        "timestamp": datetime.datetime(1969, 12, 31, 23, 59, 59, 5),
        "timestamptz": datetime.datetime(2026, 2, 28, 12, tzinfo=utc),
        "interval": datetime.timedelta(days=3, seconds=5),
        "inet": ipaddress.ip_interface("10.1.2.3/8"),
        "int4range": Range(1, 5),
        "int4[]": [1, 2, None],
        "text[]": ["a,b", '"', "", None],
        "numeric[]": [[decimal.Decimal("1.5")], [decimal.Decimal("2")]],
    }
    with connect() as conn:
        cursor = conn.cursor(binary=binary)
        for name, given in values.items():
            placeholder = "%b" if binary else "%t"
            row = cursor.execute(f"SELECT {placeholder}::{name}, NULL::{name}", [given]).fetchone()
            assert row == (given, None), (name, row)
        document = {"k": [1, None, "ü"]}
        row = cursor.execute("SELECT %s::jsonb, %s::json", [Jsonb(document), Json(document)]).fetchone()
        assert row == (document, document), row
        row = cursor.execute("SELECT %s::int4, %s::text", [None, None]).fetchone()
        assert row == (None, None), row


def case_types_in_text():
    check_types(binary=False)


def case_types_in_binary():
    check_types(binary=True)


def case_prepared_statements():
    prepared = "SELECT count(*) FROM pg_prepared_statements"
    with connect() as conn:
        assert value(conn, prepared) == 0
        # The driver prepares on the server what it has seen more often than this.
        for number in range(1, conn.prepare_threshold + 3):
            assert value(conn, "SELECT note FROM orders WHERE id = %s", [number]) == f"order {number}"
        assert value(conn, prepared) == 1
        for number in (1, 2):
            row = conn.execute("SELECT amount FROM orders WHERE id = %s", [number], prepare=True)
            assert row.fetchone() == (number * decimal.Decimal("1.25"),)
        # The cache is bounded: the driver deallocates what falls out.
        conn.prepared_max = 2
        for number in range(4):
            conn.execute(f"SELECT id + {number} FROM orders WHERE id = %s", [1], prepare=True)
        assert value(conn, prepared) <= 3
        conn.execute("PREPARE by_id AS SELECT note FROM orders WHERE id = $1")
        assert value(conn, "EXECUTE by_id (3)") == "order 3"
        conn.execute("DEALLOCATE ALL")
        assert value(conn, prepared) == 0


def case_transactions():
    insert = "INSERT INTO notes (body) VALUES (%s)"
    with connect(autocommit=False) as conn:
        conn.execute(insert, ["kept"])
        try:
            with conn.transaction():
                conn.execute(insert, ["taken back"])
                raise psycopg.Rollback
        except psycopg.Rollback:
            pass
        with conn.transaction(), conn.transaction():
            conn.execute(insert, ["nested"])
        assert [body for (body,) in conn.execute("SELECT body FROM notes ORDER BY id")] == ["kept", "nested"]
        conn.rollback()
        assert value(conn, NOTES) == 0
        conn.rollback()
        conn.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        conn.read_only = True
        try:
            conn.execute(insert, ["read only"])
        except errors.ReadOnlySqlTransaction:
            conn.rollback()
        else:
            raise AssertionError("wrote in a read-only transaction")


def case_pipeline():
    with connect() as conn:
        with conn.pipeline() as pipeline:
            cursors = [conn.execute("SELECT %s::int4 * 2", [number]) for number in range(100)]
            pipeline.sync()
            assert [cursor.fetchone()[0] for cursor in cursors] == [number * 2 for number in range(100)]
        try:
            with conn.pipeline():
                conn.execute("INSERT INTO notes (body) VALUES ('before')")
                conn.execute("SELECT 1 / %s::int4", [0])
                conn.execute("INSERT INTO notes (body) VALUES ('after')")
        except errors.DivisionByZero:
            pass
        else:
            raise AssertionError("an error in a pipeline was lost")
        assert value(conn, NOTES) == 0


def case_many_rows_at_once():
    with connect() as conn, conn.cursor() as cursor:
        rows = [(f"n{number}",) for number in range(50)]
        cursor.executemany("INSERT INTO notes (body) VALUES (%s) RETURNING body", rows, returning=True)
        assert cursor.fetchone() == ("n0",) and cursor.nextset() and cursor.fetchone() == ("n1",)
        cursor.execute("DELETE FROM notes WHERE body LIKE 'n%'")
        assert cursor.rowcount == 50


def case_copy_in_and_out():
    with connect() as conn, conn.cursor() as cursor:
        with cursor.copy("COPY notes (body) FROM STDIN") as copy:
            for number in range(1000):
                copy.write_row((f"c{number}\t\\",))
        assert value(conn, NOTES) == 1000
        with cursor.copy("COPY (SELECT body FROM notes ORDER BY id LIMIT 2) TO STDOUT") as copy:
            assert list(copy.rows()) == [("c0\t\\",), ("c1\t\\",)]
        with cursor.copy("COPY notes (id, body) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int4", "text"])
            for number in range(10):
                copy.write_row((-number, "binary"))
        with cursor.copy("COPY (SELECT id FROM notes WHERE body = 'binary') TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(["int4"])
            assert sorted(copy.rows()) == [(number,) for number in range(-9, 1)]
        with cursor.copy("COPY orders (id, note) TO STDOUT (FORMAT csv, HEADER)") as copy:
            assert b"".join(copy).startswith(b"id,note\n1,order 1\n")
        try:
            with cursor.copy("COPY notes (body) FROM STDIN") as copy:
                copy.write("given up\n")
                raise KeyError
        except KeyError:
            pass
        assert value(conn, "SELECT count(*) FROM notes WHERE body = 'given up'") == 0
        conn.execute("DELETE FROM notes WHERE id = id + 0 AND body IS NOT NULL")


def case_cursors():
    with connect(autocommit=False) as conn:
        with conn.cursor("server_side", scrollable=True) as cursor:
            cursor.itersize = 7
            cursor.execute("SELECT id FROM orders ORDER BY id")
            assert [number for (number,) in cursor] == list(range(1, 101))
            cursor.scroll(50, mode="absolute")
            assert cursor.fetchone() == (51,)
        with conn.cursor() as cursor:
            streamed = cursor.stream("SELECT n FROM numbers ORDER BY n LIMIT 5000")
            assert sum(number for (number,) in streamed) == 5000 * 5001 // 2
        with conn.cursor("with_hold", withhold=True) as cursor:
            cursor.execute("SELECT n FROM numbers ORDER BY n LIMIT 10")
            conn.commit()
            assert len(cursor.fetchall()) == 10


def case_cancel():
    def when_it_sleeps(watcher, cancel):
        while value(watcher, contract.SLEEPING) == 0:
            time.sleep(0.01)
        cancel()

    with connect() as conn, connect() as watcher, ThreadPoolExecutor() as pool:
        for cancel in (conn.cancel_safe, conn.cancel):
            canceling = pool.submit(when_it_sleeps, watcher, cancel)
            try:
                conn.execute("SELECT pg_sleep(60)")
            except errors.QueryCanceled:
                pass
            else:
                raise AssertionError("not canceled")
            canceling.result()
            assert value(conn, "SELECT 1") == 1


def case_notifications():
    with connect() as listener, connect() as speaker:
        listener.execute("LISTEN news")
        speaker.execute("NOTIFY news, 'from another'")
        (heard,) = listener.notifies(timeout=30, stop_after=1)
        assert (heard.channel, heard.payload) == ("news", "from another")
        listener.execute("UNLISTEN news")


def case_errors_keep_their_class():
    with connect() as conn:
        try:
            conn.execute("INSERT INTO orders (id, customer_id, amount) VALUES (1, 1, 1)")
        except errors.UniqueViolation as error:
            assert error.diag.constraint_name == "orders_pkey"
        else:
            raise AssertionError("a second row with the same key")
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("orders"))
        assert value(conn, query) == 100


async def case_asynchronous():
    async with await psycopg.AsyncConnection.connect(**options()) as conn, conn.cursor() as cursor:
        await cursor.execute("SELECT %s::text", ["asynchronous"])
        assert await cursor.fetchone() == ("asynchronous",)
        other = await psycopg.AsyncConnection.connect(**options())
        async with other, conn.transaction(), other.transaction():
            both = [conn.execute("SELECT 1"), other.execute("SELECT 1")]
            assert [await cursor.fetchone() for cursor in await asyncio.gather(*both)] == [(1,), (1,)]


def case_denial_when_idle():
    told = None
    with connect() as conn:
        for prepare in (False, True):
            try:
                conn.execute(DENIED, prepare=prepare)
            except errors.InsufficientPrivilege as error:
                assert refused(error) and error.diag.message_hint
            else:
                told = OPEN
            assert not conn.closed
            assert value(conn, "SELECT 1") == 1
    return told


def case_denial_in_a_transaction():
    with connect(autocommit=False) as conn:
        conn.execute("INSERT INTO notes (body) VALUES ('x')")
        try:
            conn.execute(DENIED)
        except errors.InsufficientPrivilege as error:
            assert refused(error)
        else:
            conn.rollback()
            return OPEN
        try:
            conn.execute("SELECT 1")
        except errors.InFailedSqlTransaction:
            pass
        else:
            raise AssertionError("the transaction went on")
        conn.rollback()
        assert value(conn, NOTES) == 0
        try:
            with conn.transaction():
                conn.execute(DENIED)
        except errors.InsufficientPrivilege:
            pass
        assert value(conn, "SELECT 1") == 1
    return None


def case_denial_in_a_pipeline():
    with connect() as conn:
        try:
            with conn.pipeline():
                conn.execute("INSERT INTO notes (body) VALUES ('in the pipeline')")
                conn.execute(DENIED)
                conn.execute("INSERT INTO notes (body) VALUES ('after it')")
        except errors.InsufficientPrivilege as error:
            assert refused(error)
        else:
            conn.execute("DELETE FROM notes WHERE body LIKE '%it' OR body LIKE '%pipeline'")
            return OPEN
        assert value(conn, NOTES) == 0
    return None


def case_denial_of_a_copy():
    told = None
    with connect() as conn:
        for statement in ("COPY orders TO '/dev/null'", "COPY (DELETE FROM payments RETURNING id) TO STDOUT"):
            try:
                with conn.cursor() as cursor:
                    if "STDOUT" in statement:
                        with cursor.copy(statement) as copy:
                            b"".join(copy)
                    else:
                        cursor.execute(statement)
            except errors.InsufficientPrivilege as error:
                assert "COPY" in str(error)
            else:
                told = OPEN
            assert value(conn, "SELECT 1") == 1
    return told


def case_masked_column():
    with connect() as conn:
        read = "SELECT email FROM customers WHERE id = %s"
        for binary in (False, True):
            told = contract.check_mask(conn.execute(read, [7], binary=binary).fetchone()[0])
        with conn.transaction(), conn.cursor("masked") as cursor:
            assert contract.check_mask(cursor.execute(read, [7]).fetchone()[0]) == told
        with conn.cursor() as cursor, cursor.copy("COPY customers (id, email) TO STDOUT") as copy:
            assert contract.check_mask(dict(copy.rows())["7"]) == told
    return told


def case_sql_about_jurat():
    who = "SHOW jurat.whoami"
    with connect() as conn:
        for prepare in (False, True):
            for binary in (False, True):
                try:
                    told = conn.execute(who, prepare=prepare, binary=binary).fetchone()[0]
                except errors.UndefinedObject:
                    return OPEN
                assert json.loads(told)["id"] == contract.USER, told
        try:
            conn.execute("CALL jurat.show_approval(%s)", ["AP-00000000"])
        except errors.FeatureNotSupported as error:
            assert "[approvals]" in str(error), error
        else:
            raise AssertionError("there are no approvals")
        with conn.pipeline():
            cursors = [conn.execute(text) for text in ("SELECT '1'", who, "SELECT '2'")]
            one, own, two = (cursor.fetchone()[0] for cursor in cursors)
        assert (one, json.loads(own)["id"], two) == ("1", contract.USER, "2")
        # What falls out of the driver's cache is deallocated.
        conn.prepared_max = 1
        for number in range(3):
            conn.execute(who, prepare=True)
            assert value(conn, f"SELECT {number}") == number
            conn.execute(f"SELECT {number}", prepare=True)
    with connect(autocommit=False) as conn:
        try:
            conn.execute(DENIED)
        except errors.InsufficientPrivilege as error:
            last = json.loads(conn.execute("SHOW jurat.last_decision").fetchone()[0])
            assert last == json.loads(error.diag.message_detail), last
        conn.rollback()
    return None


if __name__ == "__main__":
    contract.main(f"{psycopg.__version__} (libpq {psycopg.pq.version()})", globals())
