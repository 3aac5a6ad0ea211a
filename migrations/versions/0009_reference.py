"""All currencies of ISO 4217 to switch on, assets by staff whose point never moves, methods and banks that staff keep.

Revision ID: 0009_reference
Revises: 0008_one_form_of_names
"""
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009_reference"
down_revision = "0008_one_form_of_names"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    op.add_column("currencies", sa.Column("name", sa.Text(), server_default="", nullable=False))
    for name in ("name_ru", "number_label_ru"):
        op.add_column("methods", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("methods", sa.Column("rules", postgresql.JSONB(), server_default="{}", nullable=False))
    op.add_column("methods", sa.Column("currencies", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column("banks", sa.Column("name_ru", sa.Text(), server_default="", nullable=False))
    op.add_column("banks", sa.Column("position", sa.Integer(), server_default="0", nullable=False))
    op.execute((SQL / "0009_reference.sql").read_text())


def downgrade() -> None:
    op.execute("DROP TRIGGER currency_point_stays ON currencies")
    op.execute("DROP FUNCTION currency_point_stays")
    op.execute("DELETE FROM currencies c WHERE NOT c.active AND NOT EXISTS"
               " (SELECT FROM rates r WHERE c.code IN (r.base, r.quote))"
               " AND NOT EXISTS (SELECT FROM requisites r WHERE r.currency = c.code)"
               " AND NOT EXISTS (SELECT FROM store_currencies s WHERE s.currency = c.code)"
               " AND NOT EXISTS (SELECT FROM tariffs t WHERE t.currency = c.code)")
    op.drop_column("banks", "position")
    op.drop_column("banks", "name_ru")
    for name in ("currencies", "rules", "number_label_ru", "name_ru"):
        op.drop_column("methods", name)
    op.drop_constraint(op.f("ck_currencies_code"), "currencies")
    op.drop_constraint(op.f("ck_currencies_exponent"), "currencies")
    op.drop_column("currencies", "name")
