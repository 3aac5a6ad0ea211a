"""Feeds of rates: what a source may say, what several make of it together, and what a rate may not do by itself."""
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import delete, select

from portal import reference
from portal.core import clock, jobs
from portal.core.access import SYSTEM
from portal.core.db import reader, transaction
from portal.core.errors import Denied, Invalid
from portal.core.outbound import addresses
from portal.reference import feeds, fetching, service
from portal.reference.commands import SetRate
from portal.reference.feed_models import RateFeed, RateSource
from portal.reference.models import Rate
from tests import factories
from tests.webhooks.receiver import Received, listening

BASE, QUOTE = "UAH", "USDC"  # nobody else's in the tests


@pytest.fixture
def sources(app: Flask) -> Iterator[Callable[..., str]]:
    """Real servers that answer what they are told to: `sources({"price": 41.5})` is an address."""
    with ExitStack() as stack:
        def start(document: object, status: int = 200) -> str:
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            return stack.enter_context(listening(lambda _: (status, {}, body))).url
        yield start


@pytest.fixture(autouse=True)
def _none_before(app: Flask) -> None:
    with transaction() as session:
        session.execute(delete(RateSource))
        session.execute(delete(RateFeed))


def feed(*places: str, pointer: str = "/price", **terms: object) -> str:
    command = feeds.AddFeed.model_validate(
        {"base": BASE, "quote": QUOTE, "interval_s": 60, "reason": "ours"} | terms, strict=False)
    with factories.act() as session:
        made = feeds.add(session, factories.staff("admin"), command)
        for url in places:
            feeds.add_source(session, factories.staff("admin"),
                             feeds.AddSource(feed_id=made.public_id, url=url, pointer=pointer))
        return made.public_id


def last(value: str) -> None:
    with transaction() as session:
        service.set_rate(session, SYSTEM, SetRate(base=BASE, quote=QUOTE, rate=value, force=True))


def fetched(feed_id: str) -> RateFeed:
    """Asked now, as a worker does."""
    with factories.act() as session:
        feeds.ask_now(session, feeds.one(session, feed_id))
    assert jobs.run(fetching.KIND) >= 1
    with factories.look() as session:
        return feeds.one(session, feed_id)


def rate() -> Rate:
    with factories.look() as session:
        found = session.scalar(select(Rate).where(Rate.base == BASE, Rate.quote == QUOTE)
                               .order_by(Rate.at.desc(), Rate.id.desc()).limit(1))
    assert found is not None
    return found


@pytest.mark.parametrize(("document", "pointer", "value"), [
    ('{"price": 41.25}', "/price", "41.25"), ('{"price": "41.25"}', "/price", "41.25"), ("41", "", "41"),
    ('{"data": [{"a/b": {"~": 7}}]}', "/data/0/a~1b/~0", "7"), ('{"p": 1e2}', "/p", "100"),
    ('{"p": 12345678901234567.123456789012}', "/p", "12345678901234567.123456789012"),
])
def test_the_number_is_taken_from_where_it_stands_digit_by_digit(document: str, pointer: str, value: str) -> None:
    assert fetching.read(document, pointer) == fetching.Said(Decimal(value))


@pytest.mark.parametrize("document", [
    '{"price": 0}', '{"price": -1}', '{"price": NaN}', '{"price": Infinity}', '{"price": "NaN"}', '{"price": null}',
    '{"price": true}', '{"price": [1]}', '{"other": 1}', '[1]', "", "<html>", '{"price": 1e30}', '{"price": 1e-30}',
    '{"price": 1e999999999}', "[" * 60_000, '{"price": "1,5"}', '{"price": "' + "9" * 100 + '"}'])
def test_what_is_no_rate_is_none(document: str) -> None:
    assert fetching.read(document, "/price") == fetching.Said(None, "no_number")


def test_a_source_may_say_it_the_other_way_round() -> None:
    assert fetching.read('{"p": 0.025}', "/p", inverted=True) == fetching.Said(Decimal(40))


def test_the_median_of_those_that_agree_and_the_spread(sources: Callable[..., str]) -> None:
    """One says nonsense and one says nothing: neither moves the rate."""
    last("41")
    known = feed(sources({"price": 41}), sources({"price": 41.2}), sources({"price": 80}), sources({}, status=503),
                 spread_percent="1.5", sources_min=2)
    found = fetched(known)
    assert [source.error for source in found.sources] == [None, None, "outlier", "http_503"]
    assert found.error is None
    assert (rate().rate, rate().source) == (Decimal("41.7165"), "feed")  # (41 + 41.2) / 2 · 1.015


def test_too_few_that_agree_make_no_rate_and_the_last_one_ages(sources: Callable[..., str]) -> None:
    last("41")
    assert fetched(feed(sources({"price": 41}), sources({"price": 60}), sources_min=2)).error == "too_few_sources"
    assert rate().rate == 41


def test_a_rate_that_jumps_waits_for_staff(sources: Callable[..., str]) -> None:
    last("41")
    known = feed(sources({"price": 50}), jump_percent="10")
    found = fetched(known)
    assert (found.error, found.held_rate, rate().rate) == ("jumped", Decimal(50), 41)
    with factories.act() as session:
        feeds.let_through(session, factories.staff("admin"), feeds.LetThrough(feed_id=known, reason="It fell"))
    assert (rate().rate, rate().source) == (50, "feed")
    assert fetched(known).held_rate is None
    with pytest.raises(feeds.NothingHeld), factories.act() as session:
        feeds.let_through(session, factories.staff("admin"), feeds.LetThrough(feed_id=known, reason="Twice"))


def test_an_order_keeps_the_rate_it_was_made_at(sources: Callable[..., str]) -> None:
    cast = factories.new_cast()
    order = factories.create_payin(cast, "1000.00").order
    before = (order.rate, order.settlement_minor)
    with transaction() as session:
        service.set_rate(session, SYSTEM, SetRate(base="USDT", quote="RUB", rate=str(order.rate * 2), force=True))
    reference.forget()
    try:
        assert (factories.fresh(order).rate, factories.fresh(order).settlement_minor) == before
    finally:
        with transaction() as session:
            service.set_rate(session, SYSTEM, SetRate(base="USDT", quote="RUB", rate=str(order.rate), force=True))
        reference.forget()


def test_each_feed_has_its_turn_and_only_then(sources: Callable[..., str]) -> None:
    last("41")
    known = feed(sources({"price": 41.1}), interval_s=600)
    jobs.run(fetching.KIND)

    def planned() -> int:
        with factories.act() as session:
            fetching.plan(session, [])
        return jobs.run(fetching.KIND)

    with clock.moved(timedelta(seconds=1)):
        assert planned() == 1
        assert planned() == 0, "its next turn is in ten minutes"
    with clock.moved(timedelta(seconds=602)):
        assert planned() == 1
        with factories.act() as session:
            feeds.switch(session, factories.staff("admin"), feeds.ActOnFeed(feed_id=known))
    with clock.moved(timedelta(seconds=1300)):
        assert planned() == 0, "it is off"


def test_a_feed_that_hangs_or_floods_is_no_rate(app: Flask, sources: Callable[..., str],
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "ANSWER_FOR_S", 0.4)
    done = threading.Event()

    def hang(_: Received) -> tuple[int, dict[str, str], bytes]:
        done.wait(10)
        return 200, {}, b"1"

    with listening(hang) as slow:
        last("41")
        found = fetched(feed(slow.url, sources(b'{"price": "' + b"9" * 200_000)))
        done.set()
    assert [source.error for source in found.sources] == ["timeout", "no_number"]


def test_inside_addresses_are_not_asked(app: Flask) -> None:
    known = feed()
    for url in ("http://rates.example/x", "https://127.0.0.1/x", "https://169.254.169.254/latest", "ftp://a/b", "x"):
        with addresses.guarded_by(addresses.Guard()), pytest.raises(Invalid), factories.act() as session:
            feeds.add_source(session, factories.staff("admin"), feeds.AddSource(feed_id=known, url=url))
    with factories.look() as session:
        assert feeds.one(session, known).sources == []


def test_only_who_keeps_reference_data_keeps_feeds(app: Flask) -> None:
    with pytest.raises(Denied), factories.act() as session:
        feeds.add(session, factories.staff("support_orders"),
                  feeds.AddFeed(base=BASE, quote=QUOTE, interval_s=60, reason="mine"))


def test_a_pair_has_one_feed(app: Flask) -> None:
    feed()
    with pytest.raises(feeds.FeedTaken):
        feed()
    assert len(feeds.all_feeds(reader())) == 1
