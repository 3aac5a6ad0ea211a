"""What a new version changes, band by band: by hand for each kind of change, and by chance against the rule itself."""
import random
from datetime import UTC, datetime
from itertools import product

from portal.core.ids import new_id
from portal.core.money import MINOR_MAX, Money
from portal.tariffs.bands import Band, Changes, changes
from portal.tariffs.rules import Rule, most_specific

AT = datetime(2026, 1, 1, tzinfo=UTC)


def rule(bps: int, least: int | None = None, most: int | None = None, *, method: str | None = None,
         currency: str | None = "RUB", direction: str = "payin") -> Rule:
    return Rule(new_id(), direction, method, currency, least, most, bps, 0, AT, None)


def told(bands: list[Band] | Changes) -> list[tuple[object, ...]]:
    bands = bands.bands if isinstance(bands, Changes) else bands
    return [(band.opens_at, band.ends_at, band.before.bps if band.before else None,
             band.after.bps if band.after else None, band.change) for band in bands]


def test_a_band_is_cut_out_of_a_wider_one() -> None:
    assert told(changes([rule(250)], rule(200, 2_000, 5_000))) == [
        (None, 1_999, 250, 250, "same"), (2_000, 5_000, 250, 200, "added"), (5_001, None, 250, 250, "same")]


def test_one_alike_ends_and_the_band_is_changed() -> None:
    assert told(changes([rule(200, 2_000, 5_000), rule(250)], rule(150, 2_000, 5_000))) == [
        (None, 1_999, 250, 250, "same"), (2_000, 5_000, 200, 150, "changed"), (5_001, None, 250, 250, "same")]


def test_a_version_at_the_price_of_the_one_that_it_ends_changes_nothing() -> None:
    assert told(changes([rule(250)], rule(250))) == [(None, None, 250, 250, "same")]


def test_bands_of_any_method_go_into_one_for_a_method() -> None:
    """A method named comes before any band: for cards the bands are no more, for others they stay."""
    standing = [rule(300, None, 999), rule(200, 1_000, None)]
    assert told(changes(standing, rule(100, method="card"))) == [
        (None, 999, 300, 100, "removed"), (1_000, None, 200, 100, "removed")]
    assert told(changes([*standing, rule(50, method="card")], rule(100, method="card"))) == [
        (None, None, 50, 100, "changed")]


def test_what_nothing_priced_is_added_and_a_gap_is_no_band() -> None:
    assert told(changes([rule(300, 10, 19)], rule(100, 30, 39))) == [
        (10, 19, 300, 300, "same"), (30, 39, None, 100, "added")]


def test_a_wider_one_leaves_the_more_specific_alone() -> None:
    standing = [rule(100, 2_000, 5_000), rule(70, method="sbp", currency=None)]
    found = changes(standing, rule(250, currency=None)).bands
    assert {(band.method, band.currency, *told([band])[0]) for band in found} == {
        (None, "RUB", None, 1_999, None, 250, "added"), (None, "RUB", 2_000, 5_000, 100, 100, "same"),
        (None, "RUB", 5_001, None, None, 250, "added"), (None, None, None, None, None, 250, "added")}


def test_another_direction_is_another_matter() -> None:
    assert told(changes([rule(300, direction="payout")], rule(100))) == [(None, None, None, 100, "added")]


def test_each_amount_stands_in_the_band_by_whose_version_an_order_would_be_priced() -> None:
    """Two hundred tariffs by chance: ends meet without gap or overlap, before and after are the rule's own choice."""
    chance = random.Random(16)
    checked = 0
    for _ in range(200):
        def one() -> Rule:
            currency = chance.choice([None, "RUB", "RUB", "UAH"])
            least, most = sorted(chance.sample(range(20), 2)) if currency else (None, None)
            return rule(chance.randrange(500), chance.choice([None, least]), chance.choice([None, most]),
                        method=chance.choice([None, "card", "sbp"]), currency=currency)
        standing, asked = [one() for _ in range(chance.randrange(6))], one()
        alike = {(r.method, r.currency, r.from_minor, r.to_minor) for r in [asked]}
        becomes = [asked, *(r for r in standing if (r.method, r.currency, r.from_minor, r.to_minor) not in alike)]
        found, methods, currencies = changes(standing, asked)
        for method, currency, minor in product(["card", "sbp", "cash"], ["RUB", "UAH", "KZT"], [*range(22), MINOR_MAX]):
            at = [b for b in found if (b.method == method or (b.method is None and method not in methods))
                  and (b.currency == currency or (b.currency is None and currency not in currencies))
                  and b.from_minor <= minor <= b.to_minor]
            was, is_now = (most_specific(rules, direction="payin", method=method, amount=Money(minor, currency), at=AT)
                           for rules in (standing, becomes))
            assert len(at) <= 1
            if at:
                assert (at[0].before, at[0].after) == (was, is_now)
                checked += 1
            elif is_now is asked:
                raise AssertionError("what the version prices is shown")
    assert checked > 9_000
