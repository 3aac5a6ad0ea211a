"""Payouts over JSON: out of the store's balance to a card, an account or a phone."""
from flask import Response

from portal.core.access import Permission
from portal.core.errors import NotFound
from portal.core.lifecycle import InvalidTransition
from portal.files import BadFile, ScannerAway, StorageAway, TooManyFiles, UploadsBusy
from portal.gateway import orders, rate_limits, receipts, schemas
from portal.gateway.auth import caller
from portal.gateway.endpoint import call, shown
from portal.gateway.errors import NotMultipart, Overloaded, TooManyWaits
from portal.gateway.filters import PayoutQuery
from portal.gateway.waiting import OrderWait, hold
from portal.ledger import InsufficientFunds
from portal.ledger.stops import MoneyOutStopped
from portal.orders import payouts, service, view
from portal.orders.commands import CancelOrder, ConfirmPayout, CreatePayout
from portal.orders.intake.create import ExternalIdTaken
from portal.orders.receipts import NothingToShow, TooManyReceipts
from portal.orders.states import Direction
from portal.reference import RateUnavailable
from portal.reference.pauses import DeskPaused, PartlyPaused
from portal.tariffs import AmountTooSmall
from portal.test_mode.advance import Advance, AdvanceOrder, TestOnly, advance, refuse_live


@call("POST", "/payouts", Permission.PAYOUT_CREATE, summary="Send a payment to somebody", body=CreatePayout,
      answer=schemas.Payout, status=201, moves_money=True,
      errors=(ExternalIdTaken, RateUnavailable, AmountTooSmall, InsufficientFunds, DeskPaused, PartlyPaused,
              MoneyOutStopped))
def create_payout() -> Response:
    return orders.take_in(CreatePayout)


@call("GET", "/payouts", Permission.ORDER_READ, summary="Payouts, newest first, numbers masked", query=PayoutQuery,
      answer=schemas.Page[schemas.Payout])
def list_payouts() -> Response:
    return orders.page_of(Direction.PAYOUT)


@call("GET", "/payouts/<payout_id>", Permission.ORDER_READ, summary="A payout, its number masked",
      answer=schemas.Payout, query=OrderWait, errors=(NotFound, TooManyWaits, Overloaded))
def get_payout(payout_id: str) -> Response:
    order = orders.found(Direction.PAYOUT, payout_id)
    hold(order)
    return shown(orders.for_its_reader(view.public(order)))


@call("POST", "/payouts/<payout_id>/cancel", Permission.PAYOUT_CREATE,
      summary="Call it off before a trader takes it on", body=schemas.Empty, answer=schemas.Payout,
      errors=(NotFound, InvalidTransition))
def cancel_payout(payout_id: str) -> Response:
    return orders.act(Direction.PAYOUT, payout_id, CancelOrder, service.cancel)


@call("POST", "/payouts/<payout_id>/confirm", Permission.PAYOUT_CREATE, summary="The recipient has the money",
      body=schemas.Empty, answer=schemas.Payout, errors=(NotFound, InvalidTransition))
def confirm_payout(payout_id: str) -> Response:
    return orders.act(Direction.PAYOUT, payout_id, ConfirmPayout, payouts.confirm)


@call("POST", "/payouts/<payout_id>/receipts", Permission.PAYOUT_CREATE, summary="Show what came of a payout",
      answer=schemas.Receipts, status=201, takes_files=True,
      errors=(NotFound, NotMultipart, BadFile, UploadsBusy, ScannerAway, StorageAway, NothingToShow, TooManyReceipts,
              TooManyFiles))
def add_payout_receipts(payout_id: str) -> Response:
    return receipts.take(Direction.PAYOUT, payout_id)


@call("POST", "/payouts/<payout_id>/advance", Permission.PAYOUT_CREATE, summary="Move a test payout's clock on",
      body=Advance, answer=schemas.Payout, errors=(NotFound, TestOnly))
def advance_payout(payout_id: str) -> Response:
    refuse_live(caller())
    rate_limits.check_advance(caller().store_id)
    return orders.act(Direction.PAYOUT, payout_id, AdvanceOrder, advance, body=Advance)
