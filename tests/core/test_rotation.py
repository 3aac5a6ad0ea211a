"""A master key is changed without stopping: in batches, begun again after a kill, then dropped."""
import re
import secrets
from base64 import b64encode

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import inspect, select, text

from portal import live_settings
from portal.core import crypto, resealing, start_check
from portal.core import ids as ids_of
from portal.core.crypto import CannotOpen, Keyring
from portal.core.db import db, reader, transaction
from portal.orders import destinations
from portal.orders.intake import store_terms
from portal.orders.models import Order
from portal.parties import key_invalidation, second_factor
from portal.parties.models import Holder, User
from portal.requisites import numbers
from portal.requisites.models import Requisite
from portal.webhooks import service as webhooks
from portal.webhooks.commands import CreateEndpoint
from portal.webhooks.models import Endpoint
from tests import factories as f
from tests import people


def said(app, *args):
    answer = app.test_cli_runner().invoke(args=["crypto", *args])
    reader().rollback()
    return answer


def use(ring):
    """As processes that were started anew with these keys."""
    crypto._vault.master = ring


@pytest.fixture
def ring(fresh_app):
    before = crypto._vault.master
    yield before
    use(before)


def test_every_seal_is_made_anew_while_orders_run_and_the_old_key_is_dropped(fresh_app, ring, monkeypatch):
    cast = f.new_cast()
    requisite = cast.requisite(payout=True)
    me = people.person("trader")
    seed = people.with_factor(me)
    order = f.assigned_payout(cast)
    with transaction() as session:
        endpoint, secret = webhooks.create_endpoint(session, cast.key, CreateEndpoint(
            url="https://shop.example/hook", events=["*"]))
        endpoint_id = endpoint.id
    with transaction() as session:
        session.execute(text("""
            INSERT INTO holders (id, created_at, updated_at, name_sealed, name_fingerprint)
            SELECT id, now(), now(), sealed, sha256(id::text::bytea)
            FROM unnest(CAST(:ids AS uuid[]), CAST(:sealed AS bytea[])) AS new (id, sealed)"""), {
            "ids": (ids := [ids_of.new_id() for _ in range(450)]),
            "sealed": [crypto.seal("Anna", place=f"holders|name_sealed|{id}") for id in ids]})
    old = ring.current
    use(Keyring({"k9": secrets.token_bytes(32), **ring.keys}, "k9"))
    assert said(fresh_app, "may-drop", old).exit_code == 1
    assert said(fresh_app, "may-drop", "k9").exit_code == 1

    whole, batches = resealing.make_anew, []

    def killed(session, of, **more):
        batches.append(of.table)
        if batches.count("holders") > 1:
            raise KeyboardInterrupt
        return whole(session, of, **more)

    monkeypatch.setattr(resealing, "make_anew", killed)
    said(fresh_app, "rotate")
    monkeypatch.undo()
    left = {(one.table, one.key): one.seals for one in resealing.opens(reader())}
    assert 200 <= left["holders", "k9"] < 450, "a part stands"
    assert left["holders", old] > 0
    f.assigned_payout(cast)  # work goes on, with both
    again = said(fresh_app, "rotate")
    assert again.exit_code == 0, again.output
    progress = re.findall(r"holders.name_sealed (\d+) of (\d+)", again.output)
    assert progress, again.output
    assert progress[-1][0] == progress[-1][1]
    assert int(progress[0][1]) < 450, "what was made anew is not made anew again"
    passing = {one.table for one in resealing.PASSING}
    with transaction() as session:
        for table in passing:
            session.execute(text(f"DELETE FROM {table}"))
    dropped = said(fresh_app, "may-drop", old)
    assert (dropped.exit_code, dropped.output) == (0, f"{old} opens nothing any more\n")

    use(Keyring({"k9": crypto._vault.master.keys["k9"]}, "k9"))
    with transaction() as session:
        for row in session.scalars(select(Holder)):
            crypto.open_sealed(row.name_sealed, place=f"holders|name_sealed|{row.id}")
        assert numbers.reveal(session, session.get_one(Requisite, requisite.id))
        assert destinations.reveal(session, session.get_one(Order, order.id))
        sealed = session.get_one(Endpoint, endpoint_id).secret_sealed
        assert crypto.open_sealed(sealed, place=webhooks.place(endpoint_id)) == secret
        user = session.get_one(User, me.id)
        assert crypto.open_sealed(user.totp_sealed, place=second_factor._place(me.id)) == seed
    assert said(fresh_app, "keys").output.count("NOT IN MASTER_KEYS") == 0


def test_a_remembered_seal_of_a_dropped_key_harms_nobody(fresh_app, fresh_database, url_of, ring):
    """A process remembers a store's sealed key for a minute; meanwhile it is sealed anew, the old key dropped."""
    cast = f.new_cast()
    cast.requisite(payout=True)
    f.assigned_payout(cast)
    settings, old, new = fresh_app.extensions["settings"], ring.keys[ring.current], secrets.token_bytes(32)
    remembered = store_terms.terms_of(cast.store.id).data_key

    def reread(**keys):
        told = ",".join(f"{name}:{b64encode(key).decode()}" for name, key in keys.items())
        live_settings.use(fresh_app, settings.model_copy(update={"master_keys": SecretStr(told)}))

    try:
        reread(k9=new, **{ring.current: old})
        assert store_terms.terms_of(cast.store.id).data_key == remembered
        with psycopg.connect(url_of(fresh_database, "app"), autocommit=True) as listener:
            listener.execute(f"LISTEN {key_invalidation.CHANNEL}")
            assert said(fresh_app, "rotate").exit_code == 0
            assert list(listener.notifies(timeout=30, stop_after=1)), "processes that remember seals are told"
        assert store_terms._remembered._kept, "nobody has heard of it here"
        reread(k9=new)
        f.assigned_payout(cast)
    finally:
        live_settings.use(fresh_app, settings)


def test_nothing_starts_without_a_key_that_still_opens_seals(fresh_app, fresh_database, url_of):
    f.new_cast().trader()
    url = url_of(fresh_database, "app").replace("postgresql://", "postgresql+psycopg://")
    start_check.insist(url, prepared=True, keys=crypto.key_ids())
    with pytest.raises(start_check.Unfit, match=f"MASTER_KEYS lacks {crypto.current_key()}"):
        start_check.insist(url, prepared=True, keys=["k9"])


def test_every_sealed_column_is_known(fresh_app):
    """A new one that is forgotten here would be lost with the key."""
    found = {(table, column["name"]) for table in inspect(db.engine).get_table_names()
             for column in inspect(db.engine).get_columns(table)
             if column["name"].endswith("_sealed") or column["name"] == "data_key"}
    known = {(one.table, one.column) for one in (*resealing.MADE_ANEW, *resealing.PASSING)}
    assert found == known | resealing.WITH_DATA_KEYS


def test_a_seal_of_a_lost_key_is_told_and_changes_nothing(fresh_app, ring):
    f.new_cast().trader()
    use(Keyring({"k9": secrets.token_bytes(32)}, "k9"))
    refused = said(fresh_app, "rotate")
    assert isinstance(refused.exception, CannotOpen)
    assert "NOT IN MASTER_KEYS" in said(fresh_app, "keys").output
