"""How each suite is run against a port, and how its report becomes `{test: outcome}`."""

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stage import DATABASE, PASSWORD, ROLE

# Tests that look at the source tree or the type checker and never at a server.
PSYCOPG_LEFT_OUT = ["test_typing.py", "test_module.py", "test_free_threading.py", "test_dns.py", "test_dns_srv.py",
                    "test_gevent.py", "test_windows.py", "pool", "crdb", "scripts"]
ASYNCPG_LEFT_OUT = ["test__sourcecode.py", "test__environment.py"]

# A test that hangs must not hold up the run.
TEST_TIMEOUT_S = 60


def environment(port, python=None):
    base = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "JURAT_"))}
    if python:  # the suite starts programs of its packages
        base["PATH"] = f"{Path(python).parent}:{base['PATH']}"
    return {**base, "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": ROLE, "PGPASSWORD": PASSWORD,
            "PGDATABASE": DATABASE, "PGTESTNOSSL": "true", "PYTHONDONTWRITEBYTECODE": "1"}


def pytest(python, directory, port, report, arguments, only):
    # psycopg's suite keeps there that an earlier run was cut off, and then runs nothing.
    shutil.rmtree(f"{report}.cache", ignore_errors=True)
    # The order is the suite's own; a plugin that shuffles would compare different runs.
    command = [python, "-m", "pytest", "-q", "-p", "no:randomly", "-o", f"cache_dir={report}.cache", "--tb=native",
               f"--timeout={TEST_TIMEOUT_S}", "-o", "junit_family=xunit1", f"--junitxml={report}", *arguments]
    if only:
        command += ["-k", only]
    talk = report.with_suffix(".txt")
    with open(talk, "w") as out:
        subprocess.run(command, cwd=directory, env=environment(port, python), stdout=out, stderr=subprocess.STDOUT)
    if not report.exists():
        raise SystemExit(f"pytest made no report:\n{talk.read_text(errors='replace')[-3000:]}")
    return junit(report)


def junit(report):
    """The outcome of each test of a JUnit report, with the first line of what went wrong."""
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').removeprefix('tests.')}::{case.get('name')}"
        outcome, why = "passed", ""
        for child in case:
            if child.tag in ("failure", "error"):
                outcome, why = "failed", child.get("message") or child.text or ""
            elif child.tag == "skipped" and outcome == "passed":
                outcome, why = "skipped", child.get("message") or ""
        if outcomes.get(name, ("passed",))[0] != "failed":  # a tear-down that failed is a second entry
            outcomes[name] = (outcome, why)
    return outcomes


def psycopg(place, port, report, only):
    dsn = f"host=127.0.0.1 port={port} user={ROLE} password={PASSWORD} dbname={DATABASE}"
    left_out = [f"--ignore=tests/{name}" for name in PSYCOPG_LEFT_OUT]
    return pytest(place.python, place.suites / "psycopg", port, report,
                  ["-m", "not slow and not timing", "--test-dsn", dsn, *left_out, "tests"], only)


def asyncpg(place, port, report, only):
    # The suite of the repository, the driver of the package index: the tests alone are copied beside it.
    copy = report.parent / "asyncpg"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place.suites / "asyncpg" / "tests", copy / "tests")
    left_out = [f"--ignore=tests/{name}" for name in ASYNCPG_LEFT_OUT]
    return pytest(place.python, copy, port, report, ["--import-mode=importlib", *left_out, "tests"], only)


def node_postgres(place, port, report, only):
    tests = place.node / "node_modules" / "pg" / "test" / "integration"
    files = sorted(path for path in tests.rglob("*-tests.js") if not only or re.search(only, str(path)))
    outcomes, texts = {}, []
    with ThreadPoolExecutor(1) as pool:
        for path, result in zip(files, pool.map(lambda path: node(path, port), files)):
            name = str(path.relative_to(tests))
            texts.append(f"== {name}: {result.returncode}\n{result.stdout}")
            outcomes.update(node_outcomes(name, result))
    report.with_suffix(".txt").write_text("\n".join(texts))
    return outcomes


def node(path, port):
    return ended(["node", str(path)], path.parents[2], environment(port))


def ended(command, directory, env):
    """The command at its end, or at the end of the time that it has."""
    try:
        return subprocess.run(command, cwd=directory, env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=2 * TEST_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        text = (error.stdout or b"").decode(errors="replace")
        return subprocess.CompletedProcess(command, 124, text + "\ntimed out")


def node_outcomes(name, result):
    """The tests that the file's own harness named; and the file as a whole, for those without names."""
    outcomes = {}
    for line in result.stdout.splitlines():
        if passed := re.match(r"  (.+) ✔$", line):
            outcomes[f"{name}::{passed[1]}"] = ("passed", "")
        elif skipped := re.match(r"  (.+) \? - SKIPPED$", line):
            outcomes[f"{name}::{skipped[1]}"] = ("skipped", "")
        elif failed := re.match(r"  (.+) FAILED!$", line):
            outcomes[f"{name}::{failed[1]}"] = ("failed", result.stdout[-600:])
    whole = "passed" if result.returncode == 0 else "failed"
    outcomes[name] = (whole, "" if whole == "passed" else result.stdout[-600:])
    return outcomes


def pymysql(place, port, report, only):
    # Driver and tests are one package of the repository.
    copy = report.parent / "pymysql"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place.suites / "PyMySQL" / "pymysql", copy / "pymysql")
    login = {"host": "127.0.0.1", "port": port, "user": ROLE, "password": PASSWORD}
    databases = [login | {"database": "test1", "use_unicode": True, "local_infile": True}, login | {"database": "test2"}]
    (copy / "pymysql" / "tests" / "databases.json").write_text(json.dumps(databases))
    return pytest(place.python, copy, port, report, ["--import-mode=importlib", "-p", "no:cacheprovider", "pymysql/tests"], only)


def mysql2(place, port, report, only):
    # The tests find the driver beside them, and what it needs beside that.
    copy = report.parent / "mysql2"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place.suites / "node-mysql2", copy, ignore=shutil.ignore_patterns(".git", "website"))
    (copy / "node_modules").symlink_to(place.node_mysql / "node_modules")
    tests = copy / "test" / "integration"
    files = sorted(path for path in tests.rglob("*.test.mts") if not only or re.search(only, str(path)))
    login = {"MYSQL_HOST": "127.0.0.1", "MYSQL_PORT": str(port), "MYSQL_USER": ROLE, "MYSQL_PASSWORD": PASSWORD,
             "MYSQL_DATABASE": "test", "CI": "1"}
    outcomes, texts = {}, []
    with ThreadPoolExecutor(4) as pool:
        for path, result in zip(files, pool.map(lambda path: mysql2_file(copy, path, login), files)):
            name = str(path.relative_to(tests))
            texts.append(f"== {name}: {result.returncode}\n{result.stdout}")
            whole = "passed" if result.returncode == 0 else "failed"
            outcomes[name] = (whole, "" if whole == "passed" else result.stdout[-600:])
    report.with_suffix(".txt").write_text("\n".join(texts))
    return outcomes


def mysql2_file(copy, path, login):
    return ended(["node", "--import", "tsx", str(path)], copy, {**environment(0), **login})


SUITES = {"psycopg": psycopg, "asyncpg": asyncpg, "node-postgres": node_postgres, "pymysql": pymysql, "mysql2": mysql2}

# Those that speak MySQL's protocol.
OF_MYSQL = {"pymysql", "mysql2"}
