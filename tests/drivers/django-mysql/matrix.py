"""Django over mysqlclient, or over PyMySQL in its place: what its users expect. The contract is in tests/it/suite/drivers.rs.

`migrate` and the schema editor change definitions, so the database behind Jurat is a staging one.
"""

import datetime
import decimal
import io
import uuid
import warnings

try:
    import MySQLdb  # noqa: F401
except ImportError:
    import pymysql

    # What PyMySQL's users write: the framework asks for a version of mysqlclient.
    pymysql.version_info = (2, 2, 4, "final", 0)
    pymysql.install_as_MySQLdb()

import django
from django.conf import settings

import contract
from contract import DENIED, OPEN

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.mysql",
            "HOST": contract.HOST,
            "PORT": contract.PORT,
            "USER": contract.USER,
            "PASSWORD": contract.PASSWORD,
            "NAME": contract.DATABASE,
            "OPTIONS": {"charset": "utf8mb4"} | ({"ssl": {"ca": contract.CA}} if contract.TLS else {}),
        }
    },
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "shop"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    TIME_ZONE="UTC",
    USE_TZ=True,
    SECRET_KEY="for a test",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
)
django.setup()

from django.contrib.auth.models import Group, Permission, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import DatabaseError, IntegrityError, OperationalError, connection, connections, models, transaction  # noqa: E402
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum, Value, Window  # noqa: E402
from django.db.models.functions import Concat, ExtractYear, Lower, Rank, TruncMonth  # noqa: E402
from shop.models import Customer, Everything, Note, Order, Payment  # noqa: E402


BANG = Value("!", output_field=models.CharField())

VALUES = {
    "small": -(2**15),
    "big": 2**63 - 1,
    "exact": decimal.Decimal("12345678901234567890.0123456789"),
    "real": 1e300,
    "text": "naïve — 'quoted' \\ \n",
    "data": bytes(range(256)),
    "yes": True,
    "key": uuid.UUID("d3b07384d9a04f3a9c5b2b1a5c6d7e8f"),
    "day": datetime.date(2026, 2, 28),
    "time": datetime.time(23, 59, 59, 999999),
    "moment": datetime.datetime(2026, 2, 28, 12, tzinfo=datetime.timezone.utc),
    "span": datetime.timedelta(days=3, seconds=5),
    "document": {"k": [1, None, "ü"]},
    "address": "10.1.2.3",
    "nothing": None,
}


def case_migrate():
    call_command("migrate", verbosity=0)
    call_command("migrate", verbosity=0, check_unapplied=True)
    assert Permission.objects.filter(codename="add_user").exists()
    user = User.objects.create_user("ana", "ana@shop.example", "secret")
    group = Group.objects.create(name="staff")
    user.groups.add(group)
    user.user_permissions.add(Permission.objects.get(codename="view_user"))
    user = User.objects.get(username="ana")
    assert user.has_perm("auth.view_user") and not user.has_perm("auth.add_user")
    call_command("migrate", "sessions", "zero", verbosity=0)
    call_command("migrate", "sessions", verbosity=0)
    call_command("flush", verbosity=0, interactive=False)
    assert User.objects.count() == 0


def case_schema_editor_and_types():
    with connection.schema_editor() as editor:
        editor.create_model(Everything)
    made = Everything.objects.create(**VALUES)
    found = Everything.objects.get(pk=made.pk)
    for name, given in VALUES.items():
        value = getattr(found, name)
        assert (bytes(value) if name == "data" else value) == given, (name, value)
    years = Everything.objects.annotate(year=ExtractYear("moment"), month=TruncMonth("moment"))
    assert years.filter(document__k__0=1).get().year == 2026
    found.delete()
    field = models.TextField(default="x")
    field.set_attributes_from_name("added")
    wider = models.CharField(max_length=200, null=True)
    wider.set_attributes_from_name("text")
    with connection.schema_editor() as editor:
        editor.add_field(Everything, field)
        editor.alter_field(Everything, Everything._meta.get_field("text"), wider)
        editor.remove_index(Everything, Everything._meta.indexes[0])
        editor.remove_field(Everything, field)
    with connection.schema_editor() as editor:
        editor.delete_model(Everything)


def case_introspection():
    out = io.StringIO()
    call_command("inspectdb", "customers", "orders", "open_orders", include_views=True, stdout=out)
    for words in ("class Customers(models.Model)", "models.DecimalField(max_digits=10, decimal_places=2)",
                  "models.ForeignKey(Customers", "class OpenOrders(models.Model)"):
        assert words in out.getvalue(), out.getvalue()
    with connection.cursor() as cursor:
        introspection = connection.introspection
        assert {"orders", "notes"} <= set(introspection.table_names(cursor))
        constraints = introspection.get_constraints(cursor, "customers")
        assert constraints["email"]["unique"]
        assert introspection.get_relations(cursor, "orders")["customer_id"][:2] == ("id", "customers")
        (sequence,) = introspection.get_sequences(cursor, "notes")
        assert sequence["column"] == "id"
    call_command("check", databases=["default"], stdout=io.StringIO())


def case_queries():
    orders, customers = Order.objects, Customer.objects
    assert orders.select_related("customer").get(pk=3).customer.name == "Customer 3"
    # Without values() it would group by every column, and grouping by a masked one is refused.
    rich = customers.values("id", "name").annotate(n=Count("orders"), total=Sum("orders__amount")).filter(total__gt=300)
    assert all(customer["n"] == 5 for customer in rich) and len(rich) > 0
    heavy = orders.annotate(n=Count("payment")).filter(n=1, pk__lt=10)
    assert len(heavy) == 9
    found = customers.prefetch_related("orders").filter(Q(pk=1) | Q(name__icontains="mer 2"), pk__lt=21)
    assert {len(customer.orders.all()) for customer in found} == {5}
    big = orders.filter(customer=OuterRef("pk"), amount__gt=120)
    assert customers.filter(Exists(big)).count() == 4
    newest = orders.filter(customer=OuterRef("pk")).order_by("-pk").values("note")[:1]
    assert customers.annotate(last=Subquery(newest)).get(pk=1).last == "order 81"
    ranked = orders.annotate(rank=Window(Rank(), partition_by="customer", order_by="-amount"))
    assert ranked.filter(rank=1).count() == 20
    names = customers.annotate(label=Concat(Lower("name"), BANG)).values_list("label", flat=True)
    assert "customer 1!" in names
    assert customers.filter(name__regex="^Customer 1$", name__contains="Cust").count() == 1
    assert orders.values("customer__tier").annotate(n=Count("pk")).order_by("customer__tier")[0]["n"] == 90
    both = orders.filter(pk__lt=3).union(orders.filter(pk__gt=98)).order_by("id")
    assert [order.pk for order in both] == [1, 2, 99, 100]
    assert orders.order_by("-pk")[10:20][0].pk == 90
    assert Payment.objects.filter(order__customer__pk=1).aggregate(n=Count("pk"))["n"] == 5
    assert sum(order.pk for order in orders.iterator(chunk_size=9)) == 5050
    assert "orders" in orders.explain()
    assert Order.objects.raw("SELECT * FROM orders WHERE id = %s", [5])[0].note == "order 5"


def case_writes():
    notes = Note.objects
    notes.bulk_create([Note(body=f"note {number}") for number in range(40)])
    assert notes.filter(body__startswith="note 1").update(body=Concat(F("body"), BANG)) == 11
    first = notes.order_by("pk")[0]
    notes.bulk_create([Note(pk=first.pk, body="again")], update_conflicts=True, update_fields=["body"])
    first.refresh_from_db()
    assert first.body == "again"
    assert notes.get_or_create(body="only")[1] and not notes.get_or_create(body="only")[1]
    assert notes.update_or_create(body="only", defaults={"body": "last"})[0].body == "last"
    notes.bulk_update([first], ["body"])
    with transaction.atomic():
        assert notes.select_for_update(skip_locked=True).get(pk=first.pk).body == "again"
    assert notes.filter(pk__gte=0).delete()[0] == 41


def case_transactions():
    notes, done = Note.objects, []
    with transaction.atomic():
        notes.create(body="kept")
        try:
            with transaction.atomic():
                notes.create(body="taken back")
                raise KeyError
        except KeyError:
            pass
        transaction.on_commit(lambda: done.append("done"))
    assert done == ["done"] and [note.body for note in notes.all()] == ["kept"]
    notes.filter(body="kept").delete()


def case_errors_keep_their_class():
    try:
        Order.objects.create(pk=1, customer_id=1, amount=1)
    except IntegrityError as error:
        assert error.__cause__.args[0] == 1062
    else:
        raise AssertionError("a second row with the same key")


def denied():
    with connection.cursor() as cursor:
        cursor.execute(DENIED)


def refused(error):
    number, message = error.__cause__.args
    assert isinstance(error, OperationalError) and number == 1142, error
    return "jurat denied DELETE on shop.payments" in message


def case_denial_when_idle():
    told = None
    try:
        with transaction.atomic():
            denied()
            told = OPEN
            transaction.set_rollback(True)
    except DatabaseError as error:
        assert refused(error)
    assert Order.objects.count() == 100
    return told


def case_denial_in_a_transaction():
    told = None
    with transaction.atomic():
        Note.objects.create(body="y")
        try:
            with transaction.atomic():
                denied()
                told = OPEN
        except DatabaseError as error:
            assert refused(error)
        assert Note.objects.count() == 1
        transaction.set_rollback(True)
    assert Note.objects.count() == 0
    return told


def case_masked_column():
    told = contract.check_mask(Customer.objects.get(pk=7).email)
    assert contract.check_mask(Order.objects.select_related("customer").get(pk=7).customer.email) == told
    assert contract.check_mask(next(Customer.objects.filter(pk=7).iterator()).email) == told
    return told


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    contract.main(django.__version__, globals())
    connections.close_all()
