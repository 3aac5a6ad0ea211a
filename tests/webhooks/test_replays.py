"""Everything since a moment, told once more: a page a job, nothing twice, nothing of anybody else's."""
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, update

from portal.core import clock, jobs
from portal.core.db import db, transaction
from portal.core.errors import NotFound
from portal.webhooks import replays, service
from portal.webhooks.commands import ChangeEndpoint, DeleteEndpoint, ReplayEvents
from portal.webhooks.models import Delivery, Endpoint, Replay
from portal.webhooks.service import EndpointDisabled
from tests.factories import at_the_same_time
from tests.webhooks.conftest import Shop
from tests.webhooks.receiver import listening

Send = Callable[[], int]
HOUR = timedelta(hours=1)


BEGAN = clock.now()


def ask(shop: Shop, endpoint: Endpoint, since: timedelta = HOUR, **more: bool) -> str:
    with transaction() as session:
        return replays.replay(session, shop.key, ReplayEvents(
            endpoint_id=endpoint.public_id, since=BEGAN - since, **more)).public_id


def work_off() -> None:
    import tasks.webhooks  # noqa: F401

    while jobs.run(replays.REPLAYS):
        pass


def found(replay_id: str, shop: Shop) -> Replay:
    db.session.expire_all()
    return replays.find(db.session, shop.key, replay_id)


def test_all_since_then_goes_again_under_the_same_ids(shop: Shop, send: Send) -> None:
    with listening() as receiver:
        endpoint, _ = shop.endpoint(receiver.url)
        shop.tell(5)
        send()
        first = sorted(receiver.ids)
        one = ask(shop, endpoint)
        assert ask(shop, endpoint) == one, "asked again while it runs, it is the same"
        work_off()
        send()
        ended = found(one, shop)
        assert (ended.state, ended.queued) == ("done", 5)
        assert sorted(receiver.ids) == sorted(first * 2)
        work_off()
        send()
        assert len(receiver.received) == 10


def test_an_endpoint_that_is_new_hears_what_another_heard(shop: Shop, send: Send) -> None:
    with listening() as old, listening() as new:
        shop.endpoint(old.url)
        shop.tell(3)
        shop.tell(1, type="payin.expired")
        send()
        late, _ = shop.endpoint(new.url, ["payin.completed"])
        ask(shop, late)
        work_off()
        send()
    assert sorted(new.ids) == sorted(one.headers["webhook-id"] for one in old.received
                                     if b"payin.completed" in one.body)
    assert (len(old.received), len(new.received)) == (4, 3)


def test_only_what_was_not_taken(shop: Shop, send: Send) -> None:
    broken = [True]
    with listening(lambda one: (500 if broken[0] and b'"pin_0"' in one.body else 200, {}, b"")) as receiver:
        endpoint, _ = shop.endpoint(receiver.url)
        shop.tell(3)
        send()
        broken.clear()
        broken.append(False)
        one = ask(shop, endpoint, undelivered_only=True)
        work_off()
        send()
        assert found(one, shop).queued == 1
    assert len(receiver.received) == 4
    assert {delivery.state for delivery in shop.deliveries()} == {"delivered"}


def test_pages_and_a_bound(shop: Shop, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "PAGE", 2)
    monkeypatch.setattr(replays, "QUEUED_MAX", 4)
    with listening() as receiver:
        endpoint, _ = shop.endpoint(receiver.url)
        for _ in range(7):
            shop.tell()
        send()
        one = ask(shop, endpoint)
        work_off()
        send()
        assert (found(one, shop).state, found(one, shop).queued) == ("bounded", 4)
        with transaction() as session:
            two = replays.replay(session, shop.key, ReplayEvents(
                endpoint_id=endpoint.public_id, since=found(one, shop).reached_at)).public_id
        work_off()
        send()
    assert found(two, shop).state in ("done", "bounded")
    assert len(set(receiver.ids)) == 7


def test_a_store_tells_only_so_many_again_in_a_day(shop: Shop, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each had its bound, and as many could follow as one liked; a deleted endpoint's count, too."""
    monkeypatch.setattr(replays, "QUEUED_MAX", 4)
    monkeypatch.setattr(replays, "DAY_MAX", 6)
    with listening() as receiver:
        (first, _), (other, _) = shop.endpoint(receiver.url), shop.endpoint(receiver.url)
        shop.tell(3)
        send()
        ask(shop, first)
        work_off()
        send()  # 3 of 6
        running = ask(shop, other)  # may yet be 4
        with pytest.raises(replays.TooManyReplayed):
            ask(shop, first)
        assert ask(shop, other) == running, "asked again it is the same one"
        work_off()
        send()  # 6 of 6
        with transaction() as session:
            service.delete_endpoint(session, shop.key, DeleteEndpoint(endpoint_id=other.public_id))
        with pytest.raises(replays.TooManyReplayed):
            ask(shop, first)
        with transaction() as session:
            session.execute(update(Replay).where(Replay.store_id == shop.store.id).values(
                created_at=clock.now() - timedelta(hours=25)))
        ask(shop, first)


def test_those_that_ended_long_ago_are_forgotten(shop: Shop) -> None:
    (old, _), (young, _), (running, _) = (shop.endpoint("http://127.0.0.1:9/hook") for _ in range(3))
    asked = [ask(shop, old), ask(shop, young)]
    work_off()
    asked.append(ask(shop, running))
    for endpoint, days in ((old, 31), (young, 29), (running, 31)):
        with transaction() as session:
            mine = update(Replay).where(Replay.endpoint_id == endpoint.id)
            moment = clock.now() - timedelta(days=days)
            session.execute(mine.values(created_at=moment))
            session.execute(mine.where(Replay.ended_at.is_not(None)).values(ended_at=moment))
    with transaction() as session:
        replays.forget(session, [])
    with pytest.raises(NotFound):
        found(asked[0], shop)
    assert [found(one, shop).state for one in asked[1:]] == ["done", "running"]


def test_what_is_on_its_way_is_left_there(shop: Shop) -> None:
    with listening() as receiver:
        endpoint, _ = shop.endpoint(receiver.url)
        shop.tell(4)
        one = ask(shop, endpoint)
        work_off()
    assert found(one, shop).queued == 0
    assert db.session.query(Delivery).filter_by(endpoint_id=endpoint.id).count() == 4


def test_eight_at_once_begin_one(app: Flask, shop: Shop) -> None:
    endpoint, _ = shop.endpoint("http://127.0.0.1:9/hook")
    shop.tell(1)
    assert len(set(at_the_same_time(app, [lambda: ask(shop, endpoint)] * 8))) == 1
    assert db.session.query(Replay).filter_by(endpoint_id=endpoint.id).count() == 1


def test_refused(shop: Shop, stranger: Shop) -> None:
    endpoint, _ = shop.endpoint("http://127.0.0.1:9/hook")
    with pytest.raises(NotFound):
        ask(stranger, endpoint)
    running = ask(shop, endpoint)
    with pytest.raises(replays.ReplayRunning):
        ask(shop, endpoint, 2 * HOUR)
    with pytest.raises(NotFound):
        found(running, stranger)
    with transaction() as session:
        service.change_endpoint(session, shop.key, ChangeEndpoint(endpoint_id=endpoint.public_id, active=False))
    work_off()
    assert found(running, shop).state == "stopped"
    with pytest.raises(EndpointDisabled):
        ask(shop, endpoint)


def test_one_whose_work_was_dropped_makes_way_for_another(shop: Shop, send: Send) -> None:
    """It stayed `running` for ever: no other could begin at this endpoint, and asking again did nothing."""
    with listening() as receiver:
        endpoint, _ = shop.endpoint(receiver.url)
        shop.tell(2)
        send()
        dropped = ask(shop, endpoint)
        with transaction() as session:
            session.execute(delete(jobs.Job).where(jobs.Job.kind == replays.REPLAYS))
        other = ask(shop, endpoint, HOUR * 2)
        work_off()
        assert (found(dropped, shop).state, found(other, shop).state) == ("stopped", "done")


def test_one_whose_work_died_is_over(shop: Shop) -> None:
    with listening() as receiver:
        endpoint, _ = shop.endpoint(receiver.url)
        one = ask(shop, endpoint)
        with transaction() as session:
            [claimed] = jobs.claim(replays.REPLAYS, limit=1, lease_s=30)
            replays.failed(session, claimed, RuntimeError("broken"), True)
        assert found(one, shop).state == "stopped"
