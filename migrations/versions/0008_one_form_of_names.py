"""Holders by the one form of names (core/names.py): one whose name was spelt two ways becomes one.

The marks are keyed, so this runs here and not in SQL. What the older row had used up today stays with it, as its open
orders do: they free what they hold where they took it.

Revision ID: 0008_one_form_of_names
Revises: 0007_kept_amounts
"""
import sqlalchemy as sa
from alembic import op

from portal.core import crypto, names
from portal.requisites.numbers import opened_name

revision = "0008_one_form_of_names"
down_revision = "0007_kept_amounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_context().as_sql:  # no rows are at hand
        return
    join_spellings(op.get_bind())


def join_spellings(connection: sa.Connection) -> None:
    rows = connection.execute(sa.text("SELECT id, name_sealed, name_fingerprint FROM holders ORDER BY created_at, id"))
    found = [(id, bytes(sealed), bytes(mark)) for id, sealed, mark in rows]
    of_mark = {mark: id for id, _, mark in found}
    for id, sealed, mark in found:
        form = crypto.fingerprint("holder", names.canonical(opened_name(id, sealed)))
        if form == mark:
            continue
        if form in of_mark:
            connection.execute(sa.text("UPDATE requisites SET holder_id = :one WHERE holder_id = :other"),
                               {"one": of_mark[form], "other": id})
        else:
            of_mark[form] = id
            connection.execute(sa.text("UPDATE holders SET name_fingerprint = :mark WHERE id = :id"),
                               {"mark": form, "id": id})


def downgrade() -> None:
    """The older program finds a name under its new mark wherever both spell it alike, which is nearly all."""
