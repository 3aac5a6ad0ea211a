"""What each kind of approval is called and does. Nouns register theirs."""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from portal.core.access import Actor
from portal.ledger import Draft

if TYPE_CHECKING:
    from portal.approvals.models import Approval

Effect = Callable[[Session, Actor, "Approval"], None]
Subject = Callable[[Session, "Approval"], str]
Shares = Callable[[Session, "Approval"], Mapping[str, int]]
Drafts = Callable[[Session, "Approval"], Sequence[Draft]]
Stale = Callable[[Session, "Approval"], bool]


@dataclass(frozen=True)
class Kind:
    """`apply` does what was asked, as the one who decides, or raises StaleApproval; `reject` puts away a refusal.

    `drafts`: for a kind that moves money, the very entries that `apply` would post now. Read only: the page shows them.
    `subject`: whose money it is, where that is not the target itself; limits count the day's sum of one subject.
    `shares`: of one that is about several owners' money, what each gets in minor units, by subject; empty: unknown now.
    `counted_as`: kinds of the same word are one sum, for what each does the others would do too.
    `stale`: what it was asked about went elsewhere since, so `apply` would refuse; for pages that say so beforehand.
    """

    title: str  # for people: "Deposit"
    apply: Effect
    reject: Effect | None = None
    drafts: Drafts | None = None
    subject: Subject | None = None
    shares: Shares | None = None
    counted_as: str | None = None
    stale: Stale | None = None


CREDITS = "credit"
"""What an owner is credited, whatever the desk calls it: deposits, adjustments, reversals, opening
balances."""
_kinds: dict[str, Kind] = {}


def register(kind: str, *, apply: Effect, title: str, reject: Effect | None = None,
             drafts: Drafts | None = None, subject: Subject | None = None, shares: Shares | None = None,
             counted_as: str | None = None, stale: Stale | None = None) -> None:
    """A noun says what its kind of approval does."""
    assert kind not in _kinds, f"{kind} is registered already"
    _kinds[kind] = Kind(title, apply, reject, drafts, subject, shares, counted_as, stale)


def of(kind: str) -> Kind:
    return _kinds[kind]


def refusal_of(kind: str) -> Effect | None:
    """What puts a request of it away; nothing for a kind that is gone."""
    return _kinds[kind].reject if kind in _kinds else None


def subject_of(session: Session, approval: "Approval") -> str:
    """Whose money it is: `store:<id>`, `trader:<id>`, or the target as it is."""
    found = _kinds[approval.kind].subject if approval.kind in _kinds else None
    return found(session, approval) if found is not None else f"{approval.target_kind}:{approval.target_id}"


def shares_of(session: Session, approval: "Approval", amount_minor: int) -> Mapping[str, int]:
    """What of the amount is whose, by subject: all of it the one's whose money it is, where there are not several."""
    shares = _kinds[approval.kind].shares if approval.kind in _kinds else None
    return (shares(session, approval) if shares else None) or {subject_of(session, approval): amount_minor}


def counted_as(kind: str) -> str:
    """The sum that its limits look at."""
    return (_kinds[kind].counted_as if kind in _kinds else None) or kind


def is_money(kind: str) -> bool:
    """It posts entries: it can have limits by amount."""
    return kind in _kinds and _kinds[kind].drafts is not None


def of_money() -> list[tuple[str, str]]:
    """Those with their titles."""
    return [(kind, title) for kind, title in titles() if is_money(kind)]


def title_of(kind: str) -> str:
    """A kind that is gone is still shown."""
    return _kinds[kind].title if kind in _kinds else kind.replace("_", " ").capitalize()


def titles() -> list[tuple[str, str]]:
    """Every kind there is with its title, to choose from."""
    return sorted(((kind, of_kind.title) for kind, of_kind in _kinds.items()), key=lambda pair: pair[1])
