"""Rates: what is refused, what ages, what is seen when."""
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from portal import reference
from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.db import db, transaction
from portal.core.errors import Invalid, NotFound
from portal.core.ids import new_id
from portal.reference import service
from portal.reference.commands import SetRate, Switch
from portal.reference.models import Method, Rate
from portal.reference.service import RateJump


@pytest.fixture
def pair(app):
    """Two currencies nobody else has rates of; forgotten afterwards."""
    with transaction() as session:
        for old in session.scalars(sa.select(Rate).where(Rate.base == "BTC", Rate.quote == "AZN")):
            session.delete(old)
    reference.forget()
    return {"base": "BTC", "quote": "AZN"}


def set_rate(pair, rate: str, **more):
    with transaction() as session:
        return service.set_rate(session, SYSTEM, SetRate(**pair, rate=rate, **more))


def quoted(pair) -> Decimal:
    return reference.quote(pair["base"], pair["quote"]).rate


def test_a_rate_set_is_the_rate_quoted(pair):
    set_rate(pair, "92.5")
    set_rate(pair, "93.125")
    assert quoted(pair) == Decimal("93.125")


def test_without_a_rate_nothing_is_quoted(pair):
    with pytest.raises(reference.RateUnavailable) as refused:
        quoted(pair)
    assert (refused.value.code, refused.value.retryable) == ("rate_unavailable", True)


@pytest.mark.parametrize("rate", ["0", "0.000", "-92", "NaN", "nan", "Infinity", "-Infinity", "sNaN", "1e5", "1_000",
                                  "", "٩٢", "0.0000000000001", "1" * 19, "ninety"])
def test_a_rate_that_is_no_rate_is_refused(rate):
    with pytest.raises(ValidationError):
        SetRate(base="USDT", quote="RUB", rate=rate)


@pytest.mark.parametrize("jump", ["925", "920", "9.2", "0.92", "100000"])
def test_a_tenfold_jump_is_refused_unless_forced(pair, jump):
    set_rate(pair, "92")
    with pytest.raises(RateJump):
        set_rate(pair, jump)
    assert quoted(pair) == 92
    set_rate(pair, jump, force=True)
    assert quoted(pair) == Decimal(jump)


def test_a_ninefold_change_is_a_persons_business(pair):
    set_rate(pair, "92")
    set_rate(pair, "828")
    assert quoted(pair) == 828


def test_the_database_refuses_what_the_code_would(pair):
    for wrong in ("0", "-1", "NaN"):
        with pytest.raises(sa.exc.IntegrityError), transaction() as session:
            session.add(Rate(**pair, rate=Decimal(wrong), source="manual"))


def test_a_feed_ages_and_a_manual_rate_does_not(pair):
    set_rate(pair, "92", source="feed")
    with clock.moved(timedelta(seconds=3599)):
        assert quoted(pair) == 92
    with clock.moved(timedelta(seconds=3601)), pytest.raises(reference.RateUnavailable):
        quoted(pair)
    set_rate(pair, "91")
    with clock.moved(timedelta(days=30)):
        assert quoted(pair) == 91


def test_unknown_and_equal_currencies_have_no_rate(app):
    with pytest.raises(NotFound):
        set_rate({"base": "XXX", "quote": "RUB"}, "1")
    with pytest.raises(Invalid):
        set_rate({"base": "RUB", "quote": "RUB"}, "1")


def test_a_change_by_another_process_is_seen_within_five_seconds(pair, monkeypatch):
    set_rate(pair, "92")
    assert quoted(pair) == 92
    with db.engine.begin() as elsewhere:
        elsewhere.execute(sa.insert(Rate).values(id=new_id(), **pair, rate=Decimal(95), source="manual",
                                                 at=clock.now()))
    monkeypatch.setattr(reference.cache.time, "monotonic", lambda real=reference.cache.time.monotonic: real() + 5)
    assert quoted(pair) == 95


def test_a_rate_that_was_rolled_back_was_never_there(pair):
    set_rate(pair, "92")
    with pytest.raises(ZeroDivisionError), transaction() as session:
        service.set_rate(session, SYSTEM, SetRate(**pair, rate="80"))
        assert quoted(pair) == 80
        raise ZeroDivisionError
    assert quoted(pair) == 92


def test_switching_off_is_seen_at_once_here(app):
    code = f"m{new_id().hex[-10:]}"
    with transaction() as session:
        session.add(Method(code=code, name="Test", number_label="Number", validator="luhn16"))
    reference.forget()
    assert reference.snapshot().method(code).active
    with transaction() as session:
        service.switch(session, SYSTEM, Switch(kind="method", code=code, active=False))
    with pytest.raises(Invalid) as refused:
        reference.snapshot().method(code)
    assert [field.code for field in refused.value.fields] == ["unknown_method"]
