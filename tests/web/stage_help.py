"""What stands on the stage of help, exposure and announcements: one of each, with a stranger's words in it."""
from portal.core import clock
from portal.core.access import Actor
from portal.disputes import frozen
from portal.help import replies, service
from portal.help.commands import AnswerHelp, AskHelp, SetReply
from portal.notices import announcements
from portal.orders.models import Order
from portal.parties import shift_log
from portal.parties.models import Trader
from portal.reference import windows
from portal.requisites import caps
from portal.requisites.freezing import FreezeRequisite
from tests import factories


def records(cast: factories.Cast, trader: Trader, orders: dict[str, Order], staff: Actor, words: str
            ) -> dict[str, list[str]]:
    """Samples of what stands in the addresses of those pages."""
    requisite = factories.new_requisite(trader, cast.method, min_amount="77000.00", max_amount="78000.00")
    with factories.act() as session:
        asked = service.ask(session, cast.customer(orders["paid"]), AskHelp(
            order_id=orders["paid"].public_id, text=words))
        of_trader = service.ask(session, factories.as_trader(trader), AskHelp(
            order_id=orders["completed"].public_id, text=words, locale="ru"))
        service.answer(session, factories.staff(), AnswerHelp(thread_id=of_trader.public_id, text=words, close=True))
        reply = replies.set_reply(session, staff, SetReply(use="help", name=words[:80], text_en=words, text_ru=words,
                                                           active=True))
        replies.set_reply(session, staff, SetReply(use="dispute", name=words[:80], text_en=words, text_ru=words,
                                                   active=True))
        made = announcements.announce(session, staff, announcements.Announce(audience="both", text_en=words,
                                                                              text_ru=words))
        frozen.freeze(session, factories.as_trader(trader), FreezeRequisite(
            requisite_id=requisite.public_id, reason=words, stuck="1500.00"))
        caps.set_caps(session, staff, caps.SetCaps(scope="trader", target=trader.public_id, open_max="99000",
                                                   disputed_max="99000", reason=words))
        shift_log.note(session, staff, shift_log.NoteShift(text=words))
        windows.add(session, staff, windows.AddWindow(  # never planned while the stage stands
            bank="alfa", days=((clock.today().isoweekday() + 3) % 7 + 1,), begin="23:00", end="01:00", message=words))
    return {"thread_id": [asked.public_id, of_trader.public_id], "reply_id": [reply.public_id],
            "announcement_id": [made.public_id], "frozen": [requisite.public_id]}
