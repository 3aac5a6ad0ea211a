"""Payins over JSON: the same services that stand behind the pages."""
from flask import Response

from portal.core.access import Permission
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.core.lifecycle import InvalidTransition
from portal.files import BadFile, ScannerAway, StorageAway, TooManyFiles, UploadsBusy
from portal.gateway import orders, payin_answers, rate_limits, receipts, schemas
from portal.gateway.auth import caller
from portal.gateway.endpoint import call, shown
from portal.gateway.errors import NotMultipart, Overloaded, TooManyWaits
from portal.gateway.filters import PayinQuery
from portal.gateway.waiting import OrderWait, hold
from portal.orders import service
from portal.orders.commands import CancelOrder, CreatePayin, MarkPaid
from portal.orders.intake.create import ExternalIdTaken
from portal.orders.receipts import NothingToShow, TooManyReceipts
from portal.orders.service import OrderExpired
from portal.orders.states import Direction
from portal.reference import RateUnavailable
from portal.reference.pauses import DeskPaused, PartlyPaused
from portal.tariffs import AmountTooSmall
from portal.test_mode.advance import Advance, AdvanceOrder, TestOnly, advance, refuse_live


@call("POST", "/payins", Permission.ORDER_CREATE, summary="Take a payment from a customer", body=CreatePayin,
      answer=schemas.Payin, status=201, moves_money=True,
      errors=(ExternalIdTaken, RateUnavailable, AmountTooSmall, DeskPaused, PartlyPaused))
def create_payin() -> Response:
    return orders.take_in(CreatePayin)


@call("GET", "/payins", Permission.ORDER_READ, summary="Payins, newest first, numbers masked", query=PayinQuery,
      answer=schemas.Page[schemas.Payin])
def list_payins() -> Response:
    return orders.page_of(Direction.PAYIN)


@call("GET", "/payins/<payin_id>", Permission.ORDER_READ, summary="A payin, its requisite in full while it can be paid",
      answer=schemas.Payin, query=OrderWait, errors=(NotFound, TooManyWaits, Overloaded))
def get_payin(payin_id: str) -> Response:
    order = orders.found(Direction.PAYIN, payin_id)
    hold(order)
    return shown(orders.for_its_reader(payin_answers.in_full(reader(), order)))


@call("POST", "/payins/<payin_id>/cancel", Permission.ORDER_CANCEL, summary="Call it off while no money has moved",
      body=schemas.Empty, answer=schemas.Payin, errors=(NotFound, InvalidTransition))
def cancel_payin(payin_id: str) -> Response:
    return orders.act(Direction.PAYIN, payin_id, CancelOrder, service.cancel)


@call("POST", "/payins/<payin_id>/mark-paid", Permission.ORDER_MARK_PAID, summary="The customer says it is paid",
      body=schemas.Empty, answer=schemas.Payin, errors=(NotFound, InvalidTransition, OrderExpired))
def mark_payin_paid(payin_id: str) -> Response:
    return orders.act(Direction.PAYIN, payin_id, MarkPaid, service.mark_paid)


@call("POST", "/payins/<payin_id>/receipts", Permission.ORDER_MARK_PAID, summary="Show that the customer has paid",
      answer=schemas.Receipts, status=201, takes_files=True,
      errors=(NotFound, NotMultipart, BadFile, UploadsBusy, ScannerAway, StorageAway, NothingToShow, TooManyReceipts,
              TooManyFiles))
def add_payin_receipts(payin_id: str) -> Response:
    return receipts.take(Direction.PAYIN, payin_id)


@call("POST", "/payins/<payin_id>/advance", Permission.ORDER_MARK_PAID, summary="Move a test payin's clock on",
      body=Advance, answer=schemas.Payin, errors=(NotFound, TestOnly))
def advance_payin(payin_id: str) -> Response:
    refuse_live(caller())
    rate_limits.check_advance(caller().store_id)
    return orders.act(Direction.PAYIN, payin_id, AdvanceOrder, advance, body=Advance)
