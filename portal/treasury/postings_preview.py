"""What approving would write in the books, as its page shows it: every posting, every balance before and after."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import ledger
from portal.approvals import Approval, kinds
from portal.approvals.foreseeing import Foreseen
from portal.core.access import Actor, Permission
from portal.core.money import Money
from portal.ledger import Account, Draft
from portal.parties.models import Store, Trader


@dataclass(frozen=True)
class NamedAccount:
    """An account and its store's or trader's name; None for the desk's and the world's."""

    account: Account
    name: str | None


@dataclass(frozen=True)
class PostingsPreview:
    """`lines`: (from, to, amount) as they would be posted. `moved`: (account, before, after, not covered)."""

    lines: list[tuple[NamedAccount, NamedAccount, Money]]
    moved: list[tuple[NamedAccount, Money, Money, bool]]

    @property
    def totals(self) -> list[Money]:
        """What goes from one account to another in all, by currency."""
        sums: dict[str, Money] = {}
        for _, _, amount in self.lines:
            sums[amount.currency] = sums.get(amount.currency, Money.zero(amount.currency)) + amount
        return [sums[currency] for currency in sorted(sums)]

    @property
    def uncovered(self) -> bool:
        return any(short for *_, short in self.moved)


def of_approval(session: Session, actor: Actor, approval: Approval) -> PostingsPreview | None:
    """For one that still waits and would post something; once it is decided, the journal tells it. None for the rest,
    and for whoever may not read balances."""
    kind = kinds.of(approval.kind)
    if approval.state != "pending" or kind.drafts is None or not actor.may(Permission.BALANCE_READ):
        return None
    drafts = list(kind.drafts(session, approval))
    return of_drafts(session, drafts) if drafts else None


def of_several(session: Session, actor: Actor, asked: Sequence[Foreseen]) -> PostingsPreview | None:
    """Of those that take effect, as one: postings from the same account to the same are summed, balances are those
    after the last."""
    drafts = [draft for one in asked for draft in one.drafts]
    if not drafts or not actor.may(Permission.BALANCE_READ):
        return None
    found, sums = of_drafts(session, drafts), dict[tuple[NamedAccount, NamedAccount], Money]()
    for source, target, amount in found.lines:
        sums[source, target] = sums.get((source, target), Money.zero(amount.currency)) + amount
    return PostingsPreview([(source, target, amount) for (source, target), amount in sums.items()], found.moved)


def of_drafts(session: Session, drafts: list[Draft]) -> PostingsPreview:
    """What is owed of the money that comes in is paid first. Four queries, however many lines, and one a claim.

    Whoever asks has checked that the reader may see these balances.
    """
    found = ledger.preview(session, drafts + ledger.claims.foreseen(session, drafts))
    names = _names(session, {moved.account for moved in found.moved})

    def named(account: Account) -> NamedAccount:
        return NamedAccount(account, names.get(account.owner_id) if account.owner_id else None)

    return PostingsPreview([(named(line.debit), named(line.credit), line.amount) for line in found.lines],
                           [(named(moved.account), moved.before, moved.after, moved.short) for moved in found.moved])


def _names(session: Session, accounts: Iterable[Account]) -> dict[UUID, str]:
    owners = {kind: {account.owner_id for account in accounts if account.owner_kind == kind}
              for kind in ("store", "trader")}
    rows = session.execute(select(Store.id, Store.name).where(Store.id.in_(owners["store"])).union_all(
        select(Trader.id, Trader.name).where(Trader.id.in_(owners["trader"]))))
    return dict(iter(rows))
