"""What the processes leave out of what they import."""
import json
import subprocess
import sys

import huey
import pytest
import redis
import structlog

from portal.core.errors import LockTimeout
from tests.house.test_processes import HEAVY, STARTS
from tests.running import ROOT, Desk

assert all((huey, redis, structlog))  # whole, before this process sees what others leave out of them
BEFORE = [*sys.path_hooks]
from tasks import lean  # noqa: E402 (a process that imports it imports so from then on; this one does not)

sys.path_hooks[:] = BEFORE
sys.path_importer_cache.clear()

SOURCE = '''"""Of a module."""

def said():
    """Of a function."""
    return "said"

def same():
    """Same words."""
    return "Same words."

def silent():
    return "silent"

class Kept:
    """Of a class."""

    words = "Of a class."

class Shelf:
    """Of another class."""

    held = True

    def label(self):
        """Of a method."""
        def inner():
            """Of an inner function."""
        assert self.held, "odd"
        return inner

first = lambda: "first"
all_of = list("each" for _ in range(2))
'''


def run(program, environment):
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def module():
    names = {}
    exec(lean.without_docstrings(compile(SOURCE, "source.py", "exec")), names)
    return names


def test_docstrings_are_left_out(module):
    left_out = [module["__doc__"], module["said"].__doc__, module["Shelf"].__doc__, module["Shelf"].label.__doc__,
                module["Shelf"]().label().__doc__]
    assert left_out == ["-"] * 5


def test_docstrings_of_our_classes_stay():
    names = {}
    exec(lean.without_docstrings(compile(SOURCE, "source.py", "exec"), of_classes=False), names)
    assert (names["__doc__"], names["Shelf"].__doc__, names["Shelf"].label.__doc__) == ("-", "Of another class.", "-")


def test_what_the_code_says_stays(module):
    assert [module["said"](), module["silent"](), module["first"](), *module["all_of"]] == [
        "said", "silent", "first", "each", "each"]
    assert module["silent"].__doc__ is None


def test_words_that_the_code_uses_too_stay(module):
    assert (module["same"].__doc__, module["same"]()) == ("Same words.", "Same words.")
    assert (module["Kept"].__doc__, module["Kept"].words) == ("Of a class.", "Of a class.")


def test_assertions_hold(module):
    odd = module["Shelf"]()
    odd.held = False
    with pytest.raises(AssertionError, match="odd"):
        odd.label()


def test_a_package_that_is_not_wanted_is_there_for_others():
    assert "sqlite3.dump" not in sys.modules
    with lean.absent("sqlite3.dump", "json"):
        with pytest.raises(ImportError):
            import sqlite3.dump
        import json as there

        assert there is json, "what has been imported stays"
    import sqlite3.dump

    assert sqlite3.dump._iterdump


@pytest.mark.parametrize("name", STARTS)
def test_a_process_has_the_docstrings_of_our_classes_alone(name, fresh_database, tmp_path):
    """Sentences of errors are docstrings: people read them."""
    program = (f"{STARTS[name]}\nimport json, sqlalchemy; from portal.core import db, errors\n"
               "said = sqlalchemy.Column, sqlalchemy.create_engine, db, db.transaction, errors.LockTimeout\n"
               "print(json.dumps([one.__doc__ for one in said]))")
    assert run(program, Desk(fresh_database, tmp_path / "desk.log").environment) == [*"----", LockTimeout.__doc__]


def test_packages_that_are_imported_by_an_act_can_do_without(database, tmp_path):
    """Some put their own docstrings together while they are imported."""
    packages = sorted(HEAVY - {"moto", "pytest", "rich", "valkey"})
    program = ("from tasks import lean\nimport importlib, json, sys\n"
               f"for name in {packages}: importlib.import_module(name)\n"
               "import sentry_sdk.integrations.flask, boto3.session, fpdf.fpdf, opentelemetry.sdk.trace\n"
               "boto3.session.Session().client('s3', region_name='eu-west-1')\n"
               "from opentelemetry.exporter.otlp.proto.http import trace_exporter\n"
               f"print(json.dumps(sorted({{*sys.modules}} & {{*{packages}}})))")
    assert run(program, Desk(database, tmp_path / "desk.log").environment) == packages
