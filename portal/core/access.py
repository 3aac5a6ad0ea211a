"""Who may do what. A check names a permission, never a role; the guard in `web` and `gateway` enforces it."""
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

View = TypeVar("View", bound=Callable[..., Any])


class Role(StrEnum):
    """What kind of person a user is; decides the area they land in and the records they may see."""

    MERCHANT = "merchant"
    TRADER = "trader"
    SUPPORT = "support"
    ADMIN = "admin"


class ActorKind(StrEnum):
    USER = "user"
    KEY = "key"  # an API key of a store
    CUSTOMER = "customer"  # through a payment link
    APPLICANT = "applicant"  # a stranger who wants to join, by the key of his form
    SYSTEM = "system"


class Permission(StrEnum):
    """`noun:verb`. Stored as text on users and keys; a rename needs a migration."""

    # the three portals
    MERCHANT_PORTAL = "merchant:enter"
    TRADER_PORTAL = "trader:enter"
    ADMIN_PORTAL = "admin:enter"
    PROFILE = "profile:manage"
    # orders
    ORDER_READ = "order:read"
    ORDER_CREATE = "order:create"
    ORDER_CANCEL = "order:cancel"
    ORDER_MARK_PAID = "order:mark_paid"
    ORDER_CONFIRM = "order:confirm"
    ORDER_DECLINE = "order:decline"
    ORDER_CONFIRM_ANY = "order:confirm_any"  # staff, on behalf of the trader
    ORDER_CANCEL_ANY = "order:cancel_any"
    DISPUTE_OPEN = "dispute:open"  # and to speak in one
    DISPUTE_DECIDE = "dispute:decide"
    # instruments, people and stores
    REQUISITE_READ = "requisite:read"
    REQUISITE_MANAGE = "requisite:manage"
    SHIFT_MANAGE = "shift:manage"
    PARTY_READ = "party:read"
    PARTY_MANAGE = "party:manage"
    APPLICATION_READ = "application:read"  # who wants to join, with their documents
    APPLICATION_MANAGE = "application:manage"
    USER_READ = "user:read"
    USER_MANAGE = "user:manage"
    # money
    BALANCE_READ = "balance:read"
    LEDGER_READ = "ledger:read"
    CLOSING_SIGN = "closing:sign"
    DEPOSIT_REQUEST = "deposit:request"
    WITHDRAWAL_REQUEST = "withdrawal:request"
    WITHDRAWAL_DECIDE = "withdrawal:decide"
    WITHDRAWAL_SEND = "withdrawal:send"
    TREASURY_READ = "treasury:read"  # staff: everybody's deposits and withdrawals
    ADJUSTMENT_REQUEST = "adjustment:request"  # staff: adjustments and reversals
    TRANSFER_CREATE = "transfer:create"  # a merchant, between its own stores
    RESULT_READ = "result:read"  # what the desk itself earns
    # four eyes
    APPROVAL_READ = "approval:read"
    APPROVAL_DECIDE = "approval:decide"
    # integration
    WEBHOOK_READ = "webhook:read"
    WEBHOOK_MANAGE = "webhook:manage"
    KEY_READ = "key:read"
    KEY_MANAGE = "key:manage"
    REFERENCE_READ = "reference:read"
    REFERENCE_MANAGE = "reference:manage"
    # risk
    RISK_READ = "risk:read"
    RISK_DECIDE = "risk:decide"  # orders in review
    RISK_MANAGE = "risk:manage"  # rules and lists
    # running it
    DESK_PAUSE = "desk:pause"
    JOB_READ = "job:read"
    JOB_MANAGE = "job:manage"
    AUDIT_READ = "audit:read"
    PRIVACY_MANAGE = "privacy:manage"  # personal data: exports, erasures, legal holds
    PAYOUT_CREATE = "payout:create"


P = Permission
N_ = str  # marks a sentence for translation
_TRADER = {P.TRADER_PORTAL, P.PROFILE, P.ORDER_READ, P.ORDER_CONFIRM, P.ORDER_DECLINE, P.REQUISITE_READ,
           P.REQUISITE_MANAGE, P.SHIFT_MANAGE, P.BALANCE_READ, P.DEPOSIT_REQUEST, P.WITHDRAWAL_REQUEST, P.DISPUTE_OPEN}
_VIEWER = {P.MERCHANT_PORTAL, P.PROFILE, P.ORDER_READ}
_FINANCE = _VIEWER | {P.DISPUTE_OPEN, P.BALANCE_READ, P.DEPOSIT_REQUEST, P.WITHDRAWAL_REQUEST, P.TRANSFER_CREATE}
_DEVELOPER = _VIEWER | {P.KEY_READ, P.KEY_MANAGE, P.WEBHOOK_READ, P.WEBHOOK_MANAGE}
_READONLY = {P.ADMIN_PORTAL, P.PROFILE, P.ORDER_READ, P.PARTY_READ, P.REQUISITE_READ, P.APPROVAL_READ, P.RISK_READ}
_SUPPORT_ORDERS = _READONLY | {P.ORDER_CONFIRM_ANY, P.ORDER_CANCEL_ANY, P.WEBHOOK_READ, P.RISK_DECIDE, P.DISPUTE_OPEN,
                               P.DISPUTE_DECIDE}
_SUPPORT_TRADERS = _READONLY | {P.REQUISITE_MANAGE, P.SHIFT_MANAGE, P.BALANCE_READ, P.TREASURY_READ}
_ADMIN = (_SUPPORT_ORDERS | _SUPPORT_TRADERS | {
    P.PARTY_MANAGE, P.APPLICATION_READ, P.APPLICATION_MANAGE, P.USER_READ, P.LEDGER_READ,
    P.DEPOSIT_REQUEST, P.WITHDRAWAL_DECIDE, P.WITHDRAWAL_SEND,
    P.ADJUSTMENT_REQUEST, P.RESULT_READ, P.CLOSING_SIGN, P.APPROVAL_DECIDE, P.KEY_READ,
    P.REFERENCE_READ, P.REFERENCE_MANAGE, P.RISK_MANAGE, P.DESK_PAUSE, P.JOB_READ, P.JOB_MANAGE, P.AUDIT_READ,
    P.PRIVACY_MANAGE})

TEMPLATES: dict[str, frozenset[Permission]] = {
    "super_admin": frozenset(_ADMIN | {P.USER_MANAGE}),
    "admin": frozenset(_ADMIN),
    "support_orders": frozenset(_SUPPORT_ORDERS),
    "support_traders": frozenset(_SUPPORT_TRADERS),
    "support_readonly": frozenset(_READONLY),
    "merchant_owner": frozenset(_FINANCE | _DEVELOPER | {P.ORDER_CANCEL, P.PAYOUT_CREATE}),
    "merchant_finance": frozenset(_FINANCE | {P.PAYOUT_CREATE}),
    "merchant_developer": frozenset(_DEVELOPER),
    "merchant_viewer": frozenset(_VIEWER),
    "trader": frozenset(_TRADER),
}
"""A template fills in a user's own permission rows when the user is made; the rows decide from then on."""

SCOPES: dict[str, frozenset[Permission]] = {
    "orders:read": frozenset({P.ORDER_READ}),
    "orders:write": frozenset({P.ORDER_CREATE, P.ORDER_CANCEL, P.ORDER_MARK_PAID, P.DISPUTE_OPEN}),
    "payouts:write": frozenset({P.PAYOUT_CREATE, P.DISPUTE_OPEN}),
    "balance:read": frozenset({P.BALANCE_READ}),
    "webhooks:manage": frozenset({P.WEBHOOK_READ, P.WEBHOOK_MANAGE}),
    "reference:read": frozenset({P.REFERENCE_READ}),
}
"""What an API key may hold, and the permissions each scope stands for."""

SCOPE_WORDS: dict[str, str] = {
    "orders:read": N_("see orders"), "orders:write": N_("make, cancel and mark payins"),
    "payouts:write": N_("make payouts"), "balance:read": N_("see balance and statement"),
    "webhooks:manage": N_("endpoints and deliveries"), "reference:read": N_("currencies, methods, banks, rates")}
"""The same for people: on the page where a key is made and in the OpenAPI document."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who does a thing, from where. Made once by a door, carried into every service and every event row."""

    kind: ActorKind
    id: UUID | None = None  # user or key; None for customer and system
    role: Role | None = None
    name: str = ""  # an e-mail, a key's name: for people to read
    permissions: frozenset[Permission] = frozenset()
    merchant_id: UUID | None = None
    trader_id: UUID | None = None
    store_id: UUID | None = None  # a key's store
    order_id: UUID | None = None  # a customer's order: all a payment link opens
    live: bool | None = None  # a key's mode; None sees both
    address: str | None = None  # IP
    request_id: str | None = None
    locale: str = "en"
    time_zone: str = "UTC"
    details: dict[str, str] = field(default_factory=dict, compare=False)

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def may_open_links(self) -> bool:
        """A payment link cancels, claims and shows the number in full: it is told to those who may do that anyway."""
        return self.may(Permission.ORDER_CANCEL) or self.may(Permission.ORDER_MARK_PAID)

    @property
    def is_staff(self) -> bool:
        return self.role in (Role.SUPPORT, Role.ADMIN)

    @property
    def is_owner(self) -> bool:
        """Of a merchant or a trader: who asks the desk for something of their own."""
        return self.role in (Role.MERCHANT, Role.TRADER)

    @property
    def is_system(self) -> bool:
        return self.kind is ActorKind.SYSTEM


SYSTEM = Actor(kind=ActorKind.SYSTEM, name="system", permissions=frozenset(Permission))


def requires(permission: Permission, *, step_up: bool = False) -> Callable[[View], View]:
    """Mark a view with the permission it needs. The app refuses to start with an unmarked view.

    `step_up`: whoever asks for this act has shown within five minutes, for this very act, that it is still they.
    """

    def mark(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        view.step_up = step_up  # type: ignore[attr-defined]
        return view

    return mark
