"""What each process of the Procfile is given, and what it does not take in before somebody needs it."""
import json
import subprocess
import sys
from pathlib import Path

import pytest

from launcher import procfile
from tests.running import ROOT, Desk

STARTS = {  # what the process of that name has done when it is ready
    "web": "import serve",
    "worker": "from tasks import worker, app; app.make_application()",
    "dispatcher": "from tasks import lean, dispatcher; dispatcher.begin()",
}
HEAVY = {"PIL", "boto3", "botocore", "fontTools", "fpdf", "hvac", "lxml", "openpyxl", "phonenumbers", "pikepdf",
         "requests", "schwifty", "segno", "sentry_sdk", "valkey", "webauthn", "xlsxwriter",
         "zxcvbn",  # for one act each
         "alembic", "flask_migrate", "moto", "pytest",
         "greenlet", "opentelemetry", "rich", "sqlite3"}  # taken along by others that find them: tasks/lean.py
PAGES = {"flask_babel", "flask_limiter", "flask_login", "flask_wtf", "jwt", "uvicorn", "wtforms"}
OF_THE_WORK = {"argon2", "babel", "portal.ledger", "portal.orders", "portal.parties", "portal.tables"}
NOT_IN = {"web": HEAVY, "worker": HEAVY | PAGES | {"portal.cli", "portal.web"},
          "dispatcher": HEAVY | PAGES | OF_THE_WORK | {"portal.cli", "portal.web"}}


def test_only_who_migrates_is_given_the_owner_of_the_tables():
    """Whoever breaks into a web process must not find the password of the role that may drop the audit."""
    for name, command in procfile.processes([]).items():
        assert command.startswith("env -u DATABASE_OWNER_URL "), name
    assert "-u" not in procfile.read()[procfile.RELEASE]


@pytest.mark.parametrize("name", procfile.processes([]))
def test_what_few_need_is_imported_by_them(name: str, fresh_database: str, tmp_path: Path):
    """Each of these is some megabytes of every process that imports it, for good (decision 0206)."""
    program = f"{STARTS[name]}\nimport json, sys; print(json.dumps([*sys.modules]))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT,
                          env=Desk(fresh_database, tmp_path / "desk.log").environment, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    imported = set(json.loads(done.stdout.splitlines()[-1]))
    assert len(imported) > 500, "this test sees nothing"
    assert sorted(imported & NOT_IN[name]) == []
