"""Receipts of an order: the payer's by the payment page, flagged where they stand elsewhere, never agreed to alone."""
from io import BytesIO
from secrets import token_hex

import pikepdf
import pytest
from PIL import Image, ImageDraw
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from portal import files
from portal.core.access import ActorKind
from portal.orders import payment_links, receipts
from portal.treasury import deposits
from portal.treasury.commands import Retract
from tests import factories as f
from tests import people
from tests.treasury import acts


@pytest.fixture
def cast(app):
    made = f.new_cast()
    made.requisite(payout=True)
    return made


def link(order):
    return f"/pay/{payment_links.token_of(order.id)}"


def send(client, order, act, *, token=None, **fields):
    fields = {"csrf_token": payment_links.form_token_of(order.id) if token is None else token} | fields
    boundary, body = encode_multipart(fields)
    return client.post(f"{link(order)}/{act}", data=body, content_type=f"multipart/form-data; boundary={boundary}")


def receipt(content=None, name="receipt.png"):
    return FileStorage(BytesIO(f.picture() if content is None else content), name)


def test_the_payer_pays_and_shows_it_in_one_form_without_a_script_or_cookies(app, cast):
    order, payer = f.assigned_payin(cast), app.test_client(use_cookies=False)
    assert 'name="receipt"' in payer.get(link(order)).text
    assert send(payer, order, "claim", receipt=receipt()).status_code == 303
    assert f.fresh(order).status == "paid"
    assert f.receipts_of(order) == ["receipt.png"]
    assert "receipt.png" in payer.get(link(order)).text


def test_what_went_up_before_is_named_by_the_form(client, cast):
    order = f.paid_payin(cast)
    draft = send(client, order, "files", file=receipt(name="shot.png"))
    assert draft.status_code == 201
    assert send(client, order, "receipts", draft=draft.text).status_code == 303
    assert f.receipts_of(order) == ["shot.png"]


def test_a_file_that_cannot_be_taken_leaves_the_claim_to_be_said_again(client, cast):
    order = f.assigned_payin(cast)
    answer = send(client, order, "claim", receipt=receipt(b"<html>", "a.png"))
    assert answer.status_code == 422
    assert "“a.png” is no picture or PDF that can be read." in answer.text
    assert f.fresh(order).status == "assigned"
    assert send(client, order, "claim").status_code == 303


def test_a_link_takes_files_of_its_own_forms_only(client, cast):
    order, other = f.paid_payin(cast, "1500.00"), f.paid_payin(cast, "1510.00")
    assert send(client, order, "files", file=receipt(), token="x").status_code == 403
    draft = send(client, other, "files", file=receipt()).text
    assert send(client, order, "receipts", draft=draft).status_code == 422
    assert send(client, order, f"files/{draft}/removal").status_code == 404
    assert f.receipts_of(order) == []


def test_who_lost_the_order_does_not_see_them(app, cast):
    order = f.paid_payin(cast)
    former = people.seat(app, people.person("trader", trader_id=cast.traders[0].id))
    send(app.test_client(), order, "receipts", receipt=receipt())
    with f.look() as session:
        file, = files.of(session, "order", [order.id])[order.id]
    assert file.brought_by == ActorKind.CUSTOMER
    assert former.get(f"/files/{file.public_id}").status_code == 200
    f.change(f.fresh(order), assignment_id=None)
    assert former.get(f"/files/{file.public_id}").status_code == 404


def test_the_same_picture_on_a_second_order_is_before_staff_with_the_other(app, client, cast):
    """A payin's on a payin, and on a payout: in both directions, by content or by how it looks."""
    content = f.picture()
    first, second = f.paid_payin(cast, "1500.00"), f.paid_payin(cast, "1510.00")
    payout = f.accepted_payout(cast, "1520.00")
    send(client, first, "receipts", receipt=receipt(content))
    assert f.fresh(first).needs_attention_at is None
    send(client, second, "receipts", receipt=receipt(content, "again.png"))
    assert f.fresh(second).needs_attention_at is not None
    trader = people.seat(app, people.person("trader", trader_id=cast.traders[0].id))
    boundary, body = encode_multipart({"csrf_token": trader.token, "receipt": receipt(content),
                                       "assignment_id": f.assignment_of(payout).public_id})
    trader.post(f"/trader/payouts/{payout.public_id}/payment", data=body,
                content_type=f"multipart/form-data; boundary={boundary}")
    staff = people.seat(app, people.person("support_readonly"))
    for one, others in ((first, (second, payout)), (second, (first, payout)), (payout, (first, second))):
        page = staff.get(f"/admin/orders/{one.public_id}").text
        assert "The same receipt stands on another order." in page
        assert all(other.public_id in page for other in others)


def test_a_picture_pressed_again_and_made_smaller_is_the_same_receipt(app, client, cast):
    """Not one byte of it is the same."""
    first, second, fair = (f.paid_payin(cast, f"{amount}.00") for amount in (1500, 1510, 1520))
    sent = broad_shapes()
    for order, content in ((first, encoded(sent, "PNG")), (second, encoded(sent.resize((300, 400)), "JPEG")),
                           (fair, encoded(broad_shapes(), "JPEG"))):
        assert send(client, order, "receipts", receipt=receipt(content)).status_code == 303
    assert f.fresh(fair).needs_attention_at is None
    assert f.fresh(second).needs_attention_at is not None
    staff = people.seat(app, people.person("support_readonly"))
    page = staff.get(f"/admin/orders/{second.public_id}").text
    assert "The same receipt stands on another order." in page
    assert first.public_id in page
    assert fair.public_id not in page


def broad_shapes():
    """As a photograph has."""
    return Image.effect_noise((9, 12), 200).convert("RGB").resize((600, 800))


def encoded(picture, kind, **how):
    out = BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


def test_a_receipt_that_stands_elsewhere_agrees_to_nothing_by_itself(app, client, cast):
    """A store that lets the receipt decide is asked itself where the receipt has been seen before."""
    f.change(cast.store, payout_confirm="at_once")
    content, order = f.picture(), f.paid_payin(cast, "1500.00")
    send(client, order, "receipts", receipt=receipt(content))
    fair, reused = f.accepted_payout(cast, "1510.00"), f.accepted_payout(cast, "1520.00")
    trader = people.seat(app, people.person("trader", trader_id=cast.traders[0].id))
    for payout, shown in ((fair, f.picture()), (reused, content)):
        boundary, body = encode_multipart({"csrf_token": trader.token, "receipt": receipt(shown),
                                           "assignment_id": f.assignment_of(payout).public_id})
        trader.post(f"/trader/payouts/{payout.public_id}/payment", data=body,
                    content_type=f"multipart/form-data; boundary={boundary}")
    assert (f.fresh(fair).status, f.fresh(reused).status) == ("confirmed", "paid")
    assert f.fresh(reused).needs_attention_at is not None


def test_copies_on_deposits_do_not_hide_the_one_on_a_payout(app, cast):
    """Twenty older copies were all that was looked at: who had put them on deposits and taken those back was seen
    nowhere, and one receipt paid for any number of payouts."""
    f.change(cast.store, payout_confirm="at_once")
    sent, trader = f.picture(), f.as_trader(cast.traders[0])
    for _ in range(4):
        told = acts.tell(trader, cast, pictures=[sent] * 5)
        with f.act() as session:
            deposits.retract(session, trader, Retract(deposit_id=told.public_id))
    payouts = [f.accepted_payout(cast, f"{1500 + n}.00") for n in range(3)]
    done = [f.pay(trader, one, receipts=[f.upload(trader, sent).public_id]).status for one in payouts]
    assert done == ["confirmed", "paid", "paid"]
    assert [f.fresh(one).needs_attention_at is None for one in payouts] == [True, False, False]


def test_copies_on_the_order_itself_do_not_hide_the_one_on_another(cast):
    """Twenty from its payer's side, all older than the one it was to be seen on."""
    content, order, other = f.picture(), f.paid_payin(cast, "1500.00"), f.paid_payin(cast, "1510.00")
    for _ in range(4):
        show(cast, order, [content] * 5)
    show(cast, other, [content])
    with f.look() as session:
        kept = receipts.of(session, order)
        assert len(kept) == receipts.RECEIPTS_MAX
        where = receipts.elsewhere(session, order, kept)
    assert {id: [one.id for _, one in there] for id, there in where.items()} == {one.id: [other.id] for one in kept}


def show(cast, order, pictures):
    payer = cast.customer(order)
    shown = tuple(f.upload(payer, one).public_id for one in pictures)
    with f.act() as session:
        receipts.add(session, payer, receipts.AddReceipts(order_id=order.public_id, files=shown))


@pytest.mark.parametrize("again", ["the same bytes", "pressed again"])
def test_of_one_receipt_shown_for_six_payouts_at_once_one_is_taken(app, cast, again):
    """None of six transactions saw another's receipt, and each of six payouts was agreed to by itself."""
    f.change(cast.store, payout_confirm="at_once")
    sent, trader = broad_shapes(), cast.traders[0]
    payouts = [f.accepted_payout(cast, f"{1500 + n}.00") for n in range(6)]
    shown = [encoded(sent, "PNG") if again == "the same bytes" else encoded(sent, "JPEG", quality=80 + n)
             for n in range(len(payouts))]
    drafts = [f.upload(f.as_trader(trader), one).public_id for one in shown]
    done = f.at_the_same_time(app, [
        lambda order=order, draft=draft: f.pay(f.as_trader(trader), order, receipts=[draft]).status
        for order, draft in zip(payouts, drafts, strict=True)])
    assert sorted(map(str, done)) == ["confirmed"] + ["paid"] * 5
    assert [f.fresh(one).needs_attention_at is None for one in payouts].count(True) == 1


def agreed_to(cast, *shown):
    """What becomes of payouts for which one trader shows these, one after the other, where the receipt decides."""
    f.change(cast.store, payout_confirm="at_once")
    trader = f.as_trader(cast.traders[0])
    payouts = [f.accepted_payout(cast, f"{1500 + n}.00") for n in range(len(shown))]
    return [f.pay(trader, one, receipts=[f.upload(trader, content).public_id]).status
            for one, content in zip(payouts, shown, strict=True)]


def test_what_lies_behind_a_transparent_ground_makes_no_other_receipt(app, cast):
    """Everybody saw one receipt, and the desk compared what nobody saw: it paid for any number of payouts."""
    shown = [behind_glass(Image.effect_noise((9, 8), 200)) for _ in range(3)]
    assert agreed_to(cast, *shown) == ["confirmed", "paid", "paid"]


def behind_glass(hidden):
    """A receipt of which only the lines are there; the ground lets through, and below it lies this."""
    picture = hidden.resize((360, 640), Image.Resampling.NEAREST).convert("RGBA")
    picture.putalpha(0)
    draw = ImageDraw.Draw(picture)
    for line in range(12):
        draw.rectangle((40, 30 + 50 * line, 90 + line * 53 % 240, 60 + 50 * line), fill="black")
    return encoded(picture, "PNG")


def test_a_document_saved_once_more_is_the_same_receipt(app, cast):
    """One more byte behind its end, or another title, and it was another one."""
    sent = document()
    with pikepdf.open(BytesIO(sent)) as again:
        again.docinfo["/Title"] = "Receipt of today"
        out = BytesIO()
        again.save(out, linearize=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    shown = (sent, sent + b"\n%", out.getvalue(), document())
    assert agreed_to(cast, *shown) == ["confirmed", "paid", "paid", "confirmed"]


def document():
    """A receipt that no other test has."""
    made, out = pikepdf.new(), BytesIO()
    made.add_blank_page().Contents = made.make_stream(f"BT ({token_hex(8)}) Tj ET".encode())
    made.save(out)
    return out.getvalue()
