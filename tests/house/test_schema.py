"""One head, models equal migrations, and the way down leads to nothing (fault 29)."""
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import Migrate, downgrade, upgrade

from portal import tables
from portal.core.db import Base, db

ROOT = Path(__file__).parents[2]
assert tables


def test_there_is_one_head():
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def ours(thing, name, kind, reflected, compare_to) -> bool:
    return not (kind == "table" and reflected and "_p2" in name) and name != "alembic_version"


def test_models_equal_migrations(app, owner_url):
    engine = sa.create_engine(owner_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
        assert compare_metadata(context, Base.metadata) == []


def test_up_down_up(fresh_app):
    Migrate(fresh_app, db)  # which a server goes without
    with fresh_app.app_context():
        before = schema(fresh_app)
        downgrade(directory=str(ROOT / "migrations"), revision="base")
        assert [table for table in schema(fresh_app) if table != "alembic_version"] == []
        upgrade(directory=str(ROOT / "migrations"))
        assert schema(fresh_app) == before


def schema(app) -> list[str]:
    """Every column of every table; not of partitions, whose columns are their parent's and whose names are days'."""
    engine = sa.create_engine(app.extensions["settings"].owner_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return sorted(connection.execute(sa.text(
            "SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace"
            " AND c.relkind IN ('r', 'p', 'S') AND NOT c.relispartition"
            " AND a.attnum > 0 AND c.relname <> 'alembic_version'")).scalars())
