"""What a user of psycopg 3 expects of a connection through Jurat.

Run by the end-to-end suite, which sets JURAT_DSN (without user and sslmode) and JURAT_CERTIFICATE.
Every function whose name begins with `check_` is run; the first failure ends the script.
"""

import datetime
import decimal
import json
import os
import sys
import uuid

import psycopg
from psycopg import errors, sql

DSN = os.environ["JURAT_DSN"]


def connect(user="shopd", **options):
    options.setdefault("sslmode", "disable")
    return psycopg.connect(DSN, user=user, autocommit=options.pop("autocommit", True), **options)


def check_tls_with_a_verified_certificate():
    with connect(sslmode="verify-full", sslrootcert=os.environ["JURAT_CERTIFICATE"]) as conn:
        assert conn.pgconn.ssl_in_use
        assert conn.execute("SELECT 1").fetchone() == (1,)


def check_types_in_text_and_binary():
    values = {
        "int8": 2**40,
        "numeric": decimal.Decimal("12.50"),
        "text": "naïve 💡",
        "bytea": b"\x00\xff",
        "bool": True,
        "date": datetime.date(2026, 2, 28),
        "timestamptz": datetime.datetime(2026, 2, 28, 12, tzinfo=datetime.timezone.utc),
        "uuid": uuid.UUID(int=1),
        "int4[]": [1, 2, None],
    }
    with connect() as conn:
        for binary in (False, True):
            cursor = conn.cursor(binary=binary)
            for name, value in values.items():
                row = cursor.execute(f"SELECT %s::{name}, NULL::{name}", [value]).fetchone()
                assert row == (value, None), (name, binary, row)
            jsonb = cursor.execute("SELECT %s::jsonb", [psycopg.types.json.Jsonb({"k": [1]})])
            assert jsonb.fetchone() == ({"k": [1]},)


def check_prepared_statements():
    with connect() as conn:
        for number in range(1, 8):
            row = conn.execute("SELECT note FROM orders WHERE id = %s", [number], prepare=True)
            assert row.fetchone() == (f"order {number}",)
        names = conn.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
        assert names[0] >= 1, names


def check_transactions():
    with connect(autocommit=False) as conn:
        conn.execute("INSERT INTO notes (body) VALUES ('psycopg')")
        try:
            with conn.transaction():
                conn.execute("INSERT INTO notes (body) VALUES ('taken back')")
                raise psycopg.Rollback
        except psycopg.Rollback:
            pass
        bodies = conn.execute("SELECT body FROM notes ORDER BY id").fetchall()
        assert bodies == [("psycopg",)], bodies
        conn.rollback()
        assert conn.execute("SELECT count(*) FROM notes").fetchone() == (0,)


def check_pipeline_mode():
    with connect() as conn:
        with conn.pipeline() as pipeline:
            cursors = [conn.execute("SELECT %s::int4 * 2", [n]) for n in range(50)]
            pipeline.sync()
            assert [c.fetchone()[0] for c in cursors] == [n * 2 for n in range(50)]
        conn.execute("SELECT 1")


def check_a_denial_in_a_pipeline():
    with connect() as conn:
        try:
            with conn.pipeline():
                conn.execute("INSERT INTO notes (body) VALUES ('in the pipeline')")
                conn.execute("DROP TABLE orders")
                conn.execute("INSERT INTO notes (body) VALUES ('after it')")
        except errors.InsufficientPrivilege:
            pass
        else:
            raise AssertionError("DROP TABLE was let through")
        assert conn.execute("SELECT count(*) FROM notes").fetchone() == (0,)


def check_named_cursors():
    with connect("ana", autocommit=False) as conn:
        with conn.cursor("server_side") as cursor:
            cursor.itersize = 3
            cursor.execute("SELECT id, email FROM customers ORDER BY id")
            rows = cursor.fetchall()
        assert len(rows) == 20 and all("@" in email for _, email in rows), rows


def check_many_rows_at_once():
    with connect() as conn:
        with conn.cursor() as cursor:
            cursor.executemany("INSERT INTO notes (body) VALUES (%s)", [(f"n{n}",) for n in range(20)])
            cursor.execute("SELECT count(*) FROM notes")
            assert cursor.fetchone() == (20,)
            cursor.execute("DELETE FROM notes WHERE body LIKE 'n%'")
            assert cursor.rowcount == 20


def check_a_denial_is_an_error_of_its_class():
    with connect("ana") as conn:
        for statement in ("DROP TABLE customers", "DELETE FROM orders", "SELECT pg_read_file('x')"):
            try:
                conn.execute(statement)
            except errors.InsufficientPrivilege as error:
                first_line = str(error).splitlines()[0]
                assert first_line.startswith("jurat denied ") and len(first_line) <= 300, first_line
                detail = json.loads(error.diag.message_detail)
                assert detail["decision"] == "deny" and detail["decision_id"] in first_line, detail
                assert error.diag.message_hint
            else:
                raise AssertionError(f"{statement} was let through")
            assert not conn.closed
            assert conn.execute("SELECT 1").fetchone() == (1,)


def check_a_denial_in_a_transaction_fails_the_transaction():
    with connect(autocommit=False) as conn:
        conn.execute("INSERT INTO notes (body) VALUES ('x')")
        try:
            conn.execute("TRUNCATE orders")
        except errors.InsufficientPrivilege:
            pass
        try:
            conn.execute("SELECT 1")
        except errors.InFailedSqlTransaction:
            pass
        else:
            raise AssertionError("the transaction went on")
        conn.rollback()
        assert conn.execute("SELECT count(*) FROM notes").fetchone() == (0,)


def check_copy_in_every_format():
    with connect() as conn, conn.cursor() as cursor:
        with cursor.copy("COPY notes (body) FROM STDIN") as copy:
            for number in range(1000):
                copy.write_row((f"row {number}",))
        assert cursor.rowcount == 1000
        with cursor.copy("COPY notes (body) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["text"])
            copy.write_row(("in binary",))
        with cursor.copy("COPY (SELECT body FROM notes ORDER BY id) TO STDOUT") as copy:
            rows = list(copy.rows())
        assert (len(rows), rows[0], rows[-1]) == (1001, ("row 0",), ("in binary",))
        with cursor.copy("COPY customers (id, email) TO STDOUT (FORMAT csv)") as copy:
            assert b"canary" not in b"".join(copy)
        try:
            with cursor.copy("COPY notes (body) FROM STDIN") as copy:
                copy.write_row(("given up",))
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        assert conn.execute("DELETE FROM notes WHERE id > 0").rowcount == 1001


def check_a_copy_that_is_denied_fails_cleanly():
    with connect() as conn:
        for statement in ("COPY orders TO '/dev/null'", "COPY (DELETE FROM payments RETURNING id) TO STDOUT"):
            try:
                with conn.cursor() as cursor, cursor.copy(statement):
                    raise AssertionError(f"{statement} was let through")
            except errors.InsufficientPrivilege as error:
                assert "COPY" in str(error)
            assert conn.execute("SELECT 1").fetchone() == (1,)


def check_errors_of_the_database_keep_their_class():
    with connect() as conn:
        try:
            conn.execute("INSERT INTO orders (id, customer_id, amount) VALUES (1, 1, 1)")
        except errors.UniqueViolation as error:
            assert error.diag.constraint_name == "orders_pkey"
        else:
            raise AssertionError("a second row with the same key")
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("orders"))
        assert conn.execute(query).fetchone() == (100,)


def main():
    print(f"psycopg {psycopg.__version__} (libpq {psycopg.pq.version()})")
    checks = [(name, check) for name, check in globals().items() if name.startswith("check_")]
    for name, check in checks:
        print(name, flush=True)
        check()
    print(f"{len(checks)} checks passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
