"""A small shop on Django: what its ORM sends in everyday use. The models are those of the driver tests."""

import datetime
import os
import uuid

import django
from django.conf import settings

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["PGHOST"],
            "PORT": os.environ["PGPORT"],
            "USER": os.environ["PGUSER"],
            "PASSWORD": os.environ["PGPASSWORD"],
            "NAME": os.environ["PGDATABASE"],
        }
    },
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "django.contrib.postgres",
        "shop",
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    TIME_ZONE="Europe/Vienna",
    USE_TZ=True,
    SECRET_KEY="for a test",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
)
django.setup()

from django.contrib.auth import authenticate  # noqa: E402
from django.contrib.auth.models import Group, Permission, User  # noqa: E402
from django.contrib.postgres.aggregates import ArrayAgg, JSONBAgg, StringAgg  # noqa: E402
from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.cache.backends.db import DatabaseCache  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.db.models import Avg, Case, Count, Exists, F, Max, OuterRef, Prefetch, Q, Subquery, Sum, Value, When, Window  # noqa: E402
from django.db.models import functions as fn  # noqa: E402
from shop.models import Customer, Everything, Note, Order, Payment  # noqa: E402

call_command("migrate", verbosity=0)
with connection.schema_editor() as editor:
    editor.create_model(Everything)
    field = models.TextField(null=True)
    field.set_attributes_from_name("added")
    editor.add_field(Everything, field)
    wider = models.CharField(max_length=200, null=True)
    wider.set_attributes_from_name("added")
    editor.alter_field(Everything, field, wider)
    index = models.Index(fn.Lower("text"), name="by_lower_text")
    editor.add_index(Everything, index)
    unique = models.UniqueConstraint(fn.Lower("text"), "day", name="one_text_a_day", condition=Q(yes=True))
    editor.add_constraint(Everything, unique)
    editor.remove_constraint(Everything, unique)
    editor.remove_index(Everything, index)
    editor.alter_db_table_comment(Everything, None, "every kind")


def users():
    user = User.objects.create_user("ana", "ana@shop.example", "secret")
    authenticate(username="ana", password="secret")
    group = Group.objects.create(name="staff")
    user.groups.add(group)
    user.user_permissions.add(*Permission.objects.filter(codename__startswith="view_")[:3])
    user.has_perm("auth.view_user")
    user.get_all_permissions()
    session = SessionStore()
    session["cart"] = [1, 2]
    session.save()
    SessionStore(session.session_key).load()
    session.save()
    SessionStore.clear_expired()
    session.delete()
    user.groups.clear()
    user.delete()


def reads():
    list(Customer.objects.filter(name__startswith="C", tier__in=["gold", "basic"]).exclude(id=3).order_by("-name")[:5])
    list(Customer.objects.filter(Q(name__icontains="x") | ~Q(email__endswith=".example"), orders__amount__gt=5).distinct())
    list(Customer.objects.filter(name__regex="^C", email__iregex="LEAK", name__iexact="customer 1"))
    list(Order.objects.select_related("customer").filter(customer__tier="gold", note__isnull=False)[2:4])
    list(Customer.objects.prefetch_related(Prefetch("orders", queryset=Order.objects.filter(amount__lt=100))))
    list(Order.objects.values("customer__tier").annotate(n=Count("id"), total=Sum("amount"), top=Max("amount")).order_by("-total"))
    list(Customer.objects.annotate(n=Count("orders", distinct=True, filter=Q(orders__amount__gt=10))).filter(n__gt=0))
    Order.objects.aggregate(Avg("amount"), n=Count("*"), spread=Max("amount") - models.Min("amount"))
    Customer.objects.filter(id=1).exists(), Customer.objects.count(), Order.objects.latest("id"), Order.objects.in_bulk([1, 2])
    list(Customer.objects.filter(Exists(Payment.objects.filter(order__customer=OuterRef("pk"), paid=True))))
    newest = Order.objects.filter(customer=OuterRef("pk")).order_by("-id")
    list(Customer.objects.annotate(newest=Subquery(newest.values("note")[:1])).values_list("name", "newest"))
    list(Order.objects.annotate(r=Window(fn.Rank(), partition_by="customer", order_by=F("amount").desc(nulls_last=True))).filter(r=1))
    list(Order.objects.annotate(s=Window(Sum("amount"), order_by="id", frame=models.RowRange(start=-2, end=0))).values("s"))
    list(Order.objects.annotate(size=Case(When(amount__gt=100, then=Value("big", output_field=models.TextField())), default=Value("small", output_field=models.TextField()))).values("size").annotate(n=Count("id")))
    list(Customer.objects.annotate(up=fn.Upper("name"), n=fn.Length("name"), both=fn.Concat("name", Value(" ", output_field=models.TextField()), "email", output_field=models.TextField()), c=fn.Coalesce("tier", Value("none", output_field=models.TextField()))))
    list(Customer.objects.values_list(fn.Substr("name", 1, 3), fn.Replace("email", Value("@", output_field=models.TextField()), Value("#", output_field=models.TextField())), fn.MD5("email"), fn.StrIndex("name", Value("s", output_field=models.TextField()))))
    list(Order.objects.values_list(fn.Round("amount", 1), fn.Cast("amount", models.IntegerField()), fn.Greatest("amount", "amount"), fn.Mod("id", Value(3))))
    list(Order.objects.values("customer").annotate(notes=ArrayAgg("note", ordering="-id"), text=StringAgg("note", ", "), j=JSONBAgg("id")))
    list(Customer.objects.filter(tier="gold").union(Customer.objects.filter(id__lt=3), all=True).order_by("id"))
    list(Customer.objects.values("id").intersection(Order.objects.values("customer")))
    list(Customer.objects.annotate(rank=SearchRank(SearchVector("name", "email"), SearchQuery("customer"))).order_by("-rank")[:2])
    list(Customer.objects.annotate(v=SearchVector("name", config="english")).filter(v=SearchQuery("leak", search_type="websearch")))
    list(Customer.objects.order_by("tier", "-id").distinct("tier"))
    list(Customer.objects.only("name").defer("email").iterator(chunk_size=5))
    list(Customer.objects.raw("SELECT id, name FROM customers WHERE id < %s", [3]))
    list(Order.objects.extra(where=["amount > %s"], params=[5], select={"twice": "amount * 2"})[:1])
    list(Customer.objects.filter(orders__payment__paid=True, orders__note__gt="a").values("id").order_by("?")[:2])
    Order.objects.filter(id=1).explain()
    with transaction.atomic():
        list(Order.objects.select_for_update(skip_locked=True, of=("self",)).select_related("customer").filter(id=1))
        list(Order.objects.select_for_update(nowait=True, no_key=True).filter(id=1))


def writes():
    note = Note.objects.create(body="one")
    note.body = "two"
    note.save(update_fields=["body"])
    note.save()
    note.refresh_from_db()
    Note.objects.bulk_create([Note(body=f"n{n}") for n in range(20)])
    made = Note.objects.bulk_create([Note(id=1, body="up")], update_conflicts=True, unique_fields=["id"], update_fields=["body"])
    Note.objects.bulk_create([Note(id=1, body="up")], ignore_conflicts=True)
    made[0].body = "bulk"
    Note.objects.bulk_update(list(Note.objects.all()[:3]), ["body"])
    Note.objects.filter(body="n1").update(body=fn.Concat("body", Value("!", output_field=models.TextField()), output_field=models.TextField()))
    Note.objects.get_or_create(body="n2")
    Note.objects.update_or_create(body="n3", defaults={"body": "n33"})
    Order.objects.filter(id=2).update(amount=F("amount") + 1, note=None)
    Order.objects.filter(customer__tier="gold").update(note="gold")
    Note.objects.filter(body__startswith="n").delete()
    with transaction.atomic():
        Order.objects.filter(id=5).delete()
        with transaction.atomic():
            Customer.objects.filter(id=20).delete()
        transaction.set_rollback(True)


def everything():
    one = Everything.objects.create(
        small=1, big=2, exact=3, real=4.5, text="t", data=b"d", yes=True, key=uuid.UUID(int=7), day=datetime.date(2026, 1, 2),
        time=datetime.time(1, 2), moment=datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), span=datetime.timedelta(1),
        document={"a": {"b": [1, 2]}}, address="10.0.0.1", numbers=[1, 2], period=(1, 5),
    )
    every = Everything.objects
    list(every.filter(document__a__b__0=1, document__has_key="a", document__contains={"a": {}}, document__a__isnull=False))
    list(every.filter(document__has_any_keys=["a", "z"], numbers__contains=[1], numbers__overlap=[2, 3], numbers__len=2, numbers__0=1))
    list(every.filter(period__contains=2, period__fully_lt=(6, 8), numbers__0_1=[1]))
    list(every.filter(day__year=2026, day__month__gte=1, moment__date="2026-01-02", moment__hour=1, day__week_day=6, time__minute=2))
    list(every.annotate(m=fn.TruncMonth("moment"), d=fn.TruncDate("moment"), e=fn.ExtractWeek("day"), n=fn.Now()).values("m", "d", "e"))
    list(every.values_list(F("moment") + F("span"), F("day") - datetime.timedelta(days=1), fn.JSONObject(t="text", n=F("big"))))
    list(every.dates("day", "month")), list(every.datetimes("moment", "hour"))
    list(every.filter(address__startswith="10.", key=uuid.UUID(int=7), data=b"d", yes=F("yes"), span__gt=datetime.timedelta(0)))
    one.document = {"z": 1}
    one.numbers.append(3)
    one.save()


users()
reads()
writes()
everything()
call_command("sqlflush", verbosity=0)
call_command("createcachetable", "cached")
cache = DatabaseCache("cached", {})
cache.set("k", 1)
cache.get("k")
cache.add("k", 2)
cache.touch("k")
cache.delete("k")
with connection.cursor() as cursor:
    cursor.callproc("lower", ["X"])
