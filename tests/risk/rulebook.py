"""Rules and entries of one store, as tests of risk want them: nobody else's orders are judged by them."""
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
from flask import Flask

from portal import approvals
from portal.core.access import SYSTEM, Actor
from portal.orders.judging import review
from portal.orders.models import Order
from portal.risk import lists, rule_book, rules
from portal.risk.commands import AddEntry, AddRule, DecideReview, SwitchRule
from portal.risk.models import RiskEntry, RiskRule
from tests import factories as f
from tests.running import wait_for

WAITS = """
    SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
                    WHERE datname = current_database() AND relation = 'risk_hits'::regclass AND NOT granted)"""


def rule(cast: f.Cast, kind: str = "amount", *, mode: str = "on", verdict: str = "deny", **terms: Any) -> RiskRule:
    """In force from now on. Of an amount: above 1000 roubles."""
    if kind == "amount":
        terms = {"currency": "RUB", "amount": "1000"} | terms
    with f.act() as session:
        made = rules.add(session, SYSTEM, AddRule(kind=kind, name=f"{kind} of a test", verdict=verdict, reason="test",
                                                  store_id=cast.store.public_id, **terms))
        if mode != "off":
            rules.switch(session, SYSTEM, SwitchRule(rule_id=made.public_id, mode=mode, reason="test"))
    rule_book.forget()
    return made


def entry(cast: f.Cast, kind: str, value: str, *, verdict: str = "deny", days: int | None = None,
          completed: int | None = None, actor: Actor = SYSTEM) -> RiskEntry:
    """On a list from now on; what loosens too, as a second person's word would have it."""
    with f.act() as session:
        made = lists.add(session, actor, AddEntry(verdict=verdict, kind=kind, value=value, days=days,
                                                  completed=completed, reason="test",
                                                  store_id=cast.store.public_id))
    if made.loosens:
        with f.look() as session:
            [asked] = approvals.waiting_for(session, "risk_entry", made.id)
        with f.act() as session:
            approvals.decide(session, f.staff("admin"), approvals.DecideApproval(
                approval_id=asked.public_id, decision="approve", reason="test"))
    rule_book.forget()
    return made


def decide(order: Order, decision: str, actor: Actor | None = None) -> Order:
    with f.act() as session:
        return review.decide(session, actor or f.staff("support_orders"), DecideReview(
            order_id=order.public_id, decision=decision, reason="Looked at it"))


@contextmanager
def judged_and_not_picked_yet(app: Flask, owner_url: str) -> Iterator[None]:
    """What is done inside is done between the two questions of a batch of which a rule has fired."""
    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(owner_url) as slow:
            slow.execute("LOCK TABLE risk_hits IN SHARE MODE")
            working = pool.submit(f.at_the_same_time, app, [f.work_off])
            wait_for(lambda: slow.execute(WAITS).fetchone() == (True,), "what fired is about to be written")
            yield
        working.result()
