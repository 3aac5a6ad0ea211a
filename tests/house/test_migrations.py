"""Migrations must not queue a running desk up: squawk reads the SQL of each (fault 29)."""
import io
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory

ROOT = Path(__file__).parents[2]
SQUAWK = Path(sys.executable).parent / "squawk"
NOT_OURS = (
    "require-timeout-settings",  # migrations/env.py sets lock_timeout for every migration; a backfill may take long
    "prefer-bigint-over-int",  # counts and seconds that stay far below 2^31; amounts and history are bigint
)


def revisions() -> list[Script]:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return list(ScriptDirectory.from_config(config).walk_revisions())


def sql_of(revision: Script) -> str:
    written = io.StringIO()
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True, "output_buffer": written})
    with Operations.context(context):
        revision.module.upgrade()
    return f"BEGIN;\n{written.getvalue()}\nCOMMIT;\n"  # as env.py runs it; a migration may step out (concurrently)


@pytest.mark.parametrize("revision", revisions(), ids=lambda revision: revision.revision)
def test_a_migration_takes_no_long_lock(revision, tmp_path):
    file = tmp_path / f"{revision.revision}.sql"
    file.write_text(sql_of(revision))
    excluded = [f"--exclude={rule}" for rule in NOT_OURS]
    found = subprocess.run([SQUAWK, "--pg-version=15", *excluded, file],
                           capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_squawk_would_say_so(tmp_path):
    """The lint is awake: a column that rewrites a table is refused."""
    file = tmp_path / "bad.sql"
    file.write_text("ALTER TABLE orders ADD COLUMN note text NOT NULL;\nCREATE INDEX i ON orders (note);\n")
    found = subprocess.run([SQUAWK, "--assume-in-transaction", file], capture_output=True, text=True)
    assert found.returncode != 0
