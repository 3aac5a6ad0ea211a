"""API keys: how they are spelled, who may use them, how fast they are forgotten."""
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import clock, crypto
from portal.core.access import SYSTEM
from portal.core.db import engine, reader, transaction
from portal.core.errors import Invalid, NotFound
from portal.parties import key_invalidation, key_tokens, keys, merchants, stores
from portal.parties.commands import CreateKey, MoveMerchant, MoveStore, RevokeKey
from portal.parties.models import ApiKey
from tests import people, waiting
from tests.statements import statements

SCOPES = ("orders:read", "orders:write")


def new_key(store_id: UUID, **more: object) -> tuple[ApiKey, str]:
    with transaction() as session:
        return keys.create(session, SYSTEM, CreateKey(**{  # type: ignore[arg-type]
            "store_id": store_id, "live": True, "name": "k", "scopes": SCOPES, **more}))


def until(holds: Callable[[], object], within_s: float = 3.0) -> bool:
    return waiting.until(holds, within_s)


def listening(app: Flask, token: str) -> None:
    keys.find(token)
    assert until(lambda: key_invalidation.of(engine()).is_listening)
    keys.find(token)


def test_a_key_is_found_with_what_it_may(app: Flask) -> None:
    store = people.store(people.merchant())
    key, token = new_key(store.id, networks=("203.0.113.0/24",))
    assert token.startswith(f"qk_live_{key.public_id}_")
    found = keys.find(token)
    assert found is not None
    assert (found.id, found.store_id, found.live, found.networks) == (key.id, store.id, True, ("203.0.113.0/24",))
    assert found.scopes == set(SCOPES)
    assert not found.suspended


def test_a_typo_costs_no_query(app: Flask) -> None:
    _, token = new_key(people.store(people.merchant()).id)
    typos = [token[:-1] + ("0" if token[-1] != "0" else "1"), token.replace("live", "test"), token[:-1], token + "0",
             "", "qk_live_x", token.upper()]
    with statements() as seen:
        assert [keys.find(typo) for typo in typos] == [None] * len(typos)
    assert seen == []


def test_a_well_spelled_key_of_nobody_is_not_found(app: Flask) -> None:
    assert keys.find(key_tokens.new(live=True)[1]) is None


def test_another_secret_with_a_known_id_is_not_found(app: Flask) -> None:
    key, token = new_key(people.store(people.merchant()).id)
    head = f"qk_live_{key.public_id}_" + "A" * key_tokens.SECRET_CHARS
    assert keys.find(head + key_tokens.checksum(head)) is None
    assert keys.find(token) is not None


def test_the_token_is_kept_nowhere(app: Flask) -> None:
    key, token = new_key(people.store(people.merchant()).id)
    row = reader().get_one(ApiKey, key.id)
    assert len(row.digest) == 32
    assert token[-20:] not in str({column.name: getattr(row, column.name) for column in ApiKey.__table__.columns})


def test_a_found_key_is_remembered_without_a_query(app: Flask) -> None:
    _, token = new_key(people.store(people.merchant()).id)
    listening(app, token)
    with statements() as seen:
        assert keys.find(token) is not None
    assert seen == []


def test_a_revoked_key_is_refused_within_a_second(app: Flask) -> None:
    key, token = new_key(people.store(people.merchant()).id)
    listening(app, token)
    with transaction() as session:
        keys.revoke(session, SYSTEM, RevokeKey(key_id=key.id))
    assert until(lambda: keys.find(token) is None, within_s=1.0)


@pytest.mark.parametrize("whose", ["store", "merchant"])
def test_a_suspended_one_is_told_within_a_second(app: Flask, whose: str) -> None:
    merchant_id = people.merchant()
    store = people.store(merchant_id)
    _, token = new_key(store.id)
    listening(app, token)
    with transaction() as session:
        if whose == "store":
            stores.move(session, SYSTEM, MoveStore(store_id=store.id, status="suspended", reason="test"))
        else:
            merchants.move(session, SYSTEM, MoveMerchant(merchant_id=merchant_id, status="suspended", reason="test"))
    assert until(lambda: keys.find(token).suspended, within_s=1.0)  # type: ignore[union-attr]


def test_while_nobody_listens_nothing_is_remembered(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = new_key(people.store(people.merchant()).id)
    deaf = key_invalidation.Watch("postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setattr(key_invalidation, "of", lambda session: deaf)
    for _ in range(3):
        with statements() as seen:
            assert keys.find(token) is not None
        assert len(seen) == 1


def test_a_listener_that_does_not_hear_itself_is_not_believed(
        app: Flask, fresh_database: str, database: str, url_of: Callable[[str, str], str],
        monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener behind a pooler answered each second and heard nothing: a revoked key was let in for eight more."""
    monkeypatch.setattr(key_invalidation, "HEARD_WITHIN_S", 0.5)
    # as deaf as behind a pooler
    elsewhere = key_invalidation.Watch(url_of(fresh_database, "app"), url_of(database, "app"))
    said: list[str] = []
    monkeypatch.setattr(key_invalidation.log, "error", lambda event, **told: said.append(told["error"]))
    elsewhere.recall(b"any")
    try:
        assert until(lambda: said)
        assert "DATABASE_DIRECT_URL" in said[0]
        assert not elsewhere.is_listening
    finally:
        elsewhere.stop()


@pytest.fixture
def broken() -> Iterator[tuple[str, list[float]]]:
    """A database that takes connections and ends each at once; and when it did."""
    ended: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()
                    ended.append(time.monotonic())

        threading.Thread(target=serve, daemon=True).start()
        yield f"postgresql://nobody@127.0.0.1:{server.getsockname()[1]}/nothing", ended
        server.shutdown(socket.SHUT_RDWR)


def test_an_outage_is_told_once(broken: tuple[str, list[float]], monkeypatch: pytest.MonkeyPatch) -> None:
    url, ended = broken
    said: list[str] = []
    monkeypatch.setattr(key_invalidation, "AGAIN_S", 0.01)
    monkeypatch.setattr(key_invalidation.log, "warning", lambda event, **told: said.append(told["error"]))
    watch = key_invalidation.Watch(url)
    watch.recall(b"any")
    try:
        assert until(lambda: len(ended) >= 5)
    finally:
        watch.stop()
    assert said == ["OperationalError"]


def test_a_revocation_is_on_the_disk_however_the_server_commits(app: Flask) -> None:
    """A server with synchronous_commit off that crashed would have brought a revoked key back to life."""
    merchant_id = people.merchant()
    store = people.store(merchant_id)
    key, _ = new_key(store.id)
    acts: list[Callable[[Session], object]] = [
        lambda session: keys.revoke(session, SYSTEM, RevokeKey(key_id=key.id)),
        lambda session: stores.move(session, SYSTEM, MoveStore(store_id=store.id, status="suspended", reason="test")),
        lambda session: merchants.move(session, SYSTEM, MoveMerchant(merchant_id=merchant_id, status="suspended",
                                                                     reason="test"))]
    for act in acts:
        for server, kept in (("off", "on"), ("remote_apply", "remote_apply")):
            with transaction() as session:
                session.execute(text(f"SET LOCAL synchronous_commit = {server}"))
                keys.forget(session) if server != "off" else act(session)
                assert session.scalar(text("SHOW synchronous_commit")) == kept


def test_two_processes_write_last_used_without_waiting_in_a_circle(
        app: Flask, database: str, url_of: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wrote its keys in the order they were used in, one transaction: two of them locked each other out."""
    monkeypatch.setattr(key_invalidation, "WRITE_EVERY_S", 0.0)
    store = people.store(people.merchant())
    ids = [new_key(store.id)[0].id for _ in range(40)]
    failed: list[BaseException] = []

    def write(order: list[UUID]) -> None:
        watch = key_invalidation.Watch("")
        try:
            with psycopg.connect(url_of(database, "app"), autocommit=True) as connection:
                for _ in range(15):
                    for id in order:
                        watch.used(id, clock.now(), None)
                    watch._write(connection)
        except psycopg.Error as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(order,)) for order in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_an_expired_key_is_refused_even_when_remembered(app: Flask) -> None:
    _, token = new_key(people.store(people.merchant()).id, expires_at=clock.now() + timedelta(hours=1))
    listening(app, token)
    with clock.moved(timedelta(hours=2)):
        assert keys.find(token) is None
    assert keys.find(token) is not None


@pytest.mark.parametrize("wrong", [
    {"scopes": ("orders:read", "everything")}, {"networks": ("203.0.113.1/24",)}, {"networks": ("somewhere",)},
])
def test_what_no_key_can_have_is_refused(app: Flask, wrong: dict[str, object]) -> None:
    store = people.store(people.merchant())
    with pytest.raises(Invalid):
        new_key(store.id, **wrong)


def test_a_stranger_neither_makes_nor_revokes_a_key(app: Flask) -> None:
    stranger = people.person("merchant_owner").actor
    store = people.store(people.merchant())
    key, token = new_key(store.id)
    with pytest.raises(NotFound), transaction() as session:
        keys.create(session, stranger, CreateKey(store_id=store.id, live=True, name="k", scopes=SCOPES))
    with pytest.raises(NotFound), transaction() as session:
        keys.revoke(session, stranger, RevokeKey(key_id=key.id))
    assert keys.find(token) is not None


def test_last_used_is_written_by_the_listener(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    key, token = new_key(people.store(people.merchant()).id)
    listening(app, token)
    monkeypatch.setattr(key_invalidation, "WRITE_EVERY_S", 0.0)
    keys.find(token, address="203.0.113.5")

    def written() -> bool:
        session = reader()
        session.rollback()
        row = session.get_one(ApiKey, key.id, populate_existing=True)
        return row.last_used_at is not None and str(row.last_used_address) == "203.0.113.5"

    assert until(written)


@pytest.fixture
def renewing(monkeypatch: pytest.MonkeyPatch) -> Iterator[key_invalidation.Watch]:
    """A key that was asked for is looked up again with each beat; all others are forgotten after three seconds.

    A listener that is slow because the machine is busy counts as alive.
    """
    monkeypatch.setattr(key_invalidation, "REMEMBERED_S", 3.0)
    monkeypatch.setattr(key_invalidation, "RENEWED_S", 3.0)
    monkeypatch.setattr(key_invalidation, "ALIVE_FOR_S", 30.0)
    watch = key_invalidation.of(engine())
    yield watch
    watch.stop()


def test_a_key_in_use_is_looked_up_again_by_the_listener(app: Flask, renewing: key_invalidation.Watch) -> None:
    _, token = new_key(people.store(people.merchant()).id)
    listening(app, token)
    digest = crypto.sha256(token)
    _, before = renewing._found[digest]
    with statements() as seen:
        assert keys.find(token) is not None
    assert seen == [], "no call waits for it"
    assert until(lambda: renewing._found.get(digest, (None, before))[1] > before, within_s=20)


def test_when_all_had_to_be_forgotten_the_listener_looks_up_what_is_in_use(app: Flask, renewing: key_invalidation.Watch
                                                                            ) -> None:
    _, token = new_key(people.store(people.merchant()).id)
    other, _ = new_key(people.store(people.merchant()).id)
    listening(app, token)
    before = renewing.generation
    with transaction() as session:
        keys.revoke(session, SYSTEM, RevokeKey(key_id=other.id))
    assert until(lambda: renewing.generation > before and not renewing.is_forgotten(crypto.sha256(token)), within_s=20)
    with statements() as seen:
        assert keys.find(token) is not None
    assert seen == []


def test_of_many_keys_each_has_its_turn(app: Flask, renewing: key_invalidation.Watch,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """The first five hundred were looked up with every beat, and the others never."""
    tokens = [new_key(people.store(people.merchant()).id)[1] for _ in range(3)]
    monkeypatch.setattr(key_invalidation, "RENEWED_MAX", 1)
    renewing._wanted.clear()
    for token in tokens:
        listening(app, token)
    before = {digest: renewing._found[digest][1] for digest in map(crypto.sha256, tokens)}
    assert until(lambda: all(renewing._found.get(digest, (None, 0.0))[1] > at for digest, at in before.items()),
                 within_s=20)


def test_a_key_that_nobody_uses_is_not_looked_up_again(app: Flask, renewing: key_invalidation.Watch,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_invalidation, "WANTED_S", 0.0)
    _, token = new_key(people.store(people.merchant()).id)
    keys.find(token)
    assert until(lambda: renewing.is_listening, within_s=20)
    keys.find(token)  # remembered, and not asked for since
    assert not renewing.is_forgotten(crypto.sha256(token))
    assert until(lambda: renewing.is_forgotten(crypto.sha256(token)), within_s=20)
    with statements() as seen:
        assert keys.find(token) is not None
    assert len(seen) == 1


def test_a_key_that_was_revoked_unheard_is_not_renewed(app: Flask, renewing: key_invalidation.Watch) -> None:
    key, token = new_key(people.store(people.merchant()).id)
    listening(app, token)
    with transaction() as session:
        session.execute(text("UPDATE api_keys SET revoked_at = now() WHERE id = :id"), {"id": key.id})
    assert until(lambda: keys.find(token) is None, within_s=20)
