"""Lists (deny, allow, classes): who stands on them is compared by keyed prints, addresses by networks.

Adding a deny entry or taking an allow entry away makes the desk take less: one person. The other way waits for a second
person (decision 0143); so with the class of a new customer, and with one of so many completed orders (0238).
"""
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from portal import approvals, reference
from portal.approvals import Approval
from portal.core import addresses, audit, clock, crypto, ids, names, reprinting
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Denied, FieldError, Invalid, NotFound
from portal.core.paging import Page, newest_first
from portal.core.pipeline import Rows, array, queue
from portal.parties import queries as parties
from portal.reference import validators
from portal.risk import rule_book
from portal.risk.commands import AddEntry, RemoveEntry
from portal.risk.facts import Entry, Verdict
from portal.risk.models import RiskEntry, RiskPrint

KIND = "risk_entry"
Said = tuple[str, str]  # what a print is of: its kind and its text
SHORTEST = {4: 8, 6: 24}  # bits of a network by version: a wider one is a slip of the finger
_HOLDS = """e.removed_at IS NULL AND NOT e.waits AND (e.store_id IS NULL OR e.store_id = asked.store_id)
       AND (e.expires_at IS NULL OR e.expires_at > %(now)s)"""
# Prints in two steps, so that the planner of a desk whose lists are young does not begin with all entries for each.
STANDING = f"""
    WITH asked AS MATERIALIZED (
        SELECT given.bearer, given.store_id, p.entry_id
          FROM unnest((SELECT CAST(%(prints)s AS bytea[])), (SELECT CAST(%(printed)s AS uuid[])),
                      (SELECT CAST(%(printed_stores)s AS uuid[]))) AS given (print, bearer, store_id)
          JOIN risk_prints p ON p.print = given.print)
    SELECT asked.bearer, e.id, e.verdict, e.kind, e.shown, e.completed
      FROM asked JOIN risk_entries e ON e.id = asked.entry_id AND {_HOLDS}
     UNION ALL
    SELECT asked.bearer, e.id, e.verdict, e.kind, e.shown, e.completed
      FROM unnest((SELECT CAST(%(addresses)s AS inet[])), (SELECT CAST(%(addressed)s AS uuid[])),
                  (SELECT CAST(%(addressed_stores)s AS uuid[]))) AS asked (address, bearer, store_id)
     CROSS JOIN LATERAL (SELECT * FROM risk_entries e WHERE e.network >>= asked.address AND e.network IS NOT NULL
                            AND {_HOLDS} OFFSET 0) AS e"""


@dataclass(frozen=True)
class Bearer:
    """What of an order may stand on a list."""

    id: UUID
    store_id: UUID
    customer: str | None
    address: str | None
    destinations: tuple[bytes, ...]  # prints of a payout's number, by each key
    names: tuple[str, ...]  # of the customer, of a payout's recipient

    @property
    def prints(self) -> list[bytes]:
        said = [_person(name) for name in self.names]
        if self.customer is not None:
            said.append(customer_said(self.store_id, self.customer))
        return [print for one in said for print in crypto.fingerprints(*one)] + list(self.destinations)


@dataclass
class Listed:
    """On which entries each of them stands: a statement on its way, however many they are."""

    found: dict[UUID, dict[UUID, Entry]] = field(default_factory=lambda: defaultdict(dict))
    classes: dict[UUID, list[int]] = field(default_factory=lambda: defaultdict(list))

    def standing(self) -> dict[UUID, tuple[Entry, ...]]:
        """Once the answers are there."""
        return {id: tuple(entries.values()) for id, entries in self.found.items()}

    def classed(self) -> dict[UUID, int]:
        """The class of those who have one: a new customer's wins, as a deny entry does; else the highest."""
        return {id: 0 if 0 in set_to else max(set_to) for id, set_to in self.classes.items()}

    def note(self, rows: Rows) -> None:
        for bearer, id, verdict, kind, shown, completed in rows:
            if completed is not None:
                self.classes[bearer].append(completed)
            else:
                self.found[bearer][id] = Entry(id, Verdict(verdict), kind, shown)


def standing(session: Session, bearers: Sequence[Bearer]) -> dict[UUID, tuple[Entry, ...]]:
    """On which entries each of them stands."""
    return send(session, bearers).standing()


def send(session: Session, bearers: Sequence[Bearer]) -> Listed:
    """The same, within `pipeline.pipelined`: the answers are there at its end."""
    listed = Listed()
    printed = [(one, print) for one in bearers for print in one.prints]
    addressed = [one for one in bearers if one.address is not None]
    queue(session, STANDING, {
        "prints": array(print for _, print in printed), "printed": array(one.id for one, _ in printed),
        "printed_stores": array(one.store_id for one, _ in printed),
        "addresses": array(one.address for one in addressed), "addressed": array(one.id for one in addressed),
        "addressed_stores": array(one.store_id for one in addressed), "now": clock.now()}, listed.note)
    return listed


def page(session: Session, *, verdict: str | None, sought: str | None, cursor: str | None) -> Page[RiskEntry]:
    """Newest first, those that were removed too. `sought` as a person types it: any spelling finds it."""
    rows = select(RiskEntry)
    if verdict is not None:
        rows = rows.where(RiskEntry.verdict == verdict)
    if sought:
        rows = rows.where(_sounds_like(sought))
    return newest_first(session, rows, RiskEntry.created_at, RiskEntry.id, cursor=cursor, limit=50)


def add(session: Session, actor: Actor, command: AddEntry) -> RiskEntry:
    """A deny entry and the class of a new customer hold at once; what loosens waits for a second person.

    Raises Denied, Invalid, NotFound.
    """
    _check(actor)
    columns = _columns(session, actor, command)
    said, id = columns.pop("said", ()), ids.new_id()
    entry = RiskEntry(
        id=id, value_sealed=crypto.seal(json.dumps(said), place=_place(id)) if said else None,
        verdict=command.verdict, kind=command.kind, reason=command.reason, added_by=actor.id, added_name=actor.name,
        completed=command.completed, **columns,
        expires_at=None if command.days is None else clock.now() + timedelta(days=command.days))
    entry.waits = entry.loosens
    session.add(entry)
    session.flush()
    session.add_all(RiskPrint(print=print, entry_id=id) for print in sorted(crypto.fingerprint(*one) for one in said))
    audit.record(session, actor, "risk_entry.added", "risk_entry", entry.id, reason=command.reason, after=told(entry))
    if entry.waits:
        approvals.ask(session, actor, kind=KIND, target_kind="risk_entry", target_id=entry.id, reason=command.reason,
                      before={}, after=told(entry))
    rule_book.changed(session)
    return entry


def remove(session: Session, actor: Actor, command: RemoveEntry) -> bool:
    """What loosens goes at once; a deny entry, or a new customer's class, when a second person agrees: False.

    Raises Denied, NotFound, AlreadyAsked.
    """
    _check(actor)
    entry = _open(session, ids.parse("rse", command.entry_id))
    if entry.holds and not entry.loosens:
        approvals.ask_once(session, actor, kind=KIND, target_kind="risk_entry", target_id=entry.id,
                           reason=command.reason, before=told(entry), after={})
        return False
    _end(session, actor, entry, command.reason)
    return True


def apply(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees. Raises StaleApproval where the entry has gone meanwhile."""
    entry = _asked_about(session, approval)
    if entry is None:
        raise approvals.StaleApproval()
    if approval.before:
        _end(session, actor, entry, approval.reason)
        return
    entry.waits = False
    audit.record(session, actor, "risk_entry.let_through", "risk_entry", entry.id, reason=approval.reason,
                 after=told(entry))
    rule_book.changed(session)


def reject(session: Session, actor: Actor, approval: Approval) -> None:
    """What nobody agreed to is put away; what was to be taken away stays."""
    entry = _asked_about(session, approval)
    if entry is not None and entry.waits:
        _end(session, actor, entry, approval.reason)


def told(entry: RiskEntry) -> dict[str, Any]:
    """For a second person and the audit."""
    said = {"list": entry.verdict, "about": entry.kind, "name": entry.shown, "until": clock.rfc3339(entry.expires_at)}
    return said if entry.completed is None else said | {"completed": entry.completed}


def _end(session: Session, actor: Actor, entry: RiskEntry, reason: str) -> None:
    entry.removed_at, entry.removed_name = clock.now(), actor.name
    audit.record(session, actor, "risk_entry.removed", "risk_entry", entry.id, reason=reason, before=told(entry))
    session.flush()
    rule_book.changed(session)


def _asked_about(session: Session, approval: Approval) -> RiskEntry | None:
    return locked_one(session, select(RiskEntry).where(RiskEntry.id == UUID(approval.target_id),
                                                       RiskEntry.removed_at.is_(None)))


def _open(session: Session, id: UUID) -> RiskEntry:
    found = locked_one(session, select(RiskEntry).where(RiskEntry.id == id, RiskEntry.removed_at.is_(None)))
    if found is None:
        raise NotFound()
    return found


def _columns(session: Session, actor: Actor, command: AddEntry) -> dict[str, Any]:
    """How the entry is shown and compared. Raises Invalid, NotFound."""
    if command.verdict == "class" and command.kind != "customer":
        raise Invalid(fields=[FieldError("/kind", "no_class", "A class is a customer's: choose the customer's id.")])
    if (command.verdict == "class") != (command.completed is not None):
        raise Invalid(fields=[FieldError("/completed", "class",
                                         "A class needs this number; the other lists have none.")])
    store = parties.store(session, actor, command.store_id) if command.store_id else None
    more = {"store_id": store.id if store else None}
    typed = names.tidy(command.value)
    match command.kind:
        case "network":
            return more | {"shown": (network := _network(typed)), "network": network}
        case "customer":
            if store is None:
                raise Invalid(fields=[FieldError("/store_id", "missing", "Field required")])
            theirs = command.value.strip()  # the store's own id: orders keep it as it is
            return more | {"shown": f"{theirs} · {store.name}", "said": [customer_said(store.id, theirs)]}
        case "destination":
            spelt = validators.spellings(typed, list(reference.snapshot(session).currencies))
            return more | {"shown": f"•••• {validators.plain(typed)[-4:]}", "said": [("number", one) for one in spelt]}
    return more | {"shown": typed, "said": [_person(typed)]}


def _network(typed: str) -> str:
    """Raises Invalid for what is none, or is half of the world."""
    try:
        found = ip_network(addresses.written(typed) or typed, strict=False)
    except ValueError:
        raise Invalid(fields=[FieldError("/value", "bad_network",
                                         "Write an address or a network, as in 203.0.113.0/24.")]) from None
    if found.prefixlen < SHORTEST[found.version]:
        raise Invalid(fields=[FieldError("/value", "wide_network", "This network is too wide.")])
    return str(found)


def _sounds_like(sought: str) -> ColumnElement[bool]:
    typed = names.tidy(sought)
    spelt = validators.spellings(typed, list(reference.snapshot().currencies))
    said = [*(("number", number) for number in spelt), _person(typed)]
    prints = [print for one in said for print in crypto.fingerprints(*one)]
    ways = [RiskEntry.id.in_(select(RiskPrint.entry_id).where(RiskPrint.print.in_(prints))),
            RiskEntry.shown.ilike(f"{_literally(typed)}%", escape="\\")]
    if (address := addresses.written(typed)) is not None:
        ways.append(RiskEntry.network.op(">>=")(address))
    return or_(*ways)


def _literally(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def customer_said(store_id: UUID, customer: str) -> Said:
    return "customer", f"{store_id}|{customer}"


def _person(name: str) -> Said:
    return "holder", names.canonical(name)


def _place(id: UUID) -> str:
    return f"risk_entries|value_sealed|{id}"


def _anew(session: Session, rows: Sequence[reprinting.Row]) -> list[bytes]:
    entries = session.scalars(select(RiskEntry).where(RiskEntry.id.in_({id for id, _ in rows})))
    new = {(one.id, made): prints[0] for one in entries
           for said in json.loads(crypto.open_sealed(one.value_sealed or b"", place=_place(one.id)))
           for prints in [crypto.fingerprints(*said)] for made in prints}
    return [new[row] for row in rows]


def _check(actor: Actor) -> None:
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.RISK_MANAGE))):
        raise Denied()


approvals.register(KIND, apply=apply, reject=reject, title="Entry of a risk list")


reprinting.register(reprinting.Printed("risk_prints", "print", _anew, id="entry_id"))
