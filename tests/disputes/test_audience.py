"""Who reads what in a dispute, as one table: words and files follow one rule, and what is sent out holds none of them.

Why staff's statements name no audience of their own: decision 0239.
"""
import pytest
from sqlalchemy import select

from portal import files
from portal.core.audit import AuditRow
from portal.core.errors import NotFound
from portal.notices.models import Happening
from portal.orders import replacing
from portal.webhooks import service as webhooks
from portal.webhooks.commands import CreateEndpoint
from portal.webhooks.models import Event
from tests import factories as f
from tests.disputes import acts

ALL = {"staff", "owner", "key", "trader", "beside", "payer"}
SIDES = {"staff", "owner", "key", "trader"}
READ_BY = {
    "opened by the payer": SIDES | {"payer"},
    "said by the trader": SIDES,
    "said by the store": SIDES,
    "said beside": {"staff", "beside"},
    "said by staff": ALL,
    "asked of the trader": ALL,
    "noted by staff": {"staff"},
}


@pytest.fixture
def readers(fresh_app):
    """The first trader was exchanged and stands beside; whoever else sees the order, and who does not."""
    cast = f.new_cast()
    for _ in range(2):
        cast.requisite(cast.trader())
    with f.act() as session:
        webhooks.create_endpoint(session, cast.key, CreateEndpoint(url="http://127.0.0.1:9/hook", events=["*"]))
    order = f.assigned_payin(cast)
    beside = f.its_trader(order)
    with f.act() as session:
        replacing.replace(session, cast.customer(order), replacing.ReplaceOrder(
            order_id=order.public_id, instead_of=f.assignment_of(order).public_id))
    f.mark_paid(cast.customer(order), order)
    return order, {"staff": f.staff(), "owner": cast.owner, "key": cast.key, "trader": f.its_trader(order),
                   "beside": beside, "payer": cast.customer(order), "stranger": f.new_cast().owner,
                   "another payer": cast.customer(cast.order("1600.00"))}


def test_each_reads_what_is_for_him_and_no_word_is_sent_out(readers):
    order, of = readers
    dispute = acts.open_by(of["payer"], order, "not_confirmed", "opened by the payer")
    said = {"said by the trader": "trader", "said by the store": "owner", "said beside": "beside",
            "said by staff": "staff", "asked of the trader": "staff", "noted by staff": "staff"}
    brought = {}
    for number, (words, who) in enumerate(said.items()):
        brought[words] = f.upload(of[who], f.picture(80 + number)).public_id
        more = {"asked of the trader": {"asks": "trader"}, "noted by staff": {"staff_only": True}}.get(words, {})
        acts.say(of[who], dispute, words, files=(brought[words],), **more)
    for who, reader in of.items():
        if who in ALL:
            assert set(acts.thread(reader, dispute)) == {words for words, by in READ_BY.items() if who in by}, who
        for words, file in brought.items():
            assert _opens(reader, file) == (who in READ_BY[words]), (who, words)
    for stranger in ("stranger", "another payer"):
        with pytest.raises(NotFound):
            acts.say(of[stranger], dispute)
    with f.look() as session:
        sent = [str(one.payload) for one in session.scalars(select(Event))]
        sent += [str(one.facts) for one in session.scalars(select(Happening))]
        sent += [f"{one.before} {one.after} {one.reason}" for one in session.scalars(
            select(AuditRow).where(AuditRow.action.in_(("dispute.opened", "dispute.answered"))))]
    assert len([one for one in sent if dispute.public_id in one]) > len(said), "each act was told of"
    assert not [words for words in READ_BY for one in sent if words in one]


def _opens(reader, file: str) -> bool:
    with f.look() as session:
        try:
            return files.open_file(session, reader, file) is not None
        except NotFound:
            return False
