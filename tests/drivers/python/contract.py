"""What the driver programs in Python share: where to connect, and how cases are told.

A case is a function whose name begins with `case_`. It returns nothing when it holds, and OPEN when something
that Jurat has to guard was open: so it is directly, and so it must not be through Jurat. The first case that
raises ends the program.
"""

import asyncio
import inspect
import os
import sys

HOST = os.environ["MATRIX_HOST"]
PORT = int(os.environ["MATRIX_PORT"])
USER = os.environ["MATRIX_USER"]
PASSWORD = os.environ["MATRIX_PASSWORD"]
DATABASE = os.environ["MATRIX_DATABASE"]
CA = os.environ["MATRIX_CA"]
FOREIGN_CA = os.environ["MATRIX_FOREIGN_CA"]
TLS = os.environ["MATRIX_TLS"] == "verify"

OPEN = "open"

# Refused in every environment, and harmless to the other cases where it runs.
DENIED = "DELETE FROM payments"

# Says whether a statement sleeps on another connection, so that a cancel is sent when there is something to cancel.
SLEEPING = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event = 'PgSleep'"""


def is_refusal(message, detail):
    """Whether an error reads as a refusal of Jurat: the first line says it all, the detail is one JSON object."""
    import json

    first = message.splitlines()[0]
    told = json.loads(detail)
    assert "jurat denied DELETE on public.payments" in first, first
    assert told["decision"] == "deny" and told["decision_id"] in first, told
    return True


def check_mask(email):
    """OPEN for the address as it is stored, nothing for the masked one."""
    if email == "canary7@leak.example":
        return OPEN
    assert email.endswith("@leak.example") and "canary" not in email, email
    return None


def main(version, namespace):
    print(f"version {version}", flush=True)
    for name, case in list(namespace.items()):
        if not name.startswith("case_"):
            continue
        print(f"running {name}", file=sys.stderr, flush=True)
        told = case()
        if inspect.isawaitable(told):
            told = asyncio.run(within(told))
        print(f"{told or 'ok'} {name.removeprefix('case_')}", flush=True)


async def within(awaitable):
    """A case that hangs is a failed case."""
    return await asyncio.wait_for(awaitable, 60)
