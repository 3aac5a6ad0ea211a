"""The functions of matching in the database are those that the rules make."""
from sqlalchemy import text

from portal.core.db import reader
from portal.orders.matching.match import REASONS, STAGES
from portal.requisites.hindrances import Because
from portal.requisites.match_rules import HINDRANCES
from tests.house import write_matching


def test_the_file_is_composed_of_the_rules():
    assert write_matching.FILE.read_text("utf-8") == write_matching.document(), "python -m tests.house.write_matching"


def test_the_database_has_what_is_composed(app):
    composed = write_matching.document()
    bodies = dict(reader().execute(text(
        "SELECT proname, prosrc FROM pg_proc WHERE proname IN"
        " ('pick_requisites', 'matching_funnel', 'requisite_hindrances')")).all())
    assert len(bodies) == 3
    assert not [name for name, body in bodies.items() if body not in composed]


def test_every_stage_and_every_hindrance_has_its_word(app):
    assert STAGES[STAGES.index("bank") + 1:] == tuple(REASONS)
    assert {rule.name for rule in HINDRANCES} - {"status"} <= {because.value for because in Because}
