"""Treasury's entries: posted, claims paid of what came in, and stores told what moved on their balances."""
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock, ids
from portal.core.access import Actor
from portal.ledger import Account, Draft, StatementLine
from portal.orders.directions import RULES
from portal.orders.states import Direction
from portal.treasury.models import WITHDRAWAL
from portal.webhooks.announce import Announcement, announce

# what an entry refers to: an order, else one of ours
PREFIXES = {rules.settle_kind: rules.prefix for rules in RULES.values()} | dict.fromkeys(
    ("payout_hold", "payout_release"), RULES[Direction.PAYOUT].prefix) | dict.fromkeys(
    ("withdrawal_hold", "withdrawal_release", "withdrawal_settle"), WITHDRAWAL)


def post(session: Session, actor: Actor, drafts: Sequence[Draft], *, spares: Collection[Account] = ()) -> None:
    """Append the entries; then whoever owes the desk and was credited pays, but for the accounts that it `spares`.

    Each line on a store's `available` is told to it: `balance.credited`, `balance.debited`. Raises as ledger.post.
    """
    ledger.post(session, actor, drafts)
    paid = ledger.claims.collect(session, {line.credit for draft in drafts for line in draft.lines} - set(spares))
    tell(session, [*drafts, *paid])


def tell(session: Session, posted: Sequence[Draft]) -> None:
    """Stores of what was posted, as their statement shows it."""
    accounts = {account for draft in posted for account in draft.accounts
                if account.owner_kind == "store" and account.purpose == "available"}
    if accounts:
        announce(session, [_announcement(account, line) for account, line in ledger.statement_lines_of(
            session, accounts, [(draft.kind, draft.reference) for draft in posted])])


def line_shown(line: StatementLine, purpose: str) -> dict[str, Any]:
    """A line of a store's statement, as the gateway shows it and webhooks tell it."""
    return {"id": f"ent_{line.id}", "kind": line.event, "purpose": purpose, "currency": line.amount.currency,
            "amount": line.amount.text, "balance": line.balance.text,
            "reference": ids.public(PREFIXES.get(line.kind, "ref"), line.reference), "at": clock.rfc3339(line.at)}


def _announcement(account: Account, line: StatementLine) -> Announcement:
    assert account.owner_id is not None
    return Announcement(store_id=account.owner_id, live=account.live,
                        type="balance.credited" if line.amount.minor > 0 else "balance.debited",
                        payload=line_shown(line, account.purpose))
