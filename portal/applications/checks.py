"""What the desk knows already of somebody who wants to join: shown to staff, decides nothing."""
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.core import crypto
from portal.core.names import canonical
from portal.parties.models import Holder, Merchant, Trader, User

SHOWN_MAX = 10


@dataclass(frozen=True)
class Checks:
    """`holder`: a person of that name stands on a requisite. `words`: denied ones, found in what was written."""

    user: User | None
    same_email: list[Application]
    same_phone: list[Application]
    same_name: list[Merchant | Trader]
    holder: Holder | None
    words: list[str]

    @property
    def clean(self) -> bool:
        return not (self.user or self.same_email or self.same_phone or self.same_name or self.holder or self.words)


def of(session: Session, application: Application, *, deny_words: Iterable[str]) -> Checks:
    """A few look-ups, each of a bounded number."""
    names = {canonical(application.name), canonical(application.contact)}
    marks = [mark for name in names for mark in crypto.fingerprints("holder", name)]
    party = Merchant if application.kind == "merchant" else Trader
    text = canonical(" ".join(filter(None, (
        application.name, application.contact, application.email, application.website, application.wants))))
    return Checks(
        user=session.scalar(select(User).where(User.email == application.email)),
        same_email=_others(session, application, Application.email == application.email),
        same_phone=_others(session, application, Application.phone_digits == application.phone_digits),
        same_name=list(session.scalars(select(party).where(
            party.name.in_((application.name, application.contact)), party.id != application.party_id
            if application.party_id is not None else party.id.is_not(None)).limit(SHOWN_MAX))),
        holder=session.scalar(select(Holder).where(Holder.name_fingerprint.in_(marks)).limit(1)),
        words=[word for word in deny_words if canonical(word) in text])


def _others(session: Session, application: Application, same: object) -> list[Application]:
    return list(session.scalars(select(Application).where(same, Application.id != application.id)  # type: ignore[arg-type]
                                .order_by(Application.id.desc()).limit(SHOWN_MAX)))
