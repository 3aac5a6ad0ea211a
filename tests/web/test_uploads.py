"""Files that go up before their form: drafts of one person, judged by file, kept when the form is refused."""
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from portal import files
from portal.core import clock
from portal.core.db import db
from portal.web.uploads import FILES_MAX
from tests import factories as f
from tests import people
from tests.conftest import _application, _in_context
from tests.files.test_files import bomb, protected_pdf
from tests.killed.wire import Stop, wire_to
from tests.running import wait_for
from tests.web import forms


@pytest.fixture
def cast(app):
    made = f.new_cast()
    made.requisite(payout=True)
    return made


@pytest.fixture
def trader(app, cast):
    return people.seat(app, people.person("trader", trader_id=cast.traders[0].id))


def send(seat, path, *, language="en", **fields):
    boundary, body = encode_multipart({"csrf_token": seat.token} | fields)
    return seat.post(f"{path}?lang={language}", data=body, content_type=f"multipart/form-data; boundary={boundary}")


def up(seat, content=None, name="receipt.png", **more):
    return send(seat, "/files", file=FileStorage(BytesIO(f.picture() if content is None else content), name), **more)


def pay(seat, order, drafts, **fields):
    return send(seat, f"/trader/payouts/{order.public_id}/payment", assignment_id=f.assignment_of(order).public_id,
                draft=drafts, **fields)


def test_drafts_become_the_receipts_of_the_form_that_names_them(cast, trader):
    order = f.accepted_payout(cast)
    drafts = [up(trader, name=name).text for name in ("one.png", "two.png")]
    assert pay(trader, order, drafts, receipt=FileStorage(BytesIO(f.picture()), "three.png")).status_code == 303
    page = trader.get(f"/trader/payouts/{order.public_id}").text
    assert all(name in page for name in ("one.png", "two.png", "three.png"))


def test_no_connection_waits_for_a_scanner_or_a_store(cast, trader, tmp_path):
    """Two files may be looked at for seconds each; others need the database meanwhile."""
    held = []

    class Slow(files.LocalFolder):
        def put(self, key, content):
            held.append(db.engine.pool.checkedout())
            super().put(key, content)

    before = files.storage()
    files.configure(Slow(tmp_path))
    try:
        order = f.accepted_payout(cast)
        tests_own = db.engine.pool.checkedout()
        draft = up(trader).text
        assert pay(trader, order, [draft], receipt=FileStorage(BytesIO(f.picture()), "two.png")).status_code == 303
    finally:
        files.configure(before)
    assert set(held) == {tests_own}
    assert len(held) >= 2


def test_a_form_that_is_refused_still_holds_its_files_and_what_was_typed(app, cast, trader):
    draft = up(trader, name="proof.png").text
    answer = send(trader, "/trader/deposits", amount="much", network="trc20", reference="ab12cd", draft=draft)
    assert answer.status_code == 422
    form = forms.to(answer.text, "/trader/deposits")
    assert form.sent["draft"] == [draft]
    assert form.sent["reference"] == ["ab12cd"]
    assert "proof.png" in answer.text
    again = send(trader, "/trader/deposits", amount="25", network="trc20", reference="ab12cd", draft=draft)
    assert again.status_code == 303


@pytest.mark.parametrize(("content", "says", "russian"), [
    (b"", "“a.png” is empty.", "«a.png» пуст"), (b"<html>", "is no picture or PDF", "не картинка и не PDF"),
    (bytes(5 * 1024 * 1024 + 1), "is larger than 5 MB", "больше 5 МБ"),
    (protected_pdf(), "is protected by a password", "защищён паролем"),
    (bomb(), "has more than 25 million pixels", "больше 25 млн точек")],
    ids=["empty", "html", "large", "pdf", "bomb"])
def test_what_is_wrong_with_a_file_is_said_of_it_in_the_readers_language(trader, content, says, russian):
    english, other = up(trader, content, "a.png"), up(trader, content, "a.png", language="ru")
    assert (english.status_code, english.content_type) == (422, "text/plain; charset=utf-8")
    assert says in english.text
    assert russian in other.text


def test_a_draft_is_only_its_senders(app, cast, trader):
    order = f.accepted_payout(cast)
    stranger = people.seat(app, people.person("trader", trader_id=f.new_trader().id))
    foreign = up(stranger).text
    answer = pay(trader, order, [foreign])
    assert answer.status_code == 422
    assert "A file is no longer here. Choose it again." in answer.text
    assert f.fresh(order).status == "assigned"
    assert trader.get(f"/files/{foreign}").status_code == 404
    assert send(trader, f"/files/{foreign}/removal").status_code == 404
    assert stranger.get(f"/files/{foreign}").status_code == 200


def test_what_is_removed_is_gone_and_what_was_sent_stays(cast, trader):
    order = f.accepted_payout(cast)
    kept, removed = up(trader).text, up(trader).text
    for status in (204, 404):
        assert send(trader, f"/files/{removed}/removal").status_code == status
    assert trader.get(f"/files/{removed}").status_code == 404
    assert pay(trader, order, [kept]).status_code == 303
    assert send(trader, f"/files/{kept}/removal").status_code == 409
    assert trader.get(f"/files/{kept}").status_code == 200


def test_drafts_of_yesterday_are_swept_and_the_form_says_so(cast, trader):
    order, draft = f.accepted_payout(cast), up(trader).text
    with clock.moved(timedelta(hours=25)), f.act() as session:
        files.sweep(session)
    answer = pay(trader, order, [draft])
    assert (answer.status_code, "Choose it again" in answer.text) == (422, True)


def test_a_form_takes_five_files_of_both_kinds(cast, trader):
    order = f.accepted_payout(cast)
    drafts = [up(trader).text for _ in range(FILES_MAX)]
    answer = pay(trader, order, drafts, receipt=FileStorage(BytesIO(f.picture()), "six.png"))
    assert (answer.status_code, "Attach five files at most." in answer.text) == (422, True)
    assert pay(trader, order, drafts).status_code == 303


def test_nobody_uploads_without_a_login_or_a_token(client, trader):
    assert up(people.stranger(client.application)).status_code in (303, 403)
    trader.token = "wrong"
    assert up(trader).status_code == 403


def test_a_form_that_is_sent_again_leaves_no_bytes_of_its_own(app, cast, trader):
    """Its files are put away before it is known that it was sent before."""
    order = f.accepted_payout(cast)
    content, key, held = f.picture(), secrets.token_hex(16), bytes_held(app)

    def sent():
        return pay(trader, order, [], receipt=FileStorage(BytesIO(content), "r.png"), idempotency_key=key)

    assert [sent().status_code, sent().status_code] == [303, 303]
    assert len(bytes_held(app) - held) == 1


def test_a_row_whose_commit_was_not_answered_keeps_its_bytes(fresh_database, redis_url, tmp_path):
    """Seen as a receipt without a file: the commit had come about, its answer had not, and the bytes were dropped."""
    with wire_to(os.environ["DATABASE_URL"]) as wire, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FILES_FOLDER", str(tmp_path))
        patch.setenv("DATABASE_URL", wire.url(os.environ["DATABASE_URL"]))
        with _application(fresh_database, redis_url) as app, _in_context(app), ThreadPoolExecutor(1) as one:
            seat = people.seat(app, people.person("trader"))
            wire.stop_at(Stop("web", "INSERT INTO files", "committed"))
            answer = one.submit(up, seat)
            wait_for(lambda: wire.stands, "it is committed")
            wire.close_lines()
            assert answer.result(10).status_code == 503
            wire.let_go()
            with f.look() as session:
                [row] = session.query(files.File).all()
            assert files.storage().get(row.storage_key)


def bytes_held(app):
    folder = Path(app.extensions["settings"].files_folder)
    return {path.name for path in folder.rglob("*") if path.is_file()}
