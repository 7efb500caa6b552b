"""Django's inspectdb, migrate with all of contrib, and the schema editor's own look-ups."""

import io
import os

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
        "django.contrib.sites",
        "django.contrib.postgres",
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    SECRET_KEY="for a test",
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

call_command("migrate", verbosity=0)
call_command("migrate", verbosity=0, check_unapplied=True)
call_command("showmigrations", stdout=io.StringIO())
call_command("inspectdb", "--include-views", "--include-partitions", stdout=io.StringIO())
call_command("check", databases=["default"], verbosity=0)
call_command("flush", verbosity=0, interactive=False)
with connection.cursor() as cursor:
    look = connection.introspection
    look.get_table_list(cursor)
    for table in ("orders", "auth_user"):
        look.get_table_description(cursor, table)
        look.get_sequences(cursor, table)
        look.get_relations(cursor, table)
        look.get_constraints(cursor, table)
