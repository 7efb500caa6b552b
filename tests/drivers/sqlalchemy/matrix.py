"""SQLAlchemy over psycopg and asyncpg: what its users expect. The contract is in tests/it/suite/drivers.rs."""

import datetime
import decimal
import ssl
import uuid

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

import contract
from contract import DENIED, OPEN


class Base(orm.DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    body: orm.Mapped[str | None]


class Customer(Base):
    __tablename__ = "customers"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
    email: orm.Mapped[str]
    tier: orm.Mapped[str]
    orders: orm.Mapped[list["Order"]] = orm.relationship(back_populates="customer", order_by="Order.id")


class Order(Base):
    __tablename__ = "orders"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    customer_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("customers.id"))
    amount: orm.Mapped[decimal.Decimal]
    note: orm.Mapped[str | None]
    customer: orm.Mapped[Customer] = orm.relationship(back_populates="orders")


def url(driver):
    return sa.URL.create(
        f"postgresql+{driver}", contract.USER, contract.PASSWORD, contract.HOST, contract.PORT, contract.DATABASE
    )


def psycopg_engine(**more):
    arguments = {"sslmode": "verify-full", "sslrootcert": contract.CA} if contract.TLS else {"sslmode": "disable"}
    return sa.create_engine(url("psycopg"), connect_args=arguments, **more)


def asyncpg_engine():
    context = ssl.create_default_context(cafile=contract.CA) if contract.TLS else False
    return create_async_engine(url("asyncpg"), connect_args={"ssl": context})


def refused(error):
    """Both drivers' errors arrive as ProgrammingError or DBAPIError, with the driver's own one inside."""
    assert isinstance(error, sa.exc.DBAPIError), error
    driver = error.orig
    assert getattr(driver, "sqlstate", None) == "42501", driver
    assert "jurat denied DELETE on public.payments" in str(driver), driver
    return True


TYPES = [
    (sa.SmallInteger, -(2**15)),
    (sa.Integer, 2**31 - 1),
    (sa.BigInteger, -(2**63)),
    (sa.Numeric(30, 10), decimal.Decimal("12345678901234567890.0123456789")),
    (sa.Double, 1e300),
    (sa.Text, "naïve 💡 'quoted' \\ \n"),
    (sa.LargeBinary, bytes(range(256))),
    (sa.Boolean, True),
    (sa.Uuid, uuid.UUID("0123456789abcdef0123456789abcdef")),
    (sa.Date, datetime.date(2026, 2, 28)),
    (sa.Time, datetime.time(23, 59, 59, 999999)),
    (sa.DateTime(timezone=True), datetime.datetime(2026, 2, 28, 12, tzinfo=datetime.timezone.utc)),
    (sa.Interval, datetime.timedelta(days=3, seconds=5)),
    (sa.JSON, {"k": [1, None, "ü"]}),
    (pg.JSONB, {"k": [1, None, "ü"]}),
    (pg.ARRAY(sa.Integer), [1, 2, None]),
    (pg.INT4RANGE, pg.Range(1, 5)),
]


def check_types(conn):
    for kind, given in TYPES:
        query = sa.select(sa.cast(sa.literal(given, kind), kind), sa.cast(sa.null(), kind))
        assert tuple(conn.execute(query).one()) == (given, None), kind


def case_types():
    with psycopg_engine().connect() as conn:
        check_types(conn)


async def case_types_over_asyncpg():
    async with asyncpg_engine().connect() as conn:
        await conn.run_sync(check_types)


def check_reflection(conn):
    inspector = sa.inspect(conn)
    assert {"customers", "orders", "notes"} <= set(inspector.get_table_names())
    assert {"archive", "public"} <= set(inspector.get_schema_names())
    assert {"contact", "open_orders"} <= set(inspector.get_view_names())
    assert "SELECT" in inspector.get_view_definition("contact")
    columns = {column["name"]: column for column in inspector.get_columns("orders")}
    assert isinstance(columns["amount"]["type"], sa.Numeric) and columns["amount"]["type"].scale == 2
    assert inspector.get_pk_constraint("orders")["constrained_columns"] == ["id"]
    (key,) = inspector.get_foreign_keys("orders")
    assert (key["referred_table"], key["options"]) == ("customers", {"ondelete": "CASCADE"})
    assert inspector.get_unique_constraints("customers")[0]["column_names"] == ["email"]
    assert inspector.get_indexes("customers")[0]["unique"]
    assert inspector.get_check_constraints("orders") == []
    assert inspector.get_sequence_names() == ["notes_id_seq"]
    assert inspector.get_table_comment("orders") == {"text": None}
    assert inspector.get_enums() == []
    assert not inspector.has_table("nothing")
    metadata = sa.MetaData()
    metadata.reflect(bind=conn, views=True)
    assert metadata.tables["payments"].c.order_id.foreign_keys
    metadata.reflect(bind=conn, schema="archive")
    assert "archive.customers" in metadata.tables


def case_reflection():
    with psycopg_engine().connect() as conn:
        check_reflection(conn)


async def case_reflection_over_asyncpg():
    async with asyncpg_engine().connect() as conn:
        await conn.run_sync(check_reflection)


def use_orm(session):
    query = sa.select(Customer).options(orm.selectinload(Customer.orders)).where(Customer.id.in_([1, 2]))
    customers = session.scalars(query.order_by(Customer.id)).all()
    assert [[order.id for order in customer.orders][:2] for customer in customers] == [[1, 21], [2, 22]]
    joined = sa.select(Order).options(orm.joinedload(Order.customer)).where(Order.id == 3)
    assert session.scalars(joined).one().customer.name == "Customer 3"
    total = sa.func.sum(Order.amount).over(partition_by=Order.customer_id).label("total")
    inner = sa.select(Order.id, total).cte("totals")
    assert session.scalar(sa.select(inner.c.total).where(inner.c.id == 1)) == decimal.Decimal("256.25")
    session.add_all([Note(body=f"note {number}") for number in range(30)])
    session.flush()
    note = session.scalars(sa.select(Note).where(Note.body == "note 3")).one()
    note.body = "changed"
    session.flush()
    session.refresh(note)
    assert note.body == "changed"
    session.delete(note)
    session.flush()
    insert = pg.insert(Note).values(id=note.id + 1000, body="a")
    session.execute(insert.on_conflict_do_update(index_elements=["id"], set_={"body": insert.excluded.body}))
    updated = sa.update(Note).where(Note.body.like("note 1%")).values(body="many").returning(Note.id)
    assert len(session.execute(updated).all()) == 11
    session.rollback()
    assert session.scalar(sa.select(sa.func.count()).select_from(Note)) == 0


def case_orm():
    with orm.Session(psycopg_engine()) as session:
        use_orm(session)


async def case_orm_over_asyncpg():
    async with AsyncSession(asyncpg_engine()) as session:
        await session.run_sync(use_orm)


def case_transactions():
    with psycopg_engine(isolation_level="REPEATABLE READ").connect() as conn:
        with conn.begin() as outer:
            conn.execute(sa.insert(Note).values(body="kept"))
            try:
                with conn.begin_nested():
                    conn.execute(sa.insert(Note).values(body="taken back"))
                    raise KeyError
            except KeyError:
                pass
            assert conn.scalars(sa.select(Note.body)).all() == ["kept"]
            outer.rollback()
        assert conn.scalar(sa.select(sa.func.count()).select_from(Note)) == 0


def case_streaming():
    numbers = sa.text("SELECT n FROM numbers ORDER BY n LIMIT 3000")
    with psycopg_engine().connect() as conn:
        rows = conn.execution_options(stream_results=True, max_row_buffer=700).execute(numbers)
        assert sum(rows.scalars()) == 3000 * 3001 // 2


async def case_streaming_over_asyncpg():
    async with asyncpg_engine().connect() as conn:
        rows = await conn.stream(sa.text("SELECT n FROM numbers ORDER BY n LIMIT 3000"))
        assert sum([row.n async for row in rows]) == 3000 * 3001 // 2


def case_pool():
    engine = psycopg_engine(pool_size=2, pool_pre_ping=True, pool_reset_on_return="rollback")
    for number in range(6):
        with engine.connect() as conn:
            assert conn.scalar(sa.select(sa.literal(number))) == number


def case_denial_when_idle():
    told = None
    with psycopg_engine(isolation_level="AUTOCOMMIT").connect() as conn:
        try:
            conn.execute(sa.text(DENIED))
        except sa.exc.ProgrammingError as error:
            assert refused(error)
        else:
            told = OPEN
        assert conn.scalar(sa.text("SELECT 1")) == 1
    return told


def denied_in_a_transaction(conn):
    conn.execute(sa.insert(Note).values(body="x"))
    try:
        with conn.begin_nested():
            conn.execute(sa.text(DENIED))
    except sa.exc.DBAPIError as error:
        assert refused(error)
        told = None
    else:
        told = OPEN
    # The savepoint takes the denial back, and the transaction goes on.
    assert conn.scalar(sa.select(sa.func.count()).select_from(Note)) == 1
    conn.rollback()
    assert conn.scalar(sa.select(sa.func.count()).select_from(Note)) == 0
    return told


def case_denial_in_a_transaction():
    with psycopg_engine().connect() as conn:
        return denied_in_a_transaction(conn)


async def case_denial_in_a_transaction_over_asyncpg():
    async with asyncpg_engine().connect() as conn:
        return await conn.run_sync(denied_in_a_transaction)


def case_masked_column():
    with orm.Session(psycopg_engine()) as session:
        told = contract.check_mask(session.get(Customer, 7).email)
        order = session.scalars(sa.select(Order).options(orm.joinedload(Order.customer)).where(Order.id == 7)).one()
        assert contract.check_mask(order.customer.email) == told
    return told


if __name__ == "__main__":
    contract.main(sa.__version__, globals())
