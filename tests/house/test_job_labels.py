"""Every kind of work has its words, in one place, in both languages: who reads that work has died must know which."""
from pathlib import Path

from babel.messages.mofile import read_mo

from portal.core import jobs
from portal.core.codes import named
from portal.web.job_labels import WORK
from tasks import registry

ROOT = Path(__file__).parents[2]


def test_every_kind_of_work_has_a_word_and_its_russian_one():
    known = {*jobs.KINDS, *jobs.OUTSIDE}
    assert registry.ALL
    assert len(known) > 50, "this test sees nothing"
    assert known - set(WORK) == set(), "put it into portal/web/job_labels.py"
    assert set(WORK) - known == set(), "nobody does that any more"
    assert {kind: word for kind, word in WORK.items() if word != named(kind)} == {}, "as `named` makes it"
    with (ROOT / "translations/ru/LC_MESSAGES/messages.mo").open("rb") as file:
        russian = {one.id: one.string for one in read_mo(file) if isinstance(one.id, str)}
    assert [word for word in WORK.values() if not russian.get(word)] == []


def test_it_is_the_one_place():
    strewn = {f"{path.name}: {word}" for path in (ROOT / "portal" / "web").rglob("*.py") if path.name != "job_labels.py"
              for word in WORK.values() if f'N_("{word}")' in path.read_text()}
    assert not strewn, f"they stand in job_labels.py: {strewn}"
