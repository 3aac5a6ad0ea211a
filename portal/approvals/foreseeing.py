"""What becomes of several that one person approves in one go: each after those before it, by what decides."""
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from portal.approvals import kinds, limits
from portal.approvals.models import Approval
from portal.approvals.service import StaleApproval, takes_effect
from portal.core.access import Actor
from portal.core.errors import PortalError
from portal.ledger import Draft


@dataclass(frozen=True)
class Foreseen:
    """`drafts`: what it posts now. `error`: why it is refused."""

    approval: Approval
    takes_effect: bool = False
    drafts: Sequence[Draft] = ()
    error: PortalError | None = None

    @property
    def only_agreed(self) -> bool:
        """It goes on waiting, for another person: nothing is posted yet."""
        return not self.takes_effect and self.error is None


def foresee(session: Session, actor: Actor, waiting: Sequence[Approval]) -> list[Foreseen]:
    """In the order in which they are decided. Reads only. Refusals that `apply` alone finds, such as that of a party to
    the dispute, are not foreseen."""
    turn = limits.InTurn(session, waiting, actor)
    return [_foreseen(session, actor, approval, turn) for approval in waiting]


def _foreseen(session: Session, actor: Actor, approval: Approval, turn: limits.InTurn) -> Foreseen:
    found, kind = turn.judged(approval), kinds.of(approval.kind)
    try:
        if kind.stale is not None and kind.stale(session, approval):
            raise StaleApproval()
        if not takes_effect(session, actor, approval, found):
            return Foreseen(approval)
        posted = list(kind.drafts(session, approval)) if kind.drafts is not None else []
    except PortalError as refused:
        return Foreseen(approval, error=refused)
    except NoResultFound:
        return Foreseen(approval, error=StaleApproval())
    turn.goes(approval, found)
    return Foreseen(approval, True, posted)
