"""Money in and out on the demo day: of each kind one that is over, and one that somebody must act on."""
import hashlib
from collections.abc import Callable
from io import BytesIO
from uuid import UUID

from PIL import Image, ImageDraw
from sqlalchemy import select

from portal import approvals, files, treasury
from portal.approvals import Approval, DecideApproval
from portal.core.access import Actor
from portal.core.db import transaction
from portal.demo import cast
from portal.demo.load import Desk
from portal.parties.models import Store
from portal.reference import chains
from portal.treasury import addresses, withdrawals
from portal.treasury.commands import AddAddress, AskWithdrawal, SendWithdrawal, TakeWithdrawal
from portal.treasury.models import WithdrawalAddress
from portal.treasury.owners import OwnerKind

Scene = Callable[[], object]
MORNING = 26 * 60 - 1  # minutes ago: what rests a day from then on is usable today


def scenes(desk: Desk) -> list[tuple[int, Scene]]:
    """(minutes ago, what happens then)."""
    return Scenes(desk).all()


class Scenes:
    """The first trader and the bookshop have wallets; so have the second trader and the games shop, by this evening."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.books: dict[str, WithdrawalAddress] = {}

    def all(self) -> list[tuple[int, Scene]]:
        return [
            (MORNING, self._wallets),
            (95, lambda: self._withdraw("trader1", "1500", "approve", sent=True)),
            (80, lambda: self._withdraw("games", "50", "reject")),
            (70, lambda: self._deposit("trader3", "1000", "approve")),
            (55, lambda: self._withdraw("bookshop", "300", "approve")),
            (40, lambda: self._wallet("trader1", "Exchange", decided=False)),
            (35, lambda: self._withdraw("trader2", "750")),
            (20, lambda: self._deposit("travel", "400")),
        ]

    def _wallets(self) -> None:
        for name in ("trader1", "trader2", "bookshop", "games"):
            self._wallet(name)

    def _wallet(self, name: str, label: str = "Cold wallet", *, decided: bool = True) -> None:
        address = chains.base58check(b"\x41" + hashlib.sha256(f"{name} {label}".encode()).digest()[:20])
        kind, owner_id, person = self._owner(name)
        with transaction() as session:
            self.books.setdefault(name, addresses.add(session, person, AddAddress(
                owner_kind=kind, owner_id=owner_id, label=label, network="trc20", address=address)))
        if decided:
            self._decide(self.books[name].id, "approve")

    def _withdraw(self, name: str, amount: str, decision: str | None = None, *, sent: bool = False) -> None:
        kind, owner_id, person = self._owner(name)
        with transaction() as session:
            made = withdrawals.ask(session, person, AskWithdrawal(
                owner_kind=kind, owner_id=owner_id, address_id=self.books[name].public_id, amount=amount))
            id = made.public_id
        if decision is not None:
            self._decide(made.id, decision)
        if sent:
            with transaction() as session:
                withdrawals.take(session, self.desk.admin, TakeWithdrawal(withdrawal_id=id))
                withdrawals.send(session, self.desk.admin, SendWithdrawal(withdrawal_id=id, reference=_hash(id)))

    def _deposit(self, name: str, amount: str, decision: str | None = None) -> None:
        kind, owner_id, person = self._owner(name)
        stored = files.store(files.Upload("transfer.png", _proof(amount, name)))
        with transaction() as session:
            proof = files.keep(session, person, stored)
            asked = treasury.ask(session, person, treasury.AskDeposit(
                owner_kind=kind, owner_id=owner_id, amount=amount, currency=cast.SETTLEMENT, network="trc20",
                reference=_hash(f"{name} {amount}"), files=(proof.public_id,)))
        if decision is not None:
            self._decide(owner_id, decision, asked.id)

    def _decide(self, target_id: UUID, decision: str, approval_id: UUID | None = None) -> None:
        with transaction() as session:
            waiting = select(Approval).where(Approval.target_id == str(target_id), Approval.state == "pending")
            if approval_id is not None:
                waiting = waiting.where(Approval.id == approval_id)
            asked = session.scalars(waiting).one()
            approvals.decide(session, self.desk.second, DecideApproval(
                approval_id=asked.public_id, decision=decision,  # type: ignore[arg-type]
                reason="Demo: seen" if decision == "approve" else "Demo: ask again tomorrow"))

    def _owner(self, name: str) -> tuple[OwnerKind, UUID, Actor]:
        if name in self.desk.stores:
            store: Store = self.desk.stores[name]
            return "store", store.id, next(one for one in self.desk.people.values()
                                           if one.merchant_id == store.merchant_id)
        person = self.desk.people[name]
        assert person.trader_id is not None
        return "trader", person.trader_id, person


def _hash(text: str) -> str:
    """As a chain names a transaction."""
    return hashlib.sha256(text.encode()).hexdigest()


def _proof(amount: str, name: str) -> bytes:
    """What a wallet would have shown, on a small screen."""
    sheet, out = Image.new("RGB", (540, 720), "white"), BytesIO()
    pen = ImageDraw.Draw(sheet)
    for at, line in enumerate(("Sent", f"{amount} {cast.SETTLEMENT}", name, _hash(f"{name} {amount}")[:16])):
        pen.text((60, 120 + 90 * at), line, fill="black", font_size=40)
    sheet.save(out, "PNG")
    return out.getvalue()
