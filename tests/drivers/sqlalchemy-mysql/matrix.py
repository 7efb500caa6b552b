"""SQLAlchemy over PyMySQL and mysqlclient: what its users expect. The contract is in tests/it/suite/drivers.rs."""

import datetime
import decimal
import importlib.util

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import mysql

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


# mysqlclient is there only where it could be built.
DRIVERS = ["pymysql"] + (["mysqldb"] if importlib.util.find_spec("MySQLdb") else [])


def engine(driver="pymysql", **more):
    place = (contract.USER, contract.PASSWORD, contract.HOST, contract.PORT, contract.DATABASE, {"charset": "utf8mb4"})
    ssl = {"ca": contract.CA} | ({"check_hostname": False} if driver == "pymysql" else {})
    arguments = {"ssl": ssl} if contract.TLS else {}
    return sa.create_engine(sa.URL.create(f"mysql+{driver}", *place), connect_args=arguments, **more)


def refused(error):
    """The drivers' errors arrive as one of SQLAlchemy's, with the driver's own one inside."""
    assert isinstance(error, sa.exc.DBAPIError), error
    assert error.orig.args[0] == 1142, error.orig
    assert "jurat denied DELETE on shop.payments" in str(error.orig), error.orig
    return True


TYPES = [
    (mysql.BIGINT, -(2**63)),
    (mysql.BIGINT(unsigned=True), 2**64 - 1),
    (sa.Numeric(30, 10), decimal.Decimal("12345678901234567890.0123456789")),
    (sa.String(100), "naïve — 'quoted' \\ \n"),
    (sa.LargeBinary(256), bytes(range(256))),
    (sa.Date, datetime.date(2026, 2, 28)),
    (mysql.DATETIME(fsp=6), datetime.datetime(2026, 2, 28, 12, 0, 0, 5)),
]


def case_types():
    for driver in DRIVERS:
        with engine(driver).connect() as conn:
            for kind, given in TYPES:
                query = sa.select(sa.cast(sa.literal(given, kind), kind), sa.cast(sa.null(), kind))
                assert tuple(conn.execute(query).one()) == (given, None), kind
            document = sa.select(sa.func.json_extract(sa.literal('{"k": [1, "ü"]}'), "$.k"))
            assert conn.scalar(document) == '[1, "ü"]'


def case_reflection():
    with engine().connect() as conn:
        inspector = sa.inspect(conn)
        assert {"customers", "orders", "notes"} <= set(inspector.get_table_names())
        assert {"archive", "shop"} <= set(inspector.get_schema_names())
        assert {"contact", "open_orders"} <= set(inspector.get_view_names())
        columns = {column["name"]: column for column in inspector.get_columns("orders")}
        assert isinstance(columns["amount"]["type"], sa.Numeric) and columns["amount"]["type"].scale == 2
        assert inspector.get_pk_constraint("orders")["constrained_columns"] == ["id"]
        (key,) = inspector.get_foreign_keys("orders")
        assert (key["referred_table"], key["options"]) == ("customers", {"ondelete": "CASCADE"})
        assert inspector.get_unique_constraints("customers")[0]["column_names"] == ["email"]
        assert inspector.get_indexes("customers")[0]["unique"]
        assert not inspector.has_table("nothing")
        metadata = sa.MetaData()
        metadata.reflect(bind=conn)
        assert metadata.tables["payments"].c.order_id.foreign_keys
        metadata.reflect(bind=conn, schema="archive")
        assert "archive.customers" in metadata.tables


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
    session.refresh(note, with_for_update=True)
    session.delete(note)
    session.flush()
    insert = mysql.insert(Note).values(id=note.id + 1000, body="a")
    for _ in range(2):
        session.execute(insert.on_duplicate_key_update(body=sa.func.concat(insert.inserted.body, "!")))
    assert session.scalar(sa.select(Note.body).where(Note.id == note.id + 1000)) == "a!"
    updated = sa.update(Note).where(Note.body.like("note 1%")).values(body="many")
    assert session.execute(updated).rowcount == 11
    session.rollback()
    assert session.scalar(sa.select(sa.func.count()).select_from(Note)) == 0


def case_orm():
    for driver in DRIVERS:
        with orm.Session(engine(driver)) as session:
            use_orm(session)


def case_transactions():
    with engine(isolation_level="REPEATABLE READ").connect() as conn:
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
        assert conn.get_isolation_level() == "REPEATABLE READ"


def case_streaming():
    numbers = sa.text("SELECT n FROM numbers ORDER BY n LIMIT 3000")
    for driver in DRIVERS:
        with engine(driver).connect() as conn:
            rows = conn.execution_options(stream_results=True, max_row_buffer=700).execute(numbers)
            assert sum(rows.scalars()) == 3000 * 3001 // 2


def case_pool():
    for driver in DRIVERS:
        made = engine(driver, pool_size=2, pool_pre_ping=True, pool_reset_on_return="rollback")
        for number in range(6):
            with made.connect() as conn:
                assert conn.scalar(sa.select(sa.literal(number))) == number


def case_denial_when_idle():
    told = None
    for driver in DRIVERS:
        with engine(driver, isolation_level="AUTOCOMMIT").connect() as conn:
            try:
                conn.execute(sa.text("START TRANSACTION"))
                conn.execute(sa.text(DENIED))
            except sa.exc.DBAPIError as error:
                assert refused(error)
            else:
                told = OPEN
            conn.execute(sa.text("ROLLBACK"))
            assert conn.scalar(sa.text("SELECT 1")) == 1
    return told


def case_denial_in_a_transaction():
    with engine().connect() as conn:
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


def case_masked_column():
    with orm.Session(engine()) as session:
        told = contract.check_mask(session.get(Customer, 7).email)
        order = session.scalars(sa.select(Order).options(orm.joinedload(Order.customer)).where(Order.id == 7)).one()
        assert contract.check_mask(order.customer.email) == told
    return told


if __name__ == "__main__":
    contract.main(sa.__version__, globals())
