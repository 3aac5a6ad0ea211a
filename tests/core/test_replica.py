"""A standby that is away costs one page its time, not each."""
import socket
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, event, make_url, text

from portal import reference, tariffs
from portal.core import replica
from portal.core.db import db, engine_options
from portal.orders.intake import store_terms
from portal.reference import cache
from tests import factories as f


class HangsUp:
    """Takes each connection and ends it: a port where no database is. Counts who came."""

    def __init__(self) -> None:
        self.asked, self._ear = 0, socket.create_server(("127.0.0.1", 0))
        self.port: int = self._ear.getsockname()[1]
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def _answer(self) -> None:
        while True:
            try:
                line = self._ear.accept()[0]
            except OSError:
                return
            self.asked += 1
            line.close()

    def close(self) -> None:
        self._ear.shutdown(socket.SHUT_RDWR)
        self._ear.close()
        self._thread.join(5)


@pytest.fixture
def dead() -> Iterator[HangsUp]:
    ear = HangsUp()
    yield ear
    ear.close()


@pytest.fixture
def standby(app, dead: HangsUp) -> Iterator[Engine]:
    url = make_url(db.engine.url).set(host="127.0.0.1", port=dead.port, query={"sslmode": "disable"})
    engine = replica.connect(url.render_as_string(hide_password=False), engine_options("web", pool_size=1))
    yield engine
    engine.dispose()


def test_after_a_failure_nobody_waits_for_it_for_a_while(standby, dead, monkeypatch):
    assert not replica.lead(db.session(), standby, None)
    tried = dead.asked
    assert tried, "it was asked"
    assert not any(replica.lead(db.session(), standby, None) for _ in range(8))
    assert dead.asked == tried, "eight pages later nobody has waited for it again"

    monkeypatch.setitem(replica._asked_again_at, standby, 0.0)  # its time is over
    assert not replica.lead(db.session(), standby, None)
    assert dead.asked == 2 * tried
    assert not replica.lead(db.session(), standby, None)
    assert dead.asked == 2 * tried


def test_one_that_is_back_is_read_from_again(app):
    back = db.engine  # a server that is no standby has come as far as itself
    replica._asked_again_at[back] = 0.0
    try:
        assert replica.lead(db.session(), back, None)
        assert back not in replica._asked_again_at
    finally:
        db.session.remove()


def test_what_a_process_remembers_is_never_read_from_a_standby(app):
    """A page that was led to one read the store's terms there; creates believed them for minutes."""
    cast, asked = f.new_cast(), []
    standby = create_engine(db.engine.url)  # a server that is no standby has come as far as itself
    event.listen(standby, "before_cursor_execute", lambda *call: asked.append(call[2]))
    for remembered in (store_terms, tariffs, cache):
        remembered.forget()
    try:
        assert replica.lead(db.session(), standby, None)
        asked.clear()
        held = db.engine.pool.checkedout()
        assert store_terms.terms_of(cast.store.id).active
        assert tariffs.fee(store_id=cast.store.id, direction="payin", method="card", amount=f.rub("1500.00"),
                           settlement=f.usdt("15.000000")).amount
        assert reference.snapshot().currencies
        assert asked == []
        assert db.engine.pool.checkedout() == held, "its connection was given back: the standby relieves the primary"
        db.session().execute(text("SELECT 1"))
        assert asked == ["SELECT 1"], "what else the page reads it reads there"
    finally:
        db.session.remove()
        standby.dispose()
