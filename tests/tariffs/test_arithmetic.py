"""F = min(A, A·bps/10,000 half-even + fixed); R likewise; net by subtraction: whatever the numbers."""
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as any_of

from portal.core import clock
from portal.core.ids import new_id
from portal.core.money import Money
from portal.tariffs.rules import Rule

amounts = any_of.integers(min_value=1, max_value=2**53)
shares = any_of.integers(min_value=0, max_value=10_000)
fixed = any_of.integers(min_value=0, max_value=2**40)


def half_even(value: Fraction) -> int:
    return round(value)  # of a Fraction: exact, ties to even


def rule(bps: int, fixed_minor: int) -> Rule:
    return Rule(new_id(), "payin", None, None, None, None, bps, fixed_minor, clock.now(), None)


@given(amounts, shares, fixed)
def test_a_fee_is_exact_and_never_above_the_amount(amount, bps, fixed_minor):
    settlement = Money(amount, "USDT")
    fee = rule(bps, fixed_minor).of(settlement)
    assert fee.minor == min(amount, half_even(Fraction(amount * bps, 10_000)) + fixed_minor)
    assert (settlement - fee) + fee == settlement
    assert 0 <= (settlement - fee).minor <= amount


@given(amounts, shares, fixed)
def test_a_reward_is_exact_and_never_above_the_amount(amount, bps, fixed_minor):
    reward = rule(bps, fixed_minor).of(Money(amount, "USDT"))
    assert reward.minor == min(amount, half_even(Fraction(amount * bps, 10_000)) + fixed_minor)


@given(amounts, shares, shares, fixed, fixed)
def test_what_comes_in_goes_out(amount, fee_bps, reward_bps, fee_fixed, reward_fixed):
    settlement = Money(amount, "USDT")
    fee = rule(fee_bps, fee_fixed).of(settlement)
    reward = rule(reward_bps, reward_fixed).of(settlement)
    store, desk = settlement - fee, fee - reward
    assert store + reward + desk == settlement


def test_a_tie_goes_to_the_even_one():
    half_a_percent = rule(50, 0)
    assert [half_a_percent.of(Money(minor, "USDT")).minor for minor in (100, 300, 500, 700)] == [0, 2, 2, 4]
