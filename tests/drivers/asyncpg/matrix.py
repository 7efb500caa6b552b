"""asyncpg: what its users expect of a connection. The contract is in tests/it/suite/drivers.rs."""

import asyncio
import contextlib
import datetime
import decimal
import io
import ipaddress
import json
import ssl
import uuid

import asyncpg

import contract
from contract import DENIED, OPEN

NOTES = "SELECT count(*) FROM notes"


def trusting(certificate):
    return ssl.create_default_context(cafile=certificate)


def options(**more):
    usual = {
        "host": contract.HOST,
        "port": contract.PORT,
        "user": contract.USER,
        "password": contract.PASSWORD,
        "database": contract.DATABASE,
        "ssl": trusting(contract.CA) if contract.TLS else False,
    }
    return usual | more


@contextlib.asynccontextmanager
async def connect(**more):
    conn = await asyncpg.connect(**options(**more))
    try:
        yield conn
    finally:
        await conn.close(timeout=20)


def refused(error):
    return contract.is_refusal(error.message, error.detail)


async def case_tls_verifies_the_certificate():
    async with connect(ssl=trusting(contract.CA)) as conn:
        assert await conn.fetchval("SELECT 1") == 1
    for direct in (False, True):
        try:
            await asyncpg.connect(**options(ssl=trusting(contract.FOREIGN_CA), direct_tls=direct))
        except (ssl.SSLError, ConnectionError) as error:
            assert direct or "CERTIFICATE_VERIFY_FAILED" in str(error), error
        else:
            raise AssertionError("connected to a server with a certificate that is not trusted")


async def case_types_in_binary():
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
        "json": '{"k": [1, null]}',
        "jsonb": '{"k": [1, null]}',
        "inet": ipaddress.ip_address("10.1.2.3"),
        "cidr": ipaddress.ip_network("10.0.0.0/8"),
        "point": asyncpg.Point(1.5, -2),
        "int4range": asyncpg.Range(1, 5),
        "int4multirange": [asyncpg.Range(1, 5), asyncpg.Range(7, 8)],
        "int4[]": [1, 2, None],
        "text[]": ["a,b", '"', "", None],
        "numeric[]": [[decimal.Decimal("1.5")], [decimal.Decimal("2")]],
    }
    async with connect() as conn:
        for name, given in values.items():
            row = await conn.fetchrow(f"SELECT $1::{name}, $2::{name}", given, None)
            assert tuple(row) == (given, None), (name, row)


async def case_types_in_text():
    """Types that the driver is told to carry as text, and the simple protocol, which is text throughout."""
    async with connect() as conn:
        await conn.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=str, format="text")
        assert await conn.fetchval("SELECT $1::jsonb", '{"a": 1}') == '{"a": 1}'
        await conn.reset_type_codec("jsonb", schema="pg_catalog")
        assert await conn.execute("SELECT 1; SELECT 2") == "SELECT 1"


async def case_catalog_queries():
    """A type that the driver does not know makes it read the catalog with a recursive query."""
    async with connect() as conn:
        row = await conn.fetchrow("SELECT o FROM orders o WHERE id = 1")
        assert row["o"]["note"] == "order 1", row
        rows = await conn.fetchval("SELECT array_agg(o ORDER BY id) FROM orders o WHERE id < 3")
        assert [one["id"] for one in rows] == [1, 2]
        described = await conn.prepare("SELECT id, amount FROM orders WHERE note = $1")
        assert [str(one.type.name) for one in described.get_attributes()] == ["int4", "numeric"]
        assert [one.name for one in described.get_parameters()] == ["text"]
        await conn.reload_schema_state()


async def case_prepared_statements():
    async with connect(statement_cache_size=3) as conn:
        statement = await conn.prepare("SELECT note FROM orders WHERE id = $1")
        for number in range(1, 9):
            assert await statement.fetchval(number) == f"order {number}"
            # More statements than the cache holds: the driver closes the oldest.
            assert await conn.fetchval(f"SELECT id + {number} FROM orders WHERE id = $1", 1) == 1 + number
        named = await conn.prepare("SELECT amount FROM orders WHERE id = $1", name="by_id")
        assert await named.fetchval(2) == decimal.Decimal("2.50")
        assert await conn.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE name = 'by_id'") == 1
    async with connect(statement_cache_size=0) as conn:
        assert await conn.fetchval("SELECT $1::int4", 1) == 1


async def case_transactions():
    insert = "INSERT INTO notes (body) VALUES ($1)"
    async with connect() as conn:
        outer = conn.transaction(isolation="serializable")
        await outer.start()
        await conn.execute(insert, "kept")
        try:
            async with conn.transaction():
                await conn.execute(insert, "taken back")
                raise KeyError
        except KeyError:
            pass
        async with conn.transaction():
            await conn.execute(insert, "nested")
        bodies = [row["body"] for row in await conn.fetch("SELECT body FROM notes ORDER BY id")]
        assert bodies == ["kept", "nested"], bodies
        await outer.rollback()
        assert await conn.fetchval(NOTES) == 0
        try:
            async with conn.transaction(readonly=True):
                await conn.execute(insert, "read only")
        except asyncpg.ReadOnlySQLTransactionError:
            pass
        else:
            raise AssertionError("wrote in a read-only transaction")


async def case_many_rows_at_once():
    """All rows go in one pipeline with one Sync: all of them or none."""
    async with connect() as conn:
        insert = "INSERT INTO notes (id, body) VALUES ($1, $2)"
        await conn.executemany(insert, [(number, "many") for number in range(1000, 1100)])
        assert await conn.fetchval(NOTES) == 100
        try:
            await conn.executemany(insert, [(1100, "new"), (1000, "twice")])
        except asyncpg.UniqueViolationError:
            pass
        else:
            raise AssertionError("a second row with the same key")
        rows = await conn.fetchmany("DELETE FROM notes WHERE id = $1 RETURNING id", [(n,) for n in range(1000, 1100)])
        assert len(rows) == 100 and await conn.fetchval(NOTES) == 0


async def case_copy_in_and_out():
    async with connect() as conn:
        rows = [(number, f"copied {number}") for number in range(1000)]
        assert await conn.copy_records_to_table("notes", columns=["id", "body"], records=rows) == "COPY 1000"
        source = io.BytesIO(b"2000\ttext\n2001\t\\N\n")
        assert await conn.copy_to_table("notes", columns=["id", "body"], source=source) == "COPY 2"
        assert await conn.fetchval(NOTES) == 1002
        out = io.BytesIO()
        await conn.copy_from_query("SELECT id, body FROM notes WHERE id >= $1 ORDER BY id", 2000, output=out)
        assert out.getvalue() == b"2000\ttext\n2001\t\\N\n", out.getvalue()
        out = io.BytesIO()
        await conn.copy_from_table("orders", columns=["id", "note"], output=out, format="csv", header=True)
        assert out.getvalue().startswith(b"id,note\n1,order 1\n")
        out = io.BytesIO()
        await conn.copy_from_table("orders", columns=["id"], output=out, format="binary")
        assert out.getvalue().startswith(b"PGCOPY\n\xff\r\n\0")
        await conn.execute("DELETE FROM notes WHERE id >= 0 AND id = id + 0")


async def case_cursors():
    async with connect() as conn, conn.transaction():
        total = 0
        async for row in conn.cursor("SELECT n FROM numbers ORDER BY n LIMIT $1", 5000, prefetch=100):
            total += row["n"]
        assert total == 5000 * 5001 // 2
        cursor = await conn.cursor("SELECT id FROM orders ORDER BY id")
        assert await cursor.forward(10) == 10
        assert (await cursor.fetchrow())["id"] == 11
        assert len(await cursor.fetch(200)) == 89


async def case_cancel():
    async with connect() as conn, connect() as watcher:
        for asked in ("a time-out", "a canceled task"):
            if asked == "a time-out":
                # The driver sends a cancel request when its own time-out passes.
                running = asyncio.create_task(conn.execute("SELECT pg_sleep(60)", timeout=0.5))
            else:
                running = asyncio.create_task(conn.execute("SELECT pg_sleep(60)"))
            while await watcher.fetchval(contract.SLEEPING) == 0 and not running.done():
                await asyncio.sleep(0.01)
            if asked == "a canceled task":
                running.cancel()
            try:
                await running
            except (asyncio.TimeoutError, asyncio.CancelledError):
                pass
            else:
                raise AssertionError("not canceled")
            assert await conn.fetchval("SELECT 1") == 1


async def case_notifications():
    async with connect() as listener, connect() as speaker:
        heard = asyncio.get_running_loop().create_future()
        await listener.add_listener("news", lambda _conn, _pid, channel, text: heard.set_result((channel, text)))
        await speaker.execute("SELECT pg_notify('news', $1)", "from another")
        assert await heard == ("news", "from another")
        await listener.reset()


async def case_pool():
    """A pool resets each connection: pg_advisory_unlock_all, CLOSE ALL, UNLISTEN *, RESET ALL in one message."""
    async with asyncpg.create_pool(**options(min_size=1, max_size=3)) as pool:
        numbers = await asyncio.gather(*[pool.fetchval("SELECT $1::int4", n) for n in range(20)])
        assert numbers == list(range(20))


async def case_errors_keep_their_class():
    async with connect() as conn:
        try:
            await conn.execute("INSERT INTO orders (id, customer_id, amount) VALUES ($1, 1, 1)", 1)
        except asyncpg.UniqueViolationError as error:
            assert (error.constraint_name, error.table_name) == ("orders_pkey", "orders")
        else:
            raise AssertionError("a second row with the same key")


async def case_denial_when_idle():
    told = None
    async with connect() as conn:
        for run in (conn.execute, conn.fetch, conn.prepare):
            try:
                await run(DENIED)
            except asyncpg.InsufficientPrivilegeError as error:
                assert refused(error) and error.hint
            else:
                told = OPEN
            assert await conn.fetchval("SELECT 1") == 1
    return told


async def case_denial_in_a_transaction():
    async with connect() as conn:
        block = conn.transaction()
        await block.start()
        await conn.execute("INSERT INTO notes (body) VALUES ('x')")
        try:
            await conn.fetch(DENIED)
        except asyncpg.InsufficientPrivilegeError as error:
            assert refused(error)
        else:
            await block.rollback()
            return OPEN
        try:
            await conn.fetchval("SELECT 1")
        except asyncpg.InFailedSQLTransactionError:
            pass
        else:
            raise AssertionError("the transaction went on")
        await block.rollback()
        assert await conn.fetchval(NOTES) == 0
    return None


async def case_denial_in_a_pipeline():
    """executemany sends Parse and Sync, and then all rows: the denial comes first, and no row is sent."""
    async with connect() as conn:
        try:
            await conn.executemany("UPDATE payments SET paid = $1", [(True,), (False,)])
        except asyncpg.InsufficientPrivilegeError as error:
            assert "guardrails.write_without_where" in error.message
            assert await conn.fetchval("SELECT count(*) FROM payments") == 100
            return None
        return OPEN


async def case_masked_column():
    read = "SELECT email FROM customers WHERE id = $1"
    async with connect() as conn:
        told = contract.check_mask(await conn.fetchval(read, 7))
        async with conn.transaction():
            cursor = await conn.cursor(read, 7)
            assert contract.check_mask((await cursor.fetchrow())["email"]) == told
        # A masked row has no named type any more, so its columns are reached by number.
        row = await conn.fetchval("SELECT c FROM customers c WHERE id = 7")
        assert contract.check_mask(row[2]) == told
    return told


async def case_sql_about_jurat():
    who = "SHOW jurat.whoami"
    async with connect() as conn:
        for _ in range(2):
            try:
                told = await conn.fetchval(who)
            except asyncpg.UndefinedObjectError:
                return OPEN
            assert json.loads(told)["id"] == contract.USER, told
        prepared = await conn.prepare(who)
        assert [column.name for column in prepared.get_attributes()] == ["whoami"]
        assert await prepared.fetchval() == told
        try:
            await conn.execute("CALL jurat.show_approval($1)", "AP-00000000")
        except asyncpg.FeatureNotSupportedError as error:
            assert "[approvals]" in str(error), error
        else:
            raise AssertionError("there are no approvals")
        async with conn.transaction():
            assert [row[0] async for row in conn.cursor(who)] == [told]
        try:
            await conn.execute(DENIED)
        except asyncpg.InsufficientPrivilegeError as error:
            assert json.loads(await conn.fetchval("SHOW jurat.last_decision")) == json.loads(error.detail)
    return None


if __name__ == "__main__":
    contract.main(asyncpg.__version__, globals())
