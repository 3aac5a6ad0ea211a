"""Currencies: all of ISO 4217 there to be switched on, assets by staff, and a point that never moves."""
from secrets import token_hex

import pytest
import sqlalchemy as sa

from portal import reference
from portal.core.db import db
from portal.core.iso4217 import MINOR_UNITS
from portal.core.money import EXPONENTS, BadAmount, Money
from portal.reference.models import Currency


def elsewhere(**facts) -> str:
    """Another process adds an asset."""
    code = f"T{token_hex(3).upper()}"
    with db.engine.begin() as connection:
        connection.execute(sa.insert(Currency).values(
            {"code": code, "exponent": 9, "kind": "crypto", "sign": code, "name": "Coin"} | facts))
    return code


def test_every_currency_of_iso_is_there_to_be_switched_on(app):
    kept = {row.code: row.exponent for row in db.session.scalars(sa.select(Currency).where(Currency.kind == "fiat"))}
    assert kept == MINOR_UNITS
    assert [kept[code] for code in ("JPY", "KWD", "UZS", "CLF")] == [0, 3, 2, 4]


def test_an_asset_that_another_process_added_has_its_digits_here(app, monkeypatch):
    """Nine currencies stood in a dictionary of the code: an asset added by staff had no amounts."""
    reference.snapshot()
    monkeypatch.setattr(reference.cache, "ASKED_AGAIN_S", 0)
    code = elsewhere(exponent=9)
    assert Money.parse("1.000000001", code) == Money(1_000_000_001, code)
    assert Money(5, code).text == "0.000000005"


def test_a_strangers_code_is_no_currency_and_costs_few_reads(app, monkeypatch):
    reads = []
    monkeypatch.setattr(reference.cache, "_read", lambda session, real=reference.cache._read:
                        reads.append(1) or real(session))
    for _ in range(200):
        assert f"X{token_hex(3).upper()}" not in EXPONENTS
        with pytest.raises(BadAmount):
            Money.parse("1.00", "NOSUCHCODE")
    assert len(reads) < 20


@pytest.mark.parametrize("change", [{"exponent": 3}, {"code": "RUX"}])
def test_the_database_never_moves_a_point(app, change):
    with pytest.raises(sa.exc.IntegrityError, match="never change"), db.engine.begin() as connection:
        connection.execute(sa.update(Currency).where(Currency.code == "RUB").values(**change))


def test_the_application_deletes_no_currency(app):
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), db.engine.begin() as connection:
        connection.execute(sa.delete(Currency).where(Currency.code == "AFN"))


@pytest.mark.parametrize("digits", [-1, 10])
def test_the_database_bounds_the_digits(app, digits):
    with pytest.raises(sa.exc.IntegrityError, match="ck_currencies_exponent"):
        elsewhere(exponent=digits)
