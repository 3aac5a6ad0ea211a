"""Somebody who wants to join, and what staff do about it."""
from secrets import randbelow, token_hex
from typing import Any

from portal import approvals
from portal.applications import Application, decisions, service
from portal.applications.commands import Apply, Propose
from portal.approvals import Approval
from portal.core import ids
from portal.core.access import Actor
from tests import factories as f

WORDS = {"contact": "Anna Petrova", "phone": "+7 900 123-45-67", "country": "Georgia", "volume": "to_100k",
         "wants": "Cards in roubles, forty payments a day."}


def fields(kind: str = "merchant", **other: Any) -> dict[str, Any]:
    """As the form sends them; e-mail, phone and names are nobody else's."""
    mine = token_hex(4)
    family = mine.translate(str.maketrans("0123456789", "ghijklmnop")).capitalize()
    return WORDS | {"name": f"Acme {family}", "contact": f"Anna {family}", "email": f"{mine}@join.example",
                    "phone": f"+995 5{randbelow(10**8):08d}"} | other


def applied(kind: str = "merchant", **other: Any) -> Application:
    sender = service.applicant(service.token_of(ids.new_id()), address="203.0.113.9")
    with f.act() as session:
        service.apply(session, sender, Apply(kind=kind, **fields(kind, **other)))
    return one(sender.id)


def one(id: Any) -> Application:
    with f.look() as session:
        return session.get_one(Application, id)


def propose(staff: Actor, application: Application, decision: str = "accept", told: str | None = None) -> Approval:
    with f.act() as session:
        return decisions.propose(session, staff, Propose(application_id=application.public_id, decision=decision,
                                                         reason="Fits", told=told))


def decide(asked: Approval, decision: str = "approve", by: Actor | None = None) -> None:
    with f.act() as session:
        approvals.decide(session, by or f.staff("admin"), approvals.DecideApproval(
            approval_id=asked.public_id, decision=decision, reason="Agreed"))
