"""Rounds of LNbits: invoices taken in, and invoices paid by another wallet, over HTTP, asked by G1's client."""
import json
import os
from pathlib import Path

from benchmarks.create import load
from benchmarks.ground import Ground
from benchmarks.lnbits_server import Lnbits

SCRIPT = Path(__file__).with_name("lnbits.lua")
INVOICE = {"out": False, "amount": 10, "memo": "Two books"}
TAKEN = "SELECT count(*) FROM apipayments WHERE amount > 0"
PAID = "SELECT count(*) FROM apipayments WHERE amount < 0 AND status = 'success'"
UNPAID = "SELECT wallet_id, bolt11 FROM apipayments WHERE amount > 0 AND status = 'pending' ORDER BY random()"
SPARE = 2  # times as many invoices as it makes in a round lie ready for the round that pays them


class LnbitsRounds:
    """An invoice is paid once: a round of payments pays what creates before it have left, and some made for it."""

    def __init__(self, ground: Ground, server: Lnbits) -> None:
        self.ground, self.server, self.taken_per_s = ground, server, 0.0

    def create(self, *, seconds: int) -> float:
        """Invoices a second, every wallet in turn."""
        body = json.dumps(INVOICE)
        self.taken_per_s = self._round([f"{wallet['inkey']}\t{body}" for wallet in self.server.wallets], TAKEN,
                                       seconds=seconds)
        return self.taken_per_s

    def pay(self, *, seconds: int) -> float:
        """Payments a second, each by the wallet before the one that it goes to."""
        while len(unpaid := self._unpaid()) < SPARE * seconds * self.taken_per_s:
            self.create(seconds=seconds)
        wallets = self.server.wallets
        payer = {wallet["id"]: wallets[place - 1]["adminkey"] for place, wallet in enumerate(wallets)}
        return self._round([f"{payer[wallet]}\t{json.dumps({'out': True, 'bolt11': bolt11})}"
                            for wallet, bolt11 in unpaid], PAID, seconds=seconds)

    def _unpaid(self) -> list[tuple[str, str]]:
        with self.ground.superuser(self.server.database) as connection:
            return connection.execute(UNPAID).fetchall()

    def _round(self, lines: list[str], counted: str, *, seconds: int) -> float:
        """The database must have what was answered. (Paying one twice is refused, and `load` raises at that.)"""
        file = self.ground.servers.home.folder / f"lnbits-lines-{os.getpid()}"
        file.write_text("\n".join(lines), "ascii")
        before = self._count(counted)
        try:
            per_s = load(self.server, file, seconds=seconds, script=SCRIPT)["per_s"]
        finally:
            file.unlink()
        assert self._count(counted) - before >= int(per_s * seconds), "answered, but not in the database"
        return per_s

    def _count(self, counted: str) -> int:
        with self.ground.superuser(self.server.database) as connection:
            (count,) = connection.execute(counted).fetchone() or (0,)
        return int(count)
