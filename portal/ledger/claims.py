"""What an owner owes the desk: a correction found his balance spent, suspense stood in for him, new money pays it back.

While a claim is open, its owner's money does not leave the desk: who lets it out asks `refuse_while_owing`.
"""
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Select, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import clock, ids
from portal.core.access import SYSTEM
from portal.core.columns import Id, LongText, Minor
from portal.core.db import Base, locked
from portal.core.errors import Rejected
from portal.core.money import Money
from portal.core.paging import Page, newest_ids_first
from portal.ledger import entries, queries, service
from portal.ledger.accounts import SUSPENSE, Account
from portal.ledger.entries import Draft
from portal.ledger.verify import Check, register

PAGE = 50


class ClaimOpen(Rejected):
    """This balance owes the desk the amount in `owed`. Until that is paid, no money leaves it."""

    code = "claim_open"


class Claim(Base):
    """`reference`: the approval that made it. `paid_minor` of `amount_minor` came back, in as many parts as it took."""

    __tablename__ = "claims"
    __table_args__ = (
        Index("ix_claims_open", "owner_id", postgresql_where=text("settled_at IS NULL")),  # at every credit
        Index("ix_claims_reference", "reference"),
        CheckConstraint("amount_minor > 0 AND paid_minor BETWEEN 0 AND amount_minor", name="amounts"),
        CheckConstraint("(settled_at IS NOT NULL) = (paid_minor = amount_minor)", name="settled"),
        CheckConstraint("owner_kind IN ('store', 'trader')", name="owner_kind"),
    )
    id: Mapped[Id]
    owner_kind: Mapped[LongText]
    owner_id: Mapped[UUID]
    currency: Mapped[LongText]
    live: Mapped[bool]
    reference: Mapped[UUID]
    amount_minor: Mapped[Minor]
    paid_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    settled_at: Mapped[datetime | None]

    @property
    def approval_public_id(self) -> str:
        return ids.public("apr", self.reference)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def left(self) -> Money:
        return Money(self.amount_minor - self.paid_minor, self.currency)

    @property
    def account(self) -> Account:
        return Account(self.owner_kind, self.owner_id, "available", self.currency, self.live)


class ClaimPayment(Base):
    """One part that came back. Its id is the reference of its journal entry."""

    __tablename__ = "claim_payments"
    __table_args__ = (Index("ix_claim_payments_claim_id", "claim_id"),)
    id: Mapped[Id]
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claims.id"))
    amount_minor: Mapped[Minor]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


def owed(session: Session, owner_kind: str, owner_id: UUID, currency: str, *, live: bool = True) -> Money:
    """What is still to be paid of all open claims; zero for nearly everybody."""
    return owed_by(session, owner_kind, {owner_id: currency}, live=live)[owner_id]


def owed_by(session: Session, owner_kind: str, owners: dict[UUID, str], *, live: bool = True) -> dict[UUID, Money]:
    """As `owed` of each, in the currency named for it, by one query."""
    left_minor = func.sum(Claim.amount_minor - Claim.paid_minor)
    rows = session.execute(select(Claim.owner_id, Claim.currency, left_minor).where(
        Claim.owner_kind == owner_kind, Claim.owner_id.in_(list(owners)), Claim.live.is_(live),
        Claim.settled_at.is_(None)).group_by(Claim.owner_id, Claim.currency))
    left = {(owner, currency): int(minor) for owner, currency, minor in rows}
    return {owner: Money(left.get((owner, currency), 0), currency) for owner, currency in owners.items()}


def page(session: Session, *, still_open: bool, cursor: str | None = None) -> Page[Claim]:
    """Of everybody, newest first. Raises Invalid for a wrong cursor."""
    rows = select(Claim).where(Claim.settled_at.is_(None) if still_open else Claim.settled_at.is_not(None))
    return newest_ids_first(session, rows, Claim.id, cursor=cursor, limit=PAGE)


def outstanding(session: Session) -> list[tuple[Money, int]]:
    """What is owed in all, and by how many claims, by currency; of live balances."""
    rows = session.execute(select(Claim.currency, func.sum(Claim.amount_minor - Claim.paid_minor), func.count())
                           .where(Claim.settled_at.is_(None), Claim.live).group_by(Claim.currency)
                           .order_by(Claim.currency))
    return [(Money(int(minor), currency), count) for currency, minor, count in rows]


def refuse_while_owing(session: Session, owner_kind: str, owner_id: UUID, currency: str, *, live: bool = True) -> None:
    """Before money leaves the desk for this owner. Raises ClaimOpen."""
    if due := owed(session, owner_kind, owner_id, currency, live=live):
        raise ClaimOpen(owed=due.text, currency=currency)


def made_by(session: Session, reference: UUID) -> bool:
    """Did the entry of this reference find its payer short?"""
    return session.scalar(select(Claim.id).where(Claim.reference == reference).limit(1)) is not None


def add(session: Session, account: Account, amount: Money, *, reference: UUID) -> Claim:
    """Suspense stood in for `account`'s owner with `amount`, in the entry of `reference`."""
    assert account.owner_id is not None
    claim = Claim(id=ids.new_id(), owner_kind=account.owner_kind, owner_id=account.owner_id, currency=amount.currency,
                  live=account.live, reference=reference, amount_minor=amount.minor)
    session.add(claim)
    session.flush()
    return claim


def collect(session: Session, credited: Iterable[Account]) -> list[Draft]:
    """Of money that has just come to these accounts, what their owners owe goes back to suspense; what was posted.

    One query where nobody owes anything. In the transaction of the credit, after its posting.
    """
    owners = _owners(credited)
    due = locked(session, _open(owners)) if owners else []
    if not due:
        return []
    balances = service.lock_balances(session, {account for claim in due for account in (
        claim.account, SUSPENSE(claim.currency, claim.live))})
    drafts = []
    for claim, part in _shares(due, {account: balance.available_minor for account, balance in balances.items()}):
        claim.paid_minor += part.minor
        claim.settled_at = clock.now() if not claim.left else None
        payment = ClaimPayment(id=ids.new_id(), claim_id=claim.id, amount_minor=part.minor)
        session.add(payment)
        drafts.append(entries.claim_payment(payment.id, claim.account, part))
    session.flush()
    service.post(session, SYSTEM, drafts)
    return drafts


def foreseen(session: Session, drafts: Sequence[Draft]) -> list[Draft]:
    """What `collect` would post after these, by the balances of now. Nothing is locked or written."""
    lines = [line for draft in drafts for line in draft.lines]
    owners = _owners({line.credit for line in lines} - {line.debit for line in lines})
    due = session.scalars(_open(owners)).all() if owners else ()
    left = {claim.account: queries.balance(session, claim.account).minor for claim in due}
    for line in lines:
        for account, minor in ((line.debit, -line.amount.minor), (line.credit, line.amount.minor)):
            if account in left:
                left[account] += minor
    return [entries.claim_payment(claim.id, claim.account, part) for claim, part in _shares(due, left)]


def _owners(credited: Iterable[Account]) -> set[UUID]:
    return {account.owner_id for account in credited
            if account.purpose == "available" and account.owner_id is not None}


def _open(owners: Collection[UUID]) -> Select[Claim]:
    """Oldest first: in this order they are paid."""
    return select(Claim).where(Claim.owner_id.in_(owners), Claim.settled_at.is_(None)).order_by(Claim.id)


def _shares(due: Iterable[Claim], left: dict[Account, int]) -> Iterator[tuple[Claim, Money]]:
    """What each claim gets of what its owner has, in minor units of `left`, which is used up."""
    for claim in due:
        minor = min(claim.left.minor, left[claim.account])
        if minor > 0:
            left[claim.account] -= minor
            yield claim, Money(minor, claim.currency)


PAID = Check(
    "what came back of claims is what their entries moved",
    "SELECT count(*) FROM claims",
    """
    SELECT 'claim ' || c.id || ': ' || c.paid_minor || ' of ' || c.amount_minor || ' paid, entries moved '
               || coalesce(p.moved, 0)
      FROM claims c LEFT JOIN (
           SELECT y.claim_id, sum(x.amount_minor) AS moved
             FROM claim_payments y JOIN journal_entries e ON e.kind = 'claim_payment' AND e.reference = y.id
             JOIN postings x ON x.entry_id = e.id GROUP BY 1) p ON p.claim_id = c.id
     WHERE c.paid_minor <> coalesce(p.moved, 0)""")
register(PAID)
